"""A brain's own vital signs, watched by the Unified Monitoring Index as it lives.

Each stimulus and lesson that is lived through is one value of each vital sign: the mean rate of
every region and the confidence of the answer. What is usual is learned from the life itself; a
vital sign that leaves it rises through the levels notice, warning and critical, and falls with
hysteresis (:mod:`neurallayers.measures.monitoring.index`). Thoughts from rest leave no trace, here
either.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from neurallayers.brain.shares import softmax_shares
from neurallayers.measures.monitoring import (
    LEVELS,
    MonitorSettings,
    MonitorState,
    UnifiedMonitoringIndex,
)
from neurallayers.measures.monitoring.kernels import STATISTICS

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
    values: Tensor,
) -> tuple[MonitorState, list[tuple[Alert, ...]]]:
    """What was learned of the vital signs of several individuals, and what is unusual of each.

    Args:
        index: The index, as :func:`watcher` makes it.
        names: Its streams, as :func:`vitals_of` names them.
        state: What is usual, a row each.
        values: The vital signs, ``[batch, channels]``, as :func:`vital_signs` makes them.
    """
    at = STATISTICS.index("level")
    before = state.statistics[..., at].long().tolist()
    observed, after = index.observe(values[None], state)
    levels, indices = observed.level[0].tolist(), observed.index[0].tolist()
    alerts = [
        tuple(
            Alert(name, LEVELS[level], value, level > earlier)
            for name, level, value, earlier in zip(names, now, said, was, strict=True)
            if level > 0
        )
        for now, said, was in zip(levels, indices, before, strict=True)
    ]
    return after, alerts


def vital_signs(spikes: Mapping[str, Tensor], scores: Tensor, dt_ms: float) -> Tensor:
    """The vital signs during thoughts, ``[batch, channels]``.

    Args:
        spikes: Spikes of each region, bool ``[time, batch, neurons]``.
        scores: ``[batch, slots]``; slots that stand for nothing hold minus infinity.
        dt_ms: Length of a step [ms].
    """
    # Counts are whole, so that sums are exact in any order.
    columns = [
        part.sum((0, 2)).double() * (1000.0 / (dt_ms * part.shape[0] * part.shape[2]))
        for part in spikes.values()
    ]
    confidence = []
    for row in scores.tolist():
        known = softmax_shares([score for score in row if score > -math.inf])
        # A brain that knows no class has no confidence that could be unusual.
        confidence.append(max(known, default=math.nan))
    columns.append(torch.tensor(confidence, dtype=torch.float64))
    return torch.stack(columns, dim=1).float()
