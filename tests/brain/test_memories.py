"""The view of a brain's memory: what is there, what comes to mind, what is forgotten."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.brain.happenings import IMAGES
from tests.brain.individuals import small_network

from neurallayers.brain import Brain, MemorySpec
from neurallayers.errors import InvalidInput

# One to which almost everything is new, as its few neurons answer alike to any noise.
NETWORK = small_network(memory=MemorySpec(novelty=0.01))


@pytest.fixture
def brain() -> Brain:
    brain = Brain(NETWORK)
    brain.learn(IMAGES[0], "square", who="Ada", where="lab")
    brain.learn(IMAGES[1], "circle", who="Bob", when=1000)
    brain.process(IMAGES[2], stateful=True, where="field")
    return brain


def test_memories_are_listed_in_the_order_in_which_they_were_made(brain: Brain) -> None:
    assert [episode.what for episode in brain.memory] == ["square", "circle", None]
    assert [episode.where for episode in brain.memory] == ["lab", None, "field"]
    assert len(brain.memory) == 3
    assert repr(brain.memory) == "Memories(3 episodes, 0 concepts, 3 in mind)"


def test_like_stimuli_bring_them_back(brain: Brain) -> None:
    (best,) = brain.memory.recall(IMAGES[1], most=1)
    assert (best.what, best.who, best.when) == ("circle", "Bob", 1000)
    assert brain.process(IMAGES[1]).recalled[0] == brain.memory.recall(IMAGES[1])[0]


def test_pictures_can_be_seen_again(brain: Brain) -> None:
    seen = brain.memory.picture(2)
    assert seen.shape == (4, 4, 1)
    assert np.allclose(seen, IMAGES[1].numpy(), atol=0.5 / 255.0)
    with pytest.raises(InvalidInput, match="entry 9"):
        brain.memory.picture(9)


def test_what_is_in_mind_fades_with_what_comes_after(brain: Brain) -> None:
    held = brain.memory.in_mind()
    assert [one.recollection.entry for one in held if one.recollection] == [3, 2, 1]
    assert held[0].strength == 1.0
    assert held[2].strength == pytest.approx(np.exp(-2 * 8.0 / 200.0), rel=1e-5)


def test_sleep_makes_concepts_that_keep_their_names(brain: Brain) -> None:
    brain.sleep()
    named = {concept.what for concept in brain.memory.concepts()}
    assert {"square", "circle"} <= named
    assert brain.memory.in_mind() == ()
    brain.forget_class("square")
    assert "square" not in {concept.what for concept in brain.memory.concepts()}
    assert "square" not in {episode.what for episode in brain.memory}


def test_forgetting_by_source_content_and_time(brain: Brain) -> None:
    assert brain.memory.forget(who="Ada") == (1,)
    assert brain.memory.forget(like=IMAGES[2]) == (3,)
    assert brain.memory.forget(first=999, last=1001) == (2,)
    assert len(brain.memory) == 0
    assert brain.process(IMAGES[0]).recalled == ()


def test_memories_live_in_the_folder_and_in_the_file(brain: Brain, tmp_path: Path) -> None:
    loaded = Brain.load(brain.save(tmp_path / "a.brain"))
    assert list(loaded.memory) == list(brain.memory)
    with Brain.open(tmp_path / "home", NETWORK) as lives:
        lives.learn(IMAGES[0], "square", who="Ada", pinned=True)
        lives.sleep()
        lives.memory.forget(who="Bob")
        before = list(lives.memory), lives.memory.concepts(), lives.life.mind.names
    with Brain.open(tmp_path / "home") as again:
        assert (list(again.memory), again.memory.concepts(), again.life.mind.names) == before
        again.forget(1)
        assert len(again.memory) == 0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "Nothing says"),
        ({"who": ""}, "who is"),
        ({"first": 5, "last": 4}, "first is 5"),
        ({"what": "a", "clock": "noon"}, "clock is 'noon'"),
        ({"like": torch.zeros(4, 4), "likeness": 2.0}, "likeness is 2.0"),
        ({"like": torch.zeros(3, 3)}, "3"),
    ],
)
def test_what_names_no_episodes_is_refused(
    brain: Brain, given: dict[str, object], words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        brain.memory.forget(**given)  # type: ignore[arg-type]
    assert len(brain.memory) == 3


def test_circumstances_need_a_stimulus_that_is_lived_through(brain: Brain) -> None:
    with pytest.raises(InvalidInput, match=r"who would be forgotten.*stateful=True"):
        brain.process(IMAGES[0], who="Ada")
