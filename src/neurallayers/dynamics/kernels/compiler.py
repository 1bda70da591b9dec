"""How kernels are compiled, and how they read and write bfloat16.

bfloat16 arrives as the upper halves of float32 numbers (uint16); arithmetic is in float32.
"""

from __future__ import annotations

import functools
import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np
from numba.extending import overload
from numpy.typing import NDArray

log = logging.getLogger(__name__)

Array = NDArray[Any]
F = TypeVar("F", bound=Callable[..., Any])


# The error model of numpy divides without a branch for zero, which would prevent vectors.
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}


def row_kernel(function: F) -> F:
    """Compile as a part of the kernels that call it."""
    compiled: F = numba.njit(**_OPTIONS)(function)
    return compiled


def kernel(function: F) -> F:
    """Compile at the first call and keep the result on disk where a folder can be written."""
    # numba knows stored code by the function's own file; what it calls from ours is named here.
    function.__qualname__ += f".{fingerprint('kernels/rows.py')}"
    try:
        compiled: F = numba.njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:
        log.info("kernels.not_cached", extra={"function": function.__name__})
        compiled = row_kernel(function)
    return compiled


@functools.cache
def fingerprint(*sources: str) -> str:
    """Changes with the text of the named files of ``dynamics/`` and of what all kernels share."""
    digest = hashlib.sha256()
    for name in ("kernels/compiler.py", "kernels/equations.py", "arithmetic.py", *sources):
        try:
            digest.update((Path(__file__).parent.parent / name).read_bytes())
        except OSError:
            # Without sources (a frozen program) nobody edits them either.
            digest.update(name.encode())
    return digest.hexdigest()[:12]


def widen(value: Any) -> Any:
    """A stored number as the number to compute with (bfloat16 -> float32)."""


def narrow(value: Any, stored: Any) -> Any:
    """A computed number as it is stored in that array, rounded to nearest, ties to even."""


@overload(widen)
def _widen(value: Any) -> Callable[..., Any]:
    # numba wants the parameters of both functions spelled alike, annotations included.
    def from_bfloat16(value: Any) -> Any:
        return np.uint32(np.uint32(value) << np.uint32(16)).view(np.float32)

    def unchanged(value: Any) -> Any:
        return value

    return from_bfloat16 if value == numba.uint16 else unchanged


@overload(narrow)
def _narrow(value: Any, stored: Any) -> Callable[..., Any]:
    def to_bfloat16(value: Any, stored: Any) -> Any:
        bits = np.float32(value).view(np.uint32)
        half = np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
        rounded = np.uint16(np.uint32(bits + half) >> np.uint32(16))
        return np.uint16(0x7FC0) if value != value else rounded

    def unchanged(value: Any, stored: Any) -> Any:
        return value

    return to_bfloat16 if stored.dtype == numba.uint16 else unchanged
