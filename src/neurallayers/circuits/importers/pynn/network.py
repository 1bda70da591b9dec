"""PyNN's simulator: a network that is described, and then lives as a circuit."""

from __future__ import annotations

import contextvars
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from neurallayers.circuits.circuit import Circuit
from neurallayers.circuits.circuit_state import CircuitState
from neurallayers.circuits.drives import CurrentDrive
from neurallayers.circuits.importers.pynn.cells import PICO, Parameters
from neurallayers.circuits.recording import Record, Run
from neurallayers.errors import InvalidInput

if TYPE_CHECKING:
    from neurallayers.circuits.importers.pynn.populations import DCSource, Population
    from neurallayers.circuits.importers.pynn.projections import Projection

LONG_MS = 1e9  # a current without an end

# PyNN's functions act on "the" simulator. Each thread and task has its own here, and populations
# keep theirs.
_current: contextvars.ContextVar[Simulator] = contextvars.ContextVar("simulator")


def begin(simulator: Simulator) -> None:
    """Make a simulator the one that the functions of this thread or task act on."""
    _current.set(simulator)


def current() -> Simulator:
    """The simulator that acts.

    Raises:
        InvalidInput: If there is none.
    """
    try:
        return _current.get()
    except LookupError:
        raise InvalidInput("There is no simulation.", "Call setup(timestep=0.1) first.") from None


class Simulator:
    """One network and its life.

    Args:
        timestep: Length of a step [ms].
        min_delay: Shortest delay [ms]; ``"auto"`` for a step.
        max_delay: Longest delay [ms]; kept for scripts that ask for it.
        seed: From which everything random is drawn.
        threads: How many threads; left out, as many as the circuit is worth.

    Raises:
        InvalidInput: If a number is out of range or an option unknown.
    """

    def __init__(
        self,
        timestep: float = 0.1,
        min_delay: Any = "auto",
        *,
        max_delay: Any = 10.0,
        seed: int = 1,
        threads: int | None = None,
        **unknown: Any,
    ) -> None:
        if unknown:
            raise InvalidInput(
                f"setup has the options {sorted(unknown)}, outside of the subset.",
                "It takes timestep, min_delay, max_delay, seed and threads.",
            )
        self.dt_ms, self.seed, self.threads = float(timestep), seed, threads
        self.min_delay_ms = self.dt_ms if min_delay == "auto" else float(min_delay)
        self.max_delay_ms = math.inf if max_delay == "auto" else float(max_delay)
        if not 0.0 < self.dt_ms <= self.min_delay_ms <= self.max_delay_ms:
            raise InvalidInput(
                f"timestep is {timestep}, min_delay {min_delay}, max_delay {max_delay}.",
                "They must be positive and in this order.",
            )
        self.populations: list[Population] = []
        self.projections: list[Projection] = []
        self.sources: list[DCSource] = []
        self.circuit: Circuit | None = None
        self.state: CircuitState | None = None
        self.segments: list[list[Run]] = [[]]
        self.time_ms = 0.0

    def changeable(self, what: str) -> None:
        """Refuse a change of a network that has run.

        Raises:
            InvalidInput: If it has.
        """
        if self.circuit is not None:
            raise InvalidInput(
                f"{what} after the network has run is outside of the subset.",
                "Do it before run, or after reset.",
            )

    def run(self, simtime: float) -> float:
        """Let the network live on; returns its age [ms]."""
        run = self.built().run(
            simtime, state=self.state, record=asked_for(self), threads=self.threads
        )
        self.state = run.state
        self.segments[-1].append(run)
        self.time_ms = run.stop_ms
        return self.time_ms

    def built(self) -> Circuit:
        """The circuit that the script described; from here on it stays as it is."""
        if self.circuit is None:
            self.circuit = described(self)
        return self.circuit

    def reset(self) -> None:
        """Back to the beginning; what comes is recorded in a new segment."""
        self.circuit, self.state, self.time_ms = None, None, 0.0
        if self.segments[-1]:
            self.segments.append([])


def described(simulator: Simulator) -> Circuit:
    """The circuit that a script described."""
    circuit = Circuit(dt_ms=simulator.dt_ms, seed=simulator.seed)
    for population in simulator.populations:
        given = population.celltype.parameters
        numbers = Parameters(given, population.n, simulator.seed, population.label)
        made = population.celltype.made(population.n, simulator.dt_ms, numbers)
        initial = {**population.initial, **made.initial}
        circuit.add_population(
            population.label, made.cell, receptors=made.receptors, initial=initial
        )
        if np.any(made.current_pa):
            circuit.drive(population.label, CurrentDrive(made.current_pa))
    for source in simulator.sources:
        for cells in source.into:
            rows = np.zeros((1, cells.parent.n))
            rows[0, cells.start : cells.stop] = source.amplitude * PICO
            duration_ms = min(source.stop, LONG_MS) - source.start
            drive = CurrentDrive(rows, every_ms=duration_ms, start_ms=source.start)
            circuit.drive(cells.parent.label, drive)
    for projection in simulator.projections:
        connected(circuit, projection)
    return circuit


def connected(circuit: Circuit, projection: Projection) -> None:
    """Add a projection to the circuit."""
    pre, post, synapse = projection.pre, projection.post, projection.synapse_type
    circuit.connect(
        pre.parent.label,
        post.parent.label,
        projection.connector.connectivity(),
        receptor=projection.receptor_type,
        weight=projection.weight,
        delay_ms=projection.delay_ms,
        plasticity=synapse.rule(post.parent.celltype.weight_factor),
        short_term=synapse.short_term(),
        senders=slice(pre.start, pre.stop),
        receivers=slice(post.start, post.stop),
        name=projection.name,
    )


def asked_for(simulator: Simulator) -> Record:
    """What all populations record."""
    spikes: list[str] = []
    variables: dict[str, list[str]] = {}
    cells: dict[str, Any] = {}
    intervals: set[float] = set()
    for population in simulator.populations:
        named = [name for name in population.watched if name != "spikes"]
        if "spikes" in population.watched:
            spikes.append(population.label)
        if named:
            variables[population.label] = [population.celltype.variables[n][0] for n in named]
            kept = {cell for name in named for cell in population.watched[name]}
            cells[population.label] = np.array(sorted(kept))
            intervals.add(population.interval_ms or simulator.dt_ms)
    if len(intervals) > 1:
        raise InvalidInput(
            f"Populations are sampled every {sorted(intervals)} ms.",
            "One sampling_interval for all is inside of the subset.",
        )
    every = intervals.pop() if intervals else None
    return Record(spikes=spikes, variables=variables, every_ms=every, cells=cells)
