"""Each row function against its formula; whole runs are held against the cells elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurallayers.dynamics.kernels import rows
from neurallayers.dynamics.kernels.numba_sweeps import surrogate_shape
from neurallayers.dynamics.surrogate import SURROGATES, surrogate_by_name


def test_decay_is_repeated_over_the_batch() -> None:
    decay, kept = np.array([0.1, 0.2, 0.3]), np.empty(7)
    rows.fill_decay(5, decay, kept)
    assert kept.tolist() == [0.3, 0.1, 0.2, 0.3, 0.1, 0.2, 0.3]


@pytest.mark.parametrize("name", sorted(SURROGATES))
def test_derivatives_are_those_of_the_surrogates(name: str) -> None:
    surrogate = surrogate_by_name(name)
    shape, slope, height = surrogate_shape(surrogate)
    for distance in (-2.0, -0.3, 0.0, 0.1, 0.8, 5.0):
        expected = surrogate.derivative(torch.tensor(distance, dtype=torch.float64))
        found = rows.derivative(shape, slope, height, 1.0, distance)
        assert found == pytest.approx(float(expected), rel=1e-12)


def test_who_fired_is_listed_in_ascending_order() -> None:
    fired = np.full(5, -1)
    count = rows.who_fired(np.array([2.0, 0.0, 1.0, 0.5, 3.0]), np.ones(5), fired)
    assert fired[:count].tolist() == [0, 2, 4]


@pytest.mark.parametrize("count", range(10))
def test_rows_are_added_one_after_the_other(count: int) -> None:
    """Bit for bit: the order of adding is part of what a recurrent run promises."""
    generator = np.random.default_rng(0)
    senders = generator.standard_normal((12, 33)).astype(np.float32)
    fired = np.sort(generator.permutation(12)[:count])
    expected, out = np.zeros(33, np.float32), np.empty(33, np.float32)
    for k in fired:
        expected = expected + senders[k]
    rows.gather(senders, fired, out)
    assert out.tolist() == expected.tolist()


def test_given_spikes_weigh_by_their_value() -> None:
    senders, out = np.arange(6.0).reshape(3, 2), np.empty(2)
    rows.weigh(senders, np.array([0.5, 0.0, -1.0]), out)
    assert out.tolist() == [-4.0, -4.5]
