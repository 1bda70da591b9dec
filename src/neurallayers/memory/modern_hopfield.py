r"""The modern Hopfield network: real patterns, found again in one step of softmax.

.. math::
    E(\xi) &= -\frac{1}{\beta} \log \sum_{i=1}^{M} e^{\beta x_i \cdot \xi}
        + \tfrac{1}{2} \xi \cdot \xi + \frac{\log M}{\beta} + \tfrac{1}{2} R^2,
        \qquad R = \max_i |x_i| \\
    \xi^{new} &= X^T \, \mathrm{softmax}(\beta X \xi)

Source: Ramsauer et al. (2021), Hopfield networks is all you need, ICLR, eq. 2 and 3: a step never
raises the energy (theorem 1), the number of random patterns on a sphere that can be stored grows
exponentially with their length (theorem 3), and one step suffices where patterns are well separated
(theorem 4). That likeness may be measured otherwise: Millidge et al. (2022), Universal Hopfield
networks, ICML.

* ``dot``: as above;
* ``euclidean``: :math:`\mathrm{softmax}(-\frac{\beta}{2} |x_i - \xi|^2)`, which is ``dot`` with a
  bias of :math:`-\frac{1}{2}|x_i|^2`: patterns of unlike length do not outbid each other;
* ``cosine``: patterns and state have length one in the comparison.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from neurallayers.dynamics.synapses import random_weights
from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.memory.keys import (
    checked_count,
    checked_mask,
    checked_number,
    checked_vectors,
    unit,
)
from neurallayers.seeding import derive_seed

SIMILARITIES = ("dot", "euclidean", "cosine")


class Retrieval(NamedTuple):
    """What a query becomes."""

    pattern: Tensor  # [batch, size]
    weights: Tensor  # [batch, patterns], softmax over the patterns


class ModernHopfieldNetwork:
    """A continuous associative memory; see the module.

    Args:
        patterns: ``[patterns, size]``.
        beta: Sharpness; when left out, ``max(4 log M, 16) / median |x|²``. Retrieval is clean where
            the likeness of the right pattern exceeds that of the others by a gap of several times
            log(M) / beta: where the gap is half of the squared length of a pattern, this beta
            leaves all others together a weight of at most 1 / M.
        similarity: ``"dot"``, ``"euclidean"`` or ``"cosine"``.

    Raises:
        InvalidInput: If an option is not as above or a pattern not finite.

    >>> network = ModernHopfieldNetwork(torch.tensor([[4.0, 0.0], [0.0, 4.0]]))
    >>> network.retrieve(torch.tensor([[3.0, 1.0]])).pattern.round(decimals=2)
    tensor([[4., 0.]])
    """

    def __init__(
        self, patterns: Tensor, beta: float | None = None, *, similarity: str = "dot"
    ) -> None:
        if similarity not in SIMILARITIES:
            raise InvalidInput(
                f"similarity is {similarity!r}.", f"Choose one of {', '.join(SIMILARITIES)}."
            )
        self.patterns = checked_vectors("patterns", patterns, None, None)
        if self.patterns.numel() == 0:
            raise ShapeMismatch("There is no pattern.", "Pass at least one of one component.")
        self.similarity = similarity
        self._compared = unit(self.patterns) if similarity == "cosine" else self.patterns
        squares = (self._compared * self._compared).sum(-1)
        self._bias = -0.5 * squares if similarity == "euclidean" else torch.zeros_like(squares)
        self._radius_squared = float(squares.max())
        if beta is None:
            usual = float(squares.median())
            beta = max(4.0 * math.log(len(squares)), 16.0) / usual if usual > 0 else 1.0
        self.beta = checked_number("beta", beta, 0.0, open_=True)

    def retrieve(self, query: Tensor, *, steps: int = 1) -> Retrieval:
        """Let queries move to the patterns that they are like.

        Args:
            query: ``[batch, size]``.
            steps: Updates; one is enough where patterns are well separated.

        Raises:
            ShapeMismatch: If the queries have another length.
            InvalidInput: If one is not finite.
        """
        checked_count("steps", steps)
        weights = self._weights(self._query(query))
        for _ in range(steps - 1):
            moved = weights @ self._compared
            weights = self._weights(unit(moved) if self.similarity == "cosine" else moved)
        return Retrieval(weights @ self.patterns, weights)

    def energy(self, state: Tensor) -> Tensor:
        """The energy of each state, ``[batch]``; a step of :meth:`retrieve` never raises it.

        With ``cosine`` it is that of the state at length one.
        """
        state = self._query(state)
        likeness = torch.logsumexp(self.beta * self._likeness(state), -1) / self.beta
        kinetic = 0.5 * (state * state).sum(-1)
        constant = math.log(len(self.patterns)) / self.beta + 0.5 * self._radius_squared
        return kinetic - likeness + constant

    def separation(self) -> Tensor:
        r"""How much more each pattern is like itself than like the next one, ``[patterns]``.

        .. math:: \Delta_i = x_i \cdot x_i - \max_{j \neq i} x_i \cdot x_j

        A pattern is a fixed point, but for an error falling as :math:`e^{-\beta \Delta_i}`, if this
        is several times :math:`\log M / \beta` (Ramsauer et al., theorem 5). Infinite for one
        pattern alone.
        """
        products = self._likeness(self._compared)
        own = products.diagonal().clone()
        return own - products.fill_diagonal_(-torch.inf).amax(-1)

    def _weights(self, state: Tensor) -> Tensor:
        return torch.softmax(self.beta * self._likeness(state), -1)

    def _likeness(self, state: Tensor) -> Tensor:
        return state @ self._compared.T + self._bias

    def _query(self, query: Tensor) -> Tensor:
        query = checked_vectors("query", query, None, self.patterns.shape[1]).to(self.patterns)
        return unit(query) if self.similarity == "cosine" else query


class HopfieldLayer(nn.Module):
    r"""A layer that looks things up: state patterns retrieve from stored ones, differentiably.

    .. math::
        Z = \mathrm{softmax}\left(\beta \, R W_Q \, (Y W_K)^T\right) \, Y W_K W_V

    Source: Ramsauer et al. (2021), eq. 10. With more than one step the state moves in the
    associative space before the last look-up.

    Args:
        size: Length of the patterns given.
        hidden: Length in the associative space; as ``size`` when left out.
        out: Length of the answers; as ``size`` when left out.
        beta: Sharpness; 1 / sqrt(hidden) when left out.
        learn_beta: Whether it is a parameter.
        steps: Updates.
        seed: Seed of the weights.

    Raises:
        InvalidInput: If an option is out of range.

    >>> layer = HopfieldLayer(4)
    >>> layer(torch.ones(2, 3, 4), torch.ones(2, 5, 4)).shape
    torch.Size([2, 3, 4])
    """

    def __init__(
        self,
        size: int,
        hidden: int | None = None,
        out: int | None = None,
        *,
        beta: float | None = None,
        learn_beta: bool = True,
        steps: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.size = checked_count("size", size)
        self.hidden = checked_count("hidden", size if hidden is None else hidden)
        self.out = checked_count("out", size if out is None else out)
        self.steps = checked_count("steps", steps)
        beta = self.hidden**-0.5 if beta is None else beta
        logarithm = torch.tensor(math.log(checked_number("beta", beta, 0.0, open_=True)))
        # Its logarithm is learned, so that it stays positive.
        self.log_beta = nn.Parameter(logarithm, requires_grad=learn_beta)
        seeds = [derive_seed(seed, name) for name in ("query", "key", "value")]
        self.query_weight = random_weights((self.hidden, size), size, 1.0, seeds[0])
        self.key_weight = random_weights((self.hidden, size), size, 1.0, seeds[1])
        self.value_weight = random_weights((self.out, self.hidden), self.hidden, 1.0, seeds[2])

    @property
    def beta(self) -> Tensor:
        """Sharpness."""
        return self.log_beta.exp()

    def forward(self, states: Tensor, stored: Tensor, mask: Tensor | None = None) -> Tensor:
        """Look each state up among the stored patterns of its row.

        Args:
            states: ``[batch, n, size]``.
            stored: ``[batch, patterns, size]``.
            mask: bool ``[batch, patterns]``, which patterns there are; all when left out. A row
                without any gets zeros.

        Raises:
            ShapeMismatch: If the shapes do not fit.
        """
        for name, given in (("states", states), ("stored", stored)):
            if given.ndim != 3 or given.shape[-1] != self.size or len(given) != len(states):
                raise ShapeMismatch(
                    f"{name} has shape {tuple(given.shape)}.",
                    f"Pass [batch, n, {self.size}], as many rows in both.",
                )
        keys = stored @ self.key_weight.T
        moving = states @ self.query_weight.T
        there = torch.ones_like(keys[..., 0], dtype=torch.bool)
        if mask is not None:
            there = checked_mask(mask, tuple(stored.shape[:2]))
        empty = ~there.any(-1)[:, None, None]
        # An empty row would be nan; its weights are uniform here and its answer zero below.
        barred = (~there[:, None, :] & ~empty).expand(-1, moving.shape[1], -1)
        for _ in range(self.steps):
            bids = (self.beta * moving @ keys.mT).masked_fill(barred, -torch.inf)
            moving = torch.softmax(bids, -1) @ keys
        return (moving @ self.value_weight.T).masked_fill(empty, 0.0)
