from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from tests.fitting.recordings import EXPONENTIAL, neuron

from neurallayers.dynamics.neurons.adex import AdEx
from neurallayers.fitting.exponential import PEAK_MV


def spike_times_of_scipy(amplitude_pa: float, duration_ms: float) -> list[float]:
    """Brette & Gerstner (2005) with a refractory period of 0.5 ms, by event detection."""

    def slope(_: float, y: np.ndarray) -> list[float]:
        v, w = y
        upswing = 30.0 * 2.0 * np.exp((v + 50.4) / 2.0)
        return [(amplitude_pa - w - 30.0 * (v + 70.6) + upswing) / 281.0,
                (4.0 * (v + 70.6) - w) / 144.0]  # fmt: skip

    def peak(_: float, y: np.ndarray) -> float:
        return float(y[0])

    def held(time: float, y: np.ndarray) -> list[float]:
        return [0.0, slope(time, y)[1]]

    peak.terminal = True  # type: ignore[attr-defined]
    time, state, spikes = 0.0, np.array([-70.6, 0.0]), []
    while True:
        part = solve_ivp(
            slope, (time, duration_ms), state, "DOP853", events=peak, rtol=1e-10, atol=1e-10
        )
        if not part.t_events[0].size:
            return spikes
        time = float(part.t_events[0][0])
        spikes.append(time)
        after = np.array([-70.6, part.y_events[0][0][1] + 80.5])
        state = solve_ivp(held, (0.0, 0.5), after, rtol=1e-9).y[:, -1]
        time += 0.5


@pytest.mark.parametrize("amplitude_pa", [700.0, 1000.0])
def test_spikes_are_those_of_scipy(amplitude_pa: float) -> None:
    expected = spike_times_of_scipy(amplitude_pa, 400.0)
    assert len(expected) >= 4
    made = neuron("adex", EXPONENTIAL).simulate(np.full(4000, amplitude_pa), 0.1)
    assert made.spike_times_ms.size == len(expected)
    assert np.abs(made.spike_times_ms - expected).max() < 0.1


def test_a_fitted_neuron_is_the_cell_of_the_same_parameters() -> None:
    cell = AdEx(1, dt_ms=0.1, peak_mv=PEAK_MV, **EXPONENTIAL)
    current = torch.full((3000, 1, 1), 900.0, dtype=torch.float64)
    raster, _ = cell.double().run(current)
    steps = torch.nonzero(raster[:, 0, 0])[:, 0].numpy()
    made = neuron("adex", EXPONENTIAL).simulate(np.full(3000, 900.0), 0.1)
    assert steps.size >= 5
    # A cell's spike stands for its step; the fitted neuron tells the time within it.
    assert np.floor(made.spike_times_ms / 0.1 + 1e-9).tolist() == steps.tolist()


def test_below_rheobase_it_settles_where_the_equation_does() -> None:
    made = neuron("adex", EXPONENTIAL).simulate(np.full(20_000, 300.0), 0.1)
    assert made.spike_times_ms.size == 0
    v = made.membrane_potential_mv[-1]
    # (g + a) away = I + the upswing
    rest = 34.0 * (v + 70.6) - 300.0 - 60.0 * np.exp((v + 50.4) / 2.0)
    assert rest == pytest.approx(0.0, abs=1e-3)
