"""A life: everything that makes one individual another than its neighbour, as a value.

What happens to an individual is a sequence of entries; :func:`live` takes a life and an entry and
gives the next life. A journal is therefore enough to live again: the same network, the same first
life and the same entries give the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from neurallayers.brain.journal import Entry
from neurallayers.brain.network import BrainNetwork, BrainState
from neurallayers.brain.thinking import Thinking, experience, reinforce, teach
from neurallayers.dynamics import LessonTrace
from neurallayers.errors import InvalidInput, JournalError
from neurallayers.registry import nearest_name
from neurallayers.senses import as_images

LESSONS_KEPT = 1000


@dataclass(frozen=True)
class Ledger:
    """What the last lessons wrote, so that an answer can be traced back to them.

    Attributes:
        entries: int64 ``[lessons]``, the journal entry of each.
        taught: int64 ``[lessons]``, the slot taught; -1 for a reward.
        keys: ``[lessons, features]``.
        coefficients: ``[lessons, slots]``.
        offsets: ``[lessons]``.
    """

    entries: Tensor
    taught: Tensor
    keys: Tensor
    coefficients: Tensor
    offsets: Tensor

    @classmethod
    def empty(cls, features: int, slots: int) -> Ledger:
        """A ledger without lessons."""
        return cls(
            torch.zeros(0, dtype=torch.int64),
            torch.zeros(0, dtype=torch.int64),
            torch.zeros(0, features),
            torch.zeros(0, slots),
            torch.zeros(0),
        )

    def add(self, entry: int, slot: int, lesson: LessonTrace) -> Ledger:
        """The ledger with one more lesson; the oldest beyond 1000 is dropped from it."""
        return Ledger(
            torch.cat([self.entries, torch.tensor([entry])])[-LESSONS_KEPT:],
            torch.cat([self.taught, torch.tensor([slot])])[-LESSONS_KEPT:],
            torch.cat([self.keys, lesson.key])[-LESSONS_KEPT:],
            torch.cat([self.coefficients, lesson.coefficient])[-LESSONS_KEPT:],
            torch.cat([self.offsets, lesson.offset])[-LESSONS_KEPT:],
        )

    def named(self) -> dict[str, Tensor]:
        """As tensors for a snapshot."""
        return {
            "entries": self.entries,
            "taught": self.taught,
            "keys": self.keys,
            "coefficients": self.coefficients,
            "offsets": self.offsets,
        }


@dataclass(frozen=True)
class Life:
    """One individual at one moment.

    Attributes:
        state: Its state, one row.
        labels: Name of the class of each slot; none where a slot is free.
        ledger: What its last lessons wrote.
        sequence: Number of its last journal entry.
    """

    state: BrainState
    labels: tuple[str | None, ...]
    ledger: Ledger
    sequence: int = 0

    @classmethod
    def begin(cls, network: BrainNetwork, seed: int = 0) -> Life:
        """A new-born individual."""
        state = network.initial_state(1, seed=seed)
        slots = state.readout.known.shape[-1]
        trained = network.spec.readout.labels
        return cls(
            state,
            (*trained, *([None] * (slots - len(trained)))),
            Ledger.empty(network.readout.in_shape[0], slots),
        )

    @property
    def known_labels(self) -> tuple[str, ...]:
        """Names of the classes that it knows."""
        return tuple(label for label in self.labels if label is not None)

    def slot(self, label: str) -> int:
        """The slot of a class.

        Raises:
            InvalidInput: If the individual does not know it.
        """
        if label not in self.labels:
            raise InvalidInput(
                f"This brain does not know {label!r}.", nearest_name(label, list(self.known_labels))
            )
        return self.labels.index(label)


@dataclass(frozen=True)
class Outcome:
    """What an entry brought about besides the next life.

    Attributes:
        thinking: What was thought, if there was a stimulus.
        lesson: What was written, if it was a lesson.
    """

    thinking: Thinking | None = None
    lesson: LessonTrace | None = None


def live(network: BrainNetwork, life: Life, entry: Entry) -> tuple[Life, Outcome]:
    """The next life.

    Args:
        network: The individual's network.
        life: The life so far.
        entry: What happens.

    Returns:
        The life afterwards and what came of it.

    Raises:
        JournalError: If the kind of the entry is not known.
        InvalidInput: If the entry does not make sense for this life.
    """
    happenings = {
        "lesson": _lesson,
        "reward": _reward,
        "stimulus": _stimulus,
        "forget_class": _forget_class,
    }
    if entry.kind not in happenings:
        raise JournalError(
            f"Entry {entry.sequence} is of kind {entry.kind!r}.",
            "It was written by a newer release; upgrade neurallayers.",
        )
    after, outcome = happenings[entry.kind](network, life, entry)
    return replace(after, sequence=entry.sequence), outcome


def _image(network: BrainNetwork, entry: Entry) -> Tensor:
    return as_images(entry.tensors["stimulus"], network.spec.sense.shape)


def _stimulus(network: BrainNetwork, life: Life, entry: Entry) -> tuple[Life, Outcome]:
    thinking = experience(network, life.state, _image(network, entry))
    return replace(life, state=thinking.state), Outcome(thinking)


def _lesson(network: BrainNetwork, life: Life, entry: Entry) -> tuple[Life, Outcome]:
    label = str(entry.content["target"])
    life = _with_slot_for(network, life, label)
    slot = life.labels.index(label)
    thinking, lesson = teach(
        network, life.state, _image(network, entry), torch.tensor([slot], dtype=torch.int64)
    )
    ledger = life.ledger.add(entry.sequence, slot, lesson)
    return replace(life, state=thinking.state, ledger=ledger), Outcome(thinking, lesson)


def _reward(network: BrainNetwork, life: Life, entry: Entry) -> tuple[Life, Outcome]:
    if not life.known_labels:
        # All lessons were forgotten since: there is no answer left to reward.
        return life, Outcome()
    reward = torch.tensor([float(entry.content["reward"])])
    thinking, lesson = reinforce(network, life.state, _image(network, entry), reward)
    ledger = life.ledger.add(entry.sequence, -1, lesson)
    return replace(life, state=thinking.state, ledger=ledger), Outcome(thinking, lesson)


def _with_slot_for(network: BrainNetwork, life: Life, label: str) -> Life:
    """The same life with a slot for a label; it doubles its room when all slots are taken."""
    if label in life.labels:
        return life
    # A slot of training keeps its slow weights even when its class was forgotten, so that a new
    # class never moves in there.
    trained = network.readout.n_out
    if None not in life.labels[trained:]:
        slots = 2 * len(life.labels)
        extra = slots - len(life.labels)
        ledger = life.ledger
        life = replace(
            life,
            state=life.state._replace(readout=network.readout.grow(life.state.readout, slots)),
            labels=(*life.labels, *([None] * extra)),
            ledger=replace(ledger, coefficients=functional.pad(ledger.coefficients, (0, extra))),
        )
    slot = life.labels.index(None, trained)
    return replace(life, labels=(*life.labels[:slot], label, *life.labels[slot + 1 :]))


def _forget_class(network: BrainNetwork, life: Life, entry: Entry) -> tuple[Life, Outcome]:
    """Free the slot and take back what its lessons did to rival classes.

    When the lessons that introduced the class were themselves forgotten, nothing is left to do.
    """
    label = str(entry.content["label"])
    if label not in life.labels:
        return life, Outcome()
    slot = life.slot(label)
    readout, ledger = life.state.readout, life.ledger
    own = ledger.taught == slot
    undone = ledger.coefficients.clone()
    undone[:, slot] = 0
    for row in own.nonzero()[:, 0].tolist():
        readout, _ = network.readout.write(
            readout,
            LessonTrace(
                ledger.keys[row : row + 1],
                -undone[row : row + 1],
                ledger.offsets[row : row + 1],
            ),
        )
    kept = ~own
    return replace(
        life,
        state=life.state._replace(readout=network.readout.forget(readout, slot)),
        labels=(*life.labels[:slot], None, *life.labels[slot + 1 :]),
        ledger=Ledger(
            ledger.entries[kept],
            ledger.taught[kept],
            ledger.keys[kept],
            undone[kept],
            ledger.offsets[kept],
        ),
    ), Outcome()


def ledger_from(named: Mapping[str, Tensor], features: int, slots: int) -> Ledger:
    """A ledger from the tensors of a snapshot.

    Raises:
        InvalidInput: If they do not fit each other or the network.
    """
    expected: dict[str, tuple[Any, ...]] = {
        "entries": (),
        "taught": (),
        "keys": (features,),
        "coefficients": (slots,),
        "offsets": (),
    }
    count = named["entries"].shape[:1] if "entries" in named else (-1,)
    shapes = {name: tuple(tensor.shape) for name, tensor in named.items()}
    wanted = {name: (*count, *shape) for name, shape in expected.items()}
    if shapes != wanted:
        raise InvalidInput(
            f"The ledger of lessons has shapes {shapes}.", "The snapshot is not of this network."
        )
    return Ledger(**named)
