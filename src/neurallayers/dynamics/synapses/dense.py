"""Dense synapses: a matrix between two layers, without memory."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurallayers.dynamics.cell import CELLS, MemorylessCell
from neurallayers.errors import InvalidInput
from neurallayers.seeding import stream


def random_weights(shape: tuple[int, ...], fan_in: int, gain: float, seed: int) -> nn.Parameter:
    """Gaussian weights with standard deviation gain / sqrt(fan_in).

    Source: LeCun, Bottou, Orr & Mueller (1998), Efficient BackProp, section 4.6 (gain 1).
    """
    weights = torch.randn(*shape, generator=stream(seed, "weights"))
    return nn.Parameter(weights * (gain / fan_in**0.5))


def on_cache_lines(rows: Tensor) -> Tensor:
    """Rows filled with zeros to a multiple of 16 numbers, so that each starts on a cache line.

    Products of few outputs take another order of summation for rows that start elsewhere, so that
    the last bit of a result would depend on its place in the batch.
    """
    missing = -rows.shape[-1] % 16
    return functional.pad(rows, (0, missing)) if missing else rows


def product(rows: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``rows W^T + b``, to the same bits wherever a row stands in the batch."""
    if weight.shape[0] < 16:  # larger ones were never seen to differ
        rows, weight = on_cache_lines(rows), on_cache_lines(weight)
    return functional.linear(rows, weight, bias)


@CELLS.register("Linear")
class Linear(MemorylessCell):
    """Every sender joined to every receiver: ``y = x W^T + b``.

    Args:
        n_in: Number of senders.
        n_out: Number of receivers.
        bias: Whether each receiver has a constant input of its own.
        gain: Standard deviation of the weights times sqrt(n_in).
        seed: Seed of the weights.

    Raises:
        InvalidInput: If a size is smaller than one.

    >>> Linear(3, 2).run(torch.zeros(5, 1, 3))[0].shape
    torch.Size([5, 1, 2])
    """

    def __init__(
        self, n_in: int, n_out: int, *, bias: bool = True, gain: float = 1.0, seed: int = 0
    ) -> None:
        super().__init__()
        if min(n_in, n_out) < 1:
            raise InvalidInput(f"Linear({n_in}, {n_out}).", "Both sizes must be at least one.")
        self.in_shape, self.out_shape = (n_in,), (n_out,)
        self.weight = random_weights((n_out, n_in), n_in, gain, seed)
        self.bias = nn.Parameter(torch.zeros(n_out)) if bias else None

    def map_frames(self, frames: Tensor) -> Tensor:
        """One matrix product over all rows."""
        return product(frames, self.weight, self.bias)
