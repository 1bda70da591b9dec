"""The memory that dreams: its dreams have the moments of what was seen."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from torch import Tensor

from neurallayers import state as states
from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.memory.dreaming import DreamingMemory, DreamingState
from neurallayers.seeding import stream

LAW = settings(max_examples=20, deadline=None, derandomize=True, database=None)


def memory(**options: Any) -> DreamingMemory:
    usual = {"labels": 3, "prototypes_per_class": 4, "rank": 2, "examples_per_prototype": 2}
    return DreamingMemory(6, **{**usual, **options})


def seen(count: int, seed: int = 0, features: int = 6, labels: int = 2) -> tuple[Tensor, Tensor]:
    """Correlated clouds, one for each label, ``[1, n, feature]`` and ``[1, n]``."""
    generator = stream(seed, "seen")
    shape = torch.randn(labels, features, features, generator=generator)
    centre = 4.0 * torch.randn(labels, features, generator=generator)
    of = torch.arange(count) % labels
    cloud = torch.einsum("nf,nfg->ng", torch.randn(count, features, generator=generator), shape[of])
    return (centre[of] + cloud)[None], of[None]


def learned(which: DreamingMemory, count: int = 60, seed: int = 0) -> DreamingState:
    return which.observe(which.initial_state(), *seen(count, seed))


def test_dreams_have_the_moments_of_what_was_seen() -> None:
    which = memory(prototypes_per_class=1, rank=6, prior_count=0.0)
    features, labels = seen(300)
    state = which.observe(which.initial_state(), features, labels)
    dreams = which.dream(state, 1, 40_000, counter=0).features[0].double().numpy()
    x = features[0][labels[0] == 1].double().numpy()
    covariance = np.cov(x.T)
    error = np.sqrt(np.diag(covariance) / len(dreams))
    assert np.all(np.abs(dreams.mean(0) - x.mean(0)) < 5 * error)
    # The error of a covariance of normal numbers: Anderson (2003), section 3.4.
    spread = np.sqrt((np.outer(np.diag(covariance), np.diag(covariance)) + covariance**2) / 40_000)
    assert np.all(np.abs(np.cov(dreams.T) - covariance) < 5 * spread)


@pytest.mark.parametrize("rank", [0, 1, 3])
def test_no_rank_changes_the_variance_of_a_dimension(rank: int) -> None:
    which = memory(prototypes_per_class=1, rank=rank, prior_count=0.0)
    features, labels = seen(300)
    state = which.observe(which.initial_state(), features, labels)
    dreams = which.dream(state, 0, 40_000, counter=1).features[0]
    expected = features[0][labels[0] == 0].var(0)
    assert torch.allclose(dreams.var(0), expected, rtol=0.05)


def test_prototypes_are_dreamt_of_as_often_as_they_were_met() -> None:
    which = DreamingMemory(1, labels=1, prototypes_per_class=2, rank=0, examples_per_prototype=1)
    values = torch.tensor([-9.0, 9.0, *([9.0] * 6), -9.0, 9.0]).reshape(1, -1, 1)
    state = which.observe(which.initial_state(), values, torch.zeros(1, 10, dtype=torch.int64))
    assert sorted(state.examples[0, 0].tolist()) == [2, 8]
    dreams = which.dream(state, 0, 10_000, counter=0).features
    # Five standard errors of a share of 0.8.
    assert float((dreams > 0).float().mean()) == pytest.approx(0.8, abs=5 * 0.004)


def test_the_density_is_that_of_the_mixture_computed_elsewhere() -> None:
    which = memory(prior_count=0.5, noise_floor=1e-9)
    state = learned(which, 80)
    at = seen(5, seed=9)[0]
    found = which.log_likelihood(state, at)[0]
    numbers = [tensor[0].double().numpy() for tensor in state]
    everywhere = numbers[2].sum((0, 1)) / (numbers[0].sum() - 8)
    for label in range(2):
        count, mean, scatter, factors = (tensor[label] for tensor in numbers)
        total = (scatter.sum(0) + 0.5 * everywhere) / (count.sum() - 4 + 0.5)
        density = np.zeros(5)
        for j in range(4):
            common = factors[j].T @ factors[j] / (count[j] - 0.5)
            variance = (scatter[j] + 0.5 * total) / (count[j] - 0.5)
            covariance = common + np.diag(variance - np.diag(common))
            normal = multivariate_normal(mean[j], covariance)
            density += count[j] / count.sum() * normal.pdf(at[0].double().numpy())
        np.testing.assert_allclose(found[:, label], np.log(density), rtol=1e-3, atol=1e-3)
    assert bool((found[:, 2] == -math.inf).all())


def test_one_full_prototype_recognises_as_quadratic_discriminant_analysis_does() -> None:
    which = memory(labels=4, prototypes_per_class=1, rank=6, prior_count=0.0, noise_floor=1e-6)
    features, labels = seen(400, seed=2, labels=4)
    state = which.observe(which.initial_state(dtype=torch.float64), features, labels)
    tests = features[0] + 3.0 * torch.randn(400, 6, generator=stream(4, "tests"))
    oracle = QuadraticDiscriminantAnalysis(priors=[0.25] * 4, tol=1e-12)
    expected = oracle.fit(features[0], labels[0]).predict(tests)
    assert len(set(expected.tolist())) == 4
    assert which.recognise(state, tests[None])[0].tolist() == expected.tolist()


def test_a_memory_that_knows_nothing_recognises_nothing() -> None:
    which = memory()
    assert which.recognise(which.initial_state(), seen(3)[0]).tolist() == [[-1, -1, -1]]


@given(count=st.integers(2, 60), seed=st.integers(0, 99), prototypes=st.integers(1, 7))
@LAW
def test_mean_and_number_of_a_class_are_exact_however_many_prototypes(
    count: int, seed: int, prototypes: int
) -> None:
    which = memory(prototypes_per_class=prototypes)
    features, labels = seen(count, seed)
    state = which.observe(which.initial_state(dtype=torch.float64), features, labels)
    for label in range(2):
        x = features[0][labels[0] == label].double()
        n = state.examples[0, label]
        assert int(n.sum()) == len(x)
        assert torch.allclose((n[:, None] * state.mean[0, label]).sum(0) / len(x), x.mean(0))
        # Variance within and between the prototypes is all the variance there is.
        between = (n[:, None] * (state.mean[0, label] - x.mean(0)).square()).sum(0)
        total = state.scatter[0, label].sum(0) + between
        assert torch.allclose(total, (x - x.mean(0)).square().sum(0))


def test_prototypes_are_founded_one_by_one_as_a_class_is_met() -> None:
    which = memory(examples_per_prototype=8)
    features = seen(40, labels=1)[0]
    labels = torch.zeros(1, 40, dtype=torch.int64)
    state, used = which.initial_state(), []
    for i in range(40):
        state = which.observe(state, features[:, i : i + 1], labels[:, i : i + 1])
        used.append(int((state.examples[0, 0] > 0).sum()))
    assert used == [1] * 8 + [2] * 8 + [3] * 8 + [4] * 16


def test_what_was_seen_once_is_dreamt_of_with_its_surroundings() -> None:
    which = memory()
    once = torch.cat([seen(60)[0], torch.full((1, 1, 6), 50.0)], dim=1)
    labels = torch.cat([seen(60)[1], torch.tensor([[2]])], dim=1)
    state = which.observe(which.initial_state(), once, labels)
    dreams = which.dream(state, 2, 5_000, counter=0).features[0]
    assert torch.allclose(dreams.mean(0), torch.full((6,), 50.0), atol=0.3)
    within = state.scatter[0].sum((0, 1)) / (60 - 8)
    assert torch.allclose(dreams.var(0), within, rtol=0.1)


def test_dreams_depend_on_seed_and_counter_and_on_nothing_else() -> None:
    which = memory()
    state = learned(which)
    night = which.dream(state, None, 9, counter=4, seed=2)
    again = which.dream(state, None, 9, counter=4, seed=2)
    assert torch.equal(night.features, again.features)
    for other in (which.dream(state, None, 9, 5, seed=2), which.dream(state, None, 9, 4, seed=3)):
        assert not bool((night.features == other.features).any())
    longer = which.dream(state, None, 20, counter=4, seed=2)
    assert torch.equal(longer.labels[:, :9], night.labels)
    assert torch.allclose(longer.features[:, :9], night.features, atol=1e-5)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [(None, [0, 1, 0, 1, 0]), (1, [1] * 5), ([1, 0], [1, 0, 1, 0, 1]), ([0], [0] * 5)],
)
def test_labels_are_dreamt_of_in_turn(asked: Any, expected: list[int]) -> None:
    which = memory()
    assert which.dream(learned(which), asked, 5, counter=0).labels.tolist() == [expected]


def test_a_row_is_the_same_whoever_its_neighbours() -> None:
    which = memory()
    rows = [seen(50, seed) for seed in (1, 2, 3)]
    features, labels = (torch.cat(parts) for parts in zip(*rows, strict=True))
    together = which.observe(which.initial_state(3), features, labels)
    counter, seed = torch.tensor([5, 6, 7]), torch.tensor([1, 2, 3])
    dreams = which.dream(together, None, 10, counter, seed=seed)
    for i, (own_features, own_labels) in enumerate(rows):
        alone = which.observe(which.initial_state(), own_features, own_labels)
        row = states.gather(together, [i])
        for mine, theirs in zip(alone, row, strict=True):
            assert torch.equal(mine, theirs)
        dream = which.dream(alone, None, 10, counter[i : i + 1], seed=seed[i : i + 1])
        assert torch.equal(dream.features[0], dreams.features[i])


def test_the_state_given_stays_as_it_was_and_can_be_stored() -> None:
    which = memory()
    state = learned(which)
    before = states.clone(state)
    after = which.observe(state, *seen(10, seed=5))
    for mine, kept in zip(state, before, strict=True):
        assert torch.equal(mine, kept)
    stored = states.from_named(which.initial_state(), states.to_named(after))
    assert torch.equal(
        which.dream(stored, None, 5, counter=0).features,
        which.dream(after, None, 5, counter=0).features,
    )


def test_a_label_of_minus_one_is_passed_over() -> None:
    which = memory()
    features, labels = seen(30)
    labels[0, ::3] = -1
    kept = labels[0] >= 0
    state = which.observe(which.initial_state(), features, labels)
    only = which.observe(which.initial_state(), features[:, kept], labels[:, kept])
    for mine, theirs in zip(state, only, strict=True):
        assert torch.equal(mine, theirs)
    nobody = which.observe(state, features[:, :0], labels[:, :0])
    assert torch.equal(nobody.mean, state.mean)


def test_a_forgotten_label_leaves_no_trace_and_the_others_untouched() -> None:
    which = memory()
    features, labels = seen(40)
    state = which.forget(which.observe(which.initial_state(), features, labels), 0)
    never = which.observe(which.initial_state(), features, labels.masked_fill(labels == 0, -1))
    for mine, theirs in zip(state, never, strict=True):
        assert torch.equal(mine, theirs)
    assert which.examples(state).tolist() == [[0, 20, 0]]
    with pytest.raises(InvalidInput, match="asked to dream of labels \\[0\\]"):
        which.dream(state, 0, 1, counter=0)


def test_there_can_be_made_room_for_more_labels() -> None:
    which = memory()
    grown = which.grow(learned(which), 5)
    more = which.observe(grown, seen(4, seed=8)[0], torch.tensor([[4, 4, 4, 4]]))
    assert which.examples(more).tolist() == [[30, 30, 0, 0, 4]]
    before, after = which.dream(learned(which), 0, 3, 0), which.dream(more, 0, 3, 0)
    assert torch.allclose(before.features, after.features, atol=0.3)
    with pytest.raises(InvalidInput, match="labels is 4"):
        which.grow(more, 4)


def test_features_that_never_vary_are_dreamt_of_as_they_are() -> None:
    which = memory()
    state = which.observe(
        which.initial_state(), torch.ones(1, 20, 6), torch.zeros(1, 20, dtype=torch.int64)
    )
    assert torch.allclose(which.dream(state, None, 5, 0).features, torch.ones(1, 5, 6))
    assert bool(torch.isfinite(which.log_likelihood(state, torch.ones(1, 1, 6))[..., 0]).all())


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("labels", 0),
        ("prototypes_per_class", 1.5),
        ("rank", -1),
        ("examples_per_prototype", 0),
        ("prior_count", -0.1),
        ("prior_count", math.nan),
        ("noise_floor", 0.0),
    ],
)
def test_a_wrong_option_is_named(option: str, value: Any) -> None:
    with pytest.raises(InvalidInput, match=f"{option} is {value}"):
        memory(**{option: value})


@pytest.mark.parametrize(
    ("features", "labels", "problem"),
    [
        (torch.zeros(1, 2, 5), torch.zeros(1, 2, dtype=torch.int64), "expected \\(1, n, 6\\)"),
        (torch.zeros(2, 6), torch.zeros(2, dtype=torch.int64), "expected \\(1, n, 6\\)"),
        (torch.full((1, 1, 6), math.nan), torch.zeros(1, 1, dtype=torch.int64), "not all finite"),
        (torch.zeros(1, 1, 6, dtype=torch.int64), torch.zeros(1, 1).long(), "torch.int64"),
        (torch.zeros(1, 2, 6), torch.zeros(1, 3, dtype=torch.int64), "labels have shape"),
        (torch.zeros(1, 1, 6), torch.zeros(1, 1), "torch.float32"),
        (torch.zeros(1, 1, 6), torch.full((1, 1), 3), "labels go from 3 to 3"),
        (torch.zeros(1, 1, 6), torch.full((1, 1), -2), "labels go from -2"),
    ],
)
def test_wrong_examples_are_refused(features: Tensor, labels: Tensor, problem: str) -> None:
    which = memory()
    with pytest.raises(InvalidInput, match=problem):
        which.observe(which.initial_state(), features, labels)


def test_a_wrong_question_is_refused() -> None:
    which = memory()
    state = learned(which)
    with pytest.raises(InvalidInput, match="knows \\[\\]"):
        which.dream(which.initial_state(), None, 1, counter=0)
    with pytest.raises(InvalidInput, match="count is 0"):
        which.dream(state, None, 0, counter=0)
    with pytest.raises(InvalidInput, match="counter is 0"):
        which.dream(state, None, 1, counter=0.25)  # type: ignore[arg-type]
    with pytest.raises(ShapeMismatch, match="2 numbers for 1 rows"):
        which.dream(state, None, 1, counter=torch.tensor([1, 2]))
    with pytest.raises(InvalidInput, match="label is 3"):
        which.forget(state, 3)
    with pytest.raises(ShapeMismatch, match="The state has"):
        memory(rank=3).dream(state, None, 1, counter=0)
