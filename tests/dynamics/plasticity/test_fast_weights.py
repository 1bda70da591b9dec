"""The three-factor rule against its closed forms."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from neurallayers.dynamics.plasticity import PlasticLinear, PlasticLinearState
from neurallayers.errors import InvalidInput

LAW = settings(max_examples=20, deadline=None, derandomize=True, database=None)


def modulated(state: PlasticLinearState, *modulator: float) -> PlasticLinearState:
    return state._replace(modulator=torch.tensor(modulator).to(state.fast_weight))


def frames(steps: int, batch: int, seed: int = 0) -> Tensor:
    return torch.rand(steps, batch, 4, generator=torch.Generator().manual_seed(seed)).double()


def cell_of(**options: Any) -> PlasticLinear:
    return PlasticLinear(4, 3, **options).double()


def newborn(cell: PlasticLinear, batch: int = 1) -> PlasticLinearState:
    return PlasticLinearState(*(tensor.double() for tensor in cell.initial_state(batch)))


def test_the_output_is_that_of_slow_and_fast_weights_together() -> None:
    cell = cell_of()
    assert cell.bias is not None
    state = newborn(cell, 2)
    fast = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0)).double()
    x = frames(1, 2)[0]
    output, _ = cell(x, state._replace(fast_weight=fast))
    for row in range(2):
        expected = (cell.weight + fast[row]) @ x[row] + cell.bias
        assert torch.allclose(output[row], expected)


def test_without_a_modulator_nothing_is_learned_but_traces_are_kept() -> None:
    cell = cell_of()
    _, state = cell.run(frames(20, 1), newborn(cell))
    assert not state.fast_weight.any()
    assert state.eligibility.any()


@pytest.mark.parametrize(("tau_ms", "dt_ms"), [(50.0, 1.0), (20.0, 0.5)])
def test_the_trace_of_a_steady_activity_approaches_its_product(tau_ms: float, dt_ms: float) -> None:
    """E(t) = (1 - exp(-t/tau)) y ⊗ x, exactly on the grid."""
    cell = cell_of(tau_eligibility_ms=tau_ms, dt_ms=dt_ms)
    x = frames(1, 1)
    outputs, state = cell.run(x, newborn(cell), steps=30)
    product = outputs[-1, 0][:, None] * x[0, 0][None, :]
    expected = (1 - math.exp(-30 * dt_ms / tau_ms)) * product
    assert torch.allclose(state.eligibility[0], expected)


@pytest.mark.parametrize("delay", [0, 5, 40])
def test_a_late_reward_finds_what_the_trace_still_holds(delay: int) -> None:
    """Credit decays with exp(-delay/tau) after the activity that earned it."""
    cell = cell_of(learning_rate=0.1, tau_eligibility_ms=20.0, bias=False)
    _, state = cell.run(frames(3, 1), newborn(cell))
    earned = state.eligibility.clone()
    silence = torch.zeros(1, 1, 4).double()
    if delay:
        _, state = cell.run(silence, state, steps=delay)
    _, state = cell.run(silence, modulated(state, 1.0))
    assert torch.allclose(state.fast_weight, 0.1 * math.exp(-(delay + 1) / 20.0) * earned)


def test_punishment_unlearns_what_reward_learns() -> None:
    cell = cell_of(learning_rate=0.1)
    x = frames(1, 2)[0:1].expand(1, 2, 4)
    _, state = cell.run(x[:, :1].expand(1, 2, 4), modulated(newborn(cell, 2), 1.0, -1.0))
    assert torch.allclose(state.fast_weight[0], -state.fast_weight[1])
    assert state.fast_weight.any()


def test_learning_makes_a_response_to_the_same_input_stronger() -> None:
    """Hebb: cells that fire together wire together."""
    cell = cell_of(learning_rate=0.5)
    x = frames(1, 1)
    before, state = cell.run(x, modulated(newborn(cell), 1.0), steps=10)
    after, _ = cell.run(x, state)
    assert (after[0].abs() > before[0].abs()).all()
    assert (after[0] * before[0] > 0).all()


@given(
    seed=st.integers(0, 999),
    modulator=st.floats(-50, 50),
    learning_rate=st.floats(0, 10),
    bound=st.floats(0.01, 2),
)
@LAW
def test_homeostasis_bounds_the_fast_weights_whatever_happens(
    seed: int, modulator: float, learning_rate: float, bound: float
) -> None:
    cell = cell_of(learning_rate=learning_rate, bound=bound)
    _, state = cell.run(frames(30, 1, seed) * 10, modulated(newborn(cell), modulator))
    assert state.fast_weight.isfinite().all()
    assert state.fast_weight.abs().max() <= bound


def test_individuals_learn_apart() -> None:
    cell = cell_of(learning_rate=0.5)
    _, state = cell.run(frames(5, 3), modulated(newborn(cell, 3), 0.0, 1.0, 0.0))
    learned = state.fast_weight.flatten(1).any(1)
    assert learned.tolist() == [False, True, False]


def test_rest_keeps_what_was_learned_and_nothing_else() -> None:
    cell = cell_of(learning_rate=0.5)
    _, state = cell.run(frames(5, 1), modulated(newborn(cell), 1.0))
    rested = cell.rest(state)
    assert torch.equal(rested.fast_weight, state.fast_weight)
    assert not rested.eligibility.any()
    assert not rested.modulator.any()


def test_training_can_shape_how_a_life_learns() -> None:
    """Gradients reach the slow weights through the fast ones that they helped to make."""
    cell = cell_of(learning_rate=0.5)
    xs = frames(4, 1)
    _, state = cell.run(xs, modulated(newborn(cell), 1.0))
    (through_life,) = torch.autograd.grad(state.fast_weight.sum(), cell.weight)
    assert (through_life != 0).all()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"dt_ms": 0.0}, "dt_ms is 0"),
        ({"tau_eligibility_ms": -1.0}, "tau_eligibility_ms is -1"),
        ({"bound": 0.0}, "bound is 0"),
        ({"learning_rate": math.nan}, "learning_rate is nan"),
        ({"learning_rate": math.inf}, "learning_rate is inf"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, float], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        PlasticLinear(4, 3, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("sizes", [(0, 3), (4, 0)])
def test_a_size_below_one_is_refused(sizes: tuple[int, int]) -> None:
    with pytest.raises(InvalidInput, match="at least 1"):
        PlasticLinear(*sizes)
