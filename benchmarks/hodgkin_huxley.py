"""Hodgkin-Huxley in every simulator: time of a step, and how far spikes are from where they belong.

10,000 independent cells at dt 0.025 ms on one thread; the accuracy is that of the 14 spikes of
10 uA/cm2 in 200 ms, against DOP853 at rtol 1e-11 (``benchmarks.physics_peers.hodgkin_huxley``).
Every simulator runs in a process of its own, one after the other, round after round; the figures
are medians over all rounds. Beside them stand the spike-time errors of our solvers at other steps
and the f-I curve, both drawn into ``docs/images``.

Run: ``python -m benchmarks.hodgkin_huxley [--quick] [--peers PYTHON]``
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks import simulators
from benchmarks.physics_peers import hodgkin_huxley as hh
from benchmarks.results import write

COMMAND = "python -m benchmarks.hodgkin_huxley"
IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
PRECISIONS = ("float64", "float32")
SOLVERS = ("exponential_euler", "staggered_exponential_euler", "rk4")
STEPS_MS = (0.05, 0.025, 0.0125, 0.01, 0.005, 0.0025)


class Contender(NamedTuple):
    """Who simulates: a module below ``benchmarks`` and its options."""

    ours: bool
    module: str
    options: Mapping[str, Any]


def contenders(precision: str) -> dict[str, Contender]:
    """Everyone who has this precision."""

    def own(**options: Any) -> Contender:
        return Contender(True, "membrane_runs", {"precision": precision, **options})

    def peer(name: str, **options: Any) -> Contender:
        return Contender(False, f"physics_peers.hodgkin_huxley_{name}", options)

    found = {
        "neurallayers": own(),
        "neurallayers_exponential_euler": own(method="exponential_euler"),
        "neurallayers_two_threads": own(threads=2),
        "torch_eager": own(runner="torch_eager"),
        "torch_compile": own(runner="torch_compile"),
        "brian2": peer("brian2", precision=precision),
        "jaxley": peer("jaxley", precision=precision),
        "jax": peer("jax", precision=precision),
    }
    if precision == "float64":
        found |= {
            "neuron": peer("neuron"),
            "neuron_crank_nicolson": peer("neuron", **{"second-order": True}),
            "coreneuron": peer("neuron", core=True),
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one short round; nothing is written")
    parser.add_argument("--rounds", type=int, default=3)
    simulators.add_options(parser)
    options = parser.parse_args()
    where = simulators.found(options)
    rounds = 1 if options.quick else options.rounds
    lines = {
        precision: measured(contenders(precision), where, rounds, options.quick)
        for precision in PRECISIONS
    }
    results = figures(lines)
    results["spike_time_error_ms_by_step"] = errors()
    results["f_i_curve"] = rates()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) if options.quick else None
        draw(results, folder or IMAGES)
        command = COMMAND + (" --quick" if options.quick else "")
        write("hodgkin_huxley", results, command, **({"folder": folder} if folder else {}))


def measured(
    entrants: Mapping[str, Contender], where: simulators.Simulators, rounds: int, quick: bool
) -> dict[str, list[dict[str, Any]]]:
    """The lines of each, over the rounds; who is missing or fails has none."""
    short = {"cells": 500, "duration-ms": 5.0, "repeats": 1, "warm": 0} if quick else {}
    found: dict[str, list[dict[str, Any]]] = {}
    for _ in range(rounds):
        for name, (ours, module, options) in entrants.items():
            python = where.ours if ours else where.peers
            line = simulators.asked(python, module, {**options, **short})
            if line is not None:
                found.setdefault(name, []).append(line)
    return found


def figures(lines: Mapping[str, Mapping[str, list[dict[str, Any]]]]) -> dict[str, Any]:
    """What the claims rest on, and the medians of everyone."""
    medians = {
        precision: {name: nanoseconds(found) for name, found in by_name.items()}
        for precision, by_name in lines.items()
    }
    results: dict[str, Any] = {}
    for precision, by_name in medians.items():
        ours = by_name["neurallayers"]
        results[f"ns_per_neuron_step_{precision}"] = ours
        for name, value in by_name.items():
            if not name.startswith("neurallayers"):
                results[f"speedup_over_{name}_{precision}"] = value / ours
    first = lines["float64"]
    results["spike_time_error_ms"] = first["neurallayers"][0]["results"]["spike_time_error_ms"]
    results["spike_time_error_ms_by_simulator"] = {
        name: found[0]["results"]["spike_time_error_ms"] for name, found in first.items()
    }
    results["medians_ns_per_neuron_step"] = medians
    results["seconds"] = {
        precision: {
            name: [s for line in found for s in line["seconds"]] for name, found in by.items()
        }
        for precision, by in lines.items()
    }
    results["settings"] = {name: found[0]["settings"] for name, found in first.items()}
    results["versions_of_simulators"] = {
        name: found[0]["versions"] for name, found in first.items()
    }
    return results


def nanoseconds(found: list[dict[str, Any]]) -> float:
    """The median over all runs of all rounds, a neuron and step."""
    settings = found[0]["settings"]
    steps = round(settings["duration_ms"] / settings["dt_ms"])
    seconds = statistics.median(second for line in found for second in line["seconds"])
    return 1e9 * seconds / settings["cells"] / steps


# --------------------------------------------------------------------------------- correctness


def errors() -> dict[str, dict[str, float]]:
    """Largest spike-time error within 200 ms for each of our solvers and steps [ms]."""
    import torch

    from neurallayers.dynamics.membrane import HodgkinHuxley

    found: dict[str, dict[str, float]] = {}
    for solver in SOLVERS:
        found[solver] = {}
        for dt in STEPS_MS:
            cell = HodgkinHuxley(1, dt_ms=dt, solver=solver, output="membrane_potential")
            frame = torch.full((1, 1, 1), hh.ACCURACY_CURRENT_UA_PER_CM2, dtype=torch.float64)
            with torch.no_grad():
                outputs, _ = cell.run(frame, steps=round(hh.ACCURACY_MS / dt))
            trace = np.concatenate([[hh.START_MV], outputs.flatten().numpy()])
            error = hh.accuracy(trace, dt)["spike_time_error_ms"]
            if error is not None:
                found[solver][str(dt)] = error
    return found


def rates() -> dict[str, list[float]]:
    """Inverse of the mean interval in the second half of a second, 0 to 30 uA/cm2 [Hz]."""
    import torch

    from neurallayers.dynamics.membrane import HodgkinHuxley

    currents = torch.linspace(0.0, 30.0, 121, dtype=torch.float64)
    cell = HodgkinHuxley(len(currents), dt_ms=0.025)
    found, _ = cell.spike_times(currents.reshape(1, 1, -1), steps=40_000)
    rate_hz = []
    for i in range(len(currents)):
        times = found.of(i)
        late = times[times >= 500.0]
        rate_hz.append(1000.0 / late.diff().mean().item() if len(late) > 1 else 0.0)
    return {"current_ua_per_cm2": currents.tolist(), "rate_hz": rate_hz}


def draw(results: Mapping[str, Any], folder: Path) -> None:
    """The spike-time error over the step, and the f-I curve."""
    from neurallayers.extras import require

    figure = require("matplotlib.figure", extra="viz")
    folder.mkdir(parents=True, exist_ok=True)
    picture = figure.Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = picture.subplots()
    for solver, by_step in results["spike_time_error_ms_by_step"].items():
        steps = [float(step) for step in by_step]
        # Fourth-order steps are better than what lies between two of them.
        note = " (limited by interpolation)" if solver == "rk4" else ""
        label = solver.replace("_", " ") + note
        axes.loglog(steps, list(by_step.values()), "o-", label=label)
    for error, names in by_error(results["spike_time_error_ms_by_simulator"]).items():
        axes.plot([hh.DT_MS], [error], "k_", markersize=12)
        axes.annotate(
            f"  {', '.join(names).replace('_', ' ')}",
            (hh.DT_MS, error),
            fontsize=7,
            ha="left",
            va="top",
        )
    axes.set_xticks(STEPS_MS, [f"{step:g}" for step in STEPS_MS], fontsize=8)
    axes.minorticks_off()
    axes.set_xlabel("step (ms)")
    axes.set_ylabel("largest spike-time error in 200 ms (ms)")
    axes.set_title("Hodgkin-Huxley at 10 uA/cm2, against DOP853")
    axes.grid(True, which="both", alpha=0.3)
    axes.legend(loc="lower right", fontsize=8)
    picture.savefig(folder / "hodgkin-huxley-error.svg", metadata={"Date": None})
    picture = figure.Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = picture.subplots()
    curve = results["f_i_curve"]
    axes.plot(curve["current_ua_per_cm2"], curve["rate_hz"], ".-")
    axes.set_xlabel("current (uA/cm2)")
    axes.set_ylabel("rate (Hz)")
    axes.set_title("Squid axon at 6.3 C: from 6.3 uA/cm2 it fires on, at once above 50 Hz")
    axes.grid(True, alpha=0.3)
    picture.savefig(folder / "hodgkin-huxley-f-i.svg", metadata={"Date": None})


def by_error(errors: Mapping[str, float | None]) -> dict[float, list[str]]:
    """Other simulators by their error, those that agree to a tenth together."""
    found: dict[float, list[str]] = {}
    for name, error in errors.items():
        if error is None or name.startswith(("neurallayers", "torch")):
            continue
        near = [known for known in found if abs(known - error) < 0.1 * known]
        found.setdefault(near[0] if near else error, []).append(name)
    return found


if __name__ == "__main__":
    main()
