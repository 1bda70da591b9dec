"""Semantic memory: prototypes, typicality, associations, room for new classes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from neurallayers import state as states
from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.memory import Concepts, SemanticMemory

LAW = settings(max_examples=15, deadline=None, derandomize=True, database=None)


def memory(**options: Any) -> SemanticMemory:
    return SemanticMemory(**{"key_size": 4, "prototypes": 3, **options})


def learned(which: SemanticMemory, *lessons: tuple[Tensor, int]) -> Concepts:
    concepts = which.initial_state()
    for key, what in lessons:
        concepts = which.learn(concepts, key[None], what).concepts
    return concepts


def axis(index: int, size: int = 4) -> Tensor:
    return torch.eye(size)[index]


@given(seed=st.integers(0, 999), count=st.integers(1, 12))
@LAW
def test_a_prototype_is_the_mean_and_variance_of_its_keys(seed: int, count: int) -> None:
    which = memory(vigilance=0.0, normalise=False)
    generator = torch.Generator().manual_seed(seed)
    keys, weights = (torch.randn(count, 4, generator=generator) for _ in range(2))
    weights = weights[:, 0].abs() + 0.1
    concepts = which.initial_state()
    for key, weight in zip(keys, weights, strict=True):
        concepts = which.learn(concepts, key[None], 7, float(weight)).concepts
    x, w = keys.double().numpy(), weights.double().numpy()
    mean = np.average(x, axis=0, weights=w)
    variance = np.average((x - mean) ** 2, axis=0, weights=w)
    assert concepts.mean[0, 0].tolist() == pytest.approx(mean, abs=1e-5)
    assert concepts.variance[0, 0].tolist() == pytest.approx(variance, abs=1e-5)
    assert concepts.examples[0].tolist() == pytest.approx([w.sum(), 0.0, 0.0], rel=1e-5)
    assert concepts.what[0].tolist() == [7, -1, -1]


def test_typicality_is_what_the_equation_says() -> None:
    which = memory(normalise=False, spread=0.5, prior_count=4.0)
    concepts = learned(which, (torch.zeros(4), 1), (torch.tensor([0.2, 0.0, 0.0, 0.0]), 1))
    found = which.recognise(concepts, torch.tensor([[0.6, 0.5, 0.0, 0.0]]), most=1)
    # Two keys of mean 0.1 and variance 0.01 in the first dimension; the prior of 0.25 is worth 4.
    first, others = (2 * 0.01 + 4 * 0.25) / 6, 4 * 0.25 / 6
    squares = 0.5**2 / first + 0.5**2 / others
    assert found.typicality.item() == pytest.approx(math.exp(-squares / 8), rel=1e-5)
    assert found.distance.item() == pytest.approx(math.hypot(0.5, 0.5), rel=1e-5)


def test_a_key_is_most_typical_at_its_prototype() -> None:
    which = memory(prototypes=1, vigilance=0.0)
    lessons = [(axis(0) + 0.3 * axis(k), 1) for k in range(1, 4)]
    concepts = learned(which, *lessons)
    centre = which.recognise(concepts, concepts.mean[:, 0])
    for key, _ in lessons:
        assert which.recognise(concepts, key[None]).typicality[0, 0] < centre.typicality[0, 0]
    assert centre.typicality[0, 0] > 0.99


def test_untypical_keys_found_concepts_of_their_own_while_there_is_room() -> None:
    which = memory()
    concepts = learned(which, *((axis(k), 1) for k in range(4)))
    assert concepts.examples[0].tolist() == [2.0, 1.0, 1.0]
    same = learned(which, (axis(0), 1), (axis(0) + 0.1 * axis(1), 1))
    assert same.examples[0].tolist() == [2.0, 0.0, 0.0]


def test_classes_never_share_a_concept() -> None:
    concepts = learned(memory(), (axis(0), 1), (axis(0), 2), (axis(0), 1))
    assert concepts.what[0].tolist() == [1, 2, -1]
    assert concepts.examples[0].tolist() == [2.0, 1.0, 0.0]


def test_a_new_class_finds_room_by_merging_the_nearest_of_one_class() -> None:
    which = memory(prototypes=3, vigilance=0.9)
    near = axis(0) + 0.5 * axis(1)
    concepts = learned(which, (axis(0), 1), (near, 1), (axis(3), 1))
    concepts = which.associate(concepts, torch.tensor([0]), torch.tensor([2]))
    concepts = which.associate(concepts, torch.tensor([1]), torch.tensor([2]))
    after = which.learn(concepts, axis(2)[None], 2)
    assert bool(after.founded)
    assert after.concepts.what[0].tolist() == [1, 2, 1]
    assert after.concepts.examples[0].tolist() == [2.0, 1.0, 1.0]
    middle = 0.5 * (concepts.mean[0, 0] + concepts.mean[0, 1])
    apart = concepts.mean[0, 1] - concepts.mean[0, 0]
    assert torch.allclose(after.concepts.mean[0, 0], middle)
    assert torch.allclose(after.concepts.variance[0, 0], 0.25 * apart.square())
    assert after.concepts.associations[0, 0, 2] == 2.0


def test_where_no_class_has_two_the_one_learned_from_least_goes() -> None:
    which = memory(prototypes=2)
    concepts = learned(which, (axis(0), 1), (axis(0), 1), (axis(1), 2))
    after = which.learn(concepts, axis(2)[None], 3).concepts
    assert after.what[0].tolist() == [1, 3]


def test_strength_of_a_key_does_not_count_unless_asked() -> None:
    for normalise, examples in ((True, [2.0, 0.0, 0.0]), (False, [1.0, 1.0, 0.0])):
        concepts = learned(memory(normalise=normalise), (axis(0), 1), (100 * axis(0), 1))
        assert concepts.examples[0].tolist() == examples


def test_recognition_names_the_nearest_first_and_no_free_slot() -> None:
    which = memory()
    concepts = learned(which, (axis(0), 5), (axis(1), 6))
    found = which.recognise(concepts, (0.2 * axis(0) + axis(1))[None], most=3)
    assert found.what.tolist() == [[6, 5, -1]]
    assert found.slots.tolist() == [[1, 0, -1]]
    assert found.typicality[0, 2] == 0.0
    assert found.distance[0, 2] == math.inf
    nothing = which.recognise(which.initial_state(), axis(0)[None])
    assert nothing.slots.tolist() == [[-1, -1, -1]]


def test_home_says_where_a_key_would_go() -> None:
    which = memory()
    concepts = learned(which, (axis(0), 5), (axis(1), 6))
    assert which.home(concepts, axis(0)[None], 5).tolist() == [0]
    assert which.home(concepts, axis(1)[None], 5).tolist() == [-1]
    assert which.home(concepts, axis(0)[None], 9).tolist() == [-1]


def test_followers_are_the_frequencies_of_what_followed() -> None:
    which = memory()
    concepts = learned(which, (axis(0), 1), (axis(1), 2), (axis(2), 3))
    for later in (1, 1, 1, 2):
        concepts = which.associate(concepts, torch.tensor([0]), torch.tensor([later]))
    assert which.followers(concepts, torch.tensor([0])).tolist() == [[0.0, 0.75, 0.25]]
    assert which.followers(concepts, torch.tensor([1])).tolist() == [[0.0, 0.0, 0.0]]
    assert which.followers(concepts, torch.tensor([-1])).tolist() == [[0.0, 0.0, 0.0]]
    same = which.associate(concepts, torch.tensor([-1]), torch.tensor([1]))
    assert torch.equal(same.associations, concepts.associations)


def test_only_concepts_that_there_are_become_associated() -> None:
    which = memory()
    concepts = which.associate(which.initial_state(), torch.tensor([0]), torch.tensor([1]))
    assert not bool(concepts.associations.any())


def test_a_forgotten_concept_leaves_no_association() -> None:
    which = memory()
    concepts = learned(which, (axis(0), 1), (axis(1), 2), (axis(2), 3))
    for pair in ((0, 1), (1, 2), (2, 0)):
        concepts = which.associate(concepts, *(torch.tensor([each]) for each in pair))
    after = which.forget(concepts, which.by_what(concepts, 2))
    assert after.what[0].tolist() == [1, -1, 3]
    assert after.associations[0].nonzero().tolist() == [[2, 0]]
    assert not bool(after.mean[0, 1].any())


def test_nothing_is_learned_with_weight_zero() -> None:
    which = memory()
    before = learned(which, (axis(0), 1))
    after = which.learn(before, axis(1)[None], 2, 0.0)
    assert all(torch.equal(a, b) for a, b in zip(before, after.concepts, strict=True))
    assert (after.slots.tolist(), after.founded.tolist()) == ([-1], [False])


@given(seed=st.integers(0, 999), row=st.integers(0, 2))
@LAW
def test_a_row_never_meets_its_neighbours(seed: int, row: int) -> None:
    which, generator = memory(), torch.Generator().manual_seed(seed)
    together, alone = which.initial_state(3), which.initial_state(1)
    for _ in range(8):
        keys = torch.randn(3, 4, generator=generator)
        what = torch.randint(0, 4, (3,), generator=generator)
        together = which.learn(together, keys, what).concepts
        alone = which.learn(alone, keys[row : row + 1], what[row : row + 1]).concepts
    both = (states.gather(together, [row]), alone)
    assert all(torch.equal(a, b) for a, b in zip(*both, strict=True))


@pytest.mark.parametrize(
    "options",
    [
        {"key_size": 0},
        {"prototypes": 0},
        {"vigilance": 1.5},
        {"spread": 0.0},
        {"prior_count": 0.0},
    ],
    ids=lambda options: next(iter(options)),
)
def test_options_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(options))):
        memory(**options)


def test_nonsense_is_refused() -> None:
    which = memory()
    concepts = which.initial_state()
    with pytest.raises(ShapeMismatch, match="key"):
        which.learn(concepts, torch.ones(1, 5))
    with pytest.raises(InvalidInput, match="weight"):
        which.learn(concepts, torch.ones(1, 4), 1, -1.0)
    with pytest.raises(ShapeMismatch, match="prototypes and key"):
        memory(prototypes=5).recognise(concepts, torch.ones(1, 4))
    with pytest.raises(InvalidInput, match="bool"):
        which.forget(concepts, torch.ones(1, 3))
    with pytest.raises(ShapeMismatch, match="slots"):
        which.followers(concepts, torch.tensor([[0]]))
    with pytest.raises(InvalidInput, match="0 to 2"):
        which.followers(concepts, torch.tensor([3]))
