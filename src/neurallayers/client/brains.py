"""A brain that lives in a service, for programs that wait for its answers."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal

from neurallayers.client import calls, settling
from neurallayers.client.answers import BrainInfo, Entry, Lesson, Raster, Snapshot, Thought
from neurallayers.client.events import Event
from neurallayers.client.reminiscence import Explanation, Memories, Rule, Sleep

if TYPE_CHECKING:
    from neurallayers.client.client import Client


class RemoteBrain:
    """A brain that lives in a service.

    Args:
        client: How to reach the service.
        brain_id: Its id.
    """

    def __init__(self, client: Client, brain_id: str) -> None:
        self._client = client
        self.id = brain_id

    def __repr__(self) -> str:
        return f"<RemoteBrain {self.id} at {self._client.url}>"

    def info(self) -> BrainInfo:
        """Its name, network, age and classes.

        Raises:
            NotFound: If there is no such brain.
        """
        return self._client._ask(calls.info(self.id))

    def process(
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
        """What it thinks of a stimulus, with what comes to mind and what rules conclude.

        Args:
            stimulus: An array (NumPy, torch, lists) of the shape that it sees, the bytes of a PNG
                file, or the path of one.
            stateful: It lives through it: its activity goes on, and the thought becomes an entry.
            fit: Bring an array of another size to the size that it sees.
            maximum: Intensity of white; 255 for arrays of bytes and 1 for others when left out.
            where: With ``stateful``: where it happens, for its memory.
            when: With ``stateful``: when it happens, a whole number in your unit.
            who: With ``stateful``: who shows it.
            idempotency_key: With ``stateful``: repeats an earlier call with this key.

        Raises:
            InvalidInput: If the stimulus cannot be sent, or circumstances are given without
                ``stateful``.
            InvalidRequest: If the service refuses it.
        """
        return self._client._ask(
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

    def process_many(
        self, stimuli: Iterable[Any], fit: bool = False, maximum: float | None = None
    ) -> tuple[Thought, ...]:
        """What it thinks of stimuli, each from rest; at most 256 at once."""
        return self._client._ask(
            calls.process_many(self.id, stimuli, fit=fit, maximum=maximum)
        ).items

    def learn(
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
        """Teach it one example; however often it must be sent, it is taught once.

        Args:
            stimulus: As for :meth:`process`.
            target: What it shows; a new name is a new class.
            reward: How good its own answer was, instead of a target.
            fit: As for :meth:`process`.
            maximum: As for :meth:`process`.
            where: Where it happens, for its memory.
            when: When it happens, a whole number in your unit, such as seconds since 1970.
            who: Who says so.
            pinned: Never let other episodes displace this one.
            idempotency_key: Names the lesson; made anew for each call when left out. A call with
                the key of an error (``error.idempotency_key``) goes on where that one ended.

        Raises:
            InvalidInput: If the stimulus cannot be sent, or not exactly one of target and reward
                is given.
            ServiceError: If it was not taught, or ``maybe_done``.
        """
        return self._client._ask(
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

    def forget(
        self, *, label: str | None = None, entries: Iterable[int] | None = None
    ) -> BrainInfo:
        """Make it forget a class, or lessons as if they had never been given.

        Args:
            label: Name of a class.
            entries: Numbers of entries, as ``learn(...).entry`` gave them.

        Raises:
            InvalidInput: If not exactly one of the two is given.
            ServiceError: If it does not know the class or has no such entry.
        """
        settle = settling.forget(self._client._retries, self.id, label=label, entries=entries)
        return self._client._converse(settle, self._client._exchange)

    # -- what it remembers, and the rules that it heeds ---------------------------------------

    def explain(
        self,
        stimulus: Any,
        label: str | None = None,
        fit: bool = False,
        maximum: float | None = None,
    ) -> Explanation:
        """Which features, lessons, memories and rules make an answer; print it for the words.

        Args:
            stimulus: As for :meth:`process`.
            label: The class to explain; the answer itself when left out.
            fit: As for :meth:`process`.
            maximum: As for :meth:`process`.

        Raises:
            InvalidRequest: If it does not know the class.
        """
        call = calls.explain(self.id, stimulus, label, fit=fit, maximum=maximum)
        return self._client._ask(call)

    def sleep(self, cycles: int = 4, *, idempotency_key: str | None = None) -> Sleep:
        """Let it replay what it lived through, so that it lasts.

        Args:
            cycles: Cycles of replay, 1 to 20.
            idempotency_key: Repeats an earlier call with this key instead of another night.

        Raises:
            InvalidRequest: If ``cycles`` is out of range.
        """
        return self._client._ask(calls.sleep(self.id, cycles, idempotency_key))

    def memories(self) -> Memories:
        """All that it remembers: episodes with their pictures, what is in mind, concepts."""
        return self._client._ask(calls.memories(self.id))

    def forget_memories(
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
        """Make it forget the episodes for which all that is given holds.

        What lessons wrote to its weights stays; :meth:`forget` takes that back.

        Args:
            what: What they were said to be.
            where: Where they happened.
            who: Who told.
            first: The earliest time.
            last: The latest time.
            clock: Whether times are those that were said (``"when"``) or numbers of entries.
            like: A stimulus that they are like.
            likeness: How like it at least, a cosine.
            fit: As for :meth:`process`.
            maximum: As for :meth:`process`.
            idempotency_key: Repeats an earlier call with this key; what came since is not touched.

        Returns:
            The entries of the episodes that were forgotten.

        Raises:
            InvalidInput: If nothing says which.
        """
        return self._client._ask(
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

    def rules(self) -> tuple[Rule, ...]:
        """The rules over its answers, in the order in which it took them on."""
        return self._client._ask(calls.rules(self.id))

    def add_rules(self, text: str, *, idempotency_key: str | None = None) -> tuple[Rule, ...]:
        """Let it take on rules, a line each.

        Args:
            text: Such as ``parity: even(x) <- digit(x, 2) | digit(x, 4)``.
            idempotency_key: Repeats an earlier call with this key.

        Returns:
            All its rules.

        Raises:
            InvalidRequest: If a rule cannot be read, makes no sense, or clashes with others.
        """
        return self._client._ask(calls.add_rules(self.id, text, idempotency_key))

    def remove_rule(self, name: str, *, idempotency_key: str | None = None) -> tuple[Rule, ...]:
        """Let it give up a rule.

        Returns:
            The rules that are left.

        Raises:
            NotFound: If it has no rule of this name.
        """
        return self._client._ask(calls.remove_rule(self.id, name, idempotency_key))

    # -- its past -----------------------------------------------------------------------------

    def entries(self) -> Iterator[Entry]:
        """Its history, in order, fetched page by page."""
        return self._client._pages(lambda after: calls.entries(self.id, after))

    def snapshot(self, name: str | None = None, *, idempotency_key: str | None = None) -> Snapshot:
        """Keep this moment."""
        return self._client._ask(calls.snapshot(self.id, name, idempotency_key))

    def snapshots(self) -> Iterator[Snapshot]:
        """The moments that were kept, the latest first, fetched page by page."""
        return self._client._pages(lambda after: calls.snapshots(self.id, after))

    def restore(self, snapshot: Snapshot | str) -> BrainInfo:
        """Return to a moment that was kept; what came since is undone.

        Raises:
            NotFound: If there is no such snapshot.
            Unavailable: If the answer was lost; it is not sent again then, as that could undo what
                others have taught in between.
        """
        snapshot_id = snapshot.id if isinstance(snapshot, Snapshot) else snapshot
        return self._client._ask(calls.restore(self.id, snapshot_id))

    def raster(self) -> Raster:
        """The spikes of its last thought.

        Raises:
            NotFound: If it has not thought since the service started.
        """
        return self._client._ask(calls.raster(self.id))

    def raster_png(self) -> bytes:
        """The same as a picture, a PNG file."""
        return self._client._ask(calls.raster_png(self.id))

    def events(self) -> Generator[Event, None, None]:
        """What it lives through from now on, as it happens; ends when the service stops.

        Leaving the loop closes the connection.

        Raises:
            Unavailable: If the connection breaks.
        """
        return self._client._events(self.id)

    def delete(self) -> None:
        """Delete it, with all that is kept of it.

        Raises:
            NotFound: If there is no such brain.
        """
        self._client._converse(
            settling.delete(self._client._retries, self.id), self._client._exchange
        )
