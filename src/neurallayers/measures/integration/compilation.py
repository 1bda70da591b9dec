"""How the kernels of integration are compiled: at the first call, and kept on disk after it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])

# Kernels call each other across these; numba looks at the file of the called one only when that
# one is compiled, so that what is kept on disk goes by the text of all of them.
SOURCES = ("constellations.py", "earth_movers.py", "frames.py", "searches.py")


def compiled(function: F) -> F:
    """Compile a kernel with numba; where no folder can be written, for this process only."""
    function.__qualname__ += f".{FINGERPRINT}"
    try:
        fast: Any = numba.njit(cache=True)(function)
    except RuntimeError:
        fast = numba.njit(function)
    return cast(F, fast)


def fingerprint(folder: Path) -> str:
    """Changes with the text of the kernels in a folder."""
    digest = hashlib.sha256()
    for name in SOURCES:
        try:
            digest.update((folder / name).read_bytes())
        except OSError:
            # Without sources (a frozen program) nobody edits them either.
            digest.update(name.encode())
    return digest.hexdigest()[:12]


FINGERPRINT = fingerprint(Path(__file__).parent)
