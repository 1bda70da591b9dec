"""Fresh memory for results, in huge pages where the system offers them.

A first touch of fresh memory costs a page fault for every 4 KiB; on large layers these cost more
than the arithmetic. Linux serves 2 MiB at a fault where a program asks for it.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Callable

import torch
from torch import Tensor

HUGE_PAGE = 2 * 1024 * 1024
_MADV_HUGEPAGE = 14  # linux/mman.h


def empty(shape: tuple[int, ...], like: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """An uninitialised contiguous tensor on the device of ``like`` (and of its dtype)."""
    tensor = torch.empty(shape, dtype=dtype or like.dtype, device=like.device)
    if tensor.device.type == "cpu" and tensor.nbytes >= 2 * HUGE_PAGE:
        _advise(tensor.data_ptr(), tensor.nbytes)
    return tensor


def _advise(address: int, length: int) -> None:
    advise = _madvise()
    start = -(-address // HUGE_PAGE) * HUGE_PAGE
    stop = (address + length) // HUGE_PAGE * HUGE_PAGE
    if advise is not None and stop > start:
        # Advice only: where it is refused, the memory works as before.
        advise(start, stop - start, _MADV_HUGEPAGE)


@functools.cache
def _madvise() -> Callable[[int, int, int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        function = ctypes.CDLL(None).madvise
    except (OSError, AttributeError):
        return None
    function.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    function.restype = ctypes.c_int
    return function
