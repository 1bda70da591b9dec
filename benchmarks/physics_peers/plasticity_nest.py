"""The plastic circuit in NEST: stdp_synapse, which updates and then transmits.

NEST's sources cannot end in a plastic synapse: each spike generator drives a parrot neuron, which
repeats its spikes a step later. NEST counts the delay of a plastic synapse as dendritic.

Run: ``PEERS/bin/python -m benchmarks.physics_peers.plasticity_nest``
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks.physics_peers import plasticity as workload
from benchmarks.physics_peers.measurement import arguments, one_thread, report

# Only what turns a change of g into a current depends on it.
CAPACITANCE_PF = 200.0
PICOAMPERES_PER_MV = CAPACITANCE_PF / workload.MEMBRANE_TIME_CONSTANT_MS


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--duration-ms", type=float, default=workload.DURATION_MS)
    options = parser.parse_args()
    one_thread()
    import nest

    seconds, build_seconds = [], 0.0
    for number in range(options.warm + options.repeats):
        start = time.perf_counter()
        sources = built(nest, options)
        build_seconds = time.perf_counter() - start
        start = time.perf_counter()
        nest.Simulate(options.duration_ms)
        taken = time.perf_counter() - start
        if number >= options.warm:
            seconds.append(taken)
    weights_pa = np.array(nest.GetConnections(synapse_model="stdp_synapse").weight)
    # The parrots' spikes are counted too.
    cell_spikes = nest.local_spike_counter - sources
    report(
        "nest",
        "plastic_circuit",
        packages=["nest-simulator", "numpy"],
        settings={
            "order": "update_then_transmit",
            "precision": "float64",
            "duration_ms": options.duration_ms,
            "dt_ms": workload.DT_MS,
            "seed": options.seed,
        },
        seconds=seconds,
        build_seconds=build_seconds,
        results=workload.figures(seconds, sources, cell_spikes, weights_pa / PICOAMPERES_PER_MV),
    )


def built(nest: Any, options: Any) -> int:
    """Make the network; gives the number of the sources' spikes."""
    nest.ResetKernel()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.resolution, nest.local_num_threads, nest.rng_seed = workload.DT_MS, 1, options.seed
    steps, numbers = workload.source_spikes(options.duration_ms, options.seed)
    order = np.lexsort((steps, numbers))
    trains = np.split(
        steps[order], np.cumsum(np.bincount(numbers, minlength=workload.SOURCES))[:-1]
    )
    generators = nest.Create("spike_generator", workload.SOURCES)
    for generator, train in zip(generators, trains, strict=True):
        generator.spike_times = np.round(train * workload.DT_MS, 1)
    parrots = nest.Create("parrot_neuron", workload.SOURCES)
    nest.Connect(generators, parrots, "one_to_one", {"delay": workload.DT_MS})
    cells = nest.Create(
        "iaf_psc_exp",
        workload.CELLS,
        params={
            "C_m": CAPACITANCE_PF,
            "tau_m": workload.MEMBRANE_TIME_CONSTANT_MS,
            "tau_syn_ex": workload.SYNAPTIC_TIME_CONSTANT_MS,
            "E_L": workload.RESTING_MV,
            "V_m": workload.RESTING_MV,
            "V_reset": workload.RESTING_MV,
            "V_th": workload.THRESHOLD_MV,
            "t_ref": workload.REFRACTORY_MS,
            "tau_minus": workload.TRACE_MS,
        },
    )
    nest.Connect(
        parrots,
        cells,
        "all_to_all",
        {
            "synapse_model": "stdp_synapse",
            "weight": workload.first_weights_mv(options.seed).T * PICOAMPERES_PER_MV,
            "delay": workload.DELAY_MS,
            "tau_plus": workload.TRACE_MS,
            "lambda": workload.AMPLITUDE,
            "alpha": workload.DEPRESSION_OVER_POTENTIATION,
            "mu_plus": 0.0,
            "mu_minus": 0.0,
            "Wmax": workload.LARGEST_WEIGHT_MV * PICOAMPERES_PER_MV,
        },
    )
    return int(steps.size)


if __name__ == "__main__":
    main()
