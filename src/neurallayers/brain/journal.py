"""The ordered, append-only record of a brain's stimuli and feedback: the interface, and a file.

A journal is a list of entries numbered from 1, each durable before ``append`` returns. After each
entry stands a digest of the whole history up to it, ``SHA-256(digest before + entry's bytes)``, so
that a snapshot taken at a position can be matched to this very history. Entries before a removed
one keep their digests: snapshots taken before it stay valid, and those taken after it no longer
match, as they carry what was to be forgotten.

:class:`FileJournal` keeps a journal in one file. Whatever else may keep one stores what
``Entry.encode`` gives as it is.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, Self

from neurallayers.brain.container import JSON, Damaged
from neurallayers.brain.entry import Entry, removed_payload
from neurallayers.brain.files import write_all, write_atomically
from neurallayers.brain.frames import (
    DIGEST_BYTES,
    ENTRY,
    REMOVED,
    RESTORE,
    History,
    header_frame,
    read_header,
    read_payload,
    scan,
    seal,
)
from neurallayers.errors import InvalidInput, JournalError

__all__ = ["GROUP_BYTES_AT_MOST", "Entry", "FileJournal", "Journal"]

log = logging.getLogger(__name__)

GROUP_BYTES_AT_MOST = 256 * 2**20

_REOPEN = "Close it and open it again; what was acknowledged before is there."


class Journal(Protocol):
    """The record of one brain. One thread at a time uses it."""

    @property
    def genesis(self) -> Mapping[str, Any]:
        """What the history starts from, as whoever created the journal said it."""
        ...

    @property
    def position(self) -> int:
        """The number of the last entry, also if it was removed since; 0 if there is none."""
        ...

    def append(self, entries: Sequence[Entry]) -> None:
        """Add a group, numbered on from :attr:`position`; all are durable when this returns.

        Raises:
            InvalidInput: If an entry cannot be stored.
            JournalError: If the numbers do not follow, or the group could not be stored.
        """
        ...

    def read(self, after: int = 0) -> Iterator[Entry]:
        """The entries with numbers above ``after``, in order, without the removed ones.

        What is appended during the iteration does not change it. If entries are removed meanwhile,
        it gives the history as it was or as it is then, or an error; never a part of each.

        Raises:
            JournalError: If an entry is damaged, or was removed after it was given.
        """
        ...

    def rollbacks(self) -> Mapping[int, int]:
        """For each entry that is a rollback, the entry that it returned to; 0 is birth."""
        ...

    def digest_at(self, sequence: int) -> str:
        """The digest in hex of the history up to and with this number; 0 is the genesis.

        Raises:
            JournalError: If the journal does not reach so far.
        """
        ...

    def rewrite_without(self, sequences: Iterable[int]) -> None:
        """Remove entries for good; the others keep their numbers. All or nothing.

        Raises:
            JournalError: If a number is not in the journal, or it could not be rewritten.
        """
        ...

    def close(self) -> None:
        """Give back what the journal holds open; a second call does nothing."""
        ...


class FileJournal:
    """A :class:`Journal` in one file; made by create or open.

    Whoever opens it holds the lock of its folder: two writers of one file are noticed, not served.

    Args:
        path: Where the file is.
        descriptor: The file, open for reading and appending.
        genesis: What the history starts from.
        history: What the file holds.
        recovered_bytes: How many bytes of an unfinished write were cut off at opening.
    """

    def __init__(
        self,
        path: Path,
        descriptor: int,
        genesis: Mapping[str, Any],
        history: History,
        recovered_bytes: int = 0,
    ) -> None:
        self.path = path
        self.recovered_bytes = recovered_bytes
        self._genesis = genesis
        self._history = history
        self._failure = ""
        self._hold(descriptor)

    def _hold(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._close = weakref.finalize(self, os.close, descriptor)

    @classmethod
    def create(cls, path: str | os.PathLike[str], genesis: Mapping[str, JSON]) -> Self:
        """Begin a journal in a new file, durable when this returns.

        Args:
            path: A file that is not there yet, in an existing folder.
            genesis: What the history starts from: fingerprint of the network, numeric platform.

        Raises:
            InvalidInput: If the genesis is not JSON.
            JournalError: If there is such a file, or it cannot be written.
        """
        path = Path(path)
        frame = header_frame(genesis)
        if path.exists():
            raise JournalError(
                f"{path} is already there.", "Open it, or name another file for the new journal."
            )
        try:
            write_atomically(path, [frame])
        except OSError as error:
            raise JournalError(
                f"{path} could not be written: {error.strerror or error}.",
                "Name a file in an existing folder that you may write to.",
            ) from error
        return cls.open(path)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """Open a journal, check all of it, and cut off what a crash left unfinished.

        Raises:
            JournalError: If it is missing, damaged, newer or not a journal.
        """
        path = Path(path)
        descriptor = _open_file(path)
        try:
            size = os.fstat(descriptor).st_size
            history, genesis = read_header(descriptor, size)
            committed, damage = scan(descriptor, size, history)
            if damage is not None:
                raise JournalError(
                    f"{path} is damaged in entry {history.position + 1}: {damage}.", RESTORE
                )
            recovered = _cut(descriptor, size, history, committed)
        except Damaged as found:
            os.close(descriptor)
            raise JournalError(
                f"{path} is not a journal or is damaged: {found}.", "Restore it from a backup."
            ) from found
        except OSError as error:
            os.close(descriptor)
            raise JournalError(
                f"{path} could not be read or cut to its last whole entry: {error.strerror}.",
                "See to its disk; the file is as it was.",
            ) from error
        except BaseException:
            os.close(descriptor)
            raise
        if recovered:
            log.warning("journal.recovered", extra={"path": str(path), "bytes": recovered})
        return cls(path, descriptor, genesis, history, recovered)

    @classmethod
    def repair(cls, path: str | os.PathLike[str]) -> int:
        """Keep what is before the first damage, and set the rest aside.

        What is cut off goes to a file beside it, named ``<name>.damaged`` and numbered if there is
        one: entries after the damage are in there, and so is what they hold of people's data.

        Returns:
            How many bytes were cut off; 0 if there was nothing to repair.

        Raises:
            JournalError: If the header is damaged: nothing could be kept.
        """
        path = Path(path)
        descriptor = _open_file(path)
        try:
            size = os.fstat(descriptor).st_size
            history, _ = read_header(descriptor, size)
            committed, _ = scan(descriptor, size, history)
            end = history.ends[committed]
            if end == size:
                return 0
            aside = _free_name(path)
            write_atomically(aside, _pieces(descriptor, end, size))
            _cut(descriptor, size, history, committed)
        except Damaged as found:
            raise JournalError(
                f"{path} is not a journal, or its header is damaged: {found}.",
                "Restore it from a backup; without its header nothing can be kept.",
            ) from found
        except OSError as error:
            raise JournalError(
                f"{path} could not be repaired: {error.strerror or error}.", "Free some space."
            ) from error
        finally:
            os.close(descriptor)
        log.warning(
            "journal.repaired", extra={"path": str(path), "bytes": size - end, "kept": str(aside)}
        )
        return size - end

    @property
    def genesis(self) -> Mapping[str, Any]:
        """What the history starts from, as whoever created the journal said it."""
        return self._genesis

    @property
    def position(self) -> int:
        """The number of the last entry, also if it was removed since; 0 if there is none."""
        return self._history.position

    @property
    def removed(self) -> frozenset[int]:
        """The numbers whose entries were removed."""
        return frozenset(self._history.removed)

    def append(self, entries: Sequence[Entry]) -> None:
        """Add a group, numbered on from the position: one write, one sync, all or nothing.

        Raises:
            InvalidInput: If an entry cannot be stored or the group takes over 256 MiB.
            JournalError: If the numbers do not follow, or the group could not be stored. In the
                latter case the file is as it was, and the journal takes nothing more until it is
                opened again: after a failed sync nobody knows what is on the disk.
        """
        self._check_open()
        frames, size = [], 0
        digest = self._history.digest
        for number, entry in enumerate(entries, start=1):
            if entry.sequence != self.position + number:
                raise JournalError(
                    f"Entry {entry.sequence} does not follow {self.position + number - 1}.",
                    "Number entries on from the journal's position.",
                )
            frame, digest = seal(ENTRY, entry.encode(), digest, more=number < len(entries))
            frames.append((frame, digest))
            size += len(frame)
            if size > GROUP_BYTES_AT_MOST:
                raise InvalidInput(
                    f"A group takes over {GROUP_BYTES_AT_MOST} bytes.", "Append it in parts."
                )
        if frames:
            self._commit(b"".join(frame for frame, _ in frames))
        for frame, digest in frames:
            self._history.add(len(frame), digest)

    def _commit(self, data: bytes) -> None:
        length = self._history.ends[-1]
        status = os.fstat(self._descriptor)
        if status.st_size != length or not status.st_nlink:
            self._failure = "something else wrote to it, replaced it or removed it"
            self._check_open()
        try:
            write_all(self._descriptor, data)
            os.fsync(self._descriptor)
        except BaseException as error:
            self._failure = f"a write failed ({error})"
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, length)
                os.fsync(self._descriptor)
            if isinstance(error, OSError):
                raise JournalError(
                    f"{self.path} could not be written: {error.strerror or error}. "
                    "Nothing of this group was kept.",
                    "Free space on its disk or see to the disk; then open the journal again.",
                ) from error
            raise

    def read(self, after: int = 0) -> Iterator[Entry]:
        """The entries with numbers above ``after``, in order, without the removed ones.

        One entry at a time is in memory. What is appended or removed during the iteration does not
        change it.

        Raises:
            JournalError: If the journal is closed, or an entry was altered since it was opened.
        """
        self._check_open(reading=True)
        history, last = self._history, self.position
        removed = self.removed
        # A file of its own, at least as long as the iteration: a rewrite replaces the journal's.
        descriptor = os.dup(self._descriptor)
        try:
            for sequence in range(max(after, 0) + 1, last + 1):
                if sequence not in removed:
                    entry = Entry.decode(read_payload(descriptor, history, sequence))
                    if entry.sequence != sequence:
                        raise JournalError(
                            f"Entry {sequence} says that it is {entry.sequence}.", RESTORE
                        )
                    yield entry
        finally:
            os.close(descriptor)

    def rollbacks(self) -> Mapping[int, int]:
        """For each entry that is a rollback, the entry that it returned to; 0 is birth."""
        return {
            entry.sequence: int(entry.content["to"])
            for entry in self.read()
            if entry.kind == "rollback"
        }

    def digest_at(self, sequence: int) -> str:
        """The digest in hex of the history up to and with this number; 0 is the genesis.

        Raises:
            JournalError: If the journal does not reach so far, or is closed.
        """
        self._check_open(reading=True)
        if not 0 <= sequence <= self.position:
            raise JournalError(
                f"{self.path} ends at {self.position} and has no entry {sequence}.",
                "It is of another brain, or was cut; restore it from a backup with its snapshots.",
            )
        offset = self._history.ends[sequence] - DIGEST_BYTES
        return os.pread(self._descriptor, DIGEST_BYTES, offset).hex()

    def rewrite_without(self, sequences: Iterable[int]) -> None:
        """Remove entries for good; the others keep their numbers.

        A new file replaces the old one: a crash leaves one or the other. Digests change from the
        first removed number on; snapshots taken there must be made again. The bytes of the old
        file stay on the disk until the system uses the space again.

        Raises:
            JournalError: If a number is not in the journal, or it could not be rewritten.
        """
        self._check_open()
        unwanted = set(sequences)
        unknown = sorted(n for n in unwanted if not 1 <= n <= self.position)
        if unknown:
            raise JournalError(
                f"{self.path} has no entries {unknown[:5]}; it ends at {self.position}.",
                "Name entries that it has.",
            )
        if unwanted <= self._history.removed:
            return
        history = History(self._history.ends[0], bytes.fromhex(self.digest_at(0)))
        try:
            write_atomically(self.path, self._frames_without(unwanted, history))
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        except OSError as error:
            raise JournalError(
                f"{self.path} could not be rewritten: {error.strerror or error}.",
                "Free space on its disk, open the journal again and look at its removed entries.",
            ) from error
        self._close()
        self._hold(descriptor)
        self._history = history

    def _frames_without(self, unwanted: set[int], rewritten: History) -> Iterator[bytes]:
        """Every frame of the new file; notes them in the new history."""
        old, digest = self._history, rewritten.digest
        gone = unwanted | old.removed
        yield os.pread(self._descriptor, old.ends[0], 0)
        for sequence in range(1, old.position + 1):
            kind = REMOVED
            payload = removed_payload(sequence)
            if sequence not in gone:
                kind, payload = ENTRY, read_payload(self._descriptor, old, sequence)
            frame, digest = seal(kind, payload, digest)
            rewritten.add(len(frame), digest, removed=kind == REMOVED)
            yield frame

    def close(self) -> None:
        """Give the file back; a second call does nothing."""
        self._close()

    def _check_open(self, *, reading: bool = False) -> None:
        if not self._close.alive:
            raise JournalError(f"{self.path} is closed.", "Open it again.")
        if self._failure and not reading:
            raise JournalError(f"{self.path} takes no more entries: {self._failure}.", _REOPEN)


def _open_file(path: Path) -> int:
    try:
        if not path.is_file():
            raise JournalError(f"There is no journal {path}.", "Create it, or name the right file.")
        return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
    except OSError as error:
        raise JournalError(
            f"{path} cannot be opened: {error.strerror}.", "Name a file that you may write to."
        ) from error


def _cut(descriptor: int, size: int, history: History, committed: int) -> int:
    """Shorten file and history to the last whole group; how many bytes that was."""
    history.shorten(descriptor, committed)
    surplus = size - history.ends[-1]
    if surplus:
        os.ftruncate(descriptor, history.ends[-1])
    # Always: a killed writer may have left a whole entry that no sync has reached yet, and a brain
    # that lives through it must not lose it later.
    os.fsync(descriptor)
    return surplus


def _pieces(descriptor: int, start: int, stop: int) -> Iterator[bytes]:
    for offset in range(start, stop, 2**20):
        yield os.pread(descriptor, min(2**20, stop - offset), offset)


def _free_name(path: Path) -> Path:
    names = (f"{path.name}.damaged{number or ''}" for number in itertools.count())
    return next(free for name in names if not (free := path.with_name(name)).exists())
