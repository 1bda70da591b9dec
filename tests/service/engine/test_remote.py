"""An engine in a process of its own: the same answers, and what it outlives."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.brain.individuals import small_network
from tests.service.engine.company import images, key, outcome
from tests.service.running import running

from neurallayers.brain.pretrained import save_pretrained
from neurallayers.errors import InvalidInput, JournalError, NeuralLayersError, UnknownName
from neurallayers.service.engine import Engine, Limits, Stimulus, remote
from neurallayers.service.engine.remote import RemoteEngine
from neurallayers.service.engine.tally import Tally
from neurallayers.service.failures import NotFound, Overloaded, Unavailable
from neurallayers.service.schemas import ThoughtsOut
from neurallayers.service.store import Store

encode = msgspec.json.Encoder(enc_hook=str).encode
START_S = 60.0
READY = "/health/ready"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small network in a folder."""
    return str(save_pretrained(small_network(), tmp_path_factory.mktemp("networks") / "small"))


class Running:
    """An engine whose loop runs while a test wants it to."""

    def __init__(self, folder: Path, network: str) -> None:
        self.folder, self.network = folder, network
        self.told = Tally()
        self.runner = asyncio.Runner()
        self.engine = RemoteEngine(folder, models=[network], observer=self.told)

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """What it gives."""
        return self.runner.run(coroutine)

    @property
    def pid(self) -> int:
        """The process now."""
        return pid_of(self.engine)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, network: str) -> Iterator[Running]:
    """One process for most tests, as each takes seconds to start."""
    one = Running(tmp_path_factory.mktemp("store"), network)
    one.run(one.engine.__aenter__())
    yield one
    one.run(one.engine.__aexit__())
    one.runner.close()


def pid_of(engine: RemoteEngine) -> int:
    """The process of an engine."""
    assert engine._process is not None
    return engine._process.pid


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and waits to be noticed does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


async def until(true: Callable[[], bool], within_s: float = START_S) -> None:
    """Wait for something."""
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.01)


async def born(engine: RemoteEngine | Engine, **what: Any) -> str:
    """The id of a new brain."""
    return str(msgspec.json.decode(encode_answer(await engine.create(**what)))["id"])


def encode_answer(answer: Any) -> bytes:
    """An answer of either engine as JSON."""
    if isinstance(answer, list):
        return encode(ThoughtsOut(answer))
    return answer if isinstance(answer, bytes) else encode(answer)


# ------------------------------------------------------------------ the same answers


class Script:
    """A life whose answers, and refusals, are noted; what differs by chance has stand-ins."""

    def __init__(self, engine: RemoteEngine | Engine) -> None:
        self.engine = engine
        self.notes: list[bytes] = []
        self._stand_ins: dict[str, str] = {}

    async def note(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Note what it gives, or how it is refused."""
        result = await outcome(coroutine)
        if isinstance(result, NeuralLayersError):
            result = [type(result).__name__, result.problem, result.remedy]
        text = encode_answer(result).decode()
        text = re.sub(r'"created_at":"[^"]*"', "", text)
        text = re.sub(r'"name":"brain [0-9a-f]{6}"', "", text)
        for found in re.findall(r"[0-9a-f]{32}", text):
            stand_in = self._stand_ins.setdefault(found, f"<{len(self._stand_ins)}>")
            text = text.replace(found, stand_in)
        self.notes.append(text.encode())
        return msgspec.json.decode(encode_answer(result))

    async def run(self) -> list[bytes]:
        """A life with everything in it."""
        note, engine = self.note, self.engine
        ada = (await note(engine.create(name="Ada", seed=3, request_key="ada")))["id"]
        await note(engine.create(name="Eve", request_key="ada"))
        await note(engine.create("small"))
        await self.think(ada)
        await self.learn(ada)
        await self.return_and_forget(ada)
        await self.be_refused(ada)
        await note(engine.delete(ada))
        await note(engine.brain(ada))
        await note(engine.delete(ada))
        await note(engine.brains())
        return self.notes

    async def think(self, ada: str) -> None:
        note, engine = self.note, self.engine
        picture = np.random.default_rng(5).integers(0, 256, (4, 4), dtype="u1")
        await note(engine.raster(ada))
        for shown in (
            Stimulus(images()[0]),
            Stimulus(np.array(images()[1])),
            Stimulus(np.array(images()[1], dtype=">f4")),
            Stimulus(picture),
            Stimulus(np.kron(picture, np.ones((3, 3), "u1")), fit=True, invert=True),
            Stimulus((np.array(images()[2]) * 16).round().astype("i8"), maximum=16.0),
        ):
            await note(engine.process(ada, shown))
            await note(engine.raster(ada))
        await note(engine.process_many(ada, [Stimulus(image) for image in images()[:20]]))
        await note(engine.process_many(ada, []))

    async def learn(self, ada: str) -> None:
        note, engine = self.note, self.engine
        shown = [Stimulus(image) for image in images()]
        await note(engine.learn(ada, shown[0], "new", request=key("1")))
        await note(engine.learn(ada, shown[0], "new", request=key("1")))
        await note(engine.learn(ada, shown[1], "other", request=key("1", "other")))
        await note(engine.learn(ada, shown[2], reward=-0.5))
        await note(engine.process(ada, shown[3], stateful=True, request=key("2")))
        await note(engine.process(ada, shown[3], stateful=True, request=key("2")))

    async def return_and_forget(self, ada: str) -> None:
        note, engine = self.note, self.engine
        kept = await note(engine.snapshot(ada, "kept", request_key="kept"))
        await note(engine.snapshot(ada, "again", request_key="kept"))
        await note(engine.learn(ada, Stimulus(images()[4]), "late"))
        await note(engine.restore(ada, kept["id"], request=key("3")))
        await note(engine.restore(ada, kept["id"], request=key("3")))
        await note(engine.forget(ada, entries=[1]))
        await note(engine.forget(ada, label="b", request=key("4")))
        await note(engine.snapshot(ada))
        await note(engine.snapshots(ada, 1))
        await note(engine.entries(ada))
        await note(engine.entries(ada, 2, 1))
        await note(engine.brain(ada))
        await note(engine.brains(1))
        await note(engine.brains(5, "1"))
        await note(engine.process(ada, Stimulus(images()[5])))

    async def be_refused(self, ada: str) -> None:
        note, engine = self.note, self.engine
        good, nobody = Stimulus(images()[0]), "0" * 31 + "x"
        await note(engine.process(nobody, good))
        await note(engine.restore(ada, nobody))
        await note(engine.snapshots(nobody))
        await note(engine.process(ada, Stimulus([[0.0]])))
        await note(engine.process(ada, Stimulus([[2.0] * 4] * 4)))
        await note(engine.process(ada, Stimulus([[float("nan")] * 4] * 4)))
        await note(engine.process(ada, Stimulus([[0.0] * 4] * 3 + [[0.0]])))
        await note(engine.process(ada, Stimulus(np.zeros((2, 4, 4)))))
        await note(engine.process_many(ada, [good, Stimulus(None)]))
        await note(engine.learn(ada, good))
        await note(engine.learn(ada, good, "both", reward=1.0))
        await note(engine.learn(ada, good, ""))
        await note(engine.learn(ada, good, reward=float("inf")))
        await note(engine.forget(ada))
        await note(engine.forget(ada, label="unknown"))
        await note(engine.forget(ada, entries=[99]))
        await note(engine.create("no-such-network"))
        await note(engine.create(name=""))
        await note(engine.create(seed=-1))
        await note(engine.brains(after="x"))


def test_every_answer_and_refusal_is_that_of_an_engine_in_process(
    live: Running, network: str, tmp_path: Path
) -> None:
    async def here() -> list[bytes]:
        async with Engine(tmp_path, models=[network]) as engine:
            assert [encode(one) for one in engine.models()] == [
                encode(one) for one in live.engine.models()
            ]
            assert encode(engine.model("small")) == encode(live.engine.model("small"))
            return await Script(engine).run()

    direct, told = asyncio.run(here()), live.run(Script(live.engine).run())
    assert len(direct) == len(told) > 60
    for mine, theirs in zip(direct, told, strict=True):
        assert mine == theirs
    assert live.engine.waiting == 0
    with pytest.raises(UnknownName, match="no network 'smal' here"):
        live.engine.model("smal")


def test_work_that_comes_together_is_answered_each_to_its_own(live: Running) -> None:
    async def crowd() -> None:
        brains = [await born(live.engine, seed=seed) for seed in range(4)]
        asked = [(brain, image) for brain in brains for image in images()]
        alone = {image: i for i, image in enumerate(map(str, images()))}
        answers = await asyncio.gather(
            *(live.engine.process(brain, Stimulus(image)) for brain, image in asked)
        )
        first = answers[: len(images())]
        for (_, image), answer in zip(asked, answers, strict=True):
            assert answer == first[alone[str(image)]]
        lessons = await asyncio.gather(
            *(live.engine.learn(brain, Stimulus(image), "new") for brain, image in asked)
        )
        entries = [msgspec.json.decode(lesson)["entry"] for lesson in lessons]
        assert entries == list(range(1, len(images()) + 1)) * 4
        assert live.engine.waiting == 0

    live.run(crowd())


@pytest.mark.parametrize("image", [object(), 2**80, [[2**80] * 4] * 4, np.array([object()])])
def test_what_cannot_be_sent_is_refused_and_harms_nobody(live: Running, image: Any) -> None:
    async def show() -> None:
        ada = await born(live.engine)
        with pytest.raises(InvalidInput, match="cannot be handed"):
            await live.engine.process(ada, Stimulus(image))
        assert live.engine.waiting == 0
        assert await live.engine.process(ada, Stimulus(images()[0]))

    live.run(show())


# ------------------------------------------------------------------ condition and counts


def test_it_is_well_and_retells_what_was_measured(live: Running) -> None:
    async def work() -> list[list[Any]]:
        ada = await born(live.engine)
        await asyncio.sleep(0.3)
        live.told.take()
        await live.engine.process_many(ada, [Stimulus(image) for image in images()[:5]])
        await asyncio.gather(
            *(live.engine.learn(ada, Stimulus(image), "new") for image in images()[:3])
        )
        await live.engine.snapshot(ada)
        await asyncio.sleep(0.3)
        return live.told.take()

    told = live.run(work())
    assert ["batch", [5]] in told
    assert ["snapshot", []] in told
    assert sum(arguments[0] for name, arguments in told if name == "lessons") == 3
    models = {arguments[0] for name, arguments in told if name == "thoughts"}
    assert models == {"small"}
    assert all(arguments[0] > 0 for name, arguments in told if name == "commit")
    assert next(arguments for name, arguments in told if name == "memory")[0] >= 1
    assert live.engine.health() == {"engine": "ok", "store": "ok", "compute": "ok"}
    assert live.engine.ready
    assert live.engine._condition["thought_s"] > 0


def test_waiting_is_counted_until_answered_given_up_or_refused(live: Running) -> None:
    async def wait() -> None:
        engine = live.engine
        ada = await born(engine)
        with contextlib.suppress(NotFound):
            await engine.brain("nobody")
        assert engine.waiting == 0
        shown = [Stimulus(images()[0])] * 20
        tasks = [asyncio.create_task(engine.process_many(ada, shown)) for _ in range(5)]
        lesson = asyncio.create_task(engine.learn(ada, shown[0], "new"))
        await asyncio.sleep(0)
        assert engine.waiting == 101
        for task in tasks[1:]:
            task.cancel()
        done = await asyncio.gather(*tasks, lesson, return_exceptions=True)
        assert [type(one) for one in done] == [bytes, *[asyncio.CancelledError] * 4, bytes]
        await until(lambda: engine.waiting == 0, 5)

    live.run(wait())


def test_what_comes_is_refused_by_what_waits(live: Running, tmp_path: Path) -> None:
    limits = Limits(queue_at_most=8, queue_wait_ms=20.0, lesson_wait_ms=60.0)
    engine = RemoteEngine(tmp_path, models=["small"], limits=limits)
    assert engine.overload() is None
    engine._condition = {"health": {}, "thought_s": 0.005, "entry_s": 0.010}
    engine._count(4, thought=True)
    assert engine.overload() is None
    engine._count(1, thought=False)
    refusal = engine.overload()
    assert isinstance(refusal, Overloaded)
    assert (refusal.problem, refusal.reason) == ("5 stimuli wait.", "queue")
    # What must not be lost is taken longer.
    assert engine.overload(thought=False) is None
    engine._count(3, thought=True)
    assert engine.overload(thought=False) is not None
    engine._count(-7, thought=True)
    assert engine.overload() is None


# ------------------------------------------------------------------ events


def test_events_come_as_long_as_somebody_watches(live: Running) -> None:
    async def watch() -> None:
        engine = live.engine
        ada, eve = await born(engine), await born(engine)
        shown = Stimulus(images()[0])
        async with engine.activity.watch(ada) as one:
            async with engine.activity.watch(ada) as other:
                await engine.process(ada, shown)
                await engine.process(eve, shown)
                first = await one.next(5)
                assert first == await other.next(5)
                assert first is not None
                assert first.name == "thought"
            await engine.learn(ada, shown, "new")
            second = await one.next(5)
            assert second is not None
            assert (second.name, msgspec.json.decode(second.data)["entry"]) == ("lesson", 1)
            with pytest.raises(TimeoutError):
                await other.next(0.05)
            await engine.delete(ada)
            last = await one.next(5)
            assert last is not None
            assert last.name == "deleted"
            assert await one.next(5) is None
        assert len(engine.activity) == 0

    live.run(watch())


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
