"""The door to the brains for asynchronous programs: above it everything awaits, below it computes.

>>> import asyncio
>>> async def first_words() -> str | None:
...     async with Engine() as engine:
...         brain = await engine.create(name="Ada")
...         thought = await engine.process(brain.id, [[0.0] * 8] * 8)
...         return thought.label
>>> asyncio.run(first_words()) in set("0123456789")
True
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self, SupportsIndex, TypeVar

from neurallayers.brain.context import as_context
from neurallayers.brain.exactness import numeric_platform
from neurallayers.brain.feedback import as_label, feedback
from neurallayers.errors import InvalidInput, NeuralLayersError, UnknownName
from neurallayers.registry import nearest_name
from neurallayers.service.engine.activity import Activity
from neurallayers.service.engine.answers import (
    brain_out,
    model_out,
    newborn_out,
    summary_out,
)
from neurallayers.service.engine.asking import (
    as_stimulus,
    awake,
    checked_name,
    cursor,
    nothing,
    now,
)
from neurallayers.service.engine.history import History
from neurallayers.service.engine.limits import Limits
from neurallayers.service.engine.mindful import Mindful, with_context
from neurallayers.service.engine.observing import Observer
from neurallayers.service.engine.opening import Opened, load
from neurallayers.service.engine.pace import Pace
from neurallayers.service.engine.pulse import Pulse
from neurallayers.service.engine.resident import Model, Resident
from neurallayers.service.engine.work import (
    Chore,
    Errand,
    Happen,
    RequestKey,
    Think,
    Work,
)
from neurallayers.service.failures import Overloaded, Unavailable
from neurallayers.service.schemas import (
    BrainOut,
    BrainsOut,
    LessonOut,
    ModelOut,
    ThoughtOut,
)
from neurallayers.service.store import BrainRecord

W = TypeVar("W", bound=Work)


class Engine(History, Mindful):
    """Many brains that live side by side, each with a journal that outlives the process.

    Args:
        folder: Where they are kept; a temporary one, gone at the end, when left out.
        models: Networks to serve: names or folders, or networks by name. The first is the default.
        limits: How much it takes on.
        observer: Who measures.
    """

    def __init__(
        self,
        folder: str | Path | None = None,
        *,
        models: Sequence[str | Path | Model] = ("hasn-nano-digits",),
        limits: Limits | None = None,
        observer: Observer | None = None,
    ) -> None:
        if not models:
            raise InvalidInput("There is no model.", "Name at least one network to serve.")
        self.limits = Limits() if limits is None else limits
        self.activity = Activity(self.limits.events_at_most)
        self._folder = None if folder is None else Path(folder)
        self._wanted = tuple(models)
        self._observer = Observer() if observer is None else observer
        self._open: Opened | None = None
        self._stopping = False

    # -- opening and closing ------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Load the networks, open the store, and begin.

        Raises:
            UnknownName: If there is no such network.
            JournalError: If the store cannot be used.
        """
        opened = await asyncio.to_thread(
            load, self._folder, self._wanted, self.limits, self.activity, self._observer
        )
        opened.pulse = Pulse(lambda: self._submit(Chore, do=opened.store.revive))
        opened.beating = asyncio.create_task(opened.pulse.run(), name="neurallayers-pulse")
        self._open = opened
        return self

    async def __aexit__(self, *_: object) -> None:
        """Finish what was taken, keep snapshots, and close."""
        opened, self._stopping = self._opened, True
        if opened.beating is not None:
            opened.beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await opened.beating
        self.activity.end()
        await asyncio.to_thread(opened.close)
        self._open = None

    @property
    def _opened(self) -> Opened:
        if self._open is None:
            raise NeuralLayersError(
                "The engine is not running.", "Use it within `async with Engine(...) as engine:`."
            )
        return self._open

    def stop_taking(self) -> None:
        """Refuse new work from now on; what was taken is finished."""
        self._stopping = True

    # -- condition ----------------------------------------------------------------------------

    def health(self) -> dict[str, str]:
        """The condition of its parts; all are ``"ok"`` if it is ready."""
        if self._open is None:
            return {"engine": "not running"}
        state = "stopping" if self._stopping else "ok"
        return {"engine": state, **self._open.pulse.health()}

    @property
    def ready(self) -> bool:
        """Whether it takes everything."""
        return all(state == "ok" for state in self.health().values())

    @property
    def pace(self) -> Pace:
        """How fast the work goes."""
        return self._opened.stepper.pace

    @property
    def waiting(self) -> int:
        """Stimuli and entries that were submitted and not answered yet."""
        return self.pace.waiting

    def overload(self, *, thought: bool = True, more: int = 0) -> Overloaded | None:
        """Why a new thought, or anything else, would be refused after so many more, if it would."""
        pace = self.pace
        most_ms = self.limits.queue_wait_ms if thought else self.limits.lesson_wait_ms
        wait_s = pace.expected_wait_s + more * pace.thought_s
        if pace.waiting + more < self.limits.batch_at_most or wait_s * 1000.0 <= most_ms:
            return None
        return Overloaded(f"{pace.waiting} stimuli wait.", "Try again in a moment.", reason="queue")

    # -- networks and brains ------------------------------------------------------------------

    def models(self) -> list[ModelOut]:
        """The networks that brains can be born with, the default one first."""
        return [model_out(model) for model in self._opened.models.values()]

    def model(self, name: str) -> ModelOut:
        """One of them, with its whole description.

        Raises:
            UnknownName: If it is not served.
        """
        return model_out(self._model(name), whole=True)

    def _model(self, name: str | None) -> Model:
        models = self._opened.models
        if name is None:
            return next(iter(models.values()))
        if name not in models:
            raise UnknownName(
                f"There is no network {name[:80]!r} here.", nearest_name(name, list(models))
            )
        return models[name]

    async def create(
        self,
        model: str | None = None,
        *,
        name: str | None = None,
        seed: int = 0,
        request_key: str | None = None,
    ) -> BrainOut:
        """A new-born brain.

        Args:
            model: Its network; the default one when left out.
            name: Its name for people.
            seed: Of the randomness within its steps.
            request_key: The same key again gives the same brain, not another one.

        Raises:
            UnknownName: If there is no such network.
            Conflict: If there are as many brains as may be.
        """
        chosen, called = self._model(model), checked_name(name)
        if not 0 <= seed < 2**63:
            raise InvalidInput(f"seed is {seed}.", "Use 0 to 2**63 - 1.")
        brain_id = uuid.uuid4().hex
        record = BrainRecord(
            brain_id,
            called or f"brain {brain_id[:6]}",
            chosen.name,
            chosen.fingerprint,
            now(),
            0,
            0,
        )
        platform = numeric_platform()
        genesis = {"network": chosen.fingerprint, "platform": platform, "seed": seed}
        do = partial(self._opened.create, record, genesis, request_key, self.limits)
        refusal = self.overload(thought=False)
        if refusal is not None:
            raise refusal
        born: BrainRecord = await self._submit(Chore, do=do)
        if born.id == brain_id:
            # Nothing more is asked of the engine: what could fail now would leave a stray brain.
            return newborn_out(born, chosen)
        return await self.brain(born.id)

    async def brains(self, limit: int = 50, after: str | None = None) -> BrainsOut:
        """A page of brains in the order of birth.

        Args:
            limit: How many at most.
            after: ``next`` of the page before.
        """
        begin = cursor(after)
        do = partial(self._opened.store.brains, limit + 1, begin)
        records: list[BrainRecord] = await self._submit(Chore, do=do)
        following = str(records[limit - 1].number) if len(records) > limit else None
        return BrainsOut([summary_out(record) for record in records[:limit]], following)

    async def brain(self, brain_id: str) -> BrainOut:
        """A brain and what it knows.

        Raises:
            NotFound: If there is none.
        """
        out: BrainOut = await self._submit(Errand, brain_id=brain_id, do=awake(brain_out))
        return out

    async def delete(self, brain_id: str) -> None:
        """Remove a brain and all that is kept of it.

        Raises:
            NotFound: If there is none.
        """
        errands = self._opened.errands
        await self._submit(
            Errand, brain_id=brain_id, asleep=True, do=lambda _: errands.delete(brain_id)
        )

    # -- thinking and learning ----------------------------------------------------------------

    async def process(
        self,
        brain_id: str,
        stimulus: Any,
        *,
        stateful: bool = False,
        where: str | None = None,
        when: int | None = None,
        who: str | None = None,
        request: RequestKey | None = None,
    ) -> ThoughtOut:
        """Think about one stimulus, together with whatever others ask at the time.

        Args:
            brain_id: Who.
            stimulus: An image, or a :class:`~neurallayers.service.engine.work.Stimulus`.
            stateful: Live through it, so that it becomes an entry.
            where: Where it happens, for its memory.
            when: When it happens, a whole number.
            who: Who shows it.
            request: The same request again is answered as before and not lived through again.

        Raises:
            NotFound: If there is no such brain.
            InvalidInput: If the stimulus is wrong.
            Overloaded: If too much waits.
            Unavailable: If a stateful stimulus could not be stored, or the engine stops.
        """
        shown = as_stimulus(stimulus)
        context = as_context(where=where, when=when, who=who)
        content = with_context({}, context, lived=stateful)
        out: ThoughtOut
        if stateful:
            out = await self._submit(
                Happen,
                brain_id=brain_id,
                kind="stimulus",
                content=content,
                stimulus=shown,
                request=request,
            )
        else:
            out = await self._submit(Think, brain_id=brain_id, stimuli=(shown,))
        return out

    async def process_many(self, brain_id: str, stimuli: Sequence[Any]) -> list[ThoughtOut]:
        """Think about several stimuli, each from rest.

        Raises:
            As :meth:`process`.
        """
        shown = tuple(as_stimulus(stimulus) for stimulus in stimuli)
        if not shown:
            return []
        out: list[ThoughtOut] = await self._submit(
            Think, brain_id=brain_id, stimuli=shown, many=True
        )
        return out

    async def learn(
        self,
        brain_id: str,
        stimulus: Any,
        target: str | SupportsIndex | None = None,
        *,
        reward: float | None = None,
        where: str | None = None,
        when: int | None = None,
        who: str | None = None,
        pinned: bool = False,
        request: RequestKey | None = None,
    ) -> LessonOut:
        """Learn from one example; when this returns, the lesson is on the disk.

        Args:
            brain_id: Who.
            stimulus: An image, or a :class:`~neurallayers.service.engine.work.Stimulus`.
            target: What it is.
            reward: Or how good the brain's own answer to it is.
            where: Where it happens, for its memory.
            when: When it happens, a whole number.
            who: Who says so.
            pinned: Never let other episodes displace it.
            request: The same request again is answered as before and teaches nothing.

        Raises:
            As :meth:`process`, and InvalidInput if not exactly one of target and reward is given.
        """
        kind, content = feedback(target, reward)
        context = as_context(where=where, when=when, who=who, pinned=pinned)
        content = with_context(content, context, lived=True)
        out: LessonOut = await self._submit(
            Happen,
            brain_id=brain_id,
            kind=kind,
            content=content,
            stimulus=as_stimulus(stimulus),
            request=request,
        )
        return out

    async def forget(
        self,
        brain_id: str,
        *,
        label: str | SupportsIndex | None = None,
        entries: Sequence[int] | None = None,
        request: RequestKey | None = None,
    ) -> BrainOut:
        """Forget a class, or entries as if they had never happened.

        Args:
            brain_id: Who.
            label: The class.
            entries: Or the entries.
            request: The same request again forgets no class that was taught anew since.

        Raises:
            InvalidInput: If not exactly one is given, or it is not there.
            NotFound: If there is no such brain.
        """
        if (label is None) == (entries is None):
            raise InvalidInput(
                f"label is {label!r} and entries is {entries!r}.", "Give exactly one of them."
            )
        out: BrainOut
        if label is not None:
            content = {"label": as_label(label)}
            out = await self._submit(
                Happen, brain_id=brain_id, kind="forget_class", content=content, request=request
            )
        else:
            forget = self._opened.errands.forget
            out = await self._run(brain_id, lambda errand, one: forget(errand, one, entries or ()))
        return out

    # -- inside -------------------------------------------------------------------------------

    async def _run(self, brain_id: str, do: Callable[[Errand, Resident], Any]) -> Any:
        """An errand that replies by itself, later."""
        errand = self._made(Errand, brain_id=brain_id, do=nothing)
        errand.do = awake(lambda resident: do(errand, resident))
        return await self._await(errand)

    async def _submit(self, work: type[W], /, **what: Any) -> Any:
        return await self._await(self._made(work, **what))

    def _made(self, work: type[W], /, **what: Any) -> W:
        future = asyncio.get_running_loop().create_future()
        return work(future=future, deadline=time.monotonic() + self.limits.timeout_s, **what)

    async def _await(self, work: Work) -> Any:
        opened = self._opened
        if self._stopping:
            raise Unavailable(
                "The service is stopping.", "Try again in a moment.", reason="stopping"
            )
        if not isinstance(work, Chore):
            refusal = self.overload(thought=isinstance(work, Think))
            if refusal is not None:
                raise refusal
        opened.stepper.pace.submitted(work)
        if not opened.stepper.batcher.submit(work):
            opened.stepper.pace.done([work])
            raise Overloaded("The queue is full.", "Try again in a moment.", reason="queue")
        return await work.future
