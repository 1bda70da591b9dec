"""Compartments against cable theory in closed form, and against scipy where they are active."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from tests.dynamics.membrane import squid_reference as reference

from neurallayers.dynamics.membrane import (
    CompartmentalNeuron,
    Morphology,
    crossings,
)
from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName

RA, LEAK = 100.0, 0.1  # ohm cm, mS/cm2
LENGTH, DIAMETER = 1000.0, 2.0  # um
SPACE_CM = math.sqrt(DIAMETER * 1e-4 / 4 * (1e3 / LEAK) / RA)  # lambda, 0.0707 cm
ELECTROTONIC = LENGTH * 1e-4 / SPACE_CM
PASSIVE: dict[str, Any] = {"Leak": {"conductance_ms_cm2": LEAK, "reversal_mv": -65.0}}
FORK = Morphology((-1, 0, 1, 1, 2), (30.0, 200.0, 150.0, 120.0, 100.0), (25.0, 4.0, 3.0, 2.5, 2.0))


def cable(compartments: int, **options: Any) -> CompartmentalNeuron:
    shape = Morphology.cable(compartments, LENGTH, DIAMETER)
    return CompartmentalNeuron(
        1,
        shape,
        PASSIVE,
        axial_resistivity_ohm_cm=RA,
        output="membrane_potential",
        **options,
    ).double()


def middles(compartments: int) -> np.ndarray[Any, Any]:
    """Middles of the compartments, in space constants."""
    return (np.arange(compartments) + 0.5) / compartments * ELECTROTONIC


def held(cell: CompartmentalNeuron, x: torch.Tensor, steps: int) -> torch.Tensor:
    with torch.no_grad():
        return cell.run(x[None], steps=steps)[0]


# ------------------------------------------------------------------------------ passive cables


def test_the_steady_state_of_a_sealed_cable() -> None:
    """V(X) = I lambda r_i cosh(X0) cosh(L - X) / sinh(L), Rall (1977), with I at X0 < X."""
    errors = []
    for compartments in (20, 40):
        cell = cable(compartments, dt_ms=50.0, scheme="backward_euler")
        current_pa = 10.0
        x = cell.density_ua_cm2(torch.full((1, 1), current_pa).double(), 0)
        found = held(cell, x, 200)[-1, 0, 0].numpy() + 65.0
        place = middles(compartments)
        resistance = RA / (math.pi * (DIAMETER * 1e-4) ** 2 / 4) * SPACE_CM  # ohm
        scale = current_pa * 1e-12 * resistance * 1e3  # mV
        expected = (
            scale * math.cosh(place[0]) * np.cosh(ELECTROTONIC - place) / math.sinh(ELECTROTONIC)
        )
        errors.append(np.abs(found - expected)[1:].max() / expected.max())
    assert errors[1] < 2e-4
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.1)


@pytest.mark.parametrize("mode", [0, 1, 3])
def test_a_cable_forgets_each_mode_with_its_time_constant(mode: int) -> None:
    """cos(n pi X / L) decays with tau_m / (1 + (n pi / L)^2): Rall (1969), Biophys. J. 9:1483."""
    cell = cable(200, dt_ms=0.02)
    tau = 1.0 / LEAK
    rate = (1 + (mode * math.pi / ELECTROTONIC) ** 2) / tau
    shape = np.cos(mode * math.pi * middles(200) / ELECTROTONIC)
    start = cell.initial_state()
    state = start._replace(membrane_potential=torch.from_numpy(-65.0 + shape).reshape(1, 1, -1))
    with torch.no_grad():
        found, _ = cell.run(torch.zeros(1, 1, 1, 200).double(), state, steps=100)
    assert found[-1, 0, 0].numpy() + 65.0 == pytest.approx(shape * math.exp(-2.0 * rate), abs=2e-4)


def test_the_charging_of_a_cable_by_a_step_of_current() -> None:
    """The sum over all modes: Rall (1977), for a current from t = 0 at one end."""
    compartments, tau = 100, 1.0 / LEAK
    cell = cable(compartments, dt_ms=0.02)
    x = cell.density_ua_cm2(torch.full((1, 1), 10.0).double(), 0)
    found = held(cell, x, 500)[:, 0, 0].numpy() + 65.0
    place = middles(compartments)
    whole = 10e-12 * 1e3 / (LEAK * 1e-3 * math.pi * LENGTH * 1e-4 * DIAMETER * 1e-4)  # I / G, mV
    for step in (50, 250, 500):
        total = (1 - math.exp(-step * 0.02 / tau)) * np.ones(compartments)
        for n in range(1, 400):
            k = 1 + (n * math.pi / ELECTROTONIC) ** 2
            mode = np.cos(n * math.pi * place / ELECTROTONIC)
            gain = 2 * math.cos(n * math.pi * place[0] / ELECTROTONIC) / k
            total += gain * mode * (1 - math.exp(-k * step * 0.02 / tau))
        assert found[step - 1, 1:] == pytest.approx(whole * total[1:], rel=2e-3, abs=2e-3)


# ------------------------------------------------------------------------------- active trees


def forked_solution(density: np.ndarray[Any, Any], duration: float) -> Any:
    """A forked squid axon, written a second time."""
    lengths, diameters = np.array(FORK.lengths_um) * 1e-4, np.array(FORK.diameters_um) * 1e-4
    area = math.pi * lengths * diameters
    half = RA * lengths / 2 / (math.pi * diameters**2 / 4)

    def slope(_: float, y: Any) -> Any:
        parts = y.reshape(4, 5)
        result = np.empty((4, 5))
        for i in range(5):
            result[:, i] = reference.slope(parts[:, i], density[i])
        for child in range(1, 5):
            parent = FORK.parents[child]
            flow = (parts[0, parent] - parts[0, child]) * 1e3 / (half[parent] + half[child])
            result[0, child] += flow / area[child]
            result[0, parent] -= flow / area[parent]
        return result.ravel()

    start = np.repeat([-65.0, *reference.steady(-65.0)], 5)
    return solve_ivp(
        slope, (0, duration), start, method="LSODA", rtol=1e-9, atol=1e-10, dense_output=True
    )


def forked(dt_ms: float, duration: float, scheme: str = "crank_nicolson") -> torch.Tensor:
    cell = CompartmentalNeuron(
        1,
        FORK,
        dt_ms=dt_ms,
        scheme=scheme,
        axial_resistivity_ohm_cm=RA,
        output="membrane_potential",
    )
    x = torch.zeros(1, 1, 5, dtype=torch.float64)
    x[..., 3] = 60.0
    return held(cell, x, round(duration / dt_ms))


def test_a_forked_axon_is_that_of_scipy() -> None:
    expected = forked_solution(np.array([0, 0, 0, 60.0, 0]), 12.0)
    grid = np.linspace(0, 12, 4_801)
    potentials = expected.sol(grid)[:5]
    found = forked(0.01, 12.0)[:, 0]
    first = torch.full((1, 1, 5), -65.0, dtype=torch.float64)
    times = crossings(torch.cat([first, found]), 0.01)
    for i in range(5):
        v = potentials[i]
        steps = np.nonzero((v[:-1] < 0) & (v[1:] >= 0))[0]
        crossed = (steps - v[steps] / (v[steps + 1] - v[steps])) * 0.0025
        assert times.of(i).numpy() == pytest.approx(crossed, abs=0.005)
        assert len(crossed) >= 1


def test_the_orders_of_both_schemes() -> None:
    expected = forked_solution(np.array([0, 0, 0, 60.0, 0]), 1.0).y[:5, -1]
    for scheme, order in (("crank_nicolson", 2), ("backward_euler", 1)):
        errors = [
            np.abs(forked(dt, 1.0, scheme)[-1, 0, 0].numpy() - expected).max()
            for dt in (0.02, 0.01, 0.005)
        ]
        slopes = np.log2(errors[:-1]) - np.log2(errors[1:])
        assert slopes == pytest.approx([order, order], abs=0.15 * order), scheme


@pytest.mark.parametrize("scheme", ["crank_nicolson", "backward_euler"])
def test_no_charge_is_lost_on_the_way(scheme: str) -> None:
    """What is injected either crosses the membrane or charges it, summed over the tree."""
    cell = CompartmentalNeuron(
        2, FORK, dt_ms=0.05, scheme=scheme, output="membrane_potential"
    ).double()
    state = cell.initial_state(1)
    state = state._replace(membrane_potential=state.membrane_potential.double())
    generator = torch.Generator().manual_seed(0)
    area = cell.morphology.area_cm2
    for _ in range(60):
        x = 100 * torch.rand(1, 2, 5, generator=generator).double()
        with torch.no_grad():
            _, after = cell(x, state)
        v, new = state.membrane_potential, after.membrane_potential
        felt = 0.5 * (v + new) if scheme == "crank_nicolson" else new
        drive, conductance = cell.patch().balance(cell._values(after))
        charging = cell.membrane().capacitance_uf_cm2 * (new - v) / 0.05
        lost = (area * (charging + conductance * felt - drive - x)).sum(-1)
        assert lost.abs().max() < 1e-12 * (area * charging.abs()).sum()
        state = after


def test_twins_of_a_fork_do_the_same() -> None:
    twins = Morphology((-1, 0, 0), (50.0, 100.0, 100.0), (5.0, 2.0, 2.0))
    cell = CompartmentalNeuron(1, twins, output="membrane_potential")
    x = cell.density_ua_cm2(torch.full((1, 1), 2_000.0, dtype=torch.float64), 0)
    found = held(cell, x, 400)
    assert torch.equal(found[..., 1], found[..., 2])
    assert found.max() > 0


def test_fine_compartments_do_not_ask_for_short_steps() -> None:
    """An explicit step of 1 ms would need compartments three hundred times as long."""
    cell = cable(1_000, dt_ms=1.0)
    x = cell.density_ua_cm2(torch.full((1, 1), 10.0).double(), 0)
    found = held(cell, x, 100)
    assert found.isfinite().all()
    assert found[-1].max() < -65.0 + 10.0


def test_calcium_and_potentials_learn_through_time() -> None:
    """A gradient by finite differences, through 40 steps of an active tree with calcium."""

    def loss(resistivity: torch.Tensor, conductance: torch.Tensor) -> torch.Tensor:
        channels = {
            "CorticalSodium": "CorticalSodium",
            "CorticalPotassium": "CorticalPotassium",
            "LTypeCalcium": "LTypeCalcium",
            "AHP": "AHP",
            "Leak": {"conductance_ms_cm2": 0.1, "reversal_mv": -70.0},
        }
        names = ("axial_resistivity_ohm_cm", "LTypeCalcium.conductance_ms_cm2")
        cell = CompartmentalNeuron(
            1, FORK, channels, dt_ms=0.05, output="membrane_potential", learn=names
        ).double()
        parameters = {
            "membrane.axial_resistivity_ohm_cm": resistivity,
            "constants.LTypeCalcium.conductance_ms_cm2": conductance,
        }
        frames = torch.full((40, 1, 1, 5), 20.0, dtype=torch.float64)
        state = cell.initial_state()
        state = type(state)(
            state.membrane_potential.double(),
            {name: gate.double() for name, gate in state.gates.items()},
            {name: part.double() for name, part in state.concentrations.items()},
        )
        total = torch.zeros((), dtype=torch.float64)
        for x in frames:
            _, state = torch.func.functional_call(cell, parameters, (x, state))
            total = total + state.membrane_potential.mean()
        return total + state.concentrations["calcium"].sum()

    resistivity = torch.full((5,), 100.0, dtype=torch.float64, requires_grad=True)
    conductance = torch.full((5,), 0.1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(loss, (resistivity, conductance), eps=1e-5, rtol=1e-4)


def test_bad_options_are_refused() -> None:
    for options, error in (
        ({"scheme": "forward_euler"}, InvalidInput),
        ({"site": 5}, InvalidInput),
        ({"axial_resistivity_ohm_cm": 0.0}, InvalidInput),
        ({"capacitance_uf_cm2": -1.0}, InvalidInput),
        ({"learn": ("axial",)}, UnknownName),
    ):
        with pytest.raises(error):
            CompartmentalNeuron(1, FORK, **options)
    with pytest.raises(InvalidInput, match="at least one neuron"):
        CompartmentalNeuron(0, FORK)
    cell = CompartmentalNeuron(1, FORK)
    with pytest.raises(ShapeMismatch, match="density_ua_cm2"):
        cell(torch.zeros(1, 1, 4), cell.initial_state())
