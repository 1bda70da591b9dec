"""The Vogels-Abbott networks in BrainPy: LifRef, exponential synapses, event-driven products.

Runs in an environment of its own (requirements-physics-peers-brainpy.txt).

Run: ``BRAINPY/bin/python -m benchmarks.physics_peers.vogels_abbott_brainpy --network CUBA``
"""

from __future__ import annotations

import time
from typing import Any

from benchmarks.physics_peers import vogels_abbott as va
from benchmarks.physics_peers.measurement import arguments, one_thread, report, timed


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--network", choices=list(va.NETWORKS), default="CUBA")
    parser.add_argument("--cells", type=int, default=va.CELLS)
    parser.add_argument("--duration-ms", type=float, default=1000.0)
    parser.add_argument("--precision", choices=["float64", "float32"], default="float64")
    options = parser.parse_args()
    one_thread(pin=True)
    import brainpy
    import jax
    from brainpy import math

    math.set_platform("cpu")
    if options.precision == "float64":
        math.enable_x64()
    math.set_dt(va.DT_MS)
    start = time.perf_counter()
    network = described(brainpy, options)
    steps, done, spikes = round(options.duration_ms / va.DT_MS), 0, 0.0
    simulate = math.jit(lambda numbers: math.for_loop(network.step_run, numbers).sum())

    def run() -> None:
        # Each run goes on where the one before ended: time too, which refractoriness looks at.
        nonlocal done, spikes
        spikes = float(jax.block_until_ready(simulate(math.arange(done, done + steps))))
        done += steps

    run()
    first = time.perf_counter() - start
    seconds = timed(run, options.repeats, warm=max(0, options.warm - 1))
    report(
        "brainpy",
        f"vogels_abbott_{options.network}",
        packages=["brainpy", "jax", "jaxlib", "numpy"],
        settings={
            "network": options.network,
            "cells": options.cells,
            "precision": options.precision,
            "duration_ms": options.duration_ms,
            "dt_ms": va.DT_MS,
            "seed": options.seed,
        },
        seconds=seconds or [first],
        build_seconds=first - min(seconds) if seconds else None,
        results={
            "spikes": spikes,
            "rate_hz": spikes / options.cells / options.duration_ms * 1e3,
        },
    )


def described(brainpy: Any, options: Any) -> Any:
    """The network as a system whose ``step_run`` gives the number of spikes of a step."""
    definition = va.NETWORKS[options.network]
    brainpy.math.random.seed(options.seed)
    excitatory = va.excitatory_cells(options.cells)
    normal = brainpy.init.Normal(-65.0, 5.0)
    uniform = brainpy.init.Uniform(va.RESET_MV, va.THRESHOLD_MV)

    def population(cells: int) -> Any:
        return brainpy.dyn.LifRef(
            cells,
            V_rest=definition.leak_reversal_mv,
            V_th=va.THRESHOLD_MV,
            V_reset=va.RESET_MV,
            tau=va.MEMBRANE_TIME_CONSTANT_MS,
            tau_ref=va.REFRACTORY_MS,
            spk_reset="hard",
            V_initializer=normal if definition.conductance_based else uniform,
        )

    def projection(sender: Any, receiver: Any, *, tau_ms: float, weight: float, e_mv: float) -> Any:
        connection = brainpy.conn.FixedProb(
            va.probability(options.cells),
            pre=sender.num,
            post=receiver.num,
            seed=options.seed,
        )
        out = (
            brainpy.dyn.COBA.desc(E=e_mv)
            if definition.conductance_based
            else brainpy.dyn.CUBA.desc()
        )
        return brainpy.dyn.FullProjAlignPostMg(
            pre=sender,
            delay=va.DELAY_MS,
            comm=brainpy.dnn.EventCSRLinear(connection, weight),
            syn=brainpy.dyn.Expon.desc(size=receiver.num, tau=tau_ms),
            out=out,
            post=receiver,
        )

    class Network(brainpy.DynSysGroup):  # type: ignore[misc]
        """Two populations, four projections."""

        def __init__(self) -> None:
            super().__init__()
            self.E, self.I = population(excitatory), population(options.cells - excitatory)
            # Conductances in units of the leak's; the resistance of a LifRef is 1.
            unit = 1.0 / va.LEAK_CONDUCTANCE_NS if definition.conductance_based else 1.0
            from_e = {
                "tau_ms": va.EXCITATORY_TIME_CONSTANT_MS,
                "weight": definition.excitatory_weight * unit,
                "e_mv": va.EXCITATORY_REVERSAL_MV,
            }
            from_i = {
                "tau_ms": va.INHIBITORY_TIME_CONSTANT_MS,
                "weight": definition.inhibitory_weight * unit,
                "e_mv": va.INHIBITORY_REVERSAL_MV,
            }
            self.E2E = projection(self.E, self.E, **from_e)
            self.E2I = projection(self.E, self.I, **from_e)
            self.I2E = projection(self.I, self.E, **from_i)
            self.I2I = projection(self.I, self.I, **from_i)

        def update(self) -> Any:
            """One step."""
            for one in (self.E2E, self.E2I, self.I2E, self.I2I):
                one()
            self.E()
            self.I()
            return self.E.spike.sum() + self.I.spike.sum()

    network = Network()
    if definition.conductance_based:
        started(brainpy, network, options)
    return network


def started(brainpy: Any, network: Any, options: Any) -> None:
    """Conductances that a network needs to begin firing; see the definition."""
    import numpy as np

    draw = np.random.default_rng(options.seed)
    for system in network.nodes(level=-1, include_self=False).unique().values():
        if isinstance(system, brainpy.dyn.Expon):
            mean, deviation = (
                (4.0, 1.5) if system.tau == va.EXCITATORY_TIME_CONSTANT_MS else (20.0, 12.0)
            )
            values = np.maximum(draw.normal(mean, deviation, system.g.shape), 0.0)
            system.g.value = values.astype(system.g.dtype)


if __name__ == "__main__":
    main()
