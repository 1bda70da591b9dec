"""Hodgkin-Huxley in plain JAX: exponential Euler, one compiled scan over the steps.

Run: ``PEERS/bin/python -m benchmarks.physics_peers.hodgkin_huxley_jax --precision float64``
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.physics_peers import hodgkin_huxley as hh
from benchmarks.physics_peers.measurement import arguments, one_thread, report, timed


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--cells", type=int, default=hh.CELLS)
    parser.add_argument("--duration-ms", type=float, default=hh.DURATION_MS)
    parser.add_argument("--precision", choices=["float64", "float32"], default="float64")
    options = parser.parse_args()
    one_thread(pin=True)
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", options.precision == "float64")
    jax.config.update("jax_platforms", "cpu")
    step = stepper(jnp)
    steps = round(options.duration_ms / hh.DT_MS)

    @jax.jit
    def simulate(currents: Any) -> Any:
        return jax.lax.scan(
            lambda state, _: (step(state, currents), None), start(jnp, currents), length=steps
        )[0]

    @jax.jit
    def trace(currents: Any) -> Any:
        def body(state: Any, _: None) -> tuple[Any, Any]:
            state = step(state, currents)
            return state, state[0][0]

        length = round(hh.ACCURACY_MS / hh.DT_MS)
        return jax.lax.scan(body, start(jnp, currents), length=length)[1]

    currents = jnp.asarray(hh.currents_ua_per_cm2(options.cells), dtype=options.precision)
    begin = time.perf_counter()
    jax.block_until_ready(simulate(currents))
    first = time.perf_counter() - begin
    seconds = timed(
        lambda: jax.block_until_ready(simulate(currents)), options.repeats, warm=options.warm
    )
    alone = jnp.asarray([hh.ACCURACY_CURRENT_UA_PER_CM2], dtype=options.precision)
    potential_mv = np.concatenate([[hh.START_MV], np.asarray(trace(alone))])
    report(
        "jax",
        "hodgkin_huxley",
        packages=["jax", "jaxlib", "numpy"],
        settings={
            "cells": options.cells,
            "duration_ms": options.duration_ms,
            "dt_ms": hh.DT_MS,
            "method": "exponential Euler",
            "precision": options.precision,
        },
        seconds=seconds,
        build_seconds=first - min(seconds),
        results={**hh.figures(seconds, options.cells, steps), **hh.accuracy(potential_mv)},
    )


def start(jnp: Any, currents: Any) -> tuple[Any, ...]:
    """Every cell at -65 mV with its gates at their steady state."""
    values = (hh.START_MV, *hh.steady_gates(hh.START_MV))
    return tuple(jnp.full_like(currents, value) for value in values)


def stepper(
    jnp: Any,
    sodium: Any = hh.SODIUM_MS_PER_CM2,
    potassium: Any = hh.POTASSIUM_MS_PER_CM2,
    leak: Any = hh.LEAK_MS_PER_CM2,
) -> Callable[[Any, Any], Any]:
    """One step of exponential Euler: gates first, with the potential of the step's start."""
    dt = hh.DT_MS

    def gate(x: Any, opening: Any, closing: Any) -> Any:
        total = opening + closing
        steady = opening / total
        return steady + (x - steady) * jnp.exp(-dt * total)

    def step(state: Any, currents: Any) -> Any:
        v, m, h, n = state
        a_m, b_m, a_h, b_h, a_n, b_n = hh.rates_per_ms(v, jnp.exp)
        m, h, n = gate(m, a_m, b_m), gate(h, a_h, b_h), gate(n, a_n, b_n)
        g_sodium, g_potassium = sodium * m * m * m * h, potassium * n * n * n * n
        conductance = g_sodium + g_potassium + leak
        drive = (
            currents
            + g_sodium * hh.SODIUM_REVERSAL_MV
            + g_potassium * hh.POTASSIUM_REVERSAL_MV
            + leak * hh.LEAK_REVERSAL_MV
        )
        steady = drive / conductance
        v = steady + (v - steady) * jnp.exp(-dt * conductance / hh.CAPACITANCE_UF_PER_CM2)
        return v, m, h, n

    return step


if __name__ == "__main__":
    main()
