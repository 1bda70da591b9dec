"""The Vogels-Abbott networks in Brian2, C++ standalone.

Run: ``PEERS/bin/python -m benchmarks.physics_peers.vogels_abbott_brian2 --network CUBA``
"""

from __future__ import annotations

from typing import Any

from benchmarks.physics_peers import vogels_abbott as va
from benchmarks.physics_peers.measurement import arguments, one_thread, report
from benchmarks.physics_peers.spike_statistics import spike_statistics
from benchmarks.physics_peers.standalone import build_and_time, standalone

EQUATIONS = {
    "CUBA": """
        dv/dt = (ge + gi - (v - El)) / tau : volt (unless refractory)
        dge/dt = -ge / tau_e : volt
        dgi/dt = -gi / tau_i : volt
        """,
    "COBA": """
        dv/dt = (ge * (Ee - v) + gi * (Ei - v) - (v - El)) / tau : volt (unless refractory)
        dge/dt = -ge / tau_e : 1
        dgi/dt = -gi / tau_i : 1
        """,
}
# As Brian2's example of the paper (Brette_2007/COBA.py), but no negative conductance.
INITIAL = {
    "CUBA": {"v": "(-60 + 10 * rand()) * mV"},
    "COBA": {
        "v": "(-60 + 5 * randn() - 5) * mV",
        "ge": "clip(1.5 * randn() + 4, 0, inf)",
        "gi": "clip(12 * randn() + 20, 0, inf)",
    },
}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--network", choices=list(va.NETWORKS), default="CUBA")
    parser.add_argument("--method", help="state updater of Brian2")
    parser.add_argument("--cells", type=int, default=va.CELLS)
    parser.add_argument("--duration-ms", type=float, default=1000.0)
    parser.add_argument("--precision", choices=["float64", "float32"], default="float64")
    options = parser.parse_args()
    options.method = options.method or va.BRIAN2_METHODS[options.network][-1]
    one_thread()
    mode, figures = recorded(options) if options.repeats == 0 else measured(options)
    report(
        "brian2",
        f"vogels_abbott_{options.network}",
        packages=["brian2", "numpy"],
        settings={
            "network": options.network,
            "cells": options.cells,
            "method": options.method,
            "mode": mode,
            "precision": options.precision,
            "duration_ms": options.duration_ms,
            "dt_ms": va.DT_MS,
            "seed": options.seed,
        },
        **figures,
    )


def recorded(options: Any) -> tuple[str, dict[str, Any]]:
    """Statistics of every spike; Cython's functions are kept from one seed to the next."""
    import brian2

    brian2.BrianLogger.log_level_error()
    brian2.prefs.codegen.target = "cython"
    simulation, monitor = described(brian2, options, record=True)
    simulation.run(options.duration_ms * brian2.ms)
    results = spike_statistics(
        # Named by the start of the step; the threshold is crossed at its end.
        monitor.t / brian2.ms + va.DT_MS,
        monitor.i[:],
        cells=options.cells,
        start_ms=va.START_MS,
        stop_ms=options.duration_ms,
    )
    return "Cython", {"results": results}


def measured(options: Any) -> tuple[str, dict[str, Any]]:
    """Time and memory of the compiled program; it only counts its spikes."""
    with standalone(options.precision) as brian2:
        simulation, monitor = described(brian2, options, record=False)
        simulation.run(options.duration_ms * brian2.ms)
        timing = build_and_time(brian2, repeats=options.repeats, warm=options.warm)
        count = int(monitor.num_spikes)
    return "C++ standalone", {
        "seconds": timing.seconds,
        "build_seconds": timing.build_seconds + timing.start_seconds,
        "megabytes": timing.megabytes,
        "results": {
            "spikes": count,
            "rate_hz": count / options.cells / options.duration_ms * 1e3,
            "compile_seconds": timing.build_seconds,
        },
    }


def described(brian2: Any, options: Any, *, record: bool) -> tuple[Any, Any]:
    """The network in Brian2's words, and the monitor of its spikes."""
    network, ms, mv = va.NETWORKS[options.network], brian2.ms, brian2.mV
    brian2.defaultclock.dt = va.DT_MS * ms
    brian2.seed(options.seed)
    cells = brian2.NeuronGroup(
        options.cells,
        EQUATIONS[options.network],
        threshold="v > Vt",
        reset="v = Vr",
        refractory=va.REFRACTORY_MS * ms,
        method=options.method,
        namespace={
            "tau": va.MEMBRANE_TIME_CONSTANT_MS * ms,
            "tau_e": va.EXCITATORY_TIME_CONSTANT_MS * ms,
            "tau_i": va.INHIBITORY_TIME_CONSTANT_MS * ms,
            "El": network.leak_reversal_mv * mv,
            "Ee": va.EXCITATORY_REVERSAL_MV * mv,
            "Ei": va.INHIBITORY_REVERSAL_MV * mv,
            "Vt": va.THRESHOLD_MV * mv,
            "Vr": va.RESET_MV * mv,
        },
    )
    for variable, value in INITIAL[options.network].items():
        setattr(cells, variable, value)
    # Conductances are counted in leak conductances, CUBA's weights are potentials.
    unit = 1 / va.LEAK_CONDUCTANCE_NS if network.conductance_based else mv
    excitatory = va.excitatory_cells(options.cells)
    projections = []
    for sources, target, weight in (
        (cells[:excitatory], "ge", network.excitatory_weight * unit),
        (cells[excitatory:], "gi", network.inhibitory_weight * unit),
    ):
        synapses = brian2.Synapses(
            sources,
            cells,
            on_pre=f"{target} += weight",
            delay=va.DELAY_MS * ms,
            namespace={"weight": weight},
        )
        synapses.connect(p=va.probability(options.cells))
        projections.append(synapses)
    monitor = brian2.SpikeMonitor(cells, record=record)
    return brian2.Network(cells, *projections, monitor), monitor


if __name__ == "__main__":
    main()
