"""Answers of brains as a table, whether they live in a folder or in a service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from neurallayers.cli.output import print_table, results


class Recollection(Protocol):
    """An episode that came to mind."""

    @property
    def entry(self) -> int:
        """Its number."""

    @property
    def what(self) -> str | None:
        """What it was said to be."""

    @property
    def who(self) -> str | None:
        """Who told."""

    @property
    def likeness(self) -> float:
        """How like it is."""


class Conclusion(Protocol):
    """What rules conclude."""

    @property
    def statement(self) -> str:
        """What."""

    @property
    def reading(self) -> str:
        """Whether that is true."""


class Thought(Protocol):
    """What a brain thought."""

    @property
    def label(self) -> str | None:
        """The answer."""

    @property
    def confidence(self) -> float:
        """Its share."""

    @property
    def scores(self) -> Mapping[str, float]:
        """Score of each class, the highest first."""

    @property
    def recalled(self) -> Sequence[Recollection]:
        """What came to mind."""

    @property
    def conclusions(self) -> Sequence[Conclusion]:
        """What rules conclude."""


def print_answers(thoughts: Sequence[tuple[str, Thought]]) -> None:
    """Answers with the names of their images; what came to mind only where something did."""
    columns = ["image", "answer", "confidence", "next"]
    rows: list[list[object]] = [
        [name, thought.label, f"{thought.confidence:.1%}", _runner_up(thought)]
        for name, thought in thoughts
    ]
    for column, said in (
        ("brings to mind", [_reminder(thought) for _, thought in thoughts]),
        ("rules say", [_verdict(thought) for _, thought in thoughts]),
    ):
        if any(said):
            columns.append(column)
            rows = [[*row, words] for row, words in zip(rows, said, strict=True)]
    print_table(columns, rows)


def print_reasons(reasons: Sequence[tuple[str, object]]) -> None:
    """Why answers were given, each under the name of its image where there are several."""
    for name, why in reasons:
        shown = f"{name}: {why}" if len(reasons) > 1 else str(why)
        results().print(shown, markup=False, soft_wrap=True)


def _runner_up(thought: Thought) -> str:
    return next(iter(list(thought.scores)[1:2]), "")


def _reminder(thought: Thought) -> str:
    """The episode most like it."""
    if not thought.recalled:
        return ""
    best = thought.recalled[0]
    told = "" if best.who is None else f", told by {best.who}"
    return f"{best.what or 'something'} (entry {best.entry}{told}, {best.likeness:.0%} like it)"


def _verdict(thought: Thought) -> str:
    """What rules conclude; what is false they need not say."""
    said = [one for one in thought.conclusions if one.reading != "false"]
    words = ", ".join(
        one.statement if one.reading == "true" else f"{one.statement} {one.reading}" for one in said
    )
    return words or ("nothing" if thought.conclusions else "")
