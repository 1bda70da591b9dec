"""A brain that lives in a service, for programs on asyncio."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from typing import TYPE_CHECKING, Any, Literal

from neurallayers.client import calls, settling
from neurallayers.client.answers import BrainInfo, Entry, Lesson, Raster, Snapshot, Thought
from neurallayers.client.events import Event
from neurallayers.client.reminiscence import Explanation, Memories, Rule, Sleep

if TYPE_CHECKING:
    from neurallayers.client.asynchronous import AsyncClient


class AsyncRemoteBrain:
    """A brain that lives in a service; see :class:`~neurallayers.client.brains.RemoteBrain`.

    Args:
        client: How to reach the service.
        brain_id: Its id.
    """

    def __init__(self, client: AsyncClient, brain_id: str) -> None:
        self._client = client
        self.id = brain_id

    def __repr__(self) -> str:
        return f"<AsyncRemoteBrain {self.id} at {self._client.url}>"

    async def info(self) -> BrainInfo:
        """Its name, network, age and classes."""
        return await self._client._ask(calls.info(self.id))

    async def process(
        self,
        stimulus: Any,
        stateful: bool = False,
        fit: bool = False,
        maximum: float | None = None,
        *,
        where: str | None = None,
        when: int | None = None,
        who: str | None = None,
        idempotency_key: str | None = None,
    ) -> Thought:
        """What it thinks of a stimulus, with what comes to mind and what rules conclude."""
        return await self._client._ask(
            calls.process(
                self.id,
                stimulus,
                stateful=stateful,
                fit=fit,
                maximum=maximum,
                where=where,
                when=when,
                who=who,
                idempotency_key=idempotency_key,
            )
        )

    async def process_many(
        self, stimuli: Iterable[Any], fit: bool = False, maximum: float | None = None
    ) -> tuple[Thought, ...]:
        """What it thinks of stimuli, each from rest; at most 256 at once."""
        call = calls.process_many(self.id, stimuli, fit=fit, maximum=maximum)
        return (await self._client._ask(call)).items

    async def learn(
        self,
        stimulus: Any,
        target: str | None = None,
        reward: float | None = None,
        fit: bool = False,
        maximum: float | None = None,
        *,
        where: str | None = None,
        when: int | None = None,
        who: str | None = None,
        pinned: bool = False,
        idempotency_key: str | None = None,
    ) -> Lesson:
        """Teach it one example; however often it must be sent, it is taught once."""
        return await self._client._ask(
            calls.learn(
                self.id,
                stimulus,
                target=target,
                reward=reward,
                fit=fit,
                maximum=maximum,
                where=where,
                when=when,
                who=who,
                pinned=pinned,
                idempotency_key=idempotency_key,
            )
        )

    async def forget(
        self, *, label: str | None = None, entries: Iterable[int] | None = None
    ) -> BrainInfo:
        """Make it forget a class, or lessons as if they had never been given."""
        settle = settling.forget(self._client._retries, self.id, label=label, entries=entries)
        return await self._client._converse(settle, self._client._exchange)

    # -- what it remembers, and the rules that it heeds ---------------------------------------

    async def explain(
        self,
        stimulus: Any,
        label: str | None = None,
        fit: bool = False,
        maximum: float | None = None,
    ) -> Explanation:
        """Which features, lessons, memories and rules make an answer; print it for the words."""
        call = calls.explain(self.id, stimulus, label, fit=fit, maximum=maximum)
        return await self._client._ask(call)

    async def sleep(self, cycles: int = 4, *, idempotency_key: str | None = None) -> Sleep:
        """Let it replay what it lived through, so that it lasts."""
        return await self._client._ask(calls.sleep(self.id, cycles, idempotency_key))

    async def memories(self) -> Memories:
        """All that it remembers: episodes with their pictures, what is in mind, concepts."""
        return await self._client._ask(calls.memories(self.id))

    async def forget_memories(
        self,
        *,
        what: str | None = None,
        where: str | None = None,
        who: str | None = None,
        first: int | None = None,
        last: int | None = None,
        clock: Literal["when", "entry"] = "when",
        like: Any = None,
        likeness: float = 0.9,
        fit: bool = False,
        maximum: float | None = None,
        idempotency_key: str | None = None,
    ) -> tuple[int, ...]:
        """Make it forget the episodes for which all that is given holds."""
        return await self._client._ask(
            calls.forget_memories(
                self.id,
                what=what,
                where=where,
                who=who,
                first=first,
                last=last,
                clock=clock,
                like=like,
                likeness=likeness,
                fit=fit,
                maximum=maximum,
                idempotency_key=idempotency_key,
            )
        )

    async def rules(self) -> tuple[Rule, ...]:
        """The rules over its answers, in the order in which it took them on."""
        return await self._client._ask(calls.rules(self.id))

    async def add_rules(self, text: str, *, idempotency_key: str | None = None) -> tuple[Rule, ...]:
        """Let it take on rules, a line each."""
        return await self._client._ask(calls.add_rules(self.id, text, idempotency_key))

    async def remove_rule(
        self, name: str, *, idempotency_key: str | None = None
    ) -> tuple[Rule, ...]:
        """Let it give up a rule."""
        return await self._client._ask(calls.remove_rule(self.id, name, idempotency_key))

    # -- its past -----------------------------------------------------------------------------

    def entries(self) -> AsyncIterator[Entry]:
        """Its history, in order, fetched page by page."""
        return self._client._pages(lambda after: calls.entries(self.id, after))

    async def snapshot(
        self, name: str | None = None, *, idempotency_key: str | None = None
    ) -> Snapshot:
        """Keep this moment."""
        return await self._client._ask(calls.snapshot(self.id, name, idempotency_key))

    def snapshots(self) -> AsyncIterator[Snapshot]:
        """The moments that were kept, the latest first, fetched page by page."""
        return self._client._pages(lambda after: calls.snapshots(self.id, after))

    async def restore(self, snapshot: Snapshot | str) -> BrainInfo:
        """Return to a moment that was kept; what came since is undone."""
        snapshot_id = snapshot.id if isinstance(snapshot, Snapshot) else snapshot
        return await self._client._ask(calls.restore(self.id, snapshot_id))

    async def raster(self) -> Raster:
        """The spikes of its last thought."""
        return await self._client._ask(calls.raster(self.id))

    async def raster_png(self) -> bytes:
        """The same as a picture, a PNG file."""
        return await self._client._ask(calls.raster_png(self.id))

    def events(self) -> AsyncGenerator[Event, None]:
        """What it lives through from now on, as it happens; ends when the service stops.

        Leave the loop through ``contextlib.aclosing`` to close the connection at once.
        """
        return self._client._events(self.id)

    async def delete(self) -> None:
        """Delete it, with all that is kept of it."""
        await self._client._converse(
            settling.delete(self._client._retries, self.id), self._client._exchange
        )
