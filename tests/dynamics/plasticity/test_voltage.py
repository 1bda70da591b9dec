"""The rule of Clopath et al. (2010) against closed forms and a numerical integration."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from torch import Tensor

from neurallayers.dynamics.plasticity import PlasticSynapses, VoltageSTDP
from neurallayers.errors import InvalidInput

REST_MV = -70.6


def cell_of(rule: VoltageSTDP, dt_ms: float = 1.0) -> PlasticSynapses:
    return PlasticSynapses(1, 1, rule=rule, dt_ms=dt_ms, initial_weight=0.5).double()


def life(
    rule: VoltageSTDP, potential: Any, sent_ms: list[float], stop_ms: float, dt_ms: float
) -> float:
    """Change of weight under a potential u(t) that is constant within each step."""
    cell, steps = cell_of(rule, dt_ms), round(stop_ms / dt_ms)
    sent = torch.zeros(steps, 1, 1).double()
    sent[[round(time / dt_ms) - 1 for time in sent_ms]] = 1.0
    middles = (np.arange(steps) + 0.5) * dt_ms
    u = torch.tensor([potential(time) for time in middles], dtype=torch.float64)[:, None, None]
    _, state = cell.run(cell.frame(sent, torch.zeros_like(sent), u))
    return float(state.weight) - 0.5


def integrated(rule: VoltageSTDP, potential: Any, sent_ms: list[float], stop_ms: float) -> float:
    """The same as ordinary differential equations, from spike to spike (DOP853)."""

    def slopes(time: float, y: np.ndarray[Any, Any]) -> list[float]:
        u = potential(time)
        grown = max(u - rule.theta_plus_mv, 0.0) * max(y[2] - rule.theta_minus_mv, 0.0)
        return [
            -y[0] / rule.tau_x_ms,
            (u - y[1]) / rule.tau_minus_ms,
            (u - y[2]) / rule.tau_plus_ms,
            (u - y[3]) / rule.tau_homeostasis_ms,
            rule.potentiation * y[0] * grown,
        ]

    y = np.array([0.0, REST_MV, REST_MV, REST_MV, 0.0])
    start = 0.0
    for stop in [*sent_ms, stop_ms]:
        found = solve_ivp(
            slopes, (start, stop), y, method="DOP853", rtol=1e-10, atol=1e-12, max_step=1.0
        )
        y, start = found.y[:, -1].copy(), stop
        if stop != stop_ms:
            scale = 1.0
            if rule.reference_mv2:
                scale = (y[3] - rule.resting_mv) ** 2 / rule.reference_mv2
            y[4] -= rule.depression * scale * max(y[1] - rule.theta_minus_mv, 0.0)
            y[0] += 1.0 / rule.tau_x_ms
    return float(y[4])


def swinging(time_ms: float) -> float:
    """A smooth potential that crosses both thresholds, again and again."""
    return -58.0 + 22.0 * math.sin(2 * math.pi * time_ms / 37.0)


@pytest.mark.parametrize("reference_mv2", [0.0, 60.0])
def test_it_follows_the_differential_equations(reference_mv2: float) -> None:
    """First order in the step (where thresholds fall within a step moves the error a little)."""
    rule = VoltageSTDP(reference_mv2=reference_mv2, tau_homeostasis_ms=50.0, depression=5e-4)
    sent, steps = [12.0, 20.0, 61.0, 75.0, 76.0, 110.0], [1.0, 0.5, 0.25, 0.125]
    expected = integrated(rule, swinging, sent, 150.0)
    errors = [abs(life(rule, swinging, sent, 150.0, dt) - expected) for dt in steps]
    assert errors[-1] < 2e-3 * abs(expected)
    order, _ = np.polyfit(np.log(steps), np.log(errors), 1)
    assert order == pytest.approx(1.0, abs=0.3)


def test_depression_by_a_clamped_potential_is_exact() -> None:
    """The low-passed potential has a closed form, 1 - exp(-t/tau) of the step."""
    rule, sent, level = VoltageSTDP(), [5.0, 17.0, 40.0], -60.0
    lowpassed = [(level - REST_MV) * -math.expm1(-time / 10.0) for time in sent]
    expected = -14e-5 * sum(lowpassed)
    assert life(rule, lambda _: level, sent, 50.0, 1.0) == pytest.approx(expected, rel=1e-12)


def test_homeostasis_scales_depression_with_the_squared_depolarisation() -> None:
    rule = VoltageSTDP(reference_mv2=60.0)
    level, time = -60.0, 30.0
    depolarised = level - REST_MV
    slow = depolarised * -math.expm1(-time / 1000.0)
    fast = depolarised * -math.expm1(-time / 10.0)
    expected = -14e-5 * slow**2 / 60.0 * fast
    assert life(rule, lambda _: level, [time], 40.0, 1.0) == pytest.approx(expected, rel=1e-12)


def test_the_level_of_a_clamp_decides_about_the_sign() -> None:
    """Ngezahayo et al. (2000): nothing at rest, depression, and above -45 mV potentiation."""
    sent = [20.0, 40.0, 60.0]
    changes = {
        level: life(VoltageSTDP(), lambda _, u=level: u, sent, 150.0, 1.0)
        for level in (-80.0, -70.6, -60.0, -46.0, -40.0, -20.0)
    }
    assert changes[-80.0] == changes[-70.6] == 0.0
    assert changes[-46.0] < changes[-60.0] < 0.0
    assert 0.0 < changes[-40.0] < changes[-20.0] < 0.4


def test_without_presynaptic_spikes_nothing_changes() -> None:
    assert life(VoltageSTDP(), swinging, [], 150.0, 1.0) == 0.0


def test_the_potential_is_needed() -> None:
    cell, layer = cell_of(VoltageSTDP()), torch.zeros(1, 1)
    assert cell.in_shape == (3,)
    with pytest.raises(InvalidInput, match="VoltageSTDP watches the membrane potential"):
        cell.frame(layer, layer)


def test_filters_start_at_rest() -> None:
    state = cell_of(VoltageSTDP(resting_mv=-65.0, reference_mv2=60.0)).initial_state()
    filtered: Tensor = state.filtered_potentials
    assert filtered.shape == (1, 3, 1)
    assert bool((filtered == -65.0).all())


@pytest.mark.parametrize("name", ["tau_x_ms", "tau_minus_ms", "tau_plus_ms", "tau_homeostasis_ms"])
def test_bad_numbers_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match=f"{name} is 0.0"):
        VoltageSTDP(**{name: 0.0})
    with pytest.raises(InvalidInput, match=r"depression is -1.0"):
        VoltageSTDP(depression=-1.0)
