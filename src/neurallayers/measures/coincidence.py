"""How well a model's spikes meet a recording's: the coincidence factor Gamma."""

from __future__ import annotations

from neurallayers.dynamics.kernels.compiler import kernel
from neurallayers.errors import InvalidInput
from neurallayers.measures.spike_trains import (
    Array,
    Numbers,
    check_positive,
    spike_train,
)


def coincident_spikes(data_ms: Numbers, model_ms: Numbers, *, precision_ms: float = 4.0) -> int:
    """How many spikes of the two trains can be paired, each once, within ``precision_ms``.

    Pairing greedily in time is optimal, so that this is the largest number of such pairs and does
    not depend on the order of the two trains.

    Raises:
        InvalidInput: If the precision is not positive.

    >>> coincident_spikes([10.0, 20.0, 50.0], [12.0, 23.0, 60.0])
    2
    """
    check_positive("precision_ms", precision_ms)
    return int(paired_spikes(spike_train(data_ms), spike_train(model_ms), precision_ms))


@kernel
def paired_spikes(first: Array, second: Array, precision: float) -> int:
    """:func:`coincident_spikes` of checked trains, to be called from compiled code too."""
    i, j, pairs = 0, 0, 0
    # Times on a grid differ from their own difference by rounding; 1e-9 ms is no physics.
    reach = precision + 1e-9
    while i < first.size and j < second.size:
        gap = first[i] - second[j]
        if abs(gap) <= reach:
            pairs += 1
            i += 1
            j += 1
        elif gap < 0.0:
            i += 1
        else:
            j += 1
    return pairs


def coincidence_factor(
    data_ms: Numbers, model_ms: Numbers, *, duration_ms: float, precision_ms: float = 4.0
) -> float:
    r"""Gamma: coincident spikes beyond chance, over those of a perfect model.

    .. math:: \Gamma = \frac{N_{coinc} - \langle N_{coinc} \rangle}
              {\frac12 (N_{data} + N_{model})} \, \frac{1}{\mathcal N}, \qquad
              \langle N_{coinc} \rangle = 2 \nu \Delta N_{data}, \quad
              \mathcal N = 1 - 2 \nu \Delta

    with the rate :math:`\nu = N_{model} / T` of a Poisson process with as many spikes as the model.
    1: every spike is met; 0: no better than that process; below 0: worse.

    It is not divided by the intrinsic reliability of the neuron (Gamma of one repetition against
    another), which Jolivet et al. (2008) do where repetitions were recorded.

    Args:
        data_ms: The recorded spikes [ms].
        model_ms: The model's spikes [ms].
        duration_ms: How long both were observed [ms].
        precision_ms: Spikes at most so far apart coincide [ms]; 4 ms in the INCF competitions,
            2 ms in Kistler et al. (1997).

    Returns:
        1 if neither fired (a model that is rightly silent is right), 0 if only one did. nan where
        the model fires so fast that :math:`2 \nu \Delta \ge 1`: chance then explains everything.

    Raises:
        InvalidInput: If the duration or the precision is not positive, or spikes lie outside
            ``0 ... duration_ms``.

    Source: Kistler, Gerstner & van Hemmen (1997), Neural Comput. 9:1015, eq. 2.23; Jolivet et al.
    (2008), J. Neurosci. Methods 169:417, eq. 1.

    >>> round(coincidence_factor([100.0, 300.0], [102.0, 500.0], duration_ms=1000.0), 4)
    0.4919
    """
    check_positive("duration_ms", duration_ms)
    data, model = spike_train(data_ms), spike_train(model_ms)
    for name, train in (("data_ms", data), ("model_ms", model)):
        # Half a step past the end comes from rounding; more comes from another clock.
        if train.size and not -1.0 <= train[0] <= train[-1] <= duration_ms + 1.0:
            raise InvalidInput(
                f"{name} has spikes from {train[0]:g} to {train[-1]:g} ms in {duration_ms:g} ms.",
                "Count time from the start of the observation, in ms.",
            )
    if data.size == 0 and model.size == 0:
        return 1.0
    chance = 2.0 * model.size / duration_ms * precision_ms
    if chance >= 1.0:
        return float("nan")
    met = coincident_spikes(data, model, precision_ms=precision_ms)
    expected = chance * data.size
    return float((met - expected) / (0.5 * (data.size + model.size)) / (1.0 - chance))
