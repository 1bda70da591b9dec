"""A thought: what came of a stimulus, in words, numbers and spikes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurallayers.brain.alerts import Alert
from neurallayers.brain.network import BrainNetwork
from neurallayers.brain.raster import Raster
from neurallayers.brain.remembering import Recollection
from neurallayers.brain.rulebook import Conclusion
from neurallayers.brain.shares import softmax_shares
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
        recalled: The episodes that came to mind, the one most like it first.
        conclusions: What the brain's rules conclude from the answer.
        alerts: Vital signs that were not as usual, if it was lived through.
    """

    label: str | None
    confidence: float
    scores: dict[str, float]
    vitals: Vitals
    raster: Raster
    evidence: npt.NDArray[np.float32]
    recalled: tuple[Recollection, ...] = ()
    conclusions: tuple[Conclusion, ...] = ()
    alerts: tuple[Alert, ...] = ()

    @property
    def shares(self) -> dict[str, float]:
        """Soft-max share of each known class, the largest first."""
        return dict(zip(self.scores, softmax_shares(list(self.scores.values())), strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON, without the spikes."""
        return {
            "label": self.label,
            "confidence": self.confidence,
            "scores": self.scores,
            "vitals": self.vitals.to_dict(),
            "recalled": [one.to_dict() for one in self.recalled],
            "conclusions": [one.to_dict() for one in self.conclusions],
            "alerts": [one.to_dict() for one in self.alerts],
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
    return decode_rows(network, thinking, {row: labels})[0]


def decode_rows(
    network: BrainNetwork, thinking: Thinking, labels: Mapping[int, tuple[str | None, ...]]
) -> list[Thought]:
    """The thoughts of several rows; each is what :func:`decode` gives for its row.

    Args:
        network: Network that thought.
        thinking: What it thought.
        labels: Name of the class of each slot, for each row that is wanted.
    """
    rows = list(labels)
    scores = thinking.scores.numpy()
    potentials = thinking.potentials.numpy()
    # Counts are whole numbers, so that sums over a batch are exact whatever the batch.
    spikes = {
        name: np.ascontiguousarray(part.numpy()[:, rows].transpose(1, 0, 2))
        for name, part in thinking.spikes.items()
    }
    counts = {name: part.sum((1, 2), dtype=np.int64).tolist() for name, part in spikes.items()}
    active = {name: part.any(1).sum(1).tolist() for name, part in spikes.items()}
    sizes = {name: part[0].size for name, part in spikes.items()}
    neurons = {name: part.shape[2] for name, part in spikes.items()}
    # Of whole rows that lie together, so that each is added up in the same order in any batch.
    excitability = {
        name: region.excitability.flatten(1).double().numpy()[rows].mean(1).tolist()
        for name, region in thinking.state.regions.items()
    }
    per_second = 1000.0 / network.dt_ms
    thoughts = []
    for place, row in enumerate(rows):
        names, shares, ranked = _ranking(scores[row], labels[row])
        # Copies, so that a thought that is kept does not keep those of its whole batch.
        raster = Raster({name: part[place].copy() for name, part in spikes.items()}, network.dt_ms)
        vitals = Vitals(
            rates_hz={name: counts[name][place] / sizes[name] * per_second for name in spikes},
            active_fraction={name: active[name][place] / neurons[name] for name in spikes},
            spikes=sum(counts[name][place] for name in spikes),
            excitability={name: means[place] for name, means in excitability.items()},
        )
        thoughts.append(
            Thought(
                label=names[0] if names else None,
                confidence=shares[0] if shares else 0.0,
                scores={
                    name: float(scores[row, slot]) for name, slot in zip(names, ranked, strict=True)
                },
                vitals=vitals,
                raster=raster,
                evidence=potentials[:, row, ranked],
            )
        )
    return thoughts


def _ranking(
    scores: npt.NDArray[np.float32], labels: tuple[str | None, ...]
) -> tuple[list[str], list[float], list[int]]:
    """Names, soft-max shares and slots of the known classes, the highest score first."""
    known = [(float(scores[slot]), slot, name) for slot, name in enumerate(labels) if name]
    # Of equal scores the first slot wins.
    known.sort(key=lambda one: (-one[0], one[1]))
    return (
        [name for _, _, name in known],
        softmax_shares([score for score, _, _ in known]),
        [slot for _, slot, _ in known],
    )


def padded_labels(
    labels: tuple[str | None, ...], like: tuple[str | None, ...]
) -> tuple[str | None, ...]:
    """Labels with empty places up to the length of others."""
    return (*labels, *([None] * (len(like) - len(labels))))
