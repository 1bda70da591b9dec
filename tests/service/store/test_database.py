"""The database: whole transactions or none, durable, private, ours, and back after a failure."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from tests.service.store.failing_connection import FailingConnection

from neurallayers.errors import JournalError
from neurallayers.service.store import database as module
from neurallayers.service.store.database import SCHEMA_VERSION, Database

ROOT = Path(__file__).resolve().parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "brains.sqlite3"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    opened = Database(path)
    yield opened
    opened.close()


def beats(database: Database) -> int:
    ((count,),) = database.query("SELECT beat FROM pulse")
    return int(count)


def fill(database: Database, count: int, size: int = 4000) -> None:
    """Store brains with long names."""
    with database.transaction() as connection:
        for number in range(count):
            connection.execute(
                "INSERT INTO brains (id, name, model, fingerprint, genesis, created_at, position, "
                "digest) VALUES (?, ?, 'm', 'f', '{}', 'now', 0, x'00')",
                (f"{os.urandom(4).hex()} {number}", "x" * size),
            )


def brains(database: Database) -> int:
    ((count,),) = database.query("SELECT count(*) FROM brains")
    return int(count)


# ---------------------------------------------------------------------------------- opening


def test_a_new_database_is_made_with_its_folder(database: Database, path: Path) -> None:
    assert path.exists()
    assert database.usable
    assert database.query("PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert database.query("PRAGMA integrity_check") == [("ok",)]


def test_a_commit_is_durable_and_deleted_rows_are_overwritten(database: Database) -> None:
    settings = {
        name: database.query(f"PRAGMA {name}")[0][0]
        for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
    }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1,
                        "foreign_keys": 1}  # fmt: skip


def test_what_was_stored_is_there_after_opening_again(database: Database, path: Path) -> None:
    database.beat()
    database.beat()
    database.close()
    again = Database(path)
    assert beats(again) == 2
    again.close()


def test_nobody_else_may_read_it(path: Path) -> None:
    before = os.umask(0)
    try:
        database = Database(path)
        database.beat()
    finally:
        os.umask(before)
    modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()}
    assert modes == {"brains.sqlite3": 0o600, "brains.sqlite3-wal": 0o600}
    database.close()


def test_a_file_left_empty_by_a_crash_at_birth_is_made_whole(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    database = Database(path)
    database.beat()
    database.close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    assert version > 0


def foreign(path: Path, version: int, *statements: str) -> bytes:
    """A database of another program."""
    path.parent.mkdir()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {version}")
        connection.commit()
    return path.read_bytes()


@pytest.mark.parametrize("version", [0, 1, 99])
def test_a_database_of_another_program_is_refused_and_left_as_it_is(
    path: Path, version: int
) -> None:
    before = foreign(path, version, "CREATE TABLE recipes (name TEXT)")
    with pytest.raises(JournalError, match=r"database of another program\. Name another"):
        Database(path)
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_newer_database_is_refused_and_left_as_it_is(path: Path) -> None:
    Database(path).close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = path.read_bytes()
    with pytest.raises(
        JournalError, match=f"schema version {SCHEMA_VERSION + 1}, newer than.*Upgrade"
    ):
        Database(path)
    assert path.read_bytes() == before


def test_a_migration_that_is_cut_short_is_made_from_the_start(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(module, "_SCHEMA", module._SCHEMA + ";\nCREATE NONSENSE;\n")
        with pytest.raises(JournalError, match="syntax error"):
            Database(path)
    database = Database(path)
    assert beats(database) == 0
    database.close()


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" * 8])
def test_a_file_that_is_no_database_is_refused(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(JournalError, match=r"brains\.sqlite3 cannot be used"):
        Database(path)
    assert path.read_bytes() == content


def test_a_folder_in_place_of_the_file_is_refused(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(JournalError, match="cannot be used"):
        Database(path)


def test_a_file_in_place_of_the_folder_is_refused(path: Path) -> None:
    path.parent.write_text("not a folder")
    with pytest.raises(JournalError, match="cannot be used"):
        Database(path)


SECOND = """
import sys
from pathlib import Path
from neurallayers.errors import JournalError
from neurallayers.service.store import database
database.BUSY_TIMEOUT_S = 0.05
for _ in sys.stdin:
    try:
        database.Database(Path(sys.argv[1])).beat()
        print("opened", flush=True)
    except JournalError as error:
        print(error, flush=True)
"""


def test_a_second_process_is_refused_until_the_first_is_done(
    database: Database, path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SECOND, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT,
    ) as process:  # fmt: skip

        def attempt() -> str:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("go\n")
            process.stdin.flush()
            return process.stdout.readline()

        database.beat()
        refused = attempt()
        assert "database is locked" in refused
        assert "no other service uses this folder" in refused
        database.beat()
        database.close()
        assert attempt() == "opened\n"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "BUSY_TIMEOUT_S", 0.05)
            with pytest.raises(JournalError, match="locked"):
                database.reopen()
    database.reopen()
    assert beats(database) == 3


# ------------------------------------------------------------------------------ transactions


def test_an_error_of_the_caller_takes_everything_back_and_keeps_the_connection(
    database: Database,
) -> None:
    with pytest.raises(KeyError), database.transaction() as connection:  # noqa: PT012
        connection.execute("UPDATE pulse SET beat = 7")
        raise KeyError("a mistake")
    assert beats(database) == 0
    assert database.usable
    database.beat()
    assert beats(database) == 1


def test_what_contradicts_is_refused_and_the_connection_stays(database: Database) -> None:
    with pytest.raises(JournalError, match="UNIQUE constraint failed"):  # noqa: PT012, SIM117
        with database.transaction() as connection:
            connection.execute("UPDATE pulse SET beat = 7")
            connection.execute("INSERT INTO pulse VALUES (1, 2)")
    assert beats(database) == 0
    assert database.usable


FAILURES: list[tuple[str, sqlite3.Error]] = [
    ("BEGIN", sqlite3.OperationalError("disk I/O error")),
    ("UPDATE", sqlite3.OperationalError("database or disk is full")),
    ("COMMIT", sqlite3.OperationalError("disk I/O error")),
    ("COMMIT", sqlite3.DatabaseError("database disk image is malformed")),
]


@pytest.mark.parametrize(("statement", "error"), FAILURES)
def test_after_a_failure_nothing_goes_until_it_is_opened_again(
    database: Database, statement: str, error: sqlite3.Error
) -> None:
    database.beat()
    assert database._connection is not None
    failing = FailingConnection(database._connection, statement, error)
    database._connection = cast(Any, failing)
    with pytest.raises(JournalError, match=f"could not be written: {error}. Nothing of this"):
        database.beat()
    assert not database.usable
    for use in (database.beat, lambda: beats(database)):
        with pytest.raises(JournalError, match="closed after a failure"):
            use()
    database.wipe()
    database.reopen()
    assert database.usable
    assert beats(database) == 1
    database.beat()
    assert beats(database) == 2


def test_a_full_disk_stores_nothing_of_the_transaction_and_is_told_as_such(
    database: Database,
) -> None:
    fill(database, 2)
    ((pages,),) = database.query("PRAGMA page_count")
    database.query(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(JournalError, match=r"database or disk is full.*Free space"):
        fill(database, 50)
    assert not database.usable
    database.reopen()
    assert brains(database) == 2
    fill(database, 50)
    assert brains(database) == 52
    assert database.query("PRAGMA integrity_check") == [("ok",)]


FILE_LIMIT = """
import resource, sys
from pathlib import Path
from neurallayers.errors import JournalError
from neurallayers.service.store.database import Database
def fill(database, count):
    with database.transaction() as connection:
        for _ in range(count):
            connection.execute(
                "INSERT INTO brains (id, name, model, fingerprint, genesis, created_at, position,"
                " digest) VALUES (hex(randomblob(8)), hex(randomblob(2000)), 'm', 'f', '{}', 'now',"
                " 0, x'00')"
            )
def brains(database):
    return database.query("SELECT count(*) FROM brains")[0][0]
database = Database(Path(sys.argv[1]))
fill(database, 3)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
largest = max(path.stat().st_size for path in database.path.parent.iterdir())
resource.setrlimit(resource.RLIMIT_FSIZE, (largest + 20_000, hard))
stored = 0
while True:
    try:
        fill(database, 1)
    except JournalError as error:
        assert not database.usable
        break
    stored += 1
# While it lasts, it may be opened, but what is not stored is never acknowledged.
for _ in range(3):
    try:
        database.reopen()
        fill(database, 100)
    except JournalError:
        continue
    raise SystemExit("stored more than there is room for")
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
database.reopen()
assert brains(database) == 3 + stored, (brains(database), stored)
fill(database, 100)
assert brains(database) == 103 + stored
assert database.query("PRAGMA integrity_check") == [("ok",)]
print("good", stored)
"""


def test_a_disk_that_takes_no_more_is_survived_without_a_restart(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FILE_LIMIT, str(path)],
        env=ENVIRONMENT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("good")


def test_a_file_that_was_removed_is_not_written_to_nor_made_anew(
    database: Database, path: Path
) -> None:
    fill(database, 1)
    path.unlink()
    with pytest.raises(JournalError, match="removed or replaced while it was open"):
        database.beat()
    assert not database.usable
    with pytest.raises(JournalError, match="cannot be used"):
        database.reopen()
    assert not path.exists()


def test_a_file_that_was_put_back_is_used_again(database: Database, path: Path) -> None:
    database.beat()
    away = path.with_name("away")
    path.rename(away)
    with pytest.raises(JournalError, match="removed or replaced"):
        database.beat()
    away.rename(path)
    database.reopen()
    database.beat()
    assert beats(database) == 2


def test_closing_twice_is_closing_once(database: Database) -> None:
    database.close()
    database.close()
    assert not database.usable


# ----------------------------------------------------------------------------------- crashes

BEATING = """
import sys
from pathlib import Path
from neurallayers.service.store.database import Database
database = Database(Path(sys.argv[1]))
while True:
    database.beat()
    print(database.query("SELECT beat FROM pulse")[0][0], flush=True)
    with database.transaction() as connection:
        connection.execute("UPDATE pulse SET beat = beat + 1000000")
        connection.execute("UPDATE pulse SET beat = beat - 1000000")
"""


def test_a_killed_process_loses_nothing_that_was_committed(path: Path) -> None:
    acknowledged = 0
    with subprocess.Popen(
        [sys.executable, "-c", BEATING, str(path)],
        stdout=subprocess.PIPE, text=True, env=ENVIRONMENT,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            acknowledged = int(line)
            if acknowledged == 20:
                process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    database = Database(path)
    assert acknowledged <= beats(database) <= acknowledged + 1
    assert database.query("PRAGMA integrity_check") == [("ok",)]
    database.close()


# ---------------------------------------------------------------------------- what is deleted


def test_deleted_rows_are_in_neither_file_after_wiping(database: Database, path: Path) -> None:
    def everything() -> bytes:
        return b"".join(one.read_bytes() for one in path.parent.iterdir())

    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO brains (id, name, model, fingerprint, genesis, created_at, position, "
            "digest) VALUES ('a', ?, 'm', 'f', '{}', 'now', 0, x'00')",
            ("swordfish" * 2000,),
        )
    assert b"swordfish" in everything()
    with database.transaction() as connection:
        connection.execute("DELETE FROM brains")
    database.wipe()
    assert b"swordfish" not in everything()
    assert path.with_name("brains.sqlite3-wal").stat().st_size == 0
