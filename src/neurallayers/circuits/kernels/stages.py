"""What a circuit does to a block in a step, as small compiled functions reached by their address.

A circuit's loop over time knows no model. For each block it calls a list of *stages*: fill the
drive, draw noise, advance a receptor, copy a recorded variable. Each is compiled once for a
precision when a circuit first needs it, so that a first result does not wait for what is not used.

A stage receives::

    block      the lanes of the block, row after row (see dynamics/kernels/blocks.py)
    arrivals   what arrives in this step at these lanes; receptors lie ``integers[...]`` apart
    numbers    the stage's own numbers, in the precision of the circuit
    integers   the stage's own whole numbers: rows, sizes, addresses
    index      which block of the population this is
    step       which step of the circuit's life this is
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np
import torch
from llvmlite import ir
from numba import extending, types

from neurallayers.dynamics.kernels import blocks
from neurallayers.dynamics.kernels.blocks import FLOATS
from neurallayers.dynamics.kernels.compiler import fingerprint
from neurallayers.dynamics.kernels.equations import OPTIONS

F = TypeVar("F", bound=Callable[..., Any])

# In compiled code their arguments are others than numba's annotations say.
intrinsic: Any = extending.intrinsic
carray: Any = numba.carray  # type: ignore[attr-defined]
whole: Any = np.int64
advance_block: Any = blocks.advance_block

# Files of this folder whose functions are compiled into others.
SHARED = ("../circuits/kernels/stages.py",)


class Stage:
    """A function of a block, compiled for each precision.

    Args:
        function: Takes what the module's description lists.
        sources: Other files (relative to ``dynamics/``) whose functions it calls.
    """

    def __init__(self, function: Callable[..., None], sources: tuple[str, ...] = ()) -> None:
        # numba knows stored code by the function's own file; what it calls from ours is named here.
        function.__qualname__ += f".{fingerprint(*SHARED, *sources)}"
        self.function = function
        self._compiled = functools.cache(self._compile)

    def _compile(self, dtype: torch.dtype) -> Any:
        floats, integers = types.CPointer(FLOATS[dtype]), types.CPointer(types.int64)
        signature = types.void(floats, floats, floats, integers, types.int64, types.int64)
        options = {key: value for key, value in OPTIONS.items() if key != "nogil"}
        return numba.cfunc(signature, cache=True, **options)(self.function)

    def address(self, dtype: torch.dtype) -> int:
        """Where the compiled function is; compiles it or reads it from disk at the first call."""
        return int(self._compiled(dtype).address)


def stage(*sources: str) -> Callable[[Callable[..., None]], Stage]:
    """Make a function a :class:`Stage`."""

    def made(function: Callable[..., None]) -> Stage:
        return Stage(function, sources)

    return made


def part(function: F) -> F:
    """Compile as a part of the stages and loops that call it."""
    compiled: F = numba.njit(**OPTIONS, forceinline=True)(function)
    return compiled


def loop(*sources: str) -> Callable[[F], F]:
    """Compile a loop at its first call and keep it on disk."""

    def made(function: F) -> F:
        function.__qualname__ += f".{fingerprint(*SHARED, *sources)}"
        compiled: F = numba.njit(cache=True, **OPTIONS)(function)
        return compiled

    return made


@intrinsic
def call_stage(
    typing_context: Any,
    address: Any,
    block: Any,
    arrivals: Any,
    numbers: Any,
    integers: Any,
    index: Any,
    step: Any,
) -> Any:
    """Call the stage at an address; all arguments are whole numbers, four of them addresses."""
    signature = types.void(*[types.int64] * 7)

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer, whole = ir.IntType(8).as_pointer(), ir.IntType(64)
        kind = ir.FunctionType(ir.VoidType(), [pointer] * 4 + [whole] * 2)
        function = builder.inttoptr(values[0], kind.as_pointer())
        pointers = [builder.inttoptr(value, pointer) for value in values[1:5]]
        builder.call(function, [*pointers, *values[5:]])
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def pointer_to(typing_context: Any, address: Any, like: Any) -> Any:
    """An address as a pointer to numbers of the type of ``like``."""
    result = types.CPointer(like)

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.inttoptr(values[0], context.get_value_type(result))

    return result(types.int64, like), generate


@intrinsic
def shifted(typing_context: Any, pointer: Any, elements: Any) -> Any:
    """The pointer so many elements further."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.gep(values[0], [values[1]])

    return pointer(pointer, types.int64), generate
