"""Cells in a row, run one after the other: each over all steps before the next begins."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

from torch import Tensor, nn

from neurallayers.dynamics.cell import CELLS, Cell, check_frames
from neurallayers.errors import InvalidInput, ShapeMismatch


class SequentialState(NamedTuple):
    """State of :class:`Sequential`: one entry a cell, in order."""

    cells: tuple[Any, ...]


@CELLS.register("Sequential")
class Sequential(Cell[SequentialState]):
    """A row of cells as one cell.

    Args:
        *cells: The cells, first to last; each takes what the one before gives.

    Raises:
        InvalidInput: If there is none, or their steps differ in length.
        ShapeMismatch: If two neighbours do not fit.

    >>> import torch
    >>> from neurallayers.dynamics.neurons import LIF
    >>> from neurallayers.dynamics.synapses import Linear
    >>> net = Sequential(Linear(4, 3), LIF(3))
    >>> spikes, state = net.run(torch.rand(10, 2, 4))
    >>> spikes.shape
    torch.Size([10, 2, 3])
    """

    def __init__(self, *cells: Cell[Any]) -> None:
        super().__init__()
        if not cells:
            raise InvalidInput("Sequential() has no cell.", "Pass at least one.")
        for i, (before, after) in enumerate(itertools.pairwise(cells)):
            if tuple(before.out_shape) != tuple(after.in_shape):
                raise ShapeMismatch(
                    f"Cell {i} ({type(before).__name__}) gives {before.out_shape}, cell {i + 1} "
                    f"({type(after).__name__}) takes {after.in_shape}.",
                    "Make the two sizes equal.",
                )
        lengths = {cell.dt_ms for cell in cells if not cell.memoryless}
        if len(lengths) > 1:
            raise InvalidInput(f"The cells' dt_ms differ: {sorted(lengths)}.", "Give all the same.")
        self.cells = nn.ModuleList(cells)
        self.dt_ms = lengths.pop() if lengths else 1.0
        self.in_shape, self.out_shape = cells[0].in_shape, cells[-1].out_shape

    def initial_state(self, batch: int = 1) -> SequentialState:
        """Every cell at its initial state."""
        return SequentialState(tuple(cell.initial_state(batch) for cell in self._cells()))

    def rest(self, state: SequentialState) -> SequentialState:
        """Every cell at rest."""
        pairs = zip(self._cells(), state.cells, strict=True)
        return SequentialState(tuple(cell.rest(part) for cell, part in pairs))

    def forward(self, x: Tensor, state: SequentialState) -> tuple[Tensor, SequentialState]:
        """One step through all cells."""
        parts = []
        for cell, part in zip(self._cells(), state.cells, strict=True):
            x, part = cell(x, part)
            parts.append(part)
        return x, SequentialState(tuple(parts))

    def run(
        self, xs: Tensor, state: SequentialState | None = None, *, steps: int | None = None
    ) -> tuple[Tensor, SequentialState]:
        """All steps through the first cell, then through the next.

        A held frame stays one frame until it meets a cell with memory.
        """
        check_frames(self, xs, steps)
        entering = (None,) * len(self.cells) if state is None else state.cells
        parts = []
        for cell, part in zip(self._cells(), entering, strict=True):
            held = steps is not None
            if held and cell.memoryless:
                xs, part = cell.run(xs, part)
            else:
                xs, part = cell.run(xs, part, steps=steps)
                steps = None
            parts.append(part)
        if steps is not None:
            xs = xs.expand(steps, *xs.shape[1:])
        return xs, SequentialState(tuple(parts))

    def _cells(self) -> list[Cell[Any]]:
        return [cell for cell in self.cells if isinstance(cell, Cell)]
