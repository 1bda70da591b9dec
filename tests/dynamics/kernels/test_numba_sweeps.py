"""What the compiled loops promise beyond the right numbers: the same bits always."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch
from torch import Tensor

from neurallayers.dynamics.cell import Cell
from neurallayers.dynamics.neurons import LIF, AdaptiveLIF, LeakyIntegrator
from neurallayers.dynamics.recurrent import RecurrentAdaptiveLIF, RecurrentLIF

CELLS: tuple[Any, ...] = (LIF, AdaptiveLIF, RecurrentLIF, RecurrentAdaptiveLIF, LeakyIntegrator)


@pytest.fixture(autouse=True)
def compiled_back_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEURALLAYERS_KERNELS", "numba")


def make(kind: Any, n: int) -> Cell[Any]:
    cell: Cell[Any] = kind(n, tau_ms=5.0, learn_tau=True)
    return cell


def gradients(cell: Cell[Any], xs: Tensor) -> dict[str, Tensor]:
    """Outputs, last state, and gradients of a sum over all of them."""
    cell.zero_grad()
    leaf = xs.clone().requires_grad_()
    outputs, last = cell.run(leaf)
    weight = torch.randn(outputs.shape, generator=torch.Generator().manual_seed(2))
    ((outputs * weight).sum() + sum(part.sum() for part in last)).backward()
    found = {"outputs": outputs, "frames gradient": leaf.grad, **last._asdict()}
    found |= {name: parameter.grad for name, parameter in cell.named_parameters()}
    return {name: tensor.detach() for name, tensor in found.items()}


@pytest.mark.parametrize("kind", [LIF, AdaptiveLIF])
def test_spikes_and_states_are_equal_bit_for_bit(kind: Any) -> None:
    cell = make(kind, 50)
    xs = 3 * torch.rand(40, 4, 50, generator=torch.Generator().manual_seed(4))
    fused, reference = cell.run(xs), cell.run_reference(xs)
    assert torch.equal(fused[0], reference[0])
    for left, right in zip(fused[1], reference[1], strict=True):
        assert torch.equal(left, right)


@pytest.mark.parametrize("kind", CELLS)
def test_a_row_has_the_same_bits_in_any_batch(kind: Any) -> None:
    cell = make(kind, 37)
    xs = 3 * torch.rand(25, 67, 37, generator=torch.Generator().manual_seed(8))
    whole, state = cell.run(xs)
    for rows in (slice(0, 1), slice(13, 14), slice(5, 38), slice(66, 67)):
        part, last = cell.run(xs[:, rows])
        assert torch.equal(part, whole[:, rows])
        assert all(torch.equal(a, b[rows]) for a, b in zip(last, state, strict=True))


@pytest.mark.parametrize("kind", [LIF, AdaptiveLIF, RecurrentLIF, LeakyIntegrator])
def test_the_number_of_threads_changes_nothing(kind: Any) -> None:
    cell = make(kind, 130)
    xs = 3 * torch.rand(30, 70, 130, generator=torch.Generator().manual_seed(9))
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(gradients(cell, xs))
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        for name, expected in found[0].items():
            if name == "recurrent_weight" or "Recurrent" in kind.__name__:
                # These pass through torch's matrix product, whose order of adding may differ.
                torch.testing.assert_close(other[name], expected)
            else:
                assert torch.equal(other[name], expected), name


def test_several_threads_may_run_at_once() -> None:
    cell = make(RecurrentLIF, 64)
    inputs = [
        3 * torch.rand(20, 90, 64, generator=torch.Generator().manual_seed(s)) for s in range(4)
    ]
    expected = [cell.run(xs)[0] for xs in inputs]
    wrong: list[int] = []

    def work(i: int) -> None:
        for _ in range(4):
            xs = inputs[i].clone().requires_grad_()
            outputs, _ = cell.run(xs)
            (grad,) = torch.autograd.grad(outputs.sum(), xs)
            if not torch.equal(outputs, expected[i]) or not grad.isfinite().all():
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
