from __future__ import annotations

import pytest
from tests.measures.integration import iit4_by_definition as definition
from tests.measures.integration.iit4_substrates import (
    FIGURE_1,
    FIGURE_1_STATE,
    by_definition,
    random_substrate,
)

from neurallayers.measures.integration.iit4_distinctions import Specification, candidates
from neurallayers.measures.integration.iit4_system import CandidateSystem


def test_the_distinctions_of_figure_2_are_the_published_ones() -> None:
    system = CandidateSystem.of(FIGURE_1, FIGURE_1_STATE, ["A", "B"])
    found = {
        candidate.mechanism: candidate.congruent(system, (1, 0), (1, 0))[0]
        for candidate in candidates(system)
    }
    published = {(0,): 0.33, (1,): 0.32, (0, 1): 0.07}
    assert {mechanism: round(each.phi, 2) for mechanism, each in found.items()} == published
    # The full digits are those that PyPhi's demonstration prints.
    printed = {
        (0,): (0.8258578730383899, 0.33272839382093894),
        (0, 1): (0.21794324976156404, 0.07144042239337726),
    }
    for mechanism, (cause, effect) in printed.items():
        assert found[mechanism].cause.phi == pytest.approx(cause, abs=1e-13)
        assert found[mechanism].effect.phi == pytest.approx(effect, abs=1e-13)
    assert found[(0, 1)].cause.partition == (((0,), (1,)), ((1,), ()))
    assert found[(0, 1)].effect.partition == (((0,), (1,)), ((1,), (0,)))
    assert str(found[(0,)]).startswith("0: phi_d 0.332728, cause 1=0, effect 1=0")


@pytest.mark.parametrize("seed", [0, 3, 6, 9])
def test_causes_and_effects_are_those_of_the_equations(seed: int) -> None:
    substrate = random_substrate(seed, 3)
    system = CandidateSystem.of(substrate, (1, 0, 1))
    slow = by_definition(substrate, (1, 0, 1), (0, 1, 2))
    found = {candidate.mechanism: candidate for candidate in candidates(system)}
    for mechanism in definition.subsets(range(3)):
        tops = []
        for side in ("cause", "effect"):
            every = [
                specified
                for purview in definition.subsets(range(3))
                for specified in definition.specifications(slow, mechanism, purview, side)
            ]
            tops.append(max(every, key=lambda specified: specified[0], default=(0.0, {})))
        if min(phi for phi, _ in tops) <= 1e-10:
            assert mechanism not in found
            continue
        mine = (found[mechanism].causes, found[mechanism].effects)
        for (phi, state), specifications in zip(tops, mine, strict=True):
            assert len(specifications) == 1
            assert specifications[0].phi == pytest.approx(phi, abs=1e-12)
            assert dict(specifications[0].units) == state


def test_partitions_hold_each_unit_once_and_disintegrate_the_mechanism() -> None:
    system = CandidateSystem.of(random_substrate(3, 4), (1, 0, 1, 1))
    calls: list[tuple[int, int]] = []
    found = candidates(system, lambda done, total: calls.append((done, total)))
    assert calls[-1] == (15, 15)
    assert found
    for candidate in found:
        for specification in (*candidate.causes, *candidate.effects):
            mechanism = [node for part, _ in specification.partition for node in part]
            purview = [node for _, part in specification.partition for node in part]
            assert sorted(mechanism) == list(candidate.mechanism)
            assert sorted(purview) == list(specification.purview)
            assert not any(
                part == candidate.mechanism and rest for part, rest in specification.partition
            )


def test_what_does_not_fit_the_system_is_no_distinction_of_it() -> None:
    system = CandidateSystem.of(FIGURE_1, FIGURE_1_STATE, ["A", "B"])
    assert not [
        distinction
        for candidate in candidates(system)
        for distinction in candidate.congruent(system, (0, 1), (0, 1))
    ]


def test_units_are_compared_with_their_states() -> None:
    specification = Specification((0, 2), (1, 0), 0.5, ())
    assert specification.units == {(0, 1), (2, 0)}
    assert str(specification) == "0=1,2=0"
