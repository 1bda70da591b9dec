"""The CPU back end: tensors handed to the compiled loops without a copy."""

from __future__ import annotations

import functools
import math

import numpy as np
import torch
from torch import Tensor

from neurallayers.dynamics.kernels import compiled, rows
from neurallayers.dynamics.kernels.compiler import Array
from neurallayers.dynamics.kernels.pages import empty
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
from neurallayers.dynamics.kernels.threads import ALIGNMENT, in_slices
from neurallayers.dynamics.surrogate import Surrogate

# A chunk's potentials over all steps should stay near the second cache of a core; long rows keep
# the memory's own prefetching alive.
CHUNK_ELEMENTS = 384 * 1024
SMALLEST_CHUNK, LARGEST_CHUNK = 256, 4096


class NumbaSweeps:
    """Compiled loops over flat arrays, on as many threads as torch uses."""

    def forward(self, drive: Drive) -> Outcome:
        """Run neurons that do not meet."""
        outputs = empty(drive.output_shape, drive.frames)
        potential = torch.empty_like(drive.potential)
        adaptation = None if drive.adaptation is None else torch.empty_like(drive.adaptation)
        inputs, (kind, _) = _inputs(drive)
        arguments = (inputs, flat(outputs), flat(potential), flat(adaptation, potential))
        sweep = compiled.forward_sweep(kind)
        in_slices(sweep, potential.numel(), arguments, outputs.numel(), ALIGNMENT)
        return Outcome(outputs, potential, adaptation)

    def backward(self, drive: Drive, received: Received, wanted: Wanted) -> Gradients:
        """Gradients of :meth:`forward`."""
        grad_outputs, stride = _over_time(received.outputs, drive)
        grad_v, grad_a = _carried(drive, received)
        grad_shape = (1 if wanted.summed else drive.steps, *drive.frames.shape[1:])
        grad_x = empty(grad_shape, drive.frames) if wanted.frames else None
        grad_decay = torch.zeros_like(drive.potential) if wanted.decay else None
        mode = 0 if grad_x is None else 2 if wanted.summed else 1
        inputs, (kind, shape) = _inputs(drive)
        arguments = (
            inputs,
            grad_outputs,
            stride,
            flat(grad_x, drive.frames),
            mode,
            flat(grad_v),
            flat(grad_a, grad_v),
            flat(grad_decay, grad_v),
        )
        size = grad_v.numel()
        sweep = compiled.backward_sweep(kind, shape, wanted.decay)
        in_slices(sweep, size, arguments, drive.steps * size, ALIGNMENT)
        return Gradients(grad_x, _over_batch(grad_decay), grad_v, grad_a)

    def recurrent_forward(self, drive: Drive, loop: Loop, keep: bool) -> RecurrentOutcome:
        """Run neurons joined all to all; ``keep`` what a backward pass needs."""
        potential = drive.potential
        outputs = empty(drive.output_shape, drive.frames)
        potentials = empty(drive.output_shape, potential) if keep else None
        moving = keep and drive.adaptation is not None
        levels = empty(drive.output_shape, potential) if moving else None
        last = torch.empty((3, *potential.shape), dtype=potential.dtype)
        inputs, (kind, _) = _inputs(drive)
        arguments = (
            inputs,
            flat(loop.spikes),
            loop.weight.T.contiguous().numpy(),
            flat(outputs),
            last.view(3, -1).numpy(),
            flat(potentials, potential),
            flat(levels, potential),
        )
        sweep = compiled.recurrent_forward_sweep(kind, keep)
        in_slices(sweep, potential.shape[0], arguments, outputs.numel())
        adaptation = None if drive.adaptation is None else last[2].clone()
        return RecurrentOutcome(
            outputs, last[0].clone(), adaptation, last[1].clone(), potentials, levels
        )

    def recurrent_backward(
        self, drive: Drive, loop: Loop, kept: RecurrentOutcome, received: Received, wanted: Wanted
    ) -> RecurrentGradients:
        """Gradients of :meth:`recurrent_forward` but for the weights."""
        assert kept.potentials is not None, "the forward pass was asked not to keep them"
        grad_outputs, stride = _over_time(received.outputs, drive)
        grad_v, grad_a = _carried(drive, received)
        grad_drive = empty(drive.output_shape, drive.potential)
        grad_decay = torch.zeros_like(grad_v) if wanted.decay else None
        grad_inner = torch.zeros_like(grad_v)
        inputs, (kind, shape) = _inputs(drive)
        shared = (
            inputs,
            flat(kept.potentials),
            flat(kept.levels, grad_v),
            grad_outputs,
            stride,
            flat(grad_inner),
            flat(grad_drive),
            flat(grad_v),
            flat(grad_a, grad_v),
            flat(grad_decay, grad_v),
        )
        size = grad_v.numel()
        sweep = compiled.recurrent_backward_sweep(kind, shape, wanted.decay)
        for t in range(drive.steps - 1, -1, -1):
            in_slices(sweep, size, (t, *shared), size, ALIGNMENT)
            torch.mm(grad_drive[t], loop.weight, out=grad_inner)
        return RecurrentGradients(
            grad_drive, _over_batch(grad_decay), grad_v, grad_a, spikes=grad_inner
        )


def flat(tensor: Tensor | None, otherwise: Tensor | None = None) -> Array:
    """A contiguous tensor as a flat array that shares its memory.

    Args:
        tensor: None for an array that the kernel will not touch.
        otherwise: Gives the dtype of that array.
    """
    if tensor is None:
        assert otherwise is not None
        return _nothing(otherwise.dtype)
    line = tensor.detach().view(-1)
    if line.dtype == torch.bfloat16:
        line = line.view(torch.uint16)
    array: Array = line.numpy()
    return array


@functools.cache
def _nothing(dtype: torch.dtype) -> Array:
    return flat(torch.empty(0, dtype=dtype))


@functools.lru_cache(maxsize=256)
def _constants(
    options: SpikeOptions | None, adaptive: bool, dtype: torch.dtype
) -> tuple[Array, tuple[int, int]]:
    """Numbers and kinds as the kernels take them."""
    real = torch.empty(0, dtype=dtype).numpy().dtype
    numbers = np.zeros(10, real)
    if options is None:
        # Neurons that never reach their threshold and pass gradients unchanged.
        numbers[rows.THRESHOLD] = np.inf
        numbers[rows.SPARED] = numbers[rows.HEIGHT] = 1.0
        return numbers, (rows.INTEGRATOR, rows.CONSTANT)
    threshold, zero_reset = options.threshold, options.zero_reset
    shape, slope, height = surrogate_shape(options.surrogate)
    rho = options.adaptation_decay
    numbers[rows.THRESHOLD] = threshold
    numbers[rows.SUBTRACTED] = 0.0 if zero_reset else threshold
    numbers[rows.SPARED] = 0.0 if zero_reset else 1.0
    numbers[rows.SLOPE], numbers[rows.HEIGHT] = slope, height
    if options.reset_gradient:
        numbers[rows.RESET_CONSTANT] = 0.0 if zero_reset else threshold
        numbers[rows.RESET_LINEAR] = 1.0 if zero_reset else 0.0
    numbers[rows.RISE] = options.adaptation_rise
    numbers[rows.RHO], numbers[rows.GAIN] = rho, 1.0 - rho
    return numbers, (rows.ADAPTIVE_LIF if adaptive else rows.LIF, shape)


def surrogate_shape(surrogate: Surrogate) -> tuple[int, float, float]:
    """Shape, slope and height of a surrogate derivative, as the kernels know it."""
    slope = surrogate.slope
    return {
        0: (rows.PEAK, slope, 0.5 * slope),
        1: (rows.BELL, 0.5 * math.pi * slope, 0.5 * slope),
        2: (rows.TRIANGLE, slope, slope),
        3: (rows.PEAK, slope, 1.0),
        4: (rows.CONSTANT, slope, slope),
    }[surrogate.code]


def _inputs(drive: Drive) -> tuple[compiled.Inputs, tuple[int, int]]:
    """What all sweeps take first; kind of neuron and shape of the surrogate."""
    potential = drive.potential
    numbers, kinds = _constants(drive.options, drive.adaptation is not None, potential.dtype)
    chunk = CHUNK_ELEMENTS // drive.steps // SMALLEST_CHUNK * SMALLEST_CHUNK
    inputs = (
        drive.steps,
        min(max(chunk, SMALLEST_CHUNK), LARGEST_CHUNK),
        flat(drive.frames),
        0 if drive.held else potential.numel(),
        flat(potential),
        flat(drive.adaptation, potential),
        flat(drive.decay),
        numbers,
    )
    return inputs, kinds


def _over_time(grad: Tensor | None, drive: Drive) -> tuple[Array, int]:
    """Gradients of the outputs as a flat array and the distance of two steps in it.

    Often they are the same at each step (spikes are counted): then one frame serves all.
    """
    if grad is None:
        return flat(torch.zeros(drive.frames.shape[1:], dtype=drive.frames.dtype)), 0
    if grad.stride(0) == 0 or grad.shape[0] == 1:
        return flat(grad[0].contiguous()), 0
    return flat(grad.contiguous()), drive.potential.numel()


def _carried(drive: Drive, received: Received) -> tuple[Tensor, Tensor | None]:
    """Gradients of the last state, in memory that the kernel may write to."""

    def own(grad: Tensor | None, like: Tensor) -> Tensor:
        if grad is None:
            return torch.zeros_like(like)
        return grad.clone(memory_format=torch.contiguous_format)

    grad_v = own(received.potential, drive.potential)
    if drive.adaptation is None:
        return grad_v, None
    return grad_v, own(received.adaptation, drive.adaptation)


def _over_batch(grad: Tensor | None) -> Tensor | None:
    return None if grad is None else grad.sum(0)
