"""The searches against trying everything, and what a cut does to them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from tests.measures.integration.iit3_by_definition import PlainSystem, subsets
from tests.measures.integration.networks import OR_COPY_XOR, random_tpm

from neurallayers.measures.integration import searches
from neurallayers.measures.integration.frames import frame
from neurallayers.measures.integration.iit3_candidate import CandidateSystem
from neurallayers.measures.integration.partitions import Cut
from neurallayers.measures.integration.substrate import Substrate

PAIRS = [((0,), (1, 2)), ((0, 2), (1,)), ((1, 2), (0, 1)), ((0, 1), (0, 1, 2))]


@pytest.mark.parametrize(("mechanism", "purview"), PAIRS)
def test_small_phi_is_the_least_of_all_partitions(
    mechanism: tuple[int, ...], purview: tuple[int, ...]
) -> None:
    tpm = random_tpm(3, seed=11)
    ours, plain = CandidateSystem(Substrate(tpm), (0, 1, 1)), PlainSystem(tpm, (0, 1, 1))
    for direction, of in (("cause", plain.cause), ("effect", plain.effect)):
        expected = plain.small_phi(of, mechanism, purview)
        found = ours.irreducibility(direction, mechanism, purview)  # type: ignore[arg-type]
        assert found.phi == pytest.approx(expected, abs=1e-7)


def test_the_core_is_the_best_of_all_purviews() -> None:
    # Four nodes, so that purviews are put in order and given up.
    system = CandidateSystem(Substrate(random_tpm(4, seed=12)), (0, 1, 1, 0))
    for mechanism in subsets(range(4))[1:]:
        concept = system.concept(mechanism)
        for core in (concept.cause, concept.effect):
            every = [
                system.irreducibility(core.direction, mechanism, purview).phi
                for purview in subsets(range(4))[1:]
            ]
            assert core.phi == pytest.approx(max(every), abs=1e-12)


def test_of_purviews_of_one_phi_the_largest_wins_then_the_first() -> None:
    # Every node copies A, and a cut from any of them costs one half: all purviews are as good.
    everyone = np.array([[row & 1] * 3 for row in range(8)], dtype=float)
    copied = CandidateSystem(Substrate(everyone), (1, 1, 1)).concept("A").effect
    assert (copied.phi, copied.purview) == (0.5, (0, 1, 2))
    copies = CandidateSystem(Substrate(OR_COPY_XOR), (1, 0, 0))
    core = copies.concept("C").cause
    ties = [
        p
        for p in subsets(range(3))[1:]
        if abs(copies.irreducibility("cause", "C", p).phi - core.phi) < 1e-9
    ]
    assert core.purview == min(ties, key=lambda p: (-len(p), p))


@pytest.mark.parametrize("cut", [Cut((0,), (1, 2)), Cut((1, 2), (0,)), Cut((0, 1), (2,))])
def test_what_is_remembered_is_what_a_cut_system_finds(cut: Cut) -> None:
    tpm = random_tpm(3, seed=13)
    whole = CandidateSystem(Substrate(tpm), (1, 1, 0))
    sides = whole._masks(cut)
    # A memory full of what the uncut system and all other cuts found ...
    whole.concepts()
    for a in range(1, 7):
        if (a, 7 - a) != sides:
            held = whole.repertoires((a, 7 - a))
            whole.search(np.arange(1, 8), (a, 7 - a), held)
    phi, sets = whole.search(np.arange(1, 8), sides, whole.repertoires(sides))
    # ... changes nothing of what is found afresh.
    afresh = CandidateSystem(Substrate(tpm), (1, 1, 0), cut=cut).concepts()
    found = whole.found(phi, sets)
    assert [c.mechanism for c in found] == [c.mechanism for c in afresh]
    for one, other in zip(found, afresh, strict=True):
        assert one.cause.phi == pytest.approx(other.cause.phi, abs=1e-12)
        assert one.effect.phi == pytest.approx(other.effect.phi, abs=1e-12)
        assert one.cause.purview == other.cause.purview
        assert one.effect.purview == other.effect.purview


def test_a_cut_makes_noise_of_what_it_severs() -> None:
    tpm = random_tpm(3, seed=14)
    plain = PlainSystem(tpm, (0, 0, 1)).with_severed({(0, 1), (0, 2)})
    ours = CandidateSystem(Substrate(tpm), (0, 0, 1), cut=Cut((0,), (1, 2)))
    for mechanism, purview in itertools.product(subsets(range(3))[1:], repeat=2):
        cause = list(plain.cause(mechanism, purview).values())
        effect = list(plain.effect(mechanism, purview).values())
        assert sorted(ours.cause_repertoire(mechanism, purview)) == pytest.approx(sorted(cause))
        assert sorted(ours.effect_repertoire(mechanism, purview)) == pytest.approx(sorted(effect))


def test_keys_tell_apart_what_a_cut_makes_different() -> None:
    of = frame(3)
    meaning: dict[int, set[tuple[int, ...]]] = {}
    for mechanism, purview, a in itertools.product(range(1, 8), range(1, 8), range(1, 7)):
        b = 7 - a
        key, severed = searches.cause_key(mechanism, purview, (a, b), of)
        deaf, unheard = mechanism & b, purview & a
        if key >= 0:
            effective = (mechanism, purview, *((deaf, unheard) if severed else (0, 0)))
            meaning.setdefault(key, set()).add(effective)
        else:
            assert deaf == mechanism or unheard == purview
    assert all(len(same) == 1 for same in meaning.values())
    assert max(meaning) < 7**3


def test_the_tables_of_all_repertoires_are_those_of_each() -> None:
    system = CandidateSystem(Substrate(random_tpm(3, seed=15)), (1, 0, 1))
    of = system.frame
    for mechanism, purview in itertools.product(range(8), range(8)):
        begin = of.offsets[purview]
        stretch = system.uncut.causes[mechanism, begin : begin + 2 ** of.sizes[purview]]
        names = [[node for node in range(3) if mask >> node & 1] for mask in (mechanism, purview)]
        alone = system.cause_repertoire(*names)
        assert stretch == pytest.approx(alone, abs=1e-15)
        for place, node in enumerate(names[1]):
            on = sum(p for state, p in enumerate(alone) if state >> place & 1)
            assert system.uncut.marginals[mechanism, purview, node] == pytest.approx(on)
