"""What is done with one brain beside thinking and living: kept moments, forgetting, the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from neurallayers.brain.entry import Entry
from neurallayers.brain.thought import Thought
from neurallayers.errors import InvalidInput, NeuralLayersError
from neurallayers.service.engine.activity import Event
from neurallayers.service.engine.answers import brain_out, change_event, snapshot_out
from neurallayers.service.engine.resident import Resident
from neurallayers.service.engine.stepper import Stepper
from neurallayers.service.engine.work import LATER, Errand, RequestKey
from neurallayers.service.failures import NotFound
from neurallayers.service.schemas import (
    BrainOut,
    EntriesOut,
    EntryOut,
    SnapshotOut,
    SnapshotsOut,
)
from neurallayers.service.store import SnapshotRecord, TableJournal
from neurallayers.service.store.store import Answer, Group

# Without a rollback the entries after it would start from another state.
NEVER_FORGOTTEN = ("rollback",)


class Errands:
    """Errands by name; all of it runs in the thread that computes.

    Args:
        stepper: Whose thread it is.
    """

    def __init__(self, stepper: Stepper) -> None:
        self._stepper = stepper

    def journal(self, brain_id: str) -> TableJournal:
        """The journal of a brain, awake or not.

        Raises:
            NotFound: If there is no such brain.
        """
        if self._stepper.store.brain(brain_id) is None:
            raise NotFound(f"There is no brain {brain_id!r}.", "GET /v1/brains lists them.")
        return self._stepper.store.journal(brain_id)

    # -- looking ------------------------------------------------------------------------------

    def entries(self, brain_id: str, limit: int, after: int) -> EntriesOut:
        """A page of a brain's history."""
        found: list[EntryOut] = []
        journal = self.journal(brain_id)
        for entry in journal.read(min(after, journal.position)):
            if len(found) == limit:
                return EntriesOut(found, found[-1].sequence)
            found.append(EntryOut(entry.sequence, entry.kind, dict(entry.content)))
        return EntriesOut(found, None)

    def thought(self, resident: Resident) -> Thought:
        """The last thought.

        Raises:
            NotFound: If it has not thought since it woke.
        """
        if resident.thought is None:
            raise NotFound(
                f"Brain {resident.record.id} has not thought since it was woken.",
                "Let it process something first.",
            )
        return resident.thought

    # -- moments ------------------------------------------------------------------------------

    def snapshot(
        self, resident: Resident, record: SnapshotRecord, request_key: str | None
    ) -> SnapshotOut:
        """Keep this moment."""
        store, journal = self._stepper.store, resident.journal
        before = store.snapshot_of_request(journal, request_key) if request_key else None
        if before is not None:
            return snapshot_out(before)
        record = replace(record, sequence=resident.life.sequence)
        store.keep_snapshot(journal, resident.life, record, request_key)
        resident.snapshot_at = resident.life.sequence
        self._stepper.observer.snapshot()
        return snapshot_out(record)

    def snapshots(self, brain_id: str, limit: int, before: int | None) -> SnapshotsOut:
        """A page of kept moments, the latest first."""
        records = self._stepper.store.snapshots(self.journal(brain_id), limit + 1, before)
        page = records[:limit]
        following = str(page[-1].number) if len(records) > limit else None
        return SnapshotsOut([snapshot_out(record) for record in page], following)

    def restore(
        self,
        errand: Errand,
        resident: Resident,
        snapshot_id: str,
        request: RequestKey | None = None,
    ) -> Any:
        """Return to a kept moment; the way there becomes an entry.

        Raises:
            NotFound: If there is no such snapshot.
        """
        if request is not None:
            before = self._stepper.store.answer(resident.journal, request.key)
            if before is not None:
                request.check(before.digest)
                return brain_out(resident)
        record = self._stepper.store.snapshot(resident.journal, snapshot_id)
        if record is None:
            raise NotFound(
                f"Brain {errand.brain_id} has no snapshot {snapshot_id!r}.",
                "GET its snapshots to see which it has.",
            )

        def returned(result: Resident | Exception) -> None:
            self._stepper.reply(
                errand, self._stepper.attempt(lambda: self._roll_back(result, record, request))
            )

        self._stepper.restoring.start(errand.brain_id, returned, upto=record.sequence)
        return LATER

    def _roll_back(
        self,
        earlier: Resident | Exception,
        record: SnapshotRecord,
        request: RequestKey | None,
    ) -> BrainOut:
        if isinstance(earlier, Exception):
            raise earlier
        journal = earlier.journal
        entry = Entry(journal.position + 1, "rollback", {"to": record.sequence}, {})
        answers = []
        if request is not None:
            answers.append(Answer(request.key, request.digest, entry.sequence, b""))
        try:
            self._stepper.store.append([Group(journal, [entry], answers)])
        except NeuralLayersError:
            self._stepper.observer.commit_failed()
            self._stepper.pool.drop(earlier.record.id)
            raise
        earlier.life = replace(earlier.life, sequence=entry.sequence)
        return self._replaced(earlier, "restored")

    # -- forgetting ---------------------------------------------------------------------------

    def forget(self, errand: Errand, resident: Resident, numbers: Sequence[int]) -> Any:
        """Become the brain that never lived through these entries.

        Raises:
            InvalidInput: If one of them is not there, or is no lesson and no stimulus.
        """
        store, journal = self._stepper.store, resident.journal
        wanted = sorted(set(numbers))
        kinds = store.kinds(journal, [n for n in wanted if 0 < n <= journal.position])
        missing = [n for n in wanted if kinds.get(n, "rollback") in NEVER_FORGOTTEN]
        if missing:
            raise InvalidInput(
                f"There is no lesson or stimulus with the numbers {missing[:10]}.",
                "Use the number that the lesson was answered with.",
            )
        try:
            journal.rewrite_without(wanted)
        except NeuralLayersError:
            self._stepper.observer.commit_failed()
            raise
        finally:
            # Whatever became of it, the store knows better now.
            self._stepper.pool.drop(errand.brain_id)

        def awake(result: Resident | Exception) -> None:
            self._stepper.reply(errand, self._stepper.attempt(lambda: self._forgot(result)))

        self._stepper.restoring.start(errand.brain_id, awake)
        return LATER

    def _forgot(self, result: Resident | Exception) -> BrainOut:
        if isinstance(result, Exception):
            raise result
        out = self._replaced(result, "forgotten")
        if result.dirty:
            self._stepper.keep_snapshot(result)
        return out

    def delete(self, brain_id: str) -> None:
        """Remove a brain and all that is kept of it.

        Raises:
            NotFound: If there is none.
        """
        if not self._stepper.store.delete(brain_id):
            raise NotFound(f"There is no brain {brain_id!r}.", "It may be deleted already.")
        self._stepper.pool.drop(brain_id)
        event = Event("deleted", b"{}")
        self._stepper.activity.publish(brain_id, event, last=True)

    # -- inside -------------------------------------------------------------------------------

    def _replaced(self, resident: Resident, event: str) -> BrainOut:
        """Let a brain go on as this."""
        self._stepper.pool.put(resident)
        if self._stepper.activity.watched(resident.record.id):
            self._stepper.activity.publish(resident.record.id, change_event(event, resident.life))
        return brain_out(resident)
