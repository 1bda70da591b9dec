r"""The perturbational complexity index (PCI): how much a response says, source by source.

A system is struck, again and again. Where its sources answer more strongly than they ever do by
themselves, a binary matrix of sources and time holds a one. Its complexity c is the number of words
that its columns need, read one moment after the other, and

.. math:: PCI = c \frac{\log_2 L}{L H},\quad H = -p \log_2 p - (1 - p) \log_2 (1 - p)

with L the size of the matrix and p the share of ones in it: c over what it would tend to if these
ones were strewn at random.

Words are cut as in the flow chart of the paper's supplement: a word stays within its column and is
copied from the column so far or from any one before; what is left of a column at its end is not
counted, but the end of the last column always counts once.

Source: Casali et al. (2013), Sci. Transl. Med. 5:198ra105.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.measures.complexity.automaton import words
from neurallayers.measures.spike_trains import Numbers, as_array
from neurallayers.seeding import derive_seed

Significance = npt.NDArray[np.bool_]


class PerturbationalComplexity(NamedTuple):
    """PCI and what it comes from."""

    pci: float
    words: int
    entropy_bits: float
    """Entropy of a single entry of the matrix [bits]."""
    significant: Significance
    """``[sources, time]``, as the words were counted in."""


def matrix_words(significant: Any) -> int:
    """Words that the columns of a binary matrix need.

    Args:
        significant: ``[sources, time]`` of zeros and ones.

    Raises:
        ShapeMismatch: If it is no matrix, or an empty one.
        InvalidInput: If it holds something else than zeros and ones.

    >>> matrix_words([[0, 1], [1, 1], [0, 1]])
    4
    """
    matrix = as_significance(significant)
    ends = np.zeros(matrix.T.shape, np.bool_)
    ends[:, -1] = True
    codes = np.ascontiguousarray(matrix.T).reshape(-1).astype(np.int64)
    return int((words(codes, ends.reshape(-1)) == 1).sum()) + 1


def perturbational_complexity(significant: Any, *, sort: bool = False) -> PerturbationalComplexity:
    """PCI of a binary matrix of significant activity.

    Args:
        significant: ``[sources, time]`` of zeros and ones.
        sort: First order the sources by how often they are significant, the most active first, as
            the paper does with its sources; among equals the last one first.

    Returns:
        PCI 0 for a matrix of one kind only, in which there is nothing to tell.

    Raises:
        ShapeMismatch: If it is no matrix, or an empty one.
        InvalidInput: If it holds something else than zeros and ones.

    >>> from neurallayers.measures.complexity import perturbational_complexity
    >>> generator = np.random.default_rng(0)
    >>> round(perturbational_complexity(generator.random((60, 300)) < 0.5).pci, 1)
    0.9
    """
    matrix = as_significance(significant)
    if sort:
        matrix = matrix[np.argsort(matrix.sum(1), kind="stable")[::-1]]
    count = matrix_words(matrix)
    ones = int(matrix.sum())
    if ones in (0, matrix.size):
        return PerturbationalComplexity(0.0, count, 0.0, matrix)
    share = ones / matrix.size
    entropy = -share * math.log2(share) - (1.0 - share) * math.log2(1.0 - share)
    index = count * math.log2(matrix.size) / (matrix.size * entropy)
    return PerturbationalComplexity(index, count, entropy, matrix)


def significant_activity(
    trials: Numbers, onset: int, *, resamplings: int = 500, level: float = 0.01, seed: int = 0
) -> Significance:
    """Where the mean response is stronger than anything before the stimulus by chance.

    Each source is centred and scaled by its mean and deviation before the stimulus. Moments before
    the stimulus are drawn at random, trial by trial, and averaged over trials; the largest absolute
    value over all sources of each such draw makes the distribution whose quantile ``1 - level`` is
    the threshold (a maximum statistic, so that it holds for all sources and moments together).

    Args:
        trials: ``[trials, sources, time]``.
        onset: The sample at which the stimulus comes; those before are the baseline.
        resamplings: Draws from the baseline.
        level: How often chance alone may exceed the threshold anywhere.
        seed: Seed of the draws.

    Returns:
        ``[sources, time after the onset]``.

    Raises:
        ShapeMismatch: If there are not trials, sources and time, or no time on one side.
        InvalidInput: If the data hold NaN, or an option is out of range.
    """
    samples = _trials(trials, onset)
    if resamplings < 1 or not 0.0 < level < 1.0:
        raise InvalidInput(
            f"resamplings is {resamplings}, level is {level}.",
            "Use 1 or more draws and a level between 0 and 1.",
        )
    before = samples[:, :, :onset]
    mean = before.mean((0, 2), keepdims=True)
    scale = before.std((0, 2), keepdims=True)
    # A source that never moves before the stimulus has no chance level but zero.
    scaled = (samples - mean) / np.where(scale > 0.0, scale, 1.0)
    generator = np.random.default_rng(derive_seed(seed, "significant_activity"))
    rows = np.arange(len(scaled))
    largest = np.empty(resamplings)
    for draw in range(resamplings):
        moments = generator.integers(onset, size=len(scaled))
        largest[draw] = np.abs(scaled[rows, :, moments].mean(0)).max()
    threshold = np.quantile(largest, 1.0 - level)
    answer: Significance = np.abs(scaled[:, :, onset:].mean(0)) > threshold
    return answer


def as_significance(significant: Any) -> Significance:
    """A matrix of zeros and ones as booleans.

    Raises:
        ShapeMismatch: If it is no matrix, or an empty one.
        InvalidInput: If it holds something else than zeros and ones.
    """
    matrix = as_array(significant)
    if matrix.ndim != 2 or not matrix.size:
        raise ShapeMismatch(
            f"The matrix has shape {matrix.shape}.", "Give [sources, time], at least one of each."
        )
    if not np.isin(matrix, (0.0, 1.0)).all():
        raise InvalidInput(
            "The matrix holds something else than zeros and ones.",
            "Say where activity is significant; significant_activity does so for trials.",
        )
    return matrix.astype(np.bool_)


def _trials(trials: Numbers, onset: int) -> npt.NDArray[np.float64]:
    samples = as_array(trials)
    if samples.ndim != 3 or not 0 < onset < samples.shape[-1] or not samples.size:
        raise ShapeMismatch(
            f"The trials have shape {samples.shape} and the onset is {onset}.",
            "Give [trials, sources, time] with samples before and after the onset.",
        )
    if not np.isfinite(samples).all():
        raise InvalidInput("The trials hold NaN or infinity.", "Leave bad trials out.")
    return samples
