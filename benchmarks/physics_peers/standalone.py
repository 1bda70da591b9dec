"""Brian2's C++ standalone mode: a program that is compiled once and run several times."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple


class Timing(NamedTuple):
    """What the program took: each run of it starts the same simulation anew."""

    seconds: list[float]  # of the simulation, as the program itself takes the time
    build_seconds: float  # generating and compiling the code, all but the first lines of Python
    start_seconds: float  # of the program before and after its simulation: making the synapses
    megabytes: float  # peak resident memory of the program


@contextmanager
def standalone(precision: str = "float64") -> Iterator[Any]:
    """Brian2 in standalone mode, with code in a folder that goes away.

    Args:
        precision: "float64" or "float32".
    """
    import brian2
    import numpy as np

    brian2.BrianLogger.log_level_error()
    brian2.prefs.core.default_float_dtype = np.dtype(precision).type
    brian2.prefs.devices.cpp_standalone.openmp_threads = 0
    # One compiler at a time, as everything here is on one thread.
    brian2.prefs.devices.cpp_standalone.extra_make_args_unix = ["-j1"]
    with tempfile.TemporaryDirectory() as folder:
        brian2.set_device("cpp_standalone", directory=folder, build_on_run=False)
        # What an earlier simulation of this process left there goes.
        brian2.device.reinit()
        brian2.device.activate(directory=folder, build_on_run=False)
        yield brian2


def build_and_time(brian2: Any, *, repeats: int, warm: int) -> Timing:
    """Compile what was described and run it; afterwards the monitors hold the last run's values."""
    start = time.perf_counter()
    folder = Path(brian2.device.build_options["directory"])
    brian2.device.build(directory=str(folder), results_directory="results", run=False)
    build_seconds = time.perf_counter() - start
    seconds, around, megabytes = [], [], 0.0
    for number in range(warm + repeats):
        taken, whole, peak = once(folder)
        if number >= warm:
            seconds.append(taken)
        around.append(whole - taken)
        megabytes = max(megabytes, peak)
    # Brian2 did not start these runs: tell it that there are results.
    brian2.get_device().has_been_run = True
    return Timing(seconds, build_seconds, statistics.median(around), megabytes)


def once(folder: Path) -> tuple[float, float, float]:
    """One run of the program: seconds of its simulation, of all of it, and its peak memory [MB].

    Raises:
        RuntimeError: If the program fails.
    """
    results = folder / "results"
    results.mkdir(exist_ok=True)
    start = time.perf_counter()
    program = subprocess.Popen(
        ["./main", "--results_dir", f"{results}{os.sep}"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    # wait4 gives the memory of this child alone; the compiler was a child too.
    _, status, usage = os.wait4(program.pid, 0)
    program.returncode = os.waitstatus_to_exitcode(status)
    whole = time.perf_counter() - start
    if program.returncode:
        raise RuntimeError(f"Brian2's program ended with {program.returncode}.")
    taken = float((results / "last_run_info.txt").read_text(encoding="utf-8").split()[0])
    return taken, whole, usage.ru_maxrss * 1024 / 1e6
