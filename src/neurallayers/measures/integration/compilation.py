"""How the kernels of integration are compiled: at the first call, and kept on disk after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile a kernel with numba; where no folder can be written, for this process only."""
    try:
        fast: Any = numba.njit(cache=True)(function)
    except RuntimeError:
        fast = numba.njit(function)
    return cast(F, fast)
