"""Complexes of IIT 4.0: which sets of units are systems of their own, and exclude what overlaps.

Source: Albantakis et al. (2023), PLoS Comput. Biol. 19(10):e1011465, eq. 24 to 26 and S1 Text.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from numpy.typing import ArrayLike

from neurallayers.measures.integration.iit4_kernels import SAME
from neurallayers.measures.integration.iit4_phi import Progress, SystemPhi, system_phi
from neurallayers.measures.integration.iit4_structure import cause_effect_structure
from neurallayers.measures.integration.iit4_system import CandidateSystem, as_substrate
from neurallayers.measures.integration.substrate import Substrate


def complexes(
    substrate: Substrate | ArrayLike, state: Sequence[int], progress: Progress | None = None
) -> tuple[SystemPhi, ...]:
    """The complexes of a substrate: sets of units that are more one system than any that overlap.

    The candidate with the largest phi_s is a complex; its units are taken away, and the rest is
    searched again, with the units taken away as background (eq. 24 and 25). Of candidates that tie
    and overlap, the one with the largest structure integrated information is taken; if that ties
    too, none of them is a complex, and the next best candidate is (S1 Text).

    Args:
        substrate: The universe, or its transition probability matrix.
        state: State of every node of it.
        progress: Called as ``progress(done, total)`` with candidates.

    Returns:
        Complexes with phi_s above 0, the largest first.

    Raises:
        InvalidInput: If the state is no state, or cannot be reached.

    >>> from neurallayers.measures.integration.substrate import Substrate
    >>> pairs = Substrate.from_function(lambda s: (s[1], s[0], s[3], s[2]), nodes=4)
    >>> [(found.nodes, found.phi) for found in complexes(pairs, (1, 0, 0, 1))]
    [((0, 1), 2.0), ((2, 3), 2.0)]
    """
    universe = as_substrate(substrate)
    # Refuses what is too large before anything is measured.
    CandidateSystem.of(universe, state)
    every = range(universe.size)
    subsets = [chosen for size in every for chosen in itertools.combinations(every, size + 1)]
    candidates = []
    for done, chosen in enumerate(subsets, start=1):
        candidates.append(system_phi(universe, state, chosen))
        if progress is not None:
            progress(done, len(subsets))
    left = [found for found in candidates if found.phi > SAME]
    taken: list[SystemPhi] = []
    while left:
        best = max(found.phi for found in left)
        tied = [found for found in left if found.phi >= best - SAME]
        winners = _without_overlap(universe, state, tied)
        taken += winners
        used = {node for found in winners for node in found.nodes}
        left = [found for found in left if found not in tied or found in winners]
        left = [found for found in left if not used & set(found.nodes)]
        # What tied with a winner and does not touch it competes on.
        left += [found for found in tied if winners and not used & set(found.nodes)]
    return tuple(taken)


def _without_overlap(
    substrate: Substrate, state: Sequence[int], tied: list[SystemPhi]
) -> list[SystemPhi]:
    """Which of the candidates with equal phi_s are complexes."""
    alone = [
        found
        for found in tied
        if not any(set(found.nodes) & set(other.nodes) for other in tied if other is not found)
    ]
    if alone:
        return alone
    sizes = [cause_effect_structure(substrate, state, found.nodes).big_phi for found in tied]
    most = max(sizes)
    winners = [
        found for found, size in zip(tied, sizes, strict=True) if size >= most - SAME * (1 + most)
    ]
    return winners if len(winners) == 1 else []
