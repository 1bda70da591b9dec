"""Draws STDP windows and the frequency dependence of triplet STDP into docs/images.

Run: ``python -m benchmarks.plasticity_figures``
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
from matplotlib import pyplot

from neurallayers.dynamics.plasticity import (
    PairSTDP,
    PlasticSynapses,
    Rule,
    TripletSTDP,
    VoltageSTDP,
)

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
DT_MS = 1.0
# Sjöström, Turrigiano & Nelson (2001), as tabled by Pfister & Gerstner (2006), table 1: rates [Hz],
# changes and standard errors at lags of +10 and -10 ms.
MEASURED_HZ = (0.1, 10.0, 20.0, 40.0, 50.0)
MEASURED = {
    10: ((-0.04, 0.14, 0.29, 0.53, 0.56), (0.05, 0.1, 0.14, 0.11, 0.26)),
    -10: ((-0.29, -0.41, -0.34, 0.56, 0.75), (0.08, 0.11, 0.1, 0.32, 0.19)),
}
BEFORE_AFTER = {10: "pre 10 ms before post", -10: "post 10 ms before pre"}
COLOURS = {10: "#c2410c", -10: "#1d4ed8"}


def changes(
    rule: Rule, lives: Sequence[tuple[Sequence[float], Sequence[float]]], weight: float = 0.5
) -> np.ndarray[Any, Any]:
    """What each life, presynaptic and postsynaptic spike times [ms], does to a weight."""
    steps = 1 + round(max(time for life in lives for times in life for time in times) / DT_MS)
    cell = PlasticSynapses(1, 1, rule=rule, dt_ms=DT_MS, initial_weight=weight).double()
    layers = torch.zeros(2, steps, len(lives), 1, dtype=torch.float64)
    for row, life in enumerate(lives):
        for layer, times in zip(layers, life, strict=True):
            layer[[round(time / DT_MS) for time in times], row] = 1.0
    with torch.no_grad():
        _, state = cell.run(cell.frame(*layers))
    return (state.weight.flatten() - cell.initial_weight.flatten()).numpy()


def draw_windows(axes: Any) -> None:
    """Change of a weight of 0.3 by one pair, for three weight dependences."""
    lags = np.arange(-80, 81, 1)
    lives = [([100.0], [100.0 + lag]) for lag in lags]
    for label, mu_plus, mu_minus, style in (
        ("additive", 0.0, 0.0, "-"),
        ("van Rossum", 0.0, 1.0, "--"),
        ("multiplicative", 1.0, 1.0, ":"),
    ):
        rule = PairSTDP(
            amplitude_plus=0.01,
            amplitude_minus=0.0105,
            tau_plus_ms=16.8,
            tau_minus_ms=33.7,
            mu_plus=mu_plus,
            mu_minus=mu_minus,
            order="update_then_transmit",
        )
        axes.plot(lags, 1e3 * changes(rule, lives, 0.3), style, color="black", label=label)
    axes.axhline(0.0, color="grey", linewidth=0.5)
    axes.axvline(0.0, color="grey", linewidth=0.5)
    axes.set(
        title="Pair STDP, one pair, w = 0.3",
        xlabel="post - pre [ms]",
        ylabel="change of weight [1e-3]",
    )
    axes.legend(frameon=False)


def draw_frequencies(axes: Any) -> None:
    """Sixty pairs at each rate, and what was measured in visual cortex."""
    periods = np.array([20, 22, 25, 28, 33, 40, 50, 66, 100, 200, 500])
    for pairing, style in (("all_to_all", "-"), ("nearest", "--")):
        rule = TripletSTDP.fitted_to("visual_cortex", pairing=pairing)
        for lag in MEASURED:
            sent = [20.0 + np.arange(60) * period for period in periods]
            found = changes(rule, [(times, times + lag) for times in sent], 1.0)
            label = f"{BEFORE_AFTER[lag]}, {pairing.replace('_', ' ')}"
            axes.plot(1000.0 / periods, found, style, color=COLOURS[lag], label=label)
    for lag, (means, errors) in MEASURED.items():
        axes.errorbar(MEASURED_HZ, means, errors, fmt="o", color=COLOURS[lag], capsize=3)
    axes.axhline(0.0, color="grey", linewidth=0.5)
    axes.set(
        title="Triplet STDP, 60 pairs (points: cortex)",
        xlabel="rate of pairs [Hz]",
        ylabel="relative change of weight",
    )
    axes.legend(frameon=False, fontsize="small")


def draw_clamps(axes: Any) -> None:
    """Voltage-based rule: three presynaptic spikes while the receiver is held at a potential."""
    levels = np.linspace(-80.0, -30.0, 101)
    cell = PlasticSynapses(1, 1, rule=VoltageSTDP(), dt_ms=DT_MS, initial_weight=0.5).double()
    sent = torch.zeros(150, len(levels), 1, dtype=torch.float64)
    sent[[20, 40, 60]] = 1.0
    held = torch.from_numpy(levels).expand(150, -1)[..., None]
    with torch.no_grad():
        _, state = cell.run(cell.frame(sent, torch.zeros_like(sent), held))
    axes.plot(levels, 1e3 * (state.weight.flatten().numpy() - 0.5), color="black")
    axes.axhline(0.0, color="grey", linewidth=0.5)
    axes.set(
        title="Voltage-based, receiver clamped",
        xlabel="membrane potential [mV]",
        ylabel="change by 3 spikes [1e-3]",
        ylim=(-12.0, 12.0),
    )


def main() -> None:
    matplotlib.use("svg")
    pyplot.rcParams.update({"svg.hashsalt": "plasticity", "font.size": 9.0})
    figure, axes = pyplot.subplots(1, 3, figsize=(12.0, 3.6), layout="constrained")
    draw_windows(axes[0])
    draw_frequencies(axes[1])
    draw_clamps(axes[2])
    partial = IMAGES / "plasticity.partial"
    figure.savefig(partial, format="svg", metadata={"Date": None})
    partial.replace(IMAGES / "plasticity.svg")


if __name__ == "__main__":
    main()
