"""Grounding: the instances of rules and formulas over a finite domain.

A variable ranges over the constants of the domains that the signatures of its atoms name, or over
all constants. What a *closed* predicate does not say is false, so a condition on it guards a rule:
only the tuples for which it may be true are tried, found by joining relations, and new tuples are
derived until there are none (semi-naive evaluation; Abiteboul, Hull & Vianu 1995, chapter 13). A
built-in condition such as ``z is x + y`` binds the variable that it determines.

Rules over open predicates have an instance for each choice of constants: close what guards them, or
give the variables domains, where there are many.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from neurallayers.errors import InvalidInput
from neurallayers.logic.arithmetic import is_built_in, is_solvable, solve
from neurallayers.logic.rules import Axiom, Program, Rule
from neurallayers.logic.terms import (
    And,
    Atom,
    Constant,
    ForAll,
    Formula,
    Implies,
    Term,
    Variable,
    atoms,
    children,
    free_variables,
    substitute,
    substitute_atom,
)

Bindings = dict[Variable, Constant]
Values = tuple[Constant, ...]
Names: TypeAlias = Iterable[Constant | str | int]
Further: TypeAlias = Names | Mapping[str, Names]


@dataclass(frozen=True, slots=True)
class Instance:
    """One rule, fact or axiom with constants in the place of its variables.

    Args:
        statement: What it is an instance of.
        premise: The condition; None where the conclusion is asserted without one.
        conclusion: What is asserted.
    """

    statement: Rule | Axiom
    premise: Formula | None
    conclusion: Formula


@dataclass(frozen=True)
class Domain:
    """The constants that there are, all together and by domain.

    Args:
        constants: All constants, in a fixed order.
        named: The constants of each named domain.
        signatures: The named domain of each term of a predicate.
    """

    constants: tuple[Constant, ...]
    named: Mapping[str, tuple[Constant, ...]]
    signatures: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, program: Program, constants: Further = ()) -> Domain:
        """The domain of a program and of further constants, which may be given by named domain.

        Raises:
            InvalidInput: If a signature names a domain that is not declared.
        """
        named = dict(program.domains)
        if isinstance(constants, Mapping):
            for name, members in constants.items():
                named[name] = tuple(dict.fromkeys((*named.get(name, ()), *_constants(members))))
            constants = [member for name in constants for member in named[name]]
        further = _constants(constants)
        for predicate, domains in program.signatures.items():
            for name in domains:
                if name not in named:
                    raise InvalidInput(
                        f"The signature of {predicate!r} names a domain {name!r} that has no "
                        "members.",
                        f"Declare it, 'domain {name}: A, B', or give "
                        f"constants={{{name!r}: [...]}}.",
                    )
        everything = tuple(dict.fromkeys((*program.constants(), *further)))
        return cls(everything, named, program.signatures)

    def of_variable(self, variable: Variable, formulas: Iterable[Formula]) -> Sequence[Constant]:
        """The constants that a variable ranges over, from where it stands.

        Raises:
            InvalidInput: If there is no constant.
        """
        names = dict.fromkeys(
            domain
            for formula in formulas
            for atom in atoms(formula)
            if len(self.signatures.get(atom.predicate, ())) == atom.arity
            for term, domain in zip(atom.terms, self.signatures[atom.predicate], strict=True)
            if term == variable
        )
        members: Sequence[Constant] = self.constants
        for name in names:
            allowed = set(self.named[name])
            members = [each for each in members if each in allowed]
        if not members:
            raise InvalidInput(
                f"The variable {variable} has no constant to stand for.",
                "Give the knowledge base constants, or declare a domain: 'domain person: Anna'.",
            )
        return members


class Relation:
    """The tuples for which a closed predicate may be true, indexed by what is asked of them."""

    def __init__(self) -> None:
        self.tuples: dict[Values, None] = {}
        self._indexes: dict[tuple[int, ...], dict[Values, list[Values]]] = {}

    def add(self, values: Values) -> bool:
        """Add a tuple; whether it is new."""
        if values in self.tuples:
            return False
        self.tuples[values] = None
        for places, index in self._indexes.items():
            index.setdefault(tuple(values[place] for place in places), []).append(values)
        return True

    def matching(self, terms: Sequence[Term]) -> Sequence[Values]:
        """The tuples that have these constants at these places (variables match anything)."""
        places = tuple(i for i, term in enumerate(terms) if isinstance(term, Constant))
        if not places:
            return list(self.tuples)
        if places not in self._indexes:
            index: dict[Values, list[Values]] = {}
            for values in self.tuples:
                index.setdefault(tuple(values[place] for place in places), []).append(values)
            self._indexes[places] = index
        wanted = tuple(term for term in terms if isinstance(term, Constant))
        return tuple(self._indexes[places].get(wanted, ()))


@dataclass(frozen=True)
class _Statement:
    """A rule or axiom split into a premise, whose conjuncts guide the search, and a conclusion."""

    source: Rule | Axiom
    premise: Formula | None
    conclusion: Formula
    variables: tuple[Variable, ...]
    guards: tuple[Atom, ...]
    conditions: tuple[Atom, ...]


class Grounding:
    """The instances of a program over its domain.

    Args:
        program: Rules, facts and axioms; evidence counts as fact.
        domain: The constants.
        closed: Predicates whose atoms are false unless something says otherwise.
        observed: Closed predicates whose truths come later: any of their atoms may be true.
        most_instances: Refuse to make more instances than this.

    Raises:
        InvalidInput: If there would be too many instances, or a variable has no constant.
    """

    def __init__(
        self,
        program: Program,
        domain: Domain,
        *,
        closed: frozenset[str] = frozenset(),
        observed: frozenset[str] = frozenset(),
        most_instances: int = 1_000_000,
    ) -> None:
        self.domain = domain
        self.most_instances = most_instances
        self._guarding = closed - observed
        self._relations: dict[tuple[str, int], Relation] = {}
        self._found: dict[tuple[int, Values], Instance] = {}
        evidence = tuple(Rule("", literal) for literal in program.evidence)
        sources: list[Rule | Axiom] = [*program.facts, *evidence, *program.rules, *program.axioms]
        self._statements = [self._split(source) for source in sources]
        self._derive()
        self.instances: tuple[Instance, ...] = tuple(
            self._found[key] for key in sorted(self._found, key=lambda key: key[0])
        )

    def may_hold(self, atom: Atom) -> bool:
        """Whether a ground atom may be true: always in an open world."""
        if atom.predicate not in self._guarding:
            return True
        relation = self._relations.get((atom.predicate, atom.arity))
        return relation is not None and atom.terms in relation.tuples

    def _split(self, source: Rule | Axiom) -> _Statement:
        """Find the premise of a statement and what in it guards and decides."""
        premise, conclusion = (
            (source.body, source.head)
            if isinstance(source, Rule)
            else _premise_and_conclusion(source.formula)
        )
        parts = [conclusion] if premise is None else [premise, conclusion]
        variables = tuple(dict.fromkeys(v for part in parts for v in free_variables(part)))
        conjuncts = [each for each in _conjuncts(premise) if isinstance(each, Atom)]
        conditions = tuple(each for each in conjuncts if is_built_in(each))
        guards = tuple(
            each for each in conjuncts if each.predicate in self._guarding and not is_built_in(each)
        )
        return _Statement(source, premise, conclusion, variables, guards, conditions)

    def _derive(self) -> None:
        """Make every instance, and those that instances with a closed conclusion make possible."""
        new: dict[tuple[str, int], Relation] = {}
        for number, statement in enumerate(self._statements):
            for bindings in self._bindings(statement, None, None):
                self._add(number, statement, bindings, new)
        while new:
            latest, new = new, {}
            for number, statement in enumerate(self._statements):
                for place, guard in enumerate(statement.guards):
                    delta = latest.get((guard.predicate, guard.arity))
                    if delta is not None:
                        for bindings in list(self._bindings(statement, place, delta)):
                            self._add(number, statement, bindings, new)

    def _add(
        self,
        number: int,
        statement: _Statement,
        bindings: Bindings,
        new: dict[tuple[str, int], Relation],
    ) -> None:
        key = (number, tuple(bindings[variable] for variable in statement.variables))
        if key in self._found:
            return
        if len(self._found) >= self.most_instances:
            raise InvalidInput(
                f"There are more than {self.most_instances} instances of the statements "
                f"(the last one of: {statement.source}).",
                "Close the predicates that guard it, declare domains, or raise most_instances.",
            )
        premise = None if statement.premise is None else substitute(statement.premise, bindings)
        conclusion = substitute(statement.conclusion, bindings)
        self._found[key] = Instance(statement.source, premise, conclusion)
        if isinstance(conclusion, Atom) and conclusion.predicate in self._guarding:
            name = (conclusion.predicate, conclusion.arity)
            values = tuple(term for term in conclusion.terms if isinstance(term, Constant))
            if self._relations.setdefault(name, Relation()).add(values):
                new.setdefault(name, Relation()).add(values)

    def _bindings(
        self, statement: _Statement, place: int | None, delta: Relation | None
    ) -> Iterator[Bindings]:
        """Constants for the variables of a statement; one guard may be held to new tuples."""
        guards = [
            (guard, delta if index == place and delta is not None else self._relation(guard))
            for index, guard in enumerate(statement.guards)
        ]
        if place is not None:
            # The new tuples are few: they are joined first.
            guards.insert(0, guards.pop(place))
        partial: Iterable[Bindings] = [{}]
        known: set[Variable] = set()
        conditions = list(statement.conditions)
        while True:
            partial, conditions = _decide(partial, conditions, known)
            if guards:
                guard, relation = guards.pop(_most_bound(guards, known) if known else 0)
                partial = _joined(partial, guard, relation)
                known |= {term for term in guard.terms if isinstance(term, Variable)}
                continue
            missing = [variable for variable in statement.variables if variable not in known]
            if not missing:
                return iter(partial)
            parts = [statement.conclusion]
            if statement.premise is not None:
                parts.append(statement.premise)
            members = self.domain.of_variable(missing[0], parts)
            partial = _product(partial, missing[0], members)
            known.add(missing[0])

    def _relation(self, atom: Atom) -> Relation:
        return self._relations.setdefault((atom.predicate, atom.arity), Relation())


def _constants(names: Names) -> list[Constant]:
    if isinstance(names, str):
        raise InvalidInput(f"{names!r} is one name.", f"Give several in a list: [{names!r}].")
    return [name if isinstance(name, Constant) else Constant(name) for name in names]


def _premise_and_conclusion(formula: Formula) -> tuple[Formula | None, Formula]:
    """An axiom without its outermost quantifiers, which free variables say as well."""
    while isinstance(formula, ForAll):
        formula = formula.body
    if isinstance(formula, Implies):
        return formula.premise, formula.conclusion
    return None, formula


def _conjuncts(formula: Formula | None) -> Iterator[Formula]:
    if isinstance(formula, And):
        for child in children(formula):
            yield from _conjuncts(child)
    elif formula is not None:
        yield formula


def _decide(
    partial: Iterable[Bindings], conditions: list[Atom], known: set[Variable]
) -> tuple[Iterable[Bindings], list[Atom]]:
    """Apply the built-in conditions that can be decided by now; which ones are left."""
    while True:
        ready = [each for each in conditions if is_solvable(each, known)]
        if not ready:
            return partial, conditions
        for condition in ready:
            partial = _solved(partial, condition)
            known |= {term for term in condition.terms if isinstance(term, Variable)}
        conditions = [each for each in conditions if each not in ready]


def _solved(partial: Iterable[Bindings], condition: Atom) -> Iterator[Bindings]:
    for bindings in partial:
        solution = solve(substitute_atom(condition, bindings))
        if solution is not None:
            yield {**bindings, **solution}


def _joined(partial: Iterable[Bindings], guard: Atom, relation: Relation) -> Iterator[Bindings]:
    for bindings in partial:
        terms = substitute_atom(guard, bindings).terms
        for values in relation.matching(terms):
            extended = dict(bindings)
            for term, value in zip(terms, values, strict=True):
                if isinstance(term, Variable) and extended.setdefault(term, value) != value:
                    break
            else:
                yield extended


def _product(
    partial: Iterable[Bindings], variable: Variable, members: Sequence[Constant]
) -> Iterator[Bindings]:
    for bindings, member in itertools.product(partial, members):
        yield {**bindings, variable: member}


def _most_bound(guards: Sequence[tuple[Atom, Relation]], known: set[Variable]) -> int:
    """The guard that leaves the fewest tuples: most terms bound, then the smaller relation."""

    def cost(place: int) -> tuple[int, int]:
        guard, relation = guards[place]
        free = sum(isinstance(term, Variable) and term not in known for term in guard.terms)
        return free, len(relation.tuples)

    return min(range(len(guards)), key=cost)
