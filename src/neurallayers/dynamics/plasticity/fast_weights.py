r"""Plastic synapses: a slow weight that training gave and a fast weight that life gave.

.. math:: y = W x + F x + b

:math:`W` is a parameter, shared by all who use the network; :math:`F` is part of the state, one for
each individual. It moves by a three-factor rule: presynaptic activity, postsynaptic activity and a
modulator that says whether what just happened was worth keeping.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurallayers.dynamics.cell import CELLS, Cell, positive
from neurallayers.dynamics.synapses import random_weights
from neurallayers.errors import InvalidInput


class PlasticLinearState(NamedTuple):
    """State of :class:`PlasticLinear`."""

    fast_weight: Tensor  # [batch, out, in], what this individual learned
    eligibility: Tensor  # [batch, out, in], decaying trace of pre times post
    modulator: Tensor  # [batch], third factor: how much the trace counts now, 0 for not at all


@CELLS.register("PlasticLinear")
class PlasticLinear(Cell[PlasticLinearState]):
    r"""Dense synapses with a fast weight that a modulator turns experience into.

    .. math::
        y &= W x + F x + b \\
        E &\leftarrow \lambda E + (1 - \lambda) \, y \otimes x,
        \qquad \lambda = e^{-\Delta t/\tau_E} \\
        F &\leftarrow \mathrm{clip}(F + \eta \, m \, E, \; -F_{max}, \; F_{max})

    The modulator :math:`m` stands in the state; whoever owns the individual sets it (dopamine after
    a reward, say) and the next step turns the eligibility into weight. With :math:`m = 0` nothing
    is learned. The clip is the homeostasis that keeps a Hebbian rule from running away.

    Source: Miconi, Rawal, Clune & Stanley (2019), Backpropamine, ICLR, eq. 1 to 4; eligibility:
    Gerstner et al. (2018), Front. Neural Circuits 12:53, eq. 1 and 2.

    Args:
        n_in: Number of senders.
        n_out: Number of receivers.
        dt_ms: Length of a step [ms].
        tau_eligibility_ms: Time constant of the eligibility trace [ms].
        learning_rate: Fast weight gained in a step at modulator and eligibility one.
        bound: Largest absolute fast weight.
        bias: Whether each receiver has a constant input of its own.
        gain: Standard deviation of the slow weights times sqrt(n_in).
        seed: Seed of the slow weights.

    Raises:
        InvalidInput: If an option is out of range.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        dt_ms: float = 1.0,
        tau_eligibility_ms: float = 50.0,
        learning_rate: float = 0.01,
        bound: float = 1.0,
        bias: bool = True,
        gain: float = 1.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if min(n_in, n_out) < 1:
            raise InvalidInput(f"PlasticLinear({n_in}, {n_out}).", "Both sizes must be at least 1.")
        self.in_shape, self.out_shape = (n_in,), (n_out,)
        self.dt_ms = positive("dt_ms", dt_ms, "usually 0.1 to 1")
        tau = positive("tau_eligibility_ms", tau_eligibility_ms, "usually 20 to 1000 ms")
        self.trace_decay = math.exp(-self.dt_ms / tau)
        self.learning_rate = float(learning_rate)
        if not math.isfinite(self.learning_rate):
            raise InvalidInput(f"learning_rate is {learning_rate}.", "It must be a finite number.")
        self.bound = positive("bound", bound, "the largest fast weight")
        self.weight = random_weights((n_out, n_in), n_in, gain, seed)
        self.bias = nn.Parameter(torch.zeros(n_out)) if bias else None

    def initial_state(self, batch: int = 1) -> PlasticLinearState:
        """Nothing learned yet, no modulator."""
        zeros = torch.zeros(batch, *self.out_shape, *self.in_shape)
        return PlasticLinearState(zeros, zeros.clone(), torch.zeros(batch))

    def rest(self, state: PlasticLinearState) -> PlasticLinearState:
        """The fast weight stays; trace and modulator are gone."""
        return PlasticLinearState(
            state.fast_weight,
            torch.zeros_like(state.eligibility),
            torch.zeros_like(state.modulator),
        )

    def forward(self, x: Tensor, state: PlasticLinearState) -> tuple[Tensor, PlasticLinearState]:
        """One step; see the class for the equations."""
        slow = functional.linear(x, self.weight, self.bias)
        output = slow + (state.fast_weight @ x.unsqueeze(-1)).squeeze(-1)
        decay = self.trace_decay
        coincidence = output.unsqueeze(-1) * x.unsqueeze(-2)
        eligibility = decay * state.eligibility + (1 - decay) * coincidence
        change = self.learning_rate * state.modulator[..., None, None] * eligibility
        fast_weight = (state.fast_weight + change).clamp(-self.bound, self.bound)
        return output, PlasticLinearState(fast_weight, eligibility, state.modulator)
