"""Gaussian measures straight from their definitions, by matrix inverses and general optimizers.

What the library's closed forms and iterations are held to; nothing is shared with them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import optimize

from neurallayers.measures.integration.gaussian_covariance import LaggedCovariance
from neurallayers.measures.integration.gaussian_measures import Partition


def information_of_beta(of: LaggedCovariance, partition: Partition, beta: float) -> float:
    """The mismatched information for a beta, from the Gaussian integrals as they stand."""
    n = of.channels
    carried, noise = np.zeros((n, n)), np.zeros((n, n))
    for part in partition:
        index = np.ix_(part, part)
        carried[index] = of.cross[index] @ np.linalg.inv(of.past[index])
        noise[index] = of.present[index] - carried[index] @ of.cross[index].T
    precision = np.linalg.inv(noise)
    q = np.linalg.inv(of.past) + beta * carried.T @ precision @ carried
    r = beta * precision - beta**2 * precision @ carried @ np.linalg.inv(q) @ carried.T @ precision
    error = of.present - carried @ of.cross.T - of.cross @ carried.T + carried @ of.past @ carried.T
    constant = 0.5 * (np.linalg.slogdet(q)[1] + np.linalg.slogdet(of.past)[1])
    return float(
        constant + 0.5 * np.trace(of.present @ r) - 0.5 * beta * np.trace(precision @ error)
    )


def most_information(of: LaggedCovariance, partition: Partition) -> tuple[float, float]:
    """Its maximum over beta, by bounded search over twelve decades."""
    grid = np.linspace(-14.0, 14.0, 281)
    place = int(np.argmax([information_of_beta(of, partition, math.exp(log)) for log in grid]))
    found = optimize.minimize_scalar(
        lambda log: -information_of_beta(of, partition, math.exp(log)),
        bounds=(grid[max(place - 1, 0)], grid[min(place + 1, 280)]),
        method="bounded",
        options={"xatol": 1e-12},
    )
    return -float(found.fun), math.exp(found.x)


def nearest_without_crossing(
    of: LaggedCovariance, partition: Partition, *, seed: int, starts: int = 4
) -> float:
    """The least distance to a process in which nothing crosses, by a search from several starts."""
    coefficients = of.cross @ np.linalg.inv(of.past)
    residual = of.present - coefficients @ of.cross.T
    inside = np.zeros(residual.shape, dtype=bool)
    for part in partition:
        inside[np.ix_(part, part)] = True

    def distance(values: Any) -> float:
        within = np.zeros_like(residual)
        within[inside] = values
        missed = coefficients - within
        error = residual + missed @ of.past @ missed.T
        return 0.5 * float(np.linalg.slogdet(error)[1] - np.linalg.slogdet(residual)[1])

    generator = np.random.default_rng(seed)
    first = [coefficients[inside], *generator.normal(size=(starts, int(inside.sum())))]
    return min(float(optimize.minimize(distance, start, tol=1e-12).fun) for start in first)
