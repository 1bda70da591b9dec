"""The ways of taking things apart in IIT 3.0: a mechanism over its purview, and a system.

Source: Oizumi, Albantakis & Tononi (2014), PLoS Comput Biol 10(5):e1003588, "Mechanisms" (the
partition M1/P1 × M2/P2) and "Systems of mechanisms" (unidirectional cuts).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from neurallayers.measures.integration.substrate import Nodes


@dataclass(frozen=True)
class Bipartition:
    """A mechanism over a purview, taken apart into M1/P1 × M2/P2.

    Attributes:
        first_mechanism: M1; may be empty.
        first_purview: P1; may be empty where M1 is not.
        second_mechanism: M2.
        second_purview: P2.
    """

    first_mechanism: Nodes
    first_purview: Nodes
    second_mechanism: Nodes
    second_purview: Nodes


@dataclass(frozen=True)
class Cut:
    """A unidirectional cut of a system: no node of the one side hears any node of the other.

    Attributes:
        from_nodes: Whose connections to the other side are severed.
        to_nodes: What hears noise instead; all other nodes of the system.
    """

    from_nodes: Nodes
    to_nodes: Nodes


def bipartitions(mechanism: Nodes, purview: Nodes) -> Iterator[Bipartition]:
    """All ``2^(|M| + |P| − 1) − 1`` bipartitions of a mechanism over a purview.

    >>> len(list(bipartitions((0, 1), (0, 1, 2))))
    15
    """
    for mask in range(2 ** (len(mechanism) + len(purview) - 1)):
        # The last node of the mechanism stays in the second part: every partition comes once.
        if mask == 0:
            continue
        lower = len(purview)
        ones = tuple(p for i, p in enumerate(purview) if mask >> i & 1)
        first = tuple(m for i, m in enumerate(mechanism) if mask >> (lower + i) & 1)
        yield Bipartition(
            first,
            ones,
            tuple(m for m in mechanism if m not in first),
            tuple(p for p in purview if p not in ones),
        )


def system_cuts(nodes: Nodes) -> Iterator[Cut]:
    """All 2^n − 2 unidirectional cuts of a system.

    >>> [cut.from_nodes for cut in system_cuts((0, 2))]
    [(0,), (2,)]
    """
    for mask in range(1, 2 ** len(nodes) - 1):
        ones = tuple(node for i, node in enumerate(nodes) if mask >> i & 1)
        yield Cut(ones, tuple(node for node in nodes if node not in ones))
