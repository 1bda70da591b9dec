"""Hodgkin-Huxley in Jaxley: its own step, mapped over cells and scanned over time.

Run: ``PEERS/bin/python -m benchmarks.physics_peers.hodgkin_huxley_jaxley --precision float64``
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks.physics_peers import hodgkin_huxley as hh
from benchmarks.physics_peers.measurement import arguments, one_thread, report, timed

# A cylinder of radius r and length l has the area 2 pi r l without its ends.
RADIUS_UM = 10.0
LENGTH_UM = 10.0
AREA_CM2 = 2.0 * np.pi * RADIUS_UM * LENGTH_UM * 1e-8
NANOAMPERES_PER_UA_PER_CM2 = AREA_CM2 * 1e3


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--cells", type=int, default=hh.CELLS)
    parser.add_argument("--duration-ms", type=float, default=hh.DURATION_MS)
    parser.add_argument("--precision", choices=["float64", "float32"], default="float64")
    parser.add_argument("--method", default="bwd_euler")
    options = parser.parse_args()
    one_thread(pin=True)
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", options.precision == "float64")
    jax.config.update("jax_platforms", "cpu")
    start = time.perf_counter()
    state, parameters, step = one_cell(options.method)
    steps = round(options.duration_ms / hh.DT_MS)
    inputs = {"i": jnp.zeros(1, dtype=int)}

    def advanced(state: Any, current: Any) -> Any:
        return step(state, parameters, {"i": current[None]}, inputs, hh.DT_MS)

    @jax.jit
    def simulate(currents: Any) -> Any:
        several = jax.tree.map(lambda x: jnp.broadcast_to(x, (currents.size, *x.shape)), state)
        return jax.lax.scan(
            lambda state, _: (jax.vmap(advanced)(state, currents), None), several, length=steps
        )[0]

    @jax.jit
    def trace(current: Any) -> Any:
        def body(state: Any, _: None) -> tuple[Any, Any]:
            state = advanced(state, current)
            return state, state["v"][0]

        return jax.lax.scan(body, state, length=round(hh.ACCURACY_MS / hh.DT_MS))[1]

    currents = jnp.asarray(hh.currents_ua_per_cm2(options.cells) * NANOAMPERES_PER_UA_PER_CM2)
    jax.block_until_ready(simulate(currents))
    first = time.perf_counter() - start
    seconds = timed(
        lambda: jax.block_until_ready(simulate(currents)), options.repeats, warm=options.warm
    )
    alone = jnp.asarray(hh.ACCURACY_CURRENT_UA_PER_CM2 * NANOAMPERES_PER_UA_PER_CM2)
    potential_mv = np.concatenate([[hh.START_MV], np.asarray(trace(alone))])
    report(
        "jaxley",
        "hodgkin_huxley",
        packages=["jaxley", "jax", "jaxlib", "numpy"],
        settings={
            "cells": options.cells,
            "duration_ms": options.duration_ms,
            "dt_ms": hh.DT_MS,
            "method": options.method,
            "precision": options.precision,
        },
        seconds=seconds,
        build_seconds=first - min(seconds),
        results={**hh.figures(seconds, options.cells, steps), **hh.accuracy(potential_mv)},
    )


def one_cell(method: str) -> tuple[Any, Any, Any]:
    """The initial state, the parameters and the step of one compartment."""
    from jaxley.integrate import build_init_and_step_fn

    cell = described()
    cell.to_jax()
    initialise, step = build_init_and_step_fn(cell, voltage_solver="jaxley.dhs.cpu", solver=method)
    state, parameters = initialise([], delta_t=hh.DT_MS)
    return state, parameters, step


def described() -> Any:
    """A compartment with the membrane of 1952."""
    import jaxley
    from jaxley.channels import HH

    cell = jaxley.Cell()
    cell.insert(HH())
    cell.set("radius", RADIUS_UM)
    cell.set("length", LENGTH_UM)
    cell.set("capacitance", hh.CAPACITANCE_UF_PER_CM2)
    for name, value in {
        "gNa": hh.SODIUM_MS_PER_CM2 * 1e-3,
        "gK": hh.POTASSIUM_MS_PER_CM2 * 1e-3,
        "gLeak": hh.LEAK_MS_PER_CM2 * 1e-3,
        "eNa": hh.SODIUM_REVERSAL_MV,
        "eK": hh.POTASSIUM_REVERSAL_MV,
        "eLeak": hh.LEAK_REVERSAL_MV,
    }.items():
        cell.set(f"HH_{name}", value)
    cell.set("v", hh.START_MV)
    cell.init_states(delta_t=hh.DT_MS)
    return cell


if __name__ == "__main__":
    main()
