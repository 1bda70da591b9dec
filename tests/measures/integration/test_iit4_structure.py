from __future__ import annotations

import math

import numpy as np
import pytest
from tests.measures.integration import iit4_by_definition as definition
from tests.measures.integration.iit4_substrates import (
    FIGURE_1,
    FIGURE_1_STATE,
    OR_COPY_XOR,
    RULE_110,
    XOR,
    by_definition,
    random_substrate,
    reachable,
)

from neurallayers.errors import InvalidInput
from neurallayers.measures.integration import iit4_structure
from neurallayers.measures.integration.iit4_structure import cause_effect_structure
from neurallayers.measures.integration.iit4_units import logistic_substrate
from neurallayers.measures.integration.substrate import Substrate


def test_the_structure_of_figures_1_to_4_is_the_published_one() -> None:
    structure = cause_effect_structure(FIGURE_1, FIGURE_1_STATE, ["A", "B"])
    assert structure.relation_count == 7
    assert structure.big_phi == pytest.approx(1.56, abs=0.005)
    assert structure.system.phi == pytest.approx(0.17, abs=0.005)
    assert "3 distinctions" in str(structure)


@pytest.mark.parametrize(
    ("substrate", "state", "value", "distinctions", "count"),
    [
        # As PyPhi's development version prints them for the IIT 4.0 (2023) settings.
        (XOR, (0, 0, 0), 9.5, 4, 15),
        (logistic_substrate(np.full((3, 3), 0.3), 8.0), (0, 0, 0), 45.41420280245964, 7, 127),
        (OR_COPY_XOR, (1, 0, 0), 1.0, 2, 0),
        (RULE_110, (1, 0, 1), 7.485088712233704, 5, 29),
    ],
    ids=["xor", "logistic", "or-copy-xor", "rule 110"],
)
def test_known_structures_have_the_values_of_pyphi(
    substrate: Substrate, state: tuple[int, ...], value: float, distinctions: int, count: int
) -> None:
    structure = cause_effect_structure(substrate, state)
    assert structure.big_phi == pytest.approx(value, rel=1e-12)
    assert len(structure.distinctions) == distinctions
    assert structure.relation_count == count


def counter(*order: str) -> Substrate:
    """Fig. 8: deterministic units that go through all eight states in this order."""
    states = [tuple(int(bit) for bit in state) for state in order]
    following = dict(zip(states, [*states[1:], states[0]], strict=True))
    return Substrate.from_function(lambda state: following[tuple(state)], nodes=3)


@pytest.mark.parametrize(
    ("substrate", "phi", "published", "largest"),
    [
        (counter("000", "100", "010", "011", "101", "111", "110", "001"), 2.0, 21.01, 24.40),
        (counter("000", "100", "010", "111", "101", "110", "011", "001"), 2.0, 3.64, 3.75),
    ],
    ids=["top", "middle"],
)
def test_the_counters_of_figure_8_have_their_published_structures(
    substrate: Substrate, phi: float, published: float, largest: float
) -> None:
    printed = cause_effect_structure(substrate, (1, 0, 0))
    assert printed.system.phi == pytest.approx(phi, abs=1e-12)
    assert printed.big_phi == pytest.approx(published, abs=0.005)
    most = cause_effect_structure(substrate, (1, 0, 0), ties="most_integrated")
    assert most.big_phi == pytest.approx(largest, abs=0.005)


def test_the_cycle_of_figure_6_has_its_published_structure() -> None:
    cycle = logistic_substrate(np.roll(np.eye(6), 1, axis=1), 4.0)
    structure = cause_effect_structure(cycle, (1, 0, 0, 0, 0, 0))
    assert structure.big_phi == pytest.approx(7.65, abs=0.005)
    assert structure.system.phi == pytest.approx(1.74, abs=0.01)
    assert [len(each.mechanism) for each in structure.distinctions] == [1] * 6


def test_unknown_rules_for_ties_are_refused() -> None:
    with pytest.raises(InvalidInput, match="smallest_purview, most_integrated"):
        cause_effect_structure(XOR, (0, 0, 0), ties="first")


@pytest.mark.parametrize("seed", range(12))
def test_structures_have_the_values_that_the_equations_give(seed: int) -> None:
    substrate = random_substrate(seed, 2 + seed % 2)
    state = list(reachable(substrate))[seed % 2]
    nodes = tuple(range(substrate.size))
    slow = by_definition(substrate, state, nodes)
    ties = max(
        math.prod(len(option) for option in definition.distinction_options(slow, *pair))
        for pair in definition.system_phi(slow)[1]
    )
    assert ties < 2000
    for ties in ("smallest_purview", "most_integrated"):
        found = cause_effect_structure(substrate, state, ties=ties).big_phi
        assert found == pytest.approx(definition.big_phi(slow, ties), rel=1e-11, abs=1e-11)


def test_many_ties_are_improved_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    substrate = logistic_substrate(np.full((3, 3), 0.3), 8.0)
    every = cause_effect_structure(substrate, (0, 0, 0), ties="most_integrated").big_phi
    monkeypatch.setattr(iit4_structure, "MOST_CHOICES", 1)
    found = cause_effect_structure(substrate, (0, 0, 0), ties="most_integrated").big_phi
    assert found == pytest.approx(every)


def test_progress_counts_mechanisms() -> None:
    calls: list[tuple[int, int]] = []
    cause_effect_structure(XOR, (0, 0, 0), progress=lambda *call: calls.append(call))
    assert calls == [(done, 7) for done in range(1, 8)]


def test_noise_has_no_structure() -> None:
    structure = cause_effect_structure(Substrate(np.full((4, 2), 0.5)), (0, 1))
    assert structure.distinctions == ()
    assert (structure.big_phi, structure.relation_count) == (0.0, 0)
