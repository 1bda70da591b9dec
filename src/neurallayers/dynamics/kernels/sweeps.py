"""What a back end has to offer: whole runs of neurons forward and back, on plain tensors.

No autograd here: :mod:`~neurallayers.dynamics.kernels.nodes` joins these to the graph, and every
back end (compiled loops on CPUs, torch anywhere, Triton on GPUs) is an object of this protocol.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from torch import Tensor

from neurallayers.dynamics.surrogate import Surrogate


@dataclass(frozen=True)
class SpikeOptions:
    """What a kernel needs to know besides tensors.

    Attributes:
        threshold: Base threshold, above rest.
        zero_reset: Return to rest after a spike instead of subtracting the threshold.
        reset_gradient: Whether gradients flow through the reset.
        surrogate: The substitute derivative of the spike.
        adaptation_rise: Rise of the threshold at full adaptation (adaptive cells only).
        adaptation_decay: Decay of the adaptation in one step (adaptive cells only).
    """

    threshold: float
    zero_reset: bool
    reset_gradient: bool
    surrogate: Surrogate
    adaptation_rise: float = 0.0
    adaptation_decay: float = 0.0


@dataclass(frozen=True)
class Drive:
    """What neurons receive and where they start.

    Attributes:
        frames: ``[steps, batch, *shape]``, or ``[1, batch, *shape]`` held for all steps;
            contiguous; float32, float64 or bfloat16.
        steps: Number of steps.
        decay: Decay of one step, ``[*shape]``.
        potential: First membrane potential, ``[batch, *shape]``.
        adaptation: First adaptation, ``[batch, *shape]``; none for neurons without.
        options: Threshold, reset and surrogate; none for leaky integrators.

    ``decay``, ``potential`` and ``adaptation`` are contiguous and of the dtype to compute with:
    that of the frames, but float32 for bfloat16.
    """

    frames: Tensor
    steps: int
    decay: Tensor
    potential: Tensor
    adaptation: Tensor | None = None
    options: SpikeOptions | None = None

    @property
    def held(self) -> bool:
        """Whether one frame stands for all steps."""
        return self.frames.shape[0] == 1

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of what comes out, ``[steps, batch, *shape]``."""
        return (self.steps, *self.frames.shape[1:])


class Loop(NamedTuple):
    """What joins recurrent neurons: who sends (column) to whom (row), and the spikes before."""

    weight: Tensor  # [n, n]
    spikes: Tensor  # [batch, n]


class Outcome(NamedTuple):
    """What a run gives."""

    outputs: Tensor  # [steps, batch, *shape], dtype of the frames: spikes, or potentials
    potential: Tensor  # [batch, *shape], after the last step
    adaptation: Tensor | None  # [batch, *shape]


class RecurrentOutcome(NamedTuple):
    """What a recurrent run gives, and what its backward pass needs again."""

    outputs: Tensor  # [steps, batch, n], spikes in the dtype of the frames
    potential: Tensor  # [batch, n], after the last step
    adaptation: Tensor | None  # [batch, n]
    spikes: Tensor  # [batch, n], of the last step, in the dtype to compute with
    potentials: Tensor | None  # [steps, batch, n], before the reset; only where kept
    levels: Tensor | None  # [steps, batch, n], thresholds; only where kept and they move


class Received(NamedTuple):
    """Gradients that reach the outcome; None stands for zero."""

    outputs: Tensor | None
    potential: Tensor | None
    adaptation: Tensor | None


class Wanted(NamedTuple):
    """Which of the costly gradients somebody needs; those of the states come anyway."""

    frames: bool
    decay: bool
    summed: bool = False  # the gradient of the frames summed over the steps, as one frame


class Gradients(NamedTuple):
    """Gradients that a run passes on."""

    frames: Tensor | None  # [steps, batch, *shape], or [1, ...] if summed; dtype of the frames
    decay: Tensor | None  # [*shape]
    potential: Tensor
    adaptation: Tensor | None


class RecurrentGradients(NamedTuple):
    """Gradients that a recurrent run passes on."""

    drive: Tensor  # [steps, batch, n]: of the input of each step, in the dtype to compute with
    decay: Tensor | None
    potential: Tensor
    adaptation: Tensor | None
    spikes: Tensor  # [batch, n], of the spikes before the first step


class Sweeps(Protocol):
    """A back end."""

    def forward(self, drive: Drive) -> Outcome:
        """Run neurons that do not meet."""
        ...

    def backward(self, drive: Drive, received: Received, wanted: Wanted) -> Gradients:
        """Gradients of :meth:`forward`."""
        ...

    def recurrent_forward(self, drive: Drive, loop: Loop, keep: bool) -> RecurrentOutcome:
        """Run neurons joined all to all; ``keep`` what a backward pass needs."""
        ...

    def recurrent_backward(
        self, drive: Drive, loop: Loop, kept: RecurrentOutcome, received: Received, wanted: Wanted
    ) -> RecurrentGradients:
        """Gradients of :meth:`recurrent_forward` but for the weights.

        With ``wanted.decay``, ``drive.frames`` is the whole input: frames and recurrent input.
        """
        ...
