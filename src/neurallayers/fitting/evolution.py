"""Search by an evolution strategy: CMA-ES, from the package ``cmaes``.

Source: Hansen (2016), The CMA Evolution Strategy: a tutorial, arXiv:1604.00772; implementation:
Nomura & Shibata (2024), cmaes: a simple yet practical Python library for CMA-ES, arXiv:2402.01373.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np

from neurallayers.extras import require
from neurallayers.measures.spike_trains import Array
from neurallayers.seeding import derive_seed

log = logging.getLogger(__name__)

_SIGMA = 0.25
_SMALLEST_SIGMA = 0.01


def evolve(
    loss: Callable[[Array], Array],
    start: Array,
    *,
    budget: int,
    seed: int = 0,
    population: int = 32,
    sigma: float = _SIGMA,
    progress: Callable[[int, float], None] | None = None,
) -> tuple[Array, float]:
    """The best of ``budget`` points of the unit cube that an evolution strategy looks at.

    When a strategy has converged, the next one begins elsewhere, with twice the population, while
    there is budget left (IPOP, Auger & Hansen 2005).

    Args:
        loss: Takes points ``[dimensions, candidates]``, gives ``[candidates]``; nan and infinity
            count as bad.
        start: Where the first strategy begins, ``[dimensions]``.
        budget: How many points are tried.
        seed: The one seed.
        population: How many at a time.
        sigma: Standard deviation of the first ones around the start.
        progress: Told how many were tried and the smallest loss.

    Returns:
        The best point and its loss.

    Raises:
        MissingExtra: If ``cmaes`` is not installed.
    """
    cmaes = require("cmaes", extra="fitting")
    dimensions = start.size
    bounds = np.stack([np.zeros(dimensions), np.ones(dimensions)], axis=1)
    best, least, tried, begun = start, np.inf, 0, 0
    while tried < budget:
        draw = np.random.default_rng(derive_seed(seed, "fitting", "evolution", begun))
        mean = start if begun == 0 else draw.uniform(0.1, 0.9, dimensions)
        strategy = cmaes.CMA(
            mean=np.clip(mean, 1e-3, 1.0 - 1e-3),
            sigma=sigma if begun == 0 else _SIGMA,
            bounds=bounds,
            seed=derive_seed(seed, "fitting", "evolution", begun, "points") % 2**32,
            population_size=min(population * 2**begun, 4 * population),
        )
        while tried < budget and not strategy.should_stop():
            points = np.stack([strategy.ask() for _ in range(strategy.population_size)], axis=1)
            found = np.nan_to_num(loss(points), nan=1e9, posinf=1e9)
            strategy.tell([(p, float(f)) for p, f in zip(points.T, found, strict=True)])
            tried += points.shape[1]
            if found.min() < least:
                best, least = points[:, found.argmin()].copy(), float(found.min())
            if progress is not None:
                progress(tried, least)
        log.info("fitting.strategy_ended", extra={"tried": tried, "loss": least})
        begun += 1
    return best, least
