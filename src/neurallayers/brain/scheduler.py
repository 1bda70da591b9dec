"""The order in which regions are computed.

Regions that no loop of tracts runs through are computed one after the other, each over all time
steps in one fused call. Only regions that are truly joined in a loop are stepped together. As every
tract between regions has a delay of at least one step, both ways give the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import networkx

from neurallayers.brain.spec import SENSE, BrainSpec


@dataclass(frozen=True)
class Part:
    """Regions that are computed together.

    Attributes:
        regions: Their names; in a stepped part several, else one.
        stepped: Whether a loop of tracts runs through them.
    """

    regions: tuple[str, ...]
    stepped: bool


def schedule(spec: BrainSpec) -> tuple[Part, ...]:
    """The parts of a network, each after all that it receives from.

    A part is a strongly connected component of the graph of regions and tracts (Tarjan 1972, SIAM
    J. Comput. 1:146).
    """
    graph = networkx.DiGraph()
    graph.add_nodes_from(region.name for region in spec.regions)
    graph.add_edges_from(
        (tract.source, tract.target) for tract in spec.tracts if tract.source != SENSE
    )
    order = [region.name for region in spec.regions]
    components = networkx.condensation(graph)
    parts = []
    for node in networkx.lexicographical_topological_sort(
        components, key=lambda node: min(map(order.index, components.nodes[node]["members"]))
    ):
        members = sorted(components.nodes[node]["members"], key=order.index)
        looped = len(members) > 1 or graph.has_edge(members[0], members[0])
        parts.append(Part(tuple(members), stepped=looped))
    return tuple(parts)
