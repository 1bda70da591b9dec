"""The stages of each population, in the order of a step: noise, currents, receptors, samples."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurallayers.circuits.drives import (
    CurrentDrive,
    PoissonDrive,
    SpikeDrive,
    arriving_spikes,
    current_rows,
    phased_rates,
    poisson_thresholds,
)
from neurallayers.circuits.kernels.couplings import couple, keep_potentials
from neurallayers.circuits.kernels.currents import (
    arrivals_at_times,
    constant_current,
    current_for_all,
    current_for_each,
    listed_spikes,
    release,
    sample_row,
    spikes_at_times,
)
from neurallayers.circuits.kernels.noise import poisson_arrivals, poisson_spikes
from neurallayers.circuits.kernels.receptors import receptor, single_receptors
from neurallayers.circuits.kernels.stages import Stage
from neurallayers.circuits.kernels.steps import STAGE_COLUMNS
from neurallayers.circuits.populations import MOST_TOGETHER, Population, ReceptorRows
from neurallayers.circuits.recording import whole_steps
from neurallayers.circuits.sources import (
    PoissonSpikes,
    RecordedSpikes,
    steps_of_times,
)
from neurallayers.dynamics.kernels.blocks import LANES
from neurallayers.errors import InvalidInput
from neurallayers.seeding import derive_seed

if TYPE_CHECKING:
    from neurallayers.circuits.memory import Memory
    from neurallayers.circuits.simulation import LivingCircuit

Array = NDArray[Any]


class StageList:
    """The table of stages of a run, and the arrays that they read."""

    def __init__(self, simulation: LivingCircuit) -> None:
        self.simulation = simulation
        self._rows: list[list[int]] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, stage: Stage, numbers: Any, integers: Any) -> None:
        """Append a stage with its numbers and whole numbers."""
        simulation = self.simulation
        floats = np.ascontiguousarray(numbers, simulation.numbers)
        wholes = np.ascontiguousarray(integers, np.int64)
        address = stage.address(simulation.dtype)
        self._rows.append([address, simulation.keep(floats), simulation.keep(wholes)])

    @functools.cached_property
    def rows(self) -> Array:
        """The table, once all stages are there."""
        return np.array(self._rows, np.int64).reshape(-1, STAGE_COLUMNS)


def stages_of(simulation: LivingCircuit, memory: Memory, stages: StageList) -> tuple[int, int, int]:
    """Append the stages of a population.

    Returns:
        Where they begin, before which of them the neurons are advanced, and where they end.
    """
    population, plan = memory.population, simulation.wiring.plan
    first = len(stages)
    if population.neurons is None:
        add_source(simulation, population, stages)
    else:
        drives = plan.drives.get(population.name, ())
        add_arrivals(simulation, population, stages)
        add_receptors(population, stages, constant_current_pa(population, drives))
        add_currents(simulation, population, stages)
        add_gap_junctions(simulation, memory, stages)
    middle = len(stages)
    if any(found.population == population.name for found in plan.gap_junctions):
        potentials = simulation.potentials(population.name)
        stages.add(keep_potentials, [0.0], [simulation.keep(potentials), potentials.shape[1]])
    add_short_term(simulation, population, stages)
    add_samples(simulation, memory, stages)
    return first, middle, len(stages)


# ---------------------------------------------------------------------------------- receptors


def add_receptors(population: Population, stages: StageList, current_pa: float) -> None:
    """The stage that sets the drive, then those that add to it."""
    rows = list(population.rows.values())
    together = [found for found in rows if found.single][:MOST_TOGETHER]
    if together:
        numbers = [number for found in together for number in receptor_numbers(found)[:8]]
        ohmic = tuple(found.receptor.reversal_mv is not None for found in together)
        stages.add(single_receptors(ohmic), [*numbers, current_pa], [0])
    else:
        stages.add(constant_current, [current_pa], [0])
    for found in rows[len(together) :]:
        given = found.receptor
        stage = receptor(
            given.reversal_mv is not None,
            given.hill is not None,
            given.block is not None,
            given.saturates,
        )
        stages.add(stage, receptor_numbers(found), [found.row_x, found.row_y, found.place])


def receptor_numbers(rows: ReceptorRows) -> list[float]:
    """The numbers of a receptor as kernels/receptors.py reads them."""
    k, given = rows.kinetics, rows.receptor
    numbers = [k.decay_x, k.decay_y, k.coupling, k.jump_x, k.jump_y, k.output_x, k.output_y]
    numbers.append(0.0 if given.reversal_mv is None else given.reversal_mv)
    numbers += [given.hill.dissociation_um4, given.hill.maximum_ns] if given.hill else [1.0, 0.0]
    if given.block:
        block = given.block
        numbers += [block.magnesium_mm, block.half_block_mm, block.steepness_per_mv]
    else:
        numbers += [0.0, 1.0, 0.0]
    return [*numbers, math.log1p(-k.jump_x) if given.saturates else 0.0]


# ------------------------------------------------------------------------------------- drives


def place_of_receptor(population: Population, name: str | None) -> int:
    """Which receptor a drive means; the only one, if it names none.

    Raises:
        InvalidInput: If it names none and there are several.
    """
    if name is None and len(population.rows) != 1:
        raise InvalidInput(
            f"A drive of {population.name!r} names no receptor, and there are "
            f"{len(population.rows)}.",
            f"Say which: {', '.join(population.rows) or 'give the population a receptor first'}.",
        )
    return population.receptor_named(
        name if name is not None else next(iter(population.rows))
    ).place


def add_arrivals(simulation: LivingCircuit, population: Population, stages: StageList) -> None:
    """Noise and recorded spikes, which join what arrives."""
    drives = simulation.wiring.plan.drives.get(population.name, ())
    for number, drive in enumerate(drives):
        if isinstance(drive, PoissonDrive):
            add_poisson(simulation, population, stages, drive, number)
        elif isinstance(drive, SpikeDrive):
            place = place_of_receptor(population, drive.receptor)
            times, cells, weights = arriving_spikes(drive, population.n)
            # A spike that arrives at t acts on the step that begins there.
            dt_ms = population.dt_ms
            shift = 0 if list(population.rows.values())[place].at_end else 1
            first, begins, who, order = steps_of_times(times, cells, dt_ms)
            table = [first + shift, len(begins) - 1, simulation.keep(begins)]
            table += [simulation.keep(who), place]
            stages.add(arrivals_at_times, weights[order], table)


def add_poisson(
    simulation: LivingCircuit,
    population: Population,
    stages: StageList,
    drive: PoissonDrive,
    number: int,
) -> None:
    """A Poisson drive's table of numbers of events, and its weights."""
    n, dt_ms = population.n, population.dt_ms
    place = place_of_receptor(population, drive.receptor)
    rates = phased_rates(drive, n)
    phases, each = rates.shape
    least, levels, table = thresholds_of(rates * dt_ms)
    weights = np.asarray(drive.weight, dtype=np.float64)
    phase_steps = 0
    if drive.phase_ms is not None:
        phase_steps = whole_steps(drive.phase_ms, dt_ms, "phase_ms")
    lanes = table.shape[-1] if each > 1 else 0
    stream = derive_seed(0, population.name, "drive", number) & 0xFFFFFFFF
    integers = [place, simulation.noise_seed, stream, levels, lanes, simulation.keep(table), least]
    own = weights.ndim > 0
    stages.add(
        poisson_arrivals(own),
        padded(weights, n) if own else [float(weights)],
        [*integers, phase_steps, phases],
    )


def thresholds_of(means: NDArray[np.float64]) -> tuple[int, int, NDArray[np.uint32]]:
    """Tables of :func:`poisson_thresholds` for phases ``[phases, cells or 1]``, padded to blocks.

    Returns:
        The least number of events, levels, and ``[phases, levels, lanes or 1]``.
    """
    phases, each = means.shape
    least, table = poisson_thresholds(means.reshape(-1))
    levels = len(table)
    by_phase = table.reshape(levels, phases, each).swapaxes(0, 1)
    if each == 1:
        return least, levels, np.ascontiguousarray(by_phase)
    lanes = -(-each // LANES) * LANES
    filled = np.full((phases, levels, lanes), 0xFFFFFFFF, np.uint32)
    filled[:, :, :each] = by_phase
    return least, levels, filled


def padded(values: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Numbers of cells, with zeros up to a whole number of blocks."""
    lanes = np.zeros((*values.shape[:-1], -(-n // LANES) * LANES))
    lanes[..., :n] = values
    return lanes


def constant_current_pa(population: Population, drives: Any) -> float:
    """The sum of all currents that are constant and alike for all cells."""
    return sum(
        float(current_rows(drive, population.n)[0, 0])
        for drive in drives
        if isinstance(drive, CurrentDrive) and alike(drive)
    )


def alike(drive: CurrentDrive) -> bool:
    """Whether a current is one number for all cells and times."""
    return drive.every_ms is None and np.ndim(drive.current_pa) == 0


def add_currents(simulation: LivingCircuit, population: Population, stages: StageList) -> None:
    """Currents that differ between cells or times."""
    dt_ms = population.dt_ms
    for drive in simulation.wiring.plan.drives.get(population.name, ()):
        if not isinstance(drive, CurrentDrive) or alike(drive):
            continue
        rows = current_rows(drive, population.n)
        first, each = 0, 0
        if drive.every_ms is not None:
            each = whole_steps(drive.every_ms, dt_ms, "every_ms")
            if drive.start_ms:
                first = whole_steps(drive.start_ms, dt_ms, "start_ms")
        integers = [first, each, len(rows)]
        if rows.shape[1] == 1:
            stages.add(current_for_all, rows[:, 0], integers)
        else:
            lanes = padded(rows, population.n)
            stages.add(current_for_each, lanes, [*integers, lanes.shape[1]])


def add_gap_junctions(simulation: LivingCircuit, memory: Memory, stages: StageList) -> None:
    """Electrical synapses of this population."""
    population = memory.population
    for coupling in simulation.wiring.plan.gap_junctions:
        if coupling.population != population.name:
            continue
        begins, partners, conductances = coupling.rows(population.n)
        potentials = simulation.potentials(population.name)
        integers = [simulation.keep(begins), simulation.keep(partners), population.n]
        stages.add(
            couple, conductances, [*integers, simulation.keep(potentials), potentials.shape[1]]
        )


# ------------------------------------------------------------------------------------ sources


def add_source(simulation: LivingCircuit, population: Population, stages: StageList) -> None:
    """The stage that makes a source's cells fire; recorded spikes are read from their list."""
    source, dt_ms = population.cell, population.dt_ms
    if isinstance(source, RecordedSpikes):
        if has_short_term(simulation, population):
            table = simulation.spike_tables[population.name]
            stages.add(spikes_at_times, [0.0], table)
        return
    assert isinstance(source, PoissonSpikes)
    means = np.atleast_1d(np.asarray(source.rate_hz, dtype=np.float64))[None] * 1e-3 * dt_ms
    # One level is enough: whether there is an event at all.
    highest = np.clip(np.rint(np.exp(-means) * 2.0**32) - 1, 0, 2**32 - 1)
    lanes = 0
    if means.shape[1] > 1:
        table = np.full((1, -(-source.n // LANES) * LANES), 0xFFFFFFFF, np.uint32)
        table[:, : source.n] = highest.astype(np.uint32)
        lanes = table.shape[1]
    else:
        table = highest.astype(np.uint32)
    stream = derive_seed(0, population.name, "spikes") & 0xFFFFFFFF
    integers = [0, simulation.noise_seed, stream, 1, lanes, simulation.keep(table), 0, 0, 1]
    stages.add(poisson_spikes(), [0.0], integers)


def has_short_term(simulation: LivingCircuit, population: Population) -> bool:
    """Whether the efficacy of a population's synapses changes with its spikes."""
    return any(
        projection.source.name == population.name and projection.short_term is not None
        for projection in simulation.wiring.plan.projections.values()
    )


def spike_list(simulation: LivingCircuit, population: Population) -> tuple[int, int]:
    """Addresses of the stage that reads who of a source fires when, and of its list.

    Both are 0 for other populations, and where stages look for spikes in blocks.
    """
    name = population.name
    if name not in simulation.spike_tables or has_short_term(simulation, population):
        return 0, 0
    table = simulation.keep(simulation.spike_tables[name])
    return listed_spikes.address(simulation.dtype), table


def add_short_term(simulation: LivingCircuit, population: Population, stages: StageList) -> None:
    """Short-term plasticity of the projections that leave this population."""
    for name, projection in simulation.wiring.plan.projections.items():
        if projection.source.name != population.name or projection.short_term is None:
            continue
        use, resources, last = simulation.short_term_memory(name)
        efficacies = simulation.efficacies(name)
        integers = [simulation.keep(array) for array in (use, resources, last, efficacies)]
        stages.add(
            release,
            [population.dt_ms, *projection.short_term.parameters()],
            [*integers, len(efficacies), efficacies.shape[1]],
        )


def add_samples(simulation: LivingCircuit, memory: Memory, stages: StageList) -> None:
    """Variables that are recorded."""
    name = memory.population.name
    for sampling in simulation.samplings.get(name, ()):
        lanes, begins = sampling.lanes()
        stages.add(
            sample_row,
            [0.0],
            [
                sampling.row,
                sampling.every,
                sampling.first,
                simulation.keep(sampling.samples),
                sampling.cells.size,
                simulation.keep(begins),
                simulation.keep(lanes),
            ],
        )
