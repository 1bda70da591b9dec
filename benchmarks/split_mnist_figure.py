"""Draws what split MNIST showed: accuracy after each task, with sleep and without."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import matplotlib.figure
import numpy as np

TASKS = ("0/1", "2/3", "4/5", "6/7", "8/9")
SLEEP, NO_SLEEP, GREY = "#2a6f97", "#c8553d", "#777777"


def draw(results: dict[str, Any], path: Path) -> None:
    """Write the picture, complete: under a temporary name first."""
    figure = matplotlib.figure.Figure(figsize=(10.0, 3.9), layout="constrained", dpi=150)
    curve, slept, tired = figure.subplots(1, 3, width_ratios=(1.6, 1.0, 1.0))
    lives = results["by_variant"]
    curves(curve, lives, results["joint"])
    matrix(slept, lives["with_sleep"]["lives"], "with sleep")
    matrix(tired, lives["without_sleep"]["lives"], "without sleep")
    temporary = path.with_name(f"{path.stem}.{os.getpid()}.partial.png")
    figure.savefig(temporary)
    temporary.replace(path)


def curves(axes: Any, lives: dict[str, Any], joint: float) -> None:
    """Accuracy on all classes seen so far."""
    places = np.arange(1, 6)
    for name, label, colour in (
        ("with_sleep", "with sleep, no image stored", SLEEP),
        ("without_sleep", "without sleep", NO_SLEEP),
    ):
        seen = 100 * np.array([life["seen"] for life in lives[name]["lives"]])
        axes.fill_between(places, seen.min(0), seen.max(0), color=colour, alpha=0.2, lw=0)
        axes.plot(places, seen.mean(0), "o-", color=colour, label=label, ms=4)
        axes.annotate(
            f"{seen[:, -1].mean():.1f}",
            (5, seen[:, -1].mean()),
            (6, -12 if name == "with_sleep" else 0),
            textcoords="offset points",
            color=colour,
            va="center",
        )
    evening = 100 * np.array([life["evening"] for life in lives["with_sleep"]["lives"]])
    axes.plot(
        places, evening.mean(0), "v", color=SLEEP, mfc="white", ms=5, label="the evening before"
    )
    for place, dusk, dawn in zip(
        places,
        evening.mean(0),
        100 * np.mean([life["seen"] for life in lives["with_sleep"]["lives"]], axis=0),
        strict=True,
    ):
        axes.plot([place, place], [dusk, dawn], ":", color=SLEEP, lw=1)
    axes.axhline(100 * joint, color=GREY, lw=1, ls="--", label="all classes at once")
    axes.set(
        xlabel="classes of the day",
        ylabel="right answers, all classes so far [%]",
        ylim=(0, 104),
        xlim=(0.8, 5.6),
    )
    axes.set_xticks(places, TASKS)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower left", fontsize=8)


def matrix(axes: Any, lives: list[dict[str, Any]], title: str) -> None:
    """Accuracy on each task after each task."""
    found = 100 * np.mean([life["accuracy"] for life in lives], axis=0)
    shown = np.where(np.tri(5, dtype=bool), found, np.nan)
    axes.imshow(shown, vmin=0, vmax=100, cmap="Blues")
    for row, column in zip(*np.tril_indices(5), strict=True):
        value = found[row, column]
        ink = "white" if value > 60 else "black"
        axes.text(column, row, f"{value:.0f}", ha="center", va="center", color=ink, fontsize=8)
    axes.set(title=title, xlabel="tested on", ylabel="after the day of")
    axes.set_xticks(range(5), TASKS)
    axes.set_yticks(range(5), TASKS)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
