"""Brunel's network in NEST: iaf_psc_delta, exact integration.

Run: ``PEERS/bin/python -m benchmarks.physics_peers.brunel_nest --regime AI --seed 1``
"""

from __future__ import annotations

import time
from typing import Any

from benchmarks.physics_peers import brunel
from benchmarks.physics_peers.measurement import arguments, one_thread, report
from benchmarks.physics_peers.spike_statistics import spike_statistics


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--regime", choices=list(brunel.REGIMES), default="AI")
    parser.add_argument("--weight-mv", type=float, default=brunel.WEIGHT_MV)
    parser.add_argument("--reset-mv", type=float, default=brunel.RESET_MV)
    options = parser.parse_args()
    one_thread()
    regime = brunel.REGIMES[options.regime]
    import nest

    start = time.perf_counter()
    recorder = built(nest, regime, options)
    build_seconds = time.perf_counter() - start
    stop_ms = regime.transient_ms + regime.window_ms
    start = time.perf_counter()
    nest.Simulate(stop_ms)
    seconds = time.perf_counter() - start
    events = recorder.events
    report(
        "nest",
        "brunel",
        packages=["nest-simulator", "numpy"],
        settings={
            "regime": options.regime,
            "weight_mv": options.weight_mv,
            "reset_mv": options.reset_mv,
            "dt_ms": brunel.DT_MS,
            "seed": options.seed,
            "model": "iaf_psc_delta",
        },
        seconds=[seconds],
        build_seconds=build_seconds,
        results=spike_statistics(
            events["times"],
            events["senders"],
            cells=brunel.EXCITATORY_CELLS + brunel.INHIBITORY_CELLS,
            start_ms=regime.transient_ms,
            stop_ms=stop_ms,
        ),
    )


def built(nest: Any, regime: brunel.Regime, options: Any) -> Any:
    """The network, ready to run, and the recorder of all its cells."""
    nest.ResetKernel()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.resolution, nest.local_num_threads, nest.rng_seed = brunel.DT_MS, 1, options.seed
    parameters = {
        "C_m": 1.0,
        "tau_m": brunel.MEMBRANE_TIME_CONSTANT_MS,
        "t_ref": brunel.REFRACTORY_MS,
        "E_L": 0.0,
        "V_reset": options.reset_mv,
        "V_m": nest.random.uniform(min=0.0, max=brunel.THRESHOLD_MV),
        "V_th": brunel.THRESHOLD_MV,
    }
    cells = brunel.EXCITATORY_CELLS + brunel.INHIBITORY_CELLS
    everyone = nest.Create("iaf_psc_delta", cells, params=parameters)
    excitatory = everyone[: brunel.EXCITATORY_CELLS]
    inhibitory = everyone[brunel.EXCITATORY_CELLS :]
    external = nest.Create(
        "poisson_generator", params={"rate": brunel.external_rate_hz(regime, options.weight_mv)}
    )
    recorder = nest.Create("spike_recorder")

    def synapse(weight_mv: float) -> dict[str, Any]:
        return {"synapse_model": "static_synapse", "weight": weight_mv, "delay": brunel.DELAY_MS}

    def inputs(number: int) -> dict[str, Any]:
        return {"rule": "fixed_indegree", "indegree": number}

    weight_mv = options.weight_mv
    nest.Connect(external, everyone, syn_spec=synapse(weight_mv))
    nest.Connect(excitatory, everyone, inputs(brunel.EXCITATORY_INPUTS), synapse(weight_mv))
    nest.Connect(
        inhibitory,
        everyone,
        inputs(brunel.INHIBITORY_INPUTS),
        synapse(-regime.inhibition * weight_mv),
    )
    nest.Connect(everyone, recorder)
    return recorder


if __name__ == "__main__":
    main()
