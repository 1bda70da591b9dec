"""The compiled solution of linear systems on trees, in linear time."""

from __future__ import annotations

import numba

from neurallayers.dynamics.kernels.compiler import Array, fingerprint
from neurallayers.dynamics.kernels.equations import OPTIONS


def solve_trees(
    start: int, stop: int, diagonal: Array, coupling: Array, parents: Array, solution: Array
) -> None:
    """Rows start..stop; ``solution`` comes with the right-hand sides. ``diagonal`` is spoilt.

    From the leaves to the root every compartment is eliminated from the equation of its parent,
    then the values follow from the root outwards. Source: Hines (1984), Int. J. Biomed. Comput.
    15:69.
    """
    compartments = parents.size
    for row in range(start, stop):
        first = row * compartments
        for step in range(compartments - 1):
            child = compartments - 1 - step
            parent = first + parents[child]
            ratio = coupling[child] / diagonal[first + child]
            diagonal[parent] -= ratio * coupling[child]
            solution[parent] += ratio * solution[first + child]
        solution[first] /= diagonal[first]
        for child in range(1, compartments):
            inwards = coupling[child] * solution[first + parents[child]]
            solution[first + child] = (solution[first + child] + inwards) / diagonal[first + child]


solve_trees.__qualname__ += f".{fingerprint('kernels/tree_sweeps.py')}"
solve_trees = numba.njit(cache=True, **OPTIONS)(solve_trees)
