"""The leaky integrate-and-fire neuron against its closed form."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from torch import Tensor

from neurallayers.dynamics.neurons import LeakyIntegrateAndFire
from neurallayers.errors import InvalidInput

LAW = settings(max_examples=20, deadline=None, derandomize=True, database=None)
TAU_MS, RESISTANCE_MOHM, DISTANCE_MV = 20.0, 100.0, 15.0


def rise_ms(current_pa: float) -> float:
    """From rest (or reset) to threshold: tau log(R I / (R I - distance))."""
    steady = RESISTANCE_MOHM * current_pa * 1e-3
    return TAU_MS * math.log(steady / (steady - DISTANCE_MV))


def ends_of_spikes_ms(neurons: LeakyIntegrateAndFire, current_pa: float, steps: int) -> Tensor:
    x = torch.full((1, 1, neurons.n), current_pa, dtype=torch.float64)
    return neurons.spike_times_ms(x, steps=steps)[0][0]


@pytest.mark.parametrize("dt_ms", [0.1, 0.01])
@pytest.mark.parametrize("current_pa", [151.0, 160.0, 180.0, 220.0, 300.0, 500.0, 1000.0])
def test_first_spike_and_interval_are_those_of_the_closed_form(
    current_pa: float, dt_ms: float
) -> None:
    """A spike is on the grid: at the first point not before the time of the closed form."""
    neurons = LeakyIntegrateAndFire(
        1, dt_ms=dt_ms, tau_ms=TAU_MS, resistance_mohm=RESISTANCE_MOHM, refractory_ms=3.0
    )
    rise = rise_ms(current_pa)
    times = ends_of_spikes_ms(neurons, current_pa, round(300.0 / dt_ms))
    late = times[0].item() - rise
    assert -1e-9 < late < dt_ms
    intervals = times.diff()
    assert torch.allclose(intervals, (times[0] + 3.0).expand(intervals.shape), atol=1e-9)


@given(
    tau=st.floats(2.0, 50.0),
    conductance=st.floats(0.0, 80.0),
    drive=st.floats(-500.0, 500.0),
    v=st.floats(-90.0, -51.0),
)
@LAW
def test_a_step_is_the_exact_solution_with_current_and_conductance(
    tau: float, conductance: float, drive: float, v: float
) -> None:
    leak, dt_ms = 10.0, 0.1
    neurons = LeakyIntegrateAndFire(
        1,
        dt_ms=dt_ms,
        tau_ms=tau,
        leak_conductance_ns=leak,
        threshold_mv=1e3,
        synaptic_input="conductance",
    ).double()
    state = neurons.initial_state()._replace(
        membrane_potential=torch.tensor([[v]], dtype=torch.float64)
    )
    pair = torch.tensor([[[drive], [conductance]]], dtype=torch.float64)
    _, after = neurons(pair, state)
    total, capacitance = leak + conductance, tau * leak
    steady = (leak * -65.0 + drive) / total
    expected = steady + (v - steady) * math.exp(-dt_ms * total / capacitance)
    assert after.membrane_potential.item() == pytest.approx(expected, abs=1e-9)


def test_the_response_to_a_changing_current_is_its_filtered_past() -> None:
    """v(t) - E = 1/C times the integral of exp(-(t - s) / tau) I(s)."""
    neurons = LeakyIntegrateAndFire(1, dt_ms=0.1, tau_ms=10.0, leak_conductance_ns=10.0).double()
    generator = torch.Generator().manual_seed(1)
    currents = torch.randn(200, 1, 1, generator=generator, dtype=torch.float64) * 50.0
    _, state = neurons.run(currents)
    whole = sum(
        current * quad(lambda s: math.exp(-(20.0 - s) / 10.0), k * 0.1, k * 0.1 + 0.1)[0]
        for k, current in enumerate(currents.flatten().tolist())
    )
    assert state.membrane_potential.item() == pytest.approx(-65.0 + whole / 100.0, abs=1e-9)


def test_membranes_are_given_in_either_of_two_ways() -> None:
    one = LeakyIntegrateAndFire(1, capacitance_pf=200.0, leak_conductance_ns=10.0)
    other = LeakyIntegrateAndFire(1, tau_ms=20.0, resistance_mohm=100.0)
    assert one.numbers() == pytest.approx(other.numbers())
    assert one.tau_ms == pytest.approx(20.0)
    for options, message in (
        ({"capacitance_pf": 200.0, "tau_ms": 20.0}, "capacitance_pf and tau_ms"),
        (
            {"leak_conductance_ns": 10.0, "resistance_mohm": 100.0},
            "leak_conductance_ns and resistance_mohm",
        ),
    ):
        with pytest.raises(InvalidInput, match=message):
            LeakyIntegrateAndFire(1, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("refractory_ms", [0.0, 0.1, 2.0])
def test_a_refractory_neuron_neither_moves_nor_fires(refractory_ms: float) -> None:
    neurons = LeakyIntegrateAndFire(1, refractory_ms=refractory_ms)
    x = torch.full((1, 1, 1), 1e5, dtype=torch.float64)
    spikes, state, traces = neurons.fused_run(x, steps=100, record=["membrane_potential"])
    fired = torch.nonzero(spikes[:, 0, 0])[:, 0]
    waited = round(refractory_ms / 0.1)
    assert bool((fired.diff() == waited + 1).all())
    assert bool((traces["membrane_potential"] == -65.0).all())
    assert state.refractory.item() <= waited


def test_gradients_are_those_of_the_equation_below_threshold() -> None:
    neurons = LeakyIntegrateAndFire(
        1, tau_ms=20.0, leak_conductance_ns=10.0, learn=("leak_conductance_ns", "resting_mv")
    ).double()
    x = torch.full((1, 1, 1), 50.0, dtype=torch.float64, requires_grad=True)
    _, state = neurons.run(x, steps=100)
    state.membrane_potential.sum().backward()
    kept = math.exp(-10.0 / 20.0)
    assert x.grad is not None
    assert x.grad.item() == pytest.approx((1.0 - kept) / 10.0, rel=1e-6)
    resting = neurons.get_parameter("resting_mv").grad
    assert resting is not None
    # The first potential is a value of the state, not of the parameter.
    assert resting.item() == pytest.approx(1.0 - kept, rel=1e-6)
    leak = neurons.get_parameter("leak_conductance_ns").grad
    assert leak is not None
    # v = E + I / g (1 - exp(-g t / C)): its derivative by g.
    derivative = -50.0 / 100.0 * (1.0 - kept) + 5.0 * (10.0 / 200.0) * kept
    assert leak.item() == pytest.approx(derivative, rel=1e-5)


def test_a_surrogate_lets_training_find_the_current_of_a_rate() -> None:
    neurons = LeakyIntegrateAndFire(1, dt_ms=0.5, tau_ms=10.0, resistance_mohm=100.0)
    current = torch.tensor(120.0, requires_grad=True)
    optimiser = torch.optim.Adam([current], lr=10.0)
    for _ in range(15):
        spikes, _ = neurons.run(current.expand(60, 1, 1))
        loss = (spikes.sum() - 2.0) ** 2
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert neurons.run(torch.full((60, 1, 1), 120.0))[0].sum() == 0.0
    assert neurons.run(current.detach().expand(60, 1, 1))[0].sum().item() in (1.0, 2.0, 3.0)


def test_bad_parameters_are_refused() -> None:
    for options, message in (
        ({"tau_ms": 0.0}, "tau_ms is 0.0"),
        ({"resistance_mohm": -1.0}, "resistance_mohm is -1.0"),
        ({"leak_conductance_ns": 0.0}, "leak_conductance_ns is 0.0"),
        ({"capacitance_pf": math.inf}, "capacitance_pf is inf"),
        ({"threshold_mv": -65.0}, "threshold_mv must lie above reset_mv"),
        ({"refractory_ms": -0.1}, "refractory_ms is -0.1"),
        ({"dt_ms": 0.0}, "dt_ms is 0.0"),
        ({"resting_mv": math.nan}, "resting_mv is nan"),
    ):
        with pytest.raises(InvalidInput, match=message):
            LeakyIntegrateAndFire(1, **options)  # type: ignore[arg-type]
