"""Hodgkin-Huxley in NEURON and CoreNEURON: single compartments with its own ``hh``.

Run: ``PEERS/bin/python -m benchmarks.physics_peers.hodgkin_huxley_neuron --core --second-order``
"""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from benchmarks.physics_peers import hodgkin_huxley as hh
from benchmarks.physics_peers.measurement import arguments, one_thread, report, timed

DIAMETER_UM = 10.0
LENGTH_UM = 10.0
AREA_CM2 = math.pi * DIAMETER_UM * LENGTH_UM * 1e-8
NANOAMPERES_PER_UA_PER_CM2 = AREA_CM2 * 1e3


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--cells", type=int, default=hh.CELLS)
    parser.add_argument("--duration-ms", type=float, default=hh.DURATION_MS)
    parser.add_argument("--core", action="store_true", help="CoreNEURON")
    parser.add_argument("--second-order", action="store_true", help="Crank-Nicolson, staggered")
    parser.add_argument("--tables", action="store_true", help="rates from tables, its default")
    options = parser.parse_args()
    one_thread()
    start = time.perf_counter()
    from neuron import h

    h.load_file("stdrun.hoc")
    h.dt, h.celsius, h.steps_per_ms = hh.DT_MS, hh.TEMPERATURE_CELSIUS, 1.0 / hh.DT_MS
    # Its default is to look the rates up in tables of 1 mV, which costs accuracy.
    h.usetable_hh = int(options.tables)
    h.secondorder = 2 if options.second_order else 0
    if options.core:
        from neuron import coreneuron

        coreneuron.enable, coreneuron.verbose = True, 0
    h.CVode().cache_efficient(True)
    parts = [compartment(h, value) for value in hh.currents_ua_per_cm2(options.cells)]
    context = h.ParallelContext()
    context.set_maxstep(10.0)
    build_seconds = time.perf_counter() - start

    def run() -> None:
        h.finitialize(hh.START_MV)
        context.psolve(options.duration_ms)

    seconds = timed(run, options.repeats, warm=options.warm)
    # CoreNEURON reads the model anew in each call: an empty run is what that takes.
    overhead = overhead_seconds(h, context, options) if options.core else 0.0
    net = [taken - overhead for taken in seconds]
    results = hh.figures(net, options.cells, round(options.duration_ms / hh.DT_MS))
    del parts
    report(
        "coreneuron" if options.core else "neuron",
        "hodgkin_huxley",
        packages=["neuron", "numpy"],
        settings={
            "cells": options.cells,
            "duration_ms": options.duration_ms,
            "dt_ms": hh.DT_MS,
            "method": "Crank-Nicolson" if options.second_order else "backward Euler",
            "rates": "from tables" if options.tables else "computed",
            "precision": "float64",
        },
        seconds=net,
        build_seconds=build_seconds + overhead,
        results={**results, **hh.accuracy(trace(h, context))},
    )


def compartment(h: Any, current_ua_per_cm2: float) -> tuple[Any, Any]:
    """A section of one segment with a constant current, and what injects it."""
    section = h.Section()
    section.L, section.diam, section.nseg = LENGTH_UM, DIAMETER_UM, 1
    section.cm = hh.CAPACITANCE_UF_PER_CM2
    section.insert("hh")
    segment = section(0.5)
    segment.hh.gnabar = hh.SODIUM_MS_PER_CM2 * 1e-3
    segment.hh.gkbar = hh.POTASSIUM_MS_PER_CM2 * 1e-3
    segment.hh.gl, segment.hh.el = hh.LEAK_MS_PER_CM2 * 1e-3, hh.LEAK_REVERSAL_MV
    section.ena, section.ek = hh.SODIUM_REVERSAL_MV, hh.POTASSIUM_REVERSAL_MV
    clamp = h.IClamp(segment)
    clamp.delay, clamp.dur = 0.0, 1e9
    clamp.amp = current_ua_per_cm2 * NANOAMPERES_PER_UA_PER_CM2
    return section, clamp


def overhead_seconds(h: Any, context: Any, options: Any) -> float:
    """Seconds of a run of one step."""

    def run() -> None:
        h.finitialize(hh.START_MV)
        context.psolve(hh.DT_MS)

    return float(np.median(timed(run, options.repeats, warm=0)))


def trace(h: Any, context: Any) -> np.ndarray:
    """The potential of the cell of the accuracy test at every step.

    With the second order, NEURON's potentials are at whole steps (its gates and currents are not).
    """
    section, clamp = compartment(h, hh.ACCURACY_CURRENT_UA_PER_CM2)
    potential = h.Vector().record(section(0.5)._ref_v)
    h.finitialize(hh.START_MV)
    context.psolve(hh.ACCURACY_MS)
    values: np.ndarray = np.array(potential)
    del clamp
    return values


if __name__ == "__main__":
    main()
