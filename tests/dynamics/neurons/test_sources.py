"""Random and recorded spikes."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from neurallayers.dynamics.neurons import PoissonSource, SpikeSource
from neurallayers.errors import InvalidInput, ShapeMismatch

LAW = settings(max_examples=25, deadline=None, derandomize=True, database=None)


def test_counts_are_those_of_a_poisson_process() -> None:
    """Spikes of 20 ms at 50 Hz and steps of 0.1 ms: one on average, and Poisson's shares."""
    source = PoissonSource(5000, dt_ms=0.1, rate_hz=50.0, seed=4)
    spikes, _ = source.run(torch.zeros(1, 1, 5000), steps=200)
    counts = spikes.sum(0)[0]
    found = [(counts == k).sum().item() for k in range(4)]
    shares = [math.exp(-1.0) / math.factorial(k) for k in range(4)]
    expected = [5000 * share for share in shares]
    found.append(5000 - sum(found))
    expected.append(5000 - sum(expected))
    assert chisquare(found, expected).pvalue > 0.01


def test_the_chance_of_a_step_is_exact_at_any_rate() -> None:
    source = PoissonSource(20_000, dt_ms=1.0, seed=1)
    for rate_hz in (100.0, 1000.0, 3000.0):
        spikes, _ = source.run(torch.full((1, 1, 20_000), rate_hz), steps=5)
        chance = -math.expm1(-rate_hz * 1e-3)
        error = math.sqrt(chance * (1.0 - chance) / 1e5)
        assert spikes.mean().item() == pytest.approx(chance, abs=4 * error)


def test_rates_add_and_negative_ones_are_none() -> None:
    source = PoissonSource(2, rate_hz=torch.tensor([0.0, 1e6]))
    spikes, _ = source.run(torch.tensor([[[-5.0, 0.0]]]), steps=50)
    assert spikes.sum(0).tolist() == [[0.0, 50.0]]
    spikes, _ = source.run(torch.tensor([[[1e6, -1e6]]]), steps=50)
    assert spikes.sum(0).tolist() == [[50.0, 0.0]]


def test_individuals_and_seeds_differ_and_replays_do_not() -> None:
    source = PoissonSource(50, dt_ms=1.0, rate_hz=300.0)
    x = torch.zeros(1, 3, 50)
    state = source.initial_state(3)
    spikes, after = source.run(x, state, steps=30)
    assert torch.equal(source.run(x, state, steps=30)[0], spikes)
    assert not torch.equal(spikes[:, 0], spikes[:, 1])
    assert not torch.equal(source.run(x, after, steps=30)[0], spikes)
    other = PoissonSource(50, dt_ms=1.0, rate_hz=300.0, seed=1)
    assert not torch.equal(other.run(x, steps=30)[0], spikes)


def test_the_gradient_is_that_of_the_expected_count() -> None:
    source = PoissonSource(3, dt_ms=2.0, rate_hz=10.0)
    x = torch.tensor([[0.0, 100.0, -50.0]], requires_grad=True)
    spikes, _ = source(x, source.initial_state())
    assert set(spikes.unique().tolist()) <= {0.0, 1.0}
    spikes.sum().backward()
    expected = [2e-3 * math.exp(-10.0 * 2e-3), 2e-3 * math.exp(-110.0 * 2e-3), 0.0]
    assert x.grad is not None
    assert x.grad[0].tolist() == pytest.approx(expected)


def test_bad_rates_are_refused() -> None:
    with pytest.raises(InvalidInput, match="rate_hz is -1"):
        PoissonSource(2, rate_hz=-1.0)
    with pytest.raises(ShapeMismatch, match="rate_hz has shape"):
        PoissonSource(2, rate_hz=torch.ones(3))
    with pytest.raises(InvalidInput, match="n is 0"):
        PoissonSource(0)


steps_of_neurons = st.lists(st.sets(st.integers(0, 60)), min_size=1, max_size=4)


@given(steps=steps_of_neurons, dt_ms=st.sampled_from([0.1, 0.25, 1.0]))
@LAW
def test_every_spike_is_played_in_the_step_that_it_ends(
    steps: list[set[int]], dt_ms: float
) -> None:
    times = [sorted((step + 1) * dt_ms for step in own) for own in steps]
    source = SpikeSource(times, dt_ms=dt_ms)
    spikes, state = source.run(torch.zeros(1, 2, len(steps)), steps=64)
    for neuron, own in enumerate(steps):
        for row in range(2):
            assert set(torch.nonzero(spikes[:, row, neuron])[:, 0].tolist()) == own
    assert state.played[0].tolist() == [len(own) for own in steps]
    assert state.position.tolist() == [64, 64]


def test_times_between_grid_points_and_at_zero() -> None:
    source = SpikeSource([[0.0, 0.11, 0.2999999, 0.31]], dt_ms=0.1)
    spikes, _ = source.run(torch.zeros(5, 1, 1))
    assert spikes.flatten().tolist() == [1.0, 1.0, 1.0, 1.0, 0.0]


def test_playing_goes_on_from_a_state_and_other_spikes_join() -> None:
    source = SpikeSource([[1.0, 3.0, 5.0], [2.0]], dt_ms=1.0)
    xs = torch.zeros(6, 1, 2)
    xs[3, 0, 1] = 1.0
    whole, _ = source.run(xs)
    first, between = source.run(xs[:2])
    second, _ = source.run(xs[2:], between)
    assert torch.equal(torch.cat([first, second]), whole)
    assert whole[:, 0].T.tolist() == [[1, 0, 1, 0, 1, 0], [0, 1, 0, 1, 0, 0]]


def test_bad_times_are_refused() -> None:
    for times, message in (
        ([], "times_ms is empty"),
        ([[-1.0]], "Neuron 0 has a spike at"),
        ([[], [math.nan]], "Neuron 1 has a spike at"),
        ([[2.0, 1.0]], "descend or share a step"),
        ([[1.01, 1.05]], "descend or share a step"),
    ):
        with pytest.raises(InvalidInput, match=message):
            SpikeSource(times, dt_ms=0.1)
