r"""Triplet STDP: potentiation that also counts the postsynaptic spike before.

.. math::
    w &\leftarrow w - o_1(t) \, [A_2^- + A_3^- \, r_2(t - \epsilon)]
        &&\text{at a presynaptic spike} \\
    w &\leftarrow w + r_1(t) \, [A_2^+ + A_3^+ \, o_2(t - \epsilon)]
        &&\text{at a postsynaptic spike}

with traces :math:`r_1, r_2` of presynaptic spikes (time constants :math:`\tau_+, \tau_x`) and
:math:`o_1, o_2` of postsynaptic ones (:math:`\tau_-, \tau_y`); :math:`t - \epsilon` means that a
spike does not see itself. Exact on the grid.

Source: Pfister & Gerstner (2006), J. Neurosci. 26:9673, eq. 2 to 4, parameters of tables 3 and 4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

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

Tissue = Literal["visual_cortex", "hippocampus"]
TISSUES: tuple[Tissue, ...] = ("visual_cortex", "hippocampus")

# Pfister & Gerstner (2006), tables 3 and 4: A2+, A3+, A2-, A3- and tau_x, tau_y [ms] of the best
# fits; tau_+ and tau_- are those of Bi & Poo (2001). A minimal model has no tau_x, as its A3- is 0.
_FITS: dict[tuple[str, str, bool], tuple[float, float, float, float, float, float]] = {
    ("visual_cortex", "all_to_all", False): (5e-10, 6.2e-3, 7e-3, 2.3e-4, 101.0, 125.0),
    ("visual_cortex", "all_to_all", True): (0.0, 6.5e-3, 7.1e-3, 0.0, 101.0, 114.0),
    ("visual_cortex", "nearest", False): (8.8e-11, 5.3e-2, 6.6e-3, 3.1e-3, 714.0, 40.0),
    ("visual_cortex", "nearest", True): (0.0, 5e-2, 8e-3, 0.0, 714.0, 40.0),
    ("hippocampus", "all_to_all", False): (6.1e-3, 6.7e-3, 1.6e-3, 1.4e-3, 946.0, 27.0),
    ("hippocampus", "all_to_all", True): (5.3e-3, 8e-3, 3.5e-3, 0.0, 946.0, 40.0),
    ("hippocampus", "nearest", False): (4.6e-3, 9.1e-3, 3e-3, 7.5e-9, 575.0, 47.0),
    ("hippocampus", "nearest", True): (4.6e-3, 9.1e-3, 3e-3, 0.0, 575.0, 48.0),
}


@RULES.register("TripletSTDP")
@dataclass(frozen=True, kw_only=True)
class TripletSTDP(Rule):
    """Triplet STDP; see the module for the equations. The defaults are those of visual cortex.

    Amplitudes are in units of the weight; in the fits a weight is counted in units of its initial
    value, and there is no upper bound.

    Args:
        pair_plus: A₂⁺, potentiation by a pair.
        triplet_plus: A₃⁺, potentiation by a triplet post-pre-post.
        pair_minus: A₂⁻, depression by a pair.
        triplet_minus: A₃⁻, depression by a triplet pre-post-pre.
        tau_plus_ms: τ₊ of r₁ [ms].
        tau_x_ms: τₓ of r₂ [ms].
        tau_minus_ms: τ₋ of o₁ [ms].
        tau_y_ms: τ_y of o₂ [ms].
        pairing: ``"all_to_all"``, or ``"nearest"`` where traces remember only the last spike.
        order: See :mod:`~neurallayers.dynamics.plasticity.rule`.
        w_min: Smallest weight.
        w_max: Largest weight; none by default.

    Raises:
        InvalidInput: If a number is out of range.

    >>> TripletSTDP.fitted_to("hippocampus", pairing="nearest").tau_y_ms
    48.0
    """

    pair_plus: float = 0.0
    triplet_plus: float = 6.5e-3
    pair_minus: float = 7.1e-3
    triplet_minus: float = 0.0
    tau_plus_ms: float = 16.8
    tau_x_ms: float = 101.0
    tau_minus_ms: float = 33.7
    tau_y_ms: float = 114.0
    pairing: Mode = "all_to_all"
    w_max: float = math.inf

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of("pairing", self.pairing, MODES)
        for name in ("tau_plus_ms", "tau_x_ms", "tau_minus_ms", "tau_y_ms"):
            require_positive(name, getattr(self, name), "usually 10 to 1000 ms")
        require_finite(
            pair_plus=self.pair_plus,
            triplet_plus=self.triplet_plus,
            pair_minus=self.pair_minus,
            triplet_minus=self.triplet_minus,
        )

    @classmethod
    def fitted_to(
        cls,
        tissue: Tissue,
        *,
        pairing: Mode = "all_to_all",
        minimal: bool = True,
        **options: Any,
    ) -> TripletSTDP:
        """The published fit to a data set.

        Args:
            tissue: ``"visual_cortex"`` (Sjöström, Turrigiano & Nelson 2001) or ``"hippocampus"``
                (cultures, Wang, Gerkin, Nauen & Bi 2005).
            pairing: As in the class.
            minimal: Whether the model has only the terms that the data need.
            options: Other arguments of the class, such as bounds.

        Raises:
            InvalidInput: If there is no such tissue or pairing.
        """
        require_one_of("tissue", tissue, TISSUES)
        require_one_of("pairing", pairing, MODES)
        pair_plus, triplet_plus, pair_minus, triplet_minus, tau_x, tau_y = _FITS[
            tissue, pairing, minimal
        ]
        return cls(
            pair_plus=pair_plus,
            triplet_plus=triplet_plus,
            pair_minus=pair_minus,
            triplet_minus=triplet_minus,
            tau_x_ms=tau_x,
            tau_y_ms=tau_y,
            pairing=pairing,
            **options,
        )

    @property
    def presynaptic_traces(self) -> tuple[Trace, ...]:
        """r₁ and, where depression has a triplet term, r₂."""
        fast = Trace(self.tau_plus_ms, mode=self.pairing)
        slow = Trace(self.tau_x_ms, mode=self.pairing)
        return (fast, slow) if self.triplet_minus else (fast,)

    @property
    def postsynaptic_traces(self) -> tuple[Trace, ...]:
        """o₁ and, where potentiation has a triplet term, o₂."""
        fast = Trace(self.tau_minus_ms, mode=self.pairing)
        slow = Trace(self.tau_y_ms, mode=self.pairing)
        return (fast, slow) if self.triplet_plus else (fast,)

    def equations(self) -> Equations:
        """Depression at presynaptic and potentiation at postsynaptic spikes."""
        return Equations(before, after, None, ("plasticity/triplet.py", _BOUNDS))

    def numbers(self, dt_ms: float) -> tuple[float, ...]:
        """Amplitudes and bounds."""
        plus, minus = (self.pair_plus, self.triplet_plus), (self.pair_minus, self.triplet_minus)
        return (*plus, *minus, self.w_min, self.w_max)


_BOUNDS = "plasticity/spike_timing.py"


@equation
def before(synapse: Synapse, sender: Sender, receiver: Receiver, modulator: Any, p: Any) -> Any:
    """At a presynaptic spike: w - o₁ (A₂⁻ + A₃⁻ r₂)."""
    change = receiver.trace_1 * (p[2] + p[3] * sender.trace_2)
    weight = bounded(synapse.weight - change, p[4], p[5])
    return Synapse(weight, synapse.variable_1, synapse.variable_2)


@equation
def after(synapse: Synapse, sender: Sender, receiver: Receiver, modulator: Any, p: Any) -> Any:
    """At a postsynaptic spike: w + r₁ (A₂⁺ + A₃⁺ o₂)."""
    change = sender.trace_1 * (p[0] + p[1] * receiver.trace_2)
    weight = bounded(synapse.weight + change, p[4], p[5])
    return Synapse(weight, synapse.variable_1, synapse.variable_2)
