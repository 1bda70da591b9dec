"""The compiled Philox is that of :mod:`neurallayers.seeding`, word for word."""

from __future__ import annotations

import numba
import numpy as np
import pytest
import torch

from neurallayers.circuits.kernels.noise import QUARTER, count_events, draw
from neurallayers.circuits.kernels.stages import pointer_to
from neurallayers.dynamics.kernels.blocks import LANES
from neurallayers.dynamics.kernels.equations import OPTIONS
from neurallayers.seeding import philox

MASK = 0xFFFFFFFF


@numba.njit(**OPTIONS)
def drawn(words, seed, stream, index, step):
    draw(words, seed, stream, index, step)


@numba.njit(**OPTIONS)
def counted(words, thresholds, counts):
    table = pointer_to(thresholds.ctypes.data, np.uint32(0))
    count_events(words, table, thresholds.size, 0, counts)


@pytest.mark.parametrize(
    ("seed", "stream", "index", "step"),
    [(1, 2, 0, 0), (2**62 + 12345, MASK, 7, 10), (3, 0, 2, 2**40 + 5)],
)
def test_words_are_those_of_the_reference(seed: int, stream: int, index: int, step: int) -> None:
    words = np.empty(LANES, np.uint32)
    drawn(words, seed, stream, index, step)
    counter = torch.arange(QUARTER) + index * QUARTER
    alike = torch.zeros_like(counter)
    expected = philox(
        (counter, alike + (step & MASK), alike + (step >> 32), alike + stream),
        (alike + (seed & MASK), alike + (seed >> 32)),
    )
    assert np.array_equal(words, expected.T.reshape(-1).numpy().astype(np.uint32))


def test_events_are_counted_by_thresholds() -> None:
    words = np.resize(np.array([0, 10, 11, 20, 21, MASK], np.uint32), LANES)
    counts = np.empty(LANES, np.int32)
    counted(words, np.array([10, 20, MASK], np.uint32), counts)
    assert counts[:6].tolist() == [0, 0, 1, 1, 2, 2]
