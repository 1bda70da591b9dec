from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.dynamics.neurons import LIF, AdaptiveLIF, LeakyIntegrator, TimeConstant
from neurallayers.errors import InvalidInput, ShapeMismatch


def spike_times_ms(cell: Any, drive: float, duration_ms: float) -> torch.Tensor:
    """When a neuron fires under a constant input that begins at time zero."""
    steps = round(duration_ms / cell.dt_ms)
    spikes, _ = cell.run(torch.full((1, 1, 1), drive), steps=steps)
    return (spikes[:, 0, 0].nonzero()[:, 0] + 1) * cell.dt_ms


@given(drive=st.floats(1.1, 5.0), tau_ms=st.floats(5.0, 40.0))
@settings(max_examples=20, deadline=None)
def test_lif_fires_when_the_closed_form_says(drive: float, tau_ms: float) -> None:
    """t = tau ln(x / (x - theta)), and again after the same time when it returns to rest."""
    cell = LIF(1, dt_ms=0.05, tau_ms=tau_ms, reset="zero")
    interval = tau_ms * math.log(drive / (drive - 1.0))
    times = spike_times_ms(cell, drive, 4 * interval + 1.0)
    assert float(times[0]) == pytest.approx(interval, abs=2 * cell.dt_ms)
    gaps = times.diff()
    assert (gaps - interval).abs().max() <= 2 * cell.dt_ms


def test_lif_below_threshold_is_silent_and_reaches_its_input() -> None:
    spikes, state = LIF(1, tau_ms=20.0).run(torch.full((1, 1, 1), 0.99), steps=400)
    assert spikes.sum() == 0
    assert float(state.membrane_potential) == pytest.approx(0.99, abs=1e-4)


def test_a_step_is_exact_whatever_its_length() -> None:
    """No error from the integration: ten short steps end where a long one ends."""
    long, _ = LeakyIntegrator(1, dt_ms=5.0).run(torch.ones(1, 1, 1))
    short, _ = LeakyIntegrator(1, dt_ms=0.5).run(torch.ones(1, 1, 1), steps=10)
    assert float(short[-1]) == pytest.approx(float(long[-1]), rel=1e-6)


def test_subtraction_keeps_what_exceeded_the_threshold() -> None:
    options: dict[str, Any] = {"dt_ms": 1.0, "tau_ms": 1.0}
    xs = torch.full((1, 1, 1), 3.0)
    reached = 3.0 * (1 - math.exp(-1.0))
    _, kept = LIF(1, reset="subtract", **options).run(xs)
    _, gone = LIF(1, reset="zero", **options).run(xs)
    assert float(kept.membrane_potential) == pytest.approx(reached - 1.0, rel=1e-6)
    assert float(gone.membrane_potential) == 0.0


def test_units_are_the_callers_choice() -> None:
    relative, _ = LIF(1).run(torch.full((1, 1, 1), 1.5), steps=200)
    millivolt, _ = LIF(1, threshold=15.0).run(torch.full((1, 1, 1), 22.5), steps=200)
    assert torch.equal(relative, millivolt)


def test_each_neuron_may_have_its_own_time_constant() -> None:
    cell = LeakyIntegrator(3, tau_ms=torch.tensor([5.0, 10.0, 20.0]))
    _, state = cell.run(torch.ones(1, 1, 3), steps=10)
    expected = [1 - math.exp(-10.0 / tau) for tau in (5.0, 10.0, 20.0)]
    assert state.membrane_potential[0].tolist() == pytest.approx(expected, rel=1e-5)


@given(tau_ms=st.floats(2.0, 100.0), v0=st.floats(-2.0, 2.0), steps=st.integers(1, 60))
@settings(max_examples=20, deadline=None)
def test_a_leaky_integrator_decays_exponentially(tau_ms: float, v0: float, steps: int) -> None:
    cell = LeakyIntegrator(1, tau_ms=tau_ms)
    state = type(cell.initial_state())(torch.full((1, 1), v0))
    potentials, last = cell.run(torch.zeros(1, 1, 1), state, steps=steps)
    expected = [v0 * math.exp(-t / tau_ms) for t in range(1, steps + 1)]
    assert potentials[:, 0, 0].tolist() == pytest.approx(expected, rel=1e-4, abs=1e-6)
    assert torch.equal(last.membrane_potential, potentials[-1])


def test_an_adaptive_neuron_slows_down_and_recovers() -> None:
    options: dict[str, Any] = {"dt_ms": 0.1, "tau_ms": 10.0, "reset": "zero"}
    cell = AdaptiveLIF(1, tau_adaptation_ms=100.0, adaptation_strength=50.0, **options)
    gaps = spike_times_ms(cell, 3.0, 600.0).diff()
    plain = spike_times_ms(LIF(1, **options), 3.0, 600.0).diff()
    assert plain.max() - plain.min() < 0.15
    assert plain[0] < gaps[0] < gaps[3] < gaps[10]
    # In the long run as many spikes are added to the adaptation as it loses.
    assert gaps[-5:].max() - gaps[-5:].min() < 1.0


def test_adaptation_decays_with_its_time_constant() -> None:
    cell = AdaptiveLIF(1, tau_adaptation_ms=50.0)
    zeros = torch.zeros(1, 1)
    state = type(cell.initial_state())(zeros, torch.full((1, 1), 0.8))
    _, last = cell.run(torch.zeros(1, 1, 1), state, steps=30)
    assert float(last.adaptation) == pytest.approx(0.8 * math.exp(-30 / 50), rel=1e-5)


def test_without_strength_adaptation_changes_nothing() -> None:
    xs = 3 * torch.rand(60, 2, 5, generator=torch.Generator().manual_seed(0))
    adaptive, _ = AdaptiveLIF(5, adaptation_strength=0.0).run(xs)
    plain, _ = LIF(5).run(xs)
    assert torch.equal(adaptive, plain)


def test_a_learned_time_constant_moves_towards_the_one_that_made_the_data() -> None:
    xs = torch.rand(50, 8, 4, generator=torch.Generator().manual_seed(1))
    target, _ = LeakyIntegrator(4, tau_ms=30.0).run(xs)
    cell = LeakyIntegrator(4, tau_ms=10.0, learn_tau=True)
    optimiser = torch.optim.Adam(cell.parameters(), lr=0.05)
    for _ in range(100):
        optimiser.zero_grad()
        (cell.run(xs)[0] - target).square().mean().backward()
        optimiser.step()
    assert cell.decay.tau_ms.tolist() == pytest.approx([30.0] * 4, rel=0.05)


def test_a_fixed_time_constant_is_no_parameter() -> None:
    assert list(LIF(3).parameters()) == []
    assert [p.shape for p in LIF((2, 3), learn_tau=True).parameters()] == [(2, 3)]


def test_layers_may_have_a_shape() -> None:
    spikes, state = LIF((4, 5, 2)).run(torch.full((7, 3, 4, 5, 2), 30.0))
    assert spikes.shape == (7, 3, 4, 5, 2)
    assert state.membrane_potential.shape == (3, 4, 5, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tau_ms": 0.0}, "tau_ms is 0.0"),
        ({"tau_ms": math.nan}, "tau_ms is nan"),
        ({"dt_ms": -1.0}, "dt_ms is -1.0"),
        ({"threshold": 0.0}, "threshold is 0.0"),
        ({"reset": "none"}, "reset is 'none'"),
    ],
)
@pytest.mark.parametrize("kind", [LIF, AdaptiveLIF])
def test_options_out_of_range_are_refused(kind: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        kind(3, **options)


@pytest.mark.parametrize("n", [0, (), (3, 0)])
def test_a_layer_needs_neurons(n: Any) -> None:
    with pytest.raises(InvalidInput, match="n is"):
        LIF(n)


def test_adaptation_options_are_checked() -> None:
    with pytest.raises(InvalidInput, match="adaptation_strength is -1"):
        AdaptiveLIF(3, adaptation_strength=-1.0)
    with pytest.raises(InvalidInput, match="tau_adaptation_ms is 0"):
        AdaptiveLIF(3, tau_adaptation_ms=0.0)


@pytest.mark.parametrize("shape", [(5, 3), (5, 2, 4), (0, 2, 3), (5, 2, 3, 1)])
def test_frames_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeMismatch, match=r"LIF\.run received"):
        LIF(3).run(torch.zeros(shape))


def test_holding_several_frames_is_refused() -> None:
    with pytest.raises(ShapeMismatch, match="steps=4 with 2 frames"):
        LIF(3).run(torch.zeros(2, 1, 3), steps=4)


def test_the_decay_follows_from_the_time_constant() -> None:
    decay = TimeConstant((2,), 20.0, 1.0, learn=False)
    assert decay().tolist() == pytest.approx([math.exp(-1 / 20)] * 2, rel=1e-6)
    assert decay.tau_ms.tolist() == pytest.approx([20.0, 20.0], rel=1e-6)
