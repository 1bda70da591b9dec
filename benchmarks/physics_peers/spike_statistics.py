"""The figures by which circuits are compared, defined once for every simulator.

- Mean rate: spikes of all recorded cells within the window, over cells and window [Hz].
- CV of a cell: standard deviation of its inter-spike intervals over their mean, both with the
  number of intervals as the divisor (numpy's default, as elephant's ``cv``); only intervals between
  spikes within the window count.
- Mean CV: over the cells with at least three spikes (two intervals) in the window.
- Synchrony: standard deviation over mean of the number of spikes of all cells in bins of 1 ms.
  Independent Poisson cells give 1 / sqrt(mean), which stands beside it.
- Frequency: where the power spectrum of these counts (Welch, segments of 250 ms, each less its
  mean) is largest, at or above 5 Hz.
- Fell silent: no cell fired within the last 50 ms of the window.
"""

from __future__ import annotations

from typing import Any

import numpy as np

SPIKES_AT_LEAST = 3
SEGMENT_MS = 250
SILENCE_MS = 50.0


def spike_statistics(
    times_ms: np.ndarray,
    senders: np.ndarray,
    *,
    cells: int,
    start_ms: float,
    stop_ms: float,
) -> dict[str, Any]:
    """Rate, irregularity and synchrony of recorded spikes.

    Args:
        times_ms: When each spike was fired.
        senders: Which cell fired it: any numbers, one a cell.
        cells: Number of cells recorded, silent ones too.
        start_ms: Start of the window; what came before is transient.
        stop_ms: End of the window.

    Returns:
        The figures of the module's description; None where there is nothing to compute it from.

    Raises:
        ValueError: If times and senders differ in number or the window is empty.
    """
    times_ms, senders = np.asarray(times_ms, dtype=np.float64), np.asarray(senders)
    if times_ms.shape != senders.shape:
        raise ValueError(f"{times_ms.size} spike times but {senders.size} senders.")
    if stop_ms <= start_ms:
        raise ValueError(f"The window from {start_ms} to {stop_ms} ms is empty.")
    # A spike on the edge (a multiple of the step, rounded) belongs to the window that it ends.
    inside = (times_ms > start_ms + 1e-6) & (times_ms <= stop_ms + 1e-6)
    times_ms, senders = times_ms[inside], senders[inside]
    variations = interval_variations(times_ms, senders)
    counts, _ = np.histogram(times_ms - start_ms, np.arange(0.0, stop_ms - start_ms + 0.5, 1.0))
    mean = counts.mean()
    return {
        "rate_hz": times_ms.size / cells / (stop_ms - start_ms) * 1e3,
        "cv": float(variations.mean()) if variations.size else None,
        "cells_in_cv": int(variations.size),
        "synchrony": float(counts.std() / mean) if mean > 0 else None,
        "synchrony_of_poisson": float(mean**-0.5) if mean > 0 else None,
        "frequency_hz": dominant_frequency_hz(counts),
        "fell_silent": not times_ms.size or bool(times_ms.max() < stop_ms - SILENCE_MS),
    }


def interval_variations(times_ms: np.ndarray, senders: np.ndarray) -> np.ndarray:
    """CV of the inter-spike intervals of each cell with enough spikes."""
    order = np.lexsort((times_ms, senders))
    times_ms, senders = times_ms[order], senders[order]
    if times_ms.size == 0:
        return np.empty(0)
    starts = np.flatnonzero(np.r_[True, senders[1:] != senders[:-1]])
    trains = np.split(times_ms, starts[1:])
    found = []
    for train in trains:
        if train.size >= SPIKES_AT_LEAST:
            intervals = np.diff(train)
            found.append(intervals.std() / intervals.mean())
    return np.array(found)


def dominant_frequency_hz(counts: np.ndarray) -> float | None:
    """Where the spectrum of counts in bins of 1 ms is largest, at or above 5 Hz."""
    segments = counts.size // SEGMENT_MS
    if segments == 0 or counts.sum() == 0:
        return None
    pieces = counts[: segments * SEGMENT_MS].reshape(segments, SEGMENT_MS).astype(np.float64)
    pieces -= pieces.mean(axis=1, keepdims=True)
    power = (np.abs(np.fft.rfft(pieces * np.hanning(SEGMENT_MS), axis=1)) ** 2).mean(axis=0)
    frequencies = np.fft.rfftfreq(SEGMENT_MS, d=1e-3)
    power[frequencies < 5.0] = 0.0
    return float(frequencies[power.argmax()])
