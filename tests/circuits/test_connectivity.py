"""Rules of connectivity: the laws that each keeps, and its statistics."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array

from neurallayers.circuits.connectivity import (
    AllToAll,
    Connectivity,
    DistanceBased,
    EdgeList,
    FixedInDegree,
    FixedOutDegree,
    FixedProbability,
    FixedTotal,
    FromSparse,
    OneToOne,
    Rows,
    gaussian_profile,
)
from neurallayers.circuits.distributions import generator
from neurallayers.errors import InvalidInput, ShapeMismatch


def rows_of(
    rule: Connectivity, senders: int, receivers: int, seed: int = 1, same: bool = False
) -> Rows:
    return rule.rows(senders, receivers, generator(seed, "rows"), same)


def in_degrees(rows: Rows, receivers: int) -> np.ndarray:
    return np.bincount(rows.receivers, minlength=receivers)


RULES = [
    AllToAll(),
    FixedProbability(0.3),
    FixedProbability(0.0),
    FixedProbability(1.0),
    FixedInDegree(4),
    FixedInDegree(3, multiple=False),
    FixedOutDegree(4),
    FixedTotal(20),
]


@settings(deadline=None, derandomize=True, database=None, max_examples=25)
@given(st.sampled_from(RULES), st.integers(5, 60), st.integers(5, 60), st.integers(0, 1000))
def test_rows_are_whole_ascending_and_in_range(
    rule: Connectivity, senders: int, receivers: int, seed: int
) -> None:
    rows = rows_of(rule, senders, receivers, seed)
    assert rows.starts[0] == 0
    assert rows.starts[-1] == rows.receivers.size == rows.senders.size
    assert rows.starts.size == senders + 1
    assert rows.receivers.dtype == np.uint16
    assert rows.receivers.size == 0 or 0 <= rows.receivers.min() <= rows.receivers.max() < receivers
    order = np.lexsort((rows.receivers, rows.senders))
    assert np.array_equal(rows.receivers[order], rows.receivers)
    again = rows_of(rule, senders, receivers, seed)
    assert np.array_equal(rows.receivers, again.receivers)


@pytest.mark.parametrize(
    "rule",
    [
        AllToAll(self_connections=False),
        FixedProbability(0.5, self_connections=False),
        FixedProbability(1.0, self_connections=False),
        FixedInDegree(9, self_connections=False),
        FixedInDegree(9, multiple=False, self_connections=False),
        FixedInDegree(29, multiple=False, self_connections=False),
        FixedOutDegree(9, self_connections=False),
    ],
    ids=str,
)
def test_no_cell_connects_to_itself_where_it_must_not(rule: Connectivity) -> None:
    rows = rows_of(rule, 30, 30, same=True)
    assert rows.receivers.size > 0
    assert not (rows.senders == rows.receivers).any()
    # Between two populations the same index is not the same cell.
    assert (rows_of(rule, 30, 30).senders == rows_of(rule, 30, 30).receivers).any()


def test_a_fixed_probability_is_binomial() -> None:
    rows = rows_of(FixedProbability(0.1), 1000, 1500)
    out = np.diff(rows.starts)
    assert out.mean() == pytest.approx(150.0, rel=0.01)
    assert out.var() == pytest.approx(1500 * 0.1 * 0.9, rel=0.1)
    degrees = in_degrees(rows, 1500)
    assert degrees.var() == pytest.approx(1000 * 0.1 * 0.9, rel=0.1)
    pairs = rows.senders.astype(np.int64) * 1500 + rows.receivers
    assert np.unique(pairs).size == pairs.size


def test_fixed_degrees_are_fixed() -> None:
    assert set(in_degrees(rows_of(FixedInDegree(7), 50, 80), 80)) == {7}
    assert set(np.diff(rows_of(FixedOutDegree(7), 50, 80).starts)) == {7}
    assert rows_of(FixedTotal(1234), 50, 80).receivers.size == 1234


@pytest.mark.parametrize("number", [5, 30, 50])
def test_distinct_partners_are_distinct_and_equally_likely(number: int) -> None:
    rows = rows_of(FixedInDegree(number, multiple=False), 50, 4000)
    pairs = rows.senders.astype(np.int64) * 4000 + rows.receivers
    assert np.unique(pairs).size == pairs.size == 4000 * number
    chosen = np.bincount(rows.senders, minlength=50)
    spread = np.sqrt(4000 * number / 50 * (1.0 - number / 50))
    assert np.abs(chosen - 4000 * number / 50).max() <= 4.5 * spread


def test_partners_drawn_with_replacement_repeat() -> None:
    rows = rows_of(FixedInDegree(40), 50, 100)
    pairs = rows.senders * 100 + rows.receivers
    assert np.unique(pairs).size < pairs.size


def test_listed_synapses_keep_their_place_in_the_list() -> None:
    rows = rows_of(EdgeList([2, 0, 2, 2], [1, 3, 1, 0]), 3, 4)
    assert rows.senders.tolist() == [0, 2, 2, 2]
    assert rows.receivers.tolist() == [3, 0, 1, 1]
    assert rows.order is not None
    assert rows.order.tolist() == [1, 3, 0, 2]


def test_a_sparse_matrix_is_a_list_with_weights() -> None:
    matrix = coo_array(([5.0, 0.0, 7.0], ([1, 0, 1], [0, 2, 1])), shape=(2, 3))
    rule = FromSparse(matrix)
    rows = rows_of(rule, 2, 3)
    assert rows.senders.tolist() == [0, 1, 1]
    assert rule.weights()[rows.order].tolist() == [0.0, 5.0, 7.0]
    with pytest.raises(ShapeMismatch, match="row for each of 4 senders"):
        rows_of(rule, 4, 3)


def test_probability_falls_with_distance() -> None:
    draw = np.random.default_rng(1)
    places = draw.uniform(0.0, 1000.0, (600, 2))
    rule = DistanceBased(places, places, gaussian_profile(0.8, 150.0), period_um=1000.0)
    rows = rows_of(rule, 600, 600, same=True)
    distances = rule.distances_um(rows.senders, rows.receivers)
    everyone = rule.distances_um(np.repeat(np.arange(600), 600), np.tile(np.arange(600), 600))
    assert everyone.max() <= 1000.0 / np.sqrt(2.0)
    for low, high in ((0.0, 100.0), (100.0, 200.0), (300.0, 400.0)):
        pairs = ((everyone >= low) & (everyone < high)).sum()
        found = ((distances >= low) & (distances < high)).sum()
        inside = everyone[(everyone >= low) & (everyone < high)]
        expected = gaussian_profile(0.8, 150.0)(inside).mean()
        assert found / pairs == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize(
    ("rule", "error", "what"),
    [
        (OneToOne(), InvalidInput, "as many senders"),
        (EdgeList([0], [9]), InvalidInput, "receiver 9"),
        (EdgeList([-1], [0]), InvalidInput, "sender -1"),
        (EdgeList([0, 1], [0]), ShapeMismatch, "2 senders and 1"),
        (FixedInDegree(6, multiple=False), InvalidInput, "5 cells to choose from"),
        (FixedOutDegree(-1), InvalidInput, "FixedOutDegree"),
        (DistanceBased([1.0], [1.0], gaussian_profile(1.0, 1.0)), ShapeMismatch, "5 and 7"),
        (
            DistanceBased(np.zeros(5), np.zeros(7), gaussian_profile(2.0, 1.0)),
            InvalidInput,
            "probability",
        ),
    ],
    ids=lambda value: (
        value if isinstance(value, str) else getattr(value, "__name__", type(value).__name__)
    ),
)
def test_what_does_not_fit_is_refused(
    rule: Connectivity, error: type[Exception], what: str
) -> None:
    with pytest.raises(error, match=what):
        rows_of(rule, 5, 7)


def test_a_probability_is_one() -> None:
    with pytest.raises(InvalidInput, match="probability"):
        FixedProbability(1.2)
    with pytest.raises(InvalidInput, match="number"):
        FixedTotal(-1)
