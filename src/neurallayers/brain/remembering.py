"""Remembering: what is kept of what an individual lives through, and what it brings back.

Everything here is a pure function of lives, and a row has the same bits whoever is remembered with
it: no sum goes over rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from neurallayers.brain.alerts import Alert, vital_signs, watch
from neurallayers.brain.entry import Entry
from neurallayers.brain.life import Life
from neurallayers.brain.mind import SAME, Faculties, Mind, row_of
from neurallayers.brain.network import BrainNetwork
from neurallayers.brain.shares import softmax_shares
from neurallayers.brain.thinking import Thinking
from neurallayers.measures.monitoring import MonitorState
from neurallayers.memory import (
    Episode,
    Episodes,
    WorkingMemoryState,
    importance,
    novelty,
)
from neurallayers.memory.keys import checked_count, cosine_similarity, unit
from neurallayers.state import stack

#: Surprise of what was not thought possible [bits].
LARGEST_SURPRISE_BITS = 32.0
RECALLED_AT_MOST = 3
#: Less like the present than this, an episode does not come to mind by itself: of 128 random
#: directions, keys that have nothing in common are alike by 0.09 (one standard deviation).
LEAST_LIKENESS = 0.25


@dataclass(frozen=True)
class Recollection:
    """An episode that came to mind.

    Attributes:
        entry: Its number in the journal.
        what: What it was said to be.
        where: Where it happened.
        when: When it happened, in the unit of who said it; the number of the entry if nobody did.
        who: Who told.
        likeness: Cosine between its key and that of the present stimulus.
        weight: Its share of what came to mind.
        surprise_bits: How surprising it was [bits].
        importance: How important it is, 0 to 1.
    """

    entry: int
    what: str | None
    where: str | None
    when: int
    who: str | None
    likeness: float
    weight: float
    surprise_bits: float
    importance: float

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return dict(vars(self))

    def __str__(self) -> str:
        what = "something" if self.what is None else repr(self.what)
        told = "" if self.who is None else f", told by {self.who}"
        place = "" if self.where is None else f", at {self.where}"
        return f"entry {self.entry}: {what}{told}{place} (likeness {self.likeness:.2f})"


class _Awake(NamedTuple):
    """What of minds changes while they are awake, a row each."""

    working: WorkingMemoryState
    episodes: Episodes
    watch: MonitorState


@dataclass(frozen=True)
class Lived:
    """What one individual lived through, to be remembered.

    Attributes:
        life: Its life before.
        entry: What happened.
    """

    life: Life
    entry: Entry


def remember(
    network: BrainNetwork, lived: Sequence[Lived], thinking: Thinking, *, always: bool
) -> list[tuple[Mind, tuple[Alert, ...]]]:
    """The minds of individuals after what they lived through together, and what was unusual.

    Args:
        network: The network that all share.
        lived: What each lived through.
        thinking: What they thought of it, a row for each.
        always: Whether it is kept however ordinary: lessons are, stimuli need novelty.
    """
    faculties = network.faculties
    minds = [_naming(one) for one in lived]
    # Concepts change in sleep only; they need not be copied here and back.
    state = _Awake(
        *stack([(mind.state.working, mind.state.episodes, mind.state.watch) for mind in minds])
    )
    keys = faculties.keys(network, thinking.features)
    before = faculties.episodic.recall(state.episodes, keys, most=1)
    novel = novelty(before.similarity)
    surprise = torch.tensor([_surprise_bits(one, thinking, i) for i, one in enumerate(lived)])
    rewards = torch.tensor([abs(_said(one.entry, "reward", 0.0)) for one in lived])
    weight = importance(surprise, rewards.clamp(max=1.0), novel)
    kept = torch.full_like(novel, always, dtype=torch.bool) | (novel >= faculties.novelty)
    watched, alerts = watch(
        faculties.index,
        faculties.vitals,
        state.watch,
        vital_signs(thinking.spikes, thinking.scores, network.dt_ms),
    )
    state = _Awake(
        faculties.working.put(faculties.working.decay(state.working, faculties.elapsed_ms), keys),
        faculties.episodic.store(
            state.episodes, _episode(minds, lived, keys, kept, (surprise, weight))
        ),
        watched,
    )
    after = [
        replace(mind, state=mind.state._replace(**row_of(state, i)._asdict()))
        for i, mind in enumerate(minds)
    ]
    # Names of episodes that were displaced would pile up.
    after = [mind.tidied() if len(mind.names) > faculties.names_at_most else mind for mind in after]
    return list(zip(after, alerts, strict=True))


def _episode(
    minds: Sequence[Mind],
    lived: Sequence[Lived],
    keys: Tensor,
    kept: Tensor,
    worth: tuple[Tensor, Tensor],
) -> Episode:
    images = torch.stack([one.entry.tensors["stimulus"] for one in lived])
    contexts = [one.entry.content.get("context", {}) for one in lived]

    def numbers(name: str) -> Tensor:
        return torch.tensor(
            [mind.number(context.get(name)) for mind, context in zip(minds, contexts, strict=True)]
        )

    targets = [_said(one.entry, "target", None) for one in lived]
    entries = torch.tensor([one.entry.sequence for one in lived])
    return Episode(
        key=keys,
        content=(images * 255.0).round().to(torch.uint8),
        what=torch.tensor([mind.number(t) for mind, t in zip(minds, targets, strict=True)]),
        where=numbers("where"),
        when=torch.tensor(
            [
                int(context.get("when", one.entry.sequence))
                for one, context in zip(lived, contexts, strict=True)
            ]
        ),
        who=numbers("who"),
        entry=torch.where(kept, entries, -1),
        surprise=worth[0],
        importance=worth[1],
        pinned=torch.tensor([bool(context.get("pinned", False)) for context in contexts]),
    )


def _naming(one: Lived) -> Mind:
    context: Mapping[str, Any] = one.entry.content.get("context", {})
    names = (_said(one.entry, "target", None), context.get("where"), context.get("who"))
    return one.life.mind.naming(names)


def _said(entry: Entry, name: str, otherwise: Any) -> Any:
    return entry.content.get(name, otherwise)


def _surprise_bits(one: Lived, thinking: Thinking, row: int) -> float:
    """How little the brain had thought of what it was told [bits]; 0 if it was told nothing."""
    target = _said(one.entry, "target", None)
    if target is None:
        return 0.0
    scores = {
        label: score
        for label, score in zip(one.life.labels, thinking.scores[row].tolist(), strict=False)
        # A class that was added for this very lesson has no score yet.
        if label is not None and score > -math.inf
    }
    if target not in scores:
        return LARGEST_SURPRISE_BITS
    share = dict(zip(scores, softmax_shares(list(scores.values())), strict=True))[target]
    # Adding zero turns the -0.0 of a certain answer into 0.
    return min(-math.log2(share) + 0.0, LARGEST_SURPRISE_BITS) if share else LARGEST_SURPRISE_BITS


# -------------------------------------------------------------------------------- bringing back


def recollect(
    network: BrainNetwork, minds: Mapping[int, Mind], thinking: Thinking
) -> dict[int, tuple[Recollection, ...]]:
    """The episodes that come to mind with what was thought.

    Args:
        network: The network that all share.
        minds: Whose mind each row is.
        thinking: What was thought.

    Returns:
        The best first, for each row whose mind holds any.
    """
    rows = [row for row, mind in minds.items() if mind.held]
    if not rows:
        return {}
    keys = network.faculties.keys(network, thinking.features[rows])
    return {
        row: tuple(
            one
            for one in recall(network.faculties, minds[row], keys[i : i + 1])
            if one.likeness >= LEAST_LIKENESS
        )
        for i, row in enumerate(rows)
    }


def recall(
    faculties: Faculties, mind: Mind, key: Tensor, most: int = RECALLED_AT_MOST
) -> tuple[Recollection, ...]:
    """The episodes most like a key ``[1, key_size]``, the best first; of equals the lower slot.

    The same as :meth:`~neurallayers.memory.episodic.EpisodicMemory.recall`, from a catalogue that
    is made once for a mind: every thought looks.

    Raises:
        InvalidInput: If ``most`` is not positive.
    """
    checked_count("most", most)
    if not mind.held:
        return ()
    catalogue = mind.catalogue
    likeness = catalogue.keys @ unit(key)[0].numpy()
    bids = np.exp(faculties.episodic.sharpness * (likeness - likeness.max()))
    weights = bids / bids.sum()
    best = np.argsort(-likeness, kind="stable")[:most].tolist()
    return tuple(
        _recollection(mind, place, float(likeness[place]), float(weights[place])) for place in best
    )


def _recollection(mind: Mind, place: int, likeness: float, weight: float) -> Recollection:
    entry, what, where, when, who, surprise, importance = mind.catalogue.facts[place]
    return Recollection(
        entry=entry,
        what=mind.name(what),
        where=mind.name(where),
        when=when,
        who=mind.name(who),
        likeness=min(max(likeness, -1.0), 1.0),
        weight=weight,
        surprise_bits=surprise,
        importance=importance,
    )


def all_episodes(mind: Mind) -> list[tuple[int, Recollection]]:
    """Every episode with its slot, in the order of the journal; likeness and weight are 1."""
    catalogue = mind.catalogue
    found = [
        (slot, _recollection(mind, place, 1.0, 1.0)) for place, slot in enumerate(catalogue.slots)
    ]
    return sorted(found, key=lambda one: one[1].entry)


# ------------------------------------------------------------------------------------ forgetting


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which episodes are meant: those for which all that is given holds.

    Attributes:
        what: What they were said to be.
        where: Where they happened.
        who: Who told.
        first: The earliest time.
        last: The latest time.
        clock: Whether times are those that were said (``"when"``) or entries (``"entry"``).
        key: Like what they are, ``[1, key_size]``.
        likeness: How like it at least.
    """

    what: str | None = None
    where: str | None = None
    who: str | None = None
    first: int | None = None
    last: int | None = None
    clock: str = "when"
    key: Tensor | None = None
    likeness: float = 0.9

    def mask(self, faculties: Faculties, mind: Mind) -> Tensor:
        """The slots that are meant, bool ``[1, slots]``."""
        memory, episodes = faculties.episodic, mind.state.episodes
        mask = episodes.entry >= 0
        for name, by in (
            (self.what, memory.by_what),
            (self.where, memory.by_place),
            (self.who, memory.by_source),
        ):
            if name is not None:
                # A name that no memory uses selects none, not those without a name.
                number = mind.number(name)
                mask = mask & (by(episodes, number) if number >= 0 else torch.zeros_like(mask))
        if self.first is not None or self.last is not None:
            first = 0 if self.first is None else self.first
            last = torch.iinfo(torch.int64).max if self.last is None else self.last
            mask = mask & memory.by_time(episodes, first, last, clock=self.clock)
        if self.key is not None:
            mask = mask & memory.by_content(episodes, self.key, self.likeness)
        return mask


def forget(faculties: Faculties, mind: Mind, selection: Selection) -> tuple[Mind, tuple[int, ...]]:
    """The mind without some episodes, and their entries.

    What is in mind of them goes too. Of a whole class or thing the concepts go as well; what else
    sleep made of single episodes stays in its concepts.
    """
    mask = selection.mask(faculties, mind)
    state = mind.state
    gone = state.episodes.keys[0][mask[0]]
    working = state.working
    for key in gone:
        same = cosine_similarity(working.items, key[None]) >= SAME
        working = faculties.working.forget(working, same & (working.strength > 0))
    concepts = state.concepts
    alone = (selection.where, selection.who, selection.first, selection.last) == (None,) * 4
    number = mind.number(selection.what)
    if number >= 0 and alone and selection.key is None:
        concepts = faculties.semantic.forget(concepts, faculties.semantic.by_what(concepts, number))
    entries = tuple(sorted(state.episodes.entry[0][mask[0]].tolist()))
    episodes = faculties.episodic.forget(state.episodes, mask)
    after = state._replace(working=working, episodes=episodes, concepts=concepts)
    return replace(mind, state=after).tidied(), entries
