"""The arithmetic of equations: the same numbers on tensors, on numbers and compiled."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.dynamics import arithmetic
from neurallayers.dynamics.arithmetic import equation, exp, linoid, sigmoid, tanh, where
from neurallayers.dynamics.kernels.equations import OPTIONS

LAW = settings(max_examples=50, deadline=None, derandomize=True, database=None)
SLOPE = 18.0
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], float, float]] = {
    "exp": (exp, np.exp, -700.0, 700.0),
    "log": (arithmetic.log, np.log, 1e-3, 1e3),
    "sqrt": (arithmetic.sqrt, np.sqrt, 1e-3, 1e3),
    "tanh": (tanh, np.tanh, -20.0, 20.0),
    "sigmoid": (sigmoid, lambda x: 1 / (1 + np.exp(-x)), -80.0, 80.0),
    "linoid": (linoid, lambda x: x / -np.expm1(-x), -60.0, 60.0),
    "absolute": (arithmetic.absolute, np.abs, -5.0, 5.0),
}
every_function = pytest.mark.parametrize("name", FUNCTIONS)


@equation
def membrane(v: Any, w: Any) -> Any:
    """An equation with all that equations are made of."""
    return where(v > -40.0, linoid(0.1 * (v + 40.0)), exp(-v / SLOPE)) + sigmoid(w) * tanh(w)


def looped(function: Callable[..., Any]) -> Callable[..., None]:
    """The function compiled, over arrays."""

    @numba.njit(**OPTIONS)
    def loop(x: Any, w: Any, out: Any) -> None:
        for i in range(out.size):
            out[i] = function(x[i], w[i])

    return loop  # type: ignore[no-any-return]


def applied(function: Callable[[Any], Any], x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    @numba.njit(**OPTIONS)
    def loop(x: Any, out: Any) -> None:
        for i in range(x.size):
            out[i] = function(x[i])

    out = np.empty_like(x)
    loop(x, out)
    return out


@every_function
def test_compiled_functions_are_as_exact_as_their_precision(name: str) -> None:
    function, reference, low, high = FUNCTIONS[name]
    x = np.linspace(low, high, 100_000)
    np.testing.assert_allclose(applied(function, x), reference(x), rtol=1e-14)
    x = np.linspace(max(low, -80.0), min(high, 80.0), 100_000).astype(np.float32)
    np.testing.assert_allclose(applied(function, x), reference(x.astype(np.float64)), rtol=5e-6)


@every_function
def test_tensors_and_numbers_give_the_same(name: str) -> None:
    function, _, low, high = FUNCTIONS[name]
    x = torch.linspace(max(low, -80.0), min(high, 80.0), 101, dtype=torch.float64)
    one_by_one = torch.tensor([float(function(float(value))) for value in x], dtype=torch.float64)
    torch.testing.assert_close(function(x), one_by_one, rtol=1e-13, atol=0.0)


@every_function
def test_gradients_are_those_of_the_function(name: str) -> None:
    function, _, low, high = FUNCTIONS[name]
    low, high = max(low, -8.0) + 0.05, min(high, 8.0)
    x = torch.linspace(low, high, 37, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(function, (x,))


def test_the_exponential_is_exact_to_the_last_places_and_finite_everywhere() -> None:
    x = np.linspace(-708.0, 709.0, 1_000_001)
    exact = np.exp(x.astype(np.longdouble))
    places = np.abs((applied(exp, x) - exact) / np.spacing(exact.astype(np.float64)))
    assert places.max() < 1.2
    extremes = np.array([-np.inf, -1e6, 1e6, np.inf])
    for x in (extremes, extremes.astype(np.float32)):
        low, lower, high, higher = applied(exp, x)
        assert 0 <= low == lower < 1e-37
        assert 1e37 < high == higher < np.inf
    assert np.isnan(applied(exp, np.array([np.nan]))).all()


def test_the_removable_singularity_has_its_limit_and_slope() -> None:
    x = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    value = linoid(x)
    value.backward()
    assert value.item() == 1.0
    assert x.grad is not None
    assert x.grad.item() == pytest.approx(0.5, abs=1e-15)
    assert applied(linoid, np.zeros(1)).item() == 1.0


@LAW
@given(v=st.floats(-100, 60), w=st.floats(-20, 20))
def test_an_equation_is_the_same_compiled_and_on_tensors(v: float, w: float) -> None:
    out = np.empty(1)
    COMPILED(np.array([v]), np.array([w]), out)
    tensor = membrane(torch.tensor(v, dtype=torch.float64), torch.tensor(w, dtype=torch.float64))
    assert out[0] == pytest.approx(tensor.item(), rel=1e-12, abs=1e-14)


COMPILED = looped(membrane)


def test_single_precision_stays_single_and_both_become_vectors() -> None:
    loop = looped(membrane)
    x = np.linspace(-90, 40, 64)
    for kind in (np.float64, np.float32):
        loop(x.astype(kind), x.astype(kind), np.empty(64, kind))
    double, single = (loop.inspect_asm(signature) for signature in loop.signatures)  # type: ignore[attr-defined]
    assert not re.findall(r"cvtss2sd|cvtps2pd", single)
    if re.search(r"xmm\d", double):  # the registers of x86-64
        assert re.findall(r"mulpd|fmadd\d+pd", double)
        assert re.findall(r"mulps|fmadd\d+ps", single)


def test_equations_work_inside_transformations_of_torch() -> None:
    v, w = torch.linspace(-90, 40, 12), torch.linspace(-3, 3, 12)
    expected = membrane(v, w)
    torch.testing.assert_close(torch.vmap(membrane)(v, w), expected)
    compiled = torch.compile(membrane, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(v, w), expected)


def test_plain_numbers_need_no_tensors() -> None:
    expected = math.exp(50.0 / 18.0) + math.tanh(0.5) / (1 + math.exp(-0.5))
    assert membrane(-50.0, 0.5) == pytest.approx(expected, rel=1e-14)
    assert arithmetic.minimum(2.0, 1.0) == 1.0
    assert arithmetic.maximum(2.0, 1.0) == 2.0
