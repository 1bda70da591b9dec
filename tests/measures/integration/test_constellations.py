"""The distance of constellations against one large linear program."""

from __future__ import annotations

import numpy as np
import pytest
from tests.measures.integration.iit3_by_definition import PlainSystem
from tests.measures.integration.networks import OR_COPY_XOR, random_tpm

from neurallayers.measures.integration.constellations import Constellation, structure_distance
from neurallayers.measures.integration.iit3_candidate import CandidateSystem
from neurallayers.measures.integration.substrate import Substrate


def constellation(system: CandidateSystem, a: int) -> Constellation:
    count = 2 ** len(system.nodes)
    b = count - 1 - a if a else 0
    held = system.repertoires((a, b))
    return Constellation(*system.search(np.arange(1, count), (a, b), held), a, b, held)


def severed(a: int, nodes: int) -> set[tuple[int, int]]:
    sides = [[n for n in range(nodes) if a >> n & 1], [n for n in range(nodes) if not a >> n & 1]]
    return {(source, target) for source in sides[0] for target in sides[1]}


@pytest.mark.parametrize("seed", range(2))
def test_it_is_the_whole_linear_program_of_two_nodes(seed: int) -> None:
    tpm, state = random_tpm(2, seed), (1, 0)
    ours, plain = CandidateSystem(Substrate(tpm), state), PlainSystem(tpm, state)
    whole = constellation(ours, 0)
    for a in (1, 2):
        parted = plain.with_severed(severed(a, 2))
        expected = plain.constellation_distance(plain.concepts(), parted.concepts())
        found = structure_distance(whole, constellation(ours, a), np.inf, ours.frame)
        assert found == pytest.approx(expected, abs=1e-6)


def test_concepts_of_three_nodes_measured_by_a_linear_program() -> None:
    tpm, state = random_tpm(3, seed=21), (1, 0, 1)
    ours, plain = CandidateSystem(Substrate(tpm), state), PlainSystem(tpm, state)
    for a in (0b001, 0b110):
        sides = []
        for cut in (0, a):
            held = plain.with_severed(severed(cut, 3) if cut else set())
            found = constellation(ours, cut)
            sides.append(
                {
                    c.mechanism: (
                        c.phi,
                        held.extended(held.cause, c.mechanism, c.cause.purview),
                        held.extended(held.effect, c.mechanism, c.effect.purview),
                    )
                    for c in ours.found(found.phi, found.sets)
                }
            )
        expected = plain.constellation_distance(*sides)
        found_distance = structure_distance(
            constellation(ours, 0), constellation(ours, a), np.inf, ours.frame
        )
        assert found_distance == pytest.approx(expected, abs=1e-6)


def test_a_constellation_is_at_no_distance_from_itself() -> None:
    system = CandidateSystem(Substrate(random_tpm(3, seed=22)), (0, 0, 0))
    whole = constellation(system, 0)
    assert structure_distance(whole, whole, np.inf, system.frame) == 0.0


def test_it_does_not_matter_which_comes_first() -> None:
    system = CandidateSystem(Substrate(random_tpm(3, seed=23)), (0, 1, 0))
    whole, parted = constellation(system, 0), constellation(system, 0b011)
    there = structure_distance(whole, parted, np.inf, system.frame)
    back = structure_distance(parted, whole, np.inf, system.frame)
    assert there == pytest.approx(back, abs=1e-12)
    assert there > 0.0


def test_it_is_given_up_with_a_bound_that_is_too_large_already() -> None:
    system = CandidateSystem(Substrate(OR_COPY_XOR), (1, 0, 0))
    whole, parted = constellation(system, 0), constellation(system, 0b110)
    exact = structure_distance(whole, parted, np.inf, system.frame)
    bound = structure_distance(whole, parted, exact / 2, system.frame)
    assert exact / 2 < bound <= exact + 1e-12
