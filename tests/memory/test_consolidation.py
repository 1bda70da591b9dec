"""Sleep: the order of replay, what it strengthens, teaches, merges and prunes, what it keeps."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from neurallayers import state as states
from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.memory import (
    Concepts,
    Consolidation,
    Episode,
    Episodes,
    EpisodicMemory,
    Night,
    SemanticMemory,
    replay_priority,
    replay_schedule,
)

LAW = settings(max_examples=8, deadline=None, derandomize=True, database=None)
SIZE, SLOTS = 6, 8


def sleeping(**options: Any) -> Consolidation:
    return Consolidation(
        **{
            "episodic": EpisodicMemory(key_size=SIZE, slots=SLOTS),
            "semantic": SemanticMemory(key_size=SIZE, prototypes=SLOTS),
            "replays": 6,
            **options,
        }
    )


def lived(which: Consolidation, *lives: dict[str, Any]) -> Episodes:
    """A memory of episodes; entries count from 0, keys go round and are of as many classes."""
    episodes = which.episodic.initial_state()
    for entry, life in enumerate(lives):
        key = torch.eye(SIZE)[entry % SIZE][None]
        parts = {"key": key, "content": torch.zeros(1), "entry": entry, "what": entry % SIZE}
        episodes = which.episodic.store(episodes, Episode(**{**parts, **life}))
    return episodes


def night(which: Consolidation, episodes: Episodes, **options: Any) -> Night:
    concepts = which.semantic.initial_state(states.batch_size(episodes))
    return which.sleep(episodes, concepts, **options)


def entries(episodes: Episodes) -> list[int]:
    return sorted(entry for entry in episodes.entry[0].tolist() if entry >= 0)


# ------------------------------------------------------------------------------- the order


def test_priority_is_importance_times_surprise_times_recency() -> None:
    which = sleeping()
    lives = [
        {"importance": 0.2, "surprise": 1.0},
        {"importance": 0.8, "surprise": 0.0},
        {"importance": 0.5, "surprise": 2.0},
    ]
    found = replay_priority(lived(which, *lives), half_life=1.0, floor=0.1)[0]
    raw = [0.3 * 0.6 / 4, 0.9 * 0.1 / 2, 0.6 * 0.85]
    assert found.tolist() == pytest.approx(
        [*(each / sum(raw) for each in raw), *[0.0] * 5], rel=1e-6
    )


def test_replays_are_drawn_as_often_as_their_priority_says() -> None:
    """A chi-square test of 4,000 draws at the usual level of one in a thousand."""
    episodes = lived(sleeping(), *({"importance": i / 8, "surprise": i % 3} for i in range(7)))
    drawn = replay_schedule(episodes, 4000, 5)[0]
    observed = torch.bincount(drawn, minlength=SLOTS)
    expected = 4000 * replay_priority(episodes)[0]
    assert observed[7] == 0
    assert stats.chisquare(observed[:7], expected[:7]).pvalue > 0.001


def test_the_same_counter_draws_the_same_order_and_another_one_another() -> None:
    episodes = lived(sleeping(), *({} for _ in range(6)))
    first = replay_schedule(episodes, 50, 3, seed=1)
    assert torch.equal(first, replay_schedule(episodes, 50, torch.tensor([3]), seed=1))
    assert not torch.equal(first, replay_schedule(episodes, 50, 4, seed=1))
    assert not torch.equal(first, replay_schedule(episodes, 50, 3, seed=2))


def test_nothing_is_replayed_from_an_empty_memory() -> None:
    which = sleeping()
    assert replay_schedule(lived(which), 4, 0).tolist() == [[-1, -1, -1, -1]]
    slept = night(which, lived(which))
    assert slept.reports[0].replayed == ()
    assert not bool(slept.concepts.examples.any())


# ------------------------------------------------------------------------------- the night


def test_a_night_is_reproducible_and_changes_nothing_that_was_given() -> None:
    which = sleeping()
    before = lived(which, *({} for _ in range(6)))
    copy = states.clone(before)
    one, two = night(which, before, counter=7), night(which, before, counter=7)
    assert one.reports == two.reports
    for a, b in zip(states.tensors(one[:2]), states.tensors(two[:2]), strict=True):
        assert torch.equal(a, b)
    assert all(torch.equal(a, b) for a, b in zip(before, copy, strict=True))


def test_the_report_says_what_was_replayed_in_order() -> None:
    which = sleeping()
    before = lived(which, *({"entry": 100 + i} for i in range(6)))
    slept = night(which, before, cycles=3, counter=11, seed=5)
    order: list[int] = []
    episodes = before
    for cycle in range(3):
        slots = replay_schedule(episodes, 6, 11 + cycle, seed=5)[0]
        order += before.entry[0, slots].tolist()
    assert list(slept.reports[0].replayed) == order
    counts = slept.episodes.recalled[0, :6].tolist()
    assert counts == [order.count(100 + i) for i in range(6)]


def test_replay_strengthens_and_the_rest_is_scaled_down() -> None:
    which = sleeping(reinforcement=0.5, downscaling=0.8, prune_below=0.0, merge_from=None)
    before = lived(which, *({} for _ in range(6)))
    slept = night(which, before, cycles=1)
    times = [slept.reports[0].replayed.count(entry) for entry in range(6)]
    assert slept.episodes.strength[0, :6].tolist() == pytest.approx(
        [0.8 * (1.0 + 0.5 * count) for count in times]
    )
    assert slept.reports[0].strengthened == tuple(i for i in range(6) if times[i])


def test_replay_teaches_concepts_and_what_followed() -> None:
    """A sequence of three things, over and over: each is followed by the next."""
    which = sleeping(replays=60)
    keys = torch.eye(SIZE)
    lives = [{"key": keys[i % 3][None], "what": i % 3} for i in range(SLOTS)]
    slept = night(which, lived(which, *lives))
    concepts: Concepts = slept.concepts
    assert sorted(concepts.what[0].tolist()) == [-1] * 5 + [0, 1, 2]
    assert concepts.examples.sum() == 4 * 60
    slot = {what: concepts.what[0].tolist().index(what) for what in range(3)}
    for what in range(3):
        following = which.semantic.followers(concepts, torch.tensor([slot[what]]))
        assert following[0, slot[(what + 1) % 3]] == 1.0
    report = slept.reports[0]
    assert (len(report.founded), report.changed) == (3, ())
    second = which.sleep(slept.episodes, concepts, counter=4)
    assert set(second.reports[0].changed) <= set(slot.values())
    assert second.reports[0].founded == ()


def test_what_is_never_replayed_is_pruned_after_some_nights() -> None:
    which = sleeping(replays=1, prune_below=0.5, reinforcement=10.0)
    episodes = lived(which, {"importance": 0.7, "surprise": 9.0}, *({"importance": 0.0},) * 3)
    concepts = which.semantic.initial_state()
    pruned: list[int] = []
    for number in range(3):
        slept = which.sleep(episodes, concepts, counter=4 * number)
        episodes, concepts = slept.episodes, slept.concepts
        pruned += slept.reports[0].pruned
    assert sorted([*pruned, *entries(episodes)]) == [0, 1, 2, 3]
    assert set(pruned) & {1, 2, 3}
    assert 0 in entries(episodes)


@given(
    important=st.lists(st.integers(0, 7), min_size=1, max_size=7, unique=True),
    seed=st.integers(0, 999),
)
@LAW
def test_an_important_episode_is_never_lost_in_sleep(important: list[int], seed: int) -> None:
    """However weak it is, and although all the others look the same."""
    which = sleeping(replays=2, prune_below=10.0)
    key = torch.ones(1, SIZE)
    lives = [
        {"key": key, "what": 0, "importance": 0.8 if i in important else 0.3} for i in range(SLOTS)
    ]
    before = lived(which, *lives)
    slept = night(which, before, seed=seed, cycles=2)
    assert entries(slept.episodes) == sorted(important)
    kept = slept.episodes.entry[0] >= 0
    assert torch.equal(slept.episodes.keys[0, kept], before.keys[0, kept])
    pinned = before._replace(pinned=before.entry >= 4, importance=0 * before.importance)
    assert entries(night(which, pinned, seed=seed, cycles=2).episodes) == [4, 5, 6, 7]


def test_near_duplicates_become_the_most_important_of_them() -> None:
    which = sleeping(prune_below=0.0, merge_from=0.99)
    key = torch.ones(1, SIZE)
    lives: list[dict[str, Any]] = [
        {"key": key, "what": 1, "importance": 0.2},
        {"key": 3 * key, "what": 1, "importance": 0.6},
        {"key": key, "what": 2, "importance": 0.1},
        {"key": key, "what": 1, "who": 9, "importance": 0.1},
        {"key": key, "what": 1, "importance": 0.6},
    ]
    slept = night(which, lived(which, *lives))
    assert entries(slept.episodes) == [1, 2, 3]
    assert slept.reports[0].merged == ((1, 0), (1, 4))
    assert int(slept.episodes.recalled.sum()) == 4 * 6
    assert entries(
        night(sleeping(prune_below=0.0, merge_from=None), lived(which, *lives)).episodes
    ) == [
        0,
        1,
        2,
        3,
        4,
    ]


def test_sleep_tells_the_time_to_what_it_replays() -> None:
    which = sleeping()
    before = lived(which, *({"when": 10} for _ in range(4)))
    slept = night(which, before, now=99)
    replayed = slept.episodes.recalled > 0
    assert bool((slept.episodes.touched[replayed] == 99).all())
    unsaid = night(which, before)
    assert bool((unsaid.episodes.touched[replayed] == 10).all())


def test_a_row_sleeps_as_if_alone() -> None:
    which = sleeping()
    rows = [lived(which, *({"surprise": float(i + n)} for i in range(n))) for n in (3, 6)]
    together = night(which, states.stack(rows), counter=torch.tensor([5, 9]), seed=2)
    alone = night(which, rows[1], counter=9, seed=2)
    assert together.reports[1] == alone.reports[0]
    for a, b in zip(states.tensors(together[:2]), states.tensors(alone[:2]), strict=True):
        assert torch.equal(a[1:], b)


@pytest.mark.parametrize(
    "options",
    [
        {"replays": 0},
        {"reinforcement": -1.0},
        {"downscaling": 0.0},
        {"prune_below": float("nan")},
        {"half_life": 0.0},
        {"merge_from": 2.0},
    ],
    ids=lambda options: next(iter(options)),
)
def test_options_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(options))):
        sleeping(**options)


def test_nonsense_is_refused() -> None:
    which = sleeping()
    with pytest.raises(InvalidInput, match="same key_size"):
        sleeping(semantic=SemanticMemory(key_size=SIZE + 1))
    with pytest.raises(InvalidInput, match="cycles"):
        night(which, lived(which), cycles=0)
    with pytest.raises(ShapeMismatch, match="rows"):
        which.sleep(lived(which), which.semantic.initial_state(2))
    with pytest.raises(InvalidInput, match="count"):
        replay_schedule(lived(which), 0, 0)
    with pytest.raises(InvalidInput, match="counter"):
        replay_schedule(lived(which), 1, 0.5)  # type: ignore[arg-type]
