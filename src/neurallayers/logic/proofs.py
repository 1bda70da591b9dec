"""Why something is so: proof trees of conclusions, in words and as plain data.

A proof is read from the records of an inference: each step names what it used, and used only what
was known before it, so that a proof never runs in a circle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from neurallayers.logic.graph import TRUE_NODE
from neurallayers.logic.intervals import Connective
from neurallayers.logic.propagation import (
    ASSERTED,
    CLOSED,
    DOWNWARD,
    GIVEN,
    LOWER,
    UPPER,
    UPWARD,
    Beliefs,
    Propagation,
    Record,
)
from neurallayers.logic.rules import Axiom, Rule
from neurallayers.logic.terms import Formula
from neurallayers.logic.truth import UNKNOWN, Bounds

_EITHER_WAY = frozenset({Connective.IFF, Connective.XOR})

DEEPEST_INDENT = 30
"""Lines of a proof are indented by at most so many levels."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Proof:
    """One conclusion, the rule that gave it, and the proofs of what the rule used.

    Args:
        conclusion: What is concluded.
        bounds: Its degree of truth, as far as this proof says: one bound, or both.
        kind: How it is known: "given", "fact", "rule", "follows" (from its own parts), "closed
            world" or "unknown".
        rule: Name or text of the rule, axiom or fact; None where there is none.
        premises: What was used.
        instance: The rule with its constants in place.

    >>> from neurallayers.logic import KnowledgeBase, parse_program
    >>> knowledge = KnowledgeBase(parse_program("parity: even(x) <- digit(x, 2) | digit(x, 4)"),
    ...                           constants=["Img"])
    >>> print(knowledge.infer({"digit(Img, 4)": 0.93}).proof("even(Img)"))
    even(Img) is at least 0.93, by rule parity: even(Img) <- digit(Img, 2) | digit(Img, 4)
      because digit(Img, 4) is 0.93 (given)
    """

    conclusion: Formula
    bounds: Bounds
    kind: str
    rule: str | None = None
    premises: tuple[Proof, ...] = ()
    instance: str | None = None

    @property
    def degree(self) -> str:
        """The bounds in words: "at least 0.93"."""
        lower, upper = self.bounds.lower, self.bounds.upper
        if lower == upper:
            return {0.0: "false", 1.0: "true"}.get(lower, f"{lower:.4g}")
        if self.bounds.is_contradictory:
            return f"at least {lower:.4g} and at most {upper:.4g}, which is a contradiction"
        said = [f"at least {lower:.4g}"] if lower > 0.0 else []
        said += [f"at most {upper:.4g}"] if upper < 1.0 else []
        return " and ".join(said) or "unknown"

    @property
    def depth(self) -> int:
        """How many rules stand above each other at most."""
        depths: dict[int, int] = {}
        for proof in reversed(self._from_above()):
            below = max((depths[id(premise)] for premise in proof.premises), default=0)
            depths[id(proof)] = below + (proof.kind == "rule")
        return depths[id(self)]

    def __iter__(self) -> Iterator[Proof]:
        """This proof and all below it, each once, a proof before its premises."""
        return iter(self._from_above())

    def _from_above(self) -> list[Proof]:
        """Every proof of the tree, each once and after all those that use it."""
        uses: dict[int, int] = {id(self): 0}
        waiting = [self]
        while waiting:
            for premise in waiting.pop().premises:
                if id(premise) not in uses:
                    uses[id(premise)] = 0
                    waiting.append(premise)
                uses[id(premise)] += 1
        found, ready = [], [self]
        while ready:
            proof = ready.pop()
            found.append(proof)
            for premise in reversed(proof.premises):
                uses[id(premise)] -= 1
                if not uses[id(premise)]:
                    ready.append(premise)
        return found

    def rules(self) -> tuple[str, ...]:
        """The rules and facts that were used, each once, the last one first."""
        return tuple(dict.fromkeys(proof.rule for proof in self if proof.rule is not None))

    def given(self) -> tuple[Formula, ...]:
        """What was observed and used, each once."""
        return tuple(dict.fromkeys(proof.conclusion for proof in self if proof.kind == GIVEN))

    def to_dict(self) -> dict[str, Any]:
        """The tree as plain data for JSON; what was shown before is not unfolded again."""
        whole: dict[str, Any] = {}
        shown: set[int] = set()
        waiting: list[tuple[Proof, dict[str, Any]]] = [(self, whole)]
        while waiting:
            proof, data = waiting.pop()
            data |= {
                "conclusion": str(proof.conclusion),
                "lower": proof.bounds.lower,
                "upper": proof.bounds.upper,
                "kind": proof.kind,
                "rule": proof.rule,
            }
            if id(proof) in shown and proof.premises:
                data["shown_above"] = True
                continue
            shown.add(id(proof))
            data["premises"] = [{} for _ in proof.premises]
            waiting.extend(reversed(list(zip(proof.premises, data["premises"], strict=True))))
        return whole

    def __str__(self) -> str:
        """A line for each conclusion, what it rests on below it and further in."""
        lines: list[str] = []
        shown: set[int] = set()
        waiting: list[tuple[Proof, int]] = [(self, 0)]
        while waiting:
            proof, level = waiting.pop()
            known = id(proof) in shown and bool(proof.premises)
            shown.add(id(proof))
            because = "  " * min(level, DEEPEST_INDENT) + ("because " if level else "")
            lines.append(because + proof._sentence() + (" (shown above)" if known else ""))
            if not known:
                waiting.extend((premise, level + 1) for premise in reversed(proof.premises))
        return "\n".join(lines)

    def _sentence(self) -> str:
        said = f"{self.conclusion} is {self.degree}"
        if self.kind == "rule":
            instance = self.instance or ""
            if self.rule is None or " <- " in self.rule or self.rule == instance:
                return f"{said}, by the rule {instance}"
            return f"{said}, by rule {self.rule}: {instance}"
        if self.kind == "fact":
            return f"{said} (fact)" if self.instance == self.rule else f"{said} (fact {self.rule})"
        if self.kind == "closed world":
            said += " (closed world: nothing supports it further)"
        elif self.kind == GIVEN:
            said += " (given)"
        return said


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Contradiction:
    """Something that is said to be more true than it is left possible.

    Args:
        formula: What is contradicted.
        bounds: The crossed bounds.
        pro: Why it is at least so true.
        contra: Why it is at most so true.
    """

    formula: Formula
    bounds: Bounds
    pro: Proof
    contra: Proof

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules and facts to blame, each once."""
        return tuple(dict.fromkeys((*self.pro.rules(), *self.contra.rules())))

    @property
    def given(self) -> tuple[Formula, ...]:
        """The observations to blame, each once."""
        return tuple(dict.fromkeys((*self.pro.given(), *self.contra.given())))

    def to_dict(self) -> dict[str, Any]:
        """The contradiction as plain data for JSON."""
        return {
            "formula": str(self.formula),
            "lower": self.bounds.lower,
            "upper": self.bounds.upper,
            "rules": list(self.rules),
            "given": [str(formula) for formula in self.given],
            "pro": self.pro.to_dict(),
            "contra": self.contra.to_dict(),
        }

    def __str__(self) -> str:
        blamed = ", ".join((*self.rules, *(f"{formula} (given)" for formula in self.given)))
        return f"{self.formula} is contradicted by {blamed or 'itself'}.\n{self.pro}\n{self.contra}"


class _Step(NamedTuple):
    """One proof before its premises are proofs: what it says and which bounds it used."""

    node: int
    bounds: Bounds
    kind: str
    statement: Rule | Axiom | None = None
    instance: str | None = None
    uses: tuple[_Use, ...] = ()


class _Use(NamedTuple):
    """A bound as a step found it."""

    node: int
    side: int
    record: Record


class ProofReader:
    """Makes proofs of the records that an inference left.

    Args:
        propagation: The graph and its instances.
        beliefs: The records.
    """

    def __init__(self, propagation: Propagation, beliefs: Beliefs) -> None:
        self.graph = propagation.graph
        self.roots = propagation.roots
        self.defining = propagation.defining
        self.beliefs = beliefs
        self._proofs: dict[int, Proof] = {}
        self._given: dict[tuple[int, Bounds], Proof] = {}

    def proof(self, node: int) -> Proof:
        """Why a node has its bounds: the proof of the one bound that says something, or of both."""
        bounds, formula = self.beliefs.of(node), self.graph.nodes[node].formula
        proofs = [
            self._of_bound(_Use(node, side, record))
            for side in (LOWER, UPPER)
            if (record := self.beliefs.record(node, side)) is not None
        ]
        if not proofs:
            return Proof(formula, bounds, "follows" if node == TRUE_NODE else "unknown")
        first = proofs[0]
        if all(other.kind == GIVEN for other in proofs):
            return Proof(formula, bounds, GIVEN)
        if len(proofs) == 1 and bounds == first.bounds:
            return first
        return Proof(formula, bounds, "follows", None, tuple(proofs))

    def contradiction(self, node: int) -> Contradiction:
        """Why a node is at least as true, and at most as true, as its crossed bounds say."""
        formula = self.graph.nodes[node].formula
        sides = []
        for side in (LOWER, UPPER):
            record = self.beliefs.record(node, side)
            unmoved = Proof(formula, UNKNOWN, "follows")
            sides.append(unmoved if record is None else self._of_bound(_Use(node, side, record)))
        return Contradiction(formula, self.beliefs.of(node), *sides)

    def _of_bound(self, use: _Use) -> Proof:
        """The proof of one bound, made after those of what it used, which were found earlier."""
        steps: dict[int, _Step] = {}
        waiting = [use]
        while waiting:
            current = waiting.pop()
            time = current.record.time
            if time not in self._proofs and time not in steps:
                steps[time] = self._step(current)
                waiting.extend(steps[time].uses)
        for time in sorted(steps):
            step = steps[time]
            premises = dict.fromkeys(self._proofs[each.record.time] for each in step.uses)
            label = None if step.statement is None else step.statement.label
            formula = self.graph.nodes[step.node].formula
            proof = Proof(formula, step.bounds, step.kind, label, tuple(premises), step.instance)
            if step.kind == GIVEN:
                # Both bounds of a degree were given at once, and are told once.
                proof = self._given.setdefault((step.node, step.bounds), proof)
            self._proofs[time] = proof
        return self._proofs[use.record.time]

    def _step(self, use: _Use) -> _Step:
        """What one bound rests on."""
        node, side, record = use
        bounds = _one_bound(record.value, side)
        if record.kind == GIVEN:
            return _Step(node, self._as_given(use), GIVEN)
        if record.kind == CLOSED:
            return _Step(node, bounds, "closed world", uses=self._closed(node, record))
        if record.kind == UPWARD:
            uses = tuple(self._used_upward(node, side, record.time))
            return _Step(node, bounds, "follows", uses=uses)
        if record.kind == ASSERTED:
            assert record.root is not None
            statement = self.roots[record.root].statement
            return _Step(node, bounds, "fact", statement, str(statement))
        return self._step_downward(use)

    def _as_given(self, use: _Use) -> Bounds:
        """Both given bounds where they came together, as with a plain degree."""
        node, side, record = use
        other = self.beliefs.record(node, 1 - side)
        while other is not None and other.kind != GIVEN:
            other = other.before
        if other is None or abs(other.time - record.time) > 1:
            return _one_bound(record.value, side)
        pair = (record.value, other.value) if side == LOWER else (other.value, record.value)
        return Bounds(*pair)

    def _step_downward(self, use: _Use) -> _Step:
        """Collect what the whole way down from the assertion of one instance has used."""
        node, side, step = use
        bounds = _one_bound(step.value, side)
        uses: list[_Use] = []
        current = node
        assert step.root is not None
        root = self.roots[step.root]
        while step.kind == DOWNWARD:
            uses.extend(self._used_downward(current, step.where, side, step.time))
            side, other = self._side_of_whole(current, step.where, side, step.time)
            uses.extend(other)
            found = self.beliefs.record(step.where, side, step.time)
            if found is None:
                break
            current, step = step.where, found
        if step.kind == UPWARD:
            uses.extend(self._used_upward(current, side, step.time))
        elif step.kind in {GIVEN, CLOSED} or (step.kind == ASSERTED and current != root.node):
            uses.append(_Use(current, side, step))
        fact = root.premise is None and not uses
        instance = str(root.statement) if fact else self._instance(root.node, root.weight)
        return _Step(
            node, bounds, "fact" if fact else "rule", root.statement, instance, tuple(uses)
        )

    def _instance(self, node: int, weight: float) -> str:
        """The ground rule in the words of the syntax."""
        formula = self.graph.nodes[node].formula
        joined = self.graph.nodes[node]
        if joined.connective is Connective.IMPLIES:
            premise, conclusion = (self.graph.nodes[each].formula for each in joined.operands)
            text = f"{conclusion} <- {premise}"
        else:
            text = str(formula)
        return text if weight == 1.0 else f"{weight:g} :: {text}"

    def _side_of_whole(
        self, node: int, whole: int, side: int, before: int
    ) -> tuple[int, tuple[_Use, ...]]:
        """Which bound of a connective gave this bound of an operand, and what of the other."""
        joined = self.graph.nodes[whole]
        if joined.connective is Connective.NOT:
            return 1 - side, ()
        if joined.connective is Connective.IMPLIES:
            # A true implication raises its conclusion and lowers its premise.
            return (side if node == joined.operands[1] else 1 - side), ()
        if joined.connective not in _EITHER_WAY:
            return side, ()
        # That both or one hold is used from both ends, but only as far as it was concluded.
        ends = [(each, self.beliefs.record(whole, each, before)) for each in (LOWER, UPPER)]
        told = [(each, end) for each, end in ends if end is not None and end.kind != UPWARD]
        if not told:
            return side, ()
        others = tuple(_Use(whole, each, end) for each, end in told[1:])
        return told[0][0], others

    def _used_downward(self, node: int, whole: int, side: int, before: int) -> Iterator[_Use]:
        """The bounds of the other operands that a step downwards has used."""
        joined = self.graph.nodes[whole]
        sides: tuple[int, ...] = (1 - side,)
        if joined.connective is Connective.IMPLIES:
            # A premise at least so true makes the conclusion so, and backwards at most so.
            sides = (side,)
        elif joined.connective in _EITHER_WAY:
            sides = (LOWER, UPPER)
        for other in joined.operands:
            # Which of two is the greater also depends on what is known of the operand itself.
            if other != node or joined.connective in _EITHER_WAY:
                for each in sides:
                    yield from self._informative(other, each, before)

    def _used_upward(self, node: int, side: int, before: int) -> Iterator[_Use]:
        """The bounds of the operands that a step upwards has used."""
        joined = self.graph.nodes[node]
        for place, operand in enumerate(joined.operands):
            sides: tuple[int, ...] = (side,)
            inverted = joined.connective is Connective.IMPLIES and place == 0
            if inverted or joined.connective is Connective.NOT:
                sides = (1 - side,)
            elif joined.connective in _EITHER_WAY:
                sides = (LOWER, UPPER)
            for each in sides:
                yield from self._informative(operand, each, before)

    def _informative(self, node: int, side: int, before: int) -> Iterator[_Use]:
        """A bound that says something; in place of a compound part those of its own parts."""
        record = self.beliefs.record(node, side, before)
        if record is None:
            return
        if record.kind == UPWARD:
            yield from self._used_upward(node, side, record.time)
        else:
            yield _Use(node, side, record)

    def _closed(self, node: int, record: Record) -> tuple[_Use, ...]:
        """Why no rule supports an atom further: the premises of its rules are not truer."""
        return tuple(
            use
            for number in self.defining.get(node, ())
            if (premise := self.roots[number].premise) is not None
            for use in self._informative(premise, UPPER, record.time)
        )


def _one_bound(value: float, side: int) -> Bounds:
    return Bounds(value, 1.0) if side == LOWER else Bounds(0.0, value)
