"""The squid's membrane of Hodgkin & Huxley (1952), its workload and its reference.

Hodgkin, A. L. & Huxley, A. F. (1952). J. Physiol. 117:500-544, in today's sign convention with the
resting potential near -65 mV, at 6.3 degrees C:

    C dv/dt = I - gNa m^3 h (v - ENa) - gK n^4 (v - EK) - gL (v - EL),   dx/dt = a_x (1 - x) - b_x x

Speed: 10,000 independent cells, currents evenly spread from 0 to 20 uA/cm2, dt 0.025 ms. Accuracy:
one cell with 10 uA/cm2 from -65 mV, gates at their steady state, for 200 ms; a spike is an upward
crossing of 0 mV, interpolated linearly between steps; compared with DOP853 at rtol 1e-11.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

CAPACITANCE_UF_PER_CM2 = 1.0
SODIUM_MS_PER_CM2 = 120.0
POTASSIUM_MS_PER_CM2 = 36.0
LEAK_MS_PER_CM2 = 0.3
SODIUM_REVERSAL_MV = 50.0
POTASSIUM_REVERSAL_MV = -77.0
LEAK_REVERSAL_MV = -54.387
START_MV = -65.0
TEMPERATURE_CELSIUS = 6.3
DT_MS = 0.025
CELLS = 10_000
DURATION_MS = 50.0
LARGEST_CURRENT_UA_PER_CM2 = 20.0
ACCURACY_CURRENT_UA_PER_CM2 = 10.0
ACCURACY_MS = 200.0


def currents_ua_per_cm2(cells: int) -> np.ndarray:
    """The current into each cell: evenly spread from 0 to 20."""
    return np.linspace(0.0, LARGEST_CURRENT_UA_PER_CM2, cells)


def rates_per_ms(v: Any, exp: Any = np.exp) -> tuple[Any, ...]:
    """Opening and closing rates of m, h and n [1/ms] at v [mV].

    Args:
        v: Membrane potential, an array of any library.
        exp: This library's exponential.
    """
    return (
        0.1 * (v + 40.0) / (1.0 - exp(-(v + 40.0) / 10.0)),
        4.0 * exp(-(v + 65.0) / 18.0),
        0.07 * exp(-(v + 65.0) / 20.0),
        1.0 / (1.0 + exp(-(v + 35.0) / 10.0)),
        0.01 * (v + 55.0) / (1.0 - exp(-(v + 55.0) / 10.0)),
        0.125 * exp(-(v + 65.0) / 80.0),
    )


def steady_gates(v: float) -> tuple[float, float, float]:
    """m, h and n after a long time at v [mV]."""
    a_m, b_m, a_h, b_h, a_n, b_n = rates_per_ms(v)
    return float(a_m / (a_m + b_m)), float(a_h / (a_h + b_h)), float(a_n / (a_n + b_n))


def slopes(_: float, y: np.ndarray, current: float) -> np.ndarray:
    """Time derivatives of v, m, h and n."""
    v, m, h, n = y
    a_m, b_m, a_h, b_h, a_n, b_n = rates_per_ms(v)
    ionic = (
        SODIUM_MS_PER_CM2 * m**3 * h * (v - SODIUM_REVERSAL_MV)
        + POTASSIUM_MS_PER_CM2 * n**4 * (v - POTASSIUM_REVERSAL_MV)
        + LEAK_MS_PER_CM2 * (v - LEAK_REVERSAL_MV)
    )
    return np.array(
        [
            (current - ionic) / CAPACITANCE_UF_PER_CM2,
            a_m * (1.0 - m) - b_m * m,
            a_h * (1.0 - h) - b_h * h,
            a_n * (1.0 - n) - b_n * n,
        ]
    )


@functools.cache
def reference_spike_times_ms() -> tuple[float, ...]:
    """When the cell of the accuracy test spikes, by DOP853 at rtol 1e-11."""
    from scipy.integrate import solve_ivp

    def crossing(_: float, y: np.ndarray, __: float) -> float:
        return float(y[0])

    crossing.direction = 1.0  # type: ignore[attr-defined]
    solution = solve_ivp(
        slopes,
        (0.0, ACCURACY_MS),
        [START_MV, *steady_gates(START_MV)],
        method="DOP853",
        rtol=1e-11,
        atol=1e-11,
        events=crossing,
        args=(ACCURACY_CURRENT_UA_PER_CM2,),
    )
    return tuple(float(time) for time in solution.t_events[0])


def crossings_ms(potential_mv: np.ndarray, dt_ms: float) -> np.ndarray:
    """Upward crossings of 0 mV in a trace whose first value is at time 0."""
    v = np.asarray(potential_mv, dtype=np.float64)
    before = np.flatnonzero((v[:-1] < 0.0) & (v[1:] >= 0.0))
    result: np.ndarray = (before - v[before] / (v[before + 1] - v[before])) * dt_ms
    return result


def accuracy(potential_mv: np.ndarray, dt_ms: float = DT_MS) -> dict[str, Any]:
    """The largest error of a spike's time within 200 ms, and the number of spikes."""
    reference = np.array(reference_spike_times_ms())
    found = crossings_ms(potential_mv, dt_ms)
    found = found[found <= ACCURACY_MS]
    same = found.size == reference.size
    return {
        "spikes": int(found.size),
        "reference_spikes": int(reference.size),
        "spike_time_error_ms": float(np.abs(found - reference).max()) if same else None,
    }


def figures(seconds: list[float], cells: int, steps: int) -> dict[str, float]:
    """Nanoseconds a neuron and step."""
    return {"ns_per_neuron_step": float(np.median(seconds)) / cells / steps * 1e9}
