"""PyNN's populations, slices of them, and currents that flow into them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurallayers.circuits.importers.pynn.cells import CellType
from neurallayers.circuits.importers.pynn.data import AnalogSignal, Block, Segment, SpikeTrain
from neurallayers.circuits.importers.pynn.network import LONG_MS, current
from neurallayers.circuits.importers.pynn.numbers import in_unit
from neurallayers.circuits.recording import Run, whole_steps
from neurallayers.errors import InvalidInput, UnknownName
from neurallayers.registry import nearest_name


class PopulationView:
    """Some cells of a population, one after the other.

    Args:
        parent: The population.
        start: The first cell.
        stop: The one after the last.
    """

    label: str
    parent: Population
    start: int
    stop: int

    def __init__(self, parent: Population, start: int, stop: int) -> None:
        if not 0 <= start < stop <= len(parent):
            raise InvalidInput(
                f"Cells {start} to {stop - 1} of {parent.label!r}.",
                f"There are {len(parent)}: 0 to {len(parent) - 1}.",
            )
        self.parent, self.start, self.stop = parent, start, stop
        self.label = f"{parent.label}[{start}:{stop}]"

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def size(self) -> int:
        """How many cells."""
        return len(self)

    def record(
        self,
        variables: str | Iterable[str],
        to_file: Any = None,
        sampling_interval: float | None = None,
    ) -> None:
        """Keep variables of these cells: ``"spikes"``, ``"v"``, ``"w"``, ``"gsyn_exc"``, ...

        Raises:
            InvalidInput: If a file is given, or another interval than before.
            UnknownName: If the cells have no such variable.
        """
        if to_file is not None:
            raise InvalidInput(
                f"record(to_file={to_file!r}).", "Take what get_data gives and store that."
            )
        self.parent.watch(variables, range(self.start, self.stop), sampling_interval)

    def get_data(self, variables: Any = "all", gather: bool = True, clear: bool = False) -> Block:
        """What these cells recorded; see :meth:`Population.get_data`."""
        return self.parent.get_data(variables, gather, clear, (self.start, self.stop))

    def get_spike_counts(self, gather: bool = True) -> dict[int, int]:
        """Number of spikes of each recorded cell since the last reset."""
        trains = self.get_data("spikes").segments[-1].spiketrains
        return {int(train.annotations["source_index"]): train.size for train in trains}

    def mean_spike_count(self, gather: bool = True) -> float:
        """Number of spikes of a cell since the last reset, on average."""
        return float(np.mean(list(self.get_spike_counts().values())))

    def inject(self, source: DCSource) -> None:
        """Let a current flow into these cells."""
        source.inject_into(self)


class Population(PopulationView):
    """Cells of one type.

    Args:
        size: How many.
        cellclass: A cell type, or one with parameters: ``IF_curr_exp`` or ``IF_curr_exp(cm=0.5)``.
        cellparams: Parameters of a cell type.
        structure: Positions; outside of the subset.
        initial_values: Initial values by PyNN's names.
        label: A name.

    Raises:
        InvalidInput: If something is outside of the subset.
        UnknownName: If a parameter or variable does not exist.
    """

    def __init__(
        self,
        size: int,
        cellclass: Any,
        cellparams: Mapping[str, Any] | None = None,
        structure: Any = None,
        initial_values: Mapping[str, Any] | None = None,
        label: str | None = None,
    ) -> None:
        if structure is not None:
            raise InvalidInput("A population has a structure.", "Positions are outside the subset.")
        if isinstance(cellclass, type):
            cellclass = cellclass(**(cellparams or {}))
        if not isinstance(cellclass, CellType) or int(size) < 1:
            raise InvalidInput(
                f"Population({size}, {cellclass!r}).", "Give a number and one of CELL_TYPES."
            )
        self.simulator = current()
        self.simulator.changeable("A new population")
        taken = {found.label for found in self.simulator.populations}
        self.n, self.celltype = int(size), cellclass
        self.label = label or f"population{len(taken)}"
        while self.label in taken:
            self.label += "'"
        self.parent, self.start, self.stop = self, 0, self.n
        self.initial_values: dict[str, Any] = dict(cellclass.default_initial_values)
        self.watched: dict[str, set[int]] = {}
        self.interval_ms: float | None = None
        self.simulator.populations.append(self)
        self.initialize(**(initial_values or {}))

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, cells: int | slice) -> PopulationView:
        if not isinstance(cells, slice):
            if not -self.n <= cells < self.n:
                raise InvalidInput(
                    f"{self.label!r} has no cell {cells}.",
                    f"There are {self.n}: 0 to {self.n - 1}.",
                )
            first = int(cells) % self.n
            cells = slice(first, first + 1)
        start, stop, step = cells.indices(self.n)
        if step != 1:
            raise InvalidInput(
                f"{self.label}[{cells}] leaves cells out.", "Take contiguous slices."
            )
        return PopulationView(self, start, stop)

    def set(self, **parameters: Any) -> None:
        """Other parameters of all cells.

        Raises:
            UnknownName: If there is none of that name.
            InvalidInput: If the network has run.
        """
        self.simulator.changeable("Setting parameters")
        self.celltype.parameters.update(self.celltype.checked(parameters))

    def initialize(self, **initial_values: Any) -> None:
        """Other initial values, by PyNN's names and in its units.

        Raises:
            UnknownName: If the cells have no such variable.
            InvalidInput: If the network has run.
        """
        self.simulator.changeable("Setting initial values")
        known = list(self.celltype.default_initial_values)
        for name in initial_values:
            if name not in known:
                raise UnknownName(
                    f"{self.label!r} has no initial value {name!r}.", nearest_name(name, known)
                )
        self.initial_values.update(initial_values)

    def watch(
        self, variables: str | Iterable[str], cells: range, interval_ms: float | None
    ) -> None:
        """Keep variables of some cells; see :meth:`record`."""
        self.simulator.changeable("Recording")
        names = [variables] if isinstance(variables, str) else list(variables)
        for name in names:
            if name not in self.celltype.recordable:
                raise UnknownName(
                    f"{self.label!r} has no variable {name!r}.",
                    nearest_name(name, list(self.celltype.recordable)),
                )
            self.watched.setdefault(name, set()).update(cells)
        if interval_ms is not None:
            if self.interval_ms not in (None, interval_ms):
                raise InvalidInput(
                    f"{self.label!r} is sampled every {self.interval_ms} and {interval_ms} ms.",
                    "Choose one interval.",
                )
            self.interval_ms = float(interval_ms)

    def get_data(
        self,
        variables: Any = "all",
        gather: bool = True,
        clear: bool = False,
        cells: tuple[int, int] | None = None,
    ) -> Block:
        """What was recorded, in PyNN's units.

        Args:
            variables: Names, or ``"all"``.
            gather: There is one process.
            clear: Must be False.
            cells: Of the first of these to the one before the last; left out, of all.

        Returns:
            A block with a segment for each reset. A signal begins with a sample at time 0.

        Raises:
            InvalidInput: If recordings are to be cleared.
        """
        if clear:
            raise InvalidInput("get_data(clear=True).", "Outside of the subset: leave clear False.")
        names = [variables] if isinstance(variables, str) and variables != "all" else variables
        names = list(self.watched) if isinstance(names, str) else list(names)
        span = cells or (0, self.n)
        return Block(
            self.label,
            [segment_of(self, runs, names, span) for runs in self.simulator.segments if runs],
        )

    @property
    def initial(self) -> dict[str, Any]:
        """Initial values by our names and in our units."""
        found = {}
        for name, value in self.initial_values.items():
            ours, factor = self.celltype.variables[name]
            found[ours] = in_unit(value, 1.0 / factor, f"initial {name} of {self.label!r}")
        return found


@dataclass
class DCSource:
    """A constant current.

    Args:
        amplitude: How much [nA].
        start: When it begins [ms].
        stop: When it ends [ms].
    """

    amplitude: float = 1.0
    start: float = 0.0
    stop: float = LONG_MS
    into: list[PopulationView] = field(default_factory=list, init=False)

    def inject_into(self, cells: PopulationView) -> None:
        """Let it flow into cells.

        Raises:
            InvalidInput: If it ends before it begins or the network has run.
        """
        simulator = cells.parent.simulator
        simulator.changeable("A current")
        if not 0.0 <= self.start < self.stop:
            raise InvalidInput(
                f"A current from {self.start} to {self.stop} ms.", "It begins before it ends."
            )
        self.into.append(cells)
        if self not in simulator.sources:
            simulator.sources.append(self)


def segment_of(
    population: Population, runs: list[Run], names: list[str], span: tuple[int, int]
) -> Segment:
    """What a population recorded in the runs since a reset."""
    segment = Segment()
    for name in names:
        watched = population.watched.get(name, set())
        cells = np.array(sorted(cell for cell in watched if span[0] <= cell < span[1]), np.int64)
        if name == "spikes":
            segment.spiketrains += trains_of(population, runs, cells)
        elif name in population.watched:
            segment.analogsignals.append(signal_of(population, runs, name, cells))
    return segment


def trains_of(
    population: Population, runs: list[Run], cells: NDArray[np.int64]
) -> list[SpikeTrain]:
    """The spike times of each cell."""
    trains = [run.spikes[population.label].trains_ms() for run in runs]
    stop = runs[-1].stop_ms
    return [
        SpikeTrain(np.concatenate([found[cell] for found in trains]), stop, int(cell))
        for cell in cells
    ]


def signal_of(
    population: Population, runs: list[Run], name: str, cells: NDArray[np.int64]
) -> AnalogSignal:
    """A variable from time 0 on, in PyNN's unit."""
    ours, factor = population.celltype.variables[name]
    label = population.label
    places = np.searchsorted(runs[0].cells[label], cells)
    samples = [run.variables[label][ours][:, places] for run in runs]
    circuit = population.simulator.circuit
    assert circuit is not None
    begun = circuit.initial_state().populations[label]
    first = begun.receptors[ours].y if ours in begun.receptors else getattr(begun.neurons, ours)
    samples.insert(0, first.numpy()[:, cells])
    period = population.interval_ms or population.simulator.dt_ms
    whole_steps(period, population.simulator.dt_ms, "sampling_interval")
    return AnalogSignal(factor * np.concatenate(samples), name, period, cells)
