"""Results on the standard output, everything else on the standard error."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from neurallayers.cli import output


def test_talk_goes_to_the_standard_error_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    output.say("a [bold]remark[/] :train:")
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "a [bold]remark[/] :train:\n"


def test_json_is_parseable_and_refuses_what_json_has_no_word_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output.print_json({"accuracy": 0.5, "none": None})
    assert json.loads(capsys.readouterr().out) == {"accuracy": 0.5, "none": None}
    with pytest.raises(ValueError, match="JSON"):
        output.print_json({"accuracy": float("nan")})


def test_facts_show_names_and_values(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_facts({"count": 12345, "share": 0.123456, "names": ["a", "b"], "on": {"x": "[y]"}})
    shown = capsys.readouterr().out
    for words in ("12,345", "0.1235", "a, b", "x [y]"):
        assert words in shown


def test_tables_show_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(("class", "right [%]"), [("3", True), ("[4]", False)])
    shown = capsys.readouterr().out
    assert "class" in shown
    assert "[4]" in shown
    assert "False" in shown


def test_the_program_is_named_so_that_it_can_be_called(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(output.shutil, "which", lambda name: f"/bin/{name}")
    assert output.own_name() == "neurallayers"
    monkeypatch.setattr(output.shutil, "which", lambda name: None)
    monkeypatch.chdir(tmp_path)
    called = Path.cwd() / ".venv" / "bin" / "neurallayers"
    monkeypatch.setattr(sys, "argv", [str(called)])
    assert output.own_name() == str(Path(".venv") / "bin" / "neurallayers")
    monkeypatch.setattr(sys, "argv", ["pytest"])
    assert output.own_name().endswith(" -m neurallayers")
