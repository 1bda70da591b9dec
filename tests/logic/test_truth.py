from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from tests.logic.formulas import DEGREES, PAIRS

from neurallayers.errors import InvalidInput
from neurallayers.logic.truth import FALSE, TRUE, UNKNOWN, Bounds, Reading, bounds_of


@pytest.mark.parametrize(
    ("lower", "upper", "alpha", "reading"),
    [
        # The table of primary states of Riegel et al. (2020), with alpha 0.7.
        (0.7, 1.0, 0.7, Reading.TRUE),
        (0.8, 0.9, 0.7, Reading.TRUE),
        (0.0, 0.3, 0.7, Reading.FALSE),
        (0.1, 0.2, 0.7, Reading.FALSE),
        (0.0, 1.0, 0.7, Reading.UNKNOWN),
        (0.3, 0.7, 0.7, Reading.UNKNOWN),
        (0.4, 0.6, 0.7, Reading.UNCERTAIN),
        (0.5, 1.0, 0.7, Reading.UNCERTAIN),
        (0.0, 0.5, 0.7, Reading.UNCERTAIN),
        (0.9, 0.8, 0.7, Reading.CONTRADICTORY),
        (1.0, 0.0, 1.0, Reading.CONTRADICTORY),
        (1.0, 1.0, 1.0, Reading.TRUE),
        (0.0, 0.0, 1.0, Reading.FALSE),
        (0.99, 1.0, 1.0, Reading.UNCERTAIN),
    ],
)
def test_bounds_are_read_by_the_threshold(
    lower: float, upper: float, alpha: float, reading: Reading
) -> None:
    assert Bounds(lower, upper).reading(alpha) is reading


@settings(deadline=None, derandomize=True, database=None)
@given(PAIRS, PAIRS)
def test_two_bounds_say_together_what_each_says(
    first: tuple[float, float], second: tuple[float, float]
) -> None:
    one, two = Bounds(*first), Bounds(*second)
    both = one.meet(two)
    assert both == two.meet(one)
    assert both.lower >= max(one.lower, two.lower)
    assert both.upper <= min(one.upper, two.upper)
    assert one.meet(UNKNOWN) == one


@settings(deadline=None, derandomize=True, database=None)
@given(DEGREES, DEGREES)
def test_ignorance_and_contradiction_exclude_each_other(lower: float, upper: float) -> None:
    bounds = Bounds(lower, upper)
    assert bounds.uncertainty == 0.0 or bounds.contradiction == 0.0
    assert bounds.uncertainty - bounds.contradiction == pytest.approx(upper - lower)


def test_the_corners_have_names() -> None:
    assert (TRUE.reading(), FALSE.reading()) == (Reading.TRUE, Reading.FALSE)
    assert UNKNOWN.reading() is Reading.UNKNOWN
    assert UNKNOWN.middle == 0.5
    assert (str(TRUE), str(UNKNOWN), str(Bounds(0.25, 0.5))) == ("1", "[0, 1]", "[0.25, 0.5]")


def test_crossing_by_rounding_contradicts_nothing() -> None:
    assert not Bounds(0.3 + 1e-12, 0.3).is_contradictory
    assert Bounds(0.3 + 1e-6, 0.3).is_contradictory


@pytest.mark.parametrize(
    "truth", [0.5, (0.5, 0.5), [0.5, 0.5], np.float32(0.5), torch.tensor(0.5), Bounds(0.5, 0.5)],
    ids=range(6),
)  # fmt: skip
def test_a_truth_is_given_in_many_ways(truth: Any) -> None:
    assert bounds_of(truth) == Bounds(0.5, 0.5)
    assert isinstance(bounds_of(truth).lower, float)


@pytest.mark.parametrize(
    "truth", [math.nan, -0.1, 1.1, "0.5", None, (0.1, 0.2, 0.3), (), torch.zeros(2), [0.1, "x"]],
    ids=range(9),
)  # fmt: skip
def test_what_is_no_truth_is_refused(truth: Any) -> None:
    with pytest.raises(InvalidInput, match=r"bound is|are no bounds"):
        bounds_of(truth)


@pytest.mark.parametrize("alpha", [0.5, 0.0, 1.01, math.nan])
def test_a_threshold_lies_above_a_half(alpha: float) -> None:
    with pytest.raises(InvalidInput, match="alpha is"):
        UNKNOWN.reading(alpha)
