r"""Neurons that only send: Poisson spikes at given rates, and recorded spikes played back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from neurallayers.dynamics.cell import CELLS, Cell, positive
from neurallayers.dynamics.neurons.point import Value, count, not_negative_values
from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.seeding import counter_uniform, derive_seed


class PoissonSourceState(NamedTuple):
    """State of :class:`PoissonSource`."""

    seed: Tensor  # [batch], int64
    counter: Tensor  # [batch], int64, steps that were drawn


class SpikeSourceState(NamedTuple):
    """State of :class:`SpikeSource`."""

    position: Tensor  # [batch], int64, steps that were played
    played: Tensor  # [batch, n], int64, spikes of each neuron that were played


@CELLS.register("PoissonSource")
class PoissonSource(Cell[PoissonSourceState]):
    r"""Neurons that fire at random, each step independently of all others.

    .. math:: P(\text{spike in a step}) = 1 - e^{-r \Delta t}

    for the rate r, the sum of a constant and of the input [Hz]: exact for the probability of one
    or more events of a Poisson process in a step (several count as one; a negative rate is none).
    Each individual of a batch has random numbers of its own, drawn from a counter in the state: a
    replay from the same state draws the same spikes.

    The gradient is that of the expected number of spikes, :math:`\Delta t\, e^{-r \Delta t}` for
    each Hz.

    Args:
        n: Number of neurons.
        dt_ms: Length of a step [ms].
        rate_hz: Constant rate [Hz], to which the input is added; one number or ``[n]``.
        seed: Seed of all random numbers.

    Raises:
        InvalidInput: If a rate is negative or not finite.
        ShapeMismatch: If ``rate_hz`` is neither a number nor ``[n]``.

    >>> source = PoissonSource(100, dt_ms=1.0, rate_hz=50.0)
    >>> spikes, state = source.run(torch.zeros(1, 1, 100), steps=1000)
    >>> 48.0 < spikes.mean().item() * 1000 < 51.0
    True
    """

    def __init__(self, n: int, *, dt_ms: float = 0.1, rate_hz: Value = 0.0, seed: int = 0) -> None:
        super().__init__()
        self.n = count("n", n, "the number of neurons")
        self.in_shape = self.out_shape = (self.n,)
        self.dt_ms = positive("dt_ms", dt_ms, "usually 0.1 to 1")
        not_negative_values("cortex: 0.1 to 50 Hz", rate_hz=rate_hz)
        rate = torch.as_tensor(rate_hz, dtype=torch.get_default_dtype())
        if rate.shape not in ((), (self.n,)):
            raise ShapeMismatch(
                f"rate_hz has shape {tuple(rate.shape)}.",
                f"Give one number for all neurons or {self.n}, one for each.",
            )
        self.register_buffer("rate_hz", rate.clone())
        self.seed = seed

    rate_hz: Tensor

    def initial_state(self, batch: int = 1) -> PoissonSourceState:
        """Nothing drawn; each row with a seed of its own."""
        seeds = [derive_seed(self.seed, "poisson source", row) for row in range(batch)]
        return PoissonSourceState(torch.tensor(seeds), torch.zeros(batch, dtype=torch.int64))

    def forward(self, x: Tensor, state: PoissonSourceState) -> tuple[Tensor, PoissonSourceState]:
        """Draw one step.

        Args:
            x: Rates [Hz] beyond the constant one, ``[batch, n]``.
            state: State before the step.

        Returns:
            Spikes, 0 or 1, ``[batch, n]``, and the state after the step.
        """
        expected = (x + self.rate_hz).clamp(min=0.0) * (self.dt_ms * 1e-3)
        probability = -torch.expm1(-expected)
        drawn = counter_uniform(state.seed, state.counter, self.n)
        spikes = (drawn < probability.detach()).to(x.dtype)
        # Zero, but for its gradient.
        spikes = spikes + (probability - probability.detach()).to(x.dtype)
        return spikes, state._replace(counter=state.counter + 1)


@CELLS.register("SpikeSource")
class SpikeSource(Cell[SpikeSourceState]):
    """Recorded spikes, played back from the beginning of a life.

    A spike at time t is sent in the step that ends at the first grid point not before t (at 0 in
    the first step), with an error of rounding forgiven. What arrives as input is added, so that
    other spikes can join.

    Args:
        times_ms: For each neuron its spike times [ms], ascending.
        dt_ms: Length of a step [ms].

    Raises:
        InvalidInput: If there is no neuron, times are negative, not finite or descend, or two
            spikes of a neuron fall into one step.

    >>> source = SpikeSource([[0.25, 1.0], []], dt_ms=0.5)
    >>> spikes, state = source.run(torch.zeros(3, 1, 2))
    >>> spikes[:, 0, 0]
    tensor([1., 1., 0.])
    """

    def __init__(self, times_ms: Sequence[Sequence[float] | Tensor], *, dt_ms: float = 0.1) -> None:
        super().__init__()
        self.dt_ms = positive("dt_ms", dt_ms, "usually 0.1 to 1")
        self.n = len(times_ms)
        if not self.n:
            raise InvalidInput("times_ms is empty.", "Give a list of times for each neuron.")
        self.in_shape = self.out_shape = (self.n,)
        steps = [self._steps(neuron, times) for neuron, times in enumerate(times_ms)]
        # Behind the last spike of each neuron stands a step that is never reached.
        table = torch.full((self.n, 1 + max(map(len, steps))), torch.iinfo(torch.int64).max)
        for row, played in zip(table, steps, strict=True):
            row[: len(played)] = played
        self.register_buffer("steps", table)

    steps: Tensor

    def _steps(self, neuron: int, times_ms: Sequence[float] | Tensor) -> Tensor:
        times = torch.as_tensor(times_ms, dtype=torch.float64).flatten()
        if not bool((times.isfinite() & (times >= 0.0)).all()):
            raise InvalidInput(
                f"Neuron {neuron} has a spike at {times[~(times >= 0.0)].tolist()} ms.",
                "Times are finite and not negative.",
            )
        steps = (torch.ceil(times / self.dt_ms - 1e-6) - 1.0).clamp(min=0.0).to(torch.int64)
        if not bool((steps.diff() > 0).all()):
            raise InvalidInput(
                f"Neuron {neuron} has spikes that descend or share a step of {self.dt_ms} ms.",
                "Sort the times, or take a shorter step.",
            )
        return steps

    def initial_state(self, batch: int = 1) -> SpikeSourceState:
        """At the beginning."""
        return SpikeSourceState(
            torch.zeros(batch, dtype=torch.int64), torch.zeros(batch, self.n, dtype=torch.int64)
        )

    def forward(self, x: Tensor, state: SpikeSourceState) -> tuple[Tensor, SpikeSourceState]:
        """Play one step.

        Args:
            x: Spikes that join, ``[batch, n]``.
            state: State before the step.

        Returns:
            Recorded spikes and those that join, ``[batch, n]``, and the state after the step.
        """
        due = torch.gather(self.steps.expand(*state.played.shape, -1), -1, state.played[..., None])
        fires = due[..., 0] == state.position[..., None]
        played = SpikeSourceState(state.position + 1, state.played + fires.to(torch.int64))
        return x + fires.to(x.dtype), played
