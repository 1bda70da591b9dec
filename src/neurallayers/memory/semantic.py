r"""Semantic memory: what many episodes have in common, and what goes with what.

A **concept** is a prototype: the mean and the variance, dimension by dimension, of the keys that it
was learned from, with their number. A key :math:`x` is *typical* of a concept by

.. math::
    T = \exp\left(-\frac{1}{2 K} \sum_{d=1}^{K} \frac{(x_d - \mu_d)^2}{\hat\sigma_d^2}\right),
    \qquad \hat\sigma^2 = \frac{n \sigma^2 + n_0 \sigma_0^2}{n + n_0}

(graded membership: Rosch 1975, J. Exp. Psychol. Gen. 104:192; similarity that falls exponentially
with a psychological distance: Nosofsky 1986, J. Exp. Psychol. Gen. 115:39; the variance is shrunk
to a prior while a concept is young). A key joins the nearest concept of its class if it is typical
enough (the vigilance of adaptive resonance: Carpenter & Grossberg 1987, Comput. Vis. Graph. Image
Process. 37:54), else it founds a concept of its own. Mean and variance are kept without the keys:

.. math::
    \mu' = \mu + \frac{w}{n + w} (x - \mu), \qquad
    \sigma'^2 = \frac{n \sigma^2 + w (x - \mu)(x - \mu')}{n + w}

(West 1979, Commun. ACM 22:532). **Associations** count how often one concept followed another
(Hebb 1949: cells that fire one after the other); a row of them, divided by its sum, estimates what
comes next.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.memory.episode import column, wide
from neurallayers.memory.keys import (
    checked_count,
    checked_mask,
    checked_number,
    checked_slots,
    checked_vectors,
    unit,
)
from neurallayers.state import batch_size


class Concepts(NamedTuple):
    """State of a :class:`SemanticMemory`."""

    mean: Tensor  # [batch, prototypes, key_size]
    variance: Tensor  # [batch, prototypes, key_size], of the keys learned (not shrunk)
    examples: Tensor  # [batch, prototypes], how many keys, by weight; 0: a free slot
    what: Tensor  # int64 [batch, prototypes], class; -1: none
    associations: Tensor  # [batch, prototypes, prototypes], how often column followed row


class Learned(NamedTuple):
    """What a key did to the concepts."""

    concepts: Concepts
    slots: Tensor  # int64 [batch], the concept that it joined or founded
    founded: Tensor  # bool [batch]


class Recognition(NamedTuple):
    """The concepts nearest to a key, nearest first."""

    slots: Tensor  # int64 [batch, most]; -1 where there are fewer
    what: Tensor  # int64 [batch, most], their classes; -1 where there is none
    typicality: Tensor  # [batch, most], 0 to 1; 0 where there are fewer
    distance: Tensor  # [batch, most], Euclidean, inf where there are fewer


@dataclass(frozen=True, kw_only=True)
class SemanticMemory:
    """How concepts are formed and recognised; what is known is in :class:`Concepts`.

    Every method is a pure function of the state it is given, and a row of a batch never depends on
    its neighbours.

    Args:
        key_size: Length of a key.
        prototypes: How many concepts there is room for. When all are taken, a key joins the nearest
            of its class; the first key of a new class has the two nearest concepts of one class
            merged, or, where there are no two, takes the place of the one learned from least.
        vigilance: Typicality from which a key joins a concept; higher makes more and finer ones.
        spread: Standard deviation of a concept before it is known, of keys whose components have
            a mean square of 1 (sigma_0 above).
        prior_count: How many keys that prior is worth (n_0 above).
        normalise: Scale keys to a mean square of 1, so that their strength does not count.

    Raises:
        InvalidInput: If an option is out of range.

    >>> memory = SemanticMemory(key_size=2, prototypes=4)
    >>> concepts = memory.initial_state()
    >>> for key in ([1.0, 0.1], [0.9, 0.0]):
    ...     concepts = memory.learn(concepts, torch.tensor([key]), what=3).concepts
    >>> concepts = memory.learn(concepts, torch.tensor([[0.0, 1.0]]), what=5).concepts
    >>> memory.recognise(concepts, torch.tensor([[0.2, 0.8]]), most=2).what
    tensor([[5, 3]])
    """

    key_size: int
    prototypes: int = 32
    vigilance: float = 0.2
    spread: float = 0.5
    prior_count: float = 4.0
    normalise: bool = True

    def __post_init__(self) -> None:
        checked_count("key_size", self.key_size)
        checked_count("prototypes", self.prototypes)
        checked_number("vigilance", self.vigilance, 0.0, 1.0)
        checked_number("spread", self.spread, 0.0, open_=True)
        checked_number("prior_count", self.prior_count, 0.0, open_=True)

    def initial_state(self, batch: int = 1) -> Concepts:
        """No concepts yet."""
        keys = torch.zeros(batch, self.prototypes, self.key_size)
        return Concepts(
            mean=keys,
            variance=keys.clone(),
            examples=torch.zeros(batch, self.prototypes),
            what=torch.full((batch, self.prototypes), -1, dtype=torch.int64),
            associations=torch.zeros(batch, self.prototypes, self.prototypes),
        )

    # ------------------------------------------------------------------------------ learning

    def learn(
        self,
        concepts: Concepts,
        key: Tensor,
        what: Tensor | int = -1,
        weight: Tensor | float = 1.0,
    ) -> Learned:
        """Let a key join the concept that it is typical of, or found a new one.

        Args:
            concepts: What is known.
            key: ``[batch, key_size]``.
            what: Its class, a number or ``[batch]``; it joins concepts of the same class only.
            weight: How many keys it counts for; 0: nothing is learned in this row.

        Raises:
            ShapeMismatch: If a shape is another one.
            InvalidInput: If a value is not finite or the weight negative.
        """
        rows = self._rows(concepts)
        key = self._scaled(concepts, key)
        what = column("what", what, rows, torch.int64)
        weight = column("weight", weight, rows, torch.float32).to(key)
        if bool((weight < 0).any()):
            raise InvalidInput(f"weight is {weight.tolist()}.", "It must not be negative.")
        concepts = self._with_room(concepts, what, weight)
        slots, founded = self._home(concepts, key, what)
        learns = weight > 0
        chosen = (torch.arange(self.prototypes) == slots[:, None]) & learns[:, None]
        fresh = chosen & founded[:, None]
        joined = _joined(concepts, key, weight)
        mean = torch.where(wide(fresh, joined[0]), key[:, None], joined[0])
        variance = torch.where(wide(fresh, joined[1]), 0.0, joined[1])
        count = torch.where(fresh, weight[:, None], concepts.examples + weight[:, None])
        learned = concepts._replace(
            mean=torch.where(wide(chosen, mean), mean, concepts.mean),
            variance=torch.where(wide(chosen, mean), variance, concepts.variance),
            examples=torch.where(chosen, count, concepts.examples),
            what=torch.where(chosen, what[:, None], concepts.what),
        )
        return Learned(learned, torch.where(learns, slots, -1), founded & learns)

    def _home(self, concepts: Concepts, key: Tensor, what: Tensor) -> tuple[Tensor, Tensor]:
        """The slot for a key, and whether it founds a concept there."""
        distance, typicality = self._compare(concepts, key)
        kin = (concepts.examples > 0) & (concepts.what == what[:, None])
        near = torch.where(kin, distance, torch.inf)
        nearest = near.argmin(-1)
        fits = typicality.gather(1, nearest[:, None])[:, 0] >= self.vigilance
        free = concepts.examples <= 0
        founded = free.any(-1) & ~(kin.any(-1) & fits)
        return torch.where(founded, free.to(torch.int64).argmax(-1), nearest), founded

    def _with_room(self, concepts: Concepts, what: Tensor, weight: Tensor) -> Concepts:
        """The concepts with a free slot in every row where a new class comes and all are taken."""
        known = ((concepts.what == what[:, None]) & (concepts.examples > 0)).any(-1)
        needy = (concepts.examples > 0).all(-1) & ~known & (weight > 0)
        for row in needy.nonzero()[:, 0].tolist():
            concepts = self._freed(concepts, row)
        return concepts

    def _freed(self, concepts: Concepts, row: int) -> Concepts:
        """The concepts with one slot less taken in this row."""
        mean, count = concepts.mean[row], concepts.examples[row]
        same = concepts.what[row][:, None] == concepts.what[row][None, :]
        pairs = same & torch.ones_like(same).triu(1)
        if not bool(pairs.any()):
            gone = torch.zeros_like(concepts.examples, dtype=torch.bool)
            gone[row, int(count.argmin())] = True
            return self.forget(concepts, gone)
        apart = (mean[:, None] - mean[None, :]).square().sum(-1)
        # What the sum of squares grows by (Ward 1963, J. Am. Stat. Assoc. 58:236).
        cost = apart * (count[:, None] * count[None, :]) / (count[:, None] + count[None, :])
        place = int(torch.where(pairs, cost, torch.inf).argmin())
        return self._merged(concepts, row, place // self.prototypes, place % self.prototypes)

    def _merged(self, concepts: Concepts, row: int, kept: int, gone: int) -> Concepts:
        """The concepts with two of this row joined in the first of them."""
        merged = Concepts(*(tensor.clone() for tensor in concepts))
        total = concepts.examples[row, kept] + concepts.examples[row, gone]
        share = concepts.examples[row, gone] / total
        apart = concepts.mean[row, gone] - concepts.mean[row, kept]
        within = torch.lerp(concepts.variance[row, kept], concepts.variance[row, gone], share)
        merged.mean[row, kept] += share * apart
        merged.variance[row, kept] = within + share * (1.0 - share) * apart.square()
        merged.examples[row, kept] = total
        merged.associations[row, kept] += concepts.associations[row, gone]
        merged.associations[row, :, kept] += merged.associations[row, :, gone]
        mask = torch.zeros_like(concepts.examples, dtype=torch.bool)
        mask[row, gone] = True
        return self.forget(merged, mask)

    def home(self, concepts: Concepts, key: Tensor, what: Tensor | int = -1) -> Tensor:
        """The concept that a key would join, int64 ``[batch]``; -1 where it would found one.

        Raises:
            ShapeMismatch: If a shape is another one.
            InvalidInput: If a value is not finite.
        """
        what = column("what", what, self._rows(concepts), torch.int64)
        slots, founded = self._home(concepts, self._scaled(concepts, key), what)
        kin = ((concepts.what == what[:, None]) & (concepts.examples > 0)).any(-1)
        return torch.where(founded | ~kin, -1, slots)

    # --------------------------------------------------------------------------- recognising

    def recognise(self, concepts: Concepts, key: Tensor, most: int = 3) -> Recognition:
        """The concepts nearest to a key, and how typical it is of them.

        Raises:
            ShapeMismatch: If the key has another shape.
            InvalidInput: If it is not finite or ``most`` not positive.
        """
        most = min(checked_count("most", most), self.prototypes)
        self._rows(concepts)
        distance, typicality = self._compare(concepts, self._scaled(concepts, key))
        held = concepts.examples > 0
        ranked = torch.where(held, distance, torch.inf)
        distance, slots = (part[:, :most] for part in ranked.sort(dim=-1, stable=True))
        there = held.gather(1, slots)
        return Recognition(
            slots=torch.where(there, slots, -1),
            what=torch.where(there, concepts.what.gather(1, slots), -1),
            typicality=torch.where(there, typicality.gather(1, slots), 0.0),
            distance=distance,
        )

    def _compare(self, concepts: Concepts, key: Tensor) -> tuple[Tensor, Tensor]:
        """Distance and typicality of a scaled key for every slot."""
        squares = (key[:, None] - concepts.mean).square()
        count, prior = concepts.examples[..., None], self.prior_count
        variance = (count * concepts.variance + prior * self.spread**2) / (count + prior)
        # However often a dimension was constant, it may still vary by a tenth of the prior.
        variance = variance.clamp(min=0.1 * self.spread**2)
        return squares.sum(-1).sqrt(), torch.exp(-0.5 * (squares / variance).mean(-1))

    # --------------------------------------------------------------------------- associating

    def associate(
        self,
        concepts: Concepts,
        earlier: Tensor,
        later: Tensor,
        amount: float = 1.0,
    ) -> Concepts:
        """Note that one concept was followed by another (or by itself).

        Args:
            concepts: What is known.
            earlier: int64 ``[batch]``, a slot; -1: nothing is noted in this row.
            later: int64 ``[batch]``, likewise.
            amount: For how many times it counts.

        Raises:
            ShapeMismatch: If the slots are not ``[batch]`` or do not exist.
        """
        amount = checked_number("amount", amount, 0.0)
        places = torch.arange(self.prototypes)
        first = self._slot(concepts, earlier)[:, None] == places
        second = self._slot(concepts, later)[:, None] == places
        both = first[:, :, None] & second[:, None, :]
        taken = concepts.examples > 0
        both = both & taken[:, :, None] & taken[:, None, :]
        return concepts._replace(
            associations=concepts.associations + amount * both.to(concepts.associations)
        )

    def followers(self, concepts: Concepts, slot: Tensor) -> Tensor:
        """How probably each concept comes next, ``[batch, prototypes]``; zeros where none ever did.

        Args:
            concepts: What is known.
            slot: int64 ``[batch]``, the concept of now; -1 for none.
        """
        slot = self._slot(concepts, slot)
        row = concepts.associations[torch.arange(len(slot)), slot.clamp(min=0)]
        row = torch.where((slot >= 0)[:, None], row, 0.0)
        total = row.sum(-1, keepdim=True)
        return row / torch.where(total > 0, total, 1.0)

    # ---------------------------------------------------------------------------- forgetting

    def forget(self, concepts: Concepts, mask: Tensor) -> Concepts:
        """Erase the concepts where the mask, bool ``[batch, prototypes]``, says so.

        Raises:
            InvalidInput: If the mask is not bool.
            ShapeMismatch: If it has another shape.
        """
        mask = checked_mask(mask, (self._rows(concepts), self.prototypes))
        either = mask[:, :, None] | mask[:, None, :]
        return Concepts(
            mean=torch.where(mask[..., None], 0.0, concepts.mean),
            variance=torch.where(mask[..., None], 0.0, concepts.variance),
            examples=torch.where(mask, 0.0, concepts.examples),
            what=torch.where(mask, -1, concepts.what),
            associations=torch.where(either, 0.0, concepts.associations),
        )

    def by_what(self, concepts: Concepts, what: int) -> Tensor:
        """Which concepts are of this class, bool ``[batch, prototypes]``."""
        return (concepts.examples > 0) & (concepts.what == what)

    # ------------------------------------------------------------------------------ checking

    def _rows(self, concepts: Concepts) -> int:
        if concepts.mean.shape[1:] != (self.prototypes, self.key_size):
            raise ShapeMismatch(
                f"The concepts have {tuple(concepts.mean.shape[1:])} prototypes and key, "
                f"the memory {(self.prototypes, self.key_size)}.",
                "Use the memory that made this state.",
            )
        return batch_size(concepts)

    def _scaled(self, concepts: Concepts, key: Tensor) -> Tensor:
        key = checked_vectors("key", key, len(concepts.mean), self.key_size).to(concepts.mean)
        return unit(key) * math.sqrt(self.key_size) if self.normalise else key

    def _slot(self, concepts: Concepts, slot: Tensor) -> Tensor:
        return checked_slots(slot, (self._rows(concepts),), self.prototypes)


def _joined(concepts: Concepts, key: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of every concept as if the key had joined it (West 1979)."""
    total = concepts.examples + weight[:, None]
    share = (weight[:, None] / torch.where(total > 0, total, 1.0))[..., None]
    before = key[:, None] - concepts.mean
    mean = concepts.mean + share * before
    variance = (1.0 - share) * concepts.variance + share * before * (key[:, None] - mean)
    return mean, variance.clamp(min=0.0)
