"""What is asked of an engine in another process about the past and the minds of brains."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from neurallayers.service.engine.wire import key_to, stimulus_to
from neurallayers.service.engine.work import RequestKey, Stimulus

Json = bytes


class RemoteMind(ABC):
    """The part of an engine in another process that knows the past and the minds of brains.

    Its methods are those of the engine; their answers are JSON.
    """

    @abstractmethod
    async def _call(
        self, method: str, *, thought: bool = False, rows: int = 1, **arguments: Any
    ) -> Json:
        """Ask the other process and await its answer."""

    async def entries(self, brain_id: str, limit: int = 100, after: int = 0) -> Json:
        """As the engine's."""
        return await self._call("entries", brain_id=brain_id, limit=limit, after=after)

    async def snapshot(
        self, brain_id: str, name: str | None = None, *, request_key: str | None = None
    ) -> Json:
        """As the engine's."""
        return await self._call("snapshot", brain_id=brain_id, name=name, request_key=request_key)

    async def snapshots(self, brain_id: str, limit: int = 50, after: str | None = None) -> Json:
        """As the engine's."""
        return await self._call("snapshots", brain_id=brain_id, limit=limit, after=after)

    async def restore(
        self, brain_id: str, snapshot_id: str, *, request: RequestKey | None = None
    ) -> Json:
        """As the engine's."""
        return await self._call(
            "restore", brain_id=brain_id, snapshot_id=snapshot_id, request=key_to(request)
        )

    async def raster(self, brain_id: str) -> Json:
        """As the engine's."""
        return await self._call("raster", brain_id=brain_id)

    async def sleep(
        self, brain_id: str, cycles: int = 4, *, request: RequestKey | None = None
    ) -> Json:
        """As the engine's."""
        return await self._call("sleep", brain_id=brain_id, cycles=cycles, request=key_to(request))

    async def memories(self, brain_id: str) -> Json:
        """As the engine's."""
        return await self._call("memories", brain_id=brain_id)

    async def forget_memories(
        self,
        brain_id: str,
        *,
        like: Stimulus | None = None,
        request: RequestKey | None = None,
        **which: Any,
    ) -> Json:
        """As the engine's."""
        shown = None if like is None else stimulus_to(like)
        return await self._call(
            "forget_memories", brain_id=brain_id, like=shown, request=key_to(request), **which
        )

    async def rules(self, brain_id: str) -> Json:
        """As the engine's."""
        return await self._call("rules", brain_id=brain_id)

    async def add_rules(
        self, brain_id: str, text: str, *, request: RequestKey | None = None
    ) -> Json:
        """As the engine's."""
        return await self._call("add_rules", brain_id=brain_id, text=text, request=key_to(request))

    async def remove_rule(
        self, brain_id: str, name: str, *, request: RequestKey | None = None
    ) -> Json:
        """As the engine's."""
        return await self._call(
            "remove_rule", brain_id=brain_id, name=name, request=key_to(request)
        )

    async def explain(self, brain_id: str, stimulus: Stimulus, label: str | None = None) -> Json:
        """As the engine's."""
        return await self._call(
            "explain", brain_id=brain_id, stimulus=stimulus_to(stimulus), label=label
        )
