"""The equations of 1952 against a second spelling, on numbers, tensors and compiled."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from tests.dynamics.membrane import squid_reference as reference

from neurallayers.dynamics.kernels.equations import OPTIONS
from neurallayers.dynamics.membrane.squid_axon import (
    SQUID_STEPS,
    SquidParameters,
    gate_after,
    potential_after,
    squid_balance,
    squid_derivative,
    squid_gates_after,
    squid_rates,
)

LAW = settings(max_examples=60, deadline=None, derandomize=True, database=None)
potentials = st.floats(-150.0, 150.0)
gates = st.floats(0.0, 1.0)


@given(v=potentials)
@LAW
def test_rates_are_those_of_the_paper(v: float) -> None:
    for found, expected in zip(squid_rates(v), reference.rates(v), strict=True):
        assert found == pytest.approx(expected, rel=1e-11)


def test_published_values_at_rest() -> None:
    """At V = 0 of the paper: eq. 12, 13, 20, 21, 23, 24 by hand."""
    found = squid_rates(-65.0)
    expected = (
        0.1 * 25 / (np.exp(2.5) - 1),
        4.0,
        0.07,
        1 / (np.exp(3.0) + 1),
        0.01 * 10 / (np.exp(1.0) - 1),
        0.125,
    )
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("v", [-40.0, -55.0])
def test_removable_singularities_are_removed(v: float) -> None:
    """0.1 x / (1 - exp(-x / 10)) is 1 at x = 0, with the slope 0.05; gradients do not break."""
    tensor = torch.tensor(v, dtype=torch.float64, requires_grad=True)
    rate = squid_rates(tensor)[0 if v == -40.0 else 4]
    rate.backward()
    scale = 1.0 if v == -40.0 else 0.1
    assert rate.item() == pytest.approx(scale, rel=1e-14)
    assert tensor.grad is not None
    assert tensor.grad.item() == pytest.approx(0.05 * scale, rel=1e-12)


@given(v=potentials, m=gates, h=gates, n=gates, current=st.floats(-50, 50), q=st.floats(0.5, 5))
@LAW
def test_derivatives_are_those_of_the_equations(
    v: float, m: float, h: float, n: float, current: float, q: float
) -> None:
    found = squid_derivative(v, m, h, n, current, 0.3, SquidParameters(), q)
    expected = reference.slope([v, m, h, n], current, q=q, g=0.3)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(gate=gates, opening=st.floats(0.001, 50), closing=st.floats(0.001, 50))
@LAW
def test_a_gate_relaxes_exactly(gate: float, opening: float, closing: float) -> None:
    solution = solve_ivp(
        lambda _, g: opening * (1 - g) - closing * g, (0, 0.3), [gate], rtol=1e-10, atol=1e-12
    )
    found = gate_after(gate, opening, closing, 0.3)
    assert found == pytest.approx(solution.y[0, -1], abs=1e-8)
    assert 0.0 <= found <= 1.0


@given(v=potentials, drive=st.floats(-1000, 1000), conductance=st.floats(0, 100))
@LAW
def test_a_potential_relaxes_exactly(v: float, drive: float, conductance: float) -> None:
    solution = solve_ivp(
        lambda _, u: (drive - conductance * u) / 2.0, (0, 0.1), [v], rtol=1e-11, atol=1e-11
    )
    found = potential_after(v, drive, conductance, 2.0, 0.1)
    assert found == pytest.approx(solution.y[0, -1], rel=1e-7, abs=1e-7)


@given(v=potentials, m=gates, h=gates, n=gates)
@LAW
def test_the_ionic_current_is_the_sum_of_its_parts(v: float, m: float, h: float, n: float) -> None:
    drive, conductance = squid_balance(m, h, n, SquidParameters())
    expected = 120 * m**3 * h * (v - 50) + 36 * n**4 * (v + 77) + 0.3 * (v + 54.387)
    assert conductance * v - drive == pytest.approx(expected, rel=1e-9, abs=1e-8)


@pytest.mark.parametrize("name", sorted(SQUID_STEPS))
def test_every_step_is_the_same_on_numbers_tensors_and_compiled(name: str) -> None:
    step: Any = SQUID_STEPS[name]
    p = tuple(SquidParameters())

    @numba.njit(**OPTIONS)
    def compiled(v, m, h, n, p):  # type: ignore[no-untyped-def]
        return step(v, m, h, n, 7.0, 0.1, p, 1.3, 0.02)

    for v, m, h, n in ((-65.0, 0.05, 0.6, 0.3), (20.0, 0.9, 0.2, 0.6), (-40.0, 0.5, 0.5, 0.5)):
        number = step(v, m, h, n, 7.0, 0.1, p, 1.3, 0.02)
        tensors = [torch.tensor([x], dtype=torch.float64) for x in (v, m, h, n)]
        tensor = step(*tensors, 7.0, 0.1, p, 1.3, 0.02)
        assert [t.item() for t in tensor] == pytest.approx(number, rel=1e-12)
        assert compiled(v, m, h, n, p) == pytest.approx(number, rel=1e-12)


def test_gates_do_not_leave_their_bounds_in_a_long_step() -> None:
    v = torch.linspace(-150, 100, 51, dtype=torch.float64)
    start = torch.full_like(v, 0.5)
    for gate in squid_gates_after(v, start, start, start, 1000.0):
        assert bool(((gate >= 0) & (gate <= 1)).all())
