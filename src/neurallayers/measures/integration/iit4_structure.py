r"""The cause-effect structure of a system by IIT 4.0: distinctions, relations, and their sum Phi.

Equation numbers are those of Albantakis et al. (2023), PLoS Comput. Biol. 19(10):e1011465.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from neurallayers.errors import InvalidInput
from neurallayers.measures.integration.iit4_distinctions import (
    Candidate,
    Distinction,
    candidates,
)
from neurallayers.measures.integration.iit4_kernels import SAME
from neurallayers.measures.integration.iit4_phi import Progress, SystemPhi, system_phi
from neurallayers.measures.integration.iit4_relations import relation_count, sum_of_relations
from neurallayers.measures.integration.iit4_system import CandidateSystem, State, as_substrate
from neurallayers.measures.integration.substrate import Substrate

TIES = ("smallest_purview", "most_integrated")
MOST_CHOICES = 4096
"""Combinations of tied causes and effects that are all tried; beyond, each is improved in turn."""


@dataclass(frozen=True)
class CauseEffectStructure:
    """Distinctions and relations that a system specifies (eq. 57).

    Args:
        system: phi_s of the system, with the cause and effect state that distinctions must match.
        distinctions: In the order of their mechanisms, small ones first.
        relation_count: How many sets of distinctions are related (eq. 56), self-relations included.
        sum_of_distinctions: Sum of phi_d [ibits].
        sum_of_relations: Sum of phi_r, from a closed form, without listing them [ibits].
    """

    system: SystemPhi
    distinctions: tuple[Distinction, ...]
    relation_count: int
    sum_of_distinctions: float
    sum_of_relations: float

    @property
    def big_phi(self) -> float:
        """Structure integrated information Phi, the sum over all (eq. 59) [ibits]."""
        return self.sum_of_distinctions + self.sum_of_relations

    def __str__(self) -> str:
        summary = (
            f"Phi {self.big_phi:.6g} ibits: {len(self.distinctions)} distinctions"
            f" ({self.sum_of_distinctions:.6g}), {self.relation_count} relations"
            f" ({self.sum_of_relations:.6g})"
        )
        listed = [f"  {distinction}" for distinction in self.distinctions]
        return "\n".join([str(self.system), summary, *listed])


def cause_effect_structure(
    substrate: Substrate | ArrayLike,
    state: Sequence[int],
    nodes: Sequence[int | str] | None = None,
    progress: Progress | None = None,
    *,
    ties: str = "smallest_purview",
) -> CauseEffectStructure:
    """Unfold what a system specifies: every irreducible mechanism and how they overlap.

    Each subset of the units is a mechanism; it is a distinction if its cause and its effect, over
    the purviews where they are least reducible, match the system's cause and effect state (eq. 27
    to 48). Causes and effects often tie, above all in deterministic systems. The values that the
    paper prints (Fig. 8) are those of the smallest purviews among the ones that tie. Its S1 Text
    asks for the ones that make Phi largest, which ``ties="most_integrated"`` takes; with more than
    4,096 combinations, larger purviews are taken first and each choice is then improved in turn.

    Args:
        substrate: The universe, or its transition probability matrix.
        state: State of every node of it.
        nodes: The candidate system; all nodes if left out.
        progress: Called as ``progress(done, total)`` with mechanisms.
        ties: ``"smallest_purview"`` or ``"most_integrated"``, as above.

    Raises:
        InvalidInput: If the state is no state, or cannot be reached, or ``ties`` is unknown.
        UnknownName: If a node is unknown.

    >>> from neurallayers.measures.integration.substrate import Substrate
    >>> swap = Substrate([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> structure = cause_effect_structure(swap, (1, 0))
    >>> structure.big_phi, [distinction.mechanism for distinction in structure.distinctions]
    (4.0, [(0,), (1,)])
    """
    if ties not in TIES:
        raise InvalidInput(f"ties is {ties!r}.", f"Choose among: {', '.join(TIES)}.")
    universe = as_substrate(substrate)
    phi = system_phi(universe, state, nodes)
    system = CandidateSystem.of(universe, state, nodes)
    found = candidates(system, progress)
    structures = [
        _of_states(phi, system, found, cause, effect, ties) for cause, effect in phi.tied_states
    ]
    return max(structures, key=lambda structure: structure.big_phi)


def _of_states(
    phi: SystemPhi,
    system: CandidateSystem,
    found: list[Candidate],
    cause: State,
    effect: State,
    ties: str,
) -> CauseEffectStructure:
    """The structure, if the system specifies these cause and effect states."""
    options = []
    for candidate in found:
        mine = candidate.congruent(system, cause, effect)
        if mine:
            options.append(mine)
    if ties == "most_integrated":
        chosen = _most_integrated(options)
    else:
        chosen = [min(option, key=_purview_sizes) for option in options]
    return CauseEffectStructure(
        system=phi,
        distinctions=tuple(chosen),
        relation_count=relation_count(chosen),
        sum_of_distinctions=math.fsum(distinction.phi for distinction in chosen),
        sum_of_relations=sum_of_relations(chosen),
    )


def _purview_sizes(distinction: Distinction) -> tuple[int, int]:
    return len(distinction.cause.purview), len(distinction.effect.purview)


def _most_integrated(options: list[list[Distinction]]) -> list[Distinction]:
    """One distinction of each list, so that the sum over their relations is largest."""
    if math.prod(len(option) for option in options) <= MOST_CHOICES:
        best: list[Distinction] = []
        most = -math.inf
        for choice in itertools.product(*options):
            value = sum_of_relations(choice)
            if value > most + SAME * (1.0 + abs(most) if math.isfinite(most) else 1.0):
                best, most = list(choice), value
        return best
    chosen = [option[0] for option in options]
    most, better = sum_of_relations(chosen), True
    while better:
        better = False
        for place, option in enumerate(options):
            for distinction in option[1:]:
                trial = [*chosen[:place], distinction, *chosen[place + 1 :]]
                value = sum_of_relations(trial)
                if value > most * (1.0 + SAME) + SAME:
                    chosen, most, better = trial, value, True
    return chosen
