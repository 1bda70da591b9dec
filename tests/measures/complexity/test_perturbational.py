"""PCI: its formula, its limits, and where activity counts as significant."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.measures.complexity import (
    matrix_words,
    perturbational_complexity,
    significant_activity,
)


def test_the_index_is_words_over_their_limit() -> None:
    matrix = np.random.default_rng(2).random((20, 50)) < 0.3
    found = perturbational_complexity(matrix)
    size, share = matrix.size, matrix.mean()
    entropy = -share * math.log2(share) - (1 - share) * math.log2(1 - share)
    assert found.words == matrix_words(matrix)
    assert found.entropy_bits == pytest.approx(entropy, rel=1e-12)
    assert found.pci == pytest.approx(found.words * math.log2(size) / (size * entropy), rel=1e-12)


def test_noise_says_most_and_a_single_wave_little() -> None:
    noise = np.random.default_rng(0).random((60, 300)) < 0.5
    wave = np.zeros((60, 300), bool)
    wave[:, 50:100] = True
    assert 0.9 < perturbational_complexity(noise).pci < 1.1
    assert perturbational_complexity(wave).pci < 0.05


def test_where_there_is_nothing_to_tell_the_index_is_zero() -> None:
    assert perturbational_complexity(np.zeros((4, 9))).pci == 0.0
    assert perturbational_complexity(np.ones((4, 9))).pci == 0.0


def test_sources_are_sorted_by_their_activity_when_asked() -> None:
    matrix = np.array([[0, 0, 1], [1, 1, 1], [0, 1, 1]])
    found = perturbational_complexity(matrix, sort=True)
    assert found.significant.sum(1).tolist() == [3, 2, 1]
    assert found.words == matrix_words(matrix[[1, 2, 0]])


def test_only_what_exceeds_the_baseline_everywhere_is_significant() -> None:
    generator = np.random.default_rng(5)
    trials = generator.normal(size=(60, 12, 200))
    trials[:, 3, 120:140] += 2.0
    found = significant_activity(trials, onset=100)
    assert found.shape == (12, 100)
    assert found[3, 20:40].all()
    # Anything elsewhere would be by chance: once in a hundred recordings.
    assert found.sum() == 20
    assert (found == significant_activity(trials, onset=100)).all()


def test_sources_without_a_baseline_answer_with_their_first_change() -> None:
    trials = np.zeros((5, 2, 10))
    trials[:, 0, 7] = 1.0
    assert np.argwhere(significant_activity(trials, onset=5)).tolist() == [[0, 2]]


@pytest.mark.parametrize(
    ("matrix", "error"),
    [([0, 1], ShapeMismatch), (np.zeros((0, 3)), ShapeMismatch), ([[0, 2]], InvalidInput)],
)
def test_what_is_no_binary_matrix_is_refused(matrix: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        perturbational_complexity(matrix)


def test_bad_trials_and_options_are_refused() -> None:
    trials = np.zeros((3, 2, 10))
    with pytest.raises(ShapeMismatch, match="onset is 10"):
        significant_activity(trials, onset=10)
    with pytest.raises(InvalidInput, match="level is 1"):
        significant_activity(trials, onset=5, level=1.0)
    trials[0, 0, 0] = np.nan
    with pytest.raises(InvalidInput, match="NaN"):
        significant_activity(trials, onset=5)
