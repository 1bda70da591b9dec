"""Our membranes, and plain torch, as one line of JSON, in the words of the other simulators.

Run: ``python -m benchmarks.membrane_runs --task hodgkin_huxley --precision float32``
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.physics_peers import gradients as learning
from benchmarks.physics_peers import hodgkin_huxley as hh
from benchmarks.physics_peers.measurement import arguments, one_thread, report, timed

PACKAGES = ("torch", "numpy", "numba")
RUNNERS = ("neurallayers", "torch_eager", "torch_compile")
LEARNED = ("sodium_ms_cm2", "potassium_ms_cm2", "leak_ms_cm2")


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--task", choices=["hodgkin_huxley", "gradients"], default="hodgkin_huxley")
    parser.add_argument("--runner", choices=RUNNERS, default="neurallayers")
    parser.add_argument("--cells", type=int)
    parser.add_argument("--duration-ms", type=float)
    parser.add_argument("--precision", choices=["float64", "float32"], default="float64")
    parser.add_argument("--method", default="staggered_exponential_euler")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    if options.threads == 1:
        one_thread()
    import torch

    torch.set_num_threads(options.threads)
    if options.task == "hodgkin_huxley":
        speed(options)
    else:
        gradients(options)


def axon(options: Any, cells: int, **constants: Any) -> Any:
    """Cells in the precision asked for."""
    import torch

    from neurallayers.dynamics.membrane import HodgkinHuxley

    cell = HodgkinHuxley(cells, dt_ms=hh.DT_MS, solver=options.method, **constants)
    return cell.to(getattr(torch, options.precision))


def born(cell: Any, options: Any) -> Any:
    """The state of newborn cells in the precision asked for."""
    import torch

    from neurallayers.state import map_state

    return map_state(lambda part: part.to(getattr(torch, options.precision)), cell.initial_state())


def stepped(cell: Any, options: Any) -> Callable[[Any, Any], Any]:
    """One step, as plain torch takes it."""
    import torch

    return torch.compile(cell) if options.runner == "torch_compile" else cell


def speed(options: Any) -> None:
    """Independent cells with constant currents; each run starts anew."""
    import torch

    cells = options.cells or hh.CELLS
    steps = round((options.duration_ms or hh.DURATION_MS) / hh.DT_MS)
    start = time.perf_counter()
    cell = axon(options, cells)
    state = born(cell, options)
    currents = torch.from_numpy(hh.currents_ua_per_cm2(cells)).to(state.membrane_potential)
    frame = currents.reshape(1, 1, cells)
    spikes = 0

    def fused() -> None:
        nonlocal spikes
        found, _ = cell.spike_times(frame, state, steps=steps)
        spikes = len(found.time_ms)

    def plain() -> None:
        nonlocal spikes
        step, now, counted = stepped(cell, options), state, torch.zeros(())
        with torch.no_grad():
            for _ in range(steps):
                fired, now = step(frame[0], now)
                counted = counted + fired.sum()
        spikes = int(counted)

    run = fused if options.runner == "neurallayers" else plain
    run()
    first = time.perf_counter() - start
    seconds = timed(run, options.repeats, warm=options.warm)
    report(
        options.runner,
        "hodgkin_huxley",
        packages=PACKAGES,
        settings={
            "cells": cells,
            "duration_ms": steps * hh.DT_MS,
            "dt_ms": hh.DT_MS,
            "method": options.method,
            "precision": options.precision,
            "threads": options.threads,
        },
        seconds=seconds,
        build_seconds=first - min(seconds),
        results={
            **hh.figures(seconds, cells, steps),
            **hh.accuracy(trace(options)),
            "spikes_of_all_cells": spikes,
        },
    )


def trace(options: Any) -> np.ndarray:
    """The potential of the cell of the accuracy test at every step."""
    import torch

    cell = axon(options, 1, output="membrane_potential")
    state = born(cell, options)
    frame = torch.full_like(state.membrane_potential, hh.ACCURACY_CURRENT_UA_PER_CM2)[None]
    outputs, _ = cell.run(frame, state, steps=round(hh.ACCURACY_MS / hh.DT_MS))
    potentials: np.ndarray = np.concatenate([[hh.START_MV], outputs.flatten().double().numpy()])
    return potentials


def gradients(options: Any) -> None:
    """The mean potential and its gradient by three conductances of every cell."""
    import torch

    options.cells = options.cells or learning.CELLS
    options.duration_ms = options.duration_ms or learning.DURATION_MS
    cells, steps = options.cells, round(options.duration_ms / hh.DT_MS)
    start = time.perf_counter()
    cell = axon(options, cells, output="membrane_potential", learn=LEARNED)
    state = born(cell, options)
    currents = torch.from_numpy(learning.currents_ua_per_cm2(cells)).to(state.membrane_potential)
    frame = currents.reshape(1, 1, cells)
    step = stepped(cell, options)
    parameters = list(cell.parameters())
    found: dict[str, float] = {}

    def mean() -> Any:
        if options.runner == "neurallayers":
            return cell.run(frame, state, steps=steps)[0].mean()
        now, total = state, torch.zeros((), dtype=frame.dtype)
        for _ in range(steps):
            potential, now = step(frame[0], now)
            total = total + potential.mean()
        return total / steps

    def forward() -> None:
        with torch.no_grad():
            mean()

    def both() -> None:
        value = mean()
        by = torch.autograd.grad(value, parameters)
        found.update(learning.check(value.item(), [part.sum().item() for part in by]))

    both()
    first = time.perf_counter() - start
    warm = {"warm": options.warm}
    forward_seconds = timed(forward, options.repeats, **warm)
    seconds = timed(both, options.repeats, **warm)
    learning.reported(
        options.runner,
        list(PACKAGES),
        options,
        options.method,
        first=first,
        forward_seconds=forward_seconds,
        seconds=seconds,
        found=found,
    )


if __name__ == "__main__":
    main()
