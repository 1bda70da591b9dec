"""Rate rules against their fixed points."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from neurallayers.dynamics.plasticity import (
    BCM,
    Hebb,
    Oja,
    PlasticSynapses,
    Receiver,
    Rule,
    Sender,
    Synapse,
)
from neurallayers.errors import InvalidInput

LAW = settings(max_examples=8, deadline=None, derandomize=True, database=None)
UNBOUNDED = {"w_min": -math.inf, "w_max": math.inf}


def learn(rule: Rule, patterns: Tensor, synapse: Synapse) -> Synapse:
    """A linear neuron y = w x that meets patterns ``[steps, n_in]`` at intervals of 1 ms."""
    on_interval = rule.equations().on_interval
    assert on_interval is not None
    for x in patterns:
        y = (synapse.weight * x).sum()
        synapse = on_interval(synapse, Sender(x), Receiver(y), 0.0, rule.numbers(1.0))
    return synapse


def starting_at(*weights: float) -> Synapse:
    weight = torch.tensor(weights).double()
    return Synapse(weight, torch.zeros_like(weight))


def test_hebb_multiplies_what_both_do() -> None:
    rule = Hebb(learning_rate_per_ms=0.01, **UNBOUNDED)
    x = torch.tensor([1.0, -2.0]).double()
    after = learn(rule, x[None], starting_at(0.5, 0.25))
    # y = 0.5 - 0.5 = 0: nothing. Then y = 1.
    assert after.weight.tolist() == [0.5, 0.25]
    after = learn(rule, x[None], starting_at(0.5, -0.25))
    assert after.weight.tolist() == pytest.approx([0.51, -0.27])


def test_hebb_stops_at_its_bound() -> None:
    after = learn(Hebb(learning_rate_per_ms=0.1), torch.ones(50, 2).double(), starting_at(0.5, 0.1))
    assert after.weight.tolist() == [1.0, 1.0]


@given(seed=st.integers(0, 999), decay=st.floats(0.3, 3.0))
@LAW
def test_oja_finds_the_first_principal_component(seed: int, decay: float) -> None:
    """Patterns of zero mean and a covariance with one long axis; the norm is 1 / sqrt(alpha)."""
    draw = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(draw.normal(size=(4, 4)))
    patterns = draw.normal(size=(200, 4)) * np.array([2.0, 0.7, 0.5, 0.2]) @ axes.T
    patterns -= patterns.mean(0)
    _, vectors = np.linalg.eigh(patterns.T @ patterns)
    rule = Oja(learning_rate_per_ms=2e-3, decay=decay, **UNBOUNDED)
    start = starting_at(*(0.1 * draw.normal(size=4)))
    # Whole rounds, and the mean over the last: at a fixed rate the weights tremble around it.
    settled = learn(rule, torch.from_numpy(patterns).repeat(20, 1), start)
    on_the_way = []
    for x in torch.from_numpy(patterns):
        settled = learn(rule, x[None], settled)
        on_the_way.append(settled.weight)
    weight = torch.stack(on_the_way).mean(0).numpy()
    assert abs(weight @ vectors[:, -1]) == pytest.approx(np.linalg.norm(weight), rel=2e-3)
    assert np.linalg.norm(weight) == pytest.approx(1 / math.sqrt(decay), rel=0.02)


def test_the_fixed_point_of_oja_is_exact() -> None:
    """On one pattern w = x / |x| / sqrt(alpha) stays to the last bits."""
    x = torch.tensor([0.6, 0.8]).double()
    rule = Oja(learning_rate_per_ms=0.1, decay=4.0, **UNBOUNDED)
    after = learn(rule, x.expand(100, 2), Synapse(0.5 * x))
    assert torch.allclose(after.weight, 0.5 * x, rtol=1e-14)


def test_bcm_settles_where_the_rate_is_its_target() -> None:
    rule = BCM(learning_rate_per_ms=0.01, tau_threshold_ms=5.0, target=0.7, **UNBOUNDED)
    x = torch.tensor([1.0, 0.5]).double()
    after = learn(rule, x.expand(4000, 2), starting_at(0.3, 0.3))
    assert float((after.weight * x).sum()) == pytest.approx(0.7, rel=1e-6)
    assert after.variable_1.tolist() == pytest.approx([0.7, 0.7], rel=1e-6)


def test_bcm_becomes_selective() -> None:
    """Of two patterns, shown by turns, it answers to one with twice the target, to the other not.

    The stable fixed points for two independent patterns (Intrator & Cooper 1992). Shown by turns,
    the threshold swings: at the chosen pattern it is y² / (1 + q), q its decay in a turn.
    """
    a, b = torch.tensor([1.0, 0.3]).double(), torch.tensor([0.4, 1.0]).double()
    rule = BCM(learning_rate_per_ms=1e-2, tau_threshold_ms=20.0, **UNBOUNDED)
    for start, chosen in (((0.5, 0.4), 0), ((0.2, 0.6), 1)):
        after = learn(rule, torch.stack([a, b]).repeat(3000, 1), starting_at(*start))
        answers = [float((after.weight * x).sum()) for x in (a, b)]
        assert answers[chosen] == pytest.approx(1.0 + math.exp(-1 / 20.0), rel=1e-5)
        assert answers[1 - chosen] == pytest.approx(0.0, abs=1e-5)


def test_bcm_depresses_below_its_threshold_and_potentiates_above() -> None:
    rule = BCM(tau_threshold_ms=1e6, learning_rate_per_ms=0.1)
    on_interval = rule.equations().on_interval
    assert on_interval is not None
    changes = []
    for y in (0.0, 0.5, 1.5):
        synapse = Synapse(0.5, variable_1=1.0)
        after = on_interval(synapse, Sender(1.0), Receiver(y), 0.0, rule.numbers(1.0))
        changes.append(after.weight - 0.5)
    assert changes[0] == 0.0
    assert changes[1] == pytest.approx(-0.025, abs=1e-5)
    assert changes[2] == pytest.approx(0.075, abs=1e-5)


@pytest.mark.parametrize("name", ["Hebb", "Oja", "BCM"])
def test_spikes_are_counted_in_units_of_the_reference_rate(name: str) -> None:
    """A regular train of 40 Hz and a reference of 10 Hz: the mean trace is 4."""
    makers: dict[str, Any] = {"Hebb": Hebb, "Oja": Oja, "BCM": BCM}
    rule = makers[name](tau_rate_ms=50.0, reference_hz=10.0, learning_rate_per_ms=0.0)
    cell = PlasticSynapses(1, 1, rule=rule, initial_weight=0.5).double()
    spikes = (torch.arange(750) % 25 == 0).double()[:, None, None]
    state, traces = cell.initial_state(), []
    for frame in cell.frame(spikes, torch.zeros_like(spikes)):
        _, state = cell(frame, state)
        traces.append(float(state.presynaptic_traces))
    # Sampled after the spikes: half a step of decay more than the mean over time.
    mean = 0.04 / -math.expm1(-1.0 / 50.0) * 20.0 / 10.0
    assert np.mean(traces[-250:]) == pytest.approx(mean, rel=1e-4)
    assert mean == pytest.approx(4.0, rel=0.015)
    assert float(state.postsynaptic_traces) == 0.0
    assert float(state.weight) == 0.5


def test_an_interval_learns_as_much_as_its_steps() -> None:
    fine, coarse = (Hebb(learning_rate_per_ms=0.1, update_ms=every) for every in (0.0, 5.0))
    assert coarse.numbers(1.0)[0] == pytest.approx(5 * fine.numbers(1.0)[0])


def test_what_a_neuron_has_learned_to_expect_outlasts_its_activity() -> None:
    cell = PlasticSynapses(1, 1, rule=BCM(), initial_weight=0.5).double()
    _, state = cell.run(torch.ones(30, 1, 2).double())
    rested = cell.rest(state)
    assert torch.equal(rested.variables, state.variables)
    assert float(state.variables) > 0.0
    assert float(rested.presynaptic_traces) == 0.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Hebb(tau_rate_ms=0.0), "tau_rate_ms is 0.0"),
        (lambda: Hebb(reference_hz=-1.0), "reference_hz is -1.0"),
        (lambda: Oja(decay=0.0), "decay is 0.0"),
        (lambda: BCM(target=0.0), "target is 0.0"),
        (lambda: BCM(learning_rate_per_ms=-1.0), "learning_rate_per_ms is -1.0"),
    ],
)
def test_bad_numbers_are_refused(make: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        make()
