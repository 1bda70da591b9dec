"""Equations compiled: what numba makes of the words of :mod:`neurallayers.dynamics.arithmetic`.

Importing this module lets compiled code call every equation. Loops over equations are compiled with
:data:`OPTIONS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba.core import compiler, ir, types
from numba.core.compiler_machinery import FunctionPass, register_pass
from numba.core.untyped_passes import IRProcessing
from numba.extending import overload

from neurallayers.dynamics.arithmetic import COMPILERS, EQUATIONS, exp, log, sqrt, tanh, where


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


def register(function: Callable[..., Any], compiled: Callable[..., Any]) -> None:
    """Let compiled code call an equation."""

    @overload(function, jit_options=INLINED, strict=False)
    def chosen(*arguments: Any) -> Callable[..., Any]:
        return compiled


COMPILERS.append(register)
for _equation in EQUATIONS:
    register(*_equation)


@overload(where, jit_options=INLINED)
def _where(condition: Any, yes: Any, no: Any) -> Callable[..., Any]:
    # numba wants the parameters of both functions spelled alike, annotations included.
    def chosen(condition: Any, yes: Any, no: Any) -> Any:
        return yes if condition else no

    return chosen


@overload(log, jit_options=INLINED)
def _log(x: Any) -> Callable[..., Any]:
    # x = 2^k m with m between sqrt(1/2) and sqrt(2); log m = 2 artanh(s), s = (m - 1) / (m + 1),
    # by its series, as |s| < 0.172. For positive normal numbers, to 2 units in the last place of
    # the larger of 1 and the result; a library's logarithm is a call, which prevents vectors.
    def double(x: Any) -> Any:
        bits = np.float64(x).view(np.int64)
        above = bits - np.int64(0x3FE6A09E667F3BCD)
        k = above >> np.int64(52)
        m = np.int64(bits - (k << np.int64(52))).view(np.float64)
        s = (m - 1.0) / (m + 1.0)
        q = s * s
        # In pairs, which a processor computes side by side.
        r = q * q
        low = (1.0 / 3.0 + 0.2 * q) + r * (1.0 / 7.0 + 1.0 / 9.0 * q)
        high = (1.0 / 11.0 + 1.0 / 13.0 * q) + r * (1.0 / 15.0 + 1.0 / 17.0 * q)
        p = low + (r * r) * (high + (r * r) * (1.0 / 19.0))
        return np.float64(k) * 0.6931471805599453 + 2.0 * (s + s * (p * q))

    def single(x: Any) -> Any:
        bits = np.float32(x).view(np.int32)
        above = bits - np.int32(0x3F3504F3)
        k = above >> np.int32(23)
        m = np.int32(bits - np.int32(k << np.int32(23))).view(np.float32)
        s = (m - np.float32(1.0)) / (m + np.float32(1.0))
        q = s * s
        p = np.float32(1.0 / 9.0)
        p = p * q + np.float32(1.0 / 7.0)
        p = p * q + np.float32(0.2)
        p = p * q + np.float32(1.0 / 3.0)
        return np.float32(k) * np.float32(0.6931472) + np.float32(2.0) * (s + s * (p * q))

    return single if x == types.float32 else double


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
