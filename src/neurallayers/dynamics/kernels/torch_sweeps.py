"""The back end of last resort: fused runs in plain torch, on any device.

One node of the autograd graph with a hand-written backward pass: two
to three times slower on CPUs than the compiled loops, faster than the loop of single steps.
"""

from __future__ import annotations

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


class TorchSweeps:
    """Steps in a Python loop over whole layers."""

    def forward(self, drive: Drive) -> Outcome:
        """Run neurons that do not meet."""
        outputs = torch.empty(
            drive.output_shape, dtype=drive.frames.dtype, device=drive.frames.device
        )
        neurons = _Neurons(drive)
        for t in range(drive.steps):
            spikes = neurons.step(_frame(drive, t))
            outputs[t] = neurons.v if spikes is None else spikes
        return Outcome(outputs, neurons.v, neurons.a)

    def backward(self, drive: Drive, received: Received, wanted: Wanted) -> Gradients:
        """Gradients of :meth:`forward`."""
        potentials, levels = _retrace(drive)
        back = _Back(drive, received, wanted)
        grad_frames = None
        if wanted.frames:
            shape = (1 if wanted.summed else drive.steps, *drive.frames.shape[1:])
            grad_frames = drive.potential.new_zeros(shape)
        for t in range(drive.steps - 1, -1, -1):
            grad = None if received.outputs is None else received.outputs[t]
            grad_x = back.step(t, grad, potentials, levels)
            if grad_frames is not None:
                grad_frames[0 if wanted.summed else t] += grad_x
        if grad_frames is not None:
            grad_frames = grad_frames.to(drive.frames.dtype)
        return Gradients(grad_frames, back.decay, back.v, back.a)

    def recurrent_forward(self, drive: Drive, loop: Loop, keep: bool) -> RecurrentOutcome:
        """Run neurons joined all to all; ``keep`` what a backward pass needs."""
        outputs = torch.empty(
            drive.output_shape, dtype=drive.frames.dtype, device=drive.frames.device
        )
        neurons, spikes = _Neurons(drive), loop.spikes
        potentials, levels = [], []
        for t in range(drive.steps):
            fired = neurons.step(_frame(drive, t) + spikes @ loop.weight.T)
            assert fired is not None
            spikes = fired
            outputs[t] = spikes
            if keep:
                potentials.append(neurons.potential)
                levels.append(neurons.level)
        moving = keep and drive.adaptation is not None
        return RecurrentOutcome(
            outputs,
            neurons.v,
            neurons.a,
            spikes,
            torch.stack(potentials) if keep else None,
            torch.stack(levels) if moving else None,
        )

    def recurrent_backward(
        self, drive: Drive, loop: Loop, kept: RecurrentOutcome, received: Received, wanted: Wanted
    ) -> RecurrentGradients:
        """Gradients of :meth:`recurrent_forward` but for the weights."""
        assert kept.potentials is not None, "the forward pass was asked not to keep them"
        assert drive.options is not None
        back = _Back(drive, received, wanted)
        levels = kept.levels
        if levels is None:
            levels = torch.full_like(kept.potentials[:1], drive.options.threshold)
        grad_drive = torch.empty_like(kept.potentials)
        inner = torch.zeros_like(back.v)
        for t in range(drive.steps - 1, -1, -1):
            grad = inner if received.outputs is None else inner + received.outputs[t]
            grad_drive[t] = back.step(t, grad, kept.potentials, levels)
            inner = grad_drive[t] @ loop.weight
        return RecurrentGradients(grad_drive, back.decay, back.v, back.a, inner)


def _frame(drive: Drive, t: int) -> Tensor:
    return drive.frames[0 if drive.held else t].to(drive.potential.dtype)


class _Neurons:
    """Neurons on their way forward."""

    def __init__(self, drive: Drive) -> None:
        self.options = drive.options
        self.kept, self.taken = drive.decay, 1 - drive.decay
        self.v, self.a = drive.potential.clone(), drive.adaptation
        self.potential = self.level = self.v

    def step(self, drive: Tensor) -> Tensor | None:
        """Advance by one step; the spikes, or nothing for integrators."""
        self.potential = self.kept * self.v + self.taken * drive
        options = self.options
        if options is None:
            self.v = self.potential
            return None
        self.level = _level(options, self.a, self.v)
        spikes = (self.potential >= self.level).to(self.v.dtype)
        self.v = _reset(options, self.potential, spikes)
        if self.a is not None:
            rho = options.adaptation_decay
            self.a = rho * self.a + (1 - rho) * spikes
        return spikes


def _level(options: SpikeOptions, adaptation: Tensor | None, like: Tensor) -> Tensor:
    if adaptation is None:
        return torch.full_like(like, options.threshold)
    return options.threshold + options.adaptation_rise * adaptation


def _reset(options: SpikeOptions, potential: Tensor, spikes: Tensor) -> Tensor:
    if options.zero_reset:
        return potential * (1 - spikes)
    return potential - options.threshold * spikes


def _retrace(drive: Drive) -> tuple[Tensor, Tensor]:
    """Potentials before the reset, and thresholds, of all steps."""
    neurons = _Neurons(drive)
    potentials, levels = [], []
    for t in range(drive.steps):
        neurons.step(_frame(drive, t))
        potentials.append(neurons.potential)
        levels.append(neurons.level)
    return torch.stack(potentials), torch.stack(levels)


class _Back:
    """Neurons on their way back: gradients of the state, carried from step to step."""

    def __init__(self, drive: Drive, received: Received, wanted: Wanted) -> None:
        self.drive, self.options = drive, drive.options
        self.kept, self.taken = drive.decay, 1 - drive.decay
        self.v = _own(received.potential, drive.potential)
        self.a = None
        if drive.adaptation is not None:
            self.a = _own(received.adaptation, drive.adaptation)
        self.decay = torch.zeros_like(drive.decay) if wanted.decay else None

    def step(self, t: int, grad: Tensor | None, potentials: Tensor, levels: Tensor) -> Tensor:
        """One step back; the gradient of its input."""
        if grad is None:
            grad = torch.zeros_like(self.v)
        level = levels[min(t, levels.shape[0] - 1)]
        if self.options is None:
            grad_u = self.v + grad
        else:
            grad_u = self._through_spike(self.options, potentials[t], level, grad)
        if self.decay is not None:
            difference = self._before(t, potentials, levels) - _frame(self.drive, t)
            self.decay += (grad_u * difference).sum(0)
        self.v = self.kept * grad_u
        return self.taken * grad_u

    def _through_spike(
        self, options: SpikeOptions, potential: Tensor, level: Tensor, grad: Tensor
    ) -> Tensor:
        distance = potential - level
        grad = grad.to(self.v.dtype)
        carried = self.v
        if self.a is not None:
            grad = grad + (1 - options.adaptation_decay) * self.a
        if options.reset_gradient:
            grad = grad - carried * (potential if options.zero_reset else options.threshold)
        if options.zero_reset:
            carried = carried * (distance < 0)
        grad = grad * options.surrogate.derivative(distance)
        if self.a is not None:
            self.a = options.adaptation_decay * self.a - options.adaptation_rise * grad
        return carried + grad

    def _before(self, t: int, potentials: Tensor, levels: Tensor) -> Tensor:
        """The potential that step t started from."""
        if t == 0:
            return self.drive.potential
        potential = potentials[t - 1]
        if self.options is None:
            return potential
        level = levels[min(t - 1, levels.shape[0] - 1)]
        return _reset(self.options, potential, (potential >= level).to(potential.dtype))


def _own(grad: Tensor | None, like: Tensor) -> Tensor:
    return torch.zeros_like(like) if grad is None else grad
