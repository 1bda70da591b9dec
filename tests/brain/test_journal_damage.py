"""What crashes, bad disks and flipped bits do to a journal."""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.brain.journals import disk_full, lesson, lessons, reopened

from neurallayers.brain import files
from neurallayers.brain.journal import Entry, FileJournal
from neurallayers.errors import JournalError

# ---------------------------------------------------------------------------- torn tails


def test_a_record_torn_at_any_byte_is_cut_off(
    journal: FileJournal, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal.append(lessons(1, 2))
    kept = path.stat().st_size
    journal.append([lesson(3)])
    whole = path.read_bytes()
    for length in range(kept, len(whole)):
        path.write_bytes(whole[:length])
        caplog.clear()
        with caplog.at_level(logging.WARNING, logger="neurallayers"):
            entries, opened = reopened(path)
        assert entries == lessons(1, 2)
        assert opened.recovered_bytes == length - kept
        assert [record.message for record in caplog.records] == (
            ["journal.recovered"] if length > kept else []
        )
        assert path.read_bytes() == whole[:kept]


def test_a_journal_goes_on_after_its_tail_was_cut(journal: FileJournal, path: Path) -> None:
    journal.append([lesson(1)])
    journal.append([lesson(2)])
    journal.close()
    path.write_bytes(path.read_bytes()[:-1])
    again = FileJournal.open(path)
    again.append(lessons(2, 3))
    again.close()
    assert reopened(path)[0] == lessons(1, 3)


def test_a_group_torn_at_any_byte_is_cut_off_whole(journal: FileJournal, path: Path) -> None:
    journal.append([lesson(1)])
    kept = path.stat().st_size
    journal.append(lessons(2, 4))
    whole = path.read_bytes()
    for length in range(kept, len(whole), 7):
        path.write_bytes(whole[:length])
        entries, opened = reopened(path)
        assert entries == [lesson(1)]
        assert opened.recovered_bytes == length - kept


def test_what_opening_found_is_synced_before_it_is_used(
    journal: FileJournal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append([lesson(1)])
    synced: list[int] = []
    monkeypatch.setattr(files.os, "fsync", synced.append)
    FileJournal.open(path).close()
    assert len(synced) == 1


# -------------------------------------------------------------------------------- damage


def test_a_flipped_bit_anywhere_is_refused(journal: FileJournal, path: Path) -> None:
    journal.append(lessons(1, 2))
    journal.close()
    whole = path.read_bytes()
    for position in range(len(whole)):
        data = bytearray(whole)
        data[position] ^= 1 << (position % 8)
        path.write_bytes(data)
        with pytest.raises(JournalError, match=r"damaged.*backup"):
            FileJournal.open(path)
        assert path.read_bytes() == data


def test_repair_keeps_what_is_before_the_damage_and_sets_the_rest_aside(
    journal: FileJournal, path: Path
) -> None:
    journal.append([lesson(1)])
    kept = path.stat().st_size
    journal.append([lesson(2)])
    journal.append([lesson(3)])
    journal.close()
    for round_, name in enumerate(["journal.damaged", "journal.damaged1"]):
        data = bytearray(path.read_bytes())
        if round_ == 1:
            data += bytes(range(1, 60))
        else:
            data[kept + 60] ^= 1
        path.write_bytes(data)
        with pytest.raises(JournalError, match=r"damaged in entry 2.*FileJournal\.repair"):
            FileJournal.open(path)
        assert FileJournal.repair(path) == len(data) - kept
        assert path.with_name(name).read_bytes() == data[kept:]
        assert reopened(path)[0] == [lesson(1)]
    assert FileJournal.repair(path) == 0


def test_a_repair_without_space_changes_nothing(
    journal: FileJournal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append(lessons(1, 2))
    journal.close()
    data = path.read_bytes()[:-40] + b"\1" * 40
    path.write_bytes(data)
    with monkeypatch.context() as patch:
        patch.setattr(files.os, "write", disk_full)
        with pytest.raises(JournalError, match="could not be repaired: No space"):
            FileJournal.repair(path)
    assert path.read_bytes() == data
    assert [entry.name for entry in path.parent.iterdir()] == ["journal"]


def test_without_its_header_nothing_can_be_repaired(journal: FileJournal, path: Path) -> None:
    path.write_bytes(b"x" + path.read_bytes()[1:])
    with pytest.raises(JournalError, match=r"header is damaged.*backup"):
        FileJournal.repair(path)


def test_what_is_no_journal_is_refused(path: Path, tmp_path: Path) -> None:
    for open_it in (FileJournal.open, FileJournal.repair):
        with pytest.raises(JournalError, match="There is no journal"):
            open_it(path)
        with pytest.raises(JournalError, match="There is no journal"):
            open_it(tmp_path)
    path.write_bytes(b"a text that is long enough to be a head" * 9)
    with pytest.raises(JournalError, match="not a journal"):
        FileJournal.open(path)


def test_an_existing_journal_is_never_replaced_by_a_new_one(
    journal: FileJournal, path: Path
) -> None:
    with pytest.raises(JournalError, match="already there"):
        FileJournal.create(path, {})
    with pytest.raises(JournalError, match="existing folder"):
        FileJournal.create(path / "under" / "a file", {})


def test_an_entry_under_another_number_is_refused(
    journal: FileJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = lesson(7).encode()
    with monkeypatch.context() as patch:
        patch.setattr(Entry, "encode", lambda _: wrong)
        journal.append([lesson(1)])
    with pytest.raises(JournalError, match="Entry 1 says that it is 7"):
        list(journal.read())


# ------------------------------------------------------------------------- failing disks


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_failed_append_leaves_nothing_and_stops_the_journal(
    journal: FileJournal, path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    journal.append([lesson(1)])
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(files.os, call, disk_full)
        with pytest.raises(JournalError, match=r"No space left on device.*open the journal again"):
            journal.append(lessons(2, 3))
    assert path.read_bytes() == before
    assert journal.position == 1
    for use in (lambda: journal.append([lesson(2)]), lambda: journal.rewrite_without([1])):
        with pytest.raises(JournalError, match="takes no more entries: a write failed"):
            use()
    assert list(journal.read()) == [lesson(1)]
    journal.close()
    again = FileJournal.open(path)
    again.append([lesson(2)])
    again.close()
    assert reopened(path)[0] == lessons(1, 2)


def test_a_disk_that_fills_in_the_middle_of_a_write_leaves_nothing(
    journal: FileJournal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append([lesson(1)])
    before = path.read_bytes()
    real_write, calls = os.write, iter([20, 20])

    def some(descriptor: int, data: memoryview) -> int:
        count = next(calls, 0)
        return real_write(descriptor, data[:count]) if count else disk_full()  # type: ignore[func-returns-value]

    monkeypatch.setattr(files.os, "write", some)
    with pytest.raises(JournalError, match="Nothing of this group was kept"):
        journal.append([lesson(2)])
    assert path.read_bytes() == before


def test_an_interrupted_append_leaves_nothing(
    journal: FileJournal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: int) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    before = path.read_bytes()
    monkeypatch.setattr(files.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        journal.append([lesson(1)])
    assert path.read_bytes() == before
    with pytest.raises(JournalError, match="takes no more entries"):
        journal.append([lesson(1)])


def test_a_disk_that_cannot_be_read_is_told(
    journal: FileJournal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(files.os, "pread", broken)
    with pytest.raises(JournalError, match=r"Input/output error.*See to its disk"):
        FileJournal.open(path)


def test_a_second_writer_is_noticed(journal: FileJournal, path: Path) -> None:
    other = FileJournal.open(path)
    other.append([lesson(1)])
    with pytest.raises(JournalError, match="something else wrote to it"):
        journal.append([lesson(1, value=9.0)])
    assert reopened(path)[0] == [lesson(1)]
    other.close()


def test_a_journal_replaced_by_another_writer_is_noticed(journal: FileJournal, path: Path) -> None:
    journal.append(lessons(1, 2))
    other = FileJournal.open(path)
    other.rewrite_without([1])
    other.close()
    with pytest.raises(JournalError, match="replaced it"):
        journal.append([lesson(3)])
    assert reopened(path)[0] == [lesson(2)]


# ----------------------------------------------------------------------------- kill -9

# A process with torch loaded forks the writers to kill, so that each takes milliseconds. A writer
# says what it has acknowledged through a pipe; what is in the pipe outlives it.
WRITERS = """
import os, random, signal, sys, time
import torch
from neurallayers.brain.journal import Entry, FileJournal
path, chance = sys.argv[1], random.Random(0)

def live(journal, writer):
    while True:
        position = journal.position
        numbers = range(position + 1, position + 1 + (3 if position % 5 == 0 else 1))
        journal.append([
            Entry(n, "lesson", {"n": n}, {"image": torch.full((n % 7, 1000), float(n))})
            for n in numbers
        ])
        os.write(writer, journal.position.to_bytes(4, "little"))
        if journal.position % 11 == 0:
            journal.rewrite_without([journal.position - 1])
            os.write(writer, (2**31 + journal.position - 1).to_bytes(4, "little"))

for _ in range(10):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        live(FileJournal.open(path), writer)
    os.close(writer)
    said = [int.from_bytes(os.read(reader, 4), "little") for _ in range(6)]
    time.sleep(chance.uniform(0, 0.004))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while word := os.read(reader, 4):
        said.append(int.from_bytes(word, "little"))
    os.close(reader)
    print(*said, flush=True)
    sys.stdin.readline()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="writers are forked")
def test_kill_9_loses_nothing_acknowledged(journal: FileJournal, path: Path) -> None:
    journal.close()
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", WRITERS, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
    ) as forker:
        assert forker.stdin is not None
        assert forker.stdout is not None
        kills, acknowledged, removed = 0, 0, set[int]()
        for line in forker.stdout:
            kills += 1
            said = [int(word) for word in line.split()]
            acknowledged = max(acknowledged, *(n for n in said if n < 2**31))
            removed |= {n - 2**31 for n in said if n >= 2**31}
            entries, opened = reopened(path)
            # Beyond what was acknowledged there may be the one group that was under way.
            assert acknowledged <= opened.position <= acknowledged + 3
            assert removed <= opened.removed
            assert len(opened.removed) <= len(removed) + 1
            there = {entry.sequence for entry in entries}
            assert there == set(range(1, opened.position + 1)) - opened.removed
            for entry in entries:
                n = entry.sequence
                assert entry.content == {"n": n}
                assert torch.equal(entry.tensors["image"], torch.full((n % 7, 1000), float(n)))
            removed = set(opened.removed)
            forker.stdin.write("next\n")
            forker.stdin.flush()
    assert kills == 10
    assert acknowledged >= 60
