r"""Leaky integrate-and-fire neurons that remember their spikes: adaptive in physical units.

.. math::
    C \dot v &= -g_L (v - E_L) + I - g\,v + \sum_j I_j, \qquad \tau_j \dot I_j = -I_j \\
    \vartheta &= \vartheta_\infty + \sum_k \theta_k + \theta_v, \qquad
    \tau_k \dot\theta_k = -\theta_k, \qquad
    \dot\theta_v = a_v (v - E_L) - \theta_v / \tau_v

A neuron fires when v reaches the threshold. Then each after-spike current I_j and each part of the
threshold is raised by its increment, and v is set to the reset potential plus a share of
v - E_L and held for the refractory period, while currents and threshold go on.

With one or two currents and threshold parts this is the deterministic skeleton of the GIF model of
Mensi et al. (2012), J. Neurophysiol. 107:1756 (whose currents have the opposite sign); with the
part of the threshold that follows the potential, the GLIF models 1 to 5 of Teeter et al. (2018),
Nat. Commun. 9:709; with one part that follows spikes alone, the adaptive LIF of Bellec et al.
(2018), Long short-term memory in networks of spiking neurons, NeurIPS.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

import torch
from torch import Tensor

from neurallayers.dynamics.arithmetic import equation, exp, linoid, maximum, where
from neurallayers.dynamics.cell import CELLS
from neurallayers.dynamics.neurons.flows import linear_gain
from neurallayers.dynamics.neurons.integrate_and_fire import membrane
from neurallayers.dynamics.neurons.point import (
    PointNeuron,
    Step,
    Value,
    not_negative_values,
    positive_values,
    whole_steps,
)
from neurallayers.dynamics.surrogate import Surrogate


class GeneralizedIntegrateAndFireState(NamedTuple):
    """State of :class:`GeneralizedIntegrateAndFire`."""

    membrane_potential: Tensor  # [batch, n], mV
    refractory: Tensor  # [batch, n], steps that are left of the refractory period
    after_spike_current_fast: Tensor  # [batch, n], pA, positive where it depolarises
    after_spike_current_slow: Tensor  # [batch, n], pA
    threshold_fast: Tensor  # [batch, n], mV above the resting threshold
    threshold_slow: Tensor  # [batch, n], mV
    threshold_of_potential: Tensor  # [batch, n], mV


@equation
def generalized_step(
    state: Any, drive: Any, conductance: Any, p: Any
) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    """One step; see :class:`GeneralizedIntegrateAndFire`."""
    v, refractory, fast, slow, raised_fast, raised_slow, followed = state
    scale, leak, leak_drive, resting, share_fast, share_slow = p[:6]
    kept_fast, kept_slow, kept_raised_fast, kept_raised_slow, kept_followed, gain = p[6:12]
    threshold, reset, reset_share, period = p[12:16]
    add_fast, add_slow, raise_fast, raise_slow = p[16:]
    total = leak + conductance
    driven = drive + leak_drive + share_fast * fast + share_slow * slow
    free = v + (driven - total * v) * linear_gain(total, scale)
    free = where(refractory > 0.0, v, free)
    followed = followed * kept_followed + gain * (0.5 * (v + free) - resting)
    fast, slow = fast * kept_fast, slow * kept_slow
    raised_fast, raised_slow = raised_fast * kept_raised_fast, raised_slow * kept_raised_slow
    level = threshold + raised_fast + raised_slow + followed
    margin = where(refractory > 0.0, minimum_margin(free - level), free - level)
    waited = maximum(refractory - 1.0, 0.0)
    quiet = (free, waited, fast, slow, raised_fast, raised_slow, followed)
    fired = (
        reset + reset_share * (free - resting),
        period,
        fast + add_fast,
        slow + add_slow,
        raised_fast + raise_fast,
        raised_slow + raise_slow,
        followed,
    )
    return margin, quiet, fired


@equation
def minimum_margin(margin: Any) -> Any:
    """A margin that stays negative: a refractory neuron never fires, however low its threshold."""
    return where(margin < -1e-6, margin, -1e-6)


@CELLS.register("GeneralizedIntegrateAndFire")
class GeneralizedIntegrateAndFire(PointNeuron[GeneralizedIntegrateAndFireState]):
    """Leaky integrate-and-fire neurons with after-spike currents and a moving threshold.

    See the module for the equations. Left at their defaults, all increments are zero and the
    neurons are plain leaky integrate-and-fire neurons.

    Error: between spikes none for a constant current (after-spike currents are integrated exactly
    where there is no synaptic conductance, to second order in dt where there is); the
    voltage-dependent threshold is of second order. Spikes and refractory period are on the grid, as
    in :class:`~neurallayers.dynamics.neurons.integrate_and_fire.LeakyIntegrateAndFire`.

    Args:
        n: Number of neurons.
        dt_ms: Length of a step [ms].
        capacitance_pf: Membrane capacitance [pF].
        leak_conductance_ns: Leak conductance [nS].
        tau_ms: In place of the capacitance, the membrane time constant [ms].
        resistance_mohm: In place of the leak conductance, the membrane resistance [MOhm].
        resting_mv: Leak reversal potential E_L [mV].
        threshold_mv: Threshold of a neuron that never fired [mV].
        reset_mv: Reset potential [mV].
        reset_share: Share of v - E_L at the spike that is added to it.
        refractory_ms: For how long the potential is held there [ms].
        tau_current_fast_ms: Time constant of the first after-spike current [ms].
        tau_current_slow_ms: Time constant of the second [ms].
        current_fast_pa: What a spike adds to the first [pA]; negative values hyperpolarise.
        current_slow_pa: What a spike adds to the second [pA].
        tau_threshold_fast_ms: Time constant of the first part of the threshold [ms].
        tau_threshold_slow_ms: Time constant of the second [ms].
        threshold_fast_mv: What a spike adds to the first [mV].
        threshold_slow_mv: What a spike adds to the second [mV].
        tau_threshold_potential_ms: Time constant tau_v of the part that follows the potential [ms].
        threshold_coupling_per_ms: How fast it follows, a_v [1/ms].
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
    """

    state_type = GeneralizedIntegrateAndFireState
    sources = ("neurons/generalized.py",)

    capacitance_pf: Value
    leak_conductance_ns: Value
    resting_mv: Value
    threshold_mv: Value
    reset_mv: Value
    reset_share: Value
    refractory_ms: Value
    tau_current_fast_ms: Value
    tau_current_slow_ms: Value
    current_fast_pa: Value
    current_slow_pa: Value
    tau_threshold_fast_ms: Value
    tau_threshold_slow_ms: Value
    threshold_fast_mv: Value
    threshold_slow_mv: Value
    tau_threshold_potential_ms: Value
    threshold_coupling_per_ms: Value

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
        reset_share: Value = 0.0,
        refractory_ms: Value = 2.0,
        tau_current_fast_ms: Value = 10.0,
        tau_current_slow_ms: Value = 100.0,
        current_fast_pa: Value = 0.0,
        current_slow_pa: Value = 0.0,
        tau_threshold_fast_ms: Value = 10.0,
        tau_threshold_slow_ms: Value = 100.0,
        threshold_fast_mv: Value = 0.0,
        threshold_slow_mv: Value = 0.0,
        tau_threshold_potential_ms: Value = 10.0,
        threshold_coupling_per_ms: Value = 0.0,
        learn: Collection[str] = (),
        synaptic_input: str = "current",
        surrogate: str | Surrogate = "fast_sigmoid",
        slope: float | None = None,
        reset_gradient: bool = False,
    ) -> None:
        capacitance, leak = membrane(capacitance_pf, leak_conductance_ns, tau_ms, resistance_mohm)
        times = {
            "tau_current_fast_ms": tau_current_fast_ms,
            "tau_current_slow_ms": tau_current_slow_ms,
            "tau_threshold_fast_ms": tau_threshold_fast_ms,
            "tau_threshold_slow_ms": tau_threshold_slow_ms,
            "tau_threshold_potential_ms": tau_threshold_potential_ms,
        }
        positive_values("usually 3 to 500 ms", **times)
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
                "reset_share": reset_share,
                "refractory_ms": refractory_ms,
                "current_fast_pa": current_fast_pa,
                "current_slow_pa": current_slow_pa,
                "threshold_fast_mv": threshold_fast_mv,
                "threshold_slow_mv": threshold_slow_mv,
                "threshold_coupling_per_ms": threshold_coupling_per_ms,
                **times,
            },
            learn=learn,
            fixed=("refractory_ms",),
            synaptic_input=synaptic_input,
            surrogate=surrogate,
            slope=slope,
            reset_gradient=reset_gradient,
        )

    @property
    def equation(self) -> Step:
        """See the module."""
        return generalized_step

    def numbers(self) -> tuple[Value, ...]:
        """What the step reads."""
        h, leak = self.dt_ms, self.leak_conductance_ns
        kept_followed = exp(-h / self.tau_threshold_potential_ms)
        tau = self.tau_threshold_potential_ms
        return (
            h / self.capacitance_pf,
            leak,
            leak * self.resting_mv,
            self.resting_mv,
            self._share(self.tau_current_fast_ms),
            self._share(self.tau_current_slow_ms),
            exp(-h / self.tau_current_fast_ms),
            exp(-h / self.tau_current_slow_ms),
            exp(-h / self.tau_threshold_fast_ms),
            exp(-h / self.tau_threshold_slow_ms),
            kept_followed,
            self.threshold_coupling_per_ms * tau * (1.0 - kept_followed),
            self.threshold_mv,
            self.reset_mv,
            self.reset_share,
            whole_steps(self.refractory_ms, h),
            self.current_fast_pa,
            self.current_slow_pa,
            self.threshold_fast_mv,
            self.threshold_slow_mv,
        )

    def _share(self, tau_ms: Value) -> Value:
        """The constant current that moves the membrane in a step as one that decays from 1 does."""
        h, rate = self.dt_ms, self.leak_conductance_ns / self.capacitance_pf
        felt = h * rate * exp(-h / tau_ms) / linoid(h * (rate - 1.0 / tau_ms))
        share: Value = felt / (1.0 - exp(-h * rate))
        return share

    def threshold_of(self, state: GeneralizedIntegrateAndFireState) -> Tensor:
        """The threshold [mV] of each neuron in this state, ``[batch, n]``."""
        moved = state.threshold_fast + state.threshold_slow + state.threshold_of_potential
        return moved + self.threshold_mv

    def surrogate_scale_mv(self) -> Value:
        """From rest to threshold."""
        return self.distance(self.threshold_mv, self.resting_mv)

    def initial_state(
        self, batch: int = 1, dtype: torch.dtype | None = None
    ) -> GeneralizedIntegrateAndFireState:
        """All neurons at rest, none of which ever fired."""
        zeros = [self.everywhere(0.0, batch, dtype) for _ in range(6)]
        return GeneralizedIntegrateAndFireState(
            self.everywhere(self.resting_mv, batch, dtype), *zeros
        )
