"""Streaming moments: the same as of all vectors at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.memory.dreaming_moments import Moments, main_directions, merged
from neurallayers.seeding import stream

LAW = settings(max_examples=25, deadline=None, derandomize=True, database=None)


def nothing(features: int, rank: int) -> Moments:
    zeros = torch.zeros(features, dtype=torch.float64)
    return Moments(torch.tensor(0), zeros, zeros, zeros.expand(rank, features))


def vectors(count: int, features: int, seed: int, directions: int | None = None) -> torch.Tensor:
    generator = stream(seed, "vectors")
    inner = features if directions is None else directions
    shape = torch.randn(inner, features, generator=generator, dtype=torch.float64)
    return 3.0 + torch.randn(count, inner, generator=generator, dtype=torch.float64) @ shape


@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=6), seed=st.integers(0, 99))
@LAW
def test_pieces_give_the_moments_of_the_whole(sizes: list[int], seed: int) -> None:
    whole = vectors(sum(sizes), 5, seed)
    moments = nothing(5, rank=5)
    for piece in whole.split(sizes):
        moments = merged(moments, piece)
    x = whole.numpy()
    scatter = (x - x.mean(0)).T @ (x - x.mean(0))
    assert int(moments.examples) == len(x)
    np.testing.assert_allclose(moments.mean, x.mean(0), rtol=1e-12)
    np.testing.assert_allclose(moments.scatter, scatter.diagonal(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(
        moments.factors.T @ moments.factors, scatter, rtol=1e-7, atol=1e-9 * scatter.max()
    )


@pytest.mark.parametrize("rank", [2, 3, 6])
def test_a_rank_that_suffices_loses_nothing_over_many_pieces(rank: int) -> None:
    whole = vectors(200, 12, seed=3, directions=2)
    moments = nothing(12, rank)
    for piece in whole.split(7):
        moments = merged(moments, piece)
    x = whole.numpy() - whole.numpy().mean(0)
    np.testing.assert_allclose(moments.factors.T @ moments.factors, x.T @ x, atol=1e-6)


def test_a_rank_that_does_not_suffice_keeps_nearly_the_largest_variance() -> None:
    generator = stream(1, "spectrum")
    scales = 0.7 ** torch.arange(20, dtype=torch.float64)
    whole = torch.randn(400, 20, generator=generator, dtype=torch.float64) * scales
    moments = nothing(20, rank=4)
    for piece in whole.split(10):
        moments = merged(moments, piece)
    best = np.linalg.svd(whole.numpy() - whole.numpy().mean(0), compute_uv=False)[:4]
    found = moments.factors.norm(dim=1).numpy()
    assert np.all(found <= best * (1 + 1e-9))
    assert (found**2).sum() > 0.99 * (best**2).sum()


def test_the_main_directions_are_those_of_the_singular_value_decomposition() -> None:
    rows = vectors(6, 30, seed=5)
    kept = main_directions(rows, 3)
    _, values, axes = np.linalg.svd(rows.numpy(), full_matrices=False)
    np.testing.assert_allclose(kept.norm(dim=1), values[:3], rtol=1e-9)
    cosines = np.abs((kept.numpy() / values[:3, None] * axes[:3]).sum(1))
    np.testing.assert_allclose(cosines, 1.0, rtol=1e-9)


@pytest.mark.parametrize(("rows", "rank", "filled"), [(4, 0, 0), (2, 5, 2), (5, 5, 5)])
def test_missing_directions_are_zero(rows: int, rank: int, filled: int) -> None:
    kept = main_directions(vectors(rows, 8, seed=2), rank)
    assert kept.shape == (rank, 8)
    assert (kept.norm(dim=1) > 1e-6).sum() == filled
