"""Partitions and cuts, counted and compared."""

from __future__ import annotations

import pytest

from neurallayers.measures.integration.partitions import Cut, bipartitions, system_cuts


@pytest.mark.parametrize(("mechanism", "purview"), [((0,), (0,)), ((0, 1), (2,)), ((1, 2), (0, 1))])
def test_bipartitions_come_once_each_and_are_all(
    mechanism: tuple[int, ...], purview: tuple[int, ...]
) -> None:
    found = list(bipartitions(mechanism, purview))
    halves = {
        frozenset({(p.first_mechanism, p.first_purview), (p.second_mechanism, p.second_purview)})
        for p in found
    }
    assert len(found) == len(halves) == 2 ** (len(mechanism) + len(purview) - 1) - 1
    for part in found:
        assert sorted(part.first_mechanism + part.second_mechanism) == list(mechanism)
        assert sorted(part.first_purview + part.second_purview) == list(purview)
        assert part.first_mechanism or part.first_purview
        assert part.second_mechanism or part.second_purview


def test_system_cuts_go_both_ways() -> None:
    cuts = list(system_cuts((0, 1, 4)))
    assert len(cuts) == 6
    assert Cut((0, 1), (4,)) in cuts
    assert Cut((4,), (0, 1)) in cuts
