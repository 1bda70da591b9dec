from __future__ import annotations

import hashlib
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from neurallayers.brain import frames
from neurallayers.brain.container import Damaged
from neurallayers.brain.entry import ENTRY_BYTES_AT_MOST, Entry
from neurallayers.brain.frames import (
    ENTRY,
    HEADER,
    REMOVED,
    History,
    header_frame,
    read_header,
    read_payload,
    scan,
    seal,
)
from neurallayers.errors import JournalError


@contextmanager
def opened(path: Path, data: bytes) -> Iterator[int]:
    path.write_bytes(data)
    descriptor = os.open(path, os.O_RDWR)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def chain(*parts: tuple[int, bytes, bool]) -> list[bytes]:
    """A header and frames of these kinds, payloads and marks that more follow."""
    result = [header_frame({"brain": "ada"})]
    digest = result[0][-32:]
    for kind, payload, more in parts:
        frame, digest = seal(kind, payload, digest, more=more)
        result.append(frame)
    return result


def found(path: Path, data: bytes) -> tuple[History, int, Damaged | None]:
    with opened(path, data) as descriptor:
        history, _ = read_header(descriptor, len(data))
        committed, damage = scan(descriptor, len(data), history)
        return history, committed, damage


PARTS = [(ENTRY, b"first", False), (REMOVED, b"second", False), (ENTRY, b"third" * 9, False)]


def test_a_frame_is_laid_out_as_described() -> None:
    previous = bytes(range(32))
    frame, digest = seal(ENTRY, b"payload", previous, more=True)
    head = b"NLJR" + bytes([1, 1, 0, 0]) + struct.pack("<I", 7)
    assert digest == hashlib.sha256(previous + b"payload").digest()
    assert frame == head + struct.pack("<I", zlib.crc32(head)) + b"payload" + digest


def test_a_whole_file_is_found_whole(tmp_path: Path) -> None:
    pieces = chain(*PARTS)
    history, committed, damage = found(tmp_path / "journal", b"".join(pieces))
    assert (committed, damage, history.removed) == (3, None, {2})
    assert list(history.ends) == [sum(map(len, pieces[: n + 1])) for n in range(4)]
    assert history.digest == pieces[-1][-32:]


def test_a_file_cut_anywhere_ends_at_its_last_whole_frame(tmp_path: Path) -> None:
    pieces = chain(*PARTS)
    data = b"".join(pieces)
    ends = [sum(map(len, pieces[: n + 1])) for n in range(4)]
    for length in range(ends[0], len(data)):
        history, committed, damage = found(tmp_path / "journal", data[:length])
        assert damage is None
        assert committed == history.position == sum(end <= length for end in ends) - 1


@pytest.mark.parametrize("reserved", [0, 40, 5000])
def test_space_that_was_reserved_and_not_written_is_torn(tmp_path: Path, reserved: int) -> None:
    pieces = chain(*PARTS)
    data, begin = b"".join(pieces), len(b"".join(pieces[:3]))
    for written in range(begin, len(data) - 8):
        zeros = bytes(len(data) - written + reserved)
        history, committed, damage = found(tmp_path / "journal", data[:written] + zeros)
        assert (committed, history.position, damage) == (2, 2, None), written


def test_a_flipped_bit_in_any_frame_is_damage_also_in_the_last(tmp_path: Path) -> None:
    pieces = chain(*PARTS)
    data = b"".join(pieces)
    ends = [sum(map(len, pieces[: n + 1])) for n in range(4)]
    for position in range(ends[0], len(data)):
        altered = bytearray(data)
        altered[position] ^= 1 << (position % 8)
        history, committed, damage = found(tmp_path / "journal", bytes(altered))
        assert damage is not None, position
        assert committed == history.position == sum(end <= position for end in ends) - 1


def test_frames_in_another_order_are_damage(tmp_path: Path) -> None:
    first, *rest = chain((ENTRY, b"same", False), (ENTRY, b"size", False))
    _, committed, damage = found(tmp_path / "journal", first + rest[1] + rest[0])
    assert committed == 0
    assert damage is not None


def test_a_group_counts_only_when_it_is_whole(tmp_path: Path) -> None:
    pieces = chain((ENTRY, b"a", False), (ENTRY, b"b", True), (ENTRY, b"c", True))
    history, committed, damage = found(tmp_path / "journal", b"".join(pieces))
    assert (committed, history.position, damage) == (1, 3, None)
    with opened(tmp_path / "journal", b"".join(pieces)) as descriptor:
        history.shorten(descriptor, committed)
    assert history.position == 1
    assert history.digest == pieces[1][-32:]


@pytest.mark.parametrize(
    ("kind", "magic", "length"),
    [
        (HEADER, b"NLJR", 0),
        (REMOVED + 1, b"NLJR", 0),
        (ENTRY, b"NLJX", 0),
        (ENTRY, b"NLJR", ENTRY_BYTES_AT_MOST + 1),
        (ENTRY, b"NLJR", 2**32 - 1),
    ],
)
def test_a_head_that_we_never_write_is_damage(
    tmp_path: Path, kind: int, magic: bytes, length: int
) -> None:
    first = header_frame({})
    head = struct.pack("<4sBBHI", magic, kind, 0, 0, length)
    digest = hashlib.sha256(first[-32:]).digest()
    frame = head + struct.pack("<I", zlib.crc32(head)) + digest
    _, committed, damage = found(tmp_path / "journal", first + frame)
    assert committed == 0
    assert damage is not None


def test_the_header_gives_the_genesis_back(tmp_path: Path) -> None:
    data = header_frame({"network": "a1", "platform": {"cpu": "x86"}})
    with opened(tmp_path / "journal", data) as descriptor:
        history, genesis = read_header(descriptor, len(data))
    assert genesis == {"network": "a1", "platform": {"cpu": "x86"}}
    assert history.digest == data[-32:]
    assert history.position == 0


def test_a_header_cut_or_altered_anywhere_is_refused(tmp_path: Path) -> None:
    whole = header_frame({"network": "a1"})
    for position in range(len(whole)):
        altered = bytearray(whole)
        altered[position] ^= 1 << (position % 8)
        for data in (whole[:position], bytes(altered)):
            with opened(tmp_path / "journal", data) as descriptor, pytest.raises(Damaged):
                read_header(descriptor, len(data))


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (HEADER, b"{}"),
        (HEADER, b'{"format":"neurallayers.journal","schema_version":1}'),
        (HEADER, b'{"format":"other","genesis":{},"schema_version":1}'),
        (ENTRY, b'{"format":"neurallayers.journal","genesis":{},"schema_version":1}'),
        (HEADER, b"[" * 100_000),
    ],
)
def test_a_header_of_something_else_is_refused(tmp_path: Path, kind: int, payload: bytes) -> None:
    data, _ = seal(kind, payload, b"")
    with opened(tmp_path / "journal", data) as descriptor, pytest.raises(Damaged, match="header"):
        read_header(descriptor, len(data))


def test_a_newer_header_is_told_as_newer(tmp_path: Path) -> None:
    data, _ = seal(HEADER, b'{"format":"neurallayers.journal","schema_version":2}', b"")
    with (
        opened(tmp_path / "journal", data) as descriptor,
        pytest.raises(JournalError, match=r"version 2, newer than 1.*Upgrade"),
    ):
        read_header(descriptor, len(data))


def test_a_payload_is_held_against_its_digest_again(tmp_path: Path) -> None:
    pieces = chain(*PARTS)
    data = b"".join(pieces)
    with opened(tmp_path / "journal", data) as descriptor:
        history, _ = read_header(descriptor, len(data))
        scan(descriptor, len(data), history)
        assert read_payload(descriptor, history, 3) == b"third" * 9
        os.pwrite(descriptor, b"T", history.ends[2] + 16)
        with pytest.raises(JournalError, match=r"Entry 3 was altered while.*digest"):
            read_payload(descriptor, history, 3)
        os.ftruncate(descriptor, history.ends[2] + 4)
        with pytest.raises(JournalError, match="Entry 3 was altered while"):
            read_payload(descriptor, history, 3)


def test_no_more_than_a_frame_is_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    largest = max(len(frame) for frame in chain(*PARTS))
    reads: list[int] = []
    real_pread = os.pread

    def pread(descriptor: int, count: int, offset: int) -> bytes:
        reads.append(count)
        return real_pread(descriptor, count, offset)

    monkeypatch.setattr(frames.os, "pread", pread)
    found(tmp_path / "journal", b"".join(chain(*PARTS * 50)))
    assert max(reads) <= largest


def test_an_entry_of_the_largest_size_fits_a_frame() -> None:
    assert ENTRY_BYTES_AT_MOST < 2**32
    assert len(Entry(1, "lesson").encode()) < ENTRY_BYTES_AT_MOST
