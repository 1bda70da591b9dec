"""A living neuron as one system of differential equations for scipy, written from the papers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from neurallayers.dynamics.membrane.biophysics import BiophysicalConstants, BiophysicalState
from neurallayers.state import leaves

FARADAY = 96485.33212
ORDER = (
    "v", "m", "h", "n", "na_i", "na_o", "k_i", "k_o", "ca", "p",
    "reserve", "docked", "cleft", "recycling", "c", "gate", "ip3",
)  # fmt: skip


def vector(state: BiophysicalState) -> NDArray[np.float64]:
    """The state of the first neuron in the order of :data:`ORDER`; gates are half a step behind."""
    x = {name: float(tensor.flatten()[0]) for name, tensor in leaves(state)}
    values = [
        *(x[f"membrane.{k}"] for k in state.membrane._fields),
        *(x[f"ions.{k}"] for k in state.ions._fields),
        x["calcium.free"] + x["calcium.bound"],
        2.0 * x["energy.atp"] + x["energy.adp"],
        *(x[f"transmitter.{k}"] for k in state.transmitter._fields),
        *(x[f"astrocyte.{k}"] for k in ("calcium", "gate", "ip3")),
    ]
    return np.array(values)


def linear_over_exponential(x: float) -> float:
    return 1.0 + x / 2.0 if abs(x) < 1e-6 else x / (1.0 - math.exp(-x))


def gates(v: float) -> tuple[tuple[float, float], ...]:
    """Opening and closing rates of m, h, n: Hodgkin & Huxley (1952), turned round."""
    return (
        (linear_over_exponential((v + 40.0) / 10.0), 4.0 * math.exp(-(v + 65.0) / 18.0)),
        (0.07 * math.exp(-(v + 65.0) / 20.0), 1.0 / (1.0 + math.exp(-(v + 35.0) / 10.0))),
        (0.1 * linear_over_exponential((v + 55.0) / 10.0), 0.125 * math.exp(-(v + 65.0) / 80.0)),
    )


def adenylates(p: float, q: float, total: float) -> tuple[float, float]:
    """ATP and ADP for so many phosphates, by the textbook formula of a quadratic."""
    a, b, c = 4 * q - 1, -(total + (4 * q - 1) * p), q * p * p
    atp = (-b - math.sqrt(b * b - 4 * a * c)) / (2 * a)
    return atp, p - 2 * atp


def free_calcium(total: float, sites: float, half: float) -> float:
    b = total - sites - half
    return (b + math.sqrt(b * b + 4 * half * total)) / 2


def derivative(
    y: Any, current: float, supply: float, constants: BiophysicalConstants
) -> list[float]:
    """Time derivatives [1/ms]; the astrocyte has released nothing."""
    (v, m, h, n, na_i, na_o, k_i, k_o, ca, p, reserve, docked, cleft, recycling, c, gate, ip3) = y
    k, pool, energy, bouton, glia = constants
    atp, adp = adenylates(p, energy.kinase_equilibrium, energy.adenylates_mm)
    free = free_calcium(ca, pool.buffer_um, pool.buffer_dissociation_um)
    to_na = k.thermal_mv * math.log((144.0 + na_o) / (18.0 + na_i))
    to_k = k.thermal_mv * math.log((5.7 + k_o) / (140.0 + k_i))
    to_ca = k.thermal_mv / 2.0 * math.log(2000.0 / free)
    i_na = (120.0 * m**3 * h + k.sodium_leak_ms_cm2) * (v - to_na)
    i_k = (36.0 * n**4 + k.potassium_leak_ms_cm2) * (v - to_k)
    i_ca = 0.1 / (1.0 + math.exp(-(v + 20.0) / 9.0)) ** 2 * (v - to_ca)
    saturation = (1 + 10.0 / (18.0 + na_i)) ** -3 * (1 + 3.5 / (5.7 + k_o)) ** -2
    i_p = k.pump_max_ua_cm2 * saturation * atp / (atp + 0.5)
    activity = atp / (atp + 0.5) / (2.2 / 2.7)
    scale = 1e4 / (2.0 * FARADAY * pool.depth_um)  # uM/ms for 1 uA/cm2
    rest_pump = scale * 1.5 * 0.05 / 0.55
    leak = (rest_pump - pool.resting_influx_um_per_ms) / (2000.0 - 0.05) * (2000.0 - free)
    pumped = activity * scale * 1.5 * free / (free + 0.5)
    i_pump_ca = (pumped - leak) / scale
    per_mm = 10.0 / (FARADAY * k.depth_um)
    to_inside_na, to_inside_k = -per_mm * (i_na + 3 * i_p), -per_mm * (i_k - 2 * i_p)
    feed = supply * 1.05 / (supply + 0.05)
    exchange = k.exchange_per_ms * feed
    sensor = free + 2.0 * max(-i_ca, 0.0)
    release = 0.5 * sensor**4 / (sensor**4 + 20.0**4) * docked
    docking = activity * 1e-4 * reserve - 2e-3 * docked
    uptake = activity * 0.04 * cleft / (cleft + 0.02)
    again = activity * 1e-3 * recycling
    made = energy.oxidative_max_mm_per_ms * feed**2 * adp / (adp + 0.3)
    made += energy.glycolytic_max_mm_per_ms * feed * adp / (adp + 0.3) / (1 + atp**4)
    spent = 1.5e-4 * atp / (atp + 0.5) + per_mm * i_p
    spent += 1e-3 * pumped * pool.depth_um / k.depth_um + again * k.vesicle_atp_mm
    store = 2.0 - 1.185 * c
    q2 = 1.049 * (ip3 + 0.13) / (ip3 + 0.9434)
    opened = (ip3 / (ip3 + 0.13) * c / (c + 0.08234) * gate) ** 3
    agonist, half = (1e3 * max(cleft, 0.0)) ** 0.7, (1.3 + 10.0 * c / (c + 0.6)) ** 0.7
    made_ip3 = 0.2 * agonist / (agonist + half)
    made_ip3 += 0.02 / (1 + ip3 / 1.5) * c**2 / (c**2 + 0.01)
    lost_ip3 = 2.0 * c**4 / (c**4 + 0.7**4) * ip3 / (ip3 + 1.0) + 0.04 * ip3
    (am, bm), (ah, bh), (an, bn) = gates(v)
    return [
        current - i_na - i_k - i_ca - i_p - i_pump_ca,
        am * (1 - m) - bm * m,
        ah * (1 - h) - bh * h,
        an * (1 - n) - bn * n,
        to_inside_na,
        -7.0 * to_inside_na - exchange * na_o,
        to_inside_k,
        -7.0 * to_inside_k - exchange * k_o,
        -scale * i_ca + leak - pumped,
        made - spent,
        again - docking,
        docking - release,
        bouton.vesicle_mm * release - uptake,
        uptake / bouton.vesicle_mm - again,
        1e-3 * ((6.0 * opened + 0.11) * store - 0.9 * c**2 / (c**2 + glia.uptake_half_um**2)),
        1e-3 * 0.2 * (q2 * (1 - gate) - c * gate),
        1e-3 * (made_ip3 - lost_ip3),
    ]


def solved(
    start: NDArray[np.float64],
    current: float,
    supply: float,
    duration_ms: float,
    constants: BiophysicalConstants,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The state after a time, and the times at which the potential rose through 0 mV."""

    def law(_: float, y: Any) -> list[float]:
        return derivative(y, current, supply, constants)

    def crossed(_: float, y: Any) -> float:
        return float(y[0])

    crossed.direction = 1.0  # type: ignore[attr-defined]
    solution = solve_ivp(
        law, (0.0, duration_ms), start, method="LSODA", rtol=1e-10, atol=1e-12, events=crossed
    )
    assert solution.success
    return solution.y[:, -1], solution.t_events[0]
