"""How far neurons fire together: chi, correlations, tiling coefficient, SPIKE synchronization."""

from __future__ import annotations

import numpy as np

from neurallayers.dynamics.kernels.compiler import kernel
from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.measures.rates import binned_counts
from neurallayers.measures.spike_trains import (
    Array,
    Numbers,
    Trains,
    as_array,
    check_positive,
    check_window,
    inside,
    spike_train,
)


def synchrony_chi(signals: Numbers) -> float:
    r"""Golomb's and Hansel's measure of synchrony, from 0 (asynchronous) to 1 (all as one).

    .. math:: \chi^2 = \frac{\mathrm{Var}_t(\langle V_i(t) \rangle_i)}
              {\langle \mathrm{Var}_t(V_i(t)) \rangle_i}

    For N independent neurons it is :math:`1/\sqrt N`, not 0: compare sizes before you conclude.

    Args:
        signals: ``[time, neurons]``: membrane potentials, or binned or smoothed spikes.

    Returns:
        nan if no signal varies.

    Raises:
        ShapeMismatch: If it does not have two axes with something on each.

    Source: Golomb (2007), Scholarpedia 2(1):1347, eq. 4; Hansel & Sompolinsky (1992), Phys. Rev.
    Lett. 68:718.

    >>> synchrony_chi([[0.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    1.0
    """
    values = as_array(signals)
    if values.ndim != 2 or not values.size:
        raise ShapeMismatch(
            f"The signals have shape {values.shape}, expected [time, neurons].",
            "Put time first and the neurons second.",
        )
    of_each = values.var(axis=0).mean()
    if of_each == 0.0:
        return float("nan")
    return float(np.sqrt(values.mean(axis=1).var() / of_each))


def correlation_coefficients(
    trains: Trains, bin_ms: float, *, start_ms: float = 0.0, stop_ms: float
) -> Array:
    """Pearson's correlation of binned spike counts, each train with each, ``[trains, trains]``.

    Returns:
        nan in the row and the column of a train whose count never changes.

    Raises:
        InvalidInput: If no bin fits into the window.

    >>> correlation_coefficients([[1.0], [1.5]], bin_ms=2.0, stop_ms=10.0).round(9).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    counts = binned_counts(trains, bin_ms, start_ms=start_ms, stop_ms=stop_ms)
    deviations = counts - counts.mean(axis=1, keepdims=True)
    covariance = deviations @ deviations.T
    scale = np.sqrt(np.diag(covariance))
    scale[scale == 0.0] = np.nan
    return np.asarray(covariance / np.outer(scale, scale))


def cross_correlogram(
    first_ms: Numbers, second_ms: Numbers, *, bin_ms: float = 1.0, reach_ms: float = 50.0
) -> tuple[Array, Array]:
    """How often the second neuron fires at each lag from a spike of the first.

    Args:
        first_ms: Spike times [ms].
        second_ms: Spike times [ms].
        bin_ms: Length of a bin of lags [ms].
        reach_ms: Longest lag in the middle of a bin [ms], a multiple of ``bin_ms``.

    Returns:
        Lags at the middle of each bin [ms] and counts of pairs, both ``[2 reach / bin + 1]``.
        Bin k holds the lags from ``-bin / 2`` to less than ``bin / 2`` around its middle.

    Raises:
        InvalidInput: If the reach is no multiple of the bin.

    >>> lags_ms, pairs = cross_correlogram([10.0, 20.0], [12.0, 22.0], bin_ms=2.0, reach_ms=4.0)
    >>> dict(zip(lags_ms.tolist(), pairs.tolist()))
    {-4.0: 0.0, -2.0: 0.0, 0.0: 0.0, 2.0: 2.0, 4.0: 0.0}
    """
    bins = round(reach_ms / check_positive("bin_ms", bin_ms))
    if bins < 0 or abs(bins * bin_ms - reach_ms) > 1e-9 * max(1.0, reach_ms):
        raise InvalidInput(
            f"reach_ms is {reach_ms} with bin_ms {bin_ms}.", "Take a multiple of the bin."
        )
    counts = _lag_counts(spike_train(first_ms), spike_train(second_ms), float(bin_ms), bins)
    lags_ms: Array = np.arange(-bins, bins + 1, dtype=np.float64) * bin_ms
    return lags_ms, counts


@kernel
def _lag_counts(first: Array, second: Array, bin_ms: float, bins: int) -> Array:
    counts = np.zeros(2 * bins + 1)
    begin = 0
    reach = (bins + 0.5) * bin_ms
    for i in range(first.size):
        while begin < second.size and second[begin] - first[i] < -reach:
            begin += 1
        j = begin
        while j < second.size and second[j] - first[i] < reach:
            place = int(np.floor((second[j] - first[i]) / bin_ms + 0.5)) + bins
            counts[min(max(place, 0), 2 * bins)] += 1.0
            j += 1
    return counts


def spike_time_tiling_coefficient(
    first_ms: Numbers,
    second_ms: Numbers,
    *,
    precision_ms: float = 5.0,
    start_ms: float = 0.0,
    stop_ms: float,
) -> float:
    r"""Correlation of two trains that does not depend on their rates, from -1 to 1.

    .. math:: STTC = \frac12 \left( \frac{P_A - T_B}{1 - P_A T_B} +
              \frac{P_B - T_A}{1 - P_B T_A} \right)

    with the share :math:`P_A` of spikes of A within ``precision_ms`` of one of B and the share
    :math:`T_A` of time within it of a spike of A.

    Returns:
        nan if a train is silent.

    Raises:
        InvalidInput: If the window has no length or the precision is not positive.

    Source: Cutts & Eglen (2014), J. Neurosci. 34:14288, eq. 2.

    >>> spike_time_tiling_coefficient([10.0, 60.0], [11.0, 61.0], stop_ms=100.0)
    1.0
    """
    window_ms = check_window(start_ms, stop_ms)
    check_positive("precision_ms", precision_ms)
    first, second = (inside(spike_train(t), start_ms, stop_ms) for t in (first_ms, second_ms))
    if not first.size or not second.size:
        return float("nan")
    total = 0.0
    for mine, other in ((first, second), (second, first)):
        met = float((_nearest_ms(mine, other) <= precision_ms).mean())
        tiled = _tiled_ms(other, precision_ms, start_ms, stop_ms) / window_ms
        # Both 1: each spike of one is met, and the other covers all time: perfectly together.
        total += 1.0 if met * tiled == 1.0 else (met - tiled) / (1.0 - met * tiled)
    return total / 2.0


def _nearest_ms(train: Array, other: Array) -> Array:
    """How far the nearest spike of the other train is from each spike."""
    after = np.searchsorted(other, train)
    later = other[np.minimum(after, other.size - 1)]
    earlier = other[np.maximum(after - 1, 0)]
    return np.minimum(np.abs(later - train), np.abs(earlier - train))


def _tiled_ms(train: Array, reach_ms: float, start_ms: float, stop_ms: float) -> float:
    """Time within reach of a spike, where tiles that overlap count once."""
    begins = np.maximum(train - reach_ms, start_ms)
    ends = np.minimum(train + reach_ms, stop_ms)
    begins[1:] = np.maximum(begins[1:], ends[:-1])
    return float((ends - begins).sum())


def spike_synchronization(trains: Trains) -> float:
    r"""SPIKE synchronization: the share of coincidences, without a time scale to choose.

    Two spikes coincide if they are nearer than half of the shortest of the four intervals around
    them. It is 0 if no spikes coincide, and 1 if every spike does so with one of every other train.

    Args:
        trains: Two or more spike trains.

    Returns:
        Mean over all pairs of trains, each with the weight of its spikes; 1 if all are silent.

    Raises:
        InvalidInput: If there are fewer than two trains.

    Source: Kreuz, Mulansky & Bozanic (2015), J. Neurophysiol. 113:3432, eq. 15 to 19.

    >>> spike_synchronization([[10.0, 50.0], [12.0, 80.0]])
    0.5
    """
    checked = [spike_train(train) for train in trains]
    if len(checked) < 2:
        raise InvalidInput(f"There are {len(checked)} trains.", "Synchrony needs at least two.")
    met, spikes = 0, 0
    for i, first in enumerate(checked):
        for second in checked[:i]:
            met += 2 * int(_adaptive_pairs(first, second))
            spikes += first.size + second.size
    return met / spikes if spikes else 1.0


@kernel
def _interval_around(train: Array, place: int) -> float:
    shortest = np.inf
    if place > 0:
        shortest = train[place] - train[place - 1]
    if place + 1 < train.size:
        shortest = min(shortest, train[place + 1] - train[place])
    return shortest


@kernel
def _adaptive_pairs(first: Array, second: Array) -> int:
    pairs, begin = 0, 0
    for i in range(first.size):
        # The nearest spike is the only one that can be nearer than half of an interval.
        while begin + 1 < second.size and abs(second[begin + 1] - first[i]) <= abs(
            second[begin] - first[i]
        ):
            begin += 1
        if second.size == 0:
            break
        gap = abs(second[begin] - first[i])
        window = 0.5 * min(_interval_around(first, i), _interval_around(second, begin))
        pairs += gap < window
    return pairs
