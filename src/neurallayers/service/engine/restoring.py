"""Waking brains: from the last snapshot through the journal, many at once, a slice at a time.

Brains that wake together live through their entries side by side, one batch for the next entry of
each, and give the thread back after a few milliseconds, so that those who are awake hardly wait.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from neurallayers.brain.entry import Entry
from neurallayers.brain.life import Life
from neurallayers.brain.living import live_together
from neurallayers.brain.replay import Replay
from neurallayers.errors import NeuralLayersError
from neurallayers.service.engine.resident import Model, Resident
from neurallayers.service.failures import NotFound, Unavailable
from neurallayers.service.store import BrainRecord, Store, TableJournal

log = logging.getLogger(__name__)

AT_ONCE = 64


@dataclass
class Waking:
    """A brain on its way.

    Attributes:
        record: What it is called.
        model: Its network.
        journal: Its journal.
        replay: Where it is.
        snapshot_at: The entry of the snapshot that it began from; -1 for birth.
        done: Gets the life at the end, or the error.
    """

    record: BrainRecord
    model: Model
    journal: TableJournal
    replay: Replay
    snapshot_at: int
    done: Callable[[Resident | Exception], None]

    @property
    def resident(self) -> Resident:
        """The brain, awake."""
        return Resident(self.record, self.model, self.journal, self.replay.life, self.snapshot_at)


class Restoring:
    """All brains that are waking.

    Args:
        store: What they are restored from.
        models: The networks that are served, by fingerprint.
        observe: Called with the number of entries lived through.
    """

    def __init__(
        self, store: Store, models: dict[str, Model], observe: Callable[[int], Any]
    ) -> None:
        self._store, self._models, self._observe = store, models, observe
        self._waking: dict[str, Waking] = {}

    def __len__(self) -> int:
        return len(self._waking)

    def __contains__(self, brain_id: object) -> bool:
        return brain_id in self._waking

    def model_of(self, record: BrainRecord) -> Model:
        """The network of a brain.

        Raises:
            Unavailable: If it is not served.
        """
        model = self._models.get(record.fingerprint)
        if model is None:
            raise Unavailable(
                f"The network {record.model!r} of brain {record.id} is not served here.",
                "Start the service with that network among its models.",
                reason="model",
            )
        return model

    def start(
        self,
        brain_id: str,
        done: Callable[[Resident | Exception], None],
        *,
        upto: int | None = None,
    ) -> None:
        """Begin to wake a brain.

        Args:
            brain_id: Which.
            done: Called with it when it is awake, or with the error.
            upto: Wake it as it was after this entry.
        """
        try:
            self._waking[brain_id] = self._begin(brain_id, done, upto)
        except Exception as error:
            _note(brain_id, error)
            done(error)

    def _begin(
        self, brain_id: str, done: Callable[[Resident | Exception], None], upto: int | None
    ) -> Waking:
        record = self._store.brain(brain_id)
        if record is None:
            raise NotFound(f"There is no brain {brain_id!r}.", "GET /v1/brains lists them.")
        model, journal = self.model_of(record), self._store.journal(brain_id)

        def nearest(lineage: set[int]) -> Life | None:
            for life in self._store.lives(model.network, journal, lineage):
                if isinstance(life, Life):
                    return life
                log.warning("snapshot.skipped", extra={"brain": brain_id, "error": str(life)})
            return None

        replay = Replay(model.network, journal, nearest, upto)
        begun_at = replay.life.sequence or -1
        return Waking(record, model, journal, replay, begun_at, done)

    def advance(self, seconds: float) -> None:
        """Live on with those that are waking, for about so long, and by one entry at least."""
        end = time.monotonic() + seconds
        while self._waking:
            self._step(list(self._waking.values())[:AT_ONCE])
            if time.monotonic() >= end:
                return

    def _step(self, group: list[Waking]) -> None:
        """The next entry of each."""
        pending: dict[str, list[tuple[Waking, Entry]]] = {}
        for one in group:
            try:
                entry = one.replay.next_entry()
            except Exception as error:
                _note(one.record.id, error)
                self._finish(one, error)
                continue
            if entry is None:
                self._finish(one, one.resident)
            else:
                pending.setdefault(one.model.fingerprint, []).append((one, entry))
        for together in pending.values():
            for (one, _), result in zip(together, _live(together), strict=True):
                if isinstance(result, Life):
                    one.replay.life = result
                else:
                    self._finish(one, result)
            self._observe(len(together))

    def _finish(self, one: Waking, result: Resident | Exception) -> None:
        del self._waking[one.record.id]
        if isinstance(result, Resident):
            result.record = replace(one.record, position=one.journal.position)
        one.done(result)


def _live(together: list[tuple[Waking, Entry]]) -> list[Life | Exception]:
    """The next life of each, or its error; an entry that nobody can live through is its own."""
    network = together[0][0].model.network
    try:
        results = live_together(
            network, [one.replay.life for one, _ in together], [entry for _, entry in together]
        )
    except Exception as error:
        if len(together) > 1:
            return [life for single in together for life in _live([single])]
        _note(together[0][0].record.id, error)
        return [error]
    return [result if isinstance(result, NeuralLayersError) else result[0] for result in results]


def _note(brain_id: str, error: Exception) -> None:
    """Log what is no error of the tree: it is ours, or that of a journal that is not."""
    if not isinstance(error, NeuralLayersError):
        log.error("waking.failed", exc_info=error, extra={"brain": brain_id})
