"""Spike trains: sorted times in milliseconds, and where they come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neurallayers.dynamics.membrane.crossings import crossings
from neurallayers.errors import InvalidInput, ShapeMismatch

Array = NDArray[np.float64]
Numbers = Tensor | NDArray[Any] | Sequence[float] | Sequence[Sequence[float]]
"""What every measure takes where numbers are asked for."""
Trains = Sequence[Numbers]
"""Several spike trains, one for each neuron or trial."""


def spike_train(times_ms: Numbers) -> Array:
    """The times of one neuron's spikes, checked.

    Args:
        times_ms: Spike times [ms], in the order in which they occurred; may be empty.

    Returns:
        float64 ``[spikes]``.

    Raises:
        ShapeMismatch: If it has another shape than ``[spikes]``.
        InvalidInput: If a time is not finite or comes before the one before it.

    >>> spike_train([3.0, 5.5]).tolist()
    [3.0, 5.5]
    """
    times = as_array(times_ms)
    if times.ndim != 1:
        raise ShapeMismatch(
            f"A spike train has shape {times.shape}, expected [spikes].",
            "Pass the times of one neuron; trains_of_raster makes trains of a raster.",
        )
    if not np.isfinite(times).all():
        raise InvalidInput(
            "A spike time is not finite.", "Leave out what is no spike instead of marking it."
        )
    if times.size > 1 and (np.diff(times) < 0.0).any():
        place = int(np.argmax(np.diff(times) < 0.0))
        raise InvalidInput(
            f"Spike times go back from {times[place]:g} to {times[place + 1]:g} ms.",
            "Sort the times; a train lists its spikes in the order in which they occurred.",
        )
    return times


def trains_of_raster(raster: Numbers, dt_ms: float, *, start_ms: float = 0.0) -> list[Array]:
    """The spike trains in a raster of zeros and ones, as ``Cell.run`` gives it.

    A spike in step k counts at the end of that step, ``start_ms + (k + 1) dt``, which is where a
    step's new state stands.

    Args:
        raster: ``[time, neurons]``, not 0 where a neuron fired.
        dt_ms: Length of a step [ms].
        start_ms: Time at which the first step began [ms].

    Returns:
        One train for each neuron.

    Raises:
        ShapeMismatch: If the raster does not have two axes.
        InvalidInput: If ``dt_ms`` is not positive.

    >>> [train.tolist() for train in trains_of_raster([[0, 1], [1, 0], [0, 1]], dt_ms=0.5)]
    [[1.0], [0.5, 1.5]]
    """
    spikes = as_array(raster)
    if spikes.ndim != 2:
        raise ShapeMismatch(
            f"The raster has shape {spikes.shape}, expected [time, neurons].",
            "Choose one row of a batch first, as in raster[:, 0].",
        )
    check_positive("dt_ms", dt_ms)
    neurons, steps = np.nonzero(spikes.T)
    times = start_ms + (steps + 1) * dt_ms
    ends = np.cumsum(np.count_nonzero(spikes, axis=0))
    assert neurons.size == (ends[-1] if ends.size else 0)
    return np.split(times, ends[:-1]) if ends.size else []


def trains_of_events(times_ms: Numbers, neurons: Numbers, count: int) -> list[Array]:
    """The spike trains in a list of events, as recordings of circuits keep them.

    Args:
        times_ms: Time of each event [ms], ``[events]``, in any order.
        neurons: Which neuron fired, ``[events]``, from 0.
        count: How many neurons there are; the silent ones get an empty train.

    Returns:
        ``count`` trains.

    Raises:
        ShapeMismatch: If there are not as many times as neurons.
        InvalidInput: If a neuron is not one of 0 to ``count - 1``.

    >>> [train.tolist() for train in trains_of_events([2.0, 1.0, 4.0], [1, 1, 0], count=3)]
    [[4.0], [1.0, 2.0], []]
    """
    times, senders = as_array(times_ms), as_array(neurons).astype(np.int64)
    if times.ndim != 1 or times.shape != senders.shape:
        raise ShapeMismatch(
            f"{times.shape} times and {senders.shape} neurons.",
            "Give one time and one neuron for each event.",
        )
    if senders.size and not 0 <= senders.min() <= senders.max() < count:
        raise InvalidInput(
            f"Events come from neurons {senders.min()} to {senders.max()} of {count}.",
            "Neurons are counted from 0; count is how many there are.",
        )
    order = np.lexsort((times, senders))
    ends = np.cumsum(np.bincount(senders, minlength=count))
    return [spike_train(part) for part in np.split(times[order], ends[:-1])] if count else []


def crossing_times_ms(
    membrane_potential_mv: Numbers, dt_ms: float, *, threshold_mv: float = 0.0
) -> Array:
    """Times at which a voltage trace crosses a threshold upwards, interpolated linearly.

    Sample k of the trace was taken at ``k dt``; a crossing lies between a sample below the
    threshold and the next one at or above it.

    Args:
        membrane_potential_mv: ``[time]`` [mV].
        dt_ms: Time between samples [ms].
        threshold_mv: What counts as a spike; 0 mV is usual for recordings.

    Raises:
        ShapeMismatch: If the trace does not have one axis.
        InvalidInput: If ``dt_ms`` is not positive.

    >>> crossing_times_ms([-60.0, -10.0, 30.0, -50.0], dt_ms=0.1).tolist()
    [0.125]
    """
    trace = as_array(membrane_potential_mv)
    if trace.ndim != 1:
        raise ShapeMismatch(
            f"The trace has shape {trace.shape}, expected [time].", "Pass one neuron's trace."
        )
    check_positive("dt_ms", dt_ms)
    if trace.size < 2:
        return np.empty(0)
    found = crossings(torch.tensor(trace)[:, None, None], dt_ms, threshold_mv=threshold_mv)
    times: Array = found.time_ms.numpy()
    return times


def as_array(numbers: Numbers) -> Array:
    """Numbers from torch, numpy or a sequence as float64."""
    if isinstance(numbers, Tensor):
        # bfloat16 has no numpy type; float64 holds every one of its numbers.
        return numbers.detach().cpu().double().numpy()
    return np.asarray(numbers, dtype=np.float64)


def check_positive(name: str, value: float) -> float:
    """Refuse what is not a positive finite number.

    Raises:
        InvalidInput: With the name and the value.
    """
    if not 0.0 < value < np.inf:
        raise InvalidInput(f"{name} is {value}.", "It must be positive and finite.")
    return float(value)


def check_window(start_ms: float, stop_ms: float) -> float:
    """The length of a window of time [ms].

    Raises:
        InvalidInput: If it does not end after it starts.
    """
    if not -np.inf < start_ms < stop_ms < np.inf:
        raise InvalidInput(
            f"The window goes from {start_ms} to {stop_ms} ms.", "It must end after it starts."
        )
    return float(stop_ms - start_ms)


def inside(train: Array, start_ms: float, stop_ms: float) -> Array:
    """The spikes with ``start <= time < stop``."""
    return train[np.searchsorted(train, start_ms) : np.searchsorted(train, stop_ms)]
