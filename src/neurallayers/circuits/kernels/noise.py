"""Random numbers within a step: Philox from a counter, for all lanes of a block at once.

The numbers depend on the seed, the stream (which drive), the cell and the step, and on nothing
else: not on threads, not on where a run was cut, not on which other drives there are.

Source: Salmon, Moraes, Dror & Shaw (2011), Parallel random numbers: as easy as 1, 2, 3. SC'11
(Philox4x32-10).
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from neurallayers.circuits.kernels.stages import Stage, carray, part, pointer_to, shifted
from neurallayers.dynamics.kernels.blocks import LANES, SPIKES

QUARTER = LANES // 4
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_MULTIPLIER_0, _MULTIPLIER_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL_0, _WEYL_1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)


@part
def philox_round(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> Any:
    """One round: 32-bit words in 64-bit numbers."""
    first, second = c0 * _MULTIPLIER_0, c2 * _MULTIPLIER_1
    return (
        ((second >> _HALF) ^ c1 ^ k0) & _LOW,
        second & _LOW,
        ((first >> _HALF) ^ c3 ^ k1) & _LOW,
        first & _LOW,
    )


@part
def philox_words(counter: Any, low: Any, high: Any, stream: Any, k0: Any, k1: Any) -> Any:
    """Ten rounds: four random words for the counter (counter, low, high, stream)."""
    c0, c1, c2, c3 = counter, low, high, stream
    c0, c1, c2, c3 = philox_round(c0, c1, c2, c3, k0, k1)
    k0, k1 = (k0 + _WEYL_0) & _LOW, (k1 + _WEYL_1) & _LOW
    c0, c1, c2, c3 = philox_round(c0, c1, c2, c3, k0, k1)
    k0, k1 = (k0 + _WEYL_0) & _LOW, (k1 + _WEYL_1) & _LOW
    c0, c1, c2, c3 = philox_round(c0, c1, c2, c3, k0, k1)
    k0, k1 = (k0 + _WEYL_0) & _LOW, (k1 + _WEYL_1) & _LOW
    c0, c1, c2, c3 = philox_round(c0, c1, c2, c3, k0, k1)
    k0, k1 = (k0 + _WEYL_0) & _LOW, (k1 + _WEYL_1) & _LOW
    c0, c1, c2, c3 = philox_round(c0, c1, c2, c3, k0, k1)
    k0, k1 = (k0 + _WEYL_0) & _LOW, (k1 + _WEYL_1) & _LOW
    c0, c1, c2, c3 = philox_round(c0, c1, c2, c3, k0, k1)
    k0, k1 = (k0 + _WEYL_0) & _LOW, (k1 + _WEYL_1) & _LOW
    c0, c1, c2, c3 = philox_round(c0, c1, c2, c3, k0, k1)
    k0, k1 = (k0 + _WEYL_0) & _LOW, (k1 + _WEYL_1) & _LOW
    c0, c1, c2, c3 = philox_round(c0, c1, c2, c3, k0, k1)
    k0, k1 = (k0 + _WEYL_0) & _LOW, (k1 + _WEYL_1) & _LOW
    c0, c1, c2, c3 = philox_round(c0, c1, c2, c3, k0, k1)
    k0, k1 = (k0 + _WEYL_0) & _LOW, (k1 + _WEYL_1) & _LOW
    return philox_round(c0, c1, c2, c3, k0, k1)


@part
def draw(words: Any, seed: int, stream: int, index: int, step: int) -> None:
    """A random 32-bit word for each lane of a block.

    A counter gives four words, to lanes that lie a quarter of a block apart: neighbours are written
    together.
    """
    k0, k1 = np.uint64(seed) & _LOW, np.uint64(seed) >> _HALF
    low, high = np.uint64(step) & _LOW, np.uint64(step) >> _HALF
    first = np.uint64(index * QUARTER)
    lane_stream = np.uint64(stream)
    for i in range(QUARTER):
        a, b, c, d = philox_words(first + np.uint64(i), low, high, lane_stream, k0, k1)
        words[i] = a
        words[QUARTER + i] = b
        words[2 * QUARTER + i] = c
        words[3 * QUARTER + i] = d


@part
def count_events(words: Any, thresholds: Any, levels: int, spacing: int, counts: Any) -> None:
    """Numbers of a Poisson process by inversion: how many thresholds a word exceeds.

    ``thresholds`` comes from :func:`neurallayers.circuits.drives.poisson_thresholds`, for all
    lanes alike (``spacing`` 0) or for each of its own.
    """
    for i in range(LANES):
        counts[i] = 0
    for level in range(levels):
        if spacing == 0:
            shared = thresholds[level]
            for i in range(LANES):
                counts[i] += np.int32(words[i] > shared)
        else:
            own = carray(shifted(thresholds, level * spacing), (LANES,))
            for i in range(LANES):
                counts[i] += np.int32(words[i] > own[i])


# integers: 0 place among the arrivals  1 seed  2 stream  3 levels  4 spacing  5 address of the
# thresholds  6 count below the first threshold  7 phase of the rates: steps a level lasts (0: ever)
# 8 how many phases; numbers: 0 weight


@functools.cache
def poisson_arrivals(own_weights: bool) -> Stage:
    """Events of a Poisson process for each cell, added to what arrives at a receptor."""

    def poisson_events(
        block: Any, arrivals: Any, numbers: Any, integers: Any, index: int, step: int
    ) -> None:
        words, counts = np.empty(LANES, np.uint32), np.empty(LANES, np.int32)
        arriving = carray(shifted(arrivals, integers[0] * LANES), (LANES,))
        levels, spacing, least = integers[3], integers[4], integers[6]
        table = pointer_to(integers[5], np.uint32(0))
        if spacing != 0:
            table = shifted(table, index * LANES)
        if integers[7] > 0:
            phase = (step // integers[7]) % integers[8]
            table = shifted(table, phase * levels * max(spacing, 1))
        draw(words, integers[1], integers[2], index, step)
        count_events(words, table, levels, spacing, counts)
        if own_weights:
            weights = carray(shifted(numbers, index * LANES), (LANES,))
            for i in range(LANES):
                arriving[i] += weights[i] * (counts[i] + least)
        else:
            weight = numbers[0]
            for i in range(LANES):
                arriving[i] += weight * (counts[i] + least)

    return Stage(poisson_events, ("../circuits/kernels/noise.py",))


@functools.cache
def poisson_spikes() -> Stage:
    """Cells that fire at random: a spike where a Poisson process has an event in the step."""

    def random_spikes(
        block: Any, arrivals: Any, numbers: Any, integers: Any, index: int, step: int
    ) -> None:
        words, counts = np.empty(LANES, np.uint32), np.empty(LANES, np.int32)
        spikes = carray(shifted(block, SPIKES * LANES), (LANES,))
        spacing = integers[4]
        table = pointer_to(integers[5], np.uint32(0))
        if spacing != 0:
            table = shifted(table, index * LANES)
        if integers[7] > 0:
            phase = (step // integers[7]) % integers[8]
            table = shifted(table, phase * max(spacing, 1))
        draw(words, integers[1], integers[2], index, step)
        count_events(words, table, 1, spacing, counts)
        for i in range(LANES):
            spikes[i] = counts[i]

    return Stage(random_spikes, ("../circuits/kernels/noise.py",))
