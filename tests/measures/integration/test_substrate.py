"""Substrates: what they refuse, how they name states and nodes, what they condition on."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from tests.measures.integration.networks import COPY_LOOP, OR_AND_XOR, random_tpm

from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName
from neurallayers.measures.integration.substrate import Substrate, state_of_row


def test_rows_are_little_endian() -> None:
    substrate = Substrate(random_tpm(3, seed=0))
    assert substrate.row((1, 0, 0)) == 1
    assert substrate.row((0, 0, 1)) == 4
    assert all(substrate.row(state_of_row(row, 3)) == row for row in range(8))


def test_it_is_a_value_that_nothing_changes() -> None:
    given = random_tpm(2, seed=0)
    substrate = Substrate(given)
    given[0, 0] = 0.0
    assert substrate == Substrate(random_tpm(2, seed=0))
    assert hash(substrate) == hash(Substrate(random_tpm(2, seed=0)))
    assert substrate != Substrate(random_tpm(2, seed=1))
    assert substrate != "a substrate"
    with pytest.raises(ValueError, match="read-only"):
        substrate.tpm[0, 0] = 0.0
    with pytest.raises(AttributeError):
        substrate.labels = ("x", "y")  # type: ignore[misc]


def test_a_rule_makes_a_substrate() -> None:
    made = Substrate.from_function(lambda s: (s[1] or s[2], s[0] and s[2], s[0] != s[1]), 3)
    assert made == Substrate(OR_AND_XOR)
    with pytest.raises(InvalidInput, match="whole number from 1 to 8"):
        Substrate.from_function(lambda s: s, 9)


def test_connections_are_inferred_or_given() -> None:
    assert Substrate(COPY_LOOP).connectivity.tolist() == [[0, 1], [1, 0]]
    assert Substrate(COPY_LOOP, np.ones((2, 2))).connectivity.tolist() == [[1, 1], [1, 1]]


def test_an_influence_that_is_denied_is_averaged_out_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        substrate = Substrate(COPY_LOOP, [[0, 1], [0, 0]])
    assert substrate.tpm[:, 0].tolist() == [0.5] * 4
    assert caplog.records[0].message == "integration.influence_without_connection"


@pytest.mark.parametrize(
    ("connectivity", "error"),
    [
        (np.ones((3, 3)), ShapeMismatch),
        ([1, 0], ShapeMismatch),
        ([[0, 2], [1, 0]], InvalidInput),
        ([[0, float("nan")], [1, 0]], InvalidInput),
        ("all", InvalidInput),
    ],
    ids=["too-large", "a-row", "a-weight", "nan", "a-word"],
)
def test_bad_connectivity_is_refused(connectivity: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        Substrate(COPY_LOOP, connectivity)  # type: ignore[arg-type]


@pytest.mark.parametrize("labels", [["A"], ["A", "A"], ["A", ""], ["A", 3]])
def test_bad_labels_are_refused(labels: list[str]) -> None:
    with pytest.raises(InvalidInput, match="Give 2 names"):
        Substrate(COPY_LOOP, labels=labels)


@pytest.mark.parametrize(
    "state", [(1,), (1, 0, 1), (2, 0), (0.5, 1), "10x", None, (float("nan"), 0)]
)
def test_what_is_no_state_is_refused(state: object) -> None:
    with pytest.raises(InvalidInput, match="0 or 1"):
        Substrate(COPY_LOOP).state(state)  # type: ignore[arg-type]


def test_states_of_booleans_and_of_arrays_are_states() -> None:
    assert Substrate(COPY_LOOP).state((True, False)) == (1, 0)
    assert Substrate(COPY_LOOP).state(np.array([0.0, 1.0])) == (0, 1)


def test_nodes_go_by_index_and_by_label() -> None:
    substrate = Substrate(random_tpm(3, seed=0), labels=["left", "right", "both"])
    assert substrate.nodes(["both", 0]) == (0, 2)
    assert substrate.nodes(None) == (0, 1, 2)
    assert substrate.words((0, 2)) == "left,both"
    for wrong in (["middle"], [3], [-1], [1.0], [None]):
        with pytest.raises(UnknownName, match="left, right, both"):
            substrate.nodes(wrong)  # type: ignore[arg-type]
    for wrong_set in ([], [0, 0], [0, "left"]):
        with pytest.raises(InvalidInput, match="only once"):
            substrate.nodes(wrong_set)  # type: ignore[arg-type]


def test_the_outside_is_frozen_in_its_state() -> None:
    tpm = random_tpm(3, seed=2)
    alone = Substrate(tpm).conditioned((0, 1, 1), nodes=[0, 2])
    assert np.array_equal(alone, tpm[np.ix_([2, 3, 6, 7], [0, 2])])


def test_a_state_is_reached_only_from_where_all_nodes_can_come() -> None:
    always_on = Substrate(np.ones((4, 2)))
    assert always_on.reaches((1, 1))
    assert not always_on.reaches((1, 0))
    # A must follow B and B must follow A: each state of both has its own predecessor.
    assert all(Substrate(COPY_LOOP).reaches(state_of_row(row, 2)) for row in range(4))
    # With B frozen OFF, A can only go OFF.
    assert not Substrate(COPY_LOOP).reaches((1, 0), nodes=["A"])


def test_many_nodes_are_refused_unless_asked_for() -> None:
    with pytest.raises(InvalidInput, match="9 nodes"):
        Substrate(np.full((512, 9), 0.5))
    assert Substrate(np.full((512, 9), 0.5), most_nodes=9).size == 9
    assert Substrate(np.full((512, 9), 0.5), most_nodes=9).labels[-1] == "I"
