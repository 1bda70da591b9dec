"""Spikes on their way: each row of synapses of a sender that fired adds to what arrives.

What arrives is kept in a ring of slots, one a step; the slot of a step is read and emptied when the
step comes. Numbers are added in the order (step, sender, synapse), whoever adds them.

integers of a projection::

    0 address of where rows begin   1 stride of these   2 address of the receivers
    3 address of the weights        4 address of the delays in steps (0: one for all)
    5 steps until what is sent acts, to which a synapse's own delay is added
    6 address of the ring of the receivers' population
    7 numbers in a slot             8 slots             9 distance of the receptor within a slot
    10 address of efficacies of senders, for short-term plasticity (0: none), one row for each step
    of two batches   11 cells in a row   12 rows   13 receptors of the receivers, less one
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from neurallayers.circuits.kernels.stages import Stage, carray, pointer_to, shifted, whole
from neurallayers.dynamics.kernels.blocks import LANES

SHORT_DELAY, LONG_DELAY = 1, 2  # uint8, uint16
BLOCK_MASK = -LANES  # LANES is a power of two: what is left is the first cell of a block


@functools.cache
def delivery(  # noqa: C901 - what is cut out is compiled once more
    own_weights: bool, delays: int, efficacies: bool, narrow: bool
) -> Stage:
    """Deliver the spikes of one population in one step through one projection.

    The stage is called with ``block`` = any pointer, ``arrivals`` = any, ``numbers`` = the weight
    for all, ``index`` = address of a table: senders, how many, which thread.

    Args:
        own_weights: Whether each synapse has a weight of its own.
        delays: 0 where all delays are alike, else how they are stored.
        efficacies: Whether senders have efficacies.
        narrow: Whether receivers are stored as uint16, else int32.
    """

    def deliver(
        block: Any, arrivals: Any, numbers: Any, integers: Any, index: int, step: int
    ) -> None:
        call = carray(pointer_to(index, np.int64(0)), (3,))
        count, thread = call[1], call[2]
        senders = pointer_to(call[0], np.int32(0))
        stride = integers[1]
        begins = shifted(pointer_to(integers[0], np.int64(0)), thread)
        narrow_cells = pointer_to(integers[2], np.uint16(0))
        wide_cells = pointer_to(integers[2], np.int32(0))
        between = integers[13]
        weights = pointer_to(integers[3], numbers[0])
        size, slots = integers[7], integers[8]
        ring = shifted(pointer_to(integers[6], numbers[0]), integers[9])
        base = (step + integers[5]) % slots
        near = shifted(ring, base * size)
        short_delays = pointer_to(integers[4], np.uint8(0))
        long_delays = pointer_to(integers[4], np.uint16(0))
        scale = numbers[0]
        efficacy = shifted(
            pointer_to(integers[10], numbers[0]), (step % max(integers[12], 1)) * integers[11]
        )
        for s in range(count):
            sender = senders[s]
            if efficacies:
                scale = efficacy[sender]
                if not own_weights:
                    scale *= numbers[0]
            for k in range(begins[sender * stride], begins[sender * stride + 1]):
                weight = scale
                if own_weights:
                    weight = weights[k]
                    if efficacies:
                        weight *= scale
                cell = whole(narrow_cells[k]) if narrow else whole(wide_cells[k])
                # Blocks lie one after the other, and in a block the receptors.
                place = cell + (cell & BLOCK_MASK) * between
                if delays == 0:
                    near[place] += weight
                else:
                    slot = base
                    if delays == SHORT_DELAY:
                        slot += whole(short_delays[k])
                    else:
                        slot += whole(long_delays[k])
                    if slot >= slots:
                        slot -= slots
                    ring[slot * size + place] += weight

    return Stage(deliver)
