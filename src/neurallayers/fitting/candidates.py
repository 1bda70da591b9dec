"""Many candidates simulated at once, and how well each meets the recordings."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from neurallayers.dynamics.kernels.compiler import kernel
from neurallayers.errors import InvalidInput
from neurallayers.fitting.model import LANES, NeuronModel
from neurallayers.fitting.sweep import Sweep, resampled
from neurallayers.measures.coincidence import paired_spikes
from neurallayers.measures.spike_trains import Array

MOST_RATE_HZ = 500.0
"""Candidates that fire faster are not followed spike by spike: none of a cell's does."""
# Around a recorded spike the shape of it is no business of a model that resets.
_BEFORE_SPIKE_MS, _AFTER_SPIKE_MS = 2.0, 6.0
_LARGEST_DIFFERENCE_MV = 30.0
_FEWEST_SPIKES = 4.0
PRECISION_MS = 4.0
# From the precision of Gamma to that of counts: far ones show a search the way to near ones.
_SCALES_MS = np.array([8.0, 40.0])
LARGEST_SHIFT_MS = 40.0
_MOST_EPOCHS = 50


class Simulated(NamedTuple):
    """What :data:`LANES` candidates did in one sweep."""

    potential_mv: Array  # [time, lanes]
    spike_times_ms: Array  # [lanes, most]
    counts: Any  # [lanes], how often each fired


class Loss(NamedTuple):
    """How far candidates are from recordings, ``[candidates]``; sweeps count by their spikes."""

    total: Array
    gamma: Array  # coincidence factor, 4 ms; nan counts as 0
    spikes: Array  # van Rossum and paired distances, relative to the recorded spikes
    potential: Array  # root of the mean square difference below threshold [mV]


@dataclass(frozen=True)
class Weights:
    """What counts how much in the loss.

    Attributes:
        gamma: Of 1 - Gamma.
        spikes: Of the distances of the spike trains.
        potential: Of the subthreshold potential, of 10 mV.
    """

    gamma: float = 1.0
    spikes: float = 0.5
    potential: float = 0.5


class Target:
    """A recording, prepared for comparison with candidates on the steps of a model."""

    def __init__(self, sweep: Sweep, step_ms: float, warm_up: str = "repeat") -> None:
        self.current = resampled(sweep.current, sweep.dt_ms, step_ms)
        self.before = lived_before(self.current, warm_up)
        self.potential = resampled(sweep.potential, sweep.dt_ms, step_ms)
        self.duration_ms = sweep.duration_ms
        self.edges_ms = epoch_ends_ms(self.current, step_ms)
        self.spikes = sweep.spike_times_ms
        time = (np.arange(self.current.size) + 1.0) * step_ms
        self.quiet = np.ones(time.size)
        for spike in self.spikes:
            near = (time > spike - _BEFORE_SPIKE_MS) & (time < spike + _AFTER_SPIKE_MS)
            self.quiet[near] = 0.0


WARM_UPS = ("repeat", "rest")


def lived_before(current: Array, warm_up: str) -> Array:
    """The current that a model lives through before a sweep begins.

    Sweeps are recorded one after the other, so that a cell comes into each with the adaptation that
    the one before left. ``"repeat"`` takes the second half of the sweep itself for the end of the
    one before; ``"rest"`` takes nothing.

    Raises:
        InvalidInput: If there is no such warm-up.
    """
    if warm_up not in WARM_UPS:
        raise InvalidInput(f"warm_up is {warm_up!r}.", f"Choose one of {', '.join(WARM_UPS)}.")
    return current[current.size // 2 :] if warm_up == "repeat" else current[:0]


def simulate_lanes(
    model: NeuronModel,
    values: Array,
    current: Array,
    *,
    before: Array | None = None,
    potential_mv: float | None = None,
    step_ms: float | None = None,
) -> Simulated:
    """Simulate up to :data:`LANES` candidates in one sweep.

    Args:
        model: The model.
        values: Parameters ``[parameters, candidates]``.
        current: ``[time]``, one number for each step of the model [pA].
        before: Current that they live through first.
        potential_mv: Membrane potential to start from; the model's rest when left out.
        step_ms: Length of a step [ms]; the model's own when left out.
    """
    step = model.step_ms if step_ms is None else step_ms
    wide = np.empty((values.shape[0], LANES))
    wide[:, : values.shape[1]] = values
    wide[:, values.shape[1] :] = values[:, -1:]
    rows = [model.initial(wide, potential_mv), model.coefficients(wide, step)]
    block = np.concatenate(rows).ravel()
    potential = np.empty((current.size, LANES))
    most = int(current.size * step * MOST_RATE_HZ / 1000.0) + 1
    times, counts = np.empty((LANES, most)), np.zeros(LANES, dtype=np.int64)
    if before is not None and before.size:
        past = np.empty((before.size, LANES))
        model.advance(block, before, step, past, times, counts)
        counts[:] = 0
    model.advance(block, current, step, potential, times, counts)
    return Simulated(potential, times, counts)


def losses(
    model: NeuronModel,
    values: Array,
    targets: Sequence[Target],
    weights: Weights,
    workers: int = 1,
) -> Loss:
    """The loss of each candidate; what it is does not depend on the number of workers.

    Args:
        model: The model.
        values: Parameters ``[parameters, candidates]``.
        targets: The recordings.
        weights: What counts how much.
        workers: Threads, each with some of the candidates and sweeps.
    """
    starts = range(0, values.shape[1], LANES)
    jobs = [(values[:, start : start + LANES], target) for start in starts for target in targets]

    def score(job: tuple[Array, Target]) -> Array:
        return _score(model, *job)

    if workers > 1:
        with ThreadPoolExecutor(workers) as pool:
            parts = list(pool.map(score, jobs))
    else:
        parts = [score(job) for job in jobs]
    # A sweep counts by its spikes: one that fired twice by itself says less than one with fifty.
    evidence = [max(_FEWEST_SPIKES, target.spikes.size) for target in targets]
    means = [
        np.average(parts[i : i + len(targets)], axis=0, weights=evidence)
        for i in range(0, len(parts), len(targets))
    ]
    gamma, spikes, potential = np.concatenate(means, axis=1)
    total = (
        weights.gamma * (1.0 - gamma)
        + weights.spikes * spikes
        + weights.potential * potential / 10.0
    )
    return Loss(total, gamma, spikes, potential)


def _score(model: NeuronModel, values: Array, target: Target) -> Array:
    """Gamma, spike distance and difference of the potential, ``[3, candidates]``."""
    made = simulate_lanes(model, values, target.current, before=target.before)
    differences = _potential_differences(
        made.potential_mv, target.potential, target.quiet, _LARGEST_DIFFERENCE_MV
    )
    met = _spike_scores(
        target.spikes,
        made.spike_times_ms,
        made.counts,
        target.edges_ms,
        target.duration_ms,
        _SCALES_MS,
    )
    return np.stack([*met, differences])[:, : values.shape[1]]


@kernel
def _spike_scores(
    data: Array, times: Array, counts: Any, edges_ms: Array, duration_ms: float, scales_ms: Array
) -> Array:
    """Gamma and the mean distance, relative to the recorded spikes, of each lane."""
    scores = np.zeros((2, counts.size))
    most = max(_FEWEST_SPIKES, float(data.size))
    for lane in range(counts.size):
        count = min(counts[lane], times.shape[1])
        model = times[lane, :count]
        chance = 2.0 * PRECISION_MS * count / duration_ms
        if data.size + count == 0:
            scores[0, lane] = 1.0
        elif chance < 1.0:
            beyond = paired_spikes(data, model, PRECISION_MS) - chance * data.size
            scores[0, lane] = beyond / (0.5 * (data.size + count)) / (1.0 - chance)
        for scale in scales_ms:
            scores[1, lane] += min(5.0, _signed_energy(data, model, scale) / most)
        scores[1, lane] += min(5.0, _paired_distance(data, model, edges_ms) / most)
        scores[1, lane] /= scales_ms.size + 1.0
    return scores


@kernel
def _paired_distance(data: Array, model: Array, edges_ms: Array) -> float:
    """How far the first spike of an epoch is from the first, the second from the second, ...

    In units of LARGEST_SHIFT_MS, at most 1 for each spike, and 1 for one without a partner. A model
    with the right rate a little late is near, although none of its spikes may meet another.
    """
    i, j, distance = 0, 0, 0.0
    for edge in edges_ms:
        while i < data.size and j < model.size and data[i] < edge and model[j] < edge:
            distance += min(1.0, abs(data[i] - model[j]) / LARGEST_SHIFT_MS)
            i += 1
            j += 1
        while i < data.size and data[i] < edge:
            distance += 1.0
            i += 1
        while j < model.size and model[j] < edge:
            distance += 1.0
            j += 1
    return distance


def epoch_ends_ms(current: Array, step_ms: float) -> Array:
    """Ends of the stretches between jumps of a current [ms]; the last is infinite.

    A jump is a change from one step to the next of more than a tenth of the current's range: a
    noisy current or a ramp is one epoch.
    """
    jumps = np.abs(np.diff(current)) > 0.1 * max(np.ptp(current), 1e-9)
    places = np.flatnonzero(jumps) + 1
    if places.size > _MOST_EPOCHS:
        places = places[:0]
    return np.append(places * step_ms, np.inf)


@kernel
def _signed_energy(first: Array, second: Array, tau_ms: float) -> float:
    """The squared distance of van Rossum, as measures.van_rossum_distance has it."""
    i, j, trace, energy, last = 0, 0, 0.0, 0.0, 0.0
    while i < first.size or j < second.size:
        mine = j >= second.size or (i < first.size and first[i] <= second[j])
        moment = first[i] if mine else second[j]
        left = np.exp(-(moment - last) / tau_ms)
        energy += trace * trace * (1.0 - left * left)
        trace = trace * left + (1.0 if mine else -1.0)
        last = moment
        if mine:
            i += 1
        else:
            j += 1
    return energy + trace * trace


@kernel
def _potential_differences(
    potential: Array, recorded: Array, quiet: Array, largest: float
) -> Array:
    sums, steps = np.zeros(potential.shape[1]), 0.0
    for k in range(recorded.size):
        if quiet[k] > 0.0:
            steps += 1.0
            for i in range(potential.shape[1]):
                apart = min(max(potential[k, i] - recorded[k], -largest), largest)
                sums[i] += apart * apart
    return np.sqrt(sums / max(steps, 1.0))
