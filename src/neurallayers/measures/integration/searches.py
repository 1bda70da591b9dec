r"""The search for what each mechanism specifies, and for how little a partition would change it.

A mechanism M specifies over a purview P a distribution, its repertoire. Cut into M1/P1 and M2/P2 it
specifies the product of two, and phi(M, P) is the smallest distance to any of those; the purview
of the largest phi is its core cause (or effect). All of it is exact:

- Effects. Given M the purview's nodes are independent, so are they after a cut, and the distance is
  the sum over nodes of the difference of their probabilities. Each node then takes the cheaper of
  both parts, and only the bipartitions of the mechanism have to be tried:
  ``phi = min over {M1, M2} of Σ_p min(|e_p(M) − e_p(M1)|, |e_p(M) − e_p(M2)|)``, where M1 = ∅ asks
  for
  at least one node that takes it.
- Causes. Partitions are tried in the order of a lower bound of the distance until the bound passes
  the best distance found: at first that of the marginals, then what the price levels (dual
  solutions) of the partitions that were measured already say of this one. A purview is given up
  as soon as it cannot beat the best one.

A system cut from A to B leaves every node of B without its inputs from A. It changes phi(M, P) of
causes only where M meets B and P meets A, and only through M ∩ B and P ∩ A: what is found is
remembered under the four sets, for all cuts that agree on them.

Source: Oizumi, Albantakis & Tononi (2014), PLoS Comput Biol 10(5):e1003588, "Mechanisms" and Text
S2; ties as in Mayner et al. (2018), PLoS Comput Biol 14(7):e1006343 (the largest purview wins).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neurallayers.measures.integration.compilation import compiled
from neurallayers.measures.integration.earth_movers import (
    cube_distance,
    cube_upper_bound,
)
from neurallayers.measures.integration.frames import Frame

# Two phi that differ by less tie, as six decimals count in the published implementation.
TIE = 5e-7
ROUNDING = 1e-12
# Partitions that are tried before the purviews are put in order.
TRIES = 2
# Price levels of how many partitions others are compared with.
LEVELS = 24


class Repertoires(NamedTuple):
    """All cause repertoires of a system under one cut, and the probabilities that effects are of.

    Attributes:
        causes: ``[2^n, 3^n]``: a row for each mechanism, in it a stretch for each purview.
        marginals: Probability that each purview node was ON, ``[2^n, 2^n, n]``.
        effects: Probability that each node will be ON given the state of a set, ``[n, 2^n]``; of
            the uncut system, as a cut only takes nodes from the set.
    """

    causes: Any
    marginals: Any
    effects: Any


class ConceptTable(NamedTuple):
    """What is known of phi(M, P) of causes, by the sets that matter, ``[7^n]``.

    Attributes:
        bounds: Phi, or something that it is not above.
        settled: Whether it is phi itself.
        parts: The partition that gave it: M1 shifted by 8, plus P1.
    """

    bounds: Any
    settled: Any
    parts: Any


def memory(nodes: int) -> ConceptTable:
    """Nothing known yet of a system of so many nodes."""
    size = 7**nodes
    return ConceptTable(np.full(size, np.inf), np.zeros(size, np.bool_), np.zeros(size, np.int32))


@compiled
def fill_repertoires(likelihood: Any, a: int, b: int, frame: Frame, into: Repertoires) -> None:
    """All cause repertoires and their marginals, with the connections from A to B severed.

    p(purview state | mechanism state) ∝ Π over nodes m of the mechanism of the probability of m's
    state given the purview's, averaged over all states of the other nodes.

    Args:
        likelihood: Probability of each node's present state given the past state of a set, all
            others averaged, ``[n, 2^n (set), 2^n (state)]``.
        a: The set A.
        b: The set B.
        frame: The frame of n nodes.
        into: Filled.
    """
    sets = 1 << frame.nodes
    for purview in range(sets):
        begin = frame.offsets[purview]
        states = 1 << frame.sizes[purview]
        into.causes[0, begin : begin + states] = 1.0 / states
        for mechanism in range(1, sets):
            rest = mechanism & (mechanism - 1)
            node = frame.sizes[(mechanism ^ rest) - 1]
            heard = purview & ~a if (b >> node) & 1 else purview
            total = 0.0
            for index in range(begin, begin + states):
                value = into.causes[rest, index] * likelihood[node, heard, frame.states[index]]
                into.causes[mechanism, index] = value
                total += value
            for index in range(begin, begin + states):
                into.causes[mechanism, index] /= total
        for mechanism in range(sets):
            for node in range(frame.nodes):
                on = 0.0
                if (purview >> node) & 1:
                    for index in range(begin, begin + states):
                        if (frame.states[index] >> node) & 1:
                            on += into.causes[mechanism, index]
                else:
                    on = 0.5
                into.marginals[mechanism, purview, node] = on


@compiled
def _smallest(numbers: Any) -> int:
    """Where the smallest number stands."""
    place = 0
    for index in range(1, numbers.shape[0]):
        if numbers[index] < numbers[place]:
            place = index
    return place


@compiled
def cause_partition(concept: Any, enough: float, tries: int, tables: Any) -> Any:
    """The distance of a cause repertoire to the nearest of its partitions.

    Args:
        concept: The mechanism and the purview.
        enough: The search ends once the distance is known to be not above this.
        tries: It also ends after so many partitions; 0 for all.
        tables: The repertoires and the frame.

    Returns:
        The distance (or what it is not above), whether it is settled, and the first part (mechanism
        shifted by 8, plus purview).
    """
    size = tables[1].sizes[concept[1]]
    bounds, parts = _partitions(concept, tables)
    compared = np.zeros(bounds.shape, np.int64)
    difference, used = np.empty(1 << size), np.empty(1 << size)
    levels, count = np.empty((LEVELS if tries == 0 else 1, 1 << size)), 0
    best, part, tried, exact = np.inf, 0, 0, True
    while True:
        index = _smallest(bounds)
        bound = bounds[index]
        if bound >= best - ROUNDING:
            return best, exact, part
        if tried == tries > 0 or best <= enough:
            return best, False, part
        tried += 1
        bounds[index] = np.inf
        _part_from(parts[index], concept, tables, difference)
        if size < 3:
            distance = cube_distance(difference, size, tables[1].arcs, used)
        elif compared[index] < count:
            # What the price levels of other partitions say of this one; then the next in order.
            first, compared[index] = compared[index], count
            bounds[index] = max(bound, _raised(difference, levels[first:count]))
            continue
        else:
            for state in range(difference.size):
                used[state] = difference[state]
            distance = cube_upper_bound(used, size)
            if distance > max(enough, bound + ROUNDING):
                if tries > 0:
                    exact = False
                else:
                    level = levels[min(count, LEVELS - 1)]
                    distance = cube_distance(difference, size, tables[1].arcs, level)
                    count = min(count + 1, LEVELS)
        if distance < best:
            best, part = distance, parts[index]


@compiled
def _raised(difference: Any, levels: Any) -> float:
    """The highest lower bound of a distance that price levels of other distances give."""
    highest = 0.0
    for row in range(levels.shape[0]):
        total = 0.0
        for state in range(difference.shape[0]):
            total += levels[row, state] * difference[state]
        highest = max(highest, abs(total))
    return highest


@compiled
def _partitions(concept: Any, tables: Any) -> Any:
    """All bipartitions of a mechanism over a purview, and the distance of marginals of each."""
    mechanism, purview = concept
    held, frame = tables
    free = mechanism & (mechanism - 1)
    count = (1 << frame.sizes[free]) << frame.sizes[purview]
    bounds = np.empty(count)
    parts = np.empty(count, np.int32)
    index, first = 0, free
    while True:
        other = mechanism ^ first
        first_purview = purview
        while True:
            bound = 0.0
            for node in range(frame.nodes):
                if (purview >> node) & 1:
                    there = held.marginals[mechanism, purview, node]
                    if (first_purview >> node) & 1:
                        there -= held.marginals[first, first_purview, node]
                    else:
                        there -= held.marginals[other, purview ^ first_purview, node]
                    bound += abs(there)
            bounds[index] = bound if first or first_purview else np.inf
            parts[index] = (first << 8) + first_purview
            index += 1
            if first_purview == 0:
                break
            first_purview = (first_purview - 1) & purview
        if first == 0:
            return bounds, parts
        first = (first - 1) & free


@compiled
def _part_from(part: int, concept: Any, tables: Any, difference: Any) -> None:
    """A cause repertoire minus that of one of its partitions, state by state."""
    held, frame = tables
    mechanism, purview = concept
    first, first_purview = part >> 8, part & 255
    other, other_purview = mechanism ^ first, purview ^ first_purview
    begin = frame.offsets[purview]
    first_begin, other_begin = frame.offsets[first_purview], frame.offsets[other_purview]
    for index in range(difference.shape[0]):
        state = frame.states[begin + index]
        product = held.causes[first, first_begin + frame.places[first_purview, state]]
        product *= held.causes[other, other_begin + frame.places[other_purview, state]]
        difference[index] = held.causes[mechanism, begin + index] - product


@compiled
def cause_key(mechanism: int, purview: int, cut: Any, frame: Frame) -> Any:
    """Under which key phi of causes is remembered, and whether the cut touches it at all.

    The key is -1 where the cut makes phi vanish: where a part of the purview is heard by none, or a
    part of the mechanism hears nothing, cutting it off costs nothing.
    """
    deaf, unheard = mechanism & cut[1], purview & cut[0]
    severed = deaf != 0 and unheard != 0
    if severed and (deaf == mechanism or unheard == purview):
        return -1, severed
    weights = frame.weights
    both = mechanism & purview
    key = weights[mechanism & ~both] + 3 * weights[purview & ~both] + 5 * weights[both]
    if severed:
        # A node of both sets is in A or in B, so that one more tells which.
        key += weights[deaf] + weights[unheard & ~both]
    return key, severed


@compiled
def core_cause(
    mechanism: int,
    cut: Any,
    held: Repertoires,
    uncut: Repertoires,
    known: ConceptTable,
    frame: Frame,
) -> Any:
    """The purview of the largest phi of a mechanism's causes: phi, purview, first part.

    Args:
        mechanism: The mechanism.
        cut: The sets A and B.
        held: Repertoires under the cut.
        uncut: Repertoires without it.
        known: What is known of phi; more at the end.
        frame: The frame of the nodes.
    """
    count = frame.preferred.size
    least = np.zeros(count)
    for rank in range(count):
        purview = frame.preferred[rank]
        key, severed = cause_key(mechanism, purview, cut, frame)
        if key >= 0:
            if known.bounds[key] == np.inf:
                tables = (held if severed else uncut, frame)
                _remember(key, (mechanism, purview), 0.0, tables, known)
            # Negative, so that the largest bound is the smallest number.
            least[rank] = -known.bounds[key]
    best, best_rank, best_part = 0.0, count, 0
    while True:
        # The most promising first: most others are then given up at once.
        rank = _smallest(least)
        if -least[rank] <= max(best - TIE, TIE):
            break
        purview = frame.preferred[rank]
        key, severed = cause_key(mechanism, purview, cut, frame)
        enough = best + TIE if rank > best_rank or best_rank == count else best - TIE
        if -least[rank] > enough and not known.settled[key]:
            tables = (held if severed else uncut, frame)
            _remember(key, (mechanism, purview), enough, tables, known)
        least[rank] = 0.0
        if known.bounds[key] > enough:
            best, best_rank, best_part = known.bounds[key], rank, known.parts[key]
    purview = frame.preferred[best_rank] if best_rank < count else 0
    return best, purview, best_part


@compiled
def _remember(key: int, concept: Any, enough: float, tables: Any, known: ConceptTable) -> None:
    """Search for the nearest partition, at first among a few only, and keep what was found."""
    tries = TRIES if known.bounds[key] == np.inf else 0
    bound, settled, part = cause_partition(concept, enough, tries, tables)
    if bound <= known.bounds[key]:
        known.bounds[key] = bound
        known.parts[key] = part
    known.settled[key] = settled


@compiled
def core_effect(mechanism: int, cut: Any, effects: Any, frame: Frame) -> Any:
    """The purview of the largest phi of a mechanism's effects: phi, purview, first part."""
    nodes, sets = frame.nodes, 1 << frame.nodes
    phi, splits = np.empty(sets), np.zeros(sets, np.int64)
    cheaper, sums = np.empty(nodes), np.zeros(sets)
    free = mechanism & (mechanism - 1)
    for purview in range(sets):
        phi[purview] = np.inf
    first = free
    while True:
        for node in range(nodes):
            one, other = _effect_moved(node, (mechanism, first), cut, effects)
            cheaper[node] = min(one, other) if first else one
        # Without nodes of its own the first part needs a node of the purview: the cheapest.
        sums[0] = 0.0 if first else np.inf
        for purview in range(1, sets):
            rest = purview & (purview - 1)
            price = cheaper[frame.sizes[(purview ^ rest) - 1]]
            sums[purview] = sums[rest] + price if first else min(sums[rest], price)
            if sums[purview] < phi[purview]:
                phi[purview], splits[purview] = sums[purview], first
        if first == 0:
            break
        first = (first - 1) & free
    best, best_purview = 0.0, 0
    for purview in frame.preferred:
        if phi[purview] > best + TIE:
            best, best_purview = phi[purview], purview
    first = splits[best_purview]
    part = _effect_part(mechanism, best_purview, first, cut, effects)
    return best, best_purview, (first << 8) + part


@compiled
def _effect_moved(node: int, parts: Any, cut: Any, effects: Any) -> Any:
    """By how much a node's probability moves when it hears one or the other part only."""
    mechanism, first = parts
    hears = ~cut[0] if (cut[1] >> node) & 1 else -1
    whole = effects[node, mechanism & hears]
    other = effects[node, (mechanism ^ first) & hears]
    return abs(whole - effects[node, first & hears]), abs(whole - other)


@compiled
def _effect_part(mechanism: int, purview: int, first: int, cut: Any, effects: Any) -> int:
    """Which nodes of the purview go with the first part of the mechanism."""
    part, nearest, least = 0, 0, np.inf
    for node in range(effects.shape[0]):
        if (purview >> node) & 1:
            one, other = _effect_moved(node, (mechanism, first), cut, effects)
            if one < other:
                part |= 1 << node
            if one < least:
                least, nearest = one, 1 << node
    # A part without a mechanism needs a purview, and costs least with one node.
    return part if first else nearest


@compiled
def find_concepts(
    mechanisms: Any,
    cut: Any,
    held: Repertoires,
    uncut: Repertoires,
    known: ConceptTable,
    frame: Frame,
    phi: Any,
    sets: Any,
) -> None:
    """The core cause and effect of each of the mechanisms.

    Args:
        mechanisms: Bit masks.
        cut: The sets A and B.
        held: Repertoires under the cut.
        uncut: Repertoires without it.
        known: What is known of phi; more at the end.
        frame: The frame of the nodes.
        phi: Where phi of the concept, its cause and its effect go, ``[2^n, 3]``; no cause is sought
            where there is no effect.
        sets: Where the purview and first part of cause and effect go, ``[2^n, 4]``.
    """
    for mechanism in mechanisms:
        effect, purview, part = core_effect(mechanism, cut, held.effects, frame)
        phi[mechanism, 2] = effect
        sets[mechanism, 2] = purview
        sets[mechanism, 3] = part
        phi[mechanism, 0] = 0.0
        phi[mechanism, 1] = 0.0
        if effect > 0.0:
            cause, purview, part = core_cause(mechanism, cut, held, uncut, known, frame)
            phi[mechanism, 1] = cause
            sets[mechanism, 0] = purview
            sets[mechanism, 1] = part
            phi[mechanism, 0] = min(cause, effect)
