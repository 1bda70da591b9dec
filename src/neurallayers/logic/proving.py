"""Does a conclusion follow from premises in first-order logic? With a proof or two worlds.

The premises and the denial of the conclusion are given to a solver (z3). If they cannot hold
together, the conclusion follows, and the fewest premises that it needs are its proof. If they can,
the world in which they do is shown and checked by plain evaluation, so that "unknown" is as decided
as "true" and "false". Only if the solver gives up, by counting its steps and never by the clock,
and no world of a few things is found either, is a question left undecided.

A constant is any element of a domain that is not empty; two constants may name the same one unless
``distinct_names`` is set. Every predicate may have its own arity; ``=`` is equality.

>>> premises = ["∀x (Bird(x) → Animal(x))", "Bird(tweety)", "Fish(nemo)"]
>>> verdict = prove(premises, "Animal(tweety)", constants="free")
>>> verdict.answer, verdict.used
('True', ('1', '2'))
>>> prove(["Bird(tweety)"], "Animal(tweety)", constants="free").answer
'Unknown'
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from typing import Literal as OneOf

from neurallayers.errors import InvalidInput
from neurallayers.logic.proving_cores import shrink
from neurallayers.logic.proving_deductions import listed
from neurallayers.logic.proving_models import FiniteModel, model_from
from neurallayers.logic.proving_smt import STEPS, SmtTheory, Solver, Vocabulary
from neurallayers.logic.rules import Program
from neurallayers.logic.syntax import parse_formula
from neurallayers.logic.terms import Formula, Implies, Not

LARGEST_WORLD = 4
"""How many things the worlds have at most that are searched when the solver gives up."""

Premises = Program | Mapping[str, Formula | str] | Iterable[Formula | str]
Finding = OneOf["True", "False", "Unknown", "Contradiction"]


@dataclass(frozen=True)
class Verdict:
    """What premises say of a conclusion.

    Attributes:
        answer: ``"True"``: it follows. ``"False"``: its negation does. ``"Unknown"``: neither.
            ``"Contradiction"``: the premises cannot hold together, so that everything follows.
        decided: Whether the answer is certain. Only ``"Unknown"`` can be undecided.
        conclusion: What was asked.
        used: Names of premises that the answer needs, none of which can be left out; empty for
            ``"Unknown"``.
        premises: All premises by name.
        world: A world in which the premises and the conclusion hold, if there is one.
        counterexample: A world in which the premises hold and the conclusion does not.
    """

    answer: Finding
    decided: bool
    conclusion: Formula
    used: tuple[str, ...]
    premises: Mapping[str, Formula]
    world: FiniteModel | None = None
    counterexample: FiniteModel | None = None

    @property
    def words(self) -> str:
        """The answer and its reason."""
        reasons = "; ".join(f"{name}: {self.premises[name]}" for name in self.used)
        reasons = f" ({reasons})" if reasons else ""
        named = listed([*self.used]) or "nothing"
        if self.answer == "Contradiction":
            return f"The premises cannot hold together: {named} contradict each other{reasons}."
        if self.answer == "Unknown":
            return self._both_worlds()
        says = "follows" if self.answer == "True" else "is refuted"
        by = "from" if self.answer == "True" else "by"
        return f"{self.conclusion} {says} {by} {named}{reasons}."

    def to_dict(self) -> dict[str, Any]:
        """The verdict as values of JSON."""
        return {
            "answer": self.answer,
            "decided": self.decided,
            "conclusion": str(self.conclusion),
            "used": {name: str(self.premises[name]) for name in self.used},
            "world": None if self.world is None else str(self.world),
            "counterexample": None if self.counterexample is None else str(self.counterexample),
            "words": self.words,
        }

    def _both_worlds(self) -> str:
        if not self.decided:
            return f"Whether {self.conclusion} follows was not decided: raise steps=."
        return (
            f"The premises leave {self.conclusion} open. It holds in this world: {self.world} It "
            f"does not in this: {self.counterexample}"
        )


def prove(
    premises: Premises,
    conclusion: Formula | str,
    *,
    constants: str | Iterable[str] = (),
    distinct_names: bool = False,
    steps: int = STEPS,
) -> Verdict:
    """Whether a conclusion follows from premises, and why.

    Args:
        premises: Formulas or their text, by name or in order (then named ``"1"``, ``"2"``, ...), or
            a program, whose rules are read as implications. Free variables are taken for all.
        conclusion: A formula or its text.
        constants: For texts, as :func:`~neurallayers.logic.syntax.parse_formula` has it: ``"free"``
            if every name is a constant that no quantifier binds.
        distinct_names: Whether different constants name different things.
        steps: How far the solver goes in one check, in its own count.

    Raises:
        InvalidInput: If there is something that is no formula, or compares things by size.
        LogicSyntaxError: If a text is no formula.
        MissingExtra: If z3-solver is not installed.
    """
    named = named_formulas(premises, constants=constants)
    goal = as_formula(conclusion, constants=constants)
    question = _Question(named, goal, distinct_names, steps)
    refuting, refutation = question.ask(Not(goal))
    supporting, support = question.ask(goal)
    if refuting is False and supporting is False:
        return question.verdict("Contradiction", question.contradiction())
    if refuting is False:
        return question.verdict("True", refutation, world=support)
    if supporting is False:
        return question.verdict("False", support, counterexample=refutation)
    return question.verdict("Unknown", (), world=support, counterexample=refutation)


def find_world(
    premises: Premises,
    *,
    constants: str | Iterable[str] = (),
    distinct_names: bool = False,
    steps: int = STEPS,
) -> FiniteModel | None:
    """A world in which all premises hold, or None if there is none (or none was found).

    >>> print(find_world(["exists x: cold(x)", "forall x: cold(x) -> !warm(x)"]))
    1 thing; true: cold(0).
    """
    named = named_formulas(premises, constants=constants)
    question = _Question(named, None, distinct_names, steps)
    found = question.ask(None)[1]
    return found if isinstance(found, FiniteModel) else None


def named_formulas(
    premises: Premises, *, constants: str | Iterable[str] = ()
) -> dict[str, Formula]:
    """Premises as formulas by name; rules become implications.

    Raises:
        InvalidInput: If something is no formula, or a name is given twice.
    """
    if isinstance(premises, Program):
        return _of_program(premises)
    if isinstance(premises, str):
        raise InvalidInput(
            f"The premises are one text, {premises!r}.",
            "Give a list of formulas, or a program (parse_program).",
        )
    items = (
        premises.items()
        if isinstance(premises, Mapping)
        else ((str(number), each) for number, each in enumerate(premises, start=1))
    )
    return {name: as_formula(each, constants=constants) for name, each in items}


def as_formula(formula: Formula | str, *, constants: str | Iterable[str] = ()) -> Formula:
    """A formula, read if it is text.

    Raises:
        InvalidInput: If it is neither.
    """
    if isinstance(formula, str):
        return parse_formula(formula, constants=constants)
    # Not checks what it is made of, and says what is wrong.
    Not(formula)
    return formula


def _of_program(program: Program) -> dict[str, Formula]:
    if program.choices:
        raise InvalidInput(
            f"{program.choices[0]} is a choice with probabilities.",
            "Premises hold without exception; leave choices out.",
        )
    named: dict[str, Formula] = {}
    for rule in (*program.rules, *program.facts):
        named[rule.label] = rule.head if rule.body is None else Implies(rule.body, rule.head)
    for axiom in program.axioms:
        named[axiom.label] = axiom.formula
    for literal in program.evidence:
        named[f"evidence {literal}"] = literal
    return named


@dataclass(frozen=True)
class _Question:
    """Premises that are asked what they leave open."""

    premises: dict[str, Formula]
    conclusion: Formula | None
    distinct_names: bool
    steps: int

    def ask(self, also: Formula | None) -> tuple[bool | None, FiniteModel | tuple[str, ...] | None]:
        """Whether premises and one more formula can hold: a world, or the names that forbid it."""
        formulas = [*self.premises.values(), *([] if also is None else [also])]
        solver, vocabulary = self._solver(formulas, things=0)
        answer = solver.check(range(len(formulas)))
        if answer is False:
            # The conclusion is the last part: it may be left out of the reason if the premises
            # contradict each other.
            parts, _ = shrink(solver, solver.core())
            names = list(self.premises)
            return False, tuple(names[part] for part in parts if part < len(names))
        if answer is True:
            world = self._checked(model_from(solver, vocabulary), formulas)
            if world is not None:
                return True, world
        return self._small_world(formulas)

    def contradiction(self) -> tuple[str, ...]:
        """The fewest premises that cannot hold together."""
        solver, _ = self._solver([*self.premises.values()], things=0)
        if solver.check(range(len(self.premises))) is not False:
            # Each answer was found with the conclusion's help; the names of both are the reason.
            return tuple(self.premises)
        names = list(self.premises)
        return tuple(names[part] for part in shrink(solver, solver.core())[0])

    def verdict(
        self,
        answer: Finding,
        used: Any,
        *,
        world: Any = None,
        counterexample: Any = None,
    ) -> Verdict:
        """The answer as a value."""
        assert self.conclusion is not None
        decided = answer != "Unknown" or (world is not None and counterexample is not None)
        return Verdict(answer, decided, self.conclusion, used, self.premises, world, counterexample)

    def _small_world(self, formulas: Sequence[Formula]) -> tuple[bool | None, FiniteModel | None]:
        """Worlds of one thing, of two, ...: a search that always ends."""
        for size in range(1, LARGEST_WORLD + 1):
            solver, vocabulary = self._solver(formulas, things=size)
            if solver.check(range(len(formulas))):
                world = self._checked(model_from(solver, vocabulary), formulas)
                if world is not None:
                    return True, world
        return None, None

    def _solver(self, formulas: Sequence[Formula], *, things: int) -> tuple[Solver, Vocabulary]:
        vocabulary = Vocabulary(things=things)
        texts = [vocabulary.text(formula) for formula in formulas]
        declarations = vocabulary.declarations(distinct_names=self.distinct_names)
        return Solver(SmtTheory(texts, declarations, steps=self.steps)), vocabulary

    def _checked(self, world: FiniteModel, formulas: Sequence[Formula]) -> FiniteModel | None:
        """The world, if evaluation agrees with the solver that the formulas hold in it."""
        distinct = len(set(world.names.values())) == len(world.names)
        if self.distinct_names and not distinct:
            return None
        return world if all(world.satisfies(formula) for formula in formulas) else None
