"""Where subsets and their states stand."""

from __future__ import annotations

import numpy as np
import pytest

from neurallayers.measures.integration.frames import frame, mask_of, nodes_of


@pytest.mark.parametrize("nodes", [1, 2, 3, 5])
def test_every_state_of_every_set_has_its_place(nodes: int) -> None:
    of = frame(nodes)
    assert of.states.size == 3**nodes
    for mask in range(2**nodes):
        begin = of.offsets[mask]
        states = of.states[begin : begin + 2 ** of.sizes[mask]]
        assert sorted(states) == sorted({state & mask for state in range(2**nodes)})
        # The place of a state of all nodes is where its part of the set stands.
        everyone = np.arange(2**nodes)
        assert np.array_equal(states[of.places[mask]], everyone & mask)


def test_larger_sets_come_first_then_lower_nodes() -> None:
    preferred = [nodes_of(int(mask)) for mask in frame(3).preferred]
    assert preferred == [(0, 1, 2), (0, 1), (0, 2), (1, 2), (0,), (1,), (2,)]


def test_masks_and_nodes_are_two_ways_to_say_one_thing() -> None:
    assert mask_of((0, 3)) == 9
    assert nodes_of(9) == (0, 3)
    assert nodes_of(0) == ()


def test_keys_of_disjoint_roles_never_meet() -> None:
    weights = frame(3).weights
    keys = {
        int(weights[a] + 2 * weights[b] + 3 * weights[7 & ~a & ~b])
        for a in range(8)
        for b in range(8)
        if not a & b
    }
    assert len(keys) == 27
