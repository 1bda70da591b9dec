"""Splits elementwise work over threads, so that no result depends on how many there are.

The threads are torch's own where they can be had (its OpenMP team, on Linux). After a parallel
operation these spin for some milliseconds to be ready for the next one; threads of any other pool
would compete with them for the cores, which was measured to cost all that a second core gains.
Elsewhere plain threads serve: compiled kernels release Python's lock. numba's own parallel loops
were not used: their default layer aborts when two Python threads enter it at once, and they compile
several times longer.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch

# Below so many elements a hand-over to another thread costs more than it saves.
INLINE_ELEMENTS = 100_000
SLICE_ELEMENTS = 400_000
# Slices begin at multiples of a cache line, so that two threads never write to the same one.
ALIGNMENT = 64

Job = Callable[[], None]
_REGION = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


def in_slices(
    kernel: Callable[..., None], size: int, arguments: tuple[Any, ...], work: int, align: int = 1
) -> None:
    """Call ``kernel(start, stop, *arguments)`` on slices that cover ``range(size)``.

    Args:
        kernel: Writes only what belongs to its own slice, and releases Python's lock.
        size: Number of independent items.
        arguments: What every slice receives.
        work: Number of elements that all slices together touch; little work stays on this thread.
        align: Slices begin at multiples of it.
    """
    threads = min(torch.get_num_threads(), size)
    if threads <= 1 or work < INLINE_ELEMENTS:
        kernel(0, size, *arguments)
        return
    # Several slices a thread where they are worth it: who is done early takes from the others.
    step = -(-size // min(max(threads, work // SLICE_ELEMENTS), 4 * threads, size))
    step = -(-step // align) * align
    slices = [(start, min(start + step, size)) for start in range(0, size, step)]
    jobs = [functools.partial(kernel, *edges, *arguments) for edges in slices]
    run_together(jobs, threads)


def run_together(jobs: Sequence[Job], threads: int) -> None:
    """Run jobs on so many threads, this one among them; the first error is raised again."""
    waiting = list(jobs)
    errors: list[BaseException] = []

    def work(_: int | None = None) -> None:
        while True:
            try:
                job = waiting.pop()
            except IndexError:
                return
            try:
                job()
            except BaseException as error:
                errors.append(error)

    team = _torch_team(os.getpid())
    if team is not None:
        team(_REGION(work), None, threads, 0)
    else:
        others = [_pool(os.getpid()).submit(work) for _ in range(threads - 1)]
        work()
        for other in others:
            other.result()
    if errors:
        raise errors[0]


@functools.cache
def _pool(process: int) -> ThreadPoolExecutor:
    # One pool a process: the threads of a parent do not exist in a forked child.
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="neurallayers-kernel")


@functools.cache
def _torch_team(process: int) -> Callable[..., None] | None:
    """``GOMP_parallel(function, data, threads, flags)`` of the library that torch runs on."""
    if process != _IMPORTING_PROCESS or not sys.platform.startswith("linux"):
        # In a forked child the team's threads are gone, and the library would wait for them.
        return None
    home = Path(torch.__file__).parent
    for folder in (home / "lib", home.parent / "torch.libs"):
        for path in sorted(folder.glob("lib[gi]omp*.so*")):
            try:
                # Only what torch has loaded already: another copy would have another team.
                function = ctypes.CDLL(str(path), mode=os.RTLD_NOLOAD | os.RTLD_NOW).GOMP_parallel
            except (OSError, AttributeError):
                continue
            function.argtypes = (_REGION, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint)
            function.restype = None
            return function
    return None


_IMPORTING_PROCESS = os.getpid()
