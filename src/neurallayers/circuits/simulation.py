"""A circuit that lives: its memory for the compiled loop, filled from a state and read back.

Everything here belongs to one run; two runs of one circuit can go on at the same time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from neurallayers.circuits.circuit_state import CircuitState, PopulationState, ReceptorState
from neurallayers.circuits.kernels import steps as table
from neurallayers.circuits.kernels.delivery import LONG_DELAY, SHORT_DELAY, delivery
from neurallayers.circuits.memory import Memory, address, from_lanes, into_lanes, memory_of
from neurallayers.circuits.plasticity import Learning
from neurallayers.circuits.projections import Synapses
from neurallayers.circuits.recording import Sampling
from neurallayers.circuits.stage_list import StageList, spike_list, stages_of
from neurallayers.circuits.wiring import Wiring, arrival
from neurallayers.dynamics.kernels.blocks import LANES, STATE, blocks_of, to_blocks
from neurallayers.state import NoState

Array = NDArray[Any]
NEVER = 1 << 60
SHORT_TERM = ("use", "resources", "last_spike")
# Spikes that a thread keeps before it hands them over.
ROOM = 1 << 16


class LivingCircuit:
    """One run of a circuit.

    Args:
        wiring: The circuit.
        state: Where it begins; it is copied.
        threads: How many share the work.
        recorded: Names of the populations whose spikes are kept.
        samplings: By population, variables that are sampled.
    """

    def __init__(
        self,
        wiring: Wiring,
        state: CircuitState,
        threads: int = 1,
        recorded: Sequence[str] = (),
        samplings: Mapping[str, Sequence[Sampling]] | None = None,
    ) -> None:
        self.samplings = samplings or {}
        self.wiring, self.threads, self.recorded = wiring, threads, list(recorded)
        self.dtype = wiring.plan.dtype
        self.numbers = np.float32 if self.dtype == torch.float32 else np.float64
        self.step = int(state.step[0])
        self.noise_seed = int(state.noise_seed[0])
        self.memories = {
            name: memory_of(population, wiring.slots[name], wiring.batch, self.dtype)
            for name, population in wiring.plan.populations.items()
        }
        self.projection_state = {
            name: {key: value.detach().numpy().copy() for key, value in found.items()}
            for name, found in state.projections.items()
        }
        for name, found in state.populations.items():
            self._fill(self.memories[name], found)
        self.shares = shares_of([len(m.blocks) for m in self.memories.values()], threads)
        self._kept: list[Array] = []  # what the compiled loop reads by address
        self._efficacies: dict[str, Array] = {}
        self._short_term: dict[str, tuple[Array, Array, Array]] = {}
        self._potentials: dict[str, Array] = {}
        self._learning: dict[str, Learning] = {}
        self._tables()

    # ------------------------------------------------------------------------------ memory

    def _fill(self, memory: Memory, state: PopulationState) -> None:
        """Write a state into memory."""
        before = memory.before
        variables = [variable[0].detach().numpy() for variable in state.neurons]
        to_blocks(variables, memory.blocks, before + STATE)
        for name, pair in state.receptors.items():
            rows = memory.population.rows[name]
            to_blocks([pair.y[0].detach().numpy()], memory.blocks, before + rows.row_y)
            if rows.row_x:
                to_blocks([pair.x[0].detach().numpy()], memory.blocks, before + rows.row_x)
        for slot, came in self._slots(memory, state.arrivals[0].detach().numpy()):
            for receptor, values in enumerate(came):
                into_lanes(values, memory.arrivals[slot, :, receptor])

    def _slots(self, memory: Memory, ahead: Array) -> list[tuple[int, Array]]:
        """The slots from the next step on, each with its part of an array."""
        slots = len(memory.arrivals)
        return [((self.step + k) % slots, ahead[k]) for k in range(slots)]

    def _read(self, memory: Memory, last: bool) -> PopulationState:
        """A population's state, as a copy."""
        population = memory.population
        neurons: Any = NoState()
        if population.neurons is not None:
            values = [memory.row(STATE + k) for k in range(len(population.variables))]
            neurons = population.neurons.state_type(*(torch.from_numpy(v)[None] for v in values))
        pairs = {}
        for name, rows in population.rows.items():
            x = memory.row(rows.row_x) if rows.row_x else np.zeros(0, self.numbers)
            y = memory.row(rows.row_y)
            pairs[name] = ReceptorState(torch.from_numpy(x)[None], torch.from_numpy(y)[None])
        if last:
            memory.blocks = memory.blocks[:0].copy()
        shape = (len(memory.arrivals), len(population.rows), population.n)
        arrivals = np.empty(shape, self.numbers)
        for slot, came in self._slots(memory, arrivals):
            for receptor, values in enumerate(came):
                from_lanes(memory.arrivals[slot, :, receptor], values)
        return PopulationState(neurons, pairs, torch.from_numpy(arrivals)[None])

    def state(self, last: bool = False) -> CircuitState:
        """The circuit's state now, as a copy; for the last time, memory is given back."""
        for learning in self._learning.values():
            learning.keep()
        for name, rows in self._short_term.items():
            for key, row in zip(SHORT_TERM, rows, strict=True):
                value = self.projection_state[name][key]
                value[0] = row[: value.shape[1]]
        return CircuitState(
            step=torch.tensor([self.step]),
            noise_seed=torch.tensor([self.noise_seed]),
            populations={name: self._read(memory, last) for name, memory in self.memories.items()},
            projections={
                name: {key: torch.from_numpy(value.copy()) for key, value in found.items()}
                for name, found in self.projection_state.items()
            },
        )

    def finish(self) -> CircuitState:
        """The last state. Memory is given back on the way, and nothing can be asked any more."""
        self._kept.clear()
        self.record_rooms.clear()
        state = self.state(last=True)
        self.memories.clear()
        self._learning.clear()
        return state

    # ------------------------------------------------------------------------------ tables

    def keep(self, array: Array) -> int:
        """Keep an array for as long as this run and tell its address."""
        self._kept.append(array)
        return address(array)

    def _tables(self) -> None:
        """Write down for the compiled loop what there is and where."""
        names, batch = list(self.memories), self.wiring.batch
        self.spike_tables = {
            name: np.array([first, len(begins) - 1, self.keep(begins), self.keep(who)], np.int64)
            for name, (first, begins, who) in self.wiring.spike_lists.items()
        }
        self.populations = np.zeros((len(names), table.POPULATION_COLUMNS), np.int64)
        self.fired_counts = np.zeros((2, self.threads, len(names), batch), np.int64)
        self.stages = StageList(self)
        projections: list[list[int]] = []
        for p, name in enumerate(names):
            memory, row = self.memories[name], self.populations[p]
            itemsize = memory.blocks.itemsize
            row[table.CELLS], row[table.BLOCKS] = memory.population.n, len(memory.blocks)
            row[table.BASE] = self.keep(memory.blocks) + memory.before * LANES * itemsize
            row[table.BLOCK_BYTES] = memory.blocks.strides[0]
            row[table.KERNEL], row[table.PARAMETERS] = memory.kernel, self.keep(memory.parameters)
            row[table.RING] = self.keep(memory.arrivals)
            row[table.SLOT_BYTES], row[table.SLOTS] = (
                memory.arrivals.strides[0],
                len(memory.arrivals),
            )
            row[table.ARRIVALS] = memory.arrivals.strides[1]
            row[table.FIRED] = self.keep(memory.fired)
            row[table.RECORDED] = name in self.recorded
            row[table.LISTED], row[table.LIST] = spike_list(self, memory.population)
            row[table.PROJECTIONS] = len(projections)
            projections += [self._projection(key) for key in self._outgoing(name)]
            row[table.PROJECTIONS_END] = len(projections)
        self.projections = np.array(projections, np.int64).reshape(-1, table.PROJECTION_COLUMNS)
        for p, name in enumerate(names):
            row = self.populations[p]
            found = stages_of(self, self.memories[name], self.stages)
            row[table.STAGES], row[table.MIDDLE], row[table.STAGES_END] = found
        self._spike_room()

    def _outgoing(self, name: str) -> list[str]:
        projections = self.wiring.plan.projections
        return [key for key, found in projections.items() if found.source.name == name]

    def _projection(self, name: str) -> list[int]:
        """A row of the table of projections."""
        projection, synapses = self.wiring.plan.projections[name], self.wiring.synapses[name]
        if projection.plasticity is not None:
            self._learning[name] = Learning(self, name)
            return self._learning[name].row()
        memory = self.memories[projection.target.name]
        delays = 0
        if synapses.delays is not None:
            delays = SHORT_DELAY if synapses.delays.dtype == np.uint8 else LONG_DELAY
        arrivals = memory.arrivals
        integers = np.zeros(14, np.int64)
        integers[13] = max(len(projection.target.rows), 1) - 1
        integers[0], integers[1] = self._row_starts(synapses, projection.target.name)
        integers[2] = self.keep(synapses.receivers)
        integers[3] = self.keep(synapses.weights)
        if synapses.delays is not None:
            integers[4] = self.keep(synapses.delays)
        integers[5] = arrival(projection) + (synapses.delay if delays == 0 else 0)
        integers[6] = self.keep(arrivals)
        integers[7], integers[8] = arrivals.strides[0] // arrivals.itemsize, len(arrivals)
        integers[9] = projection.receptor.place * LANES
        integers[12] = 1
        if projection.short_term is not None:
            efficacies = self.efficacies(name)
            integers[10:13] = self.keep(efficacies), efficacies.shape[1], len(efficacies)
        stage = delivery(
            synapses.weights.size != 1,
            delays,
            projection.short_term is not None,
            synapses.receivers.dtype == np.uint16,
        )
        return [stage.address(self.dtype), self.keep(synapses.weights), self.keep(integers), 0]

    def efficacies(self, name: str) -> Array:
        """Where short-term plasticity leaves what synapses of a projection release."""
        if name not in self._efficacies:
            source = self.wiring.plan.projections[name].source
            lanes = blocks_of(source.n) * LANES
            # A row for each step of two batches: one is read while the next is written.
            self._efficacies[name] = np.zeros((2 * self.wiring.batch, lanes), self.numbers)
        return self._efficacies[name]

    def short_term_memory(self, name: str) -> tuple[Array, Array, Array]:
        """Use, resources and last spike of the senders of a projection, in whole blocks."""
        lanes = self.efficacies(name).shape[1]
        rows = []
        for key in SHORT_TERM:
            value = self.projection_state[name][key][0]
            row = np.zeros(lanes, value.dtype)
            row[: value.size] = value
            rows.append(row)
        self._short_term[name] = (rows[0], rows[1], rows[2])
        return self._short_term[name]

    def potentials(self, name: str) -> Array:
        """Potentials of a population for its gap junctions, for even and odd steps."""
        if name not in self._potentials:
            memory = self.memories[name]
            rows = np.zeros((2, len(memory.blocks) * LANES), self.numbers)
            rows[self.step % 2, : memory.population.n] = memory.row(STATE)
            self._potentials[name] = rows
        return self._potentials[name]

    def _row_starts(self, synapses: Synapses, target: str) -> tuple[int, int]:
        """Address and stride of where rows begin, for each thread's own receivers."""
        if self.threads == 1:
            return self.keep(synapses.starts), 1
        place = list(self.memories).index(target)
        bounds = self.shares[1:-1, place] * LANES
        begins = np.empty((synapses.starts.size - 1, self.threads + 1), np.int64)
        begins[:, 0], begins[:, -1] = synapses.starts[:-1], synapses.starts[1:]
        for thread, bound in enumerate(bounds, start=1):
            begins[:, thread] = synapses.starts[:-1] + below(synapses, int(bound))
        return self.keep(begins), self.threads + 1

    def _spike_room(self) -> None:
        """Room for spikes that are kept, for each thread and population."""
        many = len(self.memories)
        self.records = np.zeros((self.threads, many, table.RECORD_COLUMNS), np.int64)
        self.record_rooms: list[dict[int, Array]] = []
        for thread in range(self.threads):
            rooms = {}
            for p, name in enumerate(self.memories):
                if name in self.recorded:
                    blocks = int(self.shares[thread + 1, p] - self.shares[thread, p])
                    size = ROOM + 2 * blocks * LANES * self.wiring.batch
                    rooms[p] = np.zeros(size, np.int32)
                    self.records[thread, p, :2] = address(rooms[p]), size
            self.record_rooms.append(rooms)

    # -------------------------------------------------------------------------------- steps

    def advance(self, steps: int) -> tuple[int, NDArray[np.int64], dict[str, Array]]:
        """Live for so many steps, or fewer if there is no room for more spikes.

        Returns:
            The steps made, how many cells of each population fired in each (``[populations,
            steps]``), and who fired, by population: those of a step together, in ascending order.
        """
        many = len(self.memories)
        totals = np.zeros((self.threads, many, steps), np.int64)
        full = np.full((self.threads, 8), NEVER, np.int64)
        counter = np.zeros(8, np.int64)
        self.records[:, :, table.RECORDS] = 0
        circuit = np.zeros(table.CIRCUIT_COLUMNS, np.int64)
        circuit[table.POPULATIONS] = address(self.populations)
        circuit[table.POPULATION_COUNT] = many
        circuit[table.STAGE_TABLE] = address(self.stages.rows)
        circuit[table.PROJECTION_TABLE] = address(self.projections)
        circuit[table.SHARES], circuit[table.THREADS] = address(self.shares), self.threads
        circuit[table.BATCH], circuit[table.FIRED_COUNTS] = (
            self.wiring.batch,
            address(self.fired_counts),
        )
        circuit[table.TOTALS], circuit[table.TOTALS_ROOM] = address(totals), steps
        circuit[table.RECORD_TABLE], circuit[table.FULL] = address(self.records), address(full)
        circuit[table.COUNTER] = address(counter)
        made = np.zeros(self.threads, np.int64)
        like = self.numbers(0)

        def share(thread: int) -> None:
            made[thread] = table.advance(circuit, like, thread, self.step, steps)

        if self.threads == 1:
            share(0)
        else:
            # Compiled or loaded before, as nobody must be late for the first meeting.
            table.advance(circuit, like, 0, self.step, 0)
            # Threads of their own: in a loop where all wait for all, none may be missing.
            with ThreadPoolExecutor(self.threads - 1) as team:
                others = [team.submit(share, thread) for thread in range(1, self.threads)]
                share(0)
            for other in others:
                other.result()
        done = int(made[0])
        spikes = {
            name: self._recorded(p, totals[:, :, :done])
            for p, name in enumerate(self.memories)
            if name in self.recorded
        }
        self.step += done
        return done, totals.sum(axis=0)[:, :done], spikes

    def _recorded(self, p: int, totals: NDArray[np.int64]) -> Array:
        """Who of a population fired, by step and then by cell."""
        counts = self.records[:, p, table.RECORDS]
        who = np.concatenate(
            [rooms[p][:n] for rooms, n in zip(self.record_rooms, counts, strict=True)]
        )
        if self.threads == 1:
            return who
        steps = np.arange(totals.shape[-1])
        when = np.concatenate([np.repeat(steps, total) for total in totals[:, p]])
        # Threads own ascending ranges of cells, so that sorting by time leaves cells in order.
        sorted_: Array = who[np.argsort(when, kind="stable")]
        return sorted_


def shares_of(blocks: Sequence[int], threads: int) -> NDArray[np.int64]:
    """Where each thread's blocks of each population begin, ``[threads + 1, populations]``.

    >>> shares_of([3, 1], 2).tolist()
    [[0, 0], [2, 0], [3, 1]]
    """
    before = np.concatenate([[0], np.cumsum(blocks)])
    edges = np.arange(threads + 1)[:, None] * before[-1] // threads
    shares: NDArray[np.int64] = np.clip(edges - before[:-1], 0, np.asarray(blocks))
    return shares.astype(np.int64)


def below(synapses: Synapses, bound: int, rows_at_once: int = 4096) -> NDArray[np.int64]:
    """For each sender, how many of its receivers come before a cell."""
    starts = synapses.starts
    counts = np.zeros(starts.size - 1, np.int64)
    for low in range(0, counts.size, rows_at_once):
        high = min(low + rows_at_once, counts.size)
        near = synapses.receivers[starts[low] : starts[high]] < bound
        sums = np.concatenate([[0], np.cumsum(near)])
        edges = starts[low : high + 1] - starts[low]
        counts[low:high] = sums[edges[1:]] - sums[edges[:-1]]
    return counts
