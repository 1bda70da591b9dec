"""The workload of a plastic circuit: 100,000 synapses under pair STDP.

1,000 sources, all to all, onto 100 integrate-and-fire cells, for 10 s at dt 0.1 ms. Nothing is
drawn by a simulator: the sources' spikes (each step with probability rate * dt) and the first
weights come from numpy, so that everybody computes the same thing.

    tau dv/dt = El - v + g,  tau_s dg/dt = -g,  v >= -50 mV: spike, v = -65 mV, held for 2 ms

A spike reaches its synapses 0.1 ms (one step) later and adds the weight [mV] to g. STDP is additive
between 0 and w_max, all pairs count (Song, Miller & Abbott 2000, Nat. Neurosci. 3:919): at a
presynaptic spike the weight changes by -1.05 A x_post, at a postsynaptic one by A x_pre, with
traces that spikes raise by 1 and that decay with 20 ms; A is a hundredth of w_max.

The order matters. "transmit_then_update" hands the weight on before the presynaptic spike changes
it (Brian2's examples), "update_then_transmit" after (NEST's stdp_synapse; Brian2 if told so). Of
two spikes in the same step, Brian2 lets the presynaptic one come first in both orders; to NEST they
are no pair.

An event is one visit of a synapse by a spike: spikes of the sources times 100 plus spikes of the
cells times 1,000. Nanoseconds an event are the wall time of the whole simulation over the events.
"""

from __future__ import annotations

import numpy as np

SOURCES = 1000
CELLS = 100
SOURCE_RATE_HZ = 20.0
DT_MS = 0.1
DELAY_MS = 0.1
DURATION_MS = 10_000.0
MEMBRANE_TIME_CONSTANT_MS = 20.0
SYNAPTIC_TIME_CONSTANT_MS = 5.0
RESTING_MV = -65.0
THRESHOLD_MV = -50.0
REFRACTORY_MS = 2.0
LARGEST_WEIGHT_MV = 0.3
AMPLITUDE = 0.01  # of potentiation, in units of the largest weight
DEPRESSION_OVER_POTENTIATION = 1.05
TRACE_MS = 20.0
ORDERS = ("transmit_then_update", "update_then_transmit")


def source_spikes(duration_ms: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """When which source fires: steps from 1 on (the time is the step times dt), and sources.

    Args:
        duration_ms: Length of the simulation; no spike in its last two steps.
        seed: Of numpy's generator.

    Returns:
        Steps, ascending, and for each the source, ascending within a step.
    """
    draw = np.random.default_rng([seed, 1])
    steps, sources = [], []
    chance = SOURCE_RATE_HZ * DT_MS * 1e-3
    last = round(duration_ms / DT_MS) - 2
    for first in range(1, last + 1, 10_000):
        count = min(10_000, last + 1 - first)
        step, source = np.nonzero(draw.random((count, SOURCES)) < chance)
        steps.append(step + first)
        sources.append(source)
    return np.concatenate(steps), np.concatenate(sources)


def first_weights_mv(seed: int) -> np.ndarray:
    """Weights before the first spike, [source, cell], uniform from 0 to the largest."""
    return np.random.default_rng([seed, 2]).uniform(0.0, LARGEST_WEIGHT_MV, (SOURCES, CELLS))


def events(source_spikes: int, cell_spikes: int) -> int:
    """Visits of synapses."""
    return source_spikes * CELLS + cell_spikes * SOURCES


def figures(
    seconds: list[float], source_spikes: int, cell_spikes: int, weights_mv: np.ndarray
) -> dict[str, float]:
    """What a simulator is compared by."""
    count = events(source_spikes, cell_spikes)
    return {
        "ns_per_event": float(np.median(seconds)) / count * 1e9,
        "events": count,
        "source_spikes": source_spikes,
        "cell_spikes": cell_spikes,
        "mean_weight_mv": float(np.mean(weights_mv)),
        "weight_standard_deviation_mv": float(np.std(weights_mv)),
    }
