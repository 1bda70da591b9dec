"""Statistics of circuits in other simulators over seeds, kept in tests/references.

    PEERS/bin/python -m benchmarks.physics_peers.references brunel
    PEERS/bin/python -m benchmarks.physics_peers.references vogels_abbott

Each run is a process of its own, one at a time, on one thread. A network that fell silent within
its window (as some COBA networks do) is left out of mean and deviation and named; further seeds
follow until enough networks are alive. The file is written after every case, so that an interrupted
run leaves what it has; ``--resume`` takes up from there.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.physics_peers import brunel, spike_statistics, vogels_abbott

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "references"
FIGURES = ("rate_hz", "cv", "synchrony", "frequency_hz")


class Case(NamedTuple):
    """One network in one simulator: where its figures stand in the file, and who makes them."""

    place: tuple[str, ...]
    script: str
    options: tuple[str, ...]


def brunel_cases() -> Iterator[Case]:
    for weight_mv in brunel.WEIGHTS_MV:
        for regime in brunel.REGIMES:
            yield Case(
                (f"weight_{weight_mv}_mv", regime, "nest"),
                "brunel_nest",
                ("--regime", regime, "--weight-mv", str(weight_mv)),
            )


def vogels_abbott_cases() -> Iterator[Case]:
    for network in vogels_abbott.NETWORKS:
        window = ("--duration-ms", str(vogels_abbott.STOP_MS), "--repeats", "0")
        yield Case((network, "nest"), "vogels_abbott_nest", ("--network", network, *window))
        for method in vogels_abbott.BRIAN2_METHODS[network]:
            yield Case(
                (network, f"brian2_{method}"),
                "vogels_abbott_brian2",
                ("--network", network, "--method", method, *window),
            )


TASKS = {
    "brunel": ("brunel_nest.json", brunel_cases, brunel.definition),
    "vogels_abbott": ("vogels_abbott.json", vogels_abbott_cases, vogels_abbott.definition),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("task", choices=list(TASKS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--resume", action="store_true", help="keep the cases that are there")
    options = parser.parse_args()
    name, cases, definition = TASKS[options.task]
    path = FOLDER / name
    document = json.loads(path.read_text(encoding="utf-8")) if options.resume else {}
    document |= {
        "command": f"PEERS/bin/python -m benchmarks.physics_peers.references {options.task}",
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "definition": definition(),
        "statistics": (spike_statistics.__doc__ or "").strip(),
    }
    document.setdefault("versions", {})
    for case in cases():
        place = document.setdefault("results", {})
        for key in case.place[:-1]:
            place = place.setdefault(key, {})
        if case.place[-1] in place:
            continue
        lines, silent = alive(case, options.seeds)
        document["versions"] |= lines[0]["versions"]
        place[case.place[-1]] = {**summary(lines), "seeds_that_fell_silent": silent}
        write(path, document)
        print(case.place, place[case.place[-1]]["mean"], file=sys.stderr, flush=True)


def alive(case: Case, wanted: int) -> tuple[list[dict[str, Any]], list[int]]:
    """The lines of so many networks that fire to the end, and the seeds of those that did not.

    Raises:
        RuntimeError: If fewer than a third of the networks stay alive.
    """
    lines: list[dict[str, Any]] = []
    silent: list[int] = []
    for seed in range(1, 3 * wanted + 1):
        line = run(case, seed)
        if line["results"].get("fell_silent"):
            silent.append(seed)
        else:
            lines.append(line)
        if len(lines) == wanted:
            return lines, silent
    raise RuntimeError(f"{case}: only {len(lines)} of {3 * wanted} networks stayed alive.")


def run(case: Case, seed: int) -> dict[str, Any]:
    """The line that one process prints.

    Raises:
        RuntimeError: If the process fails.
    """
    command = [sys.executable, "-m", f"benchmarks.physics_peers.{case.script}"]
    done = subprocess.run(
        [*command, *case.options, "--seed", str(seed)],
        capture_output=True,
        text=True,
        cwd=FOLDER.parents[1],
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise RuntimeError(f"{case} failed ({done.returncode}): {done.stderr[-2000:]}")
    line: dict[str, Any] = json.loads(lines[-1])
    return line


def summary(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean and standard deviation (n - 1) over seeds, and every seed's figures."""
    seeds = [{"seed": line["settings"]["seed"], **line["results"]} for line in lines]
    found: dict[str, Any] = {"mean": {}, "standard_deviation": {}}
    for figure in FIGURES:
        values = [seed[figure] for seed in seeds if seed[figure] is not None]
        if len(values) == len(seeds) > 1:
            found["mean"][figure] = statistics.mean(values)
            found["standard_deviation"][figure] = statistics.stdev(values)
    settings = {key: value for key, value in lines[0]["settings"].items() if key != "seed"}
    return {**found, "settings": settings, "seeds": seeds}


def write(path: Path, document: dict[str, Any]) -> None:
    """Write the file whole: under a temporary name first."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.partial")
    text = json.dumps(document, indent=2, allow_nan=False) + "\n"
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


if __name__ == "__main__":
    main()
