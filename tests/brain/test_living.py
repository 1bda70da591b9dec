"""Living: the same entries give the same bits, alone and in any company."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.brain.conftest import Trained
from tests.brain.happenings import (
    IMAGES,
    NETWORK,
    Happening,
    entry_of,
    happenings,
    lesson,
    live_all,
    mixed_entries,
)
from tests.brain.individuals import bits, small_network

from neurallayers.brain import Life, live, think
from neurallayers.brain.entry import Entry
from neurallayers.brain.living import Outcome, live_together
from neurallayers.errors import InvalidInput, JournalError, NeuralLayersError
from neurallayers.state import tensors

LAW = settings(max_examples=15, deadline=None, derandomize=True, database=None)

# ------------------------------------------------------------------------------- one alone


def test_the_same_entries_give_the_same_bits() -> None:
    one, other = (live_all(NETWORK, mixed_entries()) for _ in range(2))
    assert bits(one) == bits(other)
    assert one.sequence == 8
    assert one.known_labels == ("a", "b", "newer")


def test_a_stored_entry_is_lived_as_the_one_that_happened() -> None:
    stored = [Entry.decode(entry.encode()) for entry in mixed_entries()]
    assert bits(live_all(NETWORK, stored)) == bits(live_all(NETWORK, mixed_entries()))


def test_living_changes_no_life_before() -> None:
    lives = [Life.begin(NETWORK)]
    seen = [bits(lives[0])]
    for entry in mixed_entries():
        life, _ = live(NETWORK, lives[-1], entry)
        lives.append(life)
        seen.append(bits(life))
    assert [bits(life) for life in lives] == seen
    assert all(one != other for one, other in itertools.pairwise(seen))


def test_a_new_class_gets_a_free_slot_and_room_doubles_when_there_is_none() -> None:
    names = ["c", "d", "e", "f", "g"]
    life = live_all(NETWORK, [lesson(i + 1, name, IMAGES[i]) for i, name in enumerate(names)])
    assert life.labels == ("a", "b", "c", "d", "e", "f", "g", None)
    assert life.state.readout.known[0].tolist() == [1.0] * 7 + [0.0]
    assert life.ledger.coefficients.shape == (5, 8)
    assert life.ledger.taught.tolist() == [2, 3, 4, 5, 6]
    for i, name in enumerate(names):
        assert life.slot(name) == i + 2
    # What was learned before it grew is still there.
    roomy = small_network(readout=NETWORK.spec.readout.model_copy(update={"capacity": 8}))
    roomy.load_state_dict(NETWORK.state_dict())
    wide = live_all(roomy, [lesson(i + 1, name, IMAGES[i]) for i, name in enumerate(names)])
    assert torch.allclose(wide.state.readout.fast_weight, life.state.readout.fast_weight, atol=1e-6)


def test_forgetting_a_class_returns_its_rivals_to_where_they_were(trained: Trained) -> None:
    network = trained.network
    images = trained.images.unsqueeze(-1)
    others = [i for i in range(60) if trained.labels[i] < 8][:6]
    nines = (trained.labels == 9).nonzero()[:3, 0].tolist()

    # Others are taught under a wrong name, so that there is something to learn in any case.
    first = live_all(network, [lesson(i + 1, "mark", images[o]) for i, o in enumerate(others)])
    learned = live_all(
        network, [lesson(10 + i, "9", images[nine]) for i, nine in enumerate(nines)], first
    )
    moved = (learned.state.readout.fast_weight - first.state.readout.fast_weight)[0]
    rivals = [slot for slot in range(10) if moved[slot].abs().sum() > 0 and slot != 9]
    assert rivals, "the lessons weakened no rival"
    forgotten = live_all(network, [Entry(20, "forget_class", {"label": "9"})], learned)
    readout, before = forgotten.state.readout, first.state.readout
    assert torch.allclose(readout.fast_weight, before.fast_weight, atol=1e-5)
    assert torch.allclose(readout.fast_bias, before.fast_bias, atol=1e-5)
    assert torch.equal(readout.known, before.known)
    assert torch.equal(readout.lessons, before.lessons)
    assert bits(forgotten.ledger.named()) == bits(first.ledger.named())
    assert "9" not in forgotten.known_labels


def test_the_slot_of_a_trained_class_is_never_used_for_another() -> None:
    entries = [
        Entry(1, "forget_class", {"label": "a"}),
        lesson(2, "c", IMAGES[0]),
        lesson(3, "a", IMAGES[1]),
    ]
    life = live_all(NETWORK, entries)
    assert life.labels == (None, "b", "c", "a")
    assert life.state.readout.known[0].tolist() == [0.0, 1.0, 1.0, 1.0]
    taught_freed = live_all(
        NETWORK,
        [Entry(4, "forget_class", {"label": "c"}), lesson(5, "d", IMAGES[2])],
        life,
    )
    assert taught_freed.labels == (None, "b", "d", "a")
    assert taught_freed.state.readout.lessons[0].tolist() == [0.0, 0.0, 1.0, 1.0]


def test_the_outcome_is_what_was_thought_before_the_lesson() -> None:
    life = Life.begin(NETWORK)
    after, outcome = live(NETWORK, life, lesson(1, "b", IMAGES[0]))
    assert outcome.thinking is not None
    assert outcome.lesson is not None
    before = think(NETWORK, life.state, IMAGES[:1])
    assert torch.equal(outcome.thinking.scores, before.scores)
    assert bits(outcome.thinking.state) == bits(after.state)
    _, quiet = live(NETWORK, after, Entry(2, "forget_class", {"label": "a"}))
    assert quiet.thinking is None
    assert quiet.lesson is None


def test_forgetting_a_class_that_is_not_there_changes_nothing() -> None:
    life = Life.begin(NETWORK)
    after, outcome = live(NETWORK, life, Entry(1, "forget_class", {"label": "c"}))
    assert bits(after.state) == bits(life.state)
    assert after.labels == life.labels
    assert outcome.thinking is None


def test_what_was_written_is_measured() -> None:
    life = Life.begin(NETWORK)
    after, outcome = live(NETWORK, life, lesson(1, "c", IMAGES[0]))
    moved = after.state.readout.fast_weight - life.state.readout.fast_weight
    assert outcome.change == pytest.approx(float(moved.norm()), rel=1e-5)
    assert outcome.change > 0
    assert outcome.taught == 2
    _, seen = live(NETWORK, after, Entry(2, "stimulus", {}, {"stimulus": IMAGES[1]}))
    assert (seen.change, seen.taught, seen.lesson) == (0.0, None, None)
    assert Outcome() == Outcome(None, 0, None, None)


def test_a_reward_without_a_class_left_only_passes() -> None:
    forgotten = live_all(
        NETWORK, [Entry(i + 1, "forget_class", {"label": label}) for i, label in enumerate("ab")]
    )
    assert forgotten.known_labels == ()
    reward = Entry(3, "reward", {"reward": 1.0}, {"stimulus": IMAGES[0]})
    after, outcome = live(NETWORK, forgotten, reward)
    assert after.sequence == 3
    assert bits(after.state) == bits(forgotten.state)
    assert outcome == Outcome()
    # It learns again, into a slot that training did not use.
    relearned, _ = live(NETWORK, after, lesson(4, "a", IMAGES[0]))
    assert relearned.labels == (None, None, "a", None)


SPOILED: dict[str, tuple[Entry, str]] = {
    "a kind of a newer release": (
        Entry(1, "dream", {}, {"stimulus": IMAGES[0]}),
        "Entry 1 is of kind 'dream'.*newer release",
    ),
    "a picture of another size": (lesson(1, "a", torch.zeros(5, 5)), "have shape"),
    "a picture out of range": (lesson(1, "a", IMAGES[0] + 1.0), "between 0 and 1"),
    "two pictures": (lesson(1, "a", IMAGES[:2]), "Entry 1 holds 2 stimuli"),
    "no picture": (Entry(1, "stimulus"), "Entry 1, a stimulus, has no stimulus"),
    "no target": (Entry(1, "lesson", {}, {"stimulus": IMAGES[0]}), "has no target"),
    "no reward": (Entry(1, "reward", {}, {"stimulus": IMAGES[0]}), "has no reward"),
    "no label": (Entry(1, "forget_class"), "has no label"),
    "a reward in words": (
        Entry(1, "reward", {"reward": "much"}, {"stimulus": IMAGES[0]}),
        "reward is 'much'",
    ),
}


@pytest.mark.parametrize("fault", list(SPOILED))
def test_an_entry_that_makes_no_sense_is_refused(fault: str) -> None:
    entry, problem = SPOILED[fault]
    with pytest.raises((InvalidInput, JournalError), match=problem):
        live(NETWORK, Life.begin(NETWORK), entry)


# ------------------------------------------------------------------------------ in company


def together(lives: list[Life], entries: list[Entry]) -> list[tuple[Life, Outcome]]:
    """Everybody's next life; nobody may fail."""
    results = live_together(NETWORK, lives, entries)
    assert not [result for result in results if isinstance(result, NeuralLayersError)]
    return [result for result in results if not isinstance(result, NeuralLayersError)]


def thought_bits(outcome: Outcome) -> dict[str, Any] | None:
    thinking = outcome.thinking
    if thinking is None:
        return None
    return bits(
        {
            "scores": thinking.scores,
            "potentials": thinking.potentials,
            "features": thinking.features,
            "spikes": dict(thinking.spikes),
        }
    )


def lesson_bits(outcome: Outcome) -> dict[str, Any] | None:
    return None if outcome.lesson is None else bits(outcome.lesson._asdict())


@given(st.lists(st.lists(happenings, min_size=4, max_size=4), min_size=2, max_size=7))
@LAW
def test_rows_in_company_are_rows_alone_bit_for_bit(histories: list[list[Happening]]) -> None:
    crowd = [Life.begin(NETWORK, seed) for seed in range(len(histories))]
    alone = list(crowd)
    for number, happening in enumerate(zip(*histories, strict=True), start=1):
        entries = [entry_of(number, what) for what in happening]
        lived = together(crowd, entries)
        singly = [live(NETWORK, life, entry) for life, entry in zip(alone, entries, strict=True)]
        for (life, outcome), (expected, single) in zip(lived, singly, strict=True):
            assert bits(life) == bits(expected)
            assert thought_bits(outcome) == thought_bits(single)
            assert lesson_bits(outcome) == lesson_bits(single)
            assert (outcome.taught, outcome.change) == (single.taught, single.change)
        crowd, alone = [life for life, _ in lived], [life for life, _ in singly]


def test_a_crowd_of_more_than_a_tile_with_grown_and_small_brains_is_each_by_itself() -> None:
    grown = live_all(NETWORK, [lesson(i + 1, name, IMAGES[i]) for i, name in enumerate("cdefg")])
    born = Life.begin(NETWORK)
    lives = [grown if i % 3 == 0 else born for i in range(37)]
    entries = [lesson(life.sequence + 1, "abcxy"[i % 5], IMAGES[i % 12]) for i, life in
               enumerate(lives)]  # fmt: skip
    assert {len(life.labels) for life in lives} == {4, 8}
    lived = together(lives, entries)
    for (life, outcome), before, entry in zip(lived, lives, entries, strict=True):
        expected, single = live(NETWORK, before, entry)
        assert bits(life) == bits(expected)
        assert thought_bits(outcome) == thought_bits(single)


def test_room_doubles_for_those_who_need_it_in_the_middle_of_a_crowd() -> None:
    full = live_all(NETWORK, [lesson(1, "c", IMAGES[0]), lesson(2, "d", IMAGES[1])])
    crowd = [full, Life.begin(NETWORK), full]
    entries = [lesson(3, "e", IMAGES[2]), lesson(1, "e", IMAGES[2]), lesson(3, "d", IMAGES[2])]
    lives = [life for life, _ in together(crowd, entries)]
    assert [len(life.labels) for life in lives] == [8, 4, 4]
    assert [life.slot("e") for life in lives[:2]] == [4, 2]
    assert [life.ledger.coefficients.shape[-1] for life in lives] == [8, 4, 4]


def test_order_and_places_are_kept_however_kinds_are_mixed() -> None:
    life = live_all(NETWORK, mixed_entries())
    kinds = ["stimulus", "forget_class", "lesson", "reward", "lesson", "stimulus", "forget_class"]
    content: dict[str, dict[str, Any]] = {
        "stimulus": {},
        "forget_class": {"label": "a"},
        "lesson": {"target": "b"},
        "reward": {"reward": 1.0},
    }
    entries = [
        Entry(100 + i, kind, content[kind], {} if "label" in content[kind] else
              {"stimulus": IMAGES[i]}) for i, kind in enumerate(kinds)
    ]  # fmt: skip
    lived = together([life] * len(kinds), entries)
    assert [after.sequence for after, _ in lived] == [entry.sequence for entry in entries]
    assert [outcome.taught for _, outcome in lived] == [None, None, 1, -1, 1, None, None]
    assert [outcome.batch is None for _, outcome in lived] == [kind == "forget_class"
                                                               for kind in kinds]  # fmt: skip


@pytest.mark.parametrize("fault", list(SPOILED))
def test_a_bad_row_gets_its_error_and_its_neighbours_live_on(fault: str) -> None:
    entry, problem = SPOILED[fault]
    life = Life.begin(NETWORK)
    good = [
        lesson(1, "c", IMAGES[1]),
        Entry(1, "stimulus", {}, {"stimulus": IMAGES[2]}),
        Entry(1, "reward", {"reward": 1.0}, {"stimulus": IMAGES[3]}),
    ]
    entries = [good[0], entry, good[1], entry, good[2]]
    results = live_together(NETWORK, [life] * 5, entries)
    for place in (1, 3):
        error = results[place]
        assert isinstance(error, NeuralLayersError)
        with pytest.raises(NeuralLayersError, match=problem):
            raise error
    for place, neighbour in zip((0, 2, 4), good, strict=True):
        result = results[place]
        assert not isinstance(result, NeuralLayersError)
        assert bits(result[0]) == bits(live(NETWORK, life, neighbour)[0])


def test_nobody_is_no_crowd_and_everybody_needs_an_entry() -> None:
    assert live_together(NETWORK, [], []) == []
    with pytest.raises(ValueError, match="zip"):
        live_together(NETWORK, [Life.begin(NETWORK)], [])


def test_what_comes_of_a_crowd_does_not_keep_the_crowd_in_memory() -> None:
    lives = [Life.begin(NETWORK)] * 20
    lived = together(lives, [lesson(1, "c", IMAGES[i % 12]) for i in range(20)])
    for life, outcome in lived:
        assert outcome.lesson is not None
        for tensor in (*tensors(life.state), *life.ledger.named().values(), *outcome.lesson):
            assert tensor.untyped_storage().nbytes() == tensor.nbytes
