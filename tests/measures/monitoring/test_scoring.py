"""The score of the Numenta benchmark, against hand-made cases and the published tables."""

from __future__ import annotations

import csv
import gzip
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.data.folders import find_file
from neurallayers.errors import DataUnavailable, InvalidInput, ShapeMismatch, UnknownName
from neurallayers.measures.monitoring import (
    ScoringProfile,
    nab_score,
    normalised_score,
    probation_rows,
    score_series,
    windows_as_rows,
)
from neurallayers.measures.monitoring.scoring import Window, scaled_sigmoid

LAW = settings(deadline=None, derandomize=True, database=None, max_examples=50)


def test_the_sigmoid_of_the_paper() -> None:
    # Lavin & Ahmad (2015), Fig. 2: early in the window near 1, at its end 0, behind it to -1.
    assert scaled_sigmoid(-1.0) == pytest.approx(2 / (1 + math.exp(-5)) - 1)
    assert scaled_sigmoid(0.0) == 0.0
    assert scaled_sigmoid(1.0) == pytest.approx(-scaled_sigmoid(-1.0))
    assert scaled_sigmoid(3.01) == -1.0


def test_one_series_by_hand() -> None:
    # Probation of 100 rows is 15; the alarm at 5 is free, 20 costs all, 41 finds, 45 is not
    # counted, 55 comes half a width (9 steps) behind the window.
    score = score_series([5, 20, 41, 45, 54], [(40, 49), (80, 89)], rows=100)
    found = (2 / (1 + math.exp(-4.5)) - 1) / (2 / (1 + math.exp(-5)) - 1)
    behind = 2 / (1 + math.exp(5 * 5 / 9)) - 1
    assert score.score == pytest.approx(found - 0.11 + 0.11 * behind - 1.0, abs=1e-12)
    assert (score.windows, score.windows_found, score.false_alarms) == (2, 1, 2)
    assert (score.silent, score.perfect) == (-2.0, 2.0)


def test_truth_values_and_rows_say_the_same() -> None:
    alarms = np.zeros(100, dtype=bool)
    alarms[[20, 41]] = True
    assert score_series(alarms, [(40, 49)]) == score_series([41, 20], [(40, 49)], rows=100)


def test_profiles_weigh_differently() -> None:
    case: tuple[list[int], list[Window]] = ([20], [(40, 49)])
    scores = {
        name: score_series(*case, rows=100, profile=name).score
        for name in ("standard", "reward_low_FP_rate", "reward_low_FN_rate")
    }
    assert scores == pytest.approx(
        {"standard": -1.11, "reward_low_FP_rate": -1.22, "reward_low_FN_rate": -2.11}
    )
    own = score_series(*case, rows=100, profile=ScoringProfile(2.0, 0.5, 3.0))
    assert (own.score, own.perfect, own.silent) == pytest.approx((-3.5, 2.0, -3.0))


def test_silent_is_nothing_and_perfect_is_a_hundred() -> None:
    series = [(np.zeros(200), [(50, 69), (100, 119)]), (np.zeros(90), [])]
    assert nab_score(series) == 0.0
    series[0][0][[50, 100]] = 1
    assert nab_score(series) == pytest.approx(100.0)


@given(st.lists(st.integers(0, 299), max_size=12, unique=True), st.integers(0, 299))
@LAW
def test_another_alarm_never_helps_outside_and_never_hurts_inside(
    alarms: list[int], another: int
) -> None:
    windows = [(60, 89), (200, 229)]
    before = score_series(alarms, windows, rows=300).score
    after = score_series([*alarms, another], windows, rows=300).score
    inside = any(first <= another <= last for first, last in windows)
    assert after >= before - 1e-12 if inside else after <= before + 1e-12


def test_times_become_rows_even_where_the_clock_was_set_back() -> None:
    times = ["2014-11-02 01:30:00", "2014-11-02 02:00", "2014-11-02 01:30:00", "2014-11-02 03:00"]
    assert windows_as_rows(times, [("2014-11-02 01:10:00.000000", "2014-11-02 01:40")]) == [(0, 2)]
    with pytest.raises(InvalidInput, match="holds no row"):
        windows_as_rows(times, [("2015-01-01", "2015-01-02")])
    with pytest.raises(InvalidInput, match="cannot be read"):
        windows_as_rows(["yesterday"], [])


@pytest.mark.parametrize(
    ("alarms", "windows", "rows", "problem"),
    [
        ([1], [(5, 9), (9, 12)], 100, "overlap"),
        ([1], [(90, 100)], 100, "does not lie"),
        ([1], [(9, 5)], 100, "does not lie"),
        ([100], [], 100, "of a series of 100"),
        ([-1], [], 100, "of a series of 100"),
        ([0.2, 0.7], [], None, "other values than 0 and 1"),
        ([True, False], [], 2, "truth values"),
    ],
)
def test_nonsense_is_refused(
    alarms: Any, windows: list[Window], rows: int | None, problem: str
) -> None:
    with pytest.raises(InvalidInput, match=problem):
        score_series(alarms, windows, rows=rows)


def test_other_nonsense_is_refused() -> None:
    with pytest.raises(ShapeMismatch, match="one series at a time"):
        score_series(np.zeros((2, 3), dtype=bool), [])
    with pytest.raises(UnknownName, match="Did you mean 'standard'"):
        score_series([], [], rows=10, profile="standart")
    with pytest.raises(InvalidInput, match="something to find"):
        normalised_score([score_series([], [], rows=10)])


# ------------------------------------------------------------------------- published detectors


def published() -> tuple[dict[str, dict[str, Any]], list[dict[str, str]]]:
    try:
        series = find_file("nab", "nab_public.jsonl.gz")
        scores = find_file("nab", "published_standard_scores_public.csv.gz")
    except DataUnavailable as error:
        pytest.skip(str(error))
    return _series(series), _table(scores)


def _series(path: Path) -> dict[str, dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return {found["file"]: found for found in map(json.loads, lines)}


def _table(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_published_scores_of_few_alarms_are_among_ours() -> None:
    """With one counted alarm at most, a published score is that of some row: exactly one of ours.

    The tables give scores and counts, not rows, so that only these can be found again.
    """
    series, table = published()
    windows = {
        name: windows_as_rows(one["timestamps"], one["windows"]) for name, one in series.items()
    }
    checked = 0
    for line in table:
        spans, rows = windows[line["File"]], len(series[line["File"]]["values"])
        inside = [row for first, last in spans for row in range(first, last + 1)]
        found, false = int(line["TP"]), int(line["FP"])
        if found + false > 1 or not spans:
            continue
        places = inside if found else range(probation_rows(rows), rows) if false else []
        ours = {score_series([row], spans, rows=rows).score for row in places} or {-len(spans)}
        assert min(abs(score - float(line["Score"])) for score in ours) < 1e-9, line
        checked += 1
    assert checked > 80


def test_published_scores_without_a_window_are_ours() -> None:
    series, table = published()
    for line in table:
        one = series[line["File"]]
        if not one["windows"]:
            rows, false = len(one["values"]), int(line["FP"])
            alarms = range(probation_rows(rows), probation_rows(rows) + false)
            score = score_series(list(alarms), [], rows=rows).score
            assert score == pytest.approx(float(line["Score"]), abs=1e-9)


def test_probation_and_windows_have_the_published_numbers_of_rows() -> None:
    series, table = published()
    for line in table:
        if line["Detector"] != "null":
            continue
        one = series[line["File"]]
        spans = windows_as_rows(one["timestamps"], one["windows"])
        rows = len(one["values"])
        assert sum(last - first + 1 for first, last in spans) == int(line["FN"])
        assert rows - probation_rows(rows) == int(line["FN"]) + int(line["TN"])
        assert score_series([], spans, rows=rows).score == float(line["Score"])
