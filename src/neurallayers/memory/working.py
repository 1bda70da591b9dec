r"""Working memory: a few items, held for seconds, kept alive by refreshing.

.. math::
    s_k &\leftarrow s_k \, e^{-\Delta t/\tau} \\
    k^* &= \begin{cases}
        \arg\max_k \cos(x, m_k) & \text{if that cosine reaches the match (rehearsal)} \\
        \arg\min_k s_k & \text{otherwise (a free slot, else the weakest is displaced)}
    \end{cases} \\
    s_{k^*} &\leftarrow \max(s_{k^*}, g), \qquad m_{k^*} \leftarrow m_{k^*} + g \, (x - m_{k^*})

with item :math:`x`, gate :math:`g` in [0, 1] (0: nothing enters), items :math:`m` and strengths
:math:`s`. A free slot takes :math:`x` as it is. An item whose strength falls under ``forgotten`` is
gone. An item without rehearsal is thus held for :math:`\tau \ln(1/\text{forgotten})`.

Sources: capacity 7 +- 2: Miller (1956), Psychol. Rev. 63:81; 4 +- 1 where chunking and rehearsal
are prevented: Cowan (2001), Behav. Brain Sci. 24:87; decay: Peterson & Peterson (1959), J. Exp.
Psychol. 58:193 (recall of three letters, distracted, falls from about 0.8 after 3 s to 0.1 after
18 s, which is a time constant of 15 s / ln 8 = 7.2 s); decay against rehearsal: Baddeley (2003),
Nat. Rev. Neurosci. 4:829; the gate: Hazy, Frank & O'Reilly (2006), Neuroscience 139:105.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from neurallayers.dynamics.cell import CELLS, Cell, positive
from neurallayers.errors import InvalidInput
from neurallayers.memory.keys import (
    checked_count,
    checked_mask,
    checked_number,
    checked_vectors,
    cosine_similarity,
)
from neurallayers.state import batch_size


class WorkingMemoryState(NamedTuple):
    """State of :class:`WorkingMemory`."""

    items: Tensor  # [batch, capacity, size], zeros in a free slot
    strength: Tensor  # [batch, capacity], 0 (free) to 1 (just attended)


class Reading(NamedTuple):
    """What working memory answers to a cue."""

    pattern: Tensor  # [batch, size], the items weighted by how well they match and are held
    weights: Tensor  # [batch, capacity], they add up to 1, or to 0 where nothing is held
    similarity: Tensor  # [batch, capacity], cosine of cue and item; 0 for a free slot


@CELLS.register("WorkingMemory")
class WorkingMemory(Cell[WorkingMemoryState]):
    """A few slots that decay, are refreshed and displaced; see the module for the equations.

    As a cell it receives ``[batch, size + 1]``, an item and, last, its gate, and answers
    ``[batch, size]`` with what it holds that is most like the item (before the item enters). The
    same is there in words: :meth:`put`, :meth:`refresh`, :meth:`decay`, :meth:`read`,
    :meth:`forget`.

    Args:
        size: Length of an item.
        capacity: How many items are held at once: 7, the span for familiar items that may be
            rehearsed (Miller); use 4 for what can be neither chunked nor rehearsed (Cowan).
        decay_ms: Time constant of the strengths [ms]; 7.2 s fits Peterson & Peterson.
        dt_ms: Length of a step [ms].
        match: Cosine from which an item is the one already held, which is then refreshed.
        forgotten: Strength under which an item is gone.
        sharpness: Inverse temperature of the read-out.

    Raises:
        InvalidInput: If an option is out of range.

    >>> memory = WorkingMemory(3, capacity=2, decay_ms=1000.0)
    >>> state = memory.put(memory.initial_state(), torch.tensor([[1.0, 0.0, 0.0]]))
    >>> state = memory.put(state, torch.tensor([[0.0, 1.0, 0.0]]), strength=0.5)
    >>> memory.read(state, torch.tensor([[0.9, 0.1, 0.0]])).pattern.round(decimals=2)
    tensor([[1., 0., 0.]])
    >>> memory.decay(state, elapsed_ms=1000.0).strength
    tensor([[0.3679, 0.1839]])
    """

    def __init__(
        self,
        size: int,
        capacity: int = 7,
        *,
        decay_ms: float = 7200.0,
        dt_ms: float = 1.0,
        match: float = 0.95,
        forgotten: float = 0.05,
        sharpness: float = 16.0,
    ) -> None:
        super().__init__()
        self.size, self.capacity = checked_count("size", size), checked_count("capacity", capacity)
        self.in_shape, self.out_shape = (size + 1,), (size,)
        self.dt_ms = positive("dt_ms", dt_ms, "usually 1, or the length of a thought")
        self.decay_ms = positive("decay_ms", decay_ms, "usually 2000 to 20000 ms")
        self.match = checked_number("match", match, 0.0, 1.0, open_=True)
        self.forgotten = checked_number("forgotten", forgotten, 0.0, 1.0)
        self.sharpness = checked_number("sharpness", sharpness, 0.0, open_=True)

    def initial_state(self, batch: int = 1) -> WorkingMemoryState:
        """Nothing in mind."""
        return WorkingMemoryState(
            torch.zeros(batch, self.capacity, self.size), torch.zeros(batch, self.capacity)
        )

    def rest(self, state: WorkingMemoryState) -> WorkingMemoryState:
        """What is in mind stays: it is there to bridge thoughts. :meth:`decay` tells it the time.

        To clear it, take :meth:`initial_state`.
        """
        return state

    def forward(self, x: Tensor, state: WorkingMemoryState) -> tuple[Tensor, WorkingMemoryState]:
        """One step: decay, answer, then take in the item as far as its gate is open."""
        item, gate = x[..., :-1], x[..., -1].clamp(0.0, 1.0)
        decayed = self._decay(state, math.exp(-self.dt_ms / self.decay_ms))
        return self._read(decayed, item).pattern, self._put(decayed, item, gate)

    def put(
        self, state: WorkingMemoryState, item: Tensor, strength: float | Tensor = 1.0
    ) -> WorkingMemoryState:
        """Take in an item: it refreshes the one it matches, else fills a slot or displaces.

        Args:
            state: What is in mind.
            item: ``[batch, size]``.
            strength: How strongly it is attended, 0 (not at all) to 1; a number or ``[batch]``.

        Raises:
            ShapeMismatch: If the item or the strengths have another shape.
            InvalidInput: If a value is not finite or a strength is out of range.
        """
        rows = batch_size(state)
        item = checked_vectors("item", item, rows, self.size)
        return self._put(state, item.to(state.items), self._gate(state, strength))

    def refresh(
        self, state: WorkingMemoryState, cue: Tensor, strength: float | Tensor = 1.0
    ) -> WorkingMemoryState:
        """Rehearse: the item that the cue matches best gains strength; its content stays.

        Nothing happens in a row where no item reaches the match.

        Raises:
            ShapeMismatch: If the cue or the strengths have another shape.
            InvalidInput: If a value is not finite or a strength is out of range.
        """
        cue = checked_vectors("cue", cue, batch_size(state), self.size).to(state.items)
        similarity, matches = self._matches(state, cue)
        chosen = one_of(similarity.argmax(-1), self.capacity) & matches.any(-1, keepdim=True)
        gate = self._gate(state, strength)[:, None]
        return state._replace(
            strength=torch.where(chosen, torch.maximum(state.strength, gate), state.strength)
        )

    def decay(self, state: WorkingMemoryState, elapsed_ms: float) -> WorkingMemoryState:
        """Let time pass without input.

        Raises:
            InvalidInput: If the time is negative or not finite.
        """
        elapsed = checked_number("elapsed_ms", elapsed_ms, 0.0)
        return self._decay(state, math.exp(-elapsed / self.decay_ms))

    def read(self, state: WorkingMemoryState, cue: Tensor) -> Reading:
        """What is held, weighted by likeness to the cue and by strength.

        Raises:
            ShapeMismatch: If the cue has another shape.
            InvalidInput: If it is not finite.
        """
        cue = checked_vectors("cue", cue, batch_size(state), self.size)
        return self._read(state, cue.to(state.items))

    def forget(self, state: WorkingMemoryState, mask: Tensor) -> WorkingMemoryState:
        """Empty the slots where the mask, bool ``[batch, capacity]``, says so.

        Raises:
            InvalidInput: If the mask is not bool.
            ShapeMismatch: If it has another shape.
        """
        return _kept(state, ~checked_mask(mask, tuple(state.strength.shape)))

    def span_ms(self, strength: float = 1.0) -> float:
        """How long an item of this strength is held without rehearsal [ms]; see the module.

        >>> round(WorkingMemory(3, decay_ms=1000.0, forgotten=0.1).span_ms())
        2303
        """
        strength = checked_number("strength", strength, 0.0, 1.0)
        if self.forgotten == 0.0:
            return math.inf if strength else 0.0
        return self.decay_ms * max(0.0, math.log(max(strength, 1e-300) / self.forgotten))

    def _gate(self, state: WorkingMemoryState, strength: float | Tensor) -> Tensor:
        """The strengths of all rows, checked."""
        if not isinstance(strength, Tensor):
            strength = torch.tensor(checked_number("strength", strength, 0.0, 1.0))
            return strength.to(state.strength).expand(len(state.strength))
        strength = checked_vectors("strength", strength, len(state.strength)).to(state.strength)
        if bool(((strength < 0) | (strength > 1)).any()):
            raise InvalidInput(f"strength is {strength.tolist()}.", "It must be in [0, 1].")
        return strength

    def _decay(self, state: WorkingMemoryState, factor: float) -> WorkingMemoryState:
        strength = state.strength * factor
        return _kept(WorkingMemoryState(state.items, strength), strength >= self.forgotten)

    def _matches(self, state: WorkingMemoryState, cue: Tensor) -> tuple[Tensor, Tensor]:
        """Likeness to each item (-1 for a free slot), and where it is enough to be the same."""
        likeness = cosine_similarity(state.items, cue)
        similarity = torch.where(state.strength > 0, likeness, -1.0)
        return similarity, similarity >= self.match

    def _put(self, state: WorkingMemoryState, item: Tensor, gate: Tensor) -> WorkingMemoryState:
        similarity, matches = self._matches(state, item)
        same, weakest = similarity.argmax(-1), state.strength.argmin(-1)
        known = matches.any(-1)
        chosen = one_of(torch.where(known, same, weakest), self.capacity)
        # A gate under the threshold of forgetting lets nothing in: it would be gone at once.
        entering = (gate > 0) & (gate >= self.forgotten)
        chosen = chosen & entering.unsqueeze(-1)
        rehearsed = chosen & known.unsqueeze(-1)
        opened = gate.unsqueeze(-1)
        refreshed = torch.where(rehearsed, torch.maximum(state.strength, opened), opened)
        share = torch.where(rehearsed, opened, 1.0).unsqueeze(-1)
        mixed = state.items + share * (item.unsqueeze(-2) - state.items)
        return WorkingMemoryState(
            torch.where(chosen.unsqueeze(-1), mixed, state.items),
            torch.where(chosen, refreshed, state.strength),
        )

    def _read(self, state: WorkingMemoryState, cue: Tensor) -> Reading:
        similarity = cosine_similarity(state.items, cue)
        top = torch.where(state.strength > 0, similarity, -1.0).amax(-1, keepdim=True)
        # Relative to the best, which is held, no bid overflows and not all of them vanish.
        bids = state.strength * torch.exp(self.sharpness * (similarity - top).clamp(max=0.0))
        total = bids.sum(-1, keepdim=True)
        weights = bids / torch.where(total > 0, total, 1.0)
        return Reading((weights.unsqueeze(-1) * state.items).sum(-2), weights, similarity)

    def extra_repr(self) -> str:
        """Sizes and times, as ``print`` shows them."""
        return f"{super().extra_repr()}, capacity={self.capacity}, decay_ms={self.decay_ms}"


def one_of(index: Tensor, count: int) -> Tensor:
    """True at the index, bool ``[*batch, count]``."""
    return torch.arange(count, device=index.device) == index.unsqueeze(-1)


def _kept(state: WorkingMemoryState, keep: Tensor) -> WorkingMemoryState:
    """The state with all slots emptied that are not kept."""
    return WorkingMemoryState(
        torch.where(keep.unsqueeze(-1), state.items, 0.0), torch.where(keep, state.strength, 0.0)
    )
