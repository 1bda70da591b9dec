r"""Homeostasis: neurons hold their rate by scaling their synapses or moving their threshold.

.. math::
    \frac{dw}{dt} &= \beta \, w \, e + \gamma \, w \int_0^t e \, dt', \qquad
        e = 1 - r / r_{goal} &&\text{(synaptic scaling)} \\
    \frac{d\theta}{dt} &= \eta \, (r - r_{goal}) &&\text{(intrinsic threshold)}

with the rate :math:`r` of the neuron, estimated over :math:`\tau`.

Source: Turrigiano, Leslie, Desai, Rutherford & Nelson (1998), Nature 391:892; van Rossum, Bi &
Turrigiano (2000), J. Neurosci. 20:8812 (activity as a trace of spikes with a time constant
of 100 s; here in units of its goal); intrinsic: Desai, Rutherford & Turrigiano (1999), Nat.
Neurosci. 2:515, Diehl & Cook (2015), Front. Comput. Neurosci. 9:99.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from neurallayers.dynamics.arithmetic import equation, exp
from neurallayers.dynamics.cell import CELLS, Cell, positive
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
from neurallayers.errors import InvalidInput


@RULES.register("SynapticScaling")
@dataclass(frozen=True, kw_only=True)
class SynapticScaling(Rule):
    """All synapses of a neuron grow or shrink by one factor until it fires at its goal.

    Within the bounds the ratios of its weights stay. Exact for an error that is constant in an
    interval.

    Args:
        goal_hz: Rate that the neuron holds [Hz].
        tau_rate_ms: Time over which the rate is estimated [ms].
        gain_per_s: β [1/s].
        integral_gain_per_s2: γ [1/s²]; 0 leaves an error where other rules push.
        update_ms: Interval at which weights change [ms]; 0 for each step.
        order: See :mod:`~neurallayers.dynamics.plasticity.rule`.
        w_min: Smallest weight.
        w_max: Largest weight; none by default.

    Raises:
        InvalidInput: If a number is out of range.
    """

    remembers: ClassVar[bool] = True

    goal_hz: float = 10.0
    tau_rate_ms: float = 100_000.0
    gain_per_s: float = 4e-4
    integral_gain_per_s2: float = 1e-6
    update_ms: float = 0.0
    w_max: float = math.inf

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive("goal_hz", self.goal_hz, "usually 1 to 20 Hz")
        require_positive("tau_rate_ms", self.tau_rate_ms, "cortex: 100,000 ms")
        require_finite(
            gain_per_s=self.gain_per_s,
            integral_gain_per_s2=self.integral_gain_per_s2,
            update_ms=self.update_ms,
        )

    @property
    def postsynaptic_traces(self) -> tuple[Trace, ...]:
        """The rate in units of its goal."""
        return (Trace(self.tau_rate_ms, increment=1000.0 / (self.tau_rate_ms * self.goal_hz)),)

    @property
    def synaptic_variables(self) -> tuple[str, ...]:
        """The integral of the error [s], the same for all synapses of a neuron."""
        return ("error_integral",)

    @property
    def interval_ms(self) -> float:
        """At which weights change."""
        return self.update_ms

    def equations(self) -> Equations:
        """Only at intervals."""
        return Equations(None, None, scaled, _SOURCES)

    def numbers(self, dt_ms: float) -> tuple[float, ...]:
        """Length of an interval [s], gains over it, bounds."""
        interval = 1e-3 * dt_ms * self.steps_between(dt_ms)
        gains = (self.gain_per_s * interval, self.integral_gain_per_s2 * interval)
        return (interval, *gains, self.w_min, self.w_max)


_SOURCES = ("plasticity/homeostasis.py", "plasticity/spike_timing.py")


@equation
def scaled(synapse: Synapse, sender: Sender, receiver: Receiver, modulator: Any, p: Any) -> Any:
    """At an interval: w exp(Δt (β e + γ ∫ e))."""
    error = 1.0 - receiver.trace_1
    # Over the interval the integral grows evenly: its mean lies in the middle.
    mean = synapse.variable_1 + 0.5 * p[0] * error
    weight = synapse.weight * exp(p[1] * error + p[2] * mean)
    return Synapse(
        bounded(weight, p[3], p[4]), synapse.variable_1 + p[0] * error, synapse.variable_2
    )


class IntrinsicThresholdState(NamedTuple):
    """State of :class:`IntrinsicThreshold`."""

    threshold: Tensor  # [batch, n], above that of a neuron that has not lived yet [mV]
    rate: Tensor  # [batch, n], estimated rate [Hz]


@CELLS.register("IntrinsicThreshold")
class IntrinsicThreshold(Cell[IntrinsicThresholdState]):
    r"""How far each neuron raises its threshold to hold its rate.

    .. math::
        r &\leftarrow e^{-\Delta t/\tau} r + s \, 1000/\tau, \\
        \theta &\leftarrow \mathrm{clip}(\theta + \eta \, (r - r_{goal}) \, \Delta t / 1000,
            \theta_{min}, \theta_{max})

    In: spikes ``[batch, n]``. Out: what to add to the threshold in the next step ``[batch, n]``
    [mV]; subtracted from the membrane potential it does the same. Error: first order in dt.

    Args:
        n: Number of neurons.
        dt_ms: Length of a step [ms].
        goal_hz: Rate that a neuron holds [Hz].
        tau_rate_ms: Time over which the rate is estimated [ms].
        gain_mv_per_spike: η, by how much a spike raises the threshold [mV].
        smallest_mv: θ_min [mV].
        largest_mv: θ_max [mV].

    Raises:
        InvalidInput: If an option is out of range.

    >>> cell = IntrinsicThreshold(1, dt_ms=1.0, goal_hz=10.0)
    >>> silent, _ = cell.run(torch.zeros(100, 1, 1))
    >>> bool((silent.diff(dim=0) < 0).all())
    True
    """

    def __init__(
        self,
        n: int,
        *,
        dt_ms: float = 1.0,
        goal_hz: float = 10.0,
        tau_rate_ms: float = 1000.0,
        gain_mv_per_spike: float = 0.05,
        smallest_mv: float = -20.0,
        largest_mv: float = 20.0,
    ) -> None:
        super().__init__()
        if n < 1:
            raise InvalidInput(f"n is {n}.", "A layer needs at least one neuron.")
        if not smallest_mv < largest_mv:
            raise InvalidInput(
                f"smallest_mv is {smallest_mv} and largest_mv is {largest_mv}.",
                "The largest shift must exceed the smallest.",
            )
        self.in_shape = self.out_shape = (n,)
        self.dt_ms = positive("dt_ms", dt_ms, "usually 0.1 to 1")
        self.goal_hz = positive("goal_hz", goal_hz, "usually 1 to 20 Hz")
        self.gain_mv_per_spike = positive("gain_mv_per_spike", gain_mv_per_spike, "usually 0.05")
        self.rate = Trace(
            positive("tau_rate_ms", tau_rate_ms, "usually 1000 ms"), increment=1000.0 / tau_rate_ms
        )
        self.smallest_mv, self.largest_mv = float(smallest_mv), float(largest_mv)

    def initial_state(self, batch: int = 1) -> IntrinsicThresholdState:
        """A threshold that has not moved, no spike seen."""
        zeros = torch.zeros(batch, *self.in_shape)
        return IntrinsicThresholdState(zeros, zeros.clone())

    def rest(self, state: IntrinsicThresholdState) -> IntrinsicThresholdState:
        """The threshold stays, the activity is gone."""
        return IntrinsicThresholdState(state.threshold, torch.zeros_like(state.rate))

    def forward(
        self, x: Tensor, state: IntrinsicThresholdState
    ) -> tuple[Tensor, IntrinsicThresholdState]:
        """One step; see the class for the equations."""
        rate = self.rate.raised(self.rate.decay(self.dt_ms) * state.rate, x)
        gain = 1e-3 * self.dt_ms * self.gain_mv_per_spike
        moved = state.threshold + gain * (rate - self.goal_hz)
        threshold = moved.clamp(self.smallest_mv, self.largest_mv)
        return threshold, IntrinsicThresholdState(threshold, rate)
