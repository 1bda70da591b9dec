"""Watching a few named streams of floats as they come: a brain's vitals, a service's load.

The state is a value like every other: a named tuple of tensors with a leading batch axis, which
goes into a snapshot and comes back bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName
from neurallayers.measures.monitoring.index import MonitorState
from neurallayers.measures.monitoring.kernels import (
    ALARM,
    ANOMALOUS_ROW,
    LEVEL_NOW,
    STATISTICS,
    watch_streams,
)
from neurallayers.measures.monitoring.settings import LEVELS, LIGHT, MonitorSettings
from neurallayers.registry import nearest_name


class Reading(NamedTuple):
    """What the monitor says of one stream after one value; nan for a missing one."""

    index: float  # type: ignore[assignment]  # hides tuple.index
    deviation: float
    trend: float
    variation: float
    anomaly: float
    level: str  # "normal", "notice", "warning" or "critical"
    alarm: bool  # an anomaly begins here
    missing: bool  # the value was nan, infinite or not given; the state is as before


@dataclass(frozen=True)
class Watch:
    """The streams that are watched, by name, and how.

    Args:
        names: One for each stream, in the order of the state's channels.
        settings: Spans, limits, weights and levels.

    Raises:
        InvalidInput: If there is no name, or one is empty or given twice.

    >>> watch = Watch(("rate_hz",))
    >>> state = watch.initial_state()
    >>> for step in range(200):
    ...     state, readings = watch.step(state, {"rate_hz": 10.0 + step % 3})
    >>> readings["rate_hz"].level
    'normal'
    >>> state, readings = watch.step(state, {"rate_hz": 80.0})
    >>> readings["rate_hz"].level, readings["rate_hz"].alarm
    ('critical', True)
    """

    names: tuple[str, ...]
    settings: MonitorSettings = field(default=LIGHT)

    def __post_init__(self) -> None:
        names = _names(self.names)
        if len(set(names)) != len(names):
            raise InvalidInput(f"names is {names!r}.", "Name each stream once.")
        object.__setattr__(self, "names", names)

    def initial_state(self) -> MonitorState:
        """One row (a brain, a process) of which nothing was seen yet, in float64."""
        channels = len(self.names)
        statistics = torch.zeros(1, channels, len(STATISTICS), dtype=torch.float64)
        statistics[..., ANOMALOUS_ROW] = -1.0
        memory = torch.zeros(1, channels, self.settings.memory_rows, dtype=torch.float64)
        return MonitorState(memory, statistics)

    def step(
        self, state: MonitorState, values: Mapping[str, float]
    ) -> tuple[MonitorState, dict[str, Reading]]:
        """Take one value of each stream in.

        Args:
            state: State of one row before the step; it is not changed.
            values: By name. What is left out, nan or infinite is missing: that stream's state stays
                as it was.

        Returns:
            The state after the step, and a reading for each name.

        Raises:
            UnknownName: If a value has a name that is not watched.
            InvalidInput: If a value is not a number.
            ShapeMismatch: If the state is not one row of these streams.
        """
        xs = self._values(values)
        self._check(state)
        # Copied with their batch axis: what was handed in is never written into.
        memory = np.array(state.memory.numpy(), dtype=np.float64, order="C")
        statistics = np.array(state.statistics.numpy(), dtype=np.float64, order="C")
        settings = self.settings
        found = watch_streams(xs, memory[0], statistics[0], settings.numbers, settings.weight_array)
        after = MonitorState(torch.from_numpy(memory), torch.from_numpy(statistics))
        return after, {
            name: _reading(row) for name, row in zip(self.names, found[:, 0].tolist(), strict=True)
        }

    def _values(
        self, values: Mapping[str, float]
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        xs = np.full((len(self.names), 1), np.nan)
        unknown = [name for name in values if name not in self.names]
        if unknown:
            raise UnknownName(
                f"There is no stream called {unknown[0]!r}.",
                nearest_name(str(unknown[0]), list(self.names)),
            )
        for place, name in enumerate(self.names):
            value = values.get(name, math.nan)
            try:
                xs[place, 0] = float(value)
            except (TypeError, ValueError) as error:
                raise InvalidInput(
                    f"{name} is {value!r}.", "Give a number, or leave it out when it is missing."
                ) from error
        return xs

    def _check(self, state: MonitorState) -> None:
        expected = (1, len(self.names), self.settings.memory_rows)
        shapes: tuple[Tensor, Tensor] = (state.memory, state.statistics)
        if tuple(shapes[0].shape) != expected or tuple(shapes[1].shape[:2]) != expected[:2]:
            raise ShapeMismatch(
                f"The state has shape {tuple(state.memory.shape)}, expected {expected}.",
                "Pass the state of one row of this watch: initial_state() gives one.",
            )


def watch_step(
    state: MonitorState, values: Mapping[str, float], *, watch: Watch
) -> tuple[MonitorState, dict[str, Reading]]:
    """:meth:`Watch.step` as a plain function of a state and values."""
    return watch.step(state, values)


def _names(given: object) -> tuple[str, ...]:
    """The names as a tuple, refused where they are something else."""
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise InvalidInput(f"names is {given!r}.", "Give a tuple with a name a stream.")
    if not given or not all(isinstance(name, str) and name for name in given):
        raise InvalidInput(f"names is {given!r}.", "Give one name or more, none empty.")
    return tuple(given)


def _reading(row: list[float]) -> Reading:
    index, deviation, trend, variation, anomaly = row[:LEVEL_NOW]
    return Reading(
        index=index,
        deviation=deviation,
        trend=trend,
        variation=variation,
        anomaly=anomaly,
        level=LEVELS[int(row[LEVEL_NOW])],
        alarm=row[ALARM] == 1.0,
        missing=index != index,
    )
