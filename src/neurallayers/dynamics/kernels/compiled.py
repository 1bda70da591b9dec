"""The compiled sweeps: chunks of neurons advanced through time while they lie in the cache.

Only the first call of a kernel imports this module, and numba with it.

How it is made fast, each measured:

* A chunk of neurons passes through all steps before the next chunk begins, so that its state stays
  in the nearest cache; input and output are touched once.
* No potential is stored over time. The backward pass computes them again for its chunk: cheaper
  than writing them to memory and reading them back, and training needs half the memory.
* A sweep is compiled for one kind of neuron and one shape of surrogate, when it is first needed:
  all at once would take three times as long.

What must stay as it is: ``fastmath`` is off and nothing is summed over neurons or batch rows, so
that a row has the same bits whatever stands beside it and however many threads there are.

All arrays are flat. Frame t of ``x`` begins at ``t * x_stride``: a stride of zero holds one frame.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from neurallayers.dynamics.kernels.compiler import Array, kernel
from neurallayers.dynamics.kernels.rows import (
    ADAPTIVE_LIF,
    CONSTANT,
    INTEGRATOR,
    LIF,
    THRESHOLD,
    adapt,
    adaptive_back,
    add_decay_gradient,
    add_input_gradient,
    add_scaled,
    after_reset,
    back,
    fill,
    fill_decay,
    fire,
    gather,
    integrate,
    load,
    multiply,
    raise_level,
    retrace_chunk,
    store,
    trace,
    weigh,
    who_fired,
    without_spike,
    write_spikes,
)

Sweep = Callable[..., None]
# steps, chunk, x, x_stride, v0, a0, decay, numbers
Inputs = tuple[int, int, Array, int, Array, Array, Array, Array]


@functools.cache
def forward_sweep(kind: int) -> Sweep:
    """Neurons start..stop of the flattened batch through all steps."""

    @kernel
    def forward(
        start: int, stop: int, inputs: Inputs, outputs: Array, v_last: Array, a_last: Array
    ) -> None:
        steps, chunk, x, x_stride, v0, a0, decay, numbers = inputs
        rows = np.empty((5, chunk), v0.dtype)
        for low in range(start, stop, chunk):
            high = min(low + chunk, stop)
            size = high - low
            kept, v, a = rows[0, :size], rows[1, :size], rows[2, :size]
            level, potential = rows[3, :size], rows[4, :size]
            fill_decay(low, decay, kept)
            load(v0[low:high], v)
            fill(numbers[THRESHOLD], level)
            if kind == ADAPTIVE_LIF:
                load(a0[low:high], a)
            for t in range(steps):
                frame = x[t * x_stride + low : t * x_stride + high]
                out = outputs[t * v0.size + low : t * v0.size + high]
                if kind == INTEGRATOR:
                    integrate(frame, kept, v, out)
                if kind == LIF:
                    fire(frame, kept, v, level, numbers, out)
                if kind == ADAPTIVE_LIF:
                    raise_level(a, numbers, level)
                    trace(frame, kept, v, level, numbers, potential)
                    write_spikes(potential, level, out)
                    adapt(potential, level, numbers, a)
            load(v, v_last[low:high])
            if kind == ADAPTIVE_LIF:
                load(a, a_last[low:high])

    return forward


@functools.cache
def backward_sweep(kind: int, shape: int, learn_decay: bool) -> Sweep:  # noqa: C901
    """Gradients of :func:`forward_sweep`, with the potentials computed again.

    ``grad_v`` and ``grad_a`` come with the gradients of the last state and leave with those of the
    first. ``grad_x_mode``: 0 not wanted, 1 one frame a step, 2 summed over the steps.
    """
    adaptive = kind == ADAPTIVE_LIF
    retrace = kind != INTEGRATOR or learn_decay

    @kernel
    def backward(  # noqa: C901 - what is cut out is compiled once more
        start: int,
        stop: int,
        inputs: Inputs,
        grad_outputs: Array,
        grad_stride: int,
        grad_x: Array,
        grad_x_mode: int,
        grad_v: Array,
        grad_a: Array,
        grad_decay: Array,
    ) -> None:
        steps, chunk, x, x_stride, v0, a0, decay, numbers = inputs
        threshold, zero, plain = numbers[THRESHOLD], v0.dtype.type(0), without_spike(numbers)
        rows = np.empty((8, chunk), v0.dtype)
        unwanted = np.empty(chunk, grad_x.dtype)
        potentials = np.empty((steps if retrace else 1, chunk), v0.dtype)
        levels = np.empty((steps if adaptive else 1, chunk), v0.dtype)
        fill(zero, potentials[0])
        fill(threshold, levels[0])
        for low in range(start, stop, chunk):
            high = min(low + chunk, stop)
            size = high - low
            kept, v, a, gv = rows[0, :size], rows[1, :size], rows[2, :size], rows[3, :size]
            ga, grad, distance = rows[4, :size], rows[5, :size], rows[6, :size]
            total = rows[7, :size]
            fill_decay(low, decay, kept)
            load(v0[low:high], v)
            if adaptive:
                load(a0[low:high], a)
                load(grad_a[low:high], ga)
            if retrace:
                frames = x[low : (steps - 1) * x_stride + high]
                retrace_chunk(frames, x_stride, kept, v, a, numbers, potentials, levels, adaptive)
            load(grad_v[low:high], gv)
            fill(zero, total)
            for t in range(steps - 1, -1, -1):
                received = grad_outputs[t * grad_stride + low : t * grad_stride + high]
                potential = potentials[t if retrace else 0, :size]
                out = unwanted[:size]
                if grad_x_mode == 1:
                    out = grad_x[t * v0.size + low : t * v0.size + high]
                if adaptive:
                    load(received, grad)
                    level = levels[t, :size]
                    adaptive_back(potential, level, shape, numbers, grad, gv, ga, distance)
                    back(distance, zero, CONSTANT, plain, grad, gv, kept, out)
                else:
                    back(potential, threshold, shape, numbers, received, gv, kept, out)
                if learn_decay:
                    load(v0[low:high], v)
                    if t > 0:
                        level = levels[t - 1 if adaptive else 0, :size]
                        after_reset(potentials[t - 1, :size], level, numbers, v)
                    frame = x[t * x_stride + low : t * x_stride + high]
                    add_decay_gradient(gv, v, frame, grad_decay[low:high])
                if grad_x_mode == 2:
                    add_input_gradient(gv, kept, total)
                multiply(kept, gv)
            if grad_x_mode == 2:
                store(total, grad_x[low:high])
            load(gv, grad_v[low:high])
            if adaptive:
                load(ga, grad_a[low:high])

    return backward


@functools.cache
def recurrent_forward_sweep(kind: int, keep: bool) -> Sweep:
    """Batch rows start..stop of neurons joined all to all, driven by the spikes that occur.

    ``senders[k]`` is what neuron k adds to each neuron when it fires; they are added in ascending
    order of k. ``last`` receives the last potential, spikes and adaptation (one flat row each).
    """
    adaptive = kind == ADAPTIVE_LIF

    @kernel
    def recurrent_forward(
        start: int,
        stop: int,
        inputs: Inputs,
        s0: Array,
        senders: Array,
        spikes: Array,
        last: Array,
        potentials: Array,
        levels: Array,
    ) -> None:
        steps, _, x, x_stride, v0, a0, decay, numbers = inputs
        n, one = decay.size, v0.dtype.type(1)
        rows = np.empty((6, n), v0.dtype)
        kept, v, a, level, potential, inner = rows
        fired = np.empty(n, np.int64)
        fill_decay(0, decay, kept)
        for row in range(start, stop):
            low, high = row * n, row * n + n
            load(v0[low:high], v)
            fill(numbers[THRESHOLD], level)
            if adaptive:
                load(a0[low:high], a)
            weigh(senders, s0[low:high], inner)
            for t in range(steps):
                at, to = t * v0.size + low, t * v0.size + high
                if adaptive:
                    raise_level(a, numbers, level)
                add_scaled(x[t * x_stride + low : t * x_stride + high], one, inner)
                trace(inner, kept, v, level, numbers, potential)
                write_spikes(potential, level, spikes[at:to])
                if adaptive:
                    adapt(potential, level, numbers, a)
                if keep:
                    load(potential, potentials[at:to])
                    if adaptive:
                        load(level, levels[at:to])
                gather(senders, fired[: who_fired(potential, level, fired)], inner)
            load(v, last[0, low:high])
            write_spikes(potential, level, last[1, low:high])
            if adaptive:
                load(a, last[2, low:high])

    return recurrent_forward


@functools.cache
def recurrent_backward_sweep(kind: int, shape: int, learn_decay: bool) -> Sweep:
    """Step t back for neurons start..stop of the flattened batch.

    ``grad_inner`` is what reaches the spikes of this step over the recurrent weights; ``x`` is
    input and recurrent input together.
    """
    adaptive = kind == ADAPTIVE_LIF

    @kernel
    def recurrent_backward(
        start: int,
        stop: int,
        t: int,
        inputs: Inputs,
        potentials: Array,
        levels: Array,
        grad_spikes: Array,
        grad_stride: int,
        grad_inner: Array,
        grad_drive: Array,
        grad_v: Array,
        grad_a: Array,
        grad_decay: Array,
    ) -> None:
        _, chunk, x, _, v0, _, decay, numbers = inputs
        threshold, zero, plain = numbers[THRESHOLD], v0.dtype.type(0), without_spike(numbers)
        at, before = t * v0.size, (t - 1) * v0.size
        rows = np.empty((5, chunk), v0.dtype)
        fill(threshold, rows[3])
        for low in range(start, stop, chunk):
            high = min(low + chunk, stop)
            size = high - low
            kept, v, grad = rows[0, :size], rows[1, :size], rows[2, :size]
            level, distance = rows[3, :size], rows[4, :size]
            gv, out = grad_v[low:high], grad_drive[at + low : at + high]
            potential = potentials[at + low : at + high]
            fill_decay(low, decay, kept)
            load(grad_inner[low:high], grad)
            received = grad_spikes[t * grad_stride + low : t * grad_stride + high]
            add_scaled(received, v0.dtype.type(1), grad)
            if adaptive:
                load(levels[at + low : at + high], level)
                ga = grad_a[low:high]
                adaptive_back(potential, level, shape, numbers, grad, gv, ga, distance)
                back(distance, zero, CONSTANT, plain, grad, gv, kept, out)
            else:
                back(potential, threshold, shape, numbers, grad, gv, kept, out)
            if learn_decay:
                load(v0[low:high], v)
                if t > 0:
                    if adaptive:
                        load(levels[before + low : before + high], level)
                    after_reset(potentials[before + low : before + high], level, numbers, v)
                add_decay_gradient(gv, v, x[at + low : at + high], grad_decay[low:high])
            multiply(kept, gv)

    return recurrent_backward
