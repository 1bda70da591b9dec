"""Hodgkin-Huxley in Brian2, C++ standalone, exponential Euler.

Run: ``PEERS/bin/python -m benchmarks.physics_peers.hodgkin_huxley_brian2 --precision float64``
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.physics_peers import hodgkin_huxley as hh
from benchmarks.physics_peers.measurement import arguments, one_thread, report
from benchmarks.physics_peers.standalone import build_and_time, standalone

# Without units, in mV, ms, mS/cm2 and uA/cm2; exprel(x) = (exp(x) - 1) / x has no singularity.
EQUATIONS = """
    dv/dt = (I - gNa * m**3 * h * (v - ENa) - gK * n**4 * (v - EK) - gL * (v - EL)) / C / ms : 1
    dm/dt = (a_m * (1 - m) - b_m * m) / ms : 1
    dh/dt = (a_h * (1 - h) - b_h * h) / ms : 1
    dn/dt = (a_n * (1 - n) - b_n * n) / ms : 1
    a_m = 1 / exprel(-(v + 40) / 10) : 1
    b_m = 4 * exp(-(v + 65) / 18) : 1
    a_h = 0.07 * exp(-(v + 65) / 20) : 1
    b_h = 1 / (1 + exp(-(v + 35) / 10)) : 1
    a_n = 0.1 / exprel(-(v + 55) / 10) : 1
    b_n = 0.125 * exp(-(v + 65) / 80) : 1
    I : 1 (constant)
    """
NAMESPACE = {
    "C": hh.CAPACITANCE_UF_PER_CM2,
    "gNa": hh.SODIUM_MS_PER_CM2,
    "gK": hh.POTASSIUM_MS_PER_CM2,
    "gL": hh.LEAK_MS_PER_CM2,
    "ENa": hh.SODIUM_REVERSAL_MV,
    "EK": hh.POTASSIUM_REVERSAL_MV,
    "EL": hh.LEAK_REVERSAL_MV,
}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--cells", type=int, default=hh.CELLS)
    parser.add_argument("--duration-ms", type=float, default=hh.DURATION_MS)
    parser.add_argument("--precision", choices=["float64", "float32"], default="float64")
    parser.add_argument("--method", default="exponential_euler")
    options = parser.parse_args()
    one_thread()
    with standalone(options.precision) as brian2:
        cells = population(brian2, hh.currents_ua_per_cm2(options.cells), options.method)
        brian2.Network(cells).run(options.duration_ms * brian2.ms)
        timing = build_and_time(brian2, repeats=options.repeats, warm=options.warm)
    steps = round(options.duration_ms / hh.DT_MS)
    report(
        "brian2",
        "hodgkin_huxley",
        packages=["brian2", "numpy"],
        settings={
            "cells": options.cells,
            "duration_ms": options.duration_ms,
            "dt_ms": hh.DT_MS,
            "method": options.method,
            "precision": options.precision,
            "mode": "C++ standalone",
        },
        seconds=timing.seconds,
        build_seconds=timing.build_seconds,
        megabytes=timing.megabytes,
        results={
            **hh.figures(timing.seconds, options.cells, steps),
            **hh.accuracy(trace(options)),
        },
    )


def trace(options: Any) -> np.ndarray:
    """The potential of the cell of the accuracy test at every step."""
    with standalone(options.precision) as brian2:
        cell = population(brian2, np.array([hh.ACCURACY_CURRENT_UA_PER_CM2]), options.method)
        monitor = brian2.StateMonitor(cell, "v", record=True)
        brian2.Network(cell, monitor).run(hh.ACCURACY_MS * brian2.ms)
        build_and_time(brian2, repeats=1, warm=0)
        potential_mv: np.ndarray = np.array(monitor.v[0])
    return potential_mv


def population(brian2: Any, currents: np.ndarray, method: str) -> Any:
    """Cells at their start, one for each current [uA/cm2]."""
    brian2.defaultclock.dt = hh.DT_MS * brian2.ms
    cells = brian2.NeuronGroup(currents.size, EQUATIONS, method=method, namespace=NAMESPACE)
    cells.v = hh.START_MV
    cells.m, cells.h, cells.n = hh.steady_gates(hh.START_MV)
    cells.I = currents
    return cells


if __name__ == "__main__":
    main()
