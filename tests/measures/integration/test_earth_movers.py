"""The earth mover's distance against linear programming, and its laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.measures.integration.iit3_by_definition import transport

from neurallayers.measures.integration import earth_movers

ARCS = earth_movers.cube_arcs(6)
QUICK = settings(deadline=None, derandomize=True, database=None, max_examples=40)
seeds = st.integers(0, 2**31)
dimensions = st.integers(1, 6)


def distribution(size: int, seed: int, concentration: float = 0.4) -> np.ndarray:
    """Some probabilities, many of them near 0."""
    return np.random.default_rng(seed).dirichlet(np.full(2**size, concentration))


def distance(one: np.ndarray, other: np.ndarray) -> float:
    level = np.empty(one.size)
    return earth_movers.cube_distance(one - other, int(np.log2(one.size)), ARCS, level)


def hamming(size: int) -> np.ndarray:
    states = np.arange(2**size)
    return np.array(
        [[float((a ^ b).bit_count()) for b in states.tolist()] for a in states.tolist()]
    )


@QUICK
@given(st.integers(1, 4), seeds)
def test_it_is_what_linear_programming_finds(size: int, seed: int) -> None:
    one, other = distribution(size, seed), distribution(size, seed + 1)
    # The solver's own tolerance is 1e-7.
    assert distance(one, other) == pytest.approx(transport(hamming(size), one, other), abs=2e-7)


@QUICK
@given(dimensions, seeds)
def test_flow_on_the_cube_is_transport_between_states(size: int, seed: int) -> None:
    one, other = distribution(size, seed), distribution(size, seed + 1)
    flow = np.empty((2**size, 2**size))
    between = earth_movers.transport_distance(one, other, hamming(size), flow)
    assert distance(one, other) == pytest.approx(between, abs=1e-11)
    assert np.allclose(flow.sum(axis=1), one)
    assert np.allclose(flow.sum(axis=0), other)
    assert (flow >= 0.0).all()


@QUICK
@given(dimensions, seeds)
def test_it_is_a_metric(size: int, seed: int) -> None:
    a, b, c = (distribution(size, seed + index) for index in range(3))
    assert distance(a, a) == 0.0
    assert distance(a, b) == pytest.approx(distance(b, a), abs=1e-12)
    assert distance(a, c) <= distance(a, b) + distance(b, c) + 1e-12


@QUICK
@given(st.integers(1, 3), st.integers(1, 3), seeds)
def test_what_both_share_costs_nothing(size: int, more: int, seed: int) -> None:
    one, other, shared = (
        distribution(size, seed),
        distribution(size, seed + 1),
        distribution(more, seed + 2),
    )
    together = distance(np.kron(shared, one), np.kron(shared, other))
    assert together == pytest.approx(distance(one, other), abs=1e-12)


@QUICK
@given(dimensions, seeds)
def test_of_independent_nodes_it_is_the_sum_over_their_marginals(size: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    p, q = generator.random(size), generator.random(size)
    one, other = np.ones(1), np.ones(1)
    for on, also in zip(p, q, strict=True):
        one, other = np.kron([1 - on, on], one), np.kron([1 - also, also], other)
    assert distance(one, other) == pytest.approx(np.abs(p - q).sum(), abs=1e-12)


@QUICK
@given(dimensions, seeds)
def test_a_greedy_transport_costs_no_less(size: int, seed: int) -> None:
    difference = distribution(size, seed) - distribution(size, seed + 1)
    exact = earth_movers.cube_distance(difference, size, ARCS, np.empty(2**size))
    assert earth_movers.cube_upper_bound(difference.copy(), size) >= exact - 1e-12


@QUICK
@given(st.integers(3, 6), seeds)
def test_price_levels_bound_every_other_distance(size: int, seed: int) -> None:
    differences = [distribution(size, seed + i) - distribution(size, seed + 9) for i in range(3)]
    level = np.empty(2**size)
    exact = [earth_movers.cube_distance(d, size, ARCS, level.copy()) for d in differences]
    assert earth_movers.cube_distance(differences[0], size, ARCS, level) == exact[0]
    assert abs(level @ differences[0]) == pytest.approx(exact[0], abs=1e-12)
    for difference, its_own in zip(differences, exact, strict=True):
        assert abs(level @ difference) <= its_own + 1e-12


def test_from_one_corner_of_the_cube_to_the_other() -> None:
    for size in range(1, 7):
        one, other = np.zeros(2**size), np.zeros(2**size)
        one[0], other[-1] = 1.0, 1.0
        assert distance(one, other) == size


def test_ties_and_zeros_do_not_make_the_simplex_cycle() -> None:
    generator = np.random.default_rng(5)
    for _ in range(200):
        counts = generator.multinomial(8, np.full(16, 1 / 16), size=2) / 8
        flow = np.empty((16, 16))
        between = earth_movers.transport_distance(counts[0], counts[1], hamming(4), flow)
        assert distance(counts[0], counts[1]) == pytest.approx(between, abs=1e-12)


@QUICK
@given(st.integers(1, 8), st.integers(1, 8), seeds)
def test_transport_is_what_linear_programming_finds(a: int, b: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    price = generator.random((a, b)).round(1)
    given_mass, taken = generator.dirichlet(np.ones(a)), generator.dirichlet(np.ones(b))
    flow = np.empty((a, b))
    total = earth_movers.transport_distance(given_mass, taken, price, flow)
    assert total == pytest.approx(transport(price, given_mass, taken), abs=2e-7)
    assert total == pytest.approx((flow * price).sum(), abs=1e-12)
