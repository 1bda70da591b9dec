"""Brains, their journals and their snapshots: what the engine keeps and finds again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurallayers.brain.entry import Entry
from neurallayers.brain.life import Life
from neurallayers.brain.network import BrainNetwork
from neurallayers.brain.snapshot import parse_snapshot, snapshot_pieces
from neurallayers.brain.stored_life import life_from, life_manifest, life_parts
from neurallayers.errors import NeuralLayersError, SnapshotError
from neurallayers.service.store.database import Database
from neurallayers.service.store.table_journal import TableJournal, genesis_row

FILE = "brains.sqlite3"
AUTOMATIC_SNAPSHOTS_KEPT = 2
#: Answers to so many of a brain's last entries are kept for requests that come again.
ANSWERS_KEPT = 1000

_BRAINS = "SELECT id, name, model, fingerprint, created_at, position, number FROM brains "
_SNAPSHOTS = "SELECT id, name, sequence, created_at, number FROM snapshots WHERE brain = ? "


@dataclass(frozen=True)
class BrainRecord:
    """What is known of a brain without waking it.

    Attributes:
        id: Its name for programs.
        name: Its name for people.
        model: Name of its network when it was born.
        fingerprint: Of that network.
        created_at: When, RFC 3339.
        position: Number of its last entry.
        number: Place in the order of birth.
    """

    id: str
    name: str
    model: str
    fingerprint: str
    created_at: str
    position: int
    number: int


@dataclass(frozen=True)
class SnapshotRecord:
    """A moment that somebody keeps.

    Attributes:
        id: Its name for programs.
        name: Its name for people, if it has one.
        sequence: The entry that it is after.
        created_at: When, RFC 3339.
        number: Place in the order of making.
    """

    id: str
    name: str | None
    sequence: int
    created_at: str
    number: int


@dataclass(frozen=True)
class Answer:
    """What a request that carried a key was answered.

    Attributes:
        key: The key.
        digest: Of what was asked.
        sequence: The entry that it became.
        answer: What was answered.
    """

    key: str
    digest: bytes
    sequence: int
    answer: bytes


@dataclass(frozen=True)
class Group:
    """What one brain adds in a transaction.

    Attributes:
        journal: Its journal.
        entries: What happened, in order.
        answers: To the requests among them that carried a key.
    """

    journal: TableJournal
    entries: Sequence[Entry]
    answers: Sequence[Answer] = ()


class Store:
    """All that outlives the process; one thread at a time uses it.

    Args:
        folder: Where the file is.

    Raises:
        JournalError: If it cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self.database = Database(folder / FILE)

    @property
    def usable(self) -> bool:
        """Whether it takes anything at the moment."""
        return self.database.usable

    def revive(self) -> None:
        """See that the disk takes what is written; after a failure, open the file again.

        Raises:
            JournalError: If it does not take it.
        """
        if not self.database.usable:
            self.database.reopen()
        self.database.beat()

    # -- brains -------------------------------------------------------------------------------

    def create(
        self,
        record: BrainRecord,
        genesis: Mapping[str, Any],
        request_key: str | None = None,
    ) -> None:
        """Keep a new brain; its position and number are set here.

        Raises:
            JournalError: If it could not be stored.
        """
        text, digest = genesis_row(genesis)
        with self.database.transaction() as connection:
            connection.execute(
                "INSERT INTO brains (id, name, model, fingerprint, genesis, created_at, "
                "request_key, position, digest) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?)",
                (
                    record.id,
                    record.name,
                    record.model,
                    record.fingerprint,
                    text,
                    record.created_at,
                    request_key,
                    digest,
                ),
            )

    def brain(self, brain_id: str) -> BrainRecord | None:
        """A brain by its id."""
        return self._one(_BRAINS + "WHERE id = ?", brain_id)

    def brain_of_request(self, request_key: str) -> BrainRecord | None:
        """The brain that a request with this key made."""
        return self._one(_BRAINS + "WHERE request_key = ?", request_key)

    def _one(self, statement: str, value: str) -> BrainRecord | None:
        rows = self.database.query(statement, (value,))
        return BrainRecord(*rows[0]) if rows else None

    def brains(self, limit: int, after: int = 0) -> list[BrainRecord]:
        """Brains in the order of birth, from the one after number ``after``."""
        rows = self.database.query(
            _BRAINS + "WHERE number > ? ORDER BY number LIMIT ?", (after, limit)
        )
        return [BrainRecord(*row) for row in rows]

    def count(self) -> int:
        """How many brains there are."""
        count: int = self.database.query("SELECT count(*) FROM brains")[0][0]
        return count

    def delete(self, brain_id: str) -> bool:
        """Remove a brain with all that is kept of it; false if there is none.

        Raises:
            JournalError: If that could not be stored.
        """
        with self.database.transaction() as connection:
            gone = connection.execute("DELETE FROM brains WHERE id = ?", (brain_id,)).rowcount
        if gone:
            self.database.wipe()
        return bool(gone)

    # -- journals -----------------------------------------------------------------------------

    def journal(self, brain_id: str) -> TableJournal:
        """The journal of a brain.

        Raises:
            JournalError: If there is no such brain.
        """
        return TableJournal.open(self.database, brain_id)

    def append(self, groups: Sequence[Group]) -> None:
        """Add to many journals in one transaction, durable when this returns.

        Raises:
            InvalidInput: If an entry cannot be stored.
            JournalError: If numbers do not follow, or it could not be stored.
        """
        sealed = [group.journal.sealed(group.entries) for group in groups]
        with self.database.transaction() as connection:
            for group, rows in zip(groups, sealed, strict=True):
                group.journal.write(connection, rows)
                _keep_answers(connection, group)
        for group, rows in zip(groups, sealed, strict=True):
            group.journal.advance(rows)

    def kinds(self, journal: TableJournal, sequences: Sequence[int]) -> dict[int, str]:
        """What kind each of these entries is; those that are not there or removed are left out."""
        found: dict[int, str] = {}
        for sequence in sequences:
            found.update(
                self.database.query(
                    "SELECT sequence, kind FROM entries "
                    "WHERE brain = ? AND sequence = ? AND kind <> ''",
                    (journal.number, sequence),
                )
            )
        return found

    def answer(self, journal: TableJournal, key: str) -> Answer | None:
        """What a request with this key was answered before, if it was."""
        rows = self.database.query(
            "SELECT request_key, request_digest, sequence, answer FROM answers "
            "WHERE brain = ? AND request_key = ?",
            (journal.number, key),
        )
        return Answer(*rows[0]) if rows else None

    # -- snapshots ----------------------------------------------------------------------------

    def keep_snapshot(
        self,
        journal: TableJournal,
        life: Life,
        record: SnapshotRecord | None = None,
        request_key: str | None = None,
    ) -> None:
        """Keep a life: under a record for somebody, or without one to restore from soon.

        Raises:
            JournalError: If it could not be stored.
        """
        data = b"".join(
            snapshot_pieces(kind="life", manifest=life_manifest(life), parts=life_parts(life))
        )
        digest = bytes.fromhex(journal.digest_at(life.sequence))
        identity = (
            (None, None, "") if record is None else (record.id, record.name, record.created_at)
        )
        with self.database.transaction() as connection:
            connection.execute(
                "INSERT INTO snapshots (brain, id, name, created_at, sequence, request_key, "
                "digest, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (journal.number, *identity, life.sequence, request_key, digest, data),
            )
            connection.execute(
                "DELETE FROM snapshots WHERE brain = ? AND id IS NULL AND number NOT IN ("
                "SELECT number FROM snapshots WHERE brain = ? AND id IS NULL "
                "ORDER BY number DESC LIMIT ?)",
                (journal.number, journal.number, AUTOMATIC_SNAPSHOTS_KEPT),
            )

    def snapshots(
        self, journal: TableJournal, limit: int, before: int | None = None
    ) -> list[SnapshotRecord]:
        """The snapshots that somebody keeps, the latest first, from the one before a number."""
        rows = self.database.query(
            _SNAPSHOTS + "AND id IS NOT NULL AND number < ? ORDER BY number DESC LIMIT ?",
            (journal.number, 2**62 if before is None else before, limit),
        )
        return [SnapshotRecord(*row) for row in rows]

    def snapshot(self, journal: TableJournal, snapshot_id: str) -> SnapshotRecord | None:
        """A snapshot that somebody keeps."""
        rows = self.database.query(_SNAPSHOTS + "AND id = ?", (journal.number, snapshot_id))
        return SnapshotRecord(*rows[0]) if rows else None

    def snapshot_of_request(self, journal: TableJournal, key: str) -> SnapshotRecord | None:
        """The snapshot that a request with this key made."""
        rows = self.database.query(_SNAPSHOTS + "AND request_key = ?", (journal.number, key))
        return SnapshotRecord(*rows[0]) if rows else None

    def lives(
        self, network: BrainNetwork, journal: TableJournal, lineage: set[int]
    ) -> Iterator[Life | NeuralLayersError]:
        """The lives in snapshots at entries of a lineage, the latest first.

        Those that cannot be used are errors: an older one, or the journal alone, gives the same
        life later.
        """
        places = self.database.query(
            "SELECT number, sequence FROM snapshots WHERE brain = ? AND data IS NOT NULL "
            "ORDER BY sequence DESC, number DESC",
            (journal.number,),
        )
        for number, sequence in places:
            if sequence in lineage or sequence == 0:
                try:
                    yield self._life(network, journal, number, sequence)
                except NeuralLayersError as error:
                    yield error

    def _life(
        self, network: BrainNetwork, journal: TableJournal, number: int, sequence: int
    ) -> Life:
        ((digest, data),) = self.database.query(
            "SELECT digest, data FROM snapshots WHERE number = ?", (number,)
        )
        name = f"The snapshot of {journal.brain_id} at {sequence}"
        if digest.hex() != journal.digest_at(sequence):
            raise SnapshotError(f"{name} is of another history.", "It is not used.")
        snapshot = parse_snapshot(data, kind="life", name=name)
        try:
            life = life_from(network, snapshot.manifest, snapshot.parts)
        except (KeyError, TypeError, ValueError) as error:
            raise SnapshotError(f"{name} holds no life ({error}).", "It is not used.") from error
        if life.sequence != sequence:
            raise SnapshotError(f"{name} is of entry {life.sequence}.", "It is not used.")
        return life

    # -- the whole ----------------------------------------------------------------------------

    def close(self) -> None:
        """Close the file."""
        self.database.close()


def _keep_answers(connection: sqlite3.Connection, group: Group) -> None:
    if not group.answers:
        return
    number = group.journal.number
    connection.executemany(
        "INSERT INTO answers VALUES (?, ?, ?, ?, ?)",
        [(number, one.key, one.digest, one.sequence, one.answer) for one in group.answers],
    )
    connection.execute(
        "DELETE FROM answers WHERE brain = ? AND sequence <= ?",
        (number, group.answers[-1].sequence - ANSWERS_KEPT),
    )
