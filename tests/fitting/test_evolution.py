from __future__ import annotations

import sys

import numpy as np
import pytest

from neurallayers.errors import MissingExtra
from neurallayers.fitting.evolution import evolve

GOAL = np.array([0.2, 0.7, 0.45])


def bowl(points: np.ndarray) -> np.ndarray:
    return ((points - GOAL[:, None]) ** 2 * np.array([[1.0], [30.0], [5.0]])).sum(axis=0)


def test_the_lowest_point_of_a_bowl_is_found() -> None:
    pytest.importorskip("cmaes")
    best, least = evolve(bowl, np.full(3, 0.5), budget=1500, population=16)
    assert best == pytest.approx(GOAL, abs=1e-3)
    assert least == pytest.approx(float(bowl(best[:, None])[0]))


def test_a_seed_is_a_search_and_a_bad_candidate_is_survived() -> None:
    pytest.importorskip("cmaes")

    def broken(points: np.ndarray) -> np.ndarray:
        return np.where(points[0] > 0.6, np.nan, bowl(points))

    told: list[tuple[int, float]] = []
    runs = [
        evolve(broken, np.full(3, 0.5), budget=320, seed=seed, progress=lambda *t: told.append(t))
        for seed in (3, 3, 4)
    ]
    assert np.array_equal(runs[0][0], runs[1][0])
    assert not np.array_equal(runs[0][0], runs[2][0])
    assert told[9][0] == 320
    assert told[0][1] >= told[9][1] == runs[0][1]


def test_a_search_that_has_converged_begins_again_elsewhere() -> None:
    pytest.importorskip("cmaes")
    seen = []

    def two_valleys(points: np.ndarray) -> np.ndarray:
        seen.append(points)
        near = 5.0 * ((points - 0.3) ** 2).sum(axis=0) + 0.1
        far = ((points - 0.9) ** 2).sum(axis=0)
        return np.minimum(near, far)

    start = np.full(2, 0.3)
    _, least = evolve(two_valleys, start, budget=9000, sigma=0.02, population=8)
    assert least < 1e-3
    assert max(points.shape[1] for points in seen) > 8


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cmaes", None)
    with pytest.raises(MissingExtra, match=r"neurallayers\[fitting\]"):
        evolve(bowl, np.full(3, 0.5), budget=10)
