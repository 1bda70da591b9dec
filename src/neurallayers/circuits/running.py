"""A run from beginning to end: in pieces, watched, recorded."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from neurallayers.circuits.circuit_state import CircuitState
from neurallayers.circuits.recording import (
    Record,
    Run,
    Sampling,
    Spikes,
    chosen_cells,
    chosen_names,
    variable_row,
    whole_steps,
)
from neurallayers.circuits.simulation import LivingCircuit
from neurallayers.circuits.wiring import Wiring
from neurallayers.dynamics.kernels.blocks import STATE, blocks_of
from neurallayers.errors import InvalidInput
from neurallayers.extras import require

Progress = bool | Callable[[float], None]

# Steps between two looks at the circuit.
PIECE = 1_000
# So many cells and synapses are worth a second thread, and a further one for each as many.
CELLS_A_THREAD, SYNAPSES_A_THREAD = 20_000, 1_000_000


@dataclass
class Recorder:
    """What a run has gathered so far."""

    populations: list[str]
    spikes: dict[str, list[tuple[int, NDArray[np.int64], NDArray[np.int32]]]]
    totals: list[NDArray[np.int64]] = field(default_factory=list)
    weights: dict[str, list[NDArray[Any]]] = field(default_factory=dict)
    weight_steps: list[int] = field(default_factory=list)


def live(
    wiring: Wiring,
    begin: Callable[[], CircuitState],
    duration_ms: float,
    record: Record,
    threads: int | None,
    progress: Progress,
) -> Run:
    """Run a circuit; see :meth:`neurallayers.circuits.circuit.Circuit.run`."""
    plan = wiring.plan
    names, dt_ms = list(plan.populations), plan.dt_ms
    steps = whole_steps(duration_ms, dt_ms, "duration_ms")
    state = begin()
    start = int(state.step[0])
    recorded = chosen_names(record.spikes, names, "population")
    rated = chosen_names(record.rates, names, "population")
    samplings, chosen = planned_samplings(wiring, record, start, steps)
    simulation = LivingCircuit(
        wiring, state, thread_count(wiring, threads), recorded,
        {name: list(found.values()) for name, found in samplings.items()},
    )  # fmt: skip
    # Large circuits have no memory for what is not needed any more.
    del state
    recorder = Recorder(names, {name: [] for name in recorded})
    weighed = watched_weights(wiring, record)
    every = whole_steps(record.weights_every_ms, dt_ms, "weights_every_ms")
    with watcher(progress) as watch:
        while simulation.step < start + steps:
            piece = min(PIECE, start + steps - simulation.step)
            if weighed:
                piece = min(piece, every - simulation.step % every)
            since = simulation.step
            _, totals, spikes = simulation.advance(piece)
            refuse_infinite(simulation, since)
            for name, who in spikes.items():
                counts = totals[names.index(name)]
                recorder.spikes[name].append((since, counts, who))
            if rated:
                recorder.totals.append(totals)
            if weighed and simulation.step % every == 0:
                recorder.weight_steps.append(simulation.step)
                for name in weighed:
                    weights = simulation.projection_state[name]["weight"][0].copy()
                    recorder.weights.setdefault(name, []).append(weights)
            watch((simulation.step - start) / steps)
    return gathered(wiring, simulation, recorder, record, (start, samplings, chosen, rated))


def thread_count(wiring: Wiring, asked: int | None) -> int:
    """How many threads a circuit is worth.

    Raises:
        InvalidInput: If fewer than one are asked for.
    """
    if asked is not None and asked < 1:
        raise InvalidInput(f"threads is {asked}.", "Choose one or more.")
    if wiring.one_thread_only:
        return 1
    blocks = sum(blocks_of(population.n) for population in wiring.plan.populations.values())
    if asked is None:
        worth = max(wiring.cells // CELLS_A_THREAD, wiring.synapse_count // SYNAPSES_A_THREAD)
        asked = min(torch.get_num_threads(), 1 + worth)
    return max(1, min(asked, blocks))


def planned_samplings(
    wiring: Wiring, record: Record, start: int, steps: int
) -> tuple[dict[str, dict[str, Sampling]], dict[str, NDArray[np.int64]]]:
    """Room for the variables that are recorded, and the cells of which."""
    plan = wiring.plan
    every = 1
    if record.every_ms is not None:
        every = whole_steps(record.every_ms, plan.dt_ms, "every_ms")
    first = start // every + 1
    count = (start + steps) // every - first + 1
    numbers = np.float32 if plan.dtype == torch.float32 else np.float64
    samplings: dict[str, dict[str, Sampling]] = {}
    chosen = {}
    names = chosen_names(list(record.variables), list(plan.populations), "population")
    for name in names:
        population = plan.populations[name]
        cells = chosen[name] = chosen_cells(record.cells, population)
        wanted = record.variables[name]
        samplings[name] = {
            variable: Sampling(
                variable_row(population, variable), every, first, cells,
                np.zeros((count, cells.size), numbers), blocks_of(population.n),
            )
            for variable in ([wanted] if isinstance(wanted, str) else wanted)
        }  # fmt: skip
    return samplings, chosen


def watched_weights(wiring: Wiring, record: Record) -> list[str]:
    """Names of the projections whose weights are recorded.

    Raises:
        InvalidInput: If one has weights that do not change.
    """
    names = chosen_names(record.weights, list(wiring.plan.projections), "projection")
    for name in names:
        if wiring.plan.projections[name].plasticity is None:
            raise InvalidInput(
                f"The weights of {name!r} do not change.", "Record those of plastic projections."
            )
    return names


def refuse_infinite(simulation: LivingCircuit, begin: int) -> None:
    """Stop a run whose numbers have gone.

    Raises:
        InvalidInput: If a membrane potential is not finite; it names where and when.
    """
    dt_ms = simulation.wiring.plan.dt_ms
    for name, memory in simulation.memories.items():
        if memory.population.neurons is None:
            continue
        potentials = memory.blocks[:, memory.before + STATE]
        # Most often all are finite, and a sum says so fastest.
        if np.isfinite(potentials.sum()):
            continue
        finite = np.isfinite(memory.row(STATE))
        if not finite.all():
            raise InvalidInput(
                f"The membrane potential of cell {int(np.flatnonzero(~finite)[0])} of {name!r} "
                f"became {memory.row(STATE)[~finite][0]} between {begin * dt_ms:g} ms (step "
                f"{begin}) and {simulation.step * dt_ms:g} ms (step {simulation.step}).",
                "Look for weights or currents that are too large, or take a smaller dt_ms; the "
                "state before the run is as it was.",
            )


def gathered(
    wiring: Wiring,
    simulation: LivingCircuit,
    recorder: Recorder,
    record: Record,
    planned: tuple[int, dict[str, dict[str, Sampling]], dict[str, NDArray[np.int64]], list[str]],
) -> Run:
    """All that was recorded, in the units of the user."""
    start, samplings, chosen, rated = planned
    plan, stop, state = wiring.plan, simulation.step, simulation.finish()
    dt_ms = plan.dt_ms
    start_ms, stop_ms = start * dt_ms, stop * dt_ms
    spikes = {}
    for name, pieces in recorder.spikes.items():
        place = sum(who.size for _, _, who in pieces)
        times, senders = np.empty(place), np.empty(place, np.int64)
        # Backwards, and each piece is given back: there may be no memory for all of it twice.
        while pieces:
            since, counts, who = pieces.pop()
            ends = np.arange(since + 1, since + 1 + counts.size)
            place -= who.size
            times[place : place + who.size] = np.repeat(ends, counts)
            senders[place : place + who.size] = who
        times *= dt_ms
        n = plan.populations[name].n
        spikes[name] = Spikes(times, senders, n, start_ms, stop_ms)
    sampled = [found for by_name in samplings.values() for found in by_name.values()]
    sample_times: NDArray[Any] = np.zeros(0)
    if sampled:
        sample_times = (
            (sampled[0].first + np.arange(len(sampled[0].samples))) * sampled[0].every * dt_ms
        )
    rates, rate_times = binned_rates(wiring, recorder, record, rated, start)
    return Run(
        spikes=spikes,
        times_ms=sample_times,
        variables={
            name: {variable: found.in_order() for variable, found in by_name.items()}
            for name, by_name in samplings.items()
        },
        cells=chosen,
        rates_hz=rates,
        rate_times_ms=rate_times,
        weights={name: np.stack(pieces) for name, pieces in recorder.weights.items()},
        weight_times_ms=np.array(recorder.weight_steps) * dt_ms,
        state=state,
        start_ms=start_ms,
        stop_ms=stop_ms,
    )


def binned_rates(
    wiring: Wiring, recorder: Recorder, record: Record, rated: list[str], start: int
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """Mean rates of populations over bins [Hz]; what is left of the last bin is left out."""
    if not rated:
        return {}, np.zeros(0)
    dt_ms = wiring.plan.dt_ms
    width = whole_steps(record.rate_bin_ms, dt_ms, "rate_bin_ms")
    totals = np.concatenate(recorder.totals, axis=1)
    bins = totals.shape[1] // width
    counts = totals[:, : bins * width].reshape(len(totals), bins, width).sum(axis=2)
    rates = {}
    for p, name in enumerate(recorder.populations):
        if name in rated:
            rates[name] = counts[p] / wiring.plan.populations[name].n / (width * dt_ms) * 1e3
    return rates, (start + (np.arange(bins) + 1) * width) * dt_ms


@contextlib.contextmanager
def watcher(progress: Progress) -> Iterator[Callable[[float], None]]:
    """What is told how far a run has come."""
    if callable(progress):
        yield progress
        return
    if not progress:
        yield lambda part: None
        return
    bars = require("rich.progress", extra="viz")
    with bars.Progress(transient=True) as bar:
        task = bar.add_task("circuit", total=1.0)
        yield lambda part: bar.update(task, completed=part)
