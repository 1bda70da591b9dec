"""Recordings and states come back from disk as they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.circuits.recordings import EVERYTHING, equal, recorded_circuit

from neurallayers.circuits import Circuit, Record
from neurallayers.circuits.models import brunel, vogels_abbott
from neurallayers.circuits.storage import (
    load_recording,
    load_state,
    record_to_disk,
    save_recording,
    save_state,
)
from neurallayers.errors import InvalidInput, ShapeMismatch, SnapshotError
from neurallayers.state import leaves

FORMATS = ("npz", "parquet")


@pytest.fixture(params=FORMATS)
def suffix(request: pytest.FixtureRequest) -> str:
    if request.param == "parquet":
        pytest.importorskip("pyarrow", reason="the extra parquet is not installed")
    return str(request.param)


@pytest.fixture
def circuit() -> Circuit:
    return recorded_circuit()


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
