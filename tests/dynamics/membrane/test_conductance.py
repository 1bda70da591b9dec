"""Composed membranes against scipy and against the cells they must agree with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from tests.dynamics.membrane.test_channels import published

from neurallayers.dynamics.membrane import (
    ConductanceCell,
    HodgkinHuxley,
    crossings,
)
from neurallayers.errors import InvalidInput, UnknownName

CORTICAL = ["CorticalSodium", "CorticalPotassium", "MCurrent", "LTypeCalcium", "AHP", "Leak"]
RESTING = {"Leak": {"conductance_ms_cm2": 0.1, "reversal_mv": -70.0}}
CELL: dict[str, Any] = {name: name for name in CORTICAL[:-1]} | RESTING


def recorded(cell: ConductanceCell, current: float, duration_ms: float) -> torch.Tensor:
    frame = torch.full((1, 1, cell.n), current, dtype=torch.float64)
    with torch.no_grad():
        outputs, _ = cell.run(frame, steps=round(duration_ms / cell.dt_ms))
    return torch.cat([cell.initial_state().membrane_potential.double()[None], outputs])


def solved(current: float, duration: float) -> Any:
    """The cell of ``CELL``, written a second time: v, m, h, n, p, q, r and calcium."""
    names = ["CorticalSodium", "CorticalPotassium", "MCurrent", "LTypeCalcium"]

    def slope(_: float, y: Any) -> list[float]:
        v, m, h, n, p, q, r, c = (float(value) for value in y)
        calcium = 0.1 * q * q * r * (v - 120)
        total = (
            50 * m**3 * h * (v - 50)
            + 5 * n**4 * (v + 90)
            + 0.07 * p * (v + 90)
            + calcium
            + 5 * c / (c + 30) * (v + 80)
            + 0.1 * (v + 70)
        )
        pairs = [pair for name in names for pair in published(name, v)]
        gates = [(s - g) / t for (s, t), g in zip(pairs, (m, h, n, p, q, r), strict=True)]
        return [current - total, *gates, -0.002 * calcium - c / 80]

    v = -65.0
    steady = [s for name in names for s, _ in published(name, v)]
    calcium = -0.002 * 80 * 0.1 * steady[4] ** 2 * steady[5] * (v - 120)

    def crossing(_: float, y: Any) -> float:
        return float(y[0])

    crossing.direction = 1  # type: ignore[attr-defined]
    start = [v, *steady, calcium]
    return solve_ivp(
        slope, (0, duration), start, method="LSODA", rtol=1e-10, atol=1e-11, events=crossing
    )


def test_the_squid_of_channels_is_the_squid() -> None:
    """The same solver on composed channels and as one equation."""
    x = 15 * torch.rand(300, 2, 3, generator=torch.Generator().manual_seed(1)).double()
    for solver in ("staggered_exponential_euler", "exponential_euler", "rk4"):
        whole = HodgkinHuxley(3, solver=solver, output="membrane_potential")
        parts = ConductanceCell(3, solver=solver, output="membrane_potential")
        with torch.no_grad():
            expected, state = whole.run_reference(x)
            found, composed = parts.run_reference(x)
        assert torch.allclose(found, expected, rtol=1e-9, atol=1e-9), solver
        assert torch.allclose(composed.gates["SquidSodium.h"], state.sodium_inactivation, atol=1e-9)
        assert composed.concentrations == {}


def test_a_cell_with_calcium_is_that_of_scipy() -> None:
    expected = solved(4.0, 60.0)
    cell = ConductanceCell(1, CELL, dt_ms=0.02, output="membrane_potential")
    potentials = recorded(cell, 4.0, 60.0)
    times = crossings(potentials, 0.02).time_ms.numpy()
    assert len(times) == len(expected.t_events[0]) >= 4
    assert times == pytest.approx(expected.t_events[0], abs=0.03)
    adaptive = ConductanceCell(1, CELL, dt_ms=5.0, solver="adaptive", output="membrane_potential")
    _, state = adaptive.run(torch.full((1, 1, 1), 4.0, dtype=torch.float64), steps=12)
    assert state.concentrations["calcium"].item() == pytest.approx(expected.y[7, -1], rel=1e-5)
    assert state.gates["MCurrent.p"].item() == pytest.approx(expected.y[4, -1], rel=1e-5)


def test_calcium_does_not_spoil_the_second_order() -> None:
    """Potential and calcium at 3 ms, on the way to a spike, at steps that are halved."""
    expected = solved(4.0, 3.0).y[[0, 7], -1]
    for solver, order in (("staggered_exponential_euler", 2), ("rk4", 4)):
        errors = []
        for dt in (0.05, 0.025):
            cell = ConductanceCell(1, CELL, dt_ms=dt, solver=solver)
            frame = torch.full((1, 1, 1), 4.0, dtype=torch.float64)
            with torch.no_grad():
                _, state = cell.run(frame, steps=round(3.0 / dt))
                state = cell.synchronised(state)
            found = (state.membrane_potential.item(), state.concentrations["calcium"].item())
            errors.append(np.abs(np.array(found) - expected))
        slopes = np.log2(errors[0] / errors[1])
        if order == 2:
            assert slopes == pytest.approx([2, 2], abs=0.25)
        else:
            assert errors[1][0] < 1e-4


def test_what_the_currents_carry_is_what_charges_the_membrane() -> None:
    cell = ConductanceCell(2, CELL, dt_ms=0.001).double()
    _, state = cell.run(torch.full((1, 1, 2), 6.0, dtype=torch.float64), steps=200)
    _, after = cell(torch.full((1, 2), 6.0, dtype=torch.float64), state)
    total = torch.stack(list(cell.currents(state).values())).sum(0)
    slope = (after.membrane_potential - state.membrane_potential) / 0.001
    assert (6.0 - total).tolist()[0] == pytest.approx(slope.tolist()[0], rel=2e-2)
    assert set(cell.currents(state)) == set(CORTICAL)
    assert torch.equal(cell.calcium_current(state), cell.currents(state)["LTypeCalcium"])


def test_the_m_current_and_calcium_slow_firing_down() -> None:
    def intervals(*left_out: str) -> np.ndarray[Any, Any]:
        channels = {name: what for name, what in CELL.items() if name not in left_out}
        cell = ConductanceCell(1, channels, dt_ms=0.1, output="membrane_potential")
        return np.diff(crossings(recorded(cell, 4.0, 150.0), 0.1).time_ms.numpy())

    free = intervals("MCurrent", "AHP", "LTypeCalcium")
    assert free[-1] == pytest.approx(free[-2], rel=1e-3)
    adapting = intervals()
    assert adapting[-1] > 1.5 * adapting[0]


def test_a_low_threshold_burst_follows_release_from_hyperpolarisation() -> None:
    """T-type calcium: what inhibition prepares, its end fires."""
    channels = {
        "CorticalSodium": {"conductance_ms_cm2": 50.0},
        "CorticalPotassium": {"conductance_ms_cm2": 5.0},
        "TTypeCalcium": {"conductance_ms_cm2": 2.0},
        "Leak": {"conductance_ms_cm2": 0.05, "reversal_mv": -75.0},
    }

    def spikes(inhibition: float, calcium: bool) -> int:
        chosen = {k: v for k, v in channels.items() if calcium or k != "TTypeCalcium"}
        cell = ConductanceCell(1, chosen, dt_ms=0.1, temperature_celsius=36.0)
        with torch.no_grad():
            frame = torch.full((1, 1, 1), inhibition, dtype=torch.float64)
            _, state = cell.run(frame, steps=1_200)
            fired, _ = cell.run(0 * frame, state, steps=1_200)
        return int(fired.sum())

    assert spikes(-1.0, calcium=True) >= 2
    assert spikes(-1.0, calcium=False) == 0


def test_a_cell_without_calcium_channels_keeps_none() -> None:
    assert ConductanceCell(1).initial_state().concentrations == {}
    assert set(ConductanceCell(1, ["AHP", "Leak"]).initial_state().concentrations) == {"calcium"}


def test_channels_of_ones_own_names() -> None:
    cell = ConductanceCell(
        1,
        {"fast": "SquidSodium", "slow": "SquidPotassium", "leak": "Leak"},
        learn=["leak.reversal_mv"],
    )
    assert set(cell.initial_state().gates) == {"fast.m", "fast.h", "slow.n"}
    assert [name for name, _ in cell.named_parameters()] == ["constants.leak.reversal_mv"]


def test_bad_options_are_refused() -> None:
    with pytest.raises(UnknownName, match=r"Did you mean 'Leak\.reversal_mv'"):
        ConductanceCell(1, learn=("Leak.reversal",))
    with pytest.raises(UnknownName, match="no ion channel"):
        ConductanceCell(1, ["Sodium?"])
    with pytest.raises(InvalidInput, match="no channel"):
        ConductanceCell(1, [])
    with pytest.raises(InvalidInput, match="Names must differ"):
        ConductanceCell(1, ["Leak", "Leak"])
    with pytest.raises(InvalidInput, match="at least one neuron"):
        ConductanceCell(0)
