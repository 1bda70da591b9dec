"""The Vogels-Abbott networks in our circuits, Brian2, NEST and BrainPy.

    python -m benchmarks.circuits --peers PEERS/bin/python --brainpy BRAINPY/bin/python

Every figure comes from a process of its own, one at a time, on one thread, dt 0.1 ms, float64
unless said otherwise; seconds are the median of the runs of a biological second after a first one.
What is built and compiled before counts only for the cold start: the wall time of a whole process,
with nothing cached, that builds the network of 4,000 cells, compiles, and runs one second.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.results import write
from benchmarks.simulators import Simulators, add_options, ask, asked, found

COMMAND = "python -m benchmarks.circuits --peers PEERS/bin/python --brainpy BRAINPY/bin/python"
SIZES = {"CUBA": (4000, 16000, 64000), "COBA": (4000,)}
SMALLEST, LARGEST = 4000, 64000
# Some networks of COBA fall silent; a silent one says nothing about speed.
SEEDS = range(1, 6)
THREADS_COMPARED = (1, 2)

Lines = dict[str, dict[str, Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_options(parser)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="small and short; nothing is written")
    options = parser.parse_args()
    simulators = found(options)
    sizes = {"CUBA": (SMALLEST,), "COBA": (SMALLEST,)} if options.quick else SIZES
    runs = {"repeats": 1} if options.quick else {"repeats": options.repeats}
    if options.quick:
        runs["duration-ms"] = 200
    table = {
        network: {
            str(cells): measured(simulators, {"network": network, "cells": cells, **runs})
            for cells in counts
        }
        for network, counts in sizes.items()
    }
    results = conclusions(table)
    results |= first_results(simulators, quick=options.quick)
    results |= invariance(simulators, cells=2000 if options.quick else 16000)
    results["scaling"] = short(table)
    results["simulators_missing"] = [
        name for name, python in simulators._asdict().items() if python is None
    ]
    with tempfile.TemporaryDirectory() as scratch:
        write("circuits", results, COMMAND, **({"folder": Path(scratch)} if options.quick else {}))


def contenders(
    simulators: Simulators, options: Mapping[str, Any]
) -> dict[str, tuple[Path | None, str, dict[str, Any]]]:
    """Who simulates a network, and with which options."""
    network = options["network"]
    single = {**options, "precision": "float32"}
    # Brian2 has two methods for COBA: exponential Euler, its fast one, is the peer of the table.
    every = {
        "neurallayers": (simulators.ours, "circuit_runs", dict(options)),
        "neurallayers_float32": (simulators.ours, "circuit_runs", single),
        "neurallayers_two_threads": (simulators.ours, "circuit_runs", {**options, "threads": 2}),
        "brian2": (simulators.peers, "physics_peers.vogels_abbott_brian2", dict(options)),
        "brian2_float32": (simulators.peers, "physics_peers.vogels_abbott_brian2", single),
        "nest": (simulators.peers, "physics_peers.vogels_abbott_nest", dict(options)),
        "brainpy": (simulators.brainpy, "physics_peers.vogels_abbott_brainpy", dict(options)),
    }
    if network == "COBA":
        accurate = {**options, "method": "rk4"}
        every["brian2_rk4"] = (
            simulators.peers,
            "physics_peers.vogels_abbott_brian2",
            accurate,
        )
    return every


def measured(simulators: Simulators, options: Mapping[str, Any]) -> Lines:
    """The line of each simulator that is there, of a network that fires to its end."""
    lines: Lines = {}
    for name, (python, module, own) in contenders(simulators, options).items():
        for seed in SEEDS:
            line = asked(python, module, {**own, "seed": seed})
            if line is None:
                break
            if line["results"]["spikes"] > 0:
                lines[name] = line
                break
    return lines


def conclusions(table: Mapping[str, Mapping[str, Lines]]) -> dict[str, Any]:
    """The figures that the claims rest on; None for what was not measured."""
    results: dict[str, Any] = {
        "cuba_speedup_over_brian2": speedup(table["CUBA"][str(SMALLEST)], "brian2"),
        "coba_speedup_over_brian2": speedup(table["COBA"][str(SMALLEST)], "brian2"),
    }
    largest = table["CUBA"].get(str(LARGEST), {}).get("neurallayers")
    results["seconds_64k"] = largest and largest["seconds_median"]
    results["megabytes_64k"] = largest and largest["peak_megabytes"]
    results["bytes_per_synapse"] = largest and largest["results"]["bytes_per_synapse"]
    return results


def speedup(lines: Lines, over: str, ours: str = "neurallayers") -> float | None:
    """How many times faster we are; None if one of the two is missing."""
    if over not in lines or ours not in lines:
        return None
    return float(lines[over]["seconds_median"] / lines[ours]["seconds_median"])


def short(table: Mapping[str, Mapping[str, Lines]]) -> dict[str, Any]:
    """The scaling table: of each line what is compared."""
    return {
        network: {
            cells: {
                name: {
                    "seconds": line["seconds_median"],
                    "every_seconds": line["seconds"],
                    "megabytes": line["peak_megabytes"],
                    "build_seconds": line.get("build_seconds"),
                    "rate_hz": line["results"]["rate_hz"],
                    "versions": line["versions"],
                    "settings": line["settings"],
                }
                for name, line in lines.items()
            }
            for cells, lines in sizes.items()
        }
        for network, sizes in table.items()
    }


def first_results(simulators: Simulators, *, quick: bool) -> dict[str, Any]:
    """Wall seconds of a process that builds, compiles and runs one second of CUBA 4k."""
    rounds = 1 if quick else 3
    cold: list[float] = []
    warm: list[float] = []
    options = {"network": "CUBA", "cells": SMALLEST, "repeats": 0}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            cache = {"NUMBA_CACHE_DIR": folder}
            for seconds in (cold, warm):
                line = ask(simulators.ours, "circuit_runs", options, environment=cache)
                seconds.append(line["wall_seconds"])
    found: dict[str, Any] = {
        "cold_start_seconds": statistics.median(cold),
        "warm_start_seconds": statistics.median(warm),
    }
    once = {**options, "repeats": 1, "warm": 0}
    for name, (python, module, own) in contenders(simulators, once).items():
        if name in ("brian2", "nest", "brainpy"):
            taken = [asked(python, module, own) for _ in range(rounds)]
            walls = [line["wall_seconds"] for line in taken if line is not None]
            found[f"{name}_cold_start_seconds"] = statistics.median(walls) if walls else None
    return found


def invariance(simulators: Simulators, *, cells: int) -> dict[str, Any]:
    """Whether spikes and state are the same with one and with two threads, bit for bit."""
    fingerprints = {}
    for network in SIZES:
        for threads in THREADS_COMPARED:
            options = {
                "network": network,
                "cells": cells,
                "threads": threads,
                "duration-ms": 300,
                "repeats": 0,
            }
            line = ask(simulators.ours, "circuit_runs", options)
            fingerprints[network, threads] = line["results"]["fingerprint"]
    same = all(len({fingerprints[n, t] for t in THREADS_COMPARED}) == 1 for n in SIZES)
    return {"thread_invariant": same, "thread_invariant_cells": cells}


if __name__ == "__main__":
    main()
