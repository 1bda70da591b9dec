"""The two formats of recordings on disk: how they are written and read.

What is in the files is said in :mod:`neurallayers.circuits.storage`.
"""

from __future__ import annotations

import json
import os
import secrets
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from neurallayers.circuits.recording import Run, Spikes
from neurallayers.errors import InvalidInput, SnapshotError
from neurallayers.extras import require

RECORDING_FORMAT, VERSION = "neurallayers-recording", 1
SUFFIXES = (".npz", ".parquet")


@dataclass(frozen=True, eq=False)
class Recording:
    """What was recorded of a run.

    The fields are those of a :class:`~neurallayers.circuits.recording.Run`, without its state.
    """

    spikes: dict[str, Spikes]
    times_ms: NDArray[np.float64]
    variables: dict[str, dict[str, NDArray[Any]]]
    cells: dict[str, NDArray[np.int64]]
    rates_hz: dict[str, NDArray[np.float64]]
    rate_times_ms: NDArray[np.float64]
    weights: dict[str, NDArray[Any]]
    weight_times_ms: NDArray[np.float64]
    start_ms: float
    stop_ms: float


# ------------------------------------------------------------------------------------- writing


Append = Callable[[Run | Recording], None]


def suffix_of(path: Path) -> str:
    """The end of the name, which says the format.

    Raises:
        InvalidInput: If there is no such format.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InvalidInput(f"{path} ends with {suffix!r}.", f"Choose {' or '.join(SUFFIXES)}.")
    return suffix


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """A temporary name beside the path, which becomes the path at the end."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        yield temporary
        with temporary.open("r+b") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105 - one name for tests to break
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def writer(path: Path) -> Iterator[Append]:
    """What appends pieces of a recording to a file that appears when all are there."""
    writing = npz_writer if suffix_of(path) == ".npz" else parquet_writer
    with replaced(path) as temporary, writing(temporary) as append:
        yield append


def _about(run: Run | Recording, before: dict[str, Any] | None) -> dict[str, Any]:
    """What the arrays do not say."""
    return {
        "format": RECORDING_FORMAT,
        "version": VERSION,
        "start_ms": run.start_ms if before is None else before["start_ms"],
        "stop_ms": run.stop_ms,
        "pieces": 1 if before is None else before["pieces"] + 1,
        "populations": {name: found.n for name, found in run.spikes.items()},
        "cells": {name: found.tolist() for name, found in run.cells.items()},
        "variables": {
            name: {variable: str(found.dtype) for variable, found in by_name.items()}
            for name, by_name in run.variables.items()
        },
        "rates": list(run.rates_hz),
        "weights": {
            # A piece without samples does not say how many synapses there are.
            **({} if before is None else before["weights"]),
            **{name: [str(w.dtype), w.shape[1]] for name, w in run.weights.items()},
        },
    }


@contextmanager
def npz_writer(path: Path) -> Iterator[Append]:
    """Append pieces to a NumPy archive; names of its arrays begin with the number of the piece."""
    about: dict[str, Any] | None = None
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:

        def add(name: str, array: NDArray[Any]) -> None:
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asarray(array, order="C"), allow_pickle=False)

        def append(run: Run | Recording) -> None:
            nonlocal about
            about = _about(run, about)
            for name, array in _arrays(run).items():
                if array.size:
                    add(f"{about['pieces'] - 1:05d}/{name}", array)

        yield append
        add("about", np.array(json.dumps(about)))


def _arrays(run: Run | Recording) -> dict[str, NDArray[Any]]:
    """The arrays of a piece by the name that they have in the archive."""
    found: dict[str, NDArray[Any]] = {
        "times_ms": run.times_ms,
        "rate_times_ms": run.rate_times_ms,
        "weight_times_ms": run.weight_times_ms,
    }
    for name, spikes in run.spikes.items():
        found[f"spikes/{_safe(name)}/times_ms"] = spikes.times_ms
        found[f"spikes/{_safe(name)}/senders"] = spikes.senders.astype(np.int32)
    for name, by_name in run.variables.items():
        for variable, samples in by_name.items():
            found[f"variables/{_safe(name)}/{_safe(variable)}"] = samples
    for name, rates in run.rates_hz.items():
        found[f"rates_hz/{_safe(name)}"] = rates
    for name, weights in run.weights.items():
        found[f"weights/{_safe(name)}"] = weights
    return found


def _safe(name: str) -> str:
    """A name as a part of a path."""
    return quote(name, safe=" ()[]+#")


@contextmanager
def parquet_writer(path: Path) -> Iterator[Append]:
    """Append pieces to a table; each quantity of a piece is a group of rows."""
    arrow = require("pyarrow", extra="parquet")
    parquet = require("pyarrow.parquet", extra="parquet")
    about: dict[str, Any] | None = None
    named = arrow.dictionary(arrow.int32(), arrow.string())
    schema = arrow.schema(
        [
            ("kind", named),
            ("population", named),
            ("variable", named),
            ("cell", arrow.int32()),
            ("time_ms", arrow.float64()),
            ("value", arrow.float64()),
        ]
    )
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:

        def append(run: Run | Recording) -> None:
            nonlocal about
            about = _about(run, about)
            for kind, population, variable, cells, times, values in _tables(run):
                many = times.size
                if not many:
                    continue
                columns = [
                    *(_repeated(arrow, word, many) for word in (kind, population, variable)),
                    arrow.array(cells.astype(np.int32)),
                    arrow.array(times),
                    arrow.nulls(many, arrow.float64())
                    if values is None
                    else arrow.array(values.astype(np.float64)),
                ]
                writer.write_table(arrow.Table.from_arrays(columns, schema=schema))

        yield append
        writer.add_key_value_metadata({"neurallayers": json.dumps(about)})


def _repeated(arrow: Any, word: str | None, many: int) -> Any:
    indices = arrow.array(np.zeros(many, np.int32))
    if word is None:
        indices = arrow.nulls(many, arrow.int32())
    return arrow.DictionaryArray.from_arrays(indices, arrow.array([word or ""]))


Table = tuple[str, str, str | None, NDArray[Any], NDArray[np.float64], NDArray[Any] | None]


def _tables(run: Run | Recording) -> Iterator[Table]:
    """The rows of each quantity: kind, population, variable, cells, times, values."""
    for name, spikes in run.spikes.items():
        yield "spike", name, None, spikes.senders, spikes.times_ms, None
    for name, by_name in run.variables.items():
        cells = run.cells[name]
        for variable, samples in by_name.items():
            yield "variable", name, variable, *_long(cells, run.times_ms, samples)
    for name, rates in run.rates_hz.items():
        yield "rate", name, None, *_long(np.array([-1]), run.rate_times_ms, rates[:, None])
    for name, weights in run.weights.items():
        synapses = np.arange(weights.shape[1])
        yield "weight", name, None, *_long(synapses, run.weight_times_ms, weights)


def _long(
    cells: NDArray[Any], times: NDArray[np.float64], samples: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[np.float64], NDArray[Any]]:
    """A matrix ``[times, cells]`` as rows."""
    return np.tile(cells, times.size), np.repeat(times, cells.size), samples.reshape(-1)


# ------------------------------------------------------------------------------------- reading


Column = Callable[[str, str, str | None], tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]


def read_npz(path: Path) -> Recording:
    """Read what :func:`npz_writer` wrote."""
    # Opened here, as numpy would leave a damaged file open.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        about = _checked(json.loads(str(archive["about"])))

        def joined(name: str) -> NDArray[Any]:
            names = (f"{piece:05d}/{name}" for piece in range(about["pieces"]))
            found = [archive[key] for key in names if key in archive.files]
            return np.concatenate(found) if found else np.zeros(0)

        def column(
            kind: str, name: str, variable: str | None
        ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
            safe = _safe(name)
            if kind == "spike":
                senders = joined(f"spikes/{safe}/senders")
                return senders, joined(f"spikes/{safe}/times_ms"), senders
            if kind == "variable":
                assert variable is not None
                values = joined(f"variables/{safe}/{_safe(variable)}")
                return np.zeros(0), joined("times_ms"), values
            if kind == "rate":
                return np.zeros(0), joined("rate_times_ms"), joined(f"rates_hz/{safe}")
            return np.zeros(0), joined("weight_times_ms"), joined(f"weights/{safe}")

        return _recording(about, column)


def read_parquet(path: Path) -> Recording:
    """Read what :func:`parquet_writer` wrote."""
    parquet = require("pyarrow.parquet", extra="parquet")
    with parquet.ParquetFile(path) as file:
        metadata = (file.metadata.metadata or {}).get(b"neurallayers", b"{}")
        about = _checked(json.loads(metadata))
        # Each row group is a piece of one quantity: what it is stands in its first row.
        groups: dict[tuple[str, str, str | None], list[Any]] = {}
        for number in range(file.num_row_groups):
            first = file.read_row_group(number, columns=["kind", "population", "variable"])
            key = tuple(first.column(name)[0].as_py() for name in first.column_names)
            values = file.read_row_group(number, columns=["cell", "time_ms", "value"])
            groups.setdefault(key, []).append(
                [values.column(name).to_numpy() for name in values.column_names]
            )

    def column(
        kind: str, name: str, variable: str | None
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        pieces = groups.get((kind, name, variable))
        if not pieces:
            return np.zeros(0), np.zeros(0), np.zeros(0)
        cells, times, values = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
        each = _lanes(about, kind, name)
        return cells, times if kind == "spike" else times[::each], values

    return _recording(about, column)


def _lanes(about: dict[str, Any], kind: str, name: str) -> int:
    """How many values of a quantity there are at a time."""
    if kind == "variable":
        return len(about["cells"][name])
    return int(about["weights"][name][1]) if kind == "weight" else 1


def _recording(about: dict[str, Any], column: Column) -> Recording:
    """A recording from its quantities, each as cells, times and values."""
    start, stop = about["start_ms"], about["stop_ms"]
    times = {"variable": np.zeros(0), "rate": np.zeros(0), "weight": np.zeros(0)}

    def matrix(kind: str, name: str, variable: str | None, dtype: str) -> NDArray[Any]:
        _, when, values = column(kind, name, variable)
        times[kind] = when.astype(np.float64)
        return values.reshape(when.size, _lanes(about, kind, name)).astype(dtype)

    spikes = {}
    for name, n in about["populations"].items():
        cells, when, _ = column("spike", name, None)
        spikes[name] = Spikes(when.astype(np.float64), cells.astype(np.int64), n, start, stop)
    variables = {
        name: {key: matrix("variable", name, key, dtype) for key, dtype in by_name.items()}
        for name, by_name in about["variables"].items()
    }
    rates = {name: matrix("rate", name, None, "float64")[:, 0] for name in about["rates"]}
    weights = {
        name: matrix("weight", name, None, dtype) for name, (dtype, _) in about["weights"].items()
    }
    return Recording(
        spikes=spikes,
        times_ms=times["variable"],
        variables=variables,
        cells={name: np.array(found, np.int64) for name, found in about["cells"].items()},
        rates_hz=rates,
        rate_times_ms=times["rate"],
        weights=weights,
        weight_times_ms=times["weight"],
        start_ms=start,
        stop_ms=stop,
    )


def _checked(about: Any) -> dict[str, Any]:
    """What the file says about itself.

    Raises:
        SnapshotError: If it is not a recording, or a newer one.
    """
    kind = about.get("format") if isinstance(about, dict) else None
    if kind != RECORDING_FORMAT or about.get("version") != VERSION:
        raise SnapshotError(
            f"The file is {kind!r}, version {about.get('version') if kind else None!r}.",
            f"Give a {RECORDING_FORMAT!r} of version {VERSION}.",
        )
    found: dict[str, Any] = about
    return found
