"""Pair STDP against closed forms, sums over pairs, NEST and Brian2."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dynamics.plasticity.spike_trains import (
    Times,
    by_events,
    final_weight,
    last_of,
    lived,
    spikes,
    summed,
    trains,
)

from neurallayers.dynamics.plasticity import PairSTDP, PlasticSynapses, Synapse
from neurallayers.dynamics.plasticity.spike_timing import PAIRINGS, power
from neurallayers.errors import InvalidInput

LAW = settings(max_examples=20, deadline=None, derandomize=True, database=None)
PEERS = json.loads(
    (Path(__file__).parents[2] / "references" / "plasticity.json").read_text(encoding="utf-8")
)
TAU_PLUS_MS, TAU_MINUS_MS = 16.8, 33.7
EXPONENTS = {
    "additive": (0.0, 0.0),
    "multiplicative": (1.0, 1.0),
    "van_rossum": (0.0, 1.0),
    "guetig": (0.4, 0.4),
}


def rule_of(**options: Any) -> PairSTDP:
    usual = {
        "amplitude_plus": 0.1,
        "amplitude_minus": 0.11,
        "tau_plus_ms": TAU_PLUS_MS,
        "tau_minus_ms": TAU_MINUS_MS,
    }
    return PairSTDP(**{**usual, **options})


# ---------------------------------------------------------------------------- closed forms


@pytest.mark.parametrize("lag", [-80, -10, -1, 1, 10, 80])
@pytest.mark.parametrize("pairing", PAIRINGS)
@pytest.mark.parametrize(("mu_plus", "mu_minus"), EXPONENTS.values())
def test_an_isolated_pair(lag: int, pairing: Any, mu_plus: float, mu_minus: float) -> None:
    rule = rule_of(pairing=pairing, mu_plus=mu_plus, mu_minus=mu_minus)
    if lag > 0:
        expected = 0.1 * (1.0 - 0.3) ** mu_plus * math.exp(-lag / TAU_PLUS_MS)
    else:
        expected = -0.11 * 0.3**mu_minus * math.exp(lag / TAU_MINUS_MS)
    found = final_weight(rule, [100], [100 + lag], weight=0.3, steps=190) - 0.3
    assert found == pytest.approx(expected, rel=1e-12)
    assert rule.window(lag, weight=0.3) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("lag", [10, -10])
def test_sixty_pairs_at_ten_hertz_sum_up(lag: int) -> None:
    """All to all: 60 pairs at lag 0, 59 at one period more, ... (a series in closed form)."""
    n, period = 60, 100.0
    before = [5 + 10 * k for k in range(n)]  # in steps of 10 ms
    after = [step + lag // 10 for step in before]
    rule = rule_of(amplitude_plus=0.01, amplitude_minus=0.0105, w_min=-math.inf, w_max=math.inf)
    found = final_weight(rule, before, after, weight=1.0, steps=610, dt_ms=10.0)

    def series(tau_ms: float, first: int) -> float:
        """Sum over k >= first of (n - k) exp(-k period / tau)."""
        q = math.exp(-period / tau_ms)
        whole = n / (1 - q) - q * (1 - q**n) / (1 - q) ** 2
        return whole - (n if first else 0)

    plus, minus = (0, 1) if lag > 0 else (1, 0)
    change = 0.01 * math.exp(-lag / TAU_PLUS_MS) * series(TAU_PLUS_MS, plus)
    change -= 0.0105 * math.exp(lag / TAU_MINUS_MS) * series(TAU_MINUS_MS, minus)
    assert found - 1.0 == pytest.approx(change, rel=1e-11)


@pytest.mark.parametrize("dt_ms", [0.1, 0.25, 1.0])
def test_the_step_changes_nothing_for_spikes_on_the_grid(dt_ms: float) -> None:
    before, after = [10, 31, 58], [14, 30, 60]
    steps = [[round(time / dt_ms) for time in times] for times in (before, after)]
    found = final_weight(rule_of(), *steps, steps=round(70 / dt_ms), dt_ms=dt_ms)
    assert found == pytest.approx(final_weight(rule_of(), before, after, steps=70), abs=1e-13)


# -------------------------------------------------------------------------- sums over pairs


def partners(pairing: str, before: Times, after: Times, updates_first: bool) -> tuple[Any, Any]:
    """Which spikes pair with one of the receiver, and with one of the sender, at a time.

    From the definitions of Morrison et al. (2008), figure 7. At a tie the presynaptic spike is the
    earlier one, or, where updates go first, the postsynaptic one (and the two do not pair).
    """

    def of_receiver(now: int) -> list[int]:
        sent = [t for t in before if t < now or (t == now and not updates_first)]
        fired = last_of(t for t in after if t < now)
        if pairing == "presynaptic_centered" and fired:
            sent = [t for t in sent if t > fired[0] or (t == fired[0] and updates_first)]
        if pairing in ("nearest", "reduced_symmetric"):
            sent = last_of(sent)
        if pairing == "reduced_symmetric" and fired:
            sent = [t for t in sent if t > fired[0] or (t == fired[0] and updates_first)]
        return sent

    def of_sender(now: int) -> list[int]:
        fired = [t for t in after if t < now]
        if pairing != "all_to_all":
            fired = last_of(fired)
        sent = last_of(t for t in before if t < now)
        if pairing == "reduced_symmetric" and sent:
            fired = [t for t in fired if t > sent[0] or (t == sent[0] and not updates_first)]
        return fired

    return of_receiver, of_sender


@pytest.mark.parametrize("pairing", PAIRINGS)
@pytest.mark.parametrize("order", ["transmit_then_update", "update_then_transmit"])
@given(before=trains, after=trains, exponents=st.sampled_from(sorted(EXPONENTS)))
@LAW
def test_random_trains_change_weights_as_the_sums_over_pairs_say(
    pairing: Any, order: Any, before: Times, after: Times, exponents: str
) -> None:
    mu_plus, mu_minus = EXPONENTS[exponents]
    updates_first = order == "update_then_transmit"
    of_receiver, of_sender = partners(pairing, before, after, updates_first)

    def depressed(weight: float, now: int) -> float:
        amount = 0.11 * weight**mu_minus * summed(of_sender(now), now, TAU_MINUS_MS)
        return min(max(weight - amount, 0.0), 1.0)

    def potentiated(weight: float, now: int) -> float:
        amount = 0.1 * (1.0 - weight) ** mu_plus * summed(of_receiver(now), now, TAU_PLUS_MS)
        return min(max(weight + amount, 0.0), 1.0)

    rule = rule_of(pairing=pairing, order=order, mu_plus=mu_plus, mu_minus=mu_minus)
    sent, state = lived(rule, before, after)
    expected, last = by_events(
        before,
        after,
        0.5,
        depressed=depressed,
        potentiated=potentiated,
        updates_first=updates_first,
    )
    assert sent.tolist() == pytest.approx(expected, abs=1e-12)
    assert float(state.weight) == pytest.approx(last, abs=1e-12)


@given(
    before=trains,
    after=trains,
    weight=st.floats(-2.0, 3.0),
    exponents=st.tuples(st.floats(0.0, 2.0), st.floats(0.0, 2.0)),
    amplitude=st.floats(0.0, 20.0),
)
@LAW
def test_weights_stay_within_their_bounds(
    before: Times,
    after: Times,
    weight: float,
    exponents: tuple[float, float],
    amplitude: float,
) -> None:
    rule = rule_of(
        amplitude_plus=amplitude,
        amplitude_minus=amplitude,
        mu_plus=exponents[0],
        mu_minus=exponents[1],
        w_min=-2.0,
        w_max=3.0,
    )
    sent, state = lived(rule, before, after, weight=weight)
    for found in (sent, state.weight):
        assert bool(((found >= -2.0) & (found <= 3.0)).all())


# ---------------------------------------------------------------------------- other simulators


@pytest.mark.parametrize("name", [*EXPONENTS, *PAIRINGS[1:]])
def test_nest_sends_the_same_weights(name: str) -> None:
    """NEST 3.10, spikes at the same grid point included; its delay is that of the dendrite."""
    peer = PEERS["nest"][name]
    mu_plus, mu_minus = EXPONENTS.get(name, (0.0, 0.0))
    pairing: Any = name if name in PAIRINGS else "all_to_all"
    rule = rule_of(
        pairing=pairing, mu_plus=mu_plus, mu_minus=mu_minus, order="update_then_transmit"
    )
    before = [round(time) for time in peer["presynaptic_ms"]]
    after = [round(time) for time in peer["postsynaptic_ms"]]
    sent, _ = lived(rule, before, after, steps=1210)
    assert sent.tolist() == pytest.approx(peer["weights"], abs=1e-12)
    assert name == "reduced_symmetric" or set(before) & set(after)


def test_brian2_finds_the_same_weights() -> None:
    """Brian2 2.11, the STDP of its documentation; trains with spikes at the same grid point."""
    peer = PEERS["brian2"]
    before = [round(time) for time in peer["presynaptic_ms"]]
    after = [round(time) for time in peer["postsynaptic_ms"]]
    assert set(before) & set(after)
    cell = PlasticSynapses(1, 1, rule=rule_of(order="transmit_then_update"), initial_weight=0.5)
    state, found = cell.double().initial_state(), {}
    frames = cell.frame(spikes(before, 1200), spikes(after, 1200))
    for now, frame in enumerate(frames):
        _, state = cell(frame, state)
        found[now] = float(state.weight)
    stops = sorted({*before, *after})
    assert [found[now] for now in stops] == pytest.approx(peer["weights_after"], abs=1e-12)


def test_the_two_orders_differ_at_a_tie() -> None:
    """Pre before post and sent unchanged, or no pair and sent changed."""
    before, after = [10, 20], [5, 20]
    sent, state = lived(rule_of(order="transmit_then_update"), before, after)
    first = 0.5 - 0.11 * math.exp(-5 / TAU_MINUS_MS)
    assert sent[0] == 0.5
    assert sent[1] == pytest.approx(first, abs=1e-15)
    second = first - 0.11 * math.exp(-15 / TAU_MINUS_MS)
    grown = second + 0.1 * (1.0 + math.exp(-10 / TAU_PLUS_MS))
    assert float(state.weight) == pytest.approx(grown, abs=1e-14)
    sent, state = lived(rule_of(order="update_then_transmit"), before, after)
    assert sent[0] == pytest.approx(first, abs=1e-15)
    grown = first + 0.1 * math.exp(-10 / TAU_PLUS_MS) - 0.11 * math.exp(-15 / TAU_MINUS_MS)
    assert sent[1] == pytest.approx(grown, abs=1e-14)
    assert float(state.weight) == pytest.approx(grown, abs=1e-14)


# ---------------------------------------------------------------------------------- details


def test_a_lag_of_zero_is_as_the_order_says() -> None:
    assert rule_of(order="transmit_then_update").window(0.0) == 0.1
    assert rule_of(order="update_then_transmit").window(0.0) == 0.0


def test_powers_hold_at_their_ends_and_keep_a_gradient() -> None:
    for exponent in (0.0, 0.3, 1.0, 2.5):
        for base in (0.0, 1e-9, 0.2, 1.0, 7.0):
            assert power(base, exponent) == pytest.approx(base**exponent, rel=1e-12)
    base = torch.tensor([0.0, 0.25], dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(power(base, 0.5).sum(), base)
    assert gradient.tolist() == pytest.approx([0.0, 1.0])


def test_what_a_pairing_remembers_is_what_it_declares() -> None:
    kinds = {
        pairing: (
            len(rule_of(pairing=pairing).presynaptic_traces),
            len(rule_of(pairing=pairing).postsynaptic_traces),
            len(rule_of(pairing=pairing).synaptic_variables),
        )
        for pairing in PAIRINGS
    }
    assert kinds == {
        "all_to_all": (1, 1, 0),
        "nearest": (1, 1, 0),
        "presynaptic_centered": (1, 2, 1),
        "reduced_symmetric": (2, 2, 0),
    }
    assert Synapse(0.5) == (0.5, 0.0, 0.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pairing": "nerest"}, "pairing is 'nerest'. Did you mean 'nearest'"),
        ({"order": "transmit_update"}, "Did you mean 'transmit_then_update'"),
        ({"tau_plus_ms": 0.0}, "tau_plus_ms is 0.0"),
        ({"tau_minus_ms": math.inf}, "tau_minus_ms is inf"),
        ({"amplitude_minus": -0.1}, "amplitude_minus is -0.1"),
        ({"mu_plus": math.nan}, "mu_plus is nan"),
        ({"w_min": 1.0, "w_max": 1.0}, "w_min is 1.0 and w_max is 1.0"),
        ({"mu_plus": 1.0, "w_max": math.inf}, "mu_plus is 1.0 and w_max is inf"),
        ({"mu_minus": 0.5, "w_min": -math.inf}, "mu_minus is 0.5 and w_min is -inf"),
    ],
)
def test_bad_numbers_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        rule_of(**options)
