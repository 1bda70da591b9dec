"""What every journal does, wherever it keeps its entries; and that all of them do the same."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.brain.journals import GENESIS, lesson, lessons
from tests.brain.stored_tensors import named_tensors
from tests.contracts.journal_keepers import KEEPERS, Keeper

from neurallayers.brain.entry import Entry
from neurallayers.brain.frames import header_frame
from neurallayers.brain.journal import FileJournal, Journal
from neurallayers.errors import InvalidInput, JournalError
from neurallayers.service.store import TableJournal

LAW = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
NAMES = (f"journal {number}" for number in itertools.count())


@pytest.fixture(params=list(KEEPERS))
def keeper(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Keeper]:
    kept = KEEPERS[request.param](tmp_path)
    yield kept
    kept.close()


@pytest.fixture
def journal(keeper: Keeper) -> Journal:
    """An empty one, open."""
    return keeper.create("ada", GENESIS)


@pytest.mark.parametrize("kind", [FileJournal, TableJournal])
def test_every_kind_has_all_that_the_interface_names(kind: type) -> None:
    members = {name for name in vars(Journal) if not name.startswith("_")}
    assert members == {
        "append", "close", "digest_at", "genesis", "position", "read", "rewrite_without",
        "rollbacks",
    }  # fmt: skip
    assert members <= set(dir(kind))


class TestAppending:
    def test_what_was_appended_is_there_after_opening_again(
        self, journal: Journal, keeper: Keeper
    ) -> None:
        journal.append([lesson(1)])
        journal.append(lessons(2, 4))
        assert journal.position == 4
        assert list(journal.read()) == lessons(1, 4)
        opened = keeper.open_again("ada")
        assert list(opened.read()) == lessons(1, 4)
        assert opened.genesis == GENESIS
        assert opened.position == 4
        opened.append([lesson(5)])
        assert list(opened.read(after=3)) == lessons(4, 5)

    def test_an_empty_journal_is_one_too(self, journal: Journal, keeper: Keeper) -> None:
        for find in (lambda: journal, lambda: keeper.open_again("ada")):
            empty = find()
            assert empty.position == 0
            assert list(empty.read()) == []
            assert empty.rollbacks() == {}

    @given(st.lists(st.lists(named_tensors, max_size=3), max_size=3), st.integers(-1, 9))
    @LAW
    def test_any_groups_come_back_in_order(
        self, keeper: Keeper, groups: list[list[dict[str, torch.Tensor]]], after: int
    ) -> None:
        name = next(NAMES)
        journal = keeper.create(name, {})
        entries: list[Entry] = []
        for group in groups:
            numbered = [Entry(len(entries) + i, "stimulus", {}, t) for i, t in enumerate(group, 1)]
            journal.append(numbered)
            entries += numbered
        opened = keeper.open_again(name)
        assert list(opened.read()) == entries
        assert list(opened.read(after)) == entries[max(after, 0) :]

    @pytest.mark.parametrize("numbers", [[1], [4], [3, 5], [3, 3], [3, 2]])
    def test_numbers_that_do_not_follow_are_refused(
        self, journal: Journal, numbers: list[int]
    ) -> None:
        journal.append(lessons(1, 2))
        with pytest.raises(JournalError, match="does not follow"):
            journal.append([lesson(number) for number in numbers])
        journal.append([lesson(3)])
        assert list(journal.read()) == lessons(1, 3)

    def test_an_entry_that_cannot_be_stored_takes_its_group_with_it(
        self, journal: Journal, keeper: Keeper
    ) -> None:
        with pytest.raises(InvalidInput, match="JSON cannot hold"):
            journal.append([lesson(1), Entry(2, "lesson", {"reward": float("nan")})])
        assert journal.position == 0
        journal.append([])
        journal.append([lesson(1)])
        assert list(keeper.open_again("ada").read()) == [lesson(1)]

    def test_journals_beside_each_other_know_nothing_of_each_other(self, keeper: Keeper) -> None:
        one, other = keeper.create("one", GENESIS), keeper.create("other", {"seed": 3})
        one.append(lessons(1, 3))
        other.append([Entry(1, "rollback", {"to": 0})])
        one.rewrite_without([2])
        other.append([lesson(2)])
        assert list(one.read()) == [lesson(1), lesson(3)]
        assert list(other.read(after=1)) == [lesson(2)]
        assert (one.position, other.position) == (3, 2)
        assert (one.rollbacks(), other.rollbacks()) == ({}, {1: 0})
        assert other.genesis == {"seed": 3}


class TestReading:
    def test_reading_goes_on_while_entries_are_added(self, journal: Journal) -> None:
        journal.append(lessons(1, 4))
        reading = journal.read(after=1)
        assert next(reading) == lesson(2)
        journal.append([lesson(5)])
        assert list(reading) == lessons(3, 4)
        assert list(journal.read()) == lessons(1, 5)

    def test_reading_never_mixes_histories_when_entries_are_removed(self, journal: Journal) -> None:
        journal.append(lessons(1, 4))
        reading = journal.read(after=1)
        assert next(reading) == lesson(2)
        journal.rewrite_without([1, 3])
        journal.append([lesson(5)])
        assert list(reading) == lessons(3, 4)
        assert list(journal.read()) == [lesson(2), lesson(4), lesson(5)]

    def test_two_who_read_at_once_do_not_disturb_each_other(self, journal: Journal) -> None:
        journal.append(lessons(1, 4))
        pairs = list(zip(journal.read(), journal.read(), strict=True))
        assert pairs == [(entry, entry) for entry in lessons(1, 4)]

    @pytest.mark.parametrize("after", [2, 3, 2**40])
    def test_after_the_end_there_is_nothing(self, journal: Journal, after: int) -> None:
        journal.append(lessons(1, 2))
        assert list(journal.read(after)) == []

    def test_who_stops_reading_keeps_nobody_from_writing(self, journal: Journal) -> None:
        journal.append(lessons(1, 3))
        reading = journal.read()
        next(reading)
        journal.append([lesson(4)])
        journal.rewrite_without([2])
        del reading
        journal.append([lesson(5)])
        assert journal.position == 5


class TestRollbacks:
    def test_rollbacks_are_found_and_the_rest_is_not(self, journal: Journal) -> None:
        journal.append([
            *lessons(1, 2),
            Entry(3, "rollback", {"to": 1}),
            lesson(4),
            Entry(5, "rollback", {"to": 0}),
        ])  # fmt: skip
        assert journal.rollbacks() == {3: 1, 5: 0}
        journal.rewrite_without([4])
        assert journal.rollbacks() == {3: 1, 5: 0}


class TestDigests:
    def test_digests_are_the_chain_over_header_and_entries(self, journal: Journal) -> None:
        journal.append(lessons(1, 2))
        journal.append([lesson(3)])
        digest = header_frame(GENESIS)[-32:]
        assert journal.digest_at(0) == digest.hex()
        for entry in lessons(1, 3):
            digest = hashlib.sha256(digest + entry.encode()).digest()
            assert journal.digest_at(entry.sequence) == digest.hex()

    def test_two_histories_share_digests_until_they_differ(
        self, journal: Journal, keeper: Keeper
    ) -> None:
        other = keeper.create("other", GENESIS)
        journal.append(lessons(1, 3))
        other.append([lesson(1), lesson(2, value=9.0), lesson(3)])
        same = [journal.digest_at(n) == other.digest_at(n) for n in range(4)]
        assert same == [True, True, False, False]

    @pytest.mark.parametrize("sequence", [-1, 2])
    def test_a_position_that_the_journal_lacks_is_refused(
        self, journal: Journal, sequence: int
    ) -> None:
        journal.append([lesson(1)])
        with pytest.raises(JournalError, match=f"ends at 1 and has no entry {sequence}"):
            journal.digest_at(sequence)

    def test_digests_before_the_removed_entry_stay_and_those_after_change(
        self, journal: Journal, keeper: Keeper
    ) -> None:
        journal.append(lessons(1, 5))
        before = [journal.digest_at(n) for n in range(6)]
        journal.rewrite_without([3])
        after = [journal.digest_at(n) for n in range(6)]
        assert [one == other for one, other in zip(before, after, strict=True)] == [
            *[True] * 3,
            *[False] * 3,
        ]
        opened = keeper.open_again("ada")
        assert [opened.digest_at(n) for n in range(6)] == after


class TestRemoving:
    def test_removed_entries_are_gone_and_the_others_keep_their_numbers(
        self, journal: Journal, keeper: Keeper
    ) -> None:
        secret = Entry(3, "lesson", {"secret": "swordfish"})
        journal.append([*lessons(1, 2), secret, *lessons(4, 5)])
        assert b"swordfish" in keeper.stored()
        journal.rewrite_without({3, 5})
        assert b"swordfish" not in keeper.stored()
        # The last number stays taken, so that no later entry passes for the removed one.
        assert journal.position == 5
        journal.append([lesson(6)])
        expected = [lesson(1), lesson(2), lesson(4), lesson(6)]
        assert list(journal.read()) == expected
        opened = keeper.open_again("ada")
        assert list(opened.read()) == expected
        assert opened.position == 6
        assert b"swordfish" not in keeper.stored()

    def test_removing_twice_changes_nothing(self, journal: Journal) -> None:
        journal.append(lessons(1, 3))
        journal.rewrite_without([2])
        digests = [journal.digest_at(n) for n in range(4)]
        journal.rewrite_without([2])
        journal.rewrite_without([])
        assert [journal.digest_at(n) for n in range(4)] == digests
        journal.rewrite_without([1, 2])
        assert list(journal.read()) == [lesson(3)]

    def test_all_may_be_removed(self, journal: Journal, keeper: Keeper) -> None:
        journal.append(lessons(1, 3))
        journal.rewrite_without([1, 2, 3])
        assert list(journal.read()) == []
        journal.append([lesson(4)])
        assert list(keeper.open_again("ada").read()) == [lesson(4)]

    @pytest.mark.parametrize("sequence", [0, -1, 4])
    def test_what_was_never_there_cannot_be_removed(self, journal: Journal, sequence: int) -> None:
        journal.append(lessons(1, 3))
        with pytest.raises(JournalError, match=rf"has no entries \[{sequence}\]"):
            journal.rewrite_without([1, sequence])
        assert list(journal.read()) == lessons(1, 3)


def test_closing_twice_is_closing_once(journal: Journal, keeper: Keeper) -> None:
    journal.append(lessons(1, 3))
    digest = journal.digest_at(3)
    journal.close()
    journal.close()
    assert keeper.open_again("ada").digest_at(3) == digest


# ------------------------------------------------------------------------- one as the other

Deed = tuple[str, Any]


@st.composite
def deeds(draw: st.DrawFn) -> list[Deed]:
    """Groups to append, and numbers to remove of those that are there by then."""
    done: list[Deed] = []
    position = 0
    for _ in range(draw(st.integers(1, 6))):
        if position and draw(st.booleans()):
            done.append(("remove", draw(st.sets(st.integers(1, position), max_size=3))))
            continue
        group = []
        for _ in range(draw(st.integers(0, 3))):
            position += 1
            to = draw(st.none() | st.integers(0, position - 1))
            value = draw(st.floats(0, 1, width=32))
            group.append(
                lesson(position, value) if to is None else Entry(position, "rollback", {"to": to})
            )
        done.append(("append", group))
    return done


def told(journal: Journal) -> dict[str, Any]:
    """All that a journal tells of itself."""
    return {
        "genesis": journal.genesis,
        "position": journal.position,
        "entries": [entry.encode() for entry in journal.read()],
        "rollbacks": dict(journal.rollbacks()),
        "digests": [journal.digest_at(n) for n in range(journal.position + 1)],
    }


@given(deeds(), st.dictionaries(st.text(max_size=4), st.integers(), max_size=2))
@LAW
def test_whatever_is_done_all_kinds_tell_the_same(
    tmp_path: Path, done: list[Deed], genesis: dict[str, Any]
) -> None:
    name = next(NAMES)
    tales = []
    for kind, keeper_of in KEEPERS.items():
        folder = tmp_path / kind
        folder.mkdir(exist_ok=True)
        keeper = keeper_of(folder)
        journal = keeper.create(name, genesis)
        tale = []
        for what, content in done:
            (journal.append if what == "append" else journal.rewrite_without)(content)
            tale.append(told(journal))
        tale.append(told(keeper.open_again(name)))
        keeper.close()
        tales.append(tale)
    assert tales[0] == tales[1]
    assert tales[0][-1] == tales[0][-2]
