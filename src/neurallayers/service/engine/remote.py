"""An engine in a process of its own, so that computing and serving do not share an interpreter.

Python runs one thread at a time, and a thread that computes with torch gives its turn up at every
operation: beside a busy server it would wait hundreds of times a batch. In two processes each has a
core.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import msgspec

from neurallayers.errors import InvalidInput, NeuralLayersError, UnknownName
from neurallayers.registry import nearest_name
from neurallayers.service.engine.activity import Activity, Event, Watcher
from neurallayers.service.engine.limits import Limits
from neurallayers.service.engine.loglines import log_again
from neurallayers.service.engine.observing import Observer
from neurallayers.service.engine.remote_mind import RemoteMind
from neurallayers.service.engine.tally import retell
from neurallayers.service.engine.wire import (
    Message,
    Wire,
    error_from,
    key_to,
    stimulus_to,
)
from neurallayers.service.engine.work import RequestKey, Stimulus
from neurallayers.service.failures import Overloaded, Unavailable
from neurallayers.service.schemas import ModelOut

log = logging.getLogger(__name__)

START_S = 300.0
STOP_S = 30.0
#: The child tells its condition ten times a second; this long without it means that it hangs.
SILENT_S = 2.0
RESTART_S = 0.5

Json = bytes


class RemoteEngine(RemoteMind):
    """The same brains as :class:`~neurallayers.service.engine.engine.Engine`, in another process.

    Its methods are those of the engine; their answers are JSON, ready to be sent on.

    Args:
        folder: Where the brains are kept.
        models: Networks to serve: names or folders. The first is the default.
        limits: How much it takes on.
        observer: Who measures.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        models: Sequence[str] = ("hasn-nano-digits",),
        limits: Limits | None = None,
        observer: Observer | None = None,
    ) -> None:
        if not models:
            raise InvalidInput("There is no model.", "Name at least one network to serve.")
        self.limits = Limits() if limits is None else limits
        self.activity = RemoteActivity(self, self.limits.events_at_most)
        self._options = {
            "folder": str(folder),
            "models": [str(model) for model in models],
            "limits": asdict(self.limits),
            "parent": os.getpid(),
        }
        self._observer = Observer() if observer is None else observer
        #: The connection to a process that is ready; none while there is no such process.
        self._wire: Wire | None = None
        self._connected: Wire | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._ready: asyncio.Future[None] | None = None
        #: Set when all that the process said is read and its connection is closed.
        self._gone = asyncio.Event()
        self._calls: dict[int, tuple[asyncio.Future[Any], int, bool]] = {}
        self._numbers = itertools.count(1)
        self._models: dict[str, ModelOut] = {}
        self._condition: dict[str, Any] = {"health": {"engine": "starting"}}
        self._heard_at = 0.0
        self._thoughts = self._entries = 0
        self._stopping = False
        self._restarting: asyncio.Task[None] | None = None

    # -- opening and closing ------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Start the process and wait until it is ready.

        Raises:
            NeuralLayersError: What the engine raises when it cannot begin.
        """
        await self._start()
        return self

    async def _start(self) -> None:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self._ready, self._gone = loop.create_future(), asyncio.Event()
        try:
            with theirs:
                self._process = await self._spawn(theirs)
            _, self._connected = await loop.create_connection(
                lambda: Wire(self._receive, self._lost), sock=ours
            )
            async with asyncio.timeout(START_S):
                await self._ready
        except BaseException as error:
            await self._kill()
            ours.close()
            if isinstance(error, TimeoutError):
                raise Unavailable(
                    f"The engine did not start within {START_S:.0f} s.", "Its log may say why."
                ) from error
            raise

    async def _spawn(self, theirs: socket.socket) -> asyncio.subprocess.Process:
        level = logging.getLogger("neurallayers").getEffectiveLevel()
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "neurallayers.service.engine.child",
            str(theirs.fileno()),
            json.dumps({**self._options, "log_level": level}),
            pass_fds=[theirs.fileno()],
            stdin=asyncio.subprocess.DEVNULL,
            # A Ctrl-C in the terminal is for this process alone.
            start_new_session=True,
        )

    async def _kill(self) -> None:
        """End the process, if it has not ended by itself, and the connection to it."""
        if self._process is not None:
            if self._process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    self._process.kill()
            await self._process.wait()
        if self._connected is not None:
            await self._gone.wait()

    async def __aexit__(self, *_: object) -> None:
        """Let the engine finish what it took, and end its process."""
        self._stopping = True
        if self._restarting is not None:
            self._restarting.cancel()
            await asyncio.wait([self._restarting])
        self.activity.end()
        try:
            if self._wire is not None:
                self._wire.send([next(self._numbers), "stop", {}])
                async with asyncio.timeout(STOP_S):
                    # Its last answers are read before its end is noticed.
                    await self._gone.wait()
        except TimeoutError:
            log.error("engine.killed")
        finally:
            await self._kill()

    def _receive(self, message: Message) -> None:
        number, *rest = message
        if number:
            self._answer(number, *rest)
            return
        name, *news = rest
        if name == "condition":
            self._condition = news[0]
            self._heard_at = time.monotonic()
            retell(self._condition.pop("told"), self._observer)
        elif name == "event":
            brain_id, event, data, last = news
            self.activity.publish(brain_id, Event(event, data), last=last)
        elif name == "log":
            log_again(news)
        elif self._ready is not None and not self._ready.done():
            if name == "ready":
                self._begin(news[0])
                self._ready.set_result(None)
            elif name == "failed":
                self._ready.set_exception(error_from(news[0]))

    def _begin(self, models: Json) -> None:
        """The process is ready: it gets what is asked from now on."""
        decoded = msgspec.json.decode(models, type=list[ModelOut])
        self._models = {model.name: model for model in decoded}
        self._heard_at = time.monotonic()
        self._condition = {"health": {"engine": "ok"}}
        self._wire = self._connected

    def _answer(self, number: int, good: bool, content: Any) -> None:
        call = self._calls.pop(number, None)
        if call is None:
            return
        future, rows, thought = call
        self._count(-rows, thought=thought)
        if future.done():
            return
        if good:
            future.set_result(content)
        else:
            future.set_exception(error_from(content))

    def _lost(self) -> None:
        """The process is gone: nobody waits for it, and another one is started."""
        was_ready = self._wire is not None
        self._wire = self._connected = None
        self._gone.set()
        gone = Unavailable(
            "The engine ended while it worked on this.",
            "Try again in a few seconds; repeat a lesson with the same Idempotency-Key.",
            retry_after_s=2.0,
            reason="engine",
        )
        calls, self._calls = self._calls, {}
        self._thoughts = self._entries = 0
        for future, _, _ in calls.values():
            if not future.done():
                future.set_exception(gone)
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(
                Unavailable("The engine ended while it started.", "Its log may say why.")
            )
        elif was_ready and not self._stopping:
            log.error("engine.lost")
            self._condition = {"health": {"engine": "starting again"}}
            self._restarting = asyncio.create_task(self._start_again())

    async def _start_again(self) -> None:
        while True:
            await asyncio.sleep(RESTART_S)
            try:
                # It may have lost its connection and live on; two cannot have the same store.
                await self._kill()
                await self._start()
            except Exception as error:
                log.error("engine.not_started", extra={"error": str(error)})
            else:
                log.warning("engine.started_again")
                await self.activity.watch_again()
                return

    # -- condition ----------------------------------------------------------------------------

    def stop_taking(self) -> None:
        """Refuse new work from now on; what was taken is finished."""
        self._stopping = True

    def health(self) -> dict[str, str]:
        """The condition of its parts; all are ``"ok"`` if it is ready."""
        health: dict[str, str] = dict(self._condition["health"])
        silent = time.monotonic() - self._heard_at
        if self._wire is not None and silent > SILENT_S:
            health["engine"] = f"silent for {silent:.0f} s"
        if self._stopping:
            health["engine"] = "stopping"
        return health

    @property
    def ready(self) -> bool:
        """Whether it takes everything."""
        return all(state == "ok" for state in self.health().values())

    @property
    def waiting(self) -> int:
        """Stimuli and entries that were submitted and not answered yet."""
        return self._thoughts + self._entries

    def overload(self, *, thought: bool = True, more: int = 0) -> Overloaded | None:
        """Why a new thought, or anything else, would be refused after so many more, if it would."""
        wait_s = (self._thoughts + more) * self._condition.get("thought_s", 0.0)
        wait_s += self._entries * self._condition.get("entry_s", 0.0)
        most_ms = self.limits.queue_wait_ms if thought else self.limits.lesson_wait_ms
        # What fits into one batch is never too much: a stall that is over refuses nobody.
        short = self.waiting + more < self.limits.batch_at_most or wait_s * 1000.0 <= most_ms
        if short and self.waiting < self.limits.queue_at_most:
            return None
        return Overloaded(f"{self.waiting} stimuli wait.", "Try again in a moment.", reason="queue")

    def _count(self, rows: int, *, thought: bool) -> None:
        if thought:
            self._thoughts += rows
        else:
            self._entries += rows

    # -- what it does -------------------------------------------------------------------------

    def models(self) -> list[ModelOut]:
        """The networks that brains can be born with, the default one first."""
        return [msgspec.structs.replace(model, spec=None) for model in self._models.values()]

    def model(self, name: str) -> ModelOut:
        """One of them, with its whole description.

        Raises:
            UnknownName: If it is not served.
        """
        if name not in self._models:
            raise UnknownName(
                f"There is no network {name[:80]!r} here.", nearest_name(name, list(self._models))
            )
        return self._models[name]

    async def create(self, model: str | None = None, **what: Any) -> Json:
        """As the engine's."""
        return await self._call("create", model=model, **what)

    async def brains(self, limit: int = 50, after: str | None = None) -> Json:
        """As the engine's."""
        return await self._call("brains", limit=limit, after=after)

    async def brain(self, brain_id: str) -> Json:
        """As the engine's."""
        return await self._call("brain", brain_id=brain_id)

    async def delete(self, brain_id: str) -> None:
        """As the engine's."""
        await self._call("delete", brain_id=brain_id)

    async def process(
        self,
        brain_id: str,
        stimulus: Stimulus,
        *,
        stateful: bool = False,
        request: RequestKey | None = None,
        **how: Any,
    ) -> Json:
        """As the engine's."""
        return await self._call(
            "process",
            thought=not stateful,
            brain_id=brain_id,
            stimulus=stimulus_to(stimulus),
            stateful=stateful,
            request=key_to(request),
            **how,
        )

    async def process_many(self, brain_id: str, stimuli: Sequence[Stimulus]) -> Json:
        """As the engine's; the answer is the object with all thoughts."""
        shown = [stimulus_to(stimulus) for stimulus in stimuli]
        return await self._call(
            "process_many", thought=True, rows=len(shown), brain_id=brain_id, stimuli=shown
        )

    async def learn(
        self,
        brain_id: str,
        stimulus: Stimulus,
        target: str | None = None,
        *,
        request: RequestKey | None = None,
        **how: Any,
    ) -> Json:
        """As the engine's."""
        return await self._call(
            "learn",
            brain_id=brain_id,
            stimulus=stimulus_to(stimulus),
            target=target,
            request=key_to(request),
            **how,
        )

    async def forget(
        self, brain_id: str, *, request: RequestKey | None = None, **what: Any
    ) -> Json:
        """As the engine's."""
        return await self._call("forget", brain_id=brain_id, request=key_to(request), **what)

    async def watch(self, brain_id: str) -> None:
        """Let the engine tell what happens to a brain."""
        await self._call("watch", brain_id=brain_id)

    async def unwatch(self, brain_id: str) -> None:
        """Let it tell no more."""
        await self._call("unwatch", brain_id=brain_id)

    async def _call(
        self, method: str, *, thought: bool = False, rows: int = 1, **arguments: Any
    ) -> Json:
        if self._stopping:
            raise Unavailable(
                "The service is stopping.", "Try again in a moment.", reason="stopping"
            )
        wire = self._wire
        if wire is None:
            raise Unavailable(
                "The engine is not running at the moment.",
                "Try again in a few seconds.",
                retry_after_s=2.0,
                reason="engine",
            )
        number = next(self._numbers)
        future = asyncio.get_running_loop().create_future()
        wire.send([number, method, arguments])
        self._calls[number] = (future, rows, thought)
        self._count(rows, thought=thought)
        try:
            answered: Json = await future
        except asyncio.CancelledError:
            # What nobody waits for any more need not be done, if it is not being done already.
            wire.send([next(self._numbers), "cancel", {"number": number}])
            raise
        return answered


class RemoteActivity(Activity):
    """Who watches, of an engine in another process, which tells only of what is watched.

    Args:
        engine: The engine.
        watchers_at_most: How many there may be.
    """

    def __init__(self, engine: RemoteEngine, watchers_at_most: int) -> None:
        super().__init__(watchers_at_most)
        self._engine = engine

    @contextlib.asynccontextmanager
    async def watch(self, brain_id: str) -> AsyncIterator[Watcher]:
        """Watch a brain within the block.

        Raises:
            Overloaded: If too many watch already.
            Unavailable: If the engine is not running.
        """
        async with super().watch(brain_id) as watcher:
            try:
                await self._engine.watch(brain_id)
                yield watcher
            finally:
                others = [one for one in self._watchers if one is not watcher]
                if not any(one.brain_id == brain_id for one in others):
                    with contextlib.suppress(NeuralLayersError):
                        await self._engine.unwatch(brain_id)

    async def watch_again(self) -> None:
        """Tell an engine that was started again what is watched."""
        for brain_id in {watcher.brain_id for watcher in self._watchers}:
            with contextlib.suppress(NeuralLayersError):
                await self._engine.watch(brain_id)
