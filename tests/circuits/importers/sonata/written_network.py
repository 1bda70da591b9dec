"""A small network written to disk as the guide of the format describes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

h5py = pytest.importorskip("h5py", reason="the extra exchange is not installed")

NODE_TYPES = """node_type_id model_type model_template dynamics_params
100 point_neuron nest:iaf_psc_exp fast.json
101 point_neuron nest:iaf_psc_exp slow.json
102 point_neuron nest:iaf_cond_exp NULL
"""
EDGE_TYPES = """edge_type_id syn_weight delay model_template dynamics_params
1 300.0 1.5 static_synapse NULL
2 -40.0 2.0 static_synapse NULL
"""
TIMES_MS, SENDERS = np.array([5.0, 8.0, 20.0, 30.0]), np.array([0, 1, 1, 0])


def write_population(file: Any, name: str, type_ids: list[int], ids: list[int] | None) -> Any:
    table = file.create_group(f"nodes/{name}")
    table["node_type_id"] = np.array(type_ids)
    table["node_group_id"] = np.zeros(len(type_ids), int)
    table["node_group_index"] = np.arange(len(type_ids))
    if ids is not None:
        table["node_id"] = np.array(ids)
    return table.create_group("0")


def write_edges(
    file: Any, name: str, ends: tuple[str, str], edges: list[tuple[int, int, int]]
) -> Any:
    table = file.create_group(f"edges/{name}")
    for place, side in enumerate(("source", "target")):
        ids = table.create_dataset(f"{side}_node_id", data=np.array([e[place] for e in edges]))
        ids.attrs["node_population"] = ends[place]
    table["edge_type_id"] = np.array([edge[2] for edge in edges])
    table["edge_group_id"] = np.zeros(len(edges), int)
    table["edge_group_index"] = np.arange(len(edges))
    return table.create_group("0")


def write_network(folder: Path) -> Path:
    """The files, and the path of the simulation's configuration."""
    models = folder / "components" / "point"
    models.mkdir(parents=True)
    (models / "fast.json").write_text(json.dumps({"tau_m": 5.0, "V_th": -60.0, "I_e": 100.0}))
    (models / "slow.json").write_text(json.dumps({"tau_m": 40.0, "V_m": -68.0}))
    (folder / "node_types.csv").write_text(NODE_TYPES)
    (folder / "edge_types.csv").write_text(EDGE_TYPES)
    (folder / "virtual_types.csv").write_text("node_type_id model_type\n7 virtual\n")
    with h5py.File(folder / "nodes.h5", "w") as file:
        # Ids in no order; two types with the same receptors and one with others.
        group = write_population(file, "cortex", [100, 101, 102, 101], [3, 1, 0, 2])
        group["dynamics_params/C_m"] = np.array([100.0, 200.0, 300.0, 250.0])
    with h5py.File(folder / "virtual.h5", "w") as file:
        write_population(file, "input", [7, 7], None)
    with h5py.File(folder / "edges.h5", "w") as file:
        group = write_edges(
            file, "feed", ("input", "cortex"), [(0, 3, 1), (1, 1, 1), (1, 2, 1), (0, 0, 1)]
        )
        group["syn_weight"] = np.array([500.0, 2000.0, 2500.0, 8.0])
        group["nsyns"] = np.array([2, 1, 1, 1])
        write_edges(file, "lateral", ("cortex", "cortex"), [(3, 1, 2), (1, 0, 2)])
    with h5py.File(folder / "spikes.h5", "w") as file:
        file["spikes/input/timestamps"] = TIMES_MS
        file["spikes/input/timestamps"].attrs["units"] = "milliseconds"
        file["spikes/input/node_ids"] = SENDERS
    circuit = {
        "manifest": {"$BASE_DIR": ".", "$NETWORK": "$BASE_DIR"},
        "components": {"point_neuron_models_dir": "$BASE_DIR/components/point"},
        "networks": {
            "nodes": [
                {"nodes_file": "$NETWORK/nodes.h5", "node_types_file": "$NETWORK/node_types.csv"},
                {"nodes_file": "${NETWORK}/virtual.h5", "node_types_file": "virtual_types.csv"},
            ],
            "edges": [{"edges_file": "edges.h5", "edge_types_file": "edge_types.csv"}],
        },
    }
    (folder / "circuit.json").write_text(json.dumps(circuit))
    simulation = {
        "network": "./circuit.json",
        "run": {"tstop": 60.0, "dt": 0.1},
        "inputs": {
            "spikes": {"input_type": "spikes", "module": "sonata", "input_file": "spikes.h5"}
        },
    }
    (folder / "simulation.json").write_text(json.dumps(simulation))
    return folder / "simulation.json"
