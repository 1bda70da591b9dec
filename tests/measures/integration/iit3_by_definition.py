"""IIT 3.0 as the paper writes it, state by state in plain Python: slow, and of another make.

Repertoires are dictionaries from states (tuples) to probabilities, distances are linear programs
over all pairs of states, and every partition and every cut is tried.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from scipy.optimize import linprog

Distribution = dict[tuple[int, ...], float]
Nodes = tuple[int, ...]


def states(count: int) -> list[tuple[int, ...]]:
    return list(itertools.product((0, 1), repeat=count))


def subsets(nodes: Iterable[int]) -> list[Nodes]:
    pool = tuple(nodes)
    return [s for size in range(len(pool) + 1) for s in itertools.combinations(pool, size)]


class PlainSystem:
    """All nodes of a network in a state, perhaps with some connections severed."""

    def __init__(self, tpm: Any, state: Nodes) -> None:
        self.size = len(state)
        self.state = state
        self.severed: set[tuple[int, int]] = set()
        self.on = {
            s: [float(p) for p in tpm[sum(bit << i for i, bit in enumerate(s))]]
            for s in states(self.size)
        }

    def probability(self, node: int, given: dict[int, int]) -> float:
        """That a node will be ON when some are set and all others are noise."""
        heard = {i: bit for i, bit in given.items() if (i, node) not in self.severed}
        fitting = [
            p[node] for s, p in self.on.items() if all(s[i] == bit for i, bit in heard.items())
        ]
        return sum(fitting) / len(fitting)

    def cause(self, mechanism: Nodes, purview: Nodes) -> Distribution:
        weights = {}
        for past in states(len(purview)):
            given = dict(zip(purview, past, strict=True))
            weight = 1.0
            for node in mechanism:
                on = self.probability(node, given)
                weight *= on if self.state[node] else 1.0 - on
            weights[past] = weight
        total = sum(weights.values())
        return {past: weight / total for past, weight in weights.items()}

    def effect(self, mechanism: Nodes, purview: Nodes) -> Distribution:
        given = {node: self.state[node] for node in mechanism}
        on = [self.probability(node, given) for node in purview]
        return {
            future: float(np.prod([p if bit else 1 - p for p, bit in zip(on, future, strict=True)]))
            for future in states(len(purview))
        }

    def small_phi(self, of: Callable[[Nodes, Nodes], Distribution], m: Nodes, p: Nodes) -> float:
        whole = of(m, p)
        best = np.inf
        for first in subsets(m):
            for first_purview in subsets(p):
                second = tuple(node for node in m if node not in first)
                rest = tuple(node for node in p if node not in first_purview)
                if not (first or first_purview) or not (second or rest):
                    continue
                one, other = of(first, first_purview), of(second, rest)
                parted = {}
                for s in whole:
                    here = tuple(
                        bit for node, bit in zip(p, s, strict=True) if node in first_purview
                    )
                    there = tuple(bit for node, bit in zip(p, s, strict=True) if node in rest)
                    parted[s] = one[here] * other[there]
                best = min(best, hamming_distance(whole, parted))
        return float(best)

    def core(
        self, of: Callable[[Nodes, Nodes], Distribution], mechanism: Nodes
    ) -> tuple[float, Nodes]:
        best, best_purview = 0.0, ()
        for purview in sorted(subsets(range(self.size))[1:], key=lambda p: (-len(p), p)):
            phi = self.small_phi(of, mechanism, purview)
            if phi > best + 1e-7:
                best, best_purview = phi, purview
        return best, best_purview

    def concepts(self) -> dict[Nodes, tuple[float, Distribution, Distribution]]:
        """Phi of each concept and its repertoires over all nodes."""
        everyone = tuple(range(self.size))
        found = {}
        for mechanism in subsets(everyone)[1:]:
            cause, causes = self.core(self.cause, mechanism)
            effect, effects = self.core(self.effect, mechanism)
            if min(cause, effect) > 1e-7:
                found[mechanism] = (
                    min(cause, effect),
                    self.extended(self.cause, mechanism, causes),
                    self.extended(self.effect, mechanism, effects),
                )
        return found

    def extended(
        self, of: Callable[[Nodes, Nodes], Distribution], mechanism: Nodes, purview: Nodes
    ) -> Distribution:
        """A repertoire over all nodes: those outside of the purview unconstrained."""
        inside = of(mechanism, purview)
        rest = tuple(node for node in range(self.size) if node not in purview)
        outside = of((), rest)
        return {
            s: inside[tuple(s[i] for i in purview)] * outside[tuple(s[i] for i in rest)]
            for s in states(self.size)
        }

    def big_phi(self) -> float:
        whole = self.concepts()
        everyone = range(self.size)
        best = np.inf
        for source in subsets(everyone)[1:-1]:
            severed = {(a, b) for a in source for b in everyone if b not in source}
            parted = self.with_severed(severed)
            best = min(best, self.constellation_distance(whole, parted.concepts()))
        return float(best)

    def with_severed(self, severed: set[tuple[int, int]]) -> PlainSystem:
        cut = copy.copy(self)
        cut.severed = severed
        return cut

    def constellation_distance(self, whole: Any, parted: Any) -> float:
        null = (0.0, self.extended(self.cause, (), ()), self.extended(self.effect, (), ()))
        givers = [*whole.values(), null]
        takers = [*parted.values(), null]
        given = [g[0] for g in givers]
        taken = [t[0] for t in takers]
        surplus = sum(given) - sum(taken)
        taken[-1], given[-1] = max(surplus, 0.0), max(-surplus, 0.0)
        price = [
            [hamming_distance(g[1], t[1]) + hamming_distance(g[2], t[2]) for t in takers]
            for g in givers
        ]
        return transport(np.array(price), np.array(given), np.array(taken))


def hamming_distance(one: Distribution, other: Distribution) -> float:
    """Earth mover's distance of two distributions over the same states."""
    order = list(one)
    if all(abs(one[s] - other[s]) < 1e-12 for s in order):
        return 0.0
    price = [[sum(a != b for a, b in zip(s, t, strict=True)) for t in order] for s in order]
    return transport(
        np.array(price, dtype=float),
        np.array([one[s] for s in order]),
        np.array([other[s] for s in order]),
    )


def transport(price: Any, given: Any, taken: Any) -> float:
    """The cheapest transport, as a linear program."""
    if np.allclose(given.sum(), 0.0):
        return 0.0
    rows, columns = price.shape
    leaves = np.kron(np.eye(rows), np.ones(columns))
    arrives = np.kron(np.ones(rows), np.eye(columns))
    # One condition follows from all others; rounding must not contradict it.
    conditions = np.vstack([leaves, arrives])[:-1]
    amounts = np.concatenate([given, taken])[:-1]
    solved = linprog(price.ravel(), A_eq=conditions, b_eq=amounts, method="highs-ds")
    assert solved.success, solved.message
    return float(solved.fun)
