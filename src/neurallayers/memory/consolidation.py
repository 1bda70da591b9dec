r"""Sleep: episodes are replayed, strengthened, generalised and pruned; important ones are kept.

In each cycle of a night, episodes are drawn by counter-based randomness with probability

.. math:: p_i \propto (I_i + \epsilon) \; (1 - 2^{-s_i} + \epsilon) \; 2^{-a_i / h}

of importance :math:`I`, surprise :math:`s` [bits] and age :math:`a`, the number of newer episodes,
with half-life :math:`h`; :math:`\epsilon` gives every episode a chance. (What is replayed: reward
and surprise, Mattar & Daw 2018, Nat. Neurosci. 21:1609; recency, Kudrimoti, Barnes & McNaughton
1999, J. Neurosci. 19:4090; that replay interleaves old and new: McClelland, McNaughton & O'Reilly
1995, Psychol. Rev. 102:419.) Each replay

* strengthens the episode, :math:`S \leftarrow S + a`;
* teaches its key to the semantic memory;
* teaches which concept followed, from the next episode in the journal.

Then all strengths are scaled down, :math:`S \leftarrow \delta S` (synaptic homeostasis: Tononi &
Cirelli 2006, Sleep Med. Rev. 10:49). After the last cycle near duplicates are merged and episodes
that are too weak pruned. A **protected** episode (pinned, or of importance from
``EpisodicMemory.protected_from``) is neither pruned nor merged into another, whatever its strength.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.memory.episode import Episodes, column
from neurallayers.memory.episodic import EpisodicMemory
from neurallayers.memory.keys import checked_count, checked_number, unit
from neurallayers.memory.semantic import Concepts, SemanticMemory
from neurallayers.seeding import counter_uniform
from neurallayers.state import batch_size, gather, stack


@dataclass(frozen=True)
class SleepReport:
    """What a night did to one individual; episodes are named by their journal entries."""

    replayed: tuple[int, ...]  # in the order of replay
    strengthened: tuple[int, ...]  # stronger than before the night
    merged: tuple[tuple[int, int], ...]  # (kept, gone) pairs of near duplicates
    pruned: tuple[int, ...]
    founded: tuple[int, ...]  # concepts (slots) that are new
    changed: tuple[int, ...]  # concepts (slots) that moved


class Night(NamedTuple):
    """What is left after a night, and what happened."""

    episodes: Episodes
    concepts: Concepts
    reports: tuple[SleepReport, ...]  # one a row of the batch


def replay_priority(episodes: Episodes, *, half_life: float = 32.0, floor: float = 0.05) -> Tensor:
    """How probably each episode is the next to be replayed; see the module.

    Args:
        episodes: What is remembered.
        half_life: Number of newer episodes that halves the priority.
        floor: What importance and surprise are raised by, so that nothing is never replayed.

    Returns:
        float64 ``[batch, slots]``; rows add up to 1, or to 0 where nothing is held.

    Raises:
        InvalidInput: If an option is not positive.
    """
    half_life = checked_number("half_life", half_life, 0.0, open_=True)
    floor = checked_number("floor", floor, 0.0, open_=True)
    held = episodes.entry >= 0
    newer = (episodes.entry[:, None, :] > episodes.entry[:, :, None]).sum(-1)
    wonder = 1.0 - torch.exp2(-episodes.surprise.double())
    raw = (episodes.importance.double() + floor) * (wonder + floor)
    raw = torch.where(held, raw * torch.exp2(-newer.double() / half_life), 0.0)
    total = raw.sum(-1, keepdim=True)
    return raw / torch.where(total > 0, total, 1.0)


def replay_schedule(
    episodes: Episodes,
    count: int,
    counter: Tensor | int,
    *,
    seed: Tensor | int = 0,
    half_life: float = 32.0,
    floor: float = 0.05,
) -> Tensor:
    """Which episodes are replayed, in order: drawn with replacement by :func:`replay_priority`.

    Args:
        episodes: What is remembered.
        count: How many replays.
        counter: How many draws there were before, a number or int64 ``[batch]``; add one after
            each call. The same seed and counter give the same schedule.
        seed: Seed of the individual, a number or int64 ``[batch]``.
        half_life: See :func:`replay_priority`.
        floor: See :func:`replay_priority`.

    Returns:
        Slots, int64 ``[batch, count]``; -1 where nothing is held.

    Raises:
        InvalidInput: If an option is out of range.
    """
    count, rows = checked_count("count", count), batch_size(episodes)
    priority = replay_priority(episodes, half_life=half_life, floor=floor)
    drawn = counter_uniform(
        column("seed", seed, rows, torch.int64),
        column("counter", counter, rows, torch.int64),
        count,
    )
    summed = priority.cumsum(-1)
    total = summed[:, -1:]
    # "right" never chooses a slot of no priority, as its sum is that of the slot before.
    slots = torch.searchsorted(summed, drawn.double() * total, right=True)
    return torch.where(total > 0, slots.clamp(max=priority.shape[1] - 1), -1)


@dataclass(frozen=True, kw_only=True)
class Consolidation:
    """How a night goes; see the module for what it does.

    Args:
        episodic: The memory of the episodes.
        semantic: The memory of the concepts.
        replays: Replays in a cycle.
        reinforcement: Strength that a replay adds.
        downscaling: Factor of all strengths after a cycle.
        prune_below: Strength under which an unprotected episode is forgotten at the end.
        merge_from: Cosine from which two episodes with the same what, where and who are one; None:
            never.
        half_life: Number of newer episodes that halves the chance of replay.

    Raises:
        InvalidInput: If an option is out of range or the keys of the memories differ in length.

    >>> from neurallayers.memory.episodic import Episode
    >>> sleeping = Consolidation(
    ...     episodic=EpisodicMemory(key_size=2, slots=4),
    ...     semantic=SemanticMemory(key_size=2, prototypes=4),
    ...     replays=8,
    ... )
    >>> episodes = sleeping.episodic.initial_state()
    >>> for entry, key in enumerate(([1.0, 0.0], [0.0, 1.0])):
    ...     lived = Episode(torch.tensor([key]), torch.zeros(1), what=entry, entry=entry)
    ...     episodes = sleeping.episodic.store(episodes, lived)
    >>> night = sleeping.sleep(episodes, sleeping.semantic.initial_state(), counter=0)
    >>> sorted(set(night.reports[0].replayed)), night.reports[0].founded
    ([0, 1], (0, 1))
    """

    episodic: EpisodicMemory
    semantic: SemanticMemory
    replays: int = 32
    reinforcement: float = 0.25
    downscaling: float = 0.9
    prune_below: float = 0.3
    merge_from: float | None = 0.995
    half_life: float = 32.0

    def __post_init__(self) -> None:
        checked_count("replays", self.replays)
        checked_number("reinforcement", self.reinforcement, 0.0)
        checked_number("downscaling", self.downscaling, 0.0, 1.0, open_=True)
        checked_number("prune_below", self.prune_below, 0.0)
        checked_number("half_life", self.half_life, 0.0, open_=True)
        if self.merge_from is not None:
            checked_number("merge_from", self.merge_from, 0.0, 1.0, open_=True)
        if self.episodic.key_size != self.semantic.key_size:
            raise InvalidInput(
                f"Keys have {self.episodic.key_size} and {self.semantic.key_size} components.",
                "Give both memories the same key_size.",
            )

    def sleep(
        self,
        episodes: Episodes,
        concepts: Concepts,
        *,
        cycles: int = 4,
        counter: Tensor | int = 0,
        seed: Tensor | int = 0,
        now: Tensor | int = -1,
    ) -> Night:
        """A night: the memories after it, and a report for each row.

        Args:
            episodes: What is remembered.
            concepts: What is known.
            cycles: Cycles of replay and downscaling.
            counter: Draws before this night; it uses ``cycles`` of them.
            seed: Seed of the individual.
            now: The time, in the unit of the episodes' ``when``; -1: not said.

        Raises:
            InvalidInput: If an option is out of range.
            ShapeMismatch: If the states have different numbers of rows or belong to others.
        """
        checked_count("cycles", cycles)
        rows = batch_size(episodes)
        if batch_size(concepts) != rows:
            raise ShapeMismatch(
                f"There are {rows} rows of episodes and {batch_size(concepts)} of concepts.",
                "Let the memories of the same individuals sleep together.",
            )
        counters = column("counter", counter, rows, torch.int64)
        seeds = column("seed", seed, rows, torch.int64)
        times = column("now", now, rows, torch.int64)
        # Nights are dreamt alone: what one row merges or founds takes other steps than the next.
        nights = [
            self._night(
                gather(episodes, [row]),
                gather(concepts, [row]),
                (int(counters[row]), int(seeds[row]), int(times[row])),
                cycles,
            )
            for row in range(rows)
        ]
        return Night(
            stack([night.episodes for night in nights]),
            stack([night.concepts for night in nights]),
            tuple(night.reports[0] for night in nights),
        )

    def _night(
        self, episodes: Episodes, concepts: Concepts, drawing: tuple[int, int, int], cycles: int
    ) -> Night:
        counter, seed, now = drawing
        before = episodes
        replayed: list[int] = []
        founded: list[int] = []
        touched: list[int] = []
        following = _successors(episodes)
        for cycle in range(cycles):
            order = replay_schedule(
                episodes, self.replays, counter + cycle, seed=seed, half_life=self.half_life
            )
            slots = [slot for slot in order[0].tolist() if slot >= 0]
            replayed += slots
            for slot in slots:
                concepts, home, new = self._generalised(concepts, episodes, slot, following)
                touched.append(home)
                founded += [home] if new else []
            episodes = self._strengthened(episodes, slots, now)
        entries = before.entry[0]
        episodes, merged = self._without_duplicates(episodes)
        episodes, pruned = self._pruned(episodes)
        stronger = (episodes.strength > before.strength) & (episodes.entry >= 0)
        report = SleepReport(
            replayed=tuple(int(entries[slot]) for slot in replayed),
            strengthened=_entries(episodes, stronger),
            merged=merged,
            pruned=pruned,
            founded=tuple(sorted(set(founded))),
            changed=tuple(sorted(set(touched) - set(founded))),
        )
        return Night(episodes, concepts, (report,))

    def _generalised(
        self, concepts: Concepts, episodes: Episodes, slot: int, following: list[int]
    ) -> tuple[Concepts, int, bool]:
        """What one replay teaches: the concept itself and which one followed it."""
        learned = self.semantic.learn(
            concepts, episodes.keys[:, slot], episodes.what[:, slot], weight=1.0
        )
        concepts, then = learned.concepts, following[slot]
        if then >= 0:
            later = self.semantic.home(concepts, episodes.keys[:, then], episodes.what[:, then])
            concepts = self.semantic.associate(concepts, learned.slots, later)
        return concepts, int(learned.slots), bool(learned.founded)

    def _strengthened(self, episodes: Episodes, slots: list[int], now: int) -> Episodes:
        """The episodes after a cycle: replay strengthens, then everything is scaled down."""
        times = torch.zeros_like(episodes.recalled)
        times.index_add_(1, torch.tensor(slots, dtype=torch.int64), times.new_ones(1, len(slots)))
        gained = episodes.strength + self.reinforcement * times
        later = torch.where(times > 0, episodes.touched.clamp(min=now), episodes.touched)
        return episodes._replace(
            strength=self.downscaling * gained, recalled=episodes.recalled + times, touched=later
        )

    def _without_duplicates(
        self, episodes: Episodes
    ) -> tuple[Episodes, tuple[tuple[int, int], ...]]:
        """Each group of near duplicates becomes its most important member, or the oldest of them.

        That one takes over the greatest strength and importance, and the sum of the recalls.
        """
        if self.merge_from is None:
            return episodes, ()
        twins = _twins(episodes, self.merge_from)
        protected = self.episodic.protected(episodes)[0].tolist()
        importance, entry = episodes.importance[0].tolist(), episodes.entry[0].tolist()
        order = sorted(
            twins, key=lambda slot: (not protected[slot], -importance[slot], entry[slot])
        )
        gone: dict[int, int] = {}
        for kept in order:
            if kept not in gone:
                gone |= {
                    twin: kept
                    for twin in sorted(twins[kept])
                    if twin not in gone and twin not in gone.values() and not protected[twin]
                }
        merged = tuple(sorted((entry[kept], entry[slot]) for slot, kept in gone.items()))
        return self._merged(episodes, gone), merged

    def _merged(self, episodes: Episodes, gone: dict[int, int]) -> Episodes:
        """The episodes after those that are gone gave what they had to those that are kept."""
        strength, importance = episodes.strength.clone(), episodes.importance.clone()
        recalled = episodes.recalled.clone()
        mask = torch.zeros_like(episodes.pinned)
        for slot, kept in gone.items():
            strength[0, kept] = torch.maximum(strength[0, kept], strength[0, slot])
            importance[0, kept] = torch.maximum(importance[0, kept], importance[0, slot])
            recalled[0, kept] += recalled[0, slot]
            mask[0, slot] = True
        joined = episodes._replace(strength=strength, importance=importance, recalled=recalled)
        return self.episodic.forget(joined, mask)

    def _pruned(self, episodes: Episodes) -> tuple[Episodes, tuple[int, ...]]:
        weak = (episodes.entry >= 0) & (episodes.strength < self.prune_below)
        weak = weak & ~self.episodic.protected(episodes)
        return self.episodic.forget(episodes, weak), _entries(episodes, weak)


def _twins(episodes: Episodes, merge_from: float) -> dict[int, set[int]]:
    """The near duplicates of each slot that has some."""
    keys = unit(episodes.keys[0])
    alike = (keys @ keys.T) >= merge_from
    for part in (episodes.what, episodes.where, episodes.who):
        alike = alike & (part[0][:, None] == part[0][None, :])
    held = episodes.entry[0] >= 0
    alike = alike & held[:, None] & held[None, :]
    alike.fill_diagonal_(False)
    twins: dict[int, set[int]] = {}
    for slot, twin in alike.nonzero().tolist():
        twins.setdefault(slot, set()).add(twin)
    return twins


def _successors(episodes: Episodes) -> list[int]:
    """For each slot the one of the next entry that is held; -1 for the last and the free."""
    entry = episodes.entry[0].tolist()
    order = sorted((slot for slot in range(len(entry)) if entry[slot] >= 0), key=entry.__getitem__)
    following = [-1] * len(entry)
    for slot, then in itertools.pairwise(order):
        following[slot] = then
    return following


def _entries(episodes: Episodes, mask: Tensor) -> tuple[int, ...]:
    """Journal entries of the slots in the mask, oldest first."""
    return tuple(sorted(episodes.entry[mask].tolist()))
