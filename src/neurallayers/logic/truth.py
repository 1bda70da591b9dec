"""Truth as an interval: what is at least true and what is at most true.

A degree of truth alone cannot tell *unknown* from *half true*, nor either from *both said and
denied*. Bounds [lower, upper] can (Riegel et al. 2020, "Logical Neural Networks",
arXiv:2006.13155, section 3): with a threshold alpha in (1/2, 1] they are read as

===============  ==========================  ==========================
reading          lower                       upper
===============  ==========================  ==========================
true             in [alpha, 1]               in [alpha, 1]
false            in [0, 1 - alpha]           in [0, 1 - alpha]
unknown          in [0, 1 - alpha]           in [alpha, 1]
contradictory    above upper                 below lower
uncertain        any other pair of bounds
===============  ==========================  ==========================
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from neurallayers.errors import InvalidInput

ROUNDING = 1e-8
"""Bounds that cross by no more than this do so by rounding, and contradict nothing."""


class Reading(Enum):
    """What bounds say about a statement."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"
    UNCERTAIN = "uncertain"
    CONTRADICTORY = "contradictory"


@dataclass(frozen=True, slots=True)
class Bounds:
    """The degree of truth is at least ``lower`` and at most ``upper``.

    Args:
        lower: Between 0 and 1.
        upper: Between 0 and 1; below ``lower`` it says that the statement is contradicted.

    Raises:
        InvalidInput: If a bound is no number between 0 and 1.

    >>> Bounds(0.9, 1.0).reading(alpha=0.8)
    <Reading.TRUE: 'true'>
    >>> Bounds(0.9, 0.2).is_contradictory, Bounds(0.0, 1.0).uncertainty
    (True, 1.0)
    """

    lower: float = 0.0
    upper: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "lower", _degree(self.lower, "lower"))
        object.__setattr__(self, "upper", _degree(self.upper, "upper"))

    def reading(self, alpha: float = 1.0) -> Reading:
        """What the bounds say where at least ``alpha`` counts as true and 1 - alpha as false.

        Raises:
            InvalidInput: If alpha is not above 1/2 and at most 1.
        """
        if not 0.5 < alpha <= 1.0:
            raise InvalidInput(
                f"alpha is {alpha!r}.", "The threshold of truth is above 0.5 and at most 1."
            )
        if self.is_contradictory:
            return Reading.CONTRADICTORY
        true, false = alpha - ROUNDING, 1.0 - alpha + ROUNDING
        if self.lower >= true:
            return Reading.TRUE
        if self.upper <= false:
            return Reading.FALSE
        ignorant = self.lower <= false and self.upper >= true
        return Reading.UNKNOWN if ignorant else Reading.UNCERTAIN

    @property
    def is_contradictory(self) -> bool:
        """Whether the statement is said more than it is left possible: lower above upper."""
        return self.lower > self.upper + ROUNDING

    @property
    def contradiction(self) -> float:
        """By how much the bounds cross; 0 where they do not."""
        return max(0.0, self.lower - self.upper)

    @property
    def uncertainty(self) -> float:
        """How far the bounds lie apart: 0 for a known degree, 1 for ignorance."""
        return max(0.0, self.upper - self.lower)

    @property
    def middle(self) -> float:
        """The degree halfway between the bounds."""
        return 0.5 * (self.lower + self.upper)

    def meet(self, other: Bounds) -> Bounds:
        """What both bounds say together."""
        return Bounds(max(self.lower, other.lower), min(self.upper, other.upper))

    def __str__(self) -> str:
        if self.lower == self.upper:
            return f"{self.lower:.4g}"
        return f"[{self.lower:.4g}, {self.upper:.4g}]"


Truth: TypeAlias = Bounds | float | tuple[float, float]


def bounds_of(truth: Truth) -> Bounds:
    """Bounds of a degree, of a pair or of a truth value.

    Raises:
        InvalidInput: If it is none of these, or out of range.

    >>> bounds_of(0.7), bounds_of(True), bounds_of((0.2, 0.9))
    (Bounds(lower=0.7, upper=0.7), Bounds(lower=1.0, upper=1.0), Bounds(lower=0.2, upper=0.9))
    """
    if isinstance(truth, Bounds):
        return truth
    if isinstance(truth, tuple | list):
        if len(truth) != 2:
            raise InvalidInput(f"{truth!r} are no bounds.", "Give (lower, upper) or one degree.")
        return Bounds(*truth)
    return Bounds(truth, truth)


def _degree(value: object, which: str) -> float:
    """A degree as a plain float; numbers of numpy and torch are taken for what they hold."""
    try:
        degree = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError):
        degree = math.nan
    if not 0.0 <= degree <= 1.0 or isinstance(value, str):
        raise InvalidInput(
            f"The {which} bound is {value!r}.", "A degree of truth is a number between 0 and 1."
        )
    return degree


TRUE = Bounds(1.0, 1.0)
FALSE = Bounds(0.0, 0.0)
UNKNOWN = Bounds(0.0, 1.0)
"""What an open world says of an atom that nobody mentions; a closed world says FALSE."""
