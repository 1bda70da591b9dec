"""Recordings and states come back from disk as they were."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurallayers.circuits import Circuit, PoissonDrive, Record, Spikes
from neurallayers.circuits.models import brunel, vogels_abbott
from neurallayers.circuits.storage import (
    Recording,
    load_recording,
    load_state,
    record_to_disk,
    save_recording,
    save_state,
)
from neurallayers.errors import InvalidInput, ShapeMismatch, SnapshotError
from neurallayers.state import leaves

FORMATS = ("npz", "parquet")
EVERYTHING = Record(
    spikes="all",
    variables={"cells": ["membrane_potential", "excitation"]},
    every_ms=0.5,
    cells=[7, 2, 150],
    rates="all",
    rate_bin_ms=2.0,
)


@pytest.fixture(params=FORMATS)
def suffix(request: pytest.FixtureRequest) -> str:
    if request.param == "parquet":
        pytest.importorskip("pyarrow", reason="the extra parquet is not installed")
    return str(request.param)


@pytest.fixture
def circuit() -> Circuit:
    found = vogels_abbott("COBA", cells=200, seed=4)
    found.drive("cells", PoissonDrive(1000.0, weight=6.0, receptor="excitation"))
    return found


def equal(first: Any, second: Any) -> None:
    """Every array of two recordings is the same, bit for bit."""
    assert first.spikes.keys() == second.spikes.keys()
    for name, spikes in first.spikes.items():
        other = second.spikes[name]
        np.testing.assert_array_equal(spikes.times_ms, other.times_ms)
        np.testing.assert_array_equal(spikes.senders, other.senders)
        assert spikes.senders.dtype == other.senders.dtype
        assert (spikes.n, spikes.start_ms) == (other.n, other.start_ms)
        assert spikes.stop_ms == pytest.approx(other.stop_ms)
    assert first.variables.keys() == second.variables.keys()
    for name, by_name in first.variables.items():
        np.testing.assert_array_equal(first.cells[name], second.cells[name])
        assert by_name.keys() == second.variables[name].keys()
        for variable, samples in by_name.items():
            np.testing.assert_array_equal(samples, second.variables[name][variable])
            assert samples.dtype == second.variables[name][variable].dtype
    for field in ("rates_hz", "weights"):
        ours, theirs = getattr(first, field), getattr(second, field)
        assert ours.keys() == theirs.keys()
        for name, values in ours.items():
            np.testing.assert_array_equal(values, theirs[name])
    for field in ("times_ms", "rate_times_ms", "weight_times_ms"):
        np.testing.assert_array_equal(getattr(first, field), getattr(second, field))


def test_a_recording_comes_back(circuit: Circuit, tmp_path: Path, suffix: str) -> None:
    run = circuit.run(30.0, record=EVERYTHING)
    assert len(run.spikes["cells"]) > 20
    path = save_recording(run, tmp_path / f"run.{suffix}")
    equal(run, load_recording(path))
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("chunk_ms", [10.0, 12.0, 500.0])
def test_a_recording_in_pieces_is_the_whole_one(
    circuit: Circuit, tmp_path: Path, suffix: str, chunk_ms: float
) -> None:
    whole = circuit.run(30.0, record=EVERYTHING)
    parts: list[float] = []
    path = tmp_path / f"run.{suffix}"
    state = record_to_disk(
        circuit, 30.0, path, record=EVERYTHING, chunk_ms=chunk_ms, progress=parts.append
    )
    equal(whole, load_recording(path))
    for (name, ours), (_, theirs) in zip(leaves(state), leaves(whole.state), strict=True):
        assert ours.equal(theirs), name
    assert parts == sorted(parts)
    assert parts[-1] == 1.0


def test_a_recording_goes_on_from_a_state(circuit: Circuit, tmp_path: Path, suffix: str) -> None:
    first = circuit.run(10.0)
    path = tmp_path / f"later.{suffix}"
    record_to_disk(circuit, 20.0, path, state=first.state, record=EVERYTHING, chunk_ms=5.0 * 2)
    found = load_recording(path)
    equal(circuit.run(20.0, state=first.state, record=EVERYTHING), found)
    assert (found.start_ms, found.stop_ms) == (10.0, 30.0)


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


def test_a_chunk_that_cuts_a_bin_is_refused(circuit: Circuit, tmp_path: Path) -> None:
    record = Record(rates="all", rate_bin_ms=2.0)
    with pytest.raises(InvalidInput, match="whole bins"):
        record_to_disk(circuit, 20.0, tmp_path / "run.npz", record=record, chunk_ms=5.0)
    assert not list(tmp_path.iterdir())


def test_another_ending_is_refused(circuit: Circuit, tmp_path: Path) -> None:
    run = circuit.run(1.0)
    with pytest.raises(InvalidInput, match=r"\.npz or \.parquet"):
        save_recording(run, tmp_path / "run.csv")
    with pytest.raises(InvalidInput, match=r"\.npz or \.parquet"):
        load_recording(tmp_path / "run.csv")


def test_a_run_that_breaks_leaves_the_old_file(
    circuit: Circuit, tmp_path: Path, suffix: str
) -> None:
    path = save_recording(circuit.run(2.0), tmp_path / f"run.{suffix}")
    before = path.read_bytes()

    def stop(part: float) -> None:
        if part > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record_to_disk(circuit, 4.0, path, chunk_ms=1.0, progress=stop)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_damaged_files_are_refused(circuit: Circuit, tmp_path: Path, suffix: str) -> None:
    path = save_recording(circuit.run(5.0), tmp_path / f"run.{suffix}")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(SnapshotError, match="cannot be read as a recording"):
        load_recording(path)
    with pytest.raises(SnapshotError, match="nothing"):
        load_recording(tmp_path / f"nothing.{suffix}")


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", about=np.array('{"format": "weather"}'))
    with pytest.raises(SnapshotError, match="weather"):
        load_recording(tmp_path / "other.npz")
    np.savez(tmp_path / "nothing.npz", x=np.zeros(2))
    with pytest.raises(SnapshotError, match="cannot be read"):
        load_recording(tmp_path / "nothing.npz")


def test_archives_hold_no_pickles(circuit: Circuit, tmp_path: Path) -> None:
    path = save_recording(circuit.run(5.0, record=EVERYTHING), tmp_path / "run.npz")
    assert all(name.endswith(".npy") for name in zipfile.ZipFile(path).namelist())
    with np.load(path, allow_pickle=False) as archive:
        assert all(archive[name].dtype != object for name in archive.files)


def test_a_state_comes_back_and_goes_on(circuit: Circuit, tmp_path: Path) -> None:
    first = circuit.run(10.0)
    path = save_state(first.state, tmp_path / "half.safetensors")
    found = load_state(circuit, path)
    for (name, ours), (_, theirs) in zip(leaves(first.state), leaves(found), strict=True):
        assert ours.equal(theirs), name
    on, again = circuit.run(10.0, state=first.state), circuit.run(10.0, state=found)
    np.testing.assert_array_equal(on.spikes["cells"].times_ms, again.spikes["cells"].times_ms)
    np.testing.assert_array_equal(on.spikes["cells"].senders, again.spikes["cells"].senders)
    assert len(on.spikes["cells"]) > 0


def test_states_of_others_and_damaged_ones_are_refused(circuit: Circuit, tmp_path: Path) -> None:
    path = save_state(circuit.initial_state(), tmp_path / "state.safetensors")
    with pytest.raises(ShapeMismatch, match="another circuit"):
        load_state(vogels_abbott("COBA", cells=201), path)
    with pytest.raises(InvalidInput, match="another network"):
        load_state(brunel("AI", cells=200), path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(SnapshotError, match="cannot be read as a state"):
        load_state(circuit, path)
    with pytest.raises(SnapshotError):
        load_state(circuit, tmp_path / "nothing.safetensors")


def test_safetensors_of_something_else_are_refused(circuit: Circuit, tmp_path: Path) -> None:
    import safetensors.torch

    safetensors.torch.save_file(
        {"weight": circuit.initial_state().step}, tmp_path / "other.safetensors"
    )
    with pytest.raises(SnapshotError, match="None"):
        load_state(circuit, tmp_path / "other.safetensors")
