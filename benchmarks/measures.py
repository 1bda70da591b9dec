"""Measures of spike trains against elephant: the same values, and how long they take.

    python -m benchmarks.measures --elephant PATH   # a python that has elephant and pyspike

Both measure the same trains in one run, in float64, on one thread, after a first call that compiles
or imports; medians of the repetitions. Without --elephant (or NEURALLAYERS_ELEPHANT_PYTHON) only
ours are timed.

The values agree to rounding but for the tiling coefficient: elephant takes spikes for near that are
up to a hundred-thousandth of their time too far apart (a relative tolerance that it did not mean).
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.results import write
from neurallayers import measures

TRAINS, RATE_HZ, DURATION_MS = 20, 20.0, 20_000.0
BIN_MS, REPETITIONS = 5.0, 5
PEER = Path(__file__).with_name("elephant_speed.py")


def trains() -> list[np.ndarray[Any, Any]]:
    """Poisson trains of 20 s."""
    generator = np.random.default_rng(3)
    counts = generator.poisson(RATE_HZ * DURATION_MS / 1000.0, size=TRAINS)
    return [np.sort(generator.uniform(1.0, DURATION_MS - 1.0, count)) for count in counts]


def ours(of: list[np.ndarray[Any, Any]]) -> dict[str, Callable[[], Any]]:
    """What is measured, by the names that the peer's script uses too."""
    pairs = [(a, b) for a in of for b in of]
    return {
        "cv2": lambda: [measures.cv2(train) for train in of],
        "fano_factor": lambda: measures.fano_factor_of_trains(of, stop_ms=DURATION_MS),
        "correlation": lambda: measures.correlation_coefficients(of, BIN_MS, stop_ms=DURATION_MS),
        "van_rossum": lambda: measures.pairwise_distances(
            of, functools.partial(measures.van_rossum_distance, tau_ms=10.0)
        ),
        "victor_purpura": lambda: measures.pairwise_distances(
            of, functools.partial(measures.victor_purpura_distance, cost_per_ms=0.1)
        ),
        "tiling": lambda: [
            measures.spike_time_tiling_coefficient(a, b, stop_ms=DURATION_MS) for a, b in pairs
        ],
        "spike_synchronization": lambda: measures.spike_synchronization(of),
    }


def median_seconds(call: Callable[[], Any]) -> tuple[float, Any]:
    """Median over repetitions, and what the call gave; the first call is not counted."""
    value = call()
    seconds = []
    for _ in range(REPETITIONS):
        begun = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds), value


def peer(python: str, of: list[np.ndarray[Any, Any]]) -> dict[str, Any]:
    """Times and values of elephant and PySpike, from their own environment."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trains.json"
        path.write_text(json.dumps([train.tolist() for train in of]), encoding="utf-8")
        command = [python, str(PEER), str(path), str(DURATION_MS), str(BIN_MS), str(REPETITIONS)]
        answer = subprocess.run(command, check=True, capture_output=True, text=True)
    said: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return said


def main() -> None:
    """Measure both, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--elephant", default=os.environ.get("NEURALLAYERS_ELEPHANT_PYTHON"))
    options = parser.parse_args()
    of = trains()
    mine = {name: median_seconds(call) for name, call in ours(of).items()}
    results: dict[str, Any] = {
        "trains": TRAINS,
        "spikes": int(sum(train.size for train in of)),
        "seconds": {name: seconds for name, (seconds, _) in mine.items()},
    }
    if options.elephant:
        said = peer(options.elephant, of)
        results["seconds_elephant"] = said["seconds"]
        results["versions_of_peers"] = said["versions"]
        results["speedup_over_elephant"] = {
            name: said["seconds"][name] / seconds for name, (seconds, _) in mine.items()
        }
        results["largest_difference"] = {
            name: float(np.abs(np.asarray(said["values"][name]) - np.asarray(value)).max())
            for name, (_, value) in mine.items()
        }
    else:
        print("No python with elephant: only our own times.", file=sys.stderr)
    write("measures", results, "python -m benchmarks.measures --elephant PATH")


if __name__ == "__main__":
    main()
