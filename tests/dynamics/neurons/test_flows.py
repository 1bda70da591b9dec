"""Closed forms against what numpy and scipy say about the same equations."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from neurallayers.dynamics.neurons.flows import (
    brief_decay,
    exponential_flow,
    linear_gain,
    quadratic_flow,
    quadratic_upswing,
)

LAW = settings(max_examples=40, deadline=None, derandomize=True, database=None)


@pytest.mark.parametrize(("y", "error"), [(0.1, 1e-7), (0.5, 3e-4), (-0.3, 3e-5)])
def test_a_brief_decay_is_an_exponential(y: float, error: float) -> None:
    assert brief_decay(y) == pytest.approx(math.exp(-y), abs=error)
    assert abs(brief_decay(y) - math.exp(-y)) <= abs(y) ** 5 / 120 * math.exp(abs(y))


@pytest.mark.parametrize(("y", "error"), [(1e-9, 1e-15), (1.0, 1e-13), (2.0, 3e-10), (4.0, 3e-7)])
def test_the_linear_gain_is_exact_for_steps_of_a_time_constant(y: float, error: float) -> None:
    total = 12.0
    gain = linear_gain(total, y / total) * total
    assert gain == pytest.approx(-math.expm1(-y), abs=error)


def test_without_any_conductance_the_gain_is_that_of_a_capacitor() -> None:
    assert linear_gain(0.0, 0.1 / 200.0) == pytest.approx(0.1 / 200.0, rel=1e-15)


@given(y=st.floats(0.0, 1e6))
@LAW
def test_however_long_the_step_a_potential_never_overshoots(y: float) -> None:
    assert 0.0 <= linear_gain(1.0, y) <= 1.0


coefficients = st.tuples(
    st.floats(0.005, 0.1), st.floats(-1.0, 8.0), st.floats(-60.0, 300.0), st.floats(-90.0, 20.0)
)


@given(case=coefficients, h=st.floats(0.01, 0.3))
@LAW
def test_the_quadratic_flow_and_its_arrival_are_those_of_the_riccati_equation(
    case: tuple[float, float, float, float], h: float
) -> None:
    square, linear, constant, v = case
    peak = 30.0

    def derivative(t: float, y: np.ndarray) -> list[float]:
        return [constant + y[0] * (linear + y[0] * square)]

    def arrives(t: float, y: np.ndarray) -> float:
        return float(y[0] - peak)

    arrives.terminal, arrives.direction = True, 1.0  # type: ignore[attr-defined]
    path = solve_ivp(derivative, (0.0, h), [v], "DOP853", events=arrives, rtol=1e-11, atol=1e-11)
    free, arrival = quadratic_upswing(v, square, linear, constant, h, peak)
    if path.status == 1:
        assert free == peak
        assert arrival == pytest.approx(path.t[-1], rel=1e-5, abs=1e-8)
    else:
        assert free == pytest.approx(path.y[0, -1], rel=1e-7, abs=1e-6)
        assert arrival > h * (1.0 - 1e-5)
        flowed, passed = quadratic_flow(v, square, linear, constant, h)
        assert passed > 0.0
        assert flowed == free


def test_a_membrane_that_passes_through_infinity_has_arrived() -> None:
    free, arrival = quadratic_upswing(0.0, 1.0, 0.0, 1.0, 1.8, 1e6)  # tan(1.8) is negative
    assert free == 1e6
    assert arrival <= 1.8


# 1 / C, V_T, slope, 1 / slope, g_L / C, peak, z at the peak
UPSWING = (1 / 200.0, -50.0, 2.0, 0.5, 0.05, 0.0, math.exp(-25.0))


def upswing_reference(v: float, drive: float, total: float, h: float) -> tuple[float, float, bool]:
    """The potential after h, its mean, and for a spike the time instead of the potential."""

    def derivative(t: float, y: np.ndarray) -> list[float]:
        # The solver tries potentials far beyond the peak of 0 mV.
        swing = 10.0 * 2.0 * math.exp(min((y[0] + 50.0) / 2.0, 27.0))
        return [(drive - total * y[0] + swing) / 200.0, y[0]]

    def arrives(t: float, y: np.ndarray) -> float:
        return float(y[0])

    arrives.terminal, arrives.direction = True, 1.0  # type: ignore[attr-defined]
    path = solve_ivp(derivative, (0.0, h), [v, 0.0], "DOP853", events=arrives, rtol=1e-11)
    if path.status == 1:
        return path.t[-1], math.nan, True
    return path.y[0, -1], path.y[1, -1] / h, False


@pytest.mark.parametrize("v", [-80.0, -60.0, -50.0, -46.0, -44.0, -42.0])
@pytest.mark.parametrize("current", [-200.0, 0.0, 500.0])
def test_the_exponential_flow_is_of_second_order(v: float, current: float) -> None:
    """Errors of a step fall with its third power, those of the mean with the second."""
    drive, errors, means = current - 700.0, [], []
    for h in (0.2, 0.1, 0.05):
        expected, mean, spiked = upswing_reference(v, drive, 10.0, h)
        after, found, arrival = exponential_flow(v, drive, 10.0, h, UPSWING)
        assert (arrival <= h) == spiked
        if not spiked:
            errors.append(abs(after - expected) / h**3)
            means.append(abs(found - mean) / h**2)
    assert max(errors, default=0.0) < 0.5
    assert max(means, default=0.0) < 0.8


@pytest.mark.parametrize("current", [-200.0, 0.0, 500.0, 2000.0])
@pytest.mark.parametrize("v", [-40.0, -36.0, -20.0])
def test_the_time_of_arrival_is_right_to_a_microsecond(v: float, current: float) -> None:
    expected, _, spiked = upswing_reference(v, current - 700.0, 10.0, 1.0)
    assert spiked
    _, _, arrival = exponential_flow(v, current - 700.0, 10.0, 0.1, UPSWING)
    assert arrival == pytest.approx(expected, abs=1e-3 * min(1.0, expected))


def test_gradients_are_finite_wherever_the_potential_is() -> None:
    v = torch.linspace(-120.0, 0.0, 200, dtype=torch.float64, requires_grad=True)
    after, mean, arrival = exponential_flow(v, -200.0, 10.0, 0.1, UPSWING)
    for result in (after, mean, arrival):
        (gradient,) = torch.autograd.grad(result.sum(), v, retain_graph=True)
        assert bool(gradient.isfinite().all())
    free, arrival = quadratic_upswing(v, 0.04, 5.0, 150.0, 0.5, 30.0)
    for result in (free, arrival):
        (gradient,) = torch.autograd.grad(result.sum(), v, retain_graph=True)
        assert bool(gradient.isfinite().all())
