"""One SQLite file, one connection, one thread: opened, migrated, and opened again after a failure.

Write-ahead logging with ``synchronous=FULL``: a transaction is on the disk when its commit returns,
and a crash at any moment leaves whole transactions. After a failed commit nobody knows what the
disk holds, so the connection is dropped and the file opened anew before anything else is done.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from neurallayers.errors import JournalError

log = logging.getLogger(__name__)

SCHEMA_VERSION = 1
BUSY_TIMEOUT_S = 5.0

_SCHEMA = """
CREATE TABLE brains (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    model TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    genesis TEXT NOT NULL,
    created_at TEXT NOT NULL,
    request_key TEXT UNIQUE,
    position INTEGER NOT NULL,
    digest BLOB NOT NULL
) STRICT;
CREATE TABLE entries (
    brain INTEGER NOT NULL REFERENCES brains (number) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    kind TEXT NOT NULL,
    payload BLOB NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (brain, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX rollbacks ON entries (brain, sequence) WHERE kind = 'rollback';
CREATE INDEX removals ON entries (brain, sequence) WHERE kind = '';
CREATE TABLE answers (
    brain INTEGER NOT NULL REFERENCES brains (number) ON DELETE CASCADE,
    request_key TEXT NOT NULL,
    request_digest BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    answer BLOB NOT NULL,
    PRIMARY KEY (brain, request_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX answers_by_entry ON answers (brain, sequence);
CREATE TABLE snapshots (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    brain INTEGER NOT NULL REFERENCES brains (number) ON DELETE CASCADE,
    id TEXT UNIQUE,
    name TEXT,
    sequence INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    request_key TEXT,
    digest BLOB NOT NULL,
    data BLOB
) STRICT;
CREATE INDEX snapshots_by_entry ON snapshots (brain, sequence);
CREATE UNIQUE INDEX snapshots_by_request ON snapshots (brain, request_key)
    WHERE request_key IS NOT NULL;
CREATE TABLE pulse (one INTEGER PRIMARY KEY CHECK (one = 1), beat INTEGER NOT NULL) STRICT;
INSERT INTO pulse VALUES (1, 0);
"""
#: Tables by which a file is known to be ours, of whatever release.
_TABLES = frozenset({"brains", "entries"})


class Database:
    """An open file; used by one thread at a time.

    Args:
        path: Where it is; made if it is missing.

    Raises:
        JournalError: If it is in use by another process, damaged, newer or not ours.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Lessons are people's data: nobody else on this machine reads them.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise self._refusal(error) from error
        self._connection = self._opened()

    def _opened(self) -> sqlite3.Connection:
        try:
            self._identity = self._found()
            connection = sqlite3.connect(
                self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
        except (sqlite3.Error, OSError) as error:
            raise self._refusal(error) from error
        try:
            _configure(connection)
            _migrate(connection, self.path)
            _log_ahead(connection)
        except sqlite3.Error as error:
            connection.close()
            raise self._refusal(error) from error
        except BaseException:
            connection.close()
            raise
        return connection

    def _found(self) -> tuple[int, int]:
        """Which file the name stands for now."""
        status = self.path.stat()
        return status.st_dev, status.st_ino

    def _check_name(self) -> None:
        """See that what is written can be found again under the name.

        Raises:
            JournalError: If the file was removed or replaced.
        """
        try:
            same = self._found() == self._identity
        except OSError:
            same = False
        if not same:
            self.close()
            raise JournalError(
                f"{self.path} was removed or replaced while it was open.",
                "Put it back; nothing is written beside it.",
            )

    def _refusal(self, error: Exception) -> JournalError:
        return JournalError(
            f"{self.path} cannot be used: {error}.",
            "See that no other service uses this folder, that you may write to it, and that there "
            "is space on its disk.",
        )

    @property
    def usable(self) -> bool:
        """Whether there is a connection; after a failure there is none until it is opened again."""
        return self._connection is not None

    def reopen(self) -> None:
        """Open the file anew after a failure.

        A file that is gone is not made again: an empty one would pass for a service without brains.

        Raises:
            JournalError: If that does not succeed yet.
        """
        self.close()
        self._connection = self._opened()

    def query(self, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows of a reading statement.

        Raises:
            JournalError: If the file cannot be read.
        """
        connection = self._connected()
        try:
            rows: list[tuple[Any, ...]] = connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise self._refusal(error) from error
        return rows

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Statements that are stored together or not at all; durable at the end of the block.

        Raises:
            JournalError: If they contradict what is there; nothing is changed then. Or if they
                could not be stored: the connection is then gone, and :meth:`reopen` brings the
                next one; the transaction may, as after a crash, be in the file all the same.
        """
        connection = self._connected()
        self._check_name()
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                # Some failures have ended the transaction already.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        except sqlite3.IntegrityError as error:
            raise JournalError(
                f"{self.path} does not take this: {error}.",
                "It is there already, or what it belongs to is gone.",
            ) from error
        except sqlite3.Error as error:
            log.error("store.failed", extra={"path": str(self.path), "error": str(error)})
            self.close()
            raise JournalError(
                f"{self.path} could not be written: {error}. Nothing of this was acknowledged.",
                "Free space on its disk or see to the disk; the service goes on by itself then.",
            ) from error

    def beat(self) -> None:
        """Write and sync something: whether the disk takes it is what readiness means.

        Raises:
            JournalError: If it does not.
        """
        with self.transaction() as connection:
            connection.execute("UPDATE pulse SET beat = beat + 1")

    def wipe(self) -> None:
        """Bring everything from the log into the file, so that deleted rows are gone from both.

        What cannot be done now, because of a reader or a failing disk, is done by a later call.
        """
        with contextlib.suppress(sqlite3.Error, JournalError):
            self._connected().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            raise JournalError(
                f"{self.path} is closed after a failure.", "It is opened again by itself; wait."
            )
        return self._connection


def _configure(connection: sqlite3.Connection) -> None:
    # Another process that holds the file is noticed now, not at the first lesson; and with one
    # owner the index of the log needs no shared memory.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    # What was forgotten is overwritten with zeros, not only marked as free.
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA cache_size = -16384")
    connection.execute("PRAGMA wal_autocheckpoint = 4000")


def _log_ahead(connection: sqlite3.Connection) -> None:
    # Only when the file is known to be ours: its journal mode is written into it.
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise sqlite3.OperationalError(f"the file system keeps no write-ahead log (mode {mode})")


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the schema to this release's, or refuse and leave the file as it is."""
    connection.execute("BEGIN EXCLUSIVE")
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        if (version or tables) and not tables >= _TABLES:
            raise JournalError(f"{path} is a database of another program.", "Name another folder.")
        if version > SCHEMA_VERSION:
            raise JournalError(
                f"{path} has schema version {version}, newer than {SCHEMA_VERSION}.",
                "Upgrade NeuralLayers to read it.",
            )
        if version == 0:
            for statement in _SCHEMA.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
