"""How often neurons fire: counts, rates, and rates in time.

Source: Dayan & Abbott (2001), Theoretical Neuroscience, section 1.2 (three rates: over time, over
trials, over neurons).
"""

from __future__ import annotations

import numpy as np

from neurallayers.errors import InvalidInput
from neurallayers.measures.spike_trains import (
    Array,
    Numbers,
    Trains,
    check_positive,
    check_window,
    inside,
    spike_train,
)

MS_PER_SECOND = 1000.0
KERNELS = ("gaussian", "exponential", "alpha", "rectangular")
# A bin edge that rounding put this far (in bins) off its place is still that edge.
_ROUNDING = 1e-8
# Standard deviations after which a kernel is cut: exp(-8**2 / 2) = 1e-14.
_TAILS = {"gaussian": 8.0, "exponential": 34.0, "alpha": 28.0, "rectangular": 2.0}


def mean_rate_hz(times_ms: Numbers, *, start_ms: float = 0.0, stop_ms: float) -> float:
    """Spikes a second between ``start_ms`` and ``stop_ms`` (the end excluded).

    Raises:
        InvalidInput: If the window has no length.

    >>> mean_rate_hz([10.0, 40.0, 90.0], stop_ms=100.0)
    30.0
    """
    window_ms = check_window(start_ms, stop_ms)
    return inside(spike_train(times_ms), start_ms, stop_ms).size * MS_PER_SECOND / window_ms


def binned_counts(trains: Trains, bin_ms: float, *, start_ms: float = 0.0, stop_ms: float) -> Array:
    """Spikes of each train in each bin ``[start + k bin, start + (k + 1) bin)``.

    A last bin that does not fit whole is left out. Times that rounding put a hair (1e-8 bins)
    before an edge count as on it: spikes on a grid of steps are otherwise binned by accident.

    Args:
        trains: One train for each neuron or trial.
        bin_ms: Length of a bin [ms].
        start_ms: Where the first bin starts [ms].
        stop_ms: Where the last bin ends at the latest [ms].

    Returns:
        float64 ``[trains, bins]``, whole numbers.

    Raises:
        InvalidInput: If no bin fits into the window.

    >>> binned_counts([[1.0, 5.0, 7.0], []], bin_ms=5.0, stop_ms=10.0).tolist()
    [[1.0, 2.0], [0.0, 0.0]]
    """
    window_ms = check_window(start_ms, stop_ms)
    bins = int(np.floor(window_ms / check_positive("bin_ms", bin_ms) + _ROUNDING))
    if bins < 1:
        raise InvalidInput(
            f"bin_ms is {bin_ms} in a window of {window_ms:g} ms.", "Take a shorter bin."
        )
    counts = np.zeros((len(trains), bins))
    for row, train in enumerate(trains):
        places = np.floor((spike_train(train) - start_ms) / bin_ms + _ROUNDING)
        kept = places[(places >= 0) & (places < bins)].astype(np.int64)
        counts[row] = np.bincount(kept, minlength=bins)
    return counts


def peristimulus_time_histogram_hz(
    trials: Trains, bin_ms: float, *, start_ms: float = 0.0, stop_ms: float
) -> Array:
    """The rate in each bin, averaged over trials of one neuron [Hz], ``[bins]``.

    Raises:
        InvalidInput: If there is no trial or no bin fits into the window.

    >>> peristimulus_time_histogram_hz([[1.0], [2.0, 7.0]], 5.0, stop_ms=10.0).tolist()
    [200.0, 100.0]
    """
    if not len(trials):
        raise InvalidInput("There is no trial.", "Pass at least one spike train; it may be empty.")
    counts = binned_counts(trials, bin_ms, start_ms=start_ms, stop_ms=stop_ms)
    rates: Array = counts.mean(axis=0) * MS_PER_SECOND / bin_ms
    return rates


def population_rate_hz(
    trains: Trains, bin_ms: float, *, start_ms: float = 0.0, stop_ms: float
) -> Array:
    r"""The activity of a population: the rate of its mean neuron in each bin [Hz], ``[bins]``.

    .. math:: A(t) = n_{act}(t, t + \Delta t) / (N \Delta t)

    Source: Gerstner et al. (2014), Neuronal Dynamics, eq. 7.11.

    Raises:
        InvalidInput: If there is no train or no bin fits into the window.
    """
    return peristimulus_time_histogram_hz(trains, bin_ms, start_ms=start_ms, stop_ms=stop_ms)


def instantaneous_rate_hz(
    times_ms: Numbers,
    at_ms: Numbers,
    *,
    kernel: str = "gaussian",
    width_ms: float = 20.0,
) -> Array:
    r"""The rate at given times as a sum of kernels, one on each spike [Hz].

    .. math:: r(t) = \sum_k \kappa(t - t_k), \qquad \int \kappa = 1

    with the standard deviation :math:`\sigma` = ``width_ms`` for every kernel: ``"gaussian"``;
    ``"rectangular"``, of half width :math:`\sqrt 3 \sigma`; and the causal ``"exponential"``,
    :math:`e^{-t/\sigma}/\sigma`, and ``"alpha"``, :math:`t e^{-t/\tau}/\tau^2` with
    :math:`\tau = \sigma/\sqrt 2`.

    Nothing corrects for the edges of a recording: near them spikes outside of it are missing.

    Args:
        times_ms: Spike times [ms].
        at_ms: When the rate is asked for [ms].
        kernel: One of :data:`KERNELS`.
        width_ms: Standard deviation of the kernel [ms].

    Raises:
        InvalidInput: If there is no such kernel or the width is not positive.

    Source: Dayan & Abbott (2001), Theoretical Neuroscience, eq. 1.21 and 1.22; Nawrot, Aertsen &
    Rotter (1999), J. Neurosci. Methods 94:81 (kernels of equal standard deviation).

    >>> float(instantaneous_rate_hz([100.0], [100.0], kernel="exponential", width_ms=10.0)[0])
    100.0
    """
    if kernel not in KERNELS:
        raise InvalidInput(f"kernel is {kernel!r}.", f"Choose one of {', '.join(KERNELS)}.")
    sigma = check_positive("width_ms", width_ms)
    train = spike_train(times_ms)
    asked = np.atleast_1d(np.asarray(at_ms, dtype=np.float64))
    reach = _TAILS[kernel] * sigma
    first = np.searchsorted(train, asked - reach)
    last = np.searchsorted(train, asked + reach, side="right")
    rates = np.zeros(asked.shape)
    for place in np.flatnonzero(last > first):
        delays = asked[place] - train[first[place] : last[place]]
        rates[place] = _kernel(kernel, delays, sigma).sum() * MS_PER_SECOND
    return rates


def _kernel(name: str, t: Array, sigma: float) -> Array:
    """The kernel [1/ms] at these times after a spike [ms]."""
    if name == "gaussian":
        value = np.exp(-0.5 * (t / sigma) ** 2) / (np.sqrt(2.0 * np.pi) * sigma)
    elif name == "rectangular":
        half = np.sqrt(3.0) * sigma
        value = (np.abs(t) <= half) / (2.0 * half)
    else:
        after = np.maximum(t, 0.0)
        tau = sigma if name == "exponential" else sigma / np.sqrt(2.0)
        shape = 1.0 / tau if name == "exponential" else after / tau**2
        value = (t >= 0.0) * shape * np.exp(-after / tau)
    return np.asarray(value, dtype=np.float64)
