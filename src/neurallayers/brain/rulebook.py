"""Rules over a brain's answers: what they conclude, why, and whether they can hold together.

A rule speaks of the stimulus that the brain sees. A predicate of two terms that no rule concludes
asks the read-out: ``digit(x, 2)`` is as true as the share that the answer "2" has, whatever the
predicate is called. What is concluded is inferred in the semantics of Lukasiewicz, in which the
disjunction of answers that exclude each other is the sum of their shares, and in a closed world: a
conclusion that no rule supports is false::

    parity: even(x) <- digit(x, 0) | digit(x, 2) | digit(x, 4) | digit(x, 6) | digit(x, 8)
    odd(x) <- !even(x)
    0.9 :: large(x) <- digit(x, n) & n > 5
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from neurallayers.errors import InvalidInput, UnknownName
from neurallayers.logic.arithmetic import is_built_in
from neurallayers.logic.conflicts_rules import check_rules
from neurallayers.logic.knowledge import KnowledgeBase
from neurallayers.logic.proofs import Proof
from neurallayers.logic.rules import Program, Rule
from neurallayers.logic.syntax import parse_program
from neurallayers.logic.terms import (
    Atom,
    Constant,
    Formula,
    Not,
    Variable,
    atoms,
    children,
    substitute,
    with_children,
)
from neurallayers.registry import nearest_name

if TYPE_CHECKING:
    from neurallayers.brain.brain import Brain

#: What the brain sees, in the words of the rules.
STIMULUS = Constant("It")
STIMULI, CLASSES = "stimulus", "class"
#: From this degree on a conclusion counts as true, and below one minus it as false.
ALPHA = 0.75
RULES_AT_MOST = 1000


@dataclass(frozen=True)
class Conclusion:
    """What rules conclude about a stimulus.

    Attributes:
        statement: What, such as ``even(It)``.
        lower: It is at least so true.
        upper: It is at most so true; less than ``lower`` if rules contradict each other.
        reading: That in a word: true, false, unknown, uncertain or contradictory.
    """

    statement: str
    lower: float
    upper: float
    reading: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return dict(vars(self))

    def __str__(self) -> str:
        degree = f"{self.lower:.2f}"
        if self.lower != self.upper:
            degree += f" to {self.upper:.2f}"
        return f"{self.statement} is {self.reading} ({degree})"


@dataclass(frozen=True)
class Rulebook:
    """Rules that were read, for answers of certain classes.

    Attributes:
        program: All of it.
        readouts: Predicates that ask the read-out.
        concluded: Predicates that rules conclude, about the stimulus.
        labels: Names of the classes.
    """

    program: Program
    readouts: tuple[str, ...]
    concluded: tuple[Atom, ...]
    labels: tuple[str, ...]

    @functools.cached_property
    def knowledge(self) -> KnowledgeBase:
        """The rules, ready to infer."""
        program, stated = self.program, (*self.program.rules, *self.program.facts)
        closed = {rule.head_atom.predicate for rule in stated}
        known = {constant_of(label) for label in self.labels}
        constants = [*known, *(c for c in program.constants() if c not in known)]
        signatures: dict[str, tuple[str, ...]] = dict.fromkeys(self.readouts, (STIMULI, CLASSES))
        signatures |= {
            atom.predicate: (STIMULI,) for atom in self.concluded if len(atom.terms) == 1
        }
        return KnowledgeBase(
            replace(
                program,
                domains={STIMULI: (STIMULUS,), CLASSES: tuple(sorted(constants, key=str))},
                signatures=signatures,
            ),
            world=dict.fromkeys(sorted(closed), "closed"),
            observed=self.readouts,
            # Only from premises to conclusions: an answer is evidence, not to be argued away.
            backward=False,
        )

    def conclude(self, shares: Mapping[str, float]) -> tuple[Conclusion, ...]:
        """What follows from the shares of the answers."""
        found = self.knowledge.infer(self._observed(shares))
        conclusions = []
        for atom in self.concluded:
            bounds = found.bounds(atom)
            conclusions.append(
                Conclusion(str(atom), bounds.lower, bounds.upper, bounds.reading(ALPHA).value)
            )
        return tuple(conclusions)

    def proofs(self, shares: Mapping[str, float]) -> tuple[Proof, ...]:
        """Why each conclusion is what it is."""
        found = self.knowledge.infer(self._observed(shares))
        return tuple(found.proof(atom) for atom in self.concluded)

    def _observed(self, shares: Mapping[str, float]) -> dict[Atom | str, float]:
        return {
            # Soft-max shares may leave the unit interval by rounding.
            Atom(predicate, (STIMULUS, constant_of(label))): min(max(share, 0.0), 1.0)
            for predicate in self.readouts
            for label, share in shares.items()
        }


@functools.lru_cache(maxsize=1024)
def rulebook(rules: tuple[str, ...], labels: tuple[str, ...]) -> Rulebook:
    """Rules as they are kept, ready for the answers of a brain that knows these classes.

    Raises:
        InvalidInput: If they cannot be read or make no sense.
    """
    program = _read("\n".join(rules))
    readouts = _readouts(program)
    concluded = dict.fromkeys(_about_the_stimulus(rule) for rule in program.rules)
    return Rulebook(program, readouts, tuple(concluded), tuple(sorted(labels)))


def constant_of(label: str) -> Constant:
    """A class in the language of rules: ``2`` for "2", a name for any other."""
    return (
        Constant(int(label)) if label.isdecimal() and str(int(label)) == label else Constant(label)
    )


def _read(text: str) -> Program:
    program = parse_program(text)
    for kind in ("axioms", "choices", "queries", "evidence", "domains", "signatures"):
        if getattr(program, kind):
            raise InvalidInput(
                f"The rules of a brain hold {kind}.",
                "Write rules, 'even(x) <- digit(x, 2)', and facts about classes, 'vowel(\"a\")'.",
            )
    rules = tuple(
        replace(rule, head=_named(rule.head), body=_named(rule.body))  # type: ignore[arg-type]
        for rule in program.rules
    )
    facts = tuple(replace(fact, head=_named(fact.head)) for fact in program.facts)  # type: ignore[arg-type]
    return Program(rules, facts)


def _named(formula: Formula | None) -> Formula | None:
    """The formula with every class called as :func:`constant_of` does."""
    if formula is None:
        return None
    if isinstance(formula, Atom):
        terms = tuple(
            constant_of(str(term.name)) if isinstance(term, Constant) else term
            for term in formula.terms
        )
        return Atom(formula.predicate, terms)
    inside = tuple(part for child in children(formula) if (part := _named(child)) is not None)
    return with_children(formula, inside) if inside else formula


def _readouts(program: Program) -> tuple[str, ...]:
    """The predicates that nothing concludes: they ask the read-out.

    Raises:
        InvalidInput: If one of them has not two terms.
    """
    stated = {rule.head_atom.predicate for rule in (*program.rules, *program.facts)}
    found: dict[str, None] = {}
    for atom in (
        atom for rule in program.rules if rule.body is not None for atom in atoms(rule.body)
    ):
        if atom.predicate in stated or is_built_in(atom):
            continue
        if atom.arity != 2:
            raise InvalidInput(
                f"Nothing says when {atom} holds.",
                "Conclude it by a rule of its own, or ask the answer with two terms, as in "
                "'digit(x, 2)'.",
            )
        found[atom.predicate] = None
    return tuple(found)


def _about_the_stimulus(rule: Rule) -> Atom:
    """What a rule concludes, with the stimulus in place of its variable.

    Raises:
        InvalidInput: If it concludes something of more than the stimulus.
    """
    atom = rule.head_atom
    variables = {term for term in atom.terms if isinstance(term, Variable)}
    if len(variables) > 1:
        raise InvalidInput(
            f"The rule {rule.label!r} concludes {atom}, of {len(variables)} things.",
            "A brain sees one stimulus at a time: conclude something of one variable.",
        )
    return Atom(
        atom.predicate,
        tuple(STIMULUS if isinstance(term, Variable) else term for term in atom.terms),
    )


def _of_the_stimulus(rule: Rule) -> Rule:
    """A rule with the stimulus in place of what it concludes something of."""
    thing = {term: STIMULUS for term in rule.head_atom.terms if isinstance(term, Variable)}
    body = None if rule.body is None else substitute(rule.body, thing)
    head = substitute(rule.head, thing)
    assert isinstance(head, Atom | Not)
    return replace(rule, head=head, body=body)


class Rules:
    """The rules of one brain; a view of it that holds nothing itself.

    >>> import torch
    >>> from neurallayers.brain import Brain, BrainNetwork, preset
    >>> brain = Brain(BrainNetwork(preset("hasn-nano")))
    >>> brain.rules.add("parity: even(x) <- digit(x, 0) | digit(x, 2)")
    ('parity',)
    >>> brain.process(torch.zeros(8, 8)).conclusions[0].statement
    'even(It)'
    """

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def __len__(self) -> int:
        return len(self._texts)

    def __iter__(self) -> Iterator[str]:
        """The rules as texts that can be read again."""
        return iter(self._texts)

    def __repr__(self) -> str:
        return f"Rules({list(self._texts)})"

    def __str__(self) -> str:
        return "\n".join(self._texts)

    @property
    def _texts(self) -> tuple[str, ...]:
        return self._brain.life.mind.rules

    def add(self, text: str) -> tuple[str, ...]:
        """Take on one rule or several, a line each.

        Args:
            text: Such as ``parity: even(x) <- digit(x, 2) | digit(x, 4)``; a rule without a name
                is called after what it concludes.

        Returns:
            The names of the new rules.

        Raises:
            LogicSyntaxError: If the text cannot be read; it says where.
            InvalidInput: If a rule makes no sense, names an unknown class, has a name that is
                taken, or clashes with others; it says which.
            MissingExtra: Without the extra ``logic``, whose solver looks for clashes.
            JournalError: If the brain lives in a folder and this could not be recorded.
        """
        texts, names = with_rules(self._texts, text, self._brain.labels)
        self._brain.happen("rules", {"rules": list(texts)}, {})
        return names

    def remove(self, name: str) -> None:
        """Give up a rule.

        Raises:
            UnknownName: If there is no rule of that name.
            InvalidInput: If another rule rests on what it concludes.
            JournalError: If the brain lives in a folder and this could not be recorded.
        """
        self._brain.happen("rules", {"rules": list(without_rule(self._texts, name))}, {})


def with_rules(
    present: tuple[str, ...], text: str, labels: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All rules with new ones, each a line, and the names of the new ones.

    Raises:
        LogicSyntaxError: If the text cannot be read.
        InvalidInput: If a rule makes no sense, names an unknown class, has a name that is taken, or
            clashes with others.
        MissingExtra: Without the extra ``logic``.
    """
    if not str(text).strip():
        raise InvalidInput(f"The rule is {text!r:.80}.", "Write 'even(x) <- digit(x, 2)'.")
    read = _read(text)
    taken = {name_of(rule) for rule in present}
    new: list[Rule] = []
    for rule in (*read.rules, *read.facts):
        named = replace(rule, name=rule.name or _free_name(rule, taken))
        if named.name in taken:
            raise InvalidInput(
                f"There is a rule {named.name!r} already.",
                "Remove it first, or name this one anew.",
            )
        taken.add(named.name)
        new.append(named)
    texts = (*present, *map(str, new))
    if len(texts) > RULES_AT_MOST:
        raise InvalidInput(f"These are {len(texts)} rules.", f"Keep to {RULES_AT_MOST}.")
    whole = rulebook(texts, labels)
    _check_classes(whole, new)
    _check_clashes(whole)
    return texts, tuple(rule.name for rule in new)


def without_rule(present: tuple[str, ...], name: str) -> tuple[str, ...]:
    """All rules but one.

    Raises:
        UnknownName: If there is no rule of that name.
        InvalidInput: If another rule rests on what it concludes.
    """
    names = [name_of(rule) for rule in present]
    if name not in names:
        raise UnknownName(f"There is no rule {name!r:.80}.", nearest_name(str(name), names))
    left = tuple(rule for rule, its in zip(present, names, strict=True) if its != name)
    try:
        rulebook(left, ())
    except InvalidInput as error:
        raise InvalidInput(
            f"Other rules need {name!r}: {error.problem}", "Remove those first."
        ) from error
    return left


def name_of(rule: str) -> str:
    """The name of a rule as it is kept."""
    program = parse_program(rule)
    return next(iter((*program.rules, *program.facts))).name


def _free_name(rule: Rule, taken: set[str]) -> str:
    name = rule.head_atom.predicate
    numbers = (f"{name}{number}" for number in range(2, RULES_AT_MOST + 2))
    return name if name not in taken else next(one for one in numbers if one not in taken)


def _check_classes(whole: Rulebook, new: list[Rule]) -> None:
    known = {constant_of(label) for label in whole.labels}
    for rule in new:
        for atom in () if rule.body is None else atoms(rule.body):
            if atom.predicate not in whole.readouts:
                continue
            term = atom.terms[1]
            if isinstance(term, Constant) and term not in known:
                raise InvalidInput(
                    f"The rule {rule.name!r} asks for {atom}; this brain knows no class "
                    f"{str(term.name)!r}.",
                    nearest_name(str(term.name), list(whole.labels)),
                )


def _check_clashes(whole: Rulebook) -> None:
    """Refuse rules that cannot all hold for some answer.

    Raises:
        InvalidInput: It names the rules and the situation.
        MissingExtra: Without the extra ``logic``.
    """
    alternatives = [
        [Atom(readout, (STIMULUS, constant_of(label))) for label in whole.labels]
        for readout in whole.readouts
    ]
    stated = [_of_the_stimulus(rule) for rule in whole.program.rules]
    clashes = check_rules([*stated, *whole.program.facts], exclusive=alternatives)
    if clashes:
        raise InvalidInput(
            f"The rules clash: {clashes[0]}", "Change or remove one of them; nothing was added."
        )
