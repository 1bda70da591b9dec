"""Where data sets are looked for, and how their arrays are read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from neurallayers.data.folders import candidate_folders, find_file, read_arrays
from neurallayers.errors import DataUnavailable


def test_the_named_folder_comes_first_and_the_cache_last(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NEURALLAYERS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("NEURALLAYERS_CACHE", str(tmp_path / "cache"))
    places = candidate_folders("worms")
    assert places[0] == tmp_path / "data" / "worms"
    assert places[-1].is_relative_to(tmp_path / "cache")
    monkeypatch.delenv("NEURALLAYERS_DATA")
    assert candidate_folders("worms") == places[1:]


def test_the_first_place_that_has_the_file_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NEURALLAYERS_DATA", str(tmp_path))
    monkeypatch.setenv("NEURALLAYERS_CACHE", str(tmp_path / "cache"))
    file = candidate_folders("worms")[-1] / "a.npz"
    file.parent.mkdir(parents=True)
    file.touch()
    assert find_file("worms", "a.npz") == file
    (tmp_path / "worms").mkdir()
    (tmp_path / "worms" / "a.npz").touch()
    assert find_file("worms", "a.npz") == tmp_path / "worms" / "a.npz"
    with pytest.raises(DataUnavailable, match="NEURALLAYERS_DATA"):
        find_file("worms", "b.npz")
    with pytest.raises(DataUnavailable, match="elsewhere"):
        find_file("worms", "a.npz", tmp_path / "elsewhere")


def test_arrays_are_those_of_the_known_content(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=np.arange(3), y=np.eye(2))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    arrays = read_arrays(path, sha256)
    assert sorted(arrays) == ["x", "y"]
    np.testing.assert_array_equal(arrays["y"], np.eye(2))
    with pytest.raises(DataUnavailable, match="expected 0000"):
        read_arrays(path, "0000")


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(b"PK\x03\x04 not a zip file")
    with pytest.raises(DataUnavailable, match="cannot be read"):
        read_arrays(path, hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(DataUnavailable, match="cannot be read"):
        read_arrays(tmp_path / "nothing.npz", "")
