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
import datetime
import logging
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self, SupportsIndex, TypeVar

from neurallayers.brain.brain import Brain
from neurallayers.brain.exactness import numeric_platform
from neurallayers.brain.feedback import as_label, feedback
from neurallayers.brain.pretrained import load_pretrained
from neurallayers.brain.thought import Thought
from neurallayers.errors import InvalidInput, NeuralLayersError, UnknownName
from neurallayers.registry import nearest_name
from neurallayers.service.engine.activity import Activity
from neurallayers.service.engine.answers import brain_out, model_out, raster_out, summary_out
from neurallayers.service.engine.errands import Errands
from neurallayers.service.engine.observing import Nobody, Observer
from neurallayers.service.engine.resident import Model, Resident
from neurallayers.service.engine.stepper import Stepper
from neurallayers.service.engine.work import (
    Chore,
    Errand,
    Happen,
    RequestKey,
    Stimulus,
    Think,
    Work,
)
from neurallayers.service.failures import Conflict, Overloaded, Unavailable
from neurallayers.service.schemas import (
    BrainOut,
    BrainsOut,
    EntriesOut,
    LessonOut,
    ModelOut,
    RasterOut,
    SnapshotOut,
    SnapshotsOut,
    ThoughtOut,
)
from neurallayers.service.store import BrainRecord, SnapshotRecord, Store

W = TypeVar("W", bound=Work)

log = logging.getLogger(__name__)

PULSE_S = 0.5
PULSE_LATE_S = 1.25
NAME_CHARACTERS_AT_MOST = 100


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much an engine takes on.

    Attributes:
        queue_at_most: Work that may wait.
        queue_wait_ms: Expected wait above which a thought is refused [ms].
        lesson_wait_ms: Expected wait above which anything else is refused [ms].
        batch_at_most: Stimuli computed together.
        brains_at_most: Brains that are kept.
        brains_in_memory_mib: Memory for the states of brains that are awake [MiB].
        snapshot_every: Entries between two snapshots of a brain.
        events_at_most: Streams of events.
        timeout_s: How long work may wait before it is given up [s].
    """

    queue_at_most: int = 1024
    queue_wait_ms: float = 1000.0
    lesson_wait_ms: float = 2000.0
    batch_at_most: int = 64
    brains_at_most: int = 100_000
    brains_in_memory_mib: int = 1024
    snapshot_every: int = 100
    events_at_most: int = 64
    timeout_s: float = 10.0


class Engine:
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
        self._observer: Observer = Nobody() if observer is None else observer
        self._open: _Open | None = None
        self._stopping = False

    # -- opening and closing ------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Load the networks, open the store, and begin.

        Raises:
            UnknownName: If there is no such network.
            JournalError: If the store cannot be used.
        """
        loading = asyncio.to_thread(_load, self._folder, self._wanted, self.limits, self)
        self._open = await loading
        self._open.pulse = asyncio.create_task(self._beat(), name="neurallayers-pulse")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Finish what was taken, keep snapshots, and close."""
        opened, self._stopping = self._opened, True
        if opened.pulse is not None:
            opened.pulse.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await opened.pulse
        self.activity.end()
        await asyncio.to_thread(opened.close)
        self._open = None

    @property
    def observer(self) -> Observer:
        """Who measures."""
        return self._observer

    @property
    def _opened(self) -> _Open:
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
        late = time.monotonic() - self._open.pulse_at
        return {
            "engine": "stopping" if self._stopping else "ok",
            "store": self._open.trouble or "ok",
            "compute": "ok"
            if late < PULSE_LATE_S + PULSE_S
            else f"no sign of life for {late:.0f} s",
        }

    @property
    def ready(self) -> bool:
        """Whether it takes everything."""
        return all(state == "ok" for state in self.health().values())

    @property
    def waiting(self) -> int:
        """Stimuli and entries that were submitted and not answered yet."""
        return self._opened.stepper.pace.waiting

    def overload(self, *, thought: bool = True) -> Overloaded | None:
        """Why a new thought, or anything else, would be refused now, if it would."""
        pace = self._opened.stepper.pace
        most_ms = self.limits.queue_wait_ms if thought else self.limits.lesson_wait_ms
        if pace.expected_wait_s * 1000.0 <= most_ms:
            return None
        return Overloaded(f"{pace.waiting} stimuli wait.", "Try again in a moment.", reason="queue")

    async def _beat(self) -> None:
        """See again and again that the store takes what is written, and open it after a failure."""
        opened = self._opened
        while True:
            began = time.monotonic()
            try:
                async with asyncio.timeout(PULSE_LATE_S):
                    await self._submit(Chore, do=opened.store.revive)
                opened.trouble, opened.pulse_at = "", time.monotonic()
            except Overloaded:
                # Much to do is no sickness.
                opened.pulse_at = time.monotonic()
            except TimeoutError:
                log.warning("engine.slow")
            except Exception as error:
                opened.pulse_at = time.monotonic()
                if not opened.trouble:
                    log.error("store.failing", extra={"error": str(error)})
                opened.trouble = str(error)
            await asyncio.sleep(max(0.05, PULSE_S - (time.monotonic() - began)))

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
        chosen, called = self._model(model), _checked_name(name)
        if not 0 <= seed < 2**63:
            raise InvalidInput(f"seed is {seed}.", "Use 0 to 2**63 - 1.")
        brain_id = uuid.uuid4().hex
        record = BrainRecord(
            brain_id,
            called or f"brain {brain_id[:6]}",
            chosen.name,
            chosen.fingerprint,
            _now(),
            0,
            0,
        )
        genesis = {
            "network": chosen.fingerprint,
            "platform": numeric_platform(),
            "seed": seed,
        }
        do = partial(self._opened.create, record, genesis, request_key, self.limits)
        born: BrainRecord = await self._submit(Chore, do=do)
        return await self.brain(born.id)

    async def brains(self, limit: int = 50, after: str | None = None) -> BrainsOut:
        """A page of brains in the order of birth.

        Args:
            limit: How many at most.
            after: ``next`` of the page before.
        """
        begin = _cursor(after)
        do = partial(self._opened.store.brains, limit + 1, begin)
        records: list[BrainRecord] = await self._submit(Chore, do=do)
        page = records[:limit]
        following = str(page[-1].number) if len(records) > limit else None
        return BrainsOut([summary_out(record) for record in page], following)

    async def brain(self, brain_id: str) -> BrainOut:
        """A brain and what it knows.

        Raises:
            NotFound: If there is none.
        """
        out: BrainOut = await self._submit(Errand, brain_id=brain_id, do=_awake(brain_out))
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
        request: RequestKey | None = None,
    ) -> ThoughtOut:
        """Think about one stimulus, together with whatever others ask at the time.

        Args:
            brain_id: Who.
            stimulus: An image, or a :class:`~neurallayers.service.engine.work.Stimulus`.
            stateful: Live through it, so that it becomes an entry.
            request: The same request again is answered as before and not lived through again.

        Raises:
            NotFound: If there is no such brain.
            InvalidInput: If the stimulus is wrong.
            Overloaded: If too much waits.
            Unavailable: If a stateful stimulus could not be stored, or the engine stops.
        """
        shown = _as_stimulus(stimulus)
        out: ThoughtOut
        if stateful:
            out = await self._submit(
                Happen, brain_id=brain_id, kind="stimulus", stimulus=shown, request=request
            )
        else:
            out = await self._submit(Think, brain_id=brain_id, stimuli=(shown,))
        return out

    async def process_many(self, brain_id: str, stimuli: Sequence[Any]) -> list[ThoughtOut]:
        """Think about several stimuli, each from rest.

        Raises:
            As :meth:`process`.
        """
        shown = tuple(_as_stimulus(stimulus) for stimulus in stimuli)
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
        request: RequestKey | None = None,
    ) -> LessonOut:
        """Learn from one example; when this returns, the lesson is on the disk.

        Args:
            brain_id: Who.
            stimulus: An image, or a :class:`~neurallayers.service.engine.work.Stimulus`.
            target: What it is.
            reward: Or how good the brain's own answer to it is.
            request: The same request again is answered as before and teaches nothing.

        Raises:
            As :meth:`process`, and InvalidInput if not exactly one of target and reward is given.
        """
        kind, content = feedback(target, reward)
        out: LessonOut = await self._submit(
            Happen,
            brain_id=brain_id,
            kind=kind,
            content=content,
            stimulus=_as_stimulus(stimulus),
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

    # -- history ------------------------------------------------------------------------------

    async def entries(self, brain_id: str, limit: int = 100, after: int = 0) -> EntriesOut:
        """A page of a brain's history, in order."""
        do = partial(self._opened.errands.entries, brain_id, limit, after)
        out: EntriesOut = await self._submit(
            Errand, brain_id=brain_id, asleep=True, do=lambda _: do()
        )
        return out

    async def snapshot(
        self, brain_id: str, name: str | None = None, *, request_key: str | None = None
    ) -> SnapshotOut:
        """Keep this moment to return to.

        Args:
            brain_id: Whose.
            name: Its name for people.
            request_key: The same key again gives the same snapshot, not another one.
        """
        record = SnapshotRecord(uuid.uuid4().hex, _checked_name(name), 0, _now(), 0)
        snapshot = self._opened.errands.snapshot
        out: SnapshotOut = await self._submit(
            Errand, brain_id=brain_id, do=_awake(lambda one: snapshot(one, record, request_key))
        )
        return out

    async def snapshots(
        self, brain_id: str, limit: int = 50, after: str | None = None
    ) -> SnapshotsOut:
        """A page of kept moments, the latest first."""
        before = None if after is None else _cursor(after)
        do = partial(self._opened.errands.snapshots, brain_id, limit, before)
        out: SnapshotsOut = await self._submit(
            Errand, brain_id=brain_id, asleep=True, do=lambda _: do()
        )
        return out

    async def restore(
        self, brain_id: str, snapshot_id: str, *, request: RequestKey | None = None
    ) -> BrainOut:
        """Return to a kept moment; what came since is undone, and stays in the history.

        Args:
            brain_id: Who.
            snapshot_id: Where to.
            request: The same request again does not return once more.

        Raises:
            NotFound: If there is no such brain or snapshot.
        """
        restore = self._opened.errands.restore
        out: BrainOut = await self._run(
            brain_id, lambda errand, one: restore(errand, one, snapshot_id, request)
        )
        return out

    async def thought(self, brain_id: str) -> Thought:
        """The last thought, with its spikes.

        Raises:
            NotFound: If there is no such brain, or it has not thought since it woke.
        """
        out: Thought = await self._submit(
            Errand, brain_id=brain_id, do=_awake(self._opened.errands.thought)
        )
        return out

    async def raster(self, brain_id: str) -> RasterOut:
        """The spikes of the last thought.

        Raises:
            NotFound: As :meth:`thought`.
        """
        thought = await self.thought(brain_id)
        return raster_out(thought.label, thought.raster)

    # -- inside -------------------------------------------------------------------------------

    async def _run(self, brain_id: str, do: Callable[[Errand, Resident], Any]) -> Any:
        """An errand that replies by itself, later."""
        errand = self._made(Errand, brain_id=brain_id, do=_nothing)
        errand.do = _awake(lambda resident: do(errand, resident))
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


@dataclass
class _Open:
    """What an engine has while it runs."""

    store: Store
    models: dict[str, Model]
    stepper: Stepper
    errands: Errands
    temporary: tempfile.TemporaryDirectory[str] | None
    trouble: str = ""
    pulse_at: float = 0.0
    pulse: asyncio.Task[None] | None = None

    def create(
        self,
        record: BrainRecord,
        genesis: dict[str, Any],
        request_key: str | None,
        limits: Limits,
    ) -> BrainRecord:
        """Keep a new brain, in the thread that computes."""
        before = self.store.brain_of_request(request_key) if request_key else None
        if before is not None:
            return before
        if self.store.count() >= limits.brains_at_most:
            raise Conflict(
                f"There are {limits.brains_at_most} brains already.",
                "Delete some, or raise brains_at_most.",
            )
        self.store.create(record, genesis, request_key)
        return record

    def close(self) -> None:
        self.stepper.batcher.stop()
        self.stepper.rest()
        self.store.close()
        if self.temporary is not None:
            self.temporary.cleanup()


def _load(
    folder: Path | None,
    wanted: Sequence[str | Path | Model],
    limits: Limits,
    engine: Engine,
) -> _Open:
    """Everything that takes time at the beginning."""
    models: dict[str, Model] = {}
    for one in wanted:
        model = one if isinstance(one, Model) else _served(one)
        if model.name in models:
            raise InvalidInput(
                f"Two networks are called {model.name!r}.", "Give their folders other names."
            )
        models[model.name] = model
    temporary = tempfile.TemporaryDirectory(prefix="neurallayers-") if folder is None else None
    place = Path(temporary.name) if temporary is not None else folder
    assert place is not None
    store = Store(place)
    stepper = Stepper(
        store,
        models.values(),
        engine.activity,
        engine.observer,
        queue_at_most=limits.queue_at_most,
        batch_at_most=limits.batch_at_most,
        bytes_at_most=limits.brains_in_memory_mib * 2**20,
        snapshot_every=limits.snapshot_every,
    )
    return _Open(store, models, stepper, Errands(stepper), temporary, pulse_at=time.monotonic())


def _served(name_or_folder: str | Path) -> Model:
    """A network, compiled and found to give each row its own bits."""
    network = load_pretrained(name_or_folder)
    if not Brain(network).self_check():
        log.warning("network.batches_change_bits", extra={"network": str(name_or_folder)})
    return Model.of(Path(name_or_folder).name, network)


def _awake(do: Callable[[Resident], Any]) -> Callable[[Resident | None], Any]:
    """An errand that needs the brain awake, as it always is then."""

    def with_resident(resident: Resident | None) -> Any:
        assert resident is not None
        return do(resident)

    return with_resident


def _nothing(_: Resident | None) -> None:
    return None


def _as_stimulus(stimulus: Any) -> Stimulus:
    return stimulus if isinstance(stimulus, Stimulus) else Stimulus(stimulus)


def _checked_name(name: str | None) -> str | None:
    if name is not None and not (
        0 < len(name.strip()) <= len(name) <= NAME_CHARACTERS_AT_MOST and name.isprintable()
    ):
        raise InvalidInput(
            f"name is {name[:80]!r}.", "Use 1 to 100 characters that can be printed."
        )
    return name


def _cursor(after: str | None) -> int:
    if after is None:
        return 0
    if not (after.isascii() and after.isdigit() and len(after) < 19):
        raise InvalidInput(f"after is {after[:40]!r}.", "Use `next` of the page before.")
    return int(after)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
