"""Linear systems on trees against dense ones."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from neurallayers.dynamics.membrane.trees import eliminate, solve_on_tree

LAW = settings(max_examples=40, deadline=None, derandomize=True, database=None)


def system(parents: tuple[int, ...], rows: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    size = len(parents)
    coupling = torch.rand(size, generator=generator).double()
    met = coupling.clone()
    for child in range(1, size):
        met[parents[child]] += coupling[child]
    diagonal = met + torch.rand(rows, size, generator=generator).double() + 0.05
    return diagonal, coupling, torch.randn(rows, size, generator=generator).double()


def dense(diagonal: Tensor, coupling: Tensor, parents: tuple[int, ...]) -> Tensor:
    matrix = torch.diag(diagonal)
    for child in range(1, len(parents)):
        matrix[child, parents[child]] = matrix[parents[child], child] = -coupling[child]
    return matrix


@given(
    choices=st.lists(st.integers(0, 10_000), min_size=0, max_size=25),
    rows=st.integers(1, 4),
    seed=st.integers(0, 99),
)
@LAW
def test_any_tree_is_solved_as_by_a_dense_solver(choices: list[int], rows: int, seed: int) -> None:
    parents = (-1, *(choice % (i + 1) for i, choice in enumerate(choices)))
    diagonal, coupling, right = system(parents, rows, seed)
    found = solve_on_tree(diagonal, coupling, parents, right)
    for row in range(rows):
        expected = torch.linalg.solve(dense(diagonal[row], coupling, parents), right[row])
        assert torch.allclose(found[row], expected, rtol=1e-10, atol=1e-12)
    assert torch.allclose(eliminate(diagonal, coupling, parents, right), found, rtol=1e-12)


def test_gradients_are_those_of_the_elimination() -> None:
    parents = (-1, 0, 0, 2, 2, 1)
    tensors = [tensor.requires_grad_() for tensor in system(parents, 3, 0)]
    weight = torch.randn(3, 6, generator=torch.Generator().manual_seed(1)).double()
    results = []
    for solve in (solve_on_tree, eliminate):
        loss = (solve(tensors[0], tensors[1], parents, tensors[2]) * weight).sum()
        results.append(torch.autograd.grad(loss, tensors, allow_unused=True))
    for found, expected in zip(*results, strict=True):
        assert torch.allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_one_diagonal_may_serve_all_rows() -> None:
    parents = (-1, 0, 1)
    diagonal, coupling, right = system(parents, 4, 0)
    shared = diagonal[0].clone().requires_grad_()
    found = solve_on_tree(shared, coupling, parents, right)
    expected = eliminate(shared.expand(4, 3), coupling, parents, right)
    assert torch.allclose(found, expected)
    (grad,) = torch.autograd.grad(found.sum(), shared)
    (other,) = torch.autograd.grad(expected.sum(), shared)
    assert grad.tolist() == pytest.approx(other.tolist())
