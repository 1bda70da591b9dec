"""Randomness without hidden state: one seed, many named streams, and a counter for use in steps.

There are two kinds of randomness in a brain:

* **At construction or in training** (weights, order of samples): :func:`stream` hands out a
  generator named by the path of whoever asks. Adding a part elsewhere changes nothing here.
* **Inside a step** (Poisson spikes): :func:`counter_uniform` computes the numbers from
  ``(seed, counter, element)`` with Philox4x32-10. The counter lives in the state, so that a replay
  draws the same numbers whatever else ran in between, and a row the same whoever its neighbours.

Source: Salmon, Moraes, Dror & Shaw (2011), Parallel random numbers: as easy as 1, 2, 3. SC'11.
"""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

_ROUNDS = 10
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_MASK = 0xFFFFFFFF


def derive_seed(seed: int, *names: str | int) -> int:
    """A 63-bit seed for the stream with this name, independent of all other names.

    >>> derive_seed(7, "cortex", "weights") == derive_seed(7, "cortex", "weights")
    True
    >>> derive_seed(7, "cortex", "weights") == derive_seed(7, "cortex", "bias")
    False
    """
    text = "\x1f".join([str(int(seed)), *(str(name) for name in names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


def stream(seed: int, *names: str | int) -> torch.Generator:
    """A CPU generator for the stream with this name.

    Args:
        seed: The one seed of the run.
        names: Path of whoever asks, such as ``("cortex", "weights")``.

    >>> a = torch.rand(3, generator=stream(7, "cortex"))
    >>> b = torch.rand(3, generator=stream(7, "cortex"))
    >>> bool((a == b).all())
    True
    """
    return torch.Generator().manual_seed(derive_seed(seed, *names))


def _multiply(factor: int, words: Tensor) -> tuple[Tensor, Tensor]:
    """High and low 32 bits of ``factor * words``; int64 wraps, which keeps the bits right."""
    product = words * factor
    return (product >> 32) & _MASK, product & _MASK


def philox(counter: tuple[Tensor, Tensor, Tensor, Tensor], key: tuple[Tensor, Tensor]) -> Tensor:
    """Philox4x32-10: four random 32-bit words for each counter and key.

    Args:
        counter: Four int64 tensors holding 32-bit words; they broadcast against each other.
        key: Two int64 tensors holding 32-bit words.

    Returns:
        int64 tensor of 32-bit words, shape ``[*broadcast, 4]``.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(_ROUNDS):
        high0, low0 = _multiply(_MULTIPLIERS[0], c0)
        high1, low1 = _multiply(_MULTIPLIERS[1], c2)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0 = (k0 + _WEYL[0]) & _MASK
        k1 = (k1 + _WEYL[1]) & _MASK
    return torch.stack(torch.broadcast_tensors(c0, c1, c2, c3), dim=-1)


def counter_uniform(seed: Tensor, counter: Tensor, n: int) -> Tensor:
    """Uniform numbers in [0, 1) drawn from a counter instead of a generator.

    Args:
        seed: int64 ``[batch]``, the seed of each row.
        counter: int64 ``[batch]``, how many draws each row has made; add one after each call.
        n: How many numbers a row.

    Returns:
        float32 ``[batch, n]`` with 24 random bits each.

    >>> seed, counter = torch.tensor([3]), torch.tensor([0])
    >>> counter_uniform(seed, counter, 2).shape
    torch.Size([1, 2])
    """
    blocks = torch.arange((n + 3) // 4, device=seed.device)
    seed, counter = seed[:, None], counter[:, None]
    words = philox(
        (blocks[None, :], counter & _MASK, (counter >> 32) & _MASK, torch.zeros_like(counter)),
        (seed & _MASK, (seed >> 32) & _MASK),
    )
    # 24 bits are what a float32 in [0, 1) holds exactly.
    return (words.flatten(1)[:, :n] >> 8).to(torch.float32) * 2.0**-24
