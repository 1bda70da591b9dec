"""Stages that begin a step: the drive that is injected, before receptors add theirs."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurallayers.circuits.kernels.stages import carray, part, pointer_to, shifted, stage
from neurallayers.dynamics.kernels.blocks import CONDUCTANCE, DRIVE, LANES, SPIKES
from neurallayers.dynamics.synapses.short_term import released


@part
def fill_row(block: Any, row: int, value: Any) -> None:
    """The same number in all lanes."""
    lanes = carray(shifted(block, row * LANES), (LANES,))
    for i in range(LANES):
        lanes[i] = value


@stage()
def constant_current(
    block: Any, arrivals: Any, numbers: Any, integers: Any, index: int, step: int
) -> None:
    """A constant current, ``numbers[0]``, and no conductance."""
    fill_row(block, DRIVE, numbers[0])
    fill_row(block, CONDUCTANCE, 0.0 * numbers[0])


@stage()
def current_for_all(
    block: Any, arrivals: Any, numbers: Any, integers: Any, index: int, step: int
) -> None:
    """Add ``numbers[t]`` to all cells; integers: 0 first step  1 steps a number lasts  2 how many.

    Before the first and after the last number nothing is added; one number that lasts 0 steps is
    added for ever.
    """
    place = 0
    if integers[1] > 0:
        place = (step - integers[0]) // integers[1]
        if step < integers[0] or place >= integers[2]:
            return
    current = numbers[place]
    drive = carray(shifted(block, DRIVE * LANES), (LANES,))
    for i in range(LANES):
        drive[i] += current


@stage()
def current_for_each(
    block: Any, arrivals: Any, numbers: Any, integers: Any, index: int, step: int
) -> None:
    """The same with a row of numbers; integers: 3 numbers in a row (a whole number of blocks)."""
    place = 0
    if integers[1] > 0:
        place = (step - integers[0]) // integers[1]
        if step < integers[0] or place >= integers[2]:
            return
    current = carray(shifted(numbers, place * integers[3] + index * LANES), (LANES,))
    drive = carray(shifted(block, DRIVE * LANES), (LANES,))
    for i in range(LANES):
        drive[i] += current[i]


@stage()
def listed_spikes(
    block: Any, arrivals: Any, numbers: Any, integers: Any, index: int, step: int
) -> None:
    """Who of a source fires in a step, by its list.

    integers: 0 address of the list, replaced by how many fire  1 address where to write who (int32)
    2, 3 first cell and end of the thread's share. The list: first step, steps, address of where
    steps begin, address of the cells.
    """
    entries = carray(pointer_to(integers[0], step), (4,))
    fired, low, high = pointer_to(integers[1], np.int32(0)), integers[2], integers[3]
    integers[0] = 0
    place = step - entries[0]
    if place < 0 or place >= entries[1]:
        return
    begins, cells = pointer_to(entries[2], step), pointer_to(entries[3], step)
    count = 0
    for k in range(begins[place], begins[place + 1]):
        # Several spikes of a cell in one step are one.
        if low <= cells[k] < high and (count == 0 or fired[count - 1] != cells[k]):
            fired[count] = cells[k]
            count += 1
    integers[0] = count


@stage()
def spikes_at_times(
    block: Any, arrivals: Any, numbers: Any, integers: Any, index: int, step: int
) -> None:
    """The same, written down in blocks, for stages that look there.

    integers: the list.
    """
    spikes = carray(shifted(block, SPIKES * LANES), (LANES,))
    for i in range(LANES):
        spikes[i] = 0.0
    place = step - integers[0]
    if place < 0 or place >= integers[1]:
        return
    begins, cells = pointer_to(integers[2], step), pointer_to(integers[3], step)
    for k in range(begins[place], begins[place + 1]):
        lane = cells[k] - index * LANES
        if 0 <= lane < LANES:
            spikes[lane] = 1.0


@stage()
def arrivals_at_times(
    block: Any, arrivals: Any, numbers: Any, integers: Any, index: int, step: int
) -> None:
    """Recorded spikes that arrive at a receptor.

    integers: 0 first step  1 how many steps  2 address of where steps begin  3 address of cells
    4 place among the arrivals.  Numbers: a weight for each spike.
    """
    place = step - integers[0]
    if place < 0 or place >= integers[1]:
        return
    arriving = carray(shifted(arrivals, integers[4] * LANES), (LANES,))
    begins, cells = pointer_to(integers[2], step), pointer_to(integers[3], step)
    for k in range(begins[place], begins[place + 1]):
        lane = cells[k] - index * LANES
        if 0 <= lane < LANES:
            arriving[lane] += numbers[k]


@stage()
def sample_row(
    block: Any, arrivals: Any, numbers: Any, integers: Any, index: int, step: int
) -> None:
    """Keep a variable of chosen cells at some steps.

    integers: 0 row  1 every so many steps  2 number of the first sample  3 address of the samples
    4 cells in a sample  5 address of where the lanes of each block begin  6 address of the lanes.
    """
    if (step + 1) % integers[1] != 0:
        return
    place = (step + 1) // integers[1] - integers[2]
    row = carray(shifted(block, integers[0] * LANES), (LANES,))
    samples = shifted(pointer_to(integers[3], row[0]), place * integers[4])
    begins, lanes = pointer_to(integers[5], step), pointer_to(integers[6], step)
    for k in range(begins[index], begins[index + 1]):
        samples[k] = row[lanes[k]]


@stage("synapses/short_term.py")
def release(block: Any, arrivals: Any, numbers: Any, integers: Any, index: int, step: int) -> None:
    """Short-term plasticity: what the synapses of the cells that fired release.

    integers: 0, 1, 2 addresses of use, resources and the step of the last spike (int64)
    3 address of the efficacies, one row for each step of a batch  4 rows  5 cells in a row.
    Numbers: 0 dt, then the parameters of ``released`` in dynamics/synapses/short_term.py.
    """
    spikes = carray(shifted(block, SPIKES * LANES), (LANES,))
    use = carray(shifted(pointer_to(integers[0], spikes[0]), index * LANES), (LANES,))
    resources = carray(shifted(pointer_to(integers[1], spikes[0]), index * LANES), (LANES,))
    last = carray(shifted(pointer_to(integers[2], step), index * LANES), (LANES,))
    place = (step % integers[4]) * integers[5] + index * LANES
    efficacy = carray(shifted(pointer_to(integers[3], spikes[0]), place), (LANES,))
    elapsed = np.empty_like(use[:1])
    for i in range(LANES):
        if spikes[i] != 0.0:
            # Through an array, which has the precision of the circuit.
            elapsed[0] = step - last[i]
            use[i], resources[i], efficacy[i] = released(
                use[i], resources[i], elapsed[0] * numbers[0],
                numbers[1], numbers[2], numbers[3], numbers[4],
            )  # fmt: skip
            last[i] = step
