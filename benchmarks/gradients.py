"""Gradients through Hodgkin-Huxley in every simulator: 100 cells for 100 ms, value and gradient.

The loss is the mean potential, its gradient is by gNa, gK and gL of every cell
(``benchmarks.physics_peers.gradients``). Every simulator runs in a process of its own, one after
the other, round after round; the figures are medians over all rounds. That all compute the same is
part of the result.

Run: ``python -m benchmarks.gradients [--quick] [--peers PYTHON]``
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import simulators
from benchmarks.hodgkin_huxley import Contender, measured
from benchmarks.results import write

COMMAND = "python -m benchmarks.gradients"
CHECKED = ("loss_mv", "gradient_sodium", "gradient_potassium", "gradient_leak")


def contenders() -> dict[str, Contender]:
    """Everyone, in float64; ours in float32 as well."""

    def own(**options: Any) -> Contender:
        return Contender(True, "membrane_runs", {"task": "gradients", **options})

    return {
        "neurallayers": own(),
        "neurallayers_float32": own(precision="float32"),
        "torch_eager": own(runner="torch_eager", repeats=1, warm=0),
        "torch_compile": own(runner="torch_compile", repeats=1),
        "jaxley": Contender(False, "physics_peers.gradients_jaxley", {}),
        "jax": Contender(False, "physics_peers.gradients_jax", {}),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one short round; nothing is written")
    parser.add_argument("--rounds", type=int, default=3)
    simulators.add_options(parser)
    options = parser.parse_args()
    rounds = 1 if options.quick else options.rounds
    lines = measured(contenders(), simulators.found(options), rounds, options.quick)
    results = figures(lines)
    command = COMMAND + (" --quick" if options.quick else "")
    with tempfile.TemporaryDirectory() as scratch:
        write("gradients", results, command, **({"folder": Path(scratch)} if options.quick else {}))


def figures(lines: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """What the claims rest on, and the medians of everyone."""
    seconds = {
        name: statistics.median(second for line in found for second in line["seconds"])
        for name, found in lines.items()
    }
    ours = seconds["neurallayers"]
    results: dict[str, Any] = {"seconds": ours}
    for name, value in seconds.items():
        if not name.startswith("neurallayers"):
            results[f"speedup_over_{name}"] = value / ours
    results["medians_seconds"] = seconds
    results["forward_seconds"] = {
        name: statistics.median(line["results"]["forward_seconds"] for line in found)
        for name, found in lines.items()
    }
    results["build_seconds"] = {
        name: statistics.median(line["build_seconds"] for line in found)
        for name, found in lines.items()
    }
    results["what_came_out"] = {
        name: {key: found[0]["results"][key] for key in CHECKED} for name, found in lines.items()
    }
    results["settings"] = {name: found[0]["settings"] for name, found in lines.items()}
    results["versions_of_simulators"] = {
        name: found[0]["versions"] for name, found in lines.items()
    }
    return results


if __name__ == "__main__":
    main()
