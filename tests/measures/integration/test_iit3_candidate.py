"""Candidate systems: what they refuse, and what they say of a mechanism."""

from __future__ import annotations

import numpy as np
import pytest
from tests.measures.integration.networks import COPY_LOOP, OR_AND_XOR, OR_COPY_XOR, random_tpm

from neurallayers.errors import InvalidInput, UnknownName
from neurallayers.measures.integration.iit3_candidate import CandidateSystem
from neurallayers.measures.integration.partitions import Bipartition, Cut
from neurallayers.measures.integration.substrate import Substrate


def example() -> CandidateSystem:
    return CandidateSystem(Substrate(OR_AND_XOR), (1, 0, 0))


def test_the_concepts_of_the_papers_example() -> None:
    # Oizumi et al. (2014), Fig. 10: phi of the concepts of ABC in the state 100.
    phi = {c.mechanism: c.phi for c in example().concepts()}
    expected = {
        (0,): 1 / 6,
        (1,): 1 / 6,
        (2,): 1 / 4,
        (0, 1): 1 / 4,
        (1, 2): 1 / 3,
        (0, 1, 2): 1 / 2,
    }
    assert phi == pytest.approx(expected, abs=1e-12)


def test_a_partition_is_the_one_that_phi_is_the_distance_to() -> None:
    found = example().irreducibility("cause", "BC", "AB")
    assert found.phi == pytest.approx(1 / 3)
    part = found.partition
    assert isinstance(part, Bipartition)
    moved = np.abs(found.repertoire - found.partitioned_repertoire).sum() / 2
    assert 0.0 < moved <= found.phi + 1e-12  # each unit of probability moves one step or more
    assert found.partitioned_repertoire.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("direction", ["cause", "effect"])
@pytest.mark.parametrize(("mechanism", "purview"), [("A", "B"), ("AB", "ABC"), ("ABC", "BC")])
def test_a_partitioned_repertoire_is_the_product_of_both_parts(
    direction: str, mechanism: str, purview: str
) -> None:
    system = CandidateSystem(Substrate(random_tpm(3, seed=31)), (1, 0, 1))
    found = system.irreducibility(direction, mechanism, purview)  # type: ignore[arg-type]
    assert found.partition is not None
    of = system.cause_repertoire if direction == "cause" else system.effect_repertoire
    first = of(found.partition.first_mechanism, found.partition.first_purview)
    second = of(found.partition.second_mechanism, found.partition.second_purview)
    nodes = found.purview
    for state, probability in enumerate(found.partitioned_repertoire):
        bits = {node: state >> place & 1 for place, node in enumerate(nodes)}
        here = sum(bits[n] << i for i, n in enumerate(found.partition.first_purview))
        there = sum(bits[n] << i for i, n in enumerate(found.partition.second_purview))
        assert probability == pytest.approx(first[here] * second[there], abs=1e-12)


def test_a_mechanism_that_is_reducible_has_no_concept() -> None:
    # A and C together say no more of B's copy of C, or of A xor B, than each of them alone.
    concept = CandidateSystem(Substrate(OR_COPY_XOR), (1, 0, 0)).concept("AC")
    assert concept.phi == concept.effect.phi == 0.0
    assert concept.effect.purview == ()
    assert concept.effect.partition is None
    assert "effect: none" in str(concept)


def test_the_background_is_frozen() -> None:
    tpm = random_tpm(3, seed=32)
    part = CandidateSystem(Substrate(tpm), (1, 0, 1), nodes=["A", "C"])
    frozen = Substrate(Substrate(tpm).conditioned((1, 0, 1), ["A", "C"]))
    alone = CandidateSystem(frozen, (1, 1))
    assert part.concept("AC").phi == pytest.approx(alone.concept("AB").phi, abs=1e-14)
    assert part.concept("AC").mechanism == (0, 2)


def test_an_unreachable_state_is_refused_in_words() -> None:
    with pytest.raises(InvalidInput, match="No state of the nodes AB leads to"):
        CandidateSystem(Substrate(np.ones((4, 2))), (1, 0))


@pytest.mark.parametrize(
    "cut", [Cut((0,), ()), Cut((0,), (0, 1)), Cut((0, 1), ()), Cut((), (0, 1))]
)
def test_a_cut_that_does_not_divide_is_refused(cut: Cut) -> None:
    with pytest.raises(InvalidInput, match="does not divide"):
        CandidateSystem(Substrate(COPY_LOOP), (0, 0), cut=cut)


def test_bad_questions_are_refused() -> None:
    system = CandidateSystem(Substrate(OR_AND_XOR), (1, 0, 0), nodes="AB")
    with pytest.raises(InvalidInput, match="outside of the system"):
        system.cause_repertoire("C", "A")
    with pytest.raises(UnknownName):
        system.concept(["D"])
    with pytest.raises(InvalidInput, match="empty"):
        system.concept([])
    with pytest.raises(InvalidInput, match="empty"):
        system.irreducibility("cause", "A", [])
    with pytest.raises(InvalidInput, match="'cause' or 'effect'"):
        system.irreducibility("past", "A", "B")  # type: ignore[arg-type]


def test_more_than_eight_nodes_are_refused() -> None:
    substrate = Substrate(np.full((512, 9), 0.5), most_nodes=9)
    with pytest.raises(InvalidInput, match="9 nodes"):
        CandidateSystem(substrate, (0,) * 9)
    assert CandidateSystem(substrate, (0,) * 9, nodes=range(2)).nodes == (0, 1)
