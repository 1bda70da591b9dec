r"""Spiking neurons joined to each other: the recurrent forms of the point neurons.

The input of each step is joined by the spikes of the step before through a square matrix,

.. math:: x_t \leftarrow x_t + R \, s_{t-1},

so that one step of delay lies on every recurrent connection.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from neurallayers.dynamics import kernels
from neurallayers.dynamics.cell import CELLS, Cell, check_frames, initial_state_like
from neurallayers.dynamics.neurons import LIF, AdaptiveLIF, AdaptiveLIFState, LIFState
from neurallayers.errors import InvalidInput
from neurallayers.seeding import stream


class RecurrentLIFState(NamedTuple):
    """State of :class:`RecurrentLIF`."""

    membrane_potential: Tensor  # [batch, n], in units of the input, 0 at rest
    spikes: Tensor  # [batch, n], spikes of the step before


class RecurrentAdaptiveLIFState(NamedTuple):
    """State of :class:`RecurrentAdaptiveLIF`."""

    membrane_potential: Tensor  # [batch, n], in units of the input, 0 at rest
    adaptation: Tensor  # [batch, n], low-passed spikes, between 0 and 1
    spikes: Tensor  # [batch, n], spikes of the step before


def recurrent_matrix(n: int, gain: float, seed: int) -> nn.Parameter:
    """A random recurrent matrix [n, n] with standard deviation gain / sqrt(n).

    The row is the neuron that receives, the column the neuron that sends.
    """
    weights = torch.randn(n, n, generator=stream(seed, "recurrent")) * (gain / n**0.5)
    return nn.Parameter(weights)


def _flat(n: int) -> int:
    if not isinstance(n, int):
        raise InvalidInput(f"n is {n}.", "Recurrent cells are flat: give one number of neurons.")
    return n


@CELLS.register("RecurrentLIF")
class RecurrentLIF(Cell[RecurrentLIFState]):
    """:class:`~neurallayers.dynamics.neurons.LIF` neurons joined all to all.

    Args:
        n: Number of neurons.
        gain: Standard deviation of the recurrent weights times sqrt(n).
        seed: Seed of the recurrent weights.
        **options: As :class:`~neurallayers.dynamics.neurons.LIF`.

    Raises:
        InvalidInput: If an option is out of range or ``n`` is a shape.
    """

    def __init__(self, n: int, *, gain: float = 0.5, seed: int = 0, **options: Any) -> None:
        super().__init__()
        self.neurons = LIF(_flat(n), **options)
        self.in_shape = self.out_shape = self.neurons.in_shape
        self.dt_ms = self.neurons.dt_ms
        self.recurrent_weight = recurrent_matrix(n, gain, seed)

    def initial_state(self, batch: int = 1) -> RecurrentLIFState:
        """All neurons at rest, none has fired."""
        zeros = torch.zeros(batch, *self.in_shape)
        return RecurrentLIFState(zeros, zeros.clone())

    def forward(self, x: Tensor, state: RecurrentLIFState) -> tuple[Tensor, RecurrentLIFState]:
        """One step; see the module for the equation."""
        drive = x + state.spikes @ self.recurrent_weight.T
        spikes, neurons = self.neurons(drive, LIFState(state.membrane_potential))
        # Under mixed precision outputs are as narrow as the input, states as wide as they were.
        last = spikes.to(state.spikes.dtype)
        return spikes.to(x.dtype), RecurrentLIFState(neurons.membrane_potential, last)

    def run(
        self, xs: Tensor, state: RecurrentLIFState | None = None, *, steps: int | None = None
    ) -> tuple[Tensor, RecurrentLIFState]:
        """Many steps as one node of the autograd graph."""
        check_frames(self, xs, steps)
        if not kernels.available(xs):
            return self.run_reference(xs, state, steps=steps)
        if state is None:
            state = initial_state_like(self, xs)
        spikes, potential, last = kernels.recurrent_lif(
            xs,
            state.membrane_potential,
            state.spikes,
            self.neurons.decay(),
            self.recurrent_weight,
            self.neurons.options(),
            steps,
        )
        return spikes, RecurrentLIFState(potential, last)


@CELLS.register("RecurrentAdaptiveLIF")
class RecurrentAdaptiveLIF(Cell[RecurrentAdaptiveLIFState]):
    """:class:`~neurallayers.dynamics.neurons.AdaptiveLIF` neurons joined all to all.

    Args:
        n: Number of neurons.
        gain: Standard deviation of the recurrent weights times sqrt(n).
        seed: Seed of the recurrent weights.
        **options: As :class:`~neurallayers.dynamics.neurons.AdaptiveLIF`.

    Raises:
        InvalidInput: If an option is out of range or ``n`` is a shape.
    """

    def __init__(self, n: int, *, gain: float = 0.5, seed: int = 0, **options: Any) -> None:
        super().__init__()
        self.neurons = AdaptiveLIF(_flat(n), **options)
        self.in_shape = self.out_shape = self.neurons.in_shape
        self.dt_ms = self.neurons.dt_ms
        self.recurrent_weight = recurrent_matrix(n, gain, seed)

    def initial_state(self, batch: int = 1) -> RecurrentAdaptiveLIFState:
        """All neurons at rest and unadapted, none has fired."""
        zeros = torch.zeros(batch, *self.in_shape)
        return RecurrentAdaptiveLIFState(zeros, zeros.clone(), zeros.clone())

    def forward(
        self, x: Tensor, state: RecurrentAdaptiveLIFState
    ) -> tuple[Tensor, RecurrentAdaptiveLIFState]:
        """One step; see the module for the equation."""
        drive = x + state.spikes @ self.recurrent_weight.T
        spikes, neurons = self.neurons(
            drive, AdaptiveLIFState(state.membrane_potential, state.adaptation)
        )
        return spikes.to(x.dtype), RecurrentAdaptiveLIFState(
            neurons.membrane_potential, neurons.adaptation, spikes.to(state.spikes.dtype)
        )

    def run(
        self,
        xs: Tensor,
        state: RecurrentAdaptiveLIFState | None = None,
        *,
        steps: int | None = None,
    ) -> tuple[Tensor, RecurrentAdaptiveLIFState]:
        """Many steps as one node of the autograd graph."""
        check_frames(self, xs, steps)
        if not kernels.available(xs):
            return self.run_reference(xs, state, steps=steps)
        if state is None:
            state = initial_state_like(self, xs)
        spikes, potential, adaptation, last = kernels.recurrent_adaptive_lif(
            xs,
            state.membrane_potential,
            state.adaptation,
            state.spikes,
            self.neurons.decay(),
            self.recurrent_weight,
            self.neurons.options(),
            steps,
        )
        return spikes, RecurrentAdaptiveLIFState(potential, adaptation, last)
