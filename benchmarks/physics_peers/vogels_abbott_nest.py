"""The Vogels-Abbott networks in NEST: iaf_psc_exp (exact) and iaf_cond_exp (adaptive Runge-Kutta).

Run: ``PEERS/bin/python -m benchmarks.physics_peers.vogels_abbott_nest --network CUBA``
"""

from __future__ import annotations

import time
from typing import Any

from benchmarks.physics_peers import vogels_abbott as va
from benchmarks.physics_peers.measurement import arguments, one_thread, report, timed
from benchmarks.physics_peers.spike_statistics import spike_statistics

MODELS = {"CUBA": "iaf_psc_exp", "COBA": "iaf_cond_exp"}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--network", choices=list(va.NETWORKS), default="CUBA")
    parser.add_argument("--cells", type=int, default=va.CELLS)
    parser.add_argument("--duration-ms", type=float, default=1000.0)
    options = parser.parse_args()
    statistics = options.repeats == 0
    one_thread()
    import nest

    start = time.perf_counter()
    everyone = built(nest, options)
    recorder = nest.Create("spike_recorder") if statistics else None
    if recorder is not None:
        nest.Connect(everyone, recorder)
    build_seconds = time.perf_counter() - start
    seconds: list[float] = []
    if recorder is not None:
        nest.Simulate(options.duration_ms)
        results = spike_statistics(
            recorder.events["times"],
            recorder.events["senders"],
            cells=options.cells,
            start_ms=va.START_MS,
            stop_ms=options.duration_ms,
        )
    else:
        # Each run goes on where the one before ended.
        seconds = timed(
            lambda: nest.Simulate(options.duration_ms), options.repeats, warm=options.warm
        )
        # NEST counts anew in each run: these are the spikes of the last.
        count = nest.local_spike_counter
        results = {"spikes": count, "rate_hz": count / options.cells / options.duration_ms * 1e3}
    report(
        "nest",
        f"vogels_abbott_{options.network}",
        packages=["nest-simulator", "numpy"],
        settings={
            "network": options.network,
            "cells": options.cells,
            "model": MODELS[options.network],
            "precision": "float64",
            "duration_ms": options.duration_ms,
            "dt_ms": va.DT_MS,
            "seed": options.seed,
        },
        seconds=seconds,
        build_seconds=build_seconds,
        results=results,
    )


def built(nest: Any, options: Any) -> Any:
    """All cells of the network, connected."""
    nest.ResetKernel()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.resolution, nest.local_num_threads, nest.rng_seed = va.DT_MS, 1, options.seed
    network = va.NETWORKS[options.network]
    parameters = {
        "C_m": va.CAPACITANCE_PF,
        "E_L": network.leak_reversal_mv,
        "V_th": va.THRESHOLD_MV,
        "V_reset": va.RESET_MV,
        "t_ref": va.REFRACTORY_MS,
        "tau_syn_ex": va.EXCITATORY_TIME_CONSTANT_MS,
        "tau_syn_in": va.INHIBITORY_TIME_CONSTANT_MS,
    }
    if network.conductance_based:
        parameters |= {
            "g_L": va.LEAK_CONDUCTANCE_NS,
            "E_ex": va.EXCITATORY_REVERSAL_MV,
            "E_in": va.INHIBITORY_REVERSAL_MV,
        }
        # NEST's inhibitory conductances are told by the sign of the weight.
        weights = (network.excitatory_weight, -network.inhibitory_weight)
    else:
        parameters["tau_m"] = va.MEMBRANE_TIME_CONSTANT_MS
        # A rise of g by 1 mV is a current of leak conductance times 1 mV.
        weights = (
            network.excitatory_weight * va.LEAK_CONDUCTANCE_NS,
            network.inhibitory_weight * va.LEAK_CONDUCTANCE_NS,
        )
    everyone = nest.Create(MODELS[options.network], options.cells, params=parameters)
    for variable, values in initial(options).items():
        everyone.set({variable: values})
    excitatory = va.excitatory_cells(options.cells)
    for sources, weight in zip(
        (everyone[:excitatory], everyone[excitatory:]), weights, strict=True
    ):
        nest.Connect(
            sources,
            everyone,
            {"rule": "pairwise_bernoulli", "p": va.probability(options.cells)},
            {"synapse_model": "static_synapse", "weight": weight, "delay": va.DELAY_MS},
        )
    return everyone


def initial(options: Any) -> dict[str, Any]:
    """Where the cells start, as drawn by numpy."""
    import numpy as np

    draw = np.random.default_rng(options.seed)
    if not va.NETWORKS[options.network].conductance_based:
        return {"V_m": draw.uniform(va.RESET_MV, va.THRESHOLD_MV, options.cells)}
    leak = va.LEAK_CONDUCTANCE_NS
    return {
        "V_m": draw.normal(-65.0, 5.0, options.cells),
        "g_ex": leak * np.maximum(draw.normal(4.0, 1.5, options.cells), 0.0),
        "g_in": leak * np.maximum(draw.normal(20.0, 12.0, options.cells), 0.0),
    }


if __name__ == "__main__":
    main()
