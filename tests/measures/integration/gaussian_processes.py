"""Random stationary processes for the tests of Gaussian measures."""

from __future__ import annotations

import numpy as np

from neurallayers.measures.integration.gaussian_covariance import LaggedCovariance


def process(seed: int, channels: int, *, radius: float = 0.8) -> LaggedCovariance:
    """An autoregression with correlated noise."""
    generator = np.random.default_rng(seed)
    coefficients = generator.normal(size=(channels, channels))
    coefficients *= radius / np.abs(np.linalg.eigvals(coefficients)).max()
    mixing = generator.normal(size=(channels, channels))
    return LaggedCovariance.of_autoregression(
        coefficients, mixing @ mixing.T + 0.2 * np.eye(channels)
    )


def beside(first: LaggedCovariance, second: LaggedCovariance) -> LaggedCovariance:
    """Two processes that have nothing to do with each other, as one."""
    nothing = np.zeros((first.channels, second.channels))
    past, cross, present = (
        np.block([[a, nothing], [nothing.T, b]])
        for a, b in (
            (first.past, second.past),
            (first.cross, second.cross),
            (first.present, second.present),
        )
    )
    return LaggedCovariance(past, cross, present)
