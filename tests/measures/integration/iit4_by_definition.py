"""IIT 4.0 straight from the equations, slowly: what the library's searches and tables are held to.

States are tuples, probabilities are dictionaries, every partition is listed and every average is a
sum over states: nothing is shared with the library, neither its layout (bit masks, log tables) nor
its searches. Equation numbers are those of Albantakis et al. (2023), PLoS Comput. Biol. 19(10).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

State = tuple[int, ...]
SAME = 1e-10


def states(units: int) -> list[State]:
    return list(itertools.product((0, 1), repeat=units))


def of_unit(probability: float, value: int) -> float:
    return probability if value else 1.0 - probability


class System:
    """Units ``nodes`` of a universe in ``state``; ``on[universe state]`` are the nodes' chances."""

    def __init__(
        self, on: dict[State, Sequence[float]], state: State, nodes: Sequence[int]
    ) -> None:
        universe = len(state)
        self.size = len(nodes)
        self.state = tuple(state[node] for node in nodes)
        around = [node for node in range(universe) if node not in nodes]

        def placed(inside: State, outside: State) -> State:
            whole = [0] * universe
            for node, value in zip(nodes, inside, strict=True):
                whole[node] = value
            for node, value in zip(around, outside, strict=True):
                whole[node] = value
            return tuple(whole)

        now = tuple(state[node] for node in around)
        self.effect_on = {
            s: [on[placed(s, now)][node] for node in nodes] for s in states(self.size)
        }
        likely = {
            past: math.prod(of_unit(on[past][node], state[node]) for node in range(universe))
            for past in on
        }
        total = sum(likely.values())
        weight = {
            w: sum(likely[placed(s, w)] for s in states(self.size)) / total
            for w in states(len(around))
        }
        self.cause_on = {
            s: [sum(weight[w] * on[placed(s, w)][node] for w in weight) for node in nodes]
            for s in states(self.size)
        }

    def unit(
        self, on: dict[State, list[float]], unit: int, value: int, held: dict[int, int]
    ) -> float:
        """Probability of a unit's value with some inputs held, averaged over the rest (eq. 18)."""
        fitting = [s for s in states(self.size) if all(s[u] == v for u, v in held.items())]
        return sum(of_unit(on[s][unit], value) for s in fitting) / len(fitting)


def most(information: dict[Any, float]) -> list[Any]:
    largest = max(information.values())
    return [state for state, value in information.items() if value >= largest - SAME]


def intrinsic(selectivity: float, likely: float, chance: float) -> float:
    return selectivity * math.log2(likely / chance) if likely > 0.0 else 0.0


# ---------------------------------------------------------------------------------- systems


def maximal_states(system: System) -> tuple[dict[State, float], dict[State, float]]:
    """Intrinsic information of every cause and of every effect state (eq. 5 and 7)."""
    every, now = states(system.size), system.state

    def joint(on: list[float], of: State) -> float:
        return math.prod(of_unit(p, value) for p, value in zip(on, of, strict=True))

    effects = {}
    for s in every:
        given = joint(system.effect_on[now], s)
        chance = sum(joint(system.effect_on[other], s) for other in every) / len(every)
        effects[s] = intrinsic(given, given, chance)
    likely = {s: joint(system.cause_on[s], now) for s in every}
    total = sum(likely.values())
    causes = {s: intrinsic(likely[s] / total, likely[s], total / len(every)) for s in every}
    return causes, effects


def set_partitions(items: list[Any]) -> Iterator[list[list[Any]]]:
    if not items:
        yield []
        return
    first, rest = items[0], items[1:]
    for partition in set_partitions(rest):
        yield [[first], *partition]
        for place in range(len(partition)):
            yield [*partition[:place], [first, *partition[place]], *partition[place + 1 :]]


def directional_partitions(units: int) -> Iterator[list[tuple[list[int], set[int]]]]:
    """Each part with the set of units whose inputs to it are cut (eq. 14 to 16)."""
    if units == 1:
        yield [([0], {0})]
        return
    for parts in set_partitions(list(range(units))):
        if len(parts) < 2:
            continue
        for directions in itertools.product(("in", "out", "both"), repeat=len(parts)):
            cut = []
            for part, direction in zip(parts, directions, strict=True):
                if direction == "out":
                    silent = [
                        other
                        for other, way in zip(parts, directions, strict=True)
                        if other is not part and way != "in"
                    ]
                    cut.append((part, {unit for other in silent for unit in other}))
                else:
                    cut.append((part, set(range(units)) - set(part)))
            yield cut


def phi_of_states(system: System, cause: State, effect: State) -> tuple[float, float]:
    """Normalized phi and phi_s over the minimum partition (eq. 19 to 23)."""
    now, units = system.state, range(system.size)
    likely = {
        s: math.prod(of_unit(p, v) for p, v in zip(system.cause_on[s], now, strict=True))
        for s in states(system.size)
    }
    selectivity = likely[cause] / sum(likely.values())
    given = math.prod(of_unit(system.effect_on[now][u], effect[u]) for u in units)
    found = []
    for partition in directional_partitions(system.size):
        cut_cause = cut_effect = 1.0
        connections = 0
        for part, cut in partition:
            kept = [unit for unit in units if unit not in cut]
            connections += len(part) * len(cut)
            for unit in part:
                cut_cause *= system.unit(
                    system.cause_on, unit, now[unit], {other: cause[other] for other in kept}
                )
                cut_effect *= system.unit(
                    system.effect_on, unit, effect[unit], {other: now[other] for other in kept}
                )
        phi = min(
            selectivity * max(0.0, math.log2(likely[cause] / cut_cause)),
            given * max(0.0, math.log2(given / cut_effect)),
        )
        found.append((phi / connections, phi))
    least = min(found)[0]
    return least, max(phi for value, phi in found if value <= least + SAME)


def system_phi(system: System) -> tuple[float, list[tuple[State, State]]]:
    """phi_s, and the pairs of cause and effect state that have it."""
    causes, effects = maximal_states(system)
    if min(max(causes.values()), max(effects.values())) <= SAME:
        return 0.0, [(most(causes)[0], most(effects)[0])]
    found = {
        pair: phi_of_states(system, *pair)[1]
        for pair in itertools.product(most(causes), most(effects))
    }
    return max(found.values()), most(found)


# ---------------------------------------------------------------------------------- structures


def subsets(units: Sequence[int]) -> list[tuple[int, ...]]:
    return [
        chosen
        for size in range(1, len(units) + 1)
        for chosen in itertools.combinations(units, size)
    ]


def disintegrating(
    mechanism: Sequence[int], purview: Sequence[int]
) -> Iterator[list[tuple[list[int], list[int]]]]:
    """Every partition of a mechanism and a purview together (eq. 38)."""
    tagged = [("m", unit) for unit in mechanism] + [("z", unit) for unit in purview]
    for blocks in set_partitions(tagged):
        pairs = [
            ([u for tag, u in block if tag == "m"], [u for tag, u in block if tag == "z"])
            for block in blocks
        ]
        if not any(len(m) == len(mechanism) and z for m, z in pairs):
            yield pairs


def specifications(
    system: System, mechanism: Sequence[int], purview: Sequence[int], side: str
) -> list[tuple[float, dict[int, int]]]:
    """phi and state for each purview state that ties for the most information (eq. 34 to 44)."""
    now = system.state
    here = [dict(zip(purview, s, strict=True)) for s in states(len(purview))]

    def effect(targets: dict[int, int], held: dict[int, int]) -> float:
        return math.prod(system.unit(system.effect_on, u, v, held) for u, v in targets.items())

    def cause(members: Sequence[int], held: dict[int, int]) -> float:
        return math.prod(system.unit(system.cause_on, u, now[u], held) for u in members)

    mine = {unit: now[unit] for unit in mechanism}
    if side == "effect":
        others = [dict(zip(mechanism, m, strict=True)) for m in states(len(mechanism))]
        likely = [effect(z, mine) for z in here]
        selectivity = likely
        chance = [sum(effect(z, m) for m in others) / len(others) for z in here]
    else:
        likely = [cause(mechanism, z) for z in here]
        selectivity = [value / sum(likely) for value in likely]
        chance = [sum(likely) / len(likely)] * len(likely)
    information = {
        place: intrinsic(selectivity[place], likely[place], chance[place])
        for place in range(len(here))
    }
    if max(information.values()) <= SAME:
        return []
    found = []
    for place in most(information):
        z = here[place]
        values = []
        for pairs in disintegrating(mechanism, purview):
            if side == "effect":
                cut = math.prod(
                    effect({u: z[u] for u in part}, {u: now[u] for u in members})
                    for members, part in pairs
                )
            else:
                cut = math.prod(cause(members, {u: z[u] for u in part}) for members, part in pairs)
            severed = len(mechanism) * len(purview) - sum(len(m) * len(p) for m, p in pairs)
            phi = selectivity[place] * max(0.0, math.log2(likely[place] / cut))
            values.append((phi / severed, phi))
        least = min(values)[0]
        found.append((max(phi for value, phi in values if value <= least + SAME), z))
    return found


def distinction_options(
    system: System, cause: State, effect: State
) -> list[list[tuple[float, dict[int, int], dict[int, int]]]]:
    """For each mechanism, phi_d with each cause and effect that ties and fits the system's."""
    units = list(range(system.size))
    options = []
    for mechanism in subsets(units):
        sides = []
        for side, whole in (("cause", cause), ("effect", effect)):
            every = [
                found
                for purview in subsets(units)
                for found in specifications(system, mechanism, purview, side)
            ]
            top = max((phi for phi, _ in every), default=0.0)
            sides.append(
                [
                    (phi, z)
                    for phi, z in every
                    if phi >= top - SAME and all(whole[u] == v for u, v in z.items())
                ]
                if top > SAME
                else []
            )
        mine = [(min(pc, pe), c, e) for pc, c in sides[0] for pe, e in sides[1]]
        if mine:
            options.append(mine)
    return options


def sum_of_relations(
    distinctions: Sequence[tuple[float, dict[int, int], dict[int, int]]],
) -> tuple[int, float]:
    """How many relations there are and the sum of phi_r, from all of their faces (eq. 49 to 55)."""
    count, total = 0, 0.0
    for size in range(1, len(distinctions) + 1):
        for chosen in itertools.combinations(distinctions, size):
            ways = [
                [[set(c.items())], [set(e.items())], [set(c.items()), set(e.items())]]
                for _, c, e in chosen
            ]
            joint: set[tuple[int, int]] = set()
            for face in itertools.product(*ways):
                purviews = [purview for way in face for purview in way]
                if len(purviews) > 1:
                    joint |= set.intersection(*purviews)
            if joint:
                count += 1
                total += len(joint) * min(
                    phi / len(set(c.items()) | set(e.items())) for phi, c, e in chosen
                )
    return count, total


def big_phi(system: System, ties: str) -> float:
    """Phi, with the ties that make it largest or with the smallest purviews that tie."""
    best = 0.0
    for cause, effect in system_phi(system)[1]:
        options = distinction_options(system, cause, effect)
        if ties == "smallest_purview":
            options = [[min(mine, key=lambda one: (len(one[1]), len(one[2])))] for mine in options]
        for chosen in itertools.product(*options):
            value = sum(phi for phi, _, _ in chosen) + sum_of_relations(chosen)[1]
            best = max(best, value)
    return best
