"""The loop over time of every circuit.

A batch of steps is as long as no spike of it can act within it (the shortest delay). A block passes
through all steps of a batch while it lies in the nearest cache; then the spikes of the batch are
delivered, step by step, population by population, projection by projection, sender by sender.

What there is stands in tables of int64, read through pointers: arrays would take twice as long to
compile, and a first result waits for that.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurallayers.circuits.kernels.stages import (
    advance_block,
    call_stage,
    carray,
    loop,
    part,
    pointer_to,
    shifted,
    whole,
)
from neurallayers.circuits.kernels.teams import wait_for_all
from neurallayers.dynamics.kernels.blocks import LANES, SPIKES

# What stands where in the table of the circuit; addresses are in bytes.
POPULATIONS, POPULATION_COUNT, STAGE_TABLE, PROJECTION_TABLE = 0, 1, 2, 3
SHARES = 4  # [threads + 1, populations], where each thread's blocks begin
THREADS, BATCH = 5, 6
FIRED_COUNTS = 7  # [2, threads, populations, batch]
TOTALS = 8  # [threads, populations, TOTALS_ROOM], how many cells fired in each step
TOTALS_ROOM = 9  # steps
RECORD_TABLE = 10  # [threads, populations, RECORD_COLUMNS]
FULL = 11  # [threads, 8]: the meeting at which a thread had no room for more spikes
COUNTER = 12  # how many threads have come to all meetings
CIRCUIT_COLUMNS = 13
# Of a population.
CELLS, BLOCKS, BASE, BLOCK_BYTES = 0, 1, 2, 3
KERNEL, PARAMETERS = 4, 5  # 0: the stages themselves write the spikes
RING, SLOT_BYTES, SLOTS = 6, 7, 8
STAGES, MIDDLE, STAGES_END = 9, 10, 11  # the neurons are advanced before the stage MIDDLE
PROJECTIONS, PROJECTIONS_END = 12, 13
FIRED = 14  # int32 [2, batch, padded cells]: who fired, ascending within each thread's share
RECORDED = 15
ARRIVALS = 16  # bytes of what arrives at a block in a step
LISTED, LIST = 17, 18  # address of a stage that reads who fires from a list, and of the list
POPULATION_COLUMNS = 19
# Of a stage and of a projection.
FUNCTION, NUMBERS, INTEGERS = 0, 1, 2
ALWAYS = 3  # of a projection: call it though nobody fired
STAGE_COLUMNS, PROJECTION_COLUMNS = 3, 4
# Of a record.
SENDERS, CAPACITY, RECORDS = 0, 1, 2
RECORD_COLUMNS = 3
# Lanes that are searched for spikes together.
GROUP = 32


@part
def collect(block: Any, lanes: int, first: int, fired: Any, count: int) -> int:
    """Append the cells of a block that fired; returns how many there are now."""
    spikes = carray(shifted(block, SPIKES * LANES), (LANES,))
    total = 0
    for i in range(LANES):
        total += whole(spikes[i] != 0.0)
    if total == 0:
        return count
    for group in range(0, lanes, GROUP):
        near = carray(shifted(block, SPIKES * LANES + group), (GROUP,))
        total = 0
        for i in range(GROUP):
            total += whole(near[i] != 0.0)
        if total > 0:
            for i in range(min(GROUP, lanes - group)):
                fired[count] = first + group + i
                count += whole(near[i] != 0.0)
    return count


@part
def advance_share(
    population: Any, stages: Any, low: int, high: int, first_step: int, size: int, place: int,
    counts: Any, call: Any, like: Any,
) -> None:  # fmt: skip
    """Blocks ``low`` to ``high`` of a population through the ``size`` steps of a batch.

    Who fires is written to rows ``place``, ``place + 1``, ... of the population's list.
    """
    row_bytes = 4 * population[BLOCKS] * LANES
    fired_address = population[FIRED] + place * row_bytes + 4 * low * LANES
    kernel, listed = population[KERNEL], population[LISTED]
    for s in range(size):
        counts[s] = 0
        if listed != 0:
            call[0], call[1] = population[LIST], fired_address + s * row_bytes
            call[2], call[3] = low * LANES, high * LANES
            address = call.ctypes.data
            call_stage(listed, address, address, address, address, 0, first_step + s)
            counts[s] = call[0]
    if listed != 0:
        return
    for b in range(low, high):
        block = population[BASE] + b * population[BLOCK_BYTES]
        lanes = min(LANES, population[CELLS] - b * LANES)
        for s in range(size):
            step = first_step + s
            slot = step % population[SLOTS]
            arrivals = population[RING] + slot * population[SLOT_BYTES] + b * population[ARRIVALS]
            for g in range(population[STAGES], population[STAGES_END] + 1):
                if g == population[MIDDLE] and kernel != 0:
                    advance_block(kernel, block, population[PARAMETERS])
                if g < population[STAGES_END]:
                    row = shifted(stages, g * STAGE_COLUMNS)
                    call_stage(row[FUNCTION], block, arrivals, row[NUMBERS], row[INTEGERS], b, step)
            fired_cells = pointer_to(fired_address + s * row_bytes, np.int32(0))
            lanes_of_block = pointer_to(block, like)
            counts[s] = collect(lanes_of_block, lanes, b * LANES, fired_cells, counts[s])


@loop("../circuits/kernels/teams.py")
def advance(  # noqa: C901 - each part of its own would be compiled once more
    circuit: Any, like: Any, thread: int, first_step: int, steps: int
) -> Any:
    """Advance a circuit by so many steps, or until there is no room to record more spikes.

    Args:
        circuit: int64 ``[CIRCUIT_COLUMNS]``.
        like: A number in the precision of the circuit.
        thread: Which thread this is.
        first_step: The circuit's age in steps.
        steps: How many to advance.

    Returns:
        How many steps were made.
    """
    zero = whole(0)
    populations = pointer_to(circuit[POPULATIONS], zero)
    stages = pointer_to(circuit[STAGE_TABLE], zero)
    projections = pointer_to(circuit[PROJECTION_TABLE], zero)
    shares = pointer_to(circuit[SHARES], zero)
    all_counts = pointer_to(circuit[FIRED_COUNTS], zero)
    totals = pointer_to(circuit[TOTALS], zero)
    records = pointer_to(circuit[RECORD_TABLE], zero)
    full = pointer_to(circuit[FULL], zero)
    many, threads, batch = circuit[POPULATION_COUNT], circuit[THREADS], circuit[BATCH]
    call = np.empty(4, np.int64)
    call_address = call.ctypes.data
    done, parity, meetings = zero, zero, zero
    while done < steps:
        size = min(batch, steps - done)
        meetings += 1
        # Own cells live, and who of them fires is kept.
        for p in range(many):
            population = shifted(populations, p * POPULATION_COLUMNS)
            low, high = shares[thread * many + p], shares[(thread + 1) * many + p]
            counts = shifted(all_counts, ((parity * threads + thread) * many + p) * batch)
            advance_share(
                population, stages, low, high, first_step + done, size, parity * batch, counts,
                call, like,
            )  # fmt: skip
            record = shifted(records, (thread * many + p) * RECORD_COLUMNS)
            senders = pointer_to(record[SENDERS], np.int32(0))
            kept = record[RECORDS]
            for s in range(size):
                totals[(thread * many + p) * circuit[TOTALS_ROOM] + done + s] = counts[s]
                if population[RECORDED] != 0:
                    place = ((parity * batch + s) * population[BLOCKS] + low) * LANES
                    fired = pointer_to(population[FIRED] + 4 * place, np.int32(0))
                    for k in range(counts[s]):
                        senders[kept] = fired[k]
                        kept += 1
            record[RECORDS] = kept
            if population[RECORDED] != 0 and kept + (high - low) * LANES * batch > record[CAPACITY]:
                full[thread * 8] = min(full[thread * 8], meetings)
        if threads > 1:
            wait_for_all(circuit[COUNTER], threads, meetings)
        # All spikes are delivered to own cells.
        for s in range(size):
            for p in range(many):
                population = shifted(populations, p * POPULATION_COLUMNS)
                for j in range(population[PROJECTIONS], population[PROJECTIONS_END]):
                    projection = shifted(projections, j * PROJECTION_COLUMNS)
                    for t in range(threads):
                        place = (parity * batch + s) * population[BLOCKS] + shares[t * many + p]
                        call[0] = population[FIRED] + 4 * place * LANES
                        call[1] = all_counts[((parity * threads + t) * many + p) * batch + s]
                        call[2], call[3] = thread, parity * batch + s
                        if call[1] > 0 or projection[ALWAYS] != 0:
                            call_stage(
                                projection[FUNCTION], call_address, call_address,
                                projection[NUMBERS], projection[INTEGERS], call_address,
                                first_step + done + s,
                            )  # fmt: skip
        done += size
        parity = 1 - parity
        for t in range(threads):
            if full[t * 8] <= meetings:
                return done
    return done
