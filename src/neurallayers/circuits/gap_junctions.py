"""Electrical synapses in a circuit: current flows along differences of potential."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurallayers.errors import InvalidInput, ShapeMismatch


@dataclass(frozen=True, eq=False)
class GapJunctions:
    """Gap junctions between cells of a population.

    A junction of conductance g between i and j gives i the current g (v_j - v_i) and j its
    opposite. Within a step, v_j is its value at the start of the step and v_i decays towards it
    exactly as towards a synapse's reversal potential: the error is of first order in the step.

    Args:
        population: Name of the population.
        first: One cell of each junction.
        second: The other.
        conductance_ns: One for all, or one for each junction [nS].

    Raises:
        InvalidInput: If a conductance is negative or a cell coupled to itself.
        ShapeMismatch: If lengths differ.
    """

    population: str
    first: Any
    second: Any
    conductance_ns: Any

    def __post_init__(self) -> None:
        first = np.atleast_1d(np.asarray(self.first)).astype(np.int64)
        second = np.atleast_1d(np.asarray(self.second)).astype(np.int64)
        conductance = np.asarray(self.conductance_ns, dtype=np.float64)
        if first.shape != second.shape or first.ndim != 1:
            raise ShapeMismatch(
                f"{first.shape} cells are to be coupled to {second.shape}.",
                "Give one partner for each cell.",
            )
        if conductance.shape not in ((), first.shape):
            raise ShapeMismatch(
                f"conductance_ns has shape {conductance.shape}.",
                f"Give one number or {first.size} of them.",
            )
        if not (np.isfinite(conductance) & (conductance >= 0.0)).all():
            raise InvalidInput(
                f"conductance_ns reaches from {conductance.min()} to {conductance.max()}.",
                "Conductances are finite and not negative.",
            )
        if (first == second).any():
            raise InvalidInput(
                f"Cell {first[first == second][0]} is coupled to itself.", "Leave it out."
            )
        object.__setattr__(self, "first", first)
        object.__setattr__(self, "second", second)
        object.__setattr__(self, "conductance_ns", np.broadcast_to(conductance, first.shape))

    def rows(self, n: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """For each cell its partners and conductances, as rows: begins, partners, conductances.

        Raises:
            InvalidInput: If a cell is out of range.
        """
        cells = np.concatenate([self.first, self.second])
        partners = np.concatenate([self.second, self.first])
        conductances = np.concatenate([self.conductance_ns, self.conductance_ns])
        if cells.size and (cells.min() < 0 or cells.max() >= n):
            raise InvalidInput(
                f"Gap junctions name cells {cells.min()} to {cells.max()}.",
                f"Population {self.population!r} has {n}: 0 to {n - 1}.",
            )
        order = np.lexsort((partners, cells))
        begins = np.zeros(n + 1, np.int64)
        np.cumsum(np.bincount(cells, minlength=n), out=begins[1:])
        return begins, partners[order], conductances[order]
