"""Forms of a transition probability matrix."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tests.measures.integration.networks import OR_AND_XOR, random_tpm

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.measures.integration import transitions


@settings(deadline=None, derandomize=True, database=None, max_examples=30)
@given(
    st.integers(1, 4).flatmap(lambda n: arrays.arrays(float, (2**n, n), elements=st.floats(0, 1)))
)
def test_all_forms_are_one_substrate(by_node: np.ndarray) -> None:
    nodes = by_node.shape[1]
    with_axes = by_node.reshape((2,) * nodes + (nodes,), order="F")
    assert np.allclose(transitions.state_by_node(by_node, 8), by_node)
    assert np.allclose(transitions.state_by_node(with_axes, 8), by_node)
    pairs = transitions.state_by_state(by_node)
    assert np.allclose(pairs.sum(axis=1), 1.0)
    assert np.allclose(transitions.state_by_node(pairs, 8), by_node)


def test_columns_of_a_state_by_state_matrix_are_little_endian() -> None:
    by_node = np.array([[0.0, 1.0]] * 4)  # B is always ON, A never: the third state
    assert transitions.state_by_state(by_node)[:, 2].tolist() == [1.0] * 4


def test_nodes_that_are_tied_within_a_step_are_refused() -> None:
    tied = np.full((4, 4), 0.0)
    tied[:, [0, 3]] = 0.5  # both ON or both OFF
    with pytest.raises(InvalidInput, match="independent given the present state"):
        transitions.state_by_node(tied, 8)


@pytest.mark.parametrize("shape", [(3, 2), (4,), (2, 2, 3), (1, 1), (0, 0), (8, 4), ()])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeMismatch, match="state-by-node"):
        transitions.state_by_node(np.zeros(shape), 8)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf")])
def test_what_is_no_probability_is_refused(value: float) -> None:
    with pytest.raises(InvalidInput, match="0 to 1"):
        transitions.state_by_node([[value], [0.5]], 8)


def test_rows_that_do_not_sum_to_one_are_refused() -> None:
    with pytest.raises(InvalidInput, match="sum to 1"):
        transitions.state_by_node([[0.5, 0.4], [0.5, 0.5]], 8)


@pytest.mark.parametrize("given_as", [None, "tpm", [["a", "b"], ["c", "d"]], [[1, 0], [1]]])
def test_what_is_no_array_is_refused(given_as: object) -> None:
    with pytest.raises(InvalidInput):
        transitions.state_by_node(given_as, 8)  # type: ignore[arg-type]


def test_too_many_nodes_are_refused_in_words() -> None:
    with pytest.raises(InvalidInput, match="3 nodes; exact integration is bounded at 2"):
        transitions.state_by_node(OR_AND_XOR, 2)


def test_influences_are_those_of_the_gates() -> None:
    assert transitions.influences(OR_AND_XOR.astype(float), 1e-9).tolist() == [
        [0, 1, 1],
        [1, 0, 1],
        [1, 1, 0],
    ]


def test_an_influence_that_is_averaged_out_is_gone_and_the_mean_stays() -> None:
    by_node = random_tpm(3, seed=1)
    averaged = transitions.without_influences(by_node, np.array([[0, 2], [1, 2]]))
    assert transitions.influences(averaged, 1e-9)[:, 2].tolist() == [0, 0, 1]
    assert np.allclose(averaged.mean(axis=0), by_node.mean(axis=0))
    assert np.array_equal(averaged[:, :2], by_node[:, :2])
