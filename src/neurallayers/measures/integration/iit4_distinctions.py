r"""Distinctions of IIT 4.0: what subsets of a system specify as their cause and their effect.

Equation numbers are those of Albantakis et al. (2023), PLoS Comput. Biol. 19(10):e1011465.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurallayers.measures.integration.iit4_kernels import (
    SAME,
    least_mechanism_cut,
    most_intrinsic,
)
from neurallayers.measures.integration.iit4_system import (
    CandidateSystem,
    State,
    joint,
    marginals,
    of_state,
)
from neurallayers.measures.integration.substrate import IntArray

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Specification:
    """A cause or an effect: units of the system and the state that a mechanism specifies for them.

    Args:
        purview: Nodes of the substrate, ascending.
        state: Their state.
        phi: Integrated information over the minimum partition (eq. 42) [ibits].
        partition: That partition: pairs of a part of the mechanism and a part of the purview.
    """

    purview: tuple[int, ...]
    state: State
    phi: float
    partition: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]

    @property
    def units(self) -> frozenset[tuple[int, int]]:
        """Nodes with their states, which is what relations compare."""
        return frozenset(zip(self.purview, self.state, strict=True))

    def __str__(self) -> str:
        return ",".join(f"{node}={on}" for node, on in zip(self.purview, self.state, strict=True))


@dataclass(frozen=True)
class Distinction:
    """A mechanism with its cause and its effect (eq. 27).

    Args:
        mechanism: Nodes of the substrate.
        cause: What it specifies of the past.
        effect: What it specifies of the future.
    """

    mechanism: tuple[int, ...]
    cause: Specification
    effect: Specification

    @property
    def phi(self) -> float:
        """phi_d: the smaller of the integrated cause and effect information (eq. 47) [ibits]."""
        return min(self.cause.phi, self.effect.phi)

    @property
    def units(self) -> frozenset[tuple[int, int]]:
        """Nodes with states of the cause or the effect."""
        return self.cause.units | self.effect.units

    def __str__(self) -> str:
        mechanism = ",".join(map(str, self.mechanism))
        return f"{mechanism}: phi_d {self.phi:.6g}, cause {self.cause}, effect {self.effect}"


@dataclass(frozen=True)
class Candidate:
    """A mechanism with all causes and all effects that tie for the largest phi (eq. 45)."""

    mechanism: tuple[int, ...]
    causes: tuple[Specification, ...]
    effects: tuple[Specification, ...]

    def congruent(self, system: CandidateSystem, cause: State, effect: State) -> list[Distinction]:
        """The distinctions it can be for a system with these states, larger purviews first."""
        sides = []
        for specifications, whole in ((self.causes, cause), (self.effects, effect)):
            of_system = set(zip(system.nodes, whole, strict=True))
            fitting = [each for each in specifications if each.units <= of_system]
            sides.append(sorted(fitting, key=lambda each: (-len(each.purview), each.purview)))
        return [
            Distinction(self.mechanism, before, after) for before in sides[0] for after in sides[1]
        ]


def candidates(system: CandidateSystem, progress: Progress | None = None) -> list[Candidate]:
    """Every mechanism with an irreducible cause and an irreducible effect, small ones first."""
    masks = sorted(range(1, 2**system.size), key=lambda mask: (mask.bit_count(), mask))
    tables = _Tables.of(system)
    found = []
    for done, mechanism in enumerate(masks, start=1):
        causes = _largest(tables, _specified_causes(tables, mechanism, masks))
        if causes:
            effects = _largest(tables, _specified_effects(tables, mechanism, masks))
            if effects:
                found.append(Candidate(tables.nodes(mechanism), causes, effects))
        if progress is not None:
            progress(done, len(masks))
    return found


class _Specified(NamedTuple):
    """A state that a mechanism specifies for a purview, before its partition is known.

    Args:
        mechanism: Its units.
        purview: Their units.
        row: The state, as a row of the purview.
        selectivity: Probability of the state.
        bits: ``[2^k, k]``: log2 probability of each unit that keeps only some of its inputs.
        effect: Whether it is an effect; else a cause.
    """

    mechanism: int
    purview: int
    row: int
    selectivity: float
    bits: Array
    effect: bool


def _specified_effects(
    tables: _Tables, mechanism: int, purviews: Sequence[int]
) -> Iterator[_Specified]:
    given, chance = tables.effect_probabilities(mechanism)
    for purview in purviews:
        place = tables.places[purview]
        likely = np.bincount(place, weights=given)
        for row in most_intrinsic(likely, likely, np.bincount(place, weights=chance), SAME):
            bits = tables.effect_bits(purview, int(row))
            yield _Specified(mechanism, purview, int(row), float(likely[row]), bits, effect=True)


def _specified_causes(
    tables: _Tables, mechanism: int, purviews: Sequence[int]
) -> Iterator[_Specified]:
    members = tables.units[mechanism]
    for purview in purviews:
        likely = tables.conditional[purview][:, members].prod(axis=1)
        selectivity = likely / likely.sum()
        chance = np.full_like(likely, likely.mean())
        for row in most_intrinsic(selectivity, likely, chance, SAME):
            bits = tables.cause_bits(purview, int(row))
            share = float(selectivity[row])
            yield _Specified(mechanism, purview, int(row), share, bits, effect=False)


def _largest(tables: _Tables, every: Iterable[_Specified]) -> tuple[Specification, ...]:
    """Those with the largest integrated information, if it is above 0 (eq. 42 to 46)."""
    most, kept = SAME, []
    for specified in every:
        whole, sources, targets = tables.sides(specified)
        # phi is at most what the partition loses that cuts everything: of that partition, the least
        # one has neither the larger ratio nor the more connections.
        lost = specified.bits[whole, targets] - specified.bits[0, targets]
        if specified.selectivity * float(lost.sum()) < most - SAME:
            continue
        _, loss, _, block, choice = least_mechanism_cut(
            specified.bits, whole, sources, targets, specified.effect, SAME
        )
        phi = specified.selectivity * max(float(loss), 0.0)
        if phi >= most - SAME:
            kept.append((phi, specified, block, choice))
            most = max(most, phi)
    return tuple(
        _specification(tables, phi, specified, block, choice)
        for phi, specified, block, choice in kept
        if phi >= most - SAME and phi > SAME
    )


def _specification(
    tables: _Tables, phi: float, specified: _Specified, block: IntArray, choice: IntArray
) -> Specification:
    """In the substrate's nodes, with the minimum partition (eq. 39 to 44)."""
    _, sources, targets = tables.sides(specified)
    pairs: dict[int, tuple[list[int], list[int]]] = {}
    nodes = tables.system.nodes
    for side, units, blocks in ((0, sources, block), (1, targets, choice)):
        for unit, place in zip(units, blocks, strict=True):
            pairs.setdefault(int(place), ([], []))[side].append(nodes[unit])
    parts = [
        (tuple(first), tuple(second)) if specified.effect else (tuple(second), tuple(first))
        for first, second in pairs.values()
    ]
    size = specified.purview.bit_count()
    return Specification(
        purview=tables.nodes(specified.purview),
        state=tuple(specified.row >> place & 1 for place in range(size)),
        phi=phi,
        partition=tuple(sorted(parts)),
    )


@dataclass(frozen=True)
class _Tables:
    """What the search looks up again and again; sets of units are bit masks.

    Args:
        system: The system.
        units: For each set, its units.
        places: For each set, the row that each state of the whole system has in that set.
        conditional: For each set of past units, ``[2^set, k]``: the probability that each unit is
            in its present state given theirs, the others uniformly random.
        logarithms: For the values 0 and 1, ``[2^k, k]``: log2 of the probability that each unit
            takes it, if only the units of the mask are in their present state.
        remembered: log2 tables by cause state, filled as they are asked for.
    """

    system: CandidateSystem
    units: dict[int, IntArray]
    places: dict[int, IntArray]
    conditional: dict[int, Array]
    logarithms: tuple[Array, Array]
    remembered: dict[int, Array]

    @classmethod
    def of(cls, system: CandidateSystem) -> _Tables:
        rows = np.arange(2**system.size)
        units: dict[int, IntArray] = {}
        places: dict[int, IntArray] = {}
        conditional: dict[int, Array] = {}
        for mask in range(1, 2**system.size):
            inside = np.array([unit for unit in range(system.size) if mask >> unit & 1])
            units[mask] = inside
            places[mask] = ((rows[:, None] >> inside & 1) << np.arange(inside.size)).sum(axis=1)
            conditional[mask] = of_state(_mean_by(places[mask], system.cause), system.state)
        on = marginals(system.effect, system.state)
        return cls(system, units, places, conditional, (_log2(1.0 - on), _log2(on)), {})

    def nodes(self, mask: int) -> tuple[int, ...]:
        """The substrate's nodes of a set."""
        return tuple(self.system.nodes[unit] for unit in self.units[mask])

    def sides(self, specified: _Specified) -> tuple[int, IntArray, IntArray]:
        """The set of units that condition, those units, and the units that are conditioned."""
        if specified.effect:
            whole, other = specified.mechanism, specified.purview
        else:
            whole, other = specified.purview, specified.mechanism
        return whole, self.units[whole], self.units[other]

    def effect_probabilities(self, mechanism: int) -> tuple[Array, Array]:
        """Of each state of the system, given the mechanism's state, and on average (eq. 29, 31)."""
        on = _mean_by(self.places[mechanism], self.system.effect)
        every = np.array([joint(row) for row in on])
        return every[self.places[mechanism][self.system.row]], every.mean(axis=0)

    def effect_bits(self, purview: int, row: int) -> Array:
        """log2 probability of each purview unit's specified state, by the inputs that it keeps."""
        wanted = np.zeros(self.system.size, dtype=bool)
        wanted[self.units[purview]] = row >> np.arange(purview.bit_count()) & 1
        return np.where(wanted, self.logarithms[1], self.logarithms[0])

    def cause_bits(self, purview: int, row: int) -> Array:
        """log2 probability of each unit's present state, by the cause units that it keeps."""
        past = sum(
            (row >> place & 1) << unit for place, unit in enumerate(self.units[purview].tolist())
        )
        if past not in self.remembered:
            source = tuple(past >> unit & 1 for unit in range(self.system.size))
            present = of_state(marginals(self.system.cause, source), self.system.state)
            self.remembered[past] = _log2(present)
        return self.remembered[past]


def _mean_by(places: IntArray, values: Array) -> Array:
    """Means of the rows of ``values`` that share a place."""
    total = np.zeros((int(places.max()) + 1, values.shape[1]))
    np.add.at(total, places, values)
    return np.asarray(total * (len(total) / len(values)))


def _log2(probability: Array) -> Array:
    # What has no probability is in no cause or effect that a mechanism specifies.
    with np.errstate(divide="ignore"):
        return np.asarray(np.log2(probability))
