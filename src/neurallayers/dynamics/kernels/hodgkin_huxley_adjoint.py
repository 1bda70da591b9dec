r"""The adjoint of compiled Hodgkin-Huxley runs: gradients at the cost of a few runs.

The steps of the exponential solvers are differentiated by hand. With :math:`\lambda` the gradient
by the state after a step, the equations below give the gradient by the state before it, by the
input and by the seven parameters; a sweep back through time applies them to blocks of neurons. A
segment of :data:`~neurallayers.dynamics.kernels.hodgkin_huxley.SEGMENT` steps is first run again
from its kept state, so that memory grows with a small part of the number of steps.

This is the discrete adjoint: the exact gradient of the numbers that the run gives, not an
approximation of that of the continuous equations. Source: Griewank & Walther (2008), Evaluating
Derivatives, section 3.2 (reverse mode) and 12.2 (checkpointing).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from neurallayers.dynamics.arithmetic import (
    absolute,
    equation,
    exp,
    linoid,
    maximum,
    where,
)
from neurallayers.dynamics.kernels.compiler import Array
from neurallayers.dynamics.kernels.equations import OPTIONS
from neurallayers.dynamics.kernels.hodgkin_huxley import (
    PARAMETERS,
    SEGMENT,
    STAGGERED,
    VARIABLES,
    Inputs,
    compiled,
    empty_rows,
    fill_frame,
    fill_rows,
)
from neurallayers.dynamics.kernels.rows import BELL, CONSTANT, TRIANGLE
from neurallayers.dynamics.membrane.squid_axon import (
    squid_balance,
    squid_exponential_euler,
    squid_rates,
    squid_staggered_exponential_euler,
)

COMPILED: dict[str, Any] = {**OPTIONS, "fastmath": {"contract"}}
# Half a block: with the rows that only gradients need it stays in the nearest cache.
WIDTH = 128
# The output is the potential itself, not spikes with a surrogate derivative.
POTENTIAL = -1


@equation
def linoid_slope(x: Any, value: Any) -> Any:
    """Derivative of linoid at x, from its value there."""
    small = absolute(x) < 0.02
    safe = where(small, 1.0, x)
    square = x * x
    series = 0.5 + x * (1.0 / 6.0 - square * (1.0 / 180.0 - square * (1.0 / 5040.0)))
    return where(small, series, value * (1.0 - value + safe) / safe)


@equation
def decay_slope(y: Any, value: Any) -> Any:
    """Derivative of (1 - exp(-y)) / y at y, from its value there."""
    small = absolute(y) < 0.05
    safe = where(small, 1.0, y)
    tail = y * (-1.0 / 144.0 + y * (1.0 / 840.0 - y * (1.0 / 5760.0)))
    series = -0.5 + y * (1.0 / 3.0 + y * (-1.0 / 8.0 + y * (1.0 / 30.0 + tail)))
    return where(small, series, (1.0 - safe * value - value) / safe)


@equation
def gate_pullback(
    gate: Any, opening: Any, closing: Any, duration_ms: Any, after: Any
) -> tuple[Any, Any, Any]:
    """From the gradient by a gate after a step: those by the gate before and by its two rates."""
    total = opening + closing
    steady = opening / total
    decay = exp(-total * duration_ms)
    by_steady = after * (1.0 - decay) / total
    by_total = -after * (gate - steady) * duration_ms * decay
    return after * decay, by_steady * (1.0 - steady) + by_total, by_total - by_steady * steady


@equation
def potential_pullback(
    v: Any, drive: Any, conductance: Any, capacitance: Any, dt_ms: Any, after: Any
) -> tuple[Any, Any, Any, Any]:
    """From the gradient by the potential after a step: by v, drive, conductance, capacitance."""
    scale = dt_ms / capacitance
    y = conductance * scale
    part = 1.0 / linoid(y)
    force = drive - conductance * v
    slope = decay_slope(y, part)
    by_drive = after * scale * part
    by_conductance = after * force * scale * scale * slope - by_drive * v
    by_scale = after * force * (part + y * slope)
    return after * (1.0 - y * part), by_drive, by_conductance, -by_scale * scale / capacitance


@equation
def balance_pullback(
    m: Any, h: Any, n: Any, p: Any, by_drive: Any, by_conductance: Any
) -> tuple[Any, Any, Any, Any, Any, Any, Any, Any, Any]:
    """From the gradients by drive and conductance: by m, h, n and by parameters 1 to 6."""
    square, fourth = m * m, (n * n) * (n * n)
    open_sodium = square * m * h
    by_sodium = by_drive * p[4] + by_conductance
    by_potassium = by_drive * p[5] + by_conductance
    return (
        by_sodium * p[1] * 3.0 * square * h,
        by_sodium * p[1] * square * m,
        by_potassium * p[2] * 4.0 * (n * n * n),
        by_sodium * open_sodium,
        by_potassium * fourth,
        by_drive * p[6] + by_conductance,
        by_drive * p[1] * open_sodium,
        by_drive * p[2] * fourth,
        by_drive * p[3],
    )


@equation
def gates_pullback(
    v: Any, m: Any, h: Any, n: Any, duration_ms: Any, after_m: Any, after_h: Any, after_n: Any
) -> tuple[Any, Any, Any, Any]:
    """From the gradients by the gates after a step: by v, m, h, n."""
    open_m, close_m, open_h, close_h, open_n, close_n = squid_rates(v)
    m, by_open_m, by_close_m = gate_pullback(m, open_m, close_m, duration_ms, after_m)
    h, by_open_h, by_close_h = gate_pullback(h, open_h, close_h, duration_ms, after_h)
    n, by_open_n, by_close_n = gate_pullback(n, open_n, close_n, duration_ms, after_n)
    slope_m = linoid_slope(0.1 * (v + 40.0), open_m)
    slope_n = linoid_slope(0.1 * (v + 55.0), 10.0 * open_n)
    by_v = (
        by_open_m * 0.1 * slope_m
        - by_close_m * close_m * (1.0 / 18.0)
        - by_open_h * open_h * 0.05
        + by_close_h * close_h * (1.0 - close_h) * 0.1
        + by_open_n * 0.01 * slope_n
        - by_close_n * close_n * 0.0125
    )
    return by_v, m, h, n


@equation
def staggered_pullback(
    before: Any, after: Any, drive: Any, conductance: Any, p: Any, factor: Any, dt_ms: Any,
    gates: Any,
) -> tuple[Any, Any, Any, Any, Any, Any, Any, Any, Any, Any, Any, Any, Any]:  # fmt: skip
    """The staggered step back.

    ``before`` is the state before it (v, m, h, n), ``gates`` are m, h, n after it, and ``after``
    the gradients by the state after it. The result: gradients by v, m, h, n, drive, conductance
    and the seven parameters.
    """
    inner_drive, inner_conductance = squid_balance(gates[0], gates[1], gates[2], p)
    by_v, by_drive, by_conductance, by_c = potential_pullback(
        before[0], drive + inner_drive, conductance + inner_conductance, p[0], dt_ms, after[0]
    )
    by_m, by_h, by_n, by_1, by_2, by_3, by_4, by_5, by_6 = balance_pullback(
        gates[0], gates[1], gates[2], p, by_drive, by_conductance
    )
    through, m, h, n = gates_pullback(
        before[0], before[1], before[2], before[3], factor * dt_ms,
        after[1] + by_m, after[2] + by_h, after[3] + by_n,
    )  # fmt: skip
    return (
        by_v + through, m, h, n, by_drive, by_conductance, by_c, by_1, by_2, by_3, by_4, by_5, by_6,
    )  # fmt: skip


@equation
def exponential_pullback(
    before: Any, after: Any, drive: Any, conductance: Any, p: Any, factor: Any, dt_ms: Any
) -> tuple[Any, Any, Any, Any, Any, Any, Any, Any, Any, Any, Any, Any, Any]:
    """As :func:`staggered_pullback`, for exponential Euler: all from the values before the step."""
    inner_drive, inner_conductance = squid_balance(before[1], before[2], before[3], p)
    by_v, by_drive, by_conductance, by_c = potential_pullback(
        before[0], drive + inner_drive, conductance + inner_conductance, p[0], dt_ms, after[0]
    )
    by_m, by_h, by_n, by_1, by_2, by_3, by_4, by_5, by_6 = balance_pullback(
        before[1], before[2], before[3], p, by_drive, by_conductance
    )
    through, m, h, n = gates_pullback(
        before[0], before[1], before[2], before[3], factor * dt_ms, after[1], after[2], after[3]
    )
    return (
        by_v + through, m + by_m, h + by_h, n + by_n, by_drive, by_conductance,
        by_c, by_1, by_2, by_3, by_4, by_5, by_6,
    )  # fmt: skip


# ------------------------------------------------------------------------------------ the sweep

# Rows of a block: input, gradient by the output, state before the step, parameters; then gradients
# by the state after it, by the input and, added up over time, by the parameters.
DRIVE, CONDUCTANCE, BY_OUT, STATE, KNOWN = 0, 1, 2, 3, 3 + VARIABLES
BY_STATE = KNOWN + PARAMETERS
BY_DRIVE = BY_STATE + VARIABLES
BY_CONDUCTANCE, BY_PARAMETERS = BY_DRIVE + 1, BY_DRIVE + 2
ROWS = BY_PARAMETERS + PARAMETERS
# What is kept of each step of a segment: the input and the state before it.
HISTORY = 2 + VARIABLES

# drive and its stride in frames of gradients (0: summed over time), the same for the conductance,
# by the first state (in: by the last one), by the parameters
Gradients = tuple[Array, int, Array, int, Array, Array]


@numba.njit(**COMPILED)
def add_frame(b: Array, row: int, frames: Array, begin: int, count: int) -> None:
    """Add a row of a block to a frame; frames that nobody wants are empty."""
    if frames.size:
        for i in range(count):
            frames[begin + i] += b[row * WIDTH + i]


@numba.njit(**COMPILED)
def again(b: Array, numbers: Array, solver: int) -> None:
    """One step of the run."""
    factor, dt = numbers[0], numbers[1]
    for i in range(WIDTH):
        p = parameters_of(b, i)
        v, m, h, n = state_of(b, i)
        drive, conductance = b[i], b[WIDTH + i]
        if solver == STAGGERED:
            after = squid_staggered_exponential_euler(v, m, h, n, drive, conductance, p, factor, dt)
        else:
            after = squid_exponential_euler(v, m, h, n, drive, conductance, p, factor, dt)
        for k in range(VARIABLES):
            b[(STATE + k) * WIDTH + i] = after[k]


@numba.njit(**COMPILED)
def step_back(b: Array, numbers: Array, solver: int, shape: int) -> None:
    """One step of the adjoint."""
    factor, dt, threshold, slope, height = numbers
    for i in range(WIDTH):
        p = parameters_of(b, i)
        before = state_of(b, i)
        drive, conductance = b[i], b[WIDTH + i]
        v, m, h, n = before
        if solver == STAGGERED:
            after = squid_staggered_exponential_euler(v, m, h, n, drive, conductance, p, factor, dt)
        else:
            after = squid_exponential_euler(v, m, h, n, drive, conductance, p, factor, dt)
        weight = surrogate_slope(after[0] - threshold, slope, height, shape)
        weight = where(shape == POTENTIAL, 1.0, where(v < threshold, weight, 0.0))
        by_after = (
            b[BY_STATE * WIDTH + i] + b[BY_OUT * WIDTH + i] * weight,
            b[(BY_STATE + 1) * WIDTH + i],
            b[(BY_STATE + 2) * WIDTH + i],
            b[(BY_STATE + 3) * WIDTH + i],
        )
        if solver == STAGGERED:
            gates = after[1:]
            found = staggered_pullback(before, by_after, drive, conductance, p, factor, dt, gates)
        else:
            found = exponential_pullback(before, by_after, drive, conductance, p, factor, dt)
        for k in range(VARIABLES + 2):
            b[(BY_STATE + k) * WIDTH + i] = found[k]
        for k in range(PARAMETERS):
            b[(BY_PARAMETERS + k) * WIDTH + i] += found[VARIABLES + 2 + k]


@equation
def surrogate_slope(u: Any, slope: Any, height: Any, shape: int) -> Any:
    """The derivative that stands in for that of a spike; shapes as in ``kernels.rows``.

    All shapes are computed and one is taken: a kernel for each would be compiled for each.
    """
    steep = slope * absolute(u)
    below = where(shape == BELL, 1.0 + steep * steep, (1.0 + steep) * (1.0 + steep))
    triangle = where(shape == TRIANGLE, height * maximum(0.0, 1.0 - steep), height / below)
    return where(shape == CONSTANT, height, triangle)


@numba.njit(**COMPILED)
def state_of(b: Array, i: int) -> tuple[Any, Any, Any, Any]:
    """Variables of a lane."""
    s = STATE * WIDTH + i
    return b[s], b[s + WIDTH], b[s + 2 * WIDTH], b[s + 3 * WIDTH]


@numba.njit(**COMPILED)
def parameters_of(b: Array, i: int) -> tuple[Any, Any, Any, Any, Any, Any, Any]:
    """Parameters of a lane."""
    s = KNOWN * WIDTH + i
    return (
        b[s],
        b[s + WIDTH],
        b[s + 2 * WIDTH],
        b[s + 3 * WIDTH],
        b[s + 4 * WIDTH],
        b[s + 5 * WIDTH],
        b[s + 6 * WIDTH],
    )


@functools.cache
def backward_sweep(solver: int) -> Callable[..., None]:
    """Neurons start..stop back through all steps, for one of the exponential solvers.

    ``shape`` is that of the surrogate derivative (see ``kernels.rows``), or :data:`POTENTIAL`.
    """

    @compiled
    def squid_backward(
        start: int,
        stop: int,
        inputs: Inputs,
        kept: Array,
        by_out: Array,
        out_stride: int,
        numbers: Array,
        shape: int,
        gradients: Gradients,
    ) -> None:
        _, steps, _, parameters, drive, drive_stride, other, other_stride = inputs
        by_drive, by_drive_stride, by_other, by_other_stride, by_state, by_parameters = gradients
        n = by_state.size // VARIABLES
        b = np.zeros(ROWS * WIDTH, kept.dtype)
        history = np.empty(SEGMENT * HISTORY * WIDTH, kept.dtype)
        for low in range(start, stop, WIDTH):
            high = min(low + WIDTH, stop)
            count, span = high - low, (low, high)
            fill_rows(b, WIDTH, KNOWN, parameters, n, low)
            fill_rows(b, WIDTH, BY_STATE, by_state, n, low)
            b[BY_PARAMETERS * WIDTH :] = 0
            segment = (steps - 1) // SEGMENT
            while segment >= 0:
                first = segment * SEGMENT
                last = min(first + SEGMENT, steps)
                begin = segment * VARIABLES * n
                fill_rows(b, WIDTH, STATE, kept[begin : begin + VARIABLES * n], n, low)
                for t in range(first, last):
                    fill_frame(b, WIDTH, DRIVE, drive, t * drive_stride + low, count)
                    fill_frame(b, WIDTH, CONDUCTANCE, other, t * other_stride + low, count)
                    place = (t - first) * HISTORY * WIDTH
                    history[place : place + 2 * WIDTH] = b[: 2 * WIDTH]
                    place += 2 * WIDTH
                    history[place : place + VARIABLES * WIDTH] = b[STATE * WIDTH : KNOWN * WIDTH]
                    again(b, numbers, solver)
                for back in range(first, last):
                    t = last - 1 - (back - first)
                    place = (t - first) * HISTORY * WIDTH
                    b[: 2 * WIDTH] = history[place : place + 2 * WIDTH]
                    place += 2 * WIDTH
                    b[STATE * WIDTH : KNOWN * WIDTH] = history[place : place + VARIABLES * WIDTH]
                    fill_frame(b, WIDTH, BY_OUT, by_out, t * out_stride + low, count)
                    step_back(b, numbers, solver, shape)
                    add_frame(b, BY_DRIVE, by_drive, t * by_drive_stride + low, count)
                    add_frame(b, BY_CONDUCTANCE, by_other, t * by_other_stride + low, count)
                segment -= 1
            empty_rows(b, WIDTH, BY_STATE, by_state, n, span)
            empty_rows(b, WIDTH, BY_PARAMETERS, by_parameters, n, span)

    return squid_backward
