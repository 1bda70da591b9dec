"""Synthetic streams of nine kinds without an anomaly, on which the limits of novelty were chosen.

The rule: each view of the stream by itself (value, mean of four, shape) alarms once in 2,000 rows
on all kinds together, behind the probation. No labelled series has a say in it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from neurallayers.measures.monitoring import MonitorSettings, detect, probation_rows

Array = NDArray[np.float64]

ROWS, SEEDS = 5000, 3
DAY, HALF_HOURS = 288, 48
# So far out that a view never reaches it.
NEVER = 1e30
VIEWS = {"value": "value_limit", "mean": "mean_limit", "shape": "shape_limit"}


def streams(seed: int, rows: int = ROWS) -> dict[str, Array]:
    """One stream of each kind: noises, walks that return, rhythms, counts, switching, load."""
    g, t = np.random.default_rng(seed), np.arange(rows)
    daily = np.sin(2 * np.pi * t / DAY)
    weekly = 1 + 0.5 * np.sin(2 * np.pi * t / (7 * HALF_HOURS))
    arrivals = g.exponential(size=rows) * (g.random(rows) < 0.2)
    switches = np.cumsum(g.random(rows) < 0.01) % 2
    return {
        "white": g.normal(size=rows),
        "autoregressive": lfilter([1.0], [1.0, -0.9], g.normal(size=rows)),
        "daily": 3 * daily + 0.3 * g.normal(size=rows),
        "weekly": np.sin(2 * np.pi * t / HALF_HOURS) * weekly + 0.1 * g.normal(size=rows),
        "lognormal": np.exp(g.normal(size=rows)),
        "counts": g.poisson(np.exp(1.5 + daily)).astype(np.float64),
        "switching": np.where(switches == 0, 2.0, 8.0) + 0.3 * g.normal(size=rows),
        "student": g.standard_t(3, size=rows),
        "load": lfilter([1.0], [1.0, -0.97], arrivals) + 0.05 * g.normal(size=rows),
    }


def false_alarms(settings: MonitorSettings) -> dict[str, Any]:
    """False alarms in 1,000 rows: of all views together, of each alone, and by kind of stream."""
    by_kind = _rates(settings)
    alone = {}
    for view, limit in VIEWS.items():
        others = {name: NEVER for name in VIEWS.values() if name != limit}
        alone[view] = float(np.mean(list(_rates(settings.replace(**others)).values())))
    return {
        "together": float(np.mean(list(by_kind.values()))),
        "each_view_alone": alone,
        "by_kind": by_kind,
    }


def _rates(settings: MonitorSettings) -> dict[str, float]:
    counts: dict[str, list[int]] = {}
    probation = probation_rows(ROWS)
    for seed in range(SEEDS):
        for kind, values in streams(seed).items():
            alarms = detect(values, settings=settings).alarms[probation:]
            counts.setdefault(kind, []).append(int(alarms.sum()))
    rows = (ROWS - probation) / 1000.0
    return {kind: float(np.mean(found)) / rows for kind, found in counts.items()}
