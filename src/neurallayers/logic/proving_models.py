"""Finite models: a small world in which formulas hold, which anyone can check.

That a conclusion is open is shown by two of them: one in which premises and conclusion hold, and
one in which the premises hold and the conclusion does not. A model is checked by plain evaluation,
which shares nothing with the solver that found it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from neurallayers.errors import InvalidInput
from neurallayers.logic.arithmetic import holds, is_built_in
from neurallayers.logic.proving_smt import Solver, Vocabulary
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
    free_variables,
)

Predicate = tuple[str, int]


@dataclass(frozen=True)
class FiniteModel:
    """A world of ``size`` things, numbered from 0.

    Attributes:
        size: How many things there are.
        names: Which thing each constant names.
        true: The tuples of things of which each predicate is true.

    >>> cold, x = Atom("cold", (Variable("x"),)), Variable("x")
    >>> world = FiniteModel(2, {Constant("Anne"): 1}, {("cold", 1): frozenset({(1,)})})
    >>> world.satisfies(Exists((x,), cold)), world.satisfies(ForAll((x,), cold))
    (True, False)
    >>> print(world)
    2 things, of which Anne is 1; true: cold(Anne).
    """

    size: int
    names: Mapping[Constant, int]
    true: Mapping[Predicate, frozenset[tuple[int, ...]]]

    def satisfies(self, formula: Formula) -> bool:
        """Whether a formula holds; free variables are taken for all.

        Raises:
            InvalidInput: If it names a constant that the world does not.
        """
        free = free_variables(formula)
        return self._holds(ForAll(free, formula) if free else formula, {})

    def atoms(self) -> Iterator[str]:
        """What is true of things, by their names where they have one."""
        called = {thing: str(name) for name, thing in reversed([*self.names.items()])}
        for (predicate, arity), tuples in self.true.items():
            for things in sorted(tuples):
                inside = ", ".join(called.get(thing, str(thing)) for thing in things)
                yield f"{predicate}({inside})" if arity else predicate

    def __str__(self) -> str:
        named = ", ".join(f"{name} is {thing}" for name, thing in self.names.items())
        things = f"{self.size} thing{'s' if self.size > 1 else ''}"
        named = f", of which {named}" if named else ""
        return f"{things}{named}; true: {', '.join(self.atoms()) or 'nothing'}."

    def _holds(self, formula: Formula, values: Mapping[Variable, int]) -> bool:
        match formula:
            case Atom():
                return self._atom(formula, values)
            case Verum() | Falsum():
                return isinstance(formula, Verum)
            case Not(operand):
                return not self._holds(operand, values)
            case And(operands):
                return all(self._holds(operand, values) for operand in operands)
            case Or(operands):
                return any(self._holds(operand, values) for operand in operands)
            case Implies(left, right):
                return not self._holds(left, values) or self._holds(right, values)
            case Iff(left, right):
                return self._holds(left, values) == self._holds(right, values)
            case Xor(left, right):
                return self._holds(left, values) != self._holds(right, values)
            case ForAll(variables, body) | Exists(variables, body):
                inside = (
                    self._holds(body, {**values, **dict(zip(variables, things, strict=True))})
                    for things in itertools.product(range(self.size), repeat=len(variables))
                )
                return all(inside) if isinstance(formula, ForAll) else any(inside)

    def _atom(self, atom: Atom, values: Mapping[Variable, int]) -> bool:
        if atom.predicate in ("=", "!=") and atom.arity == 2:
            left, right = (self._thing(term, values) for term in atom.terms)
            return (left == right) == (atom.predicate == "=")
        if is_built_in(atom):
            return holds(atom)
        things = tuple(self._thing(term, values) for term in atom.terms)
        return things in self.true.get((atom.predicate, atom.arity), frozenset())

    def _thing(self, term: Term, values: Mapping[Variable, int]) -> int:
        if isinstance(term, Variable):
            return values[term]
        if term not in self.names:
            raise InvalidInput(
                f"{term} names nothing in this world.",
                f"It names {', '.join(map(str, self.names)) or 'nothing'}.",
            )
        return self.names[term]


def model_from(solver: Solver, vocabulary: Vocabulary) -> FiniteModel:
    """The model of a solver whose last check succeeded, as a value of our own."""
    found = solver.model()
    things: list[Any] = []
    for sort in found.sorts():
        things += found.get_universe(sort) or []
    places = {str(thing): place for place, thing in enumerate(things)}
    meaning = {str(declared.name()): declared for declared in found.decls()}
    names = {
        constant: places.get(str(found[meaning[symbol]]), 0) if symbol in meaning else 0
        for constant, symbol in vocabulary.constants.items()
    }
    true: dict[Predicate, frozenset[tuple[int, ...]]] = {}
    for key, symbol in vocabulary.predicates.items():
        true[key] = frozenset()
        if symbol in meaning:
            true[key] = _extension(found, meaning[symbol], key[1], things)
    return FiniteModel(max(1, len(things)), names, true)


def _extension(
    found: Any, declared: Any, arity: int, things: list[Any]
) -> frozenset[tuple[int, ...]]:
    """The tuples of things of which a predicate is true."""
    return frozenset(
        places
        for places in itertools.product(range(len(things)), repeat=arity)
        if str(found.eval(declared(*(things[place] for place in places)), True)) == "True"
    )
