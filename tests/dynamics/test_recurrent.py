from __future__ import annotations

from typing import Any

import pytest
import torch

from neurallayers.dynamics.neurons import LIF, AdaptiveLIF
from neurallayers.dynamics.recurrent import (
    RecurrentAdaptiveLIF,
    RecurrentLIF,
    RecurrentLIFState,
    recurrent_matrix,
)
from neurallayers.errors import InvalidInput

KINDS = [(RecurrentLIF, LIF), (RecurrentAdaptiveLIF, AdaptiveLIF)]


def silence(cell: Any) -> None:
    with torch.no_grad():
        cell.recurrent_weight.zero_()


@pytest.mark.parametrize(("kind", "plain"), KINDS)
def test_without_weights_neurons_do_not_meet(kind: Any, plain: Any) -> None:
    cell = kind(6)
    silence(cell)
    xs = 3 * torch.rand(30, 4, 6, generator=torch.Generator().manual_seed(0))
    assert torch.equal(cell.run(xs)[0], plain(6).run(xs)[0])


def test_a_spike_arrives_one_step_later_at_the_receiver_only() -> None:
    """The row of the matrix receives, the column sends."""
    cell = RecurrentLIF(3, tau_ms=20.0)
    silence(cell)
    with torch.no_grad():
        cell.recurrent_weight[2, 0] = 100.0
    xs = torch.zeros(4, 1, 3)
    xs[0, 0, 0] = 100.0
    spikes, _ = cell.run(xs)
    assert spikes[:2, 0].tolist() == [[1.0, 0.0, 0.0], [1.0, 0.0, 1.0]]
    assert spikes[:, 0, 1].sum() == 0


def test_spikes_of_the_step_before_are_part_of_the_state() -> None:
    cell = RecurrentLIF(5, gain=3.0, tau_ms=5.0)
    xs = 4 * torch.rand(20, 3, 5, generator=torch.Generator().manual_seed(1))
    whole, end = cell.run(xs)
    first, middle = cell.run(xs[:9])
    second, last = cell.run(xs[9:], middle)
    assert torch.equal(middle.spikes, first[-1])
    assert torch.equal(torch.cat([first, second]), whole)
    assert all(torch.equal(a, b) for a, b in zip(last, end, strict=True))


def test_inhibition_silences() -> None:
    cell = RecurrentLIF(8, tau_ms=5.0)
    xs = torch.full((100, 1, 8), 3.0)
    silence(cell)
    free = cell.run(xs)[0].sum()
    with torch.no_grad():
        cell.recurrent_weight.fill_(-2.0)
    assert cell.run(xs)[0].sum() < 0.5 * free


def test_the_gradient_of_the_weights_is_that_of_the_single_steps() -> None:
    cell = RecurrentLIF(7, gain=2.0, tau_ms=5.0)
    xs = 4 * torch.rand(15, 3, 7, generator=torch.Generator().manual_seed(2))
    grads = []
    for run in (cell.run, cell.run_reference):
        cell.zero_grad()
        run(xs)[0].square().sum().backward()
        grads.append(cell.recurrent_weight.grad)
    torch.testing.assert_close(*grads, rtol=1e-4, atol=1e-5)
    assert grads[0].abs().sum() > 0


def test_weights_follow_from_the_seed_and_have_the_asked_spread() -> None:
    assert torch.equal(recurrent_matrix(50, 1.0, 3), recurrent_matrix(50, 1.0, 3))
    assert not torch.equal(recurrent_matrix(50, 1.0, 3), recurrent_matrix(50, 1.0, 4))
    spread = recurrent_matrix(400, 0.5, 0).detach().std() * 400**0.5
    assert float(spread) == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize("kind", [RecurrentLIF, RecurrentAdaptiveLIF])
def test_a_shape_is_refused(kind: Any) -> None:
    with pytest.raises(InvalidInput, match="Recurrent cells are flat"):
        kind((2, 3))


def test_the_initial_state_is_rest() -> None:
    state = RecurrentLIF(4).initial_state(2)
    assert isinstance(state, RecurrentLIFState)
    assert all(part.shape == (2, 4) and not part.any() for part in state)
