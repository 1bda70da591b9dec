"""The process that computes: an engine at the end of a socket.

It is started by :class:`neurallayers.service.engine.remote.RemoteEngine` with an open socket, and
ends when it is told to, or when the other end is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import msgspec

from neurallayers.errors import NeuralLayersError
from neurallayers.service.engine.engine import Engine
from neurallayers.service.engine.limits import Limits
from neurallayers.service.engine.loglines import LineSender
from neurallayers.service.engine.tally import Tally
from neurallayers.service.engine.wire import (
    Message,
    Wire,
    error_to,
    key_from,
    pack,
    stimulus_from,
)
from neurallayers.service.schemas import ThoughtsOut

log = logging.getLogger(__name__)

CONDITION_EVERY_S = 0.1
# Others wait so long for the interpreter; the thread that computes gives it up at every operation.
SWITCH_S = 0.0005

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>

_encode = msgspec.json.Encoder().encode


class Attendant:
    """Answers the messages of the serving process.

    Args:
        engine: What they are for.
        tally: What it has told so far.
    """

    def __init__(self, engine: Engine, tally: Tally) -> None:
        self._engine, self._tally = engine, tally
        self.ended = asyncio.Event()
        #: What is being done, by the number of its call.
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._watching: dict[str, asyncio.Task[None]] = {}
        self.wire = Wire(self._receive, self.ended.set)
        self._methods: dict[str, Callable[..., Awaitable[Any]]] = {
            "process": self._process,
            "process_many": self._process_many,
            "learn": self._learn,
            "forget": self._forget,
            "restore": self._restore,
            "sleep": self._keyed(engine.sleep),
            "memories": engine.memories,
            "forget_memories": self._forget_memories,
            "rules": engine.rules,
            "add_rules": self._keyed(engine.add_rules),
            "remove_rule": self._keyed(engine.remove_rule),
            "explain": self._explain,
            "create": engine.create,
            "brains": engine.brains,
            "brain": engine.brain,
            "delete": engine.delete,
            "entries": engine.entries,
            "snapshot": engine.snapshot,
            "snapshots": engine.snapshots,
            "raster": engine.raster,
            "watch": self._watch,
            "unwatch": self._unwatch,
            "cancel": self._cancel,
            "stop": self._stop,
        }

    def _receive(self, message: Message) -> None:
        number = message[0]
        task = self._tasks[number] = asyncio.create_task(self._attend(*message))
        task.add_done_callback(lambda _: self._tasks.pop(number))

    async def _attend(self, number: int, method: str, arguments: dict[str, Any]) -> None:
        try:
            result = await self._methods[method](**arguments)
            answer = pack([number, True, None if result is None else _encode(result)])
        except NeuralLayersError as error:
            answer = pack([number, False, error_to(error)])
        except asyncio.CancelledError as error:
            # Nobody waits for the answer; that it came to an end is counted.
            answer = pack([number, False, error_to(error)])
        except Exception as error:
            log.exception("engine.failed", extra={"method": method})
            answer = pack([number, False, error_to(error)])
        self.wire.send_packed(answer)

    async def finish(self) -> None:
        """Wait until everything that was asked is answered."""
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def tell_condition(self) -> None:
        """Tell again and again how the engine is."""
        while True:
            pace = self._engine.pace
            condition = {
                "health": self._engine.health(),
                "thought_s": pace.thought_s,
                "entry_s": pace.entry_s,
                "told": self._tally.take(),
            }
            self.wire.send([0, "condition", condition])
            await asyncio.sleep(CONDITION_EVERY_S)

    # -- methods whose arguments are sent in another form --------------------------------------

    async def _process(
        self, brain_id: str, stimulus: list[Any], request: list[Any] | None, **how: Any
    ) -> Any:
        return await self._engine.process(
            brain_id, stimulus_from(stimulus), request=key_from(request), **how
        )

    async def _process_many(self, brain_id: str, stimuli: list[list[Any]]) -> Any:
        shown = [stimulus_from(one) for one in stimuli]
        return ThoughtsOut(await self._engine.process_many(brain_id, shown))

    async def _learn(
        self,
        brain_id: str,
        stimulus: list[Any],
        target: str | None,
        request: list[Any] | None,
        **how: Any,
    ) -> Any:
        return await self._engine.learn(
            brain_id, stimulus_from(stimulus), target, request=key_from(request), **how
        )

    async def _forget(self, brain_id: str, request: list[Any] | None, **what: Any) -> Any:
        return await self._engine.forget(brain_id, request=key_from(request), **what)

    async def _restore(self, brain_id: str, snapshot_id: str, request: list[Any] | None) -> Any:
        return await self._engine.restore(brain_id, snapshot_id, request=key_from(request))

    async def _forget_memories(
        self, brain_id: str, like: list[Any] | None, request: list[Any] | None, **which: Any
    ) -> Any:
        shown = None if like is None else stimulus_from(like)
        return await self._engine.forget_memories(
            brain_id, like=shown, request=key_from(request), **which
        )

    async def _explain(self, brain_id: str, stimulus: list[Any], label: str | None) -> Any:
        return await self._engine.explain(brain_id, stimulus_from(stimulus), label)

    def _keyed(self, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """A method of the engine that takes nothing beside JSON but the key of the request."""

        async def with_key(request: list[Any] | None, **what: Any) -> Any:
            return await method(request=key_from(request), **what)

        return with_key

    # -- events -------------------------------------------------------------------------------

    async def _watch(self, brain_id: str) -> None:
        before = self._watching.get(brain_id)
        if before is not None and not before.done():
            return
        begun: asyncio.Event = asyncio.Event()
        task = self._watching[brain_id] = asyncio.create_task(self._forward(brain_id, begun))
        beginning = asyncio.create_task(begun.wait())
        try:
            await asyncio.wait({task, beginning}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            beginning.cancel()
        if task.done() and not task.cancelled():
            # There is a reason why it could not begin.
            self._watching.pop(brain_id, None)
            task.result()

    async def _forward(self, brain_id: str, begun: asyncio.Event) -> None:
        async with self._engine.activity.watch(brain_id) as watcher:
            begun.set()
            while True:
                with contextlib.suppress(TimeoutError):
                    event = await watcher.next(60.0)
                    if event is None:
                        return
                    last = event.name == "deleted"
                    self.wire.send([0, "event", brain_id, event.name, event.data, last])

    async def _unwatch(self, brain_id: str) -> None:
        task = self._watching.pop(brain_id, None)
        if task is not None:
            task.cancel()

    async def _cancel(self, number: int) -> None:
        task = self._tasks.get(number)
        if task is not None:
            task.cancel()

    async def _stop(self) -> None:
        self._engine.stop_taking()
        self.ended.set()


async def run(connection: socket.socket, options: dict[str, Any]) -> None:
    """Compute until the other end is gone.

    Args:
        connection: The socket.
        options: Folder, models, limits and level of the log.
    """
    tally = Tally()
    engine = Engine(
        options["folder"],
        models=options["models"],
        limits=Limits(**options["limits"]),
        observer=tally,
    )
    attendant = Attendant(engine, tally)
    await asyncio.get_running_loop().create_connection(lambda: attendant.wire, sock=connection)
    with _logging_to(attendant.wire, options["log_level"]):
        try:
            await engine.__aenter__()
        except NeuralLayersError as error:
            attendant.wire.send([0, "failed", error_to(error)])
        else:
            await _serve(engine, attendant)
    attendant.wire.close()
    # What was written last is on its way in another turn of the loop.
    await asyncio.sleep(0)


async def _serve(engine: Engine, attendant: Attendant) -> None:
    """Answer until told to end, or the other end is gone; then finish what was taken."""
    # What there is now stays: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    models = [engine.model(model.name) for model in engine.models()]
    attendant.wire.send([0, "ready", _encode(models)])
    telling = asyncio.create_task(attendant.tell_condition())
    try:
        await attendant.ended.wait()
    finally:
        telling.cancel()
        await engine.__aexit__(None, None, None)
        await attendant.finish()


@contextlib.contextmanager
def _logging_to(wire: Wire, level: int) -> Iterator[None]:
    """Let the other process write the log, as it does its own."""
    sender = LineSender(lambda line: wire.send([0, "log", *line]), asyncio.get_running_loop())
    logging.getLogger("neurallayers").setLevel(level)
    logging.getLogger().addHandler(sender)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(sender)


def main() -> None:
    """Take the socket and the options from the command line."""
    # The serving process decides when this one ends: a Ctrl-C in the terminal reaches both.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.setswitchinterval(SWITCH_S)
    descriptor, options = int(sys.argv[1]), json.loads(sys.argv[2])
    _die_with_parent()
    if os.getppid() != options["parent"]:
        # It is gone already: what ends with it from now on would never end.
        return
    with socket.socket(fileno=descriptor) as connection:
        connection.setblocking(False)
        try:
            import uvloop
        except ImportError:  # not on this system
            asyncio.run(run(connection, options))
        else:
            uvloop.run(run(connection, options))


def _die_with_parent() -> None:
    """Let the system end this process when the serving one is gone, however busy it is.

    The end of the socket says so as well; but a process that holds the store for another second
    keeps the next service from starting.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


if __name__ == "__main__":
    main()
