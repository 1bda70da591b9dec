r"""Rules of rates: Hebb, Oja, and Bienenstock, Cooper & Munro.

Rates are estimated by traces of the spikes of both neurons and counted in units of a reference
rate, :math:`x = r_{pre} / r_0` and :math:`y = r_{post} / r_0`. The equations take rates of either
sign, so they serve neurons that are not spiking as well.

.. math::
    \dot w &= \eta \, x y &&\text{(Hebb)} \\
    \dot w &= \eta \, (x y - \alpha y^2 w) &&\text{(Oja)} \\
    \dot w &= \eta \, x y (y - \theta), \qquad \tau_\theta \dot\theta = y^2 / y_0 - \theta
        &&\text{(BCM)}

Source: Hebb (1949), The organization of behavior; Oja (1982), J. Math. Biol. 15:267;
Bienenstock, Cooper & Munro (1982), J. Neurosci. 2:32, with the quadratic threshold of Intrator &
Cooper (1992), Neural Netw. 5:3. Review: Gerstner & Kistler (2002), Biol. Cybern. 87:404.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from neurallayers.dynamics.arithmetic import equation, exp
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

_SOURCES = ("plasticity/hebbian.py", "plasticity/spike_timing.py")


@dataclass(frozen=True, kw_only=True)
class RateRule(Rule):
    """What rules of rates have in common.

    Args:
        learning_rate_per_ms: η [1/ms].
        tau_rate_ms: Time over which rates are estimated [ms].
        reference_hz: r₀, the rate that counts as one [Hz].
        update_ms: Interval at which weights change [ms]; 0 for each step.
        order: See :mod:`~neurallayers.dynamics.plasticity.rule`.
        w_min: Smallest weight.
        w_max: Largest weight.

    Raises:
        InvalidInput: If a number is out of range.
    """

    learning_rate_per_ms: float = 1e-5
    tau_rate_ms: float = 100.0
    reference_hz: float = 10.0
    update_ms: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive("tau_rate_ms", self.tau_rate_ms, "usually 50 to 1000 ms")
        require_positive("reference_hz", self.reference_hz, "usually 1 to 20 Hz")
        require_finite(learning_rate_per_ms=self.learning_rate_per_ms, update_ms=self.update_ms)

    @property
    def _rate(self) -> Trace:
        # A train of r Hz has a mean trace of r tau / 1000 increments.
        return Trace(self.tau_rate_ms, increment=1000.0 / (self.tau_rate_ms * self.reference_hz))

    @property
    def presynaptic_traces(self) -> tuple[Trace, ...]:
        """X, the sender's rate."""
        return (self._rate,)

    @property
    def postsynaptic_traces(self) -> tuple[Trace, ...]:
        """Y, the receiver's rate."""
        return (self._rate,)

    @property
    def interval_ms(self) -> float:
        """At which weights change."""
        return self.update_ms

    def rate_in_an_interval(self, dt_ms: float) -> float:
        """η times the length of an interval."""
        return self.learning_rate_per_ms * self.steps_between(dt_ms) * dt_ms


@RULES.register("Hebb")
@dataclass(frozen=True, kw_only=True)
class Hebb(RateRule):
    """What fires together wires together, up to a hard bound. Arguments: :class:`RateRule`.

    >>> rule = Hebb(learning_rate_per_ms=0.1)
    >>> synapse = hebb(Synapse(0.5), Sender(1.0), Receiver(2.0), 0.0, rule.numbers(1.0))
    >>> round(synapse.weight, 9)
    0.7
    """

    def equations(self) -> Equations:
        """Only at intervals."""
        return Equations(None, None, hebb, _SOURCES)

    def numbers(self, dt_ms: float) -> tuple[float, ...]:
        """Learning rate of an interval and bounds."""
        return (self.rate_in_an_interval(dt_ms), self.w_min, self.w_max)


@RULES.register("Oja")
@dataclass(frozen=True, kw_only=True)
class Oja(RateRule):
    """Hebb with a decay that normalises: a linear neuron finds the first principal component.

    The weights of a neuron then have the norm 1/√α. An Euler step; the fixed point is exact.

    Args:
        decay: α, one over the squared norm.

    Other arguments: :class:`RateRule`.
    """

    decay: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive("decay", self.decay, "usually 1")

    def equations(self) -> Equations:
        """Only at intervals."""
        return Equations(None, None, oja, _SOURCES)

    def numbers(self, dt_ms: float) -> tuple[float, ...]:
        """Learning rate of an interval, decay and bounds."""
        return (self.rate_in_an_interval(dt_ms), self.decay, self.w_min, self.w_max)


@RULES.register("BCM")
@dataclass(frozen=True, kw_only=True)
class BCM(RateRule):
    """Potentiation above and depression below a threshold that slides with the squared rate.

    The neuron becomes selective: of two patterns shown equally often it answers to one with twice
    the target, and to the other not at all.

    Args:
        target: y₀, in units of the reference rate.
        tau_threshold_ms: Time constant of the threshold [ms]; must be well below that of learning,
            or the weights oscillate.

    Other arguments: :class:`RateRule`.
    """

    remembers: ClassVar[bool] = True

    target: float = 1.0
    tau_threshold_ms: float = 1000.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive("target", self.target, "usually 1")
        require_positive("tau_threshold_ms", self.tau_threshold_ms, "usually 1000 ms and more")

    @property
    def synaptic_variables(self) -> tuple[str, ...]:
        """θ, the same for all synapses of a neuron."""
        return ("threshold",)

    def equations(self) -> Equations:
        """Only at intervals."""
        return Equations(None, None, bcm, _SOURCES)

    def numbers(self, dt_ms: float) -> tuple[float, ...]:
        """Learning rate of an interval, what is left of the threshold, target, bounds."""
        kept = float(exp(-self.steps_between(dt_ms) * dt_ms / self.tau_threshold_ms))
        rate = self.rate_in_an_interval(dt_ms)
        return (rate, kept, 1.0 / self.target, self.w_min, self.w_max)


@equation
def hebb(synapse: Synapse, sender: Sender, receiver: Receiver, modulator: Any, p: Any) -> Any:
    """At an interval: w + η x y."""
    change = p[0] * sender.trace_1 * receiver.trace_1
    weight = bounded(synapse.weight + change, p[1], p[2])
    return Synapse(weight, synapse.variable_1, synapse.variable_2)


@equation
def oja(synapse: Synapse, sender: Sender, receiver: Receiver, modulator: Any, p: Any) -> Any:
    """At an interval: w + η y (x - α y w)."""
    y = receiver.trace_1
    change = p[0] * y * (sender.trace_1 - p[1] * y * synapse.weight)
    weight = bounded(synapse.weight + change, p[2], p[3])
    return Synapse(weight, synapse.variable_1, synapse.variable_2)


@equation
def bcm(synapse: Synapse, sender: Sender, receiver: Receiver, modulator: Any, p: Any) -> Any:
    """At an interval: θ towards y²/y₀, then w + η x y (y - θ)."""
    y = receiver.trace_1
    square = y * y * p[2]
    threshold = square + p[1] * (synapse.variable_1 - square)
    change = p[0] * sender.trace_1 * y * (y - threshold)
    weight = bounded(synapse.weight + change, p[3], p[4])
    return Synapse(weight, threshold, synapse.variable_2)
