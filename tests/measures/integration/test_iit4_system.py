from __future__ import annotations

import numpy as np
import pytest
from tests.measures.integration import iit4_by_definition as definition
from tests.measures.integration.iit4_substrates import (
    FIGURE_1,
    FIGURE_1_STATE,
    by_definition,
    random_substrate,
)

from neurallayers.errors import InvalidInput
from neurallayers.measures.integration.iit4_system import (
    CandidateSystem,
    intrinsic_difference,
    joint,
    largest,
    marginals,
    of_state,
    state_of,
)
from neurallayers.measures.integration.substrate import Substrate


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("nodes", [(0,), (1, 2), (0, 2), (0, 1, 2)])
def test_the_background_is_made_inert_as_the_equations_say(
    seed: int, nodes: tuple[int, ...]
) -> None:
    substrate = random_substrate(3 * seed, 3)
    slow = by_definition(substrate, (0, 1, 1), nodes)
    system = CandidateSystem.of(substrate, (0, 1, 1), nodes)
    for state in definition.states(len(nodes)):
        row = sum(bit << place for place, bit in enumerate(state))
        assert system.effect[row] == pytest.approx(slow.effect_on[state], abs=1e-13)
        assert system.cause[row] == pytest.approx(slow.cause_on[state], abs=1e-13)
    causes, effects = definition.maximal_states(slow)
    for state, value in causes.items():
        row = sum(bit << place for place, bit in enumerate(state))
        assert system.cause_information[row] == pytest.approx(value, abs=1e-12)
        assert system.effect_information[row] == pytest.approx(effects[state], abs=1e-12)


def test_the_past_of_the_background_is_what_the_present_says_of_it() -> None:
    # B copies A; A is ON always. Seen from B alone: A was whatever B is now.
    substrate = Substrate.from_function(lambda s: (1, s[0]), nodes=2)
    system = CandidateSystem.of(substrate, (1, 0), ["B"])
    assert system.cause.tolist() == [[0.0], [0.0]]
    assert system.effect.tolist() == [[1.0], [1.0]]


def test_the_figure_of_the_paper_specifies_the_states_of_the_paper() -> None:
    system = CandidateSystem.of(FIGURE_1, FIGURE_1_STATE, ["A", "B"])
    assert system.state == (0, 1)
    assert [state_of(row, 2) for row in system.cause_states] == [(1, 0)]
    assert [state_of(row, 2) for row in system.effect_states] == [(1, 0)]


def test_marginals_are_averages_over_what_is_not_held() -> None:
    tpm = np.random.default_rng(0).random((8, 3))
    source = (1, 0, 1)
    table = marginals(tpm, source)
    for kept in range(8):
        rows = [
            row
            for row in range(8)
            if all(row >> unit & 1 == source[unit] for unit in range(3) if kept >> unit & 1)
        ]
        assert table[kept] == pytest.approx(tpm[rows].mean(axis=0))


def test_joint_probabilities_are_little_endian_and_sum_to_one() -> None:
    on = np.array([0.2, 0.7, 0.5])
    every = joint(on)
    assert every.sum() == pytest.approx(1.0)
    assert every[3] == pytest.approx(0.2 * 0.7 * 0.5)
    assert every[4] == pytest.approx(0.8 * 0.3 * 0.5)
    assert of_state(on, (1, 0, 1)).prod() == pytest.approx(every[5])


def test_what_is_impossible_has_no_information_and_ties_are_all_named() -> None:
    values = intrinsic_difference(
        np.array([0.5, 0.5, 0.0]), np.array([0.5, 0.5, 0.0]), np.array([0.25, 0.25, 0.5])
    )
    assert values.tolist() == [0.5, 0.5, 0.0]
    assert largest(values) == [0, 1]


def test_a_state_without_a_past_is_refused() -> None:
    both = Substrate.from_function(lambda s: (s[1], s[1]), nodes=2)
    with pytest.raises(InvalidInput, match="leads to the state"):
        CandidateSystem.of(both, (1, 0))
    with pytest.raises(InvalidInput):
        CandidateSystem.of(both, (1, 2))
