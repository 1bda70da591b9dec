"""ATP: the equilibrium of the adenylates, production and demand, against scipy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from neurallayers.dynamics.membrane.energy import (
    ATP_PER_VESICLE,
    EnergyConstants,
    EnergyMetabolism,
    EnergyState,
    adenylate_equilibrium,
    balanced,
    metabolised,
    resting_adenylates,
    supplied,
    sustained,
)
from neurallayers.errors import InvalidInput

LAW = settings(max_examples=40, deadline=None, derandomize=True, database=None)
DOUBLE = {"dtype": torch.float64}


def adenylates(phosphates: float, q: float = 0.92, total: float = 2.5) -> tuple[float, ...]:
    """ATP, ADP and AMP by root finding on the law of mass action."""

    def off(atp: float) -> float:
        adp = phosphates - 2.0 * atp
        return atp * (total - atp - adp) - q * adp * adp

    # ADP and AMP must not be negative.
    atp = brentq(off, max(0.0, phosphates - total), phosphates / 2.0, xtol=1e-15, rtol=1e-14)
    return atp, phosphates - 2.0 * atp, total - phosphates + atp


def test_a_vesicle_costs_what_attwell_and_laughlin_say() -> None:
    """2.67 ATP for each of 4,000 glutamates is their 11,000, rounded to two digits."""
    assert pytest.approx(2.67 * 4000, rel=0.04) == ATP_PER_VESICLE


@given(charge=st.floats(0.001, 0.999))
@LAW
def test_the_adenylates_obey_mass_action(charge: float) -> None:
    phosphates = 5.0 * charge
    p = EnergyConstants()
    found = adenylate_equilibrium(torch.tensor(phosphates, **DOUBLE), 2.5, p)  # type: ignore[arg-type]
    for part, expected in zip(found, adenylates(phosphates), strict=True):
        assert part.item() == pytest.approx(expected, rel=1e-7, abs=1e-9)
        assert 0.0 <= part.item() <= 2.5


def test_the_equilibrium_holds_for_a_quarter_too() -> None:
    p = EnergyConstants(kinase_equilibrium=0.25)
    atp, adp, amp = adenylate_equilibrium(torch.tensor(3.0, **DOUBLE), 2.5, p)  # type: ignore[arg-type]
    assert (atp * amp / adp**2).item() == pytest.approx(0.25, rel=1e-12)


def test_rest_is_in_equilibrium() -> None:
    atp, adp, amp = resting_adenylates(EnergyConstants())
    assert atp.item() == 2.2
    assert (atp + adp + amp).item() == pytest.approx(2.5, rel=1e-15)
    assert (atp * amp / adp**2).item() == pytest.approx(0.92, rel=1e-12)


def simulated(
    demand: float, oxygen: float, glucose: float, duration_ms: float, dt_ms: float
) -> float:
    """ATP after a demand; the equations run on numbers as they do on tensors."""
    p = balanced(EnergyConstants(), 2e-4 * 2.2 / 2.7)
    state = tuple(part.item() for part in resting_adenylates(p))
    for _ in range(round(duration_ms / dt_ms)):
        state = sustained(*state, oxygen, glucose, demand, p, dt_ms)
    return state[0]


def published(demand: float, oxygen: float, glucose: float, duration_ms: float) -> float:
    """ATP after a demand: the equations anew, in ATP itself, with the kinase by root finding."""
    c = balanced(EnergyConstants(), 2e-4 * 2.2 / 2.7)

    def feed(x: float) -> float:
        return x * 1.05 / (x + 0.05)

    def law(_: float, y: Any) -> list[float]:
        atp, adp, _ = adenylates(y[0])
        respired = c.oxidative_max_mm_per_ms * feed(oxygen) * feed(glucose) * adp / (adp + 0.3)
        inhibited = 1.0 / (1.0 + atp**4)
        split = c.glycolytic_max_mm_per_ms * feed(glucose) * adp / (adp + 0.3) * inhibited
        return [respired + split - 1.5e-4 * atp / (atp + 0.5) - demand * atp / (atp + 0.5)]

    start = 2.0 * 2.2 + resting_adenylates(EnergyConstants())[1].item()
    solution = solve_ivp(law, (0.0, duration_ms), [start], method="LSODA", rtol=1e-10, atol=1e-12)
    return adenylates(solution.y[0, -1])[0]


@pytest.mark.parametrize(
    ("demand", "oxygen", "glucose"),
    [(2e-4, 1.0, 1.0), (1e-3, 1.0, 1.0), (5e-4, 0.0, 1.0), (5e-4, 0.0, 0.0)],
)
def test_atp_follows_the_equations(demand: float, oxygen: float, glucose: float) -> None:
    expected = published(demand, oxygen, glucose, 5000.0)
    found = simulated(demand, oxygen, glucose, 5000.0, 10.0)
    assert found == pytest.approx(expected, rel=2e-5)


def test_the_cell_runs_the_same_equations() -> None:
    cell = EnergyMetabolism(2, dt_ms=10.0, resting_demand_mm_per_ms=2e-4).double()
    start = EnergyState(*(part.double() for part in cell.initial_state()))
    atp, state = cell.run(torch.full((1, 1, 2), 1e-3, **DOUBLE), start, steps=20)  # type: ignore[call-overload]
    expected = simulated(1e-3, 1.0, 1.0, 200.0, 10.0)
    assert atp[-1, 0].tolist() == pytest.approx([expected] * 2, rel=1e-7)  # born in float32
    assert torch.equal(atp[-1], state.atp)


def test_the_error_falls_with_the_square_of_the_step() -> None:
    expected = published(2e-3, 1.0, 1.0, 3200.0)
    steps = (400.0, 200.0, 100.0)
    errors = [abs(simulated(2e-3, 1.0, 1.0, 3200.0, dt_ms) - expected) for dt_ms in steps]
    assert np.log2(np.array(errors[:-1]) / errors[1:]) == pytest.approx(2.0, abs=0.35)


def test_glycolysis_alone_keeps_less_atp_than_respiration_and_nothing_keeps_none() -> None:
    supplies = ((1.0, 1.0), (0.0, 1.0), (0.0, 0.0))
    ends = [simulated(2e-4, *supply, 60_000.0, 20.0) for supply in supplies]
    assert ends[0] == pytest.approx(2.2, rel=1e-9)
    assert ends[0] > ends[1] > 0.3 > 0.01 > ends[2] > 0.0


@given(
    demand=st.floats(0.0, 1e3),
    oxygen=st.floats(0.0, 10.0),
    charge=st.floats(0.01, 0.99),
    dt_ms=st.floats(1e-3, 1e4),
)
@LAW
def test_atp_stays_between_nothing_and_all(
    demand: float, oxygen: float, charge: float, dt_ms: float
) -> None:
    """Whatever is asked for and however long the step."""
    cell = EnergyMetabolism(1, dt_ms=dt_ms, resting_demand_mm_per_ms=2e-4).double()
    parts = [torch.full((1, 1), part, **DOUBLE) for part in adenylates(5.0 * charge)]  # type: ignore[call-overload]
    supply = torch.full((1, 1), oxygen, **DOUBLE)  # type: ignore[call-overload]
    state = EnergyState(*parts, supply, supply)
    _, after = cell(torch.full((1, 1), demand, **DOUBLE), state)  # type: ignore[call-overload]
    assert 0.0 <= after.atp.item() <= 2.5
    assert after.adp.item() >= -1e-12
    assert sum(after[:3]).item() == pytest.approx(2.5, rel=1e-12)  # type: ignore[union-attr]


@given(spent=st.floats(0.0, 1e-3), dt_ms=st.floats(1e-3, 1.0))
@LAW
def test_the_budget_of_a_step_is_exact(spent: float, dt_ms: float) -> None:
    p = balanced(EnergyConstants(), 1e-4)
    start = [torch.tensor(part, **DOUBLE) for part in adenylates(4.5)]  # type: ignore[arg-type]
    atp, adp, amp, made, kept = metabolised(*start, 1.0, 1.0, spent, p, dt_ms)
    gained = (2.0 * atp + adp).item() - 4.5
    assert gained == pytest.approx((made - kept).item() - spent, abs=1e-14)
    assert (atp + adp + amp).item() == pytest.approx(2.5, rel=1e-14)


def test_supply_saturates_and_is_one_in_health() -> None:
    p = EnergyConstants()
    assert supplied(1.0, p) == pytest.approx(1.0)
    assert supplied(0.0, p) == 0.0
    assert supplied(0.05, p) == pytest.approx(0.525)


def test_bad_constants_are_refused() -> None:
    with pytest.raises(InvalidInput, match="below adenylates_mm"):
        EnergyMetabolism(1, constants=EnergyConstants(resting_atp_mm=2.5))
    with pytest.raises(InvalidInput, match="critical_atp_mm is 0"):
        EnergyMetabolism(1, constants=EnergyConstants(critical_atp_mm=0.0))
