"""A SONATA network as a circuit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from neurallayers.circuits.circuit import Circuit
from neurallayers.circuits.connectivity import EdgeList
from neurallayers.circuits.drives import CurrentDrive
from neurallayers.circuits.importers.sonata.models import INITIAL, TEMPLATES
from neurallayers.circuits.importers.sonata.tables import (
    Types,
    grouped,
    groups_of,
    opened,
    parameters_of,
    read_config,
    read_types,
)
from neurallayers.circuits.recording import Spikes
from neurallayers.circuits.sources import RecordedSpikes
from neurallayers.errors import InvalidInput
from neurallayers.registry import nearest_name

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Nodes:
    """A population of the file, and where its nodes are in the circuit.

    A population of the file becomes one of the circuit for each model and set of receptors.

    Attributes:
        ids: ``node_id`` of each node.
        parts: Names of the circuit's populations.
        part: Which of these each node belongs to.
        index: Its place there.
    """

    ids: Array
    parts: tuple[str, ...]
    part: Array
    index: Array

    def rows(self, node_ids: Array, what: str) -> Array:
        """Where nodes with these ids stand.

        Raises:
            InvalidInput: If there is no such node.
        """
        order = np.argsort(self.ids)
        places = np.searchsorted(self.ids, node_ids, sorter=order)
        places = order[np.minimum(places, self.ids.size - 1)]
        wrong = self.ids[places] != node_ids
        if wrong.any():
            raise InvalidInput(
                f"{what} names node {node_ids[wrong][0]}.", f"There are {self.ids.size} nodes."
            )
        return places


@dataclass(frozen=True, eq=False)
class SonataNetwork:
    """A network that was read.

    Attributes:
        circuit: It, ready to run.
        nodes: The file's populations and where their nodes are in the circuit.
        duration_ms: How long the configuration wants it to run [ms]; None if it does not say.
    """

    circuit: Circuit
    nodes: Mapping[str, Nodes] = field(default_factory=dict)
    duration_ms: float | None = None

    def spikes(self, recorded: Mapping[str, Spikes], population: str) -> tuple[Array, Array]:
        """Spikes of a population of the file: times [ms] and node ids, by time.

        Args:
            recorded: Those of the circuit's populations, such as ``run.spikes``.
            population: Name of the file's population.
        """
        nodes = self.nodes[population]
        times, ids = [], []
        for number, name in enumerate(nodes.parts):
            members = np.flatnonzero(nodes.part == number)
            of_index = nodes.ids[members[np.argsort(nodes.index[members])]]
            times.append(recorded[name].times_ms)
            ids.append(of_index[recorded[name].senders])
        order = np.argsort(np.concatenate(times), kind="stable")
        return np.concatenate(times)[order], np.concatenate(ids)[order]


def read_sonata(
    config: str | Path,
    *,
    dt_ms: float | None = None,
    seed: int = 1,
    dtype: torch.dtype = torch.float64,
) -> SonataNetwork:
    """Read a network and its input spikes.

    Args:
        config: Path of the configuration: of the circuit, or of a simulation that names it.
        dt_ms: Length of a step [ms]; left out, that of the configuration, or 0.1.
        seed: Of the circuit.
        dtype: Precision.

    Returns:
        The circuit, and which of its cells is which node.

    Raises:
        InvalidInput: If a file is missing, damaged or outside of the subset; it says what.
        MissingExtra: Without h5py.
    """
    found = read_config(Path(config))
    run = found.get("run", {})
    step = float(run.get("dt", 0.1)) if dt_ms is None else dt_ms
    circuit = Circuit(dt_ms=step, seed=seed, dtype=dtype)
    components = found.get("components", {})
    networks = found.get("networks", {})
    inputs = input_spikes(found.get("inputs", {}))
    nodes: dict[str, Nodes] = {}
    for files in networks.get("nodes", []):
        types = read_types(files.get("node_types_file"), "node_type_id")
        with opened(files["nodes_file"]) as file:
            for name, table in file["nodes"].items():
                nodes[name] = add_nodes(circuit, name, table, types, components, inputs)
    if not nodes:
        raise InvalidInput(f"{config} names no nodes.", "It needs networks.nodes.")
    for files in networks.get("edges", []):
        types = read_types(files.get("edge_types_file"), "edge_type_id")
        with opened(files["edges_file"]) as file:
            for name, table in file["edges"].items():
                add_edges(circuit, name, table, types, nodes)
    duration = run.get("tstop", run.get("duration"))
    return SonataNetwork(circuit, nodes, None if duration is None else float(duration))


def input_spikes(inputs: Mapping[str, Any]) -> dict[str, list[tuple[Array, Array]]]:
    """Spikes for virtual nodes: times [ms] and node ids, by population.

    Raises:
        InvalidInput: If an input is something else.
    """
    found: dict[str, list[tuple[Array, Array]]] = {}
    for name, given in inputs.items():
        if given.get("input_type") != "spikes" or given.get("module") not in ("sonata", "h5"):
            raise InvalidInput(
                f"Input {name!r} is {given.get('input_type')!r} by {given.get('module')!r}.",
                "Inside of the subset are spikes in HDF5.",
            )
        with opened(given["input_file"]) as file:
            for population, table in file["spikes"].items():
                unit = table["timestamps"].attrs.get("units", "milliseconds")
                factor = {"milliseconds": 1.0, "ms": 1.0, "seconds": 1e3, "s": 1e3}[str(unit)]
                times = table["timestamps"][()].astype(np.float64) * factor
                found.setdefault(population, []).append((times, table["node_ids"][()]))
    return found


def add_nodes(
    circuit: Circuit,
    name: str,
    table: Any,
    types: Types,
    components: Mapping[str, str],
    inputs: Mapping[str, list[tuple[Array, Array]]],
) -> Nodes:
    """Add a population of the file.

    Raises:
        InvalidInput: If a node is outside of the subset.
    """
    type_ids = table["node_type_id"][()]
    ids = table["node_id"][()] if "node_id" in table else np.arange(type_ids.size)
    kinds = {types.get(int(number), {}).get("model_type", "?") for number in np.unique(type_ids)}
    if kinds == {"virtual"}:
        nodes = Nodes(ids, (name,), np.zeros(ids.size, int), np.arange(ids.size))
        given = inputs.get(name, [])
        times = np.concatenate([np.zeros(0), *(when for when, _ in given)])
        who = np.concatenate([np.zeros(0, int), *(rows for _, rows in given)])
        rows = nodes.rows(who, f"input of {name!r}") if who.size else who
        circuit.add_population(name, RecordedSpikes(ids.size, times, rows))
        return nodes
    if kinds != {"point_neuron"}:
        raise InvalidInput(
            f"Nodes of {name!r} are {sorted(kinds)}.",
            "Inside of the subset are populations of point_neuron or of virtual nodes.",
        )
    numbers, templates = node_numbers(name, table, types, components)
    shared = [
        (template, *(numbers[key][i] for key in TEMPLATES[template].shared))
        for i, template in enumerate(templates)
    ]
    unlike = sorted(set(shared))
    part = np.array([unlike.index(found) for found in shared])
    index = np.zeros(ids.size, int)
    names = tuple(name if len(unlike) == 1 else f"{name}.{i}" for i in range(len(unlike)))
    for number, part_name in enumerate(names):
        members = np.flatnonzero(part == number)
        index[members] = np.arange(members.size)
        own = {key: found[members] for key, found in numbers.items()}
        add_part(circuit, part_name, unlike[number][0], own)
    return Nodes(ids, names, part, index)


def add_part(circuit: Circuit, name: str, template: str, numbers: Mapping[str, Array]) -> None:
    """Add nodes of one model with the same receptors."""
    model, n = TEMPLATES[template], next(iter(numbers.values())).size
    p = {key: numbers[key] for key in model.defaults}
    cell = model.made(n, circuit.dt_ms, p)
    initial = {}
    for key, ours in INITIAL.items():
        begun = numbers[key]
        if key == "V_m" and "E_L" in p:
            begun = np.where(np.isnan(begun), p["E_L"], begun)
        if np.isfinite(begun).all() and ours in cell.state_type._fields:
            initial[ours] = begun
    circuit.add_population(name, cell, receptors=model.receptors(p), initial=initial)
    if p["I_e"].any():
        circuit.drive(name, CurrentDrive(p["I_e"]))


def node_numbers(
    name: str, table: Any, types: Types, components: Mapping[str, str]
) -> tuple[dict[str, Array], list[str]]:
    """The parameters and the template of each node.

    Raises:
        InvalidInput: If a template or parameter is outside of the subset.
    """
    type_ids = table["node_type_id"][()]
    folder = components.get("point_neuron_models_dir")
    known = {key for template in TEMPLATES.values() for key in template.defaults} | {*INITIAL}
    numbers = {key: np.full(type_ids.size, np.nan) for key in known}
    of_type: dict[int, str] = {}
    for number in np.unique(type_ids):
        row = types[int(number)]
        template = row.get("model_template", "?")
        if template not in TEMPLATES:
            raise InvalidInput(
                f"Nodes of {name!r} are {template!r}, outside of the subset.",
                nearest_name(template, list(TEMPLATES)),
            )
        of_type[int(number)] = template
        members = type_ids == number
        given = parameters_of(row.get("dynamics_params"), folder)
        for key, value in {**TEMPLATES[template].defaults, **given}.items():
            numbers[_known(key, template, name)][members] = value
    for group, members, places in groups_of(table, "node"):
        for key, values in group.get("dynamics_params", {}).items():
            templates = {of_type[int(number)] for number in type_ids[members]}
            for template in templates:
                _known(key, template, name)
            numbers[key][members] = values[()][places]
    return numbers, [of_type[int(number)] for number in type_ids]


def _known(key: str, template: str, population: str) -> str:
    known = [*TEMPLATES[template].defaults, *INITIAL]
    if key not in known:
        raise InvalidInput(
            f"{population!r} has the parameter {key!r} of {template!r}, outside of the subset.",
            nearest_name(key, known),
        )
    return key


def add_edges(
    circuit: Circuit, name: str, table: Any, types: Types, nodes: Mapping[str, Nodes]
) -> None:
    """Add synapses: a projection for each pair of the circuit's populations, and sign.

    Raises:
        InvalidInput: If an edge is outside of the subset or names a node that is not there.
    """
    ends = []
    for side in ("source", "target"):
        ids = table[f"{side}_node_id"]
        population = ids.attrs.get("node_population", "")
        population = population.decode() if isinstance(population, bytes) else str(population)
        if population not in nodes:
            raise InvalidInput(
                f"Edges {name!r} name the population {population!r}.",
                nearest_name(population, list(nodes)),
            )
        ends.append((nodes[population], nodes[population].rows(ids[()], f"edges {name!r}")))
    for row in types.values():
        template = row.get("model_template", "static_synapse")
        if template not in ("static_synapse", "nest:static_synapse"):
            raise InvalidInput(
                f"Edges {name!r} are {template!r}.", "Inside of the subset are static synapses."
            )
    numbers = grouped(table, "edge", ("syn_weight", "delay", "nsyns"), types)
    weight = np.where(np.isnan(numbers["syn_weight"]), 1.0, numbers["syn_weight"])
    weight = weight * np.where(np.isnan(numbers["nsyns"]), 1.0, numbers["nsyns"])
    delay = np.where(np.isnan(numbers["delay"]), circuit.dt_ms, numbers["delay"])
    delay = np.maximum(np.rint(delay / circuit.dt_ms), 1.0) * circuit.dt_ms
    (source, sending), (target, receiving) = ends
    for s, source_part in enumerate(source.parts):
        for t, target_part in enumerate(target.parts):
            here = (source.part[sending] == s) & (target.part[receiving] == t)
            for receptor, sign in (("excitation", weight >= 0.0), ("inhibition", weight < 0.0)):
                chosen = np.flatnonzero(here & sign)
                if chosen.size:
                    connect_part(
                        circuit, (name, source_part, target_part, receptor),
                        source.index[sending[chosen]], target.index[receiving[chosen]],
                        weight[chosen], delay[chosen],
                    )  # fmt: skip


def connect_part(
    circuit: Circuit,
    names: tuple[str, str, str, str],
    senders: Array,
    receivers: Array,
    weights: Array,
    delays_ms: Array,
) -> None:
    """Add one projection; conductances are positive whatever the sign of the weight."""
    name, source, target, receptor = names
    found = circuit.populations[target]
    if found.neurons is None:
        raise InvalidInput(
            f"Edges {name!r} end on virtual nodes {target!r}.", "Virtual nodes only fire."
        )
    if found.receptors[receptor].reversal_mv is not None:
        weights = np.abs(weights)
    circuit.connect(
        source,
        target,
        EdgeList(senders, receivers),
        receptor=receptor,
        weight=weights,
        delay_ms=delays_ms,
        name=f"{name}: {source}->{target}.{receptor}",
    )
