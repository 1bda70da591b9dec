"""Operators of the prototypes of this project, as options with their definitions.

* **Phi activation**: ``exp(-|x|^2 / (2 sigma^2))`` with sigma the golden ratio, a Gaussian of a
  distance read as a degree of truth: 1 at no distance, 0.83 at 1, 0.15 at pi.
* **Cognitive tensor product**: a b / sqrt(1 + a^2 + b^2), in place of a conjunction. With
  g(a) = 1 + 1 / a^2 it is the operation g(a * b) = g(a) g(b): monotone, commutative, associative
  and below both operands, but not neutral to truth (1 with 1 gives 1 / sqrt 3 = 0.577). It is a
  t-subnorm and no t-norm: each step of a chain of rules loses truth.
* **Fibonacci weights**: premises weigh 1, 1, 2, 3, 5, ... in the order in which they stand, scaled
  so that their mean is 1: the last premises decide.

What they change is measured by ``benchmarks/logic_operators.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from neurallayers.errors import InvalidInput, UnknownName
from neurallayers.logic.semantics import cognitive_product
from neurallayers.registry import nearest_name

__all__ = [
    "GOLDEN_RATIO",
    "cognitive_product",
    "fibonacci_weights",
    "phi_activation",
    "premise_weights_named",
]

GOLDEN_RATIO = (1.0 + math.sqrt(5.0)) / 2.0


def phi_activation(x: Tensor, *, sigma: float = GOLDEN_RATIO, dim: int | None = None) -> Tensor:
    """``exp(-|x|^2 / (2 sigma^2))``: how true it is that x is zero.

    Args:
        x: Differences, of any shape.
        sigma: The width; the golden ratio unless told.
        dim: The axis along which ``|x|`` is a length; None where each number stands alone.

    Raises:
        InvalidInput: If sigma is not positive.

    >>> phi_activation(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 0.8261])
    """
    if not sigma > 0.0 or not math.isfinite(sigma):
        raise InvalidInput(f"sigma is {sigma!r}.", "The width of the activation is positive.")
    squared = x**2 if dim is None else (x**2).sum(dim=dim)
    return torch.exp(-squared / (2.0 * sigma**2))


def fibonacci_weights(count: int) -> list[float]:
    """1, 1, 2, 3, 5, ... scaled to a mean of 1.

    Raises:
        InvalidInput: If the count is negative.

    >>> [round(weight, 3) for weight in fibonacci_weights(4)]
    [0.571, 0.571, 1.143, 1.714]
    """
    if count < 0:
        raise InvalidInput(f"There are {count} premises.", "Count premises from 0.")
    numbers: list[float] = []
    for place in range(count):
        numbers.append(1.0 if place < 2 else numbers[-1] + numbers[-2])
    total = sum(numbers)
    return [number * count / total for number in numbers]


def premise_weights_named(
    weighting: str | Callable[[int], Sequence[float]] | None,
) -> Callable[[int], Sequence[float]] | None:
    """The function from a number of premises to their weights; None for all alike.

    Raises:
        UnknownName: If there is no weighting of that name.
    """
    if weighting is None or weighting == "uniform":
        return None
    if weighting == "fibonacci":
        return fibonacci_weights
    if not callable(weighting):
        raise UnknownName(
            f"There are no premise weights called {weighting!r}.",
            nearest_name(str(weighting), ["fibonacci", "uniform"]),
        )
    return weighting
