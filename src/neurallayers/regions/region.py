r"""A region: a population of neurons that keeps its firing rates where training left them.

Each neuron has an excitability :math:`h`, a constant current that joins its input. It is part of
the state and moves slowly, once a thought, against a lasting deviation of the neuron's mean
activity :math:`\bar r` (spikes a step) from its set point :math:`r^*`:

.. math::
    \bar r &\leftarrow \bar r + \gamma (r - \bar r) \\
    h &\leftarrow h + \eta (r^* - \bar r) \quad\text{where}\quad |r^* - \bar r| > \delta

Within the tolerance :math:`\delta` nothing moves, so that single stimuli do not wear the region
down. Source: Turrigiano (2012), Cold Spring Harb. Perspect. Biol. 4:a005736; intrinsic form:
Desai, Rutherford & Turrigiano (1999), Nat. Neurosci. 2:515.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from neurallayers.dynamics.cell import Cell, check_frames, initial_state_like


class RegionState(NamedTuple):
    """State of :class:`Region`."""

    neurons: Any  # state of the neurons
    excitability: Tensor  # [batch, *shape], constant current of each neuron
    mean_activity: Tensor  # [batch, *shape], running mean of spikes a step


class Region(Cell[RegionState]):
    """Neurons of one kind with homeostasis.

    Args:
        neurons: The cell of all its neurons.
        homeostasis: Whether excitability moves at all.
        rate: Step of the running mean, a thought (gamma above).
        strength: Current gained a thought per spike a step of deviation (eta above).
        tolerance: Deviation that is let be [spikes a step] (delta above).
    """

    set_point: Tensor

    def __init__(
        self,
        neurons: Cell[Any],
        *,
        homeostasis: bool = True,
        rate: float = 0.05,
        strength: float = 0.05,
        tolerance: float = 0.05,
    ) -> None:
        super().__init__()
        self.neurons = neurons
        self.in_shape, self.out_shape = neurons.in_shape, neurons.out_shape
        self.dt_ms = neurons.dt_ms
        self.homeostasis = homeostasis
        self.rate, self.strength, self.tolerance = rate, strength, tolerance
        # Below zero means that training has not set it yet: then nothing is regulated.
        self.register_buffer("set_point", torch.full(self.in_shape, -1.0))

    def initial_state(self, batch: int = 1) -> RegionState:
        """Neurons at rest, excitability zero, activity as training left it."""
        return RegionState(
            self.neurons.initial_state(batch),
            torch.zeros(batch, *self.in_shape),
            self.set_point.detach().clamp(min=0).expand(batch, *self.in_shape).clone().cpu(),
        )

    def rest(self, state: RegionState) -> RegionState:
        """Neurons at rest; excitability and mean activity stay."""
        return state._replace(neurons=self.neurons.rest(state.neurons))

    def forward(self, x: Tensor, state: RegionState) -> tuple[Tensor, RegionState]:
        """One step of the neurons."""
        spikes, neurons = self.neurons(x + state.excitability, state.neurons)
        return spikes, state._replace(neurons=neurons)

    def run(
        self, xs: Tensor, state: RegionState | None = None, *, steps: int | None = None
    ) -> tuple[Tensor, RegionState]:
        """Many steps of the neurons in one fused kernel."""
        check_frames(self, xs, steps)
        if state is None:
            # A new-born region has no excitability to add.
            spikes, neurons = self.neurons.run(xs, None, steps=steps)
            return spikes, initial_state_like(self, xs)._replace(neurons=neurons)
        spikes, neurons = self.neurons.run(xs + state.excitability, state.neurons, steps=steps)
        return spikes, state._replace(neurons=neurons)

    def regulate(self, state: RegionState, activity: Tensor) -> RegionState:
        """Move excitability after a thought.

        Args:
            state: State after the thought.
            activity: Mean spikes a step of each neuron during it, ``[batch, *shape]``.
        """
        if not self.homeostasis or bool((self.set_point < 0).any()):
            return state
        mean = state.mean_activity + self.rate * (activity - state.mean_activity)
        deviation = self.set_point - mean
        outside = (deviation.abs() > self.tolerance).to(deviation.dtype)
        return state._replace(
            excitability=state.excitability + self.strength * deviation * outside,
            mean_activity=mean,
        )
