r"""Learning one task after another: the protocol, and what is measured of it.

A learner meets the tasks in order, every example once, and never one of an earlier task again
(unless it kept it). After each task it answers the test examples of every task, which gives
:math:`R_{ij}`, its accuracy on task :math:`j` after task :math:`i`. From :math:`T` tasks follow

.. math::
    \mathrm{average\ accuracy} &= \frac{1}{T} \sum_{j} R_{Tj} \\
    \mathrm{backward\ transfer} &= \frac{1}{T - 1} \sum_{j < T} (R_{Tj} - R_{jj}) \\
    \mathrm{forgetting} &= \frac{1}{T - 1} \sum_{j < T} \Big(\max_{j \le i < T} R_{ij} - R_{Tj}\Big)

(Lopez-Paz & Ranzato 2017, Gradient episodic memory, NeurIPS, section 2; forgetting: Chaudhry et al.
2018, Riemannian walk, ECCV.) *Class-incremental* means that tasks have different classes, and that
the learner is not told at the test which task an example is from (van de Ven, Tuytelaars & Tolias
2022, Nat. Mach. Intell. 4:1185).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from neurallayers.errors import InvalidInput
from neurallayers.seeding import stream
from neurallayers.training.samples import Samples

S = TypeVar("S")
ANSWERS_AT_ONCE = 1000


@dataclass(frozen=True)
class Task:
    """A few classes to learn.

    Attributes:
        name: What it is called, such as ``"0/1"``.
        labels: Its classes.
        train: What it is learned from.
        test: What it is measured on.
    """

    name: str
    labels: tuple[int, ...]
    train: Samples
    test: Samples


class ContinualLearner(Protocol[S]):
    """Whoever learns on-line; what it learned is a state that the caller holds."""

    def initial_state(self) -> S:
        """The state of a learner that has seen nothing."""
        ...

    def wake(self, state: S, images: Tensor, labels: Tensor) -> S:
        """Learn from a few examples ``[n, height, width, channels]``, ``[n]``, seen this once."""
        ...

    def sleep(self, state: S) -> S:
        """Learn from what is remembered, without any example from outside."""
        ...

    def answer(self, state: S, images: Tensor) -> Tensor:
        """The label of each image, int64 ``[n]``, of all that there are."""
        ...


@dataclass(frozen=True)
class ContinualReport:
    """How a learner fared.

    Attributes:
        accuracy: ``accuracy[i][j]``: share of right answers on task j after task i (and the night
            after it).
        seen: Share of right answers on all test examples of the tasks so far, after each task.
        evening: The same before the night that followed, to see what the night did.
        seconds: How long learning took, without the tests [s].
        seconds_asleep: How much of it were the nights [s].
    """

    accuracy: tuple[tuple[float, ...], ...]
    seen: tuple[float, ...]
    evening: tuple[float, ...]
    seconds: float
    seconds_asleep: float

    @property
    def final_accuracy(self) -> float:
        """Share of right answers on all test examples after the last task."""
        return self.seen[-1]

    @property
    def average_accuracy(self) -> float:
        """Mean over the tasks of the accuracy after the last one."""
        return sum(self.accuracy[-1]) / len(self.accuracy)

    @property
    def backward_transfer(self) -> float:
        """Mean change of a task's accuracy since it was learned; negative: it was forgotten."""
        earlier = range(len(self.accuracy) - 1)
        changes = [self.accuracy[-1][j] - self.accuracy[j][j] for j in earlier]
        return sum(changes) / len(changes) if changes else 0.0

    @property
    def forgetting(self) -> float:
        """Mean fall of a task's accuracy from its best."""
        earlier = range(len(self.accuracy) - 1)
        falls = [max(r[j] for r in self.accuracy[j:-1]) - self.accuracy[-1][j] for j in earlier]
        return sum(falls) / len(falls) if falls else 0.0


def split_by_class(
    train: Any, test: Any, classes_per_task: int = 2, order: Sequence[int] | None = None
) -> list[Task]:
    """Tasks of a few classes each: 0 and 1, then 2 and 3, and so on.

    Args:
        train: ``(images, labels)`` or an object with both, such as ``dataset.train``.
        test: The same for the test.
        classes_per_task: How many classes a task has; the last may have fewer.
        order: The classes in the order in which they come; left out, from 0 up.

    Raises:
        InvalidInput: If a class is named twice, or has no example to learn from or to test with.

    >>> images, labels = torch.rand(8, 2, 2), torch.arange(4).repeat(2)
    >>> [task.name for task in split_by_class((images, labels), (images, labels))]
    ['0/1', '2/3']
    """
    learned, tested = Samples.of(train), Samples.of(test)
    classes = learned.labels.unique().tolist() if order is None else [int(c) for c in order]
    if isinstance(classes_per_task, bool) or classes_per_task < 1:
        raise InvalidInput(f"classes_per_task is {classes_per_task}.", "Give one or more.")
    if not classes or len(set(classes)) != len(classes):
        raise InvalidInput(f"order is {classes}.", "Name each class once.")
    for label in classes:
        for part, samples in (("train", learned), ("test", tested)):
            if not bool((samples.labels == label).any()):
                raise InvalidInput(
                    f"The {part} part has no example of class {label}.",
                    "Leave the class out of order, or add examples.",
                )
    return [
        Task(
            name="/".join(map(str, some)),
            labels=tuple(some),
            train=_of_classes(learned, some),
            test=_of_classes(tested, some),
        )
        for some in (
            classes[i : i + classes_per_task] for i in range(0, len(classes), classes_per_task)
        )
    ]


def live_through(
    learner: ContinualLearner[S],
    tasks: Sequence[Task],
    *,
    batch_size: int = 50,
    nights: bool = True,
    seed: int = 0,
    state: S | None = None,
    told: Callable[[str], None] | None = None,
) -> tuple[S, ContinualReport]:
    """Let a learner meet the tasks in order, every example once, and test it after each.

    Args:
        learner: Who learns.
        tasks: What, in order.
        batch_size: How many examples it meets at a time.
        nights: Whether it sleeps after each task.
        seed: Seed of the order of the examples within a task.
        state: Where it starts; left out, as one who has seen nothing.
        told: Is told how it goes, a line after each task.

    Returns:
        What the learner knows in the end, and how it fared.

    Raises:
        InvalidInput: If there is no task or the batch size is not positive.
    """
    if not tasks or batch_size < 1:
        raise InvalidInput(
            f"{len(tasks)} tasks, batch_size {batch_size}.", "Give at least one of each."
        )
    now = learner.initial_state() if state is None else state
    accuracy: list[tuple[float, ...]] = []
    seen, evening = [], []
    awake = asleep = 0.0
    for i, task in enumerate(tasks):
        begin = time.perf_counter()
        order = torch.randperm(len(task.train), generator=stream(seed, "continual", i))
        for places in order.split(batch_size):
            now = learner.wake(now, *task.train.batch(places))
        awake += time.perf_counter() - begin
        counts = [_right_answers(learner, now, each) for each in tasks]
        evening.append(_share(counts[: i + 1], tasks))
        if nights:
            begin = time.perf_counter()
            now = learner.sleep(now)
            asleep += time.perf_counter() - begin
            counts = [_right_answers(learner, now, each) for each in tasks]
        seen.append(_share(counts[: i + 1], tasks))
        rights = zip(counts, tasks, strict=True)
        accuracy.append(tuple(right / len(each.test) for right, each in rights))
        if told is not None:
            told(f"{task.name}: {evening[-1]:.4f} in the evening, {seen[-1]:.4f} after the night")
    return now, ContinualReport(
        tuple(accuracy), tuple(seen), tuple(evening), awake + asleep, asleep
    )


def _of_classes(samples: Samples, labels: Sequence[int]) -> Samples:
    chosen = torch.isin(samples.labels, torch.tensor(labels))
    return Samples(samples.images[chosen], samples.labels[chosen])


def _right_answers(learner: ContinualLearner[S], state: S, task: Task) -> int:
    right = 0
    for places in torch.arange(len(task.test)).split(ANSWERS_AT_ONCE):
        images, labels = task.test.batch(places)
        right += int((learner.answer(state, images) == labels).sum())
    return right


def _share(right: Sequence[int], tasks: Sequence[Task]) -> float:
    return sum(right) / sum(len(task.test) for task, _ in zip(tasks, right, strict=False))
