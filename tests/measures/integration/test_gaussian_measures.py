from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.measures.integration import gaussian_by_definition as definition
from tests.measures.integration.gaussian_processes import beside, process

from neurallayers.measures.integration.gaussian_covariance import LaggedCovariance
from neurallayers.measures.integration.gaussian_measures import (
    MEASURES,
    Partition,
    mismatched_information,
    mutual_information,
    phi_g,
    phi_r,
    phi_star,
    stochastic_interaction,
    time_delayed_information,
    whole_minus_sum,
)

PARTITIONS = {2: [[0], [1]], 3: [[0, 2], [1]], 4: [[0, 3], [1], [2]], 5: [[0, 1, 4], [2, 3]]}
seeds = st.integers(0, 10_000)
sizes = st.sampled_from(sorted(PARTITIONS))
lawful = settings(deadline=None, derandomize=True, database=None, max_examples=40)


@pytest.mark.parametrize("channels", sorted(PARTITIONS))
@pytest.mark.parametrize("seed", range(6))
def test_phi_star_reaches_the_maximum_over_beta(seed: int, channels: int) -> None:
    of, partition = process(seed, channels), PARTITIONS[channels]
    most, where = definition.most_information(of, partition)
    found, beta = mismatched_information(of, partition)
    assert found == pytest.approx(most, abs=1e-10)
    assert beta == pytest.approx(where, rel=1e-4)
    assert phi_star(of, partition) == pytest.approx(time_delayed_information(of) - most, abs=1e-10)


@pytest.mark.parametrize(
    ("past", "cross", "beta"),
    [
        # What parts know of themselves is next to nothing beside what crosses.
        (np.eye(2), np.array([[1e-3, 0.9], [0.0, 1e-3]]), 1.0),
        # Copies of one faint signal: each part tells it again, so that each counts for less.
        (np.full((6, 6), 0.999) + 0.001 * np.eye(6), np.full((6, 6), 0.05), 1.0 / 6.0),
        # Copies of one strong signal: beta lies between.
        (np.array([[1.0, 0.98], [0.98, 1.0]]), np.full((2, 2), 0.93), 0.57),
    ],
    ids=["crossing", "faint copies", "copies"],
)
def test_beta_is_found_wherever_it_lies(past: Any, cross: Any, beta: float) -> None:
    of, atomic = LaggedCovariance(past, cross), [[channel] for channel in range(len(past))]
    found, where = mismatched_information(of, atomic)
    best, there = definition.most_information(of, atomic)
    assert found == pytest.approx(best, abs=1e-11)
    assert where == pytest.approx(there, rel=1e-3)
    assert where == pytest.approx(beta, abs=0.02)


def test_the_mismatched_information_is_the_integral_that_defines_it() -> None:
    of, beta = process(4, 2), 0.7
    nodes, weights = np.polynomial.hermite_e.hermegauss(32)
    weights = weights / weights.sum()
    grid = np.array([[a, b] for a in nodes for b in nodes])
    mass = np.array([a * b for a in weights for b in weights])
    past = grid @ np.linalg.cholesky(of.past).T
    present = grid @ np.linalg.cholesky(of.present).T
    carried = np.diag(of.cross) / np.diag(of.past)
    noise = np.diag(of.present) - carried * np.diag(of.cross)
    gap = present[:, None, :] - past[None] * carried
    logs = (-0.5 * gap**2 / noise - 0.5 * np.log(2 * np.pi * noise)).sum(axis=2)
    marginal = np.log(np.exp(beta * logs) @ mass)
    # The second expectation is over pairs; that of a square is its covariance.
    error = np.diag(of.present) - 2 * carried * np.diag(of.cross) + carried**2 * np.diag(of.past)
    expected = float((-0.5 * error / noise - 0.5 * np.log(2 * np.pi * noise)).sum())
    integral = beta * expected - float(marginal @ mass)
    assert definition.information_of_beta(of, [[0], [1]], beta) == pytest.approx(integral, abs=1e-6)


@pytest.mark.parametrize("coupling", [0.0, 0.1, 0.35])
def test_two_coupled_channels_have_the_values_of_their_closed_form(coupling: float) -> None:
    a, b = 0.5, coupling
    of = LaggedCovariance.of_autoregression([[a, b], [b, a]], np.eye(2))
    modes = np.array([a + b, a - b])
    variances = 1.0 / (1.0 - modes**2)
    whole = -0.5 * float(np.log(1.0 - modes**2).sum())
    variance, lagged = variances.mean(), (modes * variances).mean()
    crossed = (modes * variances * [1.0, -1.0]).mean()
    part = -0.5 * math.log(1.0 - (lagged / variance) ** 2)
    other = -0.5 * math.log(1.0 - (crossed / variance) ** 2)
    parts: Partition = [[0], [1]]
    assert time_delayed_information(of) == pytest.approx(whole, abs=1e-12)
    assert whole_minus_sum(of, parts) == pytest.approx(whole - 2.0 * part, abs=1e-12)
    assert phi_r(of, parts) == pytest.approx(whole - 2.0 * part + min(part, other), abs=1e-12)
    alone = variance * (1.0 - (lagged / variance) ** 2)
    assert stochastic_interaction(of, parts) == pytest.approx(math.log(alone), abs=1e-12)
    joint = variance**2 - lagged**2
    assert mutual_information(of, parts) == pytest.approx(
        math.log(joint) - 0.5 * math.log(float(variances.prod())), abs=1e-12
    )


@pytest.mark.parametrize("seed", range(8))
def test_phi_g_is_the_least_over_processes_without_crossing(seed: int) -> None:
    channels = 2 + seed % 3
    of, partition = process(seed, channels), PARTITIONS[channels]
    least = definition.nearest_without_crossing(of, partition, seed=seed)
    assert phi_g(of, partition) == pytest.approx(least, abs=1e-9)


@lawful
@given(seeds, sizes)
def test_the_measures_keep_their_order_and_bounds(seed: int, channels: int) -> None:
    of, parts = process(seed, channels), PARTITIONS[channels]
    whole = time_delayed_information(of)
    assert 0.0 <= phi_star(of, parts) <= whole + 1e-10
    assert 0.0 <= phi_g(of, parts) <= min(whole, stochastic_interaction(of, parts)) + 1e-9
    assert stochastic_interaction(of, parts) <= mutual_information(of, parts) + 1e-10
    assert whole_minus_sum(of, parts) <= phi_r(of, parts) + 1e-12


@lawful
@given(seeds, sizes, st.sampled_from(sorted(MEASURES)))
def test_the_units_of_the_channels_do_not_matter(seed: int, channels: int, name: str) -> None:
    of, parts = process(seed, channels), PARTITIONS[channels]
    scale = np.diag(np.random.default_rng(seed).uniform(0.01, 100.0, channels))
    other = LaggedCovariance(
        scale @ of.past @ scale, scale @ of.cross @ scale, scale @ of.present @ scale
    )
    assert MEASURES[name](other, parts) == pytest.approx(MEASURES[name](of, parts), abs=1e-7)


@lawful
@given(seeds, st.integers(1, 3), st.integers(1, 3), st.sampled_from(sorted(MEASURES)))
def test_strangers_are_not_integrated(seed: int, first: int, second: int, name: str) -> None:
    of = beside(process(seed, first), process(seed + 1, second))
    parts = [list(range(first)), list(range(first, first + second))]
    assert MEASURES[name](of, parts) == pytest.approx(0.0, abs=1e-9)


def test_shared_noise_counts_for_some_measures_only() -> None:
    of = LaggedCovariance.of_autoregression(0.5 * np.eye(2), [[1.0, 0.9], [0.9, 1.0]])
    parts: Partition = [[0], [1]]
    assert phi_g(of, parts) == pytest.approx(0.0, abs=1e-9)
    assert stochastic_interaction(of, parts) > 0.5
    assert phi_star(of, parts) > 0.1
    assert whole_minus_sum(of, parts) == pytest.approx(0.0, abs=1e-9)


def test_redundancy_makes_whole_minus_sum_negative_and_phi_r_not() -> None:
    # Two noisy copies of one slow signal.
    signal = 0.95
    shared = np.array([[1.0, 0.98], [0.98, 1.0]])
    of = LaggedCovariance(shared, signal * np.full((2, 2), 0.98))
    parts: Partition = [[0], [1]]
    assert whole_minus_sum(of, parts) < -0.5
    assert phi_r(of, parts) > 0.0


def test_what_knows_nothing_has_no_mismatched_information() -> None:
    of = LaggedCovariance(np.eye(3), np.zeros((3, 3)))
    assert mismatched_information(of, [[0], [1, 2]]) == (0.0, 1.0)
    assert phi_star(of, [[0], [1, 2]]) == 0.0
