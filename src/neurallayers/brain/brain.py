"""A living individual: a network and a life, and what one does with it."""

from __future__ import annotations

import logging
import operator
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, SupportsIndex

from torch import Tensor

from neurallayers.brain.context import as_context
from neurallayers.brain.explanation import Explanation, explain, with_reasons
from neurallayers.brain.feedback import as_label, feedback
from neurallayers.brain.home import Home
from neurallayers.brain.journal import Entry
from neurallayers.brain.life import Life
from neurallayers.brain.living import live
from neurallayers.brain.memories import Memories
from neurallayers.brain.mind import Mind
from neurallayers.brain.network import BrainNetwork
from neurallayers.brain.outcome import Lesson, Outcome
from neurallayers.brain.pretrained import load_pretrained, network_from
from neurallayers.brain.reflecting import reflect
from neurallayers.brain.rulebook import Rules
from neurallayers.brain.sleeping import Sleep, as_cycles
from neurallayers.brain.snapshot import read_snapshot, write_snapshot
from neurallayers.brain.spec import BrainSpec
from neurallayers.brain.stored_life import life_from, life_manifest, life_parts
from neurallayers.brain.thinking import ROWS_AT_ONCE, Thinking, keeps_rows_apart, think
from neurallayers.brain.thought import Thought, decode, decode_rows, padded_labels
from neurallayers.errors import InvalidInput, JournalError, NeuralLayersError, SnapshotError
from neurallayers.senses import as_images
from neurallayers.state import to_named

log = logging.getLogger(__name__)

KIND = "brain"


@dataclass(frozen=True)
class Checkpoint:
    """A moment to return to.

    Attributes:
        sequence: Number of the last entry before it.
        life: The individual then.
    """

    sequence: int
    life: Life


class Brain:
    """One individual: a network that it shares and a life of its own.

    This is the one place that holds a state for convenience; everything it does is a pure function
    from :mod:`neurallayers.brain.life` or :mod:`neurallayers.brain.thinking`. A brain is not safe
    for use by several threads at once; forks are.

    Args:
        network: Its network; never changed.
        seed: Seed of the randomness within its steps (noisy encoders).

    >>> import torch
    >>> from neurallayers.brain.presets import preset
    >>> brain = Brain(BrainNetwork(preset("hasn-nano")))
    >>> brain.process(torch.zeros(8, 8)).label in brain.labels
    True
    """

    def __init__(self, network: BrainNetwork, *, seed: int = 0) -> None:
        self._begin(network, Life.begin(network, seed))

    def _begin(self, network: BrainNetwork, life: Life, home: Home | None = None) -> None:
        self.network, self.life, self._home = network, life, home
        self._checkpoints: list[Checkpoint] = []

    @classmethod
    def _living(cls, network: BrainNetwork, life: Life, home: Home | None = None) -> Self:
        """An individual that has lived already."""
        brain = cls.__new__(cls)
        brain._begin(network, life, home)
        return brain

    # -- where brains come from ---------------------------------------------------------------

    @classmethod
    def from_pretrained(cls, name_or_folder: str | Path, *, seed: int = 0) -> Brain:
        """A new-born brain with a trained network.

        Args:
            name_or_folder: Name of a network that ships with the package, or a folder.
            seed: Seed of the randomness within its steps.

        Raises:
            UnknownName: If there is no such network.
            SnapshotError: If its files are damaged.
        """
        return cls(load_pretrained(name_or_folder), seed=seed)

    @classmethod
    def load(cls, path: str | Path) -> Brain:
        """A brain from the one file that :meth:`save` wrote.

        Raises:
            SnapshotError: If the file is missing, truncated, altered, newer than this release or
                not a brain.
        """
        snapshot = read_snapshot(path, kind=KIND)
        try:
            spec = BrainSpec.from_dict(snapshot.manifest["spec"])
            seed = int(snapshot.manifest["seed"])
            network = network_from(spec, snapshot.parts["network"], str(path), seed=seed)
            life = life_from(network, snapshot.manifest, snapshot.parts)
        except SnapshotError:
            raise
        except (NeuralLayersError, KeyError, TypeError, ValueError) as error:
            raise SnapshotError(
                f"{path} does not hold a whole brain ({error}).", "Load another copy."
            ) from error
        return cls._living(network, life)

    @classmethod
    def open(
        cls,
        folder: str | Path,
        network: BrainNetwork | str | Path | None = None,
        *,
        snapshot_every: int = 100,
        seed: int = 0,
    ) -> Brain:
        """A brain that lives in a folder: what it learned survives a crash.

        Every lesson and stateful stimulus is on the disk before the call returns. Opening restores
        the last snapshot and lives through the journal after it, to the same bits.

        Args:
            folder: Its folder; a new brain is born if it is missing or empty.
            network: Network of a new brain, or a name or folder for
                :func:`~neurallayers.brain.pretrained.load_pretrained`. For a brain that exists it
                may be left out; if given, it must be the same.
            snapshot_every: Entries between snapshots.
            seed: Seed of a new brain.

        Raises:
            JournalError: If the folder is in use, damaged, or of another network.
            SnapshotError: If its network file is damaged.
        """
        if isinstance(network, str | Path):
            network = load_pretrained(network)
        home = Home.open(folder, network, seed=seed, snapshot_every=snapshot_every)
        try:
            brain = cls._living(home.network, home.restore(), home)
        except BaseException:
            home.close()
            raise
        if not brain.self_check():
            log.warning("brain.batches_change_bits", extra={"folder": str(folder)})
        return brain

    def fork(self) -> Brain:
        """An independent copy, in memory: what one learns the other does not."""
        return self._living(self.network, self.life)

    # -- what it knows ------------------------------------------------------------------------

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes that it knows."""
        return self.life.known_labels

    @property
    def sequence(self) -> int:
        """Number of the last entry of its history."""
        return self.life.sequence

    @property
    def memory(self) -> Memories:
        """What it remembers."""
        return Memories(self)

    @property
    def rules(self) -> Rules:
        """The rules over its answers."""
        return Rules(self)

    def __repr__(self) -> str:
        known, spec = len(self.labels), self.network.spec
        return f"Brain({spec.name!r}, knows {known} classes, {self.sequence} entries)"

    # -- thinking -----------------------------------------------------------------------------

    def process(
        self,
        stimulus: Any,
        *,
        stateful: bool = False,
        where: str | None = None,
        when: SupportsIndex | None = None,
        who: str | None = None,
    ) -> Thought:
        """Think about one stimulus.

        Args:
            stimulus: An image ``[height, width]`` or ``[height, width, channels]``, of bytes or of
                numbers in 0..1.
            stateful: Live through it: activity goes on from where it was, noise moves on and
                homeostasis follows; what is new is remembered. Left out, the brain begins from
                rest and is the same afterwards as before, so that the order of questions does not
                matter.
            where: Where it happens, for its memory.
            when: When it happens, a whole number in your unit, such as seconds since 1970.
            who: Who shows it.

        Raises:
            InvalidInput: If the stimulus has the wrong shape, range, dtype or holds NaN, or its
                circumstances are given without ``stateful``.
            JournalError: If the brain lives in a folder and the stimulus could not be recorded.
        """
        context = as_context(where=where, when=when, who=who)
        if not stateful:
            if context:
                raise InvalidInput(
                    f"{', '.join(context)} would be forgotten at once.", "Add stateful=True."
                )
            return self.process_batch(self.one(stimulus))[0]
        content = {"context": context} if context else {}
        before = self.life.mind
        outcome = self.happen("stimulus", content, {"stimulus": self._stored(stimulus)})
        thought = self._thought(outcome.thinking, before, self.life.labels)
        return replace(thought, alerts=outcome.alerts)

    def process_batch(self, stimuli: Any) -> list[Thought]:
        """Think about many stimuli, each from rest; the answers are those of :meth:`process`.

        Args:
            stimuli: Images ``[batch, height, width]`` or ``[batch, height, width, channels]``.

        Raises:
            InvalidInput: If the stimuli have the wrong shape, range, dtype or hold NaN.
        """
        images = as_images(stimuli, self.network.spec.sense.shape)
        thoughts: list[Thought] = []
        # In parts, as each row has a copy of the state while it is thought about.
        for part in images.split(ROWS_AT_ONCE):
            thinking = think(self.network, self.life.state, part)
            labels = dict.fromkeys(range(len(part)), self.life.labels)
            minds = dict.fromkeys(labels, self.life.mind)
            thoughts += reflect(
                self.network, minds, thinking, decode_rows(self.network, thinking, labels)
            )
        return thoughts

    def explain(self, stimulus: Any, label: str | SupportsIndex | None = None) -> Explanation:
        """Say which features, lessons, memories and rules make an answer.

        Args:
            stimulus: An image, as for :meth:`process`.
            label: The class to explain; the answer itself when left out.

        Raises:
            InvalidInput: If the brain does not know the class.
        """
        thinking = think(self.network, self.life.state, self.one(stimulus))
        thought = self._thought(thinking, self.life.mind, self.life.labels)
        label = thought.label if label is None else label
        if label is None:
            raise InvalidInput("This brain knows no class.", "Teach it one first.")
        explanation = explain(self.network, self.life, thinking, as_label(label))
        return with_reasons(explanation, self.life, thought)

    # -- learning -----------------------------------------------------------------------------

    def learn(
        self,
        stimulus: Any,
        target: str | SupportsIndex | None = None,
        *,
        reward: float | None = None,
        where: str | None = None,
        when: SupportsIndex | None = None,
        who: str | None = None,
        pinned: bool = False,
    ) -> Lesson:
        """Learn from one example, at once, and remember it.

        Args:
            stimulus: An image, as for :meth:`process`.
            target: What it is. A name that the brain does not know yet becomes a new class.
            reward: Or how good the brain's own answer to it is, usually between -1 and 1.
            where: Where it happens, for its memory.
            when: When it happens, a whole number in your unit, such as seconds since 1970.
            who: Who says so.
            pinned: Never let other episodes displace this one.

        Raises:
            InvalidInput: If the stimulus is wrong, or not exactly one of target and reward given.
            JournalError: If the brain lives in a folder and the lesson could not be recorded; it
                has then not been learned either.
        """
        kind, content = feedback(target, reward, knows_a_class=bool(self.labels))
        context = as_context(where=where, when=when, who=who, pinned=pinned)
        content |= {"context": context} if context else {}
        before = self.life
        outcome = self.happen(kind, content, {"stimulus": self._stored(stimulus)})
        labels = padded_labels(before.labels, self.life.labels)
        thought = self._thought(outcome.thinking, before.mind, labels)
        thought = replace(thought, alerts=outcome.alerts)
        return Lesson(self.life.sequence, thought, outcome.change)

    def sleep(self, cycles: int = 4) -> Sleep:
        """Replay what was lived through, so that it lasts; see :mod:`neurallayers.brain.sleeping`.

        Args:
            cycles: Cycles of replay, 1 to 100.

        Raises:
            InvalidInput: If ``cycles`` is out of range.
            JournalError: If the brain lives in a folder and the night could not be recorded.
        """
        night = self.happen("sleep", {"cycles": as_cycles(cycles)}, {}).sleep
        assert night is not None
        return night

    def forget_class(self, label: str | SupportsIndex) -> None:
        """Forget a class: its name, what its lessons wrote, and what they did to other classes.

        What lessons beyond the last 1000 did to other classes stays. The lessons stay in the
        journal; use :meth:`forget` to remove them from there as well.

        Raises:
            InvalidInput: If the brain does not know it.
        """
        self.life.slot(as_label(label))
        self.happen("forget_class", {"label": as_label(label)}, {})

    def forget(self, entries: SupportsIndex | Iterable[SupportsIndex]) -> None:
        """Become the brain that never lived through these entries.

        The journal is rewritten without them and lived through again, so that nothing of them is
        left in weights or files.

        Args:
            entries: Number of an entry, as ``learn(...).entry`` gave it, or several.

        Raises:
            JournalError: If the brain does not live in a folder or there is no such entry.
        """
        several = entries if isinstance(entries, Iterable) else [entries]
        numbers = [operator.index(entry) for entry in several]
        if self._home is None:
            raise JournalError(
                f"Entries {numbers} cannot be forgotten: this brain keeps no journal.",
                "Open it on a folder (Brain.open), or use forget_class or rollback.",
            )
        self.life = self._home.forget(numbers)
        self._checkpoints = [
            point for point in self._checkpoints if point.sequence < min(numbers, default=0)
        ]

    # -- moments ------------------------------------------------------------------------------

    def checkpoint(self) -> Checkpoint:
        """Remember this moment; :meth:`rollback` returns to it."""
        point = Checkpoint(self.life.sequence, self.life)
        self._checkpoints.append(point)
        return point

    def rollback(self, to: Checkpoint | int | None = None) -> None:
        """Return to an earlier moment; what came since is undone.

        Args:
            to: A checkpoint, or for a brain in a folder also the number of an entry; the last
                checkpoint when left out.

        Raises:
            InvalidInput: If there is no such moment.
            JournalError: If it could not be recorded.
        """
        if to is None:
            if not self._checkpoints:
                raise InvalidInput("There is no checkpoint.", "Call checkpoint() first.")
            to = self._checkpoints[-1]
        sequence = to if isinstance(to, int) else to.sequence
        if self._home is not None:
            life = self._home.rollback(
                sequence,
                self.life.sequence + 1,
                expected=to.life if isinstance(to, Checkpoint) else None,
            )
        elif isinstance(to, Checkpoint):
            life = replace(to.life, sequence=self.life.sequence + 1)
        else:
            raise InvalidInput(
                f"This brain keeps no journal to return to entry {to} by.",
                "Pass what checkpoint() returned.",
            )
        self.life = life

    def save(self, path: str | Path) -> Path:
        """Write everything it is to one file: network, state, labels, lessons.

        The file appears whole or not at all.

        Raises:
            SnapshotError: If it cannot be written.
        """
        write_snapshot(
            path,
            kind=KIND,
            manifest={
                "spec": self.network.spec.to_dict(),
                "network": self.network.fingerprint(),
                "seed": self.network.seed,
                **life_manifest(self.life),
            },
            parts={
                "network": to_named(dict(self.network.state_dict())),
                **life_parts(self.life),
            },
        )
        return Path(path)

    def self_check(self) -> bool:
        """Whether this machine gives a row the same bits whoever shares its batch."""
        return keeps_rows_apart(self.network)

    def close(self) -> None:
        """Leave the folder, if it lives in one; the brain can still be used in memory by forks."""
        if self._home is not None:
            self._home.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # -- inside -------------------------------------------------------------------------------

    def _thought(
        self, thinking: Thinking | None, mind: Mind, labels: tuple[str | None, ...]
    ) -> Thought:
        """What was thought, one row, with what came to mind then."""
        assert thinking is not None
        thought = decode(self.network, thinking, labels)
        return reflect(self.network, {0: mind}, thinking, [thought])[0]

    def happen(self, kind: str, content: dict[str, Any], tensors: dict[str, Tensor]) -> Outcome:
        """Live through an entry; it counts only once it is on the disk.

        Args:
            kind: Kind of the entry, such as ``"lesson"``.
            content: Its JSON values.
            tensors: Its arrays.

        Raises:
            InvalidInput: If it does not make sense for this brain.
            JournalError: If the brain lives in a folder and it could not be recorded.
        """
        entry = Entry(self.life.sequence + 1, kind, content, tensors)
        life, outcome = live(self.network, self.life, entry)
        if self._home is not None:
            self._home.record(entry, life)
        self.life = life
        return outcome

    def one(self, stimulus: Any) -> Tensor:
        """A stimulus as its network takes it, ``[1, height, width, channels]``.

        Raises:
            InvalidInput: If it is wrong, or not one.
        """
        images = as_images(stimulus, self.network.spec.sense.shape)
        if len(images) != 1:
            raise InvalidInput(
                f"{len(images)} stimuli were given where one is expected.", "Use process_batch."
            )
        return images

    def _stored(self, stimulus: Any) -> Tensor:
        """The stimulus as the journal keeps it, so that replay sees the same numbers."""
        return self.one(stimulus)[0].clone()
