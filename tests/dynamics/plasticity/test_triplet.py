"""Triplet STDP against sums over triplets, the data it was fitted to, and NEST."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dynamics.plasticity.spike_trains import (
    Times,
    by_events,
    final_weight,
    final_weights,
    last_of,
    lived,
    summed,
    trains,
)

from neurallayers.dynamics.plasticity import PairSTDP, TripletSTDP
from neurallayers.errors import InvalidInput

LAW = settings(max_examples=20, deadline=None, derandomize=True, database=None)
PEERS = json.loads(
    (Path(__file__).parents[2] / "references" / "plasticity.json").read_text(encoding="utf-8")
)
# Sjöström, Turrigiano & Nelson (2001), Neuron 32:1149, as tabled by Pfister & Gerstner (2006),
# table 1: change of weight and its standard error at lags of +10 and -10 ms.
RATES_HZ = (0.1, 10.0, 20.0, 40.0, 50.0)
MEASURED = {
    10: ((-0.04, 0.14, 0.29, 0.53, 0.56), (0.05, 0.1, 0.14, 0.11, 0.26)),
    -10: ((-0.29, -0.41, -0.34, 0.56, 0.75), (0.08, 0.11, 0.1, 0.32, 0.19)),
}


def explicit(
    rule: TripletSTDP, before: Times, after: Times, updates_first: bool, weight: float
) -> tuple[list[float], float]:
    """Equations 3 and 4 of the paper with sums over spikes instead of traces."""

    def trace(times: list[int], now: int, tau_ms: float) -> float:
        return summed(last_of(times) if rule.pairing == "nearest" else times, now, tau_ms)

    def depressed(w: float, now: int) -> float:
        fired, sent = [t for t in after if t < now], [t for t in before if t < now]
        slow = trace(sent, now, rule.tau_x_ms)
        fast = trace(fired, now, rule.tau_minus_ms)
        return max(w - fast * (rule.pair_minus + rule.triplet_minus * slow), 0.0)

    def potentiated(w: float, now: int) -> float:
        fired = [t for t in after if t < now]
        sent = [t for t in before if t < now or (t == now and not updates_first)]
        slow = trace(fired, now, rule.tau_y_ms)
        fast = trace(sent, now, rule.tau_plus_ms)
        return w + fast * (rule.pair_plus + rule.triplet_plus * slow)

    return by_events(
        before,
        after,
        weight,
        depressed=depressed,
        potentiated=potentiated,
        updates_first=updates_first,
    )


def strong(pairing: Any, order: Any) -> TripletSTDP:
    return TripletSTDP(
        pair_plus=0.03,
        triplet_plus=0.05,
        pair_minus=0.04,
        triplet_minus=0.02,
        tau_y_ms=40.0,
        pairing=pairing,
        order=order,
    )


@pytest.mark.parametrize("pairing", ["all_to_all", "nearest"])
@pytest.mark.parametrize("order", ["transmit_then_update", "update_then_transmit"])
@given(before=trains, after=trains, weight=st.floats(0.0, 2.0))
@LAW
def test_random_trains_change_weights_as_the_sums_say(
    pairing: Any, order: Any, before: Times, after: Times, weight: float
) -> None:
    rule = strong(pairing, order)
    sent, state = lived(rule, before, after, weight=weight)
    expected, last = explicit(rule, before, after, order == "update_then_transmit", weight)
    assert sent.tolist() == pytest.approx(expected, abs=1e-12)
    assert float(state.weight) == pytest.approx(last, abs=1e-12)


def pairings(rate_hz: float, lag_ms: int) -> tuple[Times, Times]:
    """Sixty pairs at a rate, in steps of 5 ms."""
    before = [4 + round(200.0 / rate_hz) * k for k in range(60)]
    return before, [step + lag_ms // 5 for step in before]


def frequency_dependence(rule: Any) -> dict[int, list[float]]:
    """Change of weight by 60 pairs at each rate; pairs 10 s apart do not see each other."""
    lives = [pairings(rate, lag) for lag in MEASURED for rate in RATES_HZ[1:]]
    single = [([4], [4 + lag // 5]) for lag in MEASURED]
    weights = final_weights(rule, single + lives, weight=1.0, dt_ms=5.0)
    rows = iter(weight - 1.0 for weight in weights)
    slow = {lag: 60 * next(rows) for lag in MEASURED}
    return {lag: [slow[lag], *(next(rows) for _ in RATES_HZ[1:])] for lag in MEASURED}


@pytest.mark.parametrize("pairing", ["all_to_all", "nearest"])
def test_the_frequency_dependence_is_that_of_the_equations(pairing: Any) -> None:
    rule = TripletSTDP.fitted_to("visual_cortex", pairing=pairing, minimal=False)
    for lag, found in frequency_dependence(rule).items():
        for rate, change in zip(RATES_HZ[1:], found[1:], strict=True):
            before, after = ([5 * step for step in steps] for steps in pairings(rate, lag))
            _, expected = explicit(rule, before, after, False, 1.0)
            assert change == pytest.approx(expected - 1.0, abs=1e-12)


def misfit(rule: Any) -> float:
    """Mean squared distance from the data in standard errors (E of the paper, eq. 8)."""
    found = frequency_dependence(rule)
    squares = [
        ((change - mean) / error) ** 2
        for lag, (means, errors) in MEASURED.items()
        for change, mean, error in zip(found[lag], means, errors, strict=True)
    ]
    return float(np.mean(squares))


@pytest.mark.parametrize(
    ("pairing", "minimal", "error"),
    [
        ("all_to_all", False, 0.34),
        ("all_to_all", True, 0.36),
        ("nearest", False, 0.23),
        ("nearest", True, 0.35),
    ],
)
def test_the_fits_to_visual_cortex_describe_its_data(
    pairing: Any, minimal: bool, error: float
) -> None:
    """Potentiation grows with the rate, and depression turns into it above 20 Hz."""
    rule = TripletSTDP.fitted_to("visual_cortex", pairing=pairing, minimal=minimal)
    assert misfit(rule) == pytest.approx(error, abs=0.01)


def test_no_pair_rule_describes_them() -> None:
    """The best amplitudes (least squares, as the change is linear in them) leave ten times more."""
    unbounded = {"w_min": -math.inf, "w_max": math.inf, "tau_plus_ms": 16.8, "tau_minus_ms": 33.7}
    plus, minus = (
        frequency_dependence(PairSTDP(amplitude_plus=a, amplitude_minus=1.0 - a, **unbounded))
        for a in (1.0, 0.0)
    )
    columns, targets = [], []
    for lag, (means, errors) in MEASURED.items():
        rows = zip(plus[lag], minus[lag], errors, strict=True)
        columns += [[p / error, m / error] for p, m, error in rows]
        targets += [mean / error for mean, error in zip(means, errors, strict=True)]
    _, squares, _, _ = np.linalg.lstsq(np.array(columns), np.array(targets), rcond=None)
    assert squares[0] / len(targets) > 3.5


def test_nest_sends_the_same_weights() -> None:
    peer = PEERS["nest"]["triplet"]
    rule = TripletSTDP(
        pair_plus=5e-3,
        triplet_plus=6.2e-3,
        pair_minus=7e-3,
        triplet_minus=2.3e-3,
        tau_y_ms=125.0,
        w_max=100.0,
        order="update_then_transmit",
    )
    before = [round(time) for time in peer["presynaptic_ms"]]
    after = [round(time) for time in peer["postsynaptic_ms"]]
    sent, _ = lived(rule, before, after, steps=1210)
    assert sent.tolist() == pytest.approx(peer["weights"], abs=1e-12)


def test_a_triplet_is_more_than_its_pairs() -> None:
    """Two postsynaptic spikes around a presynaptic one: only A3+ sees the first."""
    rule = TripletSTDP(triplet_plus=0.1, pair_minus=0.0)
    assert final_weight(rule, [20], [30]) == 0.5
    grown = 0.1 * math.exp(-10 / 16.8) * math.exp(-25 / 114)
    assert final_weight(rule, [20], [5, 30]) == pytest.approx(0.5 + grown, abs=1e-14)


def test_terms_without_amplitude_cost_no_trace() -> None:
    full = TripletSTDP.fitted_to("visual_cortex", minimal=False)
    minimal = TripletSTDP.fitted_to("visual_cortex")
    assert (len(full.presynaptic_traces), len(full.postsynaptic_traces)) == (2, 2)
    assert (len(minimal.presynaptic_traces), len(minimal.postsynaptic_traces)) == (1, 2)
    assert [trace.tau_ms for trace in full.presynaptic_traces] == [16.8, 101.0]
    assert [trace.tau_ms for trace in full.postsynaptic_traces] == [33.7, 125.0]


def test_bad_numbers_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"tissue is 'cortex'. Did you mean 'visual_cortex'"):
        TripletSTDP.fitted_to("cortex")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="tau_y_ms is -1"):
        TripletSTDP(tau_y_ms=-1.0)
    with pytest.raises(InvalidInput, match="triplet_minus is -1"):
        TripletSTDP(triplet_minus=-1.0)
