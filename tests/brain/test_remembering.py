"""What is kept of what happens, what comes back, and what is forgotten."""

from __future__ import annotations

import math

import pytest
import torch
from tests.brain.happenings import IMAGES, NETWORK, entry_of, lesson, live_all

from neurallayers.brain import Life, think
from neurallayers.brain.entry import Entry
from neurallayers.brain.remembering import (
    LARGEST_SURPRISE_BITS,
    Selection,
    all_episodes,
    forget,
    recall,
    recollect,
)
from neurallayers.errors import InvalidInput

FACULTIES = NETWORK.faculties


def told(number: int, target: str, **context: object) -> Entry:
    return Entry(
        number, "lesson", {"target": target, "context": context}, {"stimulus": IMAGES[number]}
    )


@pytest.fixture(scope="module")
def life() -> Life:
    return live_all(
        NETWORK,
        [
            told(1, "a", who="Ada", where="lab", when=100),
            told(2, "b", who="Bob", when=200),
            told(3, "c", who="Ada", when=300),
        ],
    )


def test_lessons_are_kept_with_their_circumstances(life: Life) -> None:
    first, second, third = (episode for _, episode in all_episodes(life.mind))
    assert (first.entry, first.what, first.where, first.who, first.when) == (
        1,
        "a",
        "lab",
        "Ada",
        100,
    )
    assert (second.where, second.who) == (None, "Bob")
    assert third.surprise_bits == LARGEST_SURPRISE_BITS  # a class that it had never heard of
    assert third.importance > 0.75


def test_surprise_is_what_the_answer_had_left_for_it() -> None:
    before = Life.begin(NETWORK)
    thinking = think(NETWORK, before.state, IMAGES[1][None])
    shares = thinking.scores[0, :2].double().softmax(0)
    after = live_all(NETWORK, [told(1, "b")])
    ((_, episode),) = all_episodes(after.mind)
    assert episode.surprise_bits == pytest.approx(-math.log2(float(shares[1])), rel=1e-5)


def test_an_ordinary_stimulus_is_not_kept_and_a_new_one_is() -> None:
    entries = [entry_of(i + 1, ("stimulus", {}, 4)) for i in range(3)]
    assert [e.entry for _, e in all_episodes(live_all(NETWORK, entries).mind)] == [1]


def test_what_is_like_the_present_comes_to_mind(life: Life) -> None:
    thinking = think(NETWORK, life.state, IMAGES[2][None])
    best = recollect(NETWORK, {0: life.mind}, thinking)[0][0]
    assert (best.entry, best.what) == (2, "b")
    assert best.likeness == pytest.approx(1.0, abs=1e-4)
    assert "'b', told by Bob" in str(best)
    assert recollect(NETWORK, {0: Life.begin(NETWORK).mind}, thinking) == {}


def test_what_comes_to_mind_is_what_episodic_memory_recalls(life: Life) -> None:
    for image in IMAGES[:6]:
        key = FACULTIES.keys(NETWORK, think(NETWORK, life.state, image[None]).features)
        expected = FACULTIES.episodic.recall(life.mind.state.episodes, key, most=3)
        found = recall(FACULTIES, life.mind, key)
        assert [one.entry for one in found] == expected.entries[0].tolist()
        assert [one.weight for one in found] == pytest.approx(
            expected.weights[0].tolist(), abs=1e-5
        )
        similarity = expected.similarity[0].tolist()
        assert [one.likeness for one in found] == pytest.approx(similarity, abs=1e-6)
    with pytest.raises(InvalidInput, match="most is 0"):
        recall(FACULTIES, life.mind, key, 0)


@pytest.mark.parametrize(
    ("selection", "left"),
    [
        (Selection(who="Ada"), [2]),
        (Selection(where="lab"), [2, 3]),
        (Selection(what="b"), [1, 3]),
        (Selection(first=200), [1]),
        (Selection(last=2, clock="entry"), [3]),
        (Selection(who="Ada", first=150, last=400), [1, 2]),
        (Selection(who="nobody"), [1, 2, 3]),
        (Selection(what="a", who="Bob"), [1, 2, 3]),
    ],
)
def test_all_that_is_given_must_hold_to_be_forgotten(
    life: Life, selection: Selection, left: list[int]
) -> None:
    after, gone = forget(FACULTIES, life.mind, selection)
    assert [episode.entry for _, episode in all_episodes(after)] == left
    assert sorted({1, 2, 3} - set(left)) == list(gone)


def test_nothing_of_a_forgotten_episode_is_left(life: Life) -> None:
    key = FACULTIES.keys(NETWORK, think(NETWORK, life.state, IMAGES[3][None]).features)
    after, gone = forget(FACULTIES, life.mind, Selection(key=key))
    assert gone == (3,)
    assert "c" not in after.names
    assert not (after.state.working.items == key[0]).all(-1).any()
    assert (life.mind.state.working.items == key[0]).all(-1).any()


def test_names_do_not_pile_up() -> None:
    life = Life.begin(NETWORK)
    for number in range(1, 5 * FACULTIES.names_at_most // 4):
        content = {"target": "a", "context": {"who": f"source {number}"}}
        entry = Entry(number, "lesson", content, {"stimulus": IMAGES[number % len(IMAGES)]})
        life = live_all(NETWORK, [entry], life)
    assert len(life.mind.names) <= FACULTIES.names_at_most
    sources = {episode.who for _, episode in all_episodes(life.mind)}
    assert sources <= set(life.mind.names)


def test_important_episodes_outlast_a_flood_of_others() -> None:
    life = live_all(NETWORK, [told(1, "a", pinned=True), told(2, "never heard of")])
    flood = [lesson(n, "a", IMAGES[3 + n % 2]) for n in range(3, 100)]
    kept = [episode.entry for _, episode in all_episodes(live_all(NETWORK, flood, life).mind)]
    assert kept[:2] == [1, 2]
    assert len(kept) == FACULTIES.episodic.slots


def test_pictures_are_stored_as_bytes(life: Life) -> None:
    slot = all_episodes(life.mind)[0][0]
    stored = life.mind.state.episodes.content[0, slot]
    assert stored.dtype == torch.uint8
    assert torch.allclose(stored / 255.0, IMAGES[1], atol=0.5 / 255.0)
