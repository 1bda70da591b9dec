"""Asks a simulator, ours or another, for its line of JSON; each in a fresh process.

Other simulators live in environments of their own (requirements-physics-peers.txt and
requirements-physics-peers-brainpy.txt). Where they are is said by ``--peers`` and ``--brainpy`` or
by NEURALLAYERS_PEERS_PYTHON and NEURALLAYERS_BRAINPY_PYTHON; without, they are skipped.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
VARIABLES = {
    "peers": "NEURALLAYERS_PEERS_PYTHON",
    "brainpy": "NEURALLAYERS_BRAINPY_PYTHON",
}


class NoAnswer(Exception):
    """A simulator was asked and gave no line of JSON."""


class Simulators(NamedTuple):
    """Interpreters of the environments that are there."""

    ours: Path
    peers: Path | None
    brainpy: Path | None


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that say where other simulators are."""
    for name, variable in VARIABLES.items():
        parser.add_argument(
            f"--{name}", type=Path, help=f"its interpreter; left out, that of {variable}"
        )


def found(options: argparse.Namespace) -> Simulators:
    """The simulators that are there; says a word about those that are not."""
    interpreters: dict[str, Path | None] = {}
    for name, variable in VARIABLES.items():
        given = getattr(options, name) or os.environ.get(variable)
        interpreters[name] = Path(given).absolute() if given else None
        if given is None:
            print(f"{name} skipped: name an interpreter with --{name} or {variable}.", flush=True)
    return Simulators(Path(sys.executable), interpreters["peers"], interpreters["brainpy"])


def ask(
    python: Path,
    module: str,
    options: Mapping[str, Any],
    *,
    environment: Mapping[str, str] | None = None,
    seconds_at_most: float = 3600.0,
) -> dict[str, Any]:
    """Run a module of benchmarks and give its line, with the wall time of its process.

    Args:
        python: Interpreter.
        module: Name below ``benchmarks``.
        options: By name, without dashes; True for a flag.
        environment: Variables to add.
        seconds_at_most: After which it is ended.

    Raises:
        NoAnswer: If it fails, takes too long or prints no line.
    """
    words = [str(python), "-m", f"benchmarks.{module}"]
    for name, value in options.items():
        words += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    start = time.perf_counter()
    try:
        done = subprocess.run(
            words,
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            timeout=seconds_at_most,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}", **(environment or {})},
        )
    except subprocess.TimeoutExpired as error:
        raise NoAnswer(f"{' '.join(words)} took more than {seconds_at_most} s.") from error
    wall_seconds = time.perf_counter() - start
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise NoAnswer(f"{' '.join(words)} ended with {done.returncode}: {done.stderr[-1500:]}")
    answer: dict[str, Any] = json.loads(lines[-1])
    return {**answer, "wall_seconds": wall_seconds}


def told(line: Mapping[str, Any]) -> str:
    """A line for whoever watches: what took how long."""
    settings = ", ".join(f"{value}" for value in line["settings"].values())
    taken = f"{line['seconds_median']:.4g} s, " if "seconds_median" in line else ""
    return (
        f"{line['simulator']} {line['task']} ({settings}): {taken}"
        f"{line['peak_megabytes']:.0f} MB, process {line['wall_seconds']:.1f} s"
    )


def asked(python: Path | None, module: str, options: Mapping[str, Any]) -> dict[str, Any] | None:
    """As :func:`ask`, but a simulator that is missing or fails is told of and gives None."""
    if python is None:
        return None
    try:
        line = ask(python, module, options)
    except NoAnswer as error:
        print(error, flush=True)
        return None
    print(told(line), flush=True)
    return line
