"""The question that a container engine asks, put to a server that is well, ill or not there."""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent.parent / "deploy" / "healthcheck.py"


@contextmanager
def answering(status: int) -> Iterator[tuple[int, list[str]]]:
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b'{"status":"something"}')

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_port, asked
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def check() -> Callable[[int], subprocess.CompletedProcess[str]]:
    def ask(port: int) -> subprocess.CompletedProcess[str]:
        # A proxy of the environment must not be asked; nothing listens on port 9.
        environment = {"NEURALLAYERS_PORT": str(port), "http_proxy": "http://127.0.0.1:9"}
        return subprocess.run(
            [sys.executable, str(SCRIPT)], env=environment, capture_output=True, text=True
        )

    return ask


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_it_says_whether_the_service_is_ready(
    status: int, code: int, check: Callable[[int], subprocess.CompletedProcess[str]]
) -> None:
    with answering(status) as (port, asked):
        result = check(port)
    assert (result.returncode, asked) == (code, ["/health/ready"])
    assert "something" in result.stdout
    assert not result.stderr


def test_a_service_that_is_not_there_is_not_ready(
    check: Callable[[int], subprocess.CompletedProcess[str]],
) -> None:
    with answering(200) as (port, _):
        pass
    result = check(port)
    assert result.returncode == 1
    assert result.stdout.startswith("no answer")
    assert not result.stderr
