r"""How irregular spike trains are: intervals and their variation, and the variation of counts.

A Poisson process has CV = CV2 = LV = Fano factor = 1, a clock has 0. What the data do not allow is
nan: CV with fewer than two intervals, CV2 and LV with fewer than two, a Fano factor of silence.
"""

from __future__ import annotations

import numpy as np

from neurallayers.errors import InvalidInput
from neurallayers.measures.rates import binned_counts
from neurallayers.measures.spike_trains import (
    Array,
    Numbers,
    Trains,
    as_array,
    check_positive,
    spike_train,
)


def interspike_intervals_ms(times_ms: Numbers) -> Array:
    """The intervals between one spike and the next [ms], ``[spikes - 1]``.

    >>> interspike_intervals_ms([1.0, 4.0, 9.0]).tolist()
    [3.0, 5.0]
    """
    return np.diff(spike_train(times_ms))


def coefficient_of_variation(times_ms: Numbers) -> float:
    r"""CV of the intervals: their standard deviation over their mean.

    The standard deviation is that of the sample at hand (divided by n, not n - 1), as elephant and
    most of the literature take it. It mixes irregularity with slow changes of the rate;
    :func:`cv2` and :func:`local_variation` do not.

    Returns:
        nan with fewer than two intervals or a mean of zero.

    >>> coefficient_of_variation([0.0, 10.0, 20.0, 30.0])
    0.0
    """
    intervals = interspike_intervals_ms(times_ms)
    if intervals.size < 2 or intervals.mean() == 0.0:
        return float("nan")
    return float(intervals.std() / intervals.mean())


def mean_coefficient_of_variation(trains: Trains, *, fewest_spikes: int = 3) -> float:
    """The CV averaged over those neurons of a population that fired often enough.

    Args:
        trains: One train for each neuron.
        fewest_spikes: Neurons with fewer are left out. The CV of few intervals is biased low (for
            a Poisson train of 3 spikes it averages 0.5), so take 10 or more, or long recordings.

    Returns:
        nan if no neuron fired often enough.

    Raises:
        InvalidInput: If ``fewest_spikes`` is less than 3: two intervals need three spikes.
    """
    if fewest_spikes < 3:
        raise InvalidInput(f"fewest_spikes is {fewest_spikes}.", "A CV needs at least 3 spikes.")
    values = [coefficient_of_variation(train) for train in trains if len(train) >= fewest_spikes]
    return float(np.mean(values)) if values else float("nan")


def cv2(times_ms: Numbers) -> float:
    r"""Local coefficient of variation, of neighbouring intervals only.

    .. math:: CV_2 = \frac{1}{n-1} \sum_i \frac{2 |I_{i+1} - I_i|}{I_{i+1} + I_i}

    Returns:
        nan with fewer than two intervals.

    Source: Holt, Softky, Koch & Douglas (1996), J. Neurophysiol. 75:1806, eq. 2.

    >>> cv2([0.0, 10.0, 40.0])
    1.0
    """
    intervals = interspike_intervals_ms(times_ms)
    if intervals.size < 2:
        return float("nan")
    return float(2.0 * np.abs(_contrasts(intervals)).mean())


def local_variation(times_ms: Numbers) -> float:
    r"""Local variation LV, 1 for a Poisson process whatever its slow changes of rate.

    .. math:: LV = \frac{3}{n-1} \sum_i \left( \frac{I_i - I_{i+1}}{I_i + I_{i+1}} \right)^2

    Returns:
        nan with fewer than two intervals.

    Source: Shinomoto, Shima & Tanji (2003), Neural Comput. 15:2823, eq. 2.2.

    >>> local_variation([0.0, 10.0, 40.0])
    0.75
    """
    intervals = interspike_intervals_ms(times_ms)
    if intervals.size < 2:
        return float("nan")
    return float(3.0 * (_contrasts(intervals) ** 2).mean())


def revised_local_variation(times_ms: Numbers, *, refractoriness_ms: float = 5.0) -> float:
    r"""LvR: local variation with the refractory period taken out.

    .. math:: LvR = \frac{3}{n-1} \sum_i \left( 1 - \frac{4 I_i I_{i+1}}{(I_i + I_{i+1})^2} \right)
              \left( 1 + \frac{4 R}{I_i + I_{i+1}} \right)

    Returns:
        nan with fewer than two intervals.

    Raises:
        InvalidInput: If the refractoriness is negative.

    Source: Shinomoto et al. (2009), PLoS Comput. Biol. 5:e1000433, eq. 3; R = 5 ms.
    """
    if not 0.0 <= refractoriness_ms < np.inf:
        raise InvalidInput(
            f"refractoriness_ms is {refractoriness_ms}.", "It is 0 ms or more, usually 5."
        )
    intervals = interspike_intervals_ms(times_ms)
    if intervals.size < 2:
        return float("nan")
    sums = intervals[1:] + intervals[:-1]
    # 1 - 4ab / (a + b)**2 is the square of (a - b) / (a + b).
    widened = 1.0 + 4.0 * refractoriness_ms / np.where(sums > 0.0, sums, np.inf)
    return float(3.0 * (_contrasts(intervals) ** 2 * widened).mean())


def _contrasts(intervals: Array) -> Array:
    """(b - a) / (b + a) of neighbours; two intervals of no length do not differ."""
    sums = intervals[1:] + intervals[:-1]
    return np.diff(intervals) / np.where(sums > 0.0, sums, 1.0)


def fano_factor(counts: Numbers) -> float:
    """Variance of spike counts over their mean.

    The variance is that of the sample at hand (divided by n), as elephant takes it.

    Args:
        counts: Spikes in windows of one length, over trials or time: ``[windows]``;
            :func:`fano_factor_of_trains` counts for you.

    Returns:
        nan without a window or without a spike.

    Raises:
        InvalidInput: If a count is negative or not finite.

    >>> fano_factor([2, 4, 2, 4])
    0.3333333333333333
    """
    values = as_array(counts).ravel()
    if not (np.isfinite(values) & (values >= 0.0)).all():
        raise InvalidInput("A count is negative or not finite.", "Counts are 0, 1, 2, ...")
    if not values.size or values.mean() == 0.0:
        return float("nan")
    return float(values.var() / values.mean())


def fano_factor_of_trains(
    trains: Trains, *, start_ms: float = 0.0, stop_ms: float, window_ms: float | None = None
) -> float:
    """The Fano factor of the counts of several trains in one window, or in consecutive windows.

    Args:
        trains: Trials of one neuron (or neurons of one rate).
        start_ms: Where counting starts [ms].
        stop_ms: Where it stops [ms].
        window_ms: Length of a window [ms]; left out, all of the time from start to stop.

    Returns:
        nan without a train or without a spike.

    Raises:
        InvalidInput: If no window fits.
    """
    length = stop_ms - start_ms if window_ms is None else check_positive("window_ms", window_ms)
    return fano_factor(binned_counts(trains, length, start_ms=start_ms, stop_ms=stop_ms))
