"""Repertoires against their definitions and against printed ones."""

from __future__ import annotations

import numpy as np
import pytest
from tests.measures.integration.iit3_by_definition import PlainSystem, states, subsets
from tests.measures.integration.networks import OR_AND_XOR, random_tpm

from neurallayers.measures.integration.iit3_candidate import CandidateSystem
from neurallayers.measures.integration.repertoires import (
    averaged_probabilities,
    effect_repertoire,
    likelihoods,
)
from neurallayers.measures.integration.substrate import Substrate

STATE = (1, 0, 1)


def little_endian(distribution: dict[tuple[int, ...], float], count: int) -> list[float]:
    return [distribution[s[::-1]] for s in states(count)]


@pytest.mark.parametrize("purview", subsets(range(3)))
def test_repertoires_are_those_of_the_definition(purview: tuple[int, ...]) -> None:
    tpm = random_tpm(3, seed=3)
    ours, plain = CandidateSystem(Substrate(tpm), STATE), PlainSystem(tpm, STATE)
    for mechanism in subsets(range(3)):
        cause = little_endian(plain.cause(mechanism, purview), len(purview))
        effect = little_endian(plain.effect(mechanism, purview), len(purview))
        assert ours.cause_repertoire(mechanism, purview) == pytest.approx(cause, abs=1e-14)
        assert ours.effect_repertoire(mechanism, purview) == pytest.approx(effect, abs=1e-14)


def test_the_repertoires_of_the_papers_example() -> None:
    # Oizumi et al. (2014), Fig. 4: A = B or C is ON, so B and C were not both OFF ...
    system = CandidateSystem(Substrate(OR_AND_XOR), (1, 0, 0))
    assert system.cause_repertoire("A", "BC") == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3])
    # ... and B = A and C will be ON if C is, which nobody knows.
    assert system.effect_repertoire("A", "B") == pytest.approx([0.5, 0.5])
    assert system.effect_repertoire("", "B") == pytest.approx([0.75, 0.25])
    assert system.cause_repertoire("", "AB") == pytest.approx([0.25] * 4)


def test_averages_are_means_over_what_is_not_set() -> None:
    tpm = random_tpm(3, seed=4)
    averaged = averaged_probabilities(tpm)
    assert np.allclose(averaged[0], tpm.mean(axis=0))
    assert np.allclose(averaged[7], tpm)
    assert np.allclose(averaged[0b010, 0b010], tpm[[2, 3, 6, 7]].mean(axis=0))


def test_likelihoods_are_of_the_present_state() -> None:
    averaged = averaged_probabilities(random_tpm(2, seed=5))
    both = likelihoods(averaged, 0b01)
    assert np.array_equal(both[0], averaged[:, :, 0])
    assert np.array_equal(both[1], 1.0 - averaged[:, :, 1])


def test_an_effect_of_no_nodes_is_certain() -> None:
    assert effect_repertoire([]).tolist() == [1.0]
