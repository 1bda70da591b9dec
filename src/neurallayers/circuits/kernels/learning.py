"""Plastic synapses in a circuit: any rule of plasticity, one grid point at a time.

What happens at a grid point, and in which order, stands in
:mod:`neurallayers.dynamics.plasticity.rule`. A spike that arrives visits the sender's row, a spike
of a receiver the synapses that end on it, through an index. Traces decay in every step, for all
cells at once. What a rule does not watch is there as zeros; the compiler drops what is not used.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from neurallayers.circuits.kernels.stages import Stage, carray, part, pointer_to, shifted, whole
from neurallayers.dynamics.kernels.blocks import LANES, STATE
from neurallayers.dynamics.neurons.population import read_rows
from neurallayers.dynamics.plasticity.rule import Equation, Receiver, Sender, Synapse

# Whole numbers of a plastic projection; addresses unless said otherwise.
(
    STARTS,  # where rows begin, int64
    RECEIVERS,  # cells that receive, int32
    WEIGHTS,
    VARIABLE_1,
    VARIABLE_2,
    INCOMING_STARTS,  # where the synapses that end on a cell begin, int64
    INCOMING,  # which synapses these are, int32
    INCOMING_SENDERS,  # and from which cell, int32
    RING,
    SLOT_SIZE,  # numbers
    SLOTS,  # how many
    PLANE,  # numbers before the receptor's
    SENDER_CELLS,  # how many
    RECEIVER_CELLS,  # how many
    RECEPTORS,  # of the target, how many
    QUEUE,  # who fired, [delay, senders], int32
    QUEUE_COUNTS,  # how many did, int64
    DELAY,  # steps
    PRESYNAPTIC,  # traces [2, senders]
    POSTSYNAPTIC,  # traces [2, receivers]
    POTENTIALS,  # [1 + 3, receivers], the potential and its filters
    MODULATOR,  # [receivers]
    INTERVAL,  # steps
    BLOCKS,  # of the receivers
    BLOCK_BYTES,  # bytes
    FIRED,  # who of the receivers did, int32 [2, lanes]
    FIRED_COUNTS,  # how many did, int64 [2]; the second is COUNT_STRIDE further
    COUNT_STRIDE,  # numbers
    INTEGERS,
) = range(29)
# Numbers: decays, then increments, then the rule's own.
PRE_DECAY, POST_DECAY, FILTER_DECAY, MODULATOR_DECAY, PRE_RISE, POST_RISE, RULE = (
    0, 2, 4, 7, 8, 10, 12,
)  # fmt: skip


@part
def decay(values: Any, n: int, factor: Any) -> None:
    """Multiply all."""
    row = carray(values, (n,))
    for i in range(n):
        row[i] *= factor


@part
def raise_trace(traces: Any, cell: int, increment: Any, nearest: bool) -> None:
    """A spike adds to a trace or sets it."""
    traces[cell] = increment if nearest else traces[cell] + increment


@part
def filter_potentials(integers: Any, numbers: Any, n: int, filters: int) -> None:
    """Copy the receivers' potentials and low-pass them."""
    potentials = pointer_to(integers[POTENTIALS], numbers[0])
    for b in range((n + LANES - 1) // LANES):
        lanes = min(LANES, n - b * LANES)
        block = pointer_to(integers[BLOCKS] + b * integers[BLOCK_BYTES], numbers[0])
        new = carray(shifted(block, STATE * LANES), (lanes,))
        kept = carray(shifted(potentials, b * LANES), (lanes,))
        for i in range(lanes):
            kept[i] = new[i]
        for f in range(filters):
            factor = numbers[FILTER_DECAY + f]
            low = carray(shifted(potentials, (1 + f) * n + b * LANES), (lanes,))
            for i in range(lanes):
                low[i] = new[i] + factor * (low[i] - new[i])


@part
def place_of(cell: int, receptors: int) -> int:
    """Where what arrives at a cell's first receptor is counted."""
    return cell + (cell // LANES) * LANES * (receptors - 1)


@part
def sender_of(traces: Any, n: int, cell: int) -> Any:
    """What a rule may know of a sender."""
    return Sender(traces[cell], traces[n + cell])


@part
def receiver_of(traces: Any, potentials: Any, n: int, cell: int) -> Any:
    """What a rule may know of a receiver."""
    return Receiver(
        traces[cell],
        traces[n + cell],
        potentials[cell],
        potentials[n + cell],
        potentials[2 * n + cell],
        potentials[3 * n + cell],
    )


@part
def synapse_at(weights: Any, first: Any, second: Any, variables: int, k: int) -> Any:
    """A synapse as a rule sees it."""
    none = 0.0 * weights[k]
    return Synapse(
        weights[k], first[k] if variables > 0 else none, second[k] if variables > 1 else none
    )


@part
def keep_synapse(after: Any, weights: Any, first: Any, second: Any, variables: int, k: int) -> None:
    """A synapse as a rule left it."""
    weights[k] = after.weight
    if variables > 0:
        first[k] = after.variable_1
    if variables > 1:
        second[k] = after.variable_2


@functools.cache
def plasticity(  # noqa: C901 - parts of their own could not be told the equations
    on_pre: Equation | None,
    on_post: Equation | None,
    on_interval: Equation | None,
    shape: tuple[int, int, int, int],
    modes: tuple[bool, bool, bool, bool],
    update_first: bool,
    modulated: bool,
    potentials_watched: bool,
    dense: bool,
    sources: tuple[str, ...],
) -> Stage:
    """The stage of a projection with this kind of rule.

    Args:
        on_pre: At spikes that arrive.
        on_post: At spikes of receivers.
        on_interval: For all synapses, each interval.
        shape: How many traces of senders, traces of receivers, filters, variables of a synapse and
            numbers of the rule, the last two in one: ``variables + 4 * numbers``.
        modes: Which of the four traces a spike sets instead of adding to them.
        update_first: Whether weights change before they are transmitted.
        modulated: Whether the modulator decays.
        potentials_watched: Whether the receivers' potential is needed.
        dense: Whether every sender reaches every cell of the target once.
        sources: Files whose equations these are.
    """
    pre_traces, post_traces, filters, packed = shape
    variables, rule_numbers = packed % 4, packed // 4
    pre_nearest_1, pre_nearest_2, post_nearest_1, post_nearest_2 = modes
    has_pre, has_post = on_pre is not None, on_post is not None
    has_interval = on_interval is not None
    # What is missing is never called, but must be something to compile.
    anything: Any = on_pre or on_post or on_interval
    at_arrival: Any = on_pre or anything
    at_spike: Any = on_post or anything
    at_interval: Any = on_interval or anything

    def learn(  # noqa: C901
        block: Any, arrivals: Any, numbers: Any, integers: Any, index: int, step: int
    ) -> None:
        like = numbers[0]
        call = carray(pointer_to(index, step), (4,))
        p = read_rows(shifted(numbers, RULE), 0, 0, rule_numbers, 1)
        starts = pointer_to(integers[STARTS], step)
        receivers = pointer_to(integers[RECEIVERS], np.int32(0))
        weights = pointer_to(integers[WEIGHTS], like)
        first, second = (
            pointer_to(integers[VARIABLE_1], like),
            pointer_to(integers[VARIABLE_2], like),
        )
        sending, receiving = integers[SENDER_CELLS], integers[RECEIVER_CELLS]
        pre, post = (
            pointer_to(integers[PRESYNAPTIC], like),
            pointer_to(integers[POSTSYNAPTIC], like),
        )
        potentials = pointer_to(integers[POTENTIALS], like)
        modulator = pointer_to(integers[MODULATOR], like)
        slot = (step + 1) % integers[SLOTS]
        ring = shifted(
            pointer_to(integers[RING], like), slot * integers[SLOT_SIZE] + integers[PLANE]
        )

        # 1. Traces decay, filters take in the potential.
        for t in range(pre_traces):
            decay(shifted(pre, t * sending), sending, numbers[PRE_DECAY + t])
        for t in range(post_traces):
            decay(shifted(post, t * receiving), receiving, numbers[POST_DECAY + t])
        if potentials_watched:
            filter_potentials(integers, numbers, receiving, filters)

        # 2. An interval ends.
        if has_interval and (step + 1) % integers[INTERVAL] == 0:
            for s in range(sending):
                sender = sender_of(pre, sending, s)
                for k in range(starts[s], starts[s + 1]):
                    c = whole(receivers[k])
                    synapse = synapse_at(weights, first, second, variables, k)
                    receiver = receiver_of(post, potentials, receiving, c)
                    after = at_interval(synapse, sender, receiver, modulator[c], p)
                    keep_synapse(after, weights, first, second, variables, k)
        if modulated:
            decay(modulator, receiving, numbers[MODULATOR_DECAY])

        # 3. Spikes: who arrives was sent a delay ago, and takes the place of who is sent now.
        turn = step % integers[DELAY]
        queue = shifted(pointer_to(integers[QUEUE], np.int32(0)), turn * sending)
        queue_counts = pointer_to(integers[QUEUE_COUNTS], step)
        arriving = queue_counts[turn]
        parity = call[3]
        fired = shifted(
            pointer_to(integers[FIRED], np.int32(0)),
            parity * ((receiving + LANES - 1) // LANES) * LANES,
        )
        fired_count = pointer_to(integers[FIRED_COUNTS], step)[parity * integers[COUNT_STRIDE]]
        incoming_starts = pointer_to(integers[INCOMING_STARTS], step)
        incoming = pointer_to(integers[INCOMING], np.int32(0))
        incoming_senders = pointer_to(integers[INCOMING_SENDERS], np.int32(0))
        for phase in range(2):
            if (phase == 0) == update_first:
                # Spikes of receivers.
                if has_post:
                    for f in range(fired_count):
                        c = whole(fired[f])
                        receiver = receiver_of(post, potentials, receiving, c)
                        for place in range(incoming_starts[c], incoming_starts[c + 1]):
                            if dense:
                                s = place - incoming_starts[c]
                                k = s * receiving + c
                            else:
                                s = whole(incoming_senders[place])
                                k = whole(incoming[place])
                            sender = sender_of(pre, sending, s)
                            synapse = synapse_at(weights, first, second, variables, k)
                            after = at_spike(synapse, sender, receiver, modulator[c], p)
                            keep_synapse(after, weights, first, second, variables, k)
            else:
                # Spikes that arrive.
                for q in range(arriving):
                    s = whole(queue[q])
                    sender = sender_of(pre, sending, s)
                    if dense:
                        for b in range((receiving + LANES - 1) // LANES):
                            lanes = min(LANES, receiving - b * LANES)
                            low = s * receiving + b * LANES
                            came = carray(shifted(ring, b * LANES * integers[RECEPTORS]), (lanes,))
                            row = carray(shifted(weights, low), (lanes,))
                            own_1, own_2 = shifted(first, low), shifted(second, low)
                            for i in range(lanes):
                                weight = row[i]
                                if has_pre:
                                    synapse = synapse_at(row, own_1, own_2, variables, i)
                                    c = b * LANES + i
                                    receiver = receiver_of(post, potentials, receiving, c)
                                    after = at_arrival(synapse, sender, receiver, modulator[c], p)
                                    keep_synapse(after, row, own_1, own_2, variables, i)
                                    if update_first:
                                        weight = after.weight
                                came[i] += weight
                    else:
                        for k in range(starts[s], starts[s + 1]):
                            weight = weights[k]
                            if has_pre:
                                c = whole(receivers[k])
                                synapse = synapse_at(weights, first, second, variables, k)
                                receiver = receiver_of(post, potentials, receiving, c)
                                after = at_arrival(synapse, sender, receiver, modulator[c], p)
                                keep_synapse(after, weights, first, second, variables, k)
                                if update_first:
                                    weight = after.weight
                            ring[place_of(whole(receivers[k]), integers[RECEPTORS])] += weight
                for q in range(arriving):
                    s = whole(queue[q])
                    if pre_traces > 0:
                        raise_trace(pre, s, numbers[PRE_RISE], pre_nearest_1)
                    if pre_traces > 1:
                        raise_trace(pre, sending + s, numbers[PRE_RISE + 1], pre_nearest_2)
        for f in range(fired_count):
            c = whole(fired[f])
            if post_traces > 0:
                raise_trace(post, c, numbers[POST_RISE], post_nearest_1)
            if post_traces > 1:
                raise_trace(post, receiving + c, numbers[POST_RISE + 1], post_nearest_2)

        sent = pointer_to(call[0], np.int32(0))
        for i in range(call[1]):
            queue[i] = sent[i]
        queue_counts[turn] = call[1]

    if anything is not None:
        learn.__qualname__ = f"learn.{anything.__module__}.{anything.__name__}"
    return Stage(learn, ("../circuits/kernels/learning.py", "neurons/population.py", *sources))
