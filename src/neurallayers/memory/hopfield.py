r"""The classical Hopfield network: patterns of +1 and -1 as attractors of a symmetric network.

.. math::
    E(s) = -\tfrac{1}{2} s^T W s, \qquad
    s_i \leftarrow \mathrm{sign}\Big(\sum_j W_{ij} s_j\Big) \quad \text{(a tie keeps } s_i)

Rules of storage, of :math:`M` patterns :math:`\xi` in :math:`N` neurons, all with
:math:`W_{ii} = 0`:

* ``hebb``: :math:`W = \frac{1}{N} \sum_\mu \xi^\mu \xi^{\mu T}` (Hopfield 1982, PNAS 79:2554,
  eq. 2 and 7). Random patterns are found again up to :math:`M = 0.138 N` (Amit, Gutfreund &
  Sompolinsky 1985, Phys. Rev. Lett. 55:1530; see :mod:`~neurallayers.memory.capacity`).
* ``projection``: :math:`W = \frac{1}{N} \sum_{\mu\nu} \xi^\mu (C^{-1})_{\mu\nu} \xi^{\nu T}`,
  :math:`C_{\mu\nu} = \xi^\mu \cdot \xi^\nu / N`: independent patterns, up to :math:`N`, are fixed
  points (Personnaz, Guyon & Dreyfus 1985, J. Phys. Lett. 46:L359; without self-coupling:
  Kanter & Sompolinsky 1987, Phys. Rev. A 35:380).
* ``storkey``: incremental and local like Hebb's, with more capacity (Storkey 1997, ICANN, eq. 2).

Neurons are updated one after another (``asynchronous``: the energy never rises, and a fixed point
is reached) or all at once (``synchronous``: fast, but it may end in a cycle of two states).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.memory.keys import checked_count, checked_vectors
from neurallayers.registry import Registry
from neurallayers.seeding import stream


class Settled(NamedTuple):
    """Where a network came to rest."""

    states: Tensor  # [batch, neurons], +1 and -1
    sweeps: int  # how many times every neuron was updated
    converged: Tensor  # bool [batch]: the last sweep changed nothing


STORAGE_RULES: Registry[Tensor] = Registry("storage rule")


@STORAGE_RULES.register("hebb")
def hebbian_weights(patterns: Tensor) -> Tensor:
    """Hebb's rule; see the module.

    Args:
        patterns: ``[patterns, neurons]`` of +1 and -1.

    Returns:
        ``[neurons, neurons]``, symmetric, zero on the diagonal.

    >>> hebbian_weights(torch.tensor([[1.0, -1.0]]))
    tensor([[ 0.0000, -0.5000],
            [-0.5000,  0.0000]])
    """
    patterns = checked_patterns("patterns", patterns)
    weights: Tensor = patterns.T @ patterns / patterns.shape[1]
    return weights.fill_diagonal_(0.0)


@STORAGE_RULES.register("projection")
def projection_weights(patterns: Tensor) -> Tensor:
    """The pseudo-inverse rule; see the module. It is computed in float64."""
    patterns = checked_patterns("patterns", patterns)
    wide = patterns.double()
    projector: Tensor = torch.linalg.pinv(wide) @ wide
    return projector.to(patterns).fill_diagonal_(0.0)


@STORAGE_RULES.register("storkey")
def storkey_weights(patterns: Tensor) -> Tensor:
    r"""Storkey's rule, one pattern after another; see the module.

    .. math::
        \Delta W_{ij} = \frac{1}{N} \left(\xi_i \xi_j - \xi_i h_{ji} - h_{ij} \xi_j\right),
        \qquad h_{ij} = \sum_{k \neq i, j} W_{ik} \xi_k
    """
    patterns = checked_patterns("patterns", patterns)
    neurons = patterns.shape[1]
    weights = torch.zeros(neurons, neurons, dtype=torch.float64)
    for pattern in patterns.double():
        # The diagonal of the weights is zero, so k = i drops out by itself.
        field = (weights @ pattern)[:, None] - weights * pattern[None, :]
        change = pattern[:, None] * pattern[None, :]
        change = change - pattern[:, None] * field.T - field * pattern[None, :]
        weights = (weights + change / neurons).fill_diagonal_(0.0)
    return weights.to(patterns)


class HopfieldNetwork:
    """A symmetric network of binary neurons; see the module.

    Args:
        weights: ``[neurons, neurons]``, symmetric, zero on the diagonal.

    Raises:
        ShapeMismatch: If the weights are not square.
        InvalidInput: If they are not symmetric, not finite or have self-couplings.

    >>> network = HopfieldNetwork.of(torch.tensor([[1.0, 1.0, 1.0, -1.0, -1.0]]))
    >>> network.settle(torch.tensor([[1.0, -1.0, 1.0, -1.0, -1.0]])).states
    tensor([[ 1.,  1.,  1., -1., -1.]])
    """

    def __init__(self, weights: Tensor) -> None:
        weights = checked_vectors("weights", weights, None, None)
        if weights.shape[0] != weights.shape[1]:
            raise ShapeMismatch(
                f"The weights have shape {tuple(weights.shape)}.", "Pass [neurons, neurons]."
            )
        rounding = 1e-5 * float(weights.abs().max()) if weights.numel() else 0.0
        symmetric = bool(((weights - weights.T).abs() <= rounding).all())
        if not symmetric or bool(weights.diagonal().any()):
            raise InvalidInput(
                "The weights are not symmetric, or have self-couplings.",
                "Only without those does the energy never rise; use HopfieldNetwork.of(patterns).",
            )
        # To the last bit, as only then the energy never rises.
        self.weights = 0.5 * (weights + weights.T)
        # A field that is nothing but rounding decides nothing.
        largest = float(weights.abs().sum(-1).max()) if weights.numel() else 0.0
        self._tie = 4.0 * torch.finfo(weights.dtype).eps * largest

    @classmethod
    def of(cls, patterns: Tensor, rule: str = "hebb") -> HopfieldNetwork:
        """A network that stores these patterns.

        Args:
            patterns: ``[patterns, neurons]`` of +1 and -1.
            rule: ``"hebb"``, ``"projection"`` or ``"storkey"``.

        Raises:
            UnknownName: If the rule is another one.
            InvalidInput: If a component is not +1 or -1.
        """
        return cls(STORAGE_RULES.make(rule, patterns))

    @property
    def neurons(self) -> int:
        """How many neurons there are."""
        return self.weights.shape[0]

    def energy(self, states: Tensor) -> Tensor:
        """The energy of each state, ``[batch]``; see the module."""
        states = self._states(states)
        return -0.5 * ((states @ self.weights) * states).sum(-1)

    def settle(
        self,
        states: Tensor,
        *,
        update: str = "asynchronous",
        sweeps: int = 100,
        seed: int = 0,
    ) -> Settled:
        """Update until nothing changes any more.

        Args:
            states: ``[batch, neurons]`` of +1 and -1, such as patterns with noise.
            update: ``"asynchronous"``: one neuron after another, in a new random order each sweep,
                the same for all rows; ``"synchronous"``: all at once.
            sweeps: How many sweeps at most.
            seed: Seed of the orders.

        Raises:
            InvalidInput: If an option or a state is not as above.
            ShapeMismatch: If the states have another length.
        """
        if update not in ("asynchronous", "synchronous"):
            raise InvalidInput(f"update is {update!r}.", "Choose asynchronous or synchronous.")
        checked_count("sweeps", sweeps)
        now, generator = self._states(states), stream(seed, "hopfield", "order")
        changed = torch.ones(len(now), dtype=torch.bool)
        swept = 0
        while swept < sweeps and bool(changed.any()):
            before = now
            if update == "synchronous":
                now = signs(now @ self.weights, now, self._tie)
            else:
                order = torch.randperm(self.neurons, generator=generator).tolist()
                now = self._one_after_another(now, order)
            changed = (now != before).any(-1)
            swept += 1
        return Settled(now, swept, ~changed)

    def _one_after_another(self, states: Tensor, order: list[int]) -> Tensor:
        """One sweep; the fields of all neurons are kept up to date, so a flip costs one row.

        Most neurons do not flip, and to see that takes numpy a fraction of torch's time.
        """
        couplings = self.weights.detach().cpu().numpy()
        fields = (states @ self.weights).detach().cpu().numpy().copy()
        now = states.detach().cpu().numpy().copy()
        for neuron in order:
            flips = fields[:, neuron] * now[:, neuron] < -self._tie
            for row in flips.nonzero()[0] if flips.any() else ():
                fields[row] -= (2.0 * now[row, neuron]) * couplings[neuron]
                now[row, neuron] *= -1.0
        return torch.from_numpy(now).to(states.device)

    def _states(self, states: Tensor) -> Tensor:
        states = checked_patterns("states", states).to(self.weights)
        if states.shape[1] != self.neurons:
            raise ShapeMismatch(
                f"The states have {states.shape[1]} neurons, the network {self.neurons}.",
                "Pass [batch, neurons].",
            )
        return states


def signs(fields: Tensor, states: Tensor, tie: float = 0.0) -> Tensor:
    """The sign of each field; where it is no larger than a tie, the state stays."""
    return torch.where(fields.abs() <= tie, states, torch.sign(fields))


def overlap(states: Tensor, patterns: Tensor) -> Tensor:
    """Mean product of each state with its pattern, ``[batch]``: 1 is the same, 0 is by chance.

    >>> overlap(torch.tensor([[1.0, 1.0, 1.0, -1.0]]), torch.tensor([[1.0, 1.0, 1.0, 1.0]]))
    tensor([0.5000])
    """
    return (states * patterns).mean(-1)


def checked_patterns(name: str, patterns: Tensor) -> Tensor:
    """Refuse what is not ``[patterns, neurons]`` of +1 and -1.

    Raises:
        ShapeMismatch: If there are no patterns or no neurons.
        InvalidInput: If a component is something else.
    """
    patterns = checked_vectors(name, patterns, None, None)
    if patterns.numel() == 0:
        raise ShapeMismatch(f"{name} is empty.", "Pass at least one pattern of one neuron.")
    if not bool((patterns.abs() == 1).all()):
        raise InvalidInput(
            f"{name} holds {float(patterns[patterns.abs() != 1][0]) + 0.0:g}.",
            "Components are +1 and -1; make bits such by 2 * bits - 1.",
        )
    return patterns
