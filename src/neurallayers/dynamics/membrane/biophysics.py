r"""The equations of a neuron that lives: membrane, ions, calcium, energy, transmitter, astrocyte.

.. math::
    C \dot v &= I - I_{Na} - I_K - I_{Ca} - I_p - I_{PMCA} \\
    I_{Na} &= (\bar g_{Na} m^3 h + g_{Na,L})(v - E_{Na}), \quad
    I_K = (\bar g_K n^4 + g_{K,L})(v - E_K), \quad
    I_{Ca} = \bar g_{Ca} s_\infty^2(v)\,(v - E_{Ca}) \\
    \frac{d[Na]_i}{dt} &= -\frac{10}{F d} (I_{Na} + 3 I_p), \qquad
    \frac{d[K]_i}{dt} = -\frac{10}{F d} (I_K - 2 I_p) \\
    \frac{d[X]_o}{dt} &= -\beta \frac{d[X]_i}{dt} - \epsilon\, s(O_2) ([X]_o - [X]_{bath}),
    \qquad E_X = \frac{RT}{zF} \ln \frac{[X]_o}{[X]_i}

The leak of Hodgkin and Huxley is split into one of sodium and one of potassium that together are
the same at the reversal potentials of 1952, so that every charge that crosses the membrane is a
charge of some ion. The calcium pump carries the two charges of its ion, as I_p(Ca) of Luo & Rudy
(1994), Circ. Res. 74:1071. Current from an electrode or a synapse has no ion; it is counted apart.

How the parts act on each other: calcium channels fill the calcium pool; calcium releases
transmitter, at the mouth of the channels, where it rises in proportion to the current (Neher 1998,
Neuron 20:389); transmitter excites the astrocyte, whose gliotransmitter scales the release; the
Na/K pump, the calcium pump and the vesicles spend ATP, and work less with less of it; without the
pump the concentrations run down, the Nernst potentials move, and the cell depolarises.

Sources: gates, Hodgkin & Huxley (1952), see :mod:`neurallayers.dynamics.membrane.squid_axon`;
calcium current, Wang (1998), J. Neurophysiol. 79:1549 (instantaneous, s = 1 / (1 + exp(-(v + 20) /
9))); concentrations, beta = 7 and the exchange with a bath, Cressman, Ullah, Ziburkus, Schiff &
Barreto (2009), J. Comput. Neurosci. 26:159 (epsilon there is 1.2 / s beside glia that take up
potassium; here 6 / s stands for both, and stops with the blood, as in ischaemia). The other parts
name theirs.

**Integration.** Gates at half steps, the potential at whole ones, both exponential (second order).
Ions move with the current averaged over the step, exactly the one that has charged the membrane:
charge is conserved to rounding. Concentrations are kept as gains since birth, which keeps their
small steps in single precision. The parts are then advanced one after the other (first order in
their coupling), each by its own scheme.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor

from neurallayers.dynamics.arithmetic import equation, linoid, maximum, sigmoid, where
from neurallayers.dynamics.membrane.astrocyte import (
    AstrocyteConstants,
    AstrocyteState,
    gliotransmission,
    modulation_of_release,
    rose_through,
    stores_after,
)
from neurallayers.dynamics.membrane.calcium import (
    UM_UM_PER_UA_MS,
    CalciumConstants,
    CalciumState,
    free_at_equilibrium,
    transported_rapid,
)
from neurallayers.dynamics.membrane.energy import (
    EnergyConstants,
    EnergyState,
    availability,
    metabolised,
    supplied,
)
from neurallayers.dynamics.membrane.ions import MM_UM_PER_UA_MS, nernst_mv, pump_current
from neurallayers.dynamics.membrane.squid_axon import squid_gates_after
from neurallayers.dynamics.membrane.transmitter import (
    TransmitterConstants,
    TransmitterState,
    transmitted,
)

# The leak of 0.3 mS/cm2 that reverses at -54.387 mV, split between ions at 50 and -77 mV.
_SODIUM_SHARE = (-54.387 + 77.0) / (50.0 + 77.0)

# Above it calcium would precipitate with the phosphate of the cell.
CALCIUM_LIMIT_UM = 1e4


class MembraneConstants(NamedTuple):
    """Constants of the membrane and of what is on both sides of it."""

    capacitance_uf_cm2: Any = 1.0
    sodium_ms_cm2: Any = 120.0  # all gates open
    potassium_ms_cm2: Any = 36.0  # all gates open
    sodium_leak_ms_cm2: Any = 0.3 * _SODIUM_SHARE
    potassium_leak_ms_cm2: Any = 0.3 * (1.0 - _SODIUM_SHARE)
    calcium_ms_cm2: Any = 0.1  # all gates open
    calcium_domain_um_cm2_per_ua: Any = 2.0  # rise at the release site for 1 uA/cm2 of influx
    rate_factor: Any = 1.0  # of the gates, Q10^((T - 6.3) / 10)
    thermal_mv: Any = 24.081  # RT/F; at 6.3 C
    depth_um: Any = 10.0 / 3.0  # volume / membrane area; of a soma of 20 um
    outside_ratio: Any = 7.0  # beta, volume inside / outside
    exchange_per_ms: Any = 6e-3  # epsilon, with the bath that blood and glia keep, in health
    sodium_inside_mm: Any = 18.0  # at birth
    sodium_outside_mm: Any = 144.0  # at birth, and of the bath
    potassium_inside_mm: Any = 140.0  # at birth
    potassium_outside_mm: Any = 5.7  # at birth, and of the bath
    pump_max_ua_cm2: Any = 0.0  # of the Na/K pump; set so that the newborn is at rest
    pump_half_sodium_mm: Any = 10.0
    pump_half_potassium_mm: Any = 3.5
    vesicle_atp_mm: Any = 0.0  # ATP a vesicle costs, spread over the volume; set from its size


class BiophysicalConstants(NamedTuple):
    """All constants of :class:`~neurallayers.dynamics.membrane.biophysical.BiophysicalNeuron`."""

    membrane: Any = MembraneConstants()
    calcium: Any = CalciumConstants()
    energy: Any = EnergyConstants()
    transmitter: Any = TransmitterConstants()
    astrocyte: Any = AstrocyteConstants()


class MembraneState(NamedTuple):
    """Potential and gates; the gates are half a step behind the potential."""

    membrane_potential: Tensor  # [batch, n], [mV]
    sodium_activation: Tensor  # [batch, n], m
    sodium_inactivation: Tensor  # [batch, n], h
    potassium_activation: Tensor  # [batch, n], n


class IonState(NamedTuple):
    """What concentrations have gained since birth."""

    sodium_inside: Tensor  # [batch, n], [mM]
    sodium_outside: Tensor  # [batch, n], [mM]
    potassium_inside: Tensor  # [batch, n], [mM]
    potassium_outside: Tensor  # [batch, n], [mM]


class WatchState(NamedTuple):
    """Steps counted since birth (int64) in which something was out of its range."""

    violations: Tensor  # [batch, n], a vital left its physical bounds or was no number
    potential_excursions: Tensor  # [batch, n], the potential was outside -70..+40 mV
    energy_excursions: Tensor  # [batch, n], ATP was below the critical level


class BiophysicalState(NamedTuple):
    """State of :class:`~neurallayers.dynamics.membrane.biophysical.BiophysicalNeuron`."""

    membrane: MembraneState
    ions: IonState
    calcium: CalciumState
    energy: EnergyState
    transmitter: TransmitterState
    astrocyte: AstrocyteState
    watch: WatchState


class Ledger(NamedTuple):
    """What crossed a border in a step (or, added up, in a run)."""

    charge: Any  # from electrodes and synapses [nC/cm2]
    sodium_channels: Any  # into the neuron [mM]
    sodium_bath: Any  # into the space outside [mM there]
    potassium_bath: Any  # into the space outside [mM there]
    calcium_in: Any  # through channels and leak [uM]
    calcium_out: Any  # by the pump [uM]
    atp_made: Any  # [mM]
    atp_pump: Any  # by the Na/K pump [mM]
    atp_calcium: Any  # by the calcium pump [mM]
    atp_vesicles: Any  # [mM]
    atp_housekeeping: Any  # [mM]


@equation
def calcium_gate(v: Any) -> Any:
    """Open share of the calcium channels, s^2 with s = 1 / (1 + exp(-(v + 20) / 9))."""
    s = sigmoid((v + 20.0) * (1.0 / 9.0))
    return s * s


@equation
def reversal_potentials(ions: Any, calcium_um: Any, calcium_outside_um: Any, p: Any) -> Any:
    """Nernst potentials of sodium, potassium and calcium [mV]."""
    sodium = nernst_mv(
        p.sodium_outside_mm + ions.sodium_outside,
        p.sodium_inside_mm + ions.sodium_inside,
        p.thermal_mv,
    )
    potassium = nernst_mv(
        p.potassium_outside_mm + ions.potassium_outside,
        p.potassium_inside_mm + ions.potassium_inside,
        p.thermal_mv,
    )
    return sodium, potassium, nernst_mv(calcium_outside_um, calcium_um, 0.5 * p.thermal_mv)


@equation
def conductances(membrane: Any, v: Any, p: Any) -> Any:
    """Conductances of sodium, potassium and calcium [mS/cm2]."""
    m = membrane.sodium_activation
    square = membrane.potassium_activation * membrane.potassium_activation
    sodium = p.sodium_ms_cm2 * m * m * m * membrane.sodium_inactivation + p.sodium_leak_ms_cm2
    potassium = p.potassium_ms_cm2 * square * square + p.potassium_leak_ms_cm2
    return sodium, potassium, p.calcium_ms_cm2 * calcium_gate(v)


@equation
def exchanged_with_bath(gain: Any, inflow: Any, rate: Any, dt_ms: Any) -> Any:
    """Gain of the space outside after an implicit step, and what came from the bath."""
    after = (gain + inflow) / (1.0 + rate * dt_ms)
    return after, after - gain - inflow


@equation
def pump_of(ions: Any, atp: Any, c: Any) -> Any:
    """Current of the Na/K pump [uA/cm2]."""
    p = c.membrane
    return pump_current(
        p.sodium_inside_mm + ions.sodium_inside,
        p.potassium_outside_mm + ions.potassium_outside,
        atp,
        p.pump_max_ua_cm2,
        p.pump_half_sodium_mm,
        p.pump_half_potassium_mm,
        c.energy.critical_atp_mm,
    )


@equation
def charged(membrane: Any, reversals: Any, drive: Any, conductance: Any, p: Any, dt_ms: Any) -> Any:
    """A step of gates and potential.

    Args:
        membrane: :class:`MembraneState`.
        reversals: Of sodium, potassium and calcium [mV].
        drive: Current from outside, less that of pumps [uA/cm2].
        conductance: From outside [mS/cm2].
        p: :class:`MembraneConstants`.
        dt_ms: Length of the step [ms].

    Returns:
        The membrane after the step, the potential averaged over it [mV], and the average currents
        of sodium, potassium and calcium [uA/cm2].
    """
    v = membrane.membrane_potential
    m, h, n = squid_gates_after(
        v,
        membrane.sodium_activation,
        membrane.sodium_inactivation,
        membrane.potassium_activation,
        p.rate_factor * dt_ms,
    )
    sodium, potassium, calcium = conductances(MembraneState(v, m, h, n), v, p)
    to_sodium, to_potassium, to_calcium = reversals
    scale = dt_ms / p.capacitance_uf_cm2
    # Calcium channels have no gate of their own time: they are taken at the middle of the step.
    slow = sodium + potassium + conductance
    inward = drive + sodium * to_sodium + potassium * to_potassium
    net = inward + calcium * to_calcium - (slow + calcium) * v
    middle = v + 0.5 * net * scale / linoid(0.5 * scale * (slow + calcium))
    calcium = p.calcium_ms_cm2 * calcium_gate(middle)
    total = slow + calcium
    factor = 1.0 / linoid(total * scale)
    net = inward + calcium * to_calcium - total * v
    mean = v + net / total * (1.0 - factor)
    after = MembraneState(v + net * scale * factor, m, h, n)
    return (
        after,
        mean,
        sodium * (mean - to_sodium),
        potassium * (mean - to_potassium),
        calcium * (mean - to_calcium),
    )


@equation
def moved_ions(
    ions: Any, sodium: Any, potassium: Any, pump: Any, exchange: Any, p: Any, dt_ms: Any
) -> Any:
    """Concentrations after a step of these currents [uA/cm2], and what came from the bath.

    The bath exchanges at the rate ``exchange`` [1/ms].
    """
    scale = dt_ms * MM_UM_PER_UA_MS / p.depth_um
    sodium_in = -scale * (sodium + 3.0 * pump)
    potassium_in = -scale * (potassium - 2.0 * pump)
    sodium_outside, sodium_bath = exchanged_with_bath(
        ions.sodium_outside, -p.outside_ratio * sodium_in, exchange, dt_ms
    )
    potassium_outside, potassium_bath = exchanged_with_bath(
        ions.potassium_outside, -p.outside_ratio * potassium_in, exchange, dt_ms
    )
    after = IonState(
        ions.sodium_inside + sodium_in,
        sodium_outside,
        ions.potassium_inside + potassium_in,
        potassium_outside,
    )
    return after, sodium_bath, potassium_bath


@equation
def pumped_calcium(calcium: Any, activity: Any, c: Any, dt_ms: Any) -> Any:
    """Pump and leak of the calcium pool: free, bound, out, in [uM], and their current [uA/cm2]."""
    free, bound, out = transported_rapid(
        calcium.free, calcium.bound, 0.0 * calcium.free, activity, c.calcium, dt_ms
    )
    leaked = free + bound - (calcium.free + calcium.bound) + out
    return free, bound, out, leaked, (out - leaked) * c.calcium.depth_um / (UM_UM_PER_UA_MS * dt_ms)


@equation
def answered(astrocyte: Any, glutamate_um: Any, surrogate: Any, p: Any, dt_ms: Any) -> Any:
    """A step of the astrocyte with so much glutamate outside."""
    calcium, gate, ip3 = stores_after(
        astrocyte.calcium, astrocyte.gate, astrocyte.ip3, glutamate_um, p, dt_ms
    )
    crossed = rose_through(p.release_threshold_um, astrocyte.calcium, calcium, surrogate)
    resources, gliotransmitter, receptors = gliotransmission(
        astrocyte.resources, astrocyte.gliotransmitter, astrocyte.receptors, crossed, p, dt_ms
    )
    return AstrocyteState(calcium, gate, ip3, resources, gliotransmitter, receptors)


@equation
def calcium_at_release(free: Any, current: Any, p: Any) -> Any:
    """Calcium at the mouth of the channels [uM]: the pool's and that of the current [uA/cm2]."""
    return free + p.calcium_domain_um_cm2_per_ua * maximum(-current, 0.0 * current)


@equation
def watched(state: Any, v: Any, calcium_um: Any, atp: Any, cleft: Any, glio: Any, c: Any) -> Any:
    """The counters after a step; see :data:`neurallayers.dynamics.membrane.vitals.VITALS`."""
    within = (v > -150.0) & (v < 150.0) & (calcium_um > 0.0)
    within = within & (calcium_um < CALCIUM_LIMIT_UM)
    within = within & (atp > 0.0) & (atp < c.energy.adenylates_mm) & (cleft >= 0.0)
    within = within & (cleft <= c.transmitter.vesicles * c.transmitter.vesicle_mm)
    within = within & (glio >= 0.0) & (glio <= c.astrocyte.released_um)
    usual = (v >= -70.0) & (v <= 40.0)
    return WatchState(
        state.violations + where(within, 0, 1),
        state.potential_excursions + where(usual, 0, 1),
        state.energy_excursions + where(atp >= c.energy.critical_atp_mm, 0, 1),
    )


@equation
def lived(state: Any, drive: Any, conductance: Any, surrogate: Any, c: Any, dt_ms: Any) -> Any:
    """A step of everything.

    Args:
        state: :class:`BiophysicalState`.
        drive: Current from electrodes and synapses [uA/cm2].
        conductance: Of synapses [mS/cm2]; the membrane feels drive - conductance v.
        surrogate: Surrogate gradient of the astrocyte's release; anything in compiled code.
        c: :class:`BiophysicalConstants`.
        dt_ms: Length of the step [ms].

    Returns:
        The state after the step and its :class:`Ledger`.
    """
    p, energy = c.membrane, state.energy
    activity = availability(energy.atp, c.energy) / availability(c.energy.resting_atp_mm, c.energy)
    pump = pump_of(state.ions, energy.atp, c)
    reversals = reversal_potentials(state.ions, state.calcium.free, c.calcium.outside_um, p)
    free, bound, out, leaked, calcium_pump = pumped_calcium(state.calcium, activity, c, dt_ms)
    membrane, mean, sodium, potassium, calcium = charged(
        state.membrane, reversals, drive - pump - calcium_pump, conductance, p, dt_ms
    )
    exchange = p.exchange_per_ms * supplied(energy.oxygen, c.energy)
    ions, sodium_bath, potassium_bath = moved_ions(
        state.ions, sodium, potassium, pump, exchange, p, dt_ms
    )
    entered = -calcium * dt_ms * UM_UM_PER_UA_MS / c.calcium.depth_um
    total = free + bound + entered
    free = free_at_equilibrium(total, c.calcium)
    modulation = modulation_of_release(state.astrocyte.receptors, c.astrocyte)
    reserve, releasable, cleft, recycling, vesicles = transmitted(
        state.transmitter.reserve,
        state.transmitter.releasable,
        state.transmitter.cleft,
        state.transmitter.recycling,
        calcium_at_release(free, calcium, p),
        modulation,
        activity,
        c.transmitter,
        dt_ms,
    )
    for_pump = pump * dt_ms * MM_UM_PER_UA_MS / p.depth_um
    for_calcium = 1e-3 * out * c.calcium.depth_um / p.depth_um
    for_vesicles = vesicles * p.vesicle_atp_mm
    atp, adp, amp, made, kept = metabolised(
        energy.atp,
        energy.adp,
        energy.amp,
        energy.oxygen,
        energy.glucose,
        for_pump + for_calcium + for_vesicles,
        c.energy,
        dt_ms,
    )
    astrocyte = answered(state.astrocyte, 1e3 * cleft, surrogate, c.astrocyte, dt_ms)
    v = membrane.membrane_potential
    watch = watched(state.watch, v, free, atp, cleft, astrocyte.gliotransmitter, c)
    after = BiophysicalState(
        membrane,
        ions,
        CalciumState(free, total - free),
        EnergyState(atp, adp, amp, energy.oxygen, energy.glucose),
        TransmitterState(reserve, releasable, cleft, recycling),
        astrocyte,
        watch,
    )
    charge = (drive - conductance * mean) * dt_ms
    return after, Ledger(
        charge,
        -sodium * dt_ms * MM_UM_PER_UA_MS / p.depth_um,
        sodium_bath,
        potassium_bath,
        entered + leaked,
        out,
        made,
        for_pump,
        for_calcium,
        for_vesicles,
        kept,
    )
