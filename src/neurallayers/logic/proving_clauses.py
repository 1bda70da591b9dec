"""Rules as clauses: one literal that follows from a conjunction of literals.

A body of any shape without ``forall`` becomes its disjunctive normal form, one clause for each
alternative; ``exists`` in a body only names a variable. Clauses are what forward chaining and
conflicts work on.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from neurallayers.errors import InvalidInput
from neurallayers.logic.arithmetic import is_built_in
from neurallayers.logic.rules import Rule
from neurallayers.logic.terms import (
    And,
    Atom,
    Exists,
    Falsum,
    ForAll,
    Formula,
    Iff,
    Implies,
    Not,
    Or,
    Variable,
    Verum,
    Xor,
    substitute,
)

_BINDING = ("=", "sum", "product")

MOST_ALTERNATIVES = 4096
"""A body with more alternatives is refused: its normal form would not fit."""


@dataclass(frozen=True, slots=True)
class Signed:
    """An atom that is asserted (``positive``) or denied."""

    atom: Atom
    positive: bool

    def __str__(self) -> str:
        return str(self.literal)

    @property
    def literal(self) -> Atom | Not:
        """The same as a formula."""
        return self.atom if self.positive else Not(self.atom)

    @property
    def opposite(self) -> Signed:
        """The same atom with the other sign."""
        return Signed(self.atom, not self.positive)


@dataclass(frozen=True, slots=True)
class Clause:
    """One way in which a rule concludes its head.

    Attributes:
        head: What follows.
        body: What must hold: literals of predicates that rules and facts speak of.
        tests: What must hold and is decided by terms alone: comparisons, sums.
        rule: The rule that it comes from.
    """

    head: Signed
    body: tuple[Signed, ...]
    tests: tuple[Signed, ...]
    rule: Rule


def signed(literal: Formula) -> Signed:
    """The sign and the atom of a literal.

    Raises:
        InvalidInput: If it is neither an atom nor the negation of one.

    >>> signed(Not(Atom("rain")))
    Signed(atom=Atom(predicate='rain', terms=()), positive=False)
    """
    if isinstance(literal, Atom):
        return Signed(literal, True)
    if isinstance(literal, Not) and isinstance(literal.operand, Atom):
        return Signed(literal.operand, False)
    raise InvalidInput(
        f"{literal} is no literal.", "Give an atom, p(Anna), or the negation of one, !p(Anna)."
    )


def clauses_of(rule: Rule) -> tuple[Clause, ...]:
    """The clauses of a rule; a body that can never hold has none.

    Raises:
        InvalidInput: If the body holds a ``forall`` or has too many alternatives.

    >>> rule = Rule("wet", Atom("wet"), Or((Atom("rain"), Not(Atom("roof")))))
    >>> [str(clause.body[0]) for clause in clauses_of(rule)]
    ['rain', '!roof']
    """
    head = signed(rule.head)
    found = []
    for alternative in alternatives(Verum() if rule.body is None else rule.body):
        tests = tuple(each for each in alternative if is_built_in(each.atom))
        body = tuple(each for each in alternative if not is_built_in(each.atom))
        found.append(Clause(head, body, tests, rule))
    return tuple(found)


def alternatives(formula: Formula) -> list[tuple[Signed, ...]]:
    """The disjunctive normal form of a formula: conjunctions of which one must hold.

    Alternatives that hold an atom and its opposite are left out.

    Raises:
        InvalidInput: If there is a ``forall``, or are more than :data:`MOST_ALTERNATIVES`.
    """
    found: list[tuple[Signed, ...]] = []
    if isinstance(formula, Atom):
        return [(Signed(formula, True),)]
    for literals in _normal(formula, True, itertools.count(1)):
        unique = tuple(dict.fromkeys(literals))
        if not any(each.opposite in unique for each in unique if each.positive):
            found.append(unique)
    return list(dict.fromkeys(found))


_Normal = list[tuple[Signed, ...]]


def _normal(formula: Formula, positive: bool, numbers: itertools.count[int]) -> _Normal:
    """The normal form of a formula (or of its negation), with bound variables renamed apart."""
    match formula:
        case Verum() | Falsum():
            return [()] if isinstance(formula, Verum) == positive else []
        case Atom():
            return [(Signed(formula, positive),)]
        case Not(operand):
            return _normal(operand, not positive, numbers)
        case And(operands) | Or(operands):
            parts = [_normal(operand, positive, numbers) for operand in operands]
            return _every(parts) if isinstance(formula, And) == positive else _either(parts)
        case ForAll(variables, body) | Exists(variables, body):
            if isinstance(formula, ForAll) == positive:
                raise InvalidInput(
                    f"The body {formula} asks about everything in the domain.",
                    "Chaining needs bodies without 'forall' (and without '!exists'); decide this "
                    "with neurallayers.logic.proving.prove.",
                )
            renamed = {name: Variable(f"{name.name}_{next(numbers)}") for name in variables}
            return _normal(substitute(body, renamed), positive, numbers)
        case Implies(left, right):
            return _normal(Or((Not(left), right)), positive, numbers)
        case Iff(left, right):
            return _normal(_either_side(left, right, same=positive), True, numbers)
        case Xor(left, right):
            return _normal(_either_side(left, right, same=not positive), True, numbers)


def _either_side(left: Formula, right: Formula, *, same: bool) -> Formula:
    other = right if same else Not(right)
    opposite = Not(right) if same else right
    return Or((And((left, other)), And((Not(left), opposite))))


def _every(parts: Sequence[_Normal]) -> _Normal:
    product: _Normal = [()]
    for part in parts:
        _check_size(len(product) * len(part))
        product = [(*left, *right) for left in product for right in part]
    return product


def _either(parts: Sequence[_Normal]) -> _Normal:
    return list(itertools.chain.from_iterable(parts))


def _check_size(alternatives_found: int) -> None:
    if alternatives_found > MOST_ALTERNATIVES:
        raise InvalidInput(
            f"The body has {alternatives_found} alternatives or more.",
            "Split the rule: name parts of the body by rules of their own.",
        )


def check_safe(clause: Clause, *, closed: bool) -> None:
    """Refuse a clause with a variable that nothing in its body can bind.

    Args:
        clause: The clause.
        closed: Whether a denial is the absence of a proof, which binds nothing.

    Raises:
        InvalidInput: Naming the rule and the variable.
    """
    binding = [each for each in clause.body if each.positive or not closed]
    binding += [each for each in clause.tests if each.positive and each.atom.predicate in _BINDING]
    bound = {term for each in binding for term in each.atom.terms}
    for each in (clause.head, *clause.body, *clause.tests):
        loose = [t for t in each.atom.terms if isinstance(t, Variable) and t not in bound]
        if loose:
            raise InvalidInput(
                f"Nothing in the body of {clause.rule.label!r} says what {loose[0]} in {each} is.",
                "Name it in a premise that is not denied, or capitalise it if it is a constant.",
            )


def strata(found: Iterable[Clause]) -> list[list[Clause]]:
    """Clauses in layers, such that a layer denies only what lower layers conclude.

    Raises:
        InvalidInput: If a predicate depends on its own denial.

    >>> layers = strata(
    ...     clause
    ...     for rule in (Rule("a", Atom("a"), Not(Atom("b"))), Rule("b", Atom("b"), Atom("c")))
    ...     for clause in clauses_of(rule)
    ... )
    >>> [[clause.rule.name for clause in layer] for layer in layers]
    [['b'], ['a']]
    """
    kept = list(found)
    level = {key(clause.head): 0 for clause in kept}
    for _ in range(len(level) + 1):
        changed = False
        for clause in kept:
            needed = max(
                (level.get(key(each), 0) + (not each.positive) for each in clause.body), default=0
            )
            if needed > level[key(clause.head)]:
                level[key(clause.head)] = needed
                changed = True
        if not changed:
            layers = sorted(set(level.values()))
            return [[c for c in kept if level[key(c.head)] == layer] for layer in layers]
    highest = max(level, key=lambda name: level[name])
    raise InvalidInput(
        f"{highest[0]}/{highest[1]} depends on its own denial.",
        "In a closed world a rule may not deny, even by way of others, what it concludes; use "
        "world='open' with explicit denials, or take the cycle apart.",
    )


def key(literal: Signed) -> tuple[str, int]:
    """Name and arity of a literal's predicate."""
    return literal.atom.predicate, literal.atom.arity
