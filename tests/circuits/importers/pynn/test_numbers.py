"""Numbers of scripts: given, drawn, in another unit."""

from __future__ import annotations

import types

import numpy as np
import pytest

from neurallayers.circuits.distributions import generator
from neurallayers.circuits.importers.pynn.numbers import (
    NumpyRNG,
    RandomDistribution,
    drawn_from,
    in_unit,
    is_drawn,
)
from neurallayers.errors import InvalidInput


def sample(distribution: RandomDistribution, factor: float = 1.0) -> np.ndarray:
    return in_unit(distribution, factor, "weight").draw(generator(1, "numbers"), 20_000)


def test_distributions_have_their_moments() -> None:
    uniform = sample(RandomDistribution("uniform", low=2.0, high=4.0), 10.0)
    assert 20.0 <= uniform.min() < 20.1 < 39.9 < uniform.max() <= 40.0
    normal = sample(RandomDistribution("normal", (3.0, 0.5), rng=NumpyRNG(7)))
    assert normal.mean() == pytest.approx(3.0, abs=0.015)
    assert normal.std() == pytest.approx(0.5, abs=0.01)
    clipped = sample(RandomDistribution("normal_clipped", mu=0.0, sigma=1.0, low=0.0, high=9.0))
    assert clipped.min() >= 0.0
    assert clipped.mean() == pytest.approx(np.sqrt(2.0 / np.pi), abs=0.02)
    logarithms = np.log(sample(RandomDistribution("lognormal", mu=-1.0, sigma=0.7)))
    assert logarithms.mean() == pytest.approx(-1.0, abs=0.02)
    assert logarithms.std() == pytest.approx(0.7, abs=0.015)


def test_distributions_of_pynn_itself_are_understood() -> None:
    theirs = types.SimpleNamespace(name="uniform", parameters={"low": 0.0, "high": 1.0})
    assert is_drawn(theirs)
    assert drawn_from(theirs).draw(generator(0, "a"), 3).shape == (3,)
    assert not is_drawn(1.0)
    assert not is_drawn([1.0])


def test_numbers_and_arrays_change_their_unit() -> None:
    assert in_unit(0.5, 1000.0, "weight") == 500.0
    np.testing.assert_allclose(in_unit([[0.1, 0.2]], 1000.0, "weight"), [[100.0, 200.0]])


@pytest.mark.parametrize("given", ["d < 5", lambda distance: distance])
def test_functions_of_distance_are_outside(given: object) -> None:
    with pytest.raises(InvalidInput, match="Functions of the distance"):
        in_unit(given, 1.0, "weight")


def test_unknown_distributions_and_parameters_are_refused() -> None:
    with pytest.raises(InvalidInput, match="'vonmises' is outside"):
        RandomDistribution("vonmises", mu=0.0, kappa=1.0)
    with pytest.raises(InvalidInput, match="It takes low, high"):
        RandomDistribution("uniform", low=0.0)
    with pytest.raises(InvalidInput, match="It takes mu, sigma"):
        RandomDistribution("normal", (1.0, 2.0, 3.0))
