"""A region runs its neurons and keeps their rates at the set points by their excitability."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from neurallayers.dynamics import LIF, RecurrentAdaptiveLIF
from neurallayers.errors import ShapeMismatch
from neurallayers.regions import Region, RegionState
from neurallayers.seeding import stream


def region(**options: float | bool) -> Region:
    """Four neurons whose set points are 0.2 spikes a step."""
    made = Region(LIF(4, tau_ms=2.0), **options)  # type: ignore[arg-type]
    made.set_point.fill_(0.2)
    return made


def frames(time: int = 7, batch: int = 3, n: int = 4) -> Tensor:
    return 2 * torch.rand(time, batch, n, generator=stream(0, "frames"))


def test_excitability_is_a_current_that_joins_the_input() -> None:
    part = region()
    state = part.initial_state(3)._replace(excitability=torch.full((3, 4), 0.7))
    spikes, _ = part.run(frames(), state)
    expected, _ = part.neurons.run(frames() + 0.7, None)
    assert spikes.sum() > 0
    assert torch.equal(spikes, expected)


def test_a_held_frame_is_the_same_as_its_copies() -> None:
    part, held = region(), frames(time=1)
    state = part.initial_state(3)._replace(excitability=torch.full((3, 4), 0.3))
    once, after = part.run(held, state, steps=7)
    copied, after_copies = part.run(held.expand(7, -1, -1), state)
    assert torch.equal(once, copied)
    assert torch.equal(after.neurons[0], after_copies.neurons[0])


@pytest.mark.parametrize("neurons", [LIF(4, tau_ms=2.0), RecurrentAdaptiveLIF(4, tau_ms=2.0)])
def test_a_run_is_a_loop_of_steps(neurons: LIF) -> None:
    part = Region(neurons)
    state = part.initial_state(3)._replace(excitability=torch.full((3, 4), 0.3))
    spikes, after = part.run(frames(), state)
    stepped, after_steps = part.run_reference(frames(), state)
    assert torch.equal(spikes, stepped)
    assert torch.allclose(after.neurons[0], after_steps.neurons[0], atol=1e-6)


def test_a_newborn_region_is_one_at_rest_without_excitability() -> None:
    part = region()
    spikes, after = part.run(frames())
    expected, expected_after = part.run(frames(), part.initial_state(3))
    assert torch.equal(spikes, expected)
    assert torch.equal(after.excitability, expected_after.excitability)
    assert torch.equal(after.mean_activity, torch.full((3, 4), 0.2))


def test_frames_of_another_shape_are_refused() -> None:
    with pytest.raises(ShapeMismatch, match=r"expected \[time, batch, 4\]"):
        region().run(torch.zeros(5, 1, 3))


def test_regulation_follows_its_equation() -> None:
    part = region(rate=0.5, strength=0.1, tolerance=0.05)
    state = part.initial_state(1)
    activity = torch.tensor([[0.0, 0.15, 0.2, 1.0]])
    after = part.regulate(state, activity)
    # mean = 0.2 + 0.5 (r - 0.2); the second and third stay within the tolerance.
    assert torch.allclose(after.mean_activity, torch.tensor([[0.1, 0.175, 0.2, 0.6]]))
    assert torch.allclose(after.excitability, torch.tensor([[0.01, 0.0, 0.0, -0.04]]))
    assert torch.equal(after.neurons[0], state.neurons[0])


@pytest.mark.parametrize("silenced", ["homeostasis off", "no set point"])
def test_nothing_is_regulated_without_a_set_point_or_homeostasis(silenced: str) -> None:
    part = region(homeostasis=silenced != "homeostasis off")
    if silenced == "no set point":
        part.set_point[2] = -1.0
    state = part.initial_state(1)
    assert part.regulate(state, torch.ones(1, 4)) is state


def test_rates_return_to_their_set_points_when_the_input_dims() -> None:
    part = region(rate=0.2, strength=0.2, tolerance=0.01)
    dim = torch.full((20, 1, 4), 0.9)  # below threshold: without help nobody fires
    state = part.initial_state(1)
    spikes, _ = part.run(dim, state)
    assert spikes.sum() == 0
    for _ in range(60):
        spikes, state = part.run(dim, part.rest(state))
        state = part.regulate(state, spikes.mean(0))
    assert spikes.mean(0).sub(0.2).abs().max() <= 0.05


def test_rest_clears_the_neurons_and_keeps_what_was_regulated() -> None:
    part = region()
    _, state = part.run(frames())
    lived = part.regulate(state, torch.ones(3, 4))
    rested = part.rest(lived)
    assert torch.equal(rested.neurons[0], torch.zeros(3, 4))
    assert torch.equal(rested.excitability, lived.excitability)
    assert torch.equal(rested.mean_activity, lived.mean_activity)


def test_rows_are_regulated_each_by_itself() -> None:
    part = region(rate=0.5)
    state = part.initial_state(2)
    both = part.regulate(state, torch.tensor([[1.0] * 4, [0.2] * 4]))
    assert both.excitability[0].abs().min() > 0
    assert torch.equal(both.excitability[1], torch.zeros(4))


def test_a_state_of_a_region_like_an_image_has_its_shape() -> None:
    part = Region(LIF((2, 3, 4)))
    state: RegionState = part.initial_state(5)
    assert state.excitability.shape == state.mean_activity.shape == (5, 2, 3, 4)
    spikes, _ = part.run(torch.ones(2, 5, 2, 3, 4), state)
    assert spikes.shape == (2, 5, 2, 3, 4)


def test_the_states_of_rows_share_no_memory() -> None:
    state = region().initial_state(2)
    state.mean_activity[0] += 1
    assert torch.equal(state.mean_activity[1], torch.full((4,), 0.2))
