r"""Relations of IIT 4.0: how causes and effects of distinctions overlap.

A set of distinctions is related if there are units, each in one state, that all of them specify in
their cause or their effect; those units are the relation's purview. Its integrated information is

.. math:: \varphi_r(\mathbf d) = \Big| \bigcap_{d} z_c(d) \cup z_e(d) \Big| \,
          \min_d \frac{\varphi_d}{|z_c(d) \cup z_e(d)|}

(the joint purview of all faces of eq. 54 is this intersection), and for one distinction alone the
overlap of its cause with its effect (eq. 49). There are up to 2 to the number of distinctions of
them; their number and sum have closed forms.

Equation numbers are those of Albantakis et al. (2023), PLoS Comput. Biol. 19(10):e1011465.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from neurallayers.errors import InvalidInput
from neurallayers.measures.integration.iit4_distinctions import Distinction

MOST_LISTED = 16
"""Distinctions; listing all their relations is 65,535 sets here and twice as many for each more."""


@dataclass(frozen=True)
class Relation:
    """A set of distinctions bound together over units that all of them specify.

    Args:
        distinctions: One (a self-relation) or more.
        purview: Nodes with the states that are shared.
        phi: phi_r (eq. 55) [ibits].
    """

    distinctions: tuple[Distinction, ...]
    purview: frozenset[tuple[int, int]]
    phi: float

    @property
    def faces(self) -> int:
        """In how many ways causes and effects of all the distinctions overlap (eq. 49)."""
        sides = [
            [(side,) for side in (distinction.cause.units, distinction.effect.units)]
            + [(distinction.cause.units, distinction.effect.units)]
            for distinction in self.distinctions
        ]
        choices = (list(itertools.chain(*choice)) for choice in itertools.product(*sides))
        return sum(len(choice) > 1 and bool(frozenset.intersection(*choice)) for choice in choices)


def relations(distinctions: Sequence[Distinction]) -> Iterator[Relation]:
    """Every relation, small sets first.

    Raises:
        InvalidInput: If there are more than 16 distinctions; their sum needs no list.
    """
    if len(distinctions) > MOST_LISTED:
        raise InvalidInput(
            f"{len(distinctions)} distinctions have up to {2 ** len(distinctions) - 1} relations.",
            f"List those of at most {MOST_LISTED}, or take sum_of_relations and relation_count.",
        )
    for size in range(1, len(distinctions) + 1):
        for chosen in itertools.combinations(distinctions, size):
            if size == 1:
                shared = chosen[0].cause.units & chosen[0].effect.units
            else:
                shared = frozenset.intersection(*[each.units for each in chosen])
            if shared:
                yield Relation(chosen, shared, len(shared) * min(map(_share, chosen)))


def sum_of_relations(distinctions: Sequence[Distinction]) -> float:
    """Sum of phi_r over all relations, without listing them [ibits].

    Each unit adds, for each set of the distinctions that specify it, the smallest share in the set;
    the distinction of rank r (from the largest share, counted from 0) is the smallest of 2^r - 1
    sets of two or more.
    """
    every = frozenset().union(*[each.units for each in distinctions])
    terms = [len(each.cause.units & each.effect.units) * _share(each) for each in distinctions]
    for unit in every:
        shares = sorted((_share(each) for each in distinctions if unit in each.units), reverse=True)
        terms += [(2.0**rank - 1.0) * share for rank, share in enumerate(shares)]
    return math.fsum(terms)


def relation_count(distinctions: Sequence[Distinction]) -> int:
    """How many relations there are, without listing them.

    By inclusion and exclusion over the sets of units that distinctions share.
    """
    kinds = Counter(each.units for each in distinctions)
    units = sorted(frozenset().union(*kinds))
    masks = {kind: sum(1 << units.index(unit) for unit in kind) for kind in kinds}
    holding = [0] * 2 ** len(units)
    for kind, number in kinds.items():
        holding[masks[kind]] += number
    for place in range(len(units)):
        for mask in range(len(holding)):
            if not mask >> place & 1:
                holding[mask] += holding[mask | 1 << place]
    related: int = sum(
        (-1) ** (mask.bit_count() + 1) * (2**number - 1)
        for mask, number in enumerate(holding)
        if mask
    )
    alone = sum(bool(each.cause.units & each.effect.units) for each in distinctions)
    return related - len(distinctions) + alone


def _share(distinction: Distinction) -> float:
    """phi_d for each distinct unit of the cause and the effect (eq. 53)."""
    return distinction.phi / len(distinction.units)
