"""Axonal delays: spikes on their way, kept in the state."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from neurallayers.dynamics.cell import CELLS, Cell, check_frames, initial_state_like, positive
from neurallayers.errors import InvalidInput, ShapeMismatch


class DelayState(NamedTuple):
    """State of :class:`Delay`."""

    in_flight: Tensor  # [batch, steps, n], what was sent, the latest first


def delay_steps(delay_ms: Any, dt_ms: float, n: int) -> Tensor:
    """Delays in whole steps, int64 ``[n]``.

    Raises:
        InvalidInput: If a delay is negative, not finite or not on the grid.
        ShapeMismatch: If there is neither one delay nor one for each line.
    """
    delays = torch.as_tensor(delay_ms, dtype=torch.float64)
    if delays.ndim > 1 or (delays.ndim == 1 and len(delays) != n):
        raise ShapeMismatch(
            f"delay_ms has shape {tuple(delays.shape)} for {n} lines.",
            "Give one number for all lines or one for each.",
        )
    steps = (delays / dt_ms).round()
    wrong = ~(delays >= 0) | ~delays.isfinite() | ((steps * dt_ms - delays).abs() > 1e-6 * dt_ms)
    if bool(wrong.any()):
        first = float(delays[wrong].flatten()[0]) if delays.ndim else float(delays)
        raise InvalidInput(
            f"delay_ms holds {first}.",
            f"A delay is zero or more whole steps of {dt_ms} ms; round it to the grid.",
        )
    return steps.to(torch.int64).expand(n).clone()


@CELLS.register("Delay")
class Delay(Cell[DelayState]):
    """Lines that give what they received a while ago: ``y_i(t) = x_i(t - d_i)``.

    What is on its way is a buffer in the state. As a state is a value that a step does not change,
    every step makes a new buffer, whether it moves a pointer or, as here, the contents; ``run``
    looks up all steps at once and makes one. Gradients flow back along the lines.

    Args:
        n: Number of lines.
        delay_ms: Delay [ms], one for all lines or one for each; whole steps, zero for none.
        dt_ms: Length of a step [ms].

    Raises:
        InvalidInput: If a delay is negative or not on the grid.
        ShapeMismatch: If the delays are not as many as the lines.

    >>> cell = Delay(2, [1.0, 2.0])
    >>> cell.run(torch.tensor([[[1.0, 1.0]], [[0.0, 0.0]], [[0.0, 0.0]]]))[0][:, 0].tolist()
    [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    """

    steps: Tensor

    def __init__(self, n: int, delay_ms: Any = 1.0, *, dt_ms: float = 1.0) -> None:
        super().__init__()
        if n < 1:
            raise InvalidInput(f"Delay({n}).", "There must be at least one line.")
        self.in_shape = self.out_shape = (n,)
        self.dt_ms = positive("dt_ms", dt_ms, "usually 0.1 to 1")
        self.register_buffer("steps", delay_steps(delay_ms, self.dt_ms, n))
        self.longest = int(self.steps.max())

    def initial_state(self, batch: int = 1) -> DelayState:
        """Nothing on its way."""
        return DelayState(torch.zeros(batch, self.longest, *self.in_shape))

    def forward(self, x: Tensor, state: DelayState) -> tuple[Tensor, DelayState]:
        """One step: the latest comes in, each line gives what is as old as its delay."""
        line = torch.cat([x.unsqueeze(1), state.in_flight.to(x.dtype)], dim=1)
        index = self.steps.expand(x.shape[0], 1, -1)
        after = DelayState(line[:, : self.longest].clone().to(state.in_flight.dtype))
        return line.gather(1, index).squeeze(1), after

    def run(
        self, xs: Tensor, state: DelayState | None = None, *, steps: int | None = None
    ) -> tuple[Tensor, DelayState]:
        """All steps in one look-up."""
        check_frames(self, xs, steps)
        if state is None:
            state = initial_state_like(self, xs)
        if steps is not None:
            xs = xs.expand(steps, *xs.shape[1:])
        past = state.in_flight.to(xs.dtype).transpose(0, 1).flip(0)
        line = torch.cat([past, xs])  # oldest first
        sent = torch.arange(len(xs), device=xs.device)[:, None] + self.longest - self.steps
        outputs = line.gather(0, sent[:, None, :].expand(xs.shape))
        latest = (
            line[len(xs) :].flip(0).transpose(0, 1).clone(memory_format=torch.contiguous_format)
        )
        return outputs, DelayState(latest.to(state.in_flight.dtype))
