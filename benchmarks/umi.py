"""UMI on the Numenta benchmark: one fixed setting, against the published detectors.

    python -m benchmarks.umi               # reads nab/ where the data sets are looked for
    python -m benchmarks.umi --figure PATH # also draws one series

The setting is :data:`neurallayers.measures.monitoring.THOROUGH` for every series. Its limits come
from synthetic streams (``umi_streams.py``), not from the series that are scored. How much would a
choice on labelled series have changed? All limits are scaled by one factor that is best on one half
of the series (every second of each category), and the other half is scored with it.

The published detectors are compared on the same series, from their per-series table; with their
thresholds fitted on all series, as the benchmark does it.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import track

from benchmarks.results import write
from benchmarks.umi_streams import false_alarms
from neurallayers.data.folders import find_file
from neurallayers.errors import DataUnavailable
from neurallayers.measures.monitoring import (
    LIGHT,
    PROFILES,
    THOROUGH,
    MonitorSettings,
    SeriesScore,
    Watch,
    detect,
    figure,
    normalised_score,
    probation_rows,
    score_series,
    windows_as_rows,
)
from neurallayers.measures.monitoring.scoring import Window

COMMAND = "python -m benchmarks.umi"
FACTORS = (0.5, 0.7, 0.85, 1.0, 1.2, 1.4, 2.0)
LIMITS = ("value_limit", "mean_limit", "shape_limit")
REPETITIONS, STEPS = 5, 5000
DRAWN = "machine_temperature_system_failure"
WARNING = 2


class Series(NamedTuple):
    """One series of the benchmark."""

    file: str
    values: np.ndarray[Any, Any]
    windows: list[Window]

    @property
    def category(self) -> str:
        """The folder of the series in the benchmark."""
        return self.file.partition("/")[0]


def load() -> list[Series]:
    with gzip.open(find_file("nab", "nab_public.jsonl.gz"), "rt", encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines]
    return [
        Series(
            one["file"],
            np.asarray(one["values"], dtype=np.float64),
            windows_as_rows(one["timestamps"], one["windows"]),
        )
        for one in sorted(found, key=lambda one: str(one["file"]))
    ]


def published(series: Sequence[Series]) -> list[dict[str, str]]:
    path = find_file("nab", "published_standard_scores_public.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        names = {one.file for one in series}
        return [line for line in csv.DictReader(lines) if line["File"] in names]


def scores(
    series: Sequence[Series], settings: MonitorSettings, profile: str = "standard"
) -> list[SeriesScore]:
    return [
        score_series(detect(one.values, settings=settings).alarms, one.windows, profile=profile)
        for one in series
    ]


def halves(series: Sequence[Series]) -> list[int]:
    """Every second series of each category, in alphabetical order, belongs to the second half."""
    seen: dict[str, int] = {}
    found = []
    for one in series:
        seen[one.category] = seen.get(one.category, -1) + 1
        found.append(seen[one.category] % 2)
    return found


def half_check(series: Sequence[Series]) -> dict[str, Any]:
    """One factor on all limits, chosen on one half and scored on the other."""
    half = halves(series)
    table = {}
    for factor in track(FACTORS, description="limits scaled", console=Console(stderr=True)):
        scaled = {name: getattr(THOROUGH, name) * factor for name in LIMITS}
        table[factor] = scores(series, THOROUGH.replace(**scaled))

    def of(factor: float, side: int) -> float:
        return normalised_score(
            score for score, mine in zip(table[factor], half, strict=True) if mine == side
        )

    found: dict[str, Any] = {
        "score_by_factor": {str(factor): normalised_score(table[factor]) for factor in FACTORS}
    }
    for side, name in enumerate(("first_half", "second_half")):
        best = max(FACTORS, key=lambda factor: of(factor, 1 - side))
        found[name] = {
            "fixed_setting": of(1.0, side),
            "factor_chosen_on_the_other_half": best,
            "score_with_it": of(best, side),
        }
    return found


def by_category(series: Sequence[Series], found: Sequence[SeriesScore]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for category in sorted({one.category for one in series}):
        mine = [s for one, s in zip(series, found, strict=True) if one.category == category]
        table[category] = {
            "score": normalised_score(mine) if any(s.windows for s in mine) else None,
            "windows": sum(s.windows for s in mine),
            "found": sum(s.windows_found for s in mine),
            "false_alarms": sum(s.false_alarms for s in mine),
        }
    return table


def detectors(series: Sequence[Series], table: Sequence[dict[str, str]]) -> dict[str, float]:
    """The published detectors on these series, best first; only those scored on all of them."""
    windows = {one.file: len(one.windows) for one in series}
    totals: dict[str, list[float]] = {}
    for line in table:
        totals.setdefault(line["Detector"], []).append(float(line["Score"]))
    reach = sum(windows.values())
    found = {
        name: 100.0 * (sum(raw) + reach) / (2 * reach)
        for name, raw in totals.items()
        if len(raw) == len(series)
    }
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def scores_found_again(series: Sequence[Series], table: Sequence[dict[str, str]]) -> dict[str, int]:
    """Published scores of one counted alarm at most: how many are exactly those of some row."""
    named = {one.file: one for one in series}
    again = checked = 0
    for line in table:
        one, found, false = named[line["File"]], int(line["TP"]), int(line["FP"])
        if found + false > 1:
            continue
        rows = one.values.size
        inside = [row for first, last in one.windows for row in range(first, last + 1)]
        places: Sequence[int] = (
            inside if found else range(probation_rows(rows), rows) if false else []
        )
        ours = [score_series([row], one.windows, rows=rows).score for row in places]
        ours = ours or [score_series([], one.windows, rows=rows).score]
        checked += 1
        again += min(abs(score - float(line["Score"])) for score in ours) < 1e-9
    return {"checked": checked, "exactly_ours": again}


def points_per_second(series: Sequence[Series], settings: MonitorSettings) -> dict[str, float]:
    """Rows of all series one after the other on one thread; the best of the repetitions.

    By the clock, and by the time of the processor, which says what a machine that does nothing else
    would need.
    """
    detect(series[0].values, settings=settings)
    clock = processor = np.inf
    for _ in range(REPETITIONS):
        begun, begun_processor = time.perf_counter(), time.process_time()
        for one in series:
            detect(one.values, settings=settings)
        clock = min(clock, time.perf_counter() - begun)
        processor = min(processor, time.process_time() - begun_processor)
    rows = sum(one.values.size for one in series)
    return {"by_the_clock": rows / clock, "by_processor_time": rows / processor}


def step_us(streams: int) -> float:
    """One step of a watch of so many vitals [us], the best of the repetitions."""
    names = tuple(f"vital {place}" for place in range(streams))
    watch = Watch(names)
    state, best = watch.initial_state(), np.inf
    for _ in range(REPETITIONS + 1):
        begun = time.perf_counter()
        for step in range(STEPS):
            state, _ = watch.step(state, dict.fromkeys(names, float(step % 7)))
        best = min(best, time.perf_counter() - begun)
    return float(best / STEPS * 1e6)


def warnings_scored(series: Sequence[Series]) -> float:
    """The score of the index itself: an alarm wherever its level rises to warning."""
    found = []
    for one in series:
        high = detect(one.values).levels >= WARNING
        risen = high & ~np.concatenate([[False], high[:-1]])
        found.append(score_series(risen, one.windows))
    return normalised_score(found)


def draw(series: Sequence[Series], path: Path) -> None:
    one = next(one for one in series if DRAWN in one.file)
    drawn = figure(one.values, detect(one.values), windows=one.windows, title=one.file)
    drawn.savefig(path)


def measure() -> tuple[dict[str, Any], list[Series]]:
    series = load()
    table = published(series)
    found = scores(series, THOROUGH)
    speed = points_per_second(series, THOROUGH)
    results: dict[str, Any] = {
        "nab_standard": normalised_score(found),
        "points_per_second": speed["by_the_clock"],
        "points_per_processor_second": speed["by_processor_time"],
        "series": len(series),
        "windows": sum(score.windows for score in found),
        "windows_found": sum(score.windows_found for score in found),
        "false_alarms": sum(score.false_alarms for score in found),
        "other_profiles": {
            name: normalised_score(scores(series, THOROUGH, name))
            for name in PROFILES
            if name != "standard"
        },
        "light_setting": {
            "nab_standard": normalised_score(scores(series, LIGHT)),
            "points_per_second": points_per_second(series, LIGHT),
        },
        "index_at_warning": warnings_scored(series),
        "watch_step_us": {"1 vital": step_us(1), "8 vitals": step_us(8)},
        "by_category": by_category(series, found),
        "half_check": half_check(series),
        "published_on_the_same_series": detectors(series, table),
        "published_scores_found_again": scores_found_again(series, table),
        "false_alarms_per_1000_rows_of_synthetic_streams": {
            "thorough": false_alarms(THOROUGH),
            "light": false_alarms(LIGHT),
        },
    }
    return results, series


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--figure", type=Path, help="where to draw one series")
    options = parser.parse_args()
    try:
        results, series = measure()
    except DataUnavailable as error:
        sys.exit(str(error))
    write("umi", results, COMMAND)
    if options.figure:
        draw(series, options.figure)


if __name__ == "__main__":
    main()
