"""Blocks of neurons advanced by compiled equations of any model."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest
import torch

from neurallayers.dynamics.arithmetic import equation, maximum
from neurallayers.dynamics.kernels.blocks import LANES, SPIKES, STATE
from neurallayers.dynamics.neurons import AdEx, Izhikevich, LeakyIntegrateAndFire
from neurallayers.dynamics.neurons.population import block_kernel, run_population


@equation
def counting_step(state: Any, drive: Any, conductance: Any, p: Any) -> Any:
    """Counts up by drive and conductance, and fires at p[0]; p[1] is what it keeps."""
    count, fired = state
    count = count + drive + 2.0 * conductance
    return count - p[0], (count, fired), (count * p[1], maximum(fired, 0.0) + 1.0)


def advance(kernel: Any, block: np.ndarray, parameters: np.ndarray) -> None:
    dtype = torch.float64 if block.dtype == np.float64 else torch.float32
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(kernel.address(dtype))
    function(block.ctypes.data, parameters.ctypes.data)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("per_neuron", [False, True])
def test_a_block_is_advanced_in_place(per_neuron: bool, dtype: type) -> None:
    block = np.zeros((STATE + 2 + 2 * per_neuron, LANES), dtype)
    block[0], block[1] = np.arange(LANES), 0.5
    if per_neuron:
        block[STATE + 2], block[STATE + 3] = 100.0, 0.5
    kernel = block_kernel(counting_step, 2, 2, per_neuron, 1, ())
    advance(kernel, block, np.array([100.0, 0.5], dtype))
    reached = np.arange(LANES) + 1.0
    fired = reached >= 100.0
    assert (block[SPIKES] == fired).all()
    assert (block[STATE] == np.where(fired, 0.5 * reached, reached)).all()
    assert (block[STATE + 1] == fired).all()


def test_with_substeps_a_neuron_fires_that_fires_in_any() -> None:
    block = np.zeros((STATE + 2, LANES))
    block[0] = np.arange(LANES)
    kernel = block_kernel(counting_step, 2, 2, False, 3, ())
    advance(kernel, block, np.array([100.0, 0.0]))
    assert (block[SPIKES] == (3 * np.arange(LANES) >= 100.0)).all()
    assert block[STATE + 1].max() == 3.0, "three times in one step, sent once"


def test_a_kernel_is_made_once_for_each_model_and_variant() -> None:
    one, two = LeakyIntegrateAndFire(3), LeakyIntegrateAndFire(9, tau_ms=3.0)
    assert one.kernel(False) is two.kernel(False)
    assert one.kernel(False) is not one.kernel(True)
    assert AdEx(3).kernel(False) is not AdEx(3, substeps=2).kernel(False)
    published = Izhikevich(3, scheme="published")
    assert Izhikevich(3).kernel(False).address(torch.float64) != published.kernel(False).address(
        torch.float64
    )


def test_a_run_reads_frames_in_order_and_records_what_is_asked() -> None:
    neurons = LeakyIntegrateAndFire(2, refractory_ms=0.0)
    xs = torch.tensor([[[0.0, 0.0]], [[5e5, 0.0]], [[0.0, 5e5]]], dtype=torch.float64)
    state = neurons.initial_state(1, torch.float64)
    spikes, final, traces = run_population(
        neurons.kernel, neurons.kernel_parameters(), xs, state, 3, [0]
    )
    assert spikes[:, 0].tolist() == [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    assert len(final) == 2
    assert traces[0].shape == (3, 1, 2)
    assert torch.equal(traces[0][-1], final[0])
    assert torch.equal(state.membrane_potential, torch.full((1, 2), -65.0, dtype=torch.float64))
