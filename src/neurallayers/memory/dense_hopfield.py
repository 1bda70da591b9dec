r"""Dense associative memory: binary neurons whose energy is steeper than a square.

.. math::
    E(s) = -\sum_{\mu=1}^{M} F(\xi^\mu \cdot s), \qquad
    s_i \leftarrow \mathrm{sign}\left[\sum_\mu F(\xi^\mu_i + h^\mu_i)
        - \sum_\mu F(-\xi^\mu_i + h^\mu_i)\right], \quad
    h^\mu_i = \sum_{j \neq i} \xi^\mu_j s_j

(Krotov & Hopfield 2016, Dense associative memory for pattern recognition, NeurIPS, eq. 1 to 3): the
neuron takes the value of lower energy, so the energy never rises. The steeper :math:`F`, the more
patterns fit (:func:`~neurallayers.memory.capacity.polynomial_capacity`):

* ``polynomial``: :math:`F(x) = x^n`; with n = 2 it is Hebb's network with self-couplings, which do
  not matter to this update;
* ``rectified``: :math:`F(x) = \max(0, x)^n`, which takes no pattern for its negative;
* ``exponential``: :math:`F(x) = e^x` (Demircigil et al. 2017, J. Stat. Phys. 168:288, eq. 4).

Sums are computed in float64 of :math:`x / N`, and exponentials by their logarithms, so that nothing
overflows; the energy is that of the scaled sum (``exponential``: minus its logarithm).
"""

from __future__ import annotations

import torch
from torch import Tensor

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.memory.hopfield import Settled, checked_patterns, signs
from neurallayers.memory.keys import checked_count
from neurallayers.seeding import stream

INTERACTIONS = ("polynomial", "rectified", "exponential")


class DenseHopfieldNetwork:
    """A dense associative memory of binary patterns; see the module.

    Args:
        patterns: ``[patterns, neurons]`` of +1 and -1.
        interaction: ``"polynomial"``, ``"rectified"`` or ``"exponential"``.
        degree: n above, at least 2; the exponential has none.

    Raises:
        InvalidInput: If an option is not as above or a component not +1 or -1.

    >>> patterns = torch.tensor([[1.0, 1.0, 1.0, -1.0, -1.0], [1.0, -1.0, 1.0, -1.0, 1.0]])
    >>> network = DenseHopfieldNetwork(patterns, degree=3)
    >>> network.settle(torch.tensor([[-1.0, 1.0, 1.0, -1.0, -1.0]])).states
    tensor([[ 1.,  1.,  1., -1., -1.]])
    """

    def __init__(
        self, patterns: Tensor, interaction: str = "rectified", *, degree: int = 3
    ) -> None:
        if interaction not in INTERACTIONS:
            raise InvalidInput(
                f"interaction is {interaction!r}.", f"Choose one of {', '.join(INTERACTIONS)}."
            )
        self.patterns = checked_patterns("patterns", patterns)
        self.interaction, self.degree = interaction, checked_count("degree", degree, 2)
        self._wide = self.patterns.double()

    @property
    def neurons(self) -> int:
        """How many neurons there are."""
        return self.patterns.shape[1]

    def energy(self, states: Tensor) -> Tensor:
        """The energy of each state, float64 ``[batch]``; see the module for its scale."""
        return -self._total(self._states(states).double() @ self._wide.T)

    def settle(self, states: Tensor, *, sweeps: int = 100, seed: int = 0) -> Settled:
        """Update neuron after neuron, in a new random order each sweep, until nothing changes.

        Args:
            states: ``[batch, neurons]`` of +1 and -1.
            sweeps: How many sweeps at most; one is often enough.
            seed: Seed of the orders.

        Raises:
            InvalidInput: If a state is not of +1 and -1.
            ShapeMismatch: If the states have another length.
        """
        checked_count("sweeps", sweeps)
        now, generator = self._states(states).double(), stream(seed, "hopfield", "order")
        changed = torch.ones(len(now), dtype=torch.bool)
        swept = 0
        while swept < sweeps and bool(changed.any()):
            before = now
            order = torch.randperm(self.neurons, generator=generator).tolist()
            now = self._one_after_another(now, order)
            changed = (now != before).any(-1)
            swept += 1
        return Settled(now.to(states.dtype), swept, ~changed)

    def _one_after_another(self, states: Tensor, order: list[int]) -> Tensor:
        states, products = states.clone(), states @ self._wide.T
        for neuron in order:
            component, old = self._wide[:, neuron], states[:, neuron].clone()
            others = products - old[:, None] * component
            gain = self._total(others + component) - self._total(others - component)
            new = signs(gain, old)
            states[:, neuron] = new
            products = others + new[:, None] * component
        return states

    def _total(self, products: Tensor) -> Tensor:
        """The sum of F over the patterns, in its scale."""
        if self.interaction == "exponential":
            return products.logsumexp(-1)
        scaled = products / self.neurons
        if self.interaction == "rectified":
            scaled = scaled.clamp(min=0.0)
        return scaled.pow(self.degree).sum(-1)

    def _states(self, states: Tensor) -> Tensor:
        states = checked_patterns("states", states)
        if states.shape[1] != self.neurons:
            raise ShapeMismatch(
                f"The states have {states.shape[1]} neurons, the network {self.neurons}.",
                "Pass [batch, neurons].",
            )
        return states
