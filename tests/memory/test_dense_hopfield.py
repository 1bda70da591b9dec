"""Dense associative memory: energy, capacity beyond Hebb's, relation to the classical network."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.memory.test_hopfield import bits, flipped

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.memory import (
    DenseHopfieldNetwork,
    HopfieldNetwork,
    overlap,
    polynomial_capacity,
)
from neurallayers.memory.dense_hopfield import INTERACTIONS

LAW = settings(max_examples=10, deadline=None, derandomize=True, database=None)


@pytest.mark.parametrize("interaction", INTERACTIONS)
@given(seed=st.integers(0, 999), degree=st.integers(2, 5))
@LAW
def test_the_energy_never_rises(interaction: str, seed: int, degree: int) -> None:
    network = DenseHopfieldNetwork(bits(30, 20, seed), interaction, degree=degree)
    state = bits(4, 20, seed + 1)
    energy = network.energy(state)
    for sweep in range(4):
        state = network.settle(state, sweeps=1, seed=sweep).states
        assert bool((network.energy(state) <= energy + 1e-9).all())
        energy = network.energy(state)


def test_of_degree_two_it_is_the_classical_network() -> None:
    patterns, state = bits(5, 40, 0), bits(6, 40, 1)
    dense = DenseHopfieldNetwork(patterns, "polynomial", degree=2).settle(state, seed=3)
    classical = HopfieldNetwork.of(patterns).settle(state, seed=3)
    assert torch.equal(dense.states, classical.states)


@pytest.mark.parametrize(("interaction", "degree"), [("rectified", 3), ("polynomial", 4)])
def test_patterns_within_the_published_capacity_are_stable(interaction: str, degree: int) -> None:
    neurons = 40
    count = min(400, int(polynomial_capacity(neurons, degree)))
    assert count > 2 * 0.138 * neurons
    patterns = bits(count, neurons, 4)
    settled = DenseHopfieldNetwork(patterns, interaction, degree=degree).settle(patterns)
    # The bound is for N to infinity; at 40 neurons a few bits may be lost.
    assert float(overlap(settled.states, patterns).mean()) > 0.995


def test_the_exponential_network_holds_many_times_its_neurons() -> None:
    patterns = bits(1000, 40, 5)
    settled = DenseHopfieldNetwork(patterns, "exponential").settle(flipped(patterns, 0.1, 6)[:50])
    assert float(overlap(settled.states, patterns[:50]).mean()) > 0.97
    assert bool(settled.converged.all())


def test_large_networks_do_not_overflow() -> None:
    patterns = bits(3, 1500, 7)
    network = DenseHopfieldNetwork(patterns, "exponential")
    assert network.energy(patterns).tolist() == [-1500.0] * 3
    assert torch.equal(network.settle(flipped(patterns, 0.2, 8), sweeps=1).states, patterns)


def test_nonsense_is_refused() -> None:
    patterns = bits(2, 4, 0)
    with pytest.raises(InvalidInput, match="interaction"):
        DenseHopfieldNetwork(patterns, "cubic")
    with pytest.raises(InvalidInput, match="degree"):
        DenseHopfieldNetwork(patterns, degree=1)
    with pytest.raises(InvalidInput, match="patterns holds"):
        DenseHopfieldNetwork(patterns * 2)
    with pytest.raises(ShapeMismatch, match="neurons"):
        DenseHopfieldNetwork(patterns).energy(torch.ones(1, 5))
    with pytest.raises(InvalidInput, match="sweeps"):
        DenseHopfieldNetwork(patterns).settle(patterns, sweeps=0)
