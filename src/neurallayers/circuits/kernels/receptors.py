"""Stages that advance receptors: arrivals of this step in, drive and conductance out.

A receptor is the linear pair (x, y) of :mod:`neurallayers.dynamics.synapses.kinetics`. Its rows lie
before the block's own, the last receptor's first, and what arrives at the receptors of a block lies
side by side::

    block      ... row -2  row -1 | row 0 (drive)  row 1 (conductance)  row 2 (spikes)  row 3 ...
    arrivals   receptor 0 | receptor 1 | ...

Receptors of one variable come first, at -1, -2, ...; up to four of them are advanced in one loop,
where all distances are known to the compiler. Other loops are short and touch few arrays: a
compiler that has to rule out more than eight overlaps gives up on vectors, silently.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from neurallayers.circuits.kernels.stages import Stage, carray, part, shifted
from neurallayers.dynamics.arithmetic import exp
from neurallayers.dynamics.kernels.blocks import CONDUCTANCE, DRIVE, LANES, STATE
from neurallayers.dynamics.synapses.receptors import hill_of_four, unblocked

MOST_TOGETHER = 4
# Numbers of a receptor.
DECAY_X, DECAY_Y, COUPLING, JUMP_X, JUMP_Y, OUTPUT_X, OUTPUT_Y, REVERSAL = range(8)
NUMBERS_EACH = 8
# Further numbers of one that stands alone.
DISSOCIATION, MAXIMUM, MAGNESIUM, HALF, STEEPNESS, SATURATION = range(8, 14)


@functools.cache
def single_receptors(ohmic: tuple[bool, ...]) -> Stage:  # noqa: C901 - one loop on purpose
    """Up to four receptors of one variable, currents or conductances, and a constant current.

    The stage sets drive and conductance; ``numbers`` are those of the receptors, then the current.
    """
    many = len(ohmic)
    first, second, third, fourth = (*ohmic, *(False,) * (MOST_TOGETHER - many))
    conducting = any(ohmic)
    current = many * NUMBERS_EACH
    # Rows that are not used stand for the first, and the compiler drops what is not read.
    rows = [min(place, many - 1) for place in range(MOST_TOGETHER)]
    row_1, row_2, row_3 = rows[1], rows[2], rows[3]

    def singles(
        block: Any, arrivals: Any, numbers: Any, integers: Any, index: int, step: int
    ) -> None:
        drive = carray(shifted(block, DRIVE * LANES), (LANES,))
        conductance = carray(shifted(block, CONDUCTANCE * LANES), (LANES,))
        y_0 = carray(shifted(block, -LANES), (LANES,))
        y_1 = carray(shifted(block, -(row_1 + 1) * LANES), (LANES,))
        y_2 = carray(shifted(block, -(row_2 + 1) * LANES), (LANES,))
        y_3 = carray(shifted(block, -(row_3 + 1) * LANES), (LANES,))
        came_0 = carray(arrivals, (LANES,))
        came_1 = carray(shifted(arrivals, row_1 * LANES), (LANES,))
        came_2 = carray(shifted(arrivals, row_2 * LANES), (LANES,))
        came_3 = carray(shifted(arrivals, row_3 * LANES), (LANES,))
        injected = numbers[current]
        decay_0, jump_0, output_0, reversal_0 = numbers[1], numbers[4], numbers[6], numbers[7]
        at = row_1 * NUMBERS_EACH
        decay_1, jump_1 = numbers[at + 1], numbers[at + 4]
        output_1, reversal_1 = numbers[at + 6], numbers[at + 7]
        at = row_2 * NUMBERS_EACH
        decay_2, jump_2 = numbers[at + 1], numbers[at + 4]
        output_2, reversal_2 = numbers[at + 6], numbers[at + 7]
        at = row_3 * NUMBERS_EACH
        decay_3, jump_3 = numbers[at + 1], numbers[at + 4]
        output_3, reversal_3 = numbers[at + 6], numbers[at + 7]
        for i in range(LANES):
            active = y_0[i] + jump_0 * came_0[i]
            output = output_0 * active
            y_0[i] = decay_0 * active
            came_0[i] = 0.0
            if first:
                driven, conducted = output * reversal_0, output
            else:
                driven, conducted = output, 0.0 * output
            if many > 1:
                active = y_1[i] + jump_1 * came_1[i]
                output = output_1 * active
                y_1[i] = decay_1 * active
                came_1[i] = 0.0
                if second:
                    driven += output * reversal_1
                    conducted += output
                else:
                    driven += output
            if many > 2:
                active = y_2[i] + jump_2 * came_2[i]
                output = output_2 * active
                y_2[i] = decay_2 * active
                came_2[i] = 0.0
                if third:
                    driven += output * reversal_2
                    conducted += output
                else:
                    driven += output
            if many > 3:
                active = y_3[i] + jump_3 * came_3[i]
                output = output_3 * active
                y_3[i] = decay_3 * active
                came_3[i] = 0.0
                if fourth:
                    driven += output * reversal_3
                    conducted += output
                else:
                    driven += output
            drive[i] = injected + driven
            # Where no receptor conducts the row stays zero.
            if conducting:
                conductance[i] = conducted

    return Stage(singles)


@part
def advance_pair(block: Any, arrivals: Any, numbers: Any, integers: Any, out: Any) -> None:
    """Arrivals act, the output of the step goes to ``out``, and the pair goes on.

    integers: 0 row of x (none: 0)  1 row of y  2 place among the arrivals.
    """
    y = carray(shifted(block, integers[1] * LANES), (LANES,))
    came = carray(shifted(arrivals, integers[2] * LANES), (LANES,))
    jump_y, output_y, decay_y = numbers[JUMP_Y], numbers[OUTPUT_Y], numbers[DECAY_Y]
    if integers[0] == 0:
        for i in range(LANES):
            active = y[i] + came[i] * jump_y
            out[i] = output_y * active
            y[i] = decay_y * active
            came[i] = 0.0
        return
    x = carray(shifted(block, integers[0] * LANES), (LANES,))
    jump_x, output_x, decay_x = numbers[JUMP_X], numbers[OUTPUT_X], numbers[DECAY_X]
    coupling = numbers[COUPLING]
    for i in range(LANES):
        x[i] += came[i] * jump_x
        y[i] += came[i] * jump_y
        came[i] = 0.0
    for i in range(LANES):
        out[i] = output_x * x[i] + output_y * y[i]
        y[i] = decay_y * y[i] + coupling * x[i]
        x[i] = decay_x * x[i]


@part
def add_current(block: Any, current: Any) -> None:
    """Add to the drive."""
    drive = carray(shifted(block, DRIVE * LANES), (LANES,))
    for i in range(LANES):
        drive[i] += current[i]


@part
def add_conductance(block: Any, conducted: Any, reversal: Any) -> None:
    """Add a conductance and what it drives."""
    drive = carray(shifted(block, DRIVE * LANES), (LANES,))
    conductance = carray(shifted(block, CONDUCTANCE * LANES), (LANES,))
    for i in range(LANES):
        conductance[i] += conducted[i]
        drive[i] += conducted[i] * reversal


@functools.cache
def receptor(ohmic: bool, hill: bool, block_by_magnesium: bool, saturates: bool) -> Stage:
    """A receptor of one or two variables with all that it may have, added to what is there."""

    def accumulate(
        block: Any, arrivals: Any, numbers: Any, integers: Any, index: int, step: int
    ) -> None:
        out = np.empty_like(carray(block, (LANES,)))
        if saturates:
            x = carray(shifted(block, integers[0] * LANES), (LANES,))
            came = carray(shifted(arrivals, integers[2] * LANES), (LANES,))
            logarithm, jump = numbers[SATURATION], numbers[JUMP_X]
            for i in range(LANES):
                # n pulses bind 1 - (1 - j)^n of what is free; the pair then adds jump x came.
                came[i] = (1.0 - x[i]) * (1.0 - exp(came[i] * logarithm)) / jump
        advance_pair(block, arrivals, numbers, integers, out)
        if hill:
            dissociation, maximum = numbers[DISSOCIATION], numbers[MAXIMUM]
            for i in range(LANES):
                out[i] = maximum * hill_of_four(out[i], dissociation)
        if block_by_magnesium:
            potential = carray(shifted(block, STATE * LANES), (LANES,))
            magnesium, half, steepness = numbers[MAGNESIUM], numbers[HALF], numbers[STEEPNESS]
            for i in range(LANES):
                out[i] *= unblocked(potential[i], magnesium, half, steepness)
        if ohmic:
            add_conductance(block, out, numbers[REVERSAL])
        else:
            add_current(block, out)

    return Stage(accumulate, ("synapses/receptors.py",))
