r"""The adaptive exponential integrate-and-fire model, and the firing patterns that it shows.

.. math::
    C \dot v &= -g_L (v - E_L) + g_L \Delta_T\, e^{(v - V_T) / \Delta_T} - w + I - g\,v \\
    \tau_w \dot w &= a (v - E_L) - w

and where v reaches the peak: v to the reset potential, w to w + b.

Source: Brette & Gerstner (2005), J. Neurophysiol. 94:3637, eq. 1 to 3; patterns: Naud, Marcille,
Clopath & Gerstner (2008), Biol. Cybern. 99:335, table 1 and figure 4.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

import torch
from torch import Tensor

from neurallayers.dynamics.arithmetic import equation, exp, log, maximum, minimum, where
from neurallayers.dynamics.cell import CELLS
from neurallayers.dynamics.neurons.flows import brief_decay, exponential_flow
from neurallayers.dynamics.neurons.nonlinear import upswing
from neurallayers.dynamics.neurons.point import (
    NEVER_MS,
    PointNeuron,
    Step,
    Value,
    above,
    not_negative_values,
    positive_values,
)
from neurallayers.dynamics.surrogate import Surrogate
from neurallayers.errors import UnknownName
from neurallayers.registry import nearest_name


class AdExState(NamedTuple):
    """State of :class:`AdEx`."""

    membrane_potential: Tensor  # [batch, n], mV
    adaptation_current: Tensor  # [batch, n], pA
    time_since_spike: Tensor  # [batch, n], ms, NEVER_MS at most


@equation
def adex_step(
    state: Any, drive: Any, conductance: Any, p: Any
) -> tuple[Any, tuple[Any, Any, Any], tuple[Any, Any, Any]]:
    """One step; see :class:`AdEx`."""
    v, w, age = state
    h, leak, resting, critical = p[:4]
    coupling, rate_w, half_w, increment, reset, growth, refractory = p[4:11]
    m = p[11:]
    inverse_capacitance, slope = m[0], m[2]
    total = leak + conductance
    offset = drive + leak * resting
    # Without a spike. The adaptation in the middle of the step drives the potential, whose mean
    # then drives the adaptation.
    halfway = w + (coupling * (v - resting) - w) * half_w
    free, mean, arrival = exponential_flow(v, offset - halfway, total, h, m)
    # (1 - half)² is the decay of the whole step.
    toward = coupling * (mean - resting)
    w_free = toward + (w - toward) * (1.0 - half_w) * (1.0 - half_w)
    # With a spike, or held after one: from the reset potential on for what is left of the step. On
    # the way to a distant peak the mean potential is one slope above its first value.
    remaining = refractory - age
    held = remaining > 0.0
    before = where(held, 0.0, minimum(arrival, h))
    toward = coupling * (v + slope - resting)
    w_begun = where(held, w, toward + (w - toward) * brief_decay(before * rate_w) + increment)
    left = maximum(h - where(held, remaining, before + refractory), 0.0)
    derivative = (offset - w_begun - total * reset + leak * slope * growth) * inverse_capacitance
    curved = 0.5 * left * (leak * growth - total) * inverse_capacitance
    restarted = reset + left * derivative * (1.0 + curved)
    toward = coupling * (0.5 * (reset + restarted) - resting)
    w_restarted = toward + (w_begun - toward) * brief_decay((h - before) * rate_w)
    # A neuron fires that arrives within the step; the margin is the distance in potential from
    # where a step is just long enough.
    ahead = v - critical
    arrives = where(held, h + 1.0, arrival) <= h
    margin = where(arrives, maximum(ahead, 0.0), minimum(ahead, -1e-6))
    older = minimum(age + h, NEVER_MS)
    quiet = (where(held, restarted, free), where(held, w_restarted, w_free), older)
    return margin, quiet, (restarted, w_restarted, h - before)


@CELLS.register("AdEx")
class AdEx(PointNeuron[AdExState]):
    r"""Adaptive exponential integrate-and-fire neurons.

    The defaults are the parameters of the paper (a regular spiking cell). See the module for the
    equations.

    Error: second order in dt, for input that is constant over a step. A spike happens within its
    step: the time of arrival at the peak is computed, and the neuron goes on from the reset
    potential (or is held there) for the rest of the step, so that errors of the grid do not add up;
    ``time_since_spike`` tells the time to within microseconds. What it sends is on the grid: a
    neuron fires in the step in which it arrives. Against DOP853 (relative tolerance 1e-11), all
    spikes of 500 ms of the patterns below are within 1 to 11 microseconds at 0.1 ms a step, with
    the same counts, and within 0.05 to 1 at 0.025 ms; those of irregular spiking part after some
    ten spikes, as in any computation, because that pattern is chaotic.

    Args:
        n: Number of neurons.
        dt_ms: Length of a step [ms].
        capacitance_pf: Membrane capacitance C [pF].
        leak_conductance_ns: Leak conductance g_L [nS].
        resting_mv: Leak reversal potential E_L [mV].
        threshold_mv: Threshold V_T of the exponential [mV].
        slope_factor_mv: Sharpness Delta_T of the upswing [mV].
        adaptation_conductance_ns: Subthreshold adaptation a [nS].
        tau_adaptation_ms: Time constant tau_w of the adaptation [ms].
        adaptation_increment_pa: Spike-triggered adaptation b [pA].
        reset_mv: Reset potential [mV].
        peak_mv: Potential at which a neuron fires [mV]. The upswing takes so short a time that
            more than 30 slopes above V_T nothing changes: there the computation ends.
        refractory_ms: For how long it is held at the reset potential [ms]; 0 in the paper.
        learn: Names of the parameters above that are trained.
        synaptic_input: ``"current"`` or ``"conductance"``.
        substeps: Parts of a step, for more accuracy.
        surrogate: Name of the surrogate gradient, or one made by hand.
        slope: Its steepness, by distances from rest to threshold.
        reset_gradient: Whether the surrogate gradient flows through the reset. The gradient of the
            time of a spike, and of all that follows it, is exact without.

    Raises:
        InvalidInput: If a parameter is out of range.
        ShapeMismatch: If a parameter is neither a number nor ``[n]``.
        UnknownName: If there is no such surrogate, or nothing of that name to learn.

    >>> cell = AdEx(1, dt_ms=0.1)
    >>> spikes, state = cell.run(torch.full((1, 1, 1), 1000.0), steps=1000)  # 100 ms of 1 nA
    >>> int(spikes.sum())
    5
    """

    state_type = AdExState
    sources = ("neurons/adex.py", "neurons/nonlinear.py")

    capacitance_pf: Value
    leak_conductance_ns: Value
    resting_mv: Value
    threshold_mv: Value
    slope_factor_mv: Value
    adaptation_conductance_ns: Value
    tau_adaptation_ms: Value
    adaptation_increment_pa: Value
    reset_mv: Value
    peak_mv: Value
    refractory_ms: Value

    def __init__(
        self,
        n: int,
        *,
        dt_ms: float = 0.1,
        capacitance_pf: Value = 281.0,
        leak_conductance_ns: Value = 30.0,
        resting_mv: Value = -70.6,
        threshold_mv: Value = -50.4,
        slope_factor_mv: Value = 2.0,
        adaptation_conductance_ns: Value = 4.0,
        tau_adaptation_ms: Value = 144.0,
        adaptation_increment_pa: Value = 80.5,
        reset_mv: Value = -70.6,
        peak_mv: Value = 20.0,
        refractory_ms: Value = 0.0,
        learn: Collection[str] = (),
        synaptic_input: str = "current",
        substeps: int = 1,
        surrogate: str | Surrogate = "fast_sigmoid",
        slope: float | None = None,
        reset_gradient: bool = False,
    ) -> None:
        positive_values("pyramidal cells: 100 to 300 pF", capacitance_pf=capacitance_pf)
        positive_values("pyramidal cells: 5 to 30 nS", leak_conductance_ns=leak_conductance_ns)
        positive_values("usually 0.5 to 5 mV", slope_factor_mv=slope_factor_mv)
        positive_values("usually 20 to 300 ms", tau_adaptation_ms=tau_adaptation_ms)
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
                "adaptation_conductance_ns": adaptation_conductance_ns,
                "tau_adaptation_ms": tau_adaptation_ms,
                "adaptation_increment_pa": adaptation_increment_pa,
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
        return adex_step

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
            self.adaptation_conductance_ns,
            1.0 / self.tau_adaptation_ms,
            1.0 - exp(-0.5 * h / self.tau_adaptation_ms),
            self.adaptation_increment_pa,
            self.reset_mv,
            exp((self.reset_mv - threshold) / slope),
            self.refractory_ms,
            *upswing(self),
        )

    def surrogate_scale_mv(self) -> Value:
        """From rest to threshold."""
        return self.distance(self.threshold_mv, self.resting_mv)

    def initial_state(self, batch: int = 1, dtype: torch.dtype | None = None) -> AdExState:
        """All neurons at rest and unadapted."""
        return AdExState(
            self.everywhere(self.resting_mv, batch, dtype),
            self.everywhere(0.0, batch, dtype),
            self.everywhere(NEVER_MS, batch, dtype),
        )

    @classmethod
    def preset(cls, name: str, n: int = 1, **options: Any) -> AdEx:
        """Neurons with one of the :data:`FIRING_PATTERNS`.

        Args:
            name: Such as ``"tonic_spiking"``.
            n: Number of neurons.
            **options: As for the class; they win over the preset.

        Raises:
            UnknownName: If there is no such pattern.

        >>> AdEx.preset("irregular_spiking").reset_mv
        -48.0
        """
        if name not in FIRING_PATTERNS:
            raise UnknownName(
                f"There is no firing pattern {name!r}.", nearest_name(name, list(FIRING_PATTERNS))
            )
        return cls(n, **{**FIRING_PATTERNS[name].parameters(), **options})


class FiringPattern(NamedTuple):
    """A row of table 1 of Naud et al. (2008): a neuron, and the current step that it receives."""

    capacitance_pf: float
    leak_conductance_ns: float
    resting_mv: float
    threshold_mv: float
    slope_factor_mv: float
    adaptation_conductance_ns: float
    tau_adaptation_ms: float
    adaptation_increment_pa: float
    reset_mv: float
    current_pa: float

    def parameters(self) -> dict[str, float]:
        """The arguments of :class:`AdEx`; the simulations of the paper ended a spike at 0 mV."""
        named = self._asdict()
        del named["current_pa"]
        return {**named, "peak_mv": 0.0}


_TONIC = FiringPattern(200.0, 10.0, -70.0, -50.0, 2.0, 2.0, 30.0, 0.0, -58.0, 500.0)
_ADAPTING = FiringPattern(200.0, 12.0, -70.0, -50.0, 2.0, 2.0, 300.0, 60.0, -58.0, 500.0)
_INITIAL = FiringPattern(130.0, 18.0, -58.0, -50.0, 2.0, 4.0, 150.0, 120.0, -50.0, 400.0)
_BURSTING = FiringPattern(200.0, 10.0, -58.0, -50.0, 2.0, 2.0, 120.0, 100.0, -46.0, 210.0)
_ACCELERATING = FiringPattern(200.0, 12.0, -70.0, -50.0, 2.0, -10.0, 300.0, 0.0, -58.0, 300.0)
_DELAYED = FiringPattern(100.0, 10.0, -65.0, -50.0, 2.0, -10.0, 90.0, 30.0, -47.0, 110.0)
_TRANSIENT = FiringPattern(100.0, 10.0, -65.0, -50.0, 2.0, 10.0, 90.0, 100.0, -47.0, 180.0)
_IRREGULAR = FiringPattern(100.0, 12.0, -60.0, -50.0, 2.0, -11.0, 130.0, 30.0, -48.0, 160.0)

FIRING_PATTERNS: dict[str, FiringPattern] = {
    "tonic_spiking": _TONIC,
    "adaptation": _ADAPTING,
    "initial_burst": _INITIAL,
    "regular_bursting": _BURSTING,
    "delayed_accelerating": _ACCELERATING,
    "delayed_regular_bursting": _DELAYED,
    "transient_spiking": _TRANSIENT,
    "irregular_spiking": _IRREGULAR,
}
"""The eight firing patterns of Naud et al. (2008), table 1.

The values for delayed regular bursting and transient spiking are those that give the paper's
figures 4f and 4g (found by P. Müller, University of Heidelberg, and used in Brian2's example of the
paper); what the table prints for them does not give these patterns.
"""
