"""A journal in tables; what every journal does is in tests/contracts/test_journal_contract.py."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.brain.happenings import NETWORK
from tests.brain.journals import GENESIS, lesson, lessons
from tests.contracts.journal_keepers import record

from neurallayers.brain import Life
from neurallayers.brain.entry import Entry
from neurallayers.errors import JournalError
from neurallayers.service.store import SnapshotRecord, Store, TableJournal, table_journal
from neurallayers.service.store.store import Answer, Group

MARK = b"swordfish-on-a-canvas"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def journal(store: Store) -> TableJournal:
    store.create(record("ada"), GENESIS)
    return store.journal("ada")


def change(store: Store, statement: str, *values: object) -> None:
    """Do to the tables what bad luck does."""
    with store.database.transaction() as connection:
        assert connection.execute(statement, values).rowcount == 1


def on_disk(folder: Path) -> bytes:
    """The file and its log."""
    assert {path.name for path in folder.iterdir()} <= {"brains.sqlite3", "brains.sqlite3-wal"}
    return b"".join(path.read_bytes() for path in folder.iterdir())


def test_there_is_no_journal_of_a_brain_that_is_not_there(store: Store) -> None:
    with pytest.raises(JournalError, match=r"no journal of nobody.*Create the brain first"):
        store.journal("nobody")


# ------------------------------------------------------------------------ two who hold it


def test_one_that_was_left_behind_writes_nothing(store: Store, journal: TableJournal) -> None:
    other = store.journal("ada")
    other.append(lessons(1, 2))
    with pytest.raises(JournalError, match=r"is not at 0 any more.*open it again"):
        journal.append([lesson(1, value=9.0)])
    assert store.database.usable
    assert list(store.journal("ada").read()) == lessons(1, 2)


def test_one_that_missed_a_removal_does_not_go_on_from_the_old_history(
    store: Store, journal: TableJournal
) -> None:
    journal.append(lessons(1, 3))
    store.journal("ada").rewrite_without([2])
    with pytest.raises(JournalError, match="not at 3 any more"):
        journal.append([lesson(4)])
    store.journal("ada").append([lesson(4)])
    assert [entry.sequence for entry in store.journal("ada").read()] == [1, 3, 4]


def test_the_journal_of_a_deleted_brain_takes_nothing(store: Store, journal: TableJournal) -> None:
    journal.append([lesson(1)])
    store.delete("ada")
    with pytest.raises(JournalError, match="removed it"):
        journal.append([lesson(2)])
    assert store.database.query("SELECT count(*) FROM entries") == [(0,)]
    assert store.database.usable


def test_closing_a_journal_leaves_the_database_open(store: Store, journal: TableJournal) -> None:
    journal.close()
    assert store.usable
    journal.append([lesson(1)])


# ------------------------------------------------------------------------------- in parts


@pytest.fixture
def _in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_journal, "_ROWS_AT_ONCE", 3)


@pytest.mark.usefixtures("_in_parts")
@pytest.mark.parametrize("after", [0, 1, 2, 3, 5, 9, 10])
def test_a_long_journal_is_read_in_parts(journal: TableJournal, after: int) -> None:
    journal.append(lessons(1, 10))
    journal.rewrite_without([3, 4])
    left = [entry for entry in lessons(1, 10) if entry.sequence not in (3, 4)]
    assert list(journal.read(after)) == [entry for entry in left if entry.sequence > after]


@pytest.mark.usefixtures("_in_parts")
def test_what_is_added_while_it_is_read_in_parts_stays_out(journal: TableJournal) -> None:
    journal.append(lessons(1, 7))
    reading = journal.read()
    first = list(itertools.islice(reading, 2))
    journal.append(lessons(8, 9))
    assert [*first, *reading] == lessons(1, 7)


@pytest.mark.usefixtures("_in_parts")
def test_what_is_forgotten_before_it_is_read_is_not_read(journal: TableJournal) -> None:
    journal.append(lessons(1, 7))
    reading = journal.read()
    first = next(reading)
    journal.rewrite_without([5])
    assert [entry.sequence for entry in (first, *reading)] == [1, 2, 3, 4, 6, 7]


@pytest.mark.usefixtures("_in_parts")
def test_what_is_forgotten_after_it_was_read_ends_the_reading(journal: TableJournal) -> None:
    journal.append(lessons(1, 7))
    reading = journal.read()
    assert next(reading) == lesson(1)
    journal.rewrite_without([2])
    with pytest.raises(JournalError, match=r"rewritten while it was read\. Read it again"):
        list(reading)
    assert [entry.sequence for entry in journal.read()] == [1, 3, 4, 5, 6, 7]


# -------------------------------------------------------------------------------- damage

DAMAGE = {
    "a payload": ("UPDATE entries SET payload = ? WHERE sequence = 3", lesson(3, 8.0).encode()),
    "a digest": ("UPDATE entries SET digest = ? WHERE sequence = 3", b"\0" * 32),
    "another kind": ("UPDATE entries SET kind = ? WHERE sequence = 3", "rollback"),
    "passed off as removed": ("UPDATE entries SET kind = ? WHERE sequence = 3", ""),
    "a missing row": ("DELETE FROM entries WHERE sequence = ?", 3),
}


@pytest.mark.parametrize("fault", list(DAMAGE))
def test_damage_is_found_by_reading(store: Store, journal: TableJournal, fault: str) -> None:
    journal.append(lessons(1, 5))
    change(store, *DAMAGE[fault])
    opened = store.journal("ada")
    with pytest.raises(JournalError, match=r"Entry 3 of ada is damaged or missing.*backup"):
        list(opened.read())
    # What is after it is linked to its stored digest, and can be read if that is whole.
    if fault in ("a payload", "another kind", "passed off as removed"):
        assert list(opened.read(after=3)) == lessons(4, 5)


def test_a_rollback_that_passes_for_something_else_is_found(
    store: Store, journal: TableJournal
) -> None:
    journal.append([*lessons(1, 2), Entry(3, "rollback", {"to": 1})])
    change(store, "UPDATE entries SET kind = 'lesson' WHERE sequence = 3")
    with pytest.raises(JournalError, match="Entry 3 of ada is damaged"):
        list(journal.read())


@pytest.mark.parametrize("content", [{}, {"to": "1"}, {"to": None}])
def test_a_rollback_that_names_no_entry_is_damage(
    journal: TableJournal, content: dict[str, object]
) -> None:
    journal.append([lesson(1), Entry(2, "rollback", content)])
    with pytest.raises(JournalError, match="Entry 2 of ada is damaged"):
        journal.rollbacks()


@pytest.mark.parametrize(
    ("column", "value"),
    [("genesis", "{"), ("genesis", "[1]"), ("digest", b"\0" * 32), ("position", 1),
     ("position", 3)],
)  # fmt: skip
@pytest.mark.parametrize("entries", [0, 2])
def test_a_damaged_brain_has_no_journal(
    store: Store, journal: TableJournal, column: str, value: object, entries: int
) -> None:
    journal.append(lessons(1, entries))
    change(store, f"UPDATE brains SET {column} = ?", value)
    with pytest.raises(JournalError, match=r"of ada (is damaged|ends at)"):
        store.journal("ada")


def test_a_history_that_begins_with_something_else_is_found_by_reading(
    store: Store, journal: TableJournal
) -> None:
    journal.append(lessons(1, 2))
    change(store, "UPDATE brains SET genesis = ?", '{"network": "another"}')
    with pytest.raises(JournalError, match="Entry 1 of ada is damaged"):
        list(store.journal("ada").read())


# ------------------------------------------------------------------------------- removing


def asked(sequence: int) -> Answer:
    return Answer(f"key {sequence}", b"asked", sequence, b"thought " + MARK)


def test_what_depended_on_a_removed_entry_goes_with_it(store: Store, journal: TableJournal) -> None:
    life = Life.begin(NETWORK)
    store.append([Group(journal, lessons(1, 4), [asked(n) for n in range(1, 5)])])
    for sequence in (1, 2, 3, 4):
        moment = replace(life, sequence=sequence)
        store.keep_snapshot(
            journal, moment, SnapshotRecord(f"s{sequence}", None, sequence, "now", 0)
        )
    for sequence in (1, 4):
        store.keep_snapshot(journal, replace(life, sequence=sequence))
    journal.rewrite_without([3])
    assert [entry.sequence for entry in journal.read()] == [1, 2, 4]
    answers = [store.answer(journal, f"key {n}") for n in range(1, 5)]
    # The keys stay: who asks again must not teach again.
    assert [bool(one.answer) for one in answers if one is not None] == [True, True, False, False]
    kept = store.database.query("SELECT id, sequence, data IS NULL FROM snapshots ORDER BY number")
    assert kept == [
        ("s1", 1, 0), ("s2", 2, 0), ("s3", 3, 1), ("s4", 4, 1), (None, 1, 0),
    ]  # fmt: skip


def test_a_neighbour_keeps_everything(store: Store, journal: TableJournal) -> None:
    store.create(record("bob"), GENESIS)
    other = store.journal("bob")
    for one in (journal, other):
        store.append([Group(one, lessons(1, 3), [asked(3)])])
        store.keep_snapshot(one, Life.begin(NETWORK))
    digests = [other.digest_at(n) for n in range(4)]
    journal.rewrite_without([1])
    assert [other.digest_at(n) for n in range(4)] == digests
    assert list(store.journal("bob").read()) == lessons(1, 3)
    answer = store.answer(other, "key 3")
    assert answer is not None
    assert answer.answer == asked(3).answer


def test_the_bytes_of_what_was_forgotten_are_nowhere(
    store: Store, journal: TableJournal, tmp_path: Path
) -> None:
    # As large as a drawing, so that it takes pages of its own.
    image = MARK * 300
    content = {"target": "c", "drawing": image.decode()}
    journal.append([lesson(1), Entry(2, "lesson", content)])
    store.append([Group(journal, [lesson(3)], [asked(3)])])
    store.database.wipe()
    journal.append([Entry(4, "lesson", content)])
    assert on_disk(tmp_path).count(MARK) >= 600  # in the file and in the log
    journal.rewrite_without([2, 4])
    assert MARK not in on_disk(tmp_path)
    # Nor when more is written, nor after closing, which empties the log.
    journal.append([lesson(5)])
    store.close()
    assert MARK not in on_disk(tmp_path)


def test_what_was_in_the_log_many_times_is_nowhere_either(
    store: Store, journal: TableJournal, tmp_path: Path
) -> None:
    for number in range(1, 30):
        journal.append([Entry(number, "lesson", {"drawing": (MARK * 40).decode()})])
    journal.rewrite_without(range(1, 30))
    assert MARK not in on_disk(tmp_path)
    assert list(journal.read()) == []


def test_a_rewrite_that_cannot_be_stored_leaves_everything(
    store: Store, journal: TableJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.append([Group(journal, lessons(1, 5), [asked(5)])])
    digests = [journal.digest_at(n) for n in range(6)]
    real = TableJournal._relink
    calls = itertools.count()

    def fails(*arguments: object, **options: object) -> bytes:
        if next(calls) == 2:
            raise OSError("the disk is gone")
        return real(*arguments, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(TableJournal, "_relink", fails)
        with pytest.raises(OSError, match="the disk is gone"):
            journal.rewrite_without([2])
    assert [journal.digest_at(n) for n in range(6)] == digests
    assert list(journal.read()) == lessons(1, 5)
    answer = store.answer(journal, "key 5")
    assert answer is not None
    assert answer.answer == asked(5).answer
    journal.append([lesson(6)])
    assert list(store.journal("ada").read()) == lessons(1, 6)
