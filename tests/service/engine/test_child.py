"""The process that computes, looked at from the other end of its socket, within this process."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.brain.individuals import small_network
from tests.service.engine.company import images, small_engine

from neurallayers.brain.pretrained import save_pretrained
from neurallayers.errors import InvalidInput, UnknownName
from neurallayers.service.engine import Limits, Stimulus, child
from neurallayers.service.engine.child import Attendant
from neurallayers.service.engine.tally import Tally
from neurallayers.service.engine.wire import Message, Wire, error_from, stimulus_to
from neurallayers.service.failures import NotFound, Overloaded, Unavailable
from neurallayers.service.store import Store

SHOWN = stimulus_to(Stimulus(images()[0]))


class Caller:
    """The serving end: calls, and keeps the news."""

    def __init__(self) -> None:
        self.news: list[tuple[str, list[Any]]] = []
        self.gone = asyncio.Event()
        self.wire = Wire(self._receive, self.gone.set)
        self._calls: dict[int, asyncio.Future[Any]] = {}

    def _receive(self, message: Message) -> None:
        number, *rest = message
        if not number:
            self.news.append((rest[0], rest[1:]))
        elif rest[0]:
            self._calls[number].set_result(rest[1])
        else:
            self._calls[number].set_exception(error_from(rest[1]))

    def call(self, method: str, **arguments: Any) -> asyncio.Future[Any]:
        """Ask for something."""
        number = len(self._calls) + 1
        future = self._calls[number] = asyncio.get_running_loop().create_future()
        self.wire.send([number, method, arguments])
        return future

    async def ask(self, method: str, **arguments: Any) -> Any:
        """The answer, decoded."""
        answer = await asyncio.wait_for(self.call(method, **arguments), 20)
        return None if answer is None else json.loads(answer)

    async def told(self, name: str, count: int = 1) -> list[list[Any]]:
        """So much news of a kind."""
        async with asyncio.timeout(20):
            while len(found := [news for kind, news in self.news if kind == name]) < count:
                await asyncio.sleep(0.005)
        return found


async def connected(wire: Wire, sock: socket.socket) -> None:
    """Give a wire its socket."""
    sock.setblocking(False)
    await asyncio.get_running_loop().create_connection(lambda: wire, sock=sock)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small network in a folder."""
    return str(save_pretrained(small_network(), tmp_path_factory.mktemp("networks") / "small"))


@pytest.fixture(autouse=True)
def undone() -> Iterator[None]:
    """What the process does to itself is undone for the other tests."""
    level = logging.getLogger("neurallayers").level
    yield
    gc.unfreeze()
    logging.getLogger("neurallayers").setLevel(level)


def options(folder: Path, *models: str, **limits: Any) -> dict[str, Any]:
    """What the process is started with."""
    return {
        "folder": str(folder),
        "models": list(models),
        "limits": {**Limits().__dict__, **limits},
        "log_level": logging.INFO,
        "parent": os.getpid(),
    }


@contextlib.asynccontextmanager
async def running(folder: Path, *models: str, **limits: Any) -> AsyncIterator[Caller]:
    """A caller at the other end of what the process runs; that ends with the block."""
    ours, theirs = socket.socketpair()
    caller = Caller()
    await connected(caller.wire, ours)
    theirs.setblocking(False)
    task = asyncio.create_task(child.run(theirs, options(folder, *models, **limits)))
    try:
        yield caller
    finally:
        caller.wire.close()
        await asyncio.wait_for(task, 20)
        theirs.close()


def test_it_tells_that_it_is_ready_then_how_it_is(tmp_path: Path, network: str) -> None:
    async def live() -> None:
        async with running(tmp_path, network) as caller:
            ((models,),) = await caller.told("ready")
            (model,) = json.loads(models)
            assert (model["name"], model["labels"]) == ("small", ["a", "b"])
            assert model["spec"] == json.loads(json.dumps(small_network().spec.to_dict()))
            born = await caller.ask("create", model=None, name="Ada")
            await caller.ask("learn", brain_id=born["id"], stimulus=SHOWN, target="new",
                             reward=None, request=None)  # fmt: skip
            caller.news.clear()
            await caller.ask("process_many", brain_id=born["id"], stimuli=[SHOWN] * 3)
            conditions = await caller.told("condition", 3)
            for (one,) in conditions:
                assert one["health"] == {"engine": "ok", "store": "ok", "compute": "ok"}
                assert 0 < one["thought_s"] < 1
                assert 0 < one["entry_s"] < 1
            told = [news for (one,) in conditions for news in one["told"]]
            assert ["batch", [3]] in told
            assert any(name == "memory" and arguments[0] == 1 for name, arguments in told)

    asyncio.run(live())


def test_what_was_taken_is_finished_before_it_ends(tmp_path: Path, network: str) -> None:
    async def live() -> str:
        async with running(tmp_path, network) as caller:
            await caller.told("ready")
            born: str = (await caller.ask("create"))["id"]
            lesson = {"brain_id": born, "target": "new", "reward": None, "request": None}
            taken = [caller.call("learn", stimulus=SHOWN, **lesson) for _ in range(100)]
            stopped = caller.call("stop")
            late = caller.call("brains")
            await asyncio.wait_for(caller.gone.wait(), 20)
            assert [json.loads(one.result())["entry"] for one in taken] == list(range(1, 101))
            assert stopped.result() is None
            assert isinstance(late.exception(), Unavailable)
            return born

    born = asyncio.run(live())
    store = Store(tmp_path)
    assert store.journal(born).position == 100
    rows = store.database.query("SELECT max(sequence) FROM snapshots")
    assert rows == [(100,)]
    store.close()


def test_it_ends_when_the_other_end_is_gone(tmp_path: Path, network: str) -> None:
    async def live() -> None:
        async with running(tmp_path, network) as caller:
            await caller.told("ready")

    asyncio.run(live())
    # Whoever still held the store would keep this from opening it.
    store = Store(tmp_path)
    assert store.database.query("SELECT count(*) FROM snapshots") == [(0,)]
    store.close()


@pytest.mark.parametrize(
    ("models", "limits", "kind"),
    [(["no-such-network"], {}, UnknownName), ([""], {"queue_at_most": 0}, InvalidInput)],
    ids=["network", "limits"],
)
def test_what_cannot_begin_says_why_and_ends(
    tmp_path: Path, network: str, models: list[str], limits: Any, kind: type[Exception]
) -> None:
    async def live() -> None:
        async with running(tmp_path, *(one or network for one in models), **limits) as caller:
            ((failure,),) = await caller.told("failed")
            assert isinstance(error_from(failure), kind)
            await asyncio.wait_for(caller.gone.wait(), 5)
            assert not [news for news in caller.news if news[0] == "ready"]

    asyncio.run(live())


def test_its_log_is_told_with_fields(tmp_path: Path, network: str) -> None:
    async def live() -> None:
        async with running(tmp_path, network) as caller:
            await caller.told("ready")
            with pytest.raises(RuntimeError):
                await caller.ask("no such method")
            ((name, level, message, fields),) = await caller.told("log")
            assert (name, level, message) == (child.__name__, logging.ERROR, "engine.failed")
            assert fields["method"] == "no such method"
            assert "KeyError" in fields["exception"]

    handlers = list(logging.getLogger().handlers)
    asyncio.run(live())
    assert logging.getLogger().handlers == handlers


# ------------------------------------------------------------------ attending


class Desk(Caller):
    """A caller and an attendant of an engine, whatever that is, in one loop."""

    def __init__(self, engine: Any) -> None:
        super().__init__()
        self.attendant = Attendant(engine, Tally())

    async def __aenter__(self) -> Desk:
        ours, theirs = socket.socketpair()
        await connected(self.wire, ours)
        await connected(self.attendant.wire, theirs)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.wire.close()
        await asyncio.wait_for(self.attendant.ended.wait(), 5)


class Odd:
    """An engine whose methods do what an engine does only by mistake."""

    def __init__(self) -> None:
        self.begun, self.ended = asyncio.Event(), asyncio.Event()

    async def brains(self) -> object:
        """Something that no encoder knows."""
        return object()

    async def brain(self) -> None:
        """Something that never ends."""
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()

    async def delete(self, how: str) -> None:
        """An error."""
        raise NotFound("No.", how) if how != "mistake" else OSError("secret")

    create = entries = snapshot = snapshots = raster = memories = rules = brains
    sleep = add_rules = remove_rule = brains


def test_every_call_is_answered_whatever_goes_wrong(caplog: pytest.LogCaptureFixture) -> None:
    async def live() -> None:
        async with Desk(Odd()) as desk:
            with pytest.raises(RuntimeError, match="made a mistake"):
                await desk.ask("brains")
            with pytest.raises(RuntimeError, match="made a mistake"):
                await desk.ask("brains", unknown=3)
            with pytest.raises(RuntimeError, match="made a mistake"):
                await desk.ask("delete", how="mistake")
            with pytest.raises(NotFound) as refusal:
                await desk.ask("delete", how="this way")
            assert refusal.value.remedy == "this way"

    asyncio.run(live())
    assert [record.getMessage() for record in caplog.records] == ["engine.failed"] * 3


def test_what_nobody_waits_for_is_given_up_and_counted() -> None:
    async def live() -> None:
        odd = Odd()
        async with Desk(odd) as desk:
            call = desk.call("brain")
            await asyncio.wait_for(odd.begun.wait(), 5)
            assert await desk.ask("cancel", number=1) is None
            await asyncio.wait_for(odd.ended.wait(), 5)
            with pytest.raises(RuntimeError):
                await asyncio.wait_for(call, 5)
            # It is over: nothing happens any more.
            assert await desk.ask("cancel", number=1) is None
            assert await desk.ask("cancel", number=99) is None
            await asyncio.wait_for(desk.attendant.finish(), 5)

    asyncio.run(live())


def test_events_of_a_brain_are_told_as_long_as_they_are_wanted() -> None:
    async def live() -> None:
        async with small_engine() as engine, Desk(engine) as desk:
            ada, eve = (await engine.create()).id, (await engine.create()).id
            await engine.process(ada, images()[0])
            for _ in range(3):  # more than once is the same
                await desk.ask("watch", brain_id=ada)
            await engine.process(ada, images()[0])
            await engine.process(eve, images()[0])
            ((brain, name, data, last),) = await desk.told("event")
            assert (brain, name, last) == (ada, "thought", False)
            assert json.loads(data)["label"] in ("a", "b")

            await desk.ask("unwatch", brain_id=ada)
            await desk.ask("unwatch", brain_id=ada)
            await engine.process(ada, images()[0])
            await asyncio.sleep(0.05)
            assert len(await desk.told("event")) == 1
            assert len(engine.activity) == 0

            await desk.ask("watch", brain_id=eve)
            await engine.delete(eve)
            assert (await desk.told("event", 2))[1] == [eve, "deleted", b"{}", True]
            await asyncio.sleep(0.02)
            # That stream has ended by itself; a new one can begin.
            await desk.ask("watch", brain_id=eve)
            assert len(engine.activity) == 1
            await desk.ask("unwatch", brain_id=eve)

    asyncio.run(live())


def test_a_stream_that_cannot_begin_says_why() -> None:
    async def live() -> None:
        async with small_engine(events_at_most=1) as engine, Desk(engine) as desk:
            await desk.ask("watch", brain_id="ada")
            with pytest.raises(Overloaded, match="1 streams"):
                await desk.ask("watch", brain_id="eve")
            await desk.ask("unwatch", brain_id="ada")
            await desk.ask("watch", brain_id="eve")
            await desk.ask("unwatch", brain_id="eve")

    asyncio.run(live())


def test_refusals_of_the_engine_arrive_as_they_are() -> None:
    async def live() -> None:
        async with small_engine() as engine, Desk(engine) as desk:
            with pytest.raises(NotFound) as refusal:
                await desk.ask("brain", brain_id="nobody")
            with pytest.raises(NotFound) as direct:
                await engine.brain("nobody")
            assert str(refusal.value) == str(direct.value)
            with pytest.raises(InvalidInput, match="Give exactly one"):
                await desk.ask("forget", brain_id="nobody", request=None)

    asyncio.run(live())


# ------------------------------------------------------------------ the process itself


def test_a_process_whose_parent_is_gone_already_does_not_begin(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        asked = {**options(tmp_path, "hasn-nano-digits"), "parent": 1}
        program = (sys.executable, "-m", child.__name__, str(theirs.fileno()), json.dumps(asked))
        done = subprocess.run(program, pass_fds=[theirs.fileno()], timeout=30, check=False)
        assert done.returncode == 0
        theirs.close()
        assert ours.recv(1) == b""
    assert list(tmp_path.iterdir()) == []


def test_signals_are_for_the_serving_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ignored: list[Any] = []
    monkeypatch.setattr(signal, "signal", lambda number, what: ignored.append((number, what)))
    monkeypatch.setattr(child, "_die_with_parent", lambda: None)
    asked = json.dumps({**options(tmp_path), "parent": -1})
    monkeypatch.setattr(sys, "argv", ["child", "0", asked])
    interval = sys.getswitchinterval()
    try:
        child.main()
    finally:
        sys.setswitchinterval(interval)
    assert ignored == [(signal.SIGINT, signal.SIG_IGN), (signal.SIGTERM, signal.SIG_IGN)]
