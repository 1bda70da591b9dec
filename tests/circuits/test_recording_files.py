"""The two formats hold what they say, under any name, and nothing else."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from tests.circuits.recordings import EVERYTHING, equal, recorded_circuit

from neurallayers.circuits import Circuit, Spikes
from neurallayers.circuits.recording_files import Recording, replaced, suffix_of
from neurallayers.circuits.storage import load_recording, save_recording
from neurallayers.errors import InvalidInput, SnapshotError


@pytest.fixture(params=("npz", "parquet"))
def suffix(request: pytest.FixtureRequest) -> str:
    if request.param == "parquet":
        pytest.importorskip("pyarrow", reason="the extra parquet is not installed")
    return str(request.param)


@pytest.fixture
def circuit() -> Circuit:
    return recorded_circuit()


def test_the_end_of_the_name_says_the_format() -> None:
    assert suffix_of(Path("run.NPZ")) == ".npz"
    with pytest.raises(InvalidInput, match=r"'\.h5'"):
        suffix_of(Path("run.h5"))


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def broken() -> None:
        with replaced(path) as temporary:
            temporary.write_text("ne")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert (path.read_text(), list(tmp_path.iterdir())) == ("old", [path])
    with replaced(path) as temporary:
        temporary.write_text("new")
    assert (path.read_text(), list(tmp_path.iterdir())) == ("new", [path])


def test_weights_and_odd_names_come_back(tmp_path: Path, suffix: str) -> None:
    nobody = Spikes(np.zeros(0), np.zeros(0, np.int64), 3, 0.0, 2.0)
    recording = Recording(
        spikes={"a/b é": nobody, "..": nobody},
        times_ms=np.zeros(0),
        variables={},
        cells={},
        rates_hz={},
        rate_times_ms=np.zeros(0),
        weights={"a->b/.ampa": np.arange(6, dtype=np.float32).reshape(3, 2)},
        weight_times_ms=np.array([1.0, 2.0, 3.0]),
        start_ms=0.0,
        stop_ms=2.0,
    )
    found = load_recording(save_recording(recording, tmp_path / f"odd.{suffix}"))
    equal(recording, found)
    assert found.weights["a->b/.ampa"].dtype == np.float32


def test_the_table_is_tidy(circuit: Circuit, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra parquet is not installed")
    run = circuit.run(20.0, record=EVERYTHING)
    table = parquet.read_table(save_recording(run, tmp_path / "run.parquet")).to_pydict()
    rows = list(zip(*table.values(), strict=True))
    fired = [(row[3], row[4]) for row in rows if row[0] == "spike"]
    spikes = run.spikes["cells"]
    assert fired == list(zip(spikes.senders, spikes.times_ms, strict=True))
    sampled = [row for row in rows if row[2] == "excitation" and row[3] == 2]
    assert [row[5] for row in sampled] == run.variables["cells"]["excitation"][:, 1].tolist()


def test_archives_hold_no_pickles(circuit: Circuit, tmp_path: Path) -> None:
    path = save_recording(circuit.run(5.0, record=EVERYTHING), tmp_path / "run.npz")
    assert all(name.endswith(".npy") for name in zipfile.ZipFile(path).namelist())
    with np.load(path, allow_pickle=False) as archive:
        assert all(archive[name].dtype != object for name in archive.files)


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", about=np.array('{"format": "weather"}'))
    with pytest.raises(SnapshotError, match="weather"):
        load_recording(tmp_path / "other.npz")
    np.savez(tmp_path / "nothing.npz", x=np.zeros(2))
    with pytest.raises(SnapshotError, match="cannot be read"):
        load_recording(tmp_path / "nothing.npz")
