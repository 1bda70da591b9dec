"""Operators of the prototypes of this project, as options with their definitions.

* **Phi activation**: exp(-|x|^2 / (2 sigma^2)) with sigma the golden ratio, a Gaussian of a
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

import functools
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from neurallayers.errors import InvalidInput, UnknownName
from neurallayers.logic.semantics import (
    SEMANTICS,
    Degree,
    Product,
    at_most,
    greatest,
    least,
    ratio,
    where,
)
from neurallayers.registry import nearest_name

GOLDEN_RATIO = (1.0 + math.sqrt(5.0)) / 2.0


def phi_activation(x: Tensor, *, sigma: float = GOLDEN_RATIO, dim: int | None = None) -> Tensor:
    """exp(-|x|^2 / (2 sigma^2)): how true it is that x is zero.

    Args:
        x: Differences, of any shape.
        sigma: The width; the golden ratio unless told.
        dim: The axis along which |x| is a length; None where each number stands alone.

    Raises:
        InvalidInput: If sigma is not positive.

    >>> phi_activation(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 0.8261])
    """
    if not sigma > 0.0 or not math.isfinite(sigma):
        raise InvalidInput(f"sigma is {sigma!r}.", "The width of the activation is positive.")
    squared = x**2 if dim is None else (x**2).sum(dim=dim)
    return torch.exp(-squared / (2.0 * sigma**2))


def cognitive_product(first: Degree, second: Degree) -> Degree:
    """The cognitive tensor product a b / sqrt(1 + a^2 + b^2), of floats or tensors.

    >>> round(cognitive_product(1.0, 1.0), 4), cognitive_product(0.0, 1.0)
    (0.5774, 0.0)
    """
    return first * second / (1.0 + (first**2 + second**2)) ** 0.5


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


@SEMANTICS.register("cognitive")
class Cognitive(Product):
    """Conjunction by the cognitive tensor product, disjunction as in product semantics.

    (By its own dual, two falsehoods would make a disjunction that is 0.42 true.) The residuum
    solves a x / sqrt(1 + a^2 + x^2) = c: x = c sqrt((1 + a^2) / (a^2 - c^2)). Weights are
    exponents, as with the product.
    """

    name = "cognitive"

    @property
    def dual(self) -> Product:
        """Product semantics, which joins alternatives."""
        return Product()

    def implication(self, premise: Degree, conclusion: Degree) -> Degree:
        """The greatest x with cognitive_product(premise, x) at most the conclusion."""
        limit = premise / (2.0 + premise**2) ** 0.5
        square = ratio(conclusion**2 * (1.0 + premise**2), premise**2 - conclusion**2)
        return where(at_most(limit, conclusion), 1.0, least(1.0, _root(square)))

    def conjunct_at_least(self, whole: Degree, others: Degree) -> Degree:
        """The least x with cognitive_product(x, others) at least the whole."""
        square = ratio(whole**2 * (1.0 + others**2), others**2 - whole**2)
        return where(at_most(whole, 0.0), 0.0, least(1.0, _root(square)))

    def conclusion_at_most(self, whole: Degree, premise: Degree) -> Degree:
        """The greatest conclusion for an implication of at most the whole."""
        return where(at_most(1.0, whole), 1.0, cognitive_product(premise, whole))

    def premise_at_least(self, whole: Degree, conclusion: Degree) -> Degree:
        """The least premise for an implication of at most the whole."""
        return where(at_most(1.0, whole), 0.0, self.conjunct_at_least(conclusion, whole))

    def _join(self, degrees: Sequence[Degree]) -> Degree:
        return functools.reduce(cognitive_product, degrees)


def _root(square: Degree) -> Degree:
    """A square root with a gradient that is finite at 0."""
    if isinstance(square, Tensor):
        safe = torch.where(square > 0.0, square, torch.ones_like(square))
        return torch.where(square > 0.0, torch.sqrt(safe), torch.zeros_like(square))
    return math.sqrt(greatest(0.0, square))
