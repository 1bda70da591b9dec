r"""How far a cut moves a constellation of concepts: the extended earth mover's distance.

A concept is a point in concept space, at its cause and effect repertoires, with its phi as mass.
The distance of two points is the earth mover's distance of their cause repertoires plus that of
their effect repertoires, each extended over the nodes of both purviews by the unconstrained
repertoire. What the one constellation has less of mass goes to (or comes from) the null concept,
the unconstrained repertoires. Mass that both hold at one point stays where it is.

Distances of effects are sums over nodes and cost nothing. Those of causes are bounded from below by
that of their marginals, and the bound is replaced by the distance only along the ways on which the
cheapest transport wants to move mass: when it moves mass along measured ways only, it is the
cheapest of all. The total before that is a lower bound, and a cut whose bound passes the smallest
phi found so far is given up.

Source: Oizumi, Albantakis & Tononi (2014), PLoS Comput Biol 10(5):e1003588, Text S2.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neurallayers.measures.integration.compilation import compiled
from neurallayers.measures.integration.earth_movers import cube_distance, transport_distance
from neurallayers.measures.integration.frames import Frame
from neurallayers.measures.integration.searches import Repertoires

SAME = 1e-9
UNMOVED = 1e-13


class Constellation(NamedTuple):
    """The concepts of a system under one cut.

    Attributes:
        phi: Phi of each mechanism's concept, of its cause and of its effect, ``[2^n, 3]``.
        sets: Purview and first part of its core cause, then of its core effect, ``[2^n, 4]``.
        a: The set A of the cut.
        b: The set B.
        held: The repertoires under the cut.
    """

    phi: Any
    sets: Any
    a: int
    b: int
    held: Repertoires


@compiled
def structure_distance(
    whole: Constellation, parted: Constellation, most: float, frame: Frame
) -> float:
    """The distance of two constellations, or some lower bound of it that is above ``most``."""
    given, taken, mass_given, mass_taken = _unmatched(whole, parted, frame)
    if given.size == 0 or taken.size == 0:
        return 0.0
    price = _least_prices(whole, parted, (given, taken), frame)
    measured = np.zeros(price.shape, np.bool_)
    flow = np.empty(price.shape)
    while True:
        total = transport_distance(mass_given, mass_taken, price, flow)
        if total > most:
            return total
        news = 0
        for i in range(given.size):
            for j in range(taken.size):
                if flow[i, j] > UNMOVED and not measured[i, j]:
                    measured[i, j] = True
                    price[i, j] += _cause_excess(whole, parted, (given[i], taken[j]), frame)
                    news += 1
        if news == 0:
            return total


@compiled
def _unmatched(whole: Constellation, parted: Constellation, frame: Frame) -> Any:
    """Concepts of both that the other has not as they are, and their masses."""
    count = 1 << frame.nodes
    given, taken = np.zeros(count, np.int64), np.zeros(count, np.int64)
    mass_given, mass_taken = np.zeros(count), np.zeros(count)
    givers, takers, surplus = 0, 0, 0.0
    for mechanism in range(1, count):
        if _same_concept(whole, parted, mechanism, frame):
            continue
        here, there = whole.phi[mechanism, 0], parted.phi[mechanism, 0]
        surplus += here - there
        if here > 0.0:
            given[givers], mass_given[givers] = mechanism, here
            givers += 1
        if there > 0.0:
            taken[takers], mass_taken[takers] = mechanism, there
            takers += 1
    # The null concept is the mechanism 0, over purviews without nodes.
    if surplus > 0.0:
        mass_taken[takers] = surplus
        takers += 1
    elif surplus < 0.0:
        mass_given[givers] = -surplus
        givers += 1
    return given[:givers], taken[:takers], mass_given[:givers], mass_taken[:takers]


@compiled
def _same_concept(
    whole: Constellation, parted: Constellation, mechanism: int, frame: Frame
) -> bool:
    """Whether a mechanism's concept is the same in both: of one phi and at one point."""
    if abs(whole.phi[mechanism, 0] - parted.phi[mechanism, 0]) > SAME:
        return False
    if whole.phi[mechanism, 0] == 0.0:
        return True
    purview = whole.sets[mechanism, 0]
    if (
        purview != parted.sets[mechanism, 0]
        or whole.sets[mechanism, 2] != parted.sets[mechanism, 2]
    ):
        return False
    for node in range(frame.nodes):
        if abs(_effect(whole, mechanism, node) - _effect(parted, mechanism, node)) > SAME:
            return False
    begin = frame.offsets[purview]
    for index in range(begin, begin + (1 << frame.sizes[purview])):
        here = whole.held.causes[mechanism, index] - parted.held.causes[mechanism, index]
        if abs(here) > SAME:
            return False
    return True


@compiled
def _effect(of: Constellation, mechanism: int, node: int) -> float:
    """Probability that a node will be ON, given a concept's mechanism if it is in its purview."""
    purview = of.sets[mechanism, 2] if mechanism else 0
    heard = mechanism if (purview >> node) & 1 else 0
    if (of.b >> node) & 1:
        heard &= ~of.a
    return float(of.held.effects[node, heard])


@compiled
def _cause_marginal(of: Constellation, mechanism: int, node: int) -> float:
    """Probability that a node was ON, given a concept's mechanism if it is in its purview."""
    purview = of.sets[mechanism, 0] if mechanism else 0
    return float(of.held.marginals[mechanism, purview, node])


@compiled
def _least_prices(whole: Constellation, parted: Constellation, concepts: Any, frame: Frame) -> Any:
    """A lower bound of the distance of every two concepts: of effects exact, of causes marginal."""
    given, taken = concepts
    price = np.zeros((given.size, taken.size))
    for node in range(frame.nodes):
        for i in range(given.size):
            cause = _cause_marginal(whole, given[i], node)
            effect = _effect(whole, given[i], node)
            for j in range(taken.size):
                price[i, j] += abs(cause - _cause_marginal(parted, taken[j], node))
                price[i, j] += abs(effect - _effect(parted, taken[j], node))
    return price


@compiled
def _cause_excess(
    whole: Constellation, parted: Constellation, concepts: Any, frame: Frame
) -> float:
    """By how much the distance of two concepts' causes is above that of their marginals."""
    one, two = concepts
    first = whole.sets[one, 0] if one else 0
    second = parted.sets[two, 0] if two else 0
    both = first | second
    size = frame.sizes[both]
    spread_first = 1.0 / (1 << (size - frame.sizes[first]))
    spread_second = 1.0 / (1 << (size - frame.sizes[second]))
    difference = np.empty(1 << size)
    for index in range(difference.size):
        state = frame.states[frame.offsets[both] + index]
        here = frame.offsets[first] + frame.places[first, state]
        there = frame.offsets[second] + frame.places[second, state]
        difference[index] = whole.held.causes[one, here] * spread_first
        difference[index] -= parted.held.causes[two, there] * spread_second
    excess = cube_distance(difference, size, frame.arcs, np.empty(difference.size))
    for node in range(frame.nodes):
        excess -= abs(_cause_marginal(whole, one, node) - _cause_marginal(parted, two, node))
    return max(excess, 0.0)
