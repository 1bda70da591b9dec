"""Two brains in the same micro-batches, again and again: each must be as if it were alone.

    python -m benchmarks.isolation

Both live through a history of their own, question by question and lesson by lesson, their requests
always together, among those of a changing crowd; now and then a neighbour's request is bad. Every
score must have the bits that the same brain gives in a program of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import random
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.load import run
from benchmarks.results import write
from benchmarks.server import digit_rows, temporary_folder
from neurallayers.brain import Brain
from neurallayers.errors import NeuralLayersError
from neurallayers.service import Engine
from neurallayers.service.engine.observing import Nobody

MODEL = "hasn-nano-digits"
LEVELS = 16.0
CROWD = 6
# In how many of 20 rounds each of the two learns, or lives through a stimulus.
LESSONS, LIVES = 2, 1
BAD_EVERY = 5


class Batches(Nobody):
    """Counts micro-batches with company."""

    def __init__(self) -> None:
        self.shared = 0

    def batch(self, rows: int) -> None:
        """Count one."""
        self.shared += rows > 1


@dataclass(frozen=True)
class Act:
    """One thing that a brain does.

    Attributes:
        kind: ``process``, ``live`` or ``learn``.
        image: What it is shown.
        target: What it is told to be, in a lesson.
    """

    kind: str
    image: torch.Tensor
    target: str | None = None

    def by(self, engine: Engine, brain: str) -> Awaitable[Any]:
        """Let a brain of the engine do it."""
        if self.kind == "learn":
            return engine.learn(brain, self.image, target=self.target)
        return engine.process(brain, self.image, stateful=self.kind == "live")

    def alone(self, brain: Brain) -> dict[str, float]:
        """Let a brain of its own do it: its scores."""
        if self.kind == "learn":
            return brain.learn(self.image, target=self.target).thought.scores
        return brain.process(self.image, stateful=self.kind == "live").scores


def history(seed: str, length: int) -> list[Act]:
    """A life of so many rounds."""
    chance = random.Random(seed)
    rows, labels = digit_rows()
    acts = []
    for _ in range(length):
        place = chance.randrange(len(rows))
        image = torch.tensor(rows[place], dtype=torch.float32) / LEVELS
        number = chance.randrange(20)
        if number < LESSONS:
            # Classes that the networks were not trained on give the two different sizes as well.
            target = labels[place] if chance.random() < 0.7 else f"{seed} {chance.randrange(3)}"
            acts.append(Act("learn", image, target))
        else:
            acts.append(Act("live" if number < LESSONS + LIVES else "process", image))
    return acts


def bad_requests(engine: Engine, brain: str) -> list[Awaitable[Any]]:
    """Requests that must be refused, each for another reason."""
    fine = torch.zeros(8, 8)
    return [
        engine.process(brain, torch.full((8, 8), math.nan)),
        engine.process(brain, torch.zeros(5, 3)),
        engine.process(brain, fine + 7.0, stateful=True),
        engine.learn(brain, torch.full((8, 8), math.inf), target="1"),
        engine.learn(brain, fine, target="1" * 10_000),
        engine.process("0" * 32, fine),
    ]


async def interleaved(
    folder: Path, lives: Sequence[Sequence[Act]], batches: Batches
) -> tuple[list[list[dict[str, float]]], dict[str, int]]:
    """The scores of each life, lived together; and how the bad requests fared."""
    chance = random.Random("crowd")
    told: list[list[dict[str, float]]] = [[] for _ in lives]
    bad = {"bad_requests": 0, "bad_requests_accepted": 0}
    async with Engine(folder, models=[MODEL], observer=batches) as engine:
        ours = [(await engine.create()).id for _ in lives]
        crowd = [(await engine.create()).id for _ in range(CROWD)]
        for number, acts in enumerate(zip(*lives, strict=True)):
            asked = [act.by(engine, brain) for act, brain in zip(acts, ours, strict=True)]
            fillers = chance.sample(crowd, chance.randrange(CROWD + 1))
            others = [Act("process", acts[0].image).by(engine, brain) for brain in fillers]
            wrong: list[Awaitable[Any]] = []
            if number % BAD_EVERY == 0:
                every = bad_requests(engine, chance.choice([*crowd, *ours]))
                kept = chance.randrange(len(every))
                wrong = [every.pop(kept)]
                for unused in every:
                    unused.close()  # type: ignore[attr-defined]
            together = [*wrong, *others, *asked]
            if number % 2:
                together.reverse()
            results = await asyncio.gather(*together, return_exceptions=True)
            if number % 2:
                results.reverse()
            bad["bad_requests"] += len(wrong)
            bad["bad_requests_accepted"] += sum(
                not isinstance(result, NeuralLayersError) for result in results[: len(wrong)]
            )
            for scores, result in zip(told, results[-len(ours) :], strict=True):
                scores.append(_scores(result))
    return told, bad


def _scores(result: Any) -> dict[str, float]:
    """The scores of an answer; none if its request failed, which equals no brain alone."""
    if isinstance(result, BaseException):
        return {}
    scores: dict[str, float] = getattr(result, "thought", result).scores
    return scores


def main() -> None:
    """Live together, live alone, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interleavings", type=int, default=10_000)
    parser.add_argument("--folder", type=Path, help="where the data goes for the time being")
    options = parser.parse_args()
    lives = [history(name, options.interleavings) for name in ("first", "second")]
    batches = Batches()
    with temporary_folder(options.folder) as folder:
        told, bad = run(interleaved(folder / "data", lives, batches))
    differ = 0
    for acts, scores in zip(lives, told, strict=True):
        brain = Brain.from_pretrained(MODEL)
        differ += sum(act.alone(brain) != one for act, one in zip(acts, scores, strict=True))
    write(
        "isolation",
        {
            "interleavings": options.interleavings,
            "rows_that_differ": differ,
            "rows": sum(len(scores) for scores in told),
            "rows_that_failed": sum(not one for scores in told for one in scores),
            "lessons": sum(act.kind == "learn" for acts in lives for act in acts),
            "batches_with_company": batches.shared,
            **bad,
        },
        f"python -m benchmarks.isolation --interleavings {options.interleavings}",
    )


if __name__ == "__main__":
    main()
