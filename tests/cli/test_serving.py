"""``serve``: a process of its own that answers, and ends in order when it is told to."""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner, Result

from neurallayers import extras
from neurallayers.cli import app
from neurallayers.errors import MissingExtra

Invoke = Callable[..., Result]
ROOT = Path(__file__).resolve().parent.parent.parent
KEY = "nl_a-key-for-tests-only"
STOP_S = 30.0


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    """A service sets up the logging of its process: here that is the process of all tests."""
    loggers = [logging.getLogger(name) for name in (None, "neurallayers", "uvicorn")]
    before = [(one, one.level, list(one.handlers)) for one in loggers]
    yield
    for one, level, handlers in before:
        one.setLevel(level)
        one.handlers[:] = handlers


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def environment(**changes: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("NEURALLAYERS_") or name == "NEURALLAYERS_CACHE"
    }
    return {**kept, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1", **changes}


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start the command with these options; whatever still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(*options: str, **changes: str) -> subprocess.Popen[str]:
        with (tmp_path / "log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "neurallayers", "serve", "--port", "0", *options],
                cwd=tmp_path,
                env=environment(**changes),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait(STOP_S)
        assert process.stdout is not None
        process.stdout.close()


def address(process: subprocess.Popen[str]) -> str:
    """Where it listens, as its one line says."""
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+)\n", line)
    assert found, f"{line!r} instead of the address"
    return found[1]


def test_the_help_names_every_option() -> None:
    result = CliRunner().invoke(app, ["serve", "--help"])
    assert result.exit_code == 0
    for option in ("--host", "--port", "--data", "--config", "--log-level", "--reload"):
        assert option in plain(result.stdout)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--port", "65536"], "65535"),
        (["--port", "-1"], "--port"),
        (["--log-level", "loud"], "log_level"),
        (["--config", "nowhere.toml"], "nowhere.toml"),
        (["--host", "0.0.0.0"], "api_key"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_started(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, options: list[str], told: str
) -> None:
    monkeypatch.delenv("NEURALLAYERS_API_KEY", raising=False)
    result = invoke("serve", *options)
    assert result.exit_code != 0
    assert told in plain(result.output)
    assert not list(Path.cwd().iterdir())


def test_without_the_extra_it_says_what_to_install(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(package: str, *, extra: str) -> object:
        raise MissingExtra(f"{package} is not installed.", f"pip install 'neurallayers[{extra}]'")

    monkeypatch.setattr("neurallayers.cli.serving.require", missing)
    result = invoke("serve")
    assert result.exit_code != 0
    assert "neurallayers[service]" in plain(result.output)
    assert extras.require("json", extra="service") is not None


def test_a_port_that_is_taken_is_told(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEURALLAYERS_API_KEY", KEY)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = invoke("serve", "--port", port, "--log-level", "critical")
    assert result.exit_code != 0
    assert str(port) in plain(result.output)
    assert "--port" in plain(result.output)


def test_it_serves_until_it_is_told_to_end_and_goes_on_the_next_time(
    serving: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    first = serving()
    url = address(first)
    data = tmp_path / "neurallayers-data"
    key = (data / "api-key").read_text().strip()
    # A key that was made just now is shown once, to the owner of the terminal.
    assert key in log.read_text()
    assert (data / "api-key").stat().st_mode & 0o077 == 0
    assert httpx.get(f"{url}/health/live").status_code == 200
    assert httpx.get(f"{url}/v1/models").status_code == 401
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=url, headers=headers, timeout=30) as client:
        brain = client.post("/v1/brains").json()["id"]
        body = {"stimulus": [[0.5] * 8] * 8, "target": "grey"}
        assert client.post(f"/v1/brains/{brain}/learn", json=body).json()["entry"] == 1
    end(first, signal.SIGTERM)

    options = ("hasn-nano-digits", "--data", str(data), "--log-level", "error")
    second = serving(*options, NEURALLAYERS_ENGINE_PROCESS="false")
    found = httpx.get(f"{address(second)}/v1/brains/{brain}", headers=headers, timeout=30).json()
    assert "grey" in found["labels"]
    assert key not in log.read_text()
    end(second, signal.SIGINT)


def end(process: subprocess.Popen[str], how: signal.Signals) -> None:
    """End it with a signal; it ends in order and has nothing more to say."""
    process.send_signal(how)
    assert process.wait(STOP_S) == 0
    assert process.stdout is not None
    assert process.stdout.read() == ""
