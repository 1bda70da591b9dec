"""The Triton kernels: blocks of neurons advanced through time while they lie in registers.

What has never been run on a GPU, and how it was checked instead, stands in
:mod:`~neurallayers.dynamics.kernels.triton_sweeps`, which launches them.

All arrays are flat. Time is walked by moving pointers, a step at a time: a stride of zero holds one
frame. ``numbers`` are threshold, rise and decay of the adaptation, its gain (one less that decay),
slope and height of the surrogate derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

try:
    import triton
    import triton.language as tl

    INSTALLED = True
except ImportError:
    # The module can still be imported, as tools that collect documentation do.
    INSTALLED = False


def kernel(function: Callable[..., Any]) -> Any:
    """Compile for the device at the first call; without Triton leave the function alone.

    A ``tl.tensor`` among its arguments is a pointer or a number; each value of a ``tl.constexpr``,
    and a pointer that is None, makes a variant of its own.
    """
    # The index of a step is not to be specialised: any value occurs.
    return triton.jit(function, do_not_specialize=["last"]) if INSTALLED else function


@kernel
def _reset(
    potential: tl.tensor, fired: tl.tensor, threshold: tl.tensor, ZERO_RESET: tl.constexpr
) -> tl.tensor:
    return potential * (1 - fired) if ZERO_RESET else potential - threshold * fired


@kernel
def _derivative(
    distance: tl.tensor, slope: tl.tensor, height: tl.tensor, SHAPE: tl.constexpr
) -> tl.tensor:
    if SHAPE == "peak":
        base = 1 + slope * tl.abs(distance)
        result = height / (base * base)
    elif SHAPE == "bell":
        base = slope * distance
        result = height / (1 + base * base)
    elif SHAPE == "triangle":
        result = height * tl.maximum(1 - slope * tl.abs(distance), 0.0)
    else:
        result = height
    return result


@kernel
def forward(  # noqa: C901 - what is cut out is compiled once more
    x: tl.tensor,
    x_stride: tl.tensor,
    inner: tl.tensor,
    decay: tl.tensor,
    numbers: tl.tensor,
    potential_state: tl.tensor,
    adaptation_state: tl.tensor,
    spikes_state: tl.tensor,
    outputs: tl.tensor,
    potentials: tl.tensor,
    levels: tl.tensor,
    steps: tl.tensor,
    size: tl.tensor,
    n: tl.tensor,
    SPIKING: tl.constexpr,
    ZERO_RESET: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    """Neurons through some steps; their state is read, and written back in place.

    ``inner`` is added to the input (recurrent neurons); ``outputs``, and ``potentials`` and
    ``levels`` before the reset, are written at each step, where they are not None.
    """
    # 64 bits: steps times neurons may pass 2 ** 31. Pointers walk through time for that reason too.
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    mask = at < size
    kept = tl.load(decay + at % n, mask=mask, other=0.0)
    taken = 1 - kept
    threshold, rise = tl.load(numbers), tl.load(numbers + 1)
    rho, gain = tl.load(numbers + 2), tl.load(numbers + 3)
    v = tl.load(potential_state + at, mask=mask, other=0.0)
    level = tl.full(at.shape, 0, v.dtype) + threshold
    if adaptation_state is not None:
        a = tl.load(adaptation_state + at, mask=mask, other=0.0)
    if inner is not None:
        received = tl.load(inner + at, mask=mask, other=0.0)
    x += at
    if outputs is not None:
        outputs += at
    if potentials is not None:
        potentials += at
    if levels is not None:
        levels += at
    for _ in range(steps):
        drive = tl.load(x, mask=mask, other=0.0).to(v.dtype)
        if inner is not None:
            drive = drive + received
        potential = kept * v + taken * drive
        v = potential
        output = potential
        if SPIKING:
            if adaptation_state is not None:
                level = threshold + rise * a
            output = (potential >= level).to(v.dtype)
            v = _reset(potential, output, threshold, ZERO_RESET)
            if adaptation_state is not None:
                a = rho * a + gain * output
            if spikes_state is not None:
                tl.store(spikes_state + at, output, mask=mask)
        x += x_stride
        if outputs is not None:
            tl.store(outputs, output.to(outputs.dtype.element_ty), mask=mask)
            outputs += size
        if potentials is not None:
            tl.store(potentials, potential, mask=mask)
            potentials += size
        if levels is not None:
            tl.store(levels, level, mask=mask)
            levels += size
    tl.store(potential_state + at, v, mask=mask)
    if adaptation_state is not None:
        tl.store(adaptation_state + at, a, mask=mask)


@kernel
def backward(  # noqa: C901
    x: tl.tensor,
    x_stride: tl.tensor,
    first: tl.tensor,
    decay: tl.tensor,
    numbers: tl.tensor,
    potentials: tl.tensor,
    levels: tl.tensor,
    grad_outputs: tl.tensor,
    grad_stride: tl.tensor,
    grad_inner: tl.tensor,
    grad_x: tl.tensor,
    grad_v: tl.tensor,
    grad_a: tl.tensor,
    grad_decay: tl.tensor,
    last: tl.tensor,
    steps: tl.tensor,
    size: tl.tensor,
    n: tl.tensor,
    SPIKING: tl.constexpr,
    ZERO_RESET: tl.constexpr,
    RESET_GRADIENT: tl.constexpr,
    SUMMED: tl.constexpr,
    SHAPE: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    """Back through ``steps`` steps, of which the latest has the index ``last``.

    ``grad_v``, ``grad_a`` and ``grad_decay`` are read, and written back in place. ``grad_inner``
    joins ``grad_outputs``. What is None is zero (if read) or not wanted (if written).
    """
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    mask = at < size
    end = tl.cast(last, tl.int64)
    kept = tl.load(decay + at % n, mask=mask, other=0.0)
    taken = 1 - kept
    threshold, rise = tl.load(numbers), tl.load(numbers + 1)
    rho, gain = tl.load(numbers + 2), tl.load(numbers + 3)
    slope, height = tl.load(numbers + 4), tl.load(numbers + 5)
    gv = tl.load(grad_v + at, mask=mask, other=0.0)
    total = tl.full(at.shape, 0, gv.dtype)
    level = total + threshold
    level_before = level
    if grad_a is not None:
        ga = tl.load(grad_a + at, mask=mask, other=0.0)
    if grad_inner is not None:
        inner = tl.load(grad_inner + at, mask=mask, other=0.0)
    if grad_decay is not None:
        gd = tl.load(grad_decay + at, mask=mask, other=0.0)
        v_first = tl.load(first + at, mask=mask, other=0.0)
        # Steps gone back, for each neuron: the interpreter cannot spread a single truth value.
        since = tl.full(at.shape, 0, tl.int64)
    x += at + end * x_stride
    if potentials is not None:
        potentials += at + end * size
    if levels is not None:
        levels += at + end * size
    if grad_outputs is not None:
        grad_outputs += at + end * grad_stride
    if grad_x is not None:
        grad_x += at
        if not SUMMED:
            grad_x += end * size
    for _ in range(steps):
        grad = tl.full(at.shape, 0, gv.dtype)
        if grad_outputs is not None:
            grad = tl.load(grad_outputs, mask=mask, other=0.0).to(gv.dtype)
            grad_outputs -= grad_stride
        if grad_inner is not None:
            grad = inner + grad
        carried = gv
        if SPIKING:
            potential = tl.load(potentials, mask=mask, other=0.0)
            if levels is not None:
                level = tl.load(levels, mask=mask, other=0.0)
            if grad_a is not None:
                grad = grad + gain * ga
            if RESET_GRADIENT:
                grad = grad - gv * (potential if ZERO_RESET else threshold)
            if ZERO_RESET:
                carried = gv * (potential < level).to(gv.dtype)
            grad = grad * _derivative(potential - level, slope, height, SHAPE)
            if grad_a is not None:
                ga = rho * ga - rise * grad
        grad = carried + grad
        if grad_decay is not None:
            # The potential that this step started from: what the step before left, or the first.
            later = since < last
            since += 1
            before = tl.load(potentials - size, mask=mask & later, other=0.0)
            if SPIKING:
                if levels is not None:
                    level_before = tl.load(levels - size, mask=mask & later, other=0.0)
                fired = (before >= level_before).to(gv.dtype)
                before = _reset(before, fired, threshold, ZERO_RESET)
            before = tl.where(later, before, v_first)
            gd += grad * (before - tl.load(x, mask=mask, other=0.0).to(gv.dtype))
            x -= x_stride
        if potentials is not None:
            potentials -= size
        if levels is not None:
            levels -= size
        if grad_x is not None:
            if SUMMED:
                total += taken * grad
            else:
                tl.store(grad_x, (taken * grad).to(grad_x.dtype.element_ty), mask=mask)
                grad_x -= size
        gv = kept * grad
    if SUMMED and grad_x is not None:
        tl.store(grad_x, total.to(grad_x.dtype.element_ty), mask=mask)
    tl.store(grad_v + at, gv, mask=mask)
    if grad_a is not None:
        tl.store(grad_a + at, ga, mask=mask)
    if grad_decay is not None:
        tl.store(grad_decay + at, gd, mask=mask)


def interpreted() -> bool:
    """Whether Triton interprets these kernels on the CPU (``TRITON_INTERPRET=1`` at import)."""
    return INSTALLED and not isinstance(forward, triton.JITFunction)
