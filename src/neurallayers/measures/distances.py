"""Distances between spike trains: van Rossum's and Victor and Purpura's, both exact.

Both are metrics: zero only for equal trains, symmetric, and no way round is shorter.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from neurallayers.dynamics.kernels.compiler import kernel
from neurallayers.errors import InvalidInput
from neurallayers.measures.spike_trains import (
    Array,
    Numbers,
    Trains,
    spike_train,
)


def van_rossum_distance(first_ms: Numbers, second_ms: Numbers, *, tau_ms: float = 10.0) -> float:
    r"""Distance of two trains as traces of exponentials of time constant :math:`\tau`.

    .. math:: D^2 = \frac{2}{\tau} \int_0^\infty (f(t) - g(t))^2 dt, \qquad
              f(t) = \sum_{t_k \le t} e^{-(t - t_k)/\tau}

    so that one spike more or less is a distance of 1 and two spikes far apart one of
    :math:`\sqrt 2`. This is the normalisation of Houghton & Kreuz (2012) and of elephant; van
    Rossum's own is smaller by :math:`\sqrt 2`.

    The integral is closed between events, where the difference decays, so that it is exact, never
    negative, zero for equal trains, and takes time in proportion to the number of spikes.

    Args:
        first_ms: Spike times [ms].
        second_ms: Spike times [ms].
        tau_ms: Time constant [ms]: differences much shorter count little; 0 counts the spikes
            without a partner at the same time, infinity compares the numbers of spikes.

    Raises:
        InvalidInput: If ``tau_ms`` is negative or nan.

    Source: van Rossum (2001), Neural Comput. 13:751, eq. 2.2; Houghton & Kreuz (2012), Network
    23:48.

    >>> van_rossum_distance([10.0], [])
    1.0
    """
    if not tau_ms >= 0.0:
        raise InvalidInput(f"tau_ms is {tau_ms}.", "A time constant is 0 ms or more, usually 10.")
    first, second = spike_train(first_ms), spike_train(second_ms)
    times = np.concatenate([first, second])
    signs = np.concatenate([np.ones(first.size), -np.ones(second.size)])
    order = np.argsort(times, kind="stable")
    if math.isinf(tau_ms):
        return float(abs(first.size - second.size))
    # Simultaneous spikes become one event, so that what cancels does so exactly.
    moments, places = np.unique(times[order], return_inverse=True)
    jumps: Array = np.zeros(moments.size)
    np.add.at(jumps, places, signs[order])
    if tau_ms == 0.0:
        return float(np.sqrt((jumps**2).sum()))
    return float(np.sqrt(_trace_energy(moments / tau_ms, jumps)))


@kernel
def _trace_energy(moments: Array, jumps: Array) -> float:
    """Twice the integral of the square of a trace that jumps and decays with time constant 1."""
    energy, trace = 0.0, 0.0
    for k in range(moments.size):
        trace += jumps[k]
        if k + 1 < moments.size:
            gap = moments[k + 1] - moments[k]
            energy -= trace * trace * math.expm1(-2.0 * gap)
            trace *= math.exp(-gap)
    return energy + trace * trace


def victor_purpura_distance(
    first_ms: Numbers, second_ms: Numbers, *, cost_per_ms: float = 0.1
) -> float:
    r"""The cheapest way to turn one train into the other.

    To remove or add a spike costs 1, to move one by :math:`\Delta t` costs :math:`q |\Delta t|`.
    With q = 0 the numbers of spikes are compared, for large q the spikes without a partner at the
    same time; spikes further apart than 2/q are never moved.

    Dynamic programming over all pairs, time in proportion to the product of the numbers of spikes.

    Args:
        first_ms: Spike times [ms].
        second_ms: Spike times [ms].
        cost_per_ms: Cost q of moving a spike [1/ms]; elephant's ``cost_factor`` in Hz is 1,000
            times this number.

    Raises:
        InvalidInput: If the cost is negative or not finite.

    Source: Victor & Purpura (1996), J. Neurophysiol. 76:1310; algorithm: Sellers (1974), SIAM J.
    Appl. Math. 26:787.

    >>> victor_purpura_distance([10.0, 50.0], [12.0], cost_per_ms=0.1)
    1.2
    """
    if not 0.0 <= cost_per_ms < math.inf:
        raise InvalidInput(
            f"cost_per_ms is {cost_per_ms}.", "The cost is 0 or more for each ms, usually 0.1."
        )
    return float(_edit_cost(spike_train(first_ms), spike_train(second_ms), cost_per_ms))


@kernel
def _edit_cost(first: Array, second: Array, cost_per_ms: float) -> float:
    """Sellers' algorithm with one row of the table of costs."""
    costs = np.arange(second.size + 1).astype(np.float64)
    for i in range(first.size):
        diagonal = costs[0]
        costs[0] = i + 1.0
        for j in range(second.size):
            moved = diagonal + cost_per_ms * abs(first[i] - second[j])
            diagonal = costs[j + 1]
            costs[j + 1] = min(moved, min(costs[j], diagonal) + 1.0)
    return float(costs[second.size])


def pairwise_distances(
    trains: Trains, distance: Callable[[Numbers, Numbers], float] = van_rossum_distance
) -> Array:
    """The distance of each train from each other, symmetric, ``[trains, trains]``.

    Args:
        trains: Spike trains.
        distance: Takes two trains; bind its options with ``functools.partial`` or a lambda.

    >>> pairwise_distances([[10.0], []]).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    checked = [spike_train(train) for train in trains]
    matrix = np.zeros((len(checked), len(checked)))
    for i, first in enumerate(checked):
        for j, second in enumerate(checked[:i]):
            matrix[i, j] = matrix[j, i] = distance(first, second)
    return matrix
