"""Files that survive a crash: writes that replace a file as a whole, and the lock of a folder."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
import weakref
from collections.abc import Iterable
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

from neurallayers.errors import JournalError

try:
    import fcntl
except ImportError:  # Windows has no flock
    fcntl = None  # type: ignore[assignment]


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write every byte, however many calls the system needs.

    Raises:
        OSError: As the system says; a part may have been written.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable: what was renamed there survives a loss of power."""
    if os.name == "nt":  # Windows cannot open a folder; it syncs names with the file
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, pieces: Iterable[bytes | memoryview]) -> None:
    """Replace a file as a whole: whoever looks sees the old content or the new, also after a crash.

    The pieces go to a temporary name in the same folder, then to the disk, then the name is
    replaced and the folder synced. A killed writer leaves its temporary file; the next write of
    the same path removes it. A link is followed, and the rights of an existing file are kept.

    Raises:
        OSError: As the system says; before the replacement the old file is as it was.
    """
    target = Path(os.path.realpath(path))
    _remove_leftovers(target)
    file, temporary = _open_temporary(target)
    try:
        with file:
            for piece in pieces:
                write_all(file.fileno(), piece)
            os.fsync(file.fileno())
            if target.exists():
                temporary.chmod(stat.S_IMODE(target.stat().st_mode))
            if os.name == "nt":  # Windows renames only what is closed
                file.close()
            os.replace(temporary, target)  # noqa: PTH105 - one name for tests to break
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def _open_temporary(target: Path) -> tuple[FileIO, Path]:
    while True:
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
        file = FileIO(temporary, "xb")
        # The lock says that its writer lives. Without locks leftovers are never removed.
        if fcntl is not None:
            with contextlib.suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file, temporary
        file.close()  # removed as a leftover between its creation and its lock


def _remove_leftovers(target: Path) -> None:
    if fcntl is None:
        return
    ours = re.compile(re.escape(f".{target.name}.") + r"[0-9a-f]{16}\.tmp")
    for path in target.parent.iterdir():
        if ours.fullmatch(path.name):
            with contextlib.suppress(OSError), FileIO(path) as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()


class FolderLock:
    """The right to write in a folder, held from construction until :meth:`release`.

    It belongs to the open file: the system takes it back when the process ends, however it ends,
    and a second lock in the same process is refused as well. The file ``.lock`` stays; it names
    the process that last held it and means nothing by itself.

    Args:
        folder: An existing folder on a file system with locks.

    Raises:
        JournalError: If someone else holds it, or there is no such folder or no lock to be had.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        if fcntl is None:
            raise JournalError(
                "This system cannot lock a folder.",
                "Open brains on folders on Linux or macOS; a brain in one file works everywhere.",
            )
        try:
            descriptor = os.open(
                self.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666
            )
        except OSError as error:
            raise JournalError(
                f"{self.folder} cannot be locked: {error.strerror}.",
                "Name an existing folder that you may write to.",
            ) from error
        self._descriptor = descriptor
        # A lock that is dropped without release must not outlive its owner in a long process.
        self._close = weakref.finalize(self, os.close, descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
            self._close()
            raise self._refusal(error, holder) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)

    def _refusal(self, error: OSError, holder: str) -> JournalError:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return JournalError(
                f"{self.folder} is in use by process {holder or 'unknown'}.",
                "Close the brain that has it open or wait for that process to end; to have the "
                "brain twice, save it to a file and load that.",
            )
        return JournalError(
            f"{self.folder} cannot be locked: {error.strerror}.",
            "Use a folder on a local disk; some network file systems have no locks.",
        )

    @property
    def held(self) -> bool:
        """Whether the lock is still ours."""
        return self._close.alive

    def release(self) -> None:
        """Give the folder back; a second call does nothing."""
        if self._close.alive:
            # Unlocked by name, not only closed: a forked child may still have the file open.
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
