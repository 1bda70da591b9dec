"""Scores of activity against closed forms and against the cell that does the same."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from neurallayers.dynamics.neurons import LIF, LeakyIntegrator
from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName
from neurallayers.senses import DECODERS, first_spike, leaky_integral, spike_count

LAW = settings(max_examples=20, deadline=None, derandomize=True, database=None)


def spikes(steps: int, batch: int, n: int, seed: int = 0, rate: float = 0.2) -> Tensor:
    drawn = torch.rand(steps, batch, n, generator=torch.Generator().manual_seed(seed))
    return (drawn < rate).float()


def test_the_registry_knows_them_and_suggests() -> None:
    assert list(DECODERS) == ["first_spike", "leaky_integral", "spike_count"]
    assert torch.equal(DECODERS.make("spike_count", torch.ones(4, 1, 2)), torch.ones(1, 2))
    with pytest.raises(UnknownName, match="Did you mean 'spike_count'"):
        DECODERS.get("spike_cnt")


def test_the_spike_count_is_the_share_of_steps_with_a_spike() -> None:
    activity = torch.zeros(10, 2, 3)
    activity[:4, 0, 1] = 1
    assert torch.equal(spike_count(activity), torch.tensor([[0, 0.4, 0], [0, 0, 0]]))


@given(
    first=st.lists(st.integers(0, 12), min_size=2, max_size=6),
    steps=st.integers(1, 12),
    seed=st.integers(0, 99),
)
@LAW
def test_the_earlier_the_first_spike_the_higher_the_score(
    first: list[int], steps: int, seed: int
) -> None:
    """What a neuron does after its first spike does not matter; silence scores 0."""
    activity = spikes(steps, 1, len(first), seed, rate=0.5)
    for neuron, step in enumerate(first):
        activity[: min(step, steps), 0, neuron] = 0
        if step < steps:
            activity[step, 0, neuron] = 1
    expected = [1 - step / steps if step < steps else 0.0 for step in first]
    assert first_spike(activity)[0].tolist() == pytest.approx(expected, abs=1e-6)


def test_first_spikes_in_one_step_tie() -> None:
    activity = torch.zeros(5, 1, 3)
    activity[2:, 0, 0] = 1
    activity[2, 0, 2] = 1
    scores = first_spike(activity)[0]
    assert scores[0] == scores[2] > scores[1] == 0


@given(
    steps=st.integers(1, 60),
    tau_ms=st.floats(0.5, 200),
    dt_ms=st.floats(0.1, 2),
    seed=st.integers(0, 99),
)
@LAW
def test_the_leaky_integral_is_what_the_integrator_holds_at_the_end(
    steps: int, tau_ms: float, dt_ms: float, seed: int
) -> None:
    activity = spikes(steps, 2, 3, seed)
    cell = LeakyIntegrator(3, tau_ms=tau_ms, dt_ms=dt_ms)
    held = cell.run_reference(activity)[0][-1]
    assert torch.allclose(leaky_integral(activity, tau_ms=tau_ms, dt_ms=dt_ms), held, atol=1e-5)


def test_a_spike_weighs_less_the_longer_ago_it_was() -> None:
    activity = torch.eye(30)[:, None, :]
    scores = leaky_integral(activity, tau_ms=7.0, dt_ms=0.5)[0].double()
    ages = torch.arange(29, -1, -1, dtype=torch.float64)
    expected = (1 - math.exp(-0.5 / 7.0)) * torch.exp(-ages * 0.5 / 7.0)
    assert torch.allclose(scores, expected, rtol=1e-6)


@pytest.mark.parametrize("name", list(DECODERS))
def test_scores_have_one_row_a_row_and_rows_never_meet(name: str) -> None:
    decode = DECODERS.get(name)
    activity = spikes(20, 37, 11, seed=3)
    scores = decode(activity)
    assert scores.shape == (37, 11)
    for row in (0, 5, 36):
        assert torch.equal(decode(activity[:, row : row + 1])[0], scores[row])


@pytest.mark.parametrize("name", list(DECODERS))
def test_gradients_reach_the_weights_of_a_spiking_layer(name: str) -> None:
    inputs = torch.rand(15, 4, 6, generator=torch.Generator().manual_seed(1))
    weight = torch.full((6, 3), 0.8, requires_grad=True)
    activity, _ = LIF(3, tau_ms=5.0).run_reference(inputs @ weight)
    DECODERS.make(name, activity).sum().backward()
    assert weight.grad is not None
    assert weight.grad.isfinite().all()
    assert (weight.grad > 0).all()


@pytest.mark.parametrize("name", list(DECODERS))
def test_a_decoder_works_under_vmap(name: str) -> None:
    decode = DECODERS.get(name)
    groups = torch.stack([spikes(8, 2, 3, seed) for seed in range(4)])
    mapped = torch.func.vmap(decode)(groups)
    assert torch.allclose(mapped, torch.stack([decode(group) for group in groups]))


@pytest.mark.parametrize("name", list(DECODERS))
@pytest.mark.parametrize("shape", [(5, 3), (5, 2, 3, 1), (0, 2, 3)])
def test_activity_of_another_shape_is_refused(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeMismatch, match=r"\[time, batch, n\]"):
        DECODERS.make(name, torch.zeros(shape))


@pytest.mark.parametrize("options", [{"tau_ms": 0.0}, {"dt_ms": -1.0}, {"tau_ms": math.nan}])
def test_times_must_be_positive(options: dict[str, float]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(options))):
        leaky_integral(torch.ones(3, 1, 1), **options)
