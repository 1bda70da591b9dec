"""What IIT 3.0 finds: irreducible causes and effects, concepts, and how far a system is one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from neurallayers.measures.integration.partitions import Bipartition, Cut
from neurallayers.measures.integration.substrate import FloatArray, Nodes, State

Direction = Literal["cause", "effect"]


@dataclass(frozen=True, eq=False)
class Irreducibility:
    """How irreducible a mechanism's cause (or effect) over a purview is: small phi.

    Attributes:
        direction: ``"cause"`` or ``"effect"``.
        mechanism: Nodes whose present state it is about.
        purview: Nodes whose past (or future) it is about; empty where nothing is irreducible.
        phi: Earth mover's distance between the repertoire and its nearest partition.
        partition: That partition; None where the purview is empty.
        repertoire: Probability of each state of the purview, ``[2^|purview|]``, little-endian.
        partitioned_repertoire: The same after the partition.
        labels: Names of all nodes of the substrate.
    """

    direction: Direction
    mechanism: Nodes
    purview: Nodes
    phi: float
    partition: Bipartition | None
    repertoire: FloatArray
    partitioned_repertoire: FloatArray
    labels: tuple[str, ...] = field(repr=False)

    def __str__(self) -> str:
        purview = words(self.purview, self.labels)
        if self.partition is None:
            return f"{self.direction}: none"
        return f"{self.direction}: {purview}, phi {self.phi:.6g}, {self.cut_words}"

    @property
    def cut_words(self) -> str:
        """The partition, such as ``A/∅ x B/AC``."""
        if self.partition is None:
            return ""
        part = self.partition
        halves = (
            (part.first_mechanism, part.first_purview),
            (part.second_mechanism, part.second_purview),
        )
        return " x ".join(f"{words(m, self.labels)}/{words(p, self.labels)}" for m, p in halves)


@dataclass(frozen=True, eq=False)
class Concept:
    """A mechanism with its core cause and its core effect.

    Attributes:
        mechanism: Its nodes.
        phi: The smaller of the phi of both; a concept exists where it is above 0.
        cause: The irreducible cause of largest phi.
        effect: The irreducible effect of largest phi.
    """

    mechanism: Nodes
    phi: float
    cause: Irreducibility
    effect: Irreducibility

    def __str__(self) -> str:
        name = words(self.mechanism, self.cause.labels)
        return f"{name}: phi {self.phi:.6g}\n  {self.cause}\n  {self.effect}"


@dataclass(frozen=True, eq=False)
class SystemIrreducibility:
    """How far a system in a state is one: big phi of IIT 3.0.

    Attributes:
        phi: Extended earth mover's distance between the constellations of concepts of the whole and
            of the cut system, of the cut that changes it least; 0 for a reducible system.
        nodes: The system's nodes.
        state: State of the whole substrate.
        cut: That cut; None where no search was needed.
        concepts: The constellation of the uncut system, by mechanism.
        cut_concepts: That of the cut system; empty where no search was needed.
        reason: Why phi is 0, in words; empty where it is not.
        labels: Names of all nodes of the substrate.
        version: Of the theory.
    """

    phi: float
    nodes: Nodes
    state: State
    cut: Cut | None
    concepts: tuple[Concept, ...]
    cut_concepts: tuple[Concept, ...]
    reason: str
    labels: tuple[str, ...] = field(repr=False)
    version: Literal["3.0"] = "3.0"

    @property
    def concept_phi(self) -> dict[Nodes, float]:
        """Small phi of every concept, by mechanism."""
        return {concept.mechanism: concept.phi for concept in self.concepts}

    def __str__(self) -> str:
        state = "".join(str(self.state[node]) for node in self.nodes)
        lines = [f"{words(self.nodes, self.labels)} in {state}: phi {self.phi:.6g} (IIT 3.0)"]
        if self.reason:
            lines.append(f"why 0: {self.reason}")
        if self.cut is not None:
            source = words(self.cut.from_nodes, self.labels)
            lines.append(f"cut: {source} -> {words(self.cut.to_nodes, self.labels)}")
        lines.append(f"{len(self.concepts)} concepts:" if self.concepts else "no concepts")
        return "\n".join([*lines, *(str(concept) for concept in self.concepts)])


def words(nodes: Nodes, labels: tuple[str, ...]) -> str:
    """Labels of nodes, run together where each is one letter.

    >>> words((0, 2), ("A", "B", "C"))
    'AC'
    """
    names = [labels[node] for node in nodes]
    return ("" if all(len(name) == 1 for name in names) else ",").join(names) or "∅"
