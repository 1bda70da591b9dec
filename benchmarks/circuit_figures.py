"""Figures of circuits for the documentation.

``python -m benchmarks.circuit_figures`` writes ``docs/images/brunel-regimes.png`` (the four regimes
of Brunel's network at 5,000 cells, simulated here) and ``docs/images/physics-speeds.svg`` (what the
benchmarks measured of us and of other simulators; from ``benchmarks/results``, so run those first).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.results import RESULTS
from neurallayers.circuits import Record
from neurallayers.circuits.models.brunel import REGIMES, brunel
from neurallayers.circuits.plots import population_rates, raster

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
BEGIN_MS, SHOWN_MS = 500.0, 200.0
TITLES = {
    "SR": "synchronous regular",
    "AI": "asynchronous irregular",
    "SI_fast": "synchronous irregular, fast",
    "SI_slow": "synchronous irregular, slow",
}
OURS, THEIRS = "#c0504d", "#8aa1b8"


def draw_regimes(path: Path) -> Path:
    """Draw who fires when, and the population's rate, in each regime."""
    figure = Figure(figsize=(12.0, 6.0), layout="constrained")
    panels = figure.subplots(
        2, len(REGIMES), sharex="col", gridspec_kw={"height_ratios": [2, 1]}, squeeze=False
    )
    for column, (name, regime) in enumerate(REGIMES.items()):
        stop_ms = BEGIN_MS + SHOWN_MS
        run = brunel(name, seed=3).run(stop_ms, record=Record(spikes=("cells",)))
        above, below = panels[:, column]
        raster(run.spikes["cells"], above, start_ms=BEGIN_MS, stop_ms=stop_ms, cells=200)
        population_rates(run.spikes["cells"], below, bin_ms=1.0, start_ms=BEGIN_MS, stop_ms=stop_ms)
        above.set_title(f"{TITLES[name]}\ng = {regime.inhibition}, $\\eta$ = {regime.drive}")
    figure.savefig(path, dpi=110)
    return path


def measured(name: str) -> dict[str, Any]:
    """The results of a benchmark."""
    content: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text())["results"]
    return content


def points(axes: Any, title: str, figures: dict[str, float], unit: str) -> None:
    """One point a simulator, the fastest on top; on a logarithmic axis lengths would mislead."""
    ordered = sorted(figures.items(), key=lambda item: -item[1])
    for place, (name, value) in enumerate(ordered):
        colour = OURS if name == "NeuralLayers" else THEIRS
        axes.plot(value, place, "o", color=colour, markersize=9)
        axes.annotate(
            f"{value:.3g}", (value, place), (9, -3), textcoords="offset points", fontsize=8
        )
    axes.set_yticks(range(len(ordered)), [name for name, _ in ordered])
    axes.set_xscale("log")
    axes.margins(x=0.12, y=0.12)
    axes.grid(visible=True, axis="y", color="#e4e8ec")
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(unit)
    axes.spines[["top", "right"]].set_visible(False)


def speeds() -> list[tuple[str, str, dict[str, float]]]:
    """Title, unit and figures of each panel."""
    axon = measured("hodgkin_huxley")["medians_ns_per_neuron_step"]["float64"]
    gradients = measured("gradients")["medians_seconds"]
    scaling = measured("circuits")["scaling"]["CUBA"]["4000"]
    plastic = measured("plastic_circuit")["simulators"]
    return [
        (
            "Hodgkin-Huxley, dt 0.025 ms",
            "ns a neuron-step",
            named(axon, {"neuron": "NEURON", "coreneuron": "CoreNEURON"}),
        ),
        (
            "gradient of 100 Hodgkin-Huxley cells through 100 ms",
            "s",
            named(gradients, {}),
        ),
        (
            "Vogels-Abbott CUBA, 4,000 cells, a biological second",
            "s",
            named({name: line["seconds"] for name, line in scaling.items()}, {}),
        ),
        (
            "STDP, 100,000 plastic synapses",
            "ns an event",
            named({name: line["ns_per_event"] for name, line in plastic.items()}, {}),
        ),
    ]


NAMES = {
    "neurallayers": "NeuralLayers",
    "brian2": "Brian2",
    "nest": "NEST",
    "jaxley": "Jaxley",
    "jax": "JAX",
    "brainpy": "BrainPy",
    "torch_eager": "torch",
    "torch_compile": "torch.compile",
}


def named(figures: dict[str, float], also: dict[str, str]) -> dict[str, float]:
    """The simulators of the comparison, by the names that people know; variants are left out."""
    names = {**NAMES, **also}
    return {names[name]: figure for name, figure in figures.items() if name in names}


def draw_speeds(path: Path) -> Path:
    """Draw the figures of the benchmarks beside each other."""
    figure = Figure(figsize=(13.0, 6.5), layout="constrained")
    panels = figure.subplots(2, 2).flatten()
    for axes, (title, unit, figures) in zip(panels, speeds(), strict=True):
        points(axes, title, figures, unit)
    figure.suptitle("float64, one thread, the same run on the same machine; left is faster")
    figure.savefig(path)
    return path


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    print(draw_regimes(IMAGES / "brunel-regimes.png"))
    print(draw_speeds(IMAGES / "physics-speeds.svg"))
