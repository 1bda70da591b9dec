"""Individuals at rest, put together from what survives rest, are the ones that rest gives."""

from __future__ import annotations

import pytest
import torch
from tests.brain.individuals import bits, looped_spec, pictures, small_spec

from neurallayers.brain import BrainNetwork, BrainSpec, Life, live, think
from neurallayers.brain.entry import Entry
from neurallayers.brain.presets import PRESETS, preset
from neurallayers.brain.resting import Resting
from neurallayers.errors import InvalidInput
from neurallayers.state import gather, stack, tensors

SPECS: dict[str, BrainSpec] = {
    **{name: preset(name, image_shape=(8, 8), duration_ms=4.0) for name in PRESETS},
    "small": small_spec(),
    **{f"looped {encoder}": looped_spec(encoder) for encoder in ("current", "poisson", "delta")},
}


def lived(network: BrainNetwork, seed: int, classes: int = 1) -> Life:
    """Somebody in the middle of activity who has learned and is regulated."""
    life = Life.begin(network, seed)
    images = pictures(classes + 2, network, seed)
    told: list[tuple[str, dict[str, object]]] = [
        *(("lesson", {"target": f"class {i}"}) for i in range(classes)),
        ("reward", {"reward": 0.5}),
        ("stimulus", {}),
    ]
    for i, (kind, content) in enumerate(told):
        life, _ = live(network, life, Entry(i + 1, kind, content, {"stimulus": images[i]}))
    return life


@pytest.mark.parametrize("name", list(SPECS))
def test_together_is_rest_of_all_states_to_the_bit(name: str) -> None:
    network = BrainNetwork(SPECS[name], seed=2)
    resting = Resting(network)
    states = [lived(network, seed).state for seed in range(3)]
    together = resting.together([resting.lasting(state) for state in states])
    assert bits(gather(together, [0, 1, 2])) == bits(network.rest(stack(states)))
    # They were not at rest before, or there would be nothing to show.
    assert bits(stack(states)) != bits(network.rest(stack(states)))


@pytest.mark.parametrize(("rows", "padded"), [(1, 16), (15, 16), (16, 16), (17, 32)])
def test_rows_come_in_whole_tiles_filled_with_the_first(rows: int, padded: int) -> None:
    network = BrainNetwork(small_spec())
    resting = Resting(network)
    states = [lived(network, seed).state for seed in range(2)] + [network.initial_state(1)] * 15
    together = resting.together([resting.lasting(state) for state in states[:rows]])
    assert {len(tensor) for tensor in tensors(together)} == {padded}
    first = network.rest(states[0])
    for row in range(rows, padded):
        assert bits(gather(together, [row])) == bits(first)
    assert bits(gather(together, list(range(rows)))) == bits(network.rest(stack(states[:rows])))


def test_individuals_that_grew_are_together_with_their_kind() -> None:
    network = BrainNetwork(small_spec())
    resting = Resting(network)
    states = [lived(network, seed, classes=4).state for seed in range(2)]
    assert states[0].readout.known.shape[-1] == 8
    together = resting.together([resting.lasting(state) for state in states])
    assert bits(gather(together, [0, 1])) == bits(network.rest(stack(states)))


def test_what_they_think_together_is_what_each_thinks() -> None:
    network = BrainNetwork(small_spec())
    resting = Resting(network)
    states = [lived(network, seed).state for seed in range(3)]
    images = pictures(16, network, seed=9)
    together = think(network, resting.together([resting.lasting(one) for one in states]), images)
    for row, state in enumerate(states):
        alone = think(network, state, images[row : row + 1])
        assert torch.equal(together.scores[row], alone.scores[0])
        assert bits(together.state_of(row)) == bits(alone.state)


def test_only_what_survives_is_kept_and_it_is_not_copied() -> None:
    network = BrainNetwork(small_spec())
    state = lived(network, 0).state
    kept = Resting(network).lasting(state)
    addresses = {tensor.data_ptr() for tensor in kept}
    assert state.readout.fast_weight.data_ptr() in addresses
    assert state.regions["sensory"].excitability.data_ptr() in addresses
    assert state.readout.trace.data_ptr() not in addresses
    assert 0 < len(kept) < len(tensors(state))


def test_thinking_leaves_those_who_rest_as_they_were() -> None:
    network = BrainNetwork(small_spec())
    resting = Resting(network)
    kept = resting.lasting(lived(network, 0).state)
    before = [tensor.clone() for tensor in kept]
    for _ in range(2):
        think(network, resting.together([kept]), pictures(16, network))
    assert all(torch.equal(one, other) for one, other in zip(kept, before, strict=True))


def test_nobody_cannot_be_put_together() -> None:
    with pytest.raises(InvalidInput, match="no individual"):
        Resting(BrainNetwork(small_spec())).together([])
