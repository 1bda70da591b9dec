"""What is asked of a brain's past: entries, kept moments, the last thought."""

from __future__ import annotations

import uuid
from functools import partial

from neurallayers.brain.thought import Thought
from neurallayers.service.engine.answers import raster_out
from neurallayers.service.engine.asked import Asked
from neurallayers.service.engine.asking import awake, checked_name, cursor, now
from neurallayers.service.engine.work import Errand, RequestKey
from neurallayers.service.schemas import (
    BrainOut,
    EntriesOut,
    RasterOut,
    SnapshotOut,
    SnapshotsOut,
)
from neurallayers.service.store import SnapshotRecord


class History(Asked):
    """The part of an engine that knows what was."""

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
        record = SnapshotRecord(uuid.uuid4().hex, checked_name(name), 0, now(), 0)
        snapshot = self._opened.errands.snapshot
        out: SnapshotOut = await self._submit(
            Errand, brain_id=brain_id, do=awake(lambda one: snapshot(one, record, request_key))
        )
        return out

    async def snapshots(
        self, brain_id: str, limit: int = 50, after: str | None = None
    ) -> SnapshotsOut:
        """A page of kept moments, the latest first."""
        before = None if after is None else cursor(after)
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
            Errand, brain_id=brain_id, do=awake(self._opened.errands.thought)
        )
        return out

    async def raster(self, brain_id: str) -> RasterOut:
        """The spikes of the last thought.

        Raises:
            NotFound: As :meth:`thought`.
        """
        thought = await self.thought(brain_id)
        return raster_out(thought.label, thought.raster)
