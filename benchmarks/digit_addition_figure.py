"""The figure of digit addition: how many sums right from how many, beside what is published.

``python -m benchmarks.digit_addition_figure`` draws ``docs/images/digit-addition.svg`` from
``benchmarks/results/digit_addition.json``.
"""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from benchmarks.results import RESULTS

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
SIZES = (300, 3000, 25000)
PUBLISHED = {
    "NeuPSL": ((300, 82.6), (3000, 93.7), (25000, 97.3)),
    "DeepProbLog": ((300, 85.6), (3000, 92.6)),
}
"""Per cent of sums right, by how many sums were learned from."""


def draw(path: Path) -> Path:
    """Write the figure under a temporary name, then move it."""
    results = json.loads((RESULTS / "digit_addition.json").read_text(encoding="utf-8"))["results"]
    figure = Figure(figsize=(6.0, 3.4), layout="constrained")
    axes = figure.add_subplot()
    medians = [100 * results[f"accuracy_{size}"] for size in SIZES]
    axes.plot(SIZES, medians, "o-", color="tab:blue", label="NeuralLayers", zorder=3)
    for size in SIZES:
        runs = [100 * run["accuracy"] for run in results[f"runs_{size}"]]
        axes.plot([size] * len(runs), runs, ".", color="tab:blue", alpha=0.4, zorder=2)
    for (name, points), colour in zip(PUBLISHED.items(), ("tab:green", "tab:orange"), strict=True):
        axes.plot(*zip(*points, strict=True), "s--", color=colour, label=f"{name}, published")
    axes.set_xscale("log")
    axes.set_xticks(SIZES, [f"{size:,}" for size in SIZES])
    axes.minorticks_off()
    axes.set_xlabel("sums to learn from")
    axes.set_ylabel("sums right [%]")
    axes.set_ylim(80, 100)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", frameon=False)
    temporary = path.with_name(f"{path.name}.partial")
    # Without a date and random names inside, the same figures give the same file.
    with matplotlib.rc_context({"svg.hashsalt": "digit-addition"}):
        figure.savefig(temporary, format="svg", metadata={"Date": None})
    return temporary.replace(path)


if __name__ == "__main__":
    draw(IMAGES / "digit-addition.svg")
