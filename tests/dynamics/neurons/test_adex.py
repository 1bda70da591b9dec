"""AdEx against an independent event-driven solution of the published equations."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from tests.dynamics.neurons.event_driven import Floats, reference_times_ms, spike_times_ms

from neurallayers.dynamics.neurons import FIRING_PATTERNS, AdEx
from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName

DURATION_MS = 300.0
# The largest errors found at 0.1 ms a step, rounded up [ms]; those of 5 to 30 spikes add up.
ERRORS_MS = {
    "tonic_spiking": 6e-3,
    "adaptation": 2e-3,
    "initial_burst": 5e-3,
    "regular_bursting": 2e-3,
    "delayed_accelerating": 1e-3,
    "delayed_regular_bursting": 1.2e-2,
    "transient_spiking": 1e-3,
}


def reference(
    parameters: dict[str, float], current_pa: float, duration_ms: float = DURATION_MS
) -> Floats:
    c, g = parameters["capacitance_pf"], parameters["leak_conductance_ns"]
    e, vt = parameters["resting_mv"], parameters["threshold_mv"]
    slope, a = parameters["slope_factor_mv"], parameters["adaptation_conductance_ns"]
    tau, b = parameters["tau_adaptation_ms"], parameters["adaptation_increment_pa"]

    # 25 slopes above V_T the rest of the way takes 1e-10 ms, which no solver can resolve.
    peak = min(parameters["peak_mv"], vt + 25.0 * slope)
    highest = (peak - vt) / slope + 2.0

    def derivative(t: float, y: Floats) -> list[float]:
        # The solver tries potentials far beyond the peak, where the equation is not needed.
        swing = g * slope * math.exp(min((y[0] - vt) / slope, highest))
        return [(-g * (y[0] - e) + swing - y[1] + current_pa) / c, (a * (y[0] - e) - y[1]) / tau]

    return reference_times_ms(
        derivative,
        [e, 0.0],
        peak,
        lambda y: [parameters["reset_mv"], y[1] + b],
        duration_ms,
    )


@pytest.mark.parametrize("name", ERRORS_MS)
def test_the_firing_patterns_are_those_of_the_equations(name: str) -> None:
    pattern = FIRING_PATTERNS[name]
    expected = reference(pattern.parameters(), pattern.current_pa)
    found = spike_times_ms(AdEx.preset(name, dt_ms=0.1), pattern.current_pa, DURATION_MS)
    assert len(found) == len(expected) > 0
    coarse = np.abs(found - expected).max()
    assert coarse < ERRORS_MS[name]
    finer = spike_times_ms(AdEx.preset(name, dt_ms=0.025), pattern.current_pa, DURATION_MS)
    assert np.abs(finer - expected).max() < coarse / 8.0, "second order would give 16"


def test_the_chaotic_pattern_is_followed_until_errors_have_grown() -> None:
    """Irregular spiking is deterministic chaos: any error grows from spike to spike."""
    pattern = FIRING_PATTERNS["irregular_spiking"]
    expected = reference(pattern.parameters(), pattern.current_pa)
    found = spike_times_ms(
        AdEx.preset("irregular_spiking", dt_ms=0.0125), pattern.current_pa, DURATION_MS
    )
    assert abs(len(found) - len(expected)) <= 1
    assert np.abs(found[:10] - expected[:10]).max() < 0.02
    intervals = np.diff(found)
    assert intervals.std() / intervals.mean() > 0.3, "irregular"


def test_what_the_patterns_are_called_is_what_they_do() -> None:
    times = {
        name: spike_times_ms(AdEx.preset(name), pattern.current_pa, DURATION_MS)
        for name, pattern in FIRING_PATTERNS.items()
    }
    intervals = {name: np.diff(found) for name, found in times.items()}
    assert np.ptp(intervals["tonic_spiking"][20:]) < 0.01
    assert (np.diff(intervals["adaptation"]) > -1e-3).all()
    assert intervals["initial_burst"][:2].max() < 0.3 * intervals["initial_burst"][-1]
    bursting = intervals["regular_bursting"]
    assert (bursting > 5 * bursting.min()).sum() >= 2
    assert (np.diff(intervals["delayed_accelerating"]) < 1e-3).all()
    assert times["delayed_accelerating"][0] > 20.0
    assert times["delayed_regular_bursting"][0] > 20.0
    assert len(times["transient_spiking"]) == 1


@pytest.mark.parametrize("current_pa", [600.0, 800.0, 1000.0, 2000.0])
def test_the_cell_of_the_first_paper(current_pa: float) -> None:
    neurons = AdEx(1)
    parameters = {name: float(getattr(neurons, name)) for name in neurons.parameter_names}
    expected = reference(parameters, current_pa, 300.0)
    found = spike_times_ms(neurons, current_pa, 300.0)
    assert len(found) == len(expected)
    if len(expected):
        assert np.abs(found - expected).max() < 6e-3


def test_substeps_are_smaller_steps() -> None:
    pattern = FIRING_PATTERNS["adaptation"]
    expected = reference(pattern.parameters(), pattern.current_pa)
    errors = [
        np.abs(spike_times_ms(neurons, pattern.current_pa, DURATION_MS) - expected).max()
        for neurons in (AdEx.preset("adaptation"), AdEx.preset("adaptation", substeps=4))
    ]
    assert errors[1] < errors[0] / 8.0


def test_spikes_are_sent_in_the_step_in_which_they_happen() -> None:
    pattern = FIRING_PATTERNS["tonic_spiking"]
    neurons = AdEx.preset("tonic_spiking", dt_ms=0.1)
    x = torch.full((1, 1, 1), pattern.current_pa, dtype=torch.float64)
    spikes, _, traces = neurons.fused_run(x, steps=2000, record=["time_since_spike"])
    sent = torch.nonzero(spikes[:, 0, 0])[:, 0]
    since = traces["time_since_spike"][sent, 0, 0]
    assert bool(((since >= 0.0) & (since <= 0.1)).all())
    assert since.std() > 0.02, "times are not all on the grid"


@pytest.mark.parametrize("refractory_ms", [0.35, 2.0])
def test_the_refractory_period_is_kept_to_the_microsecond(refractory_ms: float) -> None:
    """Without adaptation, it lengthens each interval by itself."""
    options = {"adaptation_conductance_ns": 0.0, "adaptation_increment_pa": 0.0}
    intervals = []
    for wait in (0.0, refractory_ms):
        neurons = AdEx(1, refractory_ms=wait, **options)  # type: ignore[arg-type]
        intervals.append(np.diff(spike_times_ms(neurons, 1000.0, 300.0)).mean())
    assert intervals[1] - intervals[0] == pytest.approx(refractory_ms, abs=2e-3)


def test_a_refractory_neuron_stays_at_the_reset_potential() -> None:
    neurons = AdEx(1, refractory_ms=3.0, reset_mv=-60.0)
    x = torch.full((1, 1, 1), 1500.0, dtype=torch.float64)
    _, _, traces = neurons.fused_run(
        x, steps=1000, record=["membrane_potential", "time_since_spike"]
    )
    since = traces["time_since_spike"]
    held = traces["membrane_potential"][since < 2.9]
    assert held.numel() > 100
    assert torch.equal(held, torch.full_like(held, -60.0))


def test_a_synaptic_conductance_is_a_leak_to_its_reversal_potential() -> None:
    """A leak of 30 nS is one of 20 nS and 10 nS of synapses with the same reversal potential."""
    steps, current = 3000, 900.0
    whole = AdEx(1, leak_conductance_ns=30.0, slope_factor_mv=2.0)
    parts = AdEx(
        1,
        leak_conductance_ns=20.0,
        # The upswing keeps its strength g_L exp(-V_T / slope).
        threshold_mv=-50.4 - 2.0 * math.log(30.0 / 20.0),
        synaptic_input="conductance",
    )
    x = torch.full((1, 1, 1), current, dtype=torch.float64)
    pair = torch.tensor([[current + 10.0 * -70.6], [10.0]], dtype=torch.float64)[None, None]
    expected = whole.spike_times_ms(x, steps=steps)[0][0]
    found = parts.spike_times_ms(pair, steps=steps)[0][0]
    assert len(found) == len(expected) > 5
    assert torch.allclose(found, expected, atol=1e-9)


def test_the_gradient_of_a_spike_time_is_that_of_the_equations() -> None:
    """Without a surrogate: how the potential after a spike moves when the current does."""
    neurons = AdEx.preset("tonic_spiking", dt_ms=0.2).double()

    def potential_after(current: torch.Tensor) -> torch.Tensor:
        x = current.expand(1, 1, 1)
        return neurons.run(x, steps=200)[1].membrane_potential.sum()

    current = torch.tensor(500.0, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(potential_after(current), current)
    with torch.no_grad():
        moved = [
            potential_after(torch.tensor(500.0 + d, dtype=torch.float64)) for d in (-1e-4, 1e-4)
        ]
    assert gradient.item() == pytest.approx(((moved[1] - moved[0]) / 2e-4).item(), rel=1e-5)


def test_single_precision_is_as_good_as_it_can_be() -> None:
    pattern = FIRING_PATTERNS["adaptation"]
    neurons = AdEx.preset("adaptation")
    x = torch.full((1, 1, 1), pattern.current_pa)
    single = neurons.spike_times_ms(x, steps=5000)[0][0]
    double = neurons.spike_times_ms(x.double(), steps=5000)[0][0]
    assert len(single) == len(double)
    assert (single - double).abs().max() < 0.05


def test_a_strong_current_gives_one_spike_a_step_and_no_more() -> None:
    x = torch.full((1, 1, 1), 1e6, dtype=torch.float64)
    spikes, state = AdEx(1).run(x, steps=50)
    assert set(spikes.unique().tolist()) <= {0.0, 1.0}
    assert spikes.sum() > 25
    assert bool(state.membrane_potential.isfinite().all())


def test_bad_parameters_are_refused() -> None:
    for options, message in (
        ({"capacitance_pf": 0.0}, "capacitance_pf is 0.0"),
        ({"leak_conductance_ns": -1.0}, "leak_conductance_ns is -1.0"),
        ({"slope_factor_mv": 0.0}, "slope_factor_mv is 0.0"),
        ({"tau_adaptation_ms": math.nan}, "tau_adaptation_ms is nan"),
        ({"refractory_ms": -1.0}, "refractory_ms is -1.0"),
        ({"peak_mv": -60.0}, "peak_mv must lie above threshold_mv"),
        ({"reset_mv": 30.0}, "peak_mv must lie above reset_mv"),
        ({"adaptation_increment_pa": math.inf}, "adaptation_increment_pa is inf"),
        ({"substeps": 0}, "substeps is 0"),
    ):
        with pytest.raises(InvalidInput, match=message):
            AdEx(2, **options)  # type: ignore[arg-type]
    with pytest.raises(ShapeMismatch, match="reset_mv has shape"):
        AdEx(2, reset_mv=torch.zeros(3) - 70.0)
    with pytest.raises(UnknownName, match="Did you mean 'tonic_spiking'"):
        AdEx.preset("tonic")
