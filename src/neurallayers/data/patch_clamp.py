"""Current-clamp recordings of three real neurons, on which models are fitted.

A cell that fires by itself (steps of -50 to +100 pA), a fast-spiking interneuron (-100 to +300 pA)
and a ramp, at 20 kHz. Five sweeps of the two step protocols are not part of the file; nothing is
known of the cells but what the names of the files say, and each current was given once, so that no
reliability of the cell can be told from it.

Source: S. W. Harden (2018), pyABF, example files 17o05028_ic_steps.abf, 2019_07_24_0055_fsi.abf and
17o05027_ic_ramp.abf; https://github.com/swharden/pyABF (MIT licence).
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurallayers.data.folders import find_file
from neurallayers.errors import DataUnavailable, UnknownName
from neurallayers.registry import nearest_name

CELLS_RECORDED = ("ic_steps", "fsi_gain", "ic_ramp")
"""The recordings: a cell that fires by itself, a fast-spiking interneuron, a ramp."""

_FILE = "patch_clamp.npz"


@dataclass(frozen=True, eq=False)
class PatchClampRecording:
    """Sweeps of one cell.

    Attributes:
        name: One of :data:`CELLS_RECORDED`.
        current_pa: Command current [pA], float64 ``[sweeps, time]``.
        membrane_potential_mv: Recorded potential [mV], float64 ``[sweeps, time]``; the liquid
            junction potential is not taken off, the series resistance not compensated.
        dt_ms: Time between samples [ms].
        sweep_numbers: Number of each sweep in the file of the recording.
    """

    name: str
    current_pa: NDArray[np.float64]
    membrane_potential_mv: NDArray[np.float64]
    dt_ms: float
    sweep_numbers: tuple[int, ...]

    def __len__(self) -> int:
        return int(self.current_pa.shape[0])


def load_patch_clamp(
    name: str = "ic_steps", folder: str | Path | None = None
) -> PatchClampRecording:
    """One of the recordings, from ``patch_clamp.npz``.

    It is looked for in ``$NEURALLAYERS_DATA/patch_clamp``, beside the checkout in
    ``../shared/data/patch_clamp``, and in the cache.

    Args:
        name: One of :data:`CELLS_RECORDED`.
        folder: The one place to look in.

    Raises:
        UnknownName: If there is no such recording.
        DataUnavailable: If the file is nowhere or damaged.
    """
    if name not in CELLS_RECORDED:
        raise UnknownName(
            f"There is no recording called {name!r}.", nearest_name(name, list(CELLS_RECORDED))
        )
    path = find_file("patch_clamp", _FILE, folder)
    try:
        return _read(path, name)
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise DataUnavailable(
            f"{path} cannot be read ({error}).", "Replace the damaged file by a fresh copy."
        ) from error


def _read(path: Path, name: str) -> PatchClampRecording:
    # Opened here, as numpy leaves a file open that it cannot read.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        raw: NDArray[Any] = arrays[f"{name}_v_raw"]
        current: NDArray[Any] = arrays[f"{name}_i_pa"]
        scale, rate_hz = float(arrays["v_scale"]), float(arrays[f"{name}_fs"])
        kept = f"{name}_sweep"
        numbers = arrays[kept] if kept in arrays.files else np.arange(raw.shape[0])
    if raw.ndim != 2 or raw.shape != current.shape or len(numbers) != len(raw) or rate_hz <= 0.0:
        raise ValueError(f"potential {raw.shape}, current {current.shape}, {rate_hz} samples/s")
    return PatchClampRecording(
        name=name,
        current_pa=current.astype(np.float64),
        membrane_potential_mv=raw * scale,
        dt_ms=1000.0 / rate_hz,
        sweep_numbers=tuple(int(number) for number in numbers),
    )
