"""A life: everything that makes one individual another than its neighbour, as a value.

What happens to an individual is a sequence of entries, and
:func:`neurallayers.brain.living.live` takes a life and an entry and gives the next life. A journal
is therefore enough to live again: the same network, the same first life and the same entries give
the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from neurallayers.brain.mind import Mind
from neurallayers.brain.network import BrainNetwork, BrainState
from neurallayers.dynamics import LessonTrace
from neurallayers.errors import InvalidInput
from neurallayers.registry import nearest_name

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
        mind: What it remembers, and its rules.
        sequence: Number of its last journal entry.
    """

    state: BrainState
    labels: tuple[str | None, ...]
    ledger: Ledger
    mind: Mind
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
            network.faculties.newborn(),
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
