"""The bytes of a journal in a file: frames, their chain of digests, and what a crash leaves.

The file is a sequence of frames, the first with the header, then one for each sequence number::

    magic "NLJR" | kind u8 | more u8 | 0 u16 | payload bytes u32 | crc32 of these 12 bytes u32
    payload
    digest: SHA-256(digest of the frame before + payload), 32 bytes; the header's has none before

Numbers are little-endian. ``kind`` is 0 header, 1 entry, 2 removed (what is left of a forgotten
entry: its number). ``more`` is 1 if the frame and the next are of one group: a group is there whole
or not at all.

A crash leaves a prefix of what was written, or one that ends in zeros where the system had reserved
space; that is cut off when the file is opened. Any other difference is damage, and is refused.
"""

from __future__ import annotations

import os
import struct
import zlib
from array import array
from typing import Any, NamedTuple

from neurallayers.brain.container import JSON, Damaged, parse_json
from neurallayers.brain.entry import (
    ENTRY_BYTES_AT_MOST,
    JOURNAL_VERSION,
    header_payload,
    link,
)
from neurallayers.errors import JournalError

SCHEMA_VERSION = JOURNAL_VERSION
HEADER, ENTRY, REMOVED = 0, 1, 2
DIGEST_BYTES = 32
RESTORE = (
    "Restore the file from a backup, or call FileJournal.repair, which keeps what is before the "
    "damage and sets the rest aside."
)

_MAGIC = b"NLJR"
_HEAD = struct.Struct("<4sBBHII")
_U32 = struct.Struct("<I")
# So many zeros at the end of a digest are no accident: the system never wrote there.
_UNWRITTEN_BYTES = 8


class Frame(NamedTuple):
    """One frame as it was read."""

    kind: int
    more: bool
    payload: bytes
    digest: bytes
    end: int


class Torn(Exception):
    """From here on the file is what a crash leaves."""


def seal(kind: int, payload: bytes, previous: bytes, *, more: bool = False) -> tuple[bytes, bytes]:
    """A frame and its digest."""
    head = _HEAD.pack(_MAGIC, kind, more, 0, len(payload), 0)[:-4]
    digest = link(previous, payload)
    return head + _U32.pack(zlib.crc32(head)) + payload + digest, digest


def _read_frame(descriptor: int, offset: int, size: int, previous: bytes) -> Frame:
    """The frame at an offset, held against the digest of the one before.

    Raises:
        Damaged: If it is not what was written.
        Torn: If it is not, and looks as a crash leaves it.
    """
    head = os.pread(descriptor, _HEAD.size, offset)
    if len(head) < _HEAD.size:
        raise Torn
    magic, kind, more, _, length, checksum = _HEAD.unpack(head)
    if zlib.crc32(head[:-4]) != checksum:
        # A head that was reached only in part is followed by nothing but reserved space.
        written = _written_end(descriptor, offset, size)
        if written <= offset + _HEAD.size and size - written >= _UNWRITTEN_BYTES:
            raise Torn
        raise Damaged(f"the frame at byte {offset} has a damaged head")
    end = offset + _HEAD.size + length + DIGEST_BYTES
    if magic != _MAGIC or kind > REMOVED or length > ENTRY_BYTES_AT_MOST:
        raise Damaged(f"the frame at byte {offset} is of an unknown kind or size")
    if end > size:
        raise Torn
    body = os.pread(descriptor, length + DIGEST_BYTES, offset + _HEAD.size)
    payload, digest = body[:length], body[length:]
    if link(previous, payload) != digest:
        if _written_end(descriptor, offset, size) <= end - _UNWRITTEN_BYTES:
            raise Torn
        raise Damaged(f"the frame at byte {offset} does not match its digest")
    return Frame(kind, bool(more), payload, digest, end)


def _written_end(descriptor: int, start: int, size: int) -> int:
    """Where the zeros begin with which a file ends."""
    end = start
    for offset in range(start, size, 2**20):
        piece = os.pread(descriptor, min(2**20, size - offset), offset).rstrip(b"\0")
        if piece:
            end = offset + len(piece)
    return end


class History:
    """Where the frames of a file end: eight bytes of memory an entry.

    Args:
        end: Where the header ends.
        digest: The header's.
    """

    def __init__(self, end: int, digest: bytes) -> None:
        self.ends = array("Q", [end])  # of the header, then of each sequence number
        self.removed: set[int] = set()
        self.digest = digest

    @property
    def position(self) -> int:
        """The last sequence number."""
        return len(self.ends) - 1

    def add(self, frame_bytes: int, digest: bytes, *, removed: bool = False) -> None:
        """Note the next frame."""
        self.ends.append(self.ends[-1] + frame_bytes)
        self.digest = digest
        if removed:
            self.removed.add(self.position)

    def shorten(self, descriptor: int, position: int) -> None:
        """Forget the frames after this number."""
        if position < self.position:
            del self.ends[position + 1 :]
            self.removed = {number for number in self.removed if number <= position}
            self.digest = os.pread(descriptor, DIGEST_BYTES, self.ends[-1] - DIGEST_BYTES)


def read_header(descriptor: int, size: int) -> tuple[History, dict[str, Any]]:
    """The beginning of a history, and its genesis.

    Raises:
        Damaged: If it is not one. A header is never torn: the file appears with it whole.
        JournalError: If a newer version wrote it.
    """
    try:
        frame = _read_frame(descriptor, 0, size, b"")
    except Torn:
        raise Damaged("it is truncated in its header") from None
    header = parse_json(frame.payload)
    match header:
        case {"format": "neurallayers.journal", "schema_version": int(version)}:
            if version > SCHEMA_VERSION:
                raise JournalError(
                    f"The journal has schema version {version}, newer than {SCHEMA_VERSION}.",
                    "Upgrade NeuralLayers to read it.",
                )
    match header:
        case {"format": "neurallayers.journal", "genesis": dict(genesis)} if frame.kind == HEADER:
            return History(frame.end, frame.digest), genesis
    raise Damaged("its header is not that of a journal")


def scan(descriptor: int, size: int, history: History) -> tuple[int, Damaged | None]:
    """Read all frames into the history.

    Returns:
        Where the last whole group ends, and the damage behind it, if it is damage.
    """
    damage: Damaged | None = None
    committed = history.position
    while history.ends[-1] < size:
        try:
            frame = _read_frame(descriptor, history.ends[-1], size, history.digest)
            if frame.kind == HEADER:
                raise Damaged(f"the frame at byte {history.ends[-1]} is a second header")
        except Torn:
            break
        except Damaged as found:
            damage = found
            break
        history.add(frame.end - history.ends[-1], frame.digest, removed=frame.kind == REMOVED)
        if not frame.more:
            committed = history.position
    return committed, damage


def read_payload(descriptor: int, history: History, sequence: int) -> bytes:
    """The bytes of the entry with this number, held against the digests around it.

    Raises:
        JournalError: If they are not what was written.
    """
    start, end = history.ends[sequence - 1], history.ends[sequence]
    try:
        previous = os.pread(descriptor, DIGEST_BYTES, start - DIGEST_BYTES)
        return _read_frame(descriptor, start, end, previous).payload
    except (Damaged, Torn) as found:
        reason = str(found) or "it ends early"
        raise JournalError(
            f"Entry {sequence} was altered while the journal was open: {reason}.", RESTORE
        ) from found


def header_frame(genesis: JSON) -> bytes:
    """The first frame of a file."""
    return seal(HEADER, header_payload(genesis), b"")[0]
