"""What the crash benchmark calls wrong is wrong, and what it passes is right."""

from __future__ import annotations

from typing import Any

import pytest
from benchmarks.tellers import Happened, History, Verdict


def history() -> History:
    """Entries 1 (a lesson), 2 (forgotten) and 3 (a stimulus)."""
    made = History("ada")
    made.acknowledge(1, Happened("lesson", 7, "3"))
    made.acknowledge(2, Happened("lesson", 8, "4"))
    made.acknowledge(3, Happened("stimulus", 9))
    made.forget(2)
    return made


def lesson(number: int, target: str) -> dict[str, Any]:
    return {"sequence": number, "kind": "lesson", "content": {"target": target}}


def stimulus(number: int) -> dict[str, Any]:
    return {"sequence": number, "kind": "stimulus", "content": {}}


@pytest.mark.parametrize(
    ("found", "wrong"),
    [
        ([lesson(1, "3"), stimulus(3)], {}),
        ([lesson(1, "3")], {"lost": 1}),
        ([stimulus(3)], {"lost": 1, "holes": 1}),
        ([lesson(1, "5"), stimulus(3)], {"altered": 1}),
        ([lesson(1, "3"), lesson(3, "3")], {"altered": 1}),
        ([lesson(1, "3"), lesson(2, "4"), stimulus(3)], {"risen": 1}),
        ([lesson(1, "3"), stimulus(3), lesson(4, "3")], {"unexplained": 1}),
        ([lesson(1, "3"), stimulus(3), lesson(5, "3")], {"unexplained": 1, "holes": 1}),
        ([], {"lost": 2}),
    ],
)
def test_a_verdict_names_what_is_wrong(found: list[dict[str, Any]], wrong: dict[str, int]) -> None:
    verdict = Verdict()
    verdict.add(history(), found)
    assert {name: count for name, count in vars(verdict).items() if count} == wrong
    assert verdict.wrong == sum(wrong.values())


def test_a_lesson_that_is_acknowledged_as_an_earlier_entry_is_wrong() -> None:
    made = history()
    made.acknowledge(1, Happened("lesson", 7, "3"))
    verdict = Verdict()
    verdict.add(made, [lesson(1, "3"), stimulus(3)])
    assert verdict.repeated == 1
