"""Reward-modulated STDP against closed forms of eligibility and reward."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from neurallayers.dynamics.plasticity import PlasticSynapses, PlasticSynapsesState, RewardSTDP
from neurallayers.errors import InvalidInput

LAW = settings(max_examples=10, deadline=None, derandomize=True, database=None)
TAU_C, TAU_D = 60.0, 25.0


def rule_of(**options: Any) -> RewardSTDP:
    usual = {"tau_eligibility_ms": TAU_C, "tau_modulator_ms": TAU_D, "learning_rate_per_ms": 1e-3}
    return RewardSTDP(**{**usual, **options})


def life(
    rule: RewardSTDP, lag: int, rewards: dict[int, float], steps: int, dt_ms: float = 1.0
) -> PlasticSynapsesState:
    """One pair of spikes at step 30, rewards before the steps that are named, then silence."""
    cell = PlasticSynapses(1, 1, rule=rule, dt_ms=dt_ms, initial_weight=0.5).double()
    state = cell.initial_state()
    for step in range(steps):
        if step in rewards:
            state = state._replace(modulator=state.modulator + rewards[step])
        layers = [torch.full((1, 1), float(step == at)).double() for at in (30, 30 + lag)]
        _, state = cell(cell.frame(*layers), state)
    return state


def tag(lag: int) -> float:
    return 0.1 * math.exp(-lag / 20.0) if lag > 0 else -0.15 * math.exp(lag / 20.0)


@pytest.mark.parametrize("lag", [-12, 5])
def test_a_tag_decays_and_waits(lag: int) -> None:
    """Without reward the weight stays, whatever the spikes."""
    state = life(rule_of(), lag, {}, 100)
    since = 99 - max(30, 30 + lag)
    assert float(state.variables) == pytest.approx(tag(lag) * math.exp(-since / TAU_C), rel=1e-12)
    assert float(state.weight) == 0.5


@pytest.mark.parametrize("lag", [-12, 5])
@pytest.mark.parametrize("reward", [1.0, -0.4])
@pytest.mark.parametrize("at", [60, 110])
def test_a_later_reward_turns_the_tag_into_weight(lag: int, reward: float, at: int) -> None:
    """All in all eta c(t) d tau_c tau_d / (tau_c + tau_d), t the time of the reward."""
    state = life(rule_of(), lag, {at: reward}, 700)
    # The reward is there from the end of the last step on.
    since = at - 1 - max(30, 30 + lag)
    together = TAU_C * TAU_D / (TAU_C + TAU_D)
    expected = 1e-3 * tag(lag) * math.exp(-since / TAU_C) * reward * together
    left = math.exp(-(699 - at) / together)
    assert float(state.weight) - 0.5 == pytest.approx(expected, rel=1e-9 + left)


def test_it_follows_the_differential_equations_at_any_time() -> None:
    """Several rewards on a tag and a tonic level: exact at the grid points (DOP853)."""
    rewards = {45: 0.7, 46: 0.2, 80: -1.5}
    rule = rule_of(tonic=0.3)
    state = life(rule, 5, rewards, 140)

    def slopes(_: float, y: Any) -> list[float]:
        return [-y[0] / TAU_C, -y[1] / TAU_D, 1e-3 * y[0] * (y[1] + 0.3)]

    y, start = [tag(5), 0.0, 0.0], 35.0
    for stop in [*(at - 1.0 for at in rewards), 139.0]:
        found = solve_ivp(slopes, (start, stop), y, method="DOP853", rtol=1e-12, atol=1e-15)
        y, start = found.y[:, -1].tolist(), stop
        y[1] += rewards.get(round(stop) + 1, 0.0)
    assert float(state.weight) - 0.5 == pytest.approx(y[2], rel=1e-9)
    assert float(state.variables) == pytest.approx(y[0], rel=1e-12)
    assert float(state.modulator) == pytest.approx(y[1], rel=1e-12)


@given(every=st.sampled_from([2.0, 5.0, 10.0]), reward=st.floats(-1.0, 1.0))
@LAW
def test_a_longer_interval_learns_the_same_from_what_stands_at_its_start(
    every: float, reward: float
) -> None:
    """The integral over an interval is exact; tag and reward stand at its beginning here."""
    found = []
    for rule in (rule_of(), rule_of(update_ms=every)):
        cell = PlasticSynapses(1, 1, rule=rule, initial_weight=0.5).double()
        state = cell.initial_state()
        state = state._replace(
            variables=torch.full_like(state.variables, 0.2),
            modulator=torch.full_like(state.modulator, reward),
        )
        _, state = cell.run(torch.zeros(20, 1, 2).double(), state)
        found.append((float(state.weight), float(state.variables), float(state.modulator)))
    assert found[0] == pytest.approx(found[1], rel=1e-12)


def test_an_expected_reward_teaches_nothing() -> None:
    """R-STDP: only the difference from the expected reward counts."""
    steady = rule_of(tonic=-0.6, tau_modulator_ms=math.inf)
    cell = PlasticSynapses(1, 1, rule=steady, initial_weight=0.5).double()
    state = cell.initial_state()
    state = state._replace(
        variables=torch.full_like(state.variables, 0.2),
        modulator=torch.full_like(state.modulator, 0.6),
    )
    _, state = cell.run(torch.zeros(50, 1, 2).double(), state)
    assert float(state.weight) == pytest.approx(0.5, abs=1e-15)
    assert float(state.modulator) == 0.6


def test_only_the_receivers_with_a_reward_learn() -> None:
    cell = PlasticSynapses(2, 2, rule=rule_of(), initial_weight=0.5).double()
    state = cell.initial_state()
    state = state._replace(
        variables=torch.full_like(state.variables, 0.2),
        modulator=torch.tensor([[0.0, 1.0]]).double(),
    )
    _, state = cell.run(torch.zeros(5, 1, 4).double(), state)
    assert bool((state.weight[0, 0] == 0.5).all())
    assert bool((state.weight[0, 1] > 0.5).all())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tau_modulator_ms": 0.0}, "tau_modulator_ms is 0.0"),
        ({"tau_eligibility_ms": -5.0}, "tau_eligibility_ms is -5.0"),
        ({"tonic": math.nan}, "tonic is nan"),
        ({"learning_rate_per_ms": -1.0}, "learning_rate_per_ms is -1.0"),
        ({"pairing": "last"}, "pairing is 'last'"),
    ],
)
def test_bad_numbers_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        rule_of(**options)
