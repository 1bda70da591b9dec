"""How a stream is watched: spans, limits, weights and levels, in one frozen value.

Two settings are ready: :class:`MonitorSettings` as it is, light enough for many vitals of a running
service, and :data:`THOROUGH`, with a long memory, for recorded streams and benchmarks.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurallayers.errors import InvalidInput
from neurallayers.measures.monitoring.kernels import MEAN_ROWS

COMPONENTS = ("deviation", "trend", "variation", "anomaly")
LEVELS = ("normal", "notice", "warning", "critical")


@dataclass(frozen=True, kw_only=True)
class MonitorSettings:
    """Spans are counted in rows (values of the stream), limits in the unit that is named.

    A component is one half where its quantity reaches its limit.

    Attributes:
        weights: Of deviation, trend, variation and anomaly; they add up to 1.
        baseline_rows: Time constant of the baseline.
        recent_rows: Time constant of what is compared with it: trend and recent variation.
        memory_rows: Values that are remembered; what is like none of them is new.
        shape_rows: Length of the pieces of the stream that are compared as shapes; 0 for none.
        gap_rows: The youngest values, with which nothing is compared: they are always alike.
        warm_rows: Values before which nothing is called unusual.
        deviation_limit: Distance from the baseline [standard deviations].
        trend_limit: Slope [root mean square slopes].
        value_limit: Novelty of a value [mean novelties].
        mean_limit: Novelty of the mean of four values [mean novelties].
        shape_limit: Novelty of a shape above its mean [mean absolute deviations].
        quiet_rows: Rows without anything unusual after which the next anomaly is another one, with
            an alarm of its own.
        quiet_share: The same as a share of the rows seen so far; the longer of both counts.
        rise: Index from which a level (notice, warning, critical) holds.
        fall: Index below which it ends; each below its ``rise``: the hysteresis.
        dwell_rows: Rows for which a level holds at least before it may fall.

    Raises:
        InvalidInput: If a setting is out of its range.

    >>> MonitorSettings(memory_rows=128).memory_rows
    128
    """

    weights: tuple[float, float, float, float] = (0.4, 0.3, 0.2, 0.1)
    baseline_rows: float = 500.0
    recent_rows: float = 20.0
    memory_rows: int = 512
    shape_rows: int = 16
    gap_rows: int = 20
    warm_rows: int = 100
    deviation_limit: float = 3.0
    trend_limit: float = 3.0
    value_limit: float = 100.0
    mean_limit: float = 40.0
    shape_limit: float = 6.0
    quiet_rows: int = 64
    quiet_share: float = 0.02
    rise: tuple[float, float, float] = (0.4, 0.55, 0.7)
    fall: tuple[float, float, float] = (0.3, 0.45, 0.6)
    dwell_rows: int = 5

    def __post_init__(self) -> None:
        for name in ("weights", "rise", "fall"):
            object.__setattr__(self, name, _numbers(name, getattr(self, name)))
        _check_weights(self.weights)
        _check_levels(self.rise, self.fall)
        for name in ("baseline_rows", "recent_rows"):
            _at_least(name, getattr(self, name), 1.0)
        for name in _LIMITS:
            _positive(name, getattr(self, name))
        for name in _COUNTS:
            _whole(name, getattr(self, name))
        _at_least("quiet_share", self.quiet_share, 0.0)
        _at_least("gap_rows", self.gap_rows, 1)
        if self.shape_rows == 1:
            raise InvalidInput("shape_rows is 1.", "A shape has two rows or more; 0 for none.")
        least = max(self.gap_rows + MEAN_ROWS, 2 * self.shape_rows) + 1
        if self.memory_rows < least:
            raise InvalidInput(
                f"memory_rows is {self.memory_rows}.",
                f"With gap_rows={self.gap_rows} and shape_rows={self.shape_rows} take {least} "
                "or more.",
            )

    def replace(self, **changes: object) -> MonitorSettings:
        """The same settings with some changed.

        Raises:
            InvalidInput: If there is no such setting, or a value is out of its range.
        """
        known = {field.name for field in dataclasses.fields(self)}
        unknown = sorted(set(changes) - known)
        if unknown:
            raise InvalidInput(
                f"There is no setting {', '.join(unknown)}.", f"Known: {', '.join(sorted(known))}."
            )
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]

    @functools.cached_property
    def weight_array(self) -> NDArray[np.float64]:
        """The weights as an array."""
        return np.array(self.weights, dtype=np.float64)

    @functools.cached_property
    def numbers(self) -> NDArray[np.float64]:
        """All that a step computes with, as one array in the order of :data:`NUMBERS`."""
        values = (
            1.0 / self.baseline_rows,
            1.0 / self.recent_rows,
            self.gap_rows,
            self.shape_rows,
            self.warm_rows,
            self.deviation_limit,
            self.trend_limit,
            self.value_limit,
            self.mean_limit,
            self.shape_limit,
            self.quiet_rows,
            self.quiet_share,
            self.dwell_rows,
            *self.rise,
            *self.fall,
        )
        return np.array(values, dtype=np.float64)


_LIMITS = ("deviation_limit", "trend_limit", "value_limit", "mean_limit", "shape_limit")
_COUNTS = ("memory_rows", "shape_rows", "gap_rows", "warm_rows", "quiet_rows", "dwell_rows")


def _numbers(name: str, values: Sequence[float]) -> tuple[float, ...]:
    size = 4 if name == "weights" else 3
    try:
        numbers = tuple(float(value) for value in values)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{name} is {values!r}.", f"Give {size} numbers.") from error
    if len(numbers) != size or not all(math.isfinite(number) for number in numbers):
        raise InvalidInput(f"{name} is {values!r}.", f"Give {size} finite numbers.")
    return numbers


def _check_weights(weights: Sequence[float]) -> None:
    if min(weights) < 0 or abs(math.fsum(weights) - 1.0) > 1e-6:
        raise InvalidInput(
            f"weights is {tuple(weights)}.", "They are not negative and add up to 1."
        )


def _check_levels(rise: Sequence[float], fall: Sequence[float]) -> None:
    ordered = all(low < high for edges in (rise, fall) for low, high in itertools.pairwise(edges))
    if not ordered or any(down >= up for down, up in zip(fall, rise, strict=True)):
        raise InvalidInput(
            f"rise is {tuple(rise)} and fall is {tuple(fall)}.",
            "Both go up from notice to critical, and each fall is below its rise.",
        )


def _positive(name: str, value: float) -> None:
    if not 0.0 < float(value) < math.inf:
        raise InvalidInput(f"{name} is {value}.", "It must be positive and finite.")


def _at_least(name: str, value: float, least: float) -> None:
    if not least <= float(value) < math.inf:
        raise InvalidInput(f"{name} is {value}.", f"It must be {least:g} or more, and finite.")


def _whole(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidInput(f"{name} is {value!r}.", "It must be a whole number, not negative.")


# The limits of novelty come from synthetic streams of nine kinds without an anomaly: each view by
# itself alarms about once in 2,000 rows there. A short memory forgets: its limits are wider.
LIGHT = MonitorSettings()
THOROUGH = MonitorSettings(
    memory_rows=8192,
    shape_rows=64,
    warm_rows=200,
    value_limit=30.0,
    mean_limit=12.0,
    shape_limit=3.4,
)
