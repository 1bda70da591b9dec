"""The files of the format are read as its guide describes them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from neurallayers.circuits.importers.sonata.tables import (
    grouped,
    opened,
    parameters_of,
    read_config,
    read_types,
)
from neurallayers.errors import InvalidInput

h5py = pytest.importorskip("h5py", reason="the extra exchange is not installed")


def test_variables_of_the_manifest_are_filled_in(tmp_path: Path) -> None:
    config = {
        "manifest": {"$BASE": "${configdir}", "$NET": "$BASE/net", "$NETWORK": "$BASE/other"},
        "components": {"point_neuron_models_dir": "$NET/models"},
        "networks": {"nodes": [{"nodes_file": "${NETWORK}/nodes.h5", "node_types_file": None}]},
        "run": {"tstop": 5.0},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    found = read_config(tmp_path / "config.json")
    assert Path(found["components"]["point_neuron_models_dir"]) == tmp_path / "net" / "models"
    assert Path(found["networks"]["nodes"][0]["nodes_file"]) == tmp_path / "other" / "nodes.h5"
    assert found["run"]["tstop"] == 5.0


def test_types_leave_out_what_is_null(tmp_path: Path) -> None:
    path = tmp_path / "types.csv"
    path.write_text('node_type_id pop_name  model\n5 "layer 4"  NULL\n6 b x\n')
    assert read_types(str(path), "node_type_id") == {
        5: {"node_type_id": "5", "pop_name": "layer 4"},
        6: {"node_type_id": "6", "pop_name": "b", "model": "x"},
    }
    assert read_types(None, "node_type_id") == {}
    with pytest.raises(InvalidInput, match="edge_type_id"):
        read_types(str(path), "edge_type_id")


def test_numbers_of_a_group_win_over_those_of_a_type(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "edges.h5", "w") as file:
        table = file.create_group("edges/e")
        table["edge_type_id"] = np.array([1, 2, 1, 2])
        table["edge_group_id"] = np.array([0, 0, 1, 1])
        table["edge_group_index"] = np.array([1, 0, 0, 1])
        table.create_group("0")
        table["1/delay"] = np.array([3.0, 4.0])
        types = {1: {"delay": "1.0"}, 2: {"syn_weight": "9.0"}}
        found = grouped(table, "edge", ("delay", "syn_weight"), types)
    np.testing.assert_array_equal(found["delay"], [1.0, np.nan, 3.0, 4.0])
    np.testing.assert_array_equal(found["syn_weight"], [np.nan, 9.0, np.nan, 9.0])


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("[1]")
    with pytest.raises(InvalidInput, match="holds no object"):
        read_config(bad)
    bad.write_text("{")
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_config(bad)
    with pytest.raises(InvalidInput, match=r"no\.json cannot be read"):
        read_config(tmp_path / "no.json")
    with pytest.raises(InvalidInput, match="HDF5"):
        opened(str(bad))
    with pytest.raises(InvalidInput, match="cannot be read as parameters"):
        parameters_of("bad.json", str(tmp_path))
    assert parameters_of(None, None) == {}
