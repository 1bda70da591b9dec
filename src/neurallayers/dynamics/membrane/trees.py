r"""Linear systems on trees: what joins the compartments of a neuron.

A compartment touches its parent and its children only, so that the system of an implicit step,

.. math:: d_i x_i - c_i x_{p(i)} - \sum_{j:\,p(j) = i} c_j x_j = b_i,

is solved in linear time by elimination from the leaves to the root (Hines 1984, Efficient
computation of branched nerve equations, Int. J. Biomed. Comput. 15:69). Parents come before their
children.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from neurallayers.dynamics import kernels
from neurallayers.dynamics.kernels.threads import in_slices


def solve_on_tree(
    diagonal: Tensor, coupling: Tensor, parents: tuple[int, ...], right: Tensor
) -> Tensor:
    """The solution of the system above, in linear time; gradients reach all tensors.

    Args:
        diagonal: ``[..., compartments]``, greater than the sum of the couplings it meets.
        coupling: ``[compartments]`` to the parent, not negative; that of the root is not used.
        parents: Index of the parent of each compartment, smaller than its own; -1 for the root.
        right: ``[..., compartments]``.

    >>> d, c = torch.tensor([2.0, 3.0]), torch.tensor([0.0, 1.0])
    >>> solve_on_tree(d, c, (-1, 0), torch.tensor([1.0, 2.0])).round(decimals=5).tolist()
    [1.0, 1.0]
    """
    if kernels.available(right) and right.device.type == "cpu" and right.dtype != torch.bfloat16:
        solution: Tensor = TreeSolution.apply(diagonal, coupling, right, parents)
        return solution
    return eliminate(diagonal, coupling, parents, right)


def eliminate(
    diagonal: Tensor, coupling: Tensor, parents: tuple[int, ...], right: Tensor
) -> Tensor:
    """:func:`solve_on_tree` in torch alone; what the compiled form is held against."""
    d, b, c = list(diagonal.unbind(-1)), list(right.unbind(-1)), coupling.unbind(-1)
    for child in range(len(parents) - 1, 0, -1):
        parent = parents[child]
        ratio = c[child] / d[child]
        d[parent] = d[parent] - ratio * c[child]
        b[parent] = b[parent] + ratio * b[child]
    x = [b[0] / d[0]]
    for child in range(1, len(parents)):
        x.append((b[child] + c[child] * x[parents[child]]) / d[child])
    return torch.stack(x, -1)


class TreeSolution(torch.autograd.Function):
    """Diagonal, coupling, right-hand side -> solution; the matrix is its own transpose."""

    @staticmethod
    def forward(
        ctx: Any, diagonal: Tensor, coupling: Tensor, right: Tensor, parents: tuple[int, ...]
    ) -> Tensor:
        """One system a row."""
        solution = _solved(diagonal, coupling, parents, right)
        ctx.save_for_backward(diagonal, coupling, solution)
        ctx.parents = parents
        return solution

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        """The gradient by the right-hand side solves the same system."""
        diagonal, coupling, solution = ctx.saved_tensors
        by_right = _solved(diagonal, coupling, ctx.parents, grad)
        parents = torch.tensor([0, *ctx.parents[1:]])
        both = by_right * solution[..., parents] + by_right[..., parents] * solution
        by_coupling = both.reshape(-1, len(parents)).sum(0)
        by_coupling[0] = 0.0
        by_diagonal = (-by_right * solution).sum_to_size(diagonal.shape)
        return by_diagonal, by_coupling, by_right, None


def _solved(diagonal: Tensor, coupling: Tensor, parents: tuple[int, ...], right: Tensor) -> Tensor:
    from neurallayers.dynamics.kernels.tree_sweeps import solve_trees

    solution = right.detach().clone(memory_format=torch.contiguous_format)
    spoilt = (
        diagonal.detach().broadcast_to(right.shape).clone(memory_format=torch.contiguous_format)
    )
    rows, compartments = right.numel() // len(parents), len(parents)
    arguments = (
        spoilt.view(-1).numpy(),
        coupling.detach().to(right.dtype).contiguous().numpy(),
        np.array(parents, dtype=np.int64),
        solution.view(-1).numpy(),
    )
    in_slices(solve_trees, rows, arguments, rows * compartments)
    return solution
