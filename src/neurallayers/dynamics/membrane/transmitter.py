r"""Transmitter: vesicles that dock, are released by calcium, cleared, and made again.

Four pools, counted in vesicles (:math:`T` is a concentration, :math:`c_v` what one vesicle adds to
it):

.. math::
    \dot R &= k_{re} Z - k_d R + k_u Q \\
    \dot Q &= k_d R - k_u Q - k_{rel} Q, \qquad
        k_{rel} = m\, k_{max} \frac{[Ca]^4}{[Ca]^4 + K^4} \\
    \dot T &= c_v k_{rel} Q - V_u \frac{T}{T + K_u} \\
    \dot Z &= \frac{1}{c_v} V_u \frac{T}{T + K_u} - k_{re} Z

:math:`R` is the reserve, :math:`Q` the readily releasable pool, :math:`T` the transmitter in the
cleft and :math:`Z` what transporters have taken up and is being recycled. :math:`m` is a factor
from presynaptic receptors (1 without them). :math:`R + Q + T / c_v + Z` is conserved.

Sources: fourth power of calcium, Dodge & Rahamimoff (1967), J. Physiol. 193:419; pools and their
sizes in hippocampal boutons, Rizzoli & Betz (2005), Nat. Rev. Neurosci. 6:57, and Schikorski &
Stevens (1997), J. Neurosci. 17:5858; 4,000 molecules a vesicle, Attwell & Laughlin (2001), J.
Cereb. Blood Flow Metab. 21:1133; uptake with K_u = 20 uM, Danbolt (2001), Prog. Neurobiol. 65:1.

**Integration.** Each transfer moves an exact share, source (1 - exp(-rate dt)), from one pool to
the next, in palindromic order (Strang, second order), the cleft by an exponential midpoint: no pool
can turn negative, and the sum is kept to rounding, whatever the step.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from neurallayers.dynamics.arithmetic import equation, exp
from neurallayers.dynamics.cell import CELLS, Cell, positive
from neurallayers.dynamics.membrane.calcium import relaxed, require_positive
from neurallayers.dynamics.membrane.ions import MM_UM3_PER_MOLECULE
from neurallayers.dynamics.membrane.parameters import Constants
from neurallayers.dynamics.neurons import neuron_shape


class TransmitterConstants(NamedTuple):
    """Constants of a presynaptic bouton; the defaults are those of a small glutamatergic one."""

    vesicles: Any = 200.0  # all of them
    docking_per_ms: Any = 1e-4  # k_d [1/ms]
    undocking_per_ms: Any = 2e-3  # k_u [1/ms]
    release_max_per_ms: Any = 0.5  # k_max [1/ms]
    release_half_um: Any = 20.0  # K [uM], at the sensor
    vesicle_mm: Any = 4000.0 * MM_UM3_PER_MOLECULE / 0.02  # c_v, 4,000 molecules in 0.02 um3 [mM]
    uptake_max_mm_per_ms: Any = 0.04  # V_u [mM/ms]
    uptake_half_mm: Any = 0.02  # K_u [mM]
    recycling_per_ms: Any = 1e-3  # k_re [1/ms]


class TransmitterState(NamedTuple):
    """State of :class:`TransmitterRelease`."""

    reserve: Tensor  # [batch, n], vesicles in reserve
    releasable: Tensor  # [batch, n], docked vesicles
    cleft: Tensor  # [batch, n], transmitter in the cleft [mM]
    recycling: Tensor  # [batch, n], taken up, in vesicles


@equation
def release_rate(calcium_um: Any, modulation: Any, p: Any) -> Any:
    """Rate at which a docked vesicle is released, k_rel [1/ms]."""
    square = calcium_um * calcium_um
    half = p.release_half_um * p.release_half_um
    power, half_power = square * square, half * half
    return modulation * p.release_max_per_ms * power / (power + half_power)


@equation
def moved(source: Any, rate: Any, duration_ms: Any) -> Any:
    """What leaves a pool at a constant rate in a time: source (1 - exp(-rate t))."""
    return source * (1.0 - exp(-rate * duration_ms))


@equation
def cleft_after(cleft: Any, inflow: Any, activity: Any, p: Any, dt_ms: Any) -> Any:
    """The cleft after a step of steady inflow [mM/ms] and saturable uptake [mM].

    The exponential midpoint: uptake is fast (2 / ms at low concentrations), so that inflow and
    uptake must not be taken one after the other.
    """
    most = activity * p.uptake_max_mm_per_ms
    half = relaxed(cleft, inflow, most / (cleft + p.uptake_half_mm), 0.5 * dt_ms)
    return relaxed(cleft, inflow, most / (half + p.uptake_half_mm), dt_ms)


@equation
def exchanged(reserve: Any, releasable: Any, supply: Any, p: Any, duration_ms: Any) -> Any:
    """What docks, less what undocks, in a time: the exact solution for the two pools alone."""
    docking = supply * p.docking_per_ms
    total = docking + p.undocking_per_ms
    surplus = (docking * reserve - p.undocking_per_ms * releasable) / total
    return moved(surplus, total, duration_ms)


@equation
def transmitted(
    reserve: Any,
    releasable: Any,
    cleft: Any,
    recycling: Any,
    calcium_um: Any,
    modulation: Any,
    supply: Any,
    p: Any,
    dt_ms: Any,
) -> Any:
    """A step of all pools.

    Args:
        reserve: Vesicles.
        releasable: Vesicles.
        cleft: [mM].
        recycling: Vesicles.
        calcium_um: Free calcium [uM].
        modulation: Factor on the release rate.
        supply: Share of their rates at which docking, uptake and recycling work for want of ATP.
        p: :class:`TransmitterConstants`.
        dt_ms: Length of the step [ms].

    Returns:
        The four pools after the step, and the vesicles that were recycled in it.
    """
    half_ms = 0.5 * dt_ms
    filled = moved(recycling, supply * p.recycling_per_ms, half_ms)
    recycling, reserve = recycling - filled, reserve + filled
    docked = exchanged(reserve, releasable, supply, p, half_ms)
    reserve, releasable = reserve - docked, releasable + docked
    released = moved(releasable, release_rate(calcium_um, modulation, p), dt_ms)
    releasable = releasable - released
    arrived = released * p.vesicle_mm
    after = cleft_after(cleft, arrived / dt_ms, supply, p, dt_ms)
    recycling = recycling + (cleft + arrived - after) / p.vesicle_mm
    docked = exchanged(reserve, releasable, supply, p, half_ms)
    reserve, releasable = reserve - docked, releasable + docked
    again = moved(recycling, supply * p.recycling_per_ms, half_ms)
    return reserve + again, releasable, after, recycling - again, filled + again


def transmitter_vesicles(state: TransmitterState, constants: TransmitterConstants) -> Tensor:
    """All transmitter, wherever it is, in vesicles; this is what never changes."""
    in_cleft: Tensor = state.cleft / constants.vesicle_mm
    return state.reserve + state.releasable + in_cleft + state.recycling


def resting_pools(
    constants: TransmitterConstants, calcium_um: Any, supply: Any = 1.0
) -> tuple[Tensor, ...]:
    """The pools that do not change at a steady calcium concentration.

    A flow f through all of them means Q = f / k_rel, R = (f + k_u Q) / k_d, Z = f / k_re and
    T = K_u c_v f / (V_u - c_v f); the flow for which they add up to all vesicles is bisected.

    Returns:
        Reserve, releasable, cleft [mM] and recycling.
    """
    p = TransmitterConstants(*(torch.as_tensor(v, dtype=torch.float64) for v in constants))
    supply = torch.as_tensor(supply, dtype=torch.float64)
    calcium = torch.as_tensor(calcium_um, dtype=torch.float64)
    rate = release_rate(calcium, 1.0, p)

    def pools(flow: Tensor) -> tuple[Tensor, ...]:
        releasable = flow / rate
        reserve = (flow + p.undocking_per_ms * releasable) / (supply * p.docking_per_ms)
        spare = supply * p.uptake_max_mm_per_ms - p.vesicle_mm * flow
        cleft = p.uptake_half_mm * p.vesicle_mm * flow / spare
        return reserve, releasable, cleft, flow / (supply * p.recycling_per_ms)

    low = torch.zeros_like(sum(p) * supply * rate)
    high = low + torch.minimum(
        supply * p.uptake_max_mm_per_ms / p.vesicle_mm, p.vesicles * supply * p.recycling_per_ms
    )
    for _ in range(80):
        middle = 0.5 * (low + high)
        reserve, releasable, cleft, recycling = pools(middle)
        below = reserve + releasable + cleft / p.vesicle_mm + recycling < p.vesicles
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    reserve, releasable, cleft, recycling = pools(low)
    # What the bisection left over is given to the reserve, so that the sum is that of all vesicles.
    rest = p.vesicles - releasable - cleft / p.vesicle_mm - recycling
    return rest, releasable, cleft, recycling


@CELLS.register("TransmitterRelease")
class TransmitterRelease(Cell[TransmitterState]):
    """A presynaptic bouton; see the module for the equations.

    The input is the free calcium concentration [uM], the output the transmitter in the cleft [mM].
    The pools are means over many boutons, so that a fraction of a vesicle can be released.

    Args:
        n: Number of boutons, or their shape.
        dt_ms: Length of a step [ms].
        constants: In the units that their names say.
        resting_calcium_um: At which the pools of the newborn are in balance [uM].
        learn: Names of constants that training may change.

    Raises:
        InvalidInput: If a constant is not positive.
        UnknownName: If ``learn`` names no constant.

    >>> cell = TransmitterRelease(1)
    >>> cleft, _ = cell.run(torch.full((1, 1, 1), 20.0), steps=10)
    >>> bool(cleft[-1] > cleft[0])
    True
    """

    def __init__(
        self,
        n: int | tuple[int, ...],
        *,
        dt_ms: float = 0.1,
        constants: TransmitterConstants | None = None,
        resting_calcium_um: float = 0.05,
        learn: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        self.in_shape = self.out_shape = neuron_shape(n)
        self.dt_ms = positive("dt_ms", dt_ms, "usually 0.01 to 1")
        constants = constants or TransmitterConstants()
        require_positive(constants)
        positive("resting_calcium_um", resting_calcium_um, "0.05 to 0.1 is usual")
        self.constants = Constants(constants, self.in_shape, learn)
        self.resting = resting_pools(constants, resting_calcium_um)

    def initial_state(self, batch: int = 1) -> TransmitterState:
        """The pools in balance at the resting calcium."""
        one = torch.ones(batch, *self.in_shape)
        return TransmitterState(*((one * pool).to(one) for pool in self.resting))

    def forward(self, x: Tensor, state: TransmitterState) -> tuple[Tensor, TransmitterState]:
        """One step; the input is free calcium [uM]."""
        reserve, releasable, cleft, recycling, _ = transmitted(
            *state, x, 1.0, 1.0, self.constants(), self.dt_ms
        )
        return cleft.to(x.dtype), TransmitterState(reserve, releasable, cleft, recycling)
