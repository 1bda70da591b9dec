"""Surprise, novelty and importance, against closed forms and scipy."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.memory import bayesian_surprise_bits, importance, novelty, surprise_bits

LAW = settings(max_examples=25, deadline=None, derandomize=True, database=None)


def belief(seed: int, rows: int = 3, options: int = 4) -> torch.Tensor:
    logits = 3 * torch.randn(rows, options, generator=torch.Generator().manual_seed(seed))
    return logits.double().softmax(-1)


@given(seed=st.integers(0, 999))
@LAW
def test_surprise_is_minus_the_logarithm_and_its_mean_the_entropy(seed: int) -> None:
    p = belief(seed)
    bits = torch.stack([surprise_bits(p, torch.full((3,), k)) for k in range(4)], -1)
    assert torch.allclose(bits, -torch.log2(p))
    entropy = stats.entropy(p.numpy(), base=2, axis=-1)
    assert (p * bits).sum(-1).numpy() == pytest.approx(entropy, rel=1e-9)


def test_the_certain_surprises_by_nothing_and_the_impossible_by_the_most() -> None:
    p = torch.tensor([[1.0, 0.0]])
    assert math.copysign(1.0, surprise_bits(p, torch.tensor([0])).item()) == 1.0
    assert surprise_bits(p, torch.tensor([0])).item() == 0.0
    assert surprise_bits(p, torch.tensor([1])).item() == 32.0
    assert surprise_bits(p, torch.tensor([-1]), largest=8.0).item() == 8.0


@given(seed=st.integers(0, 999))
@LAW
def test_bayesian_surprise_is_the_divergence(seed: int) -> None:
    before, after = belief(seed), belief(seed + 1000)
    expected = stats.entropy(after.numpy(), before.numpy(), base=2, axis=-1)
    assert bayesian_surprise_bits(before, after).numpy() == pytest.approx(expected, abs=1e-9)
    assert bayesian_surprise_bits(before, before).tolist() == pytest.approx([0.0] * 3, abs=1e-12)


def test_what_became_possible_is_infinitely_surprising() -> None:
    moved = bayesian_surprise_bits(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.5, 0.5]]))
    assert moved.item() == math.inf


def test_novelty_is_the_distance_to_the_nearest() -> None:
    similarity = torch.tensor([[0.25, 0.75], [-0.5, -1.0]])
    assert novelty(similarity).tolist() == [0.25, 1.0]
    assert novelty(similarity, torch.tensor([[True, False]])).tolist() == [0.75, 1.0]
    assert novelty(torch.zeros(2, 0)).tolist() == [1.0, 1.0]
    with pytest.raises(ShapeMismatch, match="similarities"):
        novelty(torch.zeros(3))


def test_importance_is_a_noisy_or() -> None:
    found = importance(
        torch.tensor([0.0, 2.0]), torch.tensor([0.0, -3.0]), torch.tensor([0.0, 0.5])
    )
    # Reasons 0.75, 1, 0.5 with weights 0.8, 0.8, 0.5.
    assert found.tolist() == pytest.approx([0.0, 1.0 - 0.4 * 0.2 * 0.75])


@given(seed=st.integers(0, 999))
@LAW
def test_importance_grows_with_every_reason_and_stays_in_range(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    bits, reward, novel = torch.rand(3, 5, generator=generator)
    here = importance(10 * bits, reward, novel)
    assert bool(((here >= 0) & (here <= 1)).all())
    for more in (
        importance(10 * bits + 1, reward, novel),
        importance(10 * bits, reward + 0.1, novel),
        importance(10 * bits, reward, novel + 0.1),
    ):
        assert bool((more >= here).all())


def test_nonsense_is_refused() -> None:
    good = torch.tensor([[0.5, 0.5]])
    with pytest.raises(InvalidInput, match="adds up"):
        surprise_bits(torch.tensor([[0.5, 0.6]]), torch.tensor([0]))
    with pytest.raises(InvalidInput, match="adds up"):
        surprise_bits(torch.tensor([[1.5, -0.5]]), torch.tensor([0]))
    with pytest.raises(InvalidInput, match="0 to 1"):
        surprise_bits(good, torch.tensor([2]))
    with pytest.raises(ShapeMismatch, match="happened"):
        surprise_bits(good, torch.tensor([0, 1]))
    with pytest.raises(ShapeMismatch, match="option"):
        surprise_bits(torch.zeros(1, 0), torch.tensor([0]))
    with pytest.raises(ShapeMismatch, match="beliefs"):
        bayesian_surprise_bits(good, torch.tensor([[1.0]]))
    with pytest.raises(InvalidInput, match="surprise_weight"):
        importance(torch.ones(1), surprise_weight=2.0)
    with pytest.raises(ShapeMismatch, match="reward"):
        importance(torch.ones(1), torch.ones(2))
