from __future__ import annotations

import numpy as np
import torch
from scipy.integrate import solve_ivp
from tests.fitting.recordings import CORTICAL, neuron

from neurallayers.dynamics.membrane.channels import CorticalPotassium, CorticalSodium, MCurrent
from neurallayers.fitting import FittedNeuron
from neurallayers.fitting.cortical import cortical_rates, slow_rates
from neurallayers.measures import crossing_times_ms


def slope(t: float, y: np.ndarray, amplitude_pa: float) -> list[float]:
    """Pospischil et al. (2008) with the D current of Golomb et al. (2007), as published."""
    v, m, h, n, p, a, b = y
    u = v + 58.0
    rates = {
        "m": (-0.32 * (u - 13) / np.expm1(-(u - 13) / 4), 0.28 * (u - 40) / np.expm1((u - 40) / 5)),
        "h": (0.128 * np.exp(-(u - 17) / 18), 4 / (1 + np.exp(-(u - 40) / 5))),
        "n": (-0.032 * (u - 15) / np.expm1(-(u - 15) / 5), 0.5 * np.exp(-(u - 10) / 40)),
    }
    tau_p = 600.0 / (3.3 * np.exp((v + 35) / 20) + np.exp(-(v + 35) / 20))
    current = (
        amplitude_pa - 5.0 * (v + 68.0) - 5000.0 * m**3 * h * (v - 50.0)
        - (800.0 * n**4 + 6.0 * p + 8.0 * a**3 * b) * (v + 90.0)
    )  # fmt: skip
    gates = [
        1.3 * (rates[k][0] * (1 - x) - rates[k][1] * x)
        for k, x in zip("mhn", (m, h, n), strict=True)
    ]
    return [
        current / 100.0,
        *gates,
        (1 / (1 + np.exp(-(v + 35) / 10)) - p) / tau_p,
        (1 / (1 + np.exp(-(v + 50) / 20)) - a) / 2.0,
        (1 / (1 + np.exp((v + 70) / 6)) - b) / 150.0,
    ]


def rested() -> np.ndarray:
    """All gates after a long time at -68 mV, found by integrating them."""

    def held(t: float, y: np.ndarray) -> list[float]:
        return [0.0, *slope(t, y, 0.0)[1:]]

    start = np.array([-68.0, 0.1, 0.5, 0.1, 0.1, 0.1, 0.5])
    return solve_ivp(held, (0.0, 2e4), start, "LSODA", rtol=1e-10, atol=1e-12).y[:, -1]


def test_spikes_are_those_of_scipy_and_errors_fall_with_the_square_of_the_step() -> None:
    t = np.arange(0.0, 120.0, 0.01)
    exact = solve_ivp(
        slope, (0.0, 120.0), rested(), "LSODA", t, args=(300.0,), rtol=1e-9, atol=1e-10
    )
    expected = crossing_times_ms(exact.y[0], 0.01)
    assert expected.size >= 5
    errors = []
    for step_ms in (0.05, 0.025, 0.0125):
        cell = FittedNeuron("hodgkin_huxley", CORTICAL, step_ms, "rest")
        made = cell.simulate(np.full(2400, 300.0), 0.05)
        assert made.spike_times_ms.size == expected.size
        errors.append(np.abs(made.spike_times_ms - expected).max())
    # Each interval errs by 0.4 per cent at the step that fits are made with.
    assert errors[0] < 0.06 * expected.size
    assert 3.0 < errors[0] / errors[1] < 5.0
    assert 3.0 < errors[1] / errors[2] < 5.0


def test_rates_are_those_of_the_channels_of_the_membrane() -> None:
    v = torch.linspace(-100.0, 60.0, 161, dtype=torch.float64)
    open_m, close_m, open_h, close_h, open_n, close_n = cortical_rates(v + 58.0)
    (m, rate_m), (h, rate_h) = CorticalSodium(threshold_mv=-58.0).kinetics(v)
    ((n, rate_n),) = CorticalPotassium(threshold_mv=-58.0).kinetics(v)
    ((p, rate_p),) = MCurrent(tau_max_ms=600.0).kinetics(v)
    steady_p, tau_p = slow_rates(v, -35.0, 600.0)
    for ours, theirs in (
        (open_m / (open_m + close_m), m),
        (open_m + close_m, rate_m),
        (open_h / (open_h + close_h), h),
        (open_h + close_h, rate_h),
        (open_n / (open_n + close_n), n),
        (open_n + close_n, rate_n),
        (steady_p, p),
        (1.0 / tau_p, rate_p),
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


def test_hyperpolarisation_delays_the_first_spike_by_the_d_current() -> None:
    step = np.where(np.arange(16_000) * 0.05 < 400.0, -150.0, 200.0)
    delays = []
    for conductance in (0.01, 40.0):
        cell = neuron("hodgkin_huxley", {**CORTICAL, "delay_conductance_ns": conductance})
        delays.append(cell.simulate(step, 0.05).spike_times_ms[0] - 400.0)
    assert delays[1] > delays[0] + 5.0
