"""The modern network against its equations, its theorems and torch's own attention."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.memory import HopfieldLayer, ModernHopfieldNetwork
from neurallayers.memory.modern_hopfield import SIMILARITIES

LAW = settings(max_examples=15, deadline=None, derandomize=True, database=None)


def gaussian(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_a_step_is_the_published_update() -> None:
    patterns, query = gaussian(7, 5, seed=0), gaussian(3, 5, seed=1)
    found = ModernHopfieldNetwork(patterns, beta=0.7).retrieve(query)
    weights = torch.exp(0.7 * query @ patterns.T)
    weights = weights / weights.sum(-1, keepdim=True)
    assert torch.allclose(found.weights, weights, atol=1e-6)
    assert torch.allclose(found.pattern, weights @ patterns, atol=1e-6)


def test_the_energy_is_the_published_one() -> None:
    patterns, state = gaussian(7, 5, seed=0).double(), gaussian(2, 5, seed=1).double()
    found = ModernHopfieldNetwork(patterns, beta=0.7).energy(state)
    for row, value in zip(state, found, strict=True):
        lse = math.log(sum(math.exp(0.7 * float(x @ row)) for x in patterns)) / 0.7
        radius = max(float(x @ x) for x in patterns)
        expected = -lse + 0.5 * float(row @ row) + math.log(7) / 0.7 + 0.5 * radius
        assert float(value) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("similarity", SIMILARITIES)
@given(seed=st.integers(0, 999), beta=st.sampled_from([0.1, 1.0, 4.0, 30.0]))
@LAW
def test_the_energy_never_rises(similarity: str, seed: int, beta: float) -> None:
    patterns, query = gaussian(12, 6, seed=seed).double(), gaussian(5, 6, seed=seed + 1).double()
    network = ModernHopfieldNetwork(patterns, beta, similarity=similarity)
    trail = [query, *(network.retrieve(query, steps=n).pattern for n in range(1, 6))]
    if similarity == "cosine":
        # What moves is the state at length one, in the mixture of unit patterns.
        units = ModernHopfieldNetwork(
            functional.normalize(patterns, dim=-1), beta, similarity="cosine"
        )
        trail = [query, *(units.retrieve(query, steps=n).pattern for n in range(1, 6))]
    energies = torch.stack([network.energy(state) for state in trail])
    assert bool((energies.diff(dim=0) <= 1e-9).all())
    if similarity == "dot":
        # Between 0 and 2 R^2, for states among the patterns (Ramsauer et al., lemma A1).
        assert bool((energies[1:] >= 0.0).all())


def test_steps_are_steps() -> None:
    network = ModernHopfieldNetwork(gaussian(6, 4, seed=0), beta=0.5)
    once = network.retrieve(gaussian(2, 4, seed=1))
    assert torch.allclose(
        network.retrieve(gaussian(2, 4, seed=1), steps=2).pattern,
        network.retrieve(once.pattern).pattern,
    )


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_thousands_of_noisy_patterns_are_found_in_one_step(similarity: str) -> None:
    """4,000 patterns of 64 components with noise of 0.5: every one is the nearest, and clean."""
    patterns = gaussian(4000, 64, seed=2)
    query = patterns + 0.5 * gaussian(4000, 64, seed=3)
    found = ModernHopfieldNetwork(patterns, similarity=similarity).retrieve(query)
    assert torch.equal(found.weights.argmax(-1), torch.arange(4000))
    error = (found.pattern - patterns).norm(dim=-1) / patterns.norm(dim=-1)
    # The noise of the query is half of the length of a pattern.
    assert float(error.median()) < 0.01


@pytest.mark.parametrize("length", [1e-3, 1.0, 1e3])
def test_the_usual_sharpness_suits_patterns_of_any_length(length: float) -> None:
    patterns = functional.normalize(gaussian(1000, 64, seed=2), dim=-1) * length
    query = patterns + 0.5 * length / 8.0 * gaussian(1000, 64, seed=3)
    network = ModernHopfieldNetwork(patterns)
    assert network.beta * length**2 == pytest.approx(4.0 * math.log(1000), rel=1e-3)
    found = network.retrieve(query)
    assert torch.equal(found.weights.argmax(-1), torch.arange(1000))
    assert float((found.pattern - patterns).norm(dim=-1).median()) < 0.01 * length
    assert ModernHopfieldNetwork(torch.zeros(3, 2)).beta == 1.0


def test_lengths_do_not_outbid_in_the_euclidean_and_the_cosine_network() -> None:
    patterns = torch.tensor([[1.0, 0.0], [0.9, 9.0]])
    query = torch.tensor([[1.0, 0.3]])
    chosen = {
        kind: int(
            ModernHopfieldNetwork(patterns, 5.0, similarity=kind).retrieve(query).weights.argmax()
        )
        for kind in SIMILARITIES
    }
    assert chosen == {"dot": 1, "euclidean": 0, "cosine": 0}


def test_well_separated_patterns_are_fixed_points_to_the_published_bound() -> None:
    patterns = 4 * functional.normalize(gaussian(20, 30, seed=4), dim=-1)
    network = ModernHopfieldNetwork(patterns, beta=2.0)
    error = (network.retrieve(patterns).pattern - patterns).norm(dim=-1)
    # Theorem 5: 2 (N - 1) exp(-beta (Delta - ...)) M, here with the state at the pattern itself.
    bound = 2 * 19 * torch.exp(-2.0 * network.separation()) * 4
    assert bool((error <= bound).all())


def test_separation_is_the_gap_to_the_next() -> None:
    network = ModernHopfieldNetwork(torch.tensor([[2.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    assert network.separation().tolist() == [2.0, 0.0, 0.0]
    assert ModernHopfieldNetwork(torch.ones(1, 2)).separation().tolist() == [math.inf]


# -------------------------------------------------------------------------------- the layer


def test_a_layer_is_attention() -> None:
    layer = HopfieldLayer(6, 5, 4, seed=1)
    states, stored = gaussian(2, 3, 6, seed=0), gaussian(2, 7, 6, seed=1)
    keys = stored @ layer.key_weight.T
    expected = functional.scaled_dot_product_attention(
        states @ layer.query_weight.T, keys, keys @ layer.value_weight.T
    )
    assert torch.allclose(layer(states, stored), expected, atol=1e-6)


def test_a_masked_pattern_is_as_if_it_were_not_there() -> None:
    layer = HopfieldLayer(6, steps=2)
    states, stored = gaussian(2, 3, 6, seed=0), gaussian(2, 7, 6, seed=1)
    mask = torch.arange(7) < torch.tensor([[4], [0]])
    answers = layer(states, stored, mask)
    assert torch.allclose(answers[0], layer(states[:1], stored[:1, :4])[0], atol=1e-6)
    assert not bool(answers[1].any())
    answers.sum().backward()
    assert all(bool(p.grad.isfinite().all()) for p in layer.parameters() if p.grad is not None)


def test_gradients_reach_every_weight_and_are_right() -> None:
    layer = HopfieldLayer(3, steps=2, seed=2).double()
    states, stored = gaussian(1, 2, 3, seed=0).double(), gaussian(1, 4, 3, seed=1).double()
    layer(states, stored).square().sum().backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in layer.parameters())
    assert torch.autograd.gradcheck(layer, (states.requires_grad_(), stored.requires_grad_()))


def test_a_layer_learns_to_look_up() -> None:
    """Stored pairs of a sign and a value: the value of the asked sign is to be given."""
    generator = torch.Generator().manual_seed(0)
    layer = HopfieldLayer(8, 8, 4, seed=0)
    optimiser = torch.optim.Adam(layer.parameters(), lr=0.02)
    for _ in range(120):
        signs = torch.stack(
            [torch.eye(4)[torch.randperm(4, generator=generator)] for _ in range(16)]
        )
        values = torch.eye(4)[torch.randint(0, 4, (16, 4), generator=generator)]
        asked = torch.cat([signs[:, :1], torch.zeros(16, 1, 4)], -1)
        answers = layer(asked, torch.cat([signs, values], -1))[:, 0]
        loss = functional.mse_loss(answers, values[:, 0])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.02
    assert float((answers.argmax(-1) == values[:, 0].argmax(-1)).float().mean()) == 1.0


def test_seeds_make_layers() -> None:
    one, same, other = HopfieldLayer(4, seed=1), HopfieldLayer(4, seed=1), HopfieldLayer(4, seed=2)
    assert torch.equal(one.key_weight, same.key_weight)
    assert not torch.equal(one.key_weight, other.key_weight)
    assert not torch.equal(one.key_weight, one.query_weight)
    assert float(HopfieldLayer(4).beta.detach()) == pytest.approx(0.5)
    assert not HopfieldLayer(4, learn_beta=False).log_beta.requires_grad


def test_nonsense_is_refused() -> None:
    with pytest.raises(InvalidInput, match="similarity"):
        ModernHopfieldNetwork(torch.ones(1, 2), similarity="l1")
    with pytest.raises(InvalidInput, match="beta"):
        ModernHopfieldNetwork(torch.ones(1, 2), beta=0.0)
    with pytest.raises(ShapeMismatch, match="no pattern"):
        ModernHopfieldNetwork(torch.ones(0, 2))
    network = ModernHopfieldNetwork(torch.ones(1, 2))
    with pytest.raises(ShapeMismatch, match="query"):
        network.retrieve(torch.ones(1, 3))
    with pytest.raises(InvalidInput, match="steps"):
        network.retrieve(torch.ones(1, 2), steps=0)
    with pytest.raises(ShapeMismatch, match="stored"):
        HopfieldLayer(3)(torch.ones(1, 2, 3), torch.ones(2, 2, 3))
    with pytest.raises(ShapeMismatch, match="mask"):
        HopfieldLayer(3)(torch.ones(1, 2, 3), torch.ones(1, 2, 3), torch.ones(1, 3) > 0)
