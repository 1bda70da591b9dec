"""The store that grows: it finds what a plain search finds, and forgets for good."""

from __future__ import annotations

import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.memory import AssociativeStore


def gaussian(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_recall_finds_the_nearest_by_cosine() -> None:
    keys, queries = gaussian(500, 16, seed=0), gaussian(20, 16, seed=1)
    store = AssociativeStore(16)
    for part in keys.split(77):
        store.add(part)
    found = store.recall(queries, most=5)
    distance, ids = NearestNeighbors(n_neighbors=5, metric="cosine").fit(keys).kneighbors(queries)
    assert found.ids.tolist() == ids.tolist()
    assert (1.0 - found.similarity).numpy() == pytest.approx(distance, abs=1e-5)
    assert len(store) == 500


def test_weights_and_pattern_are_those_of_a_modern_hopfield_network() -> None:
    store = AssociativeStore(2, sharpness=2.0)
    store.add(torch.tensor([[3.0, 0.0], [0.0, 1.0]]))
    found = store.recall(torch.tensor([[1.0, 0.0]]), most=2)
    weights = torch.softmax(torch.tensor([2.0, 0.0]), -1)
    assert torch.allclose(found.weights[0], weights)
    assert torch.allclose(found.pattern[0], weights)


def test_what_is_forgotten_is_not_found_and_its_number_not_given_again() -> None:
    store = AssociativeStore(3)
    ids = store.add(torch.eye(3))
    store.forget(ids[1:2])
    store.forget(ids[1:2])
    assert len(store) == 2
    assert store.recall(torch.eye(3)[1:2], most=3).ids.tolist() == [[0, 2, -1]]
    assert store.add(torch.eye(3)[1:2]).tolist() == [3]


def test_an_empty_store_finds_nothing() -> None:
    found = AssociativeStore(3).recall(torch.ones(2, 3), most=2)
    assert found.ids.tolist() == [[-1, -1], [-1, -1]]
    assert not bool(found.pattern.any())
    assert AssociativeStore(3).recall(torch.ones(0, 3)).ids.shape == (0, 3)


def test_nonsense_is_refused() -> None:
    store = AssociativeStore(3)
    with pytest.raises(ShapeMismatch, match="keys"):
        store.add(torch.ones(1, 4))
    with pytest.raises(InvalidInput, match="most"):
        store.recall(torch.ones(1, 3), most=0)
    with pytest.raises(InvalidInput, match="ids"):
        store.forget(torch.tensor([0]))
    with pytest.raises(InvalidInput, match="key_size"):
        AssociativeStore(0)
