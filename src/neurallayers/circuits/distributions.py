"""Numbers that differ from cell to cell or synapse to synapse: how they are drawn.

A distribution is a value: it says what is drawn, not from which generator. Whoever draws hands the
generator in, named after what is drawn, so that nothing elsewhere changes it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.seeding import derive_seed

Numbers = NDArray[np.float64]


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """NumPy's generator for the stream with this name, independent of all other names.

    >>> a = generator(7, "cortex", "weights").random(3)
    >>> bool((a == generator(7, "cortex", "weights").random(3)).all())
    True
    """
    return np.random.Generator(np.random.PCG64(derive_seed(seed, *names)))


class Distribution(ABC):
    """Something numbers can be drawn from."""

    @abstractmethod
    def draw(self, numbers: np.random.Generator, size: int) -> Numbers:
        """So many numbers, float64."""


def _finite(**values: float) -> None:
    for name, value in values.items():
        if not math.isfinite(value):
            raise InvalidInput(f"{name} is {value}.", "It must be a finite number.")


@dataclass(frozen=True)
class Uniform(Distribution):
    """Evenly between two numbers.

    Raises:
        InvalidInput: If the bounds are not finite or not in order.

    >>> Uniform(-60.0, -50.0).draw(generator(1, "potential"), 2).shape
    (2,)
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _finite(low=self.low, high=self.high)
        if self.low > self.high:
            raise InvalidInput(
                f"Uniform from {self.low} to {self.high}.", "Give the smaller number first."
            )

    def draw(self, numbers: np.random.Generator, size: int) -> Numbers:
        """Evenly distributed numbers."""
        return numbers.uniform(self.low, self.high, size)


@dataclass(frozen=True)
class Normal(Distribution):
    """A normal distribution; what falls outside of the bounds is drawn again.

    Raises:
        InvalidInput: If a number is not finite, the deviation negative, or the bounds leave less
            than a thousandth of the distribution.
    """

    mean: float
    deviation: float
    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        _finite(mean=self.mean, deviation=self.deviation)
        if self.deviation < 0.0:
            raise InvalidInput(f"deviation is {self.deviation}.", "It must not be negative.")
        if self._inside() < 1e-3:
            raise InvalidInput(
                f"Between {self.low} and {self.high} lies {self._inside():.1e} of a normal "
                f"distribution with mean {self.mean} and deviation {self.deviation}.",
                "Choose bounds around the mean.",
            )

    def _inside(self) -> float:
        if self.deviation == 0.0:
            return float(self.low <= self.mean <= self.high)
        below, above = ((b - self.mean) / self.deviation for b in (self.low, self.high))
        return 0.5 * (math.erf(above / math.sqrt(2.0)) - math.erf(below / math.sqrt(2.0)))

    def draw(self, numbers: np.random.Generator, size: int) -> Numbers:
        """Normally distributed numbers within the bounds."""
        drawn = numbers.normal(self.mean, self.deviation, size)
        outside = np.flatnonzero((drawn < self.low) | (drawn > self.high))
        while outside.size:
            again = numbers.normal(self.mean, self.deviation, outside.size)
            drawn[outside] = again
            outside = outside[(again < self.low) | (again > self.high)]
        return drawn


@dataclass(frozen=True)
class LogNormal(Distribution):
    """Numbers whose logarithm is normal, given by their own mean and deviation.

    Raises:
        InvalidInput: If the mean is not positive or the deviation negative.
    """

    mean: float
    deviation: float

    def __post_init__(self) -> None:
        _finite(mean=self.mean, deviation=self.deviation)
        if self.mean <= 0.0 or self.deviation < 0.0:
            raise InvalidInput(
                f"mean is {self.mean}, deviation {self.deviation}.",
                "The mean must be positive, the deviation not negative.",
            )

    def draw(self, numbers: np.random.Generator, size: int) -> Numbers:
        """Log-normally distributed numbers."""
        variance = math.log1p((self.deviation / self.mean) ** 2)
        return numbers.lognormal(math.log(self.mean) - 0.5 * variance, math.sqrt(variance), size)


Values = float | Distribution | NDArray[Any]


def drawn(values: Any, size: int, numbers: np.random.Generator, what: str) -> Numbers:
    """Numbers for ``size`` items from one number, an array or a distribution.

    Raises:
        ShapeMismatch: If an array has another length.
        InvalidInput: If a number is not finite.
    """
    if isinstance(values, Distribution):
        return values.draw(numbers, size)
    array = np.asarray(values, dtype=np.float64)
    if array.ndim > 1 or (array.ndim == 1 and array.size != size):
        raise ShapeMismatch(
            f"{what} has shape {array.shape}, expected ({size},).",
            "Give one number, one for each, or a distribution such as Uniform(0.0, 1.0).",
        )
    if not np.isfinite(array).all():
        raise InvalidInput(f"{what} is not finite.", "Look for nan and inf among the numbers.")
    return np.broadcast_to(array, (size,)).astype(np.float64)
