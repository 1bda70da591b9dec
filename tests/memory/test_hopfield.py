"""The classical network: rules of storage, energy, fixed points, capacity."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName
from neurallayers.memory import STORAGE_RULES, HopfieldNetwork, overlap
from neurallayers.memory.hopfield import (
    hebbian_weights,
    projection_weights,
    storkey_weights,
)

LAW = settings(max_examples=15, deadline=None, derandomize=True, database=None)


def bits(count: int, neurons: int, seed: int) -> Tensor:
    drawn = torch.rand(count, neurons, generator=torch.Generator().manual_seed(seed))
    return torch.where(drawn < 0.5, -1.0, 1.0)


def flipped(patterns: Tensor, share: float, seed: int) -> Tensor:
    drawn = torch.rand(patterns.shape, generator=torch.Generator().manual_seed(seed))
    return torch.where(drawn < share, -patterns, patterns)


def test_hebbian_weights_are_the_sum_of_products() -> None:
    patterns = bits(3, 5, 0)
    expected = sum(torch.outer(p, p) for p in patterns) / 5
    assert isinstance(expected, Tensor)
    assert torch.allclose(hebbian_weights(patterns), expected - torch.diag(expected.diagonal()))


def test_storkey_weights_are_the_published_recursion() -> None:
    """Component by component, with the sums as Storkey (1997) writes them."""
    patterns = bits(3, 6, 1)
    weights = torch.zeros(6, 6)
    for x in patterns:
        old = weights.clone()

        def field(i: int, j: int, old: Tensor = old, x: Tensor = x) -> Tensor:
            return sum((old[i, k] * x[k] for k in range(6) if k not in (i, j)), torch.zeros(()))

        for i, j in itertools.permutations(range(6), 2):
            weights[i, j] = old[i, j] + (x[i] * x[j] - x[i] * field(j, i) - field(i, j) * x[j]) / 6
    assert torch.allclose(storkey_weights(patterns), weights, atol=1e-6)


@pytest.mark.parametrize("rule", list(STORAGE_RULES))
@given(seed=st.integers(0, 999), load=st.floats(0.05, 0.5))
@LAW
def test_the_energy_never_rises_and_a_fixed_point_is_reached(
    rule: str, seed: int, load: float
) -> None:
    network = HopfieldNetwork.of(bits(max(1, round(40 * load)), 40, seed).double(), rule)
    state = bits(4, 40, seed + 1).double()
    energy = network.energy(state)
    for sweep in range(50):
        after = network.settle(state, sweeps=1, seed=sweep)
        new = network.energy(after.states)
        assert bool((new <= energy + 1e-9).all())
        state, energy = after.states, new
    assert bool(after.converged.all())
    assert torch.equal(network.settle(state, update="synchronous").states, state)


@pytest.mark.parametrize("rule", list(STORAGE_RULES))
@pytest.mark.parametrize("update", ["asynchronous", "synchronous"])
def test_a_few_patterns_are_found_again_from_noise(rule: str, update: str) -> None:
    patterns = bits(8, 200, 2)
    settled = HopfieldNetwork.of(patterns, rule).settle(flipped(patterns, 0.15, 3), update=update)
    assert bool(settled.converged.all())
    assert float(overlap(settled.states, patterns).min()) > 0.99


def test_more_patterns_are_stable_with_better_rules() -> None:
    """At 0.25 patterns a neuron Hebb's rule has failed, projection holds all without an error."""
    patterns = bits(50, 200, 4)
    kept = {
        rule: float(
            overlap(HopfieldNetwork.of(patterns, rule).settle(patterns).states, patterns).mean()
        )
        for rule in STORAGE_RULES
    }
    assert kept["projection"] == 1.0
    assert kept["hebb"] < 0.6
    assert kept["storkey"] > kept["hebb"] + 0.2


def test_projection_makes_independent_patterns_eigenvectors() -> None:
    patterns = bits(30, 60, 5).double()
    weights = projection_weights(patterns)
    restored = patterns @ weights
    # Without self-coupling W = P - diag(P): the field of each neuron points its own way.
    assert bool((restored * patterns > 0).all())
    assert torch.allclose(weights, weights.T, atol=1e-12)


def test_the_energy_is_that_of_hopfield() -> None:
    weights = hebbian_weights(bits(2, 5, 6).double())
    state = bits(1, 5, 7).double()
    expected = -0.5 * sum(
        weights[i, j] * state[0, i] * state[0, j] for i in range(5) for j in range(5)
    )
    assert float(HopfieldNetwork(weights).energy(state)) == pytest.approx(float(expected))


def test_a_row_settles_as_if_alone_and_the_seed_decides_the_order() -> None:
    network = HopfieldNetwork.of(bits(15, 60, 8))
    state = bits(5, 60, 9)
    together = network.settle(state, sweeps=1, seed=1).states
    assert torch.equal(network.settle(state[2:3], sweeps=1, seed=1).states[0], together[2])
    assert not torch.equal(network.settle(state, sweeps=1, seed=2).states, together)


def test_two_neurons_that_disagree_swap_for_ever_when_updated_at_once() -> None:
    network = HopfieldNetwork(torch.tensor([[0.0, 1.0], [1.0, 0.0]]))
    state = torch.tensor([[1.0, -1.0]])
    assert network.settle(state, update="synchronous", sweeps=9).converged.tolist() == [False]
    assert network.settle(state).converged.tolist() == [True]


def test_a_tie_keeps_the_state() -> None:
    network = HopfieldNetwork(torch.zeros(3, 3))
    state = torch.tensor([[1.0, -1.0, 1.0]])
    for update in ("asynchronous", "synchronous"):
        assert torch.equal(network.settle(state, update=update).states, state)


def test_nonsense_is_refused() -> None:
    patterns = bits(2, 4, 0)
    with pytest.raises(UnknownName, match="hebb"):
        HopfieldNetwork.of(patterns, "heb")
    with pytest.raises(InvalidInput, match="holds 0"):
        HopfieldNetwork.of(patterns * 0)
    with pytest.raises(ShapeMismatch, match="empty"):
        HopfieldNetwork.of(torch.zeros(0, 4))
    with pytest.raises(ShapeMismatch, match="weights"):
        HopfieldNetwork(torch.zeros(2, 3))
    for bad in (torch.eye(3), torch.tensor([[0.0, 1.0], [2.0, 0.0]])):
        with pytest.raises(InvalidInput, match="symmetric"):
            HopfieldNetwork(bad)
    network = HopfieldNetwork.of(patterns)
    with pytest.raises(ShapeMismatch, match="neurons"):
        network.settle(torch.ones(1, 5))
    with pytest.raises(InvalidInput, match="update"):
        network.settle(patterns, update="both")
    with pytest.raises(InvalidInput, match="sweeps"):
        network.settle(patterns, sweeps=0)
