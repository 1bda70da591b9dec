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

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from neurallayers.measures.integration.analysis import integrated_information
    from neurallayers.measures.integration.gaussian import (
        GaussianIntegration,
        LaggedCovariance,
        gaussian_integration,
        gaussian_phi_r,
        gaussian_phi_star,
    )
    from neurallayers.measures.integration.substrate import Substrate

# Imported when they are first used: module by module, where each name lives.
_HOMES = {
    "GaussianIntegration": "integration.gaussian",
    "LaggedCovariance": "integration.gaussian",
    "gaussian_integration": "integration.gaussian",
    "gaussian_phi_r": "integration.gaussian",
    "gaussian_phi_star": "integration.gaussian",
    "integrated_information": "integration.analysis",
    "Substrate": "integration.substrate",
}

__all__ = [
    "Coherence",
    "GaussianIntegration",
    "LaggedCovariance",
    "Spectrum",
    "Substrate",
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
    "gaussian_integration",
    "gaussian_phi_r",
    "gaussian_phi_star",
    "instantaneous_rate_hz",
    "integrated_information",
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


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
