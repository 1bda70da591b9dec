"""The back end for CUDA devices: whole runs in Triton kernels.

These kernels were held against :mod:`~neurallayers.dynamics.kernels.torch_sweeps` in Triton's
interpreter on a CPU, and Triton compiled them to machine code for sm_80 and sm_90. They have never
run on a GPU: nothing is measured and nothing is tuned, block size and number of warps included. So
the dispatch lets :func:`check` compare them with torch on the machine at hand before it uses them.

One program advances a block of neurons of the flattened batch through all steps, with their state
in registers. No neuron meets another, so that a row has the same bits in any batch. The backward
pass computes the potentials again, into scratch memory that lives for that one call: training then
stores none for each layer, and the cost is one more sweep over the input. The gradient of the decay
is summed over time by the program of its neuron and over the batch by torch: no atomic additions,
the same bits in every run. Recurrent neurons take one program a step between two matrix products.

Arithmetic is in the dtype of the state (float32 for bfloat16 frames) and not fused into
multiply-adds, which would round otherwise than the reference and move spikes.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from neurallayers.dynamics.kernels.sweeps import (
    Drive,
    Gradients,
    Loop,
    Outcome,
    Received,
    RecurrentGradients,
    RecurrentOutcome,
    SpikeOptions,
    Wanted,
)
from neurallayers.dynamics.kernels.torch_sweeps import TorchSweeps
from neurallayers.dynamics.surrogate import Surrogate, surrogate_by_name

try:
    import triton
    import triton.language as tl

    INSTALLED = True
except ImportError:
    # The module can still be imported, as tools that collect documentation do.
    INSTALLED = False

BLOCK, WARPS = 256, 4


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
    if ZERO_RESET:
        result = potential * (1 - fired)
    else:
        result = potential - threshold * fired
    return result


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
        result = tl.zeros_like(distance) + height
    return result


@kernel
def _forward(
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
    level = tl.zeros_like(v) + threshold
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
def _backward(
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
    level = tl.zeros_like(gv) + threshold
    level_before = level
    total = tl.zeros_like(gv)
    if grad_a is not None:
        ga = tl.load(grad_a + at, mask=mask, other=0.0)
    if grad_inner is not None:
        inner = tl.load(grad_inner + at, mask=mask, other=0.0)
    if grad_decay is not None:
        gd = tl.load(grad_decay + at, mask=mask, other=0.0)
        v_first = tl.load(first + at, mask=mask, other=0.0)
        # Steps gone back, for each neuron: Triton's interpreter cannot spread a single truth value.
        since = tl.zeros_like(at)
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
        grad = tl.zeros_like(gv)
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
                if ZERO_RESET:
                    grad = grad - gv * potential
                else:
                    grad = grad - gv * threshold
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
    if SUMMED:
        if grad_x is not None:
            tl.store(grad_x, total.to(grad_x.dtype.element_ty), mask=mask)
    tl.store(grad_v + at, gv, mask=mask)
    if grad_a is not None:
        tl.store(grad_a + at, ga, mask=mask)
    if grad_decay is not None:
        tl.store(grad_decay + at, gd, mask=mask)


def interpreted() -> bool:
    """Whether Triton interprets these kernels on the CPU (``TRITON_INTERPRET=1`` at import)."""
    return INSTALLED and not isinstance(_forward, triton.JITFunction)


class _State(NamedTuple):
    """State of neurons, in memory of its own: the kernels advance it in place."""

    potential: Tensor
    adaptation: Tensor | None
    spikes: Tensor | None = None

    @classmethod
    def first(cls, drive: Drive, spikes: Tensor | None = None) -> _State:
        adaptation = None if drive.adaptation is None else drive.adaptation.clone()
        return cls(drive.potential.clone(), adaptation, None if spikes is None else spikes.clone())


class _Trace(NamedTuple):
    """What is written at each step, [steps, batch, *shape]."""

    outputs: Tensor | None
    potentials: Tensor | None
    levels: Tensor | None

    @classmethod
    def empty(cls, drive: Drive, outputs: bool, keep: bool) -> _Trace:
        def room(dtype: torch.dtype) -> Tensor:
            return torch.empty(drive.output_shape, dtype=dtype, device=drive.frames.device)

        computed = drive.potential.dtype
        return cls(
            room(drive.frames.dtype) if outputs else None,
            room(computed) if keep else None,
            room(computed) if keep and drive.adaptation is not None else None,
        )

    def at(self, t: int) -> _Trace:
        return _Trace(*(None if part is None else part[t] for part in self))


class _Carried(NamedTuple):
    """Gradients on their way back, in memory of their own: the kernels change them in place."""

    potential: Tensor
    adaptation: Tensor | None
    decay: Tensor | None  # [batch, *shape]

    @classmethod
    def last(cls, drive: Drive, received: Received, wanted: Wanted) -> _Carried:
        def own(grad: Tensor | None, like: Tensor) -> Tensor:
            if grad is None:
                return torch.zeros_like(like)
            return grad.clone(memory_format=torch.contiguous_format)

        adaptation = None
        if drive.adaptation is not None:
            adaptation = own(received.adaptation, drive.adaptation)
        decay = torch.zeros_like(drive.potential) if wanted.decay else None
        return cls(own(received.potential, drive.potential), adaptation, decay)

    def decay_over_batch(self) -> Tensor | None:
        return None if self.decay is None else self.decay.sum(0)


class TritonSweeps:
    """Triton kernels over flattened batches, on the device of the frames.

    Raises:
        ImportError: If Triton is not installed.
    """

    def __init__(self) -> None:
        if not INSTALLED:
            raise ImportError("triton is not installed")

    def forward(self, drive: Drive) -> Outcome:
        """Run neurons that do not meet."""
        state, trace = _State.first(drive), _Trace.empty(drive, outputs=True, keep=False)
        _advance(drive, drive.frames, drive.steps, state, trace)
        assert trace.outputs is not None
        return Outcome(trace.outputs, state.potential, state.adaptation)

    def backward(self, drive: Drive, received: Received, wanted: Wanted) -> Gradients:
        """Gradients of :meth:`forward`."""
        retrace = drive.options is not None or wanted.decay
        trace = _Trace.empty(drive, outputs=False, keep=retrace)
        if retrace:
            _advance(drive, drive.frames, drive.steps, _State.first(drive), trace)
        grad_x = None
        if wanted.frames:
            shape = (1 if wanted.summed else drive.steps, *drive.frames.shape[1:])
            grad_x = drive.frames.new_empty(shape)
        carried = _Carried.last(drive, received, wanted)
        grad_outputs = _over_time(received.outputs)
        _retreat(drive, trace, grad_outputs, grad_x, carried, summed=wanted.summed)
        return Gradients(grad_x, carried.decay_over_batch(), carried.potential, carried.adaptation)

    def recurrent_forward(self, drive: Drive, loop: Loop, keep: bool) -> RecurrentOutcome:
        """Run neurons joined all to all; ``keep`` what a backward pass needs."""
        state, trace = _State.first(drive, loop.spikes), _Trace.empty(drive, True, keep)
        assert state.spikes is not None
        assert trace.outputs is not None
        inner = torch.empty_like(state.spikes)
        for t in range(drive.steps):
            torch.mm(state.spikes, loop.weight.T, out=inner)
            frame = drive.frames[0 if drive.held else t]
            _advance(drive, frame, 1, state, trace.at(t), inner)
        return RecurrentOutcome(
            trace.outputs,
            state.potential,
            state.adaptation,
            state.spikes,
            trace.potentials,
            trace.levels,
        )

    def recurrent_backward(
        self, drive: Drive, loop: Loop, kept: RecurrentOutcome, received: Received, wanted: Wanted
    ) -> RecurrentGradients:
        """Gradients of :meth:`recurrent_forward` but for the weights."""
        assert kept.potentials is not None, "the forward pass was asked not to keep them"
        trace = _Trace(None, kept.potentials, kept.levels)
        carried = _Carried.last(drive, received, wanted)
        grad_drive = torch.empty_like(kept.potentials)
        inner, grad_outputs = torch.zeros_like(drive.potential), _over_time(received.outputs)
        for t in range(drive.steps - 1, -1, -1):
            _retreat(drive, trace, grad_outputs, grad_drive, carried, inner, only=t)
            torch.mm(grad_drive[t], loop.weight, out=inner)
        return RecurrentGradients(
            grad_drive, carried.decay_over_batch(), carried.potential, carried.adaptation, inner
        )


def _advance(
    drive: Drive,
    frames: Tensor,
    steps: int,
    state: _State,
    trace: _Trace,
    inner: Tensor | None = None,
) -> None:
    """Launch the kernel that runs ``steps`` steps over frames and inner input."""
    size, options = drive.potential.numel(), drive.options
    numbers, _ = _constants(options, drive.potential.dtype, drive.potential.device)
    with torch.cuda.device_of(drive.potential):
        _forward[(triton.cdiv(size, BLOCK),)](
            frames,
            0 if drive.held else size,
            inner,
            drive.decay,
            numbers,
            *state,
            *trace,
            steps,
            size,
            drive.decay.numel(),
            SPIKING=options is not None,
            ZERO_RESET=options is not None and options.zero_reset,
            BLOCK=BLOCK,
            num_warps=WARPS,
            enable_fp_fusion=False,
        )


def _retreat(
    drive: Drive,
    trace: _Trace,
    grad_outputs: tuple[Tensor | None, int],
    grad_x: Tensor | None,
    carried: _Carried,
    inner: Tensor | None = None,
    *,
    only: int | None = None,
    summed: bool = False,
) -> None:
    """Launch the kernel that goes back through all steps, or through a single one."""
    size, options = drive.potential.numel(), drive.options
    numbers, shape = _constants(options, drive.potential.dtype, drive.potential.device)
    with torch.cuda.device_of(drive.potential):
        _backward[(triton.cdiv(size, BLOCK),)](
            drive.frames,
            0 if drive.held else size,
            drive.potential,
            drive.decay,
            numbers,
            trace.potentials,
            trace.levels,
            *grad_outputs,
            inner,
            grad_x,
            *carried,
            drive.steps - 1 if only is None else only,
            drive.steps if only is None else 1,
            size,
            drive.decay.numel(),
            SPIKING=options is not None,
            ZERO_RESET=options is not None and options.zero_reset,
            RESET_GRADIENT=options is not None and options.reset_gradient,
            SUMMED=summed,
            SHAPE=shape,
            BLOCK=BLOCK,
            num_warps=WARPS,
            enable_fp_fusion=False,
        )


def _over_time(grad: Tensor | None) -> tuple[Tensor | None, int]:
    """Gradients of the outputs, and the distance of two steps in them.

    Often they are the same at each step (spikes are counted): then one frame serves all.
    """
    if grad is None:
        return None, 0
    if grad.stride(0) == 0 or grad.shape[0] == 1:
        return grad[0].contiguous(), 0
    return grad.contiguous(), grad[0].numel()


@functools.lru_cache(maxsize=256)
def _constants(
    options: SpikeOptions | None, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, str]:
    """Numbers as the kernels read them, and the shape of the surrogate derivative.

    A tensor, as Triton would round numbers handed over as arguments to float32.
    """
    if options is None:
        return torch.zeros(6, dtype=dtype, device=device), "constant"
    shape, slope, height = _shape(options.surrogate)
    rho = options.adaptation_decay
    numbers = [options.threshold, options.adaptation_rise, rho, 1.0 - rho, slope, height]
    return torch.tensor(numbers, dtype=dtype, device=device), shape


def _shape(surrogate: Surrogate) -> tuple[str, float, float]:
    """Shape, slope and height of a surrogate derivative, as the kernels know it."""
    slope = surrogate.slope
    return {
        0: ("peak", slope, 0.5 * slope),
        1: ("bell", 0.5 * math.pi * slope, 0.5 * slope),
        2: ("triangle", slope, slope),
        3: ("peak", slope, 1.0),
        4: ("constant", slope, slope),
    }[surrogate.code]


def check(device: str) -> None:
    """Run a few neurons forward and back on this device, and compare with torch.

    Raises:
        RuntimeError: If the results differ. Whatever Triton raises where it cannot compile.
    """
    options = SpikeOptions(1.0, False, True, surrogate_by_name("fast_sigmoid"), 0.7, 0.9)
    rows = torch.linspace(-1.0, 4.0, 8 * 3 * 5, device=device).view(8, 3, 5)
    drive = Drive(rows, 8, rows[0, 0].abs() / 2, rows[2], rows[3].abs(), options)
    found, expected = [], []
    for sweeps, results in ((TritonSweeps(), found), (TorchSweeps(), expected)):
        outcome = sweeps.forward(drive)
        received = Received(rows.flip(0), rows[4], rows[5])
        gradients = sweeps.backward(drive, received, Wanted(frames=True, decay=True))
        results += [*outcome, *gradients]
    for ours, theirs in zip(found, expected, strict=True):
        if not torch.allclose(ours, theirs, rtol=1e-5, atol=1e-5):
            raise RuntimeError("Triton kernels and torch disagree on this machine.")
