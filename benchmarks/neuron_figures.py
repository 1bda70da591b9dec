"""Figures of the point neurons for the documentation.

``python -m benchmarks.neuron_figures`` writes ``docs/images/firing-patterns.svg`` (the patterns of
AdEx and the types of cells of Izhikevich's model) and ``docs/images/frequency-current.svg`` (rates
of five models against the current, with closed forms where there are some).
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from neurallayers.dynamics.neurons import (
    CELL_TYPES,
    FIRING_PATTERNS,
    AdEx,
    ExponentialIntegrateAndFire,
    Izhikevich,
    LeakyIntegrateAndFire,
    PointNeuron,
    QuadraticIntegrateAndFire,
)

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
BEFORE_MS, AFTER_MS = 50.0, 400.0
# Input to Izhikevich's cells [mV/ms]; 10 as in the paper, less where it would leave no pattern.
CURRENTS = {"thalamocortical": 2.0, "resonator": 1.0}
SPIKE_MV = 20.0  # up to where spikes are drawn


def trace(neurons: PointNeuron[Any], current: float) -> tuple[np.ndarray, np.ndarray]:
    """Times [ms] and potential [mV] of a neuron that receives a step of current."""
    before, after = (round(ms / neurons.dt_ms) for ms in (BEFORE_MS, AFTER_MS))
    xs = torch.zeros(before + after, 1, 1, dtype=torch.float64)
    xs[before:] = current
    spikes, _, traces = neurons.fused_run(xs, record=["membrane_potential"])
    potential = torch.where(spikes > 0.0, SPIKE_MV, traces["membrane_potential"])
    times = (torch.arange(1, len(xs) + 1) * neurons.dt_ms) - BEFORE_MS
    return times.numpy(), potential.flatten().clamp(max=SPIKE_MV).numpy()


def draw_firing_patterns(path: Path) -> Path:
    """Draw what each preset answers to a step of current."""
    figure = Figure(figsize=(12.0, 8.0), layout="constrained")
    panels = figure.subplots(4, 4, sharex=True, sharey=True).flatten()
    shown: list[tuple[str, PointNeuron[Any], float, str]] = [
        (name, AdEx.preset(name, dt_ms=0.05), pattern.current_pa, f"{pattern.current_pa:.0f} pA")
        for name, pattern in FIRING_PATTERNS.items()
    ]
    shown += [
        (
            name,
            Izhikevich.preset(name, dt_ms=0.05),
            CURRENTS.get(name, 10.0),
            f"I = {CURRENTS.get(name, 10.0):.0f}",
        )
        for name in CELL_TYPES
    ]
    for axes, (name, neurons, current, label) in zip(panels, shown, strict=False):
        axes.plot(*trace(neurons, current), color="black", lw=0.6)
        axes.axvspan(0.0, AFTER_MS, color="tab:blue", alpha=0.08, lw=0)
        axes.set_title(f"{name.replace('_', ' ')}, {label}", fontsize=9)
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    for axes in panels[-4:]:
        axes.set_xlabel("time [ms]")
    for axes in panels[::4]:
        axes.set_ylabel("V [mV]")
    figure.suptitle(
        "AdEx, the patterns of Naud et al. 2008 (rows 1, 2); "
        "Izhikevich 2003, figure 2 (rows 3, 4); current in blue"
    )
    return saved(figure, path)


def rates(neurons: PointNeuron[Any], currents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rates [Hz] of the first interval and of the last in a second, for each current."""
    x = torch.tensor(currents)[None, None]
    times = neurons.spike_times_ms(x, steps=round(1000.0 / neurons.dt_ms))[0]
    intervals = [own.diff() for own in times]
    first = [1000.0 / own[0].item() if len(own) else 0.0 for own in intervals]
    last = [1000.0 / own[-1].item() if len(own) else 0.0 for own in intervals]
    return np.array(first), np.array(last)


def leaky_closed_form(currents: np.ndarray) -> np.ndarray:
    """Rate of the default leaky neuron: 1 / (refractory + tau log(RI / (RI - distance)))."""
    steady = currents / 25.0  # mV, of a leak of 25 nS
    rising = steady > 15.0
    interval = 2.0 + 10.0 * np.log(1.0 / (1.0 - 15.0 / np.where(rising, steady, np.inf)))
    return np.where(rising, 1000.0 / interval, 0.0)


def quadratic_closed_form(currents: np.ndarray) -> np.ndarray:
    """Rate of the default quadratic neuron, whose potential is a tangent of time."""
    found = []
    for current in currents:
        depth = current / 0.7 - 100.0
        if depth <= 0.0:
            found.append(0.0)
            continue
        width = math.sqrt(depth)
        turn = math.atan(85.0 / width) + math.atan(10.0 / width)
        found.append(1000.0 / (100.0 / (0.7 * width) * turn))
    return np.array(found)


def draw_rates(path: Path) -> Path:
    """Draw rates against currents."""
    figure = Figure(figsize=(11.0, 3.2), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    currents = np.linspace(0.0, 800.0, 81)
    n = len(currents)
    for axes, name, neurons, form in (
        (left, "leaky", LeakyIntegrateAndFire(n), leaky_closed_form),
        (left, "quadratic", QuadraticIntegrateAndFire(n), quadratic_closed_form),
    ):
        line = axes.plot(currents, form(currents), lw=1.0, label=f"{name}, closed form")[0]
        points = rates(neurons, currents)[1]
        axes.plot(currents[::4], points[::4], "o", ms=3, color=line.get_color(), label=name)
    exponential = np.linspace(0.0, 400.0, 81)
    middle.plot(exponential, rates(ExponentialIntegrateAndFire(n), exponential)[1], label="EIF")
    regular = np.linspace(0.0, 20.0, 81)
    for name in ("regular_spiking", "fast_spiking"):
        last = rates(Izhikevich.preset(name, n), regular)[1]
        right.plot(regular, last, label=f"Izhikevich, {name.replace('_', ' ')}")
    strong = np.linspace(0.0, 1500.0, 81)
    first, last = rates(AdEx(n), strong)
    middle.plot(strong, first, label="AdEx, first interval")
    middle.plot(strong, last, label="AdEx, after 1 s")
    for axes, unit in ((left, "pA"), (middle, "pA"), (right, "mV/ms")):
        axes.set_xlabel(f"current [{unit}]")
        axes.legend(fontsize=7, frameon=False)
    left.set_ylabel("rate [Hz]")
    return saved(figure, path)


def saved(figure: Figure, path: Path) -> Path:
    """Write a figure under a temporary name and move it, so that it is complete or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.stem}.{os.getpid()}.partial{path.suffix}")
    figure.savefig(temporary, metadata={"Date": None} if path.suffix == ".svg" else None)
    temporary.replace(path)
    return path


if __name__ == "__main__":
    print(draw_firing_patterns(IMAGES / "firing-patterns.svg"))
    print(draw_rates(IMAGES / "frequency-current.svg"))
