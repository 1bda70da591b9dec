"""The memory of a population: alignment, lanes, parameters."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.circuits.memory import (
    CACHE_LINE,
    address,
    aligned_zeros,
    from_lanes,
    into_lanes,
    memory_of,
)
from neurallayers.circuits.populations import Population
from neurallayers.circuits.sources import PoissonSpikes
from neurallayers.dynamics.kernels.blocks import LANES, STATE
from neurallayers.dynamics.neurons.integrate_and_fire import LeakyIntegrateAndFire


@settings(deadline=None, derandomize=True, database=None)
@given(st.integers(1, 1500))
def test_cells_go_into_lanes_and_come_back(n: int) -> None:
    lanes = np.full((-(-n // LANES), LANES), -1.0)
    values = np.arange(n, dtype=np.float64)
    into_lanes(values, lanes)
    assert np.array_equal(lanes.reshape(-1)[:n], values)
    assert (lanes.reshape(-1)[n:] == -1.0).all()
    back = np.empty(n)
    from_lanes(lanes, back)
    assert np.array_equal(back, values)


@pytest.mark.parametrize("numbers", [np.float32, np.float64])
def test_memory_begins_at_a_cache_line(numbers: type) -> None:
    for many in range(1, 20):
        zeros = aligned_zeros((many, 3, 5), numbers)
        assert address(zeros) % CACHE_LINE == 0
        assert zeros.shape == (many, 3, 5)
        assert zeros.dtype == numbers
        assert not zeros.any()


def test_parameters_alike_are_shared_and_others_are_rows() -> None:
    alike = LeakyIntegrateAndFire(300, dt_ms=0.1, tau_ms=20.0, resistance_mohm=100.0)
    mixed = LeakyIntegrateAndFire(
        300, dt_ms=0.1, tau_ms=torch.linspace(10.0, 30.0, 300).double(), resistance_mohm=100.0
    )
    receptors = {"ampa": "NMDA"}
    shared = memory_of(Population("a", alike, 0.1), 3, 2, torch.float64)
    assert shared.blocks.shape == (2, STATE + 2, LANES)
    assert shared.arrivals.shape == (3, 2, 1, LANES)
    assert shared.fired.shape == (2, 2, 2 * LANES)
    assert shared.parameters.tolist() == alike.kernel_parameters().tolist()
    own = memory_of(Population("b", mixed, 0.1), 1, 2, torch.float64)
    parameters = mixed.kernel_parameters()
    assert own.blocks.shape[1] == STATE + 2 + len(parameters)
    assert np.array_equal(own.row(STATE + 2), parameters[0].numpy())
    assert own.kernel != shared.kernel
    conducting = LeakyIntegrateAndFire(
        2, dt_ms=0.1, tau_ms=20.0, resistance_mohm=100.0, synaptic_input="conductance"
    )
    assert memory_of(Population("c", conducting, 0.1, receptors), 1, 2, torch.float32).before == 2


def test_a_source_has_no_kernel() -> None:
    assert memory_of(Population("s", PoissonSpikes(3, 1.0), 0.1), 1, 2, torch.float64).kernel == 0
