"""Terms and formulas of first-order logic, as values: frozen, hashable, printable, comparable.

A formula is a tree of small frozen dataclasses::

    Atom  Not  And  Or  Implies  Iff  Xor  ForAll  Exists  Verum  Falsum

``str`` of a formula is text that :func:`neurallayers.logic.syntax.parse_formula` reads back to an
equal formula. Everything here is about form; what a formula means is said by
:mod:`~neurallayers.logic.knowledge` (degrees of truth), by
:mod:`~neurallayers.logic.proving` (entailment) and by
:mod:`~neurallayers.logic.probabilistic` (probability).

>>> image = Variable("image")
>>> two = Atom("digit", (image, Constant(2)))
>>> str(ForAll((image,), Implies(two, Atom("even", (image,)))))
'forall image: digit(image, 2) -> even(image)'
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias, Union

from neurallayers.errors import InvalidInput

KEYWORDS = frozenset({"and", "or", "not", "xor", "forall", "exists", "is", "true", "false"})
"""Words that the syntax keeps for itself; a predicate of that name is written in quotes."""

COMPARISONS = ("=", "!=", "<", "<=")
"""Predicates of two terms that are written between them, and decided by the terms alone."""

_BARE_VARIABLE = re.compile(r"[^\W\d]\w*\Z")


@dataclass(frozen=True, slots=True)
class Variable:
    """A name that stands for any element of a domain.

    Raises:
        InvalidInput: If the name is no identifier.
    """

    name: str

    def __post_init__(self) -> None:
        if not _is_text(self.name) or not _BARE_VARIABLE.match(self.name):
            raise InvalidInput(
                f"{self.name!r} cannot name a variable.",
                "Use letters, digits and underscores, and begin with a letter: Variable('x').",
            )

    def __str__(self) -> str:
        bare = is_variable_name(self.name) and self.name not in KEYWORDS
        return self.name if bare else f"?{self.name}"


@dataclass(frozen=True, slots=True)
class Constant:
    """An element of a domain: a name or an integer.

    Raises:
        InvalidInput: If the name is neither a text that is not empty nor an integer.
    """

    name: str | int

    def __post_init__(self) -> None:
        if not _is_text(self.name) and not _is_integer(self.name):
            raise InvalidInput(
                f"{self.name!r} cannot name a constant.",
                "Use a text that is not empty, Constant('Anna'), or an integer, Constant(7).",
            )

    def __str__(self) -> str:
        if isinstance(self.name, int):
            return str(self.name)
        bare = _BARE_VARIABLE.match(self.name) and not is_variable_name(self.name)
        return self.name if bare else quoted(self.name)


Term: TypeAlias = Variable | Constant


@dataclass(frozen=True, slots=True)
class Atom:
    """A predicate applied to terms; without terms it is a proposition.

    The predicates of :data:`COMPARISONS` (two terms), ``sum`` and ``product`` (three) have a fixed
    meaning over constants: :mod:`neurallayers.logic.arithmetic`.

    >>> print(Atom("friends", (Constant("Anna"), Variable("x"))), Atom("rain"))
    friends(Anna, x) rain
    """

    predicate: str
    terms: tuple[Term, ...] = ()

    def __post_init__(self) -> None:
        if not _is_text(self.predicate):
            raise InvalidInput(
                f"{self.predicate!r} cannot name a predicate.", "Use a text that is not empty."
            )
        object.__setattr__(self, "terms", _tuple_of(self.terms, Variable | Constant, "term"))

    @property
    def arity(self) -> int:
        """How many terms the predicate takes here."""
        return len(self.terms)

    @property
    def is_ground(self) -> bool:
        """Whether no term is a variable."""
        return all(isinstance(term, Constant) for term in self.terms)

    def __str__(self) -> str:
        if self.predicate in COMPARISONS and len(self.terms) == 2:
            return f"{self.terms[0]} {self.predicate} {self.terms[1]}"
        bare = _BARE_VARIABLE.match(self.predicate) and self.predicate not in KEYWORDS
        name = self.predicate if bare else quoted(self.predicate)
        return f"{name}({', '.join(map(str, self.terms))})" if self.terms else name


@dataclass(frozen=True, slots=True)
class Verum:
    """What is always true."""

    def __str__(self) -> str:
        return "true"


@dataclass(frozen=True, slots=True)
class Falsum:
    """What is never true."""

    def __str__(self) -> str:
        return "false"


@dataclass(frozen=True, slots=True)
class Not:
    """The negation of a formula."""

    operand: Formula

    def __post_init__(self) -> None:
        _check_formula(self.operand)

    def __str__(self) -> str:
        return f"!{_within(self.operand, _TIGHTEST)}"


@dataclass(frozen=True, slots=True)
class And:
    """All of two or more formulas; :func:`conjunction` takes any number."""

    operands: tuple[Formula, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "operands", _operands(self.operands, "conjunction"))

    def __str__(self) -> str:
        return " & ".join(_within(operand, _STRENGTH[And]) for operand in self.operands)


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of two or more formulas; :func:`disjunction` takes any number."""

    operands: tuple[Formula, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "operands", _operands(self.operands, "disjunction"))

    def __str__(self) -> str:
        return " | ".join(_within(operand, _STRENGTH[Or]) for operand in self.operands)


@dataclass(frozen=True, slots=True)
class Implies:
    """If the premise, then the conclusion."""

    premise: Formula
    conclusion: Formula

    def __post_init__(self) -> None:
        _check_formula(self.premise)
        _check_formula(self.conclusion)

    def __str__(self) -> str:
        return _infix(self.premise, "->", self.conclusion, _STRENGTH[Implies])


@dataclass(frozen=True, slots=True)
class Iff:
    """Both or neither."""

    left: Formula
    right: Formula

    def __post_init__(self) -> None:
        _check_formula(self.left)
        _check_formula(self.right)

    def __str__(self) -> str:
        return _infix(self.left, "<->", self.right, _STRENGTH[Iff])


@dataclass(frozen=True, slots=True)
class Xor:
    """One and not the other."""

    left: Formula
    right: Formula

    def __post_init__(self) -> None:
        _check_formula(self.left)
        _check_formula(self.right)

    def __str__(self) -> str:
        return _infix(self.left, "xor", self.right, _STRENGTH[Xor])


@dataclass(frozen=True, slots=True)
class ForAll:
    """The body holds for every element in place of the variables."""

    variables: tuple[Variable, ...]
    body: Formula

    def __post_init__(self) -> None:
        object.__setattr__(self, "variables", _bound(self.variables))
        _check_formula(self.body)

    def __str__(self) -> str:
        return f"forall {', '.join(map(str, self.variables))}: {self.body}"


@dataclass(frozen=True, slots=True)
class Exists:
    """The body holds for some element in place of the variables."""

    variables: tuple[Variable, ...]
    body: Formula

    def __post_init__(self) -> None:
        object.__setattr__(self, "variables", _bound(self.variables))
        _check_formula(self.body)

    def __str__(self) -> str:
        return f"exists {', '.join(map(str, self.variables))}: {self.body}"


Formula: TypeAlias = Union[  # noqa: UP007 - the classes above refer to it before it is made
    Atom, Not, And, Or, Implies, Iff, Xor, ForAll, Exists, Verum, Falsum
]
Literal: TypeAlias = Atom | Not

_CLASSES = (Atom, Not, And, Or, Implies, Iff, Xor, ForAll, Exists, Verum, Falsum)
_STRENGTH: dict[type, int] = {ForAll: 0, Exists: 0, Iff: 1, Implies: 2, Or: 3, Xor: 4, And: 5}
_TIGHTEST = 6


def children(formula: Formula) -> tuple[Formula, ...]:
    """The formulas directly inside a formula, from left to right."""
    match formula:
        case Not(operand):
            return (operand,)
        case And(operands) | Or(operands):
            return operands
        case Implies(left, right) | Iff(left, right) | Xor(left, right):
            return (left, right)
        case ForAll(_, body) | Exists(_, body):
            return (body,)
        case _:
            return ()


def with_children(formula: Formula, inside: tuple[Formula, ...]) -> Formula:
    """The same formula around other parts: the inverse of :func:`children`."""
    match formula:
        case And():
            return And(inside)
        case Or():
            return Or(inside)
        case Not():
            return Not(*inside)
        case Implies() | Iff() | Xor():
            return type(formula)(*inside)
        case ForAll(variables, _) | Exists(variables, _):
            return type(formula)(variables, *inside)
        case _:
            return formula


def atoms(formula: Formula) -> Iterator[Atom]:
    """Every atom of a formula, from left to right, as often as it stands there."""
    if isinstance(formula, Atom):
        yield formula
    for child in children(formula):
        yield from atoms(child)


def free_variables(formula: Formula) -> tuple[Variable, ...]:
    """The variables that no quantifier binds, in the order in which they appear.

    >>> x, y = Variable("x"), Variable("y")
    >>> free_variables(Exists((x,), Atom("likes", (y, x))))
    (Variable(name='y'),)
    """
    if isinstance(formula, Atom):
        return tuple(dict.fromkeys(term for term in formula.terms if isinstance(term, Variable)))
    found = dict.fromkeys(name for child in children(formula) for name in free_variables(child))
    bound = formula.variables if isinstance(formula, ForAll | Exists) else ()
    return tuple(name for name in found if name not in bound)


def constants(formula: Formula) -> tuple[Constant, ...]:
    """The constants of a formula, in the order in which they appear."""
    found = (term for atom in atoms(formula) for term in atom.terms if isinstance(term, Constant))
    return tuple(dict.fromkeys(found))


def predicates(formula: Formula) -> tuple[tuple[str, int], ...]:
    """Name and arity of the predicates of a formula, in the order in which they appear.

    >>> predicates(Or((Atom("rain"), Atom("likes", (Variable("x"), Constant("Ada"))))))
    (('rain', 0), ('likes', 2))
    """
    return tuple(dict.fromkeys((atom.predicate, atom.arity) for atom in atoms(formula)))


def substitute(formula: Formula, replacing: Mapping[Variable, Term]) -> Formula:
    """Put terms in the place of free variables.

    A bound variable is renamed where a term would otherwise be caught by its quantifier.

    >>> x, y = Variable("x"), Variable("y")
    >>> print(substitute(Exists((y,), Atom("likes", (x, y))), {x: y}))
    exists y_1: likes(y, y_1)
    """
    if not replacing:
        return formula
    if isinstance(formula, Atom):
        return substitute_atom(formula, replacing)
    if isinstance(formula, ForAll | Exists):
        return _substitute_below(formula, replacing)
    return with_children(formula, tuple(substitute(c, replacing) for c in children(formula)))


def substitute_atom(atom: Atom, replacing: Mapping[Variable, Term]) -> Atom:
    """Put terms in the place of the variables of an atom."""
    terms = tuple(replacing.get(t, t) if isinstance(t, Variable) else t for t in atom.terms)
    return Atom(atom.predicate, terms)


def conjunction(*formulas: Formula) -> Formula:
    """All of any number of formulas: none is true, one is itself."""
    if len(formulas) < 2:
        return formulas[0] if formulas else Verum()
    return And(formulas)


def disjunction(*formulas: Formula) -> Formula:
    """At least one of any number of formulas: none is false, one is itself."""
    if len(formulas) < 2:
        return formulas[0] if formulas else Falsum()
    return Or(formulas)


def negation(formula: Formula) -> Formula:
    """The opposite of a formula, without doubling a negation.

    >>> print(negation(Not(Atom("rain"))), negation(Atom("rain")))
    rain !rain
    """
    return formula.operand if isinstance(formula, Not) else Not(formula)


def is_variable_name(name: str) -> bool:
    """Whether a bare name is read as a variable: it begins with no capital letter.

    The convention is that of Markov logic: ``x`` is a variable, ``Anna`` a constant.
    """
    return not name[:1].isupper()


def quoted(text: str) -> str:
    """A text in double quotes, as the syntax reads it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _substitute_below(quantified: ForAll | Exists, replacing: Mapping[Variable, Term]) -> Formula:
    """Substitute inside a quantifier, whose variables are renamed where they would catch one."""
    free = [name for name in free_variables(quantified) if name in replacing]
    if not free:
        return quantified
    reaching = {name: replacing[name] for name in free}
    taken = {*reaching.values(), *free_variables(quantified.body)}
    variables = []
    for bound in quantified.variables:
        if bound in reaching.values():
            fresh = _fresh(bound, taken)
            reaching[bound] = fresh
            bound = fresh
        variables.append(bound)
        taken.add(bound)
    return type(quantified)(tuple(variables), substitute(quantified.body, reaching))


def _fresh(variable: Variable, taken: set[Term]) -> Variable:
    """A variable of a similar name that is not in use."""
    number = 1
    while (fresh := Variable(f"{variable.name}_{number}")) in taken:
        number += 1
    return fresh


def _infix(left: Formula, operator: str, right: Formula, strength: int) -> str:
    return f"{_within(left, strength)} {operator} {_within(right, strength)}"


def _within(formula: Formula, strength: int) -> str:
    """The text of an operand, in parentheses unless it binds tighter than what is around it."""
    infix = isinstance(formula, Atom) and formula.predicate in COMPARISONS and formula.arity == 2
    own = _STRENGTH.get(type(formula), _TIGHTEST + 1)
    if own <= strength or (infix and strength == _TIGHTEST):
        return f"({formula})"
    return str(formula)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_integer(value: object) -> bool:
    # True is an int to Python and would equal 1.
    return isinstance(value, int) and not isinstance(value, bool)


def _check_formula(formula: object) -> None:
    if not isinstance(formula, _CLASSES):
        raise InvalidInput(
            f"{formula!r} is no formula.",
            "Build one of Atom, Not, And, Or, ... or read it with parse_formula(text).",
        )


def _operands(formulas: object, kind: str) -> tuple[Formula, ...]:
    operands = _tuple_of(formulas, _CLASSES, "formula")
    if len(operands) < 2:
        raise InvalidInput(
            f"A {kind} has {len(operands)} operand(s) and needs two.",
            f"Use {kind}(*formulas) where there may be fewer.",
        )
    return operands


def _bound(variables: object) -> tuple[Variable, ...]:
    bound: tuple[Variable, ...] = _tuple_of(variables, Variable, "variable")
    if not bound or len(set(bound)) < len(bound):
        raise InvalidInput(
            f"A quantifier binds ({', '.join(map(str, bound))}).",
            "Bind at least one variable, and each only once.",
        )
    return bound


def _tuple_of(values: object, kinds: object, word: str) -> tuple:  # type: ignore[type-arg]
    """A tuple of checked values; a single one in its place is a common slip."""
    if not isinstance(values, tuple | list):
        raise InvalidInput(f"{values!r} is no tuple of {word}s.", f"Give a tuple: ({word}, ...).")
    for value in values:
        if not isinstance(value, kinds):  # type: ignore[arg-type]
            raise InvalidInput(
                f"{value!r} stands where a {word} is expected.",
                "Terms are Variable('x') or Constant('Anna'); formulas are built of Atom(...).",
            )
    return tuple(values)
