"""The step of a living neuron against one system of equations, solved by scipy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.dynamics.membrane.neuron_reference import ORDER, derivative, solved, vector

from neurallayers.dynamics.membrane.biophysical import BiophysicalNeuron
from neurallayers.dynamics.membrane.biophysics import (
    BiophysicalState,
    MembraneConstants,
    calcium_at_release,
    calcium_gate,
    exchanged_with_bath,
)
from neurallayers.state import map_state


def newborn(cell: BiophysicalNeuron) -> BiophysicalState:
    """In double precision from the beginning."""
    one = torch.ones(1, 1, dtype=torch.float64)
    state = map_state(lambda part: part * one, cell.resting)
    return state._replace(watch=cell.initial_state().watch)


def frame(current_ua_cm2: float) -> torch.Tensor:
    return torch.full((1, 1, 1), current_ua_cm2, dtype=torch.float64)


def test_the_newborn_is_at_rest_by_the_equations_of_the_papers() -> None:
    cell = BiophysicalNeuron(1)
    rates = derivative(vector(newborn(cell)), 0.0, 1.0, cell.constants)
    assert np.abs(rates).max() < 1e-10


@pytest.mark.parametrize(("current", "supply"), [(10.0, 1.0), (3.0, 1.0), (10.0, 0.0)])
def test_a_life_is_that_of_the_equations(current: float, supply: float) -> None:
    """Spike times to 0.01 ms, and every pool after 50 ms."""
    dt_ms, duration_ms = 0.005, 50.0
    cell = BiophysicalNeuron(1, dt_ms=dt_ms)
    start = cell.with_supply(newborn(cell), oxygen=supply, glucose=supply)
    spikes, state = cell.run(frame(current), start, steps=round(duration_ms / dt_ms))
    expected, times = solved(vector(start), current, supply, duration_ms, cell.constants)
    found = (spikes.flatten().nonzero().flatten().numpy() + 0.5) * dt_ms
    assert len(found) == len(times)
    assert found == pytest.approx(times, abs=0.01)
    # The gates of the state are half a step behind, so they are held by the spike times. The cleft
    # decays within 0.5 ms, so that 0.005 ms of a spike's time are 1 % of it.
    close = {"v": 0.05, "m": 1e-2, "h": 1e-2, "n": 1e-2, "cleft": 0.01 * expected[12] + 1e-9}
    moved = np.abs(expected - vector(start))
    for name, a, b, change in zip(ORDER, vector(state), expected, moved, strict=True):
        assert a == pytest.approx(b, abs=close.get(name, 2e-3 * change + 1e-9)), name


def test_the_error_of_spike_times_falls_with_the_square_of_the_step() -> None:
    """The first spike of a strong current, interpolated between two steps."""
    exact: float | None = None
    errors = []
    for dt_ms in (0.04, 0.02, 0.01):
        cell = BiophysicalNeuron(1, dt_ms=dt_ms)
        state = newborn(cell)
        if exact is None:
            exact = solved(vector(state), 20.0, 1.0, 3.0, cell.constants)[1][0]
        for step in range(round(3.0 / dt_ms)):
            before = state.membrane.membrane_potential.item()
            _, state = cell.run(frame(20.0), state, steps=1)
            after = state.membrane.membrane_potential.item()
            if before < 0.0 <= after:
                errors.append(abs((step - before / (after - before)) * dt_ms - exact))
    assert len(errors) == 3
    assert np.log2(np.array(errors[:-1]) / errors[1:]) == pytest.approx(2.0, abs=0.4)


def test_channels_of_calcium_are_those_of_wang() -> None:
    """Half of s at -20 mV, so a quarter of the channels; e-fold for 9 mV far below."""
    assert calcium_gate(-20.0) == pytest.approx(0.25)
    assert calcium_gate(-109.0) / calcium_gate(-118.0) == pytest.approx(np.e**2, rel=1e-3)


def test_calcium_at_the_mouth_of_a_channel_follows_the_current() -> None:
    p = MembraneConstants()
    current = torch.tensor([-5.0, 0.0, 5.0])
    assert calcium_at_release(0.1, current, p).tolist() == pytest.approx([10.1, 0.1, 0.1])


def test_the_bath_takes_what_it_gives() -> None:
    gain, from_bath = exchanged_with_bath(2.0, 0.5, 0.01, 10.0)
    assert gain == pytest.approx(2.5 / 1.1)
    assert gain - 2.0 - 0.5 == pytest.approx(from_bath)
    assert exchanged_with_bath(2.0, 0.5, 0.0, 10.0) == (2.5, 0.0)
