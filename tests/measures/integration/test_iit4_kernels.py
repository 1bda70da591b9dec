from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.measures.integration import iit4_by_definition as definition

from neurallayers.measures.integration.iit4_kernels import (
    SAME,
    least_mechanism_cut,
    least_system_cut,
    most_intrinsic,
    next_set_partition,
)


def tables(seed: int, units: int, lowest: float = -0.3) -> Any:
    """Losses as no substrate gives them, ties included; nothing is lost if all is kept."""
    generator = np.random.default_rng(seed)
    loss = generator.uniform(lowest, 1.0, size=(units, 2**units))
    if seed % 2:
        loss = np.round(4.0 * loss) / 4.0
    loss[:, -1] = 0.0
    return loss


@pytest.mark.parametrize(("units", "count"), [(1, 1), (2, 2), (3, 5), (4, 15), (6, 203)])
def test_every_set_partition_comes_once(units: int, count: int) -> None:
    block, highest = np.zeros(units, np.int64), np.zeros(units, np.int64)
    found = {tuple(block)}
    while next_set_partition(block, highest):
        assert tuple(block) not in found
        assert highest[-1] == block.max()
        found.add(tuple(block))
    assert len(found) == count


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("units", [2, 3, 4])
def test_the_least_cut_of_a_system_is_least_among_all(seed: int, units: int) -> None:
    cause, effect = tables(seed, units), tables(seed + 100, units, lowest=-0.1)
    whole = set(range(units))
    values = []
    for partition in definition.directional_partitions(units):
        lost, connections = [0.0, 0.0], 0
        for part, cut in partition:
            kept = sum(1 << unit for unit in whole - cut)
            connections += len(part) * len(cut)
            for unit in part:
                lost[0] += cause[unit, kept]
                lost[1] += effect[unit, kept]
        phi = min(0.7 * max(lost[0], 0.0), 0.4 * max(lost[1], 0.0))
        values.append((phi / connections, phi))
    least = min(values)[0]
    found = least_system_cut(cause, effect, 0.7, 0.4, SAME)
    assert found[0] == pytest.approx(least, abs=1e-12)
    expected = max(phi for value, phi in values if value <= least + 1e-10)
    assert found[1] == pytest.approx(expected, abs=1e-12)


def test_all_partitions_are_tried() -> None:
    # Sum over k of S(n, k) 3^k, less the 3 of one part.
    for units, count in ((2, 9), (3, 54), (4, 306), (8, 681_867)):
        loss = np.ones((units, 2**units))
        assert least_system_cut(loss, loss, 1.0, 1.0, SAME)[2] == count


@pytest.mark.parametrize("side", ["effect", "cause"])
@pytest.mark.parametrize("seed", range(20))
def test_the_least_cut_of_a_mechanism_is_least_among_all(seed: int, side: str) -> None:
    units = 4
    loss = tables(seed, units, lowest=-0.05)
    generator = np.random.default_rng(seed)
    sizes = generator.integers(1, 4, size=2)
    mechanism, purview = (np.sort(generator.permutation(units)[:size]) for size in sizes)
    values = []
    for pairs in definition.disintegrating(list(mechanism), list(purview)):
        lost = 0.0
        for members, part in pairs:
            sources, targets = (members, part) if side == "effect" else (part, members)
            lost += sum(loss[target, sum(1 << source for source in sources)] for target in targets)
        severed = len(mechanism) * len(purview) - sum(len(m) * len(p) for m, p in pairs)
        values.append((max(lost, 0.0) / severed, max(lost, 0.0)))
    least = min(values)[0]
    sources, targets = (mechanism, purview) if side == "effect" else (purview, mechanism)
    bits = np.ascontiguousarray(-loss.T)  # Nothing is lost if all is kept, the last row.
    ratio, lost, _, block, choice = least_mechanism_cut(
        bits, 2**units - 1, sources, targets, side == "effect", SAME
    )
    assert ratio == pytest.approx(least, abs=1e-11)
    assert lost == pytest.approx(max(v for r, v in values if r <= least + 1e-10), abs=1e-11)
    assert block.shape == sources.shape
    assert choice.shape == targets.shape


def test_the_states_with_the_most_information_are_all_named() -> None:
    likely = np.array([0.5, 0.5, 0.0, 0.0])
    assert most_intrinsic(likely, likely, np.full(4, 0.25), SAME).tolist() == [0, 1]
    assert most_intrinsic(likely, likely, likely, SAME).tolist() == []
