"""An independent reference: membranes solved at tight tolerance, with spikes found as events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from neurallayers.dynamics.neurons import PointNeuron

Floats = NDArray[np.float64]


def reference_times_ms(
    derivative: Callable[[float, Floats], Sequence[float]],
    start: Sequence[float],
    peak: float,
    reset: Callable[[Floats], Sequence[float]],
    duration_ms: float,
    refractory_ms: float = 0.0,
) -> Floats:
    """Spike times of a membrane (variable 0) that is reset at its peak; DOP853 from spike to spike.

    During the refractory period nothing moves, which is right for membranes without adaptation.
    """

    def arrives(t: float, y: Floats) -> float:
        return float(y[0] - peak)

    arrives.terminal, arrives.direction = True, 1.0  # type: ignore[attr-defined]
    t, y, found = 0.0, list(start), []
    while t < duration_ms:
        path = solve_ivp(
            derivative, (t, duration_ms), y, "DOP853", events=arrives, rtol=1e-11, atol=1e-11
        )
        if path.status != 1:
            break
        found.append(path.t[-1])
        t, y = path.t[-1] + refractory_ms, list(reset(path.y[:, -1]))
    return np.array(found)


def spike_times_ms(neurons: PointNeuron[Any], current_pa: float, duration_ms: float) -> Floats:
    """Times of the first neuron's spikes under a constant current, within the steps."""
    x = torch.full((1, 1, neurons.n), current_pa, dtype=torch.float64)
    times = neurons.spike_times_ms(x, steps=round(duration_ms / neurons.dt_ms))
    return times[0][0].numpy()
