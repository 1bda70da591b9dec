"""Weights learned from labelled windows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.measures.monitoring import LIGHT, fit_weights, window_components


def windows(informative: int, count: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = generator.random(count) < 0.4
    components = generator.random((count, 4)) * 0.5
    components[:, informative] += 0.4 * labels
    return components, labels


@pytest.mark.parametrize("informative", range(4))
def test_what_tells_windows_apart_is_weighted_most(informative: int) -> None:
    components, labels = windows(informative)
    found = fit_weights(components, labels)
    assert int(np.argmax(found.weights)) == informative
    assert sum(found.weights) == pytest.approx(1.0)
    assert min(found.weights) >= 0


def test_the_fit_is_better_than_the_first_weights_on_other_windows() -> None:
    found = fit_weights(*windows(3))
    components, labels = windows(3, seed=1)

    def separation(weights: Any) -> float:
        index = components @ np.asarray(weights)
        return float((index[labels].mean() - index[~labels].mean()) / index.std())

    assert separation(found.weights) > separation(LIGHT.weights) + 0.2
    right = (components @ np.array(found.weights) > found.bias) == labels
    assert right.mean() > 0.75
    assert found.log_likelihood > -0.6  # nats; knowing nothing gives -0.67


def test_labels_that_say_nothing_leave_the_weights_near_the_first() -> None:
    components = np.full((40, 4), 0.3)
    labels = np.tile([True, False], 20)
    assert fit_weights(components, labels).weights == pytest.approx(LIGHT.weights, abs=1e-3)


def test_the_fit_is_the_same_every_time() -> None:
    assert fit_weights(*windows(2)) == fit_weights(*windows(2))


def test_a_window_is_its_most_unusual_row() -> None:
    components = np.zeros((10, 4))
    components[4] = [0.9, 0.1, 0.0, 0.0]
    components[8] = np.nan
    assert window_components(components, [(0, 3), (3, 9)]).tolist() == [
        [0.0, 0.0, 0.0, 0.0],
        [0.9, 0.1, 0.0, 0.0],
    ]
    with pytest.raises(InvalidInput, match="missing values only"):
        window_components(components, [(8, 8)])
    with pytest.raises(InvalidInput, match="does not lie"):
        window_components(components, [(8, 10)])


def test_nonsense_is_refused() -> None:
    components, labels = windows(0, count=10)
    with pytest.raises(ShapeMismatch, match="Give 10 labels"):
        fit_weights(components, labels[:5])
    with pytest.raises(ShapeMismatch, match="rows, 4"):
        fit_weights(components[:, :3], labels)
    with pytest.raises(InvalidInput, match="same label"):
        fit_weights(components, np.ones(10))
    with pytest.raises(InvalidInput, match="nan or infinite"):
        fit_weights(components * np.nan, labels)
    with pytest.raises(InvalidInput, match="cannot be read"):
        fit_weights("components", labels)
