"""Formulas with variables, written out for the constants of a finite domain.

A formula that says something of everything (no "there is" anywhere) and names things apart holds in
some world if and only if its instances for the named constants do (Herbrand's theorem): writing it
out decides it. With "there is", writing out means that there is nothing but the named constants.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from neurallayers.errors import InvalidInput, UnknownName
from neurallayers.logic.arithmetic import BUILT_IN
from neurallayers.logic.proving_smt import OPERATORS, Vocabulary, decided
from neurallayers.logic.rules import Program
from neurallayers.logic.terms import (
    And,
    Atom,
    Constant,
    Exists,
    Falsum,
    ForAll,
    Formula,
    Iff,
    Implies,
    Not,
    Or,
    Term,
    Variable,
    Verum,
    Xor,
    atoms,
    children,
    conjunction,
    disjunction,
    substitute,
    with_children,
)
from neurallayers.registry import nearest_name

Key: TypeAlias = tuple[str, tuple[Term, ...]]
"""A ground atom: its predicate and its constants."""

_OPENING = {kind: f"({operator}" for kind, operator in OPERATORS.items()}

NOBODY = Constant("Nobody in particular")
"""Stands for what there is where nothing is named."""

MOST_INSTANCES = 200_000
"""More instances than this are not written out."""


class Domain:
    """Which constants a variable may stand for.

    Args:
        constants: What an undeclared variable may be.
        domains: Constants of declared domains.
        signatures: Domains of the terms of predicates; they restrict the variables there.
    """

    def __init__(
        self,
        constants: Iterable[Constant],
        domains: Mapping[str, Sequence[Constant]] | None = None,
        signatures: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.constants = tuple(dict.fromkeys(constants))
        self._domains = dict(domains or {})
        self._signatures = dict(signatures or {})

    @classmethod
    def of_program(cls, program: Program, also: Iterable[Constant] = ()) -> Domain:
        """The constants and declarations of a program."""
        return cls((*program.constants(), *also), program.domains, program.signatures)

    def with_constants(self, also: Iterable[Constant]) -> Domain:
        """The same with more things that an undeclared variable may be."""
        named = [each for each in self.constants if each != NOBODY]
        return Domain((*also, *named), self._domains, self._signatures)

    def of(self, variable: Variable, among: Iterable[Atom]) -> tuple[Constant, ...]:
        """What a variable may be: the constants that all its places in atoms allow.

        Raises:
            UnknownName: If a predicate's declaration names a domain that is not declared.
        """
        if not self._signatures:
            return self.constants
        allowed: tuple[Constant, ...] | None = None
        for atom in among:
            signature = self._signatures.get(atom.predicate)
            if signature is None or len(signature) != atom.arity:
                continue
            for name, term in zip(signature, atom.terms, strict=True):
                if term == variable:
                    members = self._members(name)
                    allowed = (
                        members if allowed is None else tuple(c for c in allowed if c in members)
                    )
        return self.constants if allowed is None else allowed

    def _members(self, name: str) -> tuple[Constant, ...]:
        if name not in self._domains:
            raise UnknownName(
                f"There is no domain {name!r}.", nearest_name(name, list(self._domains))
            )
        return tuple(self._domains[name])

    def written_out(self, formula: Formula) -> Formula:
        """The formula without quantifiers: conjunctions and disjunctions over constants."""
        if isinstance(formula, ForAll | Exists):
            join = conjunction if isinstance(formula, ForAll) else disjunction
            ranges = [self.of(name, [*atoms(formula.body)]) for name in formula.variables]
            if math.prod(map(len, ranges)) > MOST_INSTANCES:
                raise too_many(str(formula))
            return join(
                *(
                    self.written_out(
                        substitute(formula.body, dict(zip(formula.variables, these, strict=True)))
                    )
                    for these in itertools.product(*ranges)
                )
            )
        return with_children(formula, tuple(self.written_out(c) for c in children(formula)))


@dataclass(frozen=True, eq=False)
class Shape:
    """A formula as pieces of SMT-LIB text between the places of its atoms.

    Instances differ in their atoms only, so that the shape is turned to text once.

    Attributes:
        pieces: Text, and numbers of atoms.
        atoms: The atoms, each once.
        quantified: Whether there are quantifiers that have to be written out for a domain first.
    """

    pieces: tuple[str | int, ...]
    atoms: tuple[Atom, ...]
    quantified: bool

    @cached_property
    def variables(self) -> tuple[Variable, ...]:
        """The free variables, in the order in which they appear."""
        found = (term for atom in self.atoms for term in atom.terms if isinstance(term, Variable))
        return tuple(dict.fromkeys(found))

    @property
    def constants(self) -> Iterator[Constant]:
        """The constants, as often as they stand there."""
        return (term for atom in self.atoms for term in atom.terms if isinstance(term, Constant))

    def ranges(self, domain: Domain) -> list[tuple[Constant, ...]]:
        """What each variable may stand for."""
        return [domain.of(name, self.atoms) for name in self.variables]

    def instances(self, domain: Domain) -> int:
        """How many instances there are."""
        return math.prod(map(len, self.ranges(domain)))

    def keys(self, domain: Domain) -> Iterator[tuple[Key, ...]]:
        """The ground atoms of every instance, in the order of :attr:`atoms`.

        Raises:
            InvalidInput: If there are more than :data:`MOST_INSTANCES` instances.
        """
        if not self.variables:
            yield tuple((atom.predicate, atom.terms) for atom in self.atoms)
            return
        ranges = self.ranges(domain)
        if math.prod(map(len, ranges)) > MOST_INSTANCES:
            raise too_many(" ".join(map(str, self.atoms)))
        place = {name: i for i, name in enumerate(self.variables)}
        for values in itertools.product(*ranges):
            yield tuple(
                (
                    atom.predicate,
                    tuple(values[place[t]] if isinstance(t, Variable) else t for t in atom.terms),
                )
                for atom in self.atoms
            )

    def text(self, keys: Sequence[Key], vocabulary: Vocabulary) -> str:
        """One instance as an SMT-LIB term."""
        symbols = [_symbol(predicate, terms, vocabulary) for predicate, terms in keys]
        return "".join(symbols[p] if isinstance(p, int) else p for p in self.pieces)

    def texts(self, domain: Domain, vocabulary: Vocabulary) -> Iterator[str]:
        """Every instance as an SMT-LIB term.

        Raises:
            InvalidInput: If there are more than :data:`MOST_INSTANCES`.
        """
        return (self.text(keys, vocabulary) for keys in self.keys(domain))


def shape_of(formula: Formula, domain: Domain | None = None) -> Shape:
    """The shape of a formula; its outermost "for all" is taken as free variables.

    Args:
        formula: The formula.
        domain: What other quantifiers are written out for; None leaves them open (then the shape
            has no text, but its atoms).
    """
    while isinstance(formula, ForAll):
        # Outermost quantifiers need not be written out in one piece.
        formula = formula.body
    pieces: list[str | int] = []
    found: dict[Atom, int] = {}
    quantified = _walk(formula, pieces, found)
    if quantified and domain is not None:
        pieces, found = [], {}
        _walk(domain.written_out(formula), pieces, found)
    return Shape(tuple(pieces), tuple(found), quantified)


@dataclass(frozen=True, eq=False)
class RuleShape:
    """A rule as text to be filled in: as an implication, and its body alone.

    Attributes:
        whole: The implication.
        body: The body; its atoms are those of the whole, the body's own first.
        of_body: How many atoms the body has.
        head: Which atom is the head's.
        positive: Whether the head asserts it.
    """

    whole: Shape
    body: Shape
    of_body: int
    head: int
    positive: bool

    @classmethod
    def of(cls, body: Formula, head: Formula, domain: Domain) -> RuleShape:
        """The shapes of ``head <- body``."""
        pieces: list[str | int] = []
        found: dict[Atom, int] = {}
        _walk(domain.written_out(body), pieces, found)
        of_body, inside = len(found), tuple(pieces)
        pieces = []
        _walk(head, pieces, found)
        atom = head.operand if isinstance(head, Not) else head
        assert isinstance(atom, Atom)
        every = tuple(found)
        whole = Shape(("(=> ", *inside, " ", *pieces, ")"), every, False)
        return cls(whole, Shape(inside, every, False), of_body, found[atom], head == atom)


def _walk(formula: Formula, pieces: list[str | int], found: dict[Atom, int]) -> bool:
    """Write a formula down; says whether there was a quantifier in it."""
    if isinstance(formula, Atom):
        pieces.append(found.setdefault(formula, len(found)))
        return False
    if isinstance(formula, Verum | Falsum):
        pieces.append(str(formula))
        return False
    quantified = isinstance(formula, ForAll | Exists)
    pieces.append("(quantified" if quantified else _OPENING[type(formula)])
    for child in children(formula):
        pieces.append(" ")
        # Most formulas are flat: their atoms need no call of their own.
        if isinstance(child, Atom):
            pieces.append(found.setdefault(child, len(found)))
        elif _walk(child, pieces, found):
            quantified = True
    pieces.append(")")
    return quantified


def is_universal(formula: Formula, *, positive: bool = True) -> bool:
    """Whether a formula nowhere says that there is something.

    >>> p = Atom("p", (Variable("x"),))
    >>> is_universal(ForAll((Variable("x"),), p)), is_universal(Not(ForAll((Variable("x"),), p)))
    (True, False)
    """
    match formula:
        case Not(operand):
            return is_universal(operand, positive=not positive)
        case Implies(left, right):
            return is_universal(left, positive=not positive) and is_universal(
                right, positive=positive
            )
        case Iff(left, right) | Xor(left, right):
            return not any(_has_quantifier(side) for side in (left, right))
        case ForAll(_, body) | Exists(_, body):
            says_all = isinstance(formula, ForAll) == positive
            return says_all and is_universal(body, positive=positive)
        case And(operands) | Or(operands):
            return all(is_universal(operand, positive=positive) for operand in operands)
        case _:
            return True


def too_many(formula: str) -> InvalidInput:
    """The error to raise for a formula with too many instances."""
    return InvalidInput(
        f"{formula} has more than {MOST_INSTANCES} instances.",
        "Declare smaller domains ('domain person: ...', 'predicate likes(person, person)'), or use "
        "fewer variables in one statement.",
    )


def _has_quantifier(formula: Formula) -> bool:
    return isinstance(formula, ForAll | Exists) or any(
        _has_quantifier(child) for child in children(formula)
    )


def _symbol(predicate: str, terms: tuple[Term, ...], vocabulary: Vocabulary) -> str:
    if (predicate, len(terms)) in BUILT_IN:
        return "true" if decided(Atom(predicate, terms)) else "false"
    return vocabulary.symbol_of(predicate, terms)
