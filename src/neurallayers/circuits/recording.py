"""What is kept of a run: which, how often, and what came out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurallayers.circuits.circuit_state import CircuitState
from neurallayers.circuits.populations import Population
from neurallayers.dynamics.kernels.blocks import CONDUCTANCE, DRIVE, LANES, STATE
from neurallayers.errors import InvalidInput, UnknownName
from neurallayers.registry import nearest_name

INPUTS = ("drive", "conductance")  # what neurons receive [pA] and [nS]
ALL = "all"


@dataclass(frozen=True)
class Record:
    """What to keep of a run.

    Args:
        spikes: Names of populations whose spikes are kept, or ``"all"``.
        variables: For a population, names of variables: those of its neurons' state, names of its
            receptors (what acts: pA, nS), ``"drive"`` [pA] and ``"conductance"`` [nS].
        every_ms: How often variables are sampled [ms]; left out, every step. Samples are taken at
            times that are multiples of it.
        cells: Of which cells: a slice or indices, for all populations or by name; left out, all.
        rates: Names of populations whose mean rate is kept, or ``"all"``.
        rate_bin_ms: Over how long a rate is the mean [ms].
        weights: Names of plastic projections whose weights are sampled.
        weights_every_ms: How often [ms].

    >>> Record(spikes=("excitatory",), variables={"excitatory": ["membrane_potential"]}).every_ms
    """

    spikes: Sequence[str] | str = ()
    variables: Mapping[str, Sequence[str]] = field(default_factory=dict)
    every_ms: float | None = None
    cells: Any = None
    rates: Sequence[str] | str = ()
    rate_bin_ms: float = 1.0
    weights: Sequence[str] = ()
    weights_every_ms: float = 100.0


@dataclass(frozen=True, eq=False)
class Spikes:
    """The spikes of a population, by time and then by cell.

    Attributes:
        times_ms: When [ms], the ends of the steps in which they were fired.
        senders: Which cell.
        n: How many cells there are.
        start_ms: When the recording began.
        stop_ms: When it ended.

    >>> Spikes(np.array([1.0, 2.0]), np.array([0, 1]), 2, 0.0, 100.0).rate_hz
    10.0
    """

    times_ms: NDArray[np.float64]
    senders: NDArray[np.int64]
    n: int
    start_ms: float
    stop_ms: float

    def __len__(self) -> int:
        return int(self.times_ms.size)

    @property
    def rate_hz(self) -> float:
        """Mean rate of a cell [Hz]."""
        return len(self) / self.n / (self.stop_ms - self.start_ms) * 1e3

    def train_ms(self, cell: int) -> NDArray[np.float64]:
        """Spike times of one cell [ms]."""
        times: NDArray[np.float64] = self.times_ms[self.senders == cell]
        return times

    def trains_ms(self) -> list[NDArray[np.float64]]:
        """Spike times of each cell [ms]."""
        order = np.argsort(self.senders, kind="stable")
        ends = np.searchsorted(self.senders[order], np.arange(1, self.n))
        return np.split(self.times_ms[order], ends)

    def after(self, start_ms: float) -> Spikes:
        """Those after a time, as when a transient is left out."""
        kept = self.times_ms > start_ms
        return Spikes(self.times_ms[kept], self.senders[kept], self.n, start_ms, self.stop_ms)


@dataclass(frozen=True, eq=False)
class Run:
    """What a run gave.

    Attributes:
        spikes: By population.
        times_ms: When variables were sampled [ms].
        variables: By population and variable, ``[samples, cells]``.
        cells: Which cells were sampled, by population.
        rates_hz: By population, one for each bin.
        rate_times_ms: Where bins end [ms].
        weights: By projection, ``[samples, synapses]``.
        weight_times_ms: When weights were sampled [ms].
        state: The circuit's state after the run.
        start_ms: The circuit's age when the run began.
        stop_ms: Its age when it ended.
    """

    spikes: dict[str, Spikes]
    times_ms: NDArray[np.float64]
    variables: dict[str, dict[str, NDArray[Any]]]
    cells: dict[str, NDArray[np.int64]]
    rates_hz: dict[str, NDArray[np.float64]]
    rate_times_ms: NDArray[np.float64]
    weights: dict[str, NDArray[Any]]
    weight_times_ms: NDArray[np.float64]
    state: CircuitState
    start_ms: float
    stop_ms: float


@dataclass(frozen=True, eq=False)
class Sampling:
    """A variable that is sampled while a circuit runs.

    Attributes:
        row: In which row of a block it lies.
        every: Every so many steps.
        first: Number of the first sample, counted from the circuit's beginning.
        cells: Which cells.
        samples: ``[samples, cells]``, with the cells in ascending order.
        blocks: Blocks of the population.
    """

    row: int
    every: int
    first: int
    cells: NDArray[np.int64]
    samples: NDArray[Any]
    blocks: int

    def lanes(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The lane of each cell, ascending, and where each block's begin."""
        ascending = np.sort(self.cells)
        begins = np.searchsorted(ascending, np.arange(self.blocks + 1) * LANES)
        return ascending % LANES, begins.astype(np.int64)

    def in_order(self) -> NDArray[Any]:
        """The samples with the cells in the order in which they were asked for."""
        return self.samples[:, np.argsort(np.argsort(self.cells, kind="stable"), kind="stable")]


def chosen_names(given: Sequence[str] | str, known: Sequence[str], what: str) -> list[str]:
    """The names asked for, in the circuit's order.

    Raises:
        UnknownName: If there is none of that name.
    """
    if given == ALL:
        return list(known)
    names = [given] if isinstance(given, str) else list(given)
    for name in names:
        if name not in known:
            raise UnknownName(f"There is no {what} {name!r}.", nearest_name(name, list(known)))
    return [name for name in known if name in names]


def chosen_cells(given: Any, population: Population) -> NDArray[np.int64]:
    """Indices of the cells asked for.

    Raises:
        InvalidInput: If there is no such cell.
    """
    if isinstance(given, Mapping):
        given = given.get(population.name)
    everyone = np.arange(population.n)
    if given is None:
        return everyone
    try:
        cells = everyone[given if isinstance(given, slice) else np.asarray(given)]
    except IndexError as error:
        raise InvalidInput(
            f"cells of {population.name!r}: {error}.", f"There are {population.n} cells."
        ) from None
    return np.atleast_1d(cells).astype(np.int64)


def whole_steps(duration_ms: float, dt_ms: float, what: str) -> int:
    """A duration in steps.

    Raises:
        InvalidInput: If it is not a positive whole number of steps.
    """
    steps = round(duration_ms / dt_ms) if 0.0 < duration_ms < 1e15 else 0
    if steps < 1 or abs(steps * dt_ms - duration_ms) > 1e-6 * dt_ms * max(1.0, steps * 1e-3):
        raise InvalidInput(
            f"{what} is {duration_ms} ms.", f"Choose a whole number of steps of {dt_ms} ms."
        )
    return steps


def variable_row(population: Population, name: str) -> int:
    """In which row of a block a recorded variable lies.

    Raises:
        UnknownName: If the population has no such variable.
    """
    if name in population.variables:
        return STATE + population.variables.index(name)
    if name in population.rows:
        return population.rows[name].row_y
    if name in INPUTS and population.neurons is not None:
        return (DRIVE, CONDUCTANCE)[INPUTS.index(name)]
    known = [*population.variables, *population.rows, *INPUTS]
    raise UnknownName(
        f"Population {population.name!r} has no variable {name!r}.",
        nearest_name(name, known if population.neurons is not None else []),
    )
