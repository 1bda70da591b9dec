"""Distributions draw what they say, from the stream they are handed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neurallayers.circuits.distributions import (
    LogNormal,
    Normal,
    Uniform,
    drawn,
    generator,
)
from neurallayers.errors import InvalidInput, ShapeMismatch


def test_streams_are_named_and_independent() -> None:
    one, same, other = (generator(1, *names).random(1000) for names in (("a",), ("a",), ("b",)))
    assert np.array_equal(one, same)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.1


def test_moments_are_those_asked_for() -> None:
    numbers = generator(2, "moments")
    uniform = Uniform(-60.0, -50.0).draw(numbers, 100_000)
    assert uniform.mean() == pytest.approx(-55.0, abs=0.05)
    assert uniform.std() == pytest.approx(10.0 / math.sqrt(12.0), rel=0.01)
    normal = Normal(3.0, 2.0).draw(numbers, 100_000)
    assert normal.mean() == pytest.approx(3.0, abs=0.03)
    assert normal.std() == pytest.approx(2.0, rel=0.01)
    log_normal = LogNormal(5.0, 3.0).draw(numbers, 200_000)
    assert log_normal.mean() == pytest.approx(5.0, rel=0.01)
    assert log_normal.std() == pytest.approx(3.0, rel=0.03)


def test_what_falls_out_of_bounds_is_drawn_again() -> None:
    drawn_ = Normal(0.0, 1.0, low=0.0).draw(generator(3, "half"), 50_000)
    assert drawn_.min() >= 0.0
    # The mean of a half-normal distribution, not of one clipped at zero (0.399).
    assert drawn_.mean() == pytest.approx(math.sqrt(2.0 / math.pi), rel=0.02)


def test_one_number_an_array_or_a_distribution() -> None:
    numbers = generator(1, "x")
    assert drawn(2.0, 3, numbers, "weight").tolist() == [2.0, 2.0, 2.0]
    assert drawn([1, 2, 3], 3, numbers, "weight").tolist() == [1.0, 2.0, 3.0]
    assert drawn(Uniform(0.0, 1.0), 3, numbers, "weight").shape == (3,)
    with pytest.raises(ShapeMismatch, match=r"weight has shape \(2,\)"):
        drawn([1.0, 2.0], 3, numbers, "weight")
    with pytest.raises(InvalidInput, match="not finite"):
        drawn([1.0, math.nan, 2.0], 3, numbers, "weight")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Uniform(1.0, 0.0),
        lambda: Uniform(0.0, math.inf),
        lambda: Normal(0.0, -1.0),
        lambda: Normal(0.0, 1.0, low=8.0),
        lambda: LogNormal(0.0, 1.0),
    ],
)
def test_impossible_distributions_are_refused(make: object) -> None:
    with pytest.raises(InvalidInput):
        make()  # type: ignore[operator]
