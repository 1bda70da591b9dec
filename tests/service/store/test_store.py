"""The store: brains, histories of many in one transaction, answers, and snapshots to wake from."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from tests.brain.happenings import IMAGES, NETWORK
from tests.brain.happenings import lesson as taught
from tests.brain.individuals import bits, small_network
from tests.brain.journals import GENESIS, lesson, lessons
from tests.contracts.journal_keepers import record
from tests.service.store.failing_connection import FailingConnection

from neurallayers.brain import Life, live
from neurallayers.brain.entry import Entry
from neurallayers.errors import InvalidInput, JournalError, NeuralLayersError
from neurallayers.service.store import SnapshotRecord, Store, TableJournal
from neurallayers.service.store import store as module
from neurallayers.service.store.store import AUTOMATIC_SNAPSHOTS_KEPT, FILE, Answer, Group


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path)
    yield opened
    opened.close()


def born(store: Store, brain_id: str) -> TableJournal:
    store.create(record(brain_id), GENESIS)
    return store.journal(brain_id)


def rows(store: Store, table: str) -> int:
    ((count,),) = store.database.query(f"SELECT count(*) FROM {table}")
    return int(count)


# ---------------------------------------------------------------------------------- brains


def test_a_brain_is_found_as_it_was_kept(store: Store, tmp_path: Path) -> None:
    kept = record("ada", name="Ada é", model="small", created_at="2026-01-02T03:04:05Z")
    store.create(kept, GENESIS, request_key="please")
    found = store.brain("ada")
    assert found == replace(kept, number=1)
    assert store.brain_of_request("please") == found
    assert store.brain("bob") is None
    assert store.brain_of_request("thanks") is None
    store.close()
    again = Store(tmp_path)
    assert again.brain("ada") == found
    assert again.journal("ada").genesis == GENESIS
    assert (tmp_path / FILE).exists()
    again.close()


def test_the_position_of_a_brain_is_its_last_entry(store: Store) -> None:
    born(store, "ada").append(lessons(1, 3))
    found = store.brain("ada")
    assert found is not None
    assert found.position == 3


@pytest.mark.parametrize(("brain_id", "key"), [("ada", "other"), ("eve", "please")])
def test_ids_and_requests_are_taken_once(store: Store, brain_id: str, key: str) -> None:
    store.create(record("ada"), GENESIS, request_key="please")
    with pytest.raises(JournalError, match="UNIQUE"):
        store.create(record(brain_id), GENESIS, request_key=key)
    assert store.count() == 1
    assert store.usable
    store.create(record("bob"), GENESIS)
    store.create(record("eve"), GENESIS)


def test_a_genesis_that_cannot_be_kept_makes_no_brain(store: Store) -> None:
    with pytest.raises(InvalidInput):
        store.create(record("ada"), {"seed": float("nan")})
    assert store.count() == 0


def test_brains_come_in_pages_oldest_first_while_others_come_and_go(store: Store) -> None:
    names = [f"brain {number}" for number in range(7)]
    for name in names:
        born(store, name)
    first = store.brains(3)
    assert [one.id for one in first] == names[:3]
    store.delete(names[1])
    store.delete(names[3])
    born(store, "late")
    second = store.brains(3, after=first[-1].number)
    assert [one.id for one in second] == names[4:7]
    third = store.brains(3, after=second[-1].number)
    assert [one.id for one in third] == ["late"]
    assert store.brains(3, after=third[-1].number) == []
    assert store.count() == 6


def test_a_place_is_never_given_twice(store: Store) -> None:
    born(store, "ada")
    before = store.brain("ada")
    store.delete("ada")
    born(store, "ada")
    after = store.brain("ada")
    assert before is not None
    assert after is not None
    assert after.number > before.number
    assert store.journal("ada").position == 0


def test_deleting_takes_all_of_a_brain_and_nothing_of_others(store: Store, tmp_path: Path) -> None:
    for name in ("ada", "bob"):
        journal = born(store, name)
        secret = Entry(1, "lesson", {"drawing": f"of {name}" * 900})
        store.append([Group(journal, [secret], [Answer("key", b"asked", 1, b"answer")])])
        store.keep_snapshot(journal, Life.begin(NETWORK))
        store.keep_snapshot(journal, Life.begin(NETWORK), moment(f"s of {name}", 0))
    assert store.delete("ada")
    assert not store.delete("ada")
    assert store.brain("ada") is None
    with pytest.raises(JournalError, match="no journal of ada"):
        store.journal("ada")
    assert {table: rows(store, table) for table in ("brains", "entries", "answers", "snapshots")} \
        == {"brains": 1, "entries": 1, "answers": 1, "snapshots": 2}  # fmt: skip
    assert store.journal("bob").position == 1
    disk = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"of ada" not in disk
    assert b"of bob" in disk


# ---------------------------------------------------------------------------------- groups


def test_many_brains_are_stored_in_one_transaction(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    journals = [born(store, f"brain {number}") for number in range(20)]
    begun: list[str] = []
    assert store.database._connection is not None
    store.database._connection.set_trace_callback(
        lambda statement: begun.append(statement) if statement == "COMMIT" else None
    )
    store.append([Group(one, lessons(1, 3)) for one in journals])
    store.database._connection.set_trace_callback(None)
    assert begun == ["COMMIT"]
    for number, journal in enumerate(journals):
        assert journal.position == 3
        assert list(store.journal(f"brain {number}").read()) == lessons(1, 3)


def spoiled_by(fault: str, store: Store, last: TableJournal) -> Group:
    if fault == "an entry that cannot be stored":
        return Group(last, [Entry(1, "lesson", {"x": float("inf")})])
    if fault == "numbers that do not follow":
        return Group(last, [lesson(2)])
    if fault == "a journal that was left behind":
        store.journal("last").append([lesson(1, 8.0)])
        return Group(last, [lesson(1)])
    if fault == "a brain that was deleted":
        store.delete("last")
        return Group(last, [lesson(1)])
    store.append([Group(last, [lesson(1)], [Answer("k", b"", 1, b"")])])
    return Group(last, [lesson(2)], [Answer("k", b"", 2, b"")])


@pytest.mark.parametrize(
    "fault",
    [
        "an entry that cannot be stored",
        "numbers that do not follow",
        "a journal that was left behind",
        "a brain that was deleted",
        "a key that was used before",
    ],
)
def test_one_bad_group_and_none_is_stored(store: Store, fault: str) -> None:
    journals = [born(store, name) for name in ("first", "second", "last")]
    bad = spoiled_by(fault, store, journals[2])
    entries = rows(store, "entries")
    good = [Group(one, lessons(1, 2), [Answer("k", b"", 1, b"")]) for one in journals[:2]]
    with pytest.raises((InvalidInput, JournalError)):
        store.append([*good, bad])
    assert rows(store, "entries") == entries
    assert [one.position for one in journals[:2]] == [0, 0]
    assert store.usable
    # The others live on as if nothing had been.
    store.append(good)
    assert list(store.journal("first").read()) == lessons(1, 2)


@pytest.mark.parametrize("statement", ["BEGIN", "UPDATE", "COMMIT"])
def test_after_a_failed_write_the_store_comes_back_with_what_was_acknowledged(
    store: Store, statement: str
) -> None:
    journals = [born(store, name) for name in ("ada", "bob")]
    store.append([Group(one, [lesson(1)]) for one in journals])
    assert store.database._connection is not None
    store.database._connection = cast(Any, FailingConnection(
        store.database._connection, statement, sqlite3.OperationalError("disk I/O error")
    ))  # fmt: skip
    with pytest.raises(JournalError, match="disk I/O error"):
        store.append([Group(one, [lesson(2)]) for one in journals])
    assert not store.usable
    assert [one.position for one in journals] == [1, 1]
    store.revive()
    assert store.usable
    assert list(store.journal("ada").read()) == [lesson(1)]
    # The same journals go on.
    store.append([Group(one, [lesson(2)]) for one in journals])
    assert list(store.journal("bob").read()) == lessons(1, 2)


def test_a_store_that_cannot_write_does_not_revive(store: Store, tmp_path: Path) -> None:
    store.revive()
    (tmp_path / FILE).rename(tmp_path / "away")
    for _ in range(2):
        with pytest.raises(JournalError):
            store.revive()
        assert not store.usable
    (tmp_path / "away").rename(tmp_path / FILE)
    store.revive()
    assert store.usable


def test_kinds_tell_what_is_there(store: Store) -> None:
    journal = born(store, "ada")
    journal.append([
        lesson(1), Entry(2, "stimulus", {}), Entry(3, "rollback", {"to": 1}), lesson(4)
    ])  # fmt: skip
    journal.rewrite_without([4])
    assert store.kinds(journal, [1, 2, 3, 4, 5, 0]) == {1: "lesson", 2: "stimulus", 3: "rollback"}
    assert store.kinds(journal, []) == {}
    assert store.kinds(born(store, "bob"), [1]) == {}


# ---------------------------------------------------------------------------------- answers


def test_an_answer_is_kept_with_its_entry(store: Store) -> None:
    journal, other = born(store, "ada"), born(store, "bob")
    answer = Answer("key", b"asked", 2, b"answered")
    store.append([Group(journal, lessons(1, 2), [answer])])
    assert store.answer(journal, "key") == answer
    assert store.answer(journal, "other") is None
    assert store.answer(other, "key") is None
    # Each brain has keys of its own.
    store.append([Group(other, [lesson(1)], [replace(answer, sequence=1)])])
    assert store.answer(journal, "key") == answer


def test_old_answers_make_room(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert module.ANSWERS_KEPT == 1000
    monkeypatch.setattr(module, "ANSWERS_KEPT", 3)
    journal, other = born(store, "ada"), born(store, "bob")
    store.append([Group(other, [lesson(1)], [Answer("key 1", b"", 1, b"")])])
    for number in range(1, 6):
        store.append(
            [Group(journal, [lesson(number)], [Answer(f"key {number}", b"", number, b"")])]
        )
    kept = [number for number in range(1, 6) if store.answer(journal, f"key {number}")]
    assert kept == [3, 4, 5]
    assert store.answer(other, "key 1") is not None
    # What carries no key leaves the answers alone.
    store.append([Group(journal, lessons(6, 9))])
    assert store.answer(journal, "key 3") is not None


# -------------------------------------------------------------------------------- snapshots


def moment(snapshot_id: str, sequence: int, name: str | None = None) -> SnapshotRecord:
    return SnapshotRecord(snapshot_id, name, sequence, "2026-01-01T00:00:00Z", 0)


def lived(store: Store, brain_id: str, lessons: int) -> tuple[TableJournal, list[Life]]:
    """A brain with so many lessons, and its life after each; the first is birth."""
    journal, lives = born(store, brain_id), [Life.begin(NETWORK)]
    for number in range(1, lessons + 1):
        entry = taught(number, f"class {number}", IMAGES[number])
        journal.append([entry])
        lives.append(live(NETWORK, lives[-1], entry)[0])
    return journal, lives


def found(store: Store, journal: TableJournal, lineage: set[int]) -> list[Life]:
    return [one for one in store.lives(NETWORK, journal, lineage) if isinstance(one, Life)]


def test_lives_come_back_bit_for_bit_the_latest_first(store: Store, tmp_path: Path) -> None:
    journal, lives = lived(store, "ada", 6)
    for sequence in (2, 6):
        store.keep_snapshot(journal, lives[sequence])
    store.keep_snapshot(journal, lives[4], moment("s", 4))
    assert len(lives[6].labels) > len(lives[0].labels)  # it grew
    back = found(store, journal, {1, 2, 3, 4, 5, 6})
    assert [bits(one) for one in back] == [bits(lives[n]) for n in (6, 4, 2)]
    store.close()
    again = Store(tmp_path)
    assert bits(found(again, again.journal("ada"), {6})[0]) == bits(lives[6])
    again.close()


def test_only_what_led_here_is_offered(store: Store) -> None:
    journal, lives = lived(store, "ada", 4)
    store.keep_snapshot(journal, lives[0], moment("birth", 0))
    for sequence in (3, 4):
        store.keep_snapshot(journal, lives[sequence])
    assert [one.sequence for one in found(store, journal, {1, 2, 3})] == [3, 0]
    # Birth led to everything.
    assert [one.sequence for one in found(store, journal, set())] == [0]
    assert found(store, born(store, "bob"), {3}) == []


def test_automatic_ones_make_room_and_those_that_somebody_keeps_stay(store: Store) -> None:
    journal, lives = lived(store, "ada", 5)
    other, others = lived(store, "bob", 1)
    store.keep_snapshot(other, others[1])
    for sequence in range(1, 6):
        store.keep_snapshot(journal, lives[sequence])
        store.keep_snapshot(journal, lives[sequence], moment(f"s{sequence}", sequence))
    automatic = store.database.query(
        "SELECT brain, sequence FROM snapshots WHERE id IS NULL ORDER BY number"
    )
    assert AUTOMATIC_SNAPSHOTS_KEPT == 2
    assert automatic == [(2, 1), (1, 4), (1, 5)]
    assert [one.id for one in store.snapshots(journal, 10)] == ["s5", "s4", "s3", "s2", "s1"]


def test_kept_ones_come_in_pages_the_latest_first(store: Store) -> None:
    journal, lives = lived(store, "ada", 1)
    for number in range(5):
        store.keep_snapshot(journal, lives[1], moment(f"s{number}", 1, f"moment {number}"))
        store.keep_snapshot(journal, lives[0])
    first = store.snapshots(journal, 2)
    assert [(one.id, one.name, one.sequence) for one in first] == [
        ("s4", "moment 4", 1), ("s3", "moment 3", 1)
    ]  # fmt: skip
    second = store.snapshots(journal, 10, before=first[-1].number)
    assert [one.id for one in second] == ["s2", "s1", "s0"]
    assert store.snapshots(journal, 10, before=second[-1].number) == []
    assert store.snapshots(born(store, "bob"), 10) == []


def test_a_kept_one_is_found_by_its_id_and_by_its_request(store: Store) -> None:
    journal, lives = lived(store, "ada", 1)
    store.keep_snapshot(journal, lives[1], moment("s", 1, "before"), request_key="please")
    other = born(store, "bob")
    kept = store.snapshot(journal, "s")
    assert kept == replace(moment("s", 1, "before"), number=1)
    assert store.snapshot_of_request(journal, "please") == kept
    for absent in (
        store.snapshot(journal, "t"),
        store.snapshot(other, "s"),
        store.snapshot_of_request(other, "please"),
        store.snapshot_of_request(journal, "thanks"),
    ):
        assert absent is None
    with pytest.raises(JournalError, match="UNIQUE"):
        store.keep_snapshot(journal, lives[1], moment("t", 1), request_key="please")
    # Two automatic ones carry no request, and are not each other's.
    store.keep_snapshot(journal, lives[1])
    store.keep_snapshot(journal, lives[1])


def test_a_life_beyond_the_journal_is_not_kept(store: Store) -> None:
    journal, lives = lived(store, "ada", 1)
    with pytest.raises(JournalError, match="has no entry 2"):
        store.keep_snapshot(journal, replace(lives[1], sequence=2))
    assert rows(store, "snapshots") == 0


DAMAGE = {
    "altered": (
        "UPDATE snapshots SET data = CAST(substr(data, 1, length(data) - 1) || 'U' AS BLOB)"
    ),
    "truncated": "UPDATE snapshots SET data = substr(data, 1, 1000)",
    "empty": "UPDATE snapshots SET data = x''",
    "of another history": "UPDATE snapshots SET digest = zeroblob(32)",
    "of another entry": (
        "UPDATE snapshots SET data = (SELECT data FROM snapshots WHERE sequence = 1)"
    ),
    "beyond the end": "UPDATE snapshots SET sequence = 9",
}


@pytest.mark.parametrize("fault", list(DAMAGE))
def test_damaged_ones_are_errors_and_older_ones_follow(store: Store, fault: str) -> None:
    journal, lives = lived(store, "ada", 3)
    for sequence in (1, 3):
        store.keep_snapshot(journal, lives[sequence])
    with store.database.transaction() as connection:
        connection.execute(DAMAGE[fault] + " WHERE sequence = 3")
    results = list(store.lives(NETWORK, journal, {1, 2, 3, 9}))
    assert isinstance(results[0], NeuralLayersError)
    assert "ada" in str(results[0])
    assert isinstance(results[1], Life)
    assert bits(results[1]) == bits(lives[1])


def test_a_life_of_another_network_is_an_error(store: Store) -> None:
    journal, lives = lived(store, "ada", 1)
    store.keep_snapshot(journal, lives[1])
    other = small_network(readout=NETWORK.spec.readout.model_copy(update={"sources": ("sensory",)}))
    (result,) = store.lives(other, journal, {1})
    assert isinstance(result, NeuralLayersError)


def test_what_was_forgotten_offers_no_life_but_keeps_its_name(store: Store) -> None:
    journal, lives = lived(store, "ada", 4)
    for sequence in (1, 3, 4):
        store.keep_snapshot(journal, lives[sequence], moment(f"s{sequence}", sequence))
    journal.rewrite_without([2])
    assert [one.sequence for one in found(store, journal, {1, 3, 4})] == [1]
    assert [one.id for one in store.snapshots(journal, 10)] == ["s4", "s3", "s1"]
    # Made again from the rewritten history, it counts.
    store.keep_snapshot(journal, lives[4])
    assert [one.sequence for one in found(store, journal, {1, 3, 4})] == [4, 1]
