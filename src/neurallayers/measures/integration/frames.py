"""Where things stand in the tables of the searches: the subsets of n nodes and their states.

A set of nodes is a bit mask. The states of every set lie one set after the other in one row of 3^n
numbers (a sum over all sets of 2^size), so that the repertoires of a mechanism over all purviews
are one row of a matrix.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np

from neurallayers.measures.integration.earth_movers import cube_arcs


class Frame(NamedTuple):
    """The subsets of n nodes; made once for each n, by :func:`frame`.

    Attributes:
        nodes: How many nodes, n.
        sizes: Nodes in each set, ``[2^n]``.
        offsets: Where the states of each set begin in a row, ``[2^n]``.
        states: Those states as bit masks of all nodes, ``[3^n]``.
        places: Where within its set's states a state of all nodes stands, ``[2^n, 2^n]``.
        preferred: All sets but the empty one, larger first, then by their nodes' numbers.
        weights: The sum of 7^i over the nodes i of each set: keys of what is remembered.
        arcs: Arcs of the hypercubes of up to n dimensions.
    """

    nodes: int
    sizes: Any
    offsets: Any
    states: Any
    places: Any
    preferred: Any
    weights: Any
    arcs: Any


@functools.cache
def frame(nodes: int) -> Frame:
    """The frame of n nodes."""
    sets = np.arange(2**nodes)
    bits = (sets[:, None] >> np.arange(nodes)) & 1
    sizes = bits.sum(axis=1)
    states = [_states_of(mask, nodes) for mask in sets]
    # A node stands at the place that the set's nodes below it leave free.
    below = np.cumsum(bits, axis=1) - bits
    places = ((bits << below) @ bits.T).astype(np.int64)
    members = [tuple(int(node) for node in np.flatnonzero(row)) for row in bits]
    preferred = sorted(range(1, 2**nodes), key=lambda mask: (-sizes[mask], members[mask]))
    return Frame(
        nodes,
        sizes,
        np.concatenate([[0], np.cumsum(2**sizes)[:-1]]),
        np.concatenate(states),
        places,
        np.array(preferred),
        bits @ 7 ** np.arange(nodes),
        cube_arcs(nodes),
    )


def mask_of(nodes: Any) -> int:
    """The bit mask of a set of nodes."""
    return sum(1 << int(node) for node in nodes)


def nodes_of(mask: int) -> tuple[int, ...]:
    """The nodes of a bit mask, ascending."""
    return tuple(node for node in range(int(mask).bit_length()) if mask >> node & 1)


def _states_of(mask: int, nodes: int) -> Any:
    inside = [node for node in range(nodes) if mask >> node & 1]
    compact = np.arange(2 ** len(inside))
    spread = np.zeros_like(compact)
    for index, node in enumerate(inside):
        spread |= ((compact >> index) & 1) << node
    return spread
