"""Threads that share a circuit: who advances which blocks, and how they wait for each other.

Each thread owns a range of blocks of every population. It alone advances these and adds to what
arrives at them, so that every number is added in the same order however many threads there are.
Once a batch of steps all wait for all, to see who fired.
"""

from __future__ import annotations

import sys
from typing import Any

from llvmlite import ir
from numba import types

from neurallayers.circuits.kernels.stages import intrinsic, part

# A waiting thread looks so often before it lets others run on its core.
SPINS = 2_000

_yield_core = types.ExternalFunction(
    "SwitchToThread" if sys.platform == "win32" else "sched_yield", types.int32()
)


@intrinsic
def atomic_add(typing_context: Any, address: Any, amount: Any) -> Any:
    """Add to the int64 at an address; returns what stood there before."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer = builder.inttoptr(values[0], ir.IntType(64).as_pointer())
        return builder.atomic_rmw("add", pointer, values[1], "seq_cst")

    return types.int64(types.int64, types.int64), generate


@intrinsic
def atomic_load(typing_context: Any, address: Any) -> Any:
    """The int64 at an address, as other threads left it."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer = builder.inttoptr(values[0], ir.IntType(64).as_pointer())
        return builder.load_atomic(pointer, "seq_cst", 8)

    return types.int64(types.int64), generate


@part
def wait_for_all(counter: int, threads: int, meetings: int) -> None:
    """Wait until all threads have come here for the time ``meetings`` (1, 2, ...).

    ``counter`` is the address of a number that begins at zero and counts all arrivals.
    """
    atomic_add(counter, 1)
    spins = 0
    while atomic_load(counter) < threads * meetings:
        spins += 1
        if spins >= SPINS:
            spins = 0
            _yield_core()
