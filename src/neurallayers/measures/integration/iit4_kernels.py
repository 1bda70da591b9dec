"""Searches over partitions for IIT 4.0, compiled: of a system, and of a mechanism and its purview.

A unit keeps some of its inputs across a partition. What it loses then depends on which ones it
keeps, not on the rest of the partition, so that both searches read tables ``loss[unit, kept]``
[bits] with the set of kept inputs as a bit mask.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurallayers.dynamics.kernels.compiler import kernel, row_kernel

Array = NDArray[Any]

SAME = 1e-12
"""Values that differ by less than this differ by rounding only [bits]."""


@row_kernel
def next_set_partition(block: Array, highest: Array) -> bool:
    """Step to the next restricted growth string; False after the last, which is left in place."""
    for place in range(block.size - 1, 0, -1):
        if block[place] <= highest[place - 1]:
            block[place] += 1
            highest[place] = max(highest[place - 1], block[place])
            for later in range(place + 1, block.size):
                block[later] = 0
                highest[later] = highest[place]
            return True
    return False


@kernel
def least_system_cut(
    loss_cause: Array, loss_effect: Array, weight_cause: float, weight_effect: float, same: float
) -> tuple[float, float, int, Array, Array]:
    """The directional partition of a system with the least phi for the connections it may cut.

    Args:
        loss_cause: ``[units, 2^units]``: bits that a unit loses if it keeps the inputs of the mask.
        loss_effect: The same on the side of effects.
        weight_cause: Selectivity of the cause state, which makes bits intrinsic bits.
        weight_effect: Selectivity of the effect state.
        same: Values that differ by less are equal; of equal ones the larger phi is taken.

    Returns:
        Normalized phi, phi, partitions tried, the part of each unit, the direction of each part
        (0: inputs are cut, 1: outputs, 2: both).
    """
    units = loss_cause.shape[0]
    part = np.zeros(units, np.int64)
    highest = np.zeros(units, np.int64)
    members = np.zeros(units, np.int64)
    sizes = np.zeros(units, np.int64)
    best_part = np.zeros(units, np.int64)
    best_direction = np.zeros(units, np.int64)
    direction = np.zeros(units, np.int64)
    kept = np.zeros(units, np.int64)
    least, phi_there, tried = np.inf, 0.0, 0
    while next_set_partition(part, highest):
        parts = highest[units - 1] + 1
        members[:] = 0
        sizes[:] = 0
        for unit in range(units):
            members[part[unit]] |= 1 << unit
            sizes[part[unit]] += 1
        for code in range(3**parts):
            connections = _keep(code, part, members[:parts], sizes, direction, kept)
            lost_cause, lost_effect = 0.0, 0.0
            for unit in range(units):
                lost_cause += loss_cause[unit, kept[unit]]
                lost_effect += loss_effect[unit, kept[unit]]
            tried += 1
            phi = min(weight_cause * max(lost_cause, 0.0), weight_effect * max(lost_effect, 0.0))
            value = phi / connections
            if value < least - same or (value <= least + same and phi > phi_there + same):
                least, phi_there = min(least, value), phi
                best_part[:] = part
                best_direction[:] = direction
                if phi <= same:
                    # Nothing is less than nothing.
                    return 0.0, 0.0, tried, best_part, best_direction
    return least, phi_there, tried, best_part, best_direction


@row_kernel
def _keep(
    code: int, part: Array, members: Array, sizes: Array, direction: Array, kept: Array
) -> int:
    """Read the directions off a number in base 3; fill what each unit keeps, count what is cut."""
    units = part.size
    whole = (1 << units) - 1
    silent, silent_size, connections = 0, 0, 0
    for index in range(members.size):
        direction[index] = code % 3
        code //= 3
        if direction[index] > 0:
            silent |= members[index]
            silent_size += sizes[index]
    for unit in range(units):
        index = part[unit]
        if direction[index] == 1:
            kept[unit] = whole & ~(silent & ~members[index])
            connections += silent_size - sizes[index]
        else:
            kept[unit] = members[index]
            connections += units - sizes[index]
    return connections


@kernel
def least_mechanism_cut(
    bits: Array,
    whole: int,
    sources: Array,
    targets: Array,
    sources_are_mechanism: bool,
    same: float,
) -> tuple[float, float, int, Array, Array]:
    """The disintegrating partition of a mechanism and a purview with the least normalized loss.

    The sources (mechanism for effects, purview for causes) are divided into blocks; each target
    keeps the inputs of one block, or of none. Given the blocks, the ratio of a sum over targets to
    another such sum is least where Dinkelbach's iteration (1967) ends, which needs no enumeration
    of the targets' choices: it takes the best of each target for the ratio at hand.

    Args:
        bits: ``[2^units, units]``: log2 probability of a target that keeps the sources of the mask.
        whole: The mask of all sources; what a target loses is counted from there.
        sources: Their units.
        targets: Their units.
        sources_are_mechanism: Then one block of all sources must keep no target; otherwise all
            targets must not stay with one block (a part that holds the whole mechanism has an
            empty purview).
        same: Values that differ by less are equal; of equal ratios the larger loss is taken.

    Returns:
        Ratio, loss [bits], source partitions tried, block of each source, block of each target
        (-1: none).
    """
    count, wanted = sources.size, targets.size
    block = np.zeros(count, np.int64)
    highest = np.zeros(count, np.int64)
    masks = np.zeros(count, np.int64)
    sizes = np.zeros(count, np.int64)
    choice = np.zeros(wanted, np.int64)
    best_block = np.zeros(count, np.int64)
    best_choice = np.full(wanted, -1, np.int64)
    lost = 0.0
    for target in targets:
        lost += bits[whole, target] - bits[0, target]
    ratio, tried = lost / (count * wanted), 0
    more = True
    while more:
        tried += 1
        blocks = highest[count - 1] + 1
        masks[:] = 0
        sizes[:] = 0
        for index in range(count):
            masks[block[index]] |= 1 << sources[index]
            sizes[block[index]] += 1
        if not (sources_are_mechanism and blocks == 1):
            again = True
            while again:
                again = False
                gap, cut = _choose(
                    bits, whole, targets, count, blocks, masks, sizes, ratio, same, choice,
                    not sources_are_mechanism,
                )  # fmt: skip
                now = gap + ratio * cut
                if gap < -same or (gap <= same and now > lost + same):
                    again = gap < -same
                    ratio, lost = min(ratio, now / cut), now
                    best_block[:] = block
                    best_choice[:] = choice
                if ratio <= same:
                    return 0.0, 0.0, tried, best_block, best_choice
        more = next_set_partition(block, highest)
    return ratio, lost, tried, best_block, best_choice


@row_kernel
def _choose(
    bits: Array,
    whole: int,
    targets: Array,
    count: int,
    blocks: int,
    masks: Array,
    sizes: Array,
    ratio: float,
    same: float,
    choice: Array,
    not_all_in_one: bool,
) -> tuple[float, float]:
    """Each target's best block for a ratio; fills ``choice``, returns sum of gaps and of cuts."""
    total, cut = 0.0, 0.0
    regret, regret_cut, swap, swap_choice = np.inf, 0.0, -1, -1
    united = not_all_in_one
    for index in range(targets.size):
        target = targets[index]
        known = bits[whole, target]
        best, best_size = known - bits[0, target] - ratio * count, 0
        choice[index] = -1
        for candidate in range(blocks):
            gap = known - bits[masks[candidate], target] - ratio * (count - sizes[candidate])
            # Of equals that which cuts more, as it is the larger phi.
            if gap < best - same or (gap <= best + same and sizes[candidate] < best_size):
                best, best_size, choice[index] = gap, sizes[candidate], candidate
        total += best
        cut += count - best_size
        united = united and choice[index] >= 0 and choice[index] == choice[0]
    if not united:
        return total, cut
    for index in range(targets.size):
        target, taken = targets[index], choice[0]
        stays = ratio * sizes[taken] - bits[masks[taken], target]
        for candidate in range(-1, blocks):
            # A target alone would be united with any other block too.
            if candidate == taken or (candidate >= 0 and targets.size == 1):
                continue
            mask = masks[candidate] if candidate >= 0 else 0
            size = sizes[candidate] if candidate >= 0 else 0
            change = ratio * size - bits[mask, target] - stays
            more_cut = float(sizes[taken] - size)
            if change < regret - same or (change <= regret + same and more_cut > regret_cut):
                regret, regret_cut, swap, swap_choice = change, more_cut, index, candidate
    choice[swap] = swap_choice
    return total + regret, cut + regret_cut


@kernel
def most_intrinsic(selectivity: Array, likely: Array, chance: Array, same: float) -> Array:
    """Rows of the states with the most intrinsic information; none if there is none to speak of."""
    information = np.zeros(likely.size)
    for row in range(likely.size):
        if likely[row] > 0.0 and chance[row] > 0.0:
            information[row] = selectivity[row] * np.log2(likely[row] / chance[row])
    most = information.max()
    if most <= same:
        return np.zeros(0, np.int64)
    return np.flatnonzero(information >= most - same)
