"""A row keeps its bits alone, in any company, in any place and in any size of batch."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.brain.conftest import Trained
from tests.brain.individuals import ADAPTIVE, FAST, bits, pictures, random_life, small_network
from torch import Tensor

from neurallayers.brain import (
    BrainNetwork,
    ReadoutSpec,
    RegionSpec,
    SenseSpec,
    preset,
    teach,
    think,
)
from neurallayers.brain.exactness import (
    TILE,
    numeric_platform,
    one_thread,
    pad_rows,
    padded,
    self_check,
)
from neurallayers.seeding import stream
from neurallayers.state import NoState, gather

NANO = BrainNetwork(preset("hasn-nano"))
IMAGES = pictures(300, NANO)
STATES = random_life(NANO, 300)
WHOLE = think(NANO, STATES, IMAGES)


@given(st.integers(0, 299), st.integers(1, 300))
@settings(max_examples=12, deadline=None)
def test_rows_keep_their_bits_in_any_batch(first: int, size: int) -> None:
    rows = [(first + i) % 300 for i in range(size)]
    part = think(NANO, gather(STATES, rows), IMAGES[rows])
    assert torch.equal(part.potentials, WHOLE.potentials[:, rows])
    assert torch.equal(part.features, WHOLE.features[rows])


@pytest.mark.parametrize("size", [1, 2, 15, 16, 17, 255, 256, 257, 300])
def test_rows_keep_their_bits_at_the_edges_of_tiles(size: int) -> None:
    part = think(NANO, gather(STATES, range(size)), IMAGES[:size])
    assert torch.equal(part.potentials, WHOLE.potentials[:, :size])


def test_rows_keep_their_bits_when_shuffled() -> None:
    order = torch.randperm(300, generator=stream(0, "order"))
    shuffled = think(NANO, gather(STATES, order), IMAGES[order])
    assert torch.equal(shuffled.potentials, WHOLE.potentials[:, order])


def test_a_row_keeps_its_bits_whatever_its_neighbours_are() -> None:
    others = torch.zeros_like(IMAGES)
    others[150] = IMAGES[150]
    part = think(NANO, STATES, others)
    assert torch.equal(part.potentials[:, 150], WHOLE.potentials[:, 150])


def test_convolutions_keep_the_bits_too() -> None:
    network = BrainNetwork(preset("hasn-micro-conv", image_shape=(12, 12)))
    images, state = pictures(33, network), network.initial_state(1)
    whole = think(network, state, images)
    for rows in ([32], [5, 4], list(range(17))):
        part = think(network, state, images[rows])
        assert torch.equal(part.potentials, whole.potentials[:, rows])


def test_a_tile_is_filled_with_its_first_row() -> None:
    assert [padded(rows) for rows in (1, 15, 16, 17, 300)] == [16, 16, 16, 32, 304]
    whole = torch.arange(16.0)
    assert pad_rows(whole) is whole
    filled = pad_rows({"a": torch.tensor([[1.0], [2.0]]), "b": torch.tensor([7, 8])})
    assert filled["a"][:, 0].tolist() == [1.0, 2.0] + [1.0] * (TILE - 2)
    assert filled["b"].tolist() == [7, 8] + [7] * (TILE - 2)


def test_one_thread_is_one_and_then_as_many_as_before() -> None:
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            with one_thread(), one_thread():
                assert torch.get_num_threads() == 1
            assert torch.get_num_threads() == threads
            with pytest.raises(RuntimeError, match="by us"), one_thread():
                raise RuntimeError("by us")
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


def test_the_self_check_holds_here(trained: Trained) -> None:
    from neurallayers.brain import Brain

    assert Brain(trained.network).self_check()
    assert Brain(small_network()).self_check()


@pytest.mark.parametrize("mixing", ["company", "place", "size"])
def test_the_self_check_sees_rows_that_meet(mixing: str) -> None:
    def step(stimuli: Tensor, state: NoState) -> Tensor:
        if mixing == "company":
            return stimuli + 1e-7 * stimuli.mean()
        if mixing == "place":
            return stimuli + torch.arange(len(stimuli))[:, None]
        return stimuli + len(stimuli)

    images = torch.rand(33, 2, generator=stream(0, "images"))
    assert not self_check(step, images, NoState())
    assert self_check(lambda stimuli, state: 2 * stimuli, images, NoState())


def test_the_platform_says_what_the_last_bits_depend_on() -> None:
    found = numeric_platform()
    assert set(found) == {"machine", "cpu_capability", "torch", "kernels", "dtype"}
    assert all(isinstance(value, str) and value for value in found.values())
    assert "+" not in found["torch"]


@pytest.mark.parametrize(
    ("sensory", "cerebrum", "labels", "capacity", "side"),
    [(12, 6, 2, 4, 4), (31, 9, 3, 10, 5), (100, 50, 10, 16, 8), (7, 5, 2, 2, 3)],
)
def test_rows_keep_their_bits_whatever_the_sizes(
    sensory: int, cerebrum: int, labels: int, capacity: int, side: int
) -> None:
    network = small_network(
        sense=SenseSpec(shape=(side, side), duration_ms=8.0),
        regions=(
            RegionSpec(name="sensory", shape=(sensory,), neurons=FAST),
            RegionSpec(name="cerebrum", shape=(cerebrum,), neurons=ADAPTIVE),
        ),
        readout=ReadoutSpec(
            sources=("sensory", "cerebrum"),
            labels=tuple(str(i) for i in range(labels)),
            capacity=capacity,
        ),
    )
    features = network.perceive(pictures(200, network)).features.detach()
    network.calibrate(features, torch.arange(200) % labels)
    state, images, targets = (
        random_life(network, 70),
        pictures(70, network),
        torch.arange(70) % capacity,
    )
    whole, _ = teach(network, state, images, targets)
    for row in (0, 1, 7, 15, 16, 17, 33, 69):
        alone, _ = teach(network, gather(state, [row]), images[[row]], targets[[row]])
        assert bits(alone.state) == bits(gather(whole.state, [row]))
        assert torch.equal(alone.potentials[:, 0], whole.potentials[:, row])
