"""Rules of a probabilistic program as clauses: one conjunction of literals, heads with chances.

Bodies may be any formula: they are brought to alternatives of conjunctions. A quantifier "for all"
and a negated "exists" become the negation of a predicate of their own, which is what negation as
failure makes of them: ``all_vote <- forall x: citizen(x) -> votes(x)`` holds if nobody is proved to
be a citizen who does not vote.
"""

from __future__ import annotations

import itertools
from collections.abc import Container, Iterable
from dataclasses import dataclass

from neurallayers.errors import InvalidInput
from neurallayers.logic.arithmetic import is_built_in
from neurallayers.logic.rules import Choice, Program, Rule
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
    Term,
    Variable,
    Verum,
    Xor,
    conjunction,
    disjunction,
    free_variables,
    substitute,
)

BRANCHES_AT_MOST = 4096
"""How many conjunctions the body of one rule may come to."""

_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Branch:
    """One conjunction: what must be proved, what must be computed, what must not be provable."""

    positive: tuple[Atom, ...] = ()
    builtin: tuple[tuple[Atom, bool], ...] = ()
    negative: tuple[Atom, ...] = ()

    def and_also(self, other: Branch) -> Branch:
        """Both conjunctions as one, each literal once."""
        return Branch(
            tuple(dict.fromkeys(self.positive + other.positive)),
            tuple(dict.fromkeys(self.builtin + other.builtin)),
            tuple(dict.fromkeys(self.negative + other.negative)),
        )


@dataclass(frozen=True)
class Clause:
    """If one of the branches holds, one of the heads happens with its probability.

    Attributes:
        number: Which clause of the program.
        heads: Probability and atom; what is missing to one is the chance of none of them.
        branches: Conjunctions of which one must hold; a fact has one empty branch.
        label: How errors and explanations name it.
        variables: Those that no quantifier binds; each binding of them is a choice of its own.
    """

    number: int
    heads: tuple[tuple[float, Atom], ...]
    branches: tuple[Branch, ...]
    label: str
    variables: frozenset[Variable]

    @property
    def is_certain(self) -> bool:
        """Whether its one head always happens."""
        return len(self.heads) == 1 and self.heads[0][0] == 1.0


def computes(atom: Atom, bound: Container[Term]) -> bool:
    """Whether a built-in atom gives its one unbound variable a value: ``z is x + y``, ``x = y``."""
    unbound = [i for i, t in enumerate(atom.terms) if isinstance(t, Variable) and t not in bound]
    if len(unbound) != 1:
        return False
    return atom.predicate in ("=", "sum") or (atom.predicate == "product" and unbound == [2])


class ClauseReader:
    """Turns statements into clauses; predicates that quantifiers need are added as it goes."""

    def __init__(self) -> None:
        self.clauses: list[Clause] = []
        self._auxiliary = itertools.count(1)

    def read(self, program: Program) -> None:
        """Add every rule, fact and choice of a program.

        Raises:
            InvalidInput: If a statement has no meaning as a probability.
        """
        for axiom in program.axioms:
            raise InvalidInput(
                f"'{axiom.label}' is a formula and no rule.",
                "A probabilistic program has rules ('head <- body'), facts and choices. Write what "
                "was observed as evidence; for weighted formulas use MarkovLogicNetwork.",
            )
        statements: tuple[Rule | Choice, ...] = (*program.facts, *program.choices, *program.rules)
        for statement in statements:
            self.add(statement)

    def add(self, statement: Rule | Choice) -> None:
        """Add one statement."""
        if isinstance(statement, Choice):
            heads = statement.alternatives
        else:
            if isinstance(statement.head, Not):
                raise InvalidInput(
                    f"'{statement.label}' concludes a negation.",
                    "What no rule proves is false already; write what was observed to be false as "
                    "evidence.",
                )
            heads = ((1.0 if statement.weight is None else statement.weight, statement.head_atom),)
        _check_heads(heads, statement.label)
        possible = tuple((chance, head) for chance, head in heads if chance > 0.0)
        if possible:
            self.add_clause(possible, statement.body, statement.label)

    def add_clause(
        self, heads: tuple[tuple[float, Atom], ...], body: Formula | None, label: str
    ) -> None:
        """Add a clause with any formula as body."""
        branches = (Branch(),) if body is None else tuple(self._branches(body, positive=True))
        for _, head in heads:
            for branch in branches:
                check_bound(head, branch, label)
        whole = conjunction(*(head for _, head in heads), *(() if body is None else (body,)))
        variables = frozenset(free_variables(whole))
        self.clauses.append(Clause(len(self.clauses), heads, branches, label, variables))

    def _branches(self, formula: Formula, *, positive: bool) -> list[Branch]:
        """The formula (or its negation) as conjunctions of which one must hold."""
        match formula:
            case Atom():
                return [_literal(formula, positive)]
            case Not(operand):
                return self._branches(operand, positive=not positive)
            case Verum() | Falsum():
                return [Branch()] if isinstance(formula, Verum) == positive else []
            case And(operands) | Or(operands):
                parts = [self._branches(operand, positive=positive) for operand in operands]
                if isinstance(formula, And) == positive:
                    return _product(parts)
                return list(itertools.chain.from_iterable(parts))
            case Implies() | Iff() | Xor():
                return self._branches(_unfolded(formula), positive=positive)
            case ForAll() | Exists():
                return self._quantified(formula, positive=positive)
        raise InvalidInput(f"{formula!r} cannot stand in a body.", "Use the formulas of terms.py.")

    def _quantified(self, formula: ForAll | Exists, *, positive: bool) -> list[Branch]:
        """Some element: a variable more. None, or all: the absence of a counterexample."""
        if isinstance(formula, Exists) == positive:
            fresh: dict[Variable, Term] = {
                variable: Variable(f"{variable.name}_{next(self._auxiliary)}")
                for variable in formula.variables
            }
            return self._branches(substitute(formula.body, fresh), positive=positive)
        body = formula.body if isinstance(formula, Exists) else Not(formula.body)
        return [self._absent(Exists(formula.variables, body), body)]

    def _absent(self, exists: Formula, body: Formula) -> Branch:
        """The negation of a predicate that holds where ``exists`` does."""
        # No name that one can write without quotes, so that it meets no other predicate.
        name = f"exists {next(self._auxiliary)}"
        head = Atom(name, free_variables(exists))
        self.add_clause(((1.0, head),), body, str(exists))
        return Branch(negative=(head,))


def check_bound(head: Atom, branch: Branch, label: str) -> None:
    """Refuse variables that nothing in the body gives a value.

    Raises:
        InvalidInput: Naming the variables.
    """
    bound = {term for atom in branch.positive for term in atom.terms}
    computed = [atom for atom, positive in branch.builtin if positive]
    # What a sum or an equality computes counts once its other terms are bound.
    for _ in computed:
        for atom in computed:
            if computes(atom, bound):
                bound.update(atom.terms)
    others = [*branch.negative, *(atom for atom, _ in branch.builtin)]
    used = _variables(t for atom in (head, *others) for t in atom.terms)
    loose = [str(variable) for variable in dict.fromkeys(used) if variable not in bound]
    if loose:
        raise InvalidInput(
            f"'{label}': nothing in the body says what {', '.join(loose)} can be.",
            "Bind each variable by an atom that is not negated; names with a capital and quoted "
            'names are constants, as in edge(A, "b").',
        )


def _variables(terms: Iterable[Term]) -> list[Variable]:
    return [term for term in terms if isinstance(term, Variable)]


def _check_heads(heads: tuple[tuple[float, Atom], ...], label: str) -> None:
    for chance, head in heads:
        if not 0.0 <= chance <= 1.0:
            raise InvalidInput(
                f"'{label}' gives {head} the probability {chance!r}.", "It lies between 0 and 1."
            )
        if is_built_in(head):
            raise InvalidInput(
                f"'{label}' concludes {head}, which its terms alone decide.",
                "Choose another predicate for it.",
            )
    total = sum(chance for chance, _ in heads)
    if total > 1.0 + _TOLERANCE:
        raise InvalidInput(
            f"The probabilities of '{label}' add up to {total!r}.", "Let them add up to at most 1."
        )


def _literal(atom: Atom, positive: bool) -> Branch:
    if is_built_in(atom):
        return Branch(builtin=((atom, positive),))
    return Branch(positive=(atom,)) if positive else Branch(negative=(atom,))


def _product(parts: list[list[Branch]]) -> list[Branch]:
    branches = [Branch()]
    for part in parts:
        branches = list(dict.fromkeys(a.and_also(b) for a in branches for b in part))
        if len(branches) > BRANCHES_AT_MOST:
            raise InvalidInput(
                f"The body of a rule comes to more than {BRANCHES_AT_MOST} conjunctions.",
                "Give parts of it predicates and rules of their own.",
            )
    return branches


def _unfolded(formula: Implies | Iff | Xor) -> Formula:
    """The same with and, or and not."""
    if isinstance(formula, Implies):
        return disjunction(Not(formula.premise), formula.conclusion)
    left, right = formula.left, formula.right
    if isinstance(formula, Iff):
        return disjunction(conjunction(left, right), conjunction(Not(left), Not(right)))
    return disjunction(conjunction(left, Not(right)), conjunction(Not(left), right))
