"""The first minute, with a terminal and without."""

from __future__ import annotations

import errno
import json
import os
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from neurallayers.brain import BrainNetwork, load_pretrained, preset
from neurallayers.cli import app, running
from neurallayers.data import Dataset
from neurallayers.data.download import cache_folder
from neurallayers.errors import MissingExtra

Invoke = Callable[..., Result]
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def untaught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training that takes no time, for what does not depend on how well it went."""

    def train(name: str, *, seed: int, data: Dataset, **changes: Any) -> SimpleNamespace:
        labels = data.train.class_names
        return SimpleNamespace(
            network=BrainNetwork(preset("hasn-nano", labels=labels), seed=seed),
            result=SimpleNamespace(seconds=0.5),
        )

    monkeypatch.setattr("neurallayers.research.train", train)


def kept() -> list[Path]:
    return sorted((cache_folder() / "networks").glob("digits-0-7-*"))


def test_without_a_terminal_it_tells_the_whole_story_quickly(invoke: Invoke) -> None:
    begun = time.perf_counter()
    result = invoke("run", "--epochs", 2, "--no-serve")
    assert result.exit_code == 0, result.output
    assert time.perf_counter() - begun < 60  # about 3 s on two free cores
    for words in (
        "digits 0 to 7",
        "289 digits that it has not seen",
        "sensory, 24 of 256",
        "examples of each",
        "0, 1, 2, 3, 4, 5, 6, 7, 8, 9",
        "What to try next",
    ):
        assert words in result.stdout
    assert "training on 1,154" in result.stderr
    assert "\x1b[" not in result.stdout


@pytest.mark.usefixtures("untaught")
def test_the_second_time_it_does_not_train_again(invoke: Invoke) -> None:
    first = json.loads(invoke("run", "--epochs", 1, "--json").stdout)
    second = json.loads(invoke("run", "--epochs", 1, "--json").stdout)
    assert first["train_seconds"] > 0
    assert second["train_seconds"] is None
    same = ("accuracy", "labels", "network")
    assert [first[name] for name in same] == [second[name] for name in same]
    assert json.loads(invoke("run", "--epochs", 1, "--json", "--retrain").stdout)["train_seconds"]


@pytest.mark.usefixtures("untaught")
def test_other_settings_do_not_get_the_network_of_the_first(invoke: Invoke) -> None:
    invoke("run", "--epochs", 1, "--json")
    invoke("run", "--epochs", 1, "--seed", 1, "--json")
    assert len(kept()) == 2


@pytest.mark.usefixtures("untaught")
def test_a_damaged_network_of_an_earlier_run_is_trained_again(invoke: Invoke) -> None:
    invoke("run", "--epochs", 1, "--json")
    (folder,) = kept()
    (folder / "model.safetensors").write_bytes(b"nothing")
    result = invoke("run", "--epochs", 1, "--json")
    assert result.exit_code == 0
    assert "cannot be used" in result.stderr
    assert load_pretrained(folder).spec.name == "hasn-nano"


@pytest.mark.usefixtures("untaught")
def test_a_cache_that_cannot_be_written_does_not_stop_it(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("file").write_text("not a folder", encoding="utf-8")
    monkeypatch.setenv("NEURALLAYERS_CACHE", "file")
    result = invoke("run", "--epochs", 1, "--json")
    assert result.exit_code == 0, result.output
    assert "could not be kept" in result.stderr


def test_it_learns_the_new_classes_and_keeps_the_old(invoke: Invoke) -> None:
    result = json.loads(invoke("run", "--epochs", 4, "--json").stdout)
    before, *_, after = result["lessons"]
    assert before["new_accuracy"] == 0  # it has no name for them yet
    assert after["lessons"] == 10
    assert after["new_accuracy"] > 0.5
    assert after["old_accuracy"] > before["old_accuracy"] - 0.1
    assert result["labels"] == [str(digit) for digit in range(10)]


def test_the_packaged_network_is_taught_turned_digits(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, network: str
) -> None:
    monkeypatch.setattr(running, "RECIPE", network)
    result = invoke("run", "--pretrained", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["labels"][-2:] == ["4 on its head", "7 in a mirror"]
    assert told["held_out"] == 360
    assert told["lessons"][-1]["new_accuracy"] > 0.3


@pytest.mark.usefixtures("untaught")
def test_every_command_that_it_proposes_works(invoke: Invoke) -> None:
    told = invoke("run", "--epochs", 1, "--no-serve").stdout
    proposed = [line.strip() for line in told.partition("What to try next")[2].splitlines()]
    commands = [line for line in proposed if line and not line.startswith("#")]
    assert len(commands) >= 4
    for command in commands:
        arguments = shlex.split(command)
        arguments = arguments[arguments.index("neurallayers") + 1 :]
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, f"{command}: {result.output}"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals")
def test_in_a_terminal_the_thoughts_move(tmp_path: Path) -> None:
    import pty

    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "src"),
        "NEURALLAYERS_CACHE": str(tmp_path),
        "TERM": "xterm-256color",
        "COLUMNS": "100",
        "LINES": "50",
    }
    child, terminal = pty.fork()
    if child == 0:  # pragma: no cover - the child becomes the command
        command = [
            sys.executable,
            "-m",
            "neurallayers",
            "run",
            "--epochs",
            "1",
            "--speed",
            "50",
            "--no-serve",
        ]
        os.execve(sys.executable, command, environment)
    shown = b""
    try:
        while piece := os.read(terminal, 65536):
            shown += piece
    except OSError as error:
        if error.errno != errno.EIO:  # Linux says so when the other end is closed
            raise
    finally:
        os.close(terminal)
    _, status = os.waitpid(child, 0)
    text = shown.decode(errors="replace")
    assert os.waitstatus_to_exitcode(status) == 0, text[-2000:]
    assert "epoch" in text  # the progress bar
    assert text.count("looking ...") > 20  # the steps of the thoughts
    assert "\x1b[" in text
    assert "Traceback" not in text


def test_without_the_packages_of_the_service_it_says_how_to_get_them(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(package: str, *, extra: str) -> None:
        raise MissingExtra(f"{package} is missing.", f"Run: pip install 'neurallayers[{extra}]'")

    monkeypatch.setattr("neurallayers.cli.serving.require", missing)
    result = invoke("run", "--epochs", 1)
    assert result.exit_code == 0
    assert "neurallayers[service]" in result.stderr
