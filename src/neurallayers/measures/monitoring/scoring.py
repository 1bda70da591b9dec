r"""How well a detector finds labelled anomalies in time: the score of the Numenta benchmark.

Each anomaly is a *window* of the series. Only the first alarm inside a window counts, the more the
earlier it comes; an alarm outside of all windows costs, the less the sooner it follows one; a
window without an alarm costs its full weight. With the place :math:`y` of an alarm relative to the
window's end, in lengths of the window, and :math:`\sigma(y) = 2 / (1 + e^{5 y}) - 1`:

.. math::
    S = \sum_{found} A_{TP} \frac{\sigma(y)}{\sigma(-1)}
        + \sum_{false} A_{FP} \, \sigma(y) - A_{FN} \, n_{missed}

Inside a window :math:`y` goes from -1 at its first row to :math:`-1/w` at its last; behind it, y is
positive; before the first window and far behind one (:math:`y > 3`), :math:`\sigma = -1`. Nothing
counts in the *probation*, the first 15 % of a series (750 rows at most). The score of many series
is their sum, scaled so that a detector that never fires has 0 and a perfect one 100.

Source: Lavin & Ahmad (2015), Evaluating real-time anomaly detection algorithms: the Numenta
Anomaly Benchmark, ICMLA 2015, section II (windows, scoring function, profiles, normalisation).
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName
from neurallayers.registry import nearest_name

Window = tuple[int, int]

PROBATION_SHARE = 0.15
# The benchmark counts at most this many rows of a long series, 15 % of 5,000, as probation.
PROBATION_ROWS = 750
STEEPNESS = 5.0
# So many widths behind a window an alarm has nothing to do with it any more.
FAR_BEHIND = 3.0


class ScoringProfile(NamedTuple):
    """What a found window, a false alarm and a missed window weigh."""

    true_positive: float = 1.0
    false_positive: float = 0.11
    false_negative: float = 1.0


PROFILES: dict[str, ScoringProfile] = {
    "standard": ScoringProfile(),
    "reward_low_FP_rate": ScoringProfile(false_positive=0.22),
    "reward_low_FN_rate": ScoringProfile(false_negative=2.0),
}


class SeriesScore(NamedTuple):
    """The score of one series, with what a silent and a perfect detector would get."""

    score: float
    silent: float
    perfect: float
    windows: int
    windows_found: int
    false_alarms: int


def probation_rows(rows: int) -> int:
    """Rows at the beginning of a series in which nothing counts.

    >>> probation_rows(4032), probation_rows(18050)
    (604, 750)
    """
    return min(math.floor(PROBATION_SHARE * rows), PROBATION_ROWS)


def scaled_sigmoid(place: float) -> float:
    """The weight of an alarm at a place relative to a window's end (see the module).

    >>> scaled_sigmoid(0.0), scaled_sigmoid(4.0), round(scaled_sigmoid(-1.0), 5)
    (0.0, -1.0, 0.98661)
    """
    if place > FAR_BEHIND:
        return -1.0
    return 2.0 / (1.0 + math.exp(STEEPNESS * place)) - 1.0


def score_series(
    alarms: Sequence[int] | NDArray[Any],
    windows: Iterable[Window],
    *,
    rows: int | None = None,
    profile: str | ScoringProfile = "standard",
) -> SeriesScore:
    """The score of one series.

    Args:
        alarms: Either a truth value for each row, or, with ``rows``, the rows of the alarms.
        windows: First and last row of each anomaly, the last included; they do not overlap.
        rows: Length of the series, when ``alarms`` are rows.
        profile: A name of :data:`PROFILES`, or the three weights.

    Raises:
        InvalidInput: If windows overlap or lie outside of the series, or an alarm does.
        ShapeMismatch: If the alarms are not one series.
        UnknownName: If there is no such profile.

    An alarm at the first row of the only window is worth what is perfect:

    >>> score_series([40], [(40, 49)], rows=100).score
    1.0
    """
    weights = _profile(profile)
    places, rows = _rows_of_alarms(alarms, rows)
    spans = _check_windows(windows, rows)
    starts = [first for first, _ in spans]
    found: dict[int, float] = {}
    false_alarms, cost = 0, 0.0
    for row in places:
        if row < probation_rows(rows):
            continue
        before = bisect.bisect_right(starts, row) - 1
        if before >= 0 and row <= spans[before][1]:
            # Alarms come in order: the first of a window is its earliest and its best.
            found.setdefault(before, _reward(row, spans[before]))
        else:
            false_alarms += 1
            cost -= _weight_behind(row, spans[before] if before >= 0 else None)
    missed = len(spans) - len(found)
    score = (
        weights.true_positive * math.fsum(found.values())
        - weights.false_positive * cost
        - weights.false_negative * missed
    )
    return SeriesScore(
        score=score,
        silent=-weights.false_negative * len(spans),
        perfect=weights.true_positive * len(spans),
        windows=len(spans),
        windows_found=len(found),
        false_alarms=false_alarms,
    )


def normalised_score(scores: Iterable[SeriesScore]) -> float:
    """The benchmark's figure: 0 for a silent detector, 100 for a perfect one, may be negative.

    Raises:
        InvalidInput: If no series has a window, so that there is nothing to find.

    >>> normalised_score([score_series([], [(40, 49)], rows=100)])
    0.0
    """
    scores = list(scores)
    silent = math.fsum(score.silent for score in scores)
    reach = math.fsum(score.perfect for score in scores) - silent
    if reach <= 0:
        raise InvalidInput(
            "No series has an anomaly window, or none weighs anything.",
            "Score at least one series with something to find.",
        )
    return 100.0 * (math.fsum(score.score for score in scores) - silent) / reach


def nab_score(
    series: Iterable[tuple[Sequence[int] | NDArray[Any], Iterable[Window]]],
    *,
    profile: str | ScoringProfile = "standard",
) -> float:
    """The normalised score of a detector over many series.

    Args:
        series: For each, a truth value a row (alarm or not) and the windows as rows.
        profile: A name of :data:`PROFILES`, or the three weights.

    Raises:
        InvalidInput: If windows overlap or lie outside of their series, or there are none.

    >>> nab_score([([0] * 40 + [1] + [0] * 59, [(40, 49)]), ([0] * 50, [])])
    100.0
    """
    return normalised_score(
        score_series(np.asarray(alarms, dtype=bool), windows, profile=profile)
        for alarms, windows in series
    )


def windows_as_rows(timestamps: Sequence[str], windows: Iterable[tuple[str, str]]) -> list[Window]:
    """Windows given by their times, as first and last row (both inside).

    Times are compared as moments: ``2014-04-01 00:00:00`` is ``2014-04-01 00:00:00.000000``. They
    need not be in order: real series have an hour twice when the clock is set back.

    Raises:
        InvalidInput: If a time cannot be read or a window holds no row.

    >>> windows_as_rows(["2014-01-01 00:00", "2014-01-01 00:05"], [("2014-01-01 00:03", "2015")])
    [(1, 1)]
    """
    try:
        moments = np.asarray(timestamps, dtype="datetime64[us]")
        edges = [tuple(np.asarray(pair, dtype="datetime64[us]")) for pair in windows]
    except ValueError as error:
        raise InvalidInput(f"A timestamp cannot be read ({error}).", "Use ISO 8601.") from error
    found = []
    for begin, end in edges:
        inside = np.flatnonzero((moments >= begin) & (moments <= end))
        if not inside.size:
            raise InvalidInput(f"The window {begin} to {end} holds no row.", "Check its times.")
        found.append((int(inside[0]), int(inside[-1])))
    return found


def _profile(profile: str | ScoringProfile) -> ScoringProfile:
    if not isinstance(profile, str):
        return ScoringProfile(*profile)
    if profile not in PROFILES:
        raise UnknownName(
            f"There is no scoring profile called {profile!r}.",
            nearest_name(profile, list(PROFILES)),
        )
    return PROFILES[profile]


def _rows_of_alarms(
    alarms: Sequence[int] | NDArray[Any], rows: int | None
) -> tuple[list[int], int]:
    """The rows of the alarms in order, and the length of the series."""
    given = np.asarray(alarms)
    if given.ndim != 1:
        raise ShapeMismatch(f"alarms has shape {given.shape}.", "Give one series at a time.")
    if rows is None:
        if given.dtype != bool and not np.isin(given, (0, 1)).all():
            raise InvalidInput(
                "alarms holds other values than 0 and 1.",
                "Give a truth value for each row, or the rows of the alarms together with rows=.",
            )
        return [int(row) for row in np.flatnonzero(given)], given.size
    if given.dtype == bool:
        raise InvalidInput("alarms holds truth values.", "Leave rows out; they say it already.")
    if given.size and (given.min() < 0 or given.max() >= rows):
        raise InvalidInput(
            f"An alarm is at row {given.min()} or {given.max()} of a series of {rows}.",
            f"Rows go from 0 to {rows - 1}.",
        )
    return sorted({int(row) for row in given}), rows


def _check_windows(windows: Iterable[Window], rows: int) -> list[Window]:
    spans = sorted((int(first), int(last)) for first, last in windows)
    for place, (first, last) in enumerate(spans):
        if not 0 <= first <= last < rows:
            raise InvalidInput(
                f"The window ({first}, {last}) does not lie in a series of {rows} rows.",
                "Give the first and the last row, both inside of it.",
            )
        if place and first <= spans[place - 1][1]:
            raise InvalidInput(
                f"The windows {spans[place - 1]} and {(first, last)} overlap.",
                "Join overlapping windows into one.",
            )
    return spans


def _reward(row: int, window: Window) -> float:
    first, last = window
    place = -(last - row + 1) / (last - first + 1)
    return scaled_sigmoid(place) / scaled_sigmoid(-1.0)


def _weight_behind(row: int, window: Window | None) -> float:
    """The (negative) weight of a false alarm behind a window, or before all of them."""
    if window is None:
        return -1.0
    first, last = window
    # The benchmark counts a width in steps between rows here, in rows inside of a window.
    return scaled_sigmoid((row - last) / max(last - first, 1))
