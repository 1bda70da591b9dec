"""Draws what ``benchmarks.memory`` measured into docs/images.

Run: ``python -m benchmarks.memory_figures``
"""

from __future__ import annotations

import json
from typing import Any

import matplotlib
import numpy as np
from matplotlib import pyplot

from benchmarks.results import RESULTS
from neurallayers.memory import retrieval_overlap

IMAGES = RESULTS.parent.parent / "docs" / "images"
COLOURS = ("#94a3b8", "#3b82f6", "#1e3a8a", "#c2410c", "#15803d", "#7e22ce")


def draw_classical(axes: Any, found: dict[str, Any]) -> None:
    """Overlap by load, with the theory of an infinite network."""
    loads = np.linspace(0.08, found["theory_critical_load"], 200)
    theory = [*(retrieval_overlap(load) for load in loads), 0.0]
    axes.plot(
        [*loads, loads[-1]], theory, "--", color="black", label="theory, N to infinity", zorder=9
    )
    for (neurons, curve), colour in zip(found["by_neurons"].items(), COLOURS, strict=False):
        axes.plot(
            found["loads"], curve["overlap"], "o-", color=colour, label=f"N = {neurons}", ms=3
        )
    axes.set(
        title="Hebb's network: overlap after settling",
        xlabel="patterns per neuron",
        ylabel="overlap with the stored pattern",
        ylim=(0.0, 1.03),
    )
    axes.legend(frameon=False, fontsize="small", loc="lower left")


def draw_storage(axes: Any, found: dict[str, Any]) -> None:
    """Share of patterns found in one step of softmax, measured and predicted."""
    for (size, curve), colour in zip(found["by_size"].items(), COLOURS, strict=True):
        axes.semilogx(found["counts"], curve["theory"], "-", color=colour, linewidth=1)
        axes.semilogx(found["counts"], curve["measured"], "o", color=colour, ms=4)
        # The lowest curve ends on the axis; its name stands at its beginning.
        low = curve["theory"][-1] < 0.01
        place = (36.0, curve["theory"][1]) if low else (4e4, curve["theory"][-1] - 0.02)
        axes.text(*place, f"d = {size}", color=colour, fontsize="small")
    axes.set(
        title="Softmax: found in one step (lines: theory)",
        xlabel="patterns",
        ylabel="share found, noise 0.5",
        xlim=(8.0, 3e5),
        ylim=(0.0, 1.03),
    )


def draw_sharpness(axes: Any, found: dict[str, Any]) -> None:
    """Clean retrieval of 4,000 patterns by sharpness."""
    curves = found["curves_over_beta"]
    for (name, label), colour in zip(
        (
            ("gaussian_dot", "Gaussian, dot product"),
            ("gaussian_euclidean", "Gaussian, Euclidean"),
            ("sphere_cosine", "unit sphere, cosine"),
        ),
        COLOURS[1:4],
        strict=True,
    ):
        axes.semilogx(curves["beta"], curves[name], "o-", color=colour, label=label, ms=3)
    axes.set(
        title="4,000 patterns, d = 64, one step",
        xlabel="sharpness β",
        ylabel="share within 10 % of the pattern",
        ylim=(-0.03, 1.4),
        yticks=np.linspace(0.0, 1.0, 6),
    )
    axes.legend(frameon=False, fontsize="small", loc="upper left")


def draw_working(axes: Any, found: dict[str, Any]) -> None:
    """Items held by length of list."""
    lengths = found["list_lengths"]
    for (capacity, held), colour in zip(
        found["items_held_by_capacity"].items(), COLOURS[1:], strict=False
    ):
        axes.plot(lengths, held, "o-", color=colour, label=f"capacity {capacity}", ms=4)
    axes.plot(lengths, lengths, ":", color="black", linewidth=0.8)
    axes.set(title="Working memory: the span", xlabel="items, one a second", ylabel="items held")
    axes.legend(frameon=False, fontsize="small")


def draw_decay(axes: Any, found: dict[str, Any]) -> None:
    """Strength without rehearsal."""
    axes.plot(found["times_s"], found["strength"], color=COLOURS[2], label="strength")
    axes.plot(
        [3.0, 18.0], [0.8, 0.1], "s", color=COLOURS[3], label="Peterson & Peterson 1959: recall"
    )
    axes.set(
        title="Working memory: decay",
        xlabel="seconds without rehearsal",
        ylabel="strength",
        ylim=(0.0, 1.03),
    )
    axes.legend(frameon=False, fontsize="small")


def draw_forgetting(axes: Any, found: dict[str, Any]) -> None:
    """Ebbinghaus' savings and our power law."""
    law = found["power_law"]
    hours = np.geomspace(0.2, 1000.0, 200)
    curve = law["level"] * (1.0 + hours / law["lifetime_hours"]) ** -law["exponent"]
    axes.semilogx(hours, curve, color=COLOURS[2], label="retention, fitted")
    axes.semilogx(
        found["hours"], found["savings_percent"], "s", color=COLOURS[3], label="Ebbinghaus 1885"
    )
    axes.set(title="Forgetting", xlabel="hours", ylabel="savings [%]", ylim=(0.0, 70.0))
    axes.legend(frameon=False, fontsize="small")


def draw_spacing(axes: Any, found: dict[str, Any]) -> None:
    """Retention by spacing of recalls."""
    axes.plot(found["days_between"], found["retained_after_100_days"], "o-", color=COLOURS[2])
    axes.set(
        title="Spacing: five recalls, 100 days later",
        xlabel="days between recalls",
        ylabel="retention",
        ylim=(0.0, None),
    )


def draw_sleep(axes: Any, found: dict[str, Any]) -> None:
    """Accuracy on all classes so far."""
    tasks = np.arange(1, 6)
    for name, label, colour in (
        ("concepts", "concepts formed in sleep", COLOURS[4]),
        ("with_sleep", "read-out, with sleep", COLOURS[1]),
        ("without_sleep", "read-out, without sleep", COLOURS[3]),
    ):
        mean, spread = found[name]["after_each_task"], found[name]["spread"]
        axes.errorbar(tasks, mean, spread, fmt="o-", color=colour, label=label, capsize=3, ms=4)
    label = "read-out, all classes at once"
    axes.axhline(found["joint"], color="black", linestyle=":", linewidth=0.8, label=label)
    axes.set(
        title=f"Digits, two classes at a time, {found['slots']} episodes",
        xlabel="tasks learned",
        ylabel="accuracy on all classes so far",
        xticks=tasks,
        ylim=(0.0, 1.03),
    )
    axes.legend(frameon=False, fontsize="small", loc="lower left")


def main() -> None:
    matplotlib.use("Agg")
    results = json.loads((RESULTS / "memory.json").read_text(encoding="utf-8"))["results"]
    networks = (
        (draw_classical, results["classical_capacity"]),
        (draw_storage, results["exponential_storage"]),
        (draw_sharpness, results["softmax_retrieval"]),
    )
    times = (
        (draw_working, results["working_memory"]),
        (draw_decay, results["working_memory"]),
        (draw_forgetting, results["forgetting"]),
        (draw_spacing, results["forgetting"]["spacing"]),
    )
    for name, panels in (
        ("memory-capacity", networks),
        ("memory-forgetting", times),
        ("memory-sleep", ((draw_sleep, results["sleep"]),)),
    ):
        width = 5.2 if len(panels) == 1 else 4.2 * len(panels)
        figure, row = pyplot.subplots(1, len(panels), figsize=(width, 3.8), squeeze=False)
        for (draw, found), axes in zip(panels, row[0], strict=True):
            draw(axes, found)
            axes.spines[["top", "right"]].set_visible(False)
        figure.tight_layout()
        figure.savefig(IMAGES / f"{name}.png", dpi=110)
        pyplot.close(figure)


if __name__ == "__main__":
    main()
