"""The chance in dreams: numbers that depend on seed, counter and place of the dream alone.

Every dream has a stream of its own, so that the first dreams of a longer night are those of a
shorter one, and no dream depends on who else dreams. The words come from Philox4x32-10
(:mod:`~neurallayers.seeding`) at the counter ``(block, counter, counter >> 32, dream + 1)``:
:func:`~neurallayers.seeding.counter_uniform`, which has 0 in the last place, never draws them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from neurallayers.seeding import philox

# So many dreams' numbers stay in a processor's cache, which makes them three times as fast.
DREAMS_AT_ONCE = 128
_MASK = 0xFFFFFFFF


class DreamNoise(NamedTuple):
    """What chance decides in some dreams."""

    chance: Tensor  # [batch, dream], uniform in [0, 1)
    normal: Tensor  # [batch, dream, normal], standard normal


def dream_noise(seed: Tensor, counter: Tensor, dreams: int, normals: int) -> DreamNoise:
    """Numbers for so many dreams, float32.

    Args:
        seed: int64 ``[batch]``, the seed of each row.
        counter: int64 ``[batch]``, the number of the night of each row.
        dreams: How many dreams.
        normals: How many normal numbers each needs.

    >>> noise = dream_noise(torch.tensor([1]), torch.tensor([0]), dreams=3, normals=5)
    >>> noise.chance.shape, noise.normal.shape
    (torch.Size([1, 3]), torch.Size([1, 3, 5]))
    """
    chance = torch.empty(len(seed), dreams)
    normal = torch.empty(len(seed), dreams, normals)
    pairs = (normals + 1) // 2
    for row in range(len(seed)):
        for places in torch.arange(dreams).split(DREAMS_AT_ONCE):
            some = _uniform(seed[row], counter[row], places, 1 + 2 * pairs)
            chance[row, places] = some[:, 0]
            normal[row, places] = box_muller(some[:, 1 : 1 + pairs], some[:, 1 + pairs :])[
                :, :normals
            ]
    return DreamNoise(chance, normal)


def box_muller(first: Tensor, second: Tensor) -> Tensor:
    """Two standard normal numbers from two uniform ones in [0, 1), joined on the last axis.

    Source: Box & Muller (1958), Ann. Math. Stat. 29:610, eq. 1.
    """
    radius = torch.sqrt(-2.0 * torch.log1p(-first))
    angle = (2.0 * math.pi) * second
    return torch.cat([radius * torch.cos(angle), radius * torch.sin(angle)], dim=-1)


def _uniform(seed: Tensor, counter: Tensor, dreams: Tensor, n: int) -> Tensor:
    blocks = torch.arange((n + 3) // 4)
    words = philox(
        (blocks[None], counter & _MASK, (counter >> 32) & _MASK, dreams[:, None] + 1),
        (seed & _MASK, (seed >> 32) & _MASK),
    )
    # 24 bits are what a float32 in [0, 1) holds exactly.
    return (words.flatten(1)[:, :n] >> 8).to(torch.float32) * 2.0**-24
