r"""Voltage-based plasticity: the postsynaptic membrane potential decides about the sign.

.. math::
    \frac{dw}{dt} = -A_{LTD} \, X(t) \, [\bar u_-(t) - \theta_-]_+
        + A_{LTP} \, \bar x(t) \, [u(t) - \theta_+]_+ \, [\bar u_+(t) - \theta_-]_+

with presynaptic spikes :math:`X`, their trace :math:`\tau_x \dot{\bar x} = X - \bar x`, and the
membrane potential :math:`u` low-passed with :math:`\tau_-` and :math:`\tau_+`. With homeostasis the
depression is scaled by the squared depolarisation of the last second over a reference,
:math:`A_{LTD} \, (\bar{\bar u} - E_L)^2 / u_{ref}^2`.

Source: Clopath, Büsing, Vasilaki & Gerstner (2010), Nat. Neurosci. 13:344, eq. 1 to 3, and its
table 1 for visual cortex.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from neurallayers.dynamics.arithmetic import equation, maximum
from neurallayers.dynamics.plasticity.rule import (
    RULES,
    Equations,
    Filter,
    Receiver,
    Rule,
    Sender,
    Synapse,
    Trace,
    require_finite,
    require_positive,
)
from neurallayers.dynamics.plasticity.spike_timing import bounded


@RULES.register("VoltageSTDP")
@dataclass(frozen=True, kw_only=True)
class VoltageSTDP(Rule):
    r"""The rule of Clopath et al. (2010); the defaults are the fit to visual cortex.

    The potential is that of the neuron as it is at each grid point. Where a neuron model has no
    upstroke (an integrate-and-fire neuron without a spike's shape), u stays below threshold:
    choose :math:`\theta_+` accordingly, or hand over a potential that includes the spike.

    Error: depression, traces and filters are exact for a potential that is constant in a step;
    potentiation is a sum over steps (first order).

    Args:
        depression: A_LTD [1/mV].
        potentiation: A_LTP [1/mV²].
        theta_minus_mv: θ₋, above which the low-passed potential acts [mV].
        theta_plus_mv: θ₊, above which the potential itself acts [mV].
        tau_x_ms: Time constant of the presynaptic trace [ms].
        tau_minus_ms: Time constant of the potential for depression [ms].
        tau_plus_ms: Time constant of the potential for potentiation [ms].
        resting_mv: E_L, where the low-passed potentials start [mV].
        reference_mv2: u_ref² of the homeostasis [mV²]; 0 for none.
        tau_homeostasis_ms: Time constant of the homeostasis [ms].
        order: See :mod:`~neurallayers.dynamics.plasticity.rule`.
        w_min: Smallest weight.
        w_max: Largest weight.

    Raises:
        InvalidInput: If a number is out of range.

    >>> rule = VoltageSTDP(reference_mv2=60.0)
    >>> [trace.tau_ms for trace in rule.potential_filters]
    [10.0, 7.0, 1000.0]
    """

    depression: float = 14e-5
    potentiation: float = 8e-5
    theta_minus_mv: float = -70.6
    theta_plus_mv: float = -45.3
    tau_x_ms: float = 15.0
    tau_minus_ms: float = 10.0
    tau_plus_ms: float = 7.0
    resting_mv: float = -70.6
    reference_mv2: float = 0.0
    tau_homeostasis_ms: float = 1000.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("tau_x_ms", "tau_minus_ms", "tau_plus_ms", "tau_homeostasis_ms"):
            require_positive(name, getattr(self, name), "usually 5 to 30 ms, homeostasis 1000")
        require_finite(
            depression=self.depression,
            potentiation=self.potentiation,
            reference_mv2=self.reference_mv2,
        )

    @property
    def presynaptic_traces(self) -> tuple[Trace, ...]:
        """x̄ [1/ms]."""
        return (Trace(self.tau_x_ms, increment=1.0 / self.tau_x_ms),)

    @property
    def potential_filters(self) -> tuple[Filter, ...]:
        """ū₋, ū₊ and, with homeostasis, that of the last second."""
        filters = (
            Filter(self.tau_minus_ms, self.resting_mv),
            Filter(self.tau_plus_ms, self.resting_mv),
        )
        if not self.reference_mv2:
            return filters
        return (*filters, Filter(self.tau_homeostasis_ms, self.resting_mv))

    def equations(self) -> Equations:
        """Depression at presynaptic spikes, potentiation in every step."""
        return Equations(depressed, None, potentiated, _SOURCES)

    def numbers(self, dt_ms: float) -> tuple[float, ...]:
        """Amplitudes (that of potentiation for a step), thresholds, homeostasis, bounds."""
        if self.reference_mv2:
            depression = (0.0, self.depression / self.reference_mv2)
        else:
            depression = (self.depression, 0.0)
        thresholds = (self.theta_minus_mv, self.theta_plus_mv)
        potentiation = self.potentiation * dt_ms
        bounds = (self.w_min, self.w_max)
        return (*depression, potentiation, *thresholds, self.resting_mv, *bounds)


_SOURCES = ("plasticity/voltage.py", "plasticity/spike_timing.py")


@equation
def depressed(synapse: Synapse, sender: Sender, receiver: Receiver, modulator: Any, p: Any) -> Any:
    """At a presynaptic spike: w - A_LTD [ū₋ - θ₋]₊."""
    depolarised = receiver.filter_3 - p[5]
    amplitude = p[0] + p[1] * depolarised * depolarised
    change = amplitude * maximum(receiver.filter_1 - p[3], 0.0)
    weight = bounded(synapse.weight - change, p[6], p[7])
    return Synapse(weight, synapse.variable_1, synapse.variable_2)


@equation
def potentiated(
    synapse: Synapse, sender: Sender, receiver: Receiver, modulator: Any, p: Any
) -> Any:
    """In every step: w + Δt A_LTP x̄ [u - θ₊]₊ [ū₊ - θ₋]₊."""
    above = maximum(receiver.potential - p[4], 0.0) * maximum(receiver.filter_2 - p[3], 0.0)
    weight = bounded(synapse.weight + p[2] * sender.trace_1 * above, p[6], p[7])
    return Synapse(weight, synapse.variable_1, synapse.variable_2)
