"""Proofs by chaining: what followed from what by which rule, as numbered steps in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from neurallayers.logic.proving_clauses import Signed
from neurallayers.logic.rules import Rule
from neurallayers.logic.terms import Literal


@dataclass(frozen=True, eq=False)
class Deduction:
    """One step of a proof.

    Attributes:
        conclusion: What holds.
        rule: The rule that concludes it, or the fact that says it; None for an absence.
        premises: The steps that the rule needed.
        absent: Whether it is a denial that holds because nothing derives its atom (closed world).
    """

    conclusion: Signed
    rule: Rule | None
    premises: tuple[Deduction, ...]
    absent: bool = False

    @cached_property
    def depth(self) -> int:
        """How many rules stand above each other: 0 for what is given."""
        return 1 + max((each.depth for each in self.premises), default=0) if self.is_derived else 0

    @property
    def is_derived(self) -> bool:
        """Whether a rule with a body concluded it."""
        return self.rule is not None and self.rule.body is not None


@dataclass(frozen=True, eq=False)
class Proof:
    """A proof by chaining.

    ``str`` of a proof is its steps in words; :meth:`words` takes another way to say a literal.

    Attributes:
        last: The step that concludes what was asked.
    """

    last: Deduction

    @property
    def conclusion(self) -> Literal:
        """What is proved."""
        return self.last.conclusion.literal

    @property
    def depth(self) -> int:
        """How many rules stand above each other: 0 for what is given."""
        return self.last.depth

    @cached_property
    def steps(self) -> tuple[Deduction, ...]:
        """Every step once, premises before what follows from them."""
        ordered: dict[Signed, Deduction] = {}
        waiting = [(self.last, False)]
        while waiting:
            step, ready = waiting.pop()
            if step.conclusion in ordered:
                continue
            if ready:
                ordered[step.conclusion] = step
            else:
                waiting.append((step, True))
                waiting += [(each, False) for each in reversed(step.premises)]
        return tuple(ordered.values())

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules and facts that the proof uses, each once."""
        return tuple(dict.fromkeys(step.rule for step in self.steps if step.rule is not None))

    def words(self, say: Callable[[Literal], str] = str) -> str:
        """The steps as numbered sentences.

        Args:
            say: How to write a literal.
        """
        steps = self.steps
        number = {step.conclusion: i for i, step in enumerate(steps, start=1)}
        return "\n".join(
            f"{number[step.conclusion]}. {say(step.conclusion.literal)} {_reason(step, number)}."
            for step in steps
        )

    def __str__(self) -> str:
        return self.words()

    def to_dict(self, say: Callable[[Literal], str] = str) -> list[dict[str, Any]]:
        """The steps as values of JSON: conclusion, kind, rule and the numbers of the premises."""
        number = {step.conclusion: i for i, step in enumerate(self.steps, start=1)}
        return [
            {
                "step": number[step.conclusion],
                "conclusion": say(step.conclusion.literal),
                "kind": "absent" if step.absent else "derived" if step.is_derived else "given",
                "rule": step.rule.label if step.rule is not None and step.is_derived else None,
                "premises": [number[each.conclusion] for each in step.premises],
            }
            for step in self.steps
        ]


def _reason(step: Deduction, number: dict[Signed, int]) -> str:
    if step.absent:
        return "holds, as nothing derives the opposite"
    if not step.is_derived or step.rule is None:
        return "is given"
    by = f"by {step.rule.label}"
    premises = [str(number[each.conclusion]) for each in step.premises]
    return f"follows from {listed(premises)} {by}" if premises else f"follows {by}"


def listed(words: list[str]) -> str:
    """Words as an enumeration.

    >>> listed(["1", "2", "3"])
    '1, 2 and 3'
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
