"""A small trained network, and the command line called in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from neurallayers.brain import save_pretrained
from neurallayers.cli import app
from neurallayers.research import train

Invoke = Callable[..., Result]


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a network that two epochs taught the ten digits."""
    folder = tmp_path_factory.mktemp("networks") / "two-epochs"
    save_pretrained(train("hasn-nano-digits", epochs=2, threads=1).network, folder)
    return str(folder)


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Call a command in an empty folder, with a cache of its own."""
    monkeypatch.setenv("NEURALLAYERS_CACHE", str(tmp_path / "cache"))
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)
    runner = CliRunner()
    return lambda *arguments: runner.invoke(app, [str(argument) for argument in arguments])
