"""The rest of a living neuron: constants and state for which nothing changes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from neurallayers.dynamics.membrane.astrocyte import AstrocyteState, resting_stores
from neurallayers.dynamics.membrane.biophysics import (
    BiophysicalConstants,
    BiophysicalState,
    IonState,
    MembraneConstants,
    MembraneState,
    WatchState,
    calcium_at_release,
    conductances,
    reversal_potentials,
)
from neurallayers.dynamics.membrane.calcium import (
    UM_UM_PER_UA_MS,
    CalciumState,
    bound_at_equilibrium,
    leak_per_ms,
    require_leak,
    require_positive,
)
from neurallayers.dynamics.membrane.energy import (
    EnergyState,
    balanced,
    plainest,
    resting_adenylates,
)
from neurallayers.dynamics.membrane.ions import MM_UM_PER_UA_MS, pump_current
from neurallayers.dynamics.membrane.squid_axon import squid_rates
from neurallayers.dynamics.membrane.transmitter import TransmitterState, resting_pools
from neurallayers.errors import InvalidInput

BISECTIONS = 60


def at_rest(constants: BiophysicalConstants) -> tuple[BiophysicalConstants, BiophysicalState]:
    """Set what balances a neuron, and find the state that then does not change.

    At rest each ion is in balance by itself: the pump brings out 3 sodium for the 2 potassium that
    it brings in, so that the potential is where 2 I_Na + 3 I_K = 0, and the pump runs at I_K / 2.
    The calcium pump carries what channels and leak let in, and the metabolism makes what is spent.

    Returns:
        The constants with ``pump_max_ua_cm2``, ``resting_influx_um_per_ms`` and the production of
        ATP replaced, and the state (float64, without axes where all neurons are alike).

    Raises:
        InvalidInput: If a constant is out of range, or there is no rest between -100 and -40 mV.
    """
    for part, free in zip(constants, (_SET_HERE, _INFLUX, (), (), ()), strict=True):
        require_positive(part, but=free)
    c = BiophysicalConstants(*(type(part)(*map(_double, part)) for part in constants))
    v = resting_potential(c)
    membrane = membrane_at(v)
    newborn = IonState(*(0.0 * v for _ in IonState._fields))
    _, to_potassium, to_calcium = reversal_potentials(
        newborn, c.calcium.resting_um, c.calcium.outside_um, c.membrane
    )
    _, potassium, calcium = conductances(membrane, v, c.membrane)
    pump = potassium * (v - to_potassium) / 2.0
    share = pump_current(
        c.membrane.sodium_inside_mm,
        c.membrane.potassium_outside_mm,
        c.energy.resting_atp_mm,
        1.0,
        c.membrane.pump_half_sodium_mm,
        c.membrane.pump_half_potassium_mm,
        c.energy.critical_atp_mm,
    )
    influx = -calcium * (v - to_calcium) * UM_UM_PER_UA_MS / c.calcium.depth_um
    pool = constants.calcium._replace(resting_influx_um_per_ms=plainest(influx))
    require_leak(pool)
    at_release = calcium_at_release(c.calcium.resting_um, calcium * (v - to_calcium), c.membrane)
    pools = resting_pools(constants.transmitter, at_release)
    leak = leak_per_ms(pool) * (c.calcium.outside_um - c.calcium.resting_um)
    demand = (
        pump * MM_UM_PER_UA_MS / c.membrane.depth_um
        + 1e-3 * (leak + influx) * c.calcium.depth_um / c.membrane.depth_um
        + pools[3] * c.transmitter.recycling_per_ms * c.membrane.vesicle_atp_mm
    )
    set_up = constants._replace(
        membrane=constants.membrane._replace(pump_max_ua_cm2=plainest(pump / share)),
        calcium=pool,
        energy=balanced(constants.energy, demand),
    )
    free = c.calcium.resting_um
    one = torch.ones((), dtype=torch.float64)
    stores = resting_stores(constants.astrocyte, plainest(1e3 * pools[2]))
    state = BiophysicalState(
        membrane,
        newborn,
        CalciumState(free, bound_at_equilibrium(free, c.calcium)),
        EnergyState(*resting_adenylates(constants.energy), one, one.clone()),
        TransmitterState(*pools),
        AstrocyteState(*stores, one.clone(), 0.0 * one, 0.0 * one),
        WatchState(*(0.0 * one for _ in WatchState._fields)),
    )
    return set_up, state


_SET_HERE = (
    "pump_max_ua_cm2", "vesicle_atp_mm", "calcium_ms_cm2", "exchange_per_ms",
    "calcium_domain_um_cm2_per_ua",
)  # fmt: skip
_INFLUX = ("resting_influx_um_per_ms",)


def _double(value: Any) -> Tensor:
    return torch.as_tensor(value, dtype=torch.float64)


def membrane_at(v: Tensor) -> MembraneState:
    """The membrane with its gates as they become at a constant potential [mV]."""
    open_m, close_m, open_h, close_h, open_n, close_n = squid_rates(v)
    return MembraneState(
        v,
        open_m / (open_m + close_m),
        open_h / (open_h + close_h),
        open_n / (open_n + close_n),
    )


def resting_potential(c: BiophysicalConstants) -> Tensor:
    """Where 2 I_Na + 3 I_K = 0 [mV], by bisection.

    Raises:
        InvalidInput: If that is nowhere between -100 and -40 mV.
    """
    p: MembraneConstants = c.membrane
    newborn = IonState(*(_double(0.0) for _ in IonState._fields))
    to_sodium, to_potassium, _ = reversal_potentials(
        newborn, c.calcium.resting_um, c.calcium.outside_um, p
    )

    def outward(v: Tensor) -> Tensor:
        sodium, potassium, _ = conductances(membrane_at(v), v, p)
        total: Tensor = 2.0 * sodium * (v - to_sodium) + 3.0 * potassium * (v - to_potassium)
        return total

    zero: Tensor = 0.0 * sum(p)  # with the neurons' axes, if each has its own constants
    low, high = zero - 100.0, zero - 40.0
    if not bool(((outward(low) < 0) & (outward(high) > 0)).all()):
        raise InvalidInput(
            "These conductances and concentrations leave no rest between -100 and -40 mV.",
            "Raise the potassium leak or lower the sodium leak.",
        )
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        up = outward(middle) < 0
        low, high = torch.where(up, middle, low), torch.where(up, high, middle)
    return 0.5 * (low + high)
