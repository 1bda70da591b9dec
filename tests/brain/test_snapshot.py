from __future__ import annotations

import errno
import hashlib
import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.brain.stored_tensors import json_values, named_tensors, same_bits

import neurallayers
from neurallayers.brain import files
from neurallayers.brain.container import digest_of_tensors
from neurallayers.brain.snapshot import (
    RESERVED,
    SCHEMA_VERSION,
    read_manifest,
    read_snapshot,
    write_snapshot,
)
from neurallayers.errors import InvalidInput, SnapshotError

same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])

MANIFEST: dict[str, Any] = {"platform": {"torch": "2.13"}, "labels": ["naught", "É"], "sequence": 7}


def small_parts() -> dict[str, dict[str, torch.Tensor]]:
    return {
        "network": {"layer.weight": torch.arange(6.0).reshape(2, 3), "bias": torch.ones(3).half()},
        "state": {"counter": torch.tensor(5), "v/na": torch.tensor([float("nan"), -0.0])},
        "lessons": {},
    }


def write(path: Path, **changes: Any) -> Path:
    write_snapshot(
        path, **{"kind": "brain", "manifest": MANIFEST, "parts": small_parts(), **changes}
    )
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "ada.brain")


def tamper(path: Path, change: Any, *, honest: bool = True) -> None:
    """Rewrite header and manifest as an attacker would: with digests that fit, if honest."""
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    manifest = json.loads(header["__metadata__"]["manifest"])
    change(header, manifest)
    if honest:
        manifest.pop("sha256", None)
        text = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
        manifest["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    if isinstance(header.get("__metadata__"), dict):
        header["__metadata__"]["manifest"] = text
    raw = json.dumps(header, separators=(",", ":")).encode()
    raw += b" " * (-len(raw) % 8)
    path.write_bytes(struct.pack("<Q", len(raw)) + raw + data[8 + length :])


def test_everything_comes_back(path: Path) -> None:
    snapshot = read_snapshot(path, kind="brain")
    parts = small_parts()
    assert {part: set(named) for part, named in snapshot.parts.items()} == {
        part: set(named) for part, named in parts.items()
    }
    for part, named in parts.items():
        for name, tensor in named.items():
            assert same_bits(snapshot.parts[part][name], tensor)
    assert {key: snapshot.manifest[key] for key in MANIFEST} == MANIFEST


def test_the_manifest_says_what_the_file_is(path: Path) -> None:
    manifest = read_manifest(path, "brain")
    assert manifest.keys() == MANIFEST.keys() | RESERVED
    assert manifest["format"] == "neurallayers.brain"
    assert manifest["schema_version"] == SCHEMA_VERSION
    assert manifest["neurallayers_version"] == neurallayers.__version__
    assert manifest["parts"]["network"] == {
        "tensors": ["bias", "layer.weight"],
        "sha256": digest_of_tensors(small_parts()["network"]),
    }
    assert manifest == read_snapshot(path, kind="brain").manifest


@same_folder
@given(
    parts=st.dictionaries(
        st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=6),
        named_tensors,
        max_size=3,
    ),
    note=json_values,
)
def test_any_tensors_come_back_bit_for_bit(
    tmp_path: Path, parts: dict[str, dict[str, torch.Tensor]], note: Any
) -> None:
    path = write(tmp_path / "file", manifest={"note": note}, parts=parts)
    snapshot = read_snapshot(path, kind="brain")
    assert snapshot.manifest["note"] == note
    assert {part: set(named) for part, named in snapshot.parts.items()} == {
        part: set(named) for part, named in parts.items()
    }
    for part, named in parts.items():
        assert all(same_bits(snapshot.parts[part][name], t) for name, t in named.items())


def test_the_same_content_is_the_same_file(tmp_path: Path) -> None:
    first = write(tmp_path / "first")
    second = write(
        tmp_path / "second",
        manifest=dict(reversed(MANIFEST.items())),
        parts={part: dict(reversed(n.items())) for part, n in reversed(small_parts().items())},
    )
    assert first.read_bytes() == second.read_bytes()


def test_any_safetensors_reader_opens_it(path: Path) -> None:
    tensors = safetensors.torch.load_file(path)
    assert same_bits(tensors["network/layer.weight"], small_parts()["network"]["layer.weight"])
    assert len(tensors) == 4


def test_a_file_cut_at_any_byte_is_refused(path: Path, tmp_path: Path) -> None:
    whole, cut = path.read_bytes(), tmp_path / "cut"
    for length in range(len(whole)):
        cut.write_bytes(whole[:length])
        with pytest.raises(SnapshotError, match="damaged"):
            read_snapshot(cut, kind="brain")
        if length % 8 == 0:
            with pytest.raises(SnapshotError, match="damaged"):
                read_manifest(cut, "brain")
    cut.write_bytes(whole + b"\0")
    with pytest.raises(SnapshotError, match="1 bytes too many"):
        read_snapshot(cut, kind="brain")


def test_one_flipped_bit_anywhere_is_refused(path: Path, tmp_path: Path) -> None:
    whole, altered = path.read_bytes(), tmp_path / "altered"
    for position in range(len(whole)):
        data = bytearray(whole)
        data[position] ^= 1 << (position % 8)
        altered.write_bytes(data)
        with pytest.raises(SnapshotError):
            read_snapshot(altered, kind="brain")


@same_folder
@given(position=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255))
def test_one_other_byte_anywhere_is_refused(path: Path, position: float, change: int) -> None:
    whole = path.with_name("whole")
    if not whole.exists():
        whole.write_bytes(path.read_bytes())
    data = bytearray(whole.read_bytes())
    data[int(position * len(data))] ^= change
    path.write_bytes(data)
    with pytest.raises(SnapshotError):
        read_snapshot(path, kind="brain")


@pytest.mark.parametrize(
    ("written", "same_in_json", "problem"),
    [
        (rb"\\u00c9", rb"\\u00C9", "manifest is not in the form in which"),
        (rb"/\u00e9", rb"/\u00E9", "header is not in the form in which"),
        (b"} ", b"}\n", "header is not in the form in which"),
    ],
    ids=["manifest", "tensor name", "padding"],
)
def test_other_bytes_that_say_the_same_are_refused(
    tmp_path: Path, written: bytes, same_in_json: bytes, problem: str
) -> None:
    # The length of the note moves the end of the header: one of eight leaves room for padding.
    for length in range(8):
        parts = {"state": {"é": torch.zeros(2)}}
        path = write(tmp_path / "file", manifest={"label": "É", "note": "x" * length}, parts=parts)
        data = path.read_bytes()
        if written in data:
            break
    assert data.count(written) == 1
    path.write_bytes(data.replace(written, same_in_json))
    with pytest.raises(SnapshotError, match=problem):
        read_snapshot(path, kind="brain")


def test_a_newer_file_is_told_as_newer_whatever_else_is_new(path: Path) -> None:
    def newer(header: dict[str, Any], manifest: dict[str, Any]) -> None:
        manifest |= {"schema_version": SCHEMA_VERSION + 1, "neurallayers_version": "99.0"}
        manifest["format"] = "neurallayers.mind"
        header["extra"] = {"in": "another form"}

    tamper(path, newer, honest=False)
    for read in (lambda: read_snapshot(path, kind="brain"), lambda: read_manifest(path, "brain")):
        with pytest.raises(SnapshotError, match=r"newer than 1.*Upgrade.*99\.0"):
            read()


def test_a_file_of_another_kind_is_refused(path: Path) -> None:
    with pytest.raises(SnapshotError, match="is a brain, not a network"):
        read_snapshot(path, kind="network")


def drop(*keys: str) -> Any:
    def change(header: dict[str, Any], manifest: dict[str, Any]) -> None:
        node: Any = {"header": header, "manifest": manifest}
        for key in keys[:-1]:
            node = node[key]
        del node[keys[-1]]

    return change


def put(*keys: str, value: Any) -> Any:
    def change(header: dict[str, Any], manifest: dict[str, Any]) -> None:
        node: Any = {"header": header, "manifest": manifest}
        for key in keys[:-1]:
            node = node[key]
        node[keys[-1]] = value

    return change


def nested(levels: int) -> Any:
    return [nested(levels - 1)] if levels else []


def slip_under(header: dict[str, Any], manifest: dict[str, Any]) -> None:
    """A part whose name holds a slash would pass for a tensor of another."""
    manifest["parts"]["state/v"] = {"tensors": ["na"], "sha256": ""}
    manifest["parts"]["state"]["tensors"] = ["counter"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (drop("header", "__metadata__"), "without the manifest"),
        (put("header", "__metadata__", value=[]), "without the manifest"),
        (put("manifest", "format", value="other.brain"), "names no format"),
        (put("manifest", "schema_version", value="1"), "names no format"),
        (put("manifest", "schema_version", value=True), "names no format"),
        (put("manifest", "schema_version", value=0), "schema version is 0"),
        (put("manifest", "note", value=nested(80)), "nested deeper than 64 levels"),
        (drop("manifest", "parts"), "names no parts"),
        (drop("manifest", "parts", "state"), "in excess .*state/counter"),
        (drop("manifest", "parts", "state", "sha256"), "not describe the part 'state'"),
        (put("manifest", "parts", "state", value=3), "not describe the part 'state'"),
        (put("manifest", "parts", "state", "tensors", value=[0]), "not describe the part"),
        (put("manifest", "parts", "state", "tensors", value=["counter"]), "in excess .*v/na"),
        (put("manifest", "parts", "new", value={"tensors": ["a"], "sha256": ""}), "lacks .*new/a"),
        (slip_under, "not describe the part 'state/v'"),
        (put("manifest", "parts", "state", "sha256", value="0" * 64), "'state' does not match"),
        (put("header", "network/bias", "dtype", value="F12"), "unknown dtype"),
        (put("header", "network/bias", "dtype", value="BF16"), "'network' does not match"),
        (put("header", "network/layer.weight", "shape", value=[3, 2]), "'network' does not match"),
        (put("header", "network/layer.weight", "shape", value=[2**40]), "size that its shape"),
    ],
)
def test_a_file_made_to_deceive_is_refused(path: Path, change: Any, problem: str) -> None:
    tamper(path, change)
    with pytest.raises(SnapshotError, match=problem):
        read_snapshot(path, kind="brain")


def test_a_changed_manifest_does_not_match_its_digest(path: Path) -> None:
    tamper(path, put("manifest", "sequence", value=8), honest=False)
    with pytest.raises(SnapshotError, match="manifest does not match its digest"):
        read_manifest(path, "brain")


def test_damage_inside_a_tensor_is_found_by_reading_it(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert read_manifest(path, "brain")["sequence"] == 7
    with pytest.raises(SnapshotError, match=r"part '\w+' does not match its digest.*backup"):
        read_snapshot(path, kind="brain")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"PK\x03\x04" + bytes(60), "zip archive, such as torch.save writes.*never unpickled"),
        (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19." + bytes(60), "is a pickle.*never unpickled"),
        (b"\x80\x04\x95\x1a" + b"\xff" * 60, "is a pickle"),
        (b"hello, I am a text file", "declare a header of"),
        (struct.pack("<Q", 16 * 2**20 + 1), "declare a header of 16777217 bytes"),
        (struct.pack("<Q", 16 * 2**20), "truncated"),
        (struct.pack("<Q", 4) + b"null", "not a JSON object"),
        (struct.pack("<Q", 100_000) + b"[" * 100_000, "nested absurdly deep"),
        (struct.pack("<Q", 2) + b"{}", "without the manifest"),
    ],
)
def test_files_of_others_are_refused_unread(tmp_path: Path, data: bytes, problem: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(SnapshotError, match=problem):
        read_snapshot(path, kind="brain")


def test_what_torch_save_writes_is_refused_and_not_executed(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "sprung",))

    for zipped in (True, False):
        path = tmp_path / "model.pt"
        torch.save(Trap(), path, _use_new_zipfile_serialization=zipped)
        with pytest.raises(SnapshotError, match="never unpickled"):
            read_snapshot(path, kind="brain")
    assert not (tmp_path / "sprung").exists()


def test_plain_safetensors_are_no_snapshot(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    safetensors.torch.save_file({"a": torch.zeros(2)}, path)
    with pytest.raises(SnapshotError, match="without the manifest"):
        read_snapshot(path, kind="brain")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match=r"No such file.*Name a file that is there"):
        read_snapshot(tmp_path / "nothing", kind="brain")
    with pytest.raises(SnapshotError, match="is a folder"):
        read_snapshot(tmp_path, kind="brain")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SnapshotError, match="not an ordinary file"):
        read_snapshot(tmp_path / "pipe", kind="brain")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"kind": "Brain 2"}, "cannot be of kind 'Brain 2'"),
        ({"manifest": {"parts": 1, "sha256": 2}}, r"\['parts', 'sha256'\], which the writer sets"),
        ({"manifest": {"a": {1, 2}}}, r"manifest\.a is a set"),
        ({"parts": {"a/b": {}}}, "cannot be named 'a/b'"),
        ({"parts": {"": {}}}, "cannot be named ''"),
        ({"parts": {"state": {0: torch.zeros(1)}}}, "their tensors by strings"),
        ({"parts": {"state": {"a": torch.zeros(1, dtype=torch.complex128)}}}, "complex128"),
        ({"parts": {"state": {"\ud800": torch.zeros(1)}}}, "cannot be named"),
        ({"manifest": {"a": "x" * 2**24}}, "over 16 MiB"),
    ],
)
def test_what_cannot_be_stored_is_refused_and_the_old_file_stays(
    path: Path, changes: dict[str, Any], problem: str
) -> None:
    before = path.read_bytes()
    with pytest.raises(InvalidInput, match=problem):
        write(path, **changes)
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_writer_that_fails_leaves_the_old_file(
    path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(files.os, call, full)
        with pytest.raises(SnapshotError, match=r"No space left on device.*space on its disk"):
            write(path, manifest={})
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="existing folder"):
        write(tmp_path / "nowhere" / "file")


# A process with torch loaded forks the writers to kill, so that each takes milliseconds.
WRITERS = """
import os, random, signal, sys, time
import torch
from neurallayers.brain.snapshot import write_snapshot
path, chance = sys.argv[1], random.Random(0)
version = 0
for _ in range(10):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        while True:
            version += 1
            parts = {"state": {"v": torch.full((50_000,), float(version))}}
            write_snapshot(path, kind="brain", manifest={"version": version}, parts=parts)
            os.write(writer, version.to_bytes(4, "little"))
    os.close(writer)
    for _ in range(3):
        version = int.from_bytes(os.read(reader, 4), "little")
    time.sleep(chance.uniform(0, 0.004))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while acknowledged := os.read(reader, 4):
        version = int.from_bytes(acknowledged, "little")
    os.close(reader)
    print(version, flush=True)
    sys.stdin.readline()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="writers are forked")
def test_a_killed_writer_leaves_the_last_acknowledged_file_or_a_newer_one(tmp_path: Path) -> None:
    path = tmp_path / "ada.brain"
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", WRITERS, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
    ) as forker:
        assert forker.stdin is not None
        assert forker.stdout is not None
        kills = 0
        for line in forker.stdout:
            kills += 1
            snapshot = read_snapshot(path, kind="brain")
            version = snapshot.manifest["version"]
            assert int(line) <= version <= int(line) + 1
            assert torch.equal(snapshot.parts["state"]["v"], torch.full((50_000,), float(version)))
            forker.stdin.write("next\n")
            forker.stdin.flush()
    assert kills == 10
    assert len(list(tmp_path.iterdir())) <= 2
    write(path)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
