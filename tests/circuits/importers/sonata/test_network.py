"""A network in SONATA's files is the circuit that it describes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.circuits.importers.sonata.written_network import (
    SENDERS,
    TIMES_MS,
    h5py,
    write_edges,
    write_network,
    write_population,
)

from neurallayers.circuits import Circuit, CurrentDrive, EdgeList, RecordedSpikes
from neurallayers.circuits.importers.sonata import SonataNetwork, read_sonata
from neurallayers.dynamics.neurons import LeakyIntegrateAndFire
from neurallayers.dynamics.synapses.kinetics import Exponential
from neurallayers.dynamics.synapses.receptors import Receptor
from neurallayers.errors import InvalidInput


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_network(tmp_path)


@pytest.fixture
def network(config: Path) -> SonataNetwork:
    return read_sonata(config)


def test_populations_are_split_by_their_receptors(network: SonataNetwork) -> None:
    assert (network.duration_ms, network.circuit.dt_ms) == (60.0, 0.1)
    cortex = network.nodes["cortex"]
    assert len(cortex.parts) == 2
    sizes = {name: network.circuit.populations[name].n for name in network.circuit.populations}
    assert sorted(sizes.values()) == [1, 2, 3]
    assert sizes["input"] == 2
    # Ids 3, 1, 2 are the current-based ones, in the order of the file; id 0 conducts.
    alone = cortex.part[2]
    assert [cortex.part[i] == alone for i in range(4)] == [False, False, True, False]


def test_parameters_come_from_types_and_from_groups(network: SonataNetwork) -> None:
    cortex = network.nodes["cortex"]
    leaky = network.circuit.populations[cortex.parts[cortex.part[0]]].neurons
    assert isinstance(leaky, LeakyIntegrateAndFire)
    torch.testing.assert_close(
        torch.as_tensor(leaky.capacitance_pf).double(),
        torch.tensor([100.0, 200.0, 250.0], dtype=torch.float64),
    )
    tau = torch.as_tensor(leaky.tau_ms).double()
    torch.testing.assert_close(tau, torch.tensor([5.0, 40.0, 40.0], dtype=torch.float64))
    threshold = torch.as_tensor(leaky.threshold_mv).double()
    torch.testing.assert_close(threshold, torch.tensor([-60.0, -55.0, -55.0]).double())
    begun = network.circuit.initial_state().populations[cortex.parts[cortex.part[0]]].neurons
    assert begun.membrane_potential.tolist() == [[-70.0, -68.0, -68.0]]


def test_it_does_what_the_same_circuit_built_by_hand_does(network: SonataNetwork) -> None:
    circuit = Circuit(dt_ms=0.1)
    neurons = LeakyIntegrateAndFire(
        3,
        dt_ms=0.1,
        capacitance_pf=torch.tensor([100.0, 200.0, 250.0]),
        leak_conductance_ns=torch.tensor([20.0, 5.0, 6.25]),
        resting_mv=-70.0,
        threshold_mv=torch.tensor([-60.0, -55.0, -55.0]),
        reset_mv=-70.0,
        refractory_ms=2.0,
    )
    receptors = {"e": Receptor(Exponential(2.0)), "i": Receptor(Exponential(2.0))}
    begin = {"membrane_potential": np.array([-70.0, -68.0, -68.0])}
    circuit.add_population("cells", neurons, receptors=receptors, initial=begin)
    circuit.add_population("input", RecordedSpikes(2, TIMES_MS, SENDERS))
    circuit.drive("cells", CurrentDrive(np.array([100.0, 0.0, 0.0])))
    circuit.connect(
        "input", "cells", EdgeList([0, 1, 1], [0, 1, 2]), receptor="e",
        weight=np.array([1000.0, 2000.0, 2500.0]), delay_ms=1.5,
    )  # fmt: skip
    circuit.connect("cells", "cells", EdgeList([0], [1]), receptor="i", weight=-40.0, delay_ms=2.0)
    expected = circuit.run(60.0).spikes["cells"]
    assert len(expected) >= 4
    times, ids = network.spikes(network.circuit.run(60.0).spikes, "cortex")
    ours = [
        (time, (3, 1, 2)[cell])
        for time, cell in zip(expected.times_ms, expected.senders, strict=True)
    ]
    found = [(time, node) for time, node in zip(times, ids, strict=True) if node != 0]
    assert sorted(found) == sorted(ours)


def test_conductances_take_the_sign_as_the_receptor(network: SonataNetwork) -> None:
    cortex = network.nodes["cortex"]
    conducting = cortex.parts[cortex.part[2]]
    named = {
        name: network.circuit.synapses(name)
        for name, found in network.circuit.projections.items()
        if found.target.name == conducting
    }
    inhibiting = [found for name, found in named.items() if name.endswith("inhibition")]
    assert [found.weights.tolist() for found in inhibiting] == [[40.0]]
    exciting = [found for name, found in named.items() if name.endswith("excitation")]
    assert [found.weights.tolist() for found in exciting] == [[8.0]]


def test_a_configuration_of_the_circuit_alone_is_enough(config: Path) -> None:
    found = read_sonata(config.parent / "circuit.json", dt_ms=0.5)
    assert found.duration_ms is None
    assert found.circuit.dt_ms == 0.5
    # Virtual nodes without spikes are silent.
    assert len(found.circuit.run(5.0).spikes["input"]) == 0


def test_what_is_outside_is_refused_by_name(config: Path) -> None:
    folder = config.parent
    types = (folder / "node_types.csv").read_text()
    (folder / "node_types.csv").write_text(types.replace("nest:iaf_cond_exp", "nest:hh_psc_alpha"))
    with pytest.raises(InvalidInput, match="'nest:hh_psc_alpha', outside"):
        read_sonata(config)
    (folder / "node_types.csv").write_text(types.replace("point_neuron", "biophysical"))
    with pytest.raises(InvalidInput, match="biophysical"):
        read_sonata(config)
    (folder / "node_types.csv").write_text(types)
    slow = folder / "components" / "point" / "slow.json"
    slow.write_text(json.dumps({"tau_m": 40.0, "rho": 0.1}))
    with pytest.raises(InvalidInput, match="the parameter 'rho' of 'nest:iaf_psc_exp'"):
        read_sonata(config)
    slow.write_text(json.dumps({"tau_m": 40.0}))
    edges = (folder / "edge_types.csv").read_text()
    (folder / "edge_types.csv").write_text(edges.replace("static_synapse", "stdp_synapse"))
    with pytest.raises(InvalidInput, match="'stdp_synapse'"):
        read_sonata(config)


def test_edges_to_what_is_not_there_are_refused(config: Path) -> None:
    folder = config.parent
    for ends, edges, problem in (
        (("input", "thalamus"), [(0, 0, 1)], "the population 'thalamus'"),
        (("input", "cortex"), [(0, 9, 1)], "names node 9"),
        (("cortex", "input"), [(0, 0, 1)], "Virtual nodes only fire"),
    ):
        with h5py.File(folder / "edges.h5", "w") as file:
            write_edges(file, "feed", ends, edges)
        with pytest.raises(InvalidInput, match=problem):
            read_sonata(config)


def test_inputs_other_than_spikes_are_refused(config: Path) -> None:
    given = json.loads(config.read_text())
    given["inputs"]["clamp"] = {"input_type": "current_clamp", "module": "IClamp"}
    config.write_text(json.dumps(given))
    with pytest.raises(InvalidInput, match="'clamp' is 'current_clamp'"):
        read_sonata(config)


def test_a_network_without_nodes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.json").write_text("{}")
    with pytest.raises(InvalidInput, match="names no nodes"):
        read_sonata(tmp_path / "empty.json")


def test_one_population_of_one_model_keeps_its_name(config: Path) -> None:
    folder = config.parent
    with h5py.File(folder / "nodes.h5", "w") as file:
        write_population(file, "cortex", [100, 101, 101, 101], None)
    found = read_sonata(config)
    assert found.nodes["cortex"].parts == ("cortex",)
    assert found.circuit.populations["cortex"].n == 4
