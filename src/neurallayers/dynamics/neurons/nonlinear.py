r"""Integrate-and-fire neurons with an exponential or quadratic upswing and no adaptation.

.. math::
    C \dot v &= -g_L (v - E_L) + g_L \Delta_T\, e^{(v - V_T) / \Delta_T} + I - g\,v
    \quad\text{(exponential)} \\
    C \dot v &= k (v - v_r)(v - v_t) + I - g\,v \quad\text{(quadratic)}

A neuron fires when it reaches the peak, is set to the reset potential and held there for the
refractory period. Source: Fourcaud-Trocmé, Hansel, van Vreeswijk & Brunel (2003), J. Neurosci.
23:11628, eq. 1 and 2 (exponential); Latham et al. (2000), J. Neurophysiol. 83:808, eq. 1, and
Gerstner et al. (2014), Neuronal Dynamics, eq. 5.16 (quadratic).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

import torch
from torch import Tensor

from neurallayers.dynamics.arithmetic import equation, exp, log, maximum, minimum, where
from neurallayers.dynamics.cell import CELLS
from neurallayers.dynamics.neurons.flows import (
    exponential_flow,
    quadratic_flow,
    quadratic_upswing,
)
from neurallayers.dynamics.neurons.point import (
    NEVER_MS,
    PointNeuron,
    Step,
    Value,
    above,
    not_negative_values,
    positive_values,
    steep_peak,
)
from neurallayers.dynamics.surrogate import Surrogate

Outcome = tuple[Any, tuple[Any, Any], tuple[Any, Any]]


class ExponentialIntegrateAndFireState(NamedTuple):
    """State of :class:`ExponentialIntegrateAndFire`."""

    membrane_potential: Tensor  # [batch, n], mV
    time_since_spike: Tensor  # [batch, n], ms, NEVER_MS at most


class QuadraticIntegrateAndFireState(NamedTuple):
    """State of :class:`QuadraticIntegrateAndFire`."""

    membrane_potential: Tensor  # [batch, n], mV
    time_since_spike: Tensor  # [batch, n], ms, NEVER_MS at most


@equation
def exponential_step(state: Any, drive: Any, conductance: Any, p: Any) -> Outcome:
    """One step; see :class:`ExponentialIntegrateAndFire`."""
    v, age = state
    h, leak, resting, critical, reset, growth, refractory = p[:7]
    m = p[7:]
    inverse_capacitance, slope = m[0], m[2]
    total = leak + conductance
    offset = drive + leak * resting
    free, _, arrival = exponential_flow(v, offset, total, h, m)
    remaining = refractory - age
    held = remaining > 0.0
    before = where(held, 0.0, minimum(arrival, h))
    left = maximum(h - where(held, remaining, before + refractory), 0.0)
    derivative = (offset - total * reset + leak * slope * growth) * inverse_capacitance
    curved = 0.5 * left * (leak * growth - total) * inverse_capacitance
    restarted = reset + left * derivative * (1.0 + curved)
    ahead = v - critical
    arrives = where(held, h + 1.0, arrival) <= h
    margin = where(arrives, maximum(ahead, 0.0), minimum(ahead, -1e-6))
    quiet = (where(held, restarted, free), minimum(age + h, NEVER_MS))
    return margin, quiet, (restarted, h - before)


@equation
def quadratic_step(state: Any, drive: Any, conductance: Any, p: Any) -> Outcome:
    """One step; see :class:`QuadraticIntegrateAndFire`."""
    v, age = state
    h, inverse_capacitance, square, linear, constant, reset, peak, refractory = p
    b = linear - conductance * inverse_capacitance
    c = constant + drive * inverse_capacitance
    free, arrival = quadratic_upswing(v, square, b, c, h, peak)
    remaining = refractory - age
    held = remaining > 0.0
    before = where(held, 0.0, minimum(arrival, h))
    left = maximum(h - where(held, remaining, before + refractory), 0.0)
    restarted, _ = quadratic_flow(reset, square, b, c, left)
    arrives = where(held, h + 1.0, arrival) <= h
    speed = maximum(c + peak * (b + peak * square), 0.0)
    margin = where(arrives, (h - before) * speed, minimum(free - peak, -1e-6))
    quiet = (where(held, restarted, free), minimum(age + h, NEVER_MS))
    return margin, quiet, (restarted, h - before)


def upswing(neurons: Any) -> tuple[Value, ...]:
    """What :func:`~neurallayers.dynamics.neurons.flows.exponential_flow` reads as ``m``."""
    threshold, slope = neurons.threshold_mv, neurons.slope_factor_mv
    peak = steep_peak(neurons.peak_mv, threshold, slope)
    return (
        1.0 / neurons.capacitance_pf,
        threshold,
        slope,
        1.0 / slope,
        neurons.leak_conductance_ns / neurons.capacitance_pf,
        peak,
        exp((threshold - peak) / slope),
    )


@CELLS.register("ExponentialIntegrateAndFire")
class ExponentialIntegrateAndFire(PointNeuron[ExponentialIntegrateAndFireState]):
    """Exponential integrate-and-fire neurons; see the module for the equation.

    Error: second order in dt, with the time of a spike computed within its step, as in
    :class:`~neurallayers.dynamics.neurons.adex.AdEx`.

    Args:
        n: Number of neurons.
        dt_ms: Length of a step [ms].
        capacitance_pf: Membrane capacitance C [pF].
        leak_conductance_ns: Leak conductance g_L [nS].
        resting_mv: Leak reversal potential E_L [mV].
        threshold_mv: Threshold V_T of the exponential [mV].
        slope_factor_mv: Sharpness Delta_T of the upswing [mV].
        reset_mv: Reset potential [mV].
        peak_mv: Potential at which a neuron fires [mV].
        refractory_ms: For how long it is held at the reset potential [ms].
        learn: Names of the parameters above that are trained.
        synaptic_input: ``"current"`` or ``"conductance"``.
        substeps: Parts of a step, for more accuracy.
        surrogate: Name of the surrogate gradient, or one made by hand.
        slope: Its steepness, by distances from rest to threshold.
        reset_gradient: Whether the surrogate gradient flows through the reset.

    Raises:
        InvalidInput: If a parameter is out of range.
        ShapeMismatch: If a parameter is neither a number nor ``[n]``.
        UnknownName: If there is no such surrogate, or nothing of that name to learn.
    """

    state_type = ExponentialIntegrateAndFireState
    sources = ("neurons/nonlinear.py",)

    capacitance_pf: Value
    leak_conductance_ns: Value
    resting_mv: Value
    threshold_mv: Value
    slope_factor_mv: Value
    reset_mv: Value
    peak_mv: Value
    refractory_ms: Value

    def __init__(
        self,
        n: int,
        *,
        dt_ms: float = 0.1,
        capacitance_pf: Value = 100.0,
        leak_conductance_ns: Value = 10.0,
        resting_mv: Value = -65.0,
        threshold_mv: Value = -59.9,
        slope_factor_mv: Value = 3.48,
        reset_mv: Value = -68.0,
        peak_mv: Value = 20.0,
        refractory_ms: Value = 1.7,
        learn: Collection[str] = (),
        synaptic_input: str = "current",
        substeps: int = 1,
        surrogate: str | Surrogate = "fast_sigmoid",
        slope: float | None = None,
        reset_gradient: bool = False,
    ) -> None:
        positive_values("cortex: 50 to 500 pF", capacitance_pf=capacitance_pf)
        positive_values("cortex: 3 to 50 nS", leak_conductance_ns=leak_conductance_ns)
        positive_values("usually 0.5 to 5 mV", slope_factor_mv=slope_factor_mv)
        not_negative_values("usually 0 to 5 ms", refractory_ms=refractory_ms)
        above(peak_mv=peak_mv, threshold_mv=threshold_mv)
        above(peak_mv=peak_mv, reset_mv=reset_mv)
        super().__init__(
            n,
            dt_ms=dt_ms,
            parameters={
                "capacitance_pf": capacitance_pf,
                "leak_conductance_ns": leak_conductance_ns,
                "resting_mv": resting_mv,
                "threshold_mv": threshold_mv,
                "slope_factor_mv": slope_factor_mv,
                "reset_mv": reset_mv,
                "peak_mv": peak_mv,
                "refractory_ms": refractory_ms,
            },
            learn=learn,
            synaptic_input=synaptic_input,
            substeps=substeps,
            surrogate=surrogate,
            slope=slope,
            reset_gradient=reset_gradient,
        )

    @property
    def equation(self) -> Step:
        """See the module."""
        return exponential_step

    def numbers(self) -> tuple[Value, ...]:
        """What the step reads."""
        h = self.dt_ms / self.substeps
        threshold, slope = self.threshold_mv, self.slope_factor_mv
        return (
            h,
            self.leak_conductance_ns,
            self.resting_mv,
            # From here the exponential alone takes one step to the peak.
            threshold + slope * log(self.capacitance_pf / (self.leak_conductance_ns * h)),
            self.reset_mv,
            exp((self.reset_mv - threshold) / slope),
            self.refractory_ms,
            *upswing(self),
        )

    def surrogate_scale_mv(self) -> Value:
        """From rest to threshold."""
        return self.distance(self.threshold_mv, self.resting_mv)

    def initial_state(
        self, batch: int = 1, dtype: torch.dtype | None = None
    ) -> ExponentialIntegrateAndFireState:
        """All neurons at rest."""
        return ExponentialIntegrateAndFireState(
            self.everywhere(self.resting_mv, batch, dtype), self.everywhere(NEVER_MS, batch, dtype)
        )


@CELLS.register("QuadraticIntegrateAndFire")
class QuadraticIntegrateAndFire(PointNeuron[QuadraticIntegrateAndFireState]):
    """Quadratic integrate-and-fire neurons; see the module for the equation.

    Error: for input that is constant over a step, only that of the rational functions which stand
    in for hyperbolic ones (see :func:`~neurallayers.dynamics.neurons.flows.quadratic_flow`; spike
    times to 1e-9 ms at 1 ms a step and moderate currents); the time of a spike is computed within
    its step. For periods shorter than three steps or so use ``substeps``.

    Args:
        n: Number of neurons.
        dt_ms: Length of a step [ms].
        capacitance_pf: Membrane capacitance C [pF].
        curvature_ns_per_mv: k [nS/mV].
        resting_mv: The stable fixed point v_r without input [mV].
        threshold_mv: The unstable one, v_t [mV].
        reset_mv: Reset potential [mV].
        peak_mv: Potential at which a neuron fires [mV].
        refractory_ms: For how long it is held at the reset potential [ms].
        learn: Names of the parameters above that are trained.
        synaptic_input: ``"current"`` or ``"conductance"``.
        substeps: Parts of a step.
        surrogate: Name of the surrogate gradient, or one made by hand.
        slope: Its steepness, by distances from rest to peak.
        reset_gradient: Whether the surrogate gradient flows through the reset.

    Raises:
        InvalidInput: If a parameter is out of range.
        ShapeMismatch: If a parameter is neither a number nor ``[n]``.
        UnknownName: If there is no such surrogate, or nothing of that name to learn.
    """

    state_type = QuadraticIntegrateAndFireState
    sources = ("neurons/nonlinear.py",)

    capacitance_pf: Value
    curvature_ns_per_mv: Value
    resting_mv: Value
    threshold_mv: Value
    reset_mv: Value
    peak_mv: Value
    refractory_ms: Value

    def __init__(
        self,
        n: int,
        *,
        dt_ms: float = 0.1,
        capacitance_pf: Value = 100.0,
        curvature_ns_per_mv: Value = 0.7,
        resting_mv: Value = -60.0,
        threshold_mv: Value = -40.0,
        reset_mv: Value = -60.0,
        peak_mv: Value = 35.0,
        refractory_ms: Value = 0.0,
        learn: Collection[str] = (),
        synaptic_input: str = "current",
        substeps: int = 1,
        surrogate: str | Surrogate = "fast_sigmoid",
        slope: float | None = None,
        reset_gradient: bool = False,
    ) -> None:
        positive_values("cortex: 50 to 500 pF", capacitance_pf=capacitance_pf)
        positive_values("usually 0.3 to 3 nS/mV", curvature_ns_per_mv=curvature_ns_per_mv)
        not_negative_values("usually 0 to 5 ms", refractory_ms=refractory_ms)
        above(threshold_mv=threshold_mv, resting_mv=resting_mv)
        above(peak_mv=peak_mv, threshold_mv=threshold_mv)
        above(peak_mv=peak_mv, reset_mv=reset_mv)
        super().__init__(
            n,
            dt_ms=dt_ms,
            parameters={
                "capacitance_pf": capacitance_pf,
                "curvature_ns_per_mv": curvature_ns_per_mv,
                "resting_mv": resting_mv,
                "threshold_mv": threshold_mv,
                "reset_mv": reset_mv,
                "peak_mv": peak_mv,
                "refractory_ms": refractory_ms,
            },
            learn=learn,
            synaptic_input=synaptic_input,
            substeps=substeps,
            surrogate=surrogate,
            slope=slope,
            reset_gradient=reset_gradient,
        )

    @property
    def equation(self) -> Step:
        """See the module."""
        return quadratic_step

    def numbers(self) -> tuple[Value, ...]:
        """What the step reads."""
        curvature = self.curvature_ns_per_mv / self.capacitance_pf
        return (
            self.dt_ms / self.substeps,
            1.0 / self.capacitance_pf,
            curvature,
            -curvature * (self.resting_mv + self.threshold_mv),
            curvature * self.resting_mv * self.threshold_mv,
            self.reset_mv,
            self.peak_mv,
            self.refractory_ms,
        )

    def surrogate_scale_mv(self) -> Value:
        """From rest to peak."""
        return self.distance(self.peak_mv, self.resting_mv)

    def initial_state(
        self, batch: int = 1, dtype: torch.dtype | None = None
    ) -> QuadraticIntegrateAndFireState:
        """All neurons at rest."""
        return QuadraticIntegrateAndFireState(
            self.everywhere(self.resting_mv, batch, dtype), self.everywhere(NEVER_MS, batch, dtype)
        )
