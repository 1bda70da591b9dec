r"""The equations of the squid giant axon (Hodgkin & Huxley 1952), in the modern sign convention.

.. math::
    C \dot v &= I - \bar g_{Na} m^3 h (v - E_{Na}) - \bar g_K n^4 (v - E_K) - g_L (v - E_L) \\
    \dot m &= \varphi\,[\alpha_m(v) (1 - m) - \beta_m(v)\, m]
    \quad\text{and so for } h, n, \qquad \varphi = Q_{10}^{(T - 6.3) / 10}

Source: Hodgkin & Huxley (1952), J. Physiol. 117:500, eq. 26 (membrane), 7, 15, 16 (gates), 12, 13
(potassium rates), 20, 21 (m) and 23, 24 (h); potentials are turned round and moved by -65 mV, as in
Dayan & Abbott (2001), Theoretical Neuroscience, eq. 5.22, 5.24. Q10 = 3: page 523 of the paper.

Units: mV, ms, uA/cm2, mS/cm2, uF/cm2. These are functions of numbers or of tensors (see
:mod:`neurallayers.dynamics.arithmetic`): the cell, the fused kernels and circuits all run them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from neurallayers.dynamics.arithmetic import equation, exp, linoid, sigmoid

Rates = tuple[Any, Any, Any, Any, Any, Any]


class SquidParameters(NamedTuple):
    """What the equations of a patch of axon take, each a number or one for each neuron.

    Source of the values: Hodgkin & Huxley (1952), table 3; potentials as in the modern convention.
    """

    capacitance_uf_cm2: Any = 1.0
    sodium_ms_cm2: Any = 120.0  # all gates open
    potassium_ms_cm2: Any = 36.0  # all gates open
    leak_ms_cm2: Any = 0.3
    sodium_reversal_mv: Any = 50.0
    potassium_reversal_mv: Any = -77.0
    leak_reversal_mv: Any = -54.387


@equation
def squid_rates(v: Any) -> Rates:
    """Opening and closing rates of m, h and n [1/ms] at 6.3 C, for the potential [mV]."""
    return (
        linoid(0.1 * (v + 40.0)),
        4.0 * exp((v + 65.0) * (-1.0 / 18.0)),
        0.07 * exp((v + 65.0) * -0.05),
        sigmoid(0.1 * (v + 35.0)),
        0.1 * linoid(0.1 * (v + 55.0)),
        0.125 * exp((v + 65.0) * -0.0125),
    )


@equation
def gate_after(gate: Any, opening: Any, closing: Any, duration_ms: Any) -> Any:
    """A gate after a time at constant rates: exact (Rush & Larsen 1978, IEEE TBME 25:389)."""
    total = opening + closing
    steady = opening / total
    return steady + (gate - steady) * exp(-total * duration_ms)


@equation
def potential_after(
    v: Any, drive: Any, conductance: Any, capacitance: Any, duration_ms: Any
) -> Any:
    """The solution of C dv/dt = drive - conductance v after a time at constant conductance: exact.

    It is written with (1 - exp(-y)) / y, so that it holds at conductance zero too.
    """
    scale = duration_ms / capacitance
    return v + (drive - conductance * v) * scale / linoid(conductance * scale)


@equation
def squid_balance(m: Any, h: Any, n: Any, p: Any) -> tuple[Any, Any]:
    """What the open channels add to drive [uA/cm2] and conductance [mS/cm2] of the membrane."""
    sodium = p[1] * (m * m * m * h)
    potassium = p[2] * (n * n) * (n * n)
    drive = sodium * p[4] + potassium * p[5] + p[3] * p[6]
    return drive, sodium + potassium + p[3]


@equation
def squid_gates_after(v: Any, m: Any, h: Any, n: Any, duration_ms: Any) -> tuple[Any, Any, Any]:
    """All gates after a time at constant potential; a time is counted at 6.3 C."""
    open_m, close_m, open_h, close_h, open_n, close_n = squid_rates(v)
    return (
        gate_after(m, open_m, close_m, duration_ms),
        gate_after(h, open_h, close_h, duration_ms),
        gate_after(n, open_n, close_n, duration_ms),
    )


@equation
def squid_derivative(
    v: Any, m: Any, h: Any, n: Any, drive: Any, conductance: Any, p: Any, rate_factor: Any
) -> tuple[Any, Any, Any, Any]:
    """Time derivatives of v [mV/ms], m, h and n [1/ms]."""
    open_m, close_m, open_h, close_h, open_n, close_n = squid_rates(v)
    inner_drive, inner_conductance = squid_balance(m, h, n, p)
    total = drive + inner_drive - (conductance + inner_conductance) * v
    return (
        total / p[0],
        rate_factor * (open_m * (1.0 - m) - close_m * m),
        rate_factor * (open_h * (1.0 - h) - close_h * h),
        rate_factor * (open_n * (1.0 - n) - close_n * n),
    )


# ------------------------------------------------------------------------------ steps of solvers


@equation
def squid_exponential_euler(
    v: Any,
    m: Any,
    h: Any,
    n: Any,
    drive: Any,
    conductance: Any,
    p: Any,
    rate_factor: Any,
    dt_ms: Any,
) -> tuple[Any, Any, Any, Any]:
    """First order: everything from the values at the beginning of the step."""
    inner_drive, inner_conductance = squid_balance(m, h, n, p)
    m, h, n = squid_gates_after(v, m, h, n, rate_factor * dt_ms)
    total = conductance + inner_conductance
    return potential_after(v, drive + inner_drive, total, p[0], dt_ms), m, h, n


@equation
def squid_staggered_exponential_euler(
    v: Any,
    m: Any,
    h: Any,
    n: Any,
    drive: Any,
    conductance: Any,
    p: Any,
    rate_factor: Any,
    dt_ms: Any,
) -> tuple[Any, Any, Any, Any]:
    """Second order: gates from t - dt/2 to t + dt/2, then the potential from t to t + dt."""
    m, h, n = squid_gates_after(v, m, h, n, rate_factor * dt_ms)
    inner_drive, inner_conductance = squid_balance(m, h, n, p)
    total = conductance + inner_conductance
    return potential_after(v, drive + inner_drive, total, p[0], dt_ms), m, h, n


@equation
def squid_rk4(
    v: Any,
    m: Any,
    h: Any,
    n: Any,
    drive: Any,
    conductance: Any,
    p: Any,
    rate_factor: Any,
    dt_ms: Any,
) -> tuple[Any, Any, Any, Any]:
    """Fourth order: the classical method of Runge and Kutta."""
    half = 0.5 * dt_ms
    v1, m1, h1, n1 = squid_derivative(v, m, h, n, drive, conductance, p, rate_factor)
    v2, m2, h2, n2 = squid_derivative(
        v + half * v1, m + half * m1, h + half * h1, n + half * n1, drive, conductance, p,
        rate_factor,
    )  # fmt: skip
    v3, m3, h3, n3 = squid_derivative(
        v + half * v2, m + half * m2, h + half * h2, n + half * n2, drive, conductance, p,
        rate_factor,
    )  # fmt: skip
    v4, m4, h4, n4 = squid_derivative(
        v + dt_ms * v3, m + dt_ms * m3, h + dt_ms * h3, n + dt_ms * n3, drive, conductance, p,
        rate_factor,
    )  # fmt: skip
    sixth = dt_ms / 6.0
    return (
        v + sixth * (v1 + 2.0 * (v2 + v3) + v4),
        m + sixth * (m1 + 2.0 * (m2 + m3) + m4),
        h + sixth * (h1 + 2.0 * (h2 + h3) + h4),
        n + sixth * (n1 + 2.0 * (n2 + n3) + n4),
    )


SQUID_STEPS = {
    "exponential_euler": squid_exponential_euler,
    "staggered_exponential_euler": squid_staggered_exponential_euler,
    "rk4": squid_rk4,
}
