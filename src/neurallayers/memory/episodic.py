r"""Episodic memory: what happened, where, when and from whom, found again by likeness.

Slots of fixed number, so that a state has a fixed size. An episode is found by its *key*; the
answer is weighted by a softmax of the cosines and completes the cue to a stored pattern:

.. math:: p = \mathrm{softmax}(\beta \cos(k_i, \xi)), \qquad \xi^{new} = \sum_i p_i k_i

which is one step of a modern Hopfield network (Ramsauer et al. 2021, Hopfield networks is all you
need, ICLR, eq. 3), with likeness measured on keys of length one.

**What is kept.** An episode is *protected* if it is pinned or its importance reaches
``protected_from``. A newcomer takes

1. a free slot, if there is one;
2. else the slot of the unprotected episode that is worth least: importance times retention (see
   :mod:`~neurallayers.memory.forgetting`), so that importance fades with age and grows with recall;
   of equals, the oldest (the smallest journal entry);
3. where all are protected, only a protected newcomer is stored, in place of the least important
   that is not pinned, and only if it is at least as important or pinned; a pinned episode leaves by
   :meth:`EpisodicMemory.forget` alone.

A protected episode is therefore lost to nothing but a more important one in a memory that is full
of such, or to explicit forgetting.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.memory.episode import (
    Episode,
    Episodes,
    Placement,
    Recollections,
    checked_episode,
    column,
    wide,
)
from neurallayers.memory.forgetting import retention, strengthened
from neurallayers.memory.keys import (
    checked_count,
    checked_mask,
    checked_number,
    checked_slots,
    checked_vectors,
    cosine_similarity,
    sharpened,
)
from neurallayers.state import batch_size

_NEVER = torch.iinfo(torch.int64).max


@dataclass(frozen=True, kw_only=True)
class EpisodicMemory:
    """How episodes are stored, found and forgotten; what is remembered is in :class:`Episodes`.

    Every method is a pure function of the state it is given, and a row of a batch never depends on
    its neighbours.

    Args:
        key_size: Length of a key.
        content_shape: Shape of what is stored beside the key, such as ``(28, 28)``.
        slots: How many episodes are held.
        sharpness: Inverse temperature of recall (beta above). At 32 an episode whose cosine is 0.1
            larger weighs 25 times as much.
        content_dtype: How content is stored; ``torch.uint8`` for images.
        protected_from: Importance from which an episode is protected.
        lifetime: Time in which an unprotected episode of strength one fades to 0.7 of its worth, in
            the unit of ``when``; infinite: age does not count.
        merge_from: Cosine from which an episode counts as a duplicate of one that is held, with the
            same what, where and who: it strengthens that one and takes no slot; None: never.

    Raises:
        InvalidInput: If an option is out of range.

    >>> memory = EpisodicMemory(key_size=3, content_shape=(2,), slots=2)
    >>> episodes = memory.initial_state()
    >>> key, seen = torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([[5.0, 6.0]])
    >>> episodes = memory.store(episodes, Episode(key, seen, what=7, when=10, entry=1))
    >>> found = memory.recall(episodes, torch.tensor([[0.9, 0.3, 0.0]]), most=1)
    >>> int(found.entries), found.pattern
    (1, tensor([[1., 0., 0.]]))
    >>> memory.content_of(episodes, found.slots)
    tensor([[[5., 6.]]])
    """

    key_size: int
    content_shape: tuple[int, ...] = ()
    slots: int = 64
    sharpness: float = 32.0
    content_dtype: torch.dtype = torch.float32
    protected_from: float = 0.8
    lifetime: float = math.inf
    merge_from: float | None = None

    def __post_init__(self) -> None:
        checked_count("key_size", self.key_size)
        checked_count("slots", self.slots)
        checked_number("sharpness", self.sharpness, 0.0, open_=True)
        checked_number("protected_from", self.protected_from, 0.0, open_=True)
        if self.lifetime != math.inf:
            checked_number("lifetime", self.lifetime, 0.0, open_=True)
        if self.merge_from is not None:
            checked_number("merge_from", self.merge_from, 0.0, 1.0, open_=True)
        for length in self.content_shape:
            checked_count("a length of content_shape", length)
        object.__setattr__(self, "content_shape", tuple(self.content_shape))

    def initial_state(self, batch: int = 1) -> Episodes:
        """No episodes yet."""
        floats = torch.zeros(batch, self.slots)
        unsaid = torch.full((batch, self.slots), -1, dtype=torch.int64)
        return Episodes(
            keys=torch.zeros(batch, self.slots, self.key_size),
            content=torch.zeros(batch, self.slots, *self.content_shape, dtype=self.content_dtype),
            what=unsaid,
            where=unsaid.clone(),
            when=unsaid.clone(),
            who=unsaid.clone(),
            entry=unsaid.clone(),
            surprise=floats,
            importance=floats.clone(),
            strength=floats.clone(),
            recalled=torch.zeros_like(unsaid),
            touched=unsaid.clone(),
            pinned=torch.zeros(batch, self.slots, dtype=torch.bool),
        )

    # ------------------------------------------------------------------------------ storing

    def store(self, episodes: Episodes, episode: Episode) -> Episodes:
        """Keep an experience, by the rules at the top of the module.

        A row with ``entry`` -1 stays as it is.

        Raises:
            ShapeMismatch: If a part has another shape than the memory's.
            InvalidInput: If a number is not finite or out of range, or of the wrong kind.
        """
        episode = self._checked(episodes, episode)
        place = self._placement(episodes, episode)
        return self._placed(episodes, episode, place)

    def placement(self, episodes: Episodes, episode: Episode) -> Placement:
        """What :meth:`store` would do with this experience: nothing is changed.

        Raises:
            ShapeMismatch: If a part has another shape than the memory's.
            InvalidInput: If a number is not finite or out of range, or of the wrong kind.
        """
        return self._placement(episodes, self._checked(episodes, episode))

    def _placement(self, episodes: Episodes, new: Episode) -> Placement:
        held = episodes.entry >= 0
        wanted = torch.as_tensor(new.entry) >= 0
        twin, merged = self._twin(episodes, new)
        free, victim = (~held).to(torch.int64).argmax(-1), self._victim(episodes, new)
        full = held.all(-1)
        slot = torch.where(merged, twin, torch.where(full, victim, free))
        slot = torch.where(wanted, slot, -1)
        displaced = episodes.entry.gather(1, slot.clamp(min=0)[:, None])[:, 0]
        evicted = torch.where(full & ~merged & (slot >= 0), displaced, -1)
        return Placement(slot, evicted, merged & wanted)

    def _twin(self, episodes: Episodes, new: Episode) -> tuple[Tensor, Tensor]:
        """The slot most like the newcomer, and whether it is a duplicate."""
        similarity = cosine_similarity(episodes.keys, new.key)
        same = episodes.entry >= 0
        for mine, theirs in (
            (episodes.what, new.what),
            (episodes.where, new.where),
            (episodes.who, new.who),
        ):
            same = same & (mine == torch.as_tensor(theirs)[:, None])
        similarity = torch.where(same, similarity, -2.0)
        best, slot = similarity.max(-1)
        return slot, best >= (2.0 if self.merge_from is None else self.merge_from)

    def _victim(self, episodes: Episodes, new: Episode) -> Tensor:
        """The slot that a newcomer takes from another episode; -1: from none."""
        importance, pinned = torch.as_tensor(new.importance), torch.as_tensor(new.pinned)
        protected = self.protected(episodes)
        ordinary = _oldest_of_least(~protected, self.worth(episodes, new.when), episodes.entry)
        important = _oldest_of_least(~episodes.pinned, episodes.importance, episodes.entry)
        least = episodes.importance.gather(1, important.clamp(min=0)[:, None])[:, 0]
        stronger = pinned | ((importance >= self.protected_from) & (importance >= least))
        return torch.where(ordinary >= 0, ordinary, torch.where(stronger, important, -1))

    def _placed(self, episodes: Episodes, new: Episode, place: Placement) -> Episodes:
        chosen = torch.arange(self.slots) == place.slot[:, None]
        fresh, again = chosen & ~place.merged[:, None], chosen & place.merged[:, None]
        written = {
            "keys": new.key,
            "content": new.content,
            "what": new.what,
            "where": new.where,
            "when": new.when,
            "who": new.who,
            "entry": new.entry,
            "surprise": new.surprise,
            "importance": new.importance,
            "strength": torch.ones(len(chosen)),
            "recalled": torch.zeros(len(chosen), dtype=torch.int64),
            "touched": new.when,
            "pinned": new.pinned,
        }
        values = {}
        for name, value in written.items():
            old, value = getattr(episodes, name), torch.as_tensor(value).unsqueeze(1)
            values[name] = torch.where(wide(fresh, old), value.to(old.dtype), old)
        stored = Episodes(**values)
        importance = torch.maximum(stored.importance, torch.as_tensor(new.importance)[:, None])
        stored = stored._replace(
            importance=torch.where(again, importance, stored.importance),
            pinned=stored.pinned | (again & torch.as_tensor(new.pinned)[:, None]),
        )
        return self._strengthen(stored, again, 1.0, torch.as_tensor(new.when))

    def _checked(self, episodes: Episodes, episode: Episode) -> Episode:
        key_shape = (self._rows(episodes), self.key_size)
        return checked_episode(episode, key_shape, self.content_shape, self.content_dtype)

    # --------------------------------------------------------------------------- remembering

    def recall(
        self, episodes: Episodes, key: Tensor, most: int = 3, *, among: Tensor | None = None
    ) -> Recollections:
        """The episodes whose keys are most like this one; of equals, the smaller slot first.

        Args:
            episodes: What is remembered.
            key: ``[batch, key_size]``.
            most: How many to name; all that are held take part in ``weights`` and ``pattern``.
            among: bool ``[batch, slots]``, recall among these only, such as :meth:`by_time` gives.

        Raises:
            ShapeMismatch: If a shape is another one.
            InvalidInput: If the key is not finite or ``most`` not positive.
        """
        most = min(checked_count("most", most), self.slots)
        rows = self._rows(episodes)
        key = checked_vectors("key", key, rows, self.key_size).to(episodes.keys)
        held = episodes.entry >= 0
        if among is not None:
            held = held & self._mask(episodes, among)
        similarity = cosine_similarity(episodes.keys, key)
        weights = sharpened(similarity, held, self.sharpness)
        pattern = (weights.unsqueeze(-1) * episodes.keys).sum(-2)
        ranked = torch.where(held, similarity, -2.0)
        slots = ranked.sort(dim=-1, descending=True, stable=True).indices[:, :most]
        there = held.gather(1, slots)

        def of(values: Tensor, absent: float) -> Tensor:
            return torch.where(there, values.gather(1, slots), absent).to(values.dtype)

        return Recollections(
            slots=torch.where(there, slots, -1),
            entries=of(episodes.entry, -1),
            weights=of(weights, 0.0),
            similarity=of(similarity, 0.0),
            pattern=pattern,
        )

    def content_of(self, episodes: Episodes, slots: Tensor) -> Tensor:
        """The content of these slots, ``[batch, n, *content_shape]``; zeros for slot -1.

        Raises:
            ShapeMismatch: If the slots are not ``[batch, n]`` or out of range.
        """
        slots = self._slots(episodes, slots)
        rows = torch.arange(len(slots))[:, None]
        found = episodes.content[rows, slots.clamp(min=0)]
        return torch.where(wide(slots >= 0, found), found, 0).to(found.dtype)

    def retained(self, episodes: Episodes, now: Tensor | int) -> Tensor:
        """Retention of each episode at this time, ``[batch, slots]``; 0 in a free slot.

        Where a time was not said (-1), age does not count.
        """
        now = column("now", now, self._rows(episodes), torch.int64)[:, None]
        if self.lifetime == math.inf:
            return (episodes.entry >= 0).to(episodes.strength)
        elapsed = torch.where((now >= 0) & (episodes.touched >= 0), now - episodes.touched, 0)
        return retention(elapsed, episodes.strength, lifetime=self.lifetime)

    def worth(self, episodes: Episodes, now: Tensor | int) -> Tensor:
        """Importance times retention, by which unprotected episodes are displaced."""
        return episodes.importance * self.retained(episodes, now)

    def protected(self, episodes: Episodes) -> Tensor:
        """Which slots hold an episode that is pinned or important, bool ``[batch, slots]``."""
        important = episodes.pinned | (episodes.importance >= self.protected_from)
        return important & (episodes.entry >= 0)

    # ------------------------------------------------------------- strengthening and forgetting

    def reinforce(
        self,
        episodes: Episodes,
        slots: Tensor,
        amount: float = 1.0,
        *,
        now: Tensor | int = -1,
    ) -> Episodes:
        """Strengthen what was recalled; see :mod:`~neurallayers.memory.forgetting`.

        With a ``lifetime`` and a time, an episode gains the more the more of it had faded, so that
        spaced recall lasts longer; without, it gains ``amount``.

        Args:
            episodes: What is remembered.
            slots: int64 ``[batch, n]``; -1 and free slots stand for nothing. A slot named twice
                counts once.
            amount: Strength gained.
            now: The time of recall.

        Raises:
            ShapeMismatch: If the slots have another shape or do not exist.
            InvalidInput: If the amount is negative or not finite.
        """
        amount = checked_number("amount", amount, 0.0)
        slots = self._slots(episodes, slots)
        chosen = (slots.unsqueeze(-1) == torch.arange(self.slots)).any(1)
        chosen = chosen & (episodes.entry >= 0)
        now = column("now", now, len(slots), torch.int64)
        return self._strengthen(episodes, chosen, amount, now)

    def _strengthen(
        self, episodes: Episodes, chosen: Tensor, amount: float, now: Tensor
    ) -> Episodes:
        timed = math.isfinite(self.lifetime) & (now[:, None] >= 0) & (episodes.touched >= 0)
        kept = torch.where(timed, self.retained(episodes, now), 0.0)
        gained = strengthened(episodes.strength, kept, amount)
        later = torch.maximum(episodes.touched, now[:, None])
        return episodes._replace(
            strength=torch.where(chosen, gained, episodes.strength),
            recalled=episodes.recalled + chosen.to(torch.int64),
            touched=torch.where(chosen, later, episodes.touched),
        )

    def forget(self, episodes: Episodes, mask: Tensor) -> Episodes:
        """Erase the slots where the mask says so, protected or not: key, content and all.

        Args:
            episodes: What is remembered.
            mask: bool ``[batch, slots]``, as the selectors :meth:`by_content`, :meth:`by_time`,
                :meth:`by_source`, :meth:`by_what` and :meth:`by_place` give it; join several with
                ``&`` and ``|``.

        Raises:
            InvalidInput: If the mask is not bool.
            ShapeMismatch: If it has another shape.
        """
        mask = self._mask(episodes, mask)
        empty = self.initial_state(len(mask))
        return Episodes(
            *(
                torch.where(wide(mask, old), new.to(old), old)
                for new, old in zip(empty, episodes, strict=True)
            )
        )

    # -------------------------------------------------------------------------------- choosing

    def by_content(self, episodes: Episodes, key: Tensor, at_least: float = 0.9) -> Tensor:
        """Which episodes are like this key, to a cosine of at least so much; ``[batch, slots]``.

        Raises:
            ShapeMismatch: If the key has another shape.
            InvalidInput: If it is not finite or the cosine not in [-1, 1].
        """
        key = checked_vectors("key", key, self._rows(episodes), self.key_size)
        at_least = checked_number("at_least", at_least, -1.0, 1.0)
        similarity = cosine_similarity(episodes.keys, key.to(episodes.keys))
        return (episodes.entry >= 0) & (similarity >= at_least)

    def by_time(self, episodes: Episodes, first: int, last: int, *, clock: str = "when") -> Tensor:
        """Which episodes happened from ``first`` to ``last``, both included.

        Args:
            episodes: What is remembered.
            first: Begin.
            last: End.
            clock: ``"when"`` for times, ``"entry"`` for numbers of the journal.

        Raises:
            InvalidInput: If the clock is another one or the range is upside down.
        """
        if clock not in ("when", "entry"):
            raise InvalidInput(f"clock is {clock!r}.", "Choose 'when' or 'entry'.")
        if last < first:
            raise InvalidInput(f"The range is {first} to {last}.", "The first comes first.")
        times: Tensor = getattr(episodes, clock)
        # A time that was not said lies in no range.
        return (episodes.entry >= 0) & (times >= max(first, 0)) & (times <= last)

    def by_source(self, episodes: Episodes, who: int) -> Tensor:
        """Which episodes came from this source."""
        return (episodes.entry >= 0) & (episodes.who == who)

    def by_what(self, episodes: Episodes, what: int) -> Tensor:
        """Which episodes are about this thing or class."""
        return (episodes.entry >= 0) & (episodes.what == what)

    def by_place(self, episodes: Episodes, where: int) -> Tensor:
        """Which episodes happened at this place."""
        return (episodes.entry >= 0) & (episodes.where == where)

    # -------------------------------------------------------------------------------- checking

    def _rows(self, episodes: Episodes) -> int:
        if episodes.keys.shape[1:] != (self.slots, self.key_size):
            raise ShapeMismatch(
                f"The episodes have {tuple(episodes.keys.shape[1:])} slots and key, "
                f"the memory {(self.slots, self.key_size)}.",
                "Use the memory that made this state.",
            )
        return batch_size(episodes)

    def _slots(self, episodes: Episodes, slots: Tensor) -> Tensor:
        return checked_slots(slots, (self._rows(episodes), None), self.slots)

    def _mask(self, episodes: Episodes, mask: Tensor) -> Tensor:
        return checked_mask(mask, (self._rows(episodes), self.slots))


def _oldest_of_least(eligible: Tensor, value: Tensor, entry: Tensor) -> Tensor:
    """Index of the smallest value among the eligible, of equals the smallest entry; -1: none."""
    masked = torch.where(eligible, value, torch.inf)
    least = eligible & (masked == masked.amin(-1, keepdim=True))
    slot = torch.where(least, entry, _NEVER).argmin(-1)
    return torch.where(eligible.any(-1), slot, -1)
