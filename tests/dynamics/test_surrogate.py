from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from neurallayers.dynamics.surrogate import SURROGATES, surrogate_by_name
from neurallayers.errors import InvalidInput, UnknownName


def _fast_sigmoid(u: Tensor, k: float) -> Tensor:
    return 0.5 * (1 + k * u / (1 + k * u.abs()))


def _arctan(u: Tensor, k: float) -> Tensor:
    return torch.atan(0.5 * math.pi * k * u) / math.pi + 0.5


def _triangle(u: Tensor, k: float) -> Tensor:
    inner = (k * u).clamp(-1, 1)
    return 0.5 + inner - 0.5 * inner * inner.abs()


def _superspike(u: Tensor, k: float) -> Tensor:
    return u / (1 + k * u.abs())


def _straight_through(u: Tensor, k: float) -> Tensor:
    return k * u


# What each derivative is the derivative of, as the papers give it.
SMOOTH: dict[str, Callable[[Tensor, float], Tensor]] = {
    "fast_sigmoid": _fast_sigmoid,
    "arctan": _arctan,
    "triangle": _triangle,
    "superspike": _superspike,
    "straight_through": _straight_through,
}


def test_every_surrogate_is_held_against_its_formula() -> None:
    assert sorted(SMOOTH) == sorted(SURROGATES)


@pytest.mark.parametrize("name", sorted(SMOOTH))
@given(slope=st.floats(0.3, 20.0), distance=st.floats(-3.0, 3.0))
def test_a_derivative_is_that_of_its_smooth_step(name: str, slope: float, distance: float) -> None:
    u, h = torch.tensor(distance, dtype=torch.float64), 1e-6
    numeric = (SMOOTH[name](u + h, slope) - SMOOTH[name](u - h, slope)) / (2 * h)
    # Within h of a kink (of the triangle, of |u|) the quotient mixes both sides.
    tolerance = 4 * h * slope**2 + 1e-7 * slope
    exact = surrogate_by_name(name, slope).derivative(u)
    assert float(exact) == pytest.approx(float(numeric), abs=tolerance)


@pytest.mark.parametrize("name", ["fast_sigmoid", "arctan", "triangle"])
def test_derivatives_of_normalised_steps_have_area_one(name: str) -> None:
    u = torch.linspace(-2000, 2000, 4_000_001, dtype=torch.float64)
    area = torch.trapezoid(surrogate_by_name(name).derivative(u), u)
    assert float(area) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("name", sorted(SMOOTH))
def test_forward_is_a_hard_step_and_backward_the_derivative(name: str) -> None:
    surrogate = surrogate_by_name(name)
    u = torch.tensor([-1.0, -0.1, 0.0, 0.1, 1.0], requires_grad=True)
    spikes = surrogate(u)
    assert spikes.tolist() == [0.0, 0.0, 1.0, 1.0, 1.0]
    spikes.sum().backward()
    torch.testing.assert_close(u.grad, surrogate.derivative(u.detach()))


@pytest.mark.parametrize("name", sorted(SMOOTH))
def test_surrogates_work_under_vmap_of_grad(name: str) -> None:
    surrogate = surrogate_by_name(name)
    u = torch.linspace(-1, 1, 5)
    grads = torch.vmap(torch.func.grad(lambda v: surrogate(v)))(u)
    torch.testing.assert_close(grads, surrogate.derivative(u))


@pytest.mark.parametrize("slope", [0.0, -1.0, math.inf, math.nan])
def test_a_slope_must_be_positive(slope: float) -> None:
    with pytest.raises(InvalidInput, match=f"slope is {slope}"):
        surrogate_by_name("arctan", slope)


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownName, match="arctan"):
        surrogate_by_name("arctann")


def test_one_made_by_hand_is_taken_as_it_is() -> None:
    made = surrogate_by_name("triangle", 0.5)
    assert surrogate_by_name(made) is made
