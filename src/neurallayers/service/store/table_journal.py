"""A brain's journal as rows of a table: the same entries, numbers and digests as in a file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

from neurallayers.brain.container import JSON, Damaged, canonical_json, parse_json
from neurallayers.brain.entry import Entry, header_payload, link, removed_payload
from neurallayers.errors import JournalError
from neurallayers.service.store.database import Database

REMOVED = ""
_ROWS_AT_ONCE = 256
_RESTORE = "Restore the database from a backup."


class TableJournal:
    """A :class:`neurallayers.brain.journal.Journal` in a database; made by open.

    Args:
        database: Where it is.
        number: Number of the brain's row.
        brain_id: Its name in errors.
        genesis: What the history starts from.
        position: Number of the last entry.
        digest: Of the history up to it.
    """

    def __init__(
        self,
        database: Database,
        number: int,
        brain_id: str,
        genesis: Mapping[str, Any],
        position: int,
        digest: bytes,
    ) -> None:
        self._database, self.number, self.brain_id = database, number, brain_id
        self._genesis = genesis
        self._position, self._digest = position, digest

    @classmethod
    def open(cls, database: Database, brain_id: str) -> Self:
        """The journal of a brain that is there.

        Raises:
            JournalError: If it is not, or is damaged.
        """
        rows = database.query(
            "SELECT number, genesis, position, digest FROM brains WHERE id = ?", (brain_id,)
        )
        if not rows:
            raise JournalError(f"There is no journal of {brain_id}.", "Create the brain first.")
        number, text, position, digest = rows[0]
        try:
            genesis = parse_json(text.encode())
        except Damaged as found:
            raise JournalError(
                f"The journal of {brain_id} is damaged: {found}.", _RESTORE
            ) from found
        journal = cls(database, number, brain_id, genesis, position, digest)
        if journal.digest_at(position) != digest.hex():
            raise JournalError(
                f"The journal of {brain_id} is damaged: its end does not match its digest.",
                _RESTORE,
            )
        return journal

    @property
    def genesis(self) -> Mapping[str, Any]:
        """What the history starts from, as whoever created the journal said it."""
        return self._genesis

    @property
    def position(self) -> int:
        """The number of the last entry, also if it was removed since; 0 if there is none."""
        return self._position

    def append(self, entries: Sequence[Entry]) -> None:
        """Add a group, numbered on from the position: one transaction, all or nothing.

        Raises:
            InvalidInput: If an entry cannot be stored.
            JournalError: If the numbers do not follow, or the group could not be stored.
        """
        group = self.sealed(entries)
        with self._database.transaction() as connection:
            self.write(connection, group)
        self.advance(group)

    def sealed(self, entries: Sequence[Entry]) -> list[tuple[Entry, bytes, bytes]]:
        """Entries with their bytes and digests, checked to follow; nothing is stored yet.

        Raises:
            InvalidInput: If an entry cannot be stored.
            JournalError: If the numbers do not follow.
        """
        group, digest = [], self._digest
        for number, entry in enumerate(entries, start=self._position + 1):
            if entry.sequence != number:
                raise JournalError(
                    f"Entry {entry.sequence} does not follow {number - 1}.",
                    "Number entries on from the journal's position.",
                )
            payload = entry.encode()
            digest = link(digest, payload)
            group.append((entry, payload, digest))
        return group

    def write(
        self, connection: sqlite3.Connection, group: Sequence[tuple[Entry, bytes, bytes]]
    ) -> None:
        """Write what :meth:`sealed` gave within a transaction of the caller's.

        Raises:
            JournalError: If something else advanced this journal.
        """
        if not group:
            return
        last, _, digest = group[-1]
        # The digest too: after a removal the numbers go on, but from another history.
        changed = connection.execute(
            "UPDATE brains SET position = ?, digest = ? "
            "WHERE number = ? AND position = ? AND digest = ?",
            (last.sequence, digest, self.number, self._position, self._digest),
        ).rowcount
        if changed != 1:
            raise JournalError(
                f"The journal of {self.brain_id} is not at {self._position} any more.",
                "Something else wrote to it or removed it; open it again.",
            )
        connection.executemany(
            "INSERT INTO entries VALUES (?, ?, ?, ?, ?)",
            [
                (self.number, entry.sequence, entry.kind, payload, digest)
                for entry, payload, digest in group
            ],
        )

    def advance(self, group: Sequence[tuple[Entry, bytes, bytes]]) -> None:
        """Note that a group was committed."""
        if group:
            last, _, digest = group[-1]
            self._position, self._digest = last.sequence, digest

    def read(self, after: int = 0) -> Iterator[Entry]:
        """The entries with numbers above ``after``, in order, without the removed ones.

        What is appended during the iteration does not change it. What is removed is not kept for a
        reader: the iteration goes on without it, or ends with an error if it was given already.

        Raises:
            JournalError: If an entry is damaged, or was removed after it was given.
        """
        return self._entries(max(after, 0), self._position, self._digest)

    def _entries(self, after: int, last: int, end: bytes) -> Iterator[Entry]:
        if after >= last:
            return
        # In parts, so that no cursor stays open while others write.
        digest = bytes.fromhex(self.digest_at(after))
        while after < last:
            rows = self._database.query(
                "SELECT sequence, kind, payload, digest FROM entries WHERE brain = ? "
                "AND sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?",
                (self.number, after, last, _ROWS_AT_ONCE),
            )
            if not rows:
                raise self._damage(after + 1, last, end)
            for sequence, kind, payload, stored in rows:
                digest = link(digest, payload)
                if digest != stored or sequence != after + 1:
                    raise self._damage(after + 1, last, end)
                after = sequence
                removed = payload == removed_payload(sequence)
                entry = Entry(sequence, REMOVED) if removed else Entry.decode(payload)
                # The columns only find entries; what happened is what the payload says.
                if (entry.sequence, entry.kind) != (sequence, kind):
                    raise self._damage(sequence, last, end)
                if not removed:
                    yield entry

    def _damage(self, sequence: int, last: int, end: bytes) -> JournalError:
        """What it means that an entry is not what was expected."""
        if self.digest_at(last) != end.hex():
            return JournalError(
                f"The journal of {self.brain_id} was rewritten while it was read.",
                "Read it again.",
            )
        return JournalError(f"Entry {sequence} of {self.brain_id} is damaged or missing.", _RESTORE)

    def rollbacks(self) -> Mapping[int, int]:
        """For each entry that is a rollback, the entry that it returned to; 0 is birth.

        Raises:
            JournalError: If one of them is damaged.
        """
        rows = self._database.query(
            "SELECT sequence, payload FROM entries WHERE brain = ? AND kind = 'rollback'",
            (self.number,),
        )
        found: dict[int, int] = {}
        for sequence, payload in rows:
            target = Entry.decode(payload).content.get("to")
            if type(target) is not int:
                raise JournalError(f"Entry {sequence} of {self.brain_id} is damaged.", _RESTORE)
            found[sequence] = target
        return found

    def _removed(self) -> list[int]:
        rows = self._database.query(
            "SELECT sequence FROM entries WHERE brain = ? AND kind = ''", (self.number,)
        )
        return [row[0] for row in rows]

    def digest_at(self, sequence: int) -> str:
        """The digest in hex of the history up to and with this number; 0 is the genesis.

        Raises:
            JournalError: If the journal does not reach so far.
        """
        if sequence == 0:
            return link(b"", header_payload(self._genesis)).hex()
        rows = self._database.query(
            "SELECT digest FROM entries WHERE brain = ? AND sequence = ?", (self.number, sequence)
        )
        if not rows:
            raise JournalError(
                f"The journal of {self.brain_id} ends at {self._position} and has no entry "
                f"{sequence}.",
                "It is of another brain, or was cut; restore it from a backup.",
            )
        digest: bytes = rows[0][0]
        return digest.hex()

    def rewrite_without(self, sequences: Iterable[int]) -> None:
        """Remove entries for good; the others keep their numbers. One transaction.

        Digests change from the first removed number on. What depended on them goes with them:
        snapshots and the answers to requests lose their content from there on.

        Raises:
            JournalError: If a number is not in the journal, or it could not be rewritten.
        """
        unwanted = set(sequences)
        unknown = sorted(n for n in unwanted if not 1 <= n <= self._position)
        if unknown:
            raise JournalError(
                f"The journal of {self.brain_id} has no entries {unknown[:5]}; it ends at "
                f"{self._position}.",
                "Name entries that it has.",
            )
        first = min(unwanted - set(self._removed()), default=0)
        if not first:
            return
        digest = bytes.fromhex(self.digest_at(first - 1))
        with self._database.transaction() as connection:
            # Answers to later requests hold what the brain thought under the influence of these.
            # Their keys stay: who asks again must not teach again.
            connection.execute(
                "UPDATE answers SET answer = x'' WHERE brain = ? AND sequence >= ?",
                (self.number, first),
            )
            connection.execute(
                "DELETE FROM snapshots WHERE brain = ? AND sequence >= ? AND id IS NULL",
                (self.number, first),
            )
            connection.execute(
                "UPDATE snapshots SET data = NULL WHERE brain = ? AND sequence >= ?",
                (self.number, first),
            )
            for sequence in range(first, self._position + 1):
                digest = self._relink(connection, sequence, digest, gone=sequence in unwanted)
            connection.execute(
                "UPDATE brains SET digest = ? WHERE number = ?", (digest, self.number)
            )
        self._digest = digest
        self._database.wipe()

    def _relink(
        self, connection: sqlite3.Connection, sequence: int, digest: bytes, *, gone: bool
    ) -> bytes:
        """Give an entry its new digest, and take its content away if it is to go."""
        where = (self.number, sequence)
        if gone:
            payload = removed_payload(sequence)
            digest = link(digest, payload)
            connection.execute(
                "UPDATE entries SET kind = '', payload = ?, digest = ? "
                "WHERE brain = ? AND sequence = ?",
                (payload, digest, *where),
            )
            return digest
        (payload,) = connection.execute(
            "SELECT payload FROM entries WHERE brain = ? AND sequence = ?", where
        ).fetchone()
        digest = link(digest, payload)
        connection.execute(
            "UPDATE entries SET digest = ? WHERE brain = ? AND sequence = ?", (digest, *where)
        )
        return digest

    def close(self) -> None:
        """Nothing: the database belongs to whoever opened it."""


def genesis_row(genesis: Mapping[str, JSON]) -> tuple[str, bytes]:
    """A genesis as it is stored, and the digest that a history begins with."""
    return canonical_json(genesis, "genesis"), link(b"", header_payload(genesis))
