r"""Lempel-Ziv complexity: how many new words a sequence needs to be said.

The exhaustive history of a sequence cuts it into words, each the shortest that cannot be copied
from what came before it (the copy may overlap the word). Its number of words c is the complexity of
Lempel and Ziv (1976). For n symbols of entropy h bits that tell nothing of each other, c tends to
h n / log2 n, so that

.. math:: C = \frac{c \log_2 n}{n}

tends to the entropy rate. Schartner et al. (2015) use the variant of Welch, a dictionary, of the
signals' momentary amplitudes, and divide by that of the same symbols in random order.

Sources: Lempel and Ziv (1976), IEEE Trans. Inf. Theory 22:75; Welch (1984), Computer 17:8;
Schartner et al. (2015), PLoS ONE 10:e0133532.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import signal as signals

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.measures.complexity.automaton import Codes, dictionary_words, words
from neurallayers.measures.spike_trains import Array, Numbers, as_array
from neurallayers.seeding import derive_seed

Symbols = str | Sequence[Any] | npt.NDArray[Any]


def lempel_ziv_76(sequence: Symbols) -> int:
    """Number of words in the exhaustive history of a sequence, in linear time.

    A last word that is not new because the sequence ends within it counts too, as in Kaspar and
    Schuster (1987), Phys. Rev. A 36:842.

    Args:
        sequence: A text, or symbols that can be compared, such as bits.

    Raises:
        ShapeMismatch: If it is not one sequence.
        InvalidInput: If it holds NaN or things that cannot be compared.

    >>> lempel_ziv_76("0001101001000101")
    6
    """
    codes, _ = as_codes(sequence)
    return len(_cuts(codes))


def lempel_ziv_words(sequence: str) -> list[str]:
    """The words themselves, of a text.

    Args:
        sequence: A text.

    Raises:
        InvalidInput: If it is no text.

    >>> lempel_ziv_words("0001101001000101")
    ['0', '001', '10', '100', '1000', '101']
    """
    if not isinstance(sequence, str):
        raise InvalidInput(
            f"The sequence is a {type(sequence).__name__}.", "Words are made of a text."
        )
    codes, _ = as_codes(sequence)
    ends = _cuts(codes)
    starts = [0, *ends[:-1]]
    return [sequence[start:end] for start, end in zip(starts, ends, strict=True)]


def lempel_ziv_complexity(sequence: Symbols) -> float:
    """Words a symbol times the binary logarithm of the length: tends to the entropy rate [bits].

    Args:
        sequence: As for :func:`lempel_ziv_76`, at least two symbols.

    Raises:
        ShapeMismatch: If it is not one sequence, or shorter.
        InvalidInput: If it holds NaN or things that cannot be compared.

    >>> round(lempel_ziv_complexity("0001101001000101"), 3)
    1.5
    """
    codes, _ = as_codes(sequence)
    if len(codes) < 2:
        raise ShapeMismatch(
            f"The sequence has {len(codes)} symbols.", "A rate needs two or more of them."
        )
    return len(_cuts(codes)) * math.log2(len(codes)) / len(codes)


def lempel_ziv_welch(sequence: Symbols) -> int:
    """Number of words in the dictionary of Welch's variant, as Schartner et al. count them.

    Args:
        sequence: As for :func:`lempel_ziv_76`.

    Raises:
        ShapeMismatch: If it is not one sequence.
        InvalidInput: If it holds NaN or things that cannot be compared.

    >>> lempel_ziv_welch("0001101001000101")
    10
    """
    codes, symbols = as_codes(sequence)
    return int(dictionary_words(codes, symbols)) if len(codes) else 0


def binarized_amplitudes(data: Numbers) -> npt.NDArray[np.bool_]:
    """Where the momentary amplitude of each channel is above its mean over time.

    The amplitude is that of the analytic signal (Hilbert transform) of the channel without its mean
    and linear trend.

    Args:
        data: ``[channels, time]``.

    Returns:
        ``[channels, time]``.

    Raises:
        ShapeMismatch: If it is not a matrix with two samples or more.
        InvalidInput: If it holds NaN.
    """
    samples = _matrix(data)
    without_trend = signals.detrend(samples - samples.mean(1, keepdims=True), axis=1)
    amplitude = np.abs(signals.hilbert(without_trend, axis=1))
    above: npt.NDArray[np.bool_] = amplitude > amplitude.mean(1, keepdims=True)
    return above


def schartner_complexity(data: Numbers, *, shuffles: int = 1, seed: int = 0) -> float:
    """LZc of multichannel data: the dictionary of its binarised amplitudes, against chance.

    All channels of a moment follow each other, then those of the next. Chance is the mean over
    random orders of the same symbols; the paper takes one.

    Args:
        data: ``[channels, time]``; bool is taken as binarised already.
        shuffles: How many random orders.
        seed: Seed of these orders.

    Returns:
        0 for no variety, about 1 for as much as by chance.

    Raises:
        ShapeMismatch: If it is not a matrix.
        InvalidInput: If it holds NaN, or ``shuffles`` is less than one.

    >>> bool(schartner_complexity(np.random.default_rng(0).normal(size=(4, 500))) > 0.8)
    True
    """
    if shuffles < 1:
        raise InvalidInput(f"shuffles is {shuffles}.", "Use 1 or more.")
    given = np.asarray(data)
    bits = given if given.dtype == np.bool_ and given.ndim == 2 else binarized_amplitudes(data)
    codes = np.ascontiguousarray(bits.T).reshape(-1).astype(np.int64)
    if not len(codes):
        raise ShapeMismatch(f"The data have shape {given.shape}.", "Give channels and samples.")
    generator = np.random.default_rng(derive_seed(seed, "schartner_complexity"))
    by_chance = [dictionary_words(generator.permutation(codes), 2) for _ in range(shuffles)]
    return float(dictionary_words(codes, 2) / np.mean(by_chance))


def as_codes(sequence: Symbols) -> tuple[Codes, int]:
    """Symbols as whole numbers from 0, and how many different ones there are.

    Raises:
        ShapeMismatch: If it is not one sequence.
        InvalidInput: If it holds NaN or things that cannot be compared.
    """
    if isinstance(sequence, str):
        symbols: npt.NDArray[Any] = np.frombuffer(sequence.encode("utf-32-le"), np.uint32)
    else:
        symbols = _symbols(sequence)
    if symbols.dtype.kind == "f" and not np.isfinite(symbols).all():
        raise InvalidInput(
            "The sequence holds NaN or infinity.", "Remove it, or make symbols of the values first."
        )
    try:
        different, codes = np.unique(symbols, return_inverse=True)
    except TypeError as error:
        raise InvalidInput(
            f"The symbols cannot be compared ({error}).", "Use texts or numbers, not both."
        ) from None
    return codes.reshape(-1).astype(np.int64), len(different)


def _symbols(sequence: Any) -> npt.NDArray[Any]:
    if hasattr(sequence, "detach"):  # a tensor
        sequence = sequence.detach().cpu().numpy()
    try:
        symbols = np.asarray(sequence)
    except ValueError as error:
        raise ShapeMismatch(f"The sequence is uneven ({error}).", "Give one sequence.") from None
    if symbols.ndim != 1:
        raise ShapeMismatch(
            f"The sequence has shape {symbols.shape}.",
            "Give one sequence; flatten it in the order in which it is to be read.",
        )
    return symbols


def _cuts(codes: Codes) -> list[int]:
    """Where words end."""
    if not len(codes):
        return []
    ends = np.zeros(len(codes), np.bool_)
    ends[-1] = True
    return (np.flatnonzero(words(codes, ends)) + 1).tolist()


def _matrix(data: Numbers) -> Array:
    samples = as_array(data)
    if samples.ndim != 2 or samples.shape[1] < 2:
        raise ShapeMismatch(
            f"The data have shape {samples.shape}.",
            "Give [channels, time] with two samples or more.",
        )
    if not np.isfinite(samples).all():
        raise InvalidInput("The data hold NaN or infinity.", "Remove or repair these samples.")
    return samples
