r"""E-prop: gradients from eligibility traces that run forward in time, and a learning signal.

For leaky integrate-and-fire neurons with an adaptive threshold,

.. math::
    v_j^t &= \alpha v_j^{t-1} + \sum_i w_{ji} z_i^{t} - z_j^{t-1} \vartheta, \qquad
    a_j^t = \rho a_j^{t-1} + z_j^{t-1}, \qquad z_j^t = H(v_j^t - \vartheta - \beta a_j^t) \\
    \bar z_i^t &= \alpha \bar z_i^{t-1} + z_i^{t} \\
    e_{ji}^t &= \psi_j^t (\bar z_i^t - \beta \epsilon_{ji}^t), \qquad
    \epsilon_{ji}^{t+1} = \psi_j^t \bar z_i^t + (\rho - \psi_j^t \beta) \epsilon_{ji}^t \\
    \Delta w_{ji} &= -\eta \sum_t L_j^t \bar e_{ji}^t, \qquad
    \bar e_{ji}^t = \kappa \bar e_{ji}^{t-1} + e_{ji}^t

with the surrogate derivative :math:`\psi_j^t = \frac{\gamma}{\vartheta} \max(0, 1 - |v_j^t -
\vartheta - \beta a_j^t| / \vartheta)`, the learning signal :math:`L_j^t` and the decay
:math:`\kappa` of the read-out. Nothing runs backward in time: a synapse keeps two numbers.

For a layer without recurrence the sum *is* the gradient of backpropagation through time (with the
same surrogate and without a gradient through the reset); through recurrent synapses it leaves out
what a spike does to later spikes of other neurons.

Source: Bellec, Scherr, Subramoney, Hajek, Salaj, Legenstein & Maass (2020), Nat. Commun. 11:3625,
eq. 4, and the derivation of eligibility traces in its methods.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from neurallayers.dynamics.arithmetic import absolute, equation, maximum
from neurallayers.dynamics.plasticity.rule import (
    RULES,
    Equations,
    Receiver,
    Rule,
    Sender,
    Synapse,
    Trace,
    require_finite,
    require_positive,
)
from neurallayers.dynamics.plasticity.spike_timing import bounded
from neurallayers.errors import InvalidInput, ShapeMismatch


@RULES.register("EProp")
@dataclass(frozen=True, kw_only=True)
class EProp(Rule):
    r"""E-prop for LIF neurons (``beta=0``) and adaptive ones; see the module for the equations.

    The learning signal is the modulator: whoever owns the state sets it, one number for each
    receiver, before each step. The potential must be that before a reset; a circuit hands over
    what its neurons hold after it, so that there the surrogate derivative of a spike is too small.

    Args:
        learning_rate: η.
        tau_membrane_ms: Time constant of the membrane [ms], α = exp(-dt/τ).
        tau_adaptation_ms: Time constant of the adaptive threshold [ms], ρ.
        tau_readout_ms: Time constant of the read-out [ms], κ; 0 for none.
        threshold: ϑ above rest, in the unit of the potential.
        beta: How far a spike raises the threshold, in the unit of the potential; 0 for LIF.
        dampening: γ of the surrogate derivative.
        resting: Potential at rest, from which ϑ is counted.
        input_gain: By how much a spike of weight one raises the potential at the end of its step.
        order: See :mod:`~neurallayers.dynamics.plasticity.rule`.
        w_min: Smallest weight; none by default.
        w_max: Largest weight; none by default.

    Raises:
        InvalidInput: If a number is out of range.
    """

    learning_rate: float = 1e-3
    tau_membrane_ms: float = 20.0
    tau_adaptation_ms: float = 200.0
    tau_readout_ms: float = 20.0
    threshold: float = 1.0
    beta: float = 0.0
    dampening: float = 0.3
    resting: float = 0.0
    input_gain: float = 1.0
    w_min: float = -math.inf
    w_max: float = math.inf

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive("tau_membrane_ms", self.tau_membrane_ms, "usually 10 to 30 ms")
        require_positive("tau_adaptation_ms", self.tau_adaptation_ms, "usually 100 to 2000 ms")
        require_positive("threshold", self.threshold, "distance from rest")
        require_positive("input_gain", self.input_gain, "usually 1")
        require_finite(
            learning_rate=self.learning_rate,
            beta=self.beta,
            dampening=self.dampening,
            tau_readout_ms=self.tau_readout_ms,
        )
        if not math.isfinite(self.resting):
            raise InvalidInput(f"resting is {self.resting}.", "It must be a finite number.")

    @property
    def presynaptic_traces(self) -> tuple[Trace, ...]:
        """z̄, but for what a spike is worth."""
        return (Trace(self.tau_membrane_ms),)

    @property
    def postsynaptic_traces(self) -> tuple[Trace, ...]:
        """The adaptation, where there is one."""
        return (Trace(self.tau_adaptation_ms),) if self.beta else ()

    @property
    def synaptic_variables(self) -> tuple[str, ...]:
        """What the adaptation owes to the synapse, and the eligibility as the read-out sees it."""
        return ("adaptation_eligibility", "eligibility")

    @property
    def needs_potential(self) -> bool:
        """The surrogate derivative needs it."""
        return True

    def equations(self) -> Equations:
        """Nothing at spikes, everything in each step."""
        return Equations(None, None, learned, ("plasticity/eligibility.py", _BOUNDS))

    def numbers(self, dt_ms: float) -> tuple[float, ...]:
        """Gains and decays of a step, those of the surrogate, learning rate, bounds."""
        adaptation = math.exp(-dt_ms / self.tau_adaptation_ms)
        readout = math.exp(-dt_ms / self.tau_readout_ms) if self.tau_readout_ms else 0.0
        # Traces arrive decayed by one step; a spike counts fully at the end of the step it acts in.
        gain = self.input_gain * math.exp(dt_ms / self.tau_membrane_ms)
        surrogate = (self.dampening / self.threshold, 1.0 / self.threshold)
        level = (self.resting + self.threshold, self.beta, self.beta / adaptation)
        decays = (adaptation, readout)
        return (gain, *surrogate, *level, *decays, self.learning_rate, self.w_min, self.w_max)


_BOUNDS = "plasticity/spike_timing.py"


@equation
def pseudo_derivative(distance: Any, height: Any, slope: Any) -> Any:
    """Surrogate derivative of a spike: a triangle over the distance from the threshold."""
    return height * maximum(1.0 - slope * absolute(distance), 0.0)


@equation
def learned(synapse: Synapse, sender: Sender, receiver: Receiver, modulator: Any, p: Any) -> Any:
    """In every step: w - η L ē; see the module."""
    trace = p[0] * sender.trace_1
    psi = pseudo_derivative(receiver.potential - p[3] - p[5] * receiver.trace_1, p[1], p[2])
    adaptation = psi * trace + (p[6] - psi * p[4]) * synapse.variable_1
    now = psi * (trace - p[4] * synapse.variable_1)
    eligibility = p[7] * synapse.variable_2 + now
    weight = bounded(synapse.weight - p[8] * modulator * eligibility, p[9], p[10])
    return Synapse(weight, adaptation, eligibility)


def eprop_gradient(
    rule: EProp, inputs: Tensor, potentials: Tensor, spikes: Tensor, signals: Tensor, dt_ms: float
) -> Tensor:
    r"""The gradient that e-prop gives for a whole run, :math:`\sum_t L_j^t \bar e_{ji}^t`.

    Args:
        rule: Its time constants and surrogate; learning rate and bounds play no part.
        inputs: Spikes of the senders ``[time, batch, n_in]``, each acting in its own step; for
            synapses within a layer, its spikes moved by the delay of one step.
        potentials: Potentials at the end of each step before a reset ``[time, batch, n_out]``.
        spikes: Spikes of the receivers ``[time, batch, n_out]``.
        signals: Learning signals ``[time, batch, n_out]``, the derivative of the loss by what the
            read-out receives.
        dt_ms: Length of a step [ms].

    Returns:
        ``[n_out, n_in]``, summed over time and batch.

    Raises:
        ShapeMismatch: If the shapes do not belong together.

    >>> ones = torch.ones(4, 1, 2)
    >>> eprop_gradient(EProp(), ones, ones, ones, ones, dt_ms=1.0).shape
    torch.Size([2, 2])
    """
    if not potentials.shape == spikes.shape == signals.shape or inputs.ndim != 3:
        shapes = [tuple(t.shape) for t in (inputs, potentials, spikes, signals)]
        raise ShapeMismatch(
            f"Inputs, potentials, spikes and signals have the shapes {shapes}.",
            "Pass [time, batch, n_in] and three times [time, batch, n_out].",
        )
    p = list(rule.numbers(dt_ms))
    # A step gains nothing and learns in its own unit, without bounds.
    gain, p[0], p[8], p[9], p[10] = rule.input_gain, 1.0, -1.0, -math.inf, math.inf
    decay = math.exp(-dt_ms / rule.tau_membrane_ms)
    trace, adaptation = torch.zeros_like(inputs[0]), torch.zeros_like(spikes[0])
    zeros = inputs.new_zeros(*spikes.shape[1:], inputs.shape[-1])
    synapse = Synapse(zeros, zeros, zeros)
    for x, potential, fired, signal in zip(inputs, potentials, spikes, signals, strict=True):
        trace = decay * trace + gain * x
        sender = Sender(trace[:, None, :])
        # Of the adaptation at this step, as the rule meets it: decayed, before it is put right.
        receiver = Receiver(p[6] * adaptation[:, :, None], potential=potential[:, :, None])
        synapse = learned(synapse, sender, receiver, signal[:, :, None], p)
        adaptation = p[6] * adaptation + fired
    gradient: Tensor = synapse.weight.sum(0)
    return gradient
