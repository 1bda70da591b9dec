"""Hodgkin-Huxley in NEST: hh_psc_alpha with the squid's numbers, adaptive Runge-Kutta-Fehlberg.

Run: ``PEERS/bin/python -m benchmarks.physics_peers.hodgkin_huxley_nest --repeats 1``
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks.physics_peers import hodgkin_huxley as hh
from benchmarks.physics_peers.measurement import arguments, one_thread, report, timed

# 10,000 um2 of membrane: uF/cm2 become 100 pF, mS/cm2 100 nS, uA/cm2 100 pA.
PER_CM2 = 100.0


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--cells", type=int, default=hh.CELLS)
    parser.add_argument("--duration-ms", type=float, default=hh.DURATION_MS)
    options = parser.parse_args()
    one_thread()
    import nest

    start = time.perf_counter()
    population(nest, hh.currents_ua_per_cm2(options.cells))
    build_seconds = time.perf_counter() - start
    seconds = timed(lambda: nest.Simulate(options.duration_ms), options.repeats, warm=options.warm)
    steps = round(options.duration_ms / hh.DT_MS)
    report(
        "nest",
        "hodgkin_huxley",
        packages=["nest-simulator", "numpy"],
        settings={
            "cells": options.cells,
            "duration_ms": options.duration_ms,
            "dt_ms": hh.DT_MS,
            "method": "adaptive Runge-Kutta-Fehlberg",
            "precision": "float64",
        },
        seconds=seconds,
        build_seconds=build_seconds,
        results={**hh.figures(seconds, options.cells, steps), **hh.accuracy(trace(nest))},
    )


def population(nest: Any, currents: np.ndarray) -> Any:
    """Cells at their start, one for each current [uA/cm2]."""
    nest.ResetKernel()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.resolution, nest.local_num_threads = hh.DT_MS, 1
    m, h, n = hh.steady_gates(hh.START_MV)
    cells = nest.Create(
        "hh_psc_alpha",
        currents.size,
        params={
            "C_m": hh.CAPACITANCE_UF_PER_CM2 * PER_CM2,
            "g_Na": hh.SODIUM_MS_PER_CM2 * PER_CM2,
            "g_K": hh.POTASSIUM_MS_PER_CM2 * PER_CM2,
            "g_L": hh.LEAK_MS_PER_CM2 * PER_CM2,
            "E_Na": hh.SODIUM_REVERSAL_MV,
            "E_K": hh.POTASSIUM_REVERSAL_MV,
            "E_L": hh.LEAK_REVERSAL_MV,
            "V_m": hh.START_MV,
            "Act_m": m,
            "Inact_h": h,
            "Act_n": n,
        },
    )
    cells.I_e = currents * PER_CM2
    return cells


def trace(nest: Any) -> np.ndarray:
    """The potential of the cell of the accuracy test at every step."""
    cell = population(nest, np.array([hh.ACCURACY_CURRENT_UA_PER_CM2]))
    meter = nest.Create("voltmeter", params={"interval": hh.DT_MS})
    nest.Connect(meter, cell)
    nest.Simulate(hh.ACCURACY_MS + 1.0)
    # Recorded from the first step on, not at 0.
    potential_mv: np.ndarray = np.concatenate([[hh.START_MV], meter.events["V_m"]])
    return potential_mv


if __name__ == "__main__":
    main()
