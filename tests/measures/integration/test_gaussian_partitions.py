from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from tests.measures.integration.gaussian_processes import beside, process

from neurallayers.errors import InvalidInput
from neurallayers.measures.integration.gaussian_covariance import LaggedCovariance
from neurallayers.measures.integration.gaussian_measures import MEASURES, mutual_information
from neurallayers.measures.integration.gaussian_partitions import (
    bipartitions,
    checked_partition,
    entropy_scale_nats,
    minimum_information_bipartition,
)


def plain(parts: Any) -> float:
    return 1.0


@pytest.mark.parametrize("channels", [2, 3, 6])
def test_every_bipartition_comes_once(channels: int) -> None:
    every = list(bipartitions(channels))
    assert len(every) == 2 ** (channels - 1) - 1
    assert len({frozenset(parts) for parts in every}) == len(every)
    assert all(sorted(a + b) == list(range(channels)) and a and b for a, b in every)


@pytest.mark.parametrize("seed", range(10))
def test_queyranne_finds_the_least_information_between_two_parts(seed: int) -> None:
    of = process(seed, 6)
    exact, _ = minimum_information_bipartition(
        of, mutual_information, scale=plain, search="exhaustive"
    )
    found, tried = minimum_information_bipartition(
        of, mutual_information, scale=plain, search="queyranne"
    )
    assert mutual_information(of, found) == pytest.approx(mutual_information(of, exact), abs=1e-10)
    assert tried < 2 * 6**3


@pytest.mark.parametrize("search", ["exhaustive", "queyranne"])
@pytest.mark.parametrize("name", ["mutual_information", "phi_star", "stochastic_interaction"])
def test_the_seam_between_strangers_is_found(name: str, search: str) -> None:
    of = beside(process(1, 2), process(2, 3))
    order = [0, 2, 3, 1, 4]  # The strangers, shuffled: {0, 3} and {1, 2, 4}.
    index = np.ix_(order, order)
    mixed = LaggedCovariance(of.past[index], of.cross[index], of.present[index])
    calls: list[tuple[int, int]] = []
    parts, _ = minimum_information_bipartition(
        mixed,
        MEASURES[name],
        scale=plain,
        search=search,
        progress=lambda done, total: calls.append((done, total)),
    )
    assert set(parts) == {(0, 3), (1, 2, 4)}
    assert calls[-1][0] == calls[-1][1]


def test_the_entropy_scale_is_that_of_the_smaller_part() -> None:
    of = LaggedCovariance(np.diag([1.0, 4.0, 9.0]), np.zeros((3, 3)))
    each = [0.5 * math.log(2.0 * math.pi * math.e * v) for v in (1.0, 4.0, 9.0)]
    assert entropy_scale_nats(of, ((0, 1), (2,))) == pytest.approx(min(each[0] + each[1], each[2]))
    assert entropy_scale_nats(of, ((0,), (1,), (2,))) == pytest.approx(2.0 * each[0])
    with pytest.raises(InvalidInput, match="unit variance"):
        entropy_scale_nats(LaggedCovariance(0.001 * np.eye(2), np.zeros((2, 2))), ((0,), (1,)))


@pytest.mark.parametrize(
    "partition",
    ["whole", [[0, 1, 2]], [[0, 1], []], [[0], [1]], [[0, 1], [1, 2]], [[0, 1.5], [2]], 3, [0, 1]],
    ids=str,
)
def test_a_partition_that_is_none_is_refused(partition: Any) -> None:
    with pytest.raises(InvalidInput):
        checked_partition(partition, 3)


def test_too_many_channels_for_all_bipartitions_are_refused() -> None:
    of = LaggedCovariance(np.eye(17), np.zeros((17, 17)))
    with pytest.raises(InvalidInput, match="65535 bipartitions"):
        minimum_information_bipartition(of, mutual_information, scale=plain, search="exhaustive")
