"""Where data sets are looked for, and how their arrays are read."""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from neurallayers.data.download import cache_folder
from neurallayers.errors import DataUnavailable


def candidate_folders(name: str) -> list[Path]:
    """Where a data set is looked for, in order; the last is the cache, which may not exist yet."""
    named = os.environ.get("NEURALLAYERS_DATA")
    places = [Path(named).expanduser() / name] if named else []
    return [*places, Path("..") / "shared" / "data" / name, cache_folder() / name]


def find_file(name: str, file: str, folder: str | Path | None = None) -> Path:
    """The first place that has a file of a data set.

    Args:
        name: The folder of the data set.
        file: The file in it.
        folder: The one place to look in, instead of those of :func:`candidate_folders`.

    Raises:
        DataUnavailable: If it is nowhere.
    """
    places = candidate_folders(name) if folder is None else [Path(folder)]
    for place in places:
        if (place / file).is_file():
            return place / file
    looked = ", ".join(str(place) for place in places)
    raise DataUnavailable(
        f"{file} is in none of these folders: {looked}.",
        f"Set NEURALLAYERS_DATA to the folder that holds {name}/, or name its folder.",
    )


def read_arrays(path: Path, sha256: str) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays of an npz file, after its content was found to be the expected one.

    Raises:
        DataUnavailable: If it cannot be read or is another file than the published one.
    """
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found == sha256:
            # Opened here, as numpy leaves a file open that it cannot read.
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DataUnavailable(f"{path} cannot be read ({error}).", "Fetch it again.") from error
    raise DataUnavailable(
        f"{path} has SHA-256 {found}, expected {sha256}.",
        "It is damaged or another data set: fetch it again.",
    )
