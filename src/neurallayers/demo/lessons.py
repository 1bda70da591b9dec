"""Teaching a living brain classes that its network was never trained on, and measuring it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from neurallayers.brain import Brain


@dataclass(frozen=True)
class Novelty:
    """A class that is new to the brain.

    Attributes:
        label: Its name.
        lessons: Images to learn it from, one a lesson.
        exam: Images of it that are never learned from.
    """

    label: str
    lessons: Tensor
    exam: Tensor


@dataclass(frozen=True)
class Progress:
    """How a brain does after some lessons.

    Attributes:
        lessons: Examples of each new class so far.
        new_accuracy: Share of right answers on held-out images of the new classes.
        old_accuracy: The same on those of the classes that training gave.
        seconds: Time that the lessons took so far, without the exams [s].
    """

    lessons: int
    new_accuracy: float
    old_accuracy: float
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return dict(vars(self))


def accuracy(brain: Brain, images: Tensor, truths: Sequence[str]) -> float:
    """Share of right answers, each question asked from rest."""
    thoughts = brain.process_batch(images)
    right = sum(thought.label == truth for thought, truth in zip(thoughts, truths, strict=True))
    return right / len(truths)


def teach_novelties(
    brain: Brain,
    novelties: Sequence[Novelty],
    old_images: Tensor,
    old_truths: Sequence[str],
    *,
    examined_after: Sequence[int] = (0, 1, 3, 5, 10),
    on_exam: Callable[[Progress], object] | None = None,
) -> list[Progress]:
    """Teach new classes in turn, one example of each at a time, and hold exams in between.

    Args:
        brain: The brain; it has learned them afterwards.
        novelties: The new classes.
        old_images: Held-out images of the classes that it was trained on.
        old_truths: What they are.
        examined_after: Numbers of examples of each class after which an exam is held, rising; the
            last is the number of lessons each class gets.
        on_exam: Called with the result of each exam.

    Returns:
        The results of all exams.
    """
    results = []
    seconds, done = 0.0, 0
    for lessons in examined_after:
        begun = time.perf_counter()
        for number in range(done, lessons):
            for novelty in novelties:
                brain.learn(novelty.lessons[number], novelty.label)
        seconds, done = seconds + time.perf_counter() - begun, lessons
        scores = [
            (accuracy(brain, novelty.exam, [novelty.label] * len(novelty.exam)), len(novelty.exam))
            for novelty in novelties
        ]
        new = sum(score * count for score, count in scores) / sum(count for _, count in scores)
        result = Progress(lessons, new, accuracy(brain, old_images, old_truths), seconds)
        results.append(result)
        if on_exam is not None:
            on_exam(result)
    return results
