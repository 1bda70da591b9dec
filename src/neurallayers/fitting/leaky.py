r"""The GIF-like leaky integrate-and-fire neuron: spike-triggered currents and a moving threshold.

.. math::
    C \dot v &= -g_L (v - E_L) + I - w_1 - w_2, \qquad
    \tau_k \dot w_k = a_k (v - E_L) - w_k \\
    \vartheta &= \vartheta_\infty + h_1 + h_2 + u, \qquad
    \sigma_k \dot h_k = -h_k, \qquad \tau_u \dot u = \kappa (v - E_L) - u

When :math:`v` reaches :math:`\vartheta` the neuron fires, :math:`w_k` grows by :math:`b_k`,
:math:`h_k` by :math:`\beta_k`, and :math:`v` is held at :math:`v_r` for the refractory period.

Within a step :math:`w_k` and :math:`I` are constant for :math:`v`, and :math:`v` is constant for
:math:`w_k` and :math:`u`: each is solved exactly, the coupling is of first order.

Source: Mensi et al. (2012), J. Neurophysiol. 107:1756, eq. 1 to 5 (spike-triggered currents, moving
threshold; deterministic here); Mihalas & Niebur (2009), Neural Comput. 21:704, eq. 2.1 and 2.2
(threshold that follows the potential); Gerstner et al. (2014), Neuronal Dynamics, eq. 6.1 and 6.2
(several adaptation currents coupled to the potential).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numba import carray  # type: ignore[attr-defined]
from torch import Tensor

from neurallayers.dynamics.arithmetic import equation, where
from neurallayers.fitting.model import LANES, MODELS, NeuronModel, Parameter, pointer, sweep_kernel
from neurallayers.measures.spike_trains import Array

PARAMETERS = (
    Parameter("capacitance_pf", 10.0, 400.0, True),
    Parameter("leak_conductance_ns", 0.2, 30.0, True),
    Parameter("leak_potential_mv", -85.0, -30.0),
    Parameter("reset_potential_mv", -75.0, -25.0),
    Parameter("refractory_ms", 0.5, 8.0, True),
    Parameter("threshold_mv", -60.0, -20.0),
    Parameter("first_threshold_jump_mv", -5.0, 30.0),
    Parameter("first_threshold_tau_ms", 3.0, 40.0, True),
    Parameter("second_threshold_jump_mv", -5.0, 30.0),
    Parameter("second_threshold_tau_ms", 30.0, 1000.0, True),
    Parameter("first_current_jump_pa", -200.0, 400.0),
    Parameter("first_current_tau_ms", 2.0, 50.0, True),
    Parameter("second_current_jump_pa", -20.0, 100.0),
    Parameter("second_current_tau_ms", 50.0, 1500.0, True),
    Parameter("first_coupling_ns", -2.0, 6.0),
    Parameter("second_coupling_ns", -2.0, 4.0),
    Parameter("threshold_coupling", -1.2, 1.2),
    Parameter("threshold_coupling_tau_ms", 3.0, 500.0, True),
)
VARIABLES = (
    "membrane_potential",  # [mV]
    "first_current",  # [pA]
    "second_current",  # [pA]
    "first_threshold",  # [mV]
    "second_threshold",  # [mV]
    "coupled_threshold",  # [mV]
    "refractory",  # time left [ms]
)


@equation
def leaky_drift(
    v: Any, w1: Any, w2: Any, u: Any, current: Any, leak: Any, leak_potential: Any, decay: Any,
    decay1: Any, decay2: Any, decay_u: Any, a1: Any, a2: Any, kappa: Any,
) -> tuple[Any, Any, Any, Any]:  # fmt: skip
    """Potential, currents and coupled threshold after a step without a spike."""
    goal = leak_potential + (current - w1 - w2) / leak
    away = v - leak_potential
    return (
        goal + (v - goal) * decay,
        a1 * away + (w1 - a1 * away) * decay1,
        a2 * away + (w2 - a2 * away) * decay2,
        kappa * away + (u - kappa * away) * decay_u,
    )


def _leaky_sweep(
    block: Any, current: Any, step_ms: Any, potential: Any, times: Any, counts: Any
) -> None:
    # Rows at distances known when this is compiled become vectors without checks for overlaps.
    rows = carray(pointer(block), (832,))
    v, w1, w2 = rows[0:32], rows[32:64], rows[64:96]
    h1, h2, u, refractory = rows[96:128], rows[128:160], rows[160:192], rows[192:224]
    leak, leak_potential, reset = rows[224:256], rows[256:288], rows[288:320]
    dead, base = rows[320:352], rows[352:384]
    jump_h1, jump_h2, jump1, jump2 = rows[384:416], rows[416:448], rows[448:480], rows[480:512]
    decay, decay_h1, decay_h2 = rows[512:544], rows[544:576], rows[576:608]
    decay1, decay2, decay_u = rows[608:640], rows[640:672], rows[672:704]
    a1, a2, kappa = rows[704:736], rows[736:768], rows[768:800]
    fired = rows[800:832]
    for k in range(current.size):
        injected = current[k]
        for i in range(32):
            nv, w1[i], w2[i], nu = leaky_drift(
                v[i], w1[i], w2[i], u[i], injected, leak[i], leak_potential[i], decay[i],
                decay1[i], decay2[i], decay_u[i], a1[i], a2[i], kappa[i],
            )  # fmt: skip
            u[i] = nu
            h1[i] *= decay_h1[i]
            h2[i] *= decay_h2[i]
            # Half a step of tolerance, as sums of steps do not come out even.
            held = refractory[i] > 0.5 * step_ms
            nv = where(held, reset[i], nv)
            spike = where(held, 0.0, where(nv >= base[i] + h1[i] + h2[i] + nu, 1.0, 0.0))
            refractory[i] = where(spike > 0.0, dead[i], refractory[i] - step_ms)
            v[i] = where(spike > 0.0, reset[i], nv)
            w1[i] += spike * jump1[i]
            w2[i] += spike * jump2[i]
            h1[i] += spike * jump_h1[i]
            h2[i] += spike * jump_h2[i]
            fired[i] = spike
        some = 0
        for i in range(32):
            potential[k, i] = v[i]
            some += int(fired[i])
        if some > 0:
            for i in range(32):
                if fired[i] > 0.0:
                    if counts[i] < times.shape[1]:
                        times[i, counts[i]] = (k + 1) * step_ms
                    counts[i] += 1


def leaky_coefficients(values: Array, step_ms: float) -> Array:
    """What a step needs: rates as decays, the rest as it is; the last row is the kernel's own."""
    (c, g, e, reset, dead, base, jump_h1, sigma1, jump_h2, sigma2) = values[:10]
    (b1, tau1, b2, tau2, a1, a2, kappa, tau_u) = values[10:]
    decays = [np.exp(-step_ms / tau) for tau in (c / g, sigma1, sigma2, tau1, tau2, tau_u)]
    rows = [g, e, reset, dead, base, jump_h1, jump_h2, b1, b2, *decays, a1, a2, kappa]
    return np.stack([*rows, np.zeros_like(g)])


def leaky_initial(values: Array, potential_mv: float | None) -> Array:
    """At the leak potential (or a known one), without adaptation."""
    state = np.zeros((len(VARIABLES), values.shape[1]))
    state[0] = values[2] if potential_mv is None else potential_mv
    return state


def leaky_trajectory(
    values: list[Tensor], windows: Any, step_ms: float
) -> tuple[Tensor, Tensor | None]:
    """Follow windows of recordings with the recorded spikes put in for the model's own.

    All but the potential then depends on the recorded spikes alone up to the coupling to the
    potential, and no gradient has to pass through a spike.
    """
    (c, g, e, reset, dead, base, jump_h1, sigma1, jump_h2, sigma2) = values[:10]
    (b1, tau1, b2, tau2, a1, a2, kappa, tau_u) = values[10:]
    decay, decay1, decay2, decay_u = (
        torch.exp(-step_ms / tau) for tau in (c / g, tau1, tau2, tau_u)
    )
    decay_h1, decay_h2 = torch.exp(-step_ms / sigma1), torch.exp(-step_ms / sigma2)
    v, away = windows.start_mv + 0.0 * g, windows.mean_before_mv - e
    w1 = b1 * windows.trace_before(tau1) + a1 * away
    w2 = b2 * windows.trace_before(tau2) + a2 * away
    h1, h2 = (
        jump_h1 * windows.trace_before(sigma1),
        jump_h2 * windows.trace_before(sigma2),
    )
    u = kappa * away
    potentials, margins = [], []
    for current, spike, since in windows.steps():
        v, w1, w2, u = leaky_drift(
            v, w1, w2, u, current, g, e, decay, decay1, decay2, decay_u, a1, a2, kappa
        )
        h1, h2 = h1 * decay_h1, h2 * decay_h2
        v = where(since < dead, reset, v)
        potentials.append(v)
        margins.append(v - (base + h1 + h2 + u))
        v = where(spike > 0.0, reset, v)
        w1, w2 = w1 + spike * b1, w2 + spike * b2
        h1, h2 = h1 + spike * jump_h1, h2 + spike * jump_h2
    return torch.stack(potentials), torch.stack(margins)


@MODELS.register("gif")
def generalized_leaky() -> NeuronModel:
    """Leaky integrate-and-fire with spike-triggered currents and a moving threshold."""
    assert LANES == 32
    return NeuronModel(
        name="gif",
        parameters=PARAMETERS,
        step_ms=0.1,
        variables=VARIABLES,
        coefficients=leaky_coefficients,
        initial=leaky_initial,
        advance=_LEAKY_SWEEP,
        trajectory=leaky_trajectory,
        source="Mensi et al. (2012), J. Neurophysiol. 107:1756; Mihalas & Niebur (2009)",
    )


_LEAKY_SWEEP = sweep_kernel(_leaky_sweep)
