"""Runs as single nodes of the autograd graph, on any back end.

A node stores its inputs, never a potential or a spike for each step of its own (recurrent neurons
excepted), and may be gone through again with ``retain_graph``. Second derivatives are not offered:
a surrogate gradient has none that would mean something.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from neurallayers.dynamics.kernels.sweeps import (
    Drive,
    Loop,
    Received,
    RecurrentOutcome,
    SpikeOptions,
    Sweeps,
    Wanted,
)


class Run(torch.autograd.Function):
    """Neurons that do not meet: frames, potential, adaptation, decay -> outputs and last state."""

    @staticmethod
    def forward(
        ctx: Any,
        xs: Tensor,
        potential: Tensor,
        adaptation: Tensor | None,
        decay: Tensor,
        steps: int,
        options: SpikeOptions | None,
        sweeps: Sweeps,
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """All steps."""
        ctx.set_materialize_grads(False)
        frames = _distinct(xs)
        drive = Drive(frames, steps, decay, potential, adaptation, options)
        ctx.save_for_backward(frames, potential, adaptation, decay)
        ctx.steps, ctx.options, ctx.sweeps = steps, options, sweeps
        ctx.summed = xs.shape[0] == 1
        return sweeps.forward(drive)

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, outputs: Tensor | None, potential: Tensor | None, adaptation: Tensor | None
    ) -> tuple[Any, ...]:
        """All steps back."""
        frames, potential0, adaptation0, decay = ctx.saved_tensors
        drive = Drive(frames, ctx.steps, decay, potential0, adaptation0, ctx.options)
        wanted = Wanted(ctx.needs_input_grad[0], ctx.needs_input_grad[3], ctx.summed)
        grads = ctx.sweeps.backward(drive, Received(outputs, potential, adaptation), wanted)
        return grads.frames, grads.potential, grads.adaptation, grads.decay, None, None, None


class RecurrentRun(torch.autograd.Function):
    """Neurons joined all to all; as :class:`Run`, with the weights and the spikes before."""

    @staticmethod
    def forward(
        ctx: Any,
        xs: Tensor,
        potential: Tensor,
        adaptation: Tensor | None,
        spikes: Tensor,
        decay: Tensor,
        weight: Tensor,
        steps: int,
        options: SpikeOptions,
        sweeps: Sweeps,
    ) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
        """All steps."""
        ctx.set_materialize_grads(False)
        frames = _distinct(xs)
        drive = Drive(frames, steps, decay, potential, adaptation, options)
        outcome = sweeps.recurrent_forward(drive, Loop(weight, spikes), any(ctx.needs_input_grad))
        ctx.save_for_backward(
            frames,
            potential,
            adaptation,
            spikes,
            decay,
            weight,
            outcome.outputs,
            outcome.potentials,
            outcome.levels,
        )
        ctx.steps, ctx.options, ctx.sweeps = steps, options, sweeps
        ctx.summed = xs.shape[0] == 1
        return outcome[:4]

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any,
        outputs: Tensor | None,
        potential: Tensor | None,
        adaptation: Tensor | None,
        spikes: Tensor | None,
    ) -> tuple[Any, ...]:
        """All steps back; the gradient of the weights is one product over all steps."""
        frames, potential0, adaptation0, spikes0, decay, weight, fired, *kept = ctx.saved_tensors
        wants_frames, _, _, wants_spikes, wants_decay, wants_weight = ctx.needs_input_grad[:6]
        if spikes is not None:
            outputs = _add_to_last(outputs, spikes, fired)
        whole = frames
        if wants_decay:
            inner = torch.cat([spikes0[None], fired[:-1].to(spikes0.dtype)]) @ weight.T
            whole = inner.add_(frames)
        drive = Drive(whole, ctx.steps, decay, potential0, adaptation0, ctx.options)
        grads = ctx.sweeps.recurrent_backward(
            drive,
            Loop(weight, spikes0),
            RecurrentOutcome(fired, potential0, adaptation0, spikes0, *kept),
            Received(outputs, potential, adaptation),
            Wanted(frames=wants_frames, decay=wants_decay),
        )
        return (
            _frames_gradient(grads.drive, ctx.summed, frames) if wants_frames else None,
            grads.potential,
            grads.adaptation,
            grads.spikes if wants_spikes else None,
            grads.decay,
            _weight_gradient(grads.drive, fired, spikes0) if wants_weight else None,
            None,
            None,
            None,
        )


def _distinct(xs: Tensor) -> Tensor:
    """The frames without their copies: one if the same is shown at each step."""
    return (xs[:1] if xs.stride(0) == 0 else xs).contiguous()


def _add_to_last(outputs: Tensor | None, spikes: Tensor, like: Tensor) -> Tensor:
    """Gradients of all spikes, with those of the last step's spikes as a state added."""
    whole = torch.zeros_like(like) if outputs is None else outputs.clone()
    whole[-1] += spikes.to(whole.dtype)
    return whole


def _frames_gradient(drive: Tensor, summed: bool, frames: Tensor) -> Tensor:
    if summed:
        drive = drive.sum(0, keepdim=True)
    return drive.to(frames.dtype)


def _weight_gradient(drive: Tensor, fired: Tensor, before: Tensor) -> Tensor:
    """D weight = sum over steps of d drive(t)^T spikes(t - 1)."""
    grad = drive[0].T @ before
    if drive.shape[0] > 1:
        senders = fired[:-1].to(drive.dtype).flatten(0, 1)
        grad.addmm_(drive[1:].flatten(0, 1).T, senders)
    return grad
