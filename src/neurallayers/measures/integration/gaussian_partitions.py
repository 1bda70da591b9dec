"""Which division of the channels loses least: all bipartitions, or Queyranne's search."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from neurallayers.errors import InvalidInput
from neurallayers.measures.integration.gaussian_covariance import LaggedCovariance

Parts = tuple[tuple[int, ...], ...]
Scale = Callable[[Parts], float]
Progress = Callable[[int, int], None]

NORMALIZATIONS = ("none", "entropy")
SEARCHES = ("exhaustive", "queyranne")
LARGEST_EXHAUSTIVE = 16
"""Channels; twice as many bipartitions for each channel more, 32,767 here."""


def bipartitions(channels: int) -> Iterator[Parts]:
    """Every division into two parts, channel 0 in the first.

    >>> list(bipartitions(3))
    [((0, 1), (2,)), ((0, 2), (1,)), ((0,), (1, 2))]
    """
    others = range(1, channels)
    for apart in range(1, 2 ** (channels - 1)):
        second = tuple(channel for channel in others if apart >> (channels - 1 - channel) & 1)
        yield tuple(channel for channel in range(channels) if channel not in second), second


def checked_partition(partition: Any, channels: int) -> Parts:
    """The parts as sorted tuples.

    Raises:
        InvalidInput: If there are fewer than two parts, one is empty, or the parts are not the
            channels, each once.

    >>> checked_partition("atomic", 3)
    ((0,), (1,), (2,))
    >>> checked_partition([[2, 0], [1]], 3)
    ((0, 2), (1,))
    """
    if isinstance(partition, str):
        if partition != "atomic":
            raise InvalidInput(f"The partition is {partition!r}.", "Give parts, or 'atomic'.")
        return tuple((channel,) for channel in range(channels))
    try:
        parts = tuple(tuple(sorted(_channel(channel) for channel in part)) for part in partition)
    except TypeError:
        raise InvalidInput(
            f"The partition is {partition!r}.", "Give parts of channels, such as [[0, 1], [2]]."
        ) from None
    if len(parts) < 2 or not all(parts):
        raise InvalidInput(
            f"The partition {parts} has fewer than two parts or an empty one.",
            "Give two or more parts, each with a channel.",
        )
    if sorted(channel for part in parts for channel in part) != list(range(channels)):
        raise InvalidInput(
            f"The partition {parts} does not have each of the channels 0 to {channels - 1} once.",
            "Put every channel into exactly one part.",
        )
    return parts


def _channel(channel: Any) -> int:
    if isinstance(channel, bool) or not isinstance(channel, int | np.integer):
        raise InvalidInput(f"A partition names {channel!r}.", "Name channels by number, from 0.")
    return int(channel)


def entropy_scale_nats(process: LaggedCovariance, parts: Parts) -> float:
    r"""The smallest differential entropy of a part, times the cuts [nats].

    .. math:: K = (r - 1) \min_k \tfrac12 \log\big((2 \pi e)^{|M_k|} |\Sigma(M_k)|\big)

    Source: Barrett & Seth (2011), PLoS Comput. Biol. 7:e1001052, the normalization of phi_E.

    Raises:
        InvalidInput: If it is not positive: differential entropy depends on the units, and in these
            it cannot serve as a scale.
    """
    entropies = []
    for part in parts:
        block = process.present[np.ix_(part, part)]
        determinant = float(np.linalg.slogdet(block)[1])
        entropies.append(0.5 * (len(part) * math.log(2.0 * math.pi * math.e) + determinant))
    scale = (len(parts) - 1) * min(entropies)
    if scale <= 0.0:
        raise InvalidInput(
            f"The smallest entropy of the parts {parts} is {min(entropies):.4g} nats.",
            "Rescale the channels (to unit variance, say), or take normalization='none'.",
        )
    return scale


def minimum_information_bipartition(
    process: LaggedCovariance,
    measure: Callable[[LaggedCovariance, Parts], float],
    *,
    scale: Scale,
    search: str,
    progress: Progress | None = None,
) -> tuple[Parts, int]:
    """The bipartition with the least value over its scale, and how many were tried.

    Of equals the first is taken, in the order of :func:`bipartitions`.

    Raises:
        InvalidInput: If there are too many channels for an exhaustive search.
    """
    channels = process.channels
    if search == "queyranne":
        return _queyranne(channels, lambda parts: measure(process, parts) / scale(parts), progress)
    if channels > LARGEST_EXHAUSTIVE:
        raise InvalidInput(
            f"{channels} channels have {2 ** (channels - 1) - 1} bipartitions.",
            f"Measure at most {LARGEST_EXHAUSTIVE} channels, give a partition, or take"
            " search='queyranne'.",
        )
    total = 2 ** (channels - 1) - 1
    best, least = None, math.inf
    for done, parts in enumerate(bipartitions(channels), start=1):
        value = measure(process, parts) / scale(parts)
        # What differs by rounding only is equal.
        if best is None or value < least - 1e-12 * max(1.0, abs(least)):
            best, least = parts, value
        if progress is not None and (done % 64 == 0 or done == total):
            progress(done, total)
    assert best is not None
    return best, total


def _queyranne(
    channels: int, value: Callable[[Parts], float], progress: Progress | None
) -> tuple[Parts, int]:
    """Queyranne's pendant pairs: the minimum of a symmetric submodular function in O(n^3) calls.

    Information between two parts is symmetric and submodular, so for it the answer is exact; for
    the other measures it is a heuristic. Source: Queyranne (1998), Math. Program. 82:3; Kitazono,
    Kanai & Oizumi (2018), Entropy 20:173.
    """
    every = frozenset(range(channels))

    def of(members: frozenset[int]) -> float:
        return value(_as_parts(members, every))

    groups = [frozenset([channel]) for channel in range(channels)]
    best, least, tried = groups[0], math.inf, 0
    while len(groups) > 1:
        order, rest = [groups[0]], groups[1:]
        gathered = groups[0]
        while len(rest) > 1:
            # The next group is that with the least f(W + u) - f(u).
            gains = [of(gathered | group) - of(group) for group in rest]
            tried += 2 * len(rest)
            order.append(rest.pop(int(np.argmin(gains))))
            gathered |= order[-1]
        last = rest[0]
        candidate = of(last)
        tried += 1
        if candidate < least:
            best, least = last, candidate
        previous = order[-1]
        groups = [group for group in groups if group not in (previous, last)] + [previous | last]
        if progress is not None:
            progress(channels - len(groups), channels - 1)
    return _as_parts(best, every), tried


def _as_parts(members: frozenset[int], every: frozenset[int]) -> Parts:
    return tuple(sorted((tuple(sorted(members)), tuple(sorted(every - members)))))
