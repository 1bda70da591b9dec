"""Measures of what neurons do: rates, irregularity, synchrony, distances, spectra, coincidence.

A spike train is an array of times in milliseconds; :mod:`~neurallayers.measures.spike_trains` makes
trains of rasters, of event lists and of voltage traces. Each function takes numpy arrays, torch
tensors or plain sequences and answers in float64 numpy (or a float), as measures are ends, not
steps of a computation that is learned through.

What cannot be measured is nan, never a guess: the CV of a train with fewer than two intervals, the
correlation with a train that never changes, a Fano factor of silence. Input that makes no sense
(unsorted or infinite times, a bin of no length) is refused with
:class:`~neurallayers.errors.InvalidInput`.
"""

from neurallayers.measures.coincidence import coincidence_factor, coincident_spikes
from neurallayers.measures.distances import (
    pairwise_distances,
    van_rossum_distance,
    victor_purpura_distance,
)
from neurallayers.measures.irregularity import (
    coefficient_of_variation,
    cv2,
    fano_factor,
    fano_factor_of_trains,
    interspike_intervals_ms,
    local_variation,
    mean_coefficient_of_variation,
    revised_local_variation,
)
from neurallayers.measures.rates import (
    binned_counts,
    instantaneous_rate_hz,
    mean_rate_hz,
    peristimulus_time_histogram_hz,
    population_rate_hz,
)
from neurallayers.measures.spectra import Coherence, Spectrum, coherence, power_spectrum
from neurallayers.measures.spike_trains import (
    crossing_times_ms,
    spike_train,
    trains_of_events,
    trains_of_raster,
)
from neurallayers.measures.synchrony import (
    correlation_coefficients,
    cross_correlogram,
    spike_synchronization,
    spike_time_tiling_coefficient,
    synchrony_chi,
)

__all__ = [
    "Coherence",
    "Spectrum",
    "binned_counts",
    "coefficient_of_variation",
    "coherence",
    "coincidence_factor",
    "coincident_spikes",
    "correlation_coefficients",
    "cross_correlogram",
    "crossing_times_ms",
    "cv2",
    "fano_factor",
    "fano_factor_of_trains",
    "instantaneous_rate_hz",
    "interspike_intervals_ms",
    "local_variation",
    "mean_coefficient_of_variation",
    "mean_rate_hz",
    "pairwise_distances",
    "peristimulus_time_histogram_hz",
    "population_rate_hz",
    "power_spectrum",
    "revised_local_variation",
    "spike_synchronization",
    "spike_time_tiling_coefficient",
    "spike_train",
    "synchrony_chi",
    "trains_of_events",
    "trains_of_raster",
    "van_rossum_distance",
    "victor_purpura_distance",
]
