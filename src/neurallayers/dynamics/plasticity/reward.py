r"""Reward-modulated STDP: coincidences leave a tag that a later reward turns into weight.

.. math::
    \dot c = -c/\tau_c + \text{STDP}, \qquad \dot w = \eta \, c \, (d + d_0), \qquad
    \dot d = -d/\tau_d + \text{reward}

Each synapse keeps an eligibility :math:`c`, to which pairs of spikes add what pair STDP would add
to the weight; dopamine :math:`d` is the modulator of the synapse's receiver (for all the same, if
the reward is global). With a negative :math:`d_0`, the reward that was expected, only surprise
counts (R-STDP).

Source: Izhikevich (2007), Cereb. Cortex 17:2443, eq. 1 to 3; Frémaux & Gerstner (2016), Front.
Neural Circuits 9:85.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from neurallayers.dynamics.arithmetic import equation
from neurallayers.dynamics.plasticity.rule import (
    MODES,
    RULES,
    Equations,
    Mode,
    Receiver,
    Rule,
    Sender,
    Synapse,
    Trace,
    require_finite,
    require_one_of,
    require_positive,
)
from neurallayers.dynamics.plasticity.spike_timing import bounded
from neurallayers.errors import InvalidInput


@RULES.register("RewardSTDP")
@dataclass(frozen=True, kw_only=True)
class RewardSTDP(Rule):
    """STDP into an eligibility trace, learned when the modulator says so.

    Error: with an interval of one step (the default) the weight is exact on the grid, up to where
    it meets a bound. With a longer interval, what spikes added within it decays from its end.

    Args:
        amplitude_plus: A₊ of the eligibility.
        amplitude_minus: A₋, positive for depression.
        tau_plus_ms: Time constant of potentiation [ms].
        tau_minus_ms: Time constant of depression [ms].
        tau_eligibility_ms: τ_c, how long a tag is kept [ms].
        tau_modulator_ms: τ_d, how long a reward acts [ms]; ``math.inf`` where whoever owns the
            state sets the modulator in every step.
        tonic: d₀, what is added to the modulator; negative for an expected reward.
        learning_rate_per_ms: η, weight gained in a ms at eligibility and modulator one [1/ms].
        update_ms: Interval at which weights change [ms]; 0 for each step.
        pairing: ``"all_to_all"`` or ``"nearest"``.
        order: See :mod:`~neurallayers.dynamics.plasticity.rule`.
        w_min: Smallest weight.
        w_max: Largest weight.

    Raises:
        InvalidInput: If a number is out of range.
    """

    amplitude_plus: float = 0.1
    amplitude_minus: float = 0.15
    tau_plus_ms: float = 20.0
    tau_minus_ms: float = 20.0
    tau_eligibility_ms: float = 1000.0
    tau_modulator_ms: float = 200.0
    tonic: float = 0.0
    learning_rate_per_ms: float = 1e-3
    update_ms: float = 0.0
    pairing: Mode = "all_to_all"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of("pairing", self.pairing, MODES)
        for name in ("tau_plus_ms", "tau_minus_ms", "tau_eligibility_ms"):
            require_positive(name, getattr(self, name), "usually 10 to 1000 ms")
        if not self.tau_modulator_ms > 0.0:
            raise InvalidInput(
                f"tau_modulator_ms is {self.tau_modulator_ms}.",
                "It must be positive (usually 200 ms; math.inf for a modulator that stays).",
            )
        if not math.isfinite(self.tonic):
            raise InvalidInput(f"tonic is {self.tonic}.", "It must be a finite number.")
        require_finite(
            amplitude_plus=self.amplitude_plus,
            amplitude_minus=self.amplitude_minus,
            learning_rate_per_ms=self.learning_rate_per_ms,
            update_ms=self.update_ms,
        )

    @property
    def presynaptic_traces(self) -> tuple[Trace, ...]:
        """That of pair STDP."""
        return (Trace(self.tau_plus_ms, mode=self.pairing),)

    @property
    def postsynaptic_traces(self) -> tuple[Trace, ...]:
        """That of pair STDP."""
        return (Trace(self.tau_minus_ms, mode=self.pairing),)

    @property
    def synaptic_variables(self) -> tuple[str, ...]:
        """The tag."""
        return ("eligibility",)

    @property
    def modulator_tau_ms(self) -> float:
        """τ_d."""
        return self.tau_modulator_ms

    @property
    def interval_ms(self) -> float:
        """At which weights change."""
        return self.update_ms

    def equations(self) -> Equations:
        """Spikes tag, intervals learn."""
        return Equations(tagged_before, tagged_after, learned, _SOURCES)

    def numbers(self, dt_ms: float) -> tuple[float, ...]:
        """Amplitudes, decay of the eligibility, its integrals over an interval, bounds."""
        interval = self.steps_between(dt_ms) * dt_ms
        tau = self.tau_eligibility_ms
        together = 1.0 / (1.0 / tau + 1.0 / self.tau_modulator_ms)
        # The modulator of the last grid point is handed over; an interval began some steps before.
        since = math.exp((interval - dt_ms) / self.tau_modulator_ms)
        phasic = since * together * -math.expm1(-interval / together)
        tonic = self.tonic * tau * -math.expm1(-interval / tau)
        learned = (self.learning_rate_per_ms * phasic, self.learning_rate_per_ms * tonic)
        decay = math.exp(-interval / tau)
        amplitudes = (self.amplitude_plus, self.amplitude_minus)
        return (*amplitudes, decay, *learned, self.w_min, self.w_max)


_SOURCES = ("plasticity/reward.py", "plasticity/spike_timing.py")


@equation
def tagged_before(
    synapse: Synapse, sender: Sender, receiver: Receiver, modulator: Any, p: Any
) -> Any:
    """At a presynaptic spike: c - A₋ times the receiver's trace."""
    eligibility = synapse.variable_1 - p[1] * receiver.trace_1
    return Synapse(synapse.weight, eligibility, synapse.variable_2)


@equation
def tagged_after(
    synapse: Synapse, sender: Sender, receiver: Receiver, modulator: Any, p: Any
) -> Any:
    """At a postsynaptic spike: c + A₊ times the sender's trace."""
    eligibility = synapse.variable_1 + p[0] * sender.trace_1
    return Synapse(synapse.weight, eligibility, synapse.variable_2)


@equation
def learned(synapse: Synapse, sender: Sender, receiver: Receiver, modulator: Any, p: Any) -> Any:
    """Over an interval: w + η ∫ c (d + d₀) dt, with the eligibility c decaying."""
    change = synapse.variable_1 * (modulator * p[3] + p[4])
    weight = bounded(synapse.weight + change, p[5], p[6])
    return Synapse(weight, p[2] * synapse.variable_1, synapse.variable_2)
