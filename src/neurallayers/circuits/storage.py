"""Recordings and states on disk: NumPy archives, Parquet tables, safetensors.

A recording is one file. ``.npz`` holds arrays that :func:`numpy.load` opens anywhere; ``.parquet``
(extra ``parquet``) holds one tidy table that pandas, polars, DuckDB and R read, with the columns

========== =====================================================================================
kind       ``"spike"``, ``"variable"``, ``"rate"`` or ``"weight"``
population name of the population; of the projection for weights
variable   name of the variable; empty for other kinds
cell       index of the cell; of the synapse for weights; -1 for rates
time_ms    when [ms]
value      the sample, rate [Hz] or weight; empty for spikes
========== =====================================================================================

A file appears under its name when it is complete: it is written beside it and then moved there.
Nothing is ever pickled.

Example: a long run whose recording goes to disk piece by piece.

>>> import tempfile
>>> from neurallayers.circuits.models.vogels_abbott import vogels_abbott
>>> circuit = vogels_abbott("CUBA", cells=200)
>>> with tempfile.TemporaryDirectory() as folder:
...     state = record_to_disk(circuit, 20.0, f"{folder}/run.npz", chunk_ms=10.0)
...     found = load_recording(f"{folder}/run.npz")
>>> len(found.spikes["cells"]) == len(circuit.run(20.0).spikes["cells"]) > 0
True
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import safetensors
import safetensors.torch

from neurallayers.circuits.circuit import Circuit
from neurallayers.circuits.circuit_state import CircuitState
from neurallayers.circuits.recording import Record, Run, whole_steps
from neurallayers.circuits.recording_files import (
    Recording,
    read_npz,
    read_parquet,
    replaced,
    suffix_of,
    writer,
)
from neurallayers.circuits.running import Progress, watcher
from neurallayers.errors import InvalidInput, ShapeMismatch, SnapshotError
from neurallayers.state import leaves, to_named

STATE_FORMAT, VERSION = "neurallayers-circuit", 1


def save_recording(run: Run | Recording, path: str | Path) -> Path:
    """Write a recording to a file; one of that name is replaced.

    Args:
        run: What was recorded.
        path: Ends with ``.npz`` or ``.parquet``.

    Returns:
        The path.

    Raises:
        InvalidInput: If the name has another end.
        MissingExtra: For Parquet, without pyarrow.
        OSError: As the system says; the old file is as it was.
    """
    with writer(Path(path)) as append:
        append(run)
    return Path(path)


def record_to_disk(
    circuit: Circuit,
    duration_ms: float,
    path: str | Path,
    *,
    record: Record | None = None,
    state: CircuitState | None = None,
    chunk_ms: float = 1000.0,
    threads: int | None = None,
    progress: Progress = False,
) -> CircuitState:
    """Run a circuit and write what is recorded while it runs, so that memory stays flat.

    The circuit lives in chunks, each from the state after the last one, which is the same as living
    at once, bit for bit.

    Args:
        circuit: Which circuit.
        duration_ms: For how long [ms].
        path: Ends with ``.npz`` or ``.parquet``; the file appears when the run is over.
        record: What to keep; left out, all spikes.
        state: Where to begin; left out, at the beginning.
        chunk_ms: How much of the recording is in memory at a time [ms].
        threads: As for :meth:`~neurallayers.circuits.circuit.Circuit.run`.
        progress: As there.

    Returns:
        The circuit's state after the run.

    Raises:
        InvalidInput: If a duration is not a whole number of steps, or a chunk not of rate bins.
        MissingExtra: For Parquet, without pyarrow.
    """
    record = Record(spikes="all") if record is None else record
    dt_ms = circuit.dt_ms
    steps = whole_steps(duration_ms, dt_ms, "duration_ms")
    chunk = min(whole_steps(chunk_ms, dt_ms, "chunk_ms"), steps)
    if record.rates and chunk < steps:
        width = whole_steps(record.rate_bin_ms, dt_ms, "rate_bin_ms")
        if chunk % width:
            raise InvalidInput(
                f"chunk_ms is {chunk_ms} and rate_bin_ms {record.rate_bin_ms}.",
                "Choose chunks of whole bins, so that no bin is cut.",
            )
    with writer(Path(path)) as append, watcher(progress) as watch:
        for begin in range(0, steps, chunk):
            piece = min(chunk, steps - begin)
            run = circuit.run(
                piece * dt_ms,
                state=state,
                record=record,
                threads=threads,
                progress=lambda part, begin=begin, piece=piece: watch(  # type: ignore[misc]
                    (begin + part * piece) / steps
                ),
            )
            append(run)
            state = run.state
    assert state is not None
    return state


def load_recording(path: str | Path) -> Recording:
    """Read what :func:`save_recording` or :func:`record_to_disk` wrote.

    Raises:
        InvalidInput: If the name has another end.
        MissingExtra: For Parquet, without pyarrow.
        SnapshotError: If the file is missing, damaged, or something else.
    """
    path = Path(path)
    read = read_npz if suffix_of(path) == ".npz" else read_parquet
    # pyarrow's errors are OSError and ValueError.
    try:
        return read(path)
    except (OSError, ValueError, KeyError, IndexError, zipfile.BadZipFile) as error:
        raise SnapshotError(
            f"{path} cannot be read as a recording ({error}).",
            "Give a file that save_recording or record_to_disk wrote.",
        ) from error


def save_state(state: CircuitState, path: str | Path) -> Path:
    """Write the state of a circuit as safetensors; a file of that name is replaced.

    Returns:
        The path.

    Raises:
        OSError: As the system says; the old file is as it was.
    """
    about = {"format": STATE_FORMAT, "version": str(VERSION)}
    with replaced(Path(path)) as temporary:
        # Copies: safetensors refuses tensors that share memory.
        named = {name: tensor.clone() for name, tensor in to_named(state).items()}
        safetensors.torch.save_file(named, temporary, metadata=about)
    return Path(path)


def load_state(circuit: Circuit, path: str | Path) -> CircuitState:
    """Read a state that :func:`save_state` wrote.

    Args:
        circuit: Whose state it is.
        path: Where it is.

    Raises:
        SnapshotError: If the file is missing, damaged, or something else.
        InvalidInput: If it is the state of another circuit.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
            named = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, safetensors.SafetensorError) as error:
        raise SnapshotError(
            f"{path} cannot be read as a state ({error}).", "Give a file that save_state wrote."
        ) from error
    if about.get("format") != STATE_FORMAT or about.get("version") != str(VERSION):
        raise SnapshotError(
            f"{path} is {about.get('format')!r}, version {about.get('version')!r}.",
            f"Give a file that save_state wrote: {STATE_FORMAT!r}, version {VERSION}.",
        )
    state = circuit.state_from(named)
    for name, expected in leaves(circuit.initial_state()):
        if named[name].shape != expected.shape:
            raise ShapeMismatch(
                f"{name} has shape {tuple(named[name].shape)} in {path}, and "
                f"{tuple(expected.shape)} in the circuit.",
                "It is the state of another circuit.",
            )
    return state
