"""Starts the peers in the environment that has them, and loads them."""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.connection import Prepared, request
from benchmarks.load import around, closed_loop, open_loop, run
from benchmarks.server import HOST, NotServing, Server, digit_rows, free_port, temporary_folder

_JSON = (("Content-Type", "application/json"),)
_START_SECONDS = 120.0


class Peer(NamedTuple):
    """A model server: its package, how it is started, and what it wants to be sent."""

    package: str
    setting: str
    command: Callable[[int], list[str]]
    ready: str
    body: Callable[[list[list[int]]], dict[str, Any]]


PEERS = {
    "litserve": Peer(
        "litserve",
        "max_batch_size=64, batch_timeout=0.005, one worker",
        lambda port: ["-m", "benchmarks.served_peers.with_litserve", "--port", str(port)],
        "/health",
        lambda image: {"image": image},
    ),
    "litserve_fast_queue": Peer(
        "litserve",
        "the same with fast_queue=True",
        lambda port: [
            "-m",
            "benchmarks.served_peers.with_litserve",
            "--port",
            str(port),
            "--fast-queue",
        ],
        "/health",
        lambda image: {"image": image},
    ),
    "bentoml": Peer(
        "bentoml",
        "batchable=True, max_batch_size=64, one worker",
        lambda port: [
            *("-m", "bentoml", "serve", "benchmarks.served_peers.with_bentoml:Digits"),
            *("--host", HOST, "--port", str(port)),
        ],
        "/readyz",
        lambda image: {"images": [image]},
    ),
}


def measure(
    python: Path, *, seconds: float, rate: float, connections: int, rounds: int
) -> dict[str, Any]:
    """Figures of every peer, at the same load as ours.

    Args:
        python: The interpreter of the environment that has the peers.
        seconds: Length of a run.
        rate: Requests a second of the open loop.
        connections: How many connections ask at once.
        rounds: Runs to take the medians of.
    """
    found: dict[str, Any] = {}
    for name, peer in PEERS.items():
        try:
            with _running(python, peer) as server:
                found[name] = {
                    "version": _version(python, peer.package),
                    "setting": peer.setting,
                    **_figures(server, peer, seconds, rate, connections, rounds),
                }
        except (NotServing, OSError) as error:
            found[name] = {"skipped": str(error)[-300:]}
    return found


def _figures(
    server: Server, peer: Peer, seconds: float, rate: float, connections: int, rounds: int
) -> dict[str, Any]:
    following = around(_requests(peer))
    place = (HOST, server.port, following)
    per_second, p95, fixed, answered = [], [], [], []
    for _ in range(rounds):
        closed = run(closed_loop(*place, connections=connections, seconds=seconds, warm_seconds=2))
        per_second.append(closed.per_second())
        p95.append(closed.p95_ms())
        steady = run(
            open_loop(
                *place,
                rate=rate,
                connections=connections,
                connections_at_most=connections,
                seconds=seconds,
                warm_seconds=1,
            )
        )
        fixed.append(steady.p95_ms())
        answered.append(steady.per_second())
    return {
        "process_per_second": round(statistics.median(per_second)),
        "closed_loop_p95_ms": _median(p95),
        "process_p95_ms": _median(fixed),
        "answered_per_second_of_the_fixed_rate": round(statistics.median(answered)),
    }


def _median(values: list[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return round(statistics.median(there), 1) if there else None


def _requests(peer: Peer) -> list[Prepared]:
    images, _ = digit_rows()
    return [
        request(
            "POST",
            "/predict",
            json.dumps(peer.body(image), separators=(",", ":")).encode(),
            _JSON,
        )
        for image in images[:500]
    ]


@contextlib.contextmanager
def _running(python: Path, peer: Peer) -> Iterator[Server]:
    port = free_port()
    with temporary_folder(None) as folder:
        server = Server(
            [str(python), *peer.command(port)],
            folder,
            port=port,
            ready=peer.ready,
            environment={"BENTOML_DO_NOT_TRACK": "1", "BENTOML_HOME": str(folder / "bentoml")},
        )
        try:
            server.wait_until_ready(_START_SECONDS)
            _must_answer(server, peer)
            yield server
        finally:
            server.stop(5.0)


def _must_answer(server: Server, peer: Peer) -> None:
    images, _ = digit_rows()
    give_up = time.perf_counter() + 30
    while True:
        status, content = server.call("POST", "/predict", peer.body(images[0]))
        if status == 200:
            return
        if time.perf_counter() > give_up:
            raise NotServing(f"{peer.package} answers {status}: {content[:200]!r}")
        time.sleep(0.2)


def _version(python: Path, package: str) -> str:
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    return subprocess.run(
        [str(python), "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
