"""The compiled elimination, called as the cells call it."""

from __future__ import annotations

import numpy as np
import pytest

from neurallayers.dynamics.kernels.tree_sweeps import solve_trees


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_are_solved_by_themselves(dtype: type) -> None:
    parents = np.array([-1, 0, 1, 1])
    coupling = np.array([0.0, 1.0, 0.5, 0.25], dtype)
    matrix = np.diag([2.0, 3.0, 1.5, 1.0])
    for child in (1, 2, 3):
        matrix[child, parents[child]] = matrix[parents[child], child] = -coupling[child]
    right = np.arange(12, dtype=dtype).reshape(3, 4)
    solution, diagonal = right.copy().ravel(), np.tile(np.diag(matrix), 3).astype(dtype)
    solve_trees(1, 3, diagonal, coupling, parents, solution)
    assert (solution[:4] == right[0]).all()
    for row in (1, 2):
        expected = np.linalg.solve(matrix, right[row])
        assert solution.reshape(3, 4)[row] == pytest.approx(expected, rel=1e-5)
