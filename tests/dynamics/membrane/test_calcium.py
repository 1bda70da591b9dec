"""The calcium pool against scipy, with equations written anew, and its laws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from neurallayers.dynamics.membrane.calcium import (
    BUFFERS,
    CalciumConstants,
    CalciumPool,
    CalciumState,
    bound_at_equilibrium,
    buffer_capacity,
    free_at_equilibrium,
    leak_per_ms,
    reacted,
    transported_kinetic,
    transported_rapid,
)
from neurallayers.errors import InvalidInput, UnknownName

LAW = settings(max_examples=40, deadline=None, derandomize=True, database=None)
FARADAY = 96485.33212
STEPS = {"rapid": transported_rapid, "kinetic": transported_kinetic}
amounts = st.floats(1e-6, 1e4)


def published(current_ua_cm2: float, buffer: str, duration_ms: float) -> np.ndarray[Any, Any]:
    """Free calcium after a constant current: the equations of the papers, for the defaults."""
    depth, total, half, on, most, pump, rest = 0.25, 100.0, 1.0, 0.1, 1.5, 0.5, 0.05
    scale = 1e4 / (2 * FARADAY * depth)
    leak = scale * most * rest / (rest + pump) / (2000.0 - rest)

    def flux(free: float) -> float:
        uptake = scale * most * free / (free + pump)
        return -scale * current_ua_cm2 - uptake + leak * (2000.0 - free)

    def rapid(_: float, y: Any) -> list[float]:
        return [flux(y[0]) / (1.0 + total * half / (half + y[0]) ** 2)]

    def kinetic(_: float, y: Any) -> list[float]:
        binding = on * y[0] * (total - y[1]) - on * half * y[1]
        return [flux(y[0]) - binding, binding]

    start = [rest, total * rest / (half + rest)]
    solution = solve_ivp(
        rapid if buffer == "rapid" else kinetic,
        (0.0, duration_ms),
        start[:1] if buffer == "rapid" else start,
        method="LSODA",
        rtol=1e-11,
        atol=1e-13,
    )
    return np.asarray(solution.y[:, -1])


def simulated(current_ua_cm2: float, buffer: str, duration_ms: float, dt_ms: float) -> CalciumState:
    pool = CalciumPool(1, dt_ms=dt_ms, buffer=buffer).double()
    free = torch.full((1, 1), 0.05, dtype=torch.float64)
    start = CalciumState(free, bound_at_equilibrium(free, CalciumConstants()))
    x = torch.full((1, 1, 1), current_ua_cm2, dtype=torch.float64)
    with torch.no_grad():
        return pool.run(x, start, steps=round(duration_ms / dt_ms))[1]


@pytest.mark.parametrize(("buffer", "dt_ms"), [("rapid", 0.02), ("kinetic", 0.004)])
@pytest.mark.parametrize("current_ua_cm2", [-40.0, -2.0])
def test_a_current_fills_the_pool_as_published(
    buffer: str, dt_ms: float, current_ua_cm2: float
) -> None:
    """A kinetic buffer binds within 0.1 ms, which a step must resolve."""
    expected = published(current_ua_cm2, buffer, 20.0)[0]
    found = simulated(current_ua_cm2, buffer, 20.0, dt_ms).free.item()
    assert found == pytest.approx(expected, rel=3e-5)


@pytest.mark.parametrize("buffer", BUFFERS)
def test_the_error_falls_with_the_square_of_the_step(buffer: str) -> None:
    expected = published(-40.0, buffer, 16.0)[0]
    errors = [
        abs(simulated(-40.0, buffer, 16.0, dt).free.item() - expected) for dt in (0.2, 0.1, 0.05)
    ]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert orders == pytest.approx(2.0, abs=0.2)


@pytest.mark.parametrize("buffer", BUFFERS)
def test_rest_is_rest(buffer: str) -> None:
    after = simulated(0.0, buffer, 200.0, 0.5)
    assert after.free.item() == pytest.approx(0.05, rel=1e-12)


@given(free=amounts)
@LAW
def test_the_free_part_is_what_equilibrium_leaves(free: float) -> None:
    p = CalciumConstants()
    total = torch.tensor(free + bound_at_equilibrium(free, p), dtype=torch.float64)
    assert free_at_equilibrium(total, p).item() == pytest.approx(free, rel=1e-9)


def test_nothing_is_free_of_nothing_and_its_gradient_is_finite() -> None:
    total = torch.zeros((), dtype=torch.float64, requires_grad=True)
    free = free_at_equilibrium(total, CalciumConstants())
    free.backward()
    assert free.item() == 0.0
    assert total.grad is not None
    assert total.grad.item() == pytest.approx(1.0 / 101.0)


@given(free=amounts, filled=st.floats(0.0, 1.0), duration_ms=st.floats(0.0, 1e4))
@LAW
def test_a_reaction_stays_between_its_ends(free: float, filled: float, duration_ms: float) -> None:
    p = CalciumConstants()
    start = torch.tensor(free, dtype=torch.float64)
    bound = torch.tensor(100.0 * filled, dtype=torch.float64)
    after = reacted(start, bound, p, duration_ms).item()
    total = free + bound.item()
    end = total - free_at_equilibrium(torch.tensor(total, dtype=torch.float64), p).item()
    slack = 1e-9 * (1.0 + total)
    assert min(bound.item(), end) - slack <= after <= max(bound.item(), end) + slack


def test_a_reaction_is_that_of_the_rate_law() -> None:
    p = CalciumConstants()

    def law(_: float, y: Any) -> list[float]:
        return [0.1 * (35.0 - y[0]) * (100.0 - y[0]) - 0.1 * y[0]]

    expected = solve_ivp(law, (0.0, 0.3), [5.0], method="DOP853", rtol=1e-12, atol=1e-12).y[0, -1]
    free, bound = (torch.tensor(v, dtype=torch.float64) for v in (30.0, 5.0))
    assert reacted(free, bound, p, 0.3).item() == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("buffer", BUFFERS)
@given(
    free=amounts,
    filled=st.floats(0.0, 1.0),
    influx=st.floats(-1e3, 1e3),
    activity=st.floats(0.0, 1.0),
    dt_ms=st.floats(1e-3, 1e3),
)
@LAW
def test_calcium_is_never_negative_nor_made(
    buffer: str, free: float, filled: float, influx: float, activity: float, dt_ms: float
) -> None:
    """Whatever the step: no clamp is needed where the scheme cannot leave the bounds."""
    p = CalciumConstants()
    start = torch.tensor(free, dtype=torch.float64)
    bound = bound_at_equilibrium(start, p) if buffer == "rapid" else 100.0 * filled + 0.0 * start
    rate = torch.tensor(influx, dtype=torch.float64)
    after, held, out = STEPS[buffer](start, bound, rate, activity, p, dt_ms)
    assert after.item() >= 0.0
    assert held.item() >= -1e-9
    assert out.item() >= -1e-9
    # Nothing is pumped out that was not there and has not come in.
    there = free + bound.item() + (max(influx, 0.0) + 2000.0 * leak_per_ms(p)) * dt_ms
    assert after.item() + held.item() + out.item() <= there * (1.0 + 1e-9)
    if influx >= 0.0:
        leaked_out = there - (after.item() + held.item() + out.item())
        # At no time is more of it free than there is in all.
        assert leaked_out <= leak_per_ms(p) * dt_ms * there + 1e-9 * there


def test_without_pump_and_leak_all_that_enters_is_found() -> None:
    p = CalciumConstants(resting_um=1e-12)
    free = torch.tensor(0.05, dtype=torch.float64)
    bound = bound_at_equilibrium(free, p)
    influx = torch.tensor(0.7, dtype=torch.float64)
    for step in STEPS.values():
        after, held, _ = step(free, bound, influx, 0.0, p, 3.0)
        assert (after + held - free - bound).item() == pytest.approx(2.1, rel=1e-9)


def test_the_capacity_of_the_buffer_is_that_of_pyramidal_cells() -> None:
    """About 100 (Helmchen, Imoto & Sakmann 1996); as a difference quotient of the binding."""
    p = CalciumConstants()
    slope = (bound_at_equilibrium(0.0501, p) - bound_at_equilibrium(0.0499, p)) / 0.0002
    assert buffer_capacity(0.05, p) == pytest.approx(slope, rel=1e-6)
    assert 60.0 < buffer_capacity(0.05, p) < 150.0


def test_bad_options_are_refused() -> None:
    with pytest.raises(InvalidInput, match="Choose one of rapid, kinetic"):
        CalciumPool(1, buffer="slow")
    with pytest.raises(InvalidInput, match="depth_um is -1"):
        CalciumPool(1, constants=CalciumConstants(depth_um=-1.0))
    with pytest.raises(InvalidInput, match="Lower the influx at rest"):
        CalciumPool(1, constants=CalciumConstants(resting_influx_um_per_ms=10.0))
    with pytest.raises(UnknownName, match="Did you mean 'depth_um'"):
        CalciumPool(1, learn=("depth",))
