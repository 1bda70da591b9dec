"""Fetches a file, checks it, and only then gives it its name."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from neurallayers.errors import DataUnavailable

log = logging.getLogger(__name__)

_CHUNK_BYTES = 1 << 16
_TIMEOUT_SECONDS = 30.0
# More than this beyond what was announced is not the file that was asked for.
_LARGEST_BYTES = 1 << 30

Advance = Callable[[int, int | None], None]
"""Called with the bytes that have come so far and, when known, how many there will be."""


def cache_folder() -> Path:
    """Where downloads are kept: ``$NEURALLAYERS_CACHE``, else ``~/.cache/neurallayers``."""
    chosen = os.environ.get("NEURALLAYERS_CACHE")
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "neurallayers"


def fetch(urls: Sequence[str], path: Path, *, sha256: str, advance: Advance | None = None) -> Path:
    """Download a file from the first source that gives the right one.

    It is written under a temporary name beside ``path``, verified, and then renamed, so that a
    file of that name is always whole and right. A file that is there already is verified and kept.

    Args:
        urls: Sources of the same file, tried in order.
        path: Where it goes; its folder is made.
        sha256: What its SHA-256 must be.
        advance: Told how far it is.

    Returns:
        ``path``.

    Raises:
        DataUnavailable: If no source gives the right file; says what each one answered.
    """
    if path.is_file() and _digest(path) == sha256:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    answers = []
    for url in urls:
        try:
            return _fetch_from(url, path, sha256, advance)
        except (OSError, ValueError) as error:
            answers.append(f"{url}: {error}")
            log.warning("data.download_failed", extra={"url": url, "error": str(error)})
    raise DataUnavailable(
        f"{path.name} could not be downloaded ({'; '.join(answers)}).",
        f"Check the network, or put the file into {path.parent} yourself.",
    )


def _fetch_from(url: str, path: Path, sha256: str, advance: Advance | None) -> Path:
    if not url.startswith(("https://", "http://")):
        raise ValueError("only http and https are fetched")
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            found = _copy(url, file, advance)
            file.flush()
            os.fsync(file.fileno())
        if found != sha256:
            raise ValueError(f"SHA-256 is {found}, expected {sha256}")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    log.info("data.downloaded", extra={"url": url, "path": str(path)})
    return path


def _copy(url: str, file: BinaryIO, advance: Advance | None) -> str:
    """Copy what a URL gives into a file; returns its SHA-256."""
    digest = hashlib.sha256()
    request = urllib.request.Request(url, headers={"User-Agent": "neurallayers"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310  # nosec B310
        announced = answer.headers.get("Content-Length")
        total = int(announced) if announced else None
        done = 0
        while chunk := answer.read(_CHUNK_BYTES):
            done += len(chunk)
            if done > (total or _LARGEST_BYTES):
                raise ValueError(f"more than {total or _LARGEST_BYTES} bytes came")
            file.write(chunk)
            digest.update(chunk)
            if advance is not None:
                advance(done, total)
    if total is not None and done < total:
        raise ValueError(f"the connection broke after {done} of {total} bytes")
    return digest.hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def download_bar(name: str) -> Iterator[Advance | None]:
    """A progress bar on stderr while a file comes, when a person is looking; otherwise nothing."""
    if not (sys.stderr.isatty() and shutil.get_terminal_size().columns >= 40):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
