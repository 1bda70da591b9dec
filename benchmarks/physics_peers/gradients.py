"""The workload of gradients through Hodgkin-Huxley, and how its figures are told.

100 cells for 100 ms at dt 0.025 ms, currents evenly spread from 10 to 20 uA/cm2, from -65 mV with
the gates at their steady state: all cells fire regularly. (Near the rheobase of 6.2 uA/cm2 a cell's
gradient is as large as one likes, and rounding alone would decide over the sums; in float32 it does
all the same.) The loss is the mean of the potential over the cells and over the 4,000 steps (after
each step, not before the first) [mV]. Its gradient is taken with respect to gNa, gK and gL of every
cell: 300 numbers. Forward is the loss alone, compiled without a gradient.
"""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np

from benchmarks.physics_peers import hodgkin_huxley as hh
from benchmarks.physics_peers.measurement import report

CELLS = 100
DURATION_MS = 100.0
SMALLEST_CURRENT_UA_PER_CM2 = 10.0


def currents_ua_per_cm2(cells: int) -> np.ndarray:
    """The current into each cell: evenly spread from 10 to 20."""
    return np.linspace(SMALLEST_CURRENT_UA_PER_CM2, hh.LARGEST_CURRENT_UA_PER_CM2, cells)


def conductances() -> tuple[float, float, float]:
    """gNa, gK and gL of every cell [mS/cm2]."""
    return hh.SODIUM_MS_PER_CM2, hh.POTASSIUM_MS_PER_CM2, hh.LEAK_MS_PER_CM2


def check(loss: float, sums: list[float]) -> dict[str, float]:
    """What simulators can be compared by: the loss, and the gradient summed over cells.

    Args:
        loss: Mean potential [mV].
        sums: Sums over cells of the gradient for gNa, gK and gL [mV cm2/mS].
    """
    names = ("sodium", "potassium", "leak")
    gradient = {f"gradient_{name}": value for name, value in zip(names, sums, strict=True)}
    return {"loss_mv": loss, **gradient}


def reported(
    simulator: str,
    packages: list[str],
    options: Any,
    method: str,
    *,
    first: float,
    forward_seconds: list[float],
    seconds: list[float],
    found: dict[str, float],
) -> None:
    """Print the line: ``seconds`` are of value and gradient together."""
    report(
        simulator,
        "gradients",
        packages=packages,
        settings={
            "cells": options.cells,
            "duration_ms": options.duration_ms,
            "dt_ms": hh.DT_MS,
            "method": method,
            "precision": options.precision,
        },
        seconds=seconds,
        build_seconds=first - min(seconds),
        results={"forward_seconds": statistics.median(forward_seconds), **found},
    )
