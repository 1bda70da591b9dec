"""SONATA's files as tables: node and edge types in CSV, nodes, edges and spikes in HDF5."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurallayers.errors import InvalidInput
from neurallayers.extras import require

Types = dict[int, dict[str, str]]


def read_config(path: Path) -> dict[str, Any]:
    """A configuration with the variables of its manifest filled in.

    The files that ``network`` and ``simulation`` name are joined to it.

    Raises:
        InvalidInput: If it cannot be read or is no object.
    """
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"{path} cannot be read ({error}).", "Give a SONATA configuration in JSON."
        ) from error
    if not isinstance(config, dict):
        raise InvalidInput(f"{path} holds no object.", "Give a SONATA configuration in JSON.")
    manifest = {"configdir": str(path.parent), **config.get("manifest", {})}
    manifest = {name.lstrip("$"): text for name, text in manifest.items()}
    config = {key: filled(value, manifest, path.parent, key) for key, value in config.items()}
    for part in ("network", "simulation"):
        if isinstance(config.get(part), str):
            config = {**read_config(Path(config[part])), **config}
    return config


def filled(node: Any, manifest: Mapping[str, str], folder: Path, key: str = "") -> Any:
    """Text with ``$NAME`` and ``${NAME}`` replaced; paths begin at the configuration's folder."""
    if isinstance(node, dict):
        return {name: filled(value, manifest, folder, name) for name, value in node.items()}
    if isinstance(node, list):
        return [filled(value, manifest, folder) for value in node]
    if not isinstance(node, str):
        return node
    text = node
    # A variable may stand for a path with another variable.
    for _ in range(len(manifest) + 1):
        for name in sorted(manifest, key=len, reverse=True):
            text = text.replace(f"${{{name}}}", manifest[name]).replace(f"${name}", manifest[name])
    is_path = key.endswith(("_dir", "_file")) or key in ("network", "simulation")
    return str(folder / text) if is_path else text


def read_types(path: str | None, key: str) -> Types:
    """A CSV of node or edge types by their number; fields that are NULL are left out.

    Raises:
        InvalidInput: If it cannot be read.
    """
    if path is None:
        return {}
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter=" ", skipinitialspace=True))
        return {
            int(row[key]): {
                name: text
                for name, text in row.items()
                if name and text not in (None, "", "NULL", "None")
            }
            for row in rows
        }
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise InvalidInput(
            f"{path} cannot be read ({error!r}).", f"It needs a column {key}, split by spaces."
        ) from error


def opened(path: str) -> Any:
    """An HDF5 file.

    Raises:
        InvalidInput: If it is not there or something else.
        MissingExtra: Without h5py.
    """
    h5py = require("h5py", extra="exchange")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read ({error}).", "Give a file in HDF5.") from error


def parameters_of(text: str | None, folder: str | None) -> dict[str, float]:
    """The parameters in a JSON file that a type names; other than numbers are refused.

    Raises:
        InvalidInput: If the file cannot be read or holds something else.
    """
    if text is None:
        return {}
    path = Path(folder or ".") / text
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): float(number) for name, number in found.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise InvalidInput(
            f"{path} cannot be read as parameters ({error}).", "It holds names and numbers in JSON."
        ) from error


def grouped(
    table: Any, kind: str, wanted: tuple[str, ...], types: Types
) -> dict[str, NDArray[np.float64]]:
    """Numbers of each node or edge: from its group, else from its type, else nan.

    Args:
        table: The population's group in the file.
        kind: ``"node"`` or ``"edge"``.
        wanted: Names of numbers.
        types: The types.
    """
    type_ids = table[f"{kind}_type_id"][()]
    unique, which = np.unique(type_ids, return_inverse=True)
    found = {}
    for name in wanted:
        of_types = [float(types.get(int(number), {}).get(name, "nan")) for number in unique]
        found[name] = np.array(of_types)[which] if unique.size else np.zeros(0)
    for group, members, places in groups_of(table, kind):
        for name in wanted:
            if name in group:
                found[name][members] = group[name][()][places]
    return found


def groups_of(table: Any, kind: str) -> list[tuple[Any, NDArray[np.int64], NDArray[np.int64]]]:
    """The groups of a population: each with its members, and where in the group they stand."""
    many = table[f"{kind}_type_id"].shape[0]
    if f"{kind}_group_id" not in table:
        return [(table["0"], np.arange(many), np.arange(many))] if "0" in table else []
    ids = table[f"{kind}_group_id"][()]
    places = table[f"{kind}_group_index"][()]
    found = []
    for number in np.unique(ids):
        if str(number) in table:
            members = np.flatnonzero(ids == number)
            found.append((table[str(number)], members, places[members].astype(np.int64)))
    return found
