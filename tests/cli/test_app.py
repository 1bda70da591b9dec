"""The commands together: help, documentation, exit codes, and a process of its own."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from neurallayers import __version__
from neurallayers.cli import app
from neurallayers.cli.app import Commands
from neurallayers.errors import InvalidInput

ROOT = Path(__file__).resolve().parent.parent.parent
REFERENCE = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
COMMANDS = sorted(typer.main.get_group(app).commands)
PROMISED = {"run", "train", "evaluate", "teach", "info", "raster", "replay", "bench"}


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def ending_in(error: BaseException) -> Result:
    """What a command that raises this ends in."""
    probe = typer.Typer(cls=Commands, pretty_exceptions_enable=False)

    @probe.command()
    def fail() -> None:
        raise error

    @probe.command()
    def other() -> None: ...

    return CliRunner().invoke(probe, ["fail"])


def test_the_promised_commands_are_there() -> None:
    assert set(COMMANDS) >= PROMISED


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert f"neurallayers {command}" in plain(result.stdout).partition("Examples")[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_reference(command: str) -> None:
    assert f"`{command}`" in REFERENCE, f"Describe {command!r} in docs/reference/cli.md"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_described(command: str) -> None:
    for parameter in typer.main.get_group(app).commands[command].params:
        assert getattr(parameter, "help", None), f"{command} {parameter.name} has no help"


def test_an_error_of_ours_ends_in_1_with_its_remedy_and_no_traceback() -> None:
    result = ending_in(InvalidInput("The image is [red] 7.", "Show another."))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "Error: The image is [red] 7." in result.stderr
    assert "What to do: Show another." in result.stderr
    assert "Traceback" not in result.stderr


def test_a_full_disk_ends_in_1_and_says_what_to_do() -> None:
    result = ending_in(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "some/file"))
    assert result.exit_code == 1
    assert "some/file: No space left on device." in result.stderr
    assert "Free space" in result.stderr


def test_a_mistake_of_ours_is_not_hidden() -> None:
    assert isinstance(ending_in(ZeroDivisionError()).exception, ZeroDivisionError)


def test_stopping_with_the_keyboard_ends_in_130() -> None:
    result = ending_in(KeyboardInterrupt())
    assert result.exit_code == 130
    assert "Stopped." in result.stderr


def test_a_wrong_call_ends_in_2() -> None:
    assert CliRunner().invoke(app, ["nonsense"]).exit_code == 2
    assert CliRunner().invoke(app, ["run", "--epochs", "0"]).exit_code == 2


def test_a_folder_that_cannot_be_made_ends_in_1(invoke: Callable[..., Result]) -> None:
    Path("file").write_text("not a folder", encoding="utf-8")
    result = invoke("train", "hasn-nano-digits", "--out", "file/mine")
    assert result.exit_code == 1
    assert "file/mine: Not a directory." in result.stderr
    assert "another place" in result.stderr


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=120,
    )


def test_it_runs_as_a_module_in_a_process_of_its_own() -> None:
    result = python("-m", "neurallayers", "version")
    assert (result.returncode, result.stdout.strip()) == (0, __version__)


def test_help_does_not_wait_for_torch() -> None:
    program = (
        "import sys\n"
        "from neurallayers.cli import main\n"
        "sys.argv = ['neurallayers', '--help']\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    code = end.code\n"
        "heavy = {'torch', 'numba', 'sklearn', 'numpy', 'pydantic'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else code)\n"
    )
    result = python("-c", program)
    assert result.returncode == 0, result.stderr
    assert "Usage" in result.stdout
