"""Thinking and learning of many individuals at once is that of each alone, bit for bit."""

from __future__ import annotations

import pytest
import torch
from tests.brain.conftest import Trained
from tests.brain.individuals import bits, looped_spec, pictures, random_life, small_network
from torch import Tensor

from neurallayers.brain import BrainNetwork, experience, reinforce, teach, think
from neurallayers.brain.network import BrainState
from neurallayers.brain.thinking import ROWS_AT_ONCE
from neurallayers.dynamics import LessonTrace
from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.seeding import stream
from neurallayers.state import gather

NETWORK = small_network()
MANY = 1000


def regulated_network() -> BrainNetwork:
    network = small_network()
    network.set_rate_targets(
        {"sensory": torch.full((16,), 0.2), "cerebrum": torch.full((16,), 0.2)}
    )
    return network


def test_a_thousand_lessons_at_once_are_a_thousand_lessons() -> None:
    network = regulated_network()
    state, images = random_life(network, MANY), pictures(MANY, network)
    targets = torch.randint(0, 4, (MANY,), generator=stream(0, "targets"))
    together, written = teach(network, state, images, targets)
    assert written.key.shape == (MANY, 32)
    sample = [0, 1, 254, 255, 256, 257, 511, 512, 998, 999]
    for row in sample:
        alone, lesson = teach(network, gather(state, [row]), images[[row]], targets[[row]])
        assert bits(alone.state) == bits(gather(together.state, [row]))
        assert bits(lesson) == bits(gather(written, [row]))
        assert torch.equal(alone.scores, together.scores[[row]])


def test_lessons_by_reward_are_those_of_each_alone() -> None:
    state, images = random_life(NETWORK, 40), pictures(40, NETWORK)
    rewards = torch.randn(40, generator=stream(0, "rewards"))
    together, written = reinforce(NETWORK, state, images, rewards)
    for row in (0, 15, 16, 39):
        alone, lesson = reinforce(NETWORK, gather(state, [row]), images[[row]], rewards[[row]])
        assert bits(alone.state) == bits(gather(together.state, [row]))
        assert bits(lesson) == bits(gather(written, [row]))


def test_a_lesson_moves_its_own_row_only() -> None:
    state, images = random_life(NETWORK, 3), pictures(3, NETWORK)
    _, one = teach(NETWORK, state, images, torch.tensor([0, 1, 2]))
    other_images = images.clone()
    other_images[1:] = 0
    _, other = teach(NETWORK, state, other_images, torch.tensor([0, 3, 3]))
    assert torch.equal(one.coefficient[0], other.coefficient[0])
    assert torch.equal(one.key[0], other.key[0])


def test_thinking_changes_no_state_and_begins_from_rest() -> None:
    images = pictures(2, NETWORK)
    lived = experience(NETWORK, NETWORK.initial_state(2), pictures(2, NETWORK, seed=1)).state
    before = bits(lived)
    rested = think(NETWORK, NETWORK.rest(lived), images)
    assert torch.equal(think(NETWORK, lived, images).potentials, rested.potentials)
    carried = think(NETWORK, lived, images, carry_over=True)
    assert not torch.equal(carried.potentials, rested.potentials)
    assert bits(lived) == before


def test_one_state_serves_all_stimuli() -> None:
    state, images = random_life(NETWORK, 1), pictures(20, NETWORK)
    shared = think(NETWORK, state, images)
    own = think(NETWORK, gather(state, [0] * 20), images)
    assert torch.equal(shared.potentials, own.potentials)
    assert bits(shared.state) == bits(own.state)


def test_an_experience_goes_on_from_the_one_before() -> None:
    network = BrainNetwork(looped_spec("poisson", rate_hz=800.0))
    images = pictures(3, network)
    first = experience(network, network.initial_state(3), images)
    second = experience(network, first.state, images)
    assert first.state.sense.counter.tolist() == [9, 9, 9]
    assert second.state.sense.counter.tolist() == [18, 18, 18]
    assert not torch.equal(first.potentials, second.potentials)


@pytest.mark.parametrize("lives", ["experience", "teach", "reinforce"])
def test_homeostasis_follows_what_is_lived_through(lives: str) -> None:
    network = regulated_network()
    state, images = network.initial_state(2), pictures(2, network)
    after: BrainState = {
        "experience": lambda: experience(network, state, images).state,
        "teach": lambda: teach(network, state, images, torch.tensor([0, 1]))[0].state,
        "reinforce": lambda: reinforce(network, state, images, torch.ones(2))[0].state,
    }[lives]()
    thought = think(network, state, images)
    rate = thought.spikes["sensory"].float().mean(0)
    expected = 0.2 + 0.05 * (rate - 0.2)
    assert torch.allclose(after.regions["sensory"].mean_activity, expected, atol=1e-6)
    assert bits(thought.state.regions["sensory"].mean_activity) == bits(
        state.regions["sensory"].mean_activity
    )


def test_free_slots_never_win() -> None:
    thought = think(NETWORK, random_life(NETWORK, 5), pictures(5, NETWORK))
    assert torch.equal(thought.scores.isinf(), torch.tensor([[False, False, True, True]] * 5))
    assert thought.potentials.shape == (8, 5, 4)
    assert thought.spikes["cerebrum"].shape == (8, 5, 16)
    assert thought.spikes["cerebrum"].dtype is torch.bool


def test_a_lesson_makes_the_margin_of_its_class(trained: Trained) -> None:
    network, images = trained.network, trained.images[:40].unsqueeze(-1)
    targets = (trained.labels[:40] + 3) % 8  # mostly wrong, so that there is something to learn
    state = gather(network.initial_state(1), [0] * 40)
    learned, lesson = teach(network, state, images, targets)
    # Homeostasis moves the neurons after the lesson; the lesson itself is judged without it.
    state = learned.state._replace(regions=state.regions)
    scores = think(network, state, images).scores
    own = scores.gather(1, targets[:, None])[:, 0]
    rivals = scores.scatter(1, targets[:, None], -torch.inf).amax(1)
    changed = lesson.coefficient.abs().sum(1) > 0
    assert changed.sum() > 30
    assert bool((own > rivals)[changed].all())


def test_what_a_state_holds_is_its_own() -> None:
    thought = think(NETWORK, NETWORK.initial_state(1), pictures(2, NETWORK))
    rows = gather(thought.state, [0])
    before = bits(rows)
    thought.state.readout.fast_weight.add_(1)
    assert bits(rows) == before
    for tensor in thought.state.readout:
        assert tensor.untyped_storage().nbytes() == tensor.nbytes


@pytest.mark.parametrize(("states", "stimuli"), [(2, 3), (3, 1), (1, 0)])
def test_states_that_do_not_fit_the_stimuli_are_refused(states: int, stimuli: int) -> None:
    images = pictures(max(stimuli, 1), NETWORK)[:stimuli]
    with pytest.raises(ShapeMismatch, match=f"{states} states for {stimuli} stimuli"):
        think(NETWORK, NETWORK.initial_state(states), images)


@pytest.mark.parametrize(
    ("states", "feedback"), [(1, torch.zeros(2)), (2, torch.zeros(3)), (2, torch.zeros(1))]
)
def test_a_lesson_needs_one_of_each(states: int, feedback: Tensor) -> None:
    with pytest.raises(ShapeMismatch, match="A lesson needs one of each"):
        teach(NETWORK, NETWORK.initial_state(states), pictures(2, NETWORK), feedback.long())
    with pytest.raises(ShapeMismatch, match="A lesson needs one of each"):
        reinforce(NETWORK, NETWORK.initial_state(states), pictures(2, NETWORK), feedback)


def test_a_slot_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidInput, match="Slots go from 0 to 3"):
        teach(NETWORK, NETWORK.initial_state(1), pictures(1, NETWORK), torch.tensor([4]))


def test_large_batches_are_computed_in_parts_and_come_back_in_order() -> None:
    count = ROWS_AT_ONCE + 5
    images = pictures(count, NETWORK)
    targets = torch.arange(count) % 4
    learned, written = teach(
        NETWORK, gather(NETWORK.initial_state(1), [0] * count), images, targets
    )
    assert isinstance(written, LessonTrace)
    assert torch.equal(learned.state.readout.lessons.argmax(1), targets)
    assert len(written.coefficient) == len(learned.scores) == count
