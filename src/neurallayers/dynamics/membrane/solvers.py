r"""Solvers of membrane equations, by name.

A membrane is a potential :math:`v`, gates :math:`g` and concentrations :math:`c` with

.. math::
    C \dot v = D(g, c) - G(g, c)\, v, \qquad \dot g = r(v)\,[g_\infty(v) - g], \qquad
    \dot c = s(v, g) - k c :

each is linear in itself while the others stand still, and then has an exponential as its solution.

=============================== ===== ============================================================
name                            order how
=============================== ===== ============================================================
``exponential_euler``             1   each by its exponential, from the values before the step
                                      (Rush & Larsen 1978, IEEE TBME 25:389; Brian2's default)
``staggered_exponential_euler``   2   gates and concentrations live at half steps, potentials at
                                      whole ones, each by its exponential (the staggering of Hines
                                      1984, Int. J. Biomed. Comput. 15:69; see also Borg-Graham
                                      2000, additional efficient computation of branched nerve
                                      equations, J. Comput. Neurosci. 8:209)
``rk4``                           4   the classical method of Runge and Kutta; explicit, so that a
                                      step must be short against the fastest gate
``adaptive``                      8   DOP853 of scipy with error control, at relative tolerance
                                      1e-10: the reference; no gradients, neurons one by one
=============================== ===== ============================================================

In a state of the staggered solver the gates and concentrations belong to the time half a step
before that of the potential.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from neurallayers.dynamics.arithmetic import equation, exp
from neurallayers.dynamics.membrane.squid_axon import potential_after
from neurallayers.registry import Registry

Array = NDArray[np.float64]


class Values(NamedTuple):
    """The variables of a membrane: numbers or tensors."""

    potential: Any  # [mV]
    gates: tuple[Any, ...]  # between 0 and 1
    concentrations: tuple[Any, ...]  # [uM]


class Membrane(Protocol):
    """What a solver asks of a membrane; all of it for numbers as well as for tensors."""

    def capacitance(self) -> Any:
        """The capacitance [uF/cm2]."""

    def gate_kinetics(self, potential: Any) -> tuple[tuple[Any, Any], ...]:
        """Steady value and rate [1/ms] of each gate."""

    def balance(self, values: Values) -> tuple[Any, Any]:
        """What channels add to drive [uA/cm2] and conductance [mS/cm2]."""

    def concentration_kinetics(self, values: Values) -> tuple[tuple[Any, Any], ...]:
        """Inflow [uM/ms] and rate of decay [1/ms] of each concentration."""


# membrane, values, drive, conductance, dt_ms -> values
Step = Callable[[Membrane, Values, Any, Any, float], Values]


@dataclass(frozen=True)
class Solver:
    """A way to take a step.

    Attributes:
        name: Its name in :data:`SOLVERS`.
        order: The error of a run shrinks with this power of the step.
        staggered: Whether gates live half a step before the potential.
        step: Takes one step of any membrane; None for the adaptive reference.
    """

    name: str
    order: int
    staggered: bool
    step: Step | None


SOLVERS: Registry[Solver] = Registry("solver")


@equation
def relaxed(value: Any, steady: Any, rate: Any, duration_ms: Any) -> Any:
    """What relaxes to a steady value at a constant rate [1/ms], after a time: exact."""
    return steady + (value - steady) * exp(-rate * duration_ms)


def _gates_after(membrane: Membrane, values: Values, dt_ms: float) -> tuple[Any, ...]:
    kinetics = membrane.gate_kinetics(values.potential)
    return tuple(
        relaxed(gate, steady, rate, dt_ms)
        for gate, (steady, rate) in zip(values.gates, kinetics, strict=True)
    )


def _concentrations_after(membrane: Membrane, values: Values, dt_ms: float) -> tuple[Any, ...]:
    kinetics = membrane.concentration_kinetics(values)
    return tuple(
        relaxed(concentration, inflow / rate, rate, dt_ms)
        for concentration, (inflow, rate) in zip(values.concentrations, kinetics, strict=True)
    )


def _potential_after(
    membrane: Membrane, values: Values, drive: Any, conductance: Any, dt_ms: float
) -> Any:
    inner_drive, inner_conductance = membrane.balance(values)
    return potential_after(
        values.potential,
        drive + inner_drive,
        conductance + inner_conductance,
        membrane.capacitance(),
        dt_ms,
    )


def _exponential_euler(
    membrane: Membrane, values: Values, drive: Any, conductance: Any, dt_ms: float
) -> Values:
    return Values(
        _potential_after(membrane, values, drive, conductance, dt_ms),
        _gates_after(membrane, values, dt_ms),
        _concentrations_after(membrane, values, dt_ms),
    )


def _staggered(
    membrane: Membrane, values: Values, drive: Any, conductance: Any, dt_ms: float
) -> Values:
    gates = _gates_after(membrane, values, dt_ms)
    # The inflow belongs to the middle of the concentrations' step: so do the gates' mean values.
    middle = tuple(0.5 * (old + new) for old, new in zip(values.gates, gates, strict=True))
    concentrations = _concentrations_after(membrane, values._replace(gates=middle), dt_ms)
    halfway = Values(values.potential, gates, concentrations)
    return halfway._replace(
        potential=_potential_after(membrane, halfway, drive, conductance, dt_ms)
    )


def derivative(membrane: Membrane, values: Values, drive: Any, conductance: Any) -> Values:
    """Time derivatives of all variables [mV/ms, 1/ms, uM/ms]."""
    inner_drive, inner_conductance = membrane.balance(values)
    force = drive + inner_drive - (conductance + inner_conductance) * values.potential
    gates = membrane.gate_kinetics(values.potential)
    flows = membrane.concentration_kinetics(values)
    return Values(
        force / membrane.capacitance(),
        tuple(
            rate * (steady - gate) for gate, (steady, rate) in zip(values.gates, gates, strict=True)
        ),
        tuple(
            inflow - rate * concentration
            for concentration, (inflow, rate) in zip(values.concentrations, flows, strict=True)
        ),
    )


def _moved(values: Values, slopes: Sequence[tuple[float, Values]]) -> Values:
    """Values plus a weighted sum of derivatives."""

    def moved(value: Any, *slope: Any) -> Any:
        for weight, one in zip((weight for weight, _ in slopes), slope, strict=True):
            value = value + weight * one
        return value

    parts = [slope for _, slope in slopes]
    return Values(
        moved(values.potential, *(part.potential for part in parts)),
        tuple(map(moved, values.gates, *(part.gates for part in parts))),
        tuple(map(moved, values.concentrations, *(part.concentrations for part in parts))),
    )


def _rk4(membrane: Membrane, values: Values, drive: Any, conductance: Any, dt_ms: float) -> Values:
    first = derivative(membrane, values, drive, conductance)
    half, sixth = 0.5 * dt_ms, dt_ms / 6.0
    second = derivative(membrane, _moved(values, [(half, first)]), drive, conductance)
    third = derivative(membrane, _moved(values, [(half, second)]), drive, conductance)
    fourth = derivative(membrane, _moved(values, [(dt_ms, third)]), drive, conductance)
    return _moved(
        values, [(sixth, first), (2.0 * sixth, second), (2.0 * sixth, third), (sixth, fourth)]
    )


@SOLVERS.register("exponential_euler")
def exponential_euler() -> Solver:
    """First order, exponential."""
    return Solver("exponential_euler", 1, False, _exponential_euler)


@SOLVERS.register("staggered_exponential_euler")
def staggered_exponential_euler() -> Solver:
    """Second order, exponential."""
    return Solver("staggered_exponential_euler", 2, True, _staggered)


@SOLVERS.register("rk4")
def rk4() -> Solver:
    """Fourth order, explicit."""
    return Solver("rk4", 4, False, _rk4)


@SOLVERS.register("adaptive")
def adaptive() -> Solver:
    """The reference with error control."""
    return Solver("adaptive", 8, False, None)


def solve_adaptively(
    slope: Callable[[Array], Sequence[float]],
    start: Sequence[float],
    dt_ms: float,
    steps: int,
    *,
    tolerance: float = 1e-10,
) -> Array:
    """Values at every step of an autonomous system, by DOP853 with error control.

    Source: Hairer, Norsett & Wanner (1993), Solving ordinary differential equations I, II.5;
    scipy's implementation.

    Args:
        slope: Time derivatives [1/ms] of a vector of values.
        start: Values at time 0.
        dt_ms: Distance of two points [ms].
        steps: Number of points after the first.
        tolerance: Relative error a step of its own; the absolute one is a hundredth of it.

    Returns:
        ``[steps, values]``, without the start.
    """
    from scipy.integrate import solve_ivp

    times = np.arange(1, steps + 1) * dt_ms
    solution = solve_ivp(
        lambda _, y: slope(y),
        (0.0, times[-1]),
        np.asarray(start, dtype=np.float64),
        method="DOP853",
        t_eval=times,
        rtol=tolerance,
        atol=1e-2 * tolerance,
    )
    points: Array = solution.y.T
    return points
