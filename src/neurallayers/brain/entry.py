"""One entry of a journal, its one form in bytes and its place in the chain of digests.

They are the same whatever keeps the journal.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from neurallayers.brain.container import (
    JSON,
    Damaged,
    canonical_json,
    pack,
    parse_json,
    unpack,
)
from neurallayers.errors import InvalidInput, JournalError

ENTRY_BYTES_AT_MOST = 64 * 2**20
JOURNAL_FORMAT, JOURNAL_VERSION = "neurallayers.journal", 1

_LENGTH = struct.Struct("<I")


def link(previous: bytes, payload: bytes) -> bytes:
    """The digest of a history with one more payload: ``SHA-256(digest before + payload)``."""
    return hashlib.sha256(previous + payload).digest()


def header_payload(genesis: JSON) -> bytes:
    """What a history begins with; its digest, with nothing before, is that of the genesis."""
    header: JSON = {"format": JOURNAL_FORMAT, "schema_version": JOURNAL_VERSION, "genesis": genesis}
    return canonical_json(header, "header").encode()


def removed_payload(sequence: int) -> bytes:
    """What is left of a forgotten entry: its number."""
    return canonical_json({"sequence": sequence}, "removed").encode()


@dataclass(frozen=True, eq=False)
class Entry:
    """One thing that happened to a brain.

    Args:
        sequence: Its number, from 1.
        kind: What it is: ``"lesson"``, ``"stimulus"``, ``"forget_class"``, ...
        content: JSON values.
        tensors: Arrays, such as the image; any shape and any dtype that safetensors has.

    Two entries are equal if they are stored as the same bytes.
    """

    sequence: int
    kind: str
    content: Mapping[str, Any] = field(default_factory=dict)
    tensors: Mapping[str, Tensor] = field(default_factory=dict)

    def encode(self) -> bytes:
        """The one form of this entry in bytes: length of a JSON header, header, safetensors.

        Raises:
            InvalidInput: If something in it cannot be stored, or it takes more than 64 MiB.
        """
        if type(self.sequence) is not int or self.sequence < 1 or not self.kind:
            raise InvalidInput(
                f"An entry cannot have sequence {self.sequence!r} and kind {self.kind!r}.",
                "Number entries from 1 and say what they are.",
            )
        described: JSON = {
            "sequence": self.sequence,
            "kind": self.kind,
            "content": self.content,
        }
        head = canonical_json(described, f"entry {self.sequence}").encode()
        size = len(head) + sum(tensor.nbytes for tensor in self.tensors.values())
        # Looked at before the bytes are put together, and again with the headers.
        if size <= ENTRY_BYTES_AT_MOST:
            data = b"".join([_LENGTH.pack(len(head)), head, *pack(self.tensors)])
            if len(data) <= ENTRY_BYTES_AT_MOST:
                return data
        raise InvalidInput(
            f"Entry {self.sequence} takes {size} bytes and its headers; {ENTRY_BYTES_AT_MOST} is "
            "the limit.",
            "Journal smaller stimuli, such as one image an entry.",
        )

    @classmethod
    def decode(cls, data: bytes) -> Entry:
        """The entry that :meth:`encode` gave.

        Raises:
            JournalError: If the bytes are something else.
        """
        try:
            return cls._decode(data)
        except (Damaged, InvalidInput) as error:
            problem = error.problem if isinstance(error, InvalidInput) else f"{error}."
            raise JournalError(
                f"An entry is damaged: {problem}", "Restore its journal from a backup."
            ) from error

    @classmethod
    def _decode(cls, data: bytes) -> Entry:
        if len(data) < _LENGTH.size:
            raise Damaged("it is truncated")
        start = _LENGTH.size + _LENGTH.unpack_from(data)[0]
        text = data[_LENGTH.size : start]
        match described := parse_json(text):
            case {"sequence": int(sequence), "kind": str(kind), "content": dict(content)}:
                entry = cls(sequence, kind, content, unpack(memoryview(data)[start:]))
            case _:
                raise Damaged("it lacks its sequence, kind or content")
        if canonical_json(described, "entry").encode() != text or len(described) != 3:
            raise Damaged("it is not in the form in which it was written")
        return entry

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Entry) and self.encode() == other.encode()

    def __hash__(self) -> int:
        return hash((self.sequence, self.kind))
