"""Fuzzy semantics: what conjunction, disjunction, negation and implication do to degrees of truth.

==============  =====================  ====================  ======================================
semantics       conjunction a * b      disjunction a + b     implication a -> b (where a > b)
==============  =====================  ====================  ======================================
product         a b                    a + b - a b           b / a
goedel          min(a, b)              max(a, b)             b
lukasiewicz     max(0, a + b - 1)      min(1, a + b)         1 - a + b
==============  =====================  ====================  ======================================

An implication is 1 where a <= b: it is the residuum of its conjunction, the greatest c with
a * c <= b. Negation is 1 - a, so that the laws of De Morgan hold; the residual negation is a -> 0
(Hajek 1998, "Metamathematics of Fuzzy Logic", chapters 2 to 4).

Weights say how much an operand matters: 1 as much as without weights, 0 not at all. A weighted
operand is first weakened towards truth, then joined as usual (for disjunctions dually):

* lukasiewicz: a' = 1 - w (1 - a), so that a conjunction is max(0, min(1, 1 - sum w_i (1 - a_i))),
  equation 3 of Riegel et al. (2020) with bias 1;
* product: a' = a ** w; goedel: a' = max(1 - w, a) for w up to 1 (Yager 1981; Dubois & Prade 1986).

Degrees are floats, or tensors of any shapes that broadcast: the same formulas serve both, and
gradients reach degrees and weights.
"""

from __future__ import annotations

import functools
import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, TypeAlias

import torch
from torch import Tensor

from neurallayers.errors import InvalidInput
from neurallayers.registry import Registry

Degree: TypeAlias = Any
"""A float, or a tensor of degrees. (Any, as arithmetic of either gives either.)"""

SEMANTICS: Registry[Semantics] = Registry("fuzzy semantics")
"""Fuzzy semantics by name."""

_SPELLINGS = {"gödel": "goedel", "godel": "goedel", "łukasiewicz": "lukasiewicz"}


def semantics_named(name: str | Semantics) -> Semantics:
    """The semantics of that name (accents may be left out), or the one that is given.

    Raises:
        UnknownName: If there is none; the nearest name is suggested.

    >>> semantics_named("lukasiewicz").conjunction(0.75, 0.5)
    0.25
    """
    if isinstance(name, Semantics):
        return name
    lowered = str(name).lower()
    return SEMANTICS.make(_SPELLINGS.get(lowered, lowered))


class Semantics(ABC):
    """How degrees of truth are joined, and what the joined degree says about the parts.

    The methods of the second half answer: if the whole is at least (at most) so true, how true is
    one part at least (at most)? They are what inference downwards is made of.
    """

    name: ClassVar[str]

    @property
    def dual(self) -> Semantics:
        """The semantics whose conjunction is 1 less the disjunction of what is denied."""
        return self

    def conjunction(self, *degrees: Degree, weights: Sequence[Degree] | None = None) -> Degree:
        """The degree of "all of these"; 1 for none.

        Raises:
            InvalidInput: If there is not one weight for each degree.
        """
        return self._join(self._weighted(degrees, weights)) if degrees else 1.0

    def disjunction(self, *degrees: Degree, weights: Sequence[Degree] | None = None) -> Degree:
        """The degree of "at least one of these"; 0 for none.

        Raises:
            InvalidInput: If there is not one weight for each degree.
        """
        if not degrees:
            return 0.0
        if weights is None:
            return self._alternate(degrees)
        denied = [1.0 - degree for degree in degrees]
        return 1.0 - self.dual.conjunction(*denied, weights=weights)

    def negation(self, degree: Degree) -> Degree:
        """The degree of "not this": 1 - a."""
        return 1.0 - degree

    def residual_negation(self, degree: Degree) -> Degree:
        """The degree of "this implies falsehood"; for Goedel and product 0 where a is above 0."""
        return self.implication(degree, 0.0)

    @abstractmethod
    def implication(self, premise: Degree, conclusion: Degree) -> Degree:
        """The residuum of the conjunction: the greatest c with conjunction(premise, c) <= b."""

    def equivalence(self, left: Degree, right: Degree) -> Degree:
        """The degree of "both or neither": the conjunction of both implications."""
        return least(self.implication(left, right), self.implication(right, left))

    def exclusion(self, left: Degree, right: Degree) -> Degree:
        """The degree of "one and not the other": (a and not b) or (b and not a).

        In Lukasiewicz semantics this is ``|a - b|``, the negation of the equivalence; elsewhere the
        residual equivalence is too coarse to be denied (0.1 and 0 would be fully exclusive).
        """
        return self.disjunction(
            self.conjunction(left, 1.0 - right), self.conjunction(right, 1.0 - left)
        )

    @abstractmethod
    def weaken(self, degree: Degree, weight: Degree) -> Degree:
        """An operand of a conjunction as its weight lets it count: 1 for weight 0."""

    @abstractmethod
    def weakened_at_least(self, degree: Degree, weight: Degree) -> Degree:
        """The least a that is at least ``degree`` once it is weakened."""

    @abstractmethod
    def weakened_at_most(self, degree: Degree, weight: Degree) -> Degree:
        """The greatest a that is at most ``degree`` once it is weakened."""

    @abstractmethod
    def conjunct_at_least(self, whole: Degree, others: Degree) -> Degree:
        """The least a with conjunction(a, others) >= whole; 1 where there is none."""

    def conjunct_at_most(self, whole: Degree, others: Degree) -> Degree:
        """The greatest a with conjunction(a, others) <= whole."""
        return self.implication(others, whole)

    def disjunct_at_least(self, whole: Degree, others: Degree) -> Degree:
        """The least a with disjunction(a, others) >= whole."""
        return 1.0 - self.dual.conjunct_at_most(1.0 - whole, 1.0 - others)

    def disjunct_at_most(self, whole: Degree, others: Degree) -> Degree:
        """The greatest a with disjunction(a, others) <= whole; 0 where there is none."""
        return 1.0 - self.dual.conjunct_at_least(1.0 - whole, 1.0 - others)

    def conclusion_at_least(self, whole: Degree, premise: Degree) -> Degree:
        """Modus ponens: the least b with implication(premise, b) >= whole."""
        return self._join((premise, whole))

    def premise_at_most(self, whole: Degree, conclusion: Degree) -> Degree:
        """Modus tollens: the greatest a with implication(a, conclusion) >= whole."""
        return self.implication(whole, conclusion)

    @abstractmethod
    def conclusion_at_most(self, whole: Degree, premise: Degree) -> Degree:
        """The greatest b with implication(premise, b) <= whole; 1 where whole is 1."""

    @abstractmethod
    def premise_at_least(self, whole: Degree, conclusion: Degree) -> Degree:
        """The least a with implication(a, conclusion) <= whole; 0 where whole is 1."""

    @abstractmethod
    def _join(self, degrees: Sequence[Degree]) -> Degree:
        """The conjunction of one degree or more."""

    @abstractmethod
    def _alternate(self, degrees: Sequence[Degree]) -> Degree:
        """The disjunction of one degree or more."""

    def _weighted(
        self, degrees: Sequence[Degree], weights: Sequence[Degree] | None
    ) -> Sequence[Degree]:
        if weights is None:
            return degrees
        if len(weights) != len(degrees):
            raise InvalidInput(
                f"There are {len(weights)} weights for {len(degrees)} degrees.",
                "Give one weight for each operand.",
            )
        return [self.weaken(each, weight) for each, weight in zip(degrees, weights, strict=True)]


@SEMANTICS.register("product")
class Product(Semantics):
    """Degrees as independent chances: a conjunction multiplies."""

    name = "product"

    def implication(self, premise: Degree, conclusion: Degree) -> Degree:
        """1 where a <= b, else b / a (Goguen)."""
        return where(at_most(premise, conclusion), 1.0, ratio(conclusion, premise))

    def weaken(self, degree: Degree, weight: Degree) -> Degree:
        """The degree to the power of the weight."""
        return power(degree, weight)

    def weakened_at_least(self, degree: Degree, weight: Degree) -> Degree:
        """The root of the degree; 0 for weight 0, which asks for nothing."""
        return where(at_most(weight, 0.0), 0.0, power(degree, ratio(1.0, weight)))

    def weakened_at_most(self, degree: Degree, weight: Degree) -> Degree:
        """The root of the degree; 1 for weight 0, which allows everything."""
        return where(at_most(weight, 0.0), 1.0, power(degree, ratio(1.0, weight)))

    def conjunct_at_least(self, whole: Degree, others: Degree) -> Degree:
        """The whole over the others."""
        return where(at_most(whole, 0.0), 0.0, least(1.0, ratio(whole, others)))

    def conclusion_at_most(self, whole: Degree, premise: Degree) -> Degree:
        """The whole times the premise."""
        return where(at_most(1.0, whole), 1.0, whole * premise)

    def premise_at_least(self, whole: Degree, conclusion: Degree) -> Degree:
        """The conclusion over the whole."""
        asked = where(at_most(conclusion, 0.0), 0.0, least(1.0, ratio(conclusion, whole)))
        return where(at_most(1.0, whole), 0.0, asked)

    def _join(self, degrees: Sequence[Degree]) -> Degree:
        return functools.reduce(operator.mul, degrees)

    def _alternate(self, degrees: Sequence[Degree]) -> Degree:
        # In this form a disjunction with 0 or 1 is exact.
        return functools.reduce(lambda a, b: a + b * (1.0 - a), degrees)


@SEMANTICS.register("goedel")
class Goedel(Semantics):
    """Degrees as ranks: a conjunction is as true as its least true part."""

    name = "goedel"

    def implication(self, premise: Degree, conclusion: Degree) -> Degree:
        """1 where a <= b, else b."""
        return where(at_most(premise, conclusion), 1.0, conclusion)

    def weaken(self, degree: Degree, weight: Degree) -> Degree:
        """max(1 - w, a)."""
        return greatest(1.0 - least(weight, 1.0), degree)

    def weakened_at_least(self, degree: Degree, weight: Degree) -> Degree:
        """The degree itself where the weight does not already grant it."""
        return where(at_most(degree, 1.0 - least(weight, 1.0)), 0.0, degree)

    def weakened_at_most(self, degree: Degree, weight: Degree) -> Degree:
        """The degree itself; 1 for weight 0, which allows everything."""
        return where(at_most(weight, 0.0), 1.0, degree)

    def conjunct_at_least(self, whole: Degree, others: Degree) -> Degree:
        """The whole: no part is below it."""
        return whole + 0.0 * others if isinstance(others, Tensor) else whole

    def conclusion_at_most(self, whole: Degree, premise: Degree) -> Degree:
        """The whole, where it is below 1; the conclusion is then below the premise."""
        return where(at_most(1.0, whole), 1.0, least(whole, premise))

    def premise_at_least(self, whole: Degree, conclusion: Degree) -> Degree:
        """The conclusion, where the whole is below 1."""
        return where(at_most(1.0, whole), 0.0, conclusion)

    def _join(self, degrees: Sequence[Degree]) -> Degree:
        return functools.reduce(least, degrees)

    def _alternate(self, degrees: Sequence[Degree]) -> Degree:
        return functools.reduce(greatest, degrees)


@SEMANTICS.register("lukasiewicz")
class Lukasiewicz(Semantics):
    """Degrees as budgets of doubt: a conjunction adds what its parts lack."""

    name = "lukasiewicz"

    def implication(self, premise: Degree, conclusion: Degree) -> Degree:
        """min(1, 1 - a + b)."""
        # Without the question, rounding would leave a -> a below 1.
        return where(at_most(premise, conclusion), 1.0, 1.0 - premise + conclusion)

    def weaken(self, degree: Degree, weight: Degree) -> Degree:
        """1 - w (1 - a), which a weight above 1 may bring below 0."""
        return 1.0 - weight * (1.0 - degree)

    def weakened_at_least(self, degree: Degree, weight: Degree) -> Degree:
        """1 - (1 - a) / w; 0 for weight 0, which asks for nothing."""
        asked = greatest(0.0, 1.0 - ratio(1.0 - degree, weight))
        return where(at_most(weight, 0.0), 0.0, asked)

    def weakened_at_most(self, degree: Degree, weight: Degree) -> Degree:
        """1 - (1 - a) / w; 1 for weight 0, which allows everything."""
        return where(at_most(weight, 0.0), 1.0, 1.0 - ratio(1.0 - degree, weight))

    def conjunct_at_least(self, whole: Degree, others: Degree) -> Degree:
        """1 + whole - others."""
        return where(at_most(whole, 0.0), 0.0, least(1.0, 1.0 + whole - others))

    def conclusion_at_most(self, whole: Degree, premise: Degree) -> Degree:
        """The whole plus the premise less 1."""
        return where(at_most(1.0, whole), 1.0, greatest(0.0, whole + premise - 1.0))

    def premise_at_least(self, whole: Degree, conclusion: Degree) -> Degree:
        """1 - whole + conclusion."""
        return where(at_most(1.0, whole), 0.0, least(1.0, 1.0 - whole + conclusion))

    def _join(self, degrees: Sequence[Degree]) -> Degree:
        # A single operand may have been weakened below 0.
        return greatest(0.0, functools.reduce(_lukasiewicz, degrees))

    def _alternate(self, degrees: Sequence[Degree]) -> Degree:
        return least(1.0, functools.reduce(operator.add, degrees))


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


def cognitive_product(first: Degree, second: Degree) -> Degree:
    """The cognitive tensor product a b / sqrt(1 + a^2 + b^2), of floats or tensors.

    >>> round(cognitive_product(1.0, 1.0), 4), cognitive_product(0.0, 1.0)
    (0.5774, 0.0)
    """
    return first * second / (1.0 + (first**2 + second**2)) ** 0.5


def _lukasiewicz(first: Degree, second: Degree) -> Degree:
    """The conjunction max(0, a + b - 1), in a form in which 1 leaves the other operand exact."""
    return greatest(0.0, least(first, second) - (1.0 - greatest(first, second)))


def least(first: Degree, second: Degree) -> Degree:
    """The smaller of two degrees."""
    if (type(first) is float and type(second) is float) or not (
        isinstance(first, Tensor) or isinstance(second, Tensor)
    ):
        return first if first <= second else second
    return torch.minimum(*_tensors(first, second))


def greatest(first: Degree, second: Degree) -> Degree:
    """The larger of two degrees."""
    if (type(first) is float and type(second) is float) or not (
        isinstance(first, Tensor) or isinstance(second, Tensor)
    ):
        return first if first >= second else second
    return torch.maximum(*_tensors(first, second))


def at_most(first: Degree, second: Degree) -> Degree:
    """Whether the first is not above the second by more than rounding.

    Implications jump where premise and conclusion are equal, so that 1 - (1 - 0.3), which is a
    little more than 0.3, would be fully true and imply 0.3 only to degree 0.3.
    """
    if type(first) is float and type(second) is float:
        return first <= second + 1e-12
    for degree in (first, second):
        if isinstance(degree, Tensor) and degree.dtype != torch.float64:
            return first <= second + 1e-6
    return first <= second + 1e-12


def where(condition: Degree, then: Degree, otherwise: Degree) -> Degree:
    """``then`` where the condition holds, else ``otherwise``."""
    if condition is True:
        return then
    if condition is False:
        return otherwise
    if isinstance(condition, Tensor):
        return torch.where(condition, then, otherwise)
    return then if condition else otherwise


def ratio(above: Degree, below: Degree) -> Degree:
    """A quotient; 1 where both are 0 and 1 (a full degree) where only the lower one is."""
    if isinstance(above, Tensor) or isinstance(below, Tensor):
        above, below = _tensors(above, below)
        # The divisor is made harmless first: a gradient through nan would be nan.
        safe = torch.where(below > 0.0, below, torch.ones_like(below))
        return torch.where(below > 0.0, above / safe, torch.ones_like(below))
    return above / below if below > 0.0 else 1.0


def power(base: Degree, exponent: Degree) -> Degree:
    """``base ** exponent`` with 0 ** 0 = 1 and a gradient that is finite at 0."""
    if isinstance(base, Tensor) or isinstance(exponent, Tensor):
        base, exponent = _tensors(base, exponent)
        safe = torch.where(base > 0.0, base, torch.ones_like(base))
        at_zero = torch.where(exponent > 0.0, torch.zeros_like(base), torch.ones_like(base))
        return torch.where(base > 0.0, safe**exponent, at_zero)
    return base**exponent if base > 0.0 else (0.0 if exponent > 0.0 else 1.0)


def _tensors(first: Degree, second: Degree) -> tuple[Tensor, Tensor]:
    """Both as tensors of one dtype, a plain number becoming like the other."""
    if not isinstance(first, Tensor):
        first = torch.as_tensor(first, dtype=second.dtype, device=second.device)
    elif not isinstance(second, Tensor):
        second = torch.as_tensor(second, dtype=first.dtype, device=first.device)
    return first, second


def _root(square: Degree) -> Degree:
    """A square root with a gradient that is finite at 0."""
    if isinstance(square, Tensor):
        safe = torch.where(square > 0.0, square, torch.ones_like(square))
        return torch.where(square > 0.0, torch.sqrt(safe), torch.zeros_like(square))
    return math.sqrt(greatest(0.0, square))
