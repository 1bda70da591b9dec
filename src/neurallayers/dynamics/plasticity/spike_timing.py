r"""Spike-timing-dependent plasticity of pairs of spikes, with its weight dependences and pairings.

.. math::
    \Delta w = \begin{cases}
        F_+(w) \, e^{-\Delta t/\tau_+}, & \Delta t = t_{post} - t_{pre} > 0 \\
        -F_-(w) \, e^{\Delta t/\tau_-}, & \Delta t < 0
    \end{cases} \qquad
    F_+ = A_+ (w_{max} - w)^{\mu_+}, \quad F_- = A_- (w - w_{min})^{\mu_-}

Source: Morrison, Diesmann & Gerstner (2008), Biol. Cybern. 98:459, section 4.1 and figure 7; weight
dependence: Gütig, Aharonov, Rotter & Sompolinsky (2003), J. Neurosci. 23:3697, eq. 2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from neurallayers.dynamics.arithmetic import equation, exp, log, maximum, minimum, where
from neurallayers.dynamics.plasticity.rule import (
    RULES,
    Equation,
    Equations,
    Receiver,
    Rule,
    Sender,
    Synapse,
    Trace,
    require_finite,
    require_one_of,
    require_positive,
)
from neurallayers.errors import InvalidInput

Pairing = Literal["all_to_all", "nearest", "presynaptic_centered", "reduced_symmetric"]
PAIRINGS: tuple[Pairing, ...] = (
    "all_to_all",
    "nearest",
    "presynaptic_centered",
    "reduced_symmetric",
)


@RULES.register("PairSTDP")
@dataclass(frozen=True, kw_only=True)
class PairSTDP(Rule):
    r"""STDP of pairs; see the module for the equation.

    The exponents choose the weight dependence, always with hard bounds: ``mu=0`` additive (Song,
    Miller & Abbott 2000), ``mu_plus=mu_minus=1`` multiplicative (Rubin, Lee & Sompolinsky 2001),
    ``mu_plus=0, mu_minus=1`` that of van Rossum, Bi & Turrigiano (2000), anything between that of
    Gütig et al. (2003). NEST's ``stdp_synapse`` is this rule in the order
    ``"update_then_transmit"`` with :math:`A_+ = \lambda W_{max}^{1-\mu_+}` and
    :math:`A_- = \alpha \lambda W_{max}^{1-\mu_-}`.

    Pairings (Morrison et al. 2008, figure 7):

    * ``"all_to_all"``: every presynaptic spike with every postsynaptic one;
    * ``"nearest"`` (symmetric, 7A): each spike with the last of the other neuron;
    * ``"presynaptic_centered"`` (7B): each presynaptic spike with the last postsynaptic one before
      it and the next one after it;
    * ``"reduced_symmetric"`` (7C): as 7B, but only neighbours, with no spike between them.

    Args:
        amplitude_plus: A₊, in units of the weight to the power of 1 - mu_plus.
        amplitude_minus: A₋, positive for depression.
        tau_plus_ms: Time constant of potentiation [ms].
        tau_minus_ms: Time constant of depression [ms].
        mu_plus: Exponent of the weight dependence of potentiation.
        mu_minus: Exponent of the weight dependence of depression.
        pairing: Which spikes form pairs.
        order: See :mod:`~neurallayers.dynamics.plasticity.rule`.
        w_min: Smallest weight.
        w_max: Largest weight; ``math.inf`` for none (additive potentiation only).

    Raises:
        InvalidInput: If a number is out of range or a bound is missing that an exponent needs.

    >>> round(PairSTDP(amplitude_plus=0.01, tau_plus_ms=20.0).window(10.0), 6)
    0.006065
    """

    amplitude_plus: float = 0.01
    amplitude_minus: float = 0.012
    tau_plus_ms: float = 20.0
    tau_minus_ms: float = 20.0
    mu_plus: float = 0.0
    mu_minus: float = 0.0
    pairing: Pairing = "all_to_all"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of("pairing", self.pairing, PAIRINGS)
        require_positive("tau_plus_ms", self.tau_plus_ms, "usually 10 to 20 ms")
        require_positive("tau_minus_ms", self.tau_minus_ms, "usually 20 to 40 ms")
        require_finite(amplitude_plus=self.amplitude_plus, amplitude_minus=self.amplitude_minus)
        require_finite(mu_plus=self.mu_plus, mu_minus=self.mu_minus)
        for mu, bound in (("mu_plus", "w_max"), ("mu_minus", "w_min")):
            if getattr(self, mu) and math.isinf(getattr(self, bound)):
                raise InvalidInput(
                    f"{mu} is {getattr(self, mu)} and {bound} is {getattr(self, bound)}.",
                    f"A weight dependence needs a finite {bound}.",
                )

    @property
    def presynaptic_traces(self) -> tuple[Trace, ...]:
        """What :attr:`pairing` needs to know of the sender."""
        if self.pairing in ("all_to_all", "presynaptic_centered"):
            return (Trace(self.tau_plus_ms),)
        last = Trace(self.tau_plus_ms, mode="nearest")
        if self.pairing == "nearest":
            return (last,)
        return (last, Trace(self.tau_minus_ms, mode="nearest"))

    @property
    def postsynaptic_traces(self) -> tuple[Trace, ...]:
        """What :attr:`pairing` needs to know of the receiver."""
        if self.pairing == "all_to_all":
            return (Trace(self.tau_minus_ms),)
        last = Trace(self.tau_minus_ms, mode="nearest")
        if self.pairing == "nearest":
            return (last,)
        return (last, Trace(self.tau_plus_ms, mode="nearest"))

    @property
    def synaptic_variables(self) -> tuple[str, ...]:
        """For pairs centred on the sender: its trace at the receiver's last spike."""
        return ("trace_at_last_pair",) if self.pairing == "presynaptic_centered" else ()

    @property
    def _is_linear(self) -> bool:
        return {self.mu_plus, self.mu_minus} <= {0.0, 1.0}

    def equations(self) -> Equations:
        """One pair of functions for each pairing, and one for exponents between 0 and 1."""
        known = _LINEAR if self._is_linear else _BY_POWER
        return Equations(*known[self.pairing], None, ("plasticity/spike_timing.py",))

    def numbers(self, dt_ms: float) -> tuple[float, ...]:
        """Weight dependence of potentiation and depression, bounds, and who wins a tie."""
        tie = 1.0 if self.order == "update_then_transmit" else 0.0
        if not self._is_linear:
            plus, minus = (self.amplitude_plus, self.mu_plus), (self.amplitude_minus, self.mu_minus)
        else:
            # F = a + b w, which needs no power.
            a, b = self.amplitude_plus, self.amplitude_minus
            plus = (a * self.w_max, -a) if self.mu_plus else (a, 0.0)
            minus = (-b * self.w_min, b) if self.mu_minus else (b, 0.0)
        return (*plus, *minus, self.w_min, self.w_max, tie, 1.0 - tie)

    def window(self, lag_ms: float, weight: float = 0.5) -> float:
        """Change of a weight by one isolated pair with ``lag_ms`` = t_post - t_pre, without bounds.

        A lag of zero counts as the :attr:`order` says.
        """
        if lag_ms == 0.0 and self.order == "update_then_transmit":
            return 0.0
        if lag_ms >= 0.0:
            grown = (self.w_max - weight) ** self.mu_plus if self.mu_plus else 1.0
            return self.amplitude_plus * grown * math.exp(-lag_ms / self.tau_plus_ms)
        shrunk = (weight - self.w_min) ** self.mu_minus if self.mu_minus else 1.0
        return -self.amplitude_minus * shrunk * math.exp(lag_ms / self.tau_minus_ms)


@equation
def bounded(weight: Any, w_min: Any, w_max: Any) -> Any:
    """A weight within hard bounds."""
    return minimum(maximum(weight, w_min), w_max)


@equation
def power(base: Any, exponent: Any) -> Any:
    """A power of a number of zero or more; the smallest numbers count as zero."""
    tiny = 1e-30
    positive = exp(exponent * log(maximum(base, tiny)))
    return where(base > tiny, positive, where(exponent > 0.0, 0.0, 1.0))


@equation
def depressed(weight: Any, trace: Any, p: Any) -> Any:
    """Weight less F₋ = a + b w times a trace of postsynaptic spikes."""
    return bounded(weight - (p[2] + p[3] * weight) * trace, p[4], p[5])


@equation
def potentiated(weight: Any, trace: Any, p: Any) -> Any:
    """Weight plus F₊ = a + b w times a trace of presynaptic spikes."""
    return bounded(weight + (p[0] + p[1] * weight) * trace, p[4], p[5])


@equation
def depressed_by_power(weight: Any, trace: Any, p: Any) -> Any:
    """Weight less A₋ (w - w_min)^μ₋ times a trace of postsynaptic spikes."""
    return bounded(weight - p[2] * power(weight - p[4], p[3]) * trace, p[4], p[5])


@equation
def potentiated_by_power(weight: Any, trace: Any, p: Any) -> Any:
    """Weight plus A₊ (w_max - w)^μ₊ times a trace of presynaptic spikes."""
    return bounded(weight + p[0] * power(p[5] - weight, p[1]) * trace, p[4], p[5])


@equation
def if_later(trace: Any, other: Any, at_a_tie: Any) -> Any:
    """A trace of last spikes if its spike is later than the other's (equal time constants)."""
    return where(trace > other, trace, where(trace == other, at_a_tie * trace, 0.0))


@equation
def since_last(sender: Sender, receiver: Receiver, synapse: Synapse) -> Any:
    """The sender's trace without what is left of it from before the receiver's last spike.

    ``receiver.trace_2``, a trace of last spikes with the sender's time constant, says how much of
    ``variable_1``, the sender's trace at that spike, is left.
    """
    return sender.trace_1 - synapse.variable_1 * receiver.trace_2


@equation
def before(synapse: Synapse, sender: Sender, receiver: Receiver, modulator: Any, p: Any) -> Any:
    """At a presynaptic spike: depressed by the receiver's trace."""
    weight = depressed(synapse.weight, receiver.trace_1, p)
    return Synapse(weight, synapse.variable_1, synapse.variable_2)


@equation
def after(synapse: Synapse, sender: Sender, receiver: Receiver, modulator: Any, p: Any) -> Any:
    """At a postsynaptic spike: potentiated by the sender's trace."""
    weight = potentiated(synapse.weight, sender.trace_1, p)
    return Synapse(weight, synapse.variable_1, synapse.variable_2)


@equation
def after_centered(
    synapse: Synapse, sender: Sender, receiver: Receiver, modulator: Any, p: Any
) -> Any:
    """At a postsynaptic spike: potentiated by what the sender fired since the last one."""
    weight = potentiated(synapse.weight, since_last(sender, receiver, synapse), p)
    return Synapse(weight, sender.trace_1, synapse.variable_2)


@equation
def before_reduced(
    synapse: Synapse, sender: Sender, receiver: Receiver, modulator: Any, p: Any
) -> Any:
    """At a presynaptic spike: depressed if the receiver fired since the sender's last spike."""
    weight = depressed(synapse.weight, if_later(receiver.trace_1, sender.trace_2, p[7]), p)
    return Synapse(weight, synapse.variable_1, synapse.variable_2)


@equation
def after_reduced(
    synapse: Synapse, sender: Sender, receiver: Receiver, modulator: Any, p: Any
) -> Any:
    """At a postsynaptic spike: potentiated if the sender fired since the receiver's last spike."""
    weight = potentiated(synapse.weight, if_later(sender.trace_1, receiver.trace_2, p[6]), p)
    return Synapse(weight, synapse.variable_1, synapse.variable_2)


@equation
def before_by_power(
    synapse: Synapse, sender: Sender, receiver: Receiver, modulator: Any, p: Any
) -> Any:
    """:func:`before` with a power of the weight."""
    weight = depressed_by_power(synapse.weight, receiver.trace_1, p)
    return Synapse(weight, synapse.variable_1, synapse.variable_2)


@equation
def after_by_power(
    synapse: Synapse, sender: Sender, receiver: Receiver, modulator: Any, p: Any
) -> Any:
    """:func:`after` with a power of the distance to the largest weight."""
    weight = potentiated_by_power(synapse.weight, sender.trace_1, p)
    return Synapse(weight, synapse.variable_1, synapse.variable_2)


@equation
def after_centered_by_power(
    synapse: Synapse, sender: Sender, receiver: Receiver, modulator: Any, p: Any
) -> Any:
    """:func:`after_centered` with a power of the distance to the largest weight."""
    weight = potentiated_by_power(synapse.weight, since_last(sender, receiver, synapse), p)
    return Synapse(weight, sender.trace_1, synapse.variable_2)


@equation
def before_reduced_by_power(
    synapse: Synapse, sender: Sender, receiver: Receiver, modulator: Any, p: Any
) -> Any:
    """:func:`before_reduced` with a power of the weight."""
    trace = if_later(receiver.trace_1, sender.trace_2, p[7])
    weight = depressed_by_power(synapse.weight, trace, p)
    return Synapse(weight, synapse.variable_1, synapse.variable_2)


@equation
def after_reduced_by_power(
    synapse: Synapse, sender: Sender, receiver: Receiver, modulator: Any, p: Any
) -> Any:
    """:func:`after_reduced` with a power of the distance to the largest weight."""
    trace = if_later(sender.trace_1, receiver.trace_2, p[6])
    weight = potentiated_by_power(synapse.weight, trace, p)
    return Synapse(weight, synapse.variable_1, synapse.variable_2)


_LINEAR: dict[Pairing, tuple[Equation, Equation]] = {
    "all_to_all": (before, after),
    "nearest": (before, after),
    "presynaptic_centered": (before, after_centered),
    "reduced_symmetric": (before_reduced, after_reduced),
}
_BY_POWER: dict[Pairing, tuple[Equation, Equation]] = {
    "all_to_all": (before_by_power, after_by_power),
    "nearest": (before_by_power, after_by_power),
    "presynaptic_centered": (before_by_power, after_centered_by_power),
    "reduced_symmetric": (before_reduced_by_power, after_reduced_by_power),
}
