"""How a peer is measured: one thread, medians, memory, and one line of JSON at the end."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


def one_thread(*, pin: bool = False) -> None:
    """Keep this process and its children on one thread.

    Call it before the simulator is imported: thread pools are as large as what they find.

    Args:
        pin: Stay on one core, where the system can: XLA's threads heed no variable.
    """
    for variable in THREAD_VARIABLES:
        os.environ[variable] = "1"
    if pin and hasattr(os, "sched_setaffinity"):
        # The last core: the first one serves most interrupts.
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def arguments(description: str | None) -> argparse.ArgumentParser:
    """A parser with the options that all peers have."""
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=3, help="timed runs")
    parser.add_argument("--warm", type=int, default=1, help="runs before them, not timed")
    parser.add_argument("--seed", type=int, default=1)
    return parser


def timed(run: Callable[[], object], repeats: int, *, warm: int) -> list[float]:
    """Seconds of each of so many runs, after so many that are not timed."""
    for _ in range(warm):
        run()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return seconds


def peak_megabytes() -> float:
    """The largest resident memory of this process so far [MB, 10^6 bytes]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Versions of Python and of the named packages."""
    found = {"python": platform.python_version()}
    for package in packages:
        found[package] = importlib.metadata.version(package)
    return found


def report(
    simulator: str,
    task: str,
    *,
    packages: Iterable[str],
    settings: Mapping[str, Any],
    seconds: list[float] | None = None,
    build_seconds: float | None = None,
    megabytes: float | None = None,
    results: Mapping[str, Any] | None = None,
) -> None:
    """Print the line.

    Args:
        simulator: Who simulated.
        task: What was simulated.
        packages: Packages whose versions decide.
        settings: Method, step, precision, size, seed.
        seconds: Wall time of each timed run.
        build_seconds: What came before the first run: building, compiling, loading.
        megabytes: Peak resident memory of the simulating process; this process's, if not given.
        results: What came out.
    """
    line: dict[str, Any] = {
        "simulator": simulator,
        "task": task,
        "versions": versions(packages),
        "settings": dict(settings),
        "peak_megabytes": round(peak_megabytes() if megabytes is None else megabytes, 1),
    }
    if seconds:
        line["seconds_median"] = statistics.median(seconds)
        line["seconds"] = seconds
    if build_seconds is not None:
        line["build_seconds"] = build_seconds
    line["results"] = dict(results or {})
    print(json.dumps(line, allow_nan=False), flush=True)
