"""Journals of small lessons."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import torch

from neurallayers.brain.journal import Entry, FileJournal

GENESIS = {"network": "a1b2", "platform": {"torch": "2.13"}}


def lesson(sequence: int, value: float = 0.5) -> Entry:
    image = torch.full((2, 2), value + sequence)
    return Entry(sequence, "lesson", {"target": str(sequence)}, {"image": image})


def lessons(first: int, last: int) -> list[Entry]:
    return [lesson(sequence) for sequence in range(first, last + 1)]


def reopened(path: Path) -> tuple[list[Entry], FileJournal]:
    """What a journal holds when it is opened again; closed already."""
    opened = FileJournal.open(path)
    entries = list(opened.read())
    opened.close()
    return entries, opened


def disk_full(*_: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
