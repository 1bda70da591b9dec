"""Rules as values: JSON and back, refused where wrong, and one equation on tensors and compiled."""

from __future__ import annotations

import functools
import json
import math
from typing import Any

import numba
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.dynamics.kernels.equations import OPTIONS
from neurallayers.dynamics.plasticity import (
    RULES,
    EProp,
    Filter,
    PairSTDP,
    Receiver,
    RewardSTDP,
    Rule,
    Sender,
    Synapse,
    SynapticScaling,
    Trace,
    TripletSTDP,
    VoltageSTDP,
    rule_from,
)
from neurallayers.dynamics.plasticity.rule import MOST_FILTERS, MOST_TRACES, MOST_VARIABLES
from neurallayers.errors import InvalidInput, UnknownName

LAW = settings(max_examples=20, deadline=None, derandomize=True, database=None)
KINDS: dict[str, Rule] = {
    **{name: RULES.make(name) for name in RULES},
    "power": PairSTDP(mu_plus=0.4, mu_minus=0.6),
    "centered": PairSTDP(pairing="presynaptic_centered"),
    "centered by power": PairSTDP(pairing="presynaptic_centered", mu_plus=0.4),
    "reduced": PairSTDP(pairing="reduced_symmetric"),
    "reduced by power": PairSTDP(pairing="reduced_symmetric", mu_minus=0.4),
    "homeostatic": VoltageSTDP(reference_mv2=60.0),
    "adaptive": EProp(beta=0.3),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


# -------------------------------------------------------------------------------- as values


@every_kind
def test_a_rule_is_json_and_back(kind: str) -> None:
    rule = KINDS[kind]
    text = json.dumps(rule.describe(), allow_nan=False)
    assert rule_from(json.loads(text)) == rule
    assert hash(rule) == hash(rule_from(rule.describe()))


@every_kind
def test_a_rule_declares_no_more_than_there_is_room_for(kind: str) -> None:
    rule = KINDS[kind]
    assert len(rule.presynaptic_traces) <= MOST_TRACES
    assert len(rule.postsynaptic_traces) <= MOST_TRACES
    assert len(rule.potential_filters) <= MOST_FILTERS
    assert len(rule.synaptic_variables) <= MOST_VARIABLES
    assert len(set(rule.synaptic_variables)) == len(rule.synaptic_variables)
    assert all(isinstance(number, float) for number in rule.numbers(0.1))
    assert any(rule.equations()[:3])


def test_an_unknown_rule_or_number_gets_a_suggestion() -> None:
    with pytest.raises(UnknownName, match=r"no rule of plasticity called 'PairSTD'. Did you mean"):
        rule_from({"rule": "PairSTD"})
    with pytest.raises(InvalidInput, match=r"PairSTDP has no 'tau_plus'. Did you mean 'tau_plus_"):
        rule_from({"rule": "PairSTDP", "tau_plus": 20.0})
    with pytest.raises(InvalidInput, match="names no rule"):
        rule_from({"tau_plus_ms": 20.0})


def test_whole_numbers_are_numbers() -> None:
    rule = PairSTDP(w_max=2, mu_minus=1, tau_plus_ms=20)
    assert rule == PairSTDP(w_max=2.0, mu_minus=1.0, tau_plus_ms=20.0)
    assert {type(number) for number in rule.numbers(0.1)} == {float}


def test_an_interval_is_a_whole_number_of_steps() -> None:
    rule = RewardSTDP(update_ms=10.0)
    assert rule.steps_between(0.1) == 100
    assert RewardSTDP().steps_between(0.1) == 1
    with pytest.raises(InvalidInput, match=r"interval_ms is 10.0 at a step of 3.0 ms"):
        rule.steps_between(3.0)


def test_a_modulator_decays_or_stays() -> None:
    assert RewardSTDP(tau_modulator_ms=200.0).modulator_decay(1.0) == math.exp(-1 / 200)
    assert PairSTDP().modulator_decay(1.0) == 1.0


# ---------------------------------------------------------------------------- what they watch


@given(tau=st.floats(0.5, 500.0), dt=st.floats(0.01, 5.0), steps=st.integers(1, 50))
@LAW
def test_a_trace_decays_exactly(tau: float, dt: float, steps: int) -> None:
    trace = Trace(tau)
    value = 1.0
    for _ in range(steps):
        value *= trace.decay(dt)
    assert value == pytest.approx(math.exp(-steps * dt / tau), rel=1e-10)
    assert Filter(tau, -70.0).decay(dt) == trace.decay(dt)


def test_a_spike_adds_to_a_trace_or_sets_it() -> None:
    before = torch.tensor([0.25, 0.75])
    spikes = torch.tensor([1.0, 0.0])
    assert Trace(20.0, increment=2.0).raised(before, spikes).tolist() == [2.25, 0.75]
    last = Trace(20.0, increment=2.0, mode="nearest")
    assert last.raised(before, spikes).tolist() == [2.0, 0.75]


def test_what_cannot_be_watched_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"tau_ms is -1.0"):
        Trace(-1.0)
    with pytest.raises(InvalidInput, match=r"mode is 'all'. Known: all_to_all"):
        Trace(20.0, mode="all")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=r"tau_ms is 0.0"):
        Filter(0.0, -70.0)


# ------------------------------------------------------------------------- compiled and dense


@functools.cache
def compiled(equation: Any) -> Any:
    """The equation over many synapses, as a circuit would compile it."""

    @numba.njit(**OPTIONS)  # type: ignore[untyped-decorator]
    def over_synapses(rows: Any, p: Any, out: Any) -> None:
        for k in range(rows.shape[1]):
            synapse = Synapse(rows[0, k], rows[1, k], rows[2, k])
            sender = Sender(rows[3, k], rows[4, k])
            receiver = Receiver(
                rows[5, k], rows[6, k], rows[7, k], rows[8, k], rows[9, k], rows[10, k]
            )
            after = equation(synapse, sender, receiver, rows[11, k], p)
            out[0, k], out[1, k], out[2, k] = after.weight, after.variable_1, after.variable_2

    return over_synapses


def synapses(rule: Rule, n: int) -> np.ndarray[Any, Any]:
    """Random synapses that a rule may meet, with potentials around threshold."""
    rows = np.random.default_rng(4).uniform(0.0, 1.0, (12, n))
    rows[7:11] = -75.0 + 40.0 * rows[7:11]
    if isinstance(rule, EProp):
        rows[7] = 1.0 + (rows[7] + 55.0) / 40.0
    # A tie and an untouched trace are among them.
    rows[3, 0], rows[6, 0], rows[5, 1] = 0.5, 0.5, 0.0
    return rows


COMPILED = [(kind, np.float64) for kind in KINDS]
# Compiling takes its time: in single precision a few that differ (a power, a triangle, an exp).
COMPILED += [(kind, np.float32) for kind in ("power", "EProp", "SynapticScaling")]


@pytest.mark.parametrize(("kind", "dtype"), COMPILED)
def test_compiled_it_is_the_same_equation(kind: str, dtype: Any) -> None:
    rule = KINDS[kind]
    rows = synapses(rule, 64).astype(dtype)
    p = rule.numbers(1.0)
    tensors = [torch.from_numpy(row) for row in rows]
    tolerance = 1e-13 if dtype is np.float64 else 2e-5
    for equation in filter(None, rule.equations()[:3]):
        expected = equation(
            Synapse(*tensors[:3]), Sender(*tensors[3:5]), Receiver(*tensors[5:11]), tensors[11], p
        )
        found = np.empty((3, rows.shape[1]), dtype)
        compiled(equation)(rows, tuple(dtype(number) for number in p), found)
        for mine, dense in zip(found, expected, strict=True):
            assert np.allclose(mine, dense.numpy(), rtol=tolerance, atol=tolerance)
        assert not np.array_equal(found, rows[:3])


@every_kind
def test_what_is_not_declared_is_not_read(kind: str) -> None:
    """Zeros in its place change nothing, so nobody needs to store or gather it."""
    rule = KINDS[kind]
    rows = [torch.from_numpy(row) for row in synapses(rule, 32)]
    declared = [
        *[True] * 1,
        *(i < len(rule.synaptic_variables) for i in range(2)),
        *(i < len(rule.presynaptic_traces) for i in range(2)),
        *(i < len(rule.postsynaptic_traces) for i in range(2)),
        rule.needs_potential,
        *(i < len(rule.potential_filters) for i in range(3)),
        True,
    ]
    bare = [row if used else 0.0 for row, used in zip(rows, declared, strict=True)]
    kept = 1 + len(rule.synaptic_variables)
    for equation in filter(None, rule.equations()[:3]):
        full, less = (
            equation(Synapse(*r[:3]), Sender(*r[3:5]), Receiver(*r[5:11]), r[11], rule.numbers(1.0))
            for r in (rows, bare)
        )
        for one, other in zip(full[:kept], less[:kept], strict=True):
            assert torch.equal(one, other)


@given(weight=st.floats(0.2, 0.9), push=st.floats(-50.0, 50.0))
@LAW
def test_no_equation_leaves_the_bounds(weight: float, push: float) -> None:
    for rule in KINDS.values():
        bounded = rule_from({**rule.describe(), "w_min": 0.2, "w_max": 0.9})
        seen = Receiver(*[push] * 6)
        for equation in filter(None, bounded.equations()[:3]):
            synapse = Synapse(weight, push, push)
            after = equation(synapse, Sender(push, push), seen, push, bounded.numbers(1.0))
            assert 0.2 <= after.weight <= 0.9


def test_rules_of_many_kinds_are_there() -> None:
    assert {type(rule) for rule in KINDS.values()} >= {TripletSTDP, SynapticScaling, VoltageSTDP}
    assert len(RULES) == len(set(RULES))
