"""The plastic circuit in Brian2, C++ standalone, with event-driven traces as in its documentation.

Run: ``PEERS/bin/python -m benchmarks.physics_peers.plasticity_brian2 --order transmit_then_update``
"""

from __future__ import annotations

from typing import Any

from benchmarks.physics_peers import plasticity as workload
from benchmarks.physics_peers.measurement import arguments, one_thread, report
from benchmarks.physics_peers.standalone import build_and_time, standalone

ON_PRE = {
    "transmit_then_update": """
        g_post += w
        sender_trace += 1
        w = clip(w - A_minus * receiver_trace, 0, w_max)
        """,
    "update_then_transmit": """
        sender_trace += 1
        w = clip(w - A_minus * receiver_trace, 0, w_max)
        g_post += w
        """,
}
ON_POST = """
    receiver_trace += 1
    w = clip(w + A_plus * sender_trace, 0, w_max)
    """


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--order", choices=workload.ORDERS, default=workload.ORDERS[0])
    parser.add_argument("--duration-ms", type=float, default=workload.DURATION_MS)
    parser.add_argument("--precision", choices=["float64", "float32"], default="float64")
    options = parser.parse_args()
    one_thread()
    with standalone(options.precision) as brian2:
        simulation, sources, cells, synapses = described(brian2, options)
        simulation.run(options.duration_ms * brian2.ms)
        timing = build_and_time(brian2, repeats=options.repeats, warm=options.warm)
        results = workload.figures(timing.seconds, sources, int(cells.num_spikes), synapses.w[:])
    report(
        "brian2",
        "plastic_circuit",
        packages=["brian2", "numpy"],
        settings={
            "order": options.order,
            "precision": options.precision,
            "mode": "C++ standalone",
            "duration_ms": options.duration_ms,
            "dt_ms": workload.DT_MS,
            "seed": options.seed,
        },
        seconds=timing.seconds,
        build_seconds=timing.build_seconds + timing.start_seconds,
        megabytes=timing.megabytes,
        results=results,
    )


def described(brian2: Any, options: Any) -> tuple[Any, int, Any, Any]:
    """The network, the number of its sources' spikes, the monitor of its cells, the synapses."""
    ms = brian2.ms
    brian2.defaultclock.dt = workload.DT_MS * ms
    steps, numbers = workload.source_spikes(options.duration_ms, options.seed)
    # Brian2 names a spike by the start of its step.
    sources = brian2.SpikeGeneratorGroup(
        workload.SOURCES, numbers, (steps - 1) * workload.DT_MS * ms
    )
    cells = brian2.NeuronGroup(
        workload.CELLS,
        """
        dv/dt = (El - v + g) / tau : 1 (unless refractory)
        dg/dt = -g / tau_s : 1
        """,
        threshold="v >= Vt",
        reset="v = El",
        # Counted from the start of the step of the spike: one step more holds v for all of it.
        refractory=(workload.REFRACTORY_MS + workload.DT_MS) * ms,
        method="exact",
        namespace={
            "tau": workload.MEMBRANE_TIME_CONSTANT_MS * ms,
            "tau_s": workload.SYNAPTIC_TIME_CONSTANT_MS * ms,
            "El": workload.RESTING_MV,
            "Vt": workload.THRESHOLD_MV,
        },
    )
    cells.v = workload.RESTING_MV
    amplitude = workload.AMPLITUDE * workload.LARGEST_WEIGHT_MV
    synapses = brian2.Synapses(
        sources,
        cells,
        """
        w : 1
        dsender_trace/dt = -sender_trace / tau_trace : 1 (event-driven)
        dreceiver_trace/dt = -receiver_trace / tau_trace : 1 (event-driven)
        """,
        on_pre=ON_PRE[options.order],
        on_post=ON_POST,
        delay={"pre": workload.DELAY_MS * ms},
        namespace={
            "tau_trace": workload.TRACE_MS * ms,
            "w_max": workload.LARGEST_WEIGHT_MV,
            "A_plus": amplitude,
            "A_minus": amplitude * workload.DEPRESSION_OVER_POTENTIATION,
        },
    )
    synapses.connect()
    synapses.w = workload.first_weights_mv(options.seed).ravel()
    monitor = brian2.SpikeMonitor(cells, record=False)
    simulation = brian2.Network(sources, cells, synapses, monitor)
    return simulation, int(steps.size), monitor, synapses


if __name__ == "__main__":
    main()
