"""Solvers on a small membrane whose solution is known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from neurallayers.dynamics.membrane.solvers import (
    SOLVERS,
    Values,
    derivative,
    relaxed,
    solve_adaptively,
)
from neurallayers.errors import UnknownName


class Coupled:
    """v' = (1 + g) - (0.5 + c) v, g' = r(v) (steady(v) - g), c' = 0.3 g v - 0.2 c."""

    def capacitance(self) -> float:
        return 2.0

    def gate_kinetics(self, potential: Any) -> tuple[tuple[Any, Any], ...]:
        return ((1.0 / (1.0 + math.exp(-potential)), 0.5 + 0.1 * potential**2),)

    def balance(self, values: Values) -> tuple[Any, Any]:
        return 1.0 + values.gates[0], 0.5 + values.concentrations[0]

    def concentration_kinetics(self, values: Values) -> tuple[tuple[Any, Any], ...]:
        return ((0.3 * values.gates[0] * values.potential, 0.2),)


START = Values(1.5, (0.2,), (0.1,))


def solved(dt: float, duration: float, name: str) -> np.ndarray[Any, Any]:
    solver, membrane, values = SOLVERS.make(name), Coupled(), START
    assert solver.step is not None
    if solver.staggered:
        # From one time to half a step before it, backwards along the true solution.
        values = as_values(exact(-0.5 * dt))._replace(potential=START.potential)
    for _ in range(round(duration / dt)):
        values = solver.step(membrane, values, 0.4, 0.1, dt)
    return np.array([values.potential, *values.gates, *values.concentrations])


def as_values(y: Any) -> Values:
    v, g, c = (float(value) for value in y)
    return Values(v, (g,), (c,))


def exact(duration: float) -> np.ndarray[Any, Any]:
    sign = math.copysign(1.0, duration)

    def slope(y: Any) -> list[float]:
        found = derivative(Coupled(), as_values(y), 0.4, 0.1)
        return [sign * x for x in (found.potential, *found.gates, *found.concentrations)]

    start = [START.potential, *START.gates, *START.concentrations]
    return solve_adaptively(slope, start, abs(duration), 1, tolerance=1e-12)[0]


@pytest.mark.parametrize("name", ["exponential_euler", "staggered_exponential_euler", "rk4"])
def test_the_error_shrinks_with_the_order(name: str) -> None:
    """Potential, gate and concentration; of a staggered solver those at their own times."""
    order, errors = SOLVERS.make(name).order, []
    for dt in (0.1, 0.05, 0.025):
        found, expected = solved(dt, 2.0, name), exact(2.0)
        if SOLVERS.make(name).staggered:
            expected[1:] = exact(2.0 - 0.5 * dt)[1:]
        errors.append(np.abs(found - expected))
    slopes = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    assert slopes[-1] == pytest.approx([order] * 3, abs=0.2 * order)


def test_each_solver_says_what_it_is() -> None:
    described = {name: SOLVERS.make(name) for name in SOLVERS}
    assert {name: solver.name for name, solver in described.items()} == {n: n for n in SOLVERS}
    assert [name for name, solver in described.items() if solver.staggered] == [
        "staggered_exponential_euler"
    ]
    assert described["adaptive"].step is None
    with pytest.raises(UnknownName, match="Did you mean 'rk4'"):
        SOLVERS.make("rk")


def test_relaxation_is_exact() -> None:
    once = relaxed(0.3, 0.9, 2.0, 0.5)
    assert once == pytest.approx(0.9 - 0.6 * math.exp(-1.0), rel=1e-14)
    assert relaxed(relaxed(0.3, 0.9, 2.0, 0.2), 0.9, 2.0, 0.3) == pytest.approx(once, rel=1e-14)


def test_the_adaptive_solver_follows_an_oscillation() -> None:
    found = solve_adaptively(lambda y: [y[1], -y[0]], [0.0, 1.0], 0.5, 40)
    assert found[:, 0] == pytest.approx(np.sin(np.arange(1, 41) * 0.5), abs=1e-8)
