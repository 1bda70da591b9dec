"""Spike trains on a grid, and rules of plasticity by the sums over pairs that define them.

Nothing here uses traces or steps: a change of weight is a sum over the times of earlier spikes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from neurallayers.dynamics.plasticity import PlasticSynapses, PlasticSynapsesState, Rule

STEPS = 40
trains = st.lists(st.integers(1, STEPS - 1), max_size=10, unique=True).map(sorted)
Times = list[int]


def lived(
    rule: Rule,
    before: Times,
    after: Times,
    *,
    weight: float = 0.5,
    steps: int = STEPS,
    dt_ms: float = 1.0,
) -> tuple[Tensor, PlasticSynapsesState]:
    """Transmitted weights and the last state of one synapse that lived through two trains."""
    cell = PlasticSynapses(1, 1, rule=rule, dt_ms=dt_ms, initial_weight=0.5).double()
    state = cell.initial_state()._replace(weight=torch.full((1, 1, 1), weight, dtype=torch.float64))
    outputs, state = cell.run(cell.frame(spikes(before, steps), spikes(after, steps)), state)
    return outputs[before, 0, 0], state


def final_weights(
    rule: Rule, lives: list[tuple[Times, Times]], *, weight: float, dt_ms: float
) -> list[float]:
    """Last weights of one synapse in several lives, side by side in a batch."""
    steps = 1 + max(time for life in lives for times in life for time in times)
    cell = PlasticSynapses(1, 1, rule=rule, dt_ms=dt_ms, initial_weight=weight).double()
    layers = [torch.cat([spikes(life[i], steps) for life in lives], 1) for i in (0, 1)]
    return cell.run(cell.frame(*layers))[1].weight.flatten().tolist()


def spikes(times: Iterable[float], steps: int) -> Tensor:
    frames = torch.zeros(steps, 1, 1, dtype=torch.float64)
    frames[[round(time) for time in times]] = 1.0
    return frames


def final_weight(rule: Rule, before: Times, after: Times, **options: Any) -> float:
    return float(lived(rule, before, after, **options)[1].weight)


def by_events(
    before: Times,
    after: Times,
    weight: float,
    *,
    depressed: Callable[[float, int], float],
    potentiated: Callable[[float, int], float],
    updates_first: bool,
) -> tuple[list[float], float]:
    """Weights as sent with each presynaptic spike, and the last one.

    Args:
        before: Presynaptic spikes.
        after: Postsynaptic spikes.
        weight: The weight before all.
        depressed: The weight after a presynaptic spike at a time.
        potentiated: The weight after a postsynaptic spike at a time.
        updates_first: Whether postsynaptic spikes go first at a tie, and weights are sent last.
    """
    first, second = (1, 0) if updates_first else (0, 1)
    events = sorted([(t, first, True) for t in before] + [(t, second, False) for t in after])
    sent = []
    for time, _, presynaptic in events:
        if not presynaptic:
            weight = potentiated(weight, time)
            continue
        if not updates_first:
            sent.append(weight)
        weight = depressed(weight, time)
        if updates_first:
            sent.append(weight)
    return sent, weight


def summed(times: Iterable[int], now: int, tau_ms: float) -> float:
    return sum(math.exp(-(now - time) / tau_ms) for time in times)


def last_of(times: Iterable[int]) -> list[int]:
    times = list(times)
    return [max(times)] if times else []
