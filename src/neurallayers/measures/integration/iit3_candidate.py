"""A candidate system of IIT 3.0: some nodes of a substrate in a state, all others frozen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from neurallayers.errors import InvalidInput
from neurallayers.measures.integration import searches
from neurallayers.measures.integration.frames import frame, mask_of, nodes_of
from neurallayers.measures.integration.iit3_concepts import Concept, Direction, Irreducibility
from neurallayers.measures.integration.partitions import Bipartition, Cut
from neurallayers.measures.integration.repertoires import (
    averaged_probabilities,
    cause_repertoire,
    effect_repertoire,
    likelihoods,
)
from neurallayers.measures.integration.substrate import (
    MOST_NODES,
    FloatArray,
    Nodes,
    Substrate,
)

NodesLike = Sequence[int | str]

# Mechanisms that are searched before the caller may stop the search: all of six nodes.
BETWEEN_BEATS = 64


class CandidateSystem:
    """Some nodes of a substrate in a state: repertoires, small phi, concepts.

    Args:
        substrate: The whole.
        state: State of all its nodes.
        nodes: Which of them form the system, by index or label; all when left out. The others are
            background conditions: frozen in their state, for causes and effects alike.
        cut: Connections that are severed, so that noise stands in for them.

    Raises:
        InvalidInput: If the state cannot be reached, the system is too large, or the cut does not
            divide its nodes.
        UnknownName: If there is no such node.

    >>> loop = Substrate([[0, 0], [0, 1], [1, 0], [1, 1]])  # each node copies the other
    >>> system = CandidateSystem(loop, (1, 0))
    >>> system.cause_repertoire(["A"], ["B"]).tolist()  # A is ON, so B was
    [0.0, 1.0]
    >>> system.concept(["A"]).phi
    0.5
    """

    def __init__(
        self,
        substrate: Substrate,
        state: Sequence[int],
        nodes: NodesLike | None = None,
        *,
        cut: Cut | None = None,
    ) -> None:
        self.substrate = substrate
        self.state = substrate.state(state)
        self.nodes: Nodes = substrate.nodes(nodes)
        self.cut = cut
        if len(self.nodes) > MOST_NODES:
            raise InvalidInput(
                f"The system has {len(self.nodes)} nodes; the exact search takes {MOST_NODES}.",
                "Choose fewer of them with nodes=[...].",
            )
        if not substrate.reaches(self.state, self.nodes):
            raise InvalidInput(
                f"No state of the nodes {substrate.words(self.nodes)} leads to the state "
                f"{list(self.state)}, so that it has no causes.",
                "Choose a state that the substrate can be in, such as the one after a step.",
            )
        self._severed = self._masks(cut)
        self._row = sum(self.state[node] << i for i, node in enumerate(self.nodes))
        averaged = averaged_probabilities(substrate.conditioned(self.state, self.nodes))
        self._likelihood = likelihoods(averaged, self._row)
        self._effects = np.ascontiguousarray(averaged[:, self._row, :].T)
        self.frame = frame(len(self.nodes))
        self.uncut = self.repertoires((0, 0))
        self.held = self.uncut if cut is None else self.repertoires(self._severed)
        self.known = searches.memory(len(self.nodes))

    def repertoires(
        self, severed: tuple[int, int], into: searches.Repertoires | None = None
    ) -> searches.Repertoires:
        """All cause repertoires, with the connections from one set to another severed."""
        size = len(self.nodes)
        if into is None:
            causes = np.zeros((2**size, 3**size))
            marginals = np.zeros((2**size, 2**size, size))
            into = searches.Repertoires(causes, marginals, self._effects)
        searches.fill_repertoires(self._likelihood, *severed, self.frame, into)
        return into

    def cause_repertoire(self, mechanism: NodesLike, purview: NodesLike) -> FloatArray:
        """Probability of each past state of the purview, given the mechanism's present state.

        Args:
            mechanism: Nodes of the system; none for the unconstrained repertoire.
            purview: Nodes of the system.

        Returns:
            ``[2^|purview|]``, little-endian over the purview's nodes in ascending order.
        """
        return self._cause(self._set(mechanism), self._set(purview))

    def effect_repertoire(self, mechanism: NodesLike, purview: NodesLike) -> FloatArray:
        """Probability of each future state of the purview, given the mechanism's present state.

        Args:
            mechanism: Nodes of the system; none for the unconstrained repertoire.
            purview: Nodes of the system.

        Returns:
            ``[2^|purview|]``, little-endian over the purview's nodes in ascending order.
        """
        return self._effect(self._set(mechanism), self._set(purview))

    def irreducibility(
        self, direction: Direction, mechanism: NodesLike, purview: NodesLike
    ) -> Irreducibility:
        """Small phi of a mechanism over one purview, with its minimum information partition.

        Raises:
            InvalidInput: If mechanism or purview is empty, or the direction is another word.
        """
        concept = self._set(mechanism), self._set(purview)
        if direction not in ("cause", "effect"):
            raise InvalidInput(f"direction is {direction!r}.", "Say 'cause' or 'effect'.")
        if not all(concept):
            raise InvalidInput("Mechanism or purview is empty.", "Name at least one node of each.")
        if direction == "effect":
            phi, part = self._effect_partition(*concept)
        else:
            tables = (self.held, self.frame)
            phi, _, part = searches.cause_partition(concept, -1.0, 0, tables)
        return self._irreducibility(direction, concept, float(phi), int(part))

    def concept(self, mechanism: NodesLike) -> Concept:
        """The core cause and effect of a mechanism; phi is 0 where one of them is reducible."""
        inside = self._set(mechanism)
        if not inside:
            raise InvalidInput("The mechanism is empty.", "Name at least one node.")
        cut, tables = self._severed, (self.held, self.uncut, self.known, self.frame)
        cause = searches.core_cause(inside, cut, *tables)
        effect = searches.core_effect(inside, cut, self._effects, self.frame)
        return self._concept(inside, cause, effect)

    def concepts(self) -> tuple[Concept, ...]:
        """The constellation: every concept of the system, by mechanism (smaller ones first)."""
        phi, sets = self.search(np.arange(1, 2 ** len(self.nodes)), self._severed, self.held)
        return self.found(phi, sets)

    def search(
        self,
        mechanisms: Any,
        severed: tuple[int, int],
        held: searches.Repertoires,
        *,
        beat: Callable[[], None] | None = None,
    ) -> tuple[Any, Any]:
        """Phi and sets of the concepts of some mechanisms under a cut; see ``find_concepts``.

        Args:
            mechanisms: Bit masks within the system.
            severed: The sets A and B of the cut.
            held: Repertoires under it.
            beat: Called now and then, as the search of many nodes is long.
        """
        phi = np.zeros((2 ** len(self.nodes), 3))
        sets = np.zeros((2 ** len(self.nodes), 4), np.int64)
        tables = (held, self.uncut, self.known, self.frame)
        for begin in range(0, len(mechanisms), BETWEEN_BEATS):
            some = mechanisms[begin : begin + BETWEEN_BEATS]
            searches.find_concepts(some, severed, *tables, phi, sets)
            if beat is not None:
                beat()
        return phi, sets

    def found(self, phi: Any, sets: Any) -> tuple[Concept, ...]:
        """Concepts in words, from what :meth:`search` found."""
        order = sorted(
            (int(mechanism) for mechanism in np.flatnonzero(phi[:, 0])),
            key=lambda mask: (mask.bit_count(), nodes_of(mask)),
        )
        return tuple(
            self._concept(
                mechanism,
                (phi[mechanism, 1], sets[mechanism, 0], sets[mechanism, 1]),
                (phi[mechanism, 2], sets[mechanism, 2], sets[mechanism, 3]),
            )
            for mechanism in order
        )

    def _concept(self, mechanism: int, cause: Any, effect: Any) -> Concept:
        halves = [
            self._irreducibility(direction, (mechanism, int(purview)), float(phi), int(part))
            for direction, (phi, purview, part) in (("cause", cause), ("effect", effect))
        ]
        smaller = min(half.phi for half in halves)
        return Concept(self._names(mechanism), smaller, halves[0], halves[1])

    def _irreducibility(
        self, direction: Any, concept: tuple[int, int], phi: float, part: int
    ) -> Irreducibility:
        mechanism, purview = concept
        of = self._cause if direction == "cause" else self._effect
        first, first_purview = part >> 8, part & 255
        halves = ((first, first_purview), (mechanism ^ first, purview ^ first_purview))
        partition = Bipartition(*(self._names(mask) for half in halves for mask in half))
        return Irreducibility(
            direction=direction,
            mechanism=self._names(mechanism),
            purview=self._names(purview),
            phi=max(phi, 0.0),
            partition=partition if purview else None,
            repertoire=of(mechanism, purview),
            partitioned_repertoire=self._together(of, halves),
            labels=self.substrate.labels,
        )

    def _together(self, of: Any, halves: Any) -> FloatArray:
        """The repertoire of two parts over the states of both purviews."""
        (first, first_purview), (other, other_purview) = halves
        places, both = self.frame, first_purview | other_purview
        begin = places.offsets[both]
        states = places.states[begin : begin + 2 ** both.bit_count()]
        product: FloatArray = (
            of(first, first_purview)[places.places[first_purview, states]]
            * of(other, other_purview)[places.places[other_purview, states]]
        )
        return product

    def _cause(self, mechanism: int, purview: int) -> FloatArray:
        a, b = self._severed
        heard = {node: purview & ~a if b >> node & 1 else purview for node in nodes_of(mechanism)}
        return cause_repertoire(self._likelihood, heard, nodes_of(purview))

    def _effect(self, mechanism: int, purview: int) -> FloatArray:
        on = [self._effects[node, self._heard(node, mechanism)] for node in nodes_of(purview)]
        return effect_repertoire(on)

    def _heard(self, node: int, mechanism: int) -> int:
        a, b = self._severed
        return mechanism & ~a if b >> node & 1 else mechanism

    def _effect_partition(self, mechanism: int, purview: int) -> tuple[float, int]:
        """The nearest bipartition of an effect: every purview node takes the cheaper part."""
        best, best_part = np.inf, 0
        lowest = mechanism & -mechanism
        for first in range(mechanism):
            if first & ~mechanism or first & lowest:
                continue
            moved = {
                node: [
                    abs(
                        self._effects[node, self._heard(node, mechanism)]
                        - self._effects[node, self._heard(node, part)]
                    )
                    for part in (first, mechanism ^ first)
                ]
                for node in nodes_of(purview)
            }
            chosen = [node for node, (one, other) in moved.items() if one < other]
            if not first and not chosen:
                chosen = [min(moved, key=lambda node: moved[node][0])]
            total = sum(pair[0] if node in chosen else pair[1] for node, pair in moved.items())
            if total < best:
                best, best_part = total, (first << 8) + mask_of(chosen)
        return best, best_part

    def _set(self, nodes: NodesLike) -> int:
        """The bit mask, within the system, of nodes of the substrate."""
        if len(nodes) == 0:
            return 0
        chosen = self.substrate.nodes(nodes)
        outside = [node for node in chosen if node not in self.nodes]
        if outside:
            raise InvalidInput(
                f"{self.substrate.words(outside)} is outside of the system "
                f"{self.substrate.words(self.nodes)}.",
                "Name nodes of the system; the others are frozen.",
            )
        return mask_of(self.nodes.index(node) for node in chosen)

    def _names(self, mask: int) -> Nodes:
        return tuple(self.nodes[index] for index in nodes_of(mask))

    def _masks(self, cut: Cut | None) -> tuple[int, int]:
        if cut is None:
            return 0, 0
        sides = self._set(cut.from_nodes), self._set(cut.to_nodes)
        if sides[0] & sides[1] or sides[0] | sides[1] != 2 ** len(self.nodes) - 1 or not all(sides):
            raise InvalidInput(
                f"The cut {cut} does not divide the nodes {self.substrate.words(self.nodes)}.",
                "Put every node of the system on one of its sides.",
            )
        return sides
