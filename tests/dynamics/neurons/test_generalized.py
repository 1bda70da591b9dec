"""The generalized integrate-and-fire neuron against closed forms and an independent loop."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from neurallayers.dynamics.neurons import GeneralizedIntegrateAndFire, LeakyIntegrateAndFire
from neurallayers.errors import InvalidInput

LAW = settings(max_examples=25, deadline=None, derandomize=True, database=None)


def test_without_memory_of_spikes_it_is_the_leaky_neuron() -> None:
    plain, general = LeakyIntegrateAndFire(2), GeneralizedIntegrateAndFire(2)
    xs = 1500.0 * torch.rand(500, 1, 2, generator=torch.Generator().manual_seed(0)).double()
    spikes, state = plain.run(xs)
    same, generalized = general.run(xs)
    assert spikes.sum() > 5
    assert torch.equal(same, spikes)
    assert torch.allclose(generalized.membrane_potential, state.membrane_potential, atol=1e-9)


@given(
    tau=st.floats(2.0, 40.0),
    fast_ms=st.floats(1.0, 40.0),
    slow_ms=st.floats(20.0, 300.0),
    dt_ms=st.sampled_from([0.05, 0.1, 1.0]),
)
@LAW
def test_between_spikes_after_spike_currents_are_integrated_exactly(
    tau: float, fast_ms: float, slow_ms: float, dt_ms: float
) -> None:
    """The linear system of potential and two currents, solved by its matrix exponential."""
    neurons = GeneralizedIntegrateAndFire(
        1,
        dt_ms=dt_ms,
        tau_ms=tau,
        leak_conductance_ns=10.0,
        threshold_mv=1e3,
        tau_current_fast_ms=fast_ms,
        tau_current_slow_ms=slow_ms,
    ).double()
    state = neurons.initial_state()._replace(
        membrane_potential=torch.tensor([[-60.0]], dtype=torch.float64),
        after_spike_current_fast=torch.tensor([[-200.0]], dtype=torch.float64),
        after_spike_current_slow=torch.tensor([[50.0]], dtype=torch.float64),
    )
    _, after = neurons.run(torch.zeros(1, 1, 1, dtype=torch.float64), state, steps=20)
    c = tau * 10.0
    matrix = np.array(
        [[-1.0 / tau, 1.0 / c, 1.0 / c], [0.0, -1.0 / fast_ms, 0.0], [0.0, 0.0, -1.0 / slow_ms]]
    )
    expected = expm(matrix * 20 * dt_ms) @ np.array([5.0, -200.0, 50.0])
    assert after.membrane_potential.item() + 65.0 == pytest.approx(expected[0], abs=1e-8)
    assert after.after_spike_current_fast.item() == pytest.approx(expected[1], abs=1e-9)
    assert after.after_spike_current_slow.item() == pytest.approx(expected[2], abs=1e-9)


def test_equal_time_constants_are_no_special_case() -> None:
    """I exp(-t / tau) on a membrane of the same tau gives I t / C exp(-t / tau)."""
    neurons = GeneralizedIntegrateAndFire(
        1, tau_ms=10.0, leak_conductance_ns=10.0, tau_current_fast_ms=10.0, threshold_mv=1e3
    ).double()
    state = neurons.initial_state()
    state = state._replace(after_spike_current_fast=torch.full_like(state.refractory, 300.0))
    _, after = neurons.run(torch.zeros(1, 1, 1, dtype=torch.float64), state, steps=100)
    expected = 300.0 * 10.0 / 100.0 * math.exp(-1.0)
    assert after.membrane_potential.item() + 65.0 == pytest.approx(expected, abs=1e-9)


def test_the_threshold_that_follows_the_potential_is_of_second_order() -> None:
    """dtheta/dt = a (v - E) - theta / tau with v - E = V (1 - exp(-t / tau_m))."""
    a, tau, tau_m, way = 0.05, 30.0, 10.0, 8.0
    t = 20.0
    slow = tau * (1.0 - math.exp(-t / tau))
    mixed = (math.exp(-t / tau_m) - math.exp(-t / tau)) / (1.0 / tau - 1.0 / tau_m)
    expected = a * way * (slow - mixed)
    errors = []
    for dt_ms in (0.5, 0.25):
        neurons = GeneralizedIntegrateAndFire(
            1,
            dt_ms=dt_ms,
            tau_ms=tau_m,
            leak_conductance_ns=10.0,
            threshold_mv=1e3,
            threshold_coupling_per_ms=a,
            tau_threshold_potential_ms=tau,
        )
        x = torch.full((1, 1, 1), 10.0 * way, dtype=torch.float64)
        _, state = neurons.run(x, steps=round(t / dt_ms))
        errors.append(abs(state.threshold_of_potential.item() - expected))
    assert errors[0] < 1e-3
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.05)


def test_spikes_are_those_of_a_plain_loop() -> None:
    """The published rules, written once more with numbers and exponentials."""
    dt, steps = 0.1, 6000
    neurons = GeneralizedIntegrateAndFire(
        1,
        dt_ms=dt,
        capacitance_pf=150.0,
        leak_conductance_ns=8.0,
        resting_mv=-70.0,
        threshold_mv=-52.0,
        reset_mv=-60.0,
        reset_share=0.1,
        refractory_ms=1.5,
        tau_current_fast_ms=6.0,
        tau_current_slow_ms=80.0,
        current_fast_pa=-40.0,
        current_slow_pa=-15.0,
        tau_threshold_fast_ms=12.0,
        tau_threshold_slow_ms=150.0,
        threshold_fast_mv=4.0,
        threshold_slow_mv=1.5,
    )
    generator = np.random.default_rng(3)
    current = 260.0 + 60.0 * generator.standard_normal(steps)
    v, wait, currents, moved, fired = -70.0, 0, [0.0, 0.0], [0.0, 0.0], []
    propagator = expm(
        np.array([[-8 / 150, 1 / 150, 1 / 150], [0, -1 / 6, 0], [0, 0, -1 / 80]]) * dt
    )
    for step in range(steps):
        steady = -70.0 + current[step] / 8.0
        after = propagator @ np.array([v - steady, *currents])
        v = v if wait > 0 else steady + after[0]
        currents = list(after[1:])
        moved = [moved[0] * math.exp(-dt / 12.0), moved[1] * math.exp(-dt / 150.0)]
        if wait == 0 and v >= -52.0 + sum(moved):
            fired.append(step)
            v, wait = -60.0 + 0.1 * (v + 70.0), 15
            currents = [currents[0] - 40.0, currents[1] - 15.0]
            moved = [moved[0] + 4.0, moved[1] + 1.5]
        else:
            wait = max(wait - 1, 0)
    x = torch.tensor(current)[:, None, None]
    spikes, state = neurons.run(x)
    assert torch.nonzero(spikes[:, 0, 0])[:, 0].tolist() == fired
    assert len(fired) > 10
    assert state.membrane_potential.item() == pytest.approx(v, abs=1e-7)
    assert neurons.threshold_of(state).item() == pytest.approx(-52.0 + sum(moved), abs=1e-7)


def test_a_threshold_below_the_reset_does_not_undo_the_refractory_period() -> None:
    neurons = GeneralizedIntegrateAndFire(1, threshold_mv=-70.0, refractory_ms=1.0)
    spikes, _ = neurons.run(torch.zeros(1, 1, 1, dtype=torch.float64), steps=44)
    assert torch.nonzero(spikes[:, 0, 0])[:, 0].tolist() == [0, 11, 22, 33]


def test_adaptation_lengthens_intervals() -> None:
    neurons = GeneralizedIntegrateAndFire(1, current_slow_pa=-30.0, threshold_slow_mv=1.0)
    times = neurons.spike_times_ms(torch.full((1, 1, 1), 700.0).double(), steps=3000)[0][0]
    intervals = times.diff()
    assert bool((intervals.diff() > -0.11).all())
    assert intervals[-1] > 1.5 * intervals[0]


def test_bad_parameters_are_refused() -> None:
    with pytest.raises(InvalidInput, match="tau_threshold_slow_ms is 0"):
        GeneralizedIntegrateAndFire(1, tau_threshold_slow_ms=0.0)
    with pytest.raises(InvalidInput, match="refractory_ms is -1"):
        GeneralizedIntegrateAndFire(1, refractory_ms=-1.0)
    with pytest.raises(InvalidInput, match="tau_ms is -2"):
        GeneralizedIntegrateAndFire(1, tau_ms=-2.0)
