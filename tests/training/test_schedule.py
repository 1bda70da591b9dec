from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neurallayers.errors import InvalidInput
from neurallayers.training.schedule import pace

SCHEDULES = ("constant", "cosine", "one_cycle", "step")


def optimizer():
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1, momentum=0.9)


def steps_of(scheduler, steps):
    """Learning rate and momentum at each step, as a scheduler of torch sets them."""
    group, seen = scheduler.optimizer.param_groups[0], []
    for step in range(steps):
        seen.append((group["lr"], group["momentum"]))
        scheduler.optimizer.step()
        if step + 1 < steps:
            scheduler.step()
    return seen


@given(steps=st.integers(10, 60), warmup=st.sampled_from([0.1, 0.2, 0.3, 0.5]))
def test_one_cycle_is_that_of_torch(steps, warmup):
    if warmup * steps <= 1:
        return
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer(), 0.1, total_steps=steps, pct_start=warmup
    )
    ours = [pace("one_cycle", step, steps, 0.1, warmup) for step in range(steps)]
    for (rate, momentum), theirs in zip(ours, steps_of(scheduler, steps), strict=True):
        assert (rate, momentum) == pytest.approx(theirs, rel=1e-9)


def test_cosine_is_that_of_torch():
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer(), T_max=40)
    ours = [pace("cosine", step, 40, 0.1, 0.0).learning_rate for step in range(40)]
    assert ours == pytest.approx([rate for rate, _ in steps_of(scheduler, 40)], rel=1e-9)


def test_step_falls_to_a_tenth_and_a_hundredth():
    rates = [pace("step", step, 8, 1.0, 0.0).learning_rate for step in range(8)]
    assert rates == [1.0, 1.0, 1.0, 1.0, 0.1, 0.1, 0.01, 0.01]


def test_constant_stays():
    assert {pace("constant", step, 7, 0.3, 0.0).learning_rate for step in range(7)} == {0.3}


@given(
    name=st.sampled_from(SCHEDULES),
    steps=st.integers(1, 200),
    warmup=st.floats(0.0, 0.9),
    rate=st.floats(1e-6, 1.0),
)
def test_every_rate_is_positive_and_none_above_the_highest(name, steps, warmup, rate):
    for step in range(steps):
        now = pace(name, step, steps, rate, warmup)
        assert 0 < now.learning_rate <= rate * (1 + 1e-12)
        assert now.momentum is None or 0.85 <= now.momentum <= 0.95


@pytest.mark.parametrize("name", SCHEDULES)
def test_it_rises_while_it_warms_up_and_then_never_again(name):
    rates = [pace(name, step, 100, 1.0, 0.3).learning_rate for step in range(100)]
    top = rates.index(max(rates))
    assert 29 <= top <= 30
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[0] == pytest.approx(1 / 25)


@pytest.mark.parametrize("step", [-1, 10])
def test_a_step_outside_the_run_is_refused(step):
    with pytest.raises(InvalidInput, match=f"step is {step} of 10"):
        pace("constant", step, 10, 0.1, 0.0)
