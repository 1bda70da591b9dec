r"""Leaky integrate-and-fire neurons in physical units.

.. math:: C \dot v = -g_L (v - E_L) + I - g\,v

with the drive I [pA] and, where synapses are conductances, their total g [nS] (their reversal
potentials are in the drive). At the threshold the neuron fires and is held at the reset potential
for the refractory period.

Source: Lapicque (1907), J. Physiol. Pathol. Gen. 9:620; Gerstner, Kistler, Naud & Paninski (2014),
Neuronal Dynamics, eq. 1.5 and 1.9; exact step: Rotter & Diesmann (1999), Biol. Cybern. 81:381.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

import torch
from torch import Tensor

from neurallayers.dynamics.arithmetic import equation, exp, maximum, where
from neurallayers.dynamics.cell import CELLS
from neurallayers.dynamics.neurons.flows import linear_gain
from neurallayers.dynamics.neurons.point import (
    PointNeuron,
    Step,
    Value,
    above,
    not_negative_values,
    positive_values,
    whole_steps,
)
from neurallayers.dynamics.surrogate import Surrogate
from neurallayers.errors import InvalidInput


class LeakyIntegrateAndFireState(NamedTuple):
    """State of :class:`LeakyIntegrateAndFire`."""

    membrane_potential: Tensor  # [batch, n], mV
    refractory: Tensor  # [batch, n], steps that are left of the refractory period


@equation
def leaky_step_current(
    state: Any, drive: Any, conductance: Any, p: Any
) -> tuple[Any, tuple[Any, Any], tuple[Any, Any]]:
    """One step with a constant current: exact."""
    v, refractory = state
    decay, gain, resting, threshold, reset, period = p
    free = resting + (v - resting) * decay + drive * gain
    held = where(refractory > 0.0, v, free)
    return held - threshold, (held, maximum(refractory - 1.0, 0.0)), (reset, period)


@equation
def leaky_step_conductance(
    state: Any, drive: Any, conductance: Any, p: Any
) -> tuple[Any, tuple[Any, Any], tuple[Any, Any]]:
    """One step with constant current and conductance: exact but for the error of the decay."""
    v, refractory = state
    scale, leak, leak_drive, threshold, reset, period = p
    total = leak + conductance
    free = v + (drive + leak_drive - total * v) * linear_gain(total, scale)
    held = where(refractory > 0.0, v, free)
    return held - threshold, (held, maximum(refractory - 1.0, 0.0)), (reset, period)


def membrane(
    capacitance_pf: Value | None,
    leak_conductance_ns: Value | None,
    tau_ms: Value | None,
    resistance_mohm: Value | None,
) -> tuple[Value, Value]:
    """Capacitance [pF] and leak conductance [nS] from what was given.

    Where nothing was, the time constant is 10 ms and the leak conductance 25 nS.

    Raises:
        InvalidInput: If something is given twice or is not positive.
    """
    if leak_conductance_ns is not None and resistance_mohm is not None:
        raise InvalidInput(
            "leak_conductance_ns and resistance_mohm are both given.",
            "Give one: the resistance is 1000 / leak_conductance_ns.",
        )
    if capacitance_pf is not None and tau_ms is not None:
        raise InvalidInput(
            "capacitance_pf and tau_ms are both given.",
            "Give one: the time constant is capacitance_pf / leak_conductance_ns.",
        )
    if resistance_mohm is not None:
        positive_values("cortex: 20 to 300 MOhm", resistance_mohm=resistance_mohm)
        leak = 1000.0 / resistance_mohm
    else:
        leak = 25.0 if leak_conductance_ns is None else leak_conductance_ns
        positive_values("cortex: 3 to 50 nS", leak_conductance_ns=leak)
    if capacitance_pf is None:
        tau = 10.0 if tau_ms is None else tau_ms
        positive_values("cortex: 5 to 30 ms", tau_ms=tau)
        return tau * leak, leak
    positive_values("cortex: 50 to 500 pF", capacitance_pf=capacitance_pf)
    return capacitance_pf, leak


@CELLS.register("LeakyIntegrateAndFire")
class LeakyIntegrateAndFire(PointNeuron[LeakyIntegrateAndFireState]):
    r"""Leaky integrate-and-fire neurons.

    .. math::
        v(t + \Delta t) = v_\infty + (v(t) - v_\infty)\, e^{-\Delta t (g_L + g) / C}, \qquad
        v_\infty = (g_L E_L + I) / (g_L + g)

    Error: none between spikes for input that is constant over a step (with conductances see
    :func:`~neurallayers.dynamics.neurons.flows.linear_gain`: below 1e-13 of the change for a step
    of one effective time constant). Spikes are on the grid: a neuron fires in the step that ends at
    the first grid point where it is at or above threshold, is reset there, and integrates again
    after the refractory period, rounded to whole steps.

    Args:
        n: Number of neurons.
        dt_ms: Length of a step [ms].
        capacitance_pf: Membrane capacitance [pF].
        leak_conductance_ns: Leak conductance [nS].
        tau_ms: In place of the capacitance, the membrane time constant C / g_L [ms].
        resistance_mohm: In place of the leak conductance, the membrane resistance 1 / g_L [MOhm].
        resting_mv: Leak reversal potential E_L [mV].
        threshold_mv: Potential at which a neuron fires [mV].
        reset_mv: Potential to which it is reset [mV].
        refractory_ms: For how long it is held there [ms].
        learn: Names of the parameters above (but ``tau_ms``, ``resistance_mohm`` and
            ``refractory_ms``) that are trained.
        synaptic_input: ``"current"`` or ``"conductance"``.
        surrogate: Name of the surrogate gradient, or one made by hand.
        slope: Its steepness, by distances from rest to threshold.
        reset_gradient: Whether the surrogate gradient flows through the reset.

    Raises:
        InvalidInput: If a parameter is out of range.
        ShapeMismatch: If a parameter is neither a number nor ``[n]``.
        UnknownName: If there is no such surrogate, or nothing of that name to learn.

    >>> cell = LeakyIntegrateAndFire(1, dt_ms=0.1, tau_ms=10.0, resistance_mohm=100.0)
    >>> spikes, state = cell.run(torch.full((1, 1, 1), 300.0), steps=1000)  # 100 ms of 300 pA
    >>> int(spikes.sum())
    11
    """

    state_type = LeakyIntegrateAndFireState
    sources = ("neurons/integrate_and_fire.py",)

    capacitance_pf: Value
    leak_conductance_ns: Value
    resting_mv: Value
    threshold_mv: Value
    reset_mv: Value
    refractory_ms: Value

    def __init__(
        self,
        n: int,
        *,
        dt_ms: float = 0.1,
        capacitance_pf: Value | None = None,
        leak_conductance_ns: Value | None = None,
        tau_ms: Value | None = None,
        resistance_mohm: Value | None = None,
        resting_mv: Value = -65.0,
        threshold_mv: Value = -50.0,
        reset_mv: Value = -65.0,
        refractory_ms: Value = 2.0,
        learn: Collection[str] = (),
        synaptic_input: str = "current",
        surrogate: str | Surrogate = "fast_sigmoid",
        slope: float | None = None,
        reset_gradient: bool = False,
    ) -> None:
        capacitance, leak = membrane(capacitance_pf, leak_conductance_ns, tau_ms, resistance_mohm)
        above(threshold_mv=threshold_mv, reset_mv=reset_mv)
        not_negative_values("cortex: 1 to 5 ms", refractory_ms=refractory_ms)
        super().__init__(
            n,
            dt_ms=dt_ms,
            parameters={
                "capacitance_pf": capacitance,
                "leak_conductance_ns": leak,
                "resting_mv": resting_mv,
                "threshold_mv": threshold_mv,
                "reset_mv": reset_mv,
                "refractory_ms": refractory_ms,
            },
            learn=learn,
            fixed=("refractory_ms",),
            synaptic_input=synaptic_input,
            surrogate=surrogate,
            slope=slope,
            reset_gradient=reset_gradient,
        )

    @property
    def tau_ms(self) -> Value:
        """Membrane time constant [ms]."""
        return self.capacitance_pf / self.leak_conductance_ns

    @property
    def equation(self) -> Step:
        """The step for the kind of input."""
        return leaky_step_current if self.synaptic_input == "current" else leaky_step_conductance

    def numbers(self) -> tuple[Value, ...]:
        """What the step reads."""
        leak, dt_ms = self.leak_conductance_ns, self.dt_ms
        period = whole_steps(self.refractory_ms, dt_ms)
        tail = (self.threshold_mv, self.reset_mv, period)
        if self.synaptic_input == "conductance":
            return (dt_ms / self.capacitance_pf, leak, leak * self.resting_mv, *tail)
        decay = exp(-dt_ms / self.tau_ms)
        return (decay, (1.0 - decay) / leak, self.resting_mv, *tail)

    def surrogate_scale_mv(self) -> Value:
        """From rest to threshold."""
        return self.distance(self.threshold_mv, self.resting_mv)

    def initial_state(
        self, batch: int = 1, dtype: torch.dtype | None = None
    ) -> LeakyIntegrateAndFireState:
        """All neurons at rest, none refractory."""
        return LeakyIntegrateAndFireState(
            self.everywhere(self.resting_mv, batch, dtype), self.everywhere(0.0, batch, dtype)
        )
