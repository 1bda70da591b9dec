"""PyNN's projections: synapses from one population to another."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurallayers.circuits.circuit import Circuit
from neurallayers.circuits.distributions import Distribution
from neurallayers.circuits.importers.pynn.connectors import Connector
from neurallayers.circuits.importers.pynn.numbers import in_unit
from neurallayers.circuits.importers.pynn.populations import PopulationView
from neurallayers.circuits.importers.pynn.synapses import StaticSynapse
from neurallayers.errors import InvalidInput


class Projection:
    """Synapses from one population (or view) to another.

    Args:
        presynaptic_population: Who sends.
        postsynaptic_population: Who receives.
        connector: Who is connected to whom.
        synapse_type: Weight, delay and plasticity; left out, static ones of weight 0.
        source: Outside of the subset.
        receptor_type: ``"excitatory"`` or ``"inhibitory"``; left out, by the sign of the weight.
        space: Outside of the subset.
        label: A name.

    Raises:
        InvalidInput: If something is outside of the subset.
    """

    def __init__(
        self,
        presynaptic_population: PopulationView,
        postsynaptic_population: PopulationView,
        connector: Connector,
        synapse_type: StaticSynapse | None = None,
        source: Any = None,
        receptor_type: str | None = None,
        space: Any = None,
        label: str | None = None,
    ) -> None:
        self.pre, self.post = presynaptic_population, postsynaptic_population
        self.synapse_type = StaticSynapse() if synapse_type is None else synapse_type
        self.simulator = self.pre.parent.simulator
        self.simulator.changeable("A new projection")
        if source is not None or space is not None:
            raise InvalidInput("A projection has a source or space.", "Outside of the subset.")
        given: tuple[Any, Any] = connector, self.synapse_type
        if not (isinstance(given[0], Connector) and isinstance(given[1], StaticSynapse)):
            raise InvalidInput(
                f"Projection with {connector!r} and {synapse_type!r}.",
                "Give a connector and a synapse type of this module.",
            )
        self.connector = connector
        types = self.post.parent.celltype.receptor_types
        self.weight = self._scaled_weight()
        if receptor_type is None and types:
            receptor_type = types[int(lowest_sign(self.weight) < 0.0)]
        if receptor_type not in types:
            raise InvalidInput(
                f"receptor_type is {receptor_type!r}.",
                f"{self.post.label!r} has {', '.join(types) or 'no receptors: it only fires'}.",
            )
        self.receptor_type = receptor_type
        number = len(self.simulator.projections)
        self.label = label or f"{self.pre.label}→{self.post.label}"
        self.name = f"{number}: {self.label}"
        self.simulator.projections.append(self)

    def _scaled_weight(self) -> Any:
        listed = self.connector.listed("weight")
        given = self.synapse_type.weight if listed is None else listed
        factor = self.post.parent.celltype.weight_factor
        return in_unit(given, factor, "weight")

    @property
    def delay_ms(self) -> Any:
        """Delays on the grid [ms]: none is shorter than the shortest."""
        given = self.connector.listed("delay")
        given = self.synapse_type.delay if given is None else given
        shortest, dt_ms = self.simulator.min_delay_ms, self.simulator.dt_ms
        if given is None:
            given = shortest
        delay = in_unit(given, 1.0, "delay")
        if isinstance(delay, Distribution):
            return delay
        steps = np.rint(np.asarray(delay) / dt_ms)
        if steps.size and steps.min() * dt_ms < shortest - 0.5 * dt_ms:
            raise InvalidInput(
                f"A delay is {np.min(delay)} ms.", f"The shortest is {shortest} ms: see setup."
            )
        on_grid = steps * dt_ms
        return float(on_grid) if on_grid.ndim == 0 else on_grid

    def size(self, gather: bool = True) -> int:
        """How many synapses there are."""
        return self._circuit().synapses(self.name).number

    def get(
        self,
        attribute_names: str,
        format: str = "array",
        gather: bool = True,
    ) -> Any:
        """Weights or delays as they are now, in PyNN's units.

        Args:
            attribute_names: ``"weight"`` or ``"delay"``.
            format: ``"array"``, a matrix with nan where there is no synapse (the sum where there
                are several), or ``"list"`` of (sender, receiver, value).
            gather: There is one process.

        Raises:
            InvalidInput: If something else is asked for.
        """
        if attribute_names not in ("weight", "delay") or format not in ("array", "list"):
            raise InvalidInput(
                f"get({attribute_names!r}, {format!r}).",
                "Ask for 'weight' or 'delay' as 'array' or 'list'.",
            )
        circuit = self._circuit()
        synapses = circuit.synapses(self.name)
        pre = synapses.senders - self.pre.start
        post = synapses.receivers - self.post.start
        values = np.broadcast_to(self._values(attribute_names, circuit), pre.shape)
        if format == "list":
            return list(zip(pre.tolist(), post.tolist(), values.tolist(), strict=True))
        matrix = np.full((len(self.pre), len(self.post)), np.nan)
        matrix[pre, post] = 0.0
        np.add.at(matrix, (pre, post), values)
        return matrix

    def _values(self, name: str, circuit: Circuit) -> NDArray[np.float64]:
        synapses = circuit.synapses(self.name)
        if name == "delay":
            steps = synapses.delay if synapses.delays is None else synapses.delays
            return np.asarray(steps, dtype=np.float64) * self.simulator.dt_ms
        state = self.simulator.state
        learned = {} if state is None else state.projections[self.name]
        weights = learned["weight"][0].numpy() if "weight" in learned else synapses.weights
        return np.asarray(weights, np.float64) / self.post.parent.celltype.weight_factor

    def _circuit(self) -> Circuit:
        return self.simulator.built()


def lowest_sign(weight: Any) -> float:
    """The sign that a weight, or what weights are drawn from, has on the whole."""
    if isinstance(weight, Distribution):
        return float(np.median(weight.draw(np.random.default_rng(0), 101)))
    return float(np.min(weight)) if np.size(weight) else 0.0
