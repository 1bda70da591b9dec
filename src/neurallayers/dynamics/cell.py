"""The contract of everything that has memory: ``(input, state) -> (output, state)``.

The laws that every cell keeps are held by one parametrised test (``tests/dynamics/test_contract``):

* deterministic: the same input and state give the same output and state, bit for bit;
* rows never meet: a row's result does not depend on its neighbours in the batch;
* ``run`` equals a loop of ``forward`` (values and gradients), and runs join:
  ``run(a + b)`` is ``run(a)`` and then ``run(b)`` from the state after it;
* the state round-trips through safetensors bit for bit;
* ``forward`` works under ``vmap``, ``torch.export`` and ``torch.compile(fullgraph=True)``;
* gradients reach every parameter.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, TypeVar

import torch
from torch import Tensor, nn

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.registry import Registry
from neurallayers.state import NoState, batch_size, map_state

S = TypeVar("S", bound=tuple[Any, ...])


class Cell(nn.Module, ABC, Generic[S]):
    """One step of a dynamical system.

    Attributes:
        in_shape: Shape of one input row, without time and batch.
        out_shape: Shape of one output row.
        memoryless: True for cells that map each frame by itself (their state is empty).
        dt_ms: Length of one step [ms].
    """

    in_shape: tuple[int, ...]
    out_shape: tuple[int, ...]
    memoryless: ClassVar[bool] = False
    dt_ms: float = 1.0

    @abstractmethod
    def initial_state(self, batch: int = 1) -> S:
        """The state of ``batch`` individuals that have not lived yet."""

    @abstractmethod
    def forward(self, x: Tensor, state: S) -> tuple[Tensor, S]:
        """One step of ``dt_ms``.

        Args:
            x: ``[batch, *in_shape]``.
            state: State before the step.

        Returns:
            Output ``[batch, *out_shape]`` and the state after the step.
        """

    def run(
        self, xs: Tensor, state: S | None = None, *, steps: int | None = None
    ) -> tuple[Tensor, S]:
        """Many steps at once; a fused kernel where there is one.

        Args:
            xs: ``[time, batch, *in_shape]``.
            state: State before the first step; at rest when left out.
            steps: With a single frame in ``xs``, hold it for so many steps.

        Returns:
            Outputs ``[time, batch, *out_shape]`` and the state after the last step.

        Raises:
            ShapeMismatch: If ``xs`` does not have the shape above.
        """
        check_frames(self, xs, steps)
        return self.run_reference(xs, state, steps=steps)

    def run_reference(
        self, xs: Tensor, state: S | None = None, *, steps: int | None = None
    ) -> tuple[Tensor, S]:
        """:meth:`run` as a plain loop of :meth:`forward`; what every kernel is held against."""
        if state is None:
            state = initial_state_like(self, xs)
        outputs = []
        for step in range(xs.shape[0] if steps is None else steps):
            output, state = self(xs[0 if steps is not None else step], state)
            outputs.append(output)
        return torch.stack(outputs), state

    def rest(self, state: S) -> S:
        """The state with all activity gone and all that was learned kept.

        Cells that learn override this; for the others nothing outlasts the activity.
        """
        newborn = self.initial_state(batch_size(state))
        return map_state(lambda fresh, old: fresh.to(old), newborn, state)

    def extra_repr(self) -> str:
        """Shapes, as ``print`` shows them."""
        return f"{self.in_shape} -> {self.out_shape}, dt_ms={self.dt_ms}"


def initial_state_like(cell: Cell[S], xs: Tensor) -> S:
    """The initial state for these frames, on their device and with their floating dtype.

    For half-precision frames the state is float32: what is added up over many steps needs it.
    """
    dtype = torch.promote_types(xs.dtype, torch.float32)
    state = cell.initial_state(xs.shape[1])
    return map_state(
        lambda tensor: tensor.to(
            device=xs.device, dtype=dtype if tensor.is_floating_point() else None
        ),
        state,
    )


def check_frames(cell: Cell[Any], xs: Tensor, steps: int | None) -> None:
    """Refuse frames of the wrong shape before any kernel sees them.

    Raises:
        ShapeMismatch: If ``xs`` is not ``[time, batch, *cell.in_shape]``, has no time step, or has
            several frames although ``steps`` asks to hold one.
    """
    expected = f"[time, batch, {', '.join(map(str, cell.in_shape))}]"
    if tuple(xs.shape[2:]) != tuple(cell.in_shape) or xs.ndim < 2:
        raise ShapeMismatch(
            f"{type(cell).__name__}.run received {tuple(xs.shape)}, expected {expected}.",
            "Put time first, then batch; add an axis with unsqueeze where one is missing.",
        )
    if xs.shape[0] == 0:
        raise ShapeMismatch(
            f"{type(cell).__name__}.run received no time step.", "Pass at least one frame."
        )
    if steps is not None and (xs.shape[0] != 1 or steps < 1):
        raise ShapeMismatch(
            f"steps={steps} with {xs.shape[0]} frames.",
            "Hold exactly one frame for one or more steps, or leave steps out.",
        )


def positive(name: str, value: float, hint: str) -> float:
    """Refuse what is not a positive finite number.

    Raises:
        InvalidInput: With the name, the value and a hint of what is usual.
    """
    if not 0.0 < float(value) < float("inf"):
        raise InvalidInput(f"{name} is {value}.", f"It must be positive ({hint}).")
    return float(value)


class MemorylessCell(Cell[NoState]):
    """A cell without memory: each frame is mapped by itself, all frames of a run at once."""

    memoryless: ClassVar[bool] = True

    def initial_state(self, batch: int = 1) -> NoState:
        """Nothing."""
        return NoState()

    def rest(self, state: NoState) -> NoState:
        """Nothing."""
        return state

    @abstractmethod
    def map_frames(self, frames: Tensor) -> Tensor:
        """Map ``[rows, *in_shape]`` to ``[rows, *out_shape]``."""

    def forward(self, x: Tensor, state: NoState) -> tuple[Tensor, NoState]:
        """Map one frame a row."""
        return self.map_frames(x), state

    def run(
        self, xs: Tensor, state: NoState | None = None, *, steps: int | None = None
    ) -> tuple[Tensor, NoState]:
        """Map all frames of all steps in one call; a held frame is mapped once."""
        check_frames(self, xs, steps)
        frames = self.map_frames(xs.flatten(0, 1)).unflatten(0, xs.shape[:2])
        if steps is not None:
            frames = frames.expand(steps, *frames.shape[1:])
        return frames, NoState()


CELLS: Registry[Cell[Any]] = Registry("cell")
