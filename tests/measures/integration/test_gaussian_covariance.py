from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.measures.integration.gaussian_processes import process

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.measures.integration.gaussian_covariance import LaggedCovariance


def simulated(coefficients: Any, steps: int, seed: int = 0) -> Any:
    generator = np.random.default_rng(seed)
    weights = np.asarray(coefficients)
    noise = generator.normal(size=(steps, len(weights)))
    values = np.zeros_like(noise)
    for step in range(1, steps):
        values[step] = weights @ values[step - 1] + noise[step]
    return values[steps // 10 :]


def test_the_covariances_of_an_autoregression_are_those_of_its_closed_form() -> None:
    exact = LaggedCovariance.of_autoregression([[0.8]], [[2.0]])
    assert exact.past[0, 0] == pytest.approx(2.0 / (1.0 - 0.64), rel=1e-12)
    assert exact.cross[0, 0] == pytest.approx(0.8 * 2.0 / 0.36, rel=1e-12)
    later = LaggedCovariance.of_autoregression([[0.8]], [[2.0]], lag_steps=3)
    assert later.cross[0, 0] == pytest.approx(0.8**3 * 2.0 / 0.36, rel=1e-12)


def test_a_long_recording_gives_the_covariances_of_its_process() -> None:
    weights = [[0.6, 0.3], [-0.2, 0.5]]
    exact = LaggedCovariance.of_autoregression(weights, np.eye(2))
    found = LaggedCovariance.of_data(simulated(weights, 100_000))
    assert found.past == pytest.approx(exact.past, abs=0.05)
    assert found.cross == pytest.approx(exact.cross, abs=0.05)
    assert found.cross[0, 1] != pytest.approx(found.cross[1, 0], abs=0.1)


def test_torch_lists_and_offsets_give_the_same() -> None:
    values = simulated([[0.5, 0.1], [0.0, 0.3]], 500)
    plain = LaggedCovariance.of_data(values, lag_steps=2)
    for other in (torch.from_numpy(values), values.tolist(), values + 1000.0):
        assert LaggedCovariance.of_data(other, lag_steps=2).cross == pytest.approx(
            plain.cross, abs=1e-9
        )


def test_standardizing_makes_correlations() -> None:
    plain = process(3, 4).standardized()
    assert np.diag(plain.past) == pytest.approx(np.ones(4))
    assert np.diag(plain.present) == pytest.approx(np.ones(4))
    assert np.abs(plain.cross).max() < 1.0


def test_a_covariance_is_a_value() -> None:
    given = np.eye(2)
    mine = LaggedCovariance(given, 0.1 * np.eye(2))
    given[0, 0] = 7.0
    assert mine.past[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        mine.past[0, 0] = 2.0


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (np.zeros((100, 2)), "variance 0"),
        (np.repeat(np.random.default_rng(0).normal(size=(100, 1)), 2, axis=1), "combinations"),
        (np.full((50, 2), np.nan), "nan at time 0 in channel 0"),
        (np.random.default_rng(0).normal(size=(5, 2)), "4 pairs"),
        (np.random.default_rng(0).normal(size=(3, 2)) * 1j, "complex"),
        ([["a", "b"]], "no array of numbers"),
    ],
    ids=["constant", "copies", "nan", "short", "complex", "words"],
)
def test_a_recording_that_cannot_be_measured_is_refused_with_words(data: Any, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        LaggedCovariance.of_data(data)


def test_shapes_lags_and_matrices_are_checked() -> None:
    good = np.random.default_rng(0).normal(size=(100, 2))
    for lag_steps in (0, -1, 1.5, True, 97):
        with pytest.raises(InvalidInput):
            LaggedCovariance.of_data(good, lag_steps=lag_steps)  # type: ignore[arg-type]
    with pytest.raises(ShapeMismatch, match="time, channels"):
        LaggedCovariance.of_data(good[:, 0])
    with pytest.raises(ShapeMismatch, match="channels, channels"):
        LaggedCovariance([1.0], [0.5])
    with pytest.raises(ShapeMismatch, match="same channels"):
        LaggedCovariance(np.eye(2), np.eye(3))
    with pytest.raises(InvalidInput, match="not symmetric"):
        LaggedCovariance([[1.0, 0.5], [0.0, 1.0]], np.zeros((2, 2)))
    with pytest.raises(InvalidInput, match="positive definite"):
        LaggedCovariance(np.eye(2), np.eye(2))
    with pytest.raises(InvalidInput, match="not finite"):
        LaggedCovariance([[np.inf]], [[0.0]])
    with pytest.raises(InvalidInput, match="spectral radius"):
        LaggedCovariance.of_autoregression([[1.0]], [[1.0]])
    with pytest.raises(ShapeMismatch, match="same channels"):
        LaggedCovariance.of_autoregression([[0.5]], np.eye(2))
    with pytest.raises(InvalidInput, match="at least 1"):
        LaggedCovariance.of_autoregression([[0.5]], [[1.0]], lag_steps=0)
