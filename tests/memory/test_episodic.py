"""Episodic memory: storing, eviction, recall, strengthening, forgetting."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from neurallayers import state as states
from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.memory import Episode, Episodes, EpisodicMemory

LAW = settings(max_examples=25, deadline=None, derandomize=True, database=None)
SIZE = 8


def key(index: int, size: int = SIZE) -> Tensor:
    """Keys without any likeness, as many as the size."""
    return torch.eye(size)[index % size][None]


def memory(**options: Any) -> EpisodicMemory:
    return EpisodicMemory(**{"key_size": SIZE, "content_shape": (2,), "slots": 4, **options})


def lived(which: EpisodicMemory, *lives: dict[str, Any]) -> Episodes:
    """A memory of episodes; entries count from 0, keys go round."""
    episodes = which.initial_state()
    for entry, life in enumerate(lives):
        parts = {"key": key(entry), "content": torch.full((1, 2), float(entry)), "entry": entry}
        episodes = which.store(episodes, Episode(**{**parts, **life}))
    return episodes


def entries(episodes: Episodes) -> list[int]:
    return sorted(entry for entry in episodes.entry[0].tolist() if entry >= 0)


# ---------------------------------------------------------------------------------- storing


def test_everything_that_was_said_is_kept() -> None:
    which = EpisodicMemory(key_size=2, content_shape=(2, 2), slots=3, content_dtype=torch.uint8)
    image = torch.tensor([[[0, 50], [100, 255]]], dtype=torch.uint8)
    episodes = which.store(
        which.initial_state(),
        Episode(torch.tensor([[3.0, 4.0]]), image, 1, 2, 3, 4, 5, 6.0, 0.7, True),
    )
    assert episodes.keys[0, 0].tolist() == [3.0, 4.0]
    assert torch.equal(episodes.content[:, 0], image)
    said = ("what", "where", "when", "who", "entry", "surprise", "importance", "touched", "pinned")
    found = [getattr(episodes, name)[0, 0].item() for name in said]
    assert found == [1, 2, 3, 4, 5, 6.0, pytest.approx(0.7), 3, True]
    assert episodes.strength[0].tolist() == [1.0, 0.0, 0.0]


def test_storing_changes_no_state_that_was_given() -> None:
    which = memory()
    before = lived(which, {}, {})
    copy = states.clone(before)
    which.store(before, Episode(key(2), torch.ones(1, 2), entry=2))
    assert all(torch.equal(a, b) for a, b in zip(before, copy, strict=True))


def test_a_full_memory_loses_the_least_important_and_of_equals_the_oldest() -> None:
    lives = [{"importance": value} for value in (0.5, 0.2, 0.2, 0.4, 0.1, 0.3)]
    assert entries(lived(memory(), *lives[:4])) == [0, 1, 2, 3]
    assert entries(lived(memory(), *lives[:5])) == [0, 2, 3, 4]
    assert entries(lived(memory(), *lives)) == [0, 2, 3, 5]


def test_with_a_lifetime_importance_fades_with_age() -> None:
    lives = [
        {"importance": 0.5, "when": 0},
        *({"importance": 0.3, "when": 90 + i} for i in range(4)),
    ]
    assert 0 in entries(lived(memory(), *lives))
    # After 93 units of a lifetime of 10 less than a third of the 0.5 is left.
    assert 0 not in entries(lived(memory(lifetime=10.0), *lives))


def test_where_no_time_is_said_age_does_not_count() -> None:
    lives = [{"importance": 0.5}, *({"importance": 0.3} for _ in range(4))]
    assert entries(lived(memory(lifetime=0.1), *lives)) == [0, 2, 3, 4]


@given(
    important=st.lists(st.integers(0, 29), min_size=1, max_size=4, unique=True),
    seed=st.integers(0, 999),
)
@settings(LAW, max_examples=8)
def test_an_important_episode_is_never_lost_to_lesser_ones(important: list[int], seed: int) -> None:
    others = torch.rand(30, generator=torch.Generator().manual_seed(seed)) * 0.79
    lives = [
        {"importance": 0.8 if i in important else float(others[i]), "when": i} for i in range(30)
    ]
    for lifetime in (math.inf, 2.0):
        assert set(important) <= set(entries(lived(memory(lifetime=lifetime), *lives)))


def test_a_pinned_episode_stays_whatever_comes() -> None:
    lives = [{"pinned": True, "importance": 0.0}, *({"importance": 1.0} for _ in range(9))]
    assert 0 in entries(lived(memory(), *lives))


def test_among_the_important_the_more_important_wins_and_lesser_newcomers_are_not_stored() -> None:
    full = [{"importance": value} for value in (0.9, 0.8, 0.95, 1.0)]
    which = memory()
    episodes = lived(which, *full)
    for importance, slot, evicted in ((0.79, -1, -1), (0.8, 1, 1), (0.9, 1, 1)):
        new = Episode(key(4), torch.ones(1, 2), entry=9, importance=importance)
        place = which.placement(episodes, new)
        assert (int(place.slot), int(place.evicted)) == (slot, evicted)
        after = which.store(episodes, new)
        assert entries(after) == ([0, 1, 2, 3] if slot < 0 else [0, 2, 3, 9])
    pinned = Episode(key(4), torch.ones(1, 2), entry=9, importance=0.0, pinned=True)
    assert entries(which.store(episodes, pinned)) == [0, 2, 3, 9]


def test_where_all_are_pinned_nothing_is_stored() -> None:
    which = memory()
    episodes = lived(which, *({"pinned": True} for _ in range(4)))
    for pinned in (False, True):
        new = Episode(key(4), torch.ones(1, 2), entry=9, importance=1.0, pinned=pinned)
        assert int(which.placement(episodes, new).slot) == -1
        assert entries(which.store(episodes, new)) == [0, 1, 2, 3]


def test_placement_says_what_storing_does() -> None:
    which = memory()
    episodes = lived(which, {}, {}, {}, {"importance": 0.1})
    place = which.placement(episodes, Episode(key(5), torch.ones(1, 2), entry=9))
    assert (int(place.slot), int(place.evicted), bool(place.merged)) == (3, 3, False)
    free = which.placement(which.initial_state(), Episode(key(5), torch.ones(1, 2), entry=9))
    assert (int(free.slot), int(free.evicted)) == (0, -1)


def test_a_row_with_no_entry_stays_as_it_is() -> None:
    which = memory()
    before = which.initial_state(2)
    new = Episode(torch.ones(2, SIZE), torch.ones(2, 2), entry=torch.tensor([-1, 3]))
    after = which.store(before, new)
    assert after.entry[:, 0].tolist() == [-1, 3]
    assert which.placement(before, new).slot.tolist() == [-1, 0]
    assert not bool(after.keys[0].any())


def test_a_duplicate_strengthens_instead_of_taking_a_slot() -> None:
    which = memory(merge_from=0.95)
    near = key(0) + 0.1 * key(1)
    episodes = lived(which, {"importance": 0.4, "what": 1}, {})
    again = Episode(near, torch.ones(1, 2), what=1, entry=7, importance=0.6, pinned=True)
    assert bool(which.placement(episodes, again).merged)
    after = which.store(episodes, again)
    assert entries(after) == [0, 1]
    assert after.strength[0, 0] == 2.0
    assert after.importance[0, 0] == pytest.approx(0.6)
    assert bool(after.pinned[0, 0])
    assert after.recalled[0].tolist() == [1, 0, 0, 0]
    assert torch.equal(after.content, episodes.content)
    for other in ({"what": 2}, {"what": 1, "who": 5}, {"what": 1, "where": 5}):
        assert entries(
            which.store(episodes, Episode(near, torch.ones(1, 2), entry=7, **other))
        ) == [
            0,
            1,
            7,
        ]
    assert entries(memory().store(episodes, again)) == [0, 1, 7]


# --------------------------------------------------------------------------------- recalling


def test_recall_is_one_step_of_a_modern_hopfield_network() -> None:
    """Against the definition, computed with numpy in float64."""
    which = memory(slots=6, sharpness=5.0)
    generator = torch.Generator().manual_seed(3)
    keys, cue = torch.randn(5, SIZE, generator=generator), torch.randn(1, SIZE, generator=generator)
    found = which.recall(lived(which, *({"key": each[None]} for each in keys)), cue, most=6)
    x, q = keys.double().numpy(), cue[0].double().numpy()
    cosine = x @ q / ((x * x).sum(1) ** 0.5 * (q @ q) ** 0.5)
    order = (-cosine).argsort()
    weights = 2.718281828459045 ** (5.0 * cosine)
    weights /= weights.sum()
    assert found.entries[0].tolist() == [*order.tolist(), -1]
    assert found.similarity[0, :5].tolist() == pytest.approx(cosine[order], abs=1e-6)
    assert found.weights[0, :5].tolist() == pytest.approx(weights[order], abs=1e-6)
    assert found.pattern[0].tolist() == pytest.approx(weights @ x, abs=1e-6)
    assert (int(found.slots[0, 5]), float(found.weights[0, 5])) == (-1, 0.0)


def test_a_part_of_a_key_is_completed() -> None:
    which = EpisodicMemory(key_size=64, slots=32)
    generator = torch.Generator().manual_seed(0)
    episodes, keys = which.initial_state(), torch.randn(32, 1, 64, generator=generator)
    for entry, each in enumerate(keys):
        episodes = which.store(episodes, Episode(each, torch.zeros(1), entry=entry))
    for entry, each in enumerate(keys):
        half = torch.cat([each[:, :32], torch.zeros(1, 32)], -1)
        found = which.recall(episodes, half, most=1)
        assert int(found.entries) == entry
        assert float(torch.nn.functional.cosine_similarity(found.pattern, each)) > 0.95


def test_nothing_is_recalled_from_an_empty_memory() -> None:
    which = memory()
    found = which.recall(which.initial_state(), torch.ones(1, SIZE))
    assert found.slots.tolist() == [[-1, -1, -1]]
    assert not bool(found.weights.any())
    assert not bool(found.pattern.any())
    assert not bool(which.content_of(which.initial_state(), found.slots).any())


def test_of_equals_the_smaller_slot_comes_first_and_most_is_at_most_the_slots() -> None:
    which = memory()
    episodes = lived(which, *({"key": key(1)} for _ in range(4)))
    assert which.recall(episodes, key(1), most=99).slots.tolist() == [[0, 1, 2, 3]]


def test_recall_among_some_only() -> None:
    which = memory()
    episodes = lived(which, {"key": key(0), "who": 1}, {"key": key(0) + 0.5 * key(1), "who": 2})
    found = which.recall(episodes, key(0), most=2, among=which.by_source(episodes, 2))
    assert found.entries.tolist() == [[1, -1]]
    assert found.weights.tolist() == [[1.0, 0.0]]


def test_content_comes_with_its_slot() -> None:
    which = memory()
    content = which.content_of(lived(which, {}, {}), torch.tensor([[1, -1, 0]]))
    assert content.tolist() == [[[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]]]


@given(seed=st.integers(0, 999), row=st.integers(0, 2))
@LAW
def test_a_row_never_meets_its_neighbours(seed: int, row: int) -> None:
    which, generator = memory(lifetime=5.0), torch.Generator().manual_seed(seed)
    together, alone = which.initial_state(3), which.initial_state(1)
    for time in range(7):
        keys, values = torch.randn(3, SIZE, generator=generator), torch.rand(3, generator=generator)
        parts = {"content": keys[:, :2], "importance": values, "surprise": 5 * values}
        new = Episode(keys, **parts, when=time, entry=time)
        together = which.store(together, new)
        mine = {name: part[row : row + 1] for name, part in parts.items()}
        alone = which.store(alone, Episode(keys[row : row + 1], **mine, when=time, entry=time))
    cue = torch.randn(3, SIZE, generator=generator)
    both = (states.gather(together, [row]), alone)
    assert all(torch.equal(a, b) for a, b in zip(*both, strict=True))
    found = which.recall(together, cue)
    for one, many in zip(which.recall(alone, cue[row : row + 1]), found, strict=True):
        assert torch.equal(one[0], many[row])


# ------------------------------------------------------------------ strengthening, forgetting


def test_reinforcing_strengthens_what_is_named_once() -> None:
    which = memory()
    episodes = which.reinforce(lived(which, {}, {}), torch.tensor([[1, 1, -1, 3]]), 0.5)
    assert episodes.strength[0].tolist() == [1.0, 1.5, 0.0, 0.0]
    assert episodes.recalled[0].tolist() == [0, 1, 0, 0]


def test_with_a_lifetime_what_faded_more_gains_more() -> None:
    which = memory(lifetime=10.0)
    episodes = lived(which, {"when": 0}, {"when": 30})
    after = which.reinforce(episodes, torch.tensor([[0, 1]]), now=30)
    # Retention after 30 units of a lifetime of 10 is (1 + 3) ** -0.5.
    assert after.strength[0, :2].tolist() == pytest.approx([1.5, 1.0])
    assert after.touched[0, :2].tolist() == [30, 30]
    assert which.retained(after, 30)[0, :2].tolist() == [1.0, 1.0]
    assert which.retained(after, 60)[0, 0] > which.retained(after, 60)[0, 1]


CHOICES = {
    "by_content": lambda m, e: m.by_content(e, key(1), 0.9),
    "by_time": lambda m, e: m.by_time(e, 11, 12),
    "by_entry": lambda m, e: m.by_time(e, 0, 1, clock="entry"),
    "by_source": lambda m, e: m.by_source(e, 1),
    "by_what": lambda m, e: m.by_what(e, 6),
    "by_place": lambda m, e: m.by_place(e, 0),
}
CHOSEN = {
    "by_content": [1],
    "by_time": [1, 2],
    "by_entry": [0, 1],
    "by_source": [1],
    "by_what": [0, 2],
    "by_place": [2],
}


@pytest.mark.parametrize("choice", CHOICES)
def test_forgetting_erases_what_was_chosen_and_nothing_else(choice: str) -> None:
    which = memory()
    before = lived(
        which,
        {"when": 10, "what": 6, "who": 0, "pinned": True},
        {"when": 11, "what": 5, "who": 1, "importance": 1.0},
        {"when": 12, "what": 6, "who": 0, "where": 0},
    )
    mask = CHOICES[choice](which, before)
    assert mask[0].nonzero()[:, 0].tolist() == CHOSEN[choice]
    after = which.forget(before, mask)
    empty = which.initial_state()
    for name, old, new, none in zip(Episodes._fields, before, after, empty, strict=True):
        assert torch.equal(new[mask], none[mask]), name
        assert torch.equal(new[~mask], old[~mask]), name


def test_free_slots_are_never_chosen() -> None:
    which = memory()
    empty = which.initial_state()
    masks = [which.by_source(empty, -1), which.by_what(empty, -1), which.by_place(empty, -1)]
    masks += [which.by_time(empty, -5, 5), which.by_content(empty, key(0), -1.0)]
    assert not any(bool(mask.any()) for mask in masks)


def test_a_time_that_was_not_said_is_in_no_range() -> None:
    which = memory()
    assert not bool(which.by_time(lived(which, {}), -10, 10).any())


def test_a_memory_is_stored_and_life_goes_on() -> None:
    which = memory()
    before = lived(which, {"what": 2}, {"pinned": True})
    data = safetensors.torch.save(states.to_named(before))
    loaded = states.from_named(which.initial_state(), safetensors.torch.load(data))
    new = Episode(key(3), torch.ones(1, 2), entry=5)
    after = itertools.chain(which.store(before, new), which.store(loaded, new))
    pairs = list(after)
    assert all(
        torch.equal(a, b) for a, b in zip(pairs[: len(before)], pairs[len(before) :], strict=True)
    )


# ------------------------------------------------------------------------------- nonsense


@pytest.mark.parametrize(
    "options",
    [
        {"key_size": 0},
        {"slots": 0},
        {"slots": 2.5},
        {"content_shape": (2, 0)},
        {"sharpness": 0.0},
        {"lifetime": -1.0},
        {"lifetime": float("nan")},
        {"protected_from": 0.0},
        {"merge_from": 1.5},
    ],
    ids=lambda options: f"{next(iter(options))}-{next(iter(options.values()))}",
)
def test_options_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(options))):
        memory(**options)


def test_nonsense_is_refused() -> None:
    which = memory()
    episodes = lived(which, {})
    with pytest.raises(ShapeMismatch, match="slots and key"):
        memory(slots=5).recall(episodes, key(0))
    with pytest.raises(ShapeMismatch, match="key"):
        which.recall(episodes, torch.ones(1, 3))
    with pytest.raises(InvalidInput, match="most"):
        which.recall(episodes, key(0), most=0)
    with pytest.raises(InvalidInput, match="bool"):
        which.forget(episodes, torch.ones(1, 4))
    with pytest.raises(InvalidInput, match="0 to 3"):
        which.reinforce(episodes, torch.tensor([[4]]))
    with pytest.raises(InvalidInput, match="amount"):
        which.reinforce(episodes, torch.tensor([[0]]), -1.0)
    with pytest.raises(InvalidInput, match="clock"):
        which.by_time(episodes, 0, 1, clock="hour")
    with pytest.raises(InvalidInput, match="range"):
        which.by_time(episodes, 2, 1)
    with pytest.raises(InvalidInput, match="at_least"):
        which.by_content(episodes, key(0), 2.0)
