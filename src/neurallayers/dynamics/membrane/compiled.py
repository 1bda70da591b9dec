"""The step of a living neuron in a compiled loop, for runs that need no gradient.

The equations are those of :mod:`neurallayers.dynamics.membrane.biophysics`, compiled for numbers.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import torch
from torch import Tensor

from neurallayers.dynamics.kernels import equations  # noqa: F401 - so that numba knows them
from neurallayers.dynamics.kernels.compiler import fingerprint, kernel
from neurallayers.dynamics.membrane.astrocyte import AstrocyteState
from neurallayers.dynamics.membrane.biophysics import (
    BiophysicalConstants,
    BiophysicalState,
    IonState,
    MembraneState,
    WatchState,
    lived,
)
from neurallayers.dynamics.membrane.calcium import CalciumState
from neurallayers.dynamics.membrane.energy import EnergyState
from neurallayers.dynamics.membrane.transmitter import TransmitterState
from neurallayers.state import leaves, map_state

COUNTERS = 3
SOURCES = ("astrocyte", "biophysics", "calcium", "energy", "ions", "squid_axon", "transmitter")


@numba.njit(nogil=True, error_model="numpy")
def _loaded(a: Any, counters: Any, i: int) -> BiophysicalState:
    return BiophysicalState(
        MembraneState(a[0, i], a[1, i], a[2, i], a[3, i]),
        IonState(a[4, i], a[5, i], a[6, i], a[7, i]),
        CalciumState(a[8, i], a[9, i]),
        EnergyState(a[10, i], a[11, i], a[12, i], a[13, i], a[14, i]),
        TransmitterState(a[15, i], a[16, i], a[17, i], a[18, i]),
        AstrocyteState(a[19, i], a[20, i], a[21, i], a[22, i], a[23, i], a[24, i]),
        WatchState(counters[0, i], counters[1, i], counters[2, i]),
    )


@numba.njit(nogil=True, error_model="numpy")
def _store(state: Any, a: Any, counters: Any, i: int) -> None:
    for j in range(4):
        a[j, i] = state.membrane[j]
        a[4 + j, i] = state.ions[j]
        a[15 + j, i] = state.transmitter[j]
    for j in range(2):
        a[8 + j, i] = state.calcium[j]
    for j in range(5):
        a[10 + j, i] = state.energy[j]
    for j in range(6):
        a[19 + j, i] = state.astrocyte[j]
    for j in range(COUNTERS):
        counters[j, i] = state.watch[j]


def _sweep(
    drive: Any,
    conductance: Any,
    spikes: Any,
    looks: Any,
    every: Any,
    a: Any,
    counters: Any,
    threshold: Any,
    c: Any,
    dt: Any,
) -> None:
    """Every neuron through all steps; one frame in ``drive`` is held.

    Spikes are counted, and vitals looked at, after every so many steps.
    """
    held = drive.shape[0] == 1
    for i in range(a.shape[1]):
        state = _loaded(a, counters, i)
        for look in range(spikes.shape[0]):
            count = 0
            for t in range(look * every, (look + 1) * every):
                frame = 0 if held else t
                before = state.membrane.membrane_potential
                state, _ = lived(state, drive[frame, i], conductance[frame, i], None, c, dt)
                after = state.membrane.membrane_potential
                count += 1 if before < threshold and after >= threshold else 0
            spikes[look, i] = count
            if looks.shape[0] > 0:
                looks[0, look, i] = state.membrane.membrane_potential
                looks[1, look, i] = state.transmitter.cleft
                looks[2, look, i] = state.calcium.free
                looks[3, look, i] = state.energy.atp
                looks[4, look, i] = state.astrocyte.gliotransmitter
        _store(state, a, counters, i)


# Stored code is known by this file; what the loop calls from others is named here.
_sweep.__qualname__ += "." + fingerprint(*(f"membrane/{name}.py" for name in SOURCES))
_compiled_sweep = kernel(_sweep)


def _in_precision(part: Any, kind: Any) -> Any:
    """The same named tuple with its numbers in one precision."""
    return type(part)(*(kind(value) for value in part))


def run(
    drive: Tensor,
    conductance: Tensor,
    state: BiophysicalState,
    constants: BiophysicalConstants,
    threshold_mv: float,
    dt_ms: float,
    steps: int,
    every: int | None = None,
) -> tuple[Tensor, Tensor, BiophysicalState]:
    """Many steps.

    Args:
        drive: ``[time or 1, batch, *shape]`` [uA/cm2].
        conductance: Of the same shape [mS/cm2].
        state: Before the first step.
        constants: Plain numbers.
        threshold_mv: Upward crossing of it is a spike [mV].
        dt_ms: Length of a step [ms].
        steps: How many.
        every: Steps between two looks at the vitals; left out, nobody looks.

    Returns:
        Spikes of each step, or of the steps before each look, ``[time, batch, *shape]``; vitals
        ``[5, time, batch, *shape]`` (none if nobody looks); and the state after the last step.
    """
    tensors = [tensor for _, tensor in leaves(state)]
    numbers, counts = tensors[:-COUNTERS], tensors[-COUNTERS:]
    dtype = numbers[0].dtype
    kind = np.float32 if dtype == torch.float32 else np.float64
    a = torch.stack([t.detach().to(dtype).flatten() for t in numbers]).numpy()
    counters = torch.stack([t.flatten() for t in counts]).numpy()
    shape, rows = numbers[0].shape, a.shape[1]
    times = steps if every is None else steps // every
    spikes = np.empty((times, rows), dtype=kind)
    looks = np.empty((0 if every is None else 5, times, rows), dtype=kind)
    flat = [np.ascontiguousarray(x.detach().to(dtype).flatten(1)) for x in (drive, conductance)]
    _compiled_sweep(
        flat[0],
        flat[1],
        spikes,
        looks,
        every or 1,
        a,
        counters,
        kind(threshold_mv),
        BiophysicalConstants(*(_in_precision(part, kind) for part in constants)),
        kind(dt_ms),
    )
    found = iter([torch.from_numpy(row.copy()).view(shape) for row in (*a, *counters)])
    after = map_state(lambda _: next(found), state)
    return (
        torch.from_numpy(spikes).view(times, *shape).to(drive.dtype),
        torch.from_numpy(looks).view(-1, times, *shape),
        after,
    )
