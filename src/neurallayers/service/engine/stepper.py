"""The thread that computes: what was asked since its last turn, in as few batches as possible.

A turn goes in rounds. In a round every brain with something to do first answers the thoughts that
were asked of it, then lives through one entry; all thoughts of a round are one batch, all entries
are another. What a turn's entries change is stored in one transaction before anybody hears of it.
A brain that sleeps is woken in slices between turns, and its work waits for it in order.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import torch

from neurallayers.brain.asynchronous import settle
from neurallayers.brain.batching import Batcher
from neurallayers.brain.exactness import pad_rows
from neurallayers.brain.mind import Mind
from neurallayers.brain.reflecting import reflect
from neurallayers.brain.thinking import ROWS_AT_ONCE, think
from neurallayers.brain.thought import decode_rows
from neurallayers.errors import JournalError, NeuralLayersError
from neurallayers.service.engine.activity import Activity
from neurallayers.service.engine.answers import thought_event, thought_out
from neurallayers.service.engine.observing import Observer
from neurallayers.service.engine.pace import Pace
from neurallayers.service.engine.resident import Model, Pool, Resident
from neurallayers.service.engine.restoring import Restoring
from neurallayers.service.engine.staging import Staging
from neurallayers.service.engine.work import (
    LATER,
    BrainWork,
    Chore,
    Errand,
    Happen,
    Think,
    Work,
    numbers_together,
)
from neurallayers.service.failures import TimedOut, Unavailable
from neurallayers.service.store import Store

log = logging.getLogger(__name__)

WAKING_S = 0.02


class Stepper:
    """Everything that the computing thread owns.

    Args:
        store: What outlives the process.
        models: The networks that are served, the default one first.
        activity: Who watches.
        observer: Who measures.
        queue_at_most: Work that may wait.
        batch_at_most: Stimuli computed together.
        bytes_at_most: What the states of brains that are awake may take.
        snapshot_every: Entries between two snapshots of a brain.
    """

    def __init__(
        self,
        store: Store,
        models: Iterable[Model],
        activity: Activity,
        observer: Observer,
        *,
        queue_at_most: int,
        batch_at_most: int,
        bytes_at_most: int,
        snapshot_every: int,
    ) -> None:
        self.store, self.activity, self.observer = store, activity, observer
        self.snapshot_every = snapshot_every
        self.pool = Pool(bytes_at_most)
        self.restoring = Restoring(
            store, {model.fingerprint: model for model in models}, observer.replayed
        )
        self.batcher: Batcher[Work] = Batcher(
            self.turn,
            self._fail,
            queue_at_most=queue_at_most,
            batch_at_most=batch_at_most,
            name="neurallayers-engine",
        )
        #: What a thought and an entry take in a full batch.
        self.pace = Pace()
        self._lanes: dict[str, deque[BrainWork]] = {}
        self._due: dict[str, None] = {}
        #: What this turn worked on.
        self._done: list[Work] = []

    # -- a turn -------------------------------------------------------------------------------

    def turn(self, items: list[Work]) -> bool:
        """Work on what was submitted; whether something is left that can go on."""
        begun, self._done = time.monotonic(), []
        self._give_up_stale(begun)
        for item in items:
            if self._stale(item, begun):
                continue
            if isinstance(item, Chore):
                self._done.append(item)
                self.reply(item, self.attempt(item.do))
            elif isinstance(item, BrainWork):
                self._lanes.setdefault(item.brain_id, deque()).append(item)
        while self._round() or self._errands():
            continue
        self.pace.learn(self._done, time.monotonic() - begun)
        self.restoring.advance(WAKING_S)
        self._keep_house()
        return bool(self._lanes or len(self.restoring) or (self._due and self.store.usable))

    def _give_up_stale(self, now: float) -> None:
        """Drop work for brains that take so long to wake that nobody waits for it any more."""
        for brain_id, lane in self._lanes.items():
            self._lanes[brain_id] = deque(work for work in lane if not self._stale(work, now))
        self._clear_lanes()

    def _stale(self, work: Work, now: float) -> bool:
        """Whether nobody waits for this any more; it is given up then."""
        if work.future.cancelled():
            self.pace.done([work])
            return True
        if now > work.deadline:
            self.reply(work, TimedOut("It waited too long.", "Try again later."))
            return True
        return False

    def _round(self) -> bool:
        """One round of thoughts and entries, then the transaction; false if there was none."""
        staging = Staging(self)
        progress = False
        while True:
            thinks: list[tuple[Resident, Think]] = []
            happens: list[tuple[Resident, Happen]] = []
            for resident, lane in self._ready():
                while lane and isinstance(lane[0], Think):
                    thinks.append((resident, self._take(lane)))
                if lane and isinstance(lane[0], Happen):
                    happens.append((resident, self._take(lane)))
            if not (thinks or happens):
                break
            progress = True
            self._think(thinks, staging)
            staging.live_through(happens)
        staging.commit()
        self._clear_lanes()
        return progress

    def _take(self, lane: deque[BrainWork]) -> Any:
        work = lane.popleft()
        self._done.append(work)
        return work

    def _ready(self) -> list[tuple[Resident, deque[BrainWork]]]:
        """The brains that are awake and have something to do; the others begin to wake."""
        ready = []
        for brain_id, lane in list(self._lanes.items()):
            if brain_id in self.restoring or not lane or _asleep(lane[0]):
                continue
            resident = self.pool.get(brain_id)
            if resident is None:
                self.wake(brain_id)
            else:
                ready.append((resident, lane))
        return ready

    def _clear_lanes(self) -> None:
        for brain_id in [brain_id for brain_id, lane in self._lanes.items() if not lane]:
            del self._lanes[brain_id]

    def _errands(self) -> bool:
        """One errand of each brain whose turn it is; false if there is none."""
        pending: list[tuple[Resident | None, deque[BrainWork]]] = [
            (None, lane)
            for brain_id, lane in self._lanes.items()
            if lane and _asleep(lane[0]) and brain_id not in self.restoring
        ]
        pending += [(one, lane) for one, lane in self._ready() if isinstance(lane[0], Errand)]
        for resident, lane in pending:
            errand: Errand = self._take(lane)
            result = self.attempt(partial(errand.do, resident))
            if result is not LATER:
                self.reply(errand, result)
        self._clear_lanes()
        return bool(pending)

    def attempt(self, do: Callable[[], Any]) -> Any:
        """The result, or the error as callers get it."""
        try:
            return do()
        except NeuralLayersError as error:
            return self.outage(error)
        except Exception as error:
            log.exception("errand.failed")
            return error

    # -- thoughts -----------------------------------------------------------------------------

    def _think(self, asked: list[tuple[Resident, Think]], staging: Staging) -> None:
        """Answer thoughts: one batch for all brains of a network with room for as many classes."""
        groups: dict[tuple[str, int], list[tuple[Resident, Think]]] = {}
        for resident, work in asked:
            life = staging.life(resident)
            groups.setdefault((resident.model.fingerprint, len(life.labels)), []).append(
                (resident, work)
            )
        for group in (part for whole in groups.values() for part in _parts(whole)):
            try:
                self._think_together(group, staging)
            except Exception as error:
                log.exception("thinking.failed", extra={"stimuli": len(group)})
                self.settle((work, error) for _, work in group)

    def _think_together(self, group: list[tuple[Resident, Think]], staging: Staging) -> None:
        model = group[0][0].model
        shape = model.network.spec.sense.shape
        lasting, labels, images, works = [], [], [], []
        minds: dict[int, Mind] = {}
        whole = numbers_together([work for _, work in group], shape)
        parts = whole.split([work.rows for _, work in group]) if whole is not None else ()
        for place, (resident, work) in enumerate(group):
            shown = parts[place] if parts else self.attempt(partial(work.images, shape))
            if isinstance(shown, Exception):
                # A wrong stimulus never reaches the batch that others share.
                self.reply(work, shown)
                continue
            images.append(shown)
            lasting += [staging.lasting(resident)] * work.rows
            life = staging.life(resident)
            labels += [life.labels] * work.rows
            minds |= dict.fromkeys(range(len(minds), len(labels)), life.mind)
            works.append((resident, work))
        if not works:
            return
        stimuli = pad_rows(torch.cat(images))
        thinking = think(model.network, model.resting.together(lasting), stimuli)
        thoughts = decode_rows(model.network, thinking, dict(enumerate(labels)))
        thoughts = reflect(model.network, minds, thinking, thoughts)
        self.observe_thoughts(model.name, thoughts)
        results, first = [], 0
        for resident, work in works:
            own = thoughts[first : first + work.rows]
            first += work.rows
            resident.thought = own[-1]
            if self.activity.watched(work.brain_id):
                sequence = staging.life(resident).sequence
                staging.tell(work.brain_id, [thought_event(one, sequence) for one in own])
            out = [thought_out(thought) for thought in own]
            results.append((work, out if work.many else out[0]))
        staging.answer(results)

    def observe_thoughts(self, model: str, thoughts: list[Any]) -> None:
        """Tell whoever measures of thoughts of one network."""
        count = len(thoughts)
        rates = [thought.vitals.rates_hz for thought in thoughts]
        means = {name: sum(rate[name] for rate in rates) / count for name in rates[0]}
        duration_s = thoughts[0].raster.duration_ms / 1000.0
        spikes = {
            name: round(means[name] * count * duration_s * part.shape[1])
            for name, part in thoughts[0].raster.spikes.items()
        }
        self.observer.batch(count)
        self.observer.thoughts(model, count, spikes, means)

    # -- waking and letting go ----------------------------------------------------------------

    def wake(self, brain_id: str) -> None:
        """Begin to wake a brain; when it is awake, its work goes on."""

        def awake(result: Resident | Exception) -> None:
            if isinstance(result, Resident):
                self.pool.put(result)
                self.observer.restored()
                return
            error = self.outage(result)
            self.settle((work, error) for work in self._lanes.pop(brain_id, ()))

        self.restoring.start(brain_id, awake)

    def due(self, resident: Resident) -> None:
        """Note that a brain has lived far enough for a snapshot."""
        if resident.life.sequence - max(resident.snapshot_at, 0) >= self.snapshot_every:
            self._due[resident.record.id] = None

    def _keep_house(self) -> None:
        """One snapshot that is due, and room for those who are awake."""
        if self._due and self.store.usable:
            resident = self.pool.get(next(iter(self._due)))
            self._due.pop(next(iter(self._due)))
            if resident is not None:
                self.keep_snapshot(resident)
        busy = {*self._lanes, *self._due}
        for resident in self.pool.surplus(busy):
            if resident.dirty and self.store.usable:
                self.keep_snapshot(resident)
            self.pool.drop(resident.record.id)
        self.observer.memory(len(self.pool), self.pool.bytes)

    def keep_snapshot(self, resident: Resident) -> None:
        """Keep a snapshot to wake from; without it, waking only takes longer."""
        try:
            self.store.keep_snapshot(resident.journal, resident.life)
            resident.snapshot_at = resident.life.sequence
            self.observer.snapshot()
        except NeuralLayersError as error:
            log.warning("snapshot.failed", extra={"error": str(error)})

    def rest(self) -> None:
        """Keep a snapshot of every brain that lived on since its last; the end of a good day."""
        for resident in self.pool:
            if resident.dirty and self.store.usable:
                self.keep_snapshot(resident)

    # -- replies ------------------------------------------------------------------------------

    def outage(self, error: Exception) -> Exception:
        """The error as callers get it: what the store cannot do now passes."""
        if isinstance(error, JournalError):
            # Where the store is and what ails it is for the log, not for clients.
            log.warning("store.refused", extra={"error": str(error)})
            return Unavailable(
                "The store cannot do this at the moment; nothing of it was acknowledged.",
                "Try again in a few seconds.",
                retry_after_s=2.0,
                reason="store",
            )
        return error

    def reply(self, work: Work, result: Any) -> None:
        """Give a result, or an error, to whoever waits."""
        self.settle([(work, result)])

    def settle(self, results: Iterable[tuple[Work, Any]]) -> None:
        """Give many results."""
        ready = list(results)
        # Counted first: who gets an answer may ask again before this returns.
        self.pace.done(work for work, _ in ready)
        settle((work.future, result) for work, result in ready)

    def _fail(self, items: list[Work], error: Exception) -> None:
        """Give up a turn that broke: nobody waits for ever."""
        lanes = [work for lane in self._lanes.values() for work in lane]
        self._lanes.clear()
        self.settle((work, error) for work in [*items, *lanes, *self._done])


def _parts(
    group: list[tuple[Resident, Think]],
) -> Iterator[list[tuple[Resident, Think]]]:
    """A group in parts of so many stimuli as are computed at once; a work is never divided."""
    part: list[tuple[Resident, Think]] = []
    rows = 0
    for one in group:
        if part and rows + one[1].rows > ROWS_AT_ONCE:
            yield part
            part, rows = [], 0
        part.append(one)
        rows += one[1].rows
    if part:
        yield part


def _asleep(work: BrainWork) -> bool:
    """Whether a brain need not be awake for this."""
    return isinstance(work, Errand) and work.asleep
