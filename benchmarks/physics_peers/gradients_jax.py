"""Gradients through Hodgkin-Huxley in plain JAX: reverse mode through a scan of exponential Euler.

The workload stands in gradients.py.

Run: ``PEERS/bin/python -m benchmarks.physics_peers.gradients_jax --precision float64``
"""

from __future__ import annotations

import time
from typing import Any

from benchmarks.physics_peers import hodgkin_huxley as hh
from benchmarks.physics_peers.gradients import (
    CELLS,
    DURATION_MS,
    check,
    conductances,
    currents_ua_per_cm2,
    reported,
)
from benchmarks.physics_peers.hodgkin_huxley_jax import start, stepper
from benchmarks.physics_peers.measurement import arguments, one_thread, timed


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--cells", type=int, default=CELLS)
    parser.add_argument("--duration-ms", type=float, default=DURATION_MS)
    parser.add_argument("--precision", choices=["float64", "float32"], default="float64")
    options = parser.parse_args()
    one_thread(pin=True)
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", options.precision == "float64")
    jax.config.update("jax_platforms", "cpu")
    steps = round(options.duration_ms / hh.DT_MS)
    currents = jnp.asarray(currents_ua_per_cm2(options.cells), dtype=options.precision)
    parameters = tuple(jnp.full_like(currents, value) for value in conductances())

    def loss(parameters: Any) -> Any:
        step = stepper(jnp, *parameters)

        def body(state: Any, _: None) -> tuple[Any, Any]:
            state = step(state, currents)
            return state, state[0]

        return jax.lax.scan(body, start(jnp, currents), length=steps)[1].mean()

    forward, both = jax.jit(loss), jax.jit(jax.value_and_grad(loss))
    begin = time.perf_counter()
    value, gradient = jax.block_until_ready(both(parameters))
    first = time.perf_counter() - begin
    warm = {"warm": options.warm}
    forward_seconds = timed(
        lambda: jax.block_until_ready(forward(parameters)), options.repeats, **warm
    )
    seconds = timed(lambda: jax.block_until_ready(both(parameters)), options.repeats, **warm)
    reported(
        "jax",
        ["jax", "jaxlib", "numpy"],
        options,
        "exponential Euler",
        first=first,
        forward_seconds=forward_seconds,
        seconds=seconds,
        found=check(float(value), [float(one.sum()) for one in gradient]),
    )


if __name__ == "__main__":
    main()
