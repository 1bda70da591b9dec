"""A brain's own vital signs, watched by the Unified Monitoring Index as it lives.

Each stimulus and lesson that is lived through is one value of each vital sign: the mean rate of
every region and the confidence of the answer. What is usual is learned from the life itself; a
vital sign that leaves it rises through the levels notice, warning and critical, and falls with
hysteresis (:mod:`neurallayers.measures.monitoring.index`). Thoughts from rest leave no trace, here
either.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from neurallayers.measures.monitoring import (
    LEVELS,
    MonitorSettings,
    MonitorState,
    UnifiedMonitoringIndex,
)
from neurallayers.measures.monitoring.kernels import STATISTICS

if TYPE_CHECKING:
    from neurallayers.brain.thinking import Thinking

#: A life is slow beside other streams: a memory of 64 entries, judged from the thirtieth on.
VITALS = MonitorSettings(
    memory_rows=64,
    shape_rows=0,
    gap_rows=1,
    warm_rows=30,
    baseline_rows=200.0,
    recent_rows=10.0,
)
CONFIDENCE = "confidence"


@dataclass(frozen=True)
class Alert:
    """A vital sign that is not as usual.

    Attributes:
        vital: Which: ``"sensory.rate_hz"``, ``"confidence"``.
        level: ``"notice"``, ``"warning"`` or ``"critical"``.
        index: The index behind it, 0 to 1.
        risen: Whether the level is higher than after the entry before.
    """

    vital: str
    level: str
    index: float
    risen: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return dict(vars(self))

    def __str__(self) -> str:
        return f"{self.level}: {self.vital} is unusual ({self.index:.2f})"


def vitals_of(regions: Sequence[str]) -> tuple[str, ...]:
    """Names of the vital signs of a brain with these regions."""
    return (*(f"{region}.rate_hz" for region in regions), CONFIDENCE)


def watcher(regions: Sequence[str]) -> UnifiedMonitoringIndex:
    """The index of the vital signs of a brain with these regions."""
    return UnifiedMonitoringIndex(len(vitals_of(regions)), settings=VITALS).requires_grad_(False)


def watch(
    index: UnifiedMonitoringIndex,
    names: Sequence[str],
    state: MonitorState,
    thinking: Thinking,
    dt_ms: float,
) -> tuple[MonitorState, list[tuple[Alert, ...]]]:
    """What was learned of the vital signs of several individuals, and what is unusual of each.

    Args:
        index: The index, as :func:`watcher` makes it.
        names: Its streams, as :func:`vitals_of` names them.
        state: What is usual, a row each.
        thinking: What each thought.
        dt_ms: Length of a step [ms].
    """
    at = STATISTICS.index("level")
    before = state.statistics[..., at].long().tolist()
    observed, after = index.observe(_values(thinking, dt_ms)[None], state)
    levels, values = observed.level[0].tolist(), observed.index[0].tolist()
    alerts = [
        tuple(
            Alert(name, LEVELS[level], value, level > earlier)
            for name, level, value, earlier in zip(names, now, indices, was, strict=True)
            if level > 0
        )
        for now, indices, was in zip(levels, values, before, strict=True)
    ]
    return after, alerts


def _values(thinking: Thinking, dt_ms: float) -> Tensor:
    """The vital signs, ``[batch, channels]``; counts are whole, so that sums are exact."""
    columns = [
        spikes.sum((0, 2)).double() * (1000.0 / (dt_ms * spikes.shape[0] * spikes.shape[2]))
        for spikes in thinking.spikes.values()
    ]
    confidence = []
    for row in thinking.scores.tolist():
        known = [score for score in row if score > -math.inf]
        best = max(known, default=0.0)
        total = math.fsum(math.exp(score - best) for score in known)
        # A brain that knows no class has no confidence that could be unusual.
        confidence.append(1.0 / total if known else math.nan)
    columns.append(torch.tensor(confidence, dtype=torch.float64))
    return torch.stack(columns, dim=1).float()
