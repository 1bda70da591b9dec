"""The stage of gap junctions: each cell is pulled towards its partners' potentials."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurallayers.circuits.kernels.stages import carray, pointer_to, shifted, stage
from neurallayers.dynamics.kernels.blocks import CONDUCTANCE, DRIVE, LANES, STATE


@stage()
def couple(block: Any, arrivals: Any, numbers: Any, integers: Any, index: int, step: int) -> None:
    """Add the conductances of a cell's junctions, and with each its partner's potential.

    integers: 0 address of where rows begin  1 address of the partners  2 cells
    3 address of the potentials of all cells, two rows for even and odd steps  4 lanes in a row.
    Numbers: conductances [nS].
    """
    begins = pointer_to(integers[0], np.int64(0))
    partners = pointer_to(integers[1], np.int64(0))
    drive = carray(shifted(block, DRIVE * LANES), (LANES,))
    conductance = carray(shifted(block, CONDUCTANCE * LANES), (LANES,))
    potentials = shifted(pointer_to(integers[3], drive[0]), (step % 2) * integers[4])
    for i in range(min(LANES, integers[2] - index * LANES)):
        cell = index * LANES + i
        for k in range(begins[cell], begins[cell + 1]):
            conductance[i] += numbers[k]
            drive[i] += numbers[k] * potentials[partners[k]]


@stage()
def keep_potentials(
    block: Any, arrivals: Any, numbers: Any, integers: Any, index: int, step: int
) -> None:
    """Copy the potentials after a step to where the next step's partners find them.

    integers: 0 address of two rows of potentials, for even and odd steps  1 lanes in a row.
    """
    potential = carray(shifted(block, STATE * LANES), (LANES,))
    place = ((step + 1) % 2) * integers[1] + index * LANES
    kept = carray(shifted(pointer_to(integers[0], potential[0]), place), (LANES,))
    for i in range(LANES):
        kept[i] = potential[i]
