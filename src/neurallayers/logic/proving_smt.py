"""Formulas as SMT-LIB 2 text, and the solver that reads it (z3).

Text is read by the solver itself, many times faster than expressions are built one by one from
Python. Every thing is an element of one sort; predicates are functions of it to Bool. Names become
numbered symbols, so that any text may name a predicate or a constant.

Source: C. Barrett, P. Fontaine, C. Tinelli, The SMT-LIB Standard 2.6 (2017); L. de Moura, N.
Bjoerner, Z3: an efficient SMT solver, TACAS 2008.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from neurallayers import extras
from neurallayers.errors import InvalidInput
from neurallayers.logic.arithmetic import holds, is_built_in
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

STEPS = 20_000_000
"""How far the solver goes before it gives up (its resource units: counted, never timed)."""

OPERATORS: dict[type, str] = {
    And: "and",
    Or: "or",
    Implies: "=>",
    Iff: "=",
    Xor: "xor",
    Not: "not",
}


class Vocabulary:
    """Symbols for the predicates and constants of formulas, and formulas as SMT-LIB text.

    Args:
        propositional: Each ground atom is one Boolean symbol; quantifiers are refused, and equality
            and comparisons are decided by the names of their constants. Otherwise names are
            elements of a sort that may be larger than what is named, two names may name the same
            element, and ``=`` is equality.
        things: How many elements there are, over which quantifiers are written out; 0 for any
            number.
    """

    def __init__(self, *, propositional: bool = False, things: int = 0) -> None:
        self.propositional = propositional
        self.things = [f"e{i}" for i in range(things)]
        self.atoms: dict[tuple[str, tuple[Term, ...]], str] = {}
        self.predicates: dict[tuple[str, int], str] = {}
        self.constants: dict[Constant, str] = {}

    def declarations(self, *, distinct_names: bool = False) -> str:
        """What the text of the formulas so far needs before it."""
        if self.propositional:
            return "\n".join(f"(declare-const {symbol} Bool)" for symbol in self.atoms.values())
        lines = ["(declare-sort Thing 0)"]
        lines += [
            f"(declare-const {symbol} Thing)" for symbol in (*self.constants.values(), *self.things)
        ]
        lines += [
            f"(declare-fun {symbol} ({' '.join(['Thing'] * arity)}) Bool)"
            for (_, arity), symbol in self.predicates.items()
        ]
        if distinct_names and len(self.constants) > 1:
            lines.append(f"(assert (distinct {' '.join(self.constants.values())}))")
        if len(self.things) > 1:
            lines.append(f"(assert (distinct {' '.join(self.things)}))")
        for symbol in self.constants.values() if self.things else ():
            lines.append(f"(assert {self._any_of(f'(= {symbol} {e})' for e in self.things)})")
        return "\n".join(lines)

    def text(self, formula: Formula) -> str:
        """A formula as an SMT-LIB term; free variables are taken for all.

        Raises:
            InvalidInput: If it holds arithmetic that this vocabulary cannot express.
        """
        free = free_variables(formula)
        closed = ForAll(free, formula) if free else formula
        return self._text(closed, {})

    def symbol_of(self, predicate: str, terms: tuple[Term, ...] = ()) -> str:
        """The Boolean symbol of a ground atom (propositional vocabularies)."""
        return self.atoms.setdefault((predicate, terms), f"a{len(self.atoms)}")

    def _text(self, formula: Formula, bound: dict[Variable, str]) -> str:
        match formula:
            case Atom():
                return self._atom(formula, bound)
            case Verum() | Falsum():
                return str(formula)
            case ForAll(variables, body) | Exists(variables, body):
                return self._quantified(formula, variables, body, bound)
            case And(operands) | Or(operands):
                inside = " ".join(self._text(operand, bound) for operand in operands)
            case Not(operand):
                inside = self._text(operand, bound)
            case Implies(left, right) | Iff(left, right) | Xor(left, right):
                inside = f"{self._text(left, bound)} {self._text(right, bound)}"
        return f"({OPERATORS[type(formula)]} {inside})"

    def _quantified(
        self,
        formula: Formula,
        variables: Sequence[Variable],
        body: Formula,
        bound: dict[Variable, str],
    ) -> str:
        if self.propositional:
            raise InvalidInput(
                f"{formula} has a quantifier or a variable.",
                "Put the constants of the domain in its place first (give domain=...).",
            )
        if self.things:
            return self._written_out(formula, variables, body, bound)
        inner = bound | {name: f"x{len(bound) + i}" for i, name in enumerate(variables)}
        listed = " ".join(f"({inner[name]} Thing)" for name in variables)
        quantifier = "forall" if isinstance(formula, ForAll) else "exists"
        return f"({quantifier} ({listed}) {self._text(body, inner)})"

    def _written_out(
        self,
        formula: Formula,
        variables: Sequence[Variable],
        body: Formula,
        bound: dict[Variable, str],
    ) -> str:
        """A quantifier over a fixed number of things, as a conjunction or disjunction."""
        inside = (
            self._text(body, bound | dict(zip(variables, things, strict=True)))
            for things in itertools.product(self.things, repeat=len(variables))
        )
        return f"(and {' '.join(inside)})" if isinstance(formula, ForAll) else self._any_of(inside)

    @staticmethod
    def _any_of(terms: Iterable[str]) -> str:
        return f"(or {' '.join(terms)})"

    def _atom(self, atom: Atom, bound: dict[Variable, str]) -> str:
        if self.propositional and is_built_in(atom):
            return "true" if decided(atom) else "false"
        if self.propositional:
            return self.symbol_of(atom.predicate, atom.terms)
        terms = " ".join(self._term(term, bound) for term in atom.terms)
        if atom.predicate in ("=", "!=") and atom.arity == 2:
            return f"({'=' if atom.predicate == '=' else 'distinct'} {terms})"
        if is_built_in(atom) and atom.is_ground:
            return "true" if decided(atom) else "false"
        if is_built_in(atom):
            raise InvalidInput(
                f"{atom} compares things that are not named.",
                "Give a finite domain (domain=...), so that it can be decided for each constant.",
            )
        key = (atom.predicate, atom.arity)
        symbol = self.predicates.setdefault(key, f"p{len(self.predicates)}")
        return f"({symbol} {terms})" if terms else symbol

    def _term(self, term: Term, bound: dict[Variable, str]) -> str:
        if isinstance(term, Variable):
            return bound[term]
        return self.constants.setdefault(term, f"c{len(self.constants)}")


def decided(atom: Atom) -> bool:
    """Whether a built-in atom without variables is true; counting with names never is.

    >>> [decided(Atom("<", (Constant(each), Constant(2)))) for each in (1, "Ann")]
    [True, False]
    """
    counts = atom.predicate not in ("=", "!=")
    integers = all(isinstance(term, Constant) and isinstance(term.name, int) for term in atom.terms)
    return holds(atom) if integers or not counts else False


@dataclass(frozen=True)
class SmtTheory:
    """A theory in parts, any of which may be left out.

    Attributes:
        parts: One SMT-LIB term for each part.
        declarations: What the terms need.
        always: Terms that are never left out.
        steps: How far one check goes before it answers that it does not know.
        logic: The z3 solver to use; ``"QF_FD"`` for propositional theories, None for the rest.
    """

    parts: Sequence[str]
    declarations: str
    always: Sequence[str] = ()
    steps: int = STEPS
    logic: str | None = None

    def blocks(self, size: int) -> SmtTheory:
        """The same with ``size`` neighbouring parts as one."""
        joined = [
            f"(and true {' '.join(self.parts[first : first + size])})"
            for first in range(0, len(self.parts), size)
        ]
        return replace(self, parts=joined)


class Solver:
    """A z3 solver over the parts of a theory.

    Args:
        theory: The theory.
        parts: Numbers of the parts that will be asked for; None for all.

    Raises:
        MissingExtra: If z3-solver is not installed.
    """

    def __init__(self, theory: SmtTheory, parts: Iterable[int] | None = None) -> None:
        self._z3 = extras.require("z3", extra="logic")
        # A context of its own: z3 is not safe where threads share one.
        self._context = self._z3.Context()
        self._begin(theory, range(len(theory.parts)) if parts is None else parts)

    def _begin(self, theory: SmtTheory, parts: Iterable[int]) -> None:
        z3 = self._z3
        self.theory = theory
        numbers = list(parts)
        if theory.logic is None:
            self._solver = z3.Solver(ctx=self._context)
        else:
            self._solver = z3.SolverFor(theory.logic, self._context)
        self._solver.set("rlimit", theory.steps)
        lines = [theory.declarations]
        lines += [f"(declare-const on{i} Bool)" for i in numbers]
        lines += [f"(assert {term})" for term in theory.always]
        lines += [f"(assert (=> on{i} {theory.parts[i]}))" for i in numbers]
        self._solver.from_string("\n".join(lines))
        boolean = z3.BoolSort(self._context)
        self._switches = {i: z3.Const(f"on{i}", boolean) for i in numbers}
        self._handles = {i: switch.as_ast() for i, switch in self._switches.items()}
        self._numbers = {switch.get_id(): i for i, switch in self._switches.items()}

    def __len__(self) -> int:
        return len(self._switches)

    @property
    def parts(self) -> tuple[int, ...]:
        """The numbers of the parts that may be asked for."""
        return tuple(self._switches)

    def restricted(self, parts: Iterable[int]) -> Solver:
        """A solver of some of the parts under the same numbers: smaller, and so faster."""
        return self.of(self.theory, parts)

    def of(self, theory: SmtTheory, parts: Iterable[int]) -> Solver:
        """A solver of another theory in the same context, as making a context takes long."""
        another = copy.copy(self)
        another._begin(theory, parts)
        return another

    def add(self, term: str) -> None:
        """Hold one more term from now on, of symbols that are declared."""
        # The solver's parser remembers what was declared.
        self._solver.from_string(f"(assert {term})")

    def check(self, parts: Iterable[int] | None = None) -> bool | None:
        """Whether parts (all of them) can hold together; None if the solver gave up."""
        chosen = self._switches if parts is None else parts
        z3 = self._z3
        # What z3.Solver.check does, without looking at each switch anew: a long conflict is
        # shrunk by as many checks as it has members.
        switches = [self._handles[i] for i in chosen]
        answer = z3.CheckSatResult(
            z3.Z3_solver_check_assumptions(
                self._context.ref(),
                self._solver.solver,
                len(switches),
                (z3.Ast * len(switches))(*switches),
            )
        )
        if answer == z3.sat:
            return True
        return False if answer == z3.unsat else None

    def core(self) -> list[int]:
        """After a check that failed: parts that cannot hold together, not yet the fewest."""
        return sorted(self._numbers[switch.get_id()] for switch in self._solver.unsat_core())

    def model(self) -> Any:
        """After a check that succeeded: the model of z3."""
        return self._solver.model()

    def true_symbols(self) -> frozenset[str]:
        """After a check that succeeded: the Boolean symbols that are true in its model."""
        found = self._solver.model()
        return frozenset(
            str(declared.name())
            for declared in found.decls()
            if declared.arity() == 0 and self._z3.is_true(found[declared])
        )

    def why_unknown(self) -> str:
        """After a check that gave up: why."""
        return str(self._solver.reason_unknown())
