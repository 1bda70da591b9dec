from __future__ import annotations

from typing import Any

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.measures.integration import iit4_by_definition as definition
from tests.measures.integration.iit4_substrates import (
    FIGURE_1,
    FIGURE_1_STATE,
    OR_COPY_XOR,
    XOR,
    by_definition,
    random_substrate,
    reachable,
)

from neurallayers.errors import InvalidInput, UnknownName
from neurallayers.measures.integration.iit4_phi import SystemPhi, system_phi
from neurallayers.measures.integration.iit4_units import logistic_substrate
from neurallayers.measures.integration.substrate import Substrate

lawful = settings(deadline=None, derandomize=True, database=None, max_examples=30)


@pytest.mark.parametrize(
    ("nodes", "published"), [("A", 0.04), ("AB", 0.17), ("ABC", 0.13)], ids=str
)
def test_the_systems_of_figure_1_have_their_published_values(nodes: str, published: float) -> None:
    found = system_phi(FIGURE_1, FIGURE_1_STATE, list(nodes))
    assert found.phi == pytest.approx(published, abs=0.005)
    slow = by_definition(FIGURE_1, FIGURE_1_STATE, found.nodes)
    assert found.phi == pytest.approx(definition.system_phi(slow)[0], abs=1e-12)


def test_the_best_system_of_figure_1_is_cut_as_published() -> None:
    found = system_phi(FIGURE_1, FIGURE_1_STATE, ["A", "B"])
    assert found.phi_cause == pytest.approx(0.24, abs=0.005)
    assert found.phi_effect == pytest.approx(0.17, abs=0.005)
    assert found.partition is not None
    assert found.partition.cut == ((0, 1),)
    assert str(found).startswith("aB: phi_s 0.171863 ibits")
    assert "cause Ab, effect Ab" in str(found)


@pytest.mark.parametrize(
    ("substrate", "state", "value"),
    [
        # As PyPhi's development version prints them for the IIT 4.0 (2023) settings.
        (OR_COPY_XOR, (1, 0, 0), 0.41503749927884376),
        (XOR, (0, 0, 0), 1.5),
        (logistic_substrate(np.full((3, 3), 0.3), 8.0), (0, 0, 0), 0.03661738126586076),
    ],
    ids=["or-copy-xor", "xor", "logistic"],
)
def test_known_substrates_have_the_values_of_pyphi(
    substrate: Substrate, state: tuple[int, ...], value: float
) -> None:
    assert system_phi(substrate, state).phi == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("seed", range(24))
def test_every_candidate_has_the_value_that_the_equations_give(seed: int) -> None:
    substrate = random_substrate(seed, 2 + seed % 2)
    for state in reachable(substrate):
        for nodes in definition.subsets(range(substrate.size)):
            expected, states = definition.system_phi(by_definition(substrate, state, nodes))
            found = system_phi(substrate, state, nodes)
            assert found.phi == pytest.approx(expected, abs=1e-12)
            if expected > 1e-9:
                assert set(found.tied_states) == set(states)
            check_consistency(found)


def check_consistency(found: SystemPhi) -> None:
    assert found.phi == pytest.approx(min(found.phi_cause, found.phi_effect), abs=1e-12)
    if found.partition is not None:
        assert found.normalized_phi == pytest.approx(
            found.phi / len(found.partition.cut), abs=1e-12
        )
        assert sorted(node for part in found.partition.parts for node in part) == list(found.nodes)


def test_of_equal_partitions_the_one_with_the_largest_phi_counts() -> None:
    # Cutting one copy loses 1 ibit of 1 connection, cutting both 2 ibits of 2.
    found = system_phi(Substrate([[0, 0], [0, 1], [1, 0], [1, 1]]), (1, 0))
    assert (found.phi, found.normalized_phi) == (2.0, 1.0)
    assert found.partition is not None
    assert found.partition.cut == ((0, 1), (1, 0))


@pytest.mark.parametrize("seed", [0, 3, 5])
def test_four_units_have_the_value_that_the_equations_give(seed: int) -> None:
    substrate = random_substrate(seed, 4)
    state = next(iter(reachable(substrate)))
    expected = definition.system_phi(by_definition(substrate, state, (0, 1, 2, 3)))[0]
    assert system_phi(substrate, state).phi == pytest.approx(expected, abs=1e-12)


@lawful
@given(st.integers(0, 1000), st.permutations(range(3)), st.integers(0, 7), st.integers(0, 7))
def test_names_of_units_and_of_their_states_do_not_matter(
    seed: int, order: list[int], flips: int, row: int
) -> None:
    plain = random_substrate(3 * seed, 3)
    state = [row >> node & 1 for node in range(3)]
    flip = [flips >> node & 1 for node in range(3)]

    def renamed(now: Any) -> list[float]:
        before = [0] * 3
        for place, node in enumerate(order):
            before[node] = int(now[place]) ^ flip[node]
        after = plain.tpm[plain.row(before)]
        return [float(abs(after[node] - flip[node])) for node in order]

    other = Substrate.from_function(renamed, nodes=3)
    there = [state[node] ^ flip[node] for node in order]
    assert system_phi(other, there).phi == pytest.approx(system_phi(plain, state).phi, abs=1e-12)


@pytest.mark.parametrize(
    ("substrate", "state"),
    [
        (Substrate.from_function(lambda s: (0.7, 0.9 * s[0], s[1] * 0.8), nodes=3), (1, 1, 1)),
        (Substrate.from_function(lambda s: (s[1], s[0], s[3], s[2]), nodes=4), (1, 0, 0, 1)),
        (Substrate(np.full((8, 3), 0.3)), (1, 1, 0)),
        (Substrate(np.full((2, 1), 0.3)), (1,)),
    ],
    ids=["chain", "strangers", "noise", "one that ignores itself"],
)
def test_what_is_not_one_system_has_no_phi(substrate: Substrate, state: tuple[int, ...]) -> None:
    assert system_phi(substrate, state).phi == pytest.approx(0.0, abs=1e-12)


def test_a_unit_that_holds_itself_is_a_system() -> None:
    found = system_phi(Substrate([[0.0], [1.0]]), (1,))
    assert (found.phi, found.cause_state, found.effect_state) == (1.0, (1,), (1,))
    assert found.partition is not None
    assert found.partition.cut == ((0, 0),)


def test_a_system_without_effect_says_so() -> None:
    found = system_phi(Substrate(np.full((4, 2), 0.5)), (0, 1))
    assert found.phi == 0.0
    assert found.partition is None
    assert "no cause or no effect" in str(found)


def test_progress_counts_the_pairs_of_tied_states() -> None:
    calls: list[tuple[int, int]] = []
    found = system_phi(XOR, (0, 0, 0), progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 2), (2, 2)]
    assert len(found.tied_states) == 2


def test_unknown_nodes_and_impossible_states_are_refused() -> None:
    with pytest.raises(UnknownName):
        system_phi(XOR, (0, 0, 0), ["Z"])
    with pytest.raises(InvalidInput, match="leads to"):
        system_phi(XOR, (1, 0, 0))
    with pytest.raises(InvalidInput):
        system_phi(XOR, (0, 0))


def test_names_that_have_no_case_are_written_with_values() -> None:
    swap = Substrate([[0, 0], [0, 1], [1, 0], [1, 1]], labels=["1", "2"])
    assert str(system_phi(swap, (1, 0))).startswith("1=1 2=0: phi_s 2 ibits")


@lawful
@given(st.integers(0, 1000))
def test_what_is_not_strongly_connected_has_no_phi(seed: int) -> None:
    generator = np.random.default_rng(seed)
    weights = generator.normal(size=(4, 4)) * (generator.random((4, 4)) < 0.4)
    substrate = logistic_substrate(weights, 2.0)
    graph = networkx.from_numpy_array(substrate.connectivity, create_using=networkx.DiGraph)
    if not networkx.is_strongly_connected(graph):
        assert system_phi(substrate, (1, 0, 1, 1)).phi == pytest.approx(0.0, abs=1e-12)


def test_a_matrix_is_as_good_as_its_substrate() -> None:
    assert system_phi(XOR.tpm, (0, 0, 0)) == system_phi(XOR, (0, 0, 0))


def test_systems_that_would_take_hours_are_refused() -> None:
    large = Substrate(np.full((2**11, 11), 0.5), most_nodes=11)
    with pytest.raises(InvalidInput, match="at most 10"):
        system_phi(large, (0,) * 11)
    assert system_phi(large, (0,) * 11, [0, 1]).phi == 0.0
