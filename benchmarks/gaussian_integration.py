"""Gaussian measures of integration against general optimizers, and how long a search takes.

    python -m benchmarks.gaussian_integration

The oracle (tests/measures/integration/gaussian_by_definition.py) maximizes the mismatched
information over beta by a bounded search over twelve decades, from the Gaussian integrals with
their matrix inverses, and minimizes Phi_G by BFGS from several starts.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
from tests.measures.integration import gaussian_by_definition as definition

from benchmarks.results import write
from neurallayers.measures.integration import gaussian
from neurallayers.measures.integration.gaussian_covariance import LaggedCovariance
from neurallayers.measures.integration.gaussian_measures import (
    MEASURES,
    mismatched_information,
    mutual_information,
    phi_g,
)
from neurallayers.measures.integration.gaussian_partitions import bipartitions

PROCESSES = 200
CHANNELS = (8, 12, 14)


def process(generator: np.random.Generator, channels: int) -> LaggedCovariance:
    """A random stationary autoregression with correlated noise."""
    coefficients = generator.normal(size=(channels, channels))
    radius = np.abs(np.linalg.eigvals(coefficients)).max()
    coefficients *= generator.uniform(0.1, 0.95) / radius
    mixing = generator.normal(size=(channels, channels))
    return LaggedCovariance.of_autoregression(
        coefficients, mixing @ mixing.T + 0.2 * np.eye(channels)
    )


def largest_differences() -> dict[str, Any]:
    """Over random processes and random bipartitions of 2 to 6 channels."""
    generator = np.random.default_rng(6)
    phi_star = beyond = nearest = queyranne = 0.0
    for index in range(PROCESSES):
        channels = 2 + index % 5
        of = process(generator, channels)
        every = list(bipartitions(channels))
        parts = every[int(generator.integers(len(every)))]
        found, _ = mismatched_information(of, parts)
        most, _ = definition.most_information(of, parts)
        phi_star = max(phi_star, abs(found - most))
        # How far the oracle's search finds more than we do: we claim the true maximum.
        beyond = max(beyond, most - found)
        if channels < 5:
            least = definition.nearest_without_crossing(of, parts, seed=index)
            nearest = max(nearest, abs(phi_g(of, parts) - least))
        seam = gaussian.gaussian_integration(of, "mutual_information", search="queyranne")
        exact = min(mutual_information(of, parts) for parts in every)
        queyranne = max(queyranne, abs(seam.phi_nats - exact))
        print(f"\rGaussian: {index + 1} of {PROCESSES} processes", end="", file=sys.stderr)
    print(file=sys.stderr)
    return {
        "processes": PROCESSES,
        "largest_difference_mismatched_information_nats": phi_star,
        "oracle_beyond_our_maximum_nats": beyond,
        "largest_difference_phi_g_nats": nearest,
        "largest_difference_queyranne_nats": queyranne,
    }


def recovery() -> dict[str, Any]:
    """Phi from recordings of growing length, against the exact value of the process."""
    generator = np.random.default_rng(7)
    coefficients = np.array([[0.5, 0.3, 0.0], [0.0, 0.5, 0.3], [0.3, 0.0, 0.5]])
    exact = LaggedCovariance.of_autoregression(coefficients, np.eye(3))
    found: dict[str, Any] = {}
    for name in ("phi_star", "phi_r"):
        true = gaussian.gaussian_integration(exact, name).phi_nats
        found[f"{name}_exact_nats"] = true
        for steps in (300, 3_000, 30_000):
            values = np.zeros((steps, 3))
            noise = generator.normal(size=(steps, 3))
            for step in range(1, steps):
                values[step] = coefficients @ values[step - 1] + noise[step]
            estimate = gaussian.gaussian_integration(values, name).phi_nats
            found[f"{name}_from_{steps}_steps_nats"] = estimate
    return found


def timings() -> dict[str, float]:
    """Of a search over all bipartitions, on one thread."""
    generator = np.random.default_rng(8)
    found = {}
    for channels in CHANNELS:
        of = process(generator, channels)
        for name in sorted(MEASURES):
            if name == "phi_g" and channels > 8:
                continue
            begun = time.process_time()
            gaussian.gaussian_integration(of, name)
            found[f"{name}_{channels}_channels"] = time.process_time() - begun
            print(f"timed {name} of {channels} channels", file=sys.stderr)
    return found


def main() -> None:
    """Compare, estimate, time, write."""
    results = {
        "against_optimizers": largest_differences(),
        "recovery": recovery(),
        "processor_seconds": timings(),
    }
    write("gaussian_integration", results, "python -m benchmarks.gaussian_integration")


if __name__ == "__main__":
    main()
