r"""Graphs of the Neuromorphic Intermediate Representation as cells, and cells as such graphs.

The subset: chains from one input to one output of ``Linear``, ``Affine``, ``Scale``, ``IF``,
``LIF``, ``CubaLIF``, ``LI`` and ``CubaLI`` nodes. Branches, loops, convolutions and delays are
outside, and the error names the node. Times of a graph are in seconds, its potentials and currents
in units of its own.

A graph is continuous in time; here the input of a neuron is constant over a step, as in all
simulators of such graphs, and for that input a step between spikes is exact:

.. math::
    \tau_s \dot I = -I + w x, \qquad \tau_m \dot v = v_{leak} - v + R I

is advanced by its own solution. A neuron that is at or above its threshold at a grid point fires
and is reset.

Source: Pedersen et al. (2024), Neuromorphic intermediate representation, Nat. Commun. 15:8122.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neurallayers.dynamics.cell import Cell, positive
from neurallayers.dynamics.neurons.integrate_and_fire import LeakyIntegrateAndFire
from neurallayers.dynamics.neurons.leaky import LIF, LeakyIntegrator
from neurallayers.dynamics.sequential import Sequential
from neurallayers.dynamics.surrogate import Surrogate, surrogate_by_name
from neurallayers.dynamics.synapses.dense import Linear
from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.extras import require

SYNAPSES = ("Linear", "Affine", "Scale")
NEURONS = ("IF", "LIF", "CubaLIF", "LI", "CubaLI")
MS = 1000.0  # in a second

Array = NDArray[np.float64]


class GraphNeuronsState(NamedTuple):
    """State of :class:`GraphNeurons`, in the units of the graph."""

    membrane_potential: Tensor  # [batch, n]
    synaptic_current: Tensor  # [batch, n]; zero without a synapse


class GraphNeurons(Cell[GraphNeuronsState]):
    """Neurons of a node, with what it says in its own units (times in seconds).

    Args:
        kind: One of :data:`NEURONS`.
        parameters: The fields of the node by name, ``[n]`` each.
        dt_ms: Length of a step [ms].
        surrogate: Name of the surrogate gradient, or one made by hand.

    Raises:
        InvalidInput: If the kind is unknown or a time constant not positive.

    >>> ones = np.ones(1)
    >>> cell = GraphNeurons("IF", {"r": ones, "v_threshold": ones, "v_reset": 0 * ones}, dt_ms=1.0)
    >>> cell.run(torch.full((1, 1, 1), 250.0), steps=12)[0].flatten().tolist().index(1.0)
    3
    """

    decay: Tensor
    offset: Tensor
    gain: Tensor
    from_synapse: Tensor
    synaptic_decay: Tensor
    synaptic_gain: Tensor
    threshold: Tensor
    reset: Tensor

    def __init__(
        self,
        kind: str,
        parameters: Mapping[str, Any],
        *,
        dt_ms: float,
        surrogate: str | Surrogate = "fast_sigmoid",
    ) -> None:
        super().__init__()
        if kind not in NEURONS:
            raise InvalidInput(f"{kind!r} neurons.", f"Choose one of {', '.join(NEURONS)}.")
        self.kind, self.dt_ms = kind, positive("dt_ms", dt_ms, "usually 0.1 to 1")
        self.fields = {name: np.asarray(v, np.float64).copy() for name, v in parameters.items()}
        shape = self.fields["r"].shape
        if len(shape) != 1 or any(found.shape != shape for found in self.fields.values()):
            raise ShapeMismatch(
                f"{kind} has parameters of the shapes "
                f"{ {name: found.shape for name, found in self.fields.items()} }.",
                "Give each one number for each of the neurons, [n].",
            )
        for name, found in self.fields.items():
            if name.startswith("tau") and not (np.isfinite(found) & (found > 0.0)).all():
                raise InvalidInput(f"{name} is {found}.", "A time constant must be positive.")
        self.in_shape = self.out_shape = shape
        self.spiking = kind in ("IF", "LIF", "CubaLIF")
        self.surrogate = surrogate_by_name(surrogate, None)
        for name, value in coefficients(kind, self.fields, self.dt_ms / MS).items():
            self.register_buffer(name, torch.from_numpy(np.broadcast_to(value, shape).copy()))

    def initial_state(self, batch: int = 1) -> GraphNeuronsState:
        """Potentials at the leak potential (0 for integrators), no current."""
        resting = torch.from_numpy(self.fields.get("v_leak", np.zeros(self.in_shape)))
        return GraphNeuronsState(
            resting.float().expand(batch, -1).clone(), torch.zeros(batch, *self.in_shape)
        )

    def forward(self, x: Tensor, state: GraphNeuronsState) -> tuple[Tensor, GraphNeuronsState]:
        """One step; see the module for the equations."""
        v, current = state
        free = (
            self.offset.to(v)
            + self.decay.to(v) * v
            + self.gain.to(v) * x
            + self.from_synapse.to(v) * current
        )
        current = self.synaptic_decay.to(v) * current + self.synaptic_gain.to(v) * x
        if not self.spiking:
            return free.to(x.dtype), GraphNeuronsState(free, current)
        spikes = self.surrogate(free - self.threshold.to(v))
        # The gradient does not flow through the reset, as in all cells here by default.
        fired = spikes.detach()
        after = free * (1.0 - fired) + self.reset.to(v) * fired
        return spikes.to(x.dtype), GraphNeuronsState(after, current)


def coefficients(kind: str, fields: Mapping[str, Array], step_s: float) -> dict[str, Any]:
    """The numbers of an exact step.

    The potential after it is ``offset + decay v + gain x + from_synapse I``, the current
    ``synaptic_decay I + synaptic_gain x``.
    """
    r = fields["r"]
    found: dict[str, Any] = {
        "decay": 1.0,
        "offset": 0.0,
        "gain": r * step_s,
        "from_synapse": 0.0,
        "synaptic_decay": 0.0,
        "synaptic_gain": 0.0,
        "threshold": fields.get("v_threshold", np.inf),
        "reset": fields.get("v_reset", 0.0),
    }
    if kind == "IF":
        return found
    tau = fields["tau_mem" if kind.startswith("Cuba") else "tau"]
    decay, lost = np.exp(-step_s / tau), -np.expm1(-step_s / tau)
    found |= {"decay": decay, "offset": fields["v_leak"] * lost, "gain": r * lost}
    if kind.startswith("Cuba"):
        tau_s, weight = fields["tau_syn"], fields["w_in"]
        # What the membrane keeps of a current that decays: (e_s - e_m) tau_s / (tau_s - tau_m),
        # written so that it holds for equal times too.
        z = step_s * (1.0 / tau - 1.0 / tau_s)
        ratio = np.where(z == 0.0, 1.0, np.expm1(z) / np.where(z == 0.0, 1.0, z))
        kept = step_s / tau * decay * ratio
        found |= {
            "from_synapse": r * kept,
            "gain": r * weight * (lost - kept),
            "synaptic_decay": np.exp(-step_s / tau_s),
            "synaptic_gain": -weight * np.expm1(-step_s / tau_s),
        }
    return found


def from_nir(graph: Any, *, dt_ms: float) -> Sequential:
    """A graph as cells in a row.

    Args:
        graph: A ``nir.NIRGraph``, or the path of a file that ``nir.write`` made.
        dt_ms: Length of a step [ms].

    Returns:
        The cells, in the order of the chain. Weights are parameters that can be trained.

    Raises:
        InvalidInput: If the graph is outside of the subset; it names the node.
        MissingExtra: Without the package ``nir``.
    """
    nir = require("nir", extra="exchange")
    if isinstance(graph, str | Path):
        try:
            graph = nir.read(graph)
        except (OSError, KeyError, ValueError) as error:
            raise InvalidInput(
                f"{graph} cannot be read as a graph ({error}).", "Give a file that nir.write made."
            ) from error
    cells = [made for name in chain(graph) if (made := _cell(name, graph.nodes[name], dt_ms))]
    return Sequential(*cells)


def chain(graph: Any) -> list[str]:
    """The names of a graph's nodes from its input to its output.

    Raises:
        InvalidInput: If it branches, has a loop or several inputs or outputs.
    """
    kinds = {name: type(node).__name__ for name, node in graph.nodes.items()}
    following: dict[str, list[str]] = {name: [] for name in kinds}
    before: dict[str, list[str]] = {name: [] for name in kinds}
    for first, second in graph.edges:
        following[first].append(second)
        before[second].append(first)
    starts = [name for name, kind in kinds.items() if kind == "Input"]
    ends = [name for name, kind in kinds.items() if kind == "Output"]
    forked = [n for n in kinds if len(following[n]) > 1 or len(before[n]) > 1]
    if len(starts) != 1 or len(ends) != 1 or forked:
        raise InvalidInput(
            f"The graph has {len(starts)} inputs, {len(ends)} outputs, and branches or loops at "
            f"{forked}.",
            "Inside of the subset are chains from one input to one output.",
        )
    names = starts
    while following[names[-1]]:
        names.append(following[names[-1]][0])
    if names[-1] != ends[0] or len(names) != len(kinds):
        raise InvalidInput(
            f"The chain from {starts[0]!r} ends at {names[-1]!r}.", "Connect all nodes in a row."
        )
    return names


def _cell(name: str, node: Any, dt_ms: float) -> Cell[Any] | None:
    """A node as a cell; None for the two ends of a graph."""
    kind = type(node).__name__
    if kind in ("Input", "Output"):
        return None
    if kind in SYNAPSES:
        weight = np.diag(node.scale) if kind == "Scale" else np.asarray(node.weight)
        if weight.ndim != 2:
            raise InvalidInput(
                f"Node {name!r} has weights of shape {weight.shape}.", "Give a matrix."
            )
        cell = Linear(weight.shape[1], weight.shape[0], bias=kind == "Affine")
        with torch.no_grad():
            cell.weight.copy_(torch.from_numpy(weight))
            if cell.bias is not None:
                cell.bias.copy_(torch.from_numpy(np.asarray(node.bias)))
        return cell
    if kind in NEURONS:
        names = ("r", "tau", "tau_mem", "tau_syn", "v_leak", "v_threshold", "v_reset", "w_in")
        fields = {key: getattr(node, key) for key in names if hasattr(node, key)}
        return GraphNeurons(kind, fields, dt_ms=dt_ms)
    raise InvalidInput(
        f"Node {name!r} is a {kind}, outside of the subset.",
        f"Inside are {', '.join((*SYNAPSES, *NEURONS))}.",
    )


def to_nir(cell: Cell[Any]) -> Any:
    """Cells as a graph.

    Args:
        cell: One cell or a :class:`~neurallayers.dynamics.sequential.Sequential` of them:
            ``Linear``, ``LIF`` with reset ``"zero"``, ``LeakyIntegrator``,
            ``LeakyIntegrateAndFire`` without refractoriness and with currents (its graph is in mV,
            pA and seconds), and :class:`GraphNeurons`.

    Returns:
        A ``nir.NIRGraph``; write it with ``nir.write(path, graph)``.

    Raises:
        InvalidInput: If a cell has no node that does the same; it says why.
        MissingExtra: Without the package ``nir``.
    """
    nir = require("nir", extra="exchange")
    cells = list(cell.cells) if isinstance(cell, Sequential) else [cell]
    nodes = {"input": nir.Input(input_type={"input": np.array(cell.in_shape)})}
    for number, part in enumerate(cells):
        nodes[f"{number}"] = _node(nir, part)
    nodes["output"] = nir.Output(output_type={"output": np.array(cell.out_shape)})
    names = list(nodes)
    return nir.NIRGraph(nodes, list(itertools.pairwise(names)))


def _node(nir: Any, cell: Any) -> Any:
    if isinstance(cell, Linear):
        weight = cell.weight.detach().cpu().numpy()
        if cell.bias is None:
            return nir.Linear(weight=weight)
        return nir.Affine(weight=weight, bias=cell.bias.detach().cpu().numpy())
    if isinstance(cell, GraphNeurons):
        return getattr(nir, cell.kind)(**cell.fields)
    if isinstance(cell, LIF) and cell.reset == "zero":
        one = np.ones(cell.in_shape)
        tau = cell.decay.tau_ms.numpy().astype(np.float64) / MS
        return nir.LIF(
            tau=tau, r=one, v_leak=0.0 * one, v_threshold=cell.threshold * one, v_reset=0.0 * one
        )
    if isinstance(cell, LeakyIntegrator):
        one = np.ones(cell.in_shape)
        return nir.LI(
            tau=cell.decay.tau_ms.numpy().astype(np.float64) / MS, r=one, v_leak=0.0 * one
        )
    if isinstance(cell, LeakyIntegrateAndFire):
        return _leaky_node(nir, cell)
    reason = " that subtracts the threshold" if isinstance(cell, LIF) else ""
    raise InvalidInput(
        f"There is no node for a {type(cell).__name__}{reason}.",
        "A graph holds Linear, LIF (reset 'zero'), LeakyIntegrator and LeakyIntegrateAndFire.",
    )


def _leaky_node(nir: Any, cell: LeakyIntegrateAndFire) -> Any:
    """In mV, pA and seconds; 1 / nS is the resistance in GOhm."""
    if cell.synaptic_input != "current" or bool(np.any(np.asarray(cell.refractory_ms) > 0.0)):
        raise InvalidInput(
            f"LeakyIntegrateAndFire with synaptic_input={cell.synaptic_input!r} and "
            f"refractory_ms={cell.refractory_ms}.",
            "A graph's neurons take currents and have no refractory period.",
        )

    def each(value: Any) -> Array:
        given = value.detach().double().numpy() if isinstance(value, Tensor) else value
        return np.broadcast_to(np.asarray(given, dtype=np.float64), cell.in_shape).copy()

    return nir.LIF(
        tau=each(cell.tau_ms) / MS,
        r=1.0 / each(cell.leak_conductance_ns),
        v_leak=each(cell.resting_mv),
        v_threshold=each(cell.threshold_mv),
        v_reset=each(cell.reset_mv),
    )
