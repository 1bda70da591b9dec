r"""The adaptive exponential integrate-and-fire neuron, for fitting.

The equations are those of :mod:`neurallayers.dynamics.neurons.adex`, whose step is compiled here
for candidates side by side; a fitted neuron is an
:class:`~neurallayers.dynamics.neurons.adex.AdEx` with its parameters, a peak of 0 mV and the same
step. The refractory period, which the paper does
not have, stands for the width of a spike. Spike times are those within the step.

Source: Brette & Gerstner (2005), J. Neurophysiol. 94:3637, eq. 1 to 3.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from numba import carray  # type: ignore[attr-defined]
from torch import Tensor

from neurallayers.dynamics.arithmetic import minimum, where
from neurallayers.dynamics.neurons.adex import AdEx, adex_step
from neurallayers.dynamics.neurons.point import NEVER_MS
from neurallayers.fitting.model import MODELS, NeuronModel, Parameter, pointer, sweep_kernel
from neurallayers.measures.spike_trains import Array

PARAMETERS = (
    Parameter("capacitance_pf", 10.0, 400.0, True),
    Parameter("leak_conductance_ns", 0.2, 30.0, True),
    Parameter("resting_mv", -85.0, -30.0),
    Parameter("threshold_mv", -60.0, -20.0),
    Parameter("slope_factor_mv", 0.3, 8.0, True),
    Parameter("adaptation_conductance_ns", -2.0, 8.0),
    Parameter("tau_adaptation_ms", 5.0, 1500.0, True),
    Parameter("adaptation_increment_pa", 0.0, 150.0),
    Parameter("reset_mv", -75.0, -25.0),
    Parameter("refractory_ms", 0.5, 8.0, True),
)
VARIABLES = ("membrane_potential", "adaptation_current", "time_since_spike")  # [mV], [pA], [ms]
PEAK_MV = 0.0


def numbers_of(values: list[Tensor], step_ms: float) -> list[Tensor]:
    """What a step of the model reads, of parameters in their order, differentiable."""
    named = dict(zip((parameter.name for parameter in PARAMETERS), values, strict=True))
    peak = torch.full_like(values[0], PEAK_MV)
    # The cell computes them from its attributes; nothing else of a cell is needed.
    cell: Any = SimpleNamespace(**named, peak_mv=peak, dt_ms=step_ms, substeps=1)
    return [torch.as_tensor(number) + torch.zeros_like(peak) for number in AdEx.numbers(cell)]


def _exponential_sweep(
    block: Any, current: Any, step_ms: Any, potential: Any, times: Any, counts: Any
) -> None:
    # Rows at distances known when this is compiled become vectors without checks for overlaps.
    rows = carray(pointer(block), (704,))
    v, w, age, fired = rows[0:32], rows[32:64], rows[64:96], rows[672:704]
    n0, n1, n2, n3 = rows[96:128], rows[128:160], rows[160:192], rows[192:224]
    n4, n5, n6, n7 = rows[224:256], rows[256:288], rows[288:320], rows[320:352]
    n8, n9, n10, n11 = rows[352:384], rows[384:416], rows[416:448], rows[448:480]
    n12, n13, n14, n15 = rows[480:512], rows[512:544], rows[544:576], rows[576:608]
    n16, n17 = rows[608:640], rows[640:672]
    for k in range(current.size):
        injected = current[k]
        for i in range(32):
            p = (
                n0[i], n1[i], n2[i], n3[i], n4[i], n5[i], n6[i], n7[i], n8[i], n9[i], n10[i],
                n11[i], n12[i], n13[i], n14[i], n15[i], n16[i], n17[i],
            )  # fmt: skip
            margin, quiet, spiked = adex_step((v[i], w[i], age[i]), injected, 0.0, p)
            fires = margin >= 0.0
            v[i] = where(fires, spiked[0], quiet[0])
            w[i] = where(fires, spiked[1], quiet[1])
            age[i] = where(fires, spiked[2], quiet[2])
            fired[i] = where(fires, 1.0, 0.0)
        some = 0
        for i in range(32):
            potential[k, i] = v[i]
            some += int(fired[i])
        if some > 0:
            for i in range(32):
                if fired[i] > 0.0:
                    if counts[i] < times.shape[1]:
                        times[i, counts[i]] = (k + 1) * step_ms - age[i]
                    counts[i] += 1


def exponential_coefficients(values: Array, step_ms: float) -> Array:
    """What a step reads; the last row is the kernel's own."""
    numbers = numbers_of(list(torch.tensor(values)), step_ms)
    return np.stack([*(number.numpy() for number in numbers), np.zeros(values.shape[1])])


def exponential_initial(values: Array, potential_mv: float | None) -> Array:
    """At rest (or at a known potential), without adaptation."""
    state = np.zeros((len(VARIABLES), values.shape[1]))
    state[0] = values[2] if potential_mv is None else potential_mv
    state[2] = NEVER_MS
    return state


def exponential_trajectory(
    values: list[Tensor], windows: Any, step_ms: float
) -> tuple[Tensor, Tensor | None]:
    """Follow windows of recordings with the recorded spikes put in for the model's own.

    The distance to threshold is counted from where the upswing begins, three slope factors above
    the threshold parameter.
    """
    _, _, resting, threshold, slope, coupling, tau, increment, reset, _ = values
    numbers = tuple(numbers_of(values, step_ms))
    v = windows.start_mv + 0.0 * resting
    w = increment * windows.trace_before(tau) + coupling * (windows.mean_before_mv - resting)
    age = minimum(windows.delays_ms.amin(dim=1), NEVER_MS) + 0.0 * resting
    potentials, margins = [], []
    onset = threshold + 3.0 * slope
    for current, spike, _ in windows.steps():
        _, (v, w, age), _ = adex_step((v, w, age), current, 0.0, numbers)
        # Beyond its onset the upswing says nothing but that there is one.
        v = minimum(v, onset + 2.0 * slope)
        potentials.append(v)
        margins.append(v - onset)
        v = where(spike > 0.0, reset, v)
        w = w + spike * increment
        age = where(spike > 0.0, 0.0, age)
    return torch.stack(potentials), torch.stack(margins)


@MODELS.register("adex")
def adaptive_exponential() -> NeuronModel:
    """Adaptive exponential integrate-and-fire."""
    return NeuronModel(
        name="adex",
        parameters=PARAMETERS,
        step_ms=0.1,
        variables=VARIABLES,
        coefficients=exponential_coefficients,
        initial=exponential_initial,
        advance=_EXPONENTIAL_SWEEP,
        trajectory=exponential_trajectory,
        source="Brette & Gerstner (2005), J. Neurophysiol. 94:3637",
    )


_EXPONENTIAL_SWEEP = sweep_kernel(
    _exponential_sweep, "neurons/adex.py", "neurons/flows.py", "neurons/nonlinear.py"
)
