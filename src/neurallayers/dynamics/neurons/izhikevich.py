r"""The simple model of Izhikevich, and the kinds of cortical and thalamic cells that it stands for.

.. math::
    \dot v &= 0.04 v^2 + 5 v + 140 - u + (I - g\,v) / C \\
    \dot u &= a (b v - u)

and where v reaches 30 mV: v to c, u to u + d. Times are in ms, v in mV; the paper's input is in
mV/ms, which is an input in pA here, as the capacitance C is 1 pF unless another is given.

Source: Izhikevich (2003), IEEE Trans. Neural Netw. 14:1569, eq. 1 to 3 and figure 2.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

import torch
from torch import Tensor

from neurallayers.dynamics.arithmetic import equation, exp, maximum, minimum, where
from neurallayers.dynamics.cell import CELLS
from neurallayers.dynamics.neurons.flows import brief_decay, quadratic_flow, quadratic_upswing
from neurallayers.dynamics.neurons.point import (
    NEVER_MS,
    PointNeuron,
    Step,
    Value,
    above,
    positive_values,
)
from neurallayers.dynamics.surrogate import Surrogate
from neurallayers.errors import InvalidInput, UnknownName
from neurallayers.registry import nearest_name

# The quadratic of the paper.
SQUARE, LINEAR, CONSTANT = 0.04, 5.0, 140.0
# Where the program of the paper begins.
FIRST_MV = -65.0
SCHEMES = ("accurate", "published")

Outcome = tuple[Any, tuple[Any, Any, Any], tuple[Any, Any, Any]]


class IzhikevichState(NamedTuple):
    """State of :class:`Izhikevich`."""

    membrane_potential: Tensor  # [batch, n], mV
    recovery: Tensor  # [batch, n], mV/ms
    time_since_spike: Tensor  # [batch, n], ms, NEVER_MS at most


@equation
def accurate_step(state: Any, drive: Any, conductance: Any, p: Any) -> Outcome:
    """One step by the exact flow of v, with u as it is in the middle of the step."""
    v, u, age = state
    h, inverse_capacitance, a, b, c, d, peak, half, whole = p
    linear = LINEAR - conductance * inverse_capacitance
    offset = CONSTANT + drive * inverse_capacitance
    constant = offset - (u + (b * v - u) * half)
    free, arrival = quadratic_upswing(v, SQUARE, linear, constant, h, peak)
    arrives = arrival <= h
    spent = minimum(arrival, h)
    # Mean potential by the trapezoid with its first correction; it drives u.
    first = constant + v * (linear + v * SQUARE)
    last = constant + free * (linear + free * SQUARE)
    toward = b * (0.5 * (v + free) + spent * (first - last) * (1.0 / 12.0))
    u_free = toward + (u - toward) * where(arrives, brief_decay(a * spent), whole)
    # With a spike, on from the reset potential for what is left of the step.
    left = h - spent
    u_begun = u_free + d
    u_middle = u_begun + (b * c - u_begun) * (0.5 * a * left)
    restarted, _ = quadratic_flow(c, SQUARE, linear, offset - u_middle, left)
    toward = b * 0.5 * (c + restarted)
    u_restarted = toward + (u_begun - toward) * brief_decay(a * left)
    margin = where(arrives, left * maximum(last, 0.0), minimum(free - peak, -1e-6))
    return margin, (free, u_free, minimum(age + h, NEVER_MS)), (restarted, u_restarted, left)


@equation
def published_step(state: Any, drive: Any, conductance: Any, p: Any) -> Outcome:
    """One step as in the program of the paper: v by two half steps of Euler's method, then u."""
    v, u, age = state
    h, inverse_capacitance, a, b, c, d, peak = p
    linear = LINEAR - conductance * inverse_capacitance
    offset = CONSTANT + drive * inverse_capacitance - u
    v = v + 0.5 * h * (offset + v * (linear + v * SQUARE))
    v = v + 0.5 * h * (offset + v * (linear + v * SQUARE))
    u = u + h * a * (b * v - u)
    return v - peak, (v, u, minimum(age + h, NEVER_MS)), (c, u + d, age * 0.0)


@CELLS.register("Izhikevich")
class Izhikevich(PointNeuron[IzhikevichState]):
    """Neurons of the simple model; see the module for the equations.

    Error of the accurate scheme: second order in dt, for input that is constant over a step; v
    moves by the exact solution of its quadratic equation, a spike happens at its time within the
    step (``time_since_spike``) and the neuron goes on from there. Against DOP853 (relative
    tolerance 1e-11) all spikes of 500 ms of the types below are within 1 to 35 microseconds at
    0.1 ms a step, with the same counts; steps of 0.5 ms and more are too long for some types.

    The published scheme is that of the paper's program, with dt_ms = 1 there: what it computes has
    the patterns of the equations, but fewer spikes, as v overshoots and is reset at the end of a
    step.

    Args:
        n: Number of neurons.
        dt_ms: Length of a step [ms].
        a: Rate of the recovery u [1/ms].
        b: Sensitivity of u to v [1/ms].
        c: Reset potential [mV].
        d: What a spike adds to u [mV/ms].
        peak_mv: Potential at which a neuron fires [mV].
        capacitance_pf: Input in pA moves v by I / C.
        scheme: ``"accurate"`` or ``"published"``.
        learn: Names among ``a``, ``b``, ``c``, ``d``, ``peak_mv`` and ``capacitance_pf`` that are
            trained.
        synaptic_input: ``"current"`` or ``"conductance"``.
        substeps: Parts of a step, for more accuracy.
        surrogate: Name of the surrogate gradient, or one made by hand.
        slope: Its steepness, by distances from reset to peak.
        reset_gradient: Whether the surrogate gradient flows through the reset.

    Raises:
        InvalidInput: If a parameter is out of range.
        ShapeMismatch: If a parameter is neither a number nor ``[n]``.
        UnknownName: If there is no such surrogate, or nothing of that name to learn.

    >>> cell = Izhikevich.preset("chattering", dt_ms=0.1)
    >>> spikes, state = cell.run(torch.full((1, 1, 1), 10.0), steps=2000)
    >>> int(spikes.sum())
    22
    """

    state_type = IzhikevichState
    sources = ("neurons/izhikevich.py",)

    a: Value
    b: Value
    c: Value
    d: Value
    peak_mv: Value
    capacitance_pf: Value

    def __init__(
        self,
        n: int,
        *,
        dt_ms: float = 0.1,
        a: Value = 0.02,
        b: Value = 0.2,
        c: Value = -65.0,
        d: Value = 8.0,
        peak_mv: Value = 30.0,
        capacitance_pf: Value = 1.0,
        scheme: str = "accurate",
        learn: Collection[str] = (),
        synaptic_input: str = "current",
        substeps: int = 1,
        surrogate: str | Surrogate = "fast_sigmoid",
        slope: float | None = None,
        reset_gradient: bool = False,
    ) -> None:
        if scheme not in SCHEMES:
            raise InvalidInput(f"scheme is {scheme!r}.", f"Choose one of {', '.join(SCHEMES)}.")
        positive_values("1 in the paper", capacitance_pf=capacitance_pf)
        positive_values("cortex: 0.02 to 0.1 per ms", a=a)
        above(peak_mv=peak_mv, c=c)
        super().__init__(
            n,
            dt_ms=dt_ms,
            parameters={
                "a": a,
                "b": b,
                "c": c,
                "d": d,
                "peak_mv": peak_mv,
                "capacitance_pf": capacitance_pf,
            },
            learn=learn,
            synaptic_input=synaptic_input,
            substeps=substeps,
            surrogate=surrogate,
            slope=slope,
            reset_gradient=reset_gradient,
        )
        self.scheme = scheme

    @property
    def equation(self) -> Step:
        """The step of the scheme."""
        return accurate_step if self.scheme == "accurate" else published_step

    def numbers(self) -> tuple[Value, ...]:
        """What the step reads."""
        h = self.dt_ms / self.substeps
        shared = (h, 1.0 / self.capacitance_pf, self.a, self.b, self.c, self.d, self.peak_mv)
        if self.scheme == "published":
            return shared
        return (*shared, 1.0 - exp(-0.5 * h * self.a), exp(-h * self.a))

    def surrogate_scale_mv(self) -> Value:
        """From reset to peak."""
        return self.distance(self.peak_mv, self.c)

    def initial_state(self, batch: int = 1, dtype: torch.dtype | None = None) -> IzhikevichState:
        """As in the paper's program: v at -65 mV, u at b v."""
        return IzhikevichState(
            self.everywhere(FIRST_MV, batch, dtype),
            self.everywhere(self.b * FIRST_MV, batch, dtype),
            self.everywhere(NEVER_MS, batch, dtype),
        )

    @classmethod
    def preset(cls, name: str, n: int = 1, **options: Any) -> Izhikevich:
        """Neurons of one of the :data:`CELL_TYPES`, by name or by the paper's letters.

        Args:
            name: Such as ``"regular_spiking"`` or ``"RS"``.
            n: Number of neurons.
            **options: As for the class; they win over the preset.

        Raises:
            UnknownName: If there is no such type.
        """
        spelled = LETTERS.get(name, name)
        if spelled not in CELL_TYPES:
            raise UnknownName(
                f"There is no type of cell {name!r}.",
                nearest_name(name, [*CELL_TYPES, *LETTERS]),
            )
        return cls(n, **{**CELL_TYPES[spelled], **options})


CELL_TYPES: dict[str, dict[str, float]] = {
    "regular_spiking": {"a": 0.02, "b": 0.2, "c": -65.0, "d": 8.0},
    "intrinsically_bursting": {"a": 0.02, "b": 0.2, "c": -55.0, "d": 4.0},
    "chattering": {"a": 0.02, "b": 0.2, "c": -50.0, "d": 2.0},
    "fast_spiking": {"a": 0.1, "b": 0.2, "c": -65.0, "d": 2.0},
    "low_threshold_spiking": {"a": 0.02, "b": 0.25, "c": -65.0, "d": 2.0},
    "thalamocortical": {"a": 0.02, "b": 0.25, "c": -65.0, "d": 0.05},
    "resonator": {"a": 0.1, "b": 0.26, "c": -65.0, "d": 2.0},
}
"""The kinds of cells of figure 2 of Izhikevich (2003)."""

LETTERS = {
    "RS": "regular_spiking",
    "IB": "intrinsically_bursting",
    "CH": "chattering",
    "FS": "fast_spiking",
    "LTS": "low_threshold_spiking",
    "TC": "thalamocortical",
    "RZ": "resonator",
}
