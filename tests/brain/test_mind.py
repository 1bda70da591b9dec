"""A mind is a value: its names, its sizes, and keys that find stimuli again."""

from __future__ import annotations

import torch
from tests.brain.happenings import IMAGES, NETWORK, lesson, live_all
from tests.brain.individuals import small_network

from neurallayers.brain import BrainNetwork, MemorySpec, think
from neurallayers.brain.mind import row_of
from neurallayers.memory.keys import cosine_similarity
from neurallayers.state import batch_size, stack


def test_sizes_are_those_of_the_spec() -> None:
    spec = NETWORK.spec.model_copy(
        update={"memory": MemorySpec(episodes=3, key_size=16, working=2, concepts=5)}
    )
    state = BrainNetwork(spec).faculties.newborn().state
    assert state.episodes.keys.shape == (1, 3, 16)
    assert state.episodes.content.shape == (1, 3, 4, 4, 1)
    assert state.working.items.shape == (1, 2, 16)
    assert state.concepts.mean.shape == (1, 5, 16)


def test_the_usual_memory_leaves_the_fingerprint_as_it_was() -> None:
    assert "memory" not in NETWORK.spec.to_dict()
    other = NETWORK.spec.model_copy(update={"memory": MemorySpec(episodes=3)})
    assert other.to_dict()["memory"]["episodes"] == 3
    assert type(NETWORK.spec).from_dict(other.to_dict()) == other
    assert BrainNetwork(other).fingerprint() != small_network().fingerprint()


def test_names_have_numbers_and_forgotten_ones_leave_theirs() -> None:
    mind = NETWORK.faculties.newborn().naming(["a", None, "b", "a"])
    assert mind.names == ("a", "b")
    assert (mind.number("b"), mind.number("c"), mind.number(None)) == (1, -1, -1)
    assert (mind.name(0), mind.name(-1), mind.name(5)) == ("a", None, None)
    assert mind.tidied().names == ()


def test_only_names_that_a_memory_uses_are_kept() -> None:
    life = live_all(NETWORK, [lesson(1, "a", IMAGES[0]), lesson(2, "b", IMAGES[1])])
    mind = life.mind.naming(["lab"])
    assert mind.tidied().names == ("a", "b")
    assert mind.naming(["x"]).names == ("a", "b", "lab", "x")


def test_keys_keep_the_angles_between_what_the_read_out_received() -> None:
    stimuli = torch.stack(IMAGES[:8]) if isinstance(IMAGES, list) else IMAGES[:8]
    features = think(NETWORK, NETWORK.initial_state(1), stimuli).features
    centred = features - NETWORK.readout.mean
    keys = NETWORK.faculties.keys(NETWORK, features)
    exact = cosine_similarity(centred[None], centred[:1])
    found = cosine_similarity(keys[None], keys[:1])
    # 128 random directions: an error of about 1 / sqrt(128) = 0.09.
    assert torch.allclose(found, exact, atol=0.3)
    assert found[0, 0] == 1.0


def test_a_key_has_the_same_bits_in_any_company() -> None:
    stimuli = torch.stack(list(IMAGES[:9]))
    features = think(NETWORK, NETWORK.initial_state(1), stimuli).features
    together = NETWORK.faculties.keys(NETWORK, features)
    alone = [NETWORK.faculties.keys(NETWORK, features[i : i + 1]) for i in range(9)]
    assert torch.equal(together, torch.cat(alone))


def test_minds_stack_and_come_apart() -> None:
    life = live_all(NETWORK, [lesson(1, "a", IMAGES[0])])
    whole = stack([life.mind.state, NETWORK.faculties.newborn().state])
    assert batch_size(whole) == 2
    assert torch.equal(row_of(whole, 0).episodes.keys, life.mind.state.episodes.keys)
    assert life.mind.held == 1
