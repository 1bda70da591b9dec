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

import numpy as np
import torch
from numba.core import compiler, ir, types
from numba.core.compiler_machinery import FunctionPass, register_pass
from numba.core.untyped_passes import IRProcessing
from numba.extending import overload
from torch import Tensor

F = TypeVar("F", bound=Callable[..., Any])


@register_pass(mutates_CFG=False, analysis_only=False)
class LiteralsInTheirPrecision(FunctionPass):
    """Gives the float literals of a function float32 where all its floating arguments are.

    As written they are float64, and one of them would turn a whole expression into float64.
    """

    _name = "literals_in_their_precision"

    def __init__(self) -> None:
        FunctionPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        """Rewrite the constants before types are inferred."""
        floats = {kind for arg in state.args for kind in _floating(arg)}
        if floats != {types.float32}:
            return False
        for block in state.func_ir.blocks.values():
            for statement in block.find_insts(ir.Assign):
                value = statement.value
                if isinstance(value, ir.Const | ir.Global | ir.FreeVar) and type(value.value) in (
                    float,
                    np.float64,
                ):
                    statement.value = ir.Const(np.float32(value.value), value.loc)
        return True


def _floating(kind: Any) -> list[Any]:
    """The floating types within the type of an argument."""
    if isinstance(kind, types.Float):
        return [kind]
    if isinstance(kind, types.Array | types.CPointer):
        return _floating(kind.dtype)
    parts: Any = kind if isinstance(kind, types.BaseTuple) else ()
    return [found for part in parts for found in _floating(part)]


class EquationCompiler(compiler.CompilerBase):
    """numba's own pipeline with :class:`LiteralsInTheirPrecision` before the types."""

    def define_pipelines(self) -> list[Any]:
        """One pipeline, without Python objects."""
        passes = compiler.DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.add_pass_after(LiteralsInTheirPrecision, IRProcessing)
        passes.finalize()
        return [passes]


# The error model of numpy divides without a branch for zero, which would prevent vectors.
OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "pipeline_class": EquationCompiler,
}
# A call within a loop would prevent vectors, and a compiler leaves long functions as calls.
INLINED: Any = {**OPTIONS, "forceinline": True}


def equation(function: F) -> F:
    """Mark a function of numbers as one that compiled kernels may call; it stays what it is."""

    @overload(function, jit_options=INLINED, strict=False)
    def compiled(*arguments: Any) -> F:
        return function

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


@overload(where, jit_options=INLINED)
def _where(condition: Any, yes: Any, no: Any) -> Callable[..., Any]:
    # numba wants the parameters of both functions spelled alike, annotations included.
    def chosen(condition: Any, yes: Any, no: Any) -> Any:
        return yes if condition else no

    return chosen


@overload(log, jit_options=INLINED)
def _log(x: Any) -> Callable[..., Any]:
    def logarithm(x: Any) -> Any:
        return math.log(x)

    return logarithm


@overload(sqrt, jit_options=INLINED)
def _sqrt(x: Any) -> Callable[..., Any]:
    def root(x: Any) -> Any:
        return math.sqrt(x)

    return root


@overload(tanh, jit_options=INLINED)
def _tanh(x: Any) -> Callable[..., Any]:
    # From exp, as a library's tanh is a call, which prevents vectors. The quotient loses digits
    # near zero, where the series x - x³/3 + 2x⁵/15 - 17x⁷/315 + 62x⁹/2835 takes over.
    def from_exponential(x: Any) -> Any:
        square = x * x
        tail = square * (-17.0 / 315.0 + square * (62.0 / 2835.0))
        series = x * (1.0 + square * (-1.0 / 3.0 + square * (2.0 / 15.0 + tail)))
        decayed = exp(-2.0 * abs(x))
        ratio = (1.0 - decayed) / (1.0 + decayed)
        signed = ratio if x > 0.0 else -ratio
        return series if abs(x) < 0.03 else signed

    return from_exponential


@overload(exp, jit_options=INLINED)
def _exp(x: Any) -> Callable[..., Any]:
    # x = k ln 2 + r with a whole k and |r| <= ln 2 / 2, so that exp(x) = 2^k exp(r). Adding and
    # taking away 1.5 * 2^52 (2^23) rounds to a whole number, which then stands in the last bits of
    # the sum; moved to the place of the exponent, these are 2^k. ln 2 is split in two parts, the
    # first short enough that k times it is exact. Cody & Waite (1980), Software Manual for the
    # Elementary Functions, chapter 6; the polynomials are Taylor's (float64) and that of
    # Moshier's Cephes library, expf (float32).
    def double(x: Any) -> Any:
        x = min(max(np.float64(x), -708.0), 709.0)
        shifted = x * 1.4426950408889634 + 6755399441055744.0
        k = shifted - 6755399441055744.0
        r = x - k * 6.93147180369123816490e-01
        r = r - k * 1.90821492927058770002e-10
        p = 1.6059043836821614599e-10  # 1 / 13!
        p = p * r + 2.0876756987868098979e-09
        p = p * r + 2.5052108385441718775e-08
        p = p * r + 2.7557319223985890653e-07
        p = p * r + 2.7557319223985890653e-06
        p = p * r + 2.4801587301587301587e-05
        p = p * r + 1.9841269841269841270e-04
        p = p * r + 1.3888888888888888889e-03
        p = p * r + 8.3333333333333333333e-03
        p = p * r + 4.1666666666666666667e-02
        p = p * r + 1.6666666666666666667e-01
        p = p * r + 0.5
        p = p * r + 1.0
        p = p * r + 1.0
        bits = (np.float64(shifted).view(np.int64) + np.int64(1023)) << np.int64(52)
        return p * np.int64(bits).view(np.float64)

    def single(x: Any) -> Any:
        x = min(max(x, np.float32(-87.0)), np.float32(88.0))
        shifted = x * np.float32(1.44269504) + np.float32(12582912.0)
        k = shifted - np.float32(12582912.0)
        r = x - k * np.float32(0.693359375)
        r = r - k * np.float32(-2.12194440e-4)
        p = np.float32(1.9875691500e-4)
        p = p * r + np.float32(1.3981999507e-3)
        p = p * r + np.float32(8.3334519073e-3)
        p = p * r + np.float32(4.1665795894e-2)
        p = p * r + np.float32(1.6666665459e-1)
        p = p * r + np.float32(5.0000001201e-1)
        p = p * r * r + r + np.float32(1.0)
        bits = (np.float32(shifted).view(np.int32) + np.int32(127)) << np.int32(23)
        return p * np.int32(bits).view(np.float32)

    return single if x == types.float32 else double
