"""An engine in a process of its own: what it outlives, and how it begins and ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.brain.individuals import small_network
from tests.service.engine.company import images, key, outcome
from tests.service.engine.remotes import (
    START_S,
    Running,
    alive,
    born,
    pid_of,
    until,
)
from tests.service.running import running

from neurallayers.brain.pretrained import save_pretrained
from neurallayers.errors import InvalidInput, JournalError, NeuralLayersError, UnknownName
from neurallayers.service.engine import Stimulus, remote
from neurallayers.service.engine.remote import RemoteEngine
from neurallayers.service.failures import Unavailable
from neurallayers.service.store import Store

READY = "/health/ready"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small network in a folder."""
    return str(save_pretrained(small_network(), tmp_path_factory.mktemp("networks") / "small"))


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, network: str) -> Iterator[Running]:
    """One process for most tests, as each takes seconds to start."""
    one = Running(tmp_path_factory.mktemp("store"), network)
    one.run(one.engine.__aenter__())
    yield one
    one.run(one.engine.__aexit__())
    one.runner.close()


# ------------------------------------------------------------------ a process that dies or hangs


def test_signals_for_the_service_do_not_end_the_process(live: Running) -> None:
    async def signal_it() -> None:
        pid = live.pid
        os.kill(pid, signal.SIGINT)
        os.kill(pid, signal.SIGTERM)
        await asyncio.sleep(0.1)
        assert await live.engine.brains()
        assert live.pid == pid
        assert alive(pid)
        # Nor do those of a terminal reach it.
        assert os.getsid(pid) == pid

    live.run(signal_it())


def test_a_process_that_hangs_is_told_and_comes_back(live: Running) -> None:
    async def hang() -> None:
        engine = live.engine
        ada = await born(engine)
        os.kill(live.pid, signal.SIGSTOP)
        begun = time.monotonic()
        try:
            waits = asyncio.create_task(engine.process(ada, Stimulus(images()[0])))
            await until(lambda: not engine.ready, 3.0)
            assert time.monotonic() - begun > 1.5
            assert engine.health()["engine"].startswith("silent for")
            assert engine.waiting == 1
        finally:
            os.kill(live.pid, signal.SIGCONT)
        assert await asyncio.wait_for(waits, 5)
        await until(lambda: engine.ready, 3.0)

    live.run(hang())


def test_a_killed_process_is_replaced_and_nothing_acknowledged_is_lost(live: Running) -> None:
    async def kill() -> None:
        engine, before = live.engine, live.pid
        ada = await born(engine)
        shown = Stimulus(images()[0])
        for _ in range(3):
            await engine.learn(ada, shown, "new", request=key("kept"))
        thought = await engine.process(ada, shown)
        async with engine.activity.watch(ada) as watcher:
            os.kill(before, signal.SIGSTOP)
            waits = [
                asyncio.create_task(outcome(engine.process(ada, shown))),
                asyncio.create_task(outcome(engine.learn(ada, shown, "lost"))),
            ]
            await asyncio.sleep(0)
            assert engine.waiting == 2
            os.kill(before, signal.SIGKILL)
            begun = time.monotonic()
            for error in await asyncio.gather(*waits):
                assert isinstance(error, Unavailable)
                assert (error.reason, error.retry_after_s) == ("engine", 2.0)
            assert time.monotonic() - begun < 1.0
            assert engine.waiting == 0
            assert engine.health() == {"engine": "starting again"}
            while not engine.ready:
                refused = await outcome(engine.brain(ada))
                assert isinstance(refused, Unavailable)
                assert refused.reason == "engine"
                assert engine.health()["engine"] == "starting again"
                await asyncio.sleep(0.05)
                assert time.monotonic() - begun < START_S

            assert live.pid != before
            assert await engine.process(ada, shown) == thought
            entries = msgspec.json.decode(await engine.entries(ada))["entries"]
            assert [one["content"] for one in entries] == [{"target": "new"}]
            again = msgspec.json.decode(await engine.learn(ada, shown, "new", request=key("kept")))
            assert again["entry"] == 1
            event = await watcher.next(5)
            assert event is not None
            assert event.name == "thought"
        assert not alive(before)

    live.run(kill())


PARENT = """
import asyncio, sys
from neurallayers.service.engine.remote import RemoteEngine

async def main():
    async with RemoteEngine(sys.argv[1], models=[sys.argv[2]]) as engine:
        print(engine._process.pid, flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


def test_a_process_ends_with_the_one_that_serves(tmp_path: Path, network: str) -> None:
    program = (sys.executable, "-c", PARENT, str(tmp_path), network)
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert alive(pid)
        # However busy it is, or even when it hangs.
        os.kill(pid, signal.SIGSTOP)
        parent.kill()
        begun = time.monotonic()
        while alive(pid):
            assert time.monotonic() - begun < 2.0
            time.sleep(0.01)
    Store(tmp_path).close()


# ------------------------------------------------------------------ beginning and end


def test_an_end_in_order_finishes_what_was_taken_and_keeps_snapshots(
    tmp_path: Path, network: str
) -> None:
    async def end() -> tuple[str, int]:
        shown = Stimulus(images()[0])
        async with RemoteEngine(tmp_path, models=[network]) as engine:
            ada = await born(engine)
            lessons = [asyncio.create_task(engine.learn(ada, shown, "new")) for _ in range(60)]
            await asyncio.sleep(0)
            async with engine.activity.watch(ada) as watcher:
                pid = pid_of(engine)
                ending = asyncio.create_task(engine.__aexit__())
                await asyncio.sleep(0)
                late = await outcome(engine.process(ada, shown))
                assert isinstance(late, Unavailable)
                assert late.reason == "stopping"
                assert engine.health()["engine"] == "stopping"
                await ending
                while await watcher.next(1) is not None:
                    pass
            answered = [msgspec.json.decode(lesson.result())["entry"] for lesson in lessons]
            assert answered == list(range(1, 61))
            assert engine.waiting == 0
        assert not alive(pid)
        return ada, pid

    ada, _ = asyncio.run(end())
    store = Store(tmp_path)
    assert store.journal(ada).position == 60
    assert store.database.query("SELECT max(sequence) FROM snapshots") == [(60,)]
    store.close()


def children() -> set[int]:
    """The processes that this one has started and that run."""
    found = set()
    for place in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = place.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == os.getpid() and state != "Z":
                found.add(int(place.parent.name))
    return found


def test_a_start_that_fails_says_why_and_leaves_no_process(
    live: Running, network: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "RESTART_S", 0.0)
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "brains.sqlite3").write_bytes(b"no database" * 1000)
    before = children()

    async def start(folder: Path, model: str) -> NeuralLayersError:
        engine = RemoteEngine(folder, models=[model])
        with pytest.raises(NeuralLayersError) as refusal:
            await engine.__aenter__()
        assert engine._restarting is None
        return refusal.value

    async def cancelled() -> None:
        engine = RemoteEngine(tmp_path / "cancelled", models=[network])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await engine.__aenter__()

    async def start_all() -> list[Any]:
        found = await asyncio.gather(
            start(tmp_path / "unknown", "no-such-network"),
            start(tmp_path / "damaged", network),
            start(live.folder, network),
            cancelled(),
        )
        await asyncio.sleep(0.1)
        return found

    unknown, damaged, used, _ = asyncio.run(start_all())
    assert isinstance(unknown, UnknownName)
    assert "no-such-network" in unknown.problem
    for refusal in (damaged, used):
        assert isinstance(refusal, JournalError)
        assert "cannot be used" in refusal.problem
    assert children() == before


def test_a_process_that_hangs_at_the_end_is_killed(
    tmp_path: Path, network: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "STOP_S", 0.3)

    async def hang() -> None:
        async with RemoteEngine(tmp_path, models=[network]) as engine:
            ada, pid = await born(engine), pid_of(engine)
            os.kill(pid, signal.SIGSTOP)
            waits = asyncio.create_task(outcome(engine.process(ada, Stimulus(images()[0]))))
            await asyncio.sleep(0)
            begun = time.monotonic()
        assert time.monotonic() - begun < 3.0
        assert not alive(pid)
        assert isinstance(await waits, Unavailable)
        assert engine.waiting == 0

    asyncio.run(hang())
    Store(tmp_path).close()


def test_no_network_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no model"):
        RemoteEngine(tmp_path, models=[])


def test_a_start_that_takes_for_ever_is_given_up(
    tmp_path: Path, network: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "START_S", 0.2)
    before = children()

    async def start() -> None:
        with pytest.raises(Unavailable, match="did not start within"):
            await RemoteEngine(tmp_path, models=[network]).__aenter__()

    asyncio.run(start())
    assert children() == before


# ------------------------------------------------------------------ the whole service


def test_the_service_with_an_engine_process_recovers_by_itself(
    tmp_path: Path, network: str
) -> None:
    image = images()[0]
    with running(tmp_path, engine_process=True, models=[network]) as served:
        client = served.client()
        with client:
            ada = client.post("/v1/brains", json={"name": "Ada"}).json()["id"]
            events: list[str] = []
            with client.stream("GET", f"/v1/brains/{ada}/events") as stream:
                lines = stream.iter_lines()
                assert next(lines) == ": watching"
                thought = client.post(f"/v1/brains/{ada}/process", json={"stimulus": image})
                lesson = client.post(
                    f"/v1/brains/{ada}/learn", json={"stimulus": image, "target": "new"}
                )
                assert (thought.status_code, lesson.status_code) == (200, 200)
                for line in lines:
                    events += [line[7:]] if line.startswith("event: ") else []
                    if len(events) == 2:
                        break
            assert events == ["thought", "lesson"]
            assert client.get(f"/v1/brains/{ada}/raster").json()["steps"] == 8
            assert client.get("/health/ready").status_code == 200
            wait_for(lambda: "\nneurallayers_lessons_total 1.0\n" in client.get("/metrics").text)

            engine: Any = served.engine
            os.kill(pid_of(engine), signal.SIGKILL)
            wait_for(lambda: client.get(READY).status_code == 503)
            refused = client.post(f"/v1/brains/{ada}/process", json={"stimulus": image})
            assert refused.status_code == 503
            assert refused.headers["retry-after"] == "2"
            wait_for(lambda: client.get(READY).status_code == 200)
            again = client.post(f"/v1/brains/{ada}/process", json={"stimulus": image}).json()
            assert "new" in again["scores"]
            entries = client.get(f"/v1/brains/{ada}/entries").json()["entries"]
            assert [one["kind"] for one in entries] == ["lesson"]
    # All of it ended: the store is free, and sound.
    with contextlib.closing(sqlite3.connect(tmp_path / "brains.sqlite3")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def wait_for(true: Callable[[], bool]) -> None:
    """Wait for something, outside of any loop."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < START_S
        time.sleep(0.02)
