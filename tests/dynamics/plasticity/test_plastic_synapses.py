"""The dense cell: transmission, order, bounds, gradients and what it refuses."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from neurallayers.dynamics.plasticity import (
    BCM,
    RULES,
    EProp,
    PairSTDP,
    PlasticSynapses,
    RewardSTDP,
    Rule,
    TripletSTDP,
    VoltageSTDP,
    rule_from,
)
from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName

LAW = settings(max_examples=15, deadline=None, derandomize=True, database=None)
N_IN, N_OUT = 3, 2


def random_frames(cell: PlasticSynapses, steps: int, batch: int, seed: int) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    layers = [(torch.rand(steps, batch, n, generator=draw) < 0.2).double() for n in (N_IN, N_OUT)]
    potential = -75.0 + 40.0 * torch.rand(steps, batch, N_OUT, generator=draw).double()
    return cell.frame(*layers, potential if cell.rule.needs_potential else None)


def cell_of(rule: Any, **options: Any) -> PlasticSynapses:
    usual = {"initial_weight": 0.5, **options}
    return PlasticSynapses(N_IN, N_OUT, rule=rule, **usual).double()


def test_it_sends_the_weighted_sum_of_the_spikes() -> None:
    weights = torch.tensor([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    cell = cell_of("PairSTDP", initial_weight=weights)
    sent = torch.tensor([[1.0, 0.0, 1.0]]).double()
    output, state = cell(cell.frame(sent, torch.zeros(1, 2).double()), cell.initial_state())
    assert output.tolist()[0] == pytest.approx([0.4, 1.0], abs=1e-7)
    assert torch.equal(state.weight, weights[None].double())


@pytest.mark.parametrize("name", list(RULES))
@given(seed=st.integers(0, 999))
@LAW
def test_every_synapse_lives_as_if_it_were_alone(name: str, seed: int) -> None:
    """A layer is as many single synapses, each with its sender and receiver."""
    rule = RULES.make(name)
    cell = cell_of(rule, initial_weight=0.5)
    frames = random_frames(cell, 25, 1, seed)
    _, together = cell.run(frames)
    single = PlasticSynapses(1, 1, rule=rule, initial_weight=0.5).double()
    i, j = seed % N_IN, seed % N_OUT
    watched = [i, N_IN + j, *([N_IN + N_OUT + j] if rule.needs_potential else [])]
    _, alone = single.run(frames[:, :, watched])
    assert torch.allclose(together.weight[:, j, i], alone.weight[:, 0, 0], rtol=0, atol=1e-14)
    assert torch.allclose(
        together.variables[:, :, j, i], alone.variables[:, :, 0, 0], rtol=1e-12, atol=1e-14
    )


@pytest.mark.parametrize("name", list(RULES))
@given(seed=st.integers(0, 999))
@LAW
def test_weights_stay_within_their_bounds(name: str, seed: int) -> None:
    """Whatever the modulator."""
    rule = rule_from({**RULES.make(name).describe(), "w_min": 0.3, "w_max": 0.7})
    cell = cell_of(rule)
    state = cell.initial_state(2)
    state = state._replace(modulator=torch.full_like(state.modulator, (-1.0) ** seed * 1e4))
    _, state = cell.run(random_frames(cell, 25, 2, seed), state)
    assert bool(((state.weight >= 0.3) & (state.weight <= 0.7)).all())


def test_a_silent_life_changes_nothing() -> None:
    for rule in (PairSTDP(), TripletSTDP(), VoltageSTDP(), RewardSTDP(), BCM()):
        cell = cell_of(rule)
        potential = torch.full((20, 1, N_OUT), -70.6, dtype=torch.float64)
        silence = [torch.zeros(20, 1, n).double() for n in (N_IN, N_OUT)]
        frames = cell.frame(*silence, potential if rule.needs_potential else None)
        _, state = cell.run(frames)
        assert bool((state.weight == 0.5).all())


def test_an_interval_ends_after_its_steps_wherever_a_run_is_cut() -> None:
    rule = RewardSTDP(update_ms=4.0, tau_modulator_ms=math.inf)
    cell = cell_of(rule)
    state = cell.initial_state()
    state = state._replace(
        variables=torch.ones_like(state.variables), modulator=torch.ones_like(state.modulator)
    )
    weights = []
    for _ in range(9):
        _, state = cell(torch.zeros(1, N_IN + N_OUT).double(), state)
        weights.append(float(state.weight[0, 0, 0]))
    changed = [step for step in range(1, 9) if weights[step] != weights[step - 1]]
    assert changed == [3, 7]
    assert state.step.tolist() == [1]


def test_what_lies_between_zero_and_one_counts_in_part() -> None:
    """Half a spike does half of what a spike does; more than one as much as one."""
    cell = PlasticSynapses(1, 1, rule=PairSTDP(), initial_weight=0.5).double()
    changes = []
    for amount in (0.5, 1.0, 3.0):
        frames = torch.zeros(12, 1, 2).double()
        frames[1, 0, 0], frames[11, 0, 1] = 1.0, amount
        changes.append(float(cell.run(frames)[1].weight) - 0.5)
    assert changes[0] == pytest.approx(0.5 * changes[1], rel=1e-12)
    assert changes[2] == changes[1]


def test_gradients_flow_through_spikes_and_weights() -> None:
    cell = PlasticSynapses(1, 1, rule=PairSTDP(), initial_weight=0.5).double()
    state = cell.initial_state()
    weight = state.weight.clone().requires_grad_()
    frames = torch.zeros(12, 1, 2, dtype=torch.float64)
    frames[1, 0, 0], frames[6, 0, 1], frames[11, 0, 0] = 1.0, 1.0, 1.0
    frames.requires_grad_()
    outputs, _ = cell.run(frames, state._replace(weight=weight))
    of_weight, of_frames = torch.autograd.grad(outputs[11].sum(), [weight, frames])
    assert float(of_weight) == 1.0
    grown = 0.01 * math.exp(-5 / 20)
    # The last output is w + grown: the pair needed both of its spikes.
    assert float(of_frames[1, 0, 0]) == pytest.approx(grown, rel=1e-12)
    assert float(of_frames[6, 0, 1]) == pytest.approx(grown, rel=1e-12)
    assert float(of_frames[11, 0, 0]) == pytest.approx(0.5 + grown, rel=1e-12)


def test_drawn_weights_lie_evenly_between_the_bounds_and_hang_on_the_seed() -> None:
    rule = PairSTDP(w_min=-1.0, w_max=3.0)
    first, again, other = (
        PlasticSynapses(40, 50, rule=rule, seed=seed).initial_weight for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert float(first.mean()) == pytest.approx(1.0, abs=0.1)
    assert -1.0 <= float(first.min()) < -0.9
    assert 2.9 < float(first.max()) <= 3.0


def test_each_individual_has_its_own_weights() -> None:
    cell = cell_of(PairSTDP())
    frames = random_frames(cell, 30, 3, 0)
    _, state = cell.run(frames)
    assert not torch.equal(state.weight[0], state.weight[1])
    assert torch.equal(cell.initial_state().weight, torch.full((1, 2, 3), 0.5).double())


def test_rest_keeps_weights_and_ends_activity() -> None:
    cell = cell_of(RewardSTDP())
    _, state = cell.run(random_frames(cell, 30, 1, 0))
    state = state._replace(modulator=state.modulator + 1.0)
    rested = cell.rest(state)
    assert torch.equal(rested.weight, state.weight)
    for gone in (rested.variables, rested.presynaptic_traces, rested.modulator):
        assert not gone.any()
    assert bool(state.variables.any())


@pytest.mark.parametrize("spelled", ["TripletSTDP", {"rule": "TripletSTDP"}, TripletSTDP()])
def test_a_rule_may_be_a_name_or_a_description(spelled: Rule | dict[str, Any] | str) -> None:
    assert PlasticSynapses(1, 1, rule=spelled, initial_weight=1.0).rule == TripletSTDP()


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((0, 1), {}, InvalidInput, r"PlasticSynapses\(0, 1\)"),
        ((1, 1), {"dt_ms": 0.0}, InvalidInput, "dt_ms is 0.0"),
        ((1, 1), {"rule": "STDP"}, UnknownName, "no rule of plasticity called 'STDP'"),
        ((1, 1), {"rule": RewardSTDP(update_ms=2.5)}, InvalidInput, "interval_ms is 2.5"),
        ((2, 1), {"initial_weight": torch.ones(2, 1)}, ShapeMismatch, r"has the shape \(2, 1\)"),
        ((1, 1), {"initial_weight": 1.5}, InvalidInput, "initial_weight reaches from 1.5 to 1.5"),
        ((1, 1), {"rule": EProp()}, InvalidInput, "EProp has weights between -inf and inf"),
    ],
)
def test_what_cannot_be_made_is_refused(
    arguments: tuple[int, int], options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        PlasticSynapses(*arguments, **{"rule": "PairSTDP", **options})
