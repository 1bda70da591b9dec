"""What autograd users may rely on, with each back end."""

from __future__ import annotations

import copy
import gc
import weakref
from typing import Any

import pytest
import torch

from neurallayers.dynamics.cell import Cell
from neurallayers.dynamics.neurons import LIF, AdaptiveLIF, LeakyIntegrator
from neurallayers.dynamics.recurrent import RecurrentAdaptiveLIF, RecurrentLIF

CELLS: tuple[Any, ...] = (LIF, AdaptiveLIF, RecurrentLIF, RecurrentAdaptiveLIF, LeakyIntegrator)


@pytest.fixture(params=["numba", "torch"])
def back_end(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("NEURALLAYERS_KERNELS", request.param)
    return str(request.param)


def make(kind: Any, n: int) -> Cell[Any]:
    cell: Cell[Any] = kind(n, tau_ms=5.0, learn_tau=True)
    return cell


@pytest.mark.parametrize("kind", CELLS)
def test_a_graph_may_be_gone_through_twice(back_end: str, kind: Any) -> None:
    cell = make(kind, 4)
    xs = (3 * torch.rand(6, 2, 4, generator=torch.Generator().manual_seed(13))).requires_grad_()
    loss = cell.run(xs)[0].square().sum()
    loss.backward(retain_graph=True)
    first = xs.grad.clone()
    loss.backward()
    torch.testing.assert_close(xs.grad, 2 * first)


def test_truncated_backpropagation_needs_no_retained_graph(back_end: str) -> None:
    cell = make(RecurrentAdaptiveLIF, 4)
    state = None
    gradients = []
    for _ in range(3):
        xs = 3 * torch.rand(6, 2, 4, generator=torch.Generator().manual_seed(14))
        outputs, last = cell.run(xs, state)
        cell.zero_grad()
        (outputs.sum() + last.membrane_potential.sum()).backward()
        gradients.append(cell.recurrent_weight.grad)
        state = type(last)(*(part.detach() for part in last))
    # The state goes on, so that the same frames give another gradient each time.
    assert all(bool(gradient.any()) for gradient in gradients)
    assert not torch.equal(gradients[0], gradients[1])


@pytest.mark.parametrize("kind", CELLS)
def test_a_kept_state_keeps_neither_graph_nor_frames_alive(back_end: str, kind: Any) -> None:
    cell = make(kind, 4)
    xs = 3 * torch.rand(6, 2, 4)
    outputs, last = cell.run(xs)
    outputs_alive = weakref.ref(outputs)
    kept = [part.detach() for part in last]
    del outputs, last
    gc.collect()
    assert outputs_alive() is None
    for part in kept:
        assert part.untyped_storage().nbytes() == part.numel() * part.element_size()


@pytest.mark.parametrize("kind", CELLS)
def test_a_used_cell_can_be_copied(back_end: str, kind: Any) -> None:
    cell = make(kind, 4)
    xs = 3 * torch.rand(6, 2, 4, generator=torch.Generator().manual_seed(15))
    outputs, _ = cell.run(xs)
    twin = copy.deepcopy(cell)
    assert torch.equal(twin.run(xs)[0], outputs)


def test_second_derivatives_are_refused(back_end: str) -> None:
    cell = make(LIF, 4)
    xs = (3 * torch.rand(6, 2, 4)).requires_grad_()
    (grad,) = torch.autograd.grad(cell.run(xs)[0].square().sum(), xs, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        grad.sum().backward()


def test_only_what_is_asked_for_is_computed(back_end: str) -> None:
    cell = make(LIF, 4)
    xs = 3 * torch.rand(6, 2, 4)
    cell.run(xs)[0].sum().backward()
    (parameter,) = cell.parameters()
    assert parameter.grad is not None
    with torch.no_grad():
        assert cell.run(xs)[0].grad_fn is None
