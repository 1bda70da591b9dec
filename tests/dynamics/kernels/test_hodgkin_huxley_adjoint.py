"""The adjoint of single steps against autograd, equation by equation."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from neurallayers.dynamics.arithmetic import linoid
from neurallayers.dynamics.kernels.hodgkin_huxley_adjoint import (
    balance_pullback,
    decay_slope,
    exponential_pullback,
    gate_pullback,
    linoid_slope,
    potential_pullback,
    staggered_pullback,
)
from neurallayers.dynamics.membrane.squid_axon import (
    SquidParameters,
    gate_after,
    potential_after,
    squid_balance,
    squid_exponential_euler,
    squid_staggered_exponential_euler,
)

SIZE = 200


def drawn(seed: int, low: float, high: float) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    values = low + (high - low) * torch.rand(SIZE, generator=generator).double()
    return values.requires_grad_()


def compare(
    outputs: Any, inputs: Any, by_outputs: Any, found: Any, tolerance: float = 1e-9
) -> None:
    expected = torch.autograd.grad(outputs, inputs, by_outputs)
    for one, other in zip(found, expected, strict=True):
        scale = other.abs().max()
        assert (one - other).abs().max() <= tolerance * scale


def test_the_slope_of_a_linoid() -> None:
    x = torch.cat([torch.linspace(-30, 30, 401), torch.tensor([0.0, 1e-9, 0.0199, 0.0201, -0.02])])
    x = x.double().requires_grad_()
    value = linoid(x)
    (expected,) = torch.autograd.grad(value.sum(), x)
    assert torch.allclose(linoid_slope(x, value), expected, rtol=1e-10)


def test_the_slope_of_a_decay() -> None:
    """Against (e^-y (1 + y) - 1) / y^2 in exact arithmetic at some places, and at zero."""
    for y, expected in ((0.0, -0.5), (1.0, 2 / 2.718281828459045 - 1), (1e-6, -0.5 + 1e-6 / 3)):
        tensor = torch.tensor(y, dtype=torch.float64)
        value = 1.0 / linoid(tensor)
        assert decay_slope(tensor, value).item() == pytest.approx(expected, rel=1e-9)
    for y in (0.0499, 0.0501):
        tensor = torch.tensor(y, dtype=torch.float64)
        found = decay_slope(tensor, 1.0 / linoid(tensor)).item()
        series = -1 / 2 + y / 3 - y**2 / 8 + y**3 / 30 - y**4 / 144 + y**5 / 840
        assert found == pytest.approx(series, rel=1e-9)


def test_a_gate_back() -> None:
    gate, opening, closing = drawn(1, 0, 1), drawn(2, 0.01, 10), drawn(3, 0.01, 10)
    after = drawn(4, -1, 1).detach()
    output = gate_after(gate, opening, closing, 0.1)
    found = gate_pullback(gate, opening, closing, 0.1, after)
    compare(output, (gate, opening, closing), after, found)


def test_a_potential_back() -> None:
    v, drive, conductance = drawn(1, -90, 50), drawn(2, -5000, 5000), drawn(3, 0, 60)
    capacitance, after = drawn(4, 0.5, 2), drawn(5, -1, 1).detach()
    output = potential_after(v, drive, conductance, capacitance, 0.025)
    found = potential_pullback(v, drive, conductance, capacitance, 0.025, after)
    compare(output, (v, drive, conductance, capacitance), after, found)


def constants() -> tuple[Tensor, ...]:
    return tuple(
        (
            torch.full((SIZE,), float(value)).double() * (0.9 + 0.2 * drawn(20 + i, 0, 1).detach())
        ).requires_grad_()
        for i, value in enumerate(SquidParameters())
    )


def test_a_balance_back() -> None:
    m, h, n, p = drawn(1, 0, 1), drawn(2, 0, 1), drawn(3, 0, 1), constants()
    by = drawn(4, -1, 1).detach(), drawn(5, -1, 1).detach()
    outputs = squid_balance(m, h, n, p)
    found = balance_pullback(m, h, n, p, *by)
    compare(outputs, (m, h, n, *p[1:]), by, found)


@pytest.mark.parametrize("staggered", [True, False])
def test_a_step_back(staggered: bool) -> None:
    before = drawn(1, -90, 50), drawn(2, 0, 1), drawn(3, 0, 1), drawn(4, 0, 1)
    drive, conductance, p = drawn(5, -20, 20), drawn(6, 0, 1), constants()
    after = tuple(drawn(seed, -1, 1).detach() for seed in (7, 8, 9, 10))
    step = squid_staggered_exponential_euler if staggered else squid_exponential_euler
    outputs = step(*before, drive, conductance, p, 1.7, 0.05)
    given = (before, after, drive, conductance, p, 1.7, 0.05)
    back = staggered_pullback if staggered else exponential_pullback
    found = back(*given, outputs[1:]) if staggered else back(*given)
    compare(outputs, (*before, drive, conductance, *p), after, found, 1e-8)
