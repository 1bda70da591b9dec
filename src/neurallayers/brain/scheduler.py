"""The order in which regions are computed.

Regions that no loop of tracts runs through are computed one after the other, each over all time
steps in one fused call. Only regions that are truly joined in a loop are stepped together. As every
tract between regions has a delay of at least one step, both ways give the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

from neurallayers.brain.spec import BrainSpec


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

    A part is a strongly connected component of the graph of regions and tracts: regions that reach
    each other. Anatomies have tens of regions, so that the plain way is quick.
    """
    order = [region.name for region in spec.regions]
    reached = _reached(spec)
    parts: list[Part] = []
    done: set[str] = set()
    while len(done) < len(order):
        for name in order:
            joined = {other for other in reached[name] if name in reached[other]} | {name}
            before = {other for other in order if name in reached[other]}
            if name not in done and before <= done | joined:
                break
        members = tuple(other for other in order if other in joined)
        parts.append(Part(members, stepped=name in reached[name]))
        done |= joined
    return tuple(parts)


def _reached(spec: BrainSpec) -> dict[str, set[str]]:
    """The regions that each region reaches over one tract or more."""
    reached: dict[str, set[str]] = {region.name: set() for region in spec.regions}
    for start, found in reached.items():
        waiting = [start]
        while waiting:
            source = waiting.pop()
            for tract in spec.tracts:
                if tract.source == source and tract.target not in found:
                    found.add(tract.target)
                    waiting.append(tract.target)
    return reached
