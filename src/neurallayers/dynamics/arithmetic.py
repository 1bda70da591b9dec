r"""The arithmetic of equations: one spelling that torch runs on tensors and numba compiles.

A model's equations are plain functions of numbers. Written with the names below they run on tensors
(differentiable, under ``vmap``, ``torch.export`` and ``torch.compile``) and, compiled, on the
numbers of a population, so that a dense cell and a circuit cannot disagree about a model.

>>> @equation
... def decayed(v, tau_ms, dt_ms):
...     return v * exp(-dt_ms / tau_ms)
>>> decayed(torch.tensor([1.0, 2.0]), 10.0, 1.0)
tensor([0.9048, 1.8097])
>>> round(decayed(1.0, 10.0, 1.0), 4)
0.9048

Rules for an equation: no branches on values, but :func:`where` (both sides are computed, so both
must be finite where the other is chosen, or a gradient is lost); numbers written as floats
(``2.0``, not ``2``), which take the precision of the arguments, as constants of the module do.

In compiled code :func:`exp` is a polynomial without calls, branches or tables, which a compiler
turns into vectors (a library's exponential costs four times as much there): at most 1.2 units in
the last place over the whole range; below -708 (float32: -87) it gives the smallest normal number
instead of less, above 709 (88) a very large number instead of infinity.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor

F = TypeVar("F", bound=Callable[..., Any])

# Equations and what is compiled in their place; known before anything is compiled, and without a
# compiler. Who compiles them reads the list and asks to be told of those that come later.
EQUATIONS: list[tuple[Callable[..., Any], Callable[..., Any]]] = []
COMPILERS: list[Callable[[Callable[..., Any], Callable[..., Any]], None]] = []


def equation(function: F, compiled: Callable[..., Any] | None = None) -> F:
    """Mark a function of numbers as one that compiled kernels may call; it stays what it is.

    Args:
        function: The equation.
        compiled: What stands for it in compiled code, with the same arguments, where tensors need
            something that numbers do not (a surrogate gradient, say).
    """
    EQUATIONS.append((function, compiled or function))
    for register in COMPILERS:
        register(function, compiled or function)
    return function


def exp(x: Any) -> Any:
    """The exponential function."""
    return torch.exp(x) if isinstance(x, Tensor) else math.exp(x)


def log(x: Any) -> Any:
    """The natural logarithm."""
    return torch.log(x) if isinstance(x, Tensor) else math.log(x)


def where(condition: Any, yes: Any, no: Any) -> Any:
    """``yes`` where the condition holds, ``no`` elsewhere."""
    if isinstance(condition, Tensor):
        return torch.where(condition, yes, no)
    return yes if condition else no


def minimum(a: Any, b: Any) -> Any:
    """The smaller of two numbers."""
    return where(a < b, a, b)


def maximum(a: Any, b: Any) -> Any:
    """The larger of two numbers."""
    return where(a > b, a, b)


def linoid(x: Any) -> Any:
    r"""The function x / (1 - exp(-x)), with its limit 1 at zero: the rate of many gates.

    Below 0.02 it is the series 1 + x/2 + x²/12 - x⁴/720, whose error there is below 1e-14.
    """
    small = absolute(x) < 0.02
    safe = where(small, 1.0, x)
    square = x * x
    series = 1.0 + 0.5 * x + square * (1.0 / 12.0 - square * (1.0 / 720.0))
    return where(small, series, safe / (1.0 - exp(-safe)))


def sigmoid(x: Any) -> Any:
    """The logistic function 1 / (1 + exp(-x))."""
    return 1.0 / (1.0 + exp(-x))


def tanh(x: Any) -> Any:
    """The hyperbolic tangent."""
    return torch.tanh(x) if isinstance(x, Tensor) else math.tanh(x)


def sqrt(x: Any) -> Any:
    """The square root."""
    return torch.sqrt(x) if isinstance(x, Tensor) else math.sqrt(x)


def absolute(x: Any) -> Any:
    """The absolute value."""
    return abs(x)


for _portable in (minimum, maximum, linoid, sigmoid, absolute):
    equation(_portable)
