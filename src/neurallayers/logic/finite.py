"""Finding values under constraints: variables with finitely many values each.

A problem is written in the language of formulas: ``at("x", 3)`` is the atom that says that ``x`` is
3, every variable has exactly one of its values, and a constraint is any formula of such atoms
(:func:`all_different` makes the usual one). The solver is the one that finds conflicts (z3), and
what is said of a problem without a solution is the fewest constraints that cannot all hold.

>>> problem = FiniteProblem(
...     {"x": (1, 2), "y": (1, 2)},
...     {"x and y differ": all_different(("x", "y"), (1, 2)), "x is 1": at("x", 1)},
... )
>>> answer = solve(problem)
>>> answer.solutions, answer.values
('one', {'x': 1, 'y': 2})
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal as OneOf
from typing import TypeAlias

from neurallayers.errors import InvalidInput, UnknownName
from neurallayers.logic.proving import as_formula
from neurallayers.logic.proving_cores import check_theory, shrink
from neurallayers.logic.proving_deductions import listed
from neurallayers.logic.proving_smt import STEPS, SmtTheory, Solver, Vocabulary
from neurallayers.logic.terms import (
    Atom,
    Constant,
    Formula,
    Implies,
    Not,
    atoms,
    conjunction,
)
from neurallayers.registry import nearest_name

Value: TypeAlias = str | int

PREDICATE = "value"
"""``value(x, 3)`` says that x is 3."""


@dataclass(frozen=True)
class FiniteProblem:
    """Variables, what they may be, and what must hold.

    Args:
        variables: The values that each variable may have.
        constraints: Formulas of :func:`at` by name.

    Raises:
        InvalidInput: If a variable has no value, or a constraint is no formula of values.
        UnknownName: If a constraint speaks of a variable that there is not.
    """

    variables: Mapping[str, Sequence[Value]]
    constraints: Mapping[str, Formula]

    def __post_init__(self) -> None:
        for name, values in self.variables.items():
            if not values or len(set(values)) < len(values):
                raise InvalidInput(
                    f"{name} may be {list(values)!r}.", "Give at least one value, each once."
                )
        for name, formula in self.constraints.items():
            for atom in atoms(as_formula(formula)):
                self._check(atom, name)

    def with_constraints(self, more: Mapping[str, Formula]) -> FiniteProblem:
        """The same problem with more constraints."""
        return replace(self, constraints={**self.constraints, **more})

    def _check(self, atom: Atom, constraint: str) -> None:
        if atom.predicate != PREDICATE or atom.arity != 2 or not atom.is_ground:
            raise InvalidInput(
                f"The constraint {constraint!r} holds {atom}.", "Build it of at(variable, value)."
            )
        variable = str(atom.terms[0].name)
        if variable not in self.variables:
            raise UnknownName(
                f"The constraint {constraint!r} speaks of {variable!r}.",
                nearest_name(variable, list(self.variables)),
            )


@dataclass(frozen=True)
class FiniteAnswer:
    """What a search found.

    Attributes:
        solutions: ``"one"``, ``"several"`` or ``"none"``.
        values: A solution: the value of each variable; None if there is none.
        others: Another solution, if there are several.
        clash: If there is none: the fewest constraints that cannot all hold.
    """

    solutions: OneOf["none", "one", "several"]
    values: Mapping[str, Value] | None = None
    others: Mapping[str, Value] | None = None
    clash: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The answer in words."""
        if self.values is None:
            clash = listed([*self.clash]) or "the values of the variables"
            return f"There is no solution: {clash} cannot all hold."
        values = ", ".join(f"{name} is {value}" for name, value in self.values.items())
        if self.others is None:
            return f"There is one solution: {values}."
        differs = ", ".join(
            f"{name} could also be {value}"
            for name, value in self.others.items()
            if self.values[name] != value
        )
        return f"There are several solutions, such as: {values}; in another, {differs}."


def at(variable: str, value: Value) -> Atom:
    """That a variable has a value.

    >>> print(at("x", 3))
    value("x", 3)
    """
    return Atom(PREDICATE, (Constant(variable), Constant(value)))


def all_different(variables: Sequence[str], values: Sequence[Value]) -> Formula:
    """That no two variables have the same value.

    Args:
        variables: Their names.
        values: The values that any of them may have.

    >>> print(all_different(("x", "y"), (1, 2)))
    (value("x", 1) -> !value("y", 1)) & (value("x", 2) -> !value("y", 2))
    """
    return conjunction(
        *(
            Implies(at(one, value), Not(at(other, value)))
            for value in values
            for one, other in itertools.combinations(variables, 2)
        )
    )


def solve(problem: FiniteProblem, *, steps: int = STEPS) -> FiniteAnswer:
    """Whether a problem has one solution, several or none, with what shows it.

    Args:
        problem: The variables and constraints.
        steps: How far the solver goes in one check, in its own count.

    Raises:
        InvalidInput: If the solver gave up.
        MissingExtra: If z3-solver is not installed.
    """
    found = list(itertools.islice(solutions(problem, steps=steps), 2))
    if len(found) == 2:
        return FiniteAnswer("several", found[0], found[1])
    if found:
        return FiniteAnswer("one", found[0])
    theory, _ = _theory(problem, steps)
    _, solver, core = check_theory(theory)
    clash, _ = shrink(solver, core)
    names = list(problem.constraints)
    return FiniteAnswer("none", clash=tuple(names[part] for part in clash))


def solutions(problem: FiniteProblem, *, steps: int = STEPS) -> Iterator[dict[str, Value]]:
    """Every solution, one after the other; there may be very many.

    Raises:
        InvalidInput: If the solver gave up.

    >>> free = FiniteProblem({"x": (1, 2), "y": (1, 2)}, {})
    >>> len(list(solutions(free)))
    4
    """
    theory, vocabulary = _theory(problem, steps)
    solver = Solver(theory)
    while _decided(solver, solver.check()):
        true = solver.true_symbols()
        values = {
            name: next(value for value in given if _symbol(name, value, vocabulary) in true)
            for name, given in problem.variables.items()
        }
        yield values
        held = [_symbol(name, value, vocabulary) for name, value in values.items()]
        solver.add(f"(not (and true {' '.join(held)}))")


def follows(
    problem: FiniteProblem, formula: Formula, *, steps: int = STEPS
) -> tuple[str, ...] | None:
    """The fewest constraints from which a formula follows, or None if it does not.

    Raises:
        InvalidInput: If the formula is none of values, or the solver gave up.

    >>> problem = FiniteProblem(
    ...     {"x": (1, 2), "y": (1, 2)},
    ...     {"differ": all_different(("x", "y"), (1, 2)), "x is 1": at("x", 1)},
    ... )
    >>> follows(problem, at("y", 2)), follows(problem, at("y", 1))
    (('differ', 'x is 1'), None)
    """
    denied = "the denial of what is asked"
    theory, _ = _theory(problem.with_constraints({denied: Not(formula)}), steps)
    answer, solver, core = check_theory(theory)
    if _decided(solver, answer):
        return None
    clash, _ = shrink(solver, core)
    names = [*problem.constraints, denied]
    return tuple(names[part] for part in clash if names[part] != denied)


def which_follow(
    problem: FiniteProblem, formulas: Sequence[Formula], *, steps: int = STEPS
) -> list[bool]:
    """For each of several formulas whether it follows: one solver is asked about all of them.

    Raises:
        InvalidInput: If a formula is none of values, or the solver gave up.
    """
    denials = {f"the denial of formula {i}": Not(each) for i, each in enumerate(formulas)}
    theory, _ = _theory(problem.with_constraints(denials), steps)
    solver = Solver(theory)
    given = range(len(problem.constraints))
    return [
        not _decided(solver, solver.check([*given, len(given) + i])) for i in range(len(formulas))
    ]


def _theory(problem: FiniteProblem, steps: int) -> tuple[SmtTheory, Vocabulary]:
    vocabulary = Vocabulary(propositional=True)
    always = []
    for name, values in problem.variables.items():
        each = [_symbol(name, value, vocabulary) for value in values]
        always.append(f"(or {' '.join(each)})")
        always += [f"(or (not {a}) (not {b}))" for a, b in itertools.combinations(each, 2)]
    parts = [vocabulary.text(_possible(problem, each)) for each in problem.constraints.values()]
    return SmtTheory(parts, vocabulary.declarations(), always, steps, "QF_FD"), vocabulary


def _possible(problem: FiniteProblem, formula: Formula) -> Formula:
    """The formula and that variables have none of the values which it names beyond theirs."""
    beyond = [
        Not(atom)
        for atom in dict.fromkeys(atoms(formula))
        if atom.terms[1].name not in problem.variables[str(atom.terms[0].name)]
    ]
    return conjunction(formula, *beyond)


def _symbol(name: str, value: Value, vocabulary: Vocabulary) -> str:
    return vocabulary.symbol_of(PREDICATE, at(name, value).terms)


def _decided(solver: Solver, answer: bool | None) -> bool:
    if answer is None:
        raise InvalidInput(
            f"The search was not finished ({solver.why_unknown()}).", "Raise steps=."
        )
    return answer
