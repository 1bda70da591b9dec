"""Replay: whatever happened, the journal from any snapshot gives the life that was lived."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.brain.happenings import IMAGES, NETWORK, Happening, entry_of, happenings, lesson
from tests.brain.individuals import bits, looped_spec

from neurallayers.brain import BrainNetwork, Life, live
from neurallayers.brain.entry import Entry
from neurallayers.brain.journal import FileJournal
from neurallayers.brain.replay import Replay, lineage
from neurallayers.errors import JournalError

LAW = settings(max_examples=25, deadline=None, derandomize=True, database=None)


def no_snapshot(_: set[int]) -> Life | None:
    return None


@contextmanager
def journal_of(entries: list[Entry], **genesis: Any) -> Iterator[FileJournal]:
    with TemporaryDirectory() as folder:
        journal = FileJournal.create(Path(folder) / "journal", genesis)
        journal.append(entries)
        try:
            yield journal
        finally:
            journal.close()


def straight(entries: list[Entry]) -> list[Life]:
    """The life after each entry, lived as it happened; the first is birth."""
    lives = [Life.begin(NETWORK)]
    for entry in entries:
        if entry.kind == "rollback":
            returned = lives[entry.content["to"]]
            lives.append(replace(returned, sequence=entry.sequence))
        else:
            lives.append(live(NETWORK, lives[-1], entry)[0])
    return lives


@st.composite
def histories(draw: st.DrawFn) -> list[Entry]:
    """Entries of every kind, with rollbacks to any moment before them."""
    entries: list[Entry] = []
    for number in range(1, draw(st.integers(1, 8)) + 1):
        what: Happening | None = draw(st.none() | happenings)
        if what is None:
            to = draw(st.integers(0, number - 1))
            entries.append(Entry(number, "rollback", {"to": to}))
        else:
            entries.append(entry_of(number, what))
    return entries


# --------------------------------------------------------------------------------- lineage


@pytest.mark.parametrize(
    ("rollbacks", "last", "expected"),
    [
        ({}, 0, []),
        ({}, 3, [1, 2, 3]),
        ({3: 1}, 5, [1, 3, 4, 5]),
        ({3: 1}, 2, [1, 2]),
        ({3: 0}, 4, [3, 4]),
        # Back to before a rollback, into what it had undone.
        ({3: 1, 4: 2}, 4, [1, 2, 4]),
        # Back to the moment right after a rollback.
        ({3: 1, 6: 3}, 6, [1, 3, 6]),
        ({2: 1, 3: 2, 4: 3}, 4, [1, 2, 3, 4]),
    ],
)
def test_the_lineage_leaves_out_what_was_rolled_back(
    rollbacks: dict[int, int], last: int, expected: list[int]
) -> None:
    assert sorted(lineage(rollbacks, last)) == expected


@given(st.lists(st.integers(0, 9), max_size=12), st.data())
@LAW
def test_the_lineage_is_how_history_was_made(choices: list[int], data: st.DataObject) -> None:
    rollbacks: dict[int, int] = {}
    ways: list[list[int]] = [[]]  # what led to each moment
    for number, choice in enumerate(choices, start=1):
        if choice < 4:
            rollbacks[number] = data.draw(st.integers(0, number - 1))
        ways.append([*ways[rollbacks.get(number, number - 1)], number])
    for last, way in enumerate(ways):
        assert sorted(lineage(rollbacks, last)) == way


@pytest.mark.parametrize("to", [3, 4, -1])
def test_a_rollback_that_goes_nowhere_is_refused(to: int) -> None:
    with pytest.raises(JournalError, match=f"Entry 3 returns to {to}, which is not before it"):
        lineage({3: to}, 4)


# ---------------------------------------------------------------------------------- replay


@given(histories(), st.data())
@LAW
def test_any_history_from_any_snapshot_is_the_life_that_was_lived(
    entries: list[Entry], data: st.DataObject
) -> None:
    lives = straight(entries)
    upto = data.draw(st.none() | st.integers(0, len(entries)))

    def any_snapshot(moments: set[int]) -> Life | None:
        chosen = data.draw(st.none() | st.sampled_from(sorted({0, *moments})))
        return None if chosen is None else lives[chosen]

    with journal_of(entries) as journal:
        lived = Replay(NETWORK, journal, any_snapshot, upto).run()
    assert bits(lived) == bits(lives[len(entries) if upto is None else upto])


def test_a_rollback_of_a_rollback_brings_back_what_was_undone() -> None:
    entries = [
        lesson(1, "c", IMAGES[0]),
        lesson(2, "d", IMAGES[1]),
        Entry(3, "rollback", {"to": 1}),
        lesson(4, "e", IMAGES[2]),
        Entry(5, "rollback", {"to": 2}),
    ]
    lives = straight(entries)
    with journal_of(entries) as journal:
        replayed = Replay(NETWORK, journal, no_snapshot).run()
    assert replayed.known_labels == ("a", "b", "c", "d")
    assert bits(replace(replayed, sequence=2)) == bits(lives[2])
    assert replayed.sequence == 5


def test_only_moments_that_led_here_are_offered_for_a_snapshot() -> None:
    entries = [*(lesson(n, "c", IMAGES[n]) for n in (1, 2, 3)), Entry(4, "rollback", {"to": 1})]
    offered: list[set[int]] = []

    def asked(moments: set[int]) -> None:
        offered.append(set(moments))

    with journal_of(entries) as journal:
        Replay(NETWORK, journal, asked)
        Replay(NETWORK, journal, asked, upto=3)
        Replay(NETWORK, journal, asked, upto=0)
    assert offered == [{1, 4}, {1, 2, 3}, set()]


def test_from_a_snapshot_only_what_follows_is_lived() -> None:
    entries = [lesson(n, "c", IMAGES[n]) for n in range(1, 6)]
    lives = straight(entries)
    with journal_of(entries) as journal:
        replay = Replay(NETWORK, journal, lambda _: lives[3])
        assert replay.life is lives[3]
        assert [entry.sequence for entry in iter(replay.next_entry, None)] == [4, 5]
        at_the_end = Replay(NETWORK, journal, lambda _: lives[5])
        assert at_the_end.next_entry() is None
        assert at_the_end.run() == lives[5]


def test_who_steps_by_hand_gets_the_same_life() -> None:
    entries = [lesson(1, "c", IMAGES[0]), Entry(2, "rollback", {"to": 0}), lesson(
        3, "d", IMAGES[1])]  # fmt: skip
    with journal_of(entries) as journal:
        replay = Replay(NETWORK, journal, no_snapshot)
        numbers = []
        while (entry := replay.next_entry()) is not None:
            numbers.append(entry.sequence)
            replay.life, _ = live(NETWORK, replay.life, entry)
        assert numbers == [3]
        assert bits(replay.life) == bits(Replay(NETWORK, journal, no_snapshot).run())
        # The end stays the end.
        assert replay.next_entry() is None
        assert replay.life.sequence == 3


def test_a_last_entry_that_was_rolled_back_to_birth_is_birth_with_its_number() -> None:
    entries = [lesson(1, "c", IMAGES[0]), Entry(2, "rollback", {"to": 0})]
    with journal_of(entries) as journal:
        lived = Replay(NETWORK, journal, no_snapshot).run()
    assert bits(lived) == bits(replace(Life.begin(NETWORK), sequence=2))


def test_what_was_removed_never_happened() -> None:
    entries = [lesson(n, "cdefg"[n - 1], IMAGES[n]) for n in range(1, 6)]
    with journal_of(entries) as journal:
        journal.rewrite_without([2, 5])
        lived = Replay(NETWORK, journal, no_snapshot).run()
    expected = Life.begin(NETWORK)
    for number in (1, 3, 4):
        expected, _ = live(NETWORK, expected, entries[number - 1])
    assert bits(lived) == bits(replace(expected, sequence=5))


def test_a_rollback_to_what_was_removed_since_returns_to_what_is_left_of_it() -> None:
    entries = [
        lesson(1, "c", IMAGES[0]),
        lesson(2, "d", IMAGES[1]),
        lesson(3, "e", IMAGES[2]),
        Entry(4, "rollback", {"to": 2}),
    ]
    with journal_of(entries) as journal:
        journal.rewrite_without([2])
        lived = Replay(NETWORK, journal, no_snapshot).run()
    expected, _ = live(NETWORK, Life.begin(NETWORK), entries[0])
    assert bits(lived) == bits(replace(expected, sequence=4))


def test_birth_has_the_seed_of_the_genesis() -> None:
    network = BrainNetwork(looped_spec("poisson"))
    with journal_of([], seed=7) as journal:
        assert bits(Replay(network, journal, no_snapshot).run()) == bits(Life.begin(network, 7))
    with journal_of([]) as journal:
        born = Replay(network, journal, no_snapshot).run()
    assert bits(born) == bits(Life.begin(network, 0))
    assert bits(born) != bits(Life.begin(network, 7))


@pytest.mark.parametrize("upto", [-1, 3])
def test_a_moment_that_the_journal_does_not_have_is_refused(upto: int) -> None:
    with (
        journal_of([lesson(n, "c", IMAGES[n]) for n in (1, 2)]) as journal,
        pytest.raises(JournalError, match=f"ends at 2 and has no entry {upto}"),
    ):
        Replay(NETWORK, journal, no_snapshot, upto)


def test_an_entry_that_cannot_be_lived_through_stops_the_replay() -> None:
    entries = [lesson(1, "c", IMAGES[0]), Entry(2, "dream", {}, {"stimulus": IMAGES[0]})]
    run: Callable[[], Life]
    with journal_of(entries) as journal:
        run = Replay(NETWORK, journal, no_snapshot).run
        with pytest.raises(JournalError, match="Entry 2 is of kind 'dream'"):
            run()
        assert Replay(NETWORK, journal, no_snapshot, upto=1).run().sequence == 1
