"""Our circuits as one line of JSON, in the words that the scripts of other simulators use.

Run: ``python -m benchmarks.circuit_runs --task vogels_abbott --network CUBA --cells 4000``
"""

from __future__ import annotations

import hashlib
import time
from typing import Any

import numpy as np

from benchmarks.physics_peers import plasticity as workload
from benchmarks.physics_peers.measurement import arguments, one_thread, report, timed

PACKAGES = ("torch", "numpy", "numba")


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--task", choices=list(TASKS), default="vogels_abbott")
    parser.add_argument("--network", choices=["CUBA", "COBA"], default="CUBA")
    parser.add_argument("--cells", type=int, default=4000)
    parser.add_argument("--duration-ms", type=float, default=1000.0)
    parser.add_argument("--precision", choices=["float64", "float32"], default="float64")
    parser.add_argument("--order", choices=workload.ORDERS, default=workload.ORDERS[0])
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    if options.threads == 1:
        one_thread()
    start = time.perf_counter()
    import torch

    torch.set_num_threads(options.threads)
    circuit, settings, figures = TASKS[options.task](options)
    state = circuit.initial_state()
    run = circuit.run(options.duration_ms, state=state, threads=options.threads)
    first = time.perf_counter() - start

    def again() -> None:
        # Each run starts the same simulation anew, as Brian2's program does.
        nonlocal run
        run = circuit.run(options.duration_ms, state=state, threads=options.threads)

    seconds = (
        timed(again, options.repeats, warm=max(0, options.warm - 1)) if options.repeats else []
    )
    report(
        "neurallayers",
        options.task,
        packages=PACKAGES,
        settings={
            **settings,
            "precision": options.precision,
            "duration_ms": options.duration_ms,
            "dt_ms": circuit.dt_ms,
            "seed": options.seed,
            "threads": options.threads,
        },
        seconds=seconds or None,
        build_seconds=first - min(seconds) if seconds else first,
        results={
            **figures(run, seconds or [first]),
            **circuit.memory(),
            "fingerprint": fingerprint(run),
        },
    )


def fingerprint(run: Any) -> str:
    """SHA-256 of every spike and of the state after the run: equal only if every bit is."""
    from neurallayers.state import to_named

    digest = hashlib.sha256()
    for name, spikes in sorted(run.spikes.items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(spikes.times_ms).tobytes())
        digest.update(np.ascontiguousarray(spikes.senders).tobytes())
    for name, tensor in sorted(to_named(run.state).items()):
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def dtype(options: Any) -> Any:
    """What torch calls the precision."""
    import torch

    return getattr(torch, options.precision)


def vogels_abbott(options: Any) -> tuple[Any, dict[str, Any], Any]:
    """The network of Vogels and Abbott, what it is told with, and what came out."""
    from neurallayers.circuits.models import vogels_abbott as made

    circuit = made(options.network, options.cells, seed=options.seed, dtype=dtype(options))

    def figures(run: Any, _: list[float]) -> dict[str, Any]:
        spikes = run.spikes["cells"]
        return {"spikes": len(spikes), "rate_hz": spikes.rate_hz}

    return circuit, {"network": options.network, "cells": options.cells}, figures


def plastic_circuit(options: Any) -> tuple[Any, dict[str, Any], Any]:
    """100,000 synapses under pair STDP; see benchmarks/physics_peers/plasticity.py."""
    from neurallayers.circuits import AllToAll, Circuit, RecordedSpikes
    from neurallayers.dynamics.neurons.integrate_and_fire import LeakyIntegrateAndFire
    from neurallayers.dynamics.plasticity.spike_timing import PairSTDP
    from neurallayers.dynamics.synapses.kinetics import Exponential
    from neurallayers.dynamics.synapses.receptors import Receptor

    # A jump of g by 1 mV is a current of one leak conductance (10 nS) times 1 mV.
    picoamperes_per_mv = 10.0
    circuit = Circuit(dt_ms=workload.DT_MS, seed=options.seed, dtype=dtype(options))
    steps, numbers = workload.source_spikes(options.duration_ms, options.seed)
    circuit.add_population(
        "sources", RecordedSpikes(workload.SOURCES, steps * workload.DT_MS, numbers)
    )
    neurons = LeakyIntegrateAndFire(
        workload.CELLS,
        dt_ms=workload.DT_MS,
        capacitance_pf=picoamperes_per_mv * workload.MEMBRANE_TIME_CONSTANT_MS,
        leak_conductance_ns=picoamperes_per_mv,
        resting_mv=workload.RESTING_MV,
        threshold_mv=workload.THRESHOLD_MV,
        reset_mv=workload.RESTING_MV,
        refractory_ms=workload.REFRACTORY_MS,
    )
    receptors = {"g": Receptor(Exponential(workload.SYNAPTIC_TIME_CONSTANT_MS))}
    circuit.add_population("cells", neurons, receptors=receptors)
    largest = workload.LARGEST_WEIGHT_MV * picoamperes_per_mv
    amplitude = workload.AMPLITUDE * largest
    name = circuit.connect(
        "sources",
        "cells",
        AllToAll(),
        weight=workload.first_weights_mv(options.seed) * picoamperes_per_mv,
        delay_ms=workload.DELAY_MS,
        plasticity=PairSTDP(
            amplitude_plus=amplitude,
            amplitude_minus=amplitude * workload.DEPRESSION_OVER_POTENTIATION,
            tau_plus_ms=workload.TRACE_MS,
            tau_minus_ms=workload.TRACE_MS,
            order=options.order,
            w_min=0.0,
            w_max=largest,
        ),
    )

    def figures(run: Any, seconds: list[float]) -> dict[str, Any]:
        weights_mv = np.asarray(run.state.projections[name]["weight"]) / picoamperes_per_mv
        return workload.figures(seconds, int(steps.size), len(run.spikes["cells"]), weights_mv)

    return circuit, {"order": options.order}, figures


TASKS = {"vogels_abbott": vogels_abbott, "plastic_circuit": plastic_circuit}


if __name__ == "__main__":
    main()
