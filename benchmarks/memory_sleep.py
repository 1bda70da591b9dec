"""Catastrophic forgetting with and without sleep: digits that come two classes at a time.

Five tasks of two classes each, one after the other, each example seen once, no word about the task
at the test (class-incremental). The learner is a plastic read-out that moves by the delta rule
(Widrow & Hoff 1960) while it is awake; what it sees is stored in an episodic memory of fixed size
with the importance that surprise and novelty give it. With sleep, a night follows each task: the
read-out learns from the episodes in the order of a replay schedule, and concepts form.

The learning rate (of 0.02, 0.05, 0.1) and the half-life of replay (of 100, 1000) were chosen on a
fifth of the training part; the test part was not used for it.
"""

from __future__ import annotations

import statistics
from typing import Any

import torch
from rich.progress import track
from torch import Tensor

from neurallayers.data import load_digits
from neurallayers.memory import (
    Concepts,
    Consolidation,
    Episode,
    Episodes,
    EpisodicMemory,
    SemanticMemory,
    importance,
    novelty,
    replay_schedule,
    surprise_bits,
)
from neurallayers.seeding import stream

TASKS = ((0, 1), (2, 3), (4, 5), (6, 7), (8, 9))
SEEDS = range(5)
SLOTS, REPLAYS, CONCEPT_REPLAYS, CYCLES = 200, 500, 100, 4
LEARNING_RATE, SHARPNESS, HALF_LIFE = 0.02, 8.0, 1000.0


class Readout:
    """Scores of the classes, moved by the delta rule towards one for the class and zero else."""

    def __init__(self, size: int) -> None:
        self.weights = torch.zeros(10, size + 1)

    def scores(self, keys: Tensor) -> Tensor:
        """Scores ``[n, 10]`` of keys ``[n, size]``."""
        return _with_one(keys) @ self.weights.T

    def learn(self, key: Tensor, label: int) -> None:
        """Move towards the right answer for one key ``[1, size]``."""
        error = -self.scores(key)[0]
        error[label] += 1.0
        self.weights += LEARNING_RATE * error[:, None] * _with_one(key)


def _with_one(keys: Tensor) -> Tensor:
    return torch.cat([keys, torch.ones(len(keys), 1)], -1)


def keys_of(images: Tensor) -> Tensor:
    """Pixels at length one."""
    flat = images.flatten(1)
    return flat / flat.norm(dim=-1, keepdim=True)


def sleep_against_none() -> dict[str, Any]:
    """Accuracy on all classes so far, after each task, over seeds."""
    digits = load_digits()
    train = (keys_of(digits.train.images), digits.train.labels)
    test = (keys_of(digits.test.images), digits.test.labels)
    ways: dict[str, list[list[float]]] = {"with_sleep": [], "without_sleep": [], "concepts": []}
    for seed in track(SEEDS, "digits with and without sleep"):
        for name, curve in lives(train, test, seed).items():
            ways[name].append(curve)
    joint = [joint_accuracy(train, test, seed) for seed in SEEDS]
    summary = {
        name: {
            "after_each_task": [statistics.mean(each) for each in zip(*curves, strict=True)],
            "spread": [statistics.stdev(each) for each in zip(*curves, strict=True)],
            "final": statistics.mean(curve[-1] for curve in curves),
        }
        for name, curves in ways.items()
    }
    return {"slots": SLOTS, "seeds": len(SEEDS), **summary, "joint": statistics.mean(joint)}


def lives(
    train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor], seed: int
) -> dict[str, list[float]]:
    """The three curves of one seed."""
    awake, sleeper = Readout(train[0].shape[1]), Readout(train[0].shape[1])
    memory = EpisodicMemory(key_size=train[0].shape[1], slots=SLOTS)
    semantic = SemanticMemory(key_size=train[0].shape[1], prototypes=60)
    sleeping = Consolidation(
        episodic=memory,
        semantic=semantic,
        replays=CONCEPT_REPLAYS,
        half_life=HALF_LIFE,
        prune_below=0.0,
    )
    episodes, concepts = memory.initial_state(), semantic.initial_state()
    curves: dict[str, list[float]] = {"with_sleep": [], "without_sleep": [], "concepts": []}
    entry = 0
    for number, classes in enumerate(TASKS):
        for key, label in task(train, classes, seed):
            episodes = memory.store(episodes, noticed(sleeper, memory, episodes, key, label, entry))
            awake.learn(key, label)
            sleeper.learn(key, label)
            entry += 1
        for cycle in range(number * CYCLES, (number + 1) * CYCLES):
            order = replay_schedule(episodes, REPLAYS, cycle, seed=seed, half_life=HALF_LIFE)
            for slot in order[0].tolist():
                sleeper.learn(episodes.keys[:, slot], int(episodes.what[0, slot]))
        night = sleeping.sleep(
            episodes, concepts, cycles=CYCLES, counter=number * CYCLES, seed=seed
        )
        episodes, concepts = night.episodes, night.concepts
        seen = [label for pair in TASKS[: number + 1] for label in pair]
        keys, labels = only(test, seen)
        curves["with_sleep"].append(accuracy(sleeper.scores(keys).argmax(-1), labels))
        curves["without_sleep"].append(accuracy(awake.scores(keys).argmax(-1), labels))
        curves["concepts"].append(accuracy(recognised(semantic, concepts, keys), labels))
    return curves


def noticed(
    readout: Readout,
    memory: EpisodicMemory,
    episodes: Episodes,
    key: Tensor,
    label: int,
    entry: int,
) -> Episode:
    """The episode with the surprise and importance that it has for this learner."""
    belief = torch.softmax(SHARPNESS * readout.scores(key), -1)
    bits = surprise_bits(belief, torch.tensor([label]))
    nearest = memory.recall(episodes, key, most=1).similarity
    return Episode(
        key,
        torch.zeros(1),
        what=label,
        when=entry,
        entry=entry,
        surprise=bits,
        # Under the threshold of protection, so that no task can take all slots for good.
        importance=importance(bits, novel=novelty(nearest), novelty_weight=0.3).clamp(max=0.79),
    )


def task(
    train: tuple[Tensor, Tensor], classes: tuple[int, ...], seed: int
) -> list[tuple[Tensor, int]]:
    """The examples of some classes in a random order."""
    keys, labels = only(train, list(classes))
    order = torch.randperm(len(keys), generator=stream(seed, "order", *classes)).tolist()
    return [(keys[i : i + 1], int(labels[i])) for i in order]


def only(part: tuple[Tensor, Tensor], classes: list[int]) -> tuple[Tensor, Tensor]:
    chosen = torch.isin(part[1], torch.tensor(classes))
    return part[0][chosen], part[1][chosen]


def recognised(semantic: SemanticMemory, concepts: Concepts, keys: Tensor) -> Tensor:
    """The class of the nearest concept of each key."""
    nearest = [semantic.recognise(concepts, key[None], most=1).what for key in keys]
    return torch.cat(nearest)[:, 0]


def accuracy(answers: Tensor, labels: Tensor) -> float:
    return float((answers == labels).float().mean())


def joint_accuracy(train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor], seed: int) -> float:
    """The same read-out on all classes mixed, as often as the sleeper learns in all."""
    readout = Readout(train[0].shape[1])
    for turn in range(1 + round(len(TASKS) * REPLAYS * CYCLES / len(train[0]))):
        for key, label in task(train, tuple(range(10)), 1000 * seed + turn):
            readout.learn(key, label)
    return accuracy(readout.scores(test[0]).argmax(-1), test[1])
