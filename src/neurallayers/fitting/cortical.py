r"""A neuron of Hodgkin and Huxley's kind with the channels of cortical cells, for fitting.

The squid's own rates neither fire slowly nor adapt, whatever their conductances are; these do:

.. math::
    C \dot v = I &- g_L (v - E_L) - g_{Na} m^3 h (v - 50) - g_{Kd} n^4 (v - E_K) \\
                 &- g_M p\, (v - E_K) - g_D a^3 b\, (v - E_K)

with fast sodium and delayed-rectifier potassium (rates counted from :math:`V_T`, all multiplied by
one factor), a slow potassium current M that makes cells adapt, and a potassium current D that
hyperpolarisation makes available and that delays firing. Conductances are those of the whole cell.

The step is the staggered exponential one of second order: gates half a step ahead of the potential.
A spike is an upward crossing of 0 mV, as in the recordings, interpolated within the step.

Source: Pospischil et al. (2008), Biol. Cybern. 99:427, eq. 1, and those of its section 2.2 for Na,
Kd (Traub & Miles 1991) and M (Yamada et al. 1989); D: Golomb et al. (2007), PLoS Comput. Biol.
3:e156, eq. 1 and those of its Methods (a, b).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numba import carray  # type: ignore[attr-defined]
from torch import Tensor

from neurallayers.dynamics.arithmetic import equation, exp, linoid, sigmoid, where
from neurallayers.dynamics.membrane.squid_axon import gate_after, potential_after
from neurallayers.fitting.model import MODELS, NeuronModel, Parameter, pointer, sweep_kernel
from neurallayers.measures.spike_trains import Array

PARAMETERS = (
    Parameter("capacitance_pf", 10.0, 400.0, True),
    Parameter("leak_conductance_ns", 0.2, 30.0, True),
    Parameter("leak_potential_mv", -85.0, -20.0),
    Parameter("sodium_conductance_ns", 200.0, 40000.0, True),
    Parameter("potassium_conductance_ns", 20.0, 20000.0, True),
    Parameter("rate_offset_mv", -70.0, -20.0),
    Parameter("rate_factor", 0.3, 6.0, True),
    Parameter("potassium_potential_mv", -105.0, -60.0),
    Parameter("slow_conductance_ns", 0.01, 100.0, True),
    Parameter("slow_half_mv", -60.0, -5.0),
    Parameter("slow_tau_ms", 20.0, 3000.0, True),
    Parameter("delay_conductance_ns", 0.01, 200.0, True),
    Parameter("delay_half_mv", -95.0, -50.0),
    Parameter("delay_tau_ms", 20.0, 800.0, True),
)
VARIABLES = (
    "membrane_potential",  # [mV]
    "sodium_activation",
    "sodium_inactivation",
    "potassium_activation",
    "slow_activation",
    "delay_activation",
    "delay_inactivation",
)
SODIUM_POTENTIAL_MV = 50.0
DELAY_ACTIVATION_TAU_MS = 2.0


@equation
def cortical_rates(v: Any) -> tuple[Any, Any, Any, Any, Any, Any]:
    """Opening and closing rates of m, h and n [1/ms], of the potential counted from V_T [mV]."""
    return (
        1.28 * linoid((v - 13.0) * 0.25),
        1.4 * linoid((40.0 - v) * 0.2),
        0.128 * exp((17.0 - v) * (1.0 / 18.0)),
        4.0 * sigmoid((v - 40.0) * 0.2),
        0.16 * linoid((v - 15.0) * 0.2),
        0.5 * exp((10.0 - v) * 0.025),
    )


@equation
def slow_rates(v: Any, half: Any, tau_ms: Any) -> tuple[Any, Any]:
    """Steady state of p, and its time constant [ms]."""
    away = v - half
    rise = exp(away * 0.05)
    return sigmoid(away * 0.1), tau_ms / (3.3 * rise + 1.0 / rise)


@equation
def cortical_step(
    v: Any, m: Any, h: Any, n: Any, p: Any, a: Any, b: Any, current: Any, c: Any, leak: Any,
    leak_potential: Any, sodium: Any, potassium: Any, offset: Any, factor: Any, reversal: Any,
    slow: Any, slow_half: Any, slow_tau: Any, delay: Any, delay_half: Any, decay_a: Any,
    decay_b: Any, step_ms: Any,
) -> tuple[Any, Any, Any, Any, Any, Any, Any]:  # fmt: skip
    """All gates from half a step before the potential to half a step behind it, then itself."""
    open_m, close_m, open_h, close_h, open_n, close_n = cortical_rates(v - offset)
    quick_ms = factor * step_ms
    m = gate_after(m, open_m, close_m, quick_ms)
    h = gate_after(h, open_h, close_h, quick_ms)
    n = gate_after(n, open_n, close_n, quick_ms)
    steady, tau = slow_rates(v, slow_half, slow_tau)
    p = steady + (p - steady) * exp(-step_ms / tau)
    steady_a = sigmoid((v + 50.0) * 0.05)
    a = steady_a + (a - steady_a) * decay_a
    steady_b = sigmoid((delay_half - v) * (1.0 / 6.0))
    b = steady_b + (b - steady_b) * decay_b
    inward = sodium * (m * m * m * h)
    outward = potassium * (n * n) * (n * n) + slow * p + delay * (a * a * a) * b
    drive = current + leak * leak_potential + inward * 50.0 + outward * reversal
    return potential_after(v, drive, leak + inward + outward, c, step_ms), m, h, n, p, a, b


def _cortical_sweep(
    block: Any, current: Any, step_ms: Any, potential: Any, times: Any, counts: Any
) -> None:
    # Rows at distances known when this is compiled become vectors without checks for overlaps.
    rows = carray(pointer(block), (736,))
    v, m, h, n = rows[0:32], rows[32:64], rows[64:96], rows[96:128]
    p, a, b = rows[128:160], rows[160:192], rows[192:224]
    c, leak, leak_potential, sodium = rows[224:256], rows[256:288], rows[288:320], rows[320:352]
    potassium, offset, factor = rows[352:384], rows[384:416], rows[416:448]
    reversal, slow, slow_half = rows[448:480], rows[480:512], rows[512:544]
    slow_tau, delay, delay_half = rows[544:576], rows[576:608], rows[608:640]
    decay_a, decay_b, before = rows[640:672], rows[672:704], rows[704:736]
    for k in range(current.size):
        injected = current[k]
        for i in range(32):
            before[i] = v[i]
            v[i], m[i], h[i], n[i], p[i], a[i], b[i] = cortical_step(
                v[i], m[i], h[i], n[i], p[i], a[i], b[i], injected, c[i], leak[i],
                leak_potential[i], sodium[i], potassium[i], offset[i], factor[i], reversal[i],
                slow[i], slow_half[i], slow_tau[i], delay[i], delay_half[i], decay_a[i],
                decay_b[i], step_ms,
            )  # fmt: skip
        some = 0
        for i in range(32):
            potential[k, i] = v[i]
            some += int(where(before[i] < 0.0, 1.0, 0.0) * where(v[i] >= 0.0, 1.0, 0.0))
        if some > 0:
            for i in range(32):
                if before[i] < 0.0 and v[i] >= 0.0:
                    if counts[i] < times.shape[1]:
                        times[i, counts[i]] = (k + 1 - v[i] / (v[i] - before[i])) * step_ms
                    counts[i] += 1


def cortical_coefficients(values: Array, step_ms: float) -> Array:
    """Parameters as they are, constant rates as decays; the last row is the kernel's own."""
    fixed = np.full(values.shape[1], np.exp(-step_ms / DELAY_ACTIVATION_TAU_MS))
    return np.stack([*values[:13], fixed, np.exp(-step_ms / values[13]), np.zeros_like(fixed)])


def cortical_initial(values: Array, potential_mv: float | None) -> Array:
    """At the leak potential (or a known one), all gates at their steady state there."""
    v = values[2] if potential_mv is None else np.full(values.shape[1], potential_mv)
    return np.stack([v, *_steady_gates(v, values)])


def _steady_gates(v: Any, values: Any) -> list[Any]:
    """m, h, n, p, a and b after a long time at a potential; of numbers or tensors."""
    kinds = (torch.exp,) if isinstance(v, Tensor) else (np.exp,)
    rise = kinds[0]

    def share(x: Any) -> Any:
        return 1.0 / (1.0 + rise(-x))

    away = v - values[5]
    # linoid has a hole at zero as numpy sees it, which no recorded potential falls into.
    open_m, close_m = _linoid(0.25 * (away - 13.0), rise), _linoid(0.2 * (40.0 - away), rise)
    open_n = 0.16 * _linoid(0.2 * (away - 15.0), rise)
    open_h, close_h = 0.128 * rise((17.0 - away) / 18.0), 4.0 * share(0.2 * (away - 40.0))
    return [
        1.28 * open_m / (1.28 * open_m + 1.4 * close_m),
        open_h / (open_h + close_h),
        open_n / (open_n + 0.5 * rise((10.0 - away) * 0.025)),
        share(0.1 * (v - values[9])),
        share(0.05 * (v + 50.0)),
        share((values[12] - v) / 6.0),
    ]


def _linoid(x: Any, rise: Any) -> Any:
    return x / (1.0 - rise(-x))


def cortical_trajectory(
    values: list[Tensor], windows: Any, step_ms: float
) -> tuple[Tensor, Tensor | None]:
    """Follow windows of recordings, each from its recorded potential and steady gates."""
    v = windows.start_mv + 0.0 * values[1]
    m, h, n, p, a, b = _steady_gates(v, values)
    p, b = _steady_slow(windows.mean_before_mv, values)
    decay_a = np.exp(-step_ms / DELAY_ACTIVATION_TAU_MS)
    decay_b = torch.exp(-step_ms / values[13])
    fixed: Any = (*values[:13], decay_a, decay_b, step_ms)
    potentials = []
    for current, _, _ in windows.steps():
        v, m, h, n, p, a, b = cortical_step(v, m, h, n, p, a, b, current, *fixed)
        potentials.append(v)
    return torch.stack(potentials), None


def _steady_slow(v: Tensor, values: list[Tensor]) -> tuple[Tensor, Tensor]:
    """P and b, which follow the average potential of the time before."""
    return torch.sigmoid(0.1 * (v - values[9])), torch.sigmoid((values[12] - v) / 6.0)


@MODELS.register("hodgkin_huxley")
def cortical_neuron() -> NeuronModel:
    """Hodgkin-Huxley equations with sodium, delayed rectifier, M and D potassium, and leak."""
    return NeuronModel(
        name="hodgkin_huxley",
        parameters=PARAMETERS,
        step_ms=0.05,
        variables=VARIABLES,
        coefficients=cortical_coefficients,
        initial=cortical_initial,
        advance=_CORTICAL_SWEEP,
        trajectory=cortical_trajectory,
        source="Pospischil et al. (2008), Biol. Cybern. 99:427; Golomb et al. (2007)",
    )


_CORTICAL_SWEEP = sweep_kernel(_cortical_sweep, "membrane/squid_axon.py")
