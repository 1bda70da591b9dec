r"""Entropies of signals: how evenly values, orders or powers are spread, how regular a signal is.

Sources: Shannon (1948), Bell Syst. Tech. J. 27:379; Bandt and Pompe (2002), Phys. Rev. Lett.
88:174102 (orders); Richman and Moorman (2000), Am. J. Physiol. 278:H2039 (sample entropy); Inouye
et al. (1991), Electroencephalogr. Clin. Neurophysiol. 79:204 (spectrum).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.measures.complexity.lempel_ziv import Symbols, as_codes
from neurallayers.measures.spectra import power_spectrum
from neurallayers.measures.spike_trains import Array, Numbers, as_array


def shannon_entropy(sequence: Symbols) -> float:
    """Entropy of the frequencies of symbols [bits].

    Args:
        sequence: A text, or symbols that can be compared.

    Raises:
        ShapeMismatch: If it is not one sequence, or empty.
        InvalidInput: If it holds NaN or things that cannot be compared.

    >>> shannon_entropy("aabb")
    1.0
    """
    codes, symbols = as_codes(sequence)
    if not len(codes):
        raise ShapeMismatch("The sequence is empty.", "Give one symbol or more.")
    return entropy_bits(np.bincount(codes, minlength=symbols))


def entropy_bits(weights: Any) -> float:
    """Entropy of weights, once they are divided by their sum [bits].

    Args:
        weights: Not negative, such as counts or powers.

    Raises:
        InvalidInput: If one is negative or not finite, or all are zero.

    >>> entropy_bits([1, 1, 1, 1])
    2.0
    """
    shares = as_array(weights).reshape(-1)
    total = shares.sum()
    if not np.isfinite(shares).all() or (shares < 0.0).any() or not total > 0.0:
        raise InvalidInput("The weights are no distribution.", "Give weights >= 0, not all 0.")
    shares = shares[shares > 0.0] / total
    return max(0.0, -math.fsum((shares * np.log2(shares)).tolist()))


def permutation_entropy(
    signal: Numbers, *, order: int = 3, delay: int = 1, normalize: bool = False
) -> float:
    """Entropy of the orders in which neighbouring values stand [bits].

    Equal values stand in the order of time.

    Args:
        signal: ``[time]``.
        order: Values that are compared, 2 to 10.
        delay: Samples between them.
        normalize: Divide by the entropy of equally frequent orders, ``log2(order!)``.

    Raises:
        ShapeMismatch: If it is not one signal long enough.
        InvalidInput: If it holds NaN, or an option is out of range.

    >>> round(permutation_entropy([4, 7, 9, 10, 6, 11, 3]), 3)
    1.522
    """
    if not 2 <= order <= 10 or delay < 1:
        raise InvalidInput(f"order is {order}, delay is {delay}.", "Use 2 to 10, and 1 or more.")
    samples = _signal(signal, (order - 1) * delay + 1)
    vectors = _embedded(samples, order, delay)
    ranks = np.argsort(vectors, axis=1, kind="stable")
    codes = ranks @ (order ** np.arange(order))
    entropy = shannon_entropy(codes)
    return entropy / math.log2(math.factorial(order)) if normalize else entropy


def spectral_entropy(signal: Numbers, dt_ms: float, *, normalize: bool = True) -> float:
    """Entropy of the power spectrum: 1 for white noise, near 0 for a single tone.

    Args:
        signal: ``[time]``.
        dt_ms: Time between samples [ms].
        normalize: Divide by the binary logarithm of the number of frequencies; else in bits.

    Raises:
        ShapeMismatch: If it is not one signal of two samples or more.
        InvalidInput: If it holds NaN or never changes.
    """
    density = power_spectrum(_signal(signal, 16), dt_ms).density
    if not density.sum() > 0.0:
        raise InvalidInput("The signal never changes.", "Its spectrum has no power to spread.")
    entropy = entropy_bits(density)
    return entropy / math.log2(len(density)) if normalize else entropy


def sample_entropy(signal: Numbers, *, order: int = 2, tolerance: float | None = None) -> float:
    """How rarely pieces that are alike stay alike with one more value, minus its natural logarithm.

    Args:
        signal: ``[time]``.
        order: Values of the shorter pieces.
        tolerance: Pieces are alike if no value differs by more [unit of the signal]; 0.2 standard
            deviations when left out.

    Returns:
        Infinity if no longer pieces are alike; nan if not even shorter ones are.

    Raises:
        ShapeMismatch: If it is not one signal long enough.
        InvalidInput: If it holds NaN, or an option is out of range.

    >>> sample_entropy([1.0, 2.0] * 50) < 0.03
    True
    """
    if order < 1 or (tolerance is not None and not tolerance > 0.0):
        raise InvalidInput(f"order is {order}, tolerance {tolerance}.", "Use 1 or more, and > 0.")
    samples = _signal(signal, order + 2)
    radius = 0.2 * float(samples.std()) if tolerance is None else tolerance
    # As many pieces of either length, so that their share is one of the same pieces.
    shorter = _alike(_embedded(samples, order, 1)[:-1], radius)
    longer = _alike(_embedded(samples, order + 1, 1), radius)
    if shorter == 0:
        return math.nan
    return math.inf if longer == 0 else -math.log(longer / shorter)


def multiscale_entropy(signal: Numbers, scales: int, *, order: int = 2) -> Array:
    """Sample entropy of the signal averaged over ever longer pieces, one tolerance for all.

    Source: Costa, Goldberger and Peng (2002), Phys. Rev. Lett. 89:068102.

    Args:
        signal: ``[time]``.
        scales: Lengths of the pieces are 1 to this.
        order: As for :func:`sample_entropy`.

    Returns:
        ``[scales]``.

    Raises:
        ShapeMismatch: If it is not one signal long enough for the last scale.
        InvalidInput: If it holds NaN, or an option is out of range.
    """
    if scales < 1:
        raise InvalidInput(f"scales is {scales}.", "Use 1 or more.")
    samples = _signal(signal, scales * (order + 2))
    tolerance = 0.2 * float(samples.std())
    if not tolerance > 0.0:
        raise InvalidInput("The signal never changes.", "It has no variation at any scale.")
    values = []
    for scale in range(1, scales + 1):
        pieces = samples[: len(samples) // scale * scale].reshape(-1, scale)
        values.append(sample_entropy(pieces.mean(1), order=order, tolerance=tolerance))
    return np.array(values)


def _alike(vectors: Array, radius: float) -> int:
    """Pairs of different rows that nowhere differ by more than the radius."""
    tree = cKDTree(vectors)
    return int(tree.count_neighbors(tree, radius, p=np.inf)) - len(vectors)


def _embedded(samples: Array, order: int, delay: int) -> Array:
    count = len(samples) - (order - 1) * delay
    return np.stack([samples[i * delay : i * delay + count] for i in range(order)], axis=1)


def _signal(signal: Numbers, least: int) -> Array:
    samples = as_array(signal)
    if samples.ndim != 1 or len(samples) < least:
        raise ShapeMismatch(
            f"The signal has shape {samples.shape}.", f"Give one signal of {least} samples or more."
        )
    if not np.isfinite(samples).all():
        raise InvalidInput("The signal holds NaN or infinity.", "Remove or repair these samples.")
    return samples
