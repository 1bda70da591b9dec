"""Inference on one connective: from its operands upwards to it, and from it downwards to them.

Upwards, a connective turns the bounds of its operands into its own: conjunction, disjunction and
both ends of an implication are monotone, so that the extreme degrees of the operands give the
extreme degrees of the whole. Downwards, the bounds of the whole and of the other operands bound one
operand (Riegel et al. 2020, section 4: modus ponens, modus tollens, conjunctive and disjunctive
syllogism). Both only ever say what follows: bounds are met, never widened.

Bounds are floats or tensors, as in :mod:`neurallayers.logic.semantics`.

>>> from neurallayers.logic.semantics import semantics_named
>>> goedel = semantics_named("goedel")
>>> upward(Connective.IMPLIES, goedel, [1.0, 0.2], [1.0, 0.4])        # lower bounds, upper bounds
(0.2, 0.4)
>>> downward(Connective.IMPLIES, goedel, 1.0, 1.0, [0.9, 0.0], [1.0, 1.0])[1]    # modus ponens
(0.9, 1.0)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import TypeAlias

from torch import Tensor

from neurallayers.logic.semantics import Degree, Semantics, greatest, least, where
from neurallayers.logic.truth import ROUNDING


class Connective(Enum):
    """What a compound formula does with its operands."""

    NOT = "not"
    AND = "and"
    OR = "or"
    IMPLIES = "implies"
    IFF = "iff"
    XOR = "xor"
    ALL = "all"
    ANY = "any"


Interval: TypeAlias = tuple[Degree, Degree]
Weights: TypeAlias = Sequence[Degree] | None


def upward(
    connective: Connective,
    semantics: Semantics,
    lower: Sequence[Degree],
    upper: Sequence[Degree],
    weights: Weights = None,
) -> Interval:
    """The bounds of the whole that follow from those of its operands.

    Args:
        connective: How the operands are joined.
        semantics: What joining does to degrees.
        lower: Lower bound of each operand.
        upper: Upper bound of each operand.
        weights: How much each operand of a conjunction or disjunction matters.
    """
    match connective:
        case Connective.NOT:
            return 1.0 - upper[0], 1.0 - lower[0]
        case Connective.AND:
            return (
                semantics.conjunction(*lower, weights=weights),
                semantics.conjunction(*upper, weights=weights),
            )
        case Connective.OR:
            return (
                semantics.disjunction(*lower, weights=weights),
                semantics.disjunction(*upper, weights=weights),
            )
        case Connective.IMPLIES:
            return semantics.implication(upper[0], lower[1]), semantics.implication(
                lower[0], upper[1]
            )
        case Connective.IFF:
            return _equivalence(semantics, lower, upper)
        case Connective.XOR:
            return _Exclusion(semantics, lower, upper).whole
        case Connective.ALL:
            return _fold(least, lower), _fold(least, upper)
        case Connective.ANY:
            return _fold(greatest, lower), _fold(greatest, upper)


def downward(
    connective: Connective,
    semantics: Semantics,
    lower: Degree,
    upper: Degree,
    operand_lower: Sequence[Degree],
    operand_upper: Sequence[Degree],
    weights: Weights = None,
) -> list[Interval]:
    """The bounds of each operand that follow from those of the whole and of the other operands.

    Args:
        connective: How the operands are joined.
        semantics: What joining does to degrees.
        lower: Lower bound of the whole.
        upper: Upper bound of the whole.
        operand_lower: Lower bound of each operand.
        operand_upper: Upper bound of each operand.
        weights: How much each operand of a conjunction or disjunction matters.

    Returns:
        For each operand what follows; where nothing does, 0 and 1.
    """
    match connective:
        case Connective.NOT:
            return [(1.0 - upper, 1.0 - lower)]
        case Connective.AND:
            return _conjuncts(semantics, lower, upper, operand_lower, operand_upper, weights)
        case Connective.OR:
            denied = _conjuncts(
                semantics.dual,
                1.0 - upper,
                1.0 - lower,
                [1.0 - bound for bound in operand_upper],
                [1.0 - bound for bound in operand_lower],
                weights,
            )
            return [(1.0 - high, 1.0 - low) for low, high in denied]
        case Connective.IMPLIES:
            premise = (
                semantics.premise_at_least(upper, operand_lower[1]),
                semantics.premise_at_most(lower, operand_upper[1]),
            )
            conclusion = (
                semantics.conclusion_at_least(lower, operand_lower[0]),
                semantics.conclusion_at_most(upper, operand_upper[0]),
            )
            return [premise, conclusion]
        case Connective.IFF:
            return _equivalents(semantics, lower, upper, operand_lower, operand_upper)
        case Connective.XOR:
            return _Exclusion(semantics, operand_lower, operand_upper).operands(lower, upper)
        case Connective.ALL:
            return _instances(lower, upper, operand_lower)
        case Connective.ANY:
            denied = _instances(1.0 - upper, 1.0 - lower, [1.0 - bound for bound in operand_upper])
            return [(1.0 - high, 1.0 - low) for low, high in denied]


def _equivalence(
    semantics: Semantics, lower: Sequence[Degree], upper: Sequence[Degree]
) -> Interval:
    """Farthest apart the operands are least equivalent; where they overlap they may be equal."""
    low = least(
        semantics.implication(upper[0], lower[1]), semantics.implication(upper[1], lower[0])
    )
    high = least(
        semantics.implication(lower[0], upper[1]), semantics.implication(lower[1], upper[0])
    )
    return low, high


class _Exclusion:
    """Inference on "a and not b, or b and not a", step by step through its parts."""

    def __init__(
        self, semantics: Semantics, lower: Sequence[Degree], upper: Sequence[Degree]
    ) -> None:
        self.semantics = semantics
        (a_low, b_low), (a_high, b_high) = lower, upper
        self.sides = (
            ([a_low, 1.0 - b_high], [a_high, 1.0 - b_low]),
            ([1.0 - a_high, b_low], [1.0 - a_low, b_high]),
        )
        parts = [upward(Connective.AND, semantics, *side) for side in self.sides]
        self.low, self.high = [low for low, _ in parts], [high for _, high in parts]

    @property
    def whole(self) -> Interval:
        return upward(Connective.OR, self.semantics, self.low, self.high)

    def operands(self, lower: Degree, upper: Degree) -> list[Interval]:
        parts = downward(Connective.OR, self.semantics, lower, upper, self.low, self.high)
        found = [
            downward(
                Connective.AND,
                self.semantics,
                greatest(self.low[place], part[0]),
                least(self.high[place], part[1]),
                *self.sides[place],
            )
            for place, part in enumerate(parts)
        ]
        (a, not_b), (not_a, b) = found
        return [
            (greatest(a[0], 1.0 - not_a[1]), least(a[1], 1.0 - not_a[0])),
            (greatest(b[0], 1.0 - not_b[1]), least(b[1], 1.0 - not_b[0])),
        ]


def _conjuncts(
    semantics: Semantics,
    lower: Degree,
    upper: Degree,
    operand_lower: Sequence[Degree],
    operand_upper: Sequence[Degree],
    weights: Weights,
) -> list[Interval]:
    """Bounds of the operands of a conjunction, which its weights first weaken."""
    if weights is not None:
        operand_lower = [
            semantics.weaken(a, w) for a, w in zip(operand_lower, weights, strict=True)
        ]
        operand_upper = [
            semantics.weaken(a, w) for a, w in zip(operand_upper, weights, strict=True)
        ]
    # A conjunction of many is one of two after another: down the same steps that lead up.
    low_so_far = [semantics.conjunction(operand_lower[0])]
    high_so_far = [semantics.conjunction(operand_upper[0])]
    for low, high in zip(operand_lower[1:-1], operand_upper[1:-1], strict=True):
        low_so_far.append(semantics.conjunction(low_so_far[-1], low))
        high_so_far.append(semantics.conjunction(high_so_far[-1], high))
    found: list[Interval] = []
    for place in range(len(operand_lower) - 1, 0, -1):
        low_others, high_others = low_so_far[place - 1], high_so_far[place - 1]
        found.append(
            (
                semantics.conjunct_at_least(lower, high_others),
                semantics.conjunct_at_most(upper, low_others),
            )
        )
        lower, upper = (
            greatest(low_others, semantics.conjunct_at_least(lower, operand_upper[place])),
            least(high_others, semantics.conjunct_at_most(upper, operand_lower[place])),
        )
    found.append((lower, upper))
    found.reverse()
    if weights is None:
        return found
    return [_unweighted(semantics, *pair, w) for pair, w in zip(found, weights, strict=True)]


def _unweighted(semantics: Semantics, low: Degree, high: Degree, weight: Degree) -> Interval:
    """Bounds of an operand from those of what its weight has made of it."""
    # A lower bound of 0 asks for nothing, also where the weight brings an operand below 0.
    at_least = where(low > 0.0, semantics.weakened_at_least(low, weight), 0.0)
    at_most = where(high < 1.0, semantics.weakened_at_most(high, weight), 1.0)
    return _clamped(at_least), _clamped(at_most)


def _equivalents(
    semantics: Semantics,
    lower: Degree,
    upper: Degree,
    operand_lower: Sequence[Degree],
    operand_upper: Sequence[Degree],
) -> list[Interval]:
    """Bounds of the operands of an equivalence, from both implications and from its denial."""
    found = []
    for own, other in ((0, 1), (1, 0)):
        low = semantics.conclusion_at_least(lower, operand_lower[other])
        high = semantics.premise_at_most(lower, operand_upper[other])
        # Where they are not equivalent, one is clearly above the other; if only one side can be,
        # its bound follows.
        if_above = semantics.premise_at_least(upper, operand_lower[other])
        if_below = semantics.conclusion_at_most(upper, operand_upper[other])
        most_above = semantics.implication(operand_upper[own], operand_lower[other])
        most_below = semantics.implication(operand_upper[other], operand_lower[own])
        denied = upper < 1.0
        cannot_be_above = most_above > upper + ROUNDING
        cannot_be_below = most_below > upper + ROUNDING
        low = greatest(low, where(_both(denied, cannot_be_below), if_above, 0.0))
        high = least(high, where(_both(denied, cannot_be_above), if_below, 1.0))
        found.append((low, high))
    return found


def _instances(lower: Degree, upper: Degree, operand_lower: Sequence[Degree]) -> list[Interval]:
    """Bounds of the instances of "for all": none is below the whole, and one must bring it down."""
    others = leaving_one_out(lambda *bounds: _fold(least, bounds), operand_lower)
    return [(lower, where(rest > upper, upper, 1.0)) for rest in others]


def leaving_one_out(join: Callable[..., Degree], operands: Sequence[Degree]) -> list[Degree]:
    """For each operand the join of all others (1 where there are none), in linear time."""
    count = len(operands)
    if count == 1:
        return [1.0]
    if count == 2:
        return [operands[1], operands[0]]
    after = [operands[-1]]
    for operand in reversed(operands[1:-1]):
        after.append(join(operand, after[-1]))
    after.reverse()
    found, before = [after[0]], operands[0]
    for index in range(1, count - 1):
        found.append(join(before, after[index]))
        before = join(before, operands[index])
    return [*found, before]


def _fold(choose: Callable[[Degree, Degree], Degree], degrees: Sequence[Degree]) -> Degree:
    chosen = degrees[0]
    for degree in degrees[1:]:
        chosen = choose(chosen, degree)
    return chosen


def _clamped(degree: Degree) -> Degree:
    return least(1.0, greatest(0.0, degree))


def _both(first: Degree, second: Degree) -> Degree:
    if isinstance(first, Tensor) or isinstance(second, Tensor):
        return first & second
    return first and second
