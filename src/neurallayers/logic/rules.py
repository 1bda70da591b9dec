"""Rules, weighted formulas and programs: what one writes down, with where it stood.

A :class:`Program` is the whole of a text: rules, facts, axioms (formulas that are no rules),
choices (one of several, each with its probability), evidence, queries and declarations. What
weights mean is said by who reads the program: a degree of truth
(:mod:`~neurallayers.logic.knowledge`), a probability (:mod:`~neurallayers.logic.probabilistic`) or
a log weight (:mod:`~neurallayers.logic.markov`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from neurallayers.errors import InvalidInput
from neurallayers.logic.terms import (
    KEYWORDS,
    Atom,
    Constant,
    Formula,
    Literal,
    Not,
    atoms,
    constants,
    predicates,
    quoted,
)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a statement begins in its text; both count from one."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


@dataclass(frozen=True, slots=True)
class Rule:
    """``head`` holds to the degree that ``body`` does; without a body it is a fact.

    Two rules are equal if they say the same under the same name; where they stood does not count.

    Args:
        name: What explanations call it; empty for a rule without a name.
        head: An atom or the negation of one.
        body: Any formula; None for a fact.
        weight: None for a rule that holds without exception.
        position: Where it stood, if it was read.

    Raises:
        InvalidInput: If the head is no literal or the weight is not finite.

    >>> print(Rule("parity", Atom("even"), Atom("two"), weight=0.9))
    parity: 0.9 :: even <- two
    """

    name: str
    head: Literal
    body: Formula | None = None
    weight: float | None = None
    position: Position | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        atom = self.head.operand if isinstance(self.head, Not) else self.head
        if not isinstance(atom, Atom):
            raise InvalidInput(
                f"The head of a rule is {self.head}.",
                "Conclude an atom or the negation of one; write other formulas as 'a -> b'.",
            )
        _check_weight(self.weight)

    @property
    def is_fact(self) -> bool:
        """Whether there is no body."""
        return self.body is None

    @property
    def head_atom(self) -> Atom:
        """The atom that the head asserts or denies."""
        atom = self.head.operand if isinstance(self.head, Not) else self.head
        assert isinstance(atom, Atom)
        return atom

    @property
    def label(self) -> str:
        """The name, or the rule itself where it has none."""
        return self.name or str(self)

    def __str__(self) -> str:
        said = str(self.head) if self.body is None else f"{self.head} <- {self.body}"
        return _prefixed(self.name, self.weight, said)


@dataclass(frozen=True, slots=True)
class Axiom:
    """A formula that is neither a rule nor a fact, such as ``forall x: p(x) -> q(x)``."""

    name: str
    formula: Formula
    weight: float | None = None
    position: Position | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        _check_weight(self.weight)

    @property
    def label(self) -> str:
        """The name, or the formula itself where it has none."""
        return self.name or str(self)

    def __str__(self) -> str:
        return _prefixed(self.name, self.weight, str(self.formula))


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several atoms, each with its probability: ``0.2 :: red ; 0.8 :: blue <- ball``.

    What the probabilities leave to one is the chance that none of them holds.
    """

    name: str
    alternatives: tuple[tuple[float, Atom], ...]
    body: Formula | None = None
    position: Position | None = field(default=None, compare=False)

    @property
    def label(self) -> str:
        """The name, or the choice itself where it has none."""
        return self.name or str(self)

    def __str__(self) -> str:
        choices = " ; ".join(f"{weight!r} :: {atom}" for weight, atom in self.alternatives)
        return _prefixed(
            self.name, None, choices if self.body is None else f"{choices} <- {self.body}"
        )


Statement: TypeAlias = Rule | Axiom | Choice


@dataclass(frozen=True)
class Program:
    """Everything that a text says, in the order in which it says it.

    Args:
        rules: Rules with a body.
        facts: Rules without one.
        axioms: Formulas that are no rules.
        choices: Annotated disjunctions.
        queries: What is asked, ``query p(x)``.
        evidence: What was observed, ``evidence !p(Anna)``.
        domains: Constants by the name of their domain, ``domain person: Anna, Bob``.
        signatures: Domains of the terms of a predicate, ``predicate likes(person, person)``.
    """

    rules: tuple[Rule, ...] = ()
    facts: tuple[Rule, ...] = ()
    axioms: tuple[Axiom, ...] = ()
    choices: tuple[Choice, ...] = ()
    queries: tuple[Formula, ...] = ()
    evidence: tuple[Literal, ...] = ()
    domains: Mapping[str, tuple[Constant, ...]] = field(default_factory=dict)
    signatures: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def statements(self) -> tuple[Statement, ...]:
        """Rules, facts, axioms and choices."""
        return (*self.rules, *self.facts, *self.axioms, *self.choices)

    def formulas(self) -> Iterator[Formula]:
        """Every formula that the program mentions, heads and bodies apart."""
        for rule in (*self.rules, *self.facts):
            yield rule.head
            if rule.body is not None:
                yield rule.body
        for axiom in self.axioms:
            yield axiom.formula
        for choice in self.choices:
            yield from (atom for _, atom in choice.alternatives)
            if choice.body is not None:
                yield choice.body
        yield from self.queries
        yield from self.evidence

    def constants(self) -> tuple[Constant, ...]:
        """The constants of every domain and formula, in the order in which they appear."""
        found = dict.fromkeys(name for domain in self.domains.values() for name in domain)
        for formula in self.formulas():
            found.update(dict.fromkeys(constants(formula)))
        return tuple(found)

    def predicates(self) -> tuple[tuple[str, int], ...]:
        """Name and arity of every predicate, in the order in which they appear."""
        return tuple(
            dict.fromkeys(each for formula in self.formulas() for each in predicates(formula))
        )

    def atoms(self) -> tuple[Atom, ...]:
        """Every atom, in the order in which it appears."""
        return tuple(dict.fromkeys(atom for formula in self.formulas() for atom in atoms(formula)))

    def __add__(self, other: Program) -> Program:
        """Both programs as one; the declarations of the second win."""
        return Program(
            rules=self.rules + other.rules,
            facts=self.facts + other.facts,
            axioms=self.axioms + other.axioms,
            choices=self.choices + other.choices,
            queries=self.queries + other.queries,
            evidence=self.evidence + other.evidence,
            domains={**self.domains, **other.domains},
            signatures={**self.signatures, **other.signatures},
        )

    def __str__(self) -> str:
        lines = [
            f"domain {domain}: {', '.join(map(str, members))}"
            for domain, members in self.domains.items()
        ]
        lines += [
            f"predicate {name}({', '.join(domains)})" for name, domains in self.signatures.items()
        ]
        lines += [str(statement) for statement in self.statements]
        lines += [f"evidence {literal}" for literal in self.evidence]
        lines += [f"query {formula}" for formula in self.queries]
        return "\n".join(lines)


def _prefixed(name: str, weight: float | None, said: str) -> str:
    """Name and weight before what a statement says, as the syntax reads them."""
    weighted = said if weight is None else f"{weight!r} :: {said}"
    bare = name.isidentifier() and name not in KEYWORDS
    return f"{name if bare else quoted(name)}: {weighted}" if name else weighted


def _check_weight(weight: float | None) -> None:
    if weight is not None and not math.isfinite(weight):
        raise InvalidInput(
            f"The weight is {weight!r}.", "Give a finite number, or None for what always holds."
        )
