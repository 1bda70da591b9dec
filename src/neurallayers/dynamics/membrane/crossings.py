r"""Spike times between the points of the grid, and the peaks of action potentials.

A membrane that is followed through its action potentials fires when its potential crosses a
threshold (0 mV by convention) upwards. With :math:`v_k < \vartheta \le v_{k+1}`, the crossing lies
at

.. math:: t = \Delta t \left(k + \frac{\vartheta - v_k}{v_{k+1} - v_k}\right).

Error: that of linear interpolation, :math:`\tfrac18 \Delta t^2 |\ddot v / \dot v|`; on the upstroke
of the squid axon 2e-4 ms at 0.025 ms.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from neurallayers.dynamics.cell import positive
from neurallayers.errors import ShapeMismatch


class Crossings(NamedTuple):
    """Upward crossings of a threshold, ordered by row, neuron and time."""

    time_ms: Tensor  # [crossings], float64, counted from the first point
    row: Tensor  # [crossings], int64, in the batch
    neuron: Tensor  # [crossings], int64

    def of(self, neuron: int, row: int = 0) -> Tensor:
        """Times of one neuron [ms]."""
        return self.time_ms[(self.neuron == neuron) & (self.row == row)]


def crossings(potential_mv: Tensor, dt_ms: float, *, threshold_mv: float = 0.0) -> Crossings:
    """Upward crossings of a threshold in recorded potentials.

    Gradients flow from the times to the potentials.

    Args:
        potential_mv: ``[points, batch, n]``; the first point is the potential before the first
            step, at time 0.
        dt_ms: Distance of two points [ms].
        threshold_mv: What is to be crossed [mV].

    Raises:
        ShapeMismatch: If there are fewer than two points or other axes.

    >>> trace = torch.tensor([-70.0, -10.0, 30.0, -60.0]).reshape(4, 1, 1)
    >>> crossings(trace, 0.1).time_ms
    tensor([0.1250], dtype=torch.float64)
    """
    positive("dt_ms", dt_ms, "usually 0.01 to 0.05")
    v = _recorded(potential_mv, 2).double()
    below, above = v[:-1], v[1:]
    row, neuron, step = (
        ((below < threshold_mv) & (above >= threshold_mv)).movedim(0, -1).nonzero(as_tuple=True)
    )
    before, after = below[step, row, neuron], above[step, row, neuron]
    fraction = (threshold_mv - before) / (after - before)
    return Crossings((step + fraction) * dt_ms, row, neuron)


def peaks_mv(potential_mv: Tensor, *, threshold_mv: float = 0.0) -> Crossings:
    """The height of every action potential, by a parabola through its three highest points.

    Args:
        potential_mv: ``[points, batch, n]``.
        threshold_mv: Local maxima below it are not action potentials [mV].

    Returns:
        As :func:`crossings`, with the heights [mV] in the place of the times.

    Raises:
        ShapeMismatch: If there are fewer than three points or other axes.
    """
    v = _recorded(potential_mv, 3).double()
    left, middle, right = v[:-2], v[1:-1], v[2:]
    found = (middle > left) & (middle >= right) & (middle >= threshold_mv)
    row, neuron, step = found.movedim(0, -1).nonzero(as_tuple=True)
    a, b, c = (part[step, row, neuron] for part in (left, middle, right))
    # The vertex of the parabola through (-1, a), (0, b), (1, c).
    return Crossings(b + (a - c) ** 2 / (8.0 * (2.0 * b - a - c)), row, neuron)


def _recorded(potential_mv: Tensor, points: int) -> Tensor:
    if potential_mv.ndim != 3 or potential_mv.shape[0] < points:
        raise ShapeMismatch(
            f"potential_mv has shape {tuple(potential_mv.shape)}, expected [points, batch, n] with "
            f"at least {points} points.",
            "Run the cell with output='membrane_potential' and put the first potential in front.",
        )
    return potential_mv


def sorted_crossings(steps: Tensor, index: Tensor, dt_ms: float, n: int) -> Crossings:
    """Crossings found in any order, by their time in steps and their place in a flat batch."""
    by_time = torch.argsort(steps, stable=True)
    order = by_time[torch.argsort(index[by_time], stable=True)]
    place = index[order]
    return Crossings(steps[order] * dt_ms, place // n, place % n)
