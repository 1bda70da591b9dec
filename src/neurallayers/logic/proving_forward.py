"""Forward chaining: everything that rules derive from facts, with a shortest proof of each.

A rule ``head <- body`` fires for every way in which its body holds; what it adds may let others
fire, until nothing is new: the least fixed point of the immediate-consequence operator (van Emden
and Kowalski 1976, J. ACM 23:733). A round uses only what earlier rounds found, so that in an open
world the depth of a proof is the least possible.

What "not" means is chosen:

- open world: ``!p`` is a literal like any other, that a fact or the head of a rule says. What is
  neither derived nor denied is unknown. So were ProofWriter's open-world questions labelled
  (Tafjord et al. 2021, arXiv:2012.13048): by chaining, never by contraposition.
- closed world: ``!p`` in a body holds if ``p`` cannot be derived. The rules must be stratified and
  are applied layer by layer (Apt, Blair and Walker 1988).

>>> from neurallayers.logic.syntax import parse_formula, parse_program
>>> program = parse_program('''
...     cold: nice(x) <- cold(x) & !rough(x)
...     cold(Anne)
...     !rough(Anne)
... ''')
>>> derivation = derive([*program.rules, *program.facts])
>>> derivation.answer(parse_formula("nice(Anne)"))
'True'
>>> print(derivation.proof(parse_formula("nice(Anne)")))
1. cold(Anne) is given.
2. !rough(Anne) is given.
3. nice(Anne) follows from 1 and 2 by cold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal as OneOf

from neurallayers.errors import InvalidInput
from neurallayers.logic.arithmetic import holds, is_solvable, solve
from neurallayers.logic.proving_clauses import (
    Clause,
    Signed,
    check_safe,
    clauses_of,
    signed,
    strata,
)
from neurallayers.logic.proving_deductions import Deduction, Proof
from neurallayers.logic.rules import Program, Rule
from neurallayers.logic.terms import Atom, Constant, Literal, Term, Variable, substitute_atom

World = OneOf["open", "closed"]
Answer = OneOf["True", "False", "Unknown"]

_Binding = dict[Variable, Constant]
_Terms = tuple[Term, ...]


class _Found:
    """Ground literals with their first deduction, indexed by what a premise may ask for."""

    def __init__(self) -> None:
        self.deductions: dict[Signed, Deduction] = {}
        self._by_predicate: dict[tuple[str, int, bool], list[_Terms]] = {}
        self._by_term: dict[tuple[str, int, bool, int, Term], list[_Terms]] = {}

    def add(self, deduction: Deduction) -> None:
        literal = deduction.conclusion
        self.deductions[literal] = deduction
        predicate, terms = literal.atom.predicate, literal.atom.terms
        kind = (predicate, len(terms), literal.positive)
        self._by_predicate.setdefault(kind, []).append(terms)
        for place, term in enumerate(terms):
            self._by_term.setdefault((*kind, place, term), []).append(terms)

    def __contains__(self, literal: Signed) -> bool:
        return literal in self.deductions

    def candidates(self, pattern: Signed, binding: _Binding) -> Sequence[_Terms]:
        """Terms of found literals that may match: the shortest list that one bound term gives."""
        kind = (pattern.atom.predicate, pattern.atom.arity, pattern.positive)
        shortest = self._by_predicate.get(kind, [])
        for place, term in enumerate(pattern.atom.terms):
            value = binding.get(term) if isinstance(term, Variable) else term
            if value is not None:
                listed = self._by_term.get((*kind, place, value), [])
                shortest = listed if len(listed) < len(shortest) else shortest
        return shortest


@dataclass(frozen=True)
class Derivation:
    """What was derived, and how.

    Attributes:
        deductions: Every literal found, in the order of discovery, with a proof of it.
        world: What an absent literal means.
    """

    deductions: Mapping[Signed, Deduction]
    world: World

    @property
    def literals(self) -> tuple[Literal, ...]:
        """Everything that holds, given or derived."""
        return tuple(each.literal for each in self.deductions)

    @property
    def contradictions(self) -> tuple[Atom, ...]:
        """Atoms that were both derived and denied."""
        return tuple(
            each.atom
            for each in self.deductions
            if each.positive and each.opposite in self.deductions
        )

    def holds(self, literal: Literal) -> bool:
        """Whether a literal was derived (or, denied in a closed world, was not)."""
        asked = _ground(literal)
        if asked in self.deductions:
            return True
        return (
            self.world == "closed" and not asked.positive and asked.opposite not in self.deductions
        )

    def answer(self, literal: Literal) -> Answer:
        """``"True"`` if the literal holds, ``"False"`` if its opposite does, else ``"Unknown"``.

        Of a contradiction both hold; the literal that was asked for is then said to be true (see
        :attr:`contradictions`).

        Raises:
            InvalidInput: If it is no literal, or has variables.
        """
        if self.holds(literal):
            return "True"
        return "False" if self.holds(_ground(literal).opposite.literal) else "Unknown"

    def proof(self, literal: Literal) -> Proof | None:
        """A shortest proof of a literal, of its opposite if that holds, or None.

        Raises:
            InvalidInput: If it is no literal, or has variables.
        """
        asked = _ground(literal)
        for each in (asked, asked.opposite):
            if each in self.deductions:
                return Proof(self.deductions[each])
            if self.holds(each.literal):
                return Proof(Deduction(each, None, (), absent=True))
        return None


def derive(statements: Program | Iterable[Rule], *, world: World = "open") -> Derivation:
    """Everything that follows from facts and rules by chaining.

    Args:
        statements: A program, or rules and facts (rules without a body).
        world: ``"open"``: what is denied must be said. ``"closed"``: what is not derived is false.

    Raises:
        InvalidInput: If a rule has a variable that its body does not bind, a ``forall`` in its
            body, or (closed world) is not stratified; if a fact has a variable.

    >>> from neurallayers.logic.syntax import parse_program
    >>> program = parse_program("path(x, z) <- path(x, y) & path(y, z). path(1, 2). path(2, 3)")
    >>> print(*derive(program).literals)
    path(1, 2) path(2, 3) path(1, 3)
    """
    if world not in ("open", "closed"):
        raise InvalidInput(f"The world is {world!r}.", "Choose 'open' or 'closed'.")
    rules = _rules(statements)
    clauses = [clause for rule in rules if rule.body is not None for clause in clauses_of(rule)]
    for clause in clauses:
        check_safe(clause, closed=world == "closed")
    if world == "closed":
        _refuse_denied_heads(clauses)
    return derive_clauses([rule for rule in rules if rule.body is None], clauses, world=world)


def derive_clauses(
    facts: Iterable[Rule], clauses: Sequence[Clause], *, world: World = "open"
) -> Derivation:
    """Everything that follows from facts by clauses, which are known to be safe."""
    closed = world == "closed"
    found = _Found()
    for rule in facts:
        fact = _ground(rule.head)
        # In a closed world a denied fact says nothing new.
        if fact not in found and (fact.positive or not closed):
            found.add(Deduction(fact, rule, ()))
    for layer in strata(clauses) if closed else [clauses]:
        _close(layer, found, closed=closed)
    return Derivation(found.deductions, world)


def _rules(statements: Program | Iterable[Rule]) -> list[Rule]:
    if isinstance(statements, Program):
        if statements.axioms or statements.choices:
            odd = (*statements.axioms, *statements.choices)[0]
            raise InvalidInput(
                f"{odd} is no rule.",
                "Chaining takes rules and facts; decide other formulas with "
                "neurallayers.logic.proving.prove.",
            )
        return [*statements.rules, *statements.facts]
    rules = list(statements)
    for rule in rules:
        if not isinstance(rule, Rule):
            raise InvalidInput(
                f"{rule!r} is no rule.", "Give a Program, or rules and facts from parse_rule."
            )
    return rules


def _ground(literal: Literal | Signed) -> Signed:
    found = literal if isinstance(literal, Signed) else signed(literal)
    if not found.atom.is_ground:
        raise InvalidInput(
            f"{found} has a variable.", "Facts and questions name constants: p(Anna), not p(x)."
        )
    return found


def _refuse_denied_heads(clauses: Iterable[Clause]) -> None:
    for clause in clauses:
        if not clause.head.positive:
            raise InvalidInput(
                f"The rule {clause.rule.label!r} concludes a denial.",
                "In a closed world what is not derived is false already; use world='open'.",
            )


_Kind = tuple[str, int, bool]


@dataclass(frozen=True)
class _Firing:
    """A clause, the premises that are looked up, and which of them has to be new."""

    clause: Clause
    looked_up: tuple[int, ...]
    new_place: int | None

    @classmethod
    def of(cls, clause: Clause, *, closed: bool) -> list[_Firing]:
        """One for each premise that may be new; one without any if none is looked up."""
        looked_up = tuple(i for i, each in enumerate(clause.body) if each.positive or not closed)
        return [cls(clause, looked_up, place) for place in looked_up or (None,)]

    @property
    def kind(self) -> _Kind | None:
        """What the premise that has to be new speaks of."""
        return None if self.new_place is None else _kind(self.clause.body[self.new_place])


def _kind(literal: Signed) -> _Kind:
    return literal.atom.predicate, literal.atom.arity, literal.positive


def _close(clauses: Sequence[Clause], found: _Found, *, closed: bool) -> None:
    """Add everything that clauses derive, round by round."""
    waiting: dict[_Kind | None, list[_Firing]] = {}
    for clause in clauses:
        for firing in _Firing.of(clause, closed=closed):
            waiting.setdefault(firing.kind, []).append(firing)
    new = _Found()
    for deduction in found.deductions.values():
        new.add(deduction)
    unconditional = waiting.pop(None, [])
    while new.deductions or unconditional:
        kinds = dict.fromkeys(_kind(literal) for literal in new.deductions)
        firings = unconditional + [each for kind in kinds for each in waiting.get(kind, ())]
        unconditional = []
        fresh: dict[Signed, Deduction] = {}
        for firing in firings:
            for head, premises in _heads(firing, new, found):
                if head not in found and head not in fresh:
                    fresh[head] = Deduction(head, firing.clause.rule, premises)
        new = _Found()
        for deduction in fresh.values():
            new.add(deduction)
            found.add(deduction)


def _heads(
    firing: _Firing, new: _Found, found: _Found
) -> Iterator[tuple[Signed, tuple[Deduction, ...]]]:
    """What a clause concludes from premises of which one is new, with these premises."""
    clause = firing.clause
    for matched in _matches(firing, firing.looked_up, new, found, {}):
        binding = _passing(clause.tests, matched)
        if binding is None:
            continue
        literals = [_put(each, binding) for each in clause.body]
        absent = [each for i, each in enumerate(literals) if i not in firing.looked_up]
        if not any(each.opposite in found for each in absent):
            held = [found.deductions[literals[i]] for i in firing.looked_up]
            assumed = [Deduction(each, None, (), absent=True) for each in absent]
            yield _put(clause.head, binding), (*held, *assumed)


def _matches(
    firing: _Firing, places: tuple[int, ...], new: _Found, found: _Found, binding: _Binding
) -> Iterator[_Binding]:
    """Ways to bind the variables of the premises at ``places`` by found literals."""
    if not places:
        yield binding
        return
    # The premise with the fewest candidates first: what it binds leaves the others fewer.
    options = []
    for place in places:
        table = new if place == firing.new_place else found
        listed = table.candidates(firing.clause.body[place], binding)
        if not listed:
            return
        options.append((len(listed), place, listed))
    _, place, candidates = min(options, key=lambda option: option[:2])
    pattern = firing.clause.body[place].atom.terms
    others = tuple(other for other in places if other != place)
    for terms in candidates:
        extended = _unify(pattern, terms, binding)
        if extended is not None:
            yield from _matches(firing, others, new, found, extended)


def _unify(pattern: _Terms, terms: _Terms, binding: _Binding) -> _Binding | None:
    extended = dict(binding)
    for wanted, given in zip(pattern, terms, strict=True):
        assert isinstance(given, Constant)
        value = extended.setdefault(wanted, given) if isinstance(wanted, Variable) else wanted
        if value != given:
            return None
    return extended


def _passing(tests: Sequence[Signed], binding: _Binding) -> _Binding | None:
    """The binding, with what sums and equalities add to it, if it passes every test."""
    waiting = list(tests)
    while waiting:
        known = set(binding)
        ready = next((each for each in waiting if _decidable(each, known)), None)
        if ready is None:
            unclear = ", ".join(map(str, waiting))
            raise InvalidInput(
                f"The premises leave open what the variables of {unclear} are.",
                "Bind them by an ordinary premise, such as number(x).",
            )
        waiting.remove(ready)
        atom = substitute_atom(ready.atom, binding)
        if atom.is_ground:
            if holds(atom) != ready.positive:
                return None
            continue
        solved = solve(atom)
        if solved is None:
            return None
        binding = {**binding, **solved}
    return binding


def _decidable(test: Signed, known: set[Variable]) -> bool:
    if test.positive:
        return is_solvable(test.atom, known)
    return all(term in known for term in test.atom.terms if isinstance(term, Variable))


def _put(literal: Signed, binding: _Binding) -> Signed:
    if literal.atom.is_ground:
        return literal
    return Signed(substitute_atom(literal.atom, binding), literal.positive)
