"""Figures of the physics for the documentation.

``python -m benchmarks.physics_figures`` writes ``docs/images/biophysical-neuron.svg``: a neuron
that fires, loses its blood supply, depolarises, and recovers.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure

from neurallayers.dynamics.membrane.astrocyte import FREQUENCY_MODULATED
from neurallayers.dynamics.membrane.biophysical import BiophysicalNeuron
from neurallayers.dynamics.membrane.vitals import Vitals

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
# Seconds, current [uA/cm2] and supply relative to health.
SCENES = ((5.0, 0.0, 1.0), (15.0, 10.0, 1.0), (10.0, 0.0, 1.0), (30.0, 0.0, 0.0), (40.0, 0.0, 1.0))
LABELS = {
    "membrane_potential_mv": "V [mV]",
    "calcium_um": "Ca [uM]",
    "atp_mm": "ATP [mM]",
    "transmitter_mm": "NT [mM]",
    "gliotransmitter_um": "g [uM]",
}
LOOKS_PER_S = 2000
BIN = 400  # looks: what is drawn is the range within 0.2 s


def lived() -> Vitals:
    """The vitals of one neuron through all scenes, 2,000 times a second."""
    cell = BiophysicalNeuron(1, dt_ms=0.05, astrocyte=FREQUENCY_MODULATED)
    every = round(1000.0 / LOOKS_PER_S / cell.dt_ms)
    state, scenes = cell.initial_state(), []
    state = state._replace(
        **{
            name: type(part)(*(t.double() if t.is_floating_point() else t for t in part))
            for name, part in state._asdict().items()
        }
    )
    for seconds, current, supply in SCENES:
        state = cell.with_supply(state, oxygen=supply, glucose=supply)
        frame = torch.full((1, 1, 1), current, dtype=torch.float64)
        steps = round(seconds * LOOKS_PER_S) * every
        _, vitals, state = cell.trace(frame, state, steps=steps, every=every)
        scenes.append(vitals)
    return Vitals(*(torch.cat(parts).flatten() for parts in zip(*scenes, strict=True)))


def shade(axes: Any) -> None:
    """Mark when the neuron was stimulated and when it had no supply."""
    begin = 0.0
    for seconds, current, supply in SCENES:
        if supply == 0.0:
            axes.axvspan(begin, begin + seconds, color="tab:red", alpha=0.12, lw=0)
        elif current > 0.0:
            axes.axvspan(begin, begin + seconds, color="tab:blue", alpha=0.10, lw=0)
        begin += seconds


def draw_vitals(path: Path) -> Path:
    """Draw the life of a neuron whose supply fails for 30 s.

    Returns:
        The file, complete: it is written under a temporary name and then moved.
    """
    vitals = lived()
    bounds = BiophysicalNeuron(1).bounds
    figure = Figure(figsize=(9.0, 9.0), layout="constrained")
    rows = figure.subplots(len(LABELS), 1, sharex=True)
    for axes, (name, label) in zip(rows, LABELS.items(), strict=True):
        trace = getattr(vitals, name).reshape(-1, BIN)
        times_s = (torch.arange(len(trace)) + 0.5) * BIN / LOOKS_PER_S
        low, high = trace.min(1).values, trace.max(1).values
        axes.fill_between(times_s, low, high, color="tab:gray", alpha=0.6, lw=0)
        axes.plot(times_s, trace.mean(1), color="black", lw=1.0)
        axes.set_ylabel(label)
        shade(axes)
    rows[0].axhline(bounds["membrane_potential_mv"].usual[0], color="black", lw=0.5, ls=":")
    rows[0].axhline(bounds["membrane_potential_mv"].usual[1], color="black", lw=0.5, ls=":")
    rows[1].set_yscale("log")
    rows[2].axhline(bounds["atp_mm"].usual[0], color="tab:red", lw=0.8, ls="--")
    rows[2].text(0.5, bounds["atp_mm"].usual[0], "critical", color="tab:red", va="bottom")
    rows[0].set_title("Stimulated (blue), without blood supply (red); mean and range within 0.2 s")
    rows[-1].set_xlabel("time [s]")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.stem}.{os.getpid()}.partial{path.suffix}")
    figure.savefig(temporary, metadata={"Date": None})
    temporary.replace(path)
    return path


if __name__ == "__main__":
    print(draw_vitals(IMAGES / "biophysical-neuron.svg"))
