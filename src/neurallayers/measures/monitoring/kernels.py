"""The compiled step of the index; ``index.UnifiedMonitoringIndex.forward`` is its specification.

A stream is a row of two arrays: the values that it remembers, oldest first, and its statistics in
the order of :data:`STATISTICS`. Arithmetic is in float64.

The distances between the youngest piece of the stream and every older one of the same length are
kept by lag :math:`l` and brought forward by what enters and what leaves:

.. math:: D_l(t) = D_l(t-1) + (x_t - x_{t-l})^2 - (x_{t-m} - x_{t-m-l})^2

Source of that recursion: Mueen, Zhu, Yeh et al. (2016), Matrix profile II (STOMP), ICDM, eq. 3, in
its form for distances that are not normalised.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Kept here and nowhere else: compiled code on disk is renewed when this file changes.
# The mean of so many values is the second view of a stream.
MEAN_ROWS = 4
# The novelty of shapes is compared with its mean over so many rows: a stream changes its manners.
SHAPE_NOVELTY_ROWS = 500

STATISTICS = (
    "count",
    "mean",
    "variance",
    "recent_mean",
    "recent_variance",
    "smoothed",
    "smoothed_twice",
    "slope_square",
    "relative_spread",
    "value_novelty",
    "mean_novelty",
    "shape_novelty",
    "shape_spread",
    "level",
    "dwell",
    "anomalous_row",
)
COUNT, MEAN, VARIANCE, RECENT_MEAN, RECENT_VARIANCE = range(5)
SMOOTHED, SMOOTHED_TWICE, SLOPE_SQUARE, RELATIVE_SPREAD = range(5, 9)
VALUE_NOVELTY, MEAN_NOVELTY, SHAPE_NOVELTY, SHAPE_SPREAD = range(9, 13)
LEVEL, DWELL, ANOMALOUS_ROW = range(13, 16)
# Columns of what a step gives: index, four components, level, alarm.
INDEX, DEVIATION, TREND, VARIATION, ANOMALY, LEVEL_NOW, ALARM = range(7)
OUTPUTS = 7
# Part of the baseline below which a spread or a novelty is rounding, not life.
ROUNDING = 1e-9
# Smaller variances are none; its square root is far below any reading, and no gradient is infinite.
TINY = 1e-30
_LN_2 = math.log(2.0)

# Minima may be taken in any order, as no value is nan; sums keep theirs.
_FAST: Any = {"nnan", "nsz"}


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def nearest(values: Array, value: float, first: int, last: int) -> float:
    """The least distance of a value to those from ``first`` to ``last`` (excluded)."""
    least = np.inf
    for other in values[first:last]:
        least = min(least, abs(other - value))
    return least


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def nearest_shape(
    values: Array, now: int, rows: int, squares: Array, oldest: int, newest: bool
) -> float:
    """Bring the squared distances forward by one value; the least of those of whole pieces.

    Place k stands for the lag ``squares.size - k``: both arrays are walked upwards, which is fast.

    Args:
        values: The stream.
        now: Place of the youngest value.
        rows: Length of a piece.
        squares: Squared distances by lag, after the value before.
        oldest: The longest lag whose piece lies within life.
        newest: Whether that piece has become whole just now, so that its distance is not kept yet.
    """
    lags = squares.size
    first, last = lags - oldest, lags - rows + 1
    entering, leaving = values[now], values[now - rows]
    if newest:
        squares[first] = 0.0
        for back in range(1, rows + 1):
            a = values[now - rows + back] - values[now - rows + back - oldest]
            squares[first] += a * a
    begin = first + 1 if newest else first
    older, gone = values[now - lags + begin : now], values[now - rows - lags + begin : now - rows]
    kept = squares[begin:last]
    for place in range(kept.size):
        a = entering - older[place]
        b = leaving - gone[place]
        kept[place] += a * a - b * b
    least = np.inf
    for square in squares[first:last]:
        least = min(least, square)
    return max(least, TINY)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def first_shapes(values: Array, now: int, rows: int, squares: Array) -> None:
    """The squared distance of every lag from nothing but the values."""
    squares[:] = 0.0
    lags = squares.size
    for back in range(now - rows + 1, now + 1):
        older = values[back - lags : back]
        for place in range(lags):
            a = values[back] - older[place]
            squares[place] += a * a


@numba.njit(cache=True, nogil=True, error_model="numpy")
def half_at(quantity: float) -> float:
    """What is one half at 1, zero at 0 and one far above."""
    return 1.0 - math.exp(-quantity * _LN_2)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def relative_spread(mean: float, variance: float, usual: float) -> float:
    """The coefficient of variation, defined by the usual variance where the mean is zero."""
    rounding = ROUNDING * mean
    return math.sqrt((variance + rounding * rounding + TINY) / (mean * mean + usual + TINY))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def compare(value: float, numbers: Array, s: Array, out: Array) -> None:
    """Deviation, trend and variation of a value; the statistics take it in."""
    count = s[COUNT]
    spread = math.sqrt(max(s[VARIANCE], TINY)) + ROUNDING * abs(s[MEAN])
    away = value - s[MEAN]
    if count >= numbers[4]:
        out[DEVIATION] = half_at(abs(away) / (spread * numbers[5]))
    slow = max(numbers[0], 1.0 / (count + 1.0))
    quick = max(numbers[1], 1.0 / (count + 1.0))
    s[MEAN] += slow * away
    s[VARIANCE] = (1.0 - slow) * (s[VARIANCE] + slow * away * away)
    away = value - s[RECENT_MEAN]
    s[RECENT_MEAN] += quick * away
    s[RECENT_VARIANCE] = (1.0 - quick) * (s[RECENT_VARIANCE] + quick * away * away)
    alpha = numbers[1]
    if count == 0.0:
        s[SMOOTHED] = value
        s[SMOOTHED_TWICE] = value
    s[SMOOTHED] += alpha * (value - s[SMOOTHED])
    s[SMOOTHED_TWICE] += alpha * (s[SMOOTHED] - s[SMOOTHED_TWICE])
    slope = alpha / max(1.0 - alpha, ROUNDING) * (s[SMOOTHED] - s[SMOOTHED_TWICE])
    recent = relative_spread(s[RECENT_MEAN], s[RECENT_VARIANCE], s[VARIANCE])
    if count >= numbers[4]:
        usual = math.sqrt(max(s[SLOPE_SQUARE], TINY)) + alpha * ROUNDING * abs(s[MEAN])
        out[TREND] = half_at(abs(slope) / (usual * numbers[6]))
        usual = s[RELATIVE_SPREAD]
        out[VARIATION] = 1.0 - min(usual, recent) / max(usual, recent)
    s[SLOPE_SQUARE] += slow * (slope * slope - s[SLOPE_SQUARE])
    s[RELATIVE_SPREAD] += slow * (recent - s[RELATIVE_SPREAD])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def scalar_novelty(
    distance: float, since: float, column: int, floor: float, limit: float, s: Array
) -> float:
    """A novelty in units of its limit; its mean over life takes it in."""
    seen = s[COUNT] - since
    if seen < 0.0:
        return 0.0
    unusual = 0.0
    if seen > 0.0:
        unusual = distance / ((s[column] + floor) * limit)
    s[column] += (distance - s[column]) / (seen + 1.0)
    return unusual


@numba.njit(cache=True, nogil=True, error_model="numpy")
def shape_novelty(distance: float, since: float, floor: float, limit: float, s: Array) -> float:
    """The same for shapes, above the mean and in mean absolute deviations of the last rows.

    Not in standard deviations: those of the first rows, when every shape was new, would outlast
    them.
    """
    seen = s[COUNT] - since
    if seen < 0.0:
        return 0.0
    excess = distance - s[SHAPE_NOVELTY]
    unusual = 0.0
    if seen > 1.0:
        unusual = max(excess, 0.0) / ((s[SHAPE_SPREAD] + floor) * limit)
    rate = max(1.0 / SHAPE_NOVELTY_ROWS, 1.0 / (seen + 1.0))
    s[SHAPE_NOVELTY] += rate * excess
    s[SHAPE_SPREAD] += rate * (abs(excess) - s[SHAPE_SPREAD])
    return unusual


@numba.njit(cache=True, nogil=True, error_model="numpy")
def novelty(
    values: Array, means: Array, squares: Array, now: int, numbers: Array, s: Array
) -> float:
    """The largest novelty of the three views, each in units of its limit."""
    past, gap, rows = int(s[COUNT]), int(numbers[2]), int(numbers[3])
    memory = squares.size + rows + 1
    floor = ROUNDING * (abs(s[MEAN]) + math.sqrt(max(s[VARIANCE], TINY)))
    oldest = now - min(past, memory - 1)
    distance = nearest(values, values[now], oldest, now - gap + 1)
    unusual = scalar_novelty(distance, gap, VALUE_NOVELTY, floor, numbers[7], s)
    oldest = now - min(past, memory - 1) + MEAN_ROWS - 1
    distance = nearest(means, means[now], oldest, now - gap + 1)
    since = gap + MEAN_ROWS - 1.0
    unusual = max(unusual, scalar_novelty(distance, since, MEAN_NOVELTY, floor, numbers[8], s))
    if rows > 0:
        since = 2.0 * rows - 1.0
        oldest = min(past - rows + 1, squares.size)
        if oldest < rows:
            return unusual
        newest = past - rows + 1 <= squares.size
        distance = math.sqrt(nearest_shape(values, now, rows, squares, oldest, newest) / rows)
        unusual = max(unusual, shape_novelty(distance, since, floor, numbers[9], s))
    return unusual


@numba.njit(cache=True, nogil=True, error_model="numpy")
def decide(numbers: Array, s: Array, out: Array) -> None:
    """Level (with hysteresis) and alarm (where an anomaly begins) of a step."""
    index = out[INDEX]
    high = 0
    held = 0
    for level in range(3):
        if index >= numbers[13 + level]:
            high = level + 1
        if index >= numbers[16 + level]:
            held = level + 1
    s[DWELL] += 1.0
    if high > s[LEVEL]:
        s[LEVEL] = high
        s[DWELL] = 0.0
    elif held < s[LEVEL] and s[DWELL] >= numbers[12]:
        s[LEVEL] = held
        s[DWELL] = 0.0
    out[LEVEL_NOW] = s[LEVEL]
    row, last = s[COUNT], s[ANOMALOUS_ROW]
    if out[ANOMALY] >= 0.5:
        quiet = max(numbers[10], numbers[11] * row)
        if last < 0.0 or row - last >= quiet:
            out[ALARM] = 1.0
        s[ANOMALOUS_ROW] = row


@numba.njit(cache=True, nogil=True, error_model="numpy")
def watch_stream(xs: Array, memory: Array, s: Array, numbers: Array, weights: Array) -> Array:
    """All steps of one stream; memory and statistics are brought forward in place.

    Args:
        xs: ``[time]``; what is not finite is missing.
        memory: ``[rows]``, oldest first.
        s: Statistics.
        numbers: Of the settings.
        weights: Of the four components.

    Returns:
        ``[time, 7]``: index, components, level, alarm; nan for a missing value but for its level.
    """
    size, rows, gap = memory.size, int(numbers[3]), MEAN_ROWS
    values = np.empty(size + xs.size)
    values[:size] = memory
    means = np.zeros(size + xs.size)
    for place in range(gap - 1, size):
        means[place] = ((values[place] + values[place - 1]) + values[place - 2]) + values[place - 3]
        means[place] /= gap
    squares = np.zeros(size - rows - 1)
    begun = False
    now = size
    outputs = np.zeros((xs.size, OUTPUTS))
    for step in range(xs.size):
        out = outputs[step]
        value = xs[step]
        if not math.isfinite(value):
            out[:LEVEL_NOW] = np.nan
            out[LEVEL_NOW] = s[LEVEL]
            continue
        if s[COUNT] == 0.0:
            # Before birth all was as the first value: differences of large numbers stay exact.
            values[:now] = value
            means[:now] = value
        if not begun and rows > 0:
            first_shapes(values, now - 1, rows, squares)
            begun = True
        values[now] = value
        means[now] = ((value + values[now - 1]) + values[now - 2]) + values[now - 3]
        means[now] /= gap
        unusual = novelty(values, means, squares, now, numbers, s)
        if s[COUNT] >= numbers[4]:
            out[ANOMALY] = half_at(unusual)
        compare(value, numbers, s, out)
        for part in range(4):
            out[INDEX] += weights[part] * out[DEVIATION + part]
        decide(numbers, s, out)
        s[COUNT] += 1.0
        now += 1
    memory[:] = values[now - size : now]
    return outputs


@numba.njit(cache=True, nogil=True, error_model="numpy")
def watch_streams(
    xs: Array, memory: Array, statistics: Array, numbers: Array, weights: Array
) -> Array:
    """All steps of several streams: ``[streams, time]`` to ``[streams, time, 7]``."""
    outputs = np.empty((xs.shape[0], xs.shape[1], OUTPUTS))
    for stream in range(xs.shape[0]):
        outputs[stream] = watch_stream(
            xs[stream], memory[stream], statistics[stream], numbers, weights
        )
    return outputs
