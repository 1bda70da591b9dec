"""A journal in a file; what every journal does is in tests/contracts/test_journal_contract.py."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest
from tests.brain.journals import disk_full, lesson, lessons, reopened

from neurallayers.brain import files
from neurallayers.brain import journal as journal_module
from neurallayers.brain.journal import Entry, FileJournal
from neurallayers.errors import InvalidInput, JournalError


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


def test_removing_twice_changes_nothing(journal: FileJournal, path: Path) -> None:
    journal.append(lessons(1, 3))
    journal.rewrite_without([2])
    data = path.read_bytes()
    journal.rewrite_without([2])
    journal.rewrite_without([])
    assert path.read_bytes() == data
    journal.rewrite_without([1, 2])
    assert list(journal.read()) == [lesson(3)]


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
