"""A learner that sleeps remembers old classes; the same one without sleep forgets them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from neurallayers import state as states
from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.memory.dreaming import DreamingMemory
from neurallayers.seeding import stream
from neurallayers.training.continual import Task, live_through, split_by_class
from neurallayers.training.sleeping import SleepingLearner, SleepingState

SIDE, LABELS = 4, 6


def eyes(images: Tensor) -> Tensor:
    pixels = images / 255.0 if images.dtype == torch.uint8 else images
    return 4.0 * (pixels.flatten(1) - 0.5)


def learner(**options: Any) -> SleepingLearner:
    usual: dict[str, Any] = {
        "eyes": eyes,
        "memory": DreamingMemory(SIDE * SIDE, labels=LABELS, prototypes_per_class=2, rank=2),
        "image_shape": (SIDE, SIDE, 1),
        "hidden": 24,
        "waking_rate": 0.3,
        "waking_batch": 5,
        "sleeping_batch": 32,
        "sleeping_rate": 0.02,
        "steps_per_label": 12,
    }
    return SleepingLearner(**{**usual, **options})


def noisy_patterns(count: int, seed: int) -> tuple[Tensor, Tensor]:
    patterns = torch.rand(LABELS, SIDE, SIDE, generator=stream(5, "patterns"))
    generator = stream(seed, "samples")
    labels = torch.arange(count) % LABELS
    noise = 0.25 * torch.randn(count, SIDE, SIDE, generator=generator)
    return (patterns[labels] + noise).clamp(0, 1), labels


@pytest.fixture(scope="module")
def tasks() -> list[Task]:
    return split_by_class(noisy_patterns(600, seed=0), noisy_patterns(300, seed=1))


@pytest.fixture(scope="module")
def one_life(tasks: list[Task]) -> tuple[SleepingState, Any]:
    return live_through(learner(), tasks)


def equal(one: SleepingState, other: SleepingState) -> bool:
    pairs = zip(states.tensors(one), states.tensors(other), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_sleep_keeps_what_a_day_without_it_loses(tasks: list[Task], one_life: Any) -> None:
    rested = one_life[1]
    _, tired = live_through(learner(), tasks, nights=False)
    assert rested.final_accuracy > 0.93
    assert rested.forgetting < 0.07
    assert tired.final_accuracy < 0.6
    assert tired.forgetting > 0.5
    # The night brings back what the day had displaced.
    assert rested.seen[-1] > rested.evening[-1] + 0.15


def test_no_example_is_stored(one_life: Any, tasks: list[Task]) -> None:
    state = one_life[0]
    assert state.kept.images.numel() == 0
    features = torch.cat([eyes(task.train.images) for task in tasks])
    distance = torch.cdist(state.memory.mean.flatten(0, 2), features)
    assert float(distance.min()) > 0.1


def test_a_life_is_repeated_to_the_bit_and_another_seed_is_another_life(
    one_life: Any, tasks: list[Task]
) -> None:
    assert equal(one_life[0], live_through(learner(), tasks)[0])
    assert not equal(one_life[0], live_through(learner(seed=1), tasks)[0])


def test_the_state_is_a_value(tasks: list[Task]) -> None:
    which = learner(kept_images=6)
    images, labels = tasks[0].train.batch(torch.arange(10))
    newborn = which.initial_state()
    untouched = states.clone(newborn)
    evening = which.wake(newborn, images, labels)
    assert equal(newborn, untouched)
    before = states.clone(evening)
    morning = which.sleep(evening)
    assert equal(evening, before)
    assert not any(tensor.requires_grad for tensor in states.tensors(morning))
    stored = states.from_named(newborn, states.to_named(morning))
    assert torch.equal(which.scores(stored, images), which.scores(morning, images))
    # Two nights in a row are two nights: the second has dreams of its own.
    assert int(which.sleep(morning).counter) > int(morning.counter) > int(evening.counter)


def test_kept_images_are_few_and_balanced_and_are_rehearsed(tasks: list[Task]) -> None:
    which = learner(kept_images=30, share_kept=1.0)
    state, report = live_through(which, tasks)
    assert torch.bincount(state.kept.labels[0]).tolist() == [5] * LABELS
    assert report.final_accuracy > 0.85


def test_one_who_knows_nothing_sleeps_without_dreams() -> None:
    newborn = learner().initial_state()
    assert equal(learner().sleep(newborn), newborn)


def test_scores_are_those_of_the_two_layers(one_life: Any, tasks: list[Task]) -> None:
    readout = one_life[0].readout
    images = tasks[0].test.images[:7]
    hidden = (eyes(images) @ readout.hidden_weight[0].T + readout.hidden_bias[0]).clamp_min(0)
    expected = hidden @ readout.weight[0].T + readout.bias[0]
    assert torch.allclose(learner().scores(one_life[0], images), expected, atol=1e-5)
    assert learner().answer(one_life[0], images).tolist() == expected.argmax(1).tolist()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("hidden", 0),
        ("steps_per_label", 1.5),
        ("waking_rate", float("nan")),
        ("share_kept", 1.1),
        ("weight_decay", -1.0),
    ],
)
def test_wrong_options_are_named(option: str, value: Any) -> None:
    with pytest.raises(InvalidInput, match=f"{option} is {value}"):
        learner(**{option: value})


def test_wrong_examples_are_refused() -> None:
    which = learner()
    newborn = which.initial_state()
    with pytest.raises(ShapeMismatch, match="expected"):
        which.wake(newborn, torch.zeros(2, 4, 4), torch.zeros(2).long())
    with pytest.raises(InvalidInput, match="labels go from"):
        which.wake(newborn, torch.zeros(1, 4, 4, 1), torch.tensor([LABELS]))
