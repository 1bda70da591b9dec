"""What an individual keeps beside its network's state: memories, rules and its own vital signs.

Like all of a life it is a value. Its tensors are one named tuple with a leading batch axis, so that
the minds of many individuals are worked on together; names and rules are texts.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from neurallayers.brain.alerts import vitals_of, watcher
from neurallayers.brain.spec import BrainSpec
from neurallayers.measures.monitoring import MonitorState, UnifiedMonitoringIndex
from neurallayers.memory import (
    Concepts,
    Consolidation,
    Episodes,
    EpisodicMemory,
    SemanticMemory,
    WorkingMemory,
    WorkingMemoryState,
)
from neurallayers.memory.keys import unit
from neurallayers.seeding import stream
from neurallayers.state import map_state

if TYPE_CHECKING:
    from neurallayers.brain.network import BrainNetwork

S = TypeVar("S")

#: Cosine from which what is in mind is the same as an episode.
SAME = 0.95


class MindState(NamedTuple):
    """The tensors of a mind, one row for each individual."""

    working: WorkingMemoryState
    episodes: Episodes
    concepts: Concepts
    watch: MonitorState  # what is usual of its vital signs


class Catalogue(NamedTuple):
    """The episodes of one individual, to be looked up: those that are held, by their slots."""

    slots: list[int]
    keys: npt.NDArray[np.float32]  # [episodes, key_size], of length one
    facts: list[tuple[int, int, int, int, int, float, float]]
    """Entry, what, where, when, who, surprise [bits], importance of each."""


def catalogue_of(episodes: Episodes) -> Catalogue:
    """The catalogue of episodes of one row."""
    slots = (episodes.entry[0] >= 0).nonzero()[:, 0].tolist()
    columns = [
        part[0, slots].tolist()
        for part in (
            episodes.entry,
            episodes.what,
            episodes.where,
            episodes.when,
            episodes.who,
            episodes.surprise,
            episodes.importance,
        )
    ]
    keys = unit(episodes.keys[0, slots]).numpy()
    return Catalogue(slots, keys, list(zip(*columns, strict=True)))


@dataclass(frozen=True)
class Mind:
    """What an individual remembers, the rules that it heeds.

    Attributes:
        state: Its memories, one row.
        names: What the numbers in its memories stand for: classes, places, sources. None where a
            name was forgotten.
        rules: The rules over its answers, each as it was given, in the order in which they came.
    """

    state: MindState
    names: tuple[str | None, ...] = ()
    rules: tuple[str, ...] = ()
    #: How many episodes it holds; counted once, as every thought asks for it.
    held: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "held", int((self.state.episodes.entry >= 0).sum()))

    @functools.cached_property
    def catalogue(self) -> Catalogue:
        """Its episodes in the form in which every thought looks them up; made once."""
        return catalogue_of(self.state.episodes)

    def number(self, name: str | None) -> int:
        """The number that stands for a name; -1 if it is none, or not known."""
        return -1 if name is None or name not in self.names else self.names.index(name)

    def name(self, number: int) -> str | None:
        """What a number stands for."""
        return self.names[number] if 0 <= number < len(self.names) else None

    def naming(self, names: Iterable[str | None]) -> Mind:
        """The mind with a number for each of these names; forgotten ones leave theirs to others."""
        known = list(self.names)
        for name in names:
            if name is None or name in known:
                continue
            if None in known:
                known[known.index(None)] = name
            else:
                known.append(name)
        return self if tuple(known) == self.names else replace(self, names=tuple(known))

    def tidied(self) -> Mind:
        """The mind without names that none of its memories uses any more."""
        episodes, concepts = self.state.episodes, self.state.concepts
        numbers = [episodes.what, episodes.where, episodes.who, concepts.what]
        used = set(torch.cat([part.reshape(-1) for part in numbers]).tolist())
        kept = [name if i in used else None for i, name in enumerate(self.names)]
        while kept and kept[-1] is None:
            kept.pop()
        return replace(self, names=tuple(kept))


@dataclass(frozen=True, eq=False)
class Faculties:
    """The memories of the brains of one network: their sizes and rules, nothing remembered.

    Attributes:
        working: What is in mind.
        episodic: What happened.
        semantic: What much of it has in common.
        index: What watches its vital signs.
        vitals: What these are called.
        projection: Random directions ``[features, key_size]`` on which what the read-out receives
            is laid down to find it again. Such projections keep angles, with an error that falls
            with the root of their number (Johnson and Lindenstrauss 1984, Contemp. Math. 26:189).
        novelty: How unlike all that is remembered a stimulus must be to be kept.
        elapsed_ms: Time that a stimulus takes [ms].
    """

    working: WorkingMemory
    episodic: EpisodicMemory
    semantic: SemanticMemory
    index: UnifiedMonitoringIndex
    vitals: tuple[str, ...]
    projection: Tensor
    novelty: float
    elapsed_ms: float

    @classmethod
    def of(cls, spec: BrainSpec, image_shape: Sequence[int], features: int) -> Faculties:
        """The faculties that a spec describes."""
        memory = spec.memory
        return cls(
            WorkingMemory(memory.key_size, memory.working, decay_ms=memory.working_ms, match=SAME),
            EpisodicMemory(
                key_size=memory.key_size,
                content_shape=tuple(image_shape),
                slots=memory.episodes,
                content_dtype=torch.uint8,
            ),
            SemanticMemory(key_size=memory.key_size, prototypes=memory.concepts),
            watcher([region.name for region in spec.regions]),
            vitals_of([region.name for region in spec.regions]),
            _directions(features, memory.key_size),
            memory.novelty,
            spec.steps * spec.dt_ms,
        )

    @functools.cached_property
    def consolidation(self) -> Consolidation:
        """How a night goes."""
        return Consolidation(
            episodic=self.episodic, semantic=self.semantic, replays=max(8, self.episodic.slots // 4)
        )

    @property
    def names_at_most(self) -> int:
        """So many names are kept before those that no memory uses are looked for."""
        return 4 * (self.episodic.slots + self.semantic.prototypes)

    def newborn(self) -> Mind:
        """A mind without a past; it is a value, so that all new-borns share one."""
        return self._newborn

    @functools.cached_property
    def _newborn(self) -> Mind:
        return Mind(
            MindState(
                self.working.initial_state(),
                self.episodic.initial_state(),
                self.semantic.initial_state(),
                self.index.initial_state(),
            )
        )

    def keys(self, network: BrainNetwork, features: Tensor) -> Tensor:
        """By what stimuli are found again, ``[batch, key_size]``.

        Args:
            network: The network, which knows what its stimuli have in common.
            features: What the read-out received, ``[batch, features]``.
        """
        centred = features.float() - network.readout.mean.float()
        # One row after the other: the bits of a product depend on how many rows it has.
        return torch.cat([row[None] @ self.projection for row in centred])


@functools.lru_cache(maxsize=64)
def _directions(features: int, key_size: int) -> Tensor:
    drawn = torch.randn(features, key_size, generator=stream(0, "mind", "projection"))
    return drawn.mul_(key_size**-0.5)


def row_of(state: S, number: int) -> S:
    """The memories of one individual, as a copy."""
    return map_state(lambda tensor: tensor[number : number + 1].clone(), state)
