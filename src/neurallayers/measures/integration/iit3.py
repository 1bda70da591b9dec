r"""Integrated information of a system in a state, IIT 3.0: big phi, and complexes.

A system is as irreducible as the unidirectional cut that changes its constellation of concepts
least leaves it: Phi = min over cuts of the extended earth mover's distance between the two.

Exact, and bounded early where that changes nothing: a system that is not strongly connected is
reducible; the search ends at the first cut that changes nothing; a cut is given up when a lower
bound of its distance passes the smallest found; and what a cut cannot have changed is not searched
again (of mechanisms that it does not divide only those that were concepts).

Conventions where the theory leaves them open are those of PyPhi 1 as published: a single node has
no phi; of purviews of one phi the largest wins, then the first; mechanisms are cut in two.

Sources: Oizumi, Albantakis & Tononi (2014), PLoS Comput Biol 10(5):e1003588; Mayner, Marshall,
Albantakis et al. (2018), PLoS Comput Biol 14(7):e1006343.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence

import numpy as np
from scipy.sparse.csgraph import connected_components

from neurallayers.errors import InvalidInput
from neurallayers.measures.integration.constellations import Constellation, structure_distance
from neurallayers.measures.integration.frames import nodes_of
from neurallayers.measures.integration.iit3_candidate import CandidateSystem, NodesLike
from neurallayers.measures.integration.iit3_concepts import Concept, SystemIrreducibility
from neurallayers.measures.integration.partitions import Cut
from neurallayers.measures.integration.substrate import Nodes, Substrate

Progress = Callable[[int, int], None]

# Two cuts whose phi differ by less tie; the first wins.
TIE = 1e-9
# With this many cuts and more (seven nodes) the search of one takes seconds.
LONG = 126


def system_phi(
    substrate: Substrate,
    state: Sequence[int],
    nodes: NodesLike | None = None,
    *,
    progress: Progress | None = None,
) -> SystemIrreducibility:
    """Big phi of some nodes of a substrate in a state.

    Args:
        substrate: The whole.
        state: State of all its nodes.
        nodes: Which of them form the system, by index or label; all when left out. The others are
            frozen in their state.
        progress: Called as ``progress(done, total)`` after every cut, and of more than six nodes in
            between too. Whatever it raises ends the search, so that it can also be stopped.

    Raises:
        InvalidInput: If the state cannot be reached or the system is too large.
        UnknownName: If there is no such node.

    >>> loop = Substrate([[0, 0], [0, 1], [1, 0], [1, 1]])  # each node copies the other
    >>> system_phi(loop, (1, 0)).phi
    1.0
    """
    system = CandidateSystem(substrate, state, nodes)
    size = len(system.nodes)
    mechanisms, beat = np.arange(1, 2**size), _beat(progress, 0, 2**size - 2)
    phi, sets = system.search(mechanisms, (0, 0), system.uncut, beat=beat)
    whole = Constellation(phi, sets, 0, 0, system.uncut)
    reason = _why_reducible(substrate, system.nodes)
    if not reason and not phi[:, 0].any():
        reason = "it has no concepts"
    if reason:
        return _result(system, 0.0, None, whole, None, reason)
    best, best_parted = _least_cut(system, whole, progress)
    cut = Cut(
        tuple(system.nodes[node] for node in nodes_of(best_parted.a)),
        tuple(system.nodes[node] for node in nodes_of(best_parted.b)),
    )
    reason = "" if best > 0.0 else "a cut changes nothing"
    return _result(system, best, cut, whole, best_parted, reason)


def complexes(
    substrate: Substrate, state: Sequence[int], *, progress: Progress | None = None
) -> tuple[SystemIrreducibility, ...]:
    """The complexes: systems of more phi than any that they overlap with, largest phi first.

    Args:
        substrate: The whole.
        state: State of all its nodes.
        progress: Called as ``progress(done, total)`` after every candidate system. Whatever it
            raises ends the search.

    Raises:
        InvalidInput: If the state cannot be reached.
    """
    candidates = all_systems(substrate, state, progress=progress)
    found: list[SystemIrreducibility] = []
    taken: set[int] = set()
    for candidate in candidates:
        # A system that overlaps with one of more phi is no complex, whatever else it overlaps.
        if candidate.phi > 0.0 and not taken & set(candidate.nodes):
            found.append(candidate)
            taken |= set(candidate.nodes)
    return tuple(found)


def major_complex(
    substrate: Substrate, state: Sequence[int], *, progress: Progress | None = None
) -> SystemIrreducibility | None:
    """The system of the largest phi of all; None where none has any."""
    found = complexes(substrate, state, progress=progress)
    return found[0] if found else None


def all_systems(
    substrate: Substrate, state: Sequence[int], *, progress: Progress | None = None
) -> tuple[SystemIrreducibility, ...]:
    """Every candidate system whose state can be reached, largest phi first.

    Systems of one phi come in the order of their size (larger first), then of their nodes. A single
    node has no phi and is left out.

    Raises:
        InvalidInput: If the state is none of the substrate's, or no system can be in it.
    """
    present = substrate.state(state)
    everyone = range(substrate.size)
    chosen = [
        nodes
        for size in range(substrate.size, 1, -1)
        for nodes in itertools.combinations(everyone, size)
    ]
    reached = [nodes for nodes in chosen if substrate.reaches(present, nodes)]
    if not substrate.reaches(present):
        raise InvalidInput(
            f"No state leads to the state {list(present)}, so that it has no causes.",
            "Choose a state that the substrate can be in, such as the one after a step.",
        )
    found = []
    for done, nodes in enumerate(reached, start=1):
        found.append(system_phi(substrate, present, nodes))
        if progress is not None:
            progress(done, len(reached))
    return tuple(sorted(found, key=lambda one: -round(one.phi / TIE)))


def _least_cut(
    system: CandidateSystem, whole: Constellation, progress: Progress | None
) -> tuple[float, Constellation]:
    size = len(system.nodes)
    total = 2**size - 2
    concepts = whole.phi[:, 0] > 0.0
    masks = np.arange(2**size)
    best, best_parted = np.inf, whole
    held = system.repertoires((0, 0))
    for a in range(1, total + 1):
        b = total + 1 - a
        system.repertoires((a, b), held)
        divided = ((masks & a) != 0) & ((masks & b) != 0)
        beat = _beat(progress, a - 1, total)
        phi, sets = system.search(np.flatnonzero(concepts | divided), (a, b), held, beat=beat)
        parted = Constellation(phi, sets, a, b, held)
        distance = structure_distance(whole, parted, best - TIE, system.frame)
        if distance < best - TIE:
            best, best_parted = float(distance), parted
        if progress is not None:
            progress(a, total)
        if best <= TIE:
            return 0.0, best_parted
    return best, best_parted


def _beat(progress: Progress | None, done: int, total: int) -> Callable[[], None] | None:
    """Says again how far a long search is, so that it can be stopped."""
    if progress is None or total < LONG:
        return None
    return functools.partial(progress, done, total)


def _result(
    system: CandidateSystem,
    phi: float,
    cut: Cut | None,
    whole: Constellation,
    parted: Constellation | None,
    reason: str,
) -> SystemIrreducibility:
    cut_concepts: tuple[Concept, ...] = ()
    if cut is not None and parted is not None:
        # The repertoires of the search are those of its last cut by now.
        after = CandidateSystem(system.substrate, system.state, system.nodes, cut=cut)
        cut_concepts = after.found(parted.phi, parted.sets)
    return SystemIrreducibility(
        phi=phi,
        nodes=system.nodes,
        state=system.state,
        cut=cut,
        concepts=system.found(whole.phi, whole.sets),
        cut_concepts=cut_concepts,
        reason=reason,
        labels=system.substrate.labels,
    )


def _why_reducible(substrate: Substrate, nodes: Nodes) -> str:
    if len(nodes) == 1:
        return "a single node cannot be cut"
    inside = substrate.connectivity[np.ix_(nodes, nodes)]
    parts, _ = connected_components(inside, directed=True, connection="strong")
    return "it is not strongly connected" if parts > 1 else ""
