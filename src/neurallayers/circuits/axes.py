"""How pictures of circuits look: colours, axes, histograms, bars of scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurallayers.extras import require

COLOURS = ("#2f6fb4", "#c2553a", "#2a9d6f", "#8a4fb0", "#b08a1e", "#a83258", "#3aa0b0", "#6b6f76")
GREY = "#6b6f76"


def plain_axes(axes: Any, width: float = 7.0, height: float = 2.8) -> Any:
    """The axes given or those of a new figure, without what is not needed around them."""
    if axes is None:
        figures = require("matplotlib.figure", extra="viz")
        axes = figures.Figure(figsize=(width, height), layout="constrained").subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["bottom", "left"]].set_color("#9aa0a6")
    axes.tick_params(color="#9aa0a6", labelsize=9)
    axes.set_axisbelow(True)
    return axes


def label_axes(axes: Any, x: str, y: str, *, legend: bool) -> None:
    """Name the axes; where y has a name, lines lead from it through the picture."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    if y:
        axes.grid(axis="y", color="#e8eaed", linewidth=0.8)
    if legend:
        axes.legend(frameon=False, fontsize=9, loc="best")


def draw_histograms(
    axes: Any,
    named: Mapping[str, NDArray[np.float64]],
    edges: NDArray[np.float64],
    colours: Sequence[str],
) -> None:
    """Histograms over each other, each as parts of its own values, with one colour each."""
    for place, (name, values) in enumerate(named.items()):
        counts, _ = np.histogram(values, edges)
        parts = counts / max(values.size, 1)
        colour = colours[place % len(colours)]
        axes.stairs(parts, edges, fill=True, color=colour, alpha=0.25)
        axes.stairs(parts, edges, color=colour, linewidth=1.2, label=name or None)
    axes.set_ylim(bottom=0.0)


def draw_scale_bar(axes: Any, spacing_mv: float) -> None:
    """A bar in place of the y axis, where cells are drawn apart."""
    length = max(1.0, float(f"{spacing_mv * 0.5:.1g}"))
    low = axes.get_ylim()[0]
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    left = -0.012
    axes.plot(
        [left, left],
        [low, low + length],
        color=GREY,
        linewidth=1.6,
        transform=axes.get_yaxis_transform(),
        clip_on=False,
    )
    axes.text(
        left - 0.008,
        low + length / 2,
        f"{length:g} mV",
        ha="right",
        va="center",
        rotation=90,
        color=GREY,
        fontsize=9,
        transform=axes.get_yaxis_transform(),
    )
