"""Hodgkin-Huxley in BrainPy: its own HH, exponential Euler by automatic differentiation.

Run: ``BRAINPY/bin/python -m benchmarks.physics_peers.hodgkin_huxley_brainpy``
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks.physics_peers import hodgkin_huxley as hh
from benchmarks.physics_peers.measurement import arguments, one_thread, report, timed


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--cells", type=int, default=hh.CELLS)
    parser.add_argument("--duration-ms", type=float, default=hh.DURATION_MS)
    parser.add_argument("--precision", choices=["float64", "float32"], default="float64")
    options = parser.parse_args()
    one_thread(pin=True)
    import brainpy
    import jax
    from brainpy import math

    math.set_platform("cpu")
    if options.precision == "float64":
        math.enable_x64()
    math.set_dt(hh.DT_MS)
    start = time.perf_counter()
    cells = population(brainpy, options.cells)
    currents = math.asarray(hh.currents_ua_per_cm2(options.cells))
    steps = round(options.duration_ms / hh.DT_MS)

    def step(number: Any) -> None:
        brainpy.share.save(i=number, t=number * hh.DT_MS, dt=hh.DT_MS)
        cells.update(currents)

    simulate = math.jit(lambda numbers: math.for_loop(step, numbers))
    numbers = math.arange(steps)

    def run() -> None:
        simulate(numbers)
        jax.block_until_ready(cells.V.value)

    run()
    first = time.perf_counter() - start
    seconds = timed(run, options.repeats, warm=max(0, options.warm - 1))
    report(
        "brainpy",
        "hodgkin_huxley",
        packages=["brainpy", "jax", "jaxlib", "numpy"],
        settings={
            "cells": options.cells,
            "duration_ms": options.duration_ms,
            "dt_ms": hh.DT_MS,
            "method": "exponential Euler",
            "precision": options.precision,
        },
        seconds=seconds,
        build_seconds=first - min(seconds),
        results={
            **hh.figures(seconds, options.cells, steps),
            **hh.accuracy(trace(brainpy, math)),
        },
    )


def population(brainpy: Any, cells: int) -> Any:
    """Cells at their start."""
    m, h, n = hh.steady_gates(hh.START_MV)
    constant = brainpy.init.Constant
    return brainpy.dyn.HH(
        cells,
        C=hh.CAPACITANCE_UF_PER_CM2,
        gNa=hh.SODIUM_MS_PER_CM2,
        gK=hh.POTASSIUM_MS_PER_CM2,
        gL=hh.LEAK_MS_PER_CM2,
        ENa=hh.SODIUM_REVERSAL_MV,
        EK=hh.POTASSIUM_REVERSAL_MV,
        EL=hh.LEAK_REVERSAL_MV,
        V_initializer=constant(hh.START_MV),
        m_initializer=constant(m),
        h_initializer=constant(h),
        n_initializer=constant(n),
        method="exp_auto",
    )


def trace(brainpy: Any, math: Any) -> np.ndarray:
    """The potential of the cell of the accuracy test at every step."""
    cell = population(brainpy, 1)

    def step(number: Any) -> Any:
        brainpy.share.save(i=number, t=number * hh.DT_MS, dt=hh.DT_MS)
        cell.update(hh.ACCURACY_CURRENT_UA_PER_CM2)
        return cell.V.value[0]

    after = math.for_loop(step, math.arange(round(hh.ACCURACY_MS / hh.DT_MS)))
    values: np.ndarray = np.concatenate([[hh.START_MV], math.as_numpy(after)])
    return values


if __name__ == "__main__":
    main()
