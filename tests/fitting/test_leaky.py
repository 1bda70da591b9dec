from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from tests.fitting.recordings import ADAPTING, LEAKY, neuron, step_current


@pytest.mark.parametrize("amplitude_pa", [90.0, 120.0, 300.0])
def test_without_adaptation_intervals_are_the_closed_form(amplitude_pa: float) -> None:
    made = neuron("gif", LEAKY).simulate(np.full(4000, amplitude_pa), 0.1)
    goal = -65.0 + amplitude_pa / 4.0
    interval_ms = 2.0 + 20.0 * np.log((goal + 58.0) / (goal + 45.0))
    found = np.diff(made.spike_times_ms)
    # Spikes and the end of the refractory period lie on the grid of 0.1 ms.
    assert found == pytest.approx(np.full(found.size, interval_ms), abs=0.2)
    first_ms = 20.0 * np.log((goal + 65.0) / (goal + 45.0))
    assert made.spike_times_ms[0] == pytest.approx(first_ms, abs=0.1)


def test_below_threshold_coupled_currents_are_those_of_scipy() -> None:
    parameters = {
        **LEAKY, "threshold_mv": 100.0, "first_coupling_ns": 3.0, "first_current_tau_ms": 30.0,
        "second_coupling_ns": -1.5, "second_current_tau_ms": 120.0,
    }  # fmt: skip
    made = neuron("gif", parameters).simulate(np.full(3000, 60.0), 0.1)

    def slope(_: float, y: np.ndarray) -> list[float]:
        v, w1, w2 = y
        away = v + 65.0
        return [
            (-4.0 * away + 60.0 - w1 - w2) / 80.0,
            (3.0 * away - w1) / 30.0,
            (-1.5 * away - w2) / 120.0,
        ]

    t = np.arange(1, 3001) * 0.1
    exact = solve_ivp(slope, (0.0, 300.0), [-65.0, 0, 0], "DOP853", t, rtol=1e-10, atol=1e-10)
    errors = np.abs(made.membrane_potential_mv - exact.y[0])
    assert np.ptp(exact.y[0]) > 8.0
    assert errors.max() < 0.02  # of first order in the step: 0.1 ms / 30 ms of 8 mV


def spike_times_of_scipy(amplitude_pa: float) -> list[float]:
    """ADAPTING with the times of its spikes found by event detection."""

    def slope(_: float, y: np.ndarray) -> list[float]:
        return [
            (-4.0 * (y[0] + 65.0) + amplitude_pa - y[1]) / 80.0, -y[1] / 100.0, -y[2] / 10.0
        ]  # fmt: skip

    def threshold(_: float, y: np.ndarray) -> float:
        return float(y[0] - (-45.0 + y[2]))

    threshold.terminal, threshold.direction = True, 1.0  # type: ignore[attr-defined]
    time, state, spikes = 0.0, np.array([-65.0, 0.0, 0.0]), []
    while True:
        part = solve_ivp(
            slope, (time, 400.0), state, "DOP853", events=threshold, rtol=1e-10, atol=1e-10
        )
        if not part.t_events[0].size:
            return spikes
        time, state = float(part.t_events[0][0]), part.y_events[0][0].copy()
        spikes.append(time)
        # The refractory period holds the potential and lets the rest decay.
        state = np.array(
            [-58.0, (state[1] + 12.0) * np.exp(-2 / 100), (state[2] + 4.0) * np.exp(-2 / 10)]
        )
        time += 2.0


def test_adapting_spikes_are_those_of_scipy() -> None:
    made = neuron("gif", ADAPTING).simulate(np.full(4000, 200.0), 0.1)
    expected = spike_times_of_scipy(200.0)
    assert len(expected) > 12
    assert made.spike_times_ms.size == len(expected)
    # Each spike is put on the grid, half a step late on average, which adds up.
    assert np.abs(made.spike_times_ms - expected).max() < 0.15 * len(expected)
    fine = neuron("gif", ADAPTING)
    finer = type(fine)("gif", ADAPTING, 0.01, "rest").simulate(np.full(4000, 200.0), 0.1)
    assert np.abs(finer.spike_times_ms - expected).max() < 0.02 * len(expected)


def test_adaptation_makes_intervals_longer() -> None:
    made = neuron("gif", ADAPTING).simulate(step_current(200.0), 0.1)
    intervals = np.diff(made.spike_times_ms)
    assert intervals[-1] > 1.5 * intervals[0]
