r"""Gap junctions: electrical coupling between neurons.

.. math:: I_i = \sum_j g_{ij} (v_j - v_i), \qquad g_{ij} = g_{ji}

What flows out of one neuron flows into another: the currents add up to zero.

Source: Dayan & Abbott (2001), Theoretical Neuroscience, section 5.8 (electrical synapses).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from neurallayers.dynamics.cell import CELLS, MemorylessCell
from neurallayers.dynamics.synapses.dense import product
from neurallayers.errors import InvalidInput, ShapeMismatch

OUTPUTS = ("current", "conductance")


def junctions_of(conductance_ns: Tensor) -> tuple[Tensor, Tensor]:
    """The pairs of neurons that are joined, int64 ``[2, junctions]``, and their conductances.

    Raises:
        ShapeMismatch: If the matrix is not square.
        InvalidInput: If it is not symmetric, has an entry on its diagonal, or one that is negative
            or not finite.
    """
    matrix = conductance_ns
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ShapeMismatch(
            f"conductance_ns has shape {tuple(matrix.shape)}.", "It must be [n, n]."
        )
    # A dense matrix of this size was given or fits: the check must see both triangles.
    sparse = (matrix if matrix.layout == torch.sparse_coo else matrix.to_sparse()).coalesce()
    if not torch.equal(*(_sorted(sparse, axes) for axes in ((0, 1), (1, 0)))):
        raise InvalidInput(
            "conductance_ns is not symmetric.",
            "A junction conducts alike both ways; give (g + g.T) / 2.",
        )
    (first, second), values = sparse.indices(), sparse.values()
    if bool((first == second).any()):
        raise InvalidInput(
            "conductance_ns has entries on its diagonal.", "A neuron is not joined to itself."
        )
    upper = first < second
    return torch.stack([first[upper], second[upper]]), _checked(values[upper])


def _sorted(sparse: Tensor, axes: tuple[int, int]) -> Tensor:
    """Rows (i, j, value) of a sparse matrix or its transpose, in one order for both."""
    turned = sparse.transpose(0, 1).coalesce() if axes == (1, 0) else sparse
    return torch.cat([turned.indices().double(), turned.values().double()[None]])


def _checked(values: Tensor) -> Tensor:
    if not bool(((values >= 0) & values.isfinite()).all()):
        raise InvalidInput(
            "A conductance is negative or not finite.", "Conductances are 0 nS or more."
        )
    return values


@CELLS.register("GapJunctions")
class GapJunctions(MemorylessCell):
    """Electrical synapses: membrane potentials in, currents (or the pair of a conductance) out.

    Few junctions are gone through one by one, many as a matrix; the results agree but for rounding.

    Args:
        n: Number of neurons.
        conductance_ns: Symmetric matrix ``[n, n]`` [nS], dense or sparse, without a diagonal; or
            one number, with which all are joined to all.
        output: ``"current"`` gives ``[batch, n]`` [pA], with the potentials as they are at the
            beginning of the step; ``"conductance"`` gives ``[batch, 2, n]``, the drive
            sum g_ij v_j [pA] and the conductance sum g_ij [nS], of which a neuron that integrates
            exponentially takes its own potential as it moves.
        dense: Whether to work with a matrix; left out, where more than an eighth are joined.
        learn: Whether training may change the conductances.

    Raises:
        InvalidInput: If the matrix is not that of gap junctions or ``output`` is unknown.
        ShapeMismatch: If it has another size than ``n``.

    >>> cell = GapJunctions(2, 0.5)
    >>> cell.map_frames(torch.tensor([[-60.0, -70.0]]))
    tensor([[-5.,  5.]])
    """

    first: Tensor
    second: Tensor

    def __init__(
        self,
        n: int,
        conductance_ns: Any = 1.0,
        *,
        output: str = "current",
        dense: bool | None = None,
        learn: bool = False,
    ) -> None:
        super().__init__()
        if n < 2:
            raise InvalidInput(f"GapJunctions({n}).", "A junction needs two neurons.")
        if output not in OUTPUTS:
            raise InvalidInput(f"output is {output!r}.", f"Choose one of {', '.join(OUTPUTS)}.")
        matrix = torch.as_tensor(conductance_ns)
        if matrix.ndim == 0:
            matrix = matrix.float() * (1.0 - torch.eye(n))
        pairs, values = junctions_of(matrix)
        if len(matrix) != n:
            raise ShapeMismatch(
                f"conductance_ns has {len(matrix)} rows for {n} neurons.", "It must be [n, n]."
            )
        self.in_shape = (n,)
        self.output = output
        self.out_shape = (n,) if output == "current" else (2, n)
        self.dense = len(values) * 8 > n * (n - 1) // 2 if dense is None else dense
        self.register_buffer("first", pairs[0].clone())
        self.register_buffer("second", pairs[1].clone())
        values = values.to(torch.promote_types(values.dtype, torch.float32)).clone()
        if learn:
            self.conductance_ns = nn.Parameter(values)
        else:
            self.register_buffer("conductance_ns", values)

    @classmethod
    def between(
        cls, n: int, pairs: Iterable[tuple[int, int]], conductance_ns: Any = 1.0, **options: Any
    ) -> GapJunctions:
        """Junctions between the named pairs of neurons.

        Args:
            n: Number of neurons.
            pairs: Two numbers of neurons for each junction; named twice they add up.
            conductance_ns: One conductance for all or one for each [nS].
            options: As for the class.

        Raises:
            InvalidInput: If a number of a neuron is out of range.
        """
        ends = torch.tensor(list(pairs), dtype=torch.int64).reshape(-1, 2).T
        if ends.numel() and not bool(((ends >= 0) & (ends < n)).all()):
            raise InvalidInput(
                f"pairs hold numbers from {int(ends.min())} to {int(ends.max())}.",
                f"Neurons are numbered from 0 to {n - 1}.",
            )
        values = torch.as_tensor(conductance_ns).expand(ends.shape[1])
        both = torch.cat([ends, ends.flip(0)], dim=1)
        matrix = torch.sparse_coo_tensor(both, values.repeat(2), (n, n), check_invariants=False)
        return cls(n, matrix, **options)

    def matrix_ns(self) -> Tensor:
        """The symmetric matrix of conductances ``[n, n]`` [nS]."""
        n = self.in_shape[0]
        values: Tensor = self.conductance_ns
        place = torch.cat([self.first * n + self.second, self.second * n + self.first])
        flat = torch.zeros(n * n, dtype=values.dtype, device=values.device)
        return flat.index_add(0, place, torch.cat([values, values])).view(n, n)

    def map_frames(self, frames: Tensor) -> Tensor:
        """Currents, or drive and conductance, for each row of potentials [mV]."""
        if self.dense:
            matrix = self.matrix_ns().to(frames.dtype)
            drive, conductance = product(frames, matrix), matrix.sum(0).expand_as(frames)
            if self.output == "current":
                return drive - conductance * frames
            return torch.stack([drive, conductance], -2)
        values = self.conductance_ns.to(frames.dtype)
        first, second = frames.index_select(-1, self.first), frames.index_select(-1, self.second)
        nothing = torch.zeros_like(frames)
        if self.output == "current":
            flow = values * (second - first)
            into = nothing.index_add(-1, self.first, flow)
            return into.index_add(-1, self.second, -flow)
        drive = nothing.index_add(-1, self.first, values * second)
        drive = drive.index_add(-1, self.second, values * first)
        alike = values.expand_as(first)
        conductance = nothing.index_add(-1, self.first, alike).index_add(-1, self.second, alike)
        return torch.stack([drive, conductance], -2)
