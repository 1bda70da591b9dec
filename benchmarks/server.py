"""Servers as benchmarks run them: a process of its own, ours with a data folder of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.connection import Prepared, request

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
KEY = "nl_benchmark_0123456789abcdef0123456789abcdef"
AUTHORISED = (("Authorization", f"Bearer {KEY}"),)
JSON_HEADERS = (*AUTHORISED, ("Content-Type", "application/json"))
_LISTENING = re.compile(rb"listening on http://[^\s:/]+:(\d+)")
_START_SECONDS = 120.0


class NotServing(RuntimeError):
    """A server did not start, or answered what it should not."""


class Server:
    """A server in a process (and process group) of its own; its words go to a file."""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        *,
        port: int | None = None,
        environment: Mapping[str, str] | None = None,
        ready: str = "/health/ready",
    ) -> None:
        """Start it.

        Args:
            command: What to run.
            folder: Its working folder; ``server.log`` is written there.
            port: Where it will listen; found in its output if it chooses by itself.
            environment: More variables.
            ready: The path that answers 200 when it can work.
        """
        self.folder = folder
        self.log = folder / "server.log"
        self.ready_path = ready
        self._begin = self.log.stat().st_size if self.log.exists() else 0
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        # The data sets' folder has nothing to do with the data folder of the service.
        inherited.pop("NEURALLAYERS_DATA", None)
        with self.log.open("ab") as words:
            self.process = subprocess.Popen(
                list(command),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={
                    **inherited,
                    "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
                    "PYTHONUNBUFFERED": "1",
                    "OMP_NUM_THREADS": "1",
                    **(environment or {}),
                },
            )
        try:
            self.port = self._port_in_the_log() if port is None else port
        except BaseException:
            self.kill()
            raise

    def _port_in_the_log(self) -> int:
        give_up = time.perf_counter() + _START_SECONDS
        while time.perf_counter() < give_up:
            found = _LISTENING.search(self.words())
            if found:
                return int(found[1])
            self._must_run()
            time.sleep(0.01)
        raise NotServing(f"It did not say where it listens:\n{self.last_words()}")

    def words(self) -> bytes:
        """What this process has said so far."""
        with self.log.open("rb") as file:
            file.seek(self._begin)
            return file.read()

    def last_words(self) -> str:
        """The end of what it said."""
        return self.words()[-3000:].decode("utf-8", "replace")

    def _must_run(self) -> None:
        if self.process.poll() is not None:
            raise NotServing(f"It ended with {self.process.returncode}:\n{self.last_words()}")

    def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """One request on a connection of its own.

        Raises:
            OSError: If nobody listens or the connection breaks.
        """
        connection = http.client.HTTPConnection(HOST, self.port, timeout=60)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, {**dict(JSON_HEADERS), **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()

    def get(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of an answer that must be a success.

        Raises:
            NotServing: If it is another status than 2xx.
        """
        status, content = self.call(method, path, body)
        if status // 100 != 2:
            raise NotServing(
                f"{method} {path} gave {status}: {content[:500]!r}\n{self.last_words()}"
            )
        return json.loads(content) if content else None

    def is_ready(self) -> bool:
        """Whether it says that it can work."""
        try:
            return self.call("GET", self.ready_path)[0] == 200
        except OSError:
            return False

    def wait_until_ready(self, seconds: float = _START_SECONDS) -> float:
        """Seconds that it took until it was ready."""
        begin = time.perf_counter()
        while not self.is_ready():
            self._must_run()
            if time.perf_counter() - begin > seconds:
                raise NotServing(f"It is not ready after {seconds} s:\n{self.last_words()}")
            time.sleep(0.01)
        return time.perf_counter() - begin

    def rss_mb(self) -> float:
        """Resident memory of the process and those that it started [MB]."""
        pages = sum(int(fields[21]) for fields in self._processes())
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def cpu_seconds(self) -> float:
        """Processor time that the process and those that it started have used."""
        ticks = sum(int(fields[11]) + int(fields[12]) for fields in self._processes())
        return ticks / os.sysconf("SC_CLK_TCK")

    def _processes(self) -> list[list[str]]:
        """The statistics of it and of its children, from the third field on (proc(5))."""
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = path.read_text(encoding="utf-8").rsplit(")", 1)[1].split()
                if self.process.pid in (int(path.parent.name), int(fields[1])):
                    found.append(fields)
        return found

    def stop(self, seconds: float = 30.0) -> None:
        """Ask it to end, and insist if it does not."""
        self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        self.kill()

    def kill(self) -> None:
        """SIGKILL for it and what it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def ours(
    folder: Path,
    *,
    environment: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
) -> Server:
    """Our server; its data folder is the default one, in ``folder``."""
    return Server(
        [sys.executable, "-m", "neurallayers", "serve", "--host", HOST, "--port", "0", *options],
        folder,
        environment={"NEURALLAYERS_API_KEY": KEY, **(environment or {})},
    )


def data_folder(folder: Path) -> Path:
    """Where our server, started in ``folder``, keeps its data."""
    return folder / "neurallayers-data"


@contextlib.contextmanager
def temporary_folder(parent: Path | None) -> Iterator[Path]:
    """A folder for a server, gone afterwards; on the disk that ``parent`` is on."""
    with tempfile.TemporaryDirectory(
        prefix="neurallayers-", dir=parent, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


@contextlib.contextmanager
def running(folder: Path, **chosen: Any) -> Iterator[Server]:
    """Our server, ready; stopped at the end."""
    server = ours(folder, **chosen)
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.stop()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def process_request(brain: str, rows: Sequence[Sequence[int]], **more: Any) -> Prepared:
    """Let a brain think about a digit of scikit-learn (0..16)."""
    body = json.dumps({"stimulus": rows, "maximum": 16, **more}, separators=(",", ":"))
    return request("POST", f"/v1/brains/{brain}/process", body.encode(), JSON_HEADERS)


def learn_request(
    brain: str, rows: Sequence[Sequence[int]], target: str, key: str | None = None
) -> Prepared:
    """Teach a brain what a digit of scikit-learn (0..16) is."""
    headers = JSON_HEADERS if key is None else (*JSON_HEADERS, ("Idempotency-Key", key))
    body = json.dumps({"stimulus": rows, "target": target, "maximum": 16}, separators=(",", ":"))
    return request("POST", f"/v1/brains/{brain}/learn", body.encode(), headers)


def digit_rows() -> tuple[list[list[list[int]]], list[str]]:
    """The digits of scikit-learn as rows of 0..16, and what they are."""
    from sklearn.datasets import load_digits

    source = load_digits()
    return source.images.astype(int).tolist(), [str(label) for label in source.target]


class Metrics:
    """The figures of ``/metrics`` (Prometheus' text format), summed over labels."""

    def __init__(self, text: str) -> None:
        self.values: dict[str, float] = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                plain = name.partition("{")[0]
                if not plain.endswith("_bucket"):
                    self.values[plain] = self.values.get(plain, 0.0) + float(value)

    @classmethod
    def of(cls, server: Server) -> Metrics:
        """What a server says now."""
        status, text = server.call("GET", "/metrics")
        if status != 200:
            raise NotServing(f"/metrics gave {status}.")
        return cls(text.decode())

    def mean_since(self, before: Metrics, *words: str) -> float:
        """Mean of the one histogram whose name has all these words, since another reading.

        Raises:
            NotServing: If there is not exactly one such histogram.
        """
        found = [
            name.removesuffix("_count")
            for name in self.values
            if name.endswith("_count") and all(word in name for word in words)
        ]
        if len(found) != 1:
            raise NotServing(f"Histograms with {words} in /metrics: {found or sorted(self.values)}")
        count, total = (
            self.values[f"{found[0]}{end}"] - before.values.get(f"{found[0]}{end}", 0.0)
            for end in ("_count", "_sum")
        )
        return total / count if count else 0.0
