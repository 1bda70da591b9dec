"""Batch invariance: a row's bits do not depend on who shares its batch.

Replay, audit and isolation need it, and matrix products do not give it for free: libraries choose
another order of summation for small batches than for large ones. Measured with torch 2.13 on CPUs,
float32, one thread: products of batches padded to a multiple of 16 rows give every row the same
bits, whatever its neighbours, its place and the size of the batch. Products with fewer than 16
outputs do so only where every row starts on a cache line; there rows are filled with zeros to a
multiple of 16 numbers as well (:func:`neurallayers.dynamics.synapses.product`). So a living brain
is stepped in padded tiles by one thread, and :func:`self_check` holds it for a network on the
machine at hand.
"""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch
from torch import Tensor

from neurallayers.dynamics import kernels
from neurallayers.seeding import stream
from neurallayers.state import batch_size, gather, map_state

S = TypeVar("S")

TILE = 16


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread, and with as many as before afterwards.

    The number is one for the whole process: where several Python threads think at once, it may stay
    at one.
    """
    before = torch.get_num_threads()
    if before != 1:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if before != 1:
            torch.set_num_threads(before)


def padded(rows: int) -> int:
    """The number of rows of the tiles that hold ``rows``.

    >>> padded(1), padded(16), padded(17)
    (16, 16, 32)
    """
    return -(-rows // TILE) * TILE


def pad_rows(value: S) -> S:
    """Fill the last tile of a state or tensor by repeating its first row."""
    rows = value.shape[0] if isinstance(value, Tensor) else batch_size(value)
    missing = padded(rows) - rows
    if missing == 0:
        return value

    def fill(tensor: Tensor) -> Tensor:
        return torch.cat([tensor, tensor[:1].expand(missing, *tensor.shape[1:])])

    return map_state(fill, value)


def numeric_platform() -> dict[str, str]:
    """What the last bits of a result depend on: a snapshot names it."""
    return {
        "machine": platform.machine(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__.split("+")[0],
        "kernels": kernels.backend("cpu"),
        "dtype": "float32",
    }


def self_check(step: Callable[[Tensor, S], Tensor], stimuli: Tensor, state: S) -> bool:
    """Whether rows keep their bits alone, in other company and in another place.

    Args:
        step: Maps stimuli and state of a padded tile to any result, row by row.
        stimuli: At least 17 rows, so that two tiles are needed.
        state: As many rows.
    """
    rows = len(stimuli)
    with one_thread(), torch.no_grad():
        together = step(pad_rows(stimuli), pad_rows(state))[:rows]
        order = torch.randperm(rows, generator=stream(0, "self-check"))
        shuffled = step(pad_rows(stimuli[order]), pad_rows(gather(state, order)))[:rows]
        if not torch.equal(shuffled, together[order]):
            return False
        # Odd places too: memory is aligned in another way there.
        for row in (0, 1, 7, rows // 2, rows - 2, rows - 1):
            alone = step(pad_rows(stimuli[row : row + 1]), pad_rows(gather(state, [row])))
            if not torch.equal(alone[:1], together[row : row + 1]):
                return False
    return True
