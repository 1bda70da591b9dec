"""A thought: what came of a stimulus, in words, numbers and spikes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from neurallayers.brain.network import BrainNetwork
from neurallayers.brain.raster import Raster
from neurallayers.brain.thinking import Thinking


@dataclass(frozen=True)
class Vitals:
    """The observable condition of a brain during a thought.

    Attributes:
        rates_hz: Mean firing rate of each region [Hz].
        active_fraction: Share of the neurons of each region that fired at all.
        spikes: Spikes in all regions together.
        excitability: Mean current that homeostasis adds in each region [units of the threshold].
    """

    rates_hz: dict[str, float]
    active_fraction: dict[str, float]
    spikes: int
    excitability: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return {
            "rates_hz": self.rates_hz,
            "active_fraction": self.active_fraction,
            "spikes": self.spikes,
            "excitability": self.excitability,
        }


@dataclass(frozen=True)
class Thought:
    """The decoded result of processing one stimulus.

    Attributes:
        label: The class with the highest score; none if the brain knows no class.
        confidence: Its soft-max share among the known classes.
        scores: Score of each known class, highest first.
        vitals: Condition of the brain meanwhile.
        raster: Spikes of all regions.
        evidence: Membrane potentials of the read-out over time, ``[time, classes]``, in the order
            of ``scores``.
    """

    label: str | None
    confidence: float
    scores: dict[str, float]
    vitals: Vitals
    raster: Raster
    evidence: npt.NDArray[np.float32]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON, without the spikes."""
        return {
            "label": self.label,
            "confidence": self.confidence,
            "scores": self.scores,
            "vitals": self.vitals.to_dict(),
        }

    def figure(self, path: str | Path | None = None) -> Any:
        """The spike raster as a matplotlib figure; saved if a path is given.

        Raises:
            MissingExtra: Without the extra ``viz``.
        """
        return self.raster.figure(path, title=f"thought: {self.label}")


def decode(
    network: BrainNetwork, thinking: Thinking, labels: tuple[str | None, ...], row: int = 0
) -> Thought:
    """The thought of one row.

    Args:
        network: Network that thought.
        thinking: What it thought.
        labels: Name of the class of each slot of this individual.
        row: Which row.
    """
    slots = [slot for slot, label in enumerate(labels) if label is not None]
    scores = thinking.scores[row, slots]
    order = torch.argsort(scores, descending=True, stable=True).tolist()
    ranked = [slots[i] for i in order]
    share = torch.softmax(scores, dim=0)
    names = [str(labels[slot]) for slot in ranked]
    # A copy, so that a thought that is kept does not keep those of its whole batch.
    spikes = {name: part[:, row].clone().numpy() for name, part in thinking.spikes.items()}
    raster = Raster(spikes, network.dt_ms)
    return Thought(
        label=names[0] if names else None,
        confidence=float(share[order[0]]) if names else 0.0,
        scores={name: float(scores[i]) for name, i in zip(names, order, strict=True)},
        vitals=Vitals(
            rates_hz=raster.rates_hz(),
            active_fraction={name: float(part.any(0).mean()) for name, part in spikes.items()},
            spikes=int(sum(part.sum() for part in spikes.values())),
            excitability={
                name: float(region.excitability[row].mean())
                for name, region in thinking.state.regions.items()
            },
        ),
        raster=raster,
        evidence=thinking.potentials[:, row, ranked].numpy(),
    )
