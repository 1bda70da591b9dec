"""Serving ends in order, and a port that cannot be had is explained."""

from __future__ import annotations

import io
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.service.serving import BEARER, BRAIN, Client, edge_of, settings_of

from neurallayers.errors import InvalidInput
from neurallayers.service.access import ApiKey
from neurallayers.service.failures import Unavailable
from neurallayers.service.server import announce, listen, serve, url_of

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from neurallayers.service.logs import configure_logging
from neurallayers.service.server import serve
from tests.service.serving import TinyApp, edge_of, settings_of

settings = settings_of(drain_timeout_s={drain}, request_timeout_s=30)
edge = edge_of(TinyApp(), settings, request_log=configure_logging(settings))
serve(edge, settings, on_ready=lambda url: print(url, flush=True))
print("the end", flush=True)
"""


class Process:
    """A server in a process of its own."""

    def __init__(self, drain: int = 5) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(drain=drain)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        )
        assert self.process.stdout is not None
        url = self.process.stdout.readline().strip()
        self.port = int(url.rpartition(":")[2])


@pytest.fixture
def process() -> Iterator[Process]:
    started = Process()
    try:
        yield started
    finally:
        started.process.kill()
        started.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_accepted_work_finish(process: Process, number: signal.Signals) -> None:
    with Client(process.port) as idle, Client(process.port) as busy:
        assert idle.ask("GET", BRAIN, BEARER).status == 200
        busy.send(f"GET /v1/brains/slow HTTP/1.1\r\n{BEARER}\r\n\r\n".encode())
        time.sleep(0.2)
        process.process.send_signal(number)
        assert idle.is_closed()
        assert busy.answer().status == 200
        assert busy.is_closed()
    out, err = process.process.communicate(timeout=10)
    assert process.process.returncode == 0
    assert "the end" in out
    assert "Traceback" not in err
    assert '"event":"server.stopped"' in err
    assert '"route":"/v1/brains/{brain_id}","status":200' in err  # nothing is left in the buffer


def test_while_stopping_no_connection_is_accepted(process: Process) -> None:
    with Client(process.port) as busy:
        busy.send(f"GET /v1/brains/slow HTTP/1.1\r\n{BEARER}\r\n\r\n".encode())
        time.sleep(0.2)
        process.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        with pytest.raises(ConnectionRefusedError):
            Client(process.port)
        assert busy.answer().status == 200


def test_work_that_takes_too_long_is_cut_off() -> None:
    process = Process(drain=1)
    try:
        with Client(process.port) as client:
            client.send(f"GET /v1/brains/endless HTTP/1.1\r\n{BEARER}\r\n\r\n".encode())
            time.sleep(0.2)
            process.process.send_signal(signal.SIGTERM)
            answer = client.answer()
        assert answer.status == 503
        assert answer.slug == "unavailable"
        assert process.process.wait(10) == 0
    finally:
        process.process.kill()
        process.process.communicate()


def test_a_port_that_is_taken_is_explained() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(InvalidInput, match=f"port is {port}.*another program") as caught:
            listen(settings_of(port=port))
    assert "NEURALLAYERS_PORT" in caught.value.remedy


def test_a_host_that_is_not_ours_is_explained() -> None:
    with pytest.raises(InvalidInput, match="cannot be listened on"):
        listen(settings_of(host="192.0.2.1"))  # an address for documentation (RFC 5737)


def test_a_host_that_is_no_address_is_explained() -> None:
    with pytest.raises(InvalidInput, match="is not an address"):
        listen(settings_of(host="not an address"))


def test_port_zero_picks_a_real_one() -> None:
    with listen(settings_of(port=0)) as listener:
        url = url_of(listener)
    assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d+", url)


def test_the_address_of_every_interface_is_written_so_that_a_browser_takes_it() -> None:
    with listen(settings_of(host="0.0.0.0")) as listener:
        assert url_of(listener).startswith("http://127.0.0.1:")


def test_an_application_that_cannot_start_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        raise RuntimeError("no store")

    settings = settings_of()
    with pytest.raises(Unavailable, match="did not start"):
        serve(edge_of(broken, settings), settings)
    assert "no store" in caplog.text


def test_the_announcement_shows_page_and_key() -> None:
    stream = io.StringIO()
    announce("http://127.0.0.1:8077", ApiKey("nl_secret"), created=True, stream=stream)
    assert "http://127.0.0.1:8077/#key=nl_secret" in stream.getvalue()
    assert "generated now" in stream.getvalue()
    again = io.StringIO()
    announce("http://127.0.0.1:8077", ApiKey("nl_secret"), created=False, stream=again)
    assert "generated now" not in again.getvalue()


RELOADED = """
import sys
from pathlib import Path
from neurallayers.service.server import serve_reloading
from tests.service.serving import settings_of

if __name__ == "__main__":
    serve_reloading(
        settings_of(log_level="error"),
        on_ready=lambda url: print(url, flush=True),
        factory="made_by_the_test:make",
        folder=Path(sys.argv[1]),
    )
"""
MADE = """
from neurallayers.service.settings import Settings
from tests.service.serving import TinyApp, edge_of

def make():
    settings = Settings.load()
    assert settings.body_timeout_s == 0.4
    return edge_of(TinyApp(), settings, templates=["/{word}"])
"""


@pytest.mark.slow
def test_a_change_of_the_source_starts_the_service_again(tmp_path: Path) -> None:
    (tmp_path / "made_by_the_test.py").write_text(MADE)
    program = tmp_path / "program.py"
    program.write_text(RELOADED)
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT), str(tmp_path)])
    process = subprocess.Popen(
        [sys.executable, program, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline().strip().rpartition(":")[2])
        with Client(port, timeout_s=30) as client:
            assert client.ask("GET", "/word").status == 200
        source = (tmp_path / "made_by_the_test.py").read_text()
        changed = source.replace("settings = ", "settings = settings = ")
        (tmp_path / "made_by_the_test.py").write_text(
            changed.replace("return edge", "print('changed', flush=True)\n    return edge")
        )
        assert process.stdout.readline().strip() == "changed"
        with Client(port, timeout_s=30) as client:
            assert client.ask("GET", "/word").status == 200
    finally:
        process.terminate()
        process.communicate(timeout=20)
