from __future__ import annotations

import gc
import hashlib
import os
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.brain.journals import GENESIS, disk_full, lesson, lessons, reopened
from tests.brain.stored_tensors import named_tensors

from neurallayers.brain import files
from neurallayers.brain import journal as journal_module
from neurallayers.brain.frames import header_frame
from neurallayers.brain.journal import Entry, FileJournal, Journal
from neurallayers.errors import InvalidInput, JournalError

# ------------------------------------------------------------------------- append and read


def test_what_was_appended_is_there_after_opening_again(journal: FileJournal, path: Path) -> None:
    journal.append([lesson(1)])
    journal.append(lessons(2, 4))
    assert journal.position == 4
    assert list(journal.read()) == lessons(1, 4)
    journal.close()
    entries, opened = reopened(path)
    assert entries == lessons(1, 4)
    assert opened.genesis == GENESIS
    assert opened.position == 4
    assert opened.recovered_bytes == 0


@given(st.lists(st.lists(named_tensors, max_size=3), max_size=3), st.integers(0, 9))
def test_any_groups_come_back_in_order(
    tmp_path_factory: pytest.TempPathFactory,
    groups: list[list[dict[str, torch.Tensor]]],
    after: int,
) -> None:
    path = tmp_path_factory.mktemp("brain") / "journal"
    entries: list[Entry] = []
    journal = FileJournal.create(path, {})
    for group in groups:
        numbered = [Entry(len(entries) + i, "stimulus", {}, t) for i, t in enumerate(group, 1)]
        journal.append(numbered)
        entries += numbered
    journal.close()
    assert reopened(path)[0] == entries
    later = FileJournal.open(path)
    assert list(later.read(after)) == entries[after:]
    later.close()


def test_a_journal_is_what_the_interface_says(journal: FileJournal) -> None:
    kept: Journal = journal
    kept.append([lesson(1)])
    assert [entry.sequence for entry in kept.read(after=0)] == [1]
    members = {name for name in vars(Journal) if not name.startswith("_")}
    assert members == {
        "append", "close", "digest_at", "genesis", "position", "read", "rewrite_without",
        "rollbacks",
    }  # fmt: skip
    assert members <= set(dir(FileJournal))


@pytest.mark.parametrize("numbers", [[1], [4], [3, 5], [3, 3], [3, 2]])
def test_numbers_that_do_not_follow_are_refused(journal: FileJournal, numbers: list[int]) -> None:
    journal.append(lessons(1, 2))
    with pytest.raises(JournalError, match="does not follow"):
        journal.append([lesson(number) for number in numbers])
    journal.append([lesson(3)])
    assert list(journal.read()) == lessons(1, 3)


def test_an_entry_that_cannot_be_stored_takes_its_group_with_it(journal: FileJournal) -> None:
    with pytest.raises(InvalidInput, match="JSON cannot hold"):
        journal.append([lesson(1), Entry(2, "lesson", {"reward": float("nan")})])
    assert journal.position == 0
    journal.append([])
    journal.append([lesson(1)])


def test_a_group_has_a_limit(journal: FileJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "GROUP_BYTES_AT_MOST", 1000)
    with pytest.raises(InvalidInput, match="Append it in parts"):
        journal.append(lessons(1, 9))
    journal.append(lessons(1, 2))


def test_a_group_is_one_write_and_one_sync(
    journal: FileJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    real_write, real_fsync = os.write, os.fsync
    monkeypatch.setattr(
        files.os, "write", lambda fd, data: calls.append("write") or real_write(fd, data)
    )
    monkeypatch.setattr(files.os, "fsync", lambda fd: calls.append("fsync") or real_fsync(fd))
    journal.append(lessons(1, 5))
    assert calls == ["write", "fsync"]


def test_reading_goes_on_while_entries_are_added_and_removed(journal: FileJournal) -> None:
    journal.append(lessons(1, 4))
    reading = journal.read(after=1)
    assert next(reading) == lesson(2)
    journal.rewrite_without([1, 3])
    journal.append([lesson(5)])
    assert list(reading) == [lesson(3), lesson(4)]
    assert list(journal.read()) == [lesson(2), lesson(4), lesson(5)]


def test_a_closed_journal_says_so(journal: FileJournal, path: Path) -> None:
    journal.close()
    journal.close()
    for use in (
        lambda: journal.append([lesson(1)]),
        lambda: list(journal.read()),
        lambda: journal.digest_at(0),
        lambda: journal.rewrite_without([]),
    ):
        with pytest.raises(JournalError, match="closed"):
            use()


def test_a_dropped_journal_gives_its_file_back(path: Path) -> None:
    journal = FileJournal.create(path, {})
    descriptor = journal._descriptor
    del journal
    gc.collect()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


# ------------------------------------------------------------------------------- digests


def test_digests_are_the_chain_over_header_and_entries(journal: FileJournal) -> None:
    journal.append(lessons(1, 2))
    journal.append([lesson(3)])
    digest = header_frame(GENESIS)[-32:]
    assert journal.digest_at(0) == digest.hex()
    for entry in lessons(1, 3):
        digest = hashlib.sha256(digest + entry.encode()).digest()
        assert journal.digest_at(entry.sequence) == digest.hex()


def test_two_histories_share_digests_until_they_differ(journal: FileJournal, path: Path) -> None:
    other = FileJournal.create(path.with_name("other"), GENESIS)
    journal.append(lessons(1, 3))
    other.append([lesson(1), lesson(2, value=9.0), lesson(3)])
    same = [journal.digest_at(n) == other.digest_at(n) for n in range(4)]
    assert same == [True, True, False, False]
    other.close()


@pytest.mark.parametrize("sequence", [-1, 2])
def test_a_position_that_the_journal_lacks_is_refused(journal: FileJournal, sequence: int) -> None:
    journal.append([lesson(1)])
    with pytest.raises(JournalError, match=f"ends at 1 and has no entry {sequence}"):
        journal.digest_at(sequence)


# ------------------------------------------------------------------------------ removing


def test_removed_entries_are_gone_and_the_others_keep_their_numbers(
    journal: FileJournal, path: Path
) -> None:
    journal.append([*lessons(1, 2), Entry(3, "lesson", {"secret": "swordfish"}), *lessons(4, 5)])
    journal.rewrite_without({3, 5})
    assert b"swordfish" not in path.read_bytes()
    assert journal.removed == {3, 5}
    # The last number stays taken, so that no later entry passes for the removed one.
    assert journal.position == 5
    journal.append([lesson(6)])
    expected = [lesson(1), lesson(2), lesson(4), lesson(6)]
    assert list(journal.read()) == expected
    journal.close()
    entries, opened = reopened(path)
    assert entries == expected
    assert opened.removed == {3, 5}
    assert opened.position == 6


def test_digests_before_the_removed_entry_stay_and_those_after_change(
    journal: FileJournal,
) -> None:
    journal.append(lessons(1, 5))
    before = [journal.digest_at(n) for n in range(6)]
    journal.rewrite_without([3])
    after = [journal.digest_at(n) for n in range(6)]
    assert [one == other for one, other in zip(before, after, strict=True)] == [
        *[True] * 3,
        *[False] * 3,
    ]


def test_removing_twice_changes_nothing(journal: FileJournal, path: Path) -> None:
    journal.append(lessons(1, 3))
    journal.rewrite_without([2])
    data = path.read_bytes()
    journal.rewrite_without([2])
    journal.rewrite_without([])
    assert path.read_bytes() == data
    journal.rewrite_without([1, 2])
    assert list(journal.read()) == [lesson(3)]


@pytest.mark.parametrize("sequence", [0, 4])
def test_what_was_never_there_cannot_be_removed(journal: FileJournal, sequence: int) -> None:
    journal.append(lessons(1, 3))
    with pytest.raises(JournalError, match=rf"has no entries \[{sequence}\]"):
        journal.rewrite_without([1, sequence])
    assert list(journal.read()) == lessons(1, 3)


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_failed_rewrite_leaves_the_journal_as_it_was(
    journal: FileJournal, path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    journal.append(lessons(1, 3))
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(files.os, call, disk_full)
        with pytest.raises(JournalError, match="could not be rewritten: No space"):
            journal.rewrite_without([2])
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == ["journal"]
    journal.append([lesson(4)])
    assert reopened(path)[0] == lessons(1, 4)


def test_a_rewrite_whose_name_may_not_last_must_be_opened_again(
    journal: FileJournal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append(lessons(1, 3))
    with monkeypatch.context() as patch:
        patch.setattr(files, "sync_folder", disk_full)
        with pytest.raises(JournalError, match="could not be rewritten"):
            journal.rewrite_without([2])
    with pytest.raises(JournalError, match="replaced it"):
        journal.append([lesson(4)])
    assert reopened(path)[0] == [lesson(1), lesson(3)]
