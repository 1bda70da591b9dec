from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.logic.formulas import PAIRS

from neurallayers.logic.intervals import Connective, downward, leaving_one_out, upward
from neurallayers.logic.semantics import Semantics, semantics_named

EVERY = ("product", "goedel", "lukasiewicz", "cognitive")
BINARY = (Connective.AND, Connective.OR, Connective.IMPLIES, Connective.IFF, Connective.XOR,
          Connective.ALL, Connective.ANY)  # fmt: skip
quick = settings(deadline=None, derandomize=True, database=None, max_examples=15)
WEIGHTS = st.one_of(st.none(), st.lists(st.floats(0.1, 2.0), min_size=3, max_size=3))
GRID = 13


def degree(
    connective: Connective, semantics: Semantics, degrees: list[float], weights: list[float] | None
) -> float:
    """The degree of the whole, straight from the definitions."""
    match connective:
        case Connective.AND:
            return float(semantics.conjunction(*degrees, weights=weights))
        case Connective.OR:
            return float(semantics.disjunction(*degrees, weights=weights))
        case Connective.ALL:
            return min(degrees)
        case Connective.ANY:
            return max(degrees)
        case Connective.IMPLIES:
            return float(semantics.implication(*degrees))
        case Connective.IFF:
            return float(semantics.equivalence(*degrees))
        case Connective.XOR:
            return float(semantics.exclusion(*degrees))
        case _:
            return 1.0 - degrees[0]


def points(low: float, high: float) -> list[float]:
    return [low + (high - low) * step / (GRID - 1) for step in range(GRID)]


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("connective", BINARY, ids=lambda c: c.value)
@quick
@given(first=PAIRS, second=PAIRS, third=PAIRS, whole=PAIRS, weights=WEIGHTS)
def test_bounds_hold_for_every_degree_within_them(
    name: str,
    connective: Connective,
    first: tuple[float, float],
    second: tuple[float, float],
    third: tuple[float, float],
    whole: tuple[float, float],
    weights: list[float] | None,
) -> None:
    """Both directions against a grid of all degrees, from the definition of the connective."""
    semantics = semantics_named(name)
    if connective not in {Connective.AND, Connective.OR}:
        weights = None
    several = connective in {Connective.AND, Connective.OR, Connective.ALL, Connective.ANY}
    pairs = [first, second, third] if several else [first, second]
    lower, upper = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    low, high = upward(connective, semantics, lower, upper, weights)
    below = downward(connective, semantics, *whole, lower, upper, weights)
    for degrees in itertools.product(*(points(*pair)[:: 3 if several else 1] for pair in pairs)):
        value = degree(connective, semantics, list(degrees), weights)
        assert low - 1e-9 <= value <= high + 1e-9
        if whole[0] <= value <= whole[1]:
            for own, (at_least, at_most) in zip(degrees, below, strict=True):
                assert at_least - 1e-6 <= own <= at_most + 1e-6


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("connective", BINARY, ids=lambda c: c.value)
@quick
@given(first=PAIRS, second=PAIRS)
def test_upward_bounds_are_reached(
    name: str, connective: Connective, first: tuple[float, float], second: tuple[float, float]
) -> None:
    if connective is Connective.XOR:
        # Its operands stand in it twice: bounds through its parts hold, and are wider.
        first, second = (first[0], first[0]), (second[1], second[1])
    semantics = semantics_named(name)
    lower, upper = [first[0], second[0]], [first[1], second[1]]
    low, high = upward(connective, semantics, lower, upper)
    # Extremes lie at corners, or where the operands can be equal.
    common = max(first[0], second[0])
    inner = [common] if common <= min(first[1], second[1]) else []
    values = [
        degree(connective, semantics, [a, b], None)
        for a, b in [*itertools.product(first, second), *((c, c) for c in inner)]
    ]
    assert low == pytest.approx(min(values), abs=1e-12)
    assert high == pytest.approx(max(values), abs=1e-12)


@pytest.mark.parametrize("name", ["product", "goedel", "lukasiewicz"])
@pytest.mark.parametrize(
    "connective", [Connective.AND, Connective.OR, Connective.IMPLIES], ids=lambda c: c.value
)
@quick
@given(degrees=st.tuples(*[st.floats(0.05, 0.95)] * 2))
def test_a_whole_that_is_known_gives_back_its_operand(
    name: str, connective: Connective, degrees: tuple[float, float]
) -> None:
    """With all else known, downward bounds contain the operand, and where the whole moves with it
    they are the operand itself."""
    semantics = semantics_named(name)
    value = degree(connective, semantics, list(degrees), None)
    nudged = [degrees[0] + 1e-3, degrees[1]]
    moves = abs(degree(connective, semantics, nudged, None) - value) > 1e-9 and 0.0 < value < 1.0
    known = list(degrees)
    ((low, high), _) = downward(connective, semantics, value, value, known, known)
    if moves:
        assert low == pytest.approx(degrees[0], abs=1e-6)
        assert high == pytest.approx(degrees[0], abs=1e-6)


@pytest.mark.parametrize("name", EVERY)
def test_the_classical_inferences(name: str) -> None:
    semantics = semantics_named(name)
    yes, no, open_ = (1.0, 1.0), (0.0, 0.0), (0.0, 1.0)

    def down(connective: Connective, whole: tuple[float, float], *pairs: tuple[float, float]):  # type: ignore[no-untyped-def]
        lows, highs = [low for low, _ in pairs], [high for _, high in pairs]
        return downward(connective, semantics, *whole, lows, highs)

    if name != "cognitive":
        assert down(Connective.IMPLIES, yes, yes, open_)[1][0] == 1.0  # modus ponens
    assert down(Connective.IMPLIES, yes, open_, no)[0][1] == 0.0  # modus tollens
    assert down(Connective.IMPLIES, no, open_, open_)[1] == (0.0, 0.0)
    assert down(Connective.OR, yes, no, open_)[1][0] == 1.0  # disjunctive syllogism
    assert down(Connective.OR, no, open_, open_)[0][1] == 0.0
    assert down(Connective.AND, no, yes, open_)[1][1] == 0.0  # conjunctive syllogism
    assert down(Connective.NOT, yes, open_) == [(0.0, 0.0)]
    assert down(Connective.ALL, yes, open_, open_) == [(1.0, 1.0), (1.0, 1.0)]
    assert down(Connective.ANY, yes, no, open_)[1] == (1.0, 1.0)
    if name != "cognitive":
        assert down(Connective.XOR, yes, yes, open_)[1][1] == pytest.approx(0.0)
        assert down(Connective.XOR, yes, no, open_)[1][0] == pytest.approx(1.0)
        assert down(Connective.XOR, no, yes, open_)[1][0] == pytest.approx(1.0)
        assert down(Connective.IFF, yes, no, open_)[1] == (0.0, 0.0)
        assert down(Connective.IFF, yes, yes, open_)[1] == (1.0, 1.0)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("connective", [*BINARY, Connective.NOT], ids=lambda c: c.value)
@quick
@given(pairs=st.lists(PAIRS, min_size=2, max_size=2), whole=PAIRS)
def test_tensors_and_floats_agree(
    name: str,
    connective: Connective,
    pairs: list[tuple[float, float]],
    whole: tuple[float, float],
) -> None:
    semantics = semantics_named(name)
    pairs = pairs[:1] if connective is Connective.NOT else pairs
    lower, upper = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    lows, highs = (
        [torch.tensor([bound], dtype=torch.float64) for bound in side] for side in (lower, upper)
    )
    ends = [torch.tensor([bound], dtype=torch.float64) for bound in whole]
    flat = list(upward(connective, semantics, lower, upper))
    for pair in downward(connective, semantics, *whole, lower, upper):
        flat += pair
    stacked = list(upward(connective, semantics, lows, highs))
    for pair in downward(connective, semantics, *ends, lows, highs):
        stacked += pair
    assert [float(bound) for bound in stacked] == pytest.approx(flat, abs=1e-9)


def test_all_but_one_are_joined() -> None:
    numbers = [2.0, 3.0, 5.0, 7.0]
    assert leaving_one_out(lambda a, b: a * b, numbers) == [105.0, 70.0, 42.0, 30.0]
    assert leaving_one_out(lambda a, b: a * b, numbers[:2]) == [3.0, 2.0]
    assert leaving_one_out(lambda a, b: a * b, numbers[:1]) == [1.0]
