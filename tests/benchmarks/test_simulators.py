"""Asking simulators: what they answer, what they do not, and who is missing."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pytest
from benchmarks.simulators import NoAnswer, add_options, ask, asked, found

ANSWER = '{"simulator": "x", "task": "y", "settings": {"a": 1}, "peak_megabytes": 2.0}'


@pytest.fixture
def interpreter(tmp_path: Path) -> Path:
    """A program that answers to anything, but fails for the module ``benchmarks.broken``."""
    path = tmp_path / "python"
    path.write_text(
        f"#!{sys.executable}\n"
        "import json, sys\n"
        "print('some talk')\n"
        "if 'benchmarks.broken' in sys.argv: sys.exit('it broke')\n"
        "if 'benchmarks.silent' in sys.argv: sys.exit()\n"
        f"answer = json.loads('{ANSWER}')\n"
        "print(json.dumps({**answer, 'words': sys.argv[1:]}))\n"
    )
    path.chmod(0o755)
    return path


def test_an_answer_is_the_last_line_with_the_time_of_the_process(interpreter: Path) -> None:
    line = ask(interpreter, "any", {"cells": 4, "core": True})
    assert line["words"] == ["-m", "benchmarks.any", "--cells", "4", "--core"]
    assert line["wall_seconds"] > 0.0


@pytest.mark.parametrize(("module", "match"), [("broken", "it broke"), ("silent", "ended with 0")])
def test_no_answer_says_why(interpreter: Path, module: str, match: str) -> None:
    with pytest.raises(NoAnswer, match=match):
        ask(interpreter, module, {})


def test_who_fails_or_is_missing_is_told_of_and_left_out(
    interpreter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(interpreter, "broken", {}) is None
    assert asked(None, "any", {}) is None
    assert asked(interpreter, "any", {}) is not None
    told = capsys.readouterr().out
    assert "it broke" in told
    assert "x y (1): 2 MB" in told


def test_simulators_are_named_by_option_or_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    add_options(parser)
    monkeypatch.delenv("NEURALLAYERS_PEERS_PYTHON", raising=False)
    monkeypatch.setenv("NEURALLAYERS_BRAINPY_PYTHON", "/there/python")
    simulators = found(parser.parse_args([]))
    assert simulators.peers is None
    assert simulators.brainpy == Path("/there/python")
    assert "peers skipped" in capsys.readouterr().out
    assert found(parser.parse_args(["--peers", "/here/python"])).peers == Path("/here/python")
