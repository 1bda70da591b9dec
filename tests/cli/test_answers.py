"""Answers as a table: what came to mind has a column only where something did."""

from __future__ import annotations

from dataclasses import replace

import pytest

from neurallayers.cli.answers import print_answers, print_reasons
from neurallayers.client import Conclusion, Recollection, Thought, Vitals

PLAIN = Thought("7", 0.75, {"7": 2.0, "1": 1.0}, Vitals({}, {}, 0, {}))
CROSS = Recollection(3, "cross", None, 3, None, 0.98, 1.0, 0.0, 0.5)


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal with room for all columns."""
    monkeypatch.setenv("COLUMNS", "200")


def test_an_answer_without_memories_is_as_it_always_was(capsys: pytest.CaptureFixture[str]) -> None:
    print_answers([("digits:1", PLAIN)])
    shown = capsys.readouterr().out
    assert shown.split() == [
        *("image", "answer", "confidence", "next"),
        shown.split()[4],
        *("digits:1", "7", "75.0%", "1"),
    ]
    assert "mind" not in shown
    assert "rules" not in shown


def test_what_came_to_mind_is_told_for_those_to_whom_it_did(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = replace(PLAIN, recalled=(replace(CROSS, who="Ada"), CROSS))
    nameless = replace(PLAIN, recalled=(replace(CROSS, what=None),))
    print_answers([("a", PLAIN), ("b", told), ("c", nameless)])
    shown = capsys.readouterr().out
    assert "brings to mind" in shown
    assert "cross (entry 3, told by Ada, 98% like it)" in shown
    assert "something (entry 3, 98% like it)" in shown
    assert "rules say" not in shown


@pytest.mark.parametrize(
    ("readings", "said"),
    [
        (["true", "false"], "c0(It)"),
        (["true", "uncertain"], "c0(It), c1(It) uncertain"),
        (["false", "false"], "nothing"),
    ],
)
def test_what_is_false_is_not_said(
    capsys: pytest.CaptureFixture[str], readings: list[str], said: str
) -> None:
    concluded = tuple(
        Conclusion(f"c{number}(It)", 0.0, 1.0, reading) for number, reading in enumerate(readings)
    )
    print_answers([("a", replace(PLAIN, conclusions=concluded))])
    shown = capsys.readouterr().out
    assert "rules say" in shown
    assert shown.rstrip().endswith(said)


def test_who_knows_no_class_has_no_answer(capsys: pytest.CaptureFixture[str]) -> None:
    print_answers([("a", replace(PLAIN, label=None, scores={}, confidence=0.0))])
    assert "None" in capsys.readouterr().out


def test_reasons_name_their_images_where_there_are_several(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_reasons([("a", "[because] of this")])
    assert capsys.readouterr().out == "[because] of this\n"
    print_reasons([("a", "this"), ("b", "that")])
    assert capsys.readouterr().out == "a: this\nb: that\n"
