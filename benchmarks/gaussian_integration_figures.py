"""Draws the Gaussian measures of integration of two channels into docs/images.

Run: ``python -m benchmarks.gaussian_integration_figures``
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib import pyplot

from neurallayers.measures.integration.gaussian import LaggedCovariance, gaussian_integration

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
SELF = 0.4
LINES = {
    "stochastic_interaction": ("stochastic interaction", "#9a3412", "-."),
    "phi_g": ("phi_g", "#15803d", "--"),
    "phi_r": ("phi_r", "#1d4ed8", "-"),
    "phi_star": ("phi_star", "#7e22ce", "-"),
    "whole_minus_sum": ("whole minus sum", "#525252", ":"),
}


def pair(coupling: float, correlation: float) -> LaggedCovariance:
    """Two channels that affect each other as much as themselves, with correlated noise."""
    weights = [[SELF, coupling], [coupling, SELF]]
    return LaggedCovariance.of_autoregression(weights, [[1.0, correlation], [correlation, 1.0]])


def draw(axes: Any, places: Any, processes: list[LaggedCovariance], title: str, label: str) -> None:
    """One line for each measure."""
    for name, (words, colour, style) in LINES.items():
        values = [gaussian_integration(process, name).phi_nats for process in processes]
        axes.plot(places, values, style, color=colour, label=words)
    axes.axhline(0.0, color="#a3a3a3", linewidth=0.6)
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(label)


def main() -> None:
    """Draw both panels."""
    matplotlib.use("svg")
    pyplot.rcParams.update({"svg.hashsalt": "gaussian-integration", "font.size": 9.0})
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9.0, 3.4), layout="constrained")
    couplings = np.linspace(0.0, 0.55, 56)
    draw(
        left,
        couplings,
        [pair(float(coupling), 0.0) for coupling in couplings],
        "independent noise",
        "coupling between the channels",
    )
    correlations = np.linspace(0.0, 0.95, 58)
    draw(
        right,
        correlations,
        [pair(0.2, float(correlation)) for correlation in correlations],
        "coupling 0.2",
        "correlation of the noise",
    )
    left.set_ylabel("nats")
    left.legend(frameon=False, fontsize=8)
    partial = IMAGES / "gaussian-integration.partial"
    figure.savefig(partial, format="svg", metadata={"Date": None})
    partial.replace(IMAGES / "gaussian-integration.svg")


if __name__ == "__main__":
    main()
