"""Big phi of IIT 3.0: printed values, an oracle's, an independent make, and laws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.measures.integration.iit3_by_definition import PlainSystem
from tests.measures.integration.networks import (
    CHAIN,
    COPY_LOOP,
    OR_AND_XOR,
    OR_COPY_XOR,
    REFERENCES,
    random_tpm,
    two_pairs,
)

from neurallayers.errors import InvalidInput
from neurallayers.measures.integration import iit3
from neurallayers.measures.integration.iit3_concepts import SystemIrreducibility
from neurallayers.measures.integration.substrate import Substrate

AGREEMENT = 1e-4
# The oracle rounds every distance to six decimals.
ORACLE_DECIMALS = 2e-6


@pytest.mark.parametrize(
    ("tpm", "state", "phi", "concepts"),
    [
        (OR_AND_XOR, (1, 0, 0), 23 / 12, 6),
        (OR_COPY_XOR, (1, 0, 0), 2.3125, 4),
        (COPY_LOOP, (1, 0), 1.0, 2),
    ],
    ids=["or-and-xor", "or-copy-xor", "copy-loop"],
)
def test_published_values(tpm: Any, state: tuple[int, ...], phi: float, concepts: int) -> None:
    found = iit3.system_phi(Substrate(tpm), state)
    assert found.phi == pytest.approx(phi, abs=AGREEMENT)
    assert len(found.concepts) == concepts
    assert found.reason == ""


@pytest.mark.parametrize(
    ("tpm", "state"),
    [(CHAIN, (1, 1, 0)), (two_pairs(), (1, 0, 1, 1)), ([[0.2], [0.9]], (1,))],
    ids=["chain", "disjoint-pairs", "single-node"],
)
def test_what_can_be_taken_apart_has_no_phi(tpm: Any, state: tuple[int, ...]) -> None:
    found = iit3.system_phi(Substrate(tpm), state)
    assert found.phi == 0.0
    assert found.cut is None
    assert found.reason


def test_all_connections_given_change_nothing() -> None:
    everyone = np.ones((4, 4))
    assert iit3.system_phi(Substrate(two_pairs(), everyone), (1, 0, 1, 1)).phi == 0.0
    given_all = iit3.system_phi(Substrate(OR_COPY_XOR, np.ones((3, 3))), (1, 0, 0))
    assert given_all.phi == pytest.approx(2.3125)


def agrees(network: dict[str, Any]) -> tuple[SystemIrreducibility, dict[tuple[int, ...], Any]]:
    substrate = Substrate(network["tpm"])
    found = iit3.system_phi(substrate, network["state"], network.get("nodes"))
    assert found.phi == pytest.approx(network["phi"], abs=AGREEMENT)
    return found, {tuple(c["mechanism"]): c for c in network["concepts"]}


def identity(network: dict[str, Any]) -> str:
    return f"{network['number']}-{network['kind']}-{len(network['state'])}"


@pytest.mark.parametrize(
    "network", [n for n in REFERENCES if len(n["tpm"]) < 32 and "phi" in n], ids=identity
)
def test_an_oracle_says_the_same(network: dict[str, Any]) -> None:
    found, expected = agrees(network)
    if not found.phi:
        # The oracle lists the concepts of a whole system, ours of one that is not connected too.
        expected = {m: c for m, c in expected.items() if c["phi"] > 0.0}
    assert {c.mechanism for c in found.concepts} == set(expected)
    for concept in found.concepts:
        other = expected[concept.mechanism]
        assert concept.phi == pytest.approx(other["phi"], abs=ORACLE_DECIMALS)
        assert concept.cause.phi == pytest.approx(other["cause_phi"], abs=ORACLE_DECIMALS)
        assert concept.effect.phi == pytest.approx(other["effect_phi"], abs=ORACLE_DECIMALS)
        assert concept.cause.purview == tuple(other["cause"])
        assert concept.effect.purview == tuple(other["effect"])


@pytest.mark.parametrize(
    "network", [n for n in REFERENCES if len(n["tpm"]) >= 32 and "phi" in n], ids=identity
)
def test_an_oracle_says_the_same_of_larger_ones(network: dict[str, Any]) -> None:
    agrees(network)


@pytest.mark.parametrize("network", [n for n in REFERENCES if "phi" not in n], ids=identity)
def test_what_an_oracle_cannot_reach_is_refused(network: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="leads to the state"):
        iit3.system_phi(Substrate(network["tpm"]), network["state"], network.get("nodes"))


@pytest.mark.parametrize("network", [n for n in REFERENCES if "major_complex" in n], ids=identity)
def test_the_major_complex_is_the_oracles(network: dict[str, Any]) -> None:
    found = iit3.major_complex(Substrate(network["tpm"]), network["state"])
    expected = network["major_complex"]
    assert (found.phi if found else 0.0) == pytest.approx(expected["phi"], abs=AGREEMENT)
    if found and expected["phi"] > 0.0:
        assert found.nodes == tuple(expected["nodes"])


@pytest.mark.parametrize("seed", [0])
def test_an_independent_make_says_the_same_of_two_nodes(seed: int) -> None:
    tpm = random_tpm(2, seed + 40)
    found = iit3.system_phi(Substrate(tpm), (0, 1))
    assert found.phi == pytest.approx(PlainSystem(tpm, (0, 1)).big_phi(), abs=1e-6)


@settings(deadline=None, derandomize=True, database=None, max_examples=15)
@given(st.integers(0, 2**31), st.permutations(range(3)), st.integers(0, 7))
def test_names_and_order_of_nodes_do_not_matter(seed: int, order: list[int], row: int) -> None:
    tpm = random_tpm(3, seed)
    state = tuple(row >> node & 1 for node in range(3))
    rows = [
        sum(((new >> place) & 1) << node for place, node in enumerate(order)) for new in range(8)
    ]
    turned = tpm[np.ix_(rows, order)]
    one = iit3.system_phi(Substrate(tpm), state)
    other = iit3.system_phi(Substrate(turned), [state[node] for node in order])
    assert one.phi == pytest.approx(other.phi, abs=1e-9)


@settings(deadline=None, derandomize=True, database=None, max_examples=15)
@given(st.integers(0, 2**31), st.integers(0, 7))
def test_on_and_off_are_names_too(seed: int, row: int) -> None:
    tpm = random_tpm(3, seed)
    state = tuple(row >> node & 1 for node in range(3))
    one = iit3.system_phi(Substrate(tpm), state)
    other = iit3.system_phi(Substrate(1.0 - tpm[::-1]), [1 - bit for bit in state])
    assert one.phi == pytest.approx(other.phi, abs=1e-9)


def test_the_cut_is_the_one_that_phi_belongs_to() -> None:
    substrate = Substrate(random_tpm(3, seed=44))
    found = iit3.system_phi(substrate, (0, 1, 1))
    assert found.cut is not None
    assert sorted(found.cut.from_nodes + found.cut.to_nodes) == [0, 1, 2]
    assert sum(c.phi for c in found.cut_concepts) < sum(c.phi for c in found.concepts)


def test_progress_counts_the_cuts_and_can_stop_the_search() -> None:
    seen: list[tuple[int, int]] = []
    substrate = Substrate(random_tpm(3, seed=45))
    iit3.system_phi(substrate, (0, 1, 1), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 6) for done in range(1, 7)]

    def stop(done: int, total: int) -> None:
        raise TimeoutError(f"{done} of {total}")

    with pytest.raises(TimeoutError, match="1 of 6"):
        iit3.system_phi(substrate, (0, 1, 1), progress=stop)


def test_a_long_search_says_more_often_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iit3, "LONG", 6)
    seen: list[tuple[int, int]] = []
    substrate = Substrate(random_tpm(3, seed=45))
    iit3.system_phi(substrate, (0, 1, 1), progress=lambda done, total: seen.append((done, total)))
    # Before the first cut, within each one, and after it; never back.
    assert seen[0] == (0, 6)
    assert len(seen) == 1 + 2 * 6
    assert seen == sorted(seen)


def test_complexes_do_not_overlap_and_the_largest_phi_comes_first() -> None:
    # Two loops of two: each is a complex, the whole is none.
    found = iit3.complexes(Substrate(two_pairs()), (1, 0, 1, 1))
    assert sorted(one.nodes for one in found) == [(0, 1), (2, 3)]
    assert [one.phi for one in found] == pytest.approx([1.0, 1.0])
    steps: list[tuple[int, int]] = []
    every = iit3.all_systems(
        Substrate(OR_COPY_XOR), (1, 0, 0), progress=lambda *step: steps.append(step)
    )
    assert [one.phi for one in every] == sorted((one.phi for one in every), reverse=True)
    assert steps[-1][0] == steps[-1][1] == len(every)


def test_where_nothing_is_integrated_there_is_no_major_complex() -> None:
    assert iit3.major_complex(Substrate(CHAIN), (1, 1, 0)) is None
    with pytest.raises(InvalidInput, match="leads to the state"):
        iit3.complexes(Substrate(np.ones((4, 2))), (1, 0))
