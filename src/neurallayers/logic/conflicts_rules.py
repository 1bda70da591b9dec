"""Rules that clash before any fact is known.

Two rules clash if there is a situation in which both bodies hold and their heads cannot: one
concludes what the other denies, or they conclude two of which at most one holds (a digit is a two
or a three). A rule clashes with itself if its head forbids what its body says. What other rules,
facts and axioms exclude is no such situation.

Variables stand for what is named and for things without a name; as many of these are looked at as
two rules have variables, which is enough to find every clash of rules without quantifiers (the
small models of Bernays and Schoenfinkel 1928, Math. Ann. 99:342).

>>> rules = '''
...     mammal(x) <- dog(x)
...     fishy: !mammal(x) <- swims(x) & scaly(x)
...     !scaly(x) <- furry(x)
... '''
>>> print(*check_rules(rules))  # doctest: +NORMALIZE_WHITESPACE
mammal(x) <- dog(x) and fishy clash where dog(x) & swims(x) & scaly(x): mammal(x) and
!mammal(x) would follow.
>>> labels = [["odd(x)", "even(x)"]]
>>> text = "odd(x) <- one(x). even(x) <- two(x)"
>>> print(*check_rules(text, exclusive=labels))  # doctest: +NORMALIZE_WHITESPACE
odd(x) <- one(x) and even(x) <- two(x) clash where one(x) & two(x): odd(x) and even(x) would
follow, of which at most one holds.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from neurallayers.errors import InvalidInput
from neurallayers.logic.arithmetic import BUILT_IN
from neurallayers.logic.conflicts import Conflict, conflict_of
from neurallayers.logic.conflicts_ground import Key, RuleShape, shape_of
from neurallayers.logic.conflicts_theory import (
    Statements,
    Theory,
    excluding_formulas,
    rule_of,
    theory_of,
)
from neurallayers.logic.proving_clauses import signed
from neurallayers.logic.proving_deductions import listed
from neurallayers.logic.proving_smt import STEPS, SmtTheory, Solver, Vocabulary
from neurallayers.logic.rules import Rule
from neurallayers.logic.terms import (
    Atom,
    Constant,
    Formula,
    Implies,
    Literal,
    Not,
    Term,
    Variable,
    free_variables,
)

_UNNAMED = "someone without a name "


def check_rules(
    statements: Statements,
    *,
    exclusive: Iterable[Iterable[Atom | str]] = (),
    limit: int = 20,
    steps: int = STEPS,
) -> list[Conflict]:
    """Rules that can clash, each pair (or single rule) with a situation in which it does.

    Statements that cannot all hold whatever the situation come first, as
    :func:`~neurallayers.logic.conflicts.find_conflict` finds them.

    Args:
        statements: Rules, and the facts and axioms that are known already: a program or its text,
            or rules, axioms, formulas and texts.
        exclusive: Groups of atoms of which at most one holds, such as the labels of a read-out:
            ``[["digit(x, 0)", "digit(x, 1)"]]``.
        limit: How many to look for.
        steps: How far the solver goes in one check, in its own count.

    Returns:
        One :class:`~neurallayers.logic.conflicts.Conflict` for each pair of rules or single rule;
        its ``situation`` says where they clash. Empty if no situation makes rules clash.

    Raises:
        InvalidInput: If something is no statement, or there are too many instances.
        LogicSyntaxError: If a text cannot be read.
        MissingExtra: If z3-solver is not installed.

    >>> check_rules(["p <- a & b", "!p <- a & !b"])
    []
    """
    if limit < 1:
        raise InvalidInput(f"The limit is {limit}.", "Look for at least one clash.")
    theory = theory_of(statements, exclusive=exclusive)
    found: list[Conflict] = []
    while len(found) < limit and (certain := conflict_of(theory, steps)) is not None:
        # No situation lets rules hold while these stand; the others are looked at without them.
        found.append(certain)
        theory = theory.of(name for name in theory.members if name not in certain.members)
        if not certain.members:
            return found
    return found + list(itertools.islice(_Situations(theory, steps).clashes(), limit - len(found)))


@dataclass(frozen=True, eq=False)
class _Instance:
    """A rule for certain things: what it says of them, and the parts of the solver that say it."""

    name: str
    head: Key
    positive: bool
    atoms: tuple[Key, ...]
    body_part: int
    head_part: int

    @property
    def literal(self) -> Literal:
        """The head."""
        return Atom(*self.head) if self.positive else Not(Atom(*self.head))


class _Situations:
    """Rules written out, and a solver that is asked where their bodies hold."""

    def __init__(self, theory: Theory, steps: int) -> None:
        rules = {
            name: [rule for rule in map(rule_of, formulas) if rule and rule.body is not None]
            for name, formulas in theory.members.items()
        }
        self._unnamed = [Constant(f"{_UNNAMED}{i}") for i in range(_unnamed_needed(rules.values()))]
        self._domain = theory.domain.with_constants(self._unnamed)
        self._exclusive = theory.exclusive
        self._members = theory.members
        self._vocabulary = Vocabulary(propositional=True)
        self._parts: list[str] = []
        self._instances: list[_Instance] = []
        self._implications: dict[Key, list[str]] = {}
        self._bodies: dict[tuple[Key, bool], list[str]] = {}
        for name, several in rules.items():
            for rule in several:
                self._read(name, rule)
        known = [
            text
            for name, formulas in theory.members.items()
            if not rules[name]
            for formula in formulas
            for text in self._texts(formula)
        ]
        pairs = [formula for group in theory.exclusive for formula in excluding_formulas(group)]
        known += [text for formula in pairs for text in self._texts(formula)]
        self._context = {
            key: self._part(f"(and {' '.join(texts)})") for key, texts in self._implications.items()
        }
        self._any_body = {
            signed: self._part(f"(or {' '.join(bodies)})")
            for signed, bodies in self._bodies.items()
        }
        declarations = self._vocabulary.declarations()
        self._solver = Solver(SmtTheory(self._parts, declarations, known, steps, "QF_FD"))

    def clashes(self) -> Iterator[Conflict]:
        """Single rules, then pairs, each once."""
        seen: set[frozenset[str]] = set()
        for one, other in itertools.chain(self._alone(), self._opposed()):
            names = frozenset((one.name, other.name))
            # A rule that clashes with itself says enough.
            if names in seen or any(frozenset((name,)) in seen for name in names):
                continue
            situation = self._situation(one, other)
            if situation is not None:
                seen.add(names)
                yield self._clash(one, other, situation)

    def _read(self, name: str, rule: Rule) -> None:
        assert rule.body is not None
        shape = RuleShape.of(rule.body, rule.head, self._domain)
        for keys in shape.whole.keys(self._domain):
            head = keys[shape.head]
            symbol = self._vocabulary.symbol_of(*head)
            body = shape.body.text(keys, self._vocabulary)
            self._implications.setdefault(head, []).append(shape.whole.text(keys, self._vocabulary))
            self._bodies.setdefault((head, shape.positive), []).append(body)
            self._instances.append(
                _Instance(
                    name=name,
                    head=head,
                    positive=shape.positive,
                    atoms=tuple(key for key in keys[: shape.of_body] if not _is_test(key)),
                    body_part=self._part(body),
                    head_part=self._part(symbol if shape.positive else f"(not {symbol})"),
                )
            )

    def _part(self, text: str) -> int:
        self._parts.append(text)
        return len(self._parts) - 1

    def _texts(self, formula: Formula) -> Iterator[str]:
        shape = shape_of(formula, self._domain)
        return shape.texts(self._domain, self._vocabulary)

    def _alone(self) -> Iterator[tuple[_Instance, _Instance]]:
        """Instances whose body speaks of the head, or of what the head excludes."""
        excluded: dict[Key, set[Key]] = {}
        for left, right in self._exclusive_pairs():
            excluded.setdefault(left, set()).add(right)
            excluded.setdefault(right, set()).add(left)
        for each in self._instances:
            against = {each.head} | (excluded.get(each.head, set()) if each.positive else set())
            if not against.isdisjoint(each.atoms):
                yield each, each

    def _opposed(self) -> Iterator[tuple[_Instance, _Instance]]:
        """Pairs of instances whose heads cannot both hold."""
        by_head: dict[tuple[Key, bool], list[_Instance]] = {}
        for each in self._instances:
            by_head.setdefault((each.head, each.positive), []).append(each)
        for one, other in self._opposed_heads():
            if one in by_head and other in by_head:
                # Asked of all bodies at once: most heads have no bodies that meet.
                parts = [self._any_body[one], self._any_body[other]]
                if self._solver.check(parts) is not False:
                    yield from itertools.product(by_head[one], by_head[other])

    def _opposed_heads(self) -> Iterator[tuple[tuple[Key, bool], tuple[Key, bool]]]:
        for head in self._implications:
            yield (head, True), (head, False)
        for left, right in self._exclusive_pairs():
            yield (left, True), (right, True)

    def _exclusive_pairs(self) -> Iterator[tuple[Key, ...]]:
        for group in self._exclusive:
            for formula in excluding_formulas(group):
                # The two atoms of each instance.
                yield from shape_of(formula).keys(self._domain)

    def _situation(self, one: _Instance, other: _Instance) -> tuple[Literal, ...] | None:
        """Where both bodies hold and the heads cannot; None if that is nowhere."""
        bodies = [one.body_part, other.body_part]
        if self._solver.check(bodies) is not True:
            return None
        if self._solver.check([*bodies, one.head_part, other.head_part]) is not False:
            return None
        # The rules about these heads are the ones in question; all others are taken to hold.
        others = [part for key, part in self._context.items() if key not in (one.head, other.head)]
        if self._solver.check([*bodies, *others]) is not True:
            return None
        return self._literals(dict.fromkeys((*one.atoms, *other.atoms)))

    def _clash(self, one: _Instance, other: _Instance, found: Sequence[Literal]) -> Conflict:
        *situation, head, other_head = _said([*found, one.literal, other.literal])
        members = tuple(dict.fromkeys((one.name, other.name)))
        where = " & ".join(map(str, situation)) or "true"
        if one is other:
            words = f"{one.name} clashes with itself where {where}: it then says {head}."
        else:
            verb = "clash" if len(members) == 2 else "clashes with itself"
            words = f"{listed([*members])} {verb} where {where}: "
            words += f"{head} and {other_head} would follow"
            words += ", of which at most one holds." if one.positive == other.positive else "."
        statements = {name: self._members[name] for name in members}
        return Conflict(members, statements, True, words, tuple(situation))

    def _literals(self, keys: Iterable[Key]) -> tuple[Literal, ...]:
        true = self._solver.true_symbols()
        return tuple(
            Atom(*key) if self._vocabulary.symbol_of(*key) in true else Not(Atom(*key))
            for key in keys
        )


def _unnamed_needed(rules: Iterable[Iterable[Rule]]) -> int:
    """How many things without a name two rules can speak of at once."""
    counts = [
        (len(free_variables(Implies(rule.body, rule.head))), len(free_variables(rule.head)))
        for several in rules
        for rule in several
        if rule.body is not None
    ]
    most = max((every for every, _ in counts), default=0)
    beside_the_head = max((every - head for every, head in counts), default=0)
    return most + beside_the_head


def _is_test(key: Key) -> bool:
    return (key[0], len(key[1])) in BUILT_IN


def _said(literals: Iterable[Literal]) -> list[Literal]:
    """Literals in which things without a name are variables, numbered as they appear."""
    replacing: dict[Term, Term] = {}

    def said(atom: Atom) -> Atom:
        for term in atom.terms:
            if str(term.name).startswith(_UNNAMED):
                replacing.setdefault(term, Variable(_variable_name(len(replacing))))
        return Atom(atom.predicate, tuple(replacing.get(term, term) for term in atom.terms))

    return [
        said(each) if isinstance(each, Atom) else Not(said(signed(each).atom)) for each in literals
    ]


def _variable_name(number: int) -> str:
    names = "xyzuvw"
    return names[number] if number < len(names) else f"x_{number}"
