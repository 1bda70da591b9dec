from __future__ import annotations

import numpy as np
import pytest
from tests.measures.integration import iit4_by_definition as definition
from tests.measures.integration.iit4_substrates import (
    FIGURE_1,
    FIGURE_1_STATE,
    random_substrate,
)

from neurallayers.measures.integration.iit4_complexes import complexes
from neurallayers.measures.integration.iit4_phi import system_phi
from neurallayers.measures.integration.iit4_units import logistic_substrate
from neurallayers.measures.integration.substrate import Substrate


def test_the_substrate_of_figure_1_condenses_into_two_complexes() -> None:
    found = complexes(FIGURE_1, FIGURE_1_STATE)
    assert [each.nodes for each in found] == [(2,), (0, 1)]
    assert found[1].phi == pytest.approx(0.17, abs=0.005)


def test_the_cycle_of_figure_6_is_one_complex() -> None:
    cycle = logistic_substrate(np.roll(np.eye(6), 1, axis=1), 4.0)
    assert [each.nodes for each in complexes(cycle, (1, 0, 0, 0, 0, 0))] == [(0, 1, 2, 3, 4, 5)]


@pytest.mark.parametrize("seed", [0, 3, 6, 9, 12])
def test_complexes_are_what_the_recursive_search_takes(seed: int) -> None:
    substrate, state = random_substrate(seed, 3), (1, 1, 0)
    values = {
        nodes: system_phi(substrate, state, nodes).phi for nodes in definition.subsets(range(3))
    }
    expected, left = [], set(range(3))
    while left:
        best = max((n for n in values if set(n) <= left), key=lambda nodes: values[nodes])
        if values[best] <= 1e-12:
            break
        expected.append(best)
        left -= set(best)
    assert [each.nodes for each in complexes(substrate, state)] == expected


def test_ties_that_do_not_touch_are_all_complexes() -> None:
    pairs = Substrate.from_function(lambda s: (s[1], s[0], s[3], s[2]), nodes=4)
    calls: list[tuple[int, int]] = []
    found = complexes(pairs, (1, 0, 0, 1), lambda done, total: calls.append((done, total)))
    assert [each.nodes for each in found] == [(0, 1), (2, 3)]
    assert calls[-1] == (15, 15)


def test_ties_that_overlap_and_are_alike_are_no_complexes() -> None:
    # Three units that each copy nothing but noise from the two others: all pairs are alike.
    alike = Substrate.from_function(
        lambda s: tuple(0.5 + 0.2 * (2 * (s[i - 1] ^ s[i - 2]) - 1) for i in range(3)), nodes=3
    )
    pairs = [system_phi(alike, (0, 0, 0), nodes).phi for nodes in ((0, 1), (0, 2), (1, 2))]
    assert pairs == pytest.approx([pairs[0]] * 3)
    for found in complexes(alike, (0, 0, 0)):
        assert found.nodes not in {(0, 1), (0, 2), (1, 2)}


def test_noise_has_no_complexes() -> None:
    assert complexes(Substrate(np.full((8, 3), 0.5)), (0, 1, 0)) == ()
