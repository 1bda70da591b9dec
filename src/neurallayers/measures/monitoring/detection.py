"""Where a recorded stream is unusual, in one call; nothing looks at what comes later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.measures.monitoring.kernels import (
    ALARM,
    ANOMALOUS_ROW,
    ANOMALY,
    DEVIATION,
    INDEX,
    LEVEL_NOW,
    STATISTICS,
    watch_stream,
)
from neurallayers.measures.monitoring.settings import THOROUGH, MonitorSettings

Array = NDArray[np.float64]


class Detection(NamedTuple):
    """What the index said at each row, from the values up to that row alone."""

    alarms: NDArray[np.bool_]  # [rows], where an anomaly begins
    index: Array  # type: ignore[assignment]  # [rows]; hides tuple.index
    components: Array  # [rows, 4]: deviation, trend, variation, anomaly
    levels: NDArray[np.int64]  # [rows], 0 normal to 3 critical

    @property
    def anomaly(self) -> Array:
        """The fourth component: an alarm begins where it reaches one half."""
        anomaly: Array = self.components[:, 3]
        return anomaly

    @property
    def alarm_rows(self) -> NDArray[np.int64]:
        """The rows at which an anomaly begins."""
        return np.flatnonzero(self.alarms)


def detect(
    values: Sequence[float] | NDArray[Any], *, settings: MonitorSettings = THOROUGH
) -> Detection:
    """Watch one recorded stream from its first to its last value.

    The answer at a row is the same whatever follows it. Missing values (nan, infinite) are skipped;
    index and components are nan there.

    Args:
        values: ``[rows]``.
        settings: The same for every stream; the default has a long memory.

    Raises:
        ShapeMismatch: If it is not one stream of at least one value.
        InvalidInput: If the values are not real numbers.

    >>> stream = np.sin(np.arange(1000.0) / 5)
    >>> stream[700:705] += 3
    >>> detect(stream).alarm_rows.tolist()
    [700]
    """
    stream = _stream(values)
    memory = np.zeros(settings.memory_rows)
    statistics = np.zeros(len(STATISTICS))
    statistics[ANOMALOUS_ROW] = -1.0
    found = watch_stream(stream, memory, statistics, settings.numbers, settings.weight_array)
    return Detection(
        alarms=found[:, ALARM] == 1.0,
        index=found[:, INDEX],
        components=found[:, DEVIATION : ANOMALY + 1],
        levels=found[:, LEVEL_NOW].astype(np.int64),
    )


def _stream(values: Sequence[float] | NDArray[Any]) -> Array:
    try:
        given = np.asarray(values)
        if given.dtype.kind not in "biuf":
            raise TypeError(f"dtype {given.dtype}")
        stream = np.ascontiguousarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"The values cannot be read ({error}).", "Give real numbers, nan where one is missing."
        ) from error
    if stream.ndim != 1 or not stream.size:
        raise ShapeMismatch(
            f"The values have shape {stream.shape}.", "Give one stream, [rows], with a value."
        )
    return stream
