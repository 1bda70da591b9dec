"""A circuit with 100,000 plastic synapses in our circuits, Brian2 and NEST.

    python -m benchmarks.plastic_circuit --peers PEERS/bin/python

What is simulated and what an event is stands in benchmarks/physics_peers/plasticity.py: the same
source spikes and first weights for everybody. One thread, one process each, medians; compiling and
building are left out.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.physics_peers import plasticity as workload
from benchmarks.results import write
from benchmarks.simulators import Simulators, add_options, asked, found

COMMAND = "python -m benchmarks.plastic_circuit --peers PEERS/bin/python"
FIGURES = (
    "ns_per_event",
    "events",
    "source_spikes",
    "cell_spikes",
    "mean_weight_mv",
    "weight_standard_deviation_mv",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_options(parser)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="short; nothing is written")
    options = parser.parse_args()
    simulators = found(options)
    runs: dict[str, Any] = {
        "repeats": 1 if options.quick else options.repeats,
        "duration-ms": 500.0 if options.quick else workload.DURATION_MS,
    }
    lines = {}
    for name, (python, module, own) in contenders(simulators, runs).items():
        line = asked(python, module, own)
        if line is not None:
            lines[name] = line
    with tempfile.TemporaryDirectory() as scratch:
        folder = {"folder": Path(scratch)} if options.quick else {}
        write("plastic_circuit", conclusions(lines), COMMAND, **folder)


def contenders(
    simulators: Simulators, runs: Mapping[str, Any]
) -> dict[str, tuple[Path | None, str, dict[str, Any]]]:
    """Who simulates the circuit; each in the orders of weight and spike that it knows."""
    ours = {**runs, "task": "plastic_circuit"}
    first, second = workload.ORDERS
    return {
        "neurallayers": (simulators.ours, "circuit_runs", {**ours, "order": first}),
        "neurallayers_float32": (
            simulators.ours,
            "circuit_runs",
            {**ours, "order": first, "precision": "float32"},
        ),
        f"neurallayers_{second}": (simulators.ours, "circuit_runs", {**ours, "order": second}),
        "brian2": (
            simulators.peers,
            "physics_peers.plasticity_brian2",
            {**runs, "order": first},
        ),
        f"brian2_{second}": (
            simulators.peers,
            "physics_peers.plasticity_brian2",
            {**runs, "order": second},
        ),
        "nest": (simulators.peers, "physics_peers.plasticity_nest", dict(runs)),
    }


def conclusions(lines: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The figures that the claims rest on; None for what was not measured."""
    costs = {name: line["results"]["ns_per_event"] for name, line in lines.items()}

    def times(other: str) -> float | None:
        both = "neurallayers" in costs and other in costs
        return float(costs[other] / costs["neurallayers"]) if both else None

    def apart(figure: str) -> float | None:
        if not {"neurallayers", "brian2"} <= set(lines):
            return None
        values = [lines[name]["results"][figure] for name in ("neurallayers", "brian2")]
        return float(abs(values[0] - values[1]))

    return {
        "ns_per_event": costs.get("neurallayers"),
        "speedup_over_brian2": times("brian2"),
        "speedup_over_nest": times("nest"),
        # Everybody starts with the same spikes and weights: nothing but rounding may differ.
        "cell_spikes_apart_from_brian2": apart("cell_spikes"),
        "mean_weight_apart_from_brian2_mv": apart("mean_weight_mv"),
        "simulators": {
            name: {
                **{figure: line["results"][figure] for figure in FIGURES},
                "seconds": line["seconds"],
                "megabytes": line["peak_megabytes"],
                "settings": line["settings"],
                "versions": line["versions"],
            }
            for name, line in lines.items()
        },
    }


if __name__ == "__main__":
    main()
