"""Spike rasters: who fired when, as an array, as text and as a figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurallayers.extras import require

# Dots of a braille cell by row and column (Unicode 2800 and the following).
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
COLOURS = ("#2f6fb4", "#2a9d6f", "#b4552f", "#8a4fb0", "#8f7a1e", "#a83258")


@dataclass(frozen=True)
class Raster:
    """Spikes of all regions during one thought.

    Attributes:
        spikes: bool ``[time, neurons]`` for each region.
        dt_ms: Length of a step [ms].
    """

    spikes: Mapping[str, npt.NDArray[np.bool_]]
    dt_ms: float

    @property
    def duration_ms(self) -> float:
        """How long it lasted [ms]."""
        return len(next(iter(self.spikes.values()))) * self.dt_ms

    def rates_hz(self) -> dict[str, float]:
        """Mean firing rate of each region [Hz]."""
        return {
            name: float(spikes.mean()) * 1000.0 / self.dt_ms for name, spikes in self.spikes.items()
        }

    def array(self) -> npt.NDArray[np.bool_]:
        """All regions side by side, ``[time, neurons]``."""
        return np.concatenate(list(self.spikes.values()), axis=1)

    def events(self) -> dict[str, list[tuple[float, int]]]:
        """Time [ms] and neuron of each spike, by region, in the order of time."""
        return {
            name: [(float(step * self.dt_ms), int(neuron)) for step, neuron in np.argwhere(spikes)]
            for name, spikes in self.spikes.items()
        }

    def text(self, width: int = 48, rows: int = 4) -> dict[str, list[str]]:
        """The raster of each region in braille, a dot where any neuron of a group fired.

        Time runs to the right; each line of characters stands for four groups of neurons.

        Args:
            width: Characters a line; each holds two moments.
            rows: Lines a region.
        """
        return {name: _braille(spikes, width, rows) for name, spikes in self.spikes.items()}

    def figure(self, path: str | Path | None = None, *, title: str = "") -> Any:
        """The raster as a matplotlib figure; saved if a path is given.

        Raises:
            MissingExtra: Without the extra ``viz``.
        """
        figures = require("matplotlib.figure", extra="viz")
        counts = [spikes.shape[1] for spikes in self.spikes.values()]
        figure = figures.Figure(figsize=(7, 1.2 + 0.006 * sum(counts)), layout="constrained")
        axes = figure.subplots(
            len(counts), 1, sharex=True, squeeze=False, height_ratios=[max(c, 40) for c in counts]
        )[:, 0]
        rates = self.rates_hz()
        for i, (axis, (name, spikes)) in enumerate(zip(axes, self.spikes.items(), strict=True)):
            steps, neurons = np.nonzero(spikes)
            axis.scatter(
                (steps + 0.5) * self.dt_ms,
                neurons,
                s=5,
                marker="|",
                linewidths=1.2,
                color=COLOURS[i % len(COLOURS)],
            )
            axis.set_ylabel(f"{name}\n{rates[name]:.0f} Hz")
            axis.set_xlim(0, self.duration_ms)
            axis.set_ylim(-1, spikes.shape[1])
            axis.spines[["top", "right"]].set_visible(False)
        axes[-1].set_xlabel("time [ms]")
        if title:
            figure.suptitle(title)
        if path is not None:
            figure.savefig(path, dpi=120)
        return figure


def _braille(spikes: npt.NDArray[np.bool_], width: int, rows: int) -> list[str]:
    time, neurons = spikes.shape
    grid = np.zeros((rows * 4, width * 2), dtype=bool)
    steps, cells = np.nonzero(spikes)
    grid[cells * grid.shape[0] // neurons, steps * grid.shape[1] // time] = True
    lines = []
    for row in range(rows):
        codes = np.full(width, 0x2800)
        for i, dots in enumerate(_DOTS):
            for j, dot in enumerate(dots):
                codes += dot * grid[row * 4 + i, j::2]
        lines.append("".join(map(chr, codes)))
    return lines
