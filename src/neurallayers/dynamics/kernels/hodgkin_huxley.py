"""Compiled runs of Hodgkin-Huxley patches; the equations are those of ``membrane.squid_axon``.

How they are made fast, each measured:

* A block of neurons passes through all steps while it lies in the nearest cache. It is one stretch
  of memory with a row for each variable, so that the compiler need not rule out overlaps.
* Every block is computed whole: lanes behind the last neuron repeat it. There is no remainder of a
  loop that could round otherwise, so that products and sums may be fused, and the bits of a neuron
  depend neither on its place nor on the number of threads.
* Nothing is stored over time but what was asked for. The backward pass
  (``kernels.hodgkin_huxley_adjoint``) starts from states kept at every :data:`SEGMENT`-th step.

All arrays are flat. Frame t of an input begins at ``t * stride``: a stride of zero holds one frame.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np
from numba import carray  # type: ignore[attr-defined]

from neurallayers.dynamics.arithmetic import where
from neurallayers.dynamics.kernels.blocks import (
    CONDUCTANCE,
    DRIVE,
    LANES,
    SPIKES,
    STATE,
    BlockKernel,
    advance_block,
)
from neurallayers.dynamics.kernels.compiler import Array, fingerprint
from neurallayers.dynamics.kernels.equations import OPTIONS
from neurallayers.dynamics.membrane.squid_axon import (
    squid_exponential_euler,
    squid_rk4,
    squid_staggered_exponential_euler,
)

F = TypeVar("F", bound=Callable[..., Any])

EXPONENTIAL_EULER, STAGGERED, RK4 = 0, 1, 2
SOLVER_CODES = {
    "exponential_euler": EXPONENTIAL_EULER,
    "staggered_exponential_euler": STAGGERED,
    "rk4": RK4,
}
# v, m, h, n; the seven of SquidParameters; factor of the rates, length of a step, threshold.
VARIABLES, PARAMETERS, NUMBERS = 4, 7, 10
SEGMENT = 32

# Compiled code calls it without the context that numba adds.
_advance_block: Any = advance_block

Span = tuple[int, int]

EQUATIONS = ("membrane/squid_axon.py",)
SOURCES = ("kernels/hodgkin_huxley.py", "kernels/blocks.py", *EQUATIONS)


def compiled(function: F) -> F:
    """Compile at the first call and keep the result on disk where a folder can be written."""
    function.__qualname__ += f".{fingerprint(*SOURCES)}"
    try:
        fast: F = numba.njit(cache=True, **OPTIONS)(function)
    except RuntimeError:
        fast = numba.njit(**OPTIONS)(function)
    return fast


@functools.cache
def squid_kernel(solver: int, per_neuron: bool) -> BlockKernel:
    """One step of a block; see ``kernels.blocks`` for its rows.

    Args:
        solver: One of :data:`SOLVER_CODES`.
        per_neuron: Whether the parameters stand in rows of the block.
    """
    rows = STATE + VARIABLES + (NUMBERS if per_neuron else 0)
    v0 = STATE * LANES
    stride = LANES if per_neuron else 1
    m0, h0, n0, p0 = v0 + LANES, v0 + 2 * LANES, v0 + 3 * LANES, v0 + 4 * LANES

    def squid_block(block: Any, parameters: Any) -> None:
        b = carray(block, (rows * LANES,))
        q = b[p0:] if per_neuron else carray(parameters, (NUMBERS,))

        for i in range(LANES):
            j = i if per_neuron else 0
            p = (
                q[j],
                q[stride + j],
                q[2 * stride + j],
                q[3 * stride + j],
                q[4 * stride + j],
                q[5 * stride + j],
                q[6 * stride + j],
            )
            factor, dt, threshold = q[7 * stride + j], q[8 * stride + j], q[9 * stride + j]
            v, m, h, n = b[v0 + i], b[m0 + i], b[h0 + i], b[n0 + i]
            drive, conductance = b[DRIVE * LANES + i], b[CONDUCTANCE * LANES + i]
            if solver == STAGGERED:
                after = squid_staggered_exponential_euler(
                    v, m, h, n, drive, conductance, p, factor, dt
                )
            elif solver == EXPONENTIAL_EULER:
                after = squid_exponential_euler(v, m, h, n, drive, conductance, p, factor, dt)
            else:
                after = squid_rk4(v, m, h, n, drive, conductance, p, factor, dt)
            crossed = (v < threshold) & (after[0] >= threshold)
            b[SPIKES * LANES + i] = where(crossed, 1.0, 0.0)
            b[v0 + i], b[m0 + i], b[h0 + i], b[n0 + i] = after

    return BlockKernel(squid_block, EQUATIONS, contract=True)


# ------------------------------------------------------------------------------------------ runs


@numba.njit(**OPTIONS)
def fill_rows(b: Array, lanes: int, first: int, source: Array, size: int, low: int) -> None:
    """Rows of a block from variables of ``size`` neurons each; spare lanes repeat the last one."""
    for row in range(source.size // size):
        for i in range(lanes):
            b[(first + row) * lanes + i] = source[row * size + min(low + i, size - 1)]


@numba.njit(**OPTIONS)
def empty_rows(b: Array, lanes: int, first: int, target: Array, size: int, span: Span) -> None:
    """The reverse: rows of a block to variables of ``size`` neurons each."""
    low, high = span
    for row in range(target.size // size):
        start = (first + row) * lanes
        target[row * size + low : row * size + high] = b[start : start + high - low]


@numba.njit(**OPTIONS)
def fill_frame(b: Array, lanes: int, row: int, frames: Array, begin: int, count: int) -> None:
    """One frame of an input; spare lanes repeat its last number."""
    start = row * lanes
    b[start : start + count] = frames[begin : begin + count]
    for i in range(count, lanes):
        b[start + i] = frames[begin + count - 1]


@numba.njit(**OPTIONS)
def fill_parameters(b: Array, parameters: Array, numbers: Array, n: int, low: int) -> None:
    """The rows behind the state, where parameters differ from neuron to neuron."""
    if parameters.size:
        first = STATE + VARIABLES
        fill_rows(b, LANES, first, parameters, n, low)
        for row in range(PARAMETERS, NUMBERS):
            b[(first + row) * LANES : (first + row + 1) * LANES] = numbers[row]


# address, steps, numbers, parameters, drive, its stride, conductance, its stride
Inputs = tuple[int, int, Array, Array, Array, int, Array, int]


@functools.cache
def forward_sweep() -> Callable[..., None]:
    """Neurons start..stop through all steps.

    ``parameters`` has seven variables of all neurons, or none where all are alike; ``state`` is
    read and written; row ``out_row`` of the block after each step goes to ``out``, and the state
    before every :data:`SEGMENT`-th step to ``kept`` (unless these are empty).
    """

    @compiled
    def squid_forward(
        start: int,
        stop: int,
        inputs: Inputs,
        state: Array,
        out: Array,
        out_row: int,
        kept: Array,
    ) -> None:
        address, steps, numbers, parameters, drive, drive_stride, other, other_stride = inputs
        n = state.size // VARIABLES
        b = np.empty((STATE + VARIABLES + NUMBERS) * LANES, state.dtype)
        for low in range(start, stop, LANES):
            high = min(low + LANES, stop)
            count = high - low
            fill_rows(b, LANES, STATE, state, n, low)
            fill_parameters(b, parameters, numbers, n, low)
            for t in range(steps):
                if t == 0 or drive_stride:
                    fill_frame(b, LANES, DRIVE, drive, t * drive_stride + low, count)
                if t == 0 or other_stride:
                    fill_frame(b, LANES, CONDUCTANCE, other, t * other_stride + low, count)
                if kept.size and t % SEGMENT == 0:
                    first = t // SEGMENT * state.size
                    part = kept[first : first + state.size]
                    empty_rows(b, LANES, STATE, part, n, (low, high))
                _advance_block(address, b.ctypes.data, numbers.ctypes.data)
                if out.size:
                    out[t * n + low : t * n + high] = b[out_row * LANES : out_row * LANES + count]
            empty_rows(b, LANES, STATE, state, n, (low, high))

    return squid_forward


@numba.njit(**OPTIONS)
def note_crossings(
    b: Array,
    before: Array,
    threshold: float,
    place: tuple[int, int, int],
    neurons: Array,
    times: Array,
    found: Array,
) -> None:
    """Write down the lanes that have just crossed; ``place``: step, first neuron, their number."""
    step, low, count = place
    spikes, v = b[SPIKES * LANES : STATE * LANES], b[STATE * LANES : (STATE + 1) * LANES]
    # Most steps have none: that is known without a branch for each lane.
    fired = np.int64(0)
    for i in range(LANES):
        fired += np.int64(spikes[i] > 0)
    if fired > 0:
        for i in range(count):
            if spikes[i] > 0:
                if found[0] < times.size:
                    old = np.float64(before[i])
                    times[found[0]] = step + (threshold - old) / (v[i] - old)
                    neurons[found[0]] = low + i
                found[0] += 1


@functools.cache
def crossing_sweep() -> Callable[..., None]:
    """As :func:`forward_sweep`, but gives crossings of the threshold between grid points.

    ``neurons`` and ``times`` [steps] receive what finds room in them; ``found[0]`` counts all.
    """

    @compiled
    def squid_crossings(
        start: int,
        stop: int,
        inputs: Inputs,
        state: Array,
        neurons: Array,
        times: Array,
        found: Array,
    ) -> None:
        address, steps, numbers, parameters, drive, drive_stride, other, other_stride = inputs
        n = state.size // VARIABLES
        threshold = np.float64(numbers[NUMBERS - 1])
        b = np.empty((STATE + VARIABLES + NUMBERS) * LANES, state.dtype)
        before = np.empty(LANES, state.dtype)
        v = b[STATE * LANES : (STATE + 1) * LANES]
        for low in range(start, stop, LANES):
            high = min(low + LANES, stop)
            count = high - low
            fill_rows(b, LANES, STATE, state, n, low)
            fill_parameters(b, parameters, numbers, n, low)
            for t in range(steps):
                if t == 0 or drive_stride:
                    fill_frame(b, LANES, DRIVE, drive, t * drive_stride + low, count)
                if t == 0 or other_stride:
                    fill_frame(b, LANES, CONDUCTANCE, other, t * other_stride + low, count)
                before[:] = v
                _advance_block(address, b.ctypes.data, numbers.ctypes.data)
                note_crossings(b, before, threshold, (t, low, count), neurons, times, found)
            empty_rows(b, LANES, STATE, state, n, (low, high))

    return squid_crossings
