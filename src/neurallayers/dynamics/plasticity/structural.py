r"""Structural plasticity: weak synapses go, new ones grow, and their number has a budget.

A pure function from edges to edges: nothing is kept, all randomness comes from a seed. After each
call the number of synapses is that of the budget (or all that can exist), so that a network may be
rewired for ever without growing.

New synapses join neurons in proportion to the product of their activities (or evenly): sampled
without replacement among the pairs that have none.

Source: Butz & van Ooyen (2013), PLoS Comput. Biol. 9:e1003259; the budget: Bellec, Kappel, Maass &
Legenstein (2018), Deep rewiring, ICLR; Mocanu et al. (2018), Nat. Commun. 9:2383.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.seeding import stream

# Up to so many pairs are listed; above, pairs are drawn and those that exist are drawn again.
LISTED_PAIRS = 1 << 20


class Edges(NamedTuple):
    """Synapses as a list, sorted by sender and then by receiver."""

    senders: Tensor  # int64 [n_edges]
    receivers: Tensor  # int64 [n_edges]
    weights: Tensor  # [n_edges]


def rewired(
    edges: Edges,
    *,
    n_senders: int,
    n_receivers: int,
    seed: int,
    prune_below: float = 0.0,
    budget: int | None = None,
    new_weight: float = 0.1,
    sender_activity: Tensor | None = None,
    receiver_activity: Tensor | None = None,
    to_themselves: bool = True,
) -> Edges:
    """Remove the weakest synapses and grow new ones up to a budget.

    Args:
        edges: The synapses, at most one for each pair of neurons.
        n_senders: Number of senders.
        n_receivers: Number of receivers.
        seed: Seed of the new synapses; another one for each call, such as one derived from the
            number of the call with :func:`~neurallayers.seeding.derive_seed`.
        prune_below: Synapses with a smaller absolute weight are removed.
        budget: Number of synapses afterwards; as many as before when left out. Where there are too
            many, the weakest go; where fewer pairs have activity, all of these are joined.
        new_weight: Weight of a new synapse.
        sender_activity: How likely each sender is to grow a synapse ``[n_senders]``, such as its
            rate; all alike when left out.
        receiver_activity: The same for receivers ``[n_receivers]``.
        to_themselves: Whether a neuron may be joined to one with its own number (False for
            synapses within a population).

    Returns:
        New edges; those handed in are left as they are.

    Raises:
        ShapeMismatch: If the arrays of edges or activities do not have the shapes above.
        InvalidInput: If an edge is out of range or there twice, or a number is out of range.

    >>> edges = Edges(torch.tensor([0, 1]), torch.tensor([1, 0]), torch.tensor([0.5, 0.01]))
    >>> after = rewired(edges, n_senders=2, n_receivers=2, seed=3, prune_below=0.1)
    >>> len(after.weights), bool((after.weights == 0.5).any())
    (2, True)
    """
    _check_edges(edges, n_senders, n_receivers)
    senders = _activity("sender_activity", sender_activity, n_senders)
    receivers = _activity("receiver_activity", receiver_activity, n_receivers)
    budget = len(edges.weights) if budget is None else budget
    if budget < 0 or prune_below < 0.0 or not math.isfinite(new_weight):
        raise InvalidInput(
            f"budget is {budget}, prune_below {prune_below} and new_weight {new_weight}.",
            "The first two must be zero or more, the last a finite number.",
        )
    kept = _strongest(edges, prune_below, budget)
    pairs = edges.senders[kept] * n_receivers + edges.receivers[kept]
    draw = _Draw(senders, receivers, to_themselves, stream(seed, "structural"))
    grown = draw.pairs(pairs, budget - len(pairs))
    weights = torch.cat(
        [edges.weights[kept], edges.weights.new_full((len(grown),), float(new_weight))]
    )
    pairs, order = torch.cat([pairs, grown]).sort()
    return Edges(pairs // n_receivers, pairs % n_receivers, weights[order])


def _strongest(edges: Edges, prune_below: float, budget: int) -> Tensor:
    """Positions of the edges that stay; of equal ones the first."""
    strength = edges.weights.abs()
    kept = torch.nonzero(strength >= prune_below).flatten()
    if len(kept) > budget:
        order = strength[kept].sort(descending=True, stable=True).indices
        kept = kept[order[:budget]]
    return kept


class _Draw(NamedTuple):
    """Pairs of neurons in proportion to their activities, without replacement."""

    senders: Tensor  # float64 [n_senders]
    receivers: Tensor  # float64 [n_receivers]
    to_themselves: bool
    generator: torch.Generator

    def pairs(self, taken: Tensor, wanted: int) -> Tensor:
        """Up to so many pairs (sender times number of receivers plus receiver) not yet taken."""
        active = int(self.senders.count_nonzero()) * int(self.receivers.count_nonzero())
        if wanted <= 0 or active == 0:
            return taken[:0]
        few = active <= max(LISTED_PAIRS, 4 * (len(taken) + wanted))
        return self._of_all(taken, wanted) if few else self._one_by_one(taken, wanted)

    def _of_all(self, taken: Tensor, wanted: int) -> Tensor:
        """List all pairs; keys of an exponential race choose without replacement.

        Source: Efraimidis & Spirakis (2006), Inf. Process. Lett. 97:181.
        """
        i = torch.nonzero(self.senders).flatten()[:, None]
        j = torch.nonzero(self.receivers).flatten()[None]
        chance = self.senders[i] * self.receivers[j]
        race = torch.empty_like(chance).exponential_(generator=self.generator) / chance
        pairs = i * len(self.receivers) + j
        free = ~torch.isin(pairs, taken)
        if not self.to_themselves:
            free &= i != j
        race, pairs = race[free], pairs[free]
        return pairs[race.sort(stable=True).indices[:wanted]]

    def _one_by_one(self, taken: Tensor, wanted: int) -> Tensor:
        """Draw pairs with replacement and drop those there are, until there are enough.

        The first of several equal pairs counts, so that the order of draws decides, as it does in
        sampling without replacement. Where few pairs hold most of the activity, they are listed.
        """
        found = taken[:0]
        for _ in range(64):
            more = 2 * (wanted - len(found)) + 16
            i = self._neurons(self.senders, more)
            j = self._neurons(self.receivers, more)
            drawn = i * len(self.receivers) + j
            if not self.to_themselves:
                drawn = drawn[i != j]
            drawn = drawn[~torch.isin(drawn, torch.cat([taken, found]))]
            found = torch.cat([found, _first_of_each(drawn)])[:wanted]
            if len(found) == wanted:
                return found
        return torch.cat([found, self._of_all(torch.cat([taken, found]), wanted - len(found))])

    def _neurons(self, activity: Tensor, n: int) -> Tensor:
        # Not torch.multinomial, which takes no more than 2^24 kinds.
        total = activity.cumsum(0)
        drawn = torch.rand(n, generator=self.generator, dtype=torch.float64) * total[-1]
        # Rounding may reach the end, where a neuron without activity could stand.
        last = int(torch.nonzero(activity)[-1])
        return torch.searchsorted(total, drawn, right=True).clamp(max=last)


def _first_of_each(values: Tensor) -> Tensor:
    """Each value once, in the order in which they first appear."""
    ordered, order = values.sort(stable=True)
    first = torch.ones_like(ordered, dtype=torch.bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return values[order[first].sort().values]


def _check_edges(edges: Edges, n_senders: int, n_receivers: int) -> None:
    shapes = [tuple(tensor.shape) for tensor in edges]
    if edges.weights.ndim != 1 or len(set(shapes)) != 1:
        raise ShapeMismatch(
            f"Senders, receivers and weights have the shapes {shapes}.",
            "Pass three arrays of one axis and the same length.",
        )
    for name, index, n in (
        ("senders", edges.senders, n_senders),
        ("receivers", edges.receivers, n_receivers),
    ):
        if len(index) and not 0 <= int(index.min()) <= int(index.max()) < n:
            raise InvalidInput(
                f"The {name} run from {int(index.min())} to {int(index.max())}.",
                f"They must lie between 0 and {n - 1}.",
            )
    pairs = edges.senders * n_receivers + edges.receivers
    if pairs.unique().numel() != pairs.numel():
        raise InvalidInput(
            f"Of {pairs.numel()} edges only {pairs.unique().numel()} are different.",
            "Join each pair of neurons at most once.",
        )


def _activity(name: str, activity: Tensor | None, n: int) -> Tensor:
    if activity is None:
        return torch.ones(n, dtype=torch.float64)
    if tuple(activity.shape) != (n,):
        raise ShapeMismatch(f"{name} has the shape {tuple(activity.shape)}.", f"It must be ({n},).")
    if not bool(((activity >= 0) & activity.isfinite()).all()):
        raise InvalidInput(
            f"{name} reaches from {activity.min()} to {activity.max()}.",
            "Activities must be finite numbers, zero or more.",
        )
    return activity.detach().to("cpu", torch.float64)
