"""What is checked for conflicts: named statements, what excludes what, and over which things."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias

from neurallayers.errors import InvalidInput
from neurallayers.logic.conflicts_ground import NOBODY, Domain, Shape, is_universal, shape_of
from neurallayers.logic.proving import as_formula
from neurallayers.logic.proving_clauses import Clause, check_safe, clauses_of, signed
from neurallayers.logic.proving_deductions import Proof
from neurallayers.logic.proving_forward import derive_clauses
from neurallayers.logic.proving_smt import STEPS, SmtTheory, Vocabulary
from neurallayers.logic.rules import Axiom, Choice, Program, Rule
from neurallayers.logic.syntax import parse_program
from neurallayers.logic.terms import (
    Atom,
    Constant,
    ForAll,
    Formula,
    Implies,
    Not,
    constants,
)

Statements: TypeAlias = (
    Program | str | Mapping[str, Formula | str] | Iterable[Rule | Axiom | Formula | str]
)
Group: TypeAlias = tuple[Atom, ...]

_CHAIN_FIRST_ABOVE = 2_000


@dataclass(frozen=True)
class Theory:
    """Named statements that should hold together.

    Attributes:
        members: The formulas of each statement by its name (or its text, where it has none).
        exclusive: Groups of atoms of which at most one holds; variables stand for anything.
        domain: The things that there are; with ``closed`` there are no others.
        closed: Whether the caller named the domain.
        distinct_names: Whether different constants name different things.
    """

    members: Mapping[str, tuple[Formula, ...]]
    exclusive: tuple[Group, ...]
    domain: Domain
    closed: bool
    distinct_names: bool = True
    declarations: Program = field(default_factory=Program, repr=False)

    def of(self, names: Iterable[str], also: Iterable[Constant] = ()) -> Theory:
        """Some of the statements, among things of their own (and others that are given)."""
        smaller = replace(self, members={name: self.members[name] for name in names})
        return smaller if self.closed else smaller.among_named(also)

    def among_named(self, also: Iterable[Constant] = ()) -> Theory:
        """The same among the things that it names or declares, and others that are given."""
        named = dict.fromkeys(
            name for shapes in self.shapes.values() for shape in shapes for name in shape.constants
        )
        for group in self.exclusive:
            named.update(dict.fromkeys(name for atom in group for name in constants(atom)))
        among = replace(self, domain=_domain(self.declarations, (*named, *also)))
        among.__dict__["shapes"] = self.shapes  # the same formulas have the same shapes
        return among

    def texts(self, steps: int = STEPS) -> SmtTheory:
        """The members, in order, as parts that a solver reads.

        Raises:
            InvalidInput: If writing out the domain takes too many instances.
        """
        return self._ground(steps) if self.is_ground else self._first_order(steps)

    @property
    def is_ground(self) -> bool:
        """Whether writing out for the named things decides the theory."""
        if self.closed:
            return True
        shapes = [shape for each in self.shapes.values() for shape in each]
        if not self.distinct_names and any(_equates(shape) for shape in shapes):
            return False
        return all(
            is_universal(formula)
            for name, formulas in self.members.items()
            if any(shape.quantified for shape in self.shapes[name])
            for formula in formulas
        )

    def chained_conflict(self) -> tuple[list[str], tuple[Proof, Proof]] | None:
        """Members that derive an atom and its denial, found by chaining; None if none do.

        Cheap where variables have many instances: only what the facts reach is looked at. What
        chaining does not find may still be there.
        """
        rules = [
            Rule(name, rule.head, rule.body)
            for name, formulas in self.members.items()
            for rule in map(rule_of, formulas)
            if rule is not None
        ]
        rules += [rule for group in self.exclusive for rule in _excluding(group)]
        facts = [rule for rule in rules if rule.body is None]
        clauses = [clause for rule in rules if rule.body is not None for clause in _chained(rule)]
        derivation = derive_clauses(facts, clauses)
        best: tuple[list[str], tuple[Proof, Proof]] | None = None
        for atom in derivation.contradictions:
            held = derivation.proof(atom)
            denied = derivation.proof(Not(atom))
            assert held is not None
            assert denied is not None
            used = {rule.name for proof in (held, denied) for rule in proof.rules}
            names = [name for name in self.members if name in used]
            if best is None or len(names) < len(best[0]):
                best = names, (held, denied)
        return best

    @property
    def has_many_instances(self) -> bool:
        """Whether writing it out costs more than chaining through it."""
        total = 0
        for shapes in self.shapes.values():
            total += sum(shape.instances(self.domain) for shape in shapes if shape.variables)
            if total > _CHAIN_FIRST_ABOVE:
                return True
        return False

    @cached_property
    def shapes(self) -> Mapping[str, tuple[Shape, ...]]:
        """The members' formulas as text to be filled in, their quantifiers not written out."""
        return {
            name: tuple(shape_of(formula) for formula in formulas)
            for name, formulas in self.members.items()
        }

    def _written_out(self) -> Iterator[Sequence[Shape]]:
        for name, shapes in self.shapes.items():
            if any(shape.quantified for shape in shapes):
                yield [shape_of(formula, self.domain) for formula in self.members[name]]
            else:
                yield shapes

    def _ground(self, steps: int) -> SmtTheory:
        vocabulary = Vocabulary(propositional=True)
        parts = [
            _all_of(text for shape in shapes for text in shape.texts(self.domain, vocabulary))
            for shapes in self._written_out()
        ]
        always = [
            text
            for group in self.exclusive
            for formula in excluding_formulas(group)
            for text in shape_of(formula).texts(self.domain, vocabulary)
        ]
        return SmtTheory(parts, vocabulary.declarations(), always, steps, "QF_FD")

    def _first_order(self, steps: int) -> SmtTheory:
        vocabulary = Vocabulary()
        parts = [
            _all_of(vocabulary.text(formula) for formula in formulas)
            for formulas in self.members.values()
        ]
        always = [
            vocabulary.text(formula)
            for group in self.exclusive
            for formula in excluding_formulas(group)
        ]
        declarations = vocabulary.declarations(distinct_names=self.distinct_names)
        return SmtTheory(parts, declarations, always, steps)


def theory_of(
    statements: Statements,
    *,
    exclusive: Iterable[Iterable[Atom | str]] = (),
    domain: Iterable[Constant | str | int] | None = None,
    distinct_names: bool = True,
) -> Theory:
    """Statements of any kind as a theory.

    Raises:
        InvalidInput: If something is no statement, a group is no group of atoms, or the domain is
            empty.
        LogicSyntaxError: If a text cannot be read.
    """
    members: dict[str, tuple[Formula, ...]] = {}
    declarations = Program()
    for name, formula in _named(statements):
        if formula not in members.get(name, ()):
            members[name] = (*members.get(name, ()), formula)
    if isinstance(statements, Program | str):
        declarations = parse_program(statements) if isinstance(statements, str) else statements
    groups = tuple(group_of(group) for group in exclusive)
    given = tuple(each if isinstance(each, Constant) else Constant(each) for each in domain or ())
    if domain is not None and not given:
        raise InvalidInput("The domain is empty.", "Name at least one thing.")
    things = Domain(given, declarations.domains, declarations.signatures)
    theory = Theory(members, groups, things, bool(given), distinct_names, declarations)
    return theory if given else theory.among_named()


def group_of(group: Iterable[Atom | str]) -> Group:
    """Atoms of which at most one holds.

    Raises:
        InvalidInput: If something is no atom.
    """
    if isinstance(group, str):
        raise InvalidInput(
            f"The group {group!r} is one text.", "Give a list of atoms: ['odd(x)', 'even(x)']."
        )
    found = []
    for each in group:
        atom = as_formula(each)
        if not isinstance(atom, Atom):
            raise InvalidInput(f"{atom} is no atom.", "Groups hold atoms: ['odd(x)', 'even(x)'].")
        found.append(atom)
    return tuple(dict.fromkeys(found))


def excluding_formulas(group: Group) -> list[Formula]:
    """At most one of a group: no two of them together."""
    return [Implies(left, Not(right)) for left, right in itertools.combinations(group, 2)]


def rule_of(formula: Formula) -> Rule | None:
    """A formula of the shape of a rule or fact as one, or None."""
    while isinstance(formula, ForAll):
        formula = formula.body
    body, head = (
        (formula.premise, formula.conclusion) if isinstance(formula, Implies) else (None, formula)
    )
    try:
        atom = signed(head).atom
    except InvalidInput:
        return None
    if body is None and not atom.is_ground:
        return None
    return Rule("", head, body)  # type: ignore[arg-type]


def formula_of(rule: Rule) -> Formula:
    """A rule as an implication, a fact as its head."""
    return rule.head if rule.body is None else Implies(rule.body, rule.head)


def _excluding(group: Group) -> list[Rule]:
    return [Rule("", Not(right), left) for left, right in itertools.permutations(group, 2)]


def _chained(rule: Rule) -> tuple[Clause, ...]:
    """The clauses of a rule; none if chaining cannot use it."""
    try:
        clauses = clauses_of(rule)
        for clause in clauses:
            check_safe(clause, closed=False)
    except InvalidInput:
        return ()
    return clauses


def _named(statements: Statements) -> list[tuple[str, Formula]]:
    if isinstance(statements, str):
        return _of_program(parse_program(statements))
    if isinstance(statements, Program):
        return _of_program(statements)
    if isinstance(statements, Mapping):
        return [(str(name), as_formula(each)) for name, each in statements.items()]
    found: list[tuple[str, Formula]] = []
    for each in statements:
        if isinstance(each, str):
            found += _of_program(parse_program(each))
        elif isinstance(each, Rule):
            found.append((each.label, formula_of(each)))
        elif isinstance(each, Axiom):
            found.append((each.label, each.formula))
        elif isinstance(each, Choice):
            raise InvalidInput(
                f"{each} is a choice with probabilities.", "Only what is asserted can clash."
            )
        else:
            found.append((str(each), as_formula(each)))
    return found


def _of_program(program: Program) -> list[tuple[str, Formula]]:
    named = [(rule.label, formula_of(rule)) for rule in (*program.rules, *program.facts)]
    named += [(axiom.label, axiom.formula) for axiom in program.axioms]
    named += [(f"evidence {literal}", literal) for literal in program.evidence]
    return named


def _domain(declarations: Program, named: Iterable[Constant]) -> Domain:
    declared = [name for members in declarations.domains.values() for name in members]
    # What is said of everything is said of something, even if nothing is named.
    every = (*declared, *named) or (NOBODY,)
    return Domain(every, declarations.domains, declarations.signatures)


def _equates(shape: Shape) -> bool:
    return any(atom.predicate in ("=", "!=") for atom in shape.atoms)


def _all_of(texts: Iterable[str]) -> str:
    return f"(and true {' '.join(texts)})"
