"""Populations in memory and the compiled functions that advance them.

A population lies in blocks of :data:`LANES` neurons. A block is one stretch of memory: a row of
lanes for each thing that a neuron has. Because all rows of a block lie at distances known when a
kernel is compiled, its loops become vectors without checks for overlaps.

::

    row 0            drive         in: current and conductance x reversal potential [pA or uA/cm2]
    row 1            conductance   in: total synaptic conductance [nS or mS/cm2]
    row 2            spikes        out: 1 for a neuron that fired in this step, else 0
    row 3 ...        state         in and out, one row a variable, the membrane potential first
    then             parameters    only where they differ from neuron to neuron

A :class:`BlockKernel` advances one block by one step. It is reached through its address, so that
one compiled loop over steps drives populations of any model, and each model is compiled once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import torch
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from neurallayers.dynamics.kernels.compiler import fingerprint
from neurallayers.dynamics.kernels.equations import OPTIONS

LANES = 256
DRIVE, CONDUCTANCE, SPIKES, STATE = 0, 1, 2, 3

FLOATS = {torch.float64: types.float64, torch.float32: types.float32}


class BlockKernel:
    """A function of two pointers, a block and the parameters, compiled for each precision.

    Args:
        function: Takes ``(block, parameters)``, two pointers; it begins with ``numba.carray``.
        sources: Other modules whose equations it calls; compiled code is renewed when they change.
        contract: Whether a product and a sum may be rounded once instead of twice. A block is
            always computed whole, so that the bits of a neuron do not hang on its place.
    """

    def __init__(
        self, function: Callable[..., None], sources: tuple[str, ...] = (), contract: bool = False
    ) -> None:
        self.function = function
        self.contract = contract
        # numba knows stored code by the function's own file; what it calls from ours is named here.
        function.__qualname__ += f".{fingerprint(*sources)}"
        self._compiled = functools.cache(self._compile)

    def _compile(self, dtype: torch.dtype) -> Any:
        pointer = types.CPointer(FLOATS[dtype])
        options = {key: value for key, value in OPTIONS.items() if key != "nogil"}
        if self.contract:
            options["fastmath"] = {"contract"}
        signature = types.void(pointer, pointer)
        try:
            return numba.cfunc(signature, cache=True, **options)(self.function)
        except RuntimeError:  # no folder can be written
            return numba.cfunc(signature, **options)(self.function)

    def address(self, dtype: torch.dtype) -> int:
        """Where the compiled function is; compiles it or reads it from disk at the first call."""
        return int(self._compiled(dtype).address)


@intrinsic
def advance_block(typing_context: Any, address: Any, block: Any, parameters: Any) -> Any:
    """Call the compiled function at an address with two addresses, from compiled code."""
    signature = types.void(types.intp, types.intp, types.intp)

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer, pointer])
        function = builder.inttoptr(values[0], kind.as_pointer())
        builder.call(function, [builder.inttoptr(value, pointer) for value in values[1:]])
        return context.get_dummy_value()

    return signature, generate


def blocks_of(n: int) -> int:
    """How many blocks hold so many neurons."""
    return -(-n // LANES)


def to_blocks(rows: list[np.ndarray[Any, Any]], blocks: np.ndarray[Any, Any], first: int) -> None:
    """Write variables of all neurons (flat arrays) into rows ``first``, ``first + 1``, ...

    Lanes behind the last neuron repeat it, so that they stay as finite as it is.
    """
    for row, values in enumerate(rows, start=first):
        padded = np.resize(values[-1:], len(blocks) * LANES)
        padded[: values.size] = values
        blocks[:, row] = padded.reshape(-1, LANES)


def from_blocks(blocks: np.ndarray[Any, Any], row: int, n: int) -> np.ndarray[Any, Any]:
    """A variable of all neurons, as a flat copy."""
    return blocks[:, row].reshape(-1)[:n].copy()
