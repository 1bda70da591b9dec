"""The back end for CUDA devices: whole runs in Triton kernels.

These kernels were held against :mod:`~neurallayers.dynamics.kernels.torch_sweeps` in Triton's
interpreter (3.9) on a CPU, and every launch was compiled to machine code for sm_90 (by Triton 3.2
and 3.9), many for sm_80. They have never run on a GPU: nothing is measured and nothing is tuned,
block size and number of warps included. So the dispatch lets :func:`check` compare them with torch
on the machine at hand before it uses them.

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
from typing import NamedTuple

import torch
from torch import Tensor

from neurallayers.dynamics.kernels import triton_kernels
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

BLOCK, WARPS = 256, 4


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


class TritonSweeps:  # pragma: no cover - needs Triton
    """Triton kernels over flattened batches, on the device of the frames.

    Raises:
        ImportError: If Triton is not installed.
    """

    def __init__(self) -> None:
        if not triton_kernels.INSTALLED:
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


def _advance(  # pragma: no cover - needs Triton
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
        triton_kernels.forward[(-(-size // BLOCK),)](
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


def _retreat(  # pragma: no cover - needs Triton
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
        triton_kernels.backward[(-(-size // BLOCK),)](
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


def check(device: str) -> None:  # pragma: no cover - needs Triton
    """Run a few neurons forward and back on this device, and compare with torch.

    Raises:
        RuntimeError: If the results differ. Whatever Triton raises where it cannot compile.
    """
    options = SpikeOptions(1.0, False, True, surrogate_by_name("fast_sigmoid"), 0.7, 0.9)
    rows = torch.linspace(-1.0, 4.0, 8 * 3 * 5, device=device).view(8, 3, 5)
    drive = Drive(rows, 8, rows[0, 0].abs() / 2, rows[2], rows[3].abs(), options)
    found: list[Tensor | None] = []
    expected: list[Tensor | None] = []
    for sweeps, results in ((TritonSweeps(), found), (TorchSweeps(), expected)):
        outcome = sweeps.forward(drive)
        received = Received(rows.flip(0), rows[4], rows[5])
        gradients = sweeps.backward(drive, received, Wanted(frames=True, decay=True))
        results += [*outcome, *gradients]
    for ours, theirs in zip(found, expected, strict=True):
        assert ours is not None
        assert theirs is not None
        if not torch.allclose(ours, theirs, rtol=1e-5, atol=1e-5):
            raise RuntimeError("Triton kernels and torch disagree on this machine.")
