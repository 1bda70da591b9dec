from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurallayers.data.patch_clamp import CELLS_RECORDED, load_patch_clamp
from neurallayers.errors import DataUnavailable, UnknownName


def written(folder: Path, **changes: object) -> Path:
    """A small file of the same form."""
    arrays: dict[str, object] = {
        "fsi_gain_v_raw": np.array([[-1600, 320], [-1920, 0]], dtype=np.int16),
        "fsi_gain_i_pa": np.array([[0.0, 50.0], [0.0, 75.0]], dtype=np.float16),
        "fsi_gain_fs": 20_000,
        "fsi_gain_sweep": np.array([4, 7]),
        "v_scale": 0.03125,
    }
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "patch_clamp.npz", **{**arrays, **changes})  # type: ignore[arg-type]
    return folder


def test_numbers_come_in_their_units(tmp_path: Path) -> None:
    recording = load_patch_clamp("fsi_gain", written(tmp_path))
    assert recording.membrane_potential_mv.tolist() == [[-50.0, 10.0], [-60.0, 0.0]]
    assert recording.current_pa.tolist() == [[0.0, 50.0], [0.0, 75.0]]
    assert recording.dt_ms == 0.05
    assert recording.sweep_numbers == (4, 7)
    assert len(recording) == 2


def test_the_folder_of_the_environment_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path / "patch_clamp")
    monkeypatch.setenv("NEURALLAYERS_DATA", str(tmp_path))
    assert load_patch_clamp("fsi_gain").sweep_numbers == (4, 7)


def test_what_is_not_there_or_damaged_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'fsi_gain'"):
        load_patch_clamp("fsi_gian")
    with pytest.raises(DataUnavailable, match="none of these folders"):
        load_patch_clamp("fsi_gain", tmp_path)
    with pytest.raises(DataUnavailable, match="ic_ramp_v_raw"):
        load_patch_clamp("ic_ramp", written(tmp_path))
    with pytest.raises(DataUnavailable, match="cannot be read"):
        load_patch_clamp("fsi_gain", written(tmp_path, fsi_gain_sweep=np.array([1])))
    (tmp_path / "patch_clamp.npz").write_bytes(b"PK no archive")
    with pytest.raises(DataUnavailable, match="cannot be read"):
        load_patch_clamp("fsi_gain", tmp_path)


@pytest.mark.parametrize(
    ("name", "fewest", "most"), [("ic_steps", 10, 42), ("fsi_gain", 2, 117), ("ic_ramp", 6, 9)]
)
def test_the_real_recordings_are_those_that_are_described(
    name: str, fewest: int, most: int
) -> None:
    try:
        recording = load_patch_clamp(name)
    except DataUnavailable as missing:
        pytest.skip(str(missing))
    v = recording.membrane_potential_mv
    crossings = ((v[:, :-1] < 0.0) & (v[:, 1:] >= 0.0)).sum(axis=1)
    assert (crossings.min(), crossings.max()) == (fewest, most)
    assert recording.dt_ms == 0.05
    assert recording.current_pa.shape == v.shape
    assert name in CELLS_RECORDED
