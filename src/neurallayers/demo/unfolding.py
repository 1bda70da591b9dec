"""A thought as it unfolds: which neurons fired, and what the read-out had made of it, by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from neurallayers.brain import Brain, Raster, Thought


@dataclass(frozen=True)
class Unfolding:
    """One stimulus and the thought about it, moment by moment.

    Attributes:
        image: The stimulus, grey, ``[height, width]`` in 0..1.
        truth: What it is; empty if nobody knows.
        thought: What came of it.
        labels: The classes in the order in which the brain learned them.
        shares: Soft-max share of each class after each step, ``[time, classes]``.
    """

    image: npt.NDArray[np.float32]
    truth: str
    thought: Thought
    labels: tuple[str, ...]
    shares: npt.NDArray[np.float64]

    @property
    def steps(self) -> int:
        """How many steps it took."""
        return len(self.shares)

    @property
    def dt_ms(self) -> float:
        """Length of a step [ms]."""
        return self.thought.raster.dt_ms

    @property
    def right(self) -> bool:
        """Whether the answer is what the stimulus is."""
        return self.thought.label == self.truth

    def leader(self, step: int) -> str:
        """The class that was ahead after a step."""
        return self.labels[int(self.shares[step].argmax())]

    def decided_ms(self) -> float:
        """When the answer took the lead for good [ms]."""
        behind = [step for step in range(self.steps) if self.leader(step) != self.thought.label]
        return (behind[-1] + 2 if behind else 1) * self.dt_ms

    def sampled(self, neurons: int) -> Raster:
        """The raster of so many neurons of each region, evenly spaced."""
        raster = self.thought.raster
        chosen = {
            name: spikes[
                :,
                np.linspace(0, spikes.shape[1] - 1, min(neurons, spikes.shape[1]))
                .round()
                .astype(np.intp),
            ]
            for name, spikes in raster.spikes.items()
        }
        return Raster(chosen, raster.dt_ms)


def unfold(brain: Brain, stimulus: Any, truth: str = "") -> Unfolding:
    """Let a brain think about a stimulus and keep how it went.

    Args:
        brain: The brain; it is the same afterwards.
        stimulus: An image, as :meth:`Brain.process` takes it.
        truth: What it is.

    Raises:
        InvalidInput: If the stimulus is wrong.
    """
    thought = brain.process(stimulus)
    labels = brain.labels
    ranked = list(thought.scores)
    evidence = thought.evidence[:, [ranked.index(label) for label in labels]].astype(np.float64)
    odds = np.exp(evidence - evidence.max(axis=1, keepdims=True))
    return Unfolding(grey(stimulus), truth, thought, labels, odds / odds.sum(axis=1, keepdims=True))


def grey(stimulus: Any) -> npt.NDArray[np.float32]:
    """An image as grey levels ``[height, width]`` in 0..1."""
    pixels = np.asarray(stimulus)
    scale = 255.0 if pixels.dtype == np.uint8 else 1.0
    pixels = (pixels / scale).astype(np.float32)
    return pixels.mean(axis=2) if pixels.ndim == 3 else pixels
