"""Gradients through Hodgkin-Huxley in Jaxley: its own step, mapped over cells, in reverse mode.

The workload stands in gradients.py.

Run: ``PEERS/bin/python -m benchmarks.physics_peers.gradients_jaxley --precision float64``
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
from benchmarks.physics_peers.hodgkin_huxley_jaxley import (
    NANOAMPERES_PER_UA_PER_CM2,
    one_cell,
)
from benchmarks.physics_peers.measurement import arguments, one_thread, timed

NAMES = ("HH_gNa", "HH_gK", "HH_gLeak")
SIEMENS_PER_MILLISIEMENS = 1e-3


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--cells", type=int, default=CELLS)
    parser.add_argument("--duration-ms", type=float, default=DURATION_MS)
    parser.add_argument("--precision", choices=["float64", "float32"], default="float64")
    parser.add_argument("--method", default="bwd_euler")
    options = parser.parse_args()
    one_thread(pin=True)
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", options.precision == "float64")
    jax.config.update("jax_platforms", "cpu")
    begin = time.perf_counter()
    state, parameters, step = one_cell(options.method)
    steps, inputs = round(options.duration_ms / hh.DT_MS), {"i": jnp.zeros(1, dtype=int)}
    currents = jnp.asarray(currents_ua_per_cm2(options.cells) * NANOAMPERES_PER_UA_PER_CM2)
    values = tuple(jnp.full_like(currents, value) for value in conductances())

    def mean_potential(values: Any, current: Any) -> Any:
        own = parameters | {
            name: value[None] * SIEMENS_PER_MILLISIEMENS
            for name, value in zip(NAMES, values, strict=True)
        }

        def body(state: Any, _: None) -> tuple[Any, Any]:
            state = step(state, own, {"i": current[None]}, inputs, hh.DT_MS)
            return state, state["v"][0]

        return jax.lax.scan(body, state, length=steps)[1].mean()

    def loss(values: Any) -> Any:
        return jax.vmap(mean_potential)(values, currents).mean()

    forward, both = jax.jit(loss), jax.jit(jax.value_and_grad(loss))
    value, gradient = jax.block_until_ready(both(values))
    first = time.perf_counter() - begin
    warm = {"warm": options.warm}
    forward_seconds = timed(lambda: jax.block_until_ready(forward(values)), options.repeats, **warm)
    seconds = timed(lambda: jax.block_until_ready(both(values)), options.repeats, **warm)
    reported(
        "jaxley",
        ["jaxley", "jax", "jaxlib", "numpy"],
        options,
        options.method,
        first=first,
        forward_seconds=forward_seconds,
        seconds=seconds,
        found=check(float(value), [float(one.sum()) for one in gradient]),
    )


if __name__ == "__main__":
    main()
