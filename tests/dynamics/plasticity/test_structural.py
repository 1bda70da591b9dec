"""Growing and pruning under a budget."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from neurallayers.dynamics.plasticity import Edges, rewired, structural
from neurallayers.errors import InvalidInput, ShapeMismatch

LAW = settings(max_examples=40, deadline=None, derandomize=True, database=None)


def edges_of(n_senders: int, n_receivers: int, n_edges: int, seed: int) -> Edges:
    draw = torch.Generator().manual_seed(seed)
    pairs = torch.randperm(n_senders * n_receivers, generator=draw)[:n_edges].sort().values
    weights = torch.rand(len(pairs), generator=draw) - 0.3
    return Edges(pairs // n_receivers, pairs % n_receivers, weights)


def pairs_of(edges: Edges, n_receivers: int) -> Tensor:
    return edges.senders * n_receivers + edges.receivers


@given(
    sizes=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    n_edges=st.integers(0, 40),
    seed=st.integers(0, 999),
    prune_below=st.floats(0.0, 0.8),
    budget=st.none() | st.integers(0, 90),
    to_themselves=st.booleans(),
    listed=st.booleans(),
)
@LAW
def test_the_budget_is_kept_and_strong_synapses_stay(
    sizes: tuple[int, int],
    n_edges: int,
    seed: int,
    prune_below: float,
    budget: int | None,
    to_themselves: bool,
    listed: bool,
) -> None:
    """However pairs are drawn: listed, or one by one."""
    edges = edges_of(*sizes, n_edges, seed)
    copies = Edges(*(tensor.clone() for tensor in edges))
    options: dict[str, Any] = {
        "n_senders": sizes[0],
        "n_receivers": sizes[1],
        "seed": seed,
        "prune_below": prune_below,
        "budget": budget,
        "new_weight": 9.0,
        "to_themselves": to_themselves,
    }
    with pytest.MonkeyPatch.context() as patch:
        if not listed:
            patch.setattr(structural._Draw, "pairs", structural._Draw._one_by_one)
        after = rewired(edges, **options)
        again = rewired(edges, **options)
    assert all(torch.equal(one, other) for one, other in zip(edges, copies, strict=True))
    assert all(torch.equal(one, other) for one, other in zip(after, again, strict=True))
    pairs = pairs_of(after, sizes[1])
    assert bool((pairs.diff() > 0).all())
    goal = len(edges.weights) if budget is None else budget
    survivors = int((edges.weights.abs() >= prune_below).sum())
    kept = after.weights != 9.0
    assert int(kept.sum()) == min(survivors, goal)
    old = dict(zip(pairs_of(edges, sizes[1]).tolist(), edges.weights.tolist(), strict=True))
    for pair, weight in zip(pairs[kept].tolist(), after.weights[kept].tolist(), strict=True):
        assert old[pair] == weight
    gone = sorted(abs(w) for p, w in old.items() if p not in set(pairs[kept].tolist()))
    if gone and bool(kept.any()):
        assert gone[-1] <= float(after.weights[kept].abs().min())
    # Grown up to the budget, or until there is no pair left.
    grown = pairs[~kept]
    there = set(pairs[kept].tolist())
    possible = {
        i * sizes[1] + j
        for i in range(sizes[0])
        for j in range(sizes[1])
        if to_themselves or i != j
    } - there
    assert set(grown.tolist()) <= possible
    assert len(grown) == min(goal - len(there), len(possible))


def test_another_seed_grows_other_synapses() -> None:
    edges = edges_of(30, 30, 100, 0)
    grown = [rewired(edges, n_senders=30, n_receivers=30, seed=seed, budget=150) for seed in (1, 2)]
    assert not torch.equal(*(pairs_of(each, 30) for each in grown))


@pytest.mark.parametrize("listed", [True, False])
def test_growth_follows_activity(listed: bool) -> None:
    """The first new synapse joins i and j in proportion to the product of their activities."""
    senders, receivers = torch.tensor([1.0, 3.0, 0.0]), torch.tensor([2.0, 0.0, 1.0, 1.0])
    empty = torch.zeros(0, dtype=torch.int64)
    edges = Edges(empty, empty, torch.zeros(0))
    counts, n = np.zeros((3, 4)), 1500
    with pytest.MonkeyPatch.context() as patch:
        if not listed:
            patch.setattr(structural._Draw, "pairs", structural._Draw._one_by_one)
        for seed in range(n):
            after = rewired(
                edges,
                n_senders=3,
                n_receivers=4,
                seed=seed,
                budget=1,
                sender_activity=senders,
                receiver_activity=receivers,
            )
            counts[after.senders, after.receivers] += 1
    expected = n * np.outer([0.25, 0.75, 0.0], [0.5, 0.0, 0.25, 0.25])
    assert not counts[expected == 0.0].any()
    used = expected > 0.0
    # Chi-square with 5 degrees of freedom: 20.5 is its 0.999 quantile.
    assert float(((counts - expected)[used] ** 2 / expected[used]).sum()) < 20.5


def test_without_activity_nothing_grows() -> None:
    edges = edges_of(5, 5, 10, 0)
    after = rewired(
        edges, n_senders=5, n_receivers=5, seed=0, budget=20, sender_activity=torch.zeros(5)
    )
    assert torch.equal(pairs_of(after, 5), pairs_of(edges, 5))


def test_a_large_sparse_network_is_rewired_without_listing_its_pairs() -> None:
    """10^10 pairs, of which a few thousand are joined."""
    n, n_edges = 100_000, 5000
    draw = torch.Generator().manual_seed(0)
    pairs = torch.randint(n * n, (n_edges,), generator=draw).unique()
    edges = Edges(pairs // n, pairs % n, torch.rand(len(pairs), generator=draw))
    after = rewired(edges, n_senders=n, n_receivers=n, seed=1, prune_below=0.5)
    assert len(after.weights) == len(pairs)
    kept = int((edges.weights >= 0.5).sum())
    assert int(torch.isin(pairs_of(after, n), pairs).sum()) == kept


def test_a_network_may_be_rewired_for_ever() -> None:
    edges = edges_of(20, 20, 80, 0)
    for turn in range(50):
        edges = rewired(edges, n_senders=20, n_receivers=20, seed=turn, prune_below=0.2)
        noise = torch.rand(80, generator=torch.Generator().manual_seed(turn))
        edges = edges._replace(weights=edges.weights * noise)
    assert len(edges.weights) == 80
    assert pairs_of(edges, 20).unique().numel() == 80


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"senders": torch.tensor([0, 5])}, InvalidInput, "senders run from 0 to 5"),
        ({"receivers": torch.tensor([-1, 0])}, InvalidInput, "receivers run from -1 to 0"),
        ({"receivers": torch.tensor([1, 1])}, InvalidInput, "Of 2 edges only 1"),
        ({"weights": torch.zeros(3)}, ShapeMismatch, r"have the shapes \[\(2,\), \(2,\), \(3,\)\]"),
    ],
)
def test_edges_that_cannot_be_are_refused(
    changes: dict[str, Tensor], error: type[Exception], message: str
) -> None:
    edges = Edges(torch.tensor([0, 0]), torch.tensor([0, 1]), torch.ones(2))
    with pytest.raises(error, match=message):
        rewired(edges._replace(**changes), n_senders=2, n_receivers=2, seed=0)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"budget": -1}, InvalidInput, "budget is -1"),
        ({"prune_below": -0.1}, InvalidInput, "prune_below -0.1"),
        ({"new_weight": float("nan")}, InvalidInput, "new_weight nan"),
        ({"sender_activity": torch.ones(3)}, ShapeMismatch, r"sender_activity has the shape \(3"),
        ({"receiver_activity": -torch.ones(2)}, InvalidInput, "receiver_activity reaches from -1"),
    ],
)
def test_bad_options_are_refused(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    edges = Edges(torch.tensor([0, 0]), torch.tensor([0, 1]), torch.ones(2))
    with pytest.raises(error, match=message):
        rewired(edges, n_senders=2, n_receivers=2, seed=0, **options)
