"""One file that holds everything a brain is: safetensors with a manifest in its metadata.

The manifest is JSON: what the caller says of the brain, and what makes the file trustworthy::

    format                "neurallayers.<kind>"
    schema_version        of this format; a newer one is refused with the advice to upgrade
    neurallayers_version  that wrote the file
    parts                 {part: {"tensors": [names], "sha256": digest of the part}}
    sha256                of the canonical JSON of all of the above

A tensor of a part is stored as ``part/name``. The same content gives the same bytes. A file that is
truncated anywhere or altered in any byte is refused: the digests cover what the file says, and
there is only one way to write it. They protect against accidents; whoever may write the file can
also compute new digests.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import re
import stat
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO, FileIO
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from neurallayers.brain.container import (
    HEADER_BYTES_AT_MOST,
    JSON,
    Damaged,
    Place,
    build_tensor,
    canonical_json,
    check_header,
    digest_of_tensors,
    layout,
    pack,
    parse_json,
)
from neurallayers.brain.files import write_atomically
from neurallayers.errors import InvalidInput, SnapshotError

SCHEMA_VERSION = 1
#: What the writer puts into the manifest; the caller's own keys are others.
RESERVED = frozenset({"format", "schema_version", "neurallayers_version", "parts", "sha256"})

_LENGTH = struct.Struct("<Q")
_PREFIX = "neurallayers."
_RESTORE = "Restore it from a backup or save it again; a damaged file is never loaded in part."


@dataclass(frozen=True)
class Snapshot:
    """What a file holds.

    Args:
        manifest: What the caller gave, and the keys of :data:`RESERVED`.
        parts: Tensors on the CPU by part and name; parts without tensors are there too.
    """

    manifest: dict[str, Any]
    parts: dict[str, dict[str, Tensor]]


# ---------------------------------------------------------------------------------- writing


def write_snapshot(
    path: str | os.PathLike[str],
    *,
    kind: str,
    manifest: Mapping[str, JSON],
    parts: Mapping[str, Mapping[str, Tensor]],
) -> None:
    """Write a snapshot: whole or not at all, and durable when this returns.

    Args:
        path: The file; an old one is replaced once the new one is on the disk.
        kind: What it is, such as ``"brain"``; :func:`read_snapshot` asks for it again.
        manifest: JSON of the caller, without the keys of :data:`RESERVED`.
        parts: Tensors by part and name. They must not change during the call.

    Raises:
        InvalidInput: If a name, the manifest or a tensor cannot be stored.
        SnapshotError: If the file cannot be written; the old one is then as it was.
    """
    try:
        write_atomically(Path(path), snapshot_pieces(kind=kind, manifest=manifest, parts=parts))
    except OSError as error:
        raise SnapshotError(
            f"{path} could not be written: {error.strerror or error}.",
            "Name a file in an existing folder that you may write to, with space on its disk; "
            "a file that was there before is unchanged unless only the last sync failed.",
        ) from error


def snapshot_pieces(
    *, kind: str, manifest: Mapping[str, JSON], parts: Mapping[str, Mapping[str, Tensor]]
) -> Iterator[bytes | memoryview]:
    """The bytes of a snapshot, for whatever keeps it; arguments as :func:`write_snapshot`.

    Raises:
        InvalidInput: If a name, the manifest or a tensor cannot be stored.
    """
    taken = sorted(RESERVED & manifest.keys())
    if taken:
        raise InvalidInput(
            f"The manifest has the keys {taken}, which the writer sets.", "Choose other names."
        )
    tensors: dict[str, Tensor] = {}
    described: dict[str, JSON] = {}
    for part, named in parts.items():
        if not _is_part(part) or not all(isinstance(name, str) for name in named):
            raise InvalidInput(
                f"A part cannot be named {part!r} or hold {list(named)[:5]}.",
                "Parts are named by strings without a slash, their tensors by strings.",
            )
        tensors |= {f"{part}/{name}": tensor for name, tensor in named.items()}
        described[part] = {"tensors": sorted(named), "sha256": digest_of_tensors(named)}
    whole: dict[str, JSON] = {
        **manifest,
        "format": _format_of(kind),
        "schema_version": SCHEMA_VERSION,
        "neurallayers_version": _version(),
        "parts": described,
    }
    whole["sha256"] = _digest_of_manifest(whole)
    return pack(tensors, {"manifest": canonical_json(whole, "manifest")})


def _version() -> str:
    # Not a plain import: it would tie this floor to everything that the package names at its top.
    return str(importlib.import_module("neurallayers").__version__)


def _is_part(name: object) -> bool:
    return isinstance(name, str) and bool(name) and "/" not in name


def _format_of(kind: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", kind):
        raise InvalidInput(
            f"A snapshot cannot be of kind {kind!r}.", "Use small letters, such as 'brain'."
        )
    return _PREFIX + kind


def _digest_of_manifest(manifest: Mapping[str, JSON]) -> str:
    rest = {key: value for key, value in manifest.items() if key != "sha256"}
    return hashlib.sha256(canonical_json(rest, "manifest").encode()).hexdigest()


# ---------------------------------------------------------------------------------- reading


def read_snapshot(path: str | os.PathLike[str], *, kind: str) -> Snapshot:
    """Read a snapshot and hold every byte of it against its digests.

    Nothing is unpickled or executed, and no more memory is taken than the file's size and some
    multiple of its header, which is at most 16 MiB.

    Args:
        path: The file.
        kind: What it should be, as it was written.

    Raises:
        SnapshotError: If it is missing, truncated, altered, newer, of another kind or not ours.
    """
    try:
        with _open(path) as file:
            return _read_whole(_Source(file, str(path), os.fstat(file.fileno()).st_size), kind)
    except (Damaged, InvalidInput, OSError) as error:
        raise _refusal(path, error) from error


def parse_snapshot(data: bytes, *, kind: str, name: str) -> Snapshot:
    """The snapshot that :func:`snapshot_pieces` gave, held against its digests.

    Args:
        data: All of its bytes.
        kind: What it should be, as it was written.
        name: What to call it in errors.

    Raises:
        SnapshotError: As :func:`read_snapshot`.
    """
    try:
        return _read_whole(_Source(BytesIO(data), name, len(data)), kind)
    except (Damaged, InvalidInput) as error:
        raise _refusal(name, error) from error


def read_manifest(path: str | os.PathLike[str], kind: str) -> dict[str, Any]:
    """Read only the manifest, to list files without loading them.

    The header and the size of the file are checked, the bytes of the tensors are not.

    Raises:
        SnapshotError: As :func:`read_snapshot`, but for damage inside the tensors.
    """
    expected = _format_of(kind)
    try:
        with _open(path) as file:
            source = _Source(file, str(path), os.fstat(file.fileno()).st_size)
            header, manifest, data_bytes = _read_header(source, expected)
            _check_parts(manifest, layout(header, data_bytes))
    except (Damaged, InvalidInput, OSError) as error:
        raise _refusal(path, error) from error
    return manifest


def _refusal(path: str | os.PathLike[str], error: Exception) -> SnapshotError:
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
        return SnapshotError(
            f"{path} cannot be read: {reason}.", "Name a file that is there and may be read."
        )
    if isinstance(error, InvalidInput):  # hand-made content that our own writer refuses
        return SnapshotError(f"{path} is damaged: {error.problem}", _RESTORE)
    return SnapshotError(f"{path} is damaged: {error}.", _RESTORE)


def _open(path: str | os.PathLike[str]) -> FileIO:
    mode = Path(path).stat().st_mode
    if stat.S_ISDIR(mode):
        raise SnapshotError(
            f"{path} is a folder.", "Name a file; a folder with a journal is opened as one."
        )
    if not stat.S_ISREG(mode):
        raise SnapshotError(f"{path} is not an ordinary file.", "Name a file.")
    return FileIO(path)


class _Source(NamedTuple):
    """Where a snapshot is read from."""

    file: FileIO | BytesIO
    name: str
    size: int


def _read_whole(source: _Source, kind: str) -> Snapshot:
    header, manifest, data_bytes = _read_header(source, _format_of(kind))
    places = layout(header, data_bytes)
    _check_parts(manifest, places)
    return Snapshot(manifest, _read_parts(source.file, manifest, places))


def _read(file: FileIO | BytesIO, count: int) -> bytearray:
    """Exactly so many bytes, of which the caller knows that the file has them."""
    data = bytearray(count)
    rest = memoryview(data)
    while rest:
        got = file.readinto(rest)
        if not got:
            raise Damaged("it was cut while it was read")
        rest = rest[got:]
    return data


def _read_header(source: _Source, expected: str) -> tuple[dict[str, Any], dict[str, Any], int]:
    """The header, the manifest in it, and how many bytes follow."""
    file, name, size = source
    if size < _LENGTH.size:
        raise Damaged(f"it is truncated: it has {size} bytes")
    start = bytes(_read(file, _LENGTH.size))
    length: int = _LENGTH.unpack(start)[0]
    if length > HEADER_BYTES_AT_MOST:
        raise SnapshotError(
            f"{name} is not a NeuralLayers file: {_what_it_may_be(start, length)}.",
            "Name a file that save() wrote; files of other programs are never unpickled.",
        )
    data_bytes = size - _LENGTH.size - length
    if data_bytes < 0:
        raise Damaged(f"it is truncated: its header has {length} bytes, the whole file {size}")
    raw = bytes(_read(file, length))
    header = parse_json(raw)
    manifest, text = _manifest_of(header)
    _check_format(name, manifest, expected)
    # From here on the file is of our own version, so that there is one way to write it.
    check_header(header, raw)
    if canonical_json(manifest, "manifest") != text:
        raise Damaged("its manifest is not in the form in which it was written")
    if manifest.get("sha256") != _digest_of_manifest(manifest):
        raise Damaged("its manifest does not match its digest")
    return header, manifest, data_bytes


def _what_it_may_be(start: bytes, length: int) -> str:
    if start.startswith(b"PK"):
        return "it is a zip archive, such as torch.save writes"
    if start[0] == 0x80 and start[1] <= 5:
        return "it is a pickle"
    return f"its first bytes declare a header of {length} bytes"


def _manifest_of(header: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    metadata = header.get("__metadata__")
    text = metadata.get("manifest") if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise Damaged("it is safetensors without the manifest of a NeuralLayers file")
    return parse_json(text), text


def _check_format(name: str, manifest: Mapping[str, Any], expected: str) -> None:
    found, version = manifest.get("format"), manifest.get("schema_version")
    if not isinstance(found, str) or not found.startswith(_PREFIX) or type(version) is not int:
        raise Damaged("its manifest names no format of NeuralLayers")
    if version > SCHEMA_VERSION:
        raise SnapshotError(
            f"{name} has schema version {version}, newer than {SCHEMA_VERSION}, the newest "
            f"that NeuralLayers {_version()} reads.",
            f"Upgrade NeuralLayers; version {manifest.get('neurallayers_version')} wrote it.",
        )
    if version < 1:
        raise Damaged(f"its schema version is {version}")
    if found != expected:
        raise SnapshotError(
            f"{name} is a {found.removeprefix(_PREFIX)}, not a {expected.removeprefix(_PREFIX)}.",
            "Load it as what it is, or name another file.",
        )


def _check_parts(manifest: Mapping[str, Any], places: Mapping[str, Place]) -> None:
    """Hold the tensors that are there against those that the manifest names.

    Raises:
        Damaged: If a part or tensor is missing or in excess.
    """
    parts = manifest.get("parts")
    if not isinstance(parts, dict):
        raise Damaged("its manifest names no parts")
    named: set[str] = set()
    for part, described in parts.items():
        match described:
            case {"tensors": [*names], "sha256": str()} if _is_part(part) and all(
                type(name) is str for name in names
            ):
                named |= {f"{part}/{name}" for name in names}
            case _:
                raise Damaged(f"its manifest does not describe the part {part!r}")
    if named != places.keys():
        missing, extra = sorted(named - places.keys()), sorted(places.keys() - named)
        raise Damaged(f"it lacks the tensors {missing[:5]} and has in excess {extra[:5]}")


def _read_parts(
    file: FileIO | BytesIO, manifest: Mapping[str, Any], places: Mapping[str, Place]
) -> dict[str, dict[str, Tensor]]:
    parts: dict[str, dict[str, Tensor]] = {part: {} for part in manifest["parts"]}
    for path, place in places.items():  # in the order in which they lie in the file
        part, _, name = path.partition("/")
        parts[part][name] = build_tensor(place, _read(file, place.stop - place.start))
    for part, tensors in parts.items():
        if digest_of_tensors(tensors) != manifest["parts"][part]["sha256"]:
            raise Damaged(f"the part {part!r} does not match its digest")
    return parts
