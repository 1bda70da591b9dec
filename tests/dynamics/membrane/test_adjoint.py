"""The hand-written gradients of fused runs against autograd of single steps."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from neurallayers.dynamics.membrane import HodgkinHuxley, HodgkinHuxleyState, SquidParameters

ALL = SquidParameters._fields
SOLVERS = ("staggered_exponential_euler", "exponential_euler")


def lived(cell: HodgkinHuxley, batch: int) -> HodgkinHuxleyState:
    """A state away from rest that wants a gradient."""
    generator = torch.Generator().manual_seed(3)
    state = cell.initial_state(batch)
    noise = [torch.rand(part.shape, generator=generator).double() for part in state]
    scales = (20.0, 0.2, 0.2, 0.2)
    return HodgkinHuxleyState(
        *(
            (part.double() + scale * drawn).requires_grad_()
            for part, scale, drawn in zip(state, scales, noise, strict=True)
        )
    )


def leaves_of(
    cell: HodgkinHuxley, run: Any, xs: Tensor, state: Any, **options: Any
) -> list[Tensor]:
    """Outputs, last state and every gradient."""
    outputs, last = run(xs, state, **options)
    generator = torch.Generator().manual_seed(4)
    weight = torch.randn(outputs.shape, generator=generator).double()
    loss = (outputs * weight).sum()
    for i, part in enumerate(last):
        loss = loss + (i + 1) * (part * part).sum()
    wanted = [xs, *state, *cell.parameters()]
    return [outputs, *last, *torch.autograd.grad(loss, wanted)]


def agree(found: list[Tensor], expected: list[Tensor], tolerance: float) -> None:
    for one, other in zip(found, expected, strict=True):
        scale = 1e-12 + other.abs().max().item()
        assert (one - other).abs().max().item() < tolerance * scale


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("output", ["spikes", "membrane_potential"])
@pytest.mark.parametrize("synaptic_input", ["current", "conductance"])
def test_gradients_by_input_state_and_every_constant(
    solver: str, output: str, synaptic_input: str
) -> None:
    """Over 150 steps and several segments, with action potentials, in float64 to 1e-8."""
    cell = HodgkinHuxley(
        4, solver=solver, output=output, synaptic_input=synaptic_input, learn=ALL
    ).double()
    xs = torch.rand(150, 3, *cell.in_shape, generator=torch.Generator().manual_seed(2))
    xs = (30 * xs.double()).requires_grad_()
    state = lived(cell, 3)
    expected = leaves_of(cell, cell.run_reference, xs, state)
    agree(leaves_of(cell, cell.run, xs, state), expected, 1e-8)


@pytest.mark.parametrize("surrogate", ["arctan", "triangle", "superspike", "straight_through"])
def test_every_surrogate(surrogate: str) -> None:
    cell = HodgkinHuxley(4, surrogate=surrogate, slope=0.05, learn=ALL[:2]).double()
    xs = 30 * torch.rand(90, 2, 4, generator=torch.Generator().manual_seed(2)).double()
    xs.requires_grad_()
    state = lived(cell, 2)
    expected = leaves_of(cell, cell.run_reference, xs, state)
    agree(leaves_of(cell, cell.run, xs, state), expected, 1e-8)


def test_a_held_frame_gathers_the_gradients_of_all_steps() -> None:
    cell = HodgkinHuxley(3, output="membrane_potential", learn=ALL).double()
    frame = torch.full((1, 2, 3), 12.0, dtype=torch.float64, requires_grad=True)
    state = lived(cell, 2)
    expected = leaves_of(cell, cell.run_reference, frame, state, steps=70)
    agree(leaves_of(cell, cell.run, frame, state, steps=70), expected, 1e-8)
    expanded = leaves_of(cell, lambda x, s: cell.run(x.expand(70, 2, 3), s), frame, state)
    agree(expanded, expected, 1e-8)


def test_more_neurons_than_a_block() -> None:
    cell = HodgkinHuxley(300, output="membrane_potential", learn=("sodium_ms_cm2",)).double()
    xs = 30 * torch.rand(40, 2, 300, generator=torch.Generator().manual_seed(2)).double()
    xs.requires_grad_()
    state = lived(cell, 2)
    expected = leaves_of(cell, cell.run_reference, xs, state)
    agree(leaves_of(cell, cell.run, xs, state), expected, 1e-8)


def test_a_gradient_is_that_of_finite_differences() -> None:
    """Nothing of the adjoint, nor of autograd, is in the differences."""
    sodium = torch.full((2,), 120.0, dtype=torch.float64, requires_grad=True)
    frame = torch.full((1, 1, 2), 8.0, dtype=torch.float64, requires_grad=True)

    def mean(sodium: Tensor, frame: Tensor) -> Tensor:
        cell = HodgkinHuxley(2, output="membrane_potential", learn=("sodium_ms_cm2",)).double()
        state = HodgkinHuxleyState(*(part.double() for part in cell.initial_state()))
        parameters = {"constants.sodium_ms_cm2": sodium}

        class Run(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.constants = cell.constants

            def forward(self, frame: Tensor) -> Tensor:
                return cell.run(frame, state, steps=60)[0].mean()

        return torch.func.functional_call(Run(), parameters, (frame,))

    assert torch.autograd.gradcheck(mean, (sodium, frame), eps=1e-4, rtol=1e-5)


def test_single_precision_gradients_are_close_to_double() -> None:
    xs = 20 * torch.rand(400, 1, 5, generator=torch.Generator().manual_seed(2))
    found = []
    for dtype in (torch.float32, torch.float64):
        cell = HodgkinHuxley(5, output="membrane_potential", learn=ALL).to(dtype)
        cell.run(xs.to(dtype))[0].mean().backward()
        found.append([parameter.grad for parameter in cell.parameters()])
    for single, double in zip(*found, strict=True):
        assert single is not None
        assert double is not None
        assert (single - double).abs().max() < 1e-3 * double.abs().max()


def test_nothing_is_kept_where_no_gradient_is_wanted() -> None:
    cell = HodgkinHuxley(2)
    outputs, state = cell.run(torch.zeros(10, 1, 2))
    assert outputs.grad_fn is None
    assert all(part.grad_fn is None for part in state)
    cell = HodgkinHuxley(2, learn=("leak_ms_cm2",))
    assert cell.run(torch.zeros(10, 1, 2))[0].grad_fn is not None
