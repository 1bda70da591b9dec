r"""PCIst: complexity of a response as the number of its transitions between states.

The response is taken apart into its principal components. Of each the distances between all pairs
of its moments are compared with a threshold; a transition is a change from near to far or back, and
their number a moment, in the response against ``k`` times that in the baseline, is taken at the
threshold where the difference is largest:

.. math:: \Delta NST_n = \max_\epsilon [NST_n^{response} - k\, NST_n^{baseline}], \quad
          PCI^{ST} = \sum_n \Delta NST_n

Source: Comolatti et al. (2019), Brain Stimul. 12:1280. The thresholds are equally spaced between
the median distance in the baseline and the largest one in the response.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.measures.spike_trains import Array, Numbers, as_array


class StateTransitionComplexity(NamedTuple):
    """PCIst and what it comes from, component by component."""

    pcist: float
    differences: Array
    """Transitions that each component adds, ``[components]``; none is negative."""
    signal_to_noise: Array
    """Root mean square of each component in the response over that in the baseline."""
    thresholds: Array
    """Distance at which the difference is largest, ``[components]``, unit of the signal."""


def state_transition_complexity(
    signal: Numbers,
    times_ms: Numbers,
    *,
    baseline_window_ms: tuple[float, float] = (-400.0, -50.0),
    response_window_ms: tuple[float, float] = (0.0, 300.0),
    k: float = 1.2,
    min_snr: float = 1.1,
    max_variance_percent: float = 99.0,
    n_steps: int = 100,
    center: bool = False,
) -> StateTransitionComplexity:
    """PCIst of an evoked response, averaged over trials.

    Args:
        signal: ``[channels, time]``, any unit. The method is meant for signals whose baseline is
            around zero, as recordings are prepared; see ``center``.
        times_ms: Time of each sample, the stimulus at 0 [ms].
        baseline_window_ms: Begin and end of the baseline [ms]; a sample at its end is not in it.
        response_window_ms: Begin and end of the response [ms], likewise.
        k: How strongly transitions of the baseline count.
        min_snr: Components with no more signal to noise than this are left out.
        max_variance_percent: How much of the variance of the response the components hold.
        n_steps: Thresholds that are tried.
        center: First take off each channel's mean over the baseline. The published method leaves
            that to the preparation of the recording.

    Returns:
        0 where no component stands out of the baseline.

    Raises:
        ShapeMismatch: If the signal is not ``[channels, time]`` with a time for each sample.
        InvalidInput: If it holds NaN, a window holds fewer than two samples or an option is out of
            range.

    >>> times_ms = np.arange(-400.0, 300.0)
    >>> noise = 0.01 * np.random.default_rng(0).normal(size=(4, 700))
    >>> wave = np.where(times_ms > 0.0, np.sin(times_ms / 10.0) * np.exp(-times_ms / 150.0), 0.0)
    >>> bool(state_transition_complexity(noise + wave, times_ms).pcist > 5.0)
    True
    """
    _check_options(k, min_snr, max_variance_percent, n_steps)
    samples, times = _recording(signal, times_ms)
    baseline = _window(times, baseline_window_ms, "baseline_window_ms")
    response = _window(times, response_window_ms, "response_window_ms")
    if center:
        samples = samples - samples[:, baseline].mean(1, keepdims=True)
    components, snr = _components(samples, baseline, response, min_snr, max_variance_percent)
    differences, chosen = np.zeros(len(components)), np.zeros(len(components))
    for i, component in enumerate(components):
        differences[i], chosen[i] = _most_transitions(
            component[baseline], component[response], k, n_steps
        )
    return StateTransitionComplexity(float(differences.sum()), differences, snr, chosen)


def _components(
    samples: Array, baseline: slice, response: slice, min_snr: float, percent: float
) -> tuple[Array, Array]:
    """Principal components of the response that stand out, over the whole time."""
    _, singular, directions = np.linalg.svd(samples[:, response].T, full_matrices=False)
    power = singular**2
    if power.sum() == 0.0:
        return np.zeros((0, samples.shape[1])), np.zeros(0)
    share = 100.0 * np.cumsum(power) / power.sum()
    # As many as it takes to reach the share; rounding may leave the last sum just under it.
    count = min(int(np.searchsorted(share, percent)) + 1, len(power))
    projected = directions[:count] @ samples
    before = np.sqrt((projected[:, baseline] ** 2).mean(1))
    after = np.sqrt((projected[:, response] ** 2).mean(1))
    with np.errstate(divide="ignore", invalid="ignore"):
        snr = np.where(before > 0.0, after / before, np.where(after > 0.0, np.inf, 0.0))
    kept = snr > min_snr
    return projected[kept], snr[kept]


def _most_transitions(before: Array, after: Array, k: float, n_steps: int) -> tuple[float, float]:
    """The largest difference of transitions a moment of the response, and its threshold."""
    lowest = float(np.median(np.abs(before[:, None] - before[None, :])))
    thresholds = np.linspace(lowest, float(after.max() - after.min()), n_steps)
    if thresholds[-1] < thresholds[0]:  # a baseline that moves more than the response
        thresholds = thresholds[::-1].copy()
    moments = len(after)
    response = transitions(np.ascontiguousarray(after), thresholds) / moments**2
    baseline = transitions(np.ascontiguousarray(before), thresholds) / len(before) ** 2
    difference = response - k * baseline
    best = int(difference.argmax())
    return max(0.0, float(difference[best]) * moments), float(thresholds[best])


@numba.njit(cache=True)
def transitions(signal, thresholds):  # type: ignore[no-untyped-def]
    """How many entries of the matrix of distances cross a threshold from a moment to the next.

    Each pair of neighbouring distances crosses a stretch of the thresholds: those are counted at
    once, by their ends.

    Args:
        signal: ``[time]``.
        thresholds: ``[thresholds]``, equally spaced and rising.

    Returns:
        int64 ``[thresholds]``; near is a distance that does not exceed the threshold.
    """
    count = thresholds.size
    steps = np.zeros(count + 1, np.int64)
    first = thresholds[0]
    width = (thresholds[count - 1] - first) / max(count - 1, 1)
    for i in range(signal.size):
        before = _place(abs(signal[i] - signal[0]), thresholds, first, width)
        for j in range(1, signal.size):
            now = _place(abs(signal[i] - signal[j]), thresholds, first, width)
            if before < now:
                steps[before] += 1
                steps[now] -= 1
            elif now < before:
                steps[now] += 1
                steps[before] -= 1
            before = now
    return np.cumsum(steps[:count])


@numba.njit(cache=True)
def _place(distance, thresholds, first, width):  # type: ignore[no-untyped-def]
    """The first threshold that a distance does not exceed; their number if there is none."""
    count = thresholds.size
    if distance <= first:
        return 0
    if distance > thresholds[count - 1]:
        return count
    place = min(int((distance - first) / width), count - 1)
    # The guess may be off by rounding; the thresholds themselves decide.
    while place > 0 and distance <= thresholds[place - 1]:
        place -= 1
    while distance > thresholds[place]:
        place += 1
    return place


def _check_options(k: float, min_snr: float, percent: float, n_steps: int) -> None:
    if not (k >= 0.0 and min_snr >= 0.0 and 0.0 < percent <= 100.0 and n_steps >= 2):
        raise InvalidInput(
            f"k is {k}, min_snr {min_snr}, max_variance_percent {percent}, n_steps {n_steps}.",
            "Use k and min_snr from 0, a percentage up to 100 and 2 thresholds or more.",
        )


def _recording(signal: Numbers, times_ms: Numbers) -> tuple[Array, Array]:
    samples, times = as_array(signal), as_array(times_ms)
    if samples.ndim != 2 or times.shape != samples.shape[1:] or not samples.size:
        raise ShapeMismatch(
            f"The signal has shape {samples.shape}, the times {times.shape}.",
            "Give [channels, time] and a time for each sample.",
        )
    if not (np.isfinite(samples).all() and np.isfinite(times).all()):
        raise InvalidInput("The signal or its times hold NaN or infinity.", "Leave these out.")
    if (np.diff(times) <= 0.0).any():
        raise InvalidInput("The times do not rise.", "Give the samples in the order of time.")
    return samples, times


def _window(times: Array, window_ms: tuple[float, float], name: str) -> slice:
    """The samples of a window: those from its begin on, and before its end."""
    begin, end = window_ms
    first, last = np.searchsorted(times, [begin, end], side="left").tolist()
    spacing = times[-1] - times[0] if len(times) < 2 else float(np.median(np.diff(times)))
    if last - first < 2 or begin < times[0] - spacing or end > times[-1] + spacing:
        raise InvalidInput(
            f"{name} is {window_ms}, the recording goes from {times[0]:g} to {times[-1]:g} ms.",
            "Choose a window within it, of two samples or more.",
        )
    return slice(first, last)
