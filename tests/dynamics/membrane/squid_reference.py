"""The squid axon written a second time, and solved by scipy at tight tolerance.

Nothing here comes from the library; the equations are those of Dayan & Abbott (2001), eq. 5.22 and
5.24.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

STANDARD = (1.0, 120.0, 36.0, 0.3, 50.0, -77.0, -54.387)


def ratio(x: float, scale: float) -> float:
    """x / (1 - exp(-x / scale))"""
    return scale if abs(x) < 1e-9 else x / -math.expm1(-x / scale)


def rates(v: float) -> tuple[float, ...]:
    return (
        0.1 * ratio(v + 40, 10),
        4 * math.exp(-(v + 65) / 18),
        0.07 * math.exp(-(v + 65) / 20),
        1 / (1 + math.exp(-(v + 35) / 10)),
        0.01 * ratio(v + 55, 10),
        0.125 * math.exp(-(v + 65) / 80),
    )


def steady(v: float) -> list[float]:
    am, bm, ah, bh, an, bn = rates(v)
    return [am / (am + bm), ah / (ah + bh), an / (an + bn)]


def slope(
    y: Any, current: float, p: tuple[float, ...] = STANDARD, q: float = 1.0, g: float = 0.0
) -> list[float]:
    """Time derivatives; g is a conductance to 0 mV."""
    v, m, h, n = (float(value) for value in y)
    am, bm, ah, bh, an, bn = rates(v)
    c, gna, gk, gl, ena, ek, el = p
    ionic = gna * m**3 * h * (v - ena) + gk * n**4 * (v - ek) + gl * (v - el) + g * v
    return [
        (current - ionic) / c,
        q * (am * (1 - m) - bm * m),
        q * (ah * (1 - h) - bh * h),
        q * (an * (1 - n) - bn * n),
    ]


@functools.cache
def solved(
    current: float,
    duration: float,
    start: float = -65.0,
    p: tuple[float, ...] = STANDARD,
    q: float = 1.0,
    g: float = 0.0,
    rtol: float = 1e-11,
) -> Any:
    """DOP853 with the upward crossings of 0 mV (t_events[0]) and the maxima (y_events[1])."""

    def crossing(_: float, y: Any) -> float:
        return float(y[0])

    def top(_: float, y: Any) -> float:
        return slope(y, current, p, q, g)[0]

    crossing.direction, top.direction = 1, -1  # type: ignore[attr-defined]
    return solve_ivp(
        lambda _, y: slope(y, current, p, q, g),
        (0, duration),
        [start, *steady(start)],
        method="DOP853",
        rtol=rtol,
        atol=1e-12,
        events=[crossing, top],
        dense_output=True,
    )


def spike_times(current: float, duration: float, **options: Any) -> np.ndarray[Any, Any]:
    found: np.ndarray[Any, Any] = solved(current, duration, **options).t_events[0]
    return found


def peaks(current: float, duration: float) -> np.ndarray[Any, Any]:
    tops = solved(current, duration).y_events[1][:, 0]
    found: np.ndarray[Any, Any] = tops[tops > 0]
    return found
