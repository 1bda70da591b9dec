"""Exponential and quadratic integrate-and-fire neurons against scipy and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dynamics.neurons.event_driven import Floats, reference_times_ms, spike_times_ms

from neurallayers.dynamics.neurons import ExponentialIntegrateAndFire, QuadraticIntegrateAndFire
from neurallayers.errors import InvalidInput

LAW = settings(max_examples=15, deadline=None, derandomize=True, database=None)


def exponential_reference(current_pa: float, duration_ms: float) -> Floats:
    def derivative(t: float, y: Floats) -> list[float]:
        # The solver tries potentials far beyond the peak of 20 mV.
        swing = 10.0 * 3.48 * math.exp(min((y[0] + 59.9) / 3.48, 25.0))
        return [(-10.0 * (y[0] + 65.0) + swing + current_pa) / 100.0]

    return reference_times_ms(derivative, [-65.0], 20.0, lambda y: [-68.0], duration_ms, 1.7)


@pytest.mark.parametrize("current_pa", [20.0, 40.0, 60.0, 100.0, 200.0, 500.0])
def test_exponential_neurons_fire_when_the_equation_says(current_pa: float) -> None:
    expected = exponential_reference(current_pa, 200.0)
    errors = []
    for dt_ms in (0.1, 0.025):
        neurons = ExponentialIntegrateAndFire(1, dt_ms=dt_ms)
        found = spike_times_ms(neurons, current_pa, 200.5)[: len(expected)]
        assert len(found) == len(expected)
        errors.append(np.abs(found - expected).max(initial=0.0))
    assert errors[0] < 0.01
    assert errors[1] <= errors[0] / 8.0


def quadratic_interval_ms(current_pa: float, peak_mv: float = 35.0) -> float:
    """From reset at -60 mV to the peak: the integral of C dv / (k (v - v_r)(v - v_t) + I)."""
    c, k, rest, threshold, reset = 100.0, 0.7, -60.0, -40.0, -60.0
    middle = 0.5 * (rest + threshold)
    depth = current_pa / k - (0.5 * (threshold - rest)) ** 2
    assert depth > 0, "above the rheobase"
    width = math.sqrt(depth)
    turn = math.atan((peak_mv - middle) / width) - math.atan((reset - middle) / width)
    return c / (k * width) * turn


@given(current_pa=st.floats(80.0, 800.0), dt_ms=st.sampled_from([0.1, 0.25, 0.5]))
@LAW
def test_quadratic_neurons_have_the_interval_of_the_closed_form(
    current_pa: float, dt_ms: float
) -> None:
    interval = quadratic_interval_ms(current_pa)
    times = spike_times_ms(QuadraticIntegrateAndFire(1, dt_ms=dt_ms), current_pa, 4 * interval)
    assert len(times) >= 3
    assert times[0] == pytest.approx(interval, rel=1e-7)
    assert np.diff(times) == pytest.approx(interval, rel=1e-7)


def test_below_the_rheobase_quadratic_neurons_find_their_fixed_point() -> None:
    """k (v - v_r)(v - v_t) + I = 0."""
    neurons = QuadraticIntegrateAndFire(1)
    x = torch.full((1, 1, 1), 50.0, dtype=torch.float64)
    spikes, state = neurons.run(x, steps=5000)
    assert not spikes.any()
    fixed = -50.0 - math.sqrt(100.0 - 50.0 / 0.7)
    assert state.membrane_potential.item() == pytest.approx(fixed, abs=1e-9)


@pytest.mark.parametrize("refractory_ms", [0.33, 2.0])
def test_the_refractory_period_lengthens_each_interval_by_itself(refractory_ms: float) -> None:
    neurons = QuadraticIntegrateAndFire(1, refractory_ms=refractory_ms)
    times = spike_times_ms(neurons, 200.0, 200.0)
    expected = quadratic_interval_ms(200.0) + refractory_ms
    assert np.diff(times) == pytest.approx(expected, rel=1e-7)
    free = ExponentialIntegrateAndFire(1, refractory_ms=0.0, dt_ms=0.02)
    held = ExponentialIntegrateAndFire(1, refractory_ms=refractory_ms, dt_ms=0.02)
    shorter = np.diff(spike_times_ms(free, 100.0, 200.0)).mean()
    assert np.diff(spike_times_ms(held, 100.0, 200.0)) == pytest.approx(
        shorter + refractory_ms, abs=1e-3
    )


@pytest.mark.parametrize("kind", [ExponentialIntegrateAndFire, QuadraticIntegrateAndFire])
def test_a_conductance_holds_the_potential_back(kind: type) -> None:
    """With shunting at its own resting potential a neuron fires later."""
    neurons = kind(1, synaptic_input="conductance")
    drive, shunt = 200.0, 2.0
    rest = float(neurons.resting_mv)
    times = []
    for conductance in (0.0, shunt):
        pair = torch.tensor([[drive + conductance * rest], [conductance]], dtype=torch.float64)
        times.append(neurons.spike_times_ms(pair[None, None], steps=2000)[0][0])
    assert len(times[0]) > len(times[1]) > 0
    current = kind(1).spike_times_ms(torch.full((1, 1, 1), drive).double(), steps=2000)[0][0]
    assert torch.allclose(times[0], current, atol=1e-9)


def test_bad_parameters_are_refused() -> None:
    with pytest.raises(InvalidInput, match="threshold_mv must lie above resting_mv"):
        QuadraticIntegrateAndFire(1, threshold_mv=-70.0)
    with pytest.raises(InvalidInput, match="curvature_ns_per_mv is 0"):
        QuadraticIntegrateAndFire(1, curvature_ns_per_mv=0.0)
    with pytest.raises(InvalidInput, match="peak_mv must lie above reset_mv"):
        ExponentialIntegrateAndFire(1, reset_mv=25.0)
    with pytest.raises(InvalidInput, match="slope_factor_mv"):
        ExponentialIntegrateAndFire(1, slope_factor_mv=-1.0)
