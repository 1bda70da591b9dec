"""The vitals of a living neuron with their bounds, and the books that must balance.

A bound is checked and reported, never enforced: a potential that leaves it has not been pushed
back, it has been counted (``state.watch``) or has raised an error.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from neurallayers.dynamics.membrane.biophysics import (
    CALCIUM_LIMIT_UM,
    BiophysicalConstants,
    BiophysicalState,
    Ledger,
)
from neurallayers.dynamics.membrane.ions import MM_UM_PER_UA_MS
from neurallayers.dynamics.membrane.transmitter import transmitter_vesicles


class Vitals(NamedTuple):
    """What one looks at first, in physical units; all ``[batch, n]``, or ``[time, batch, n]``."""

    membrane_potential_mv: Tensor  # V
    transmitter_mm: Tensor  # NT, in the cleft
    calcium_um: Tensor  # Ca, free in the neuron
    atp_mm: Tensor  # ATP, in the neuron
    gliotransmitter_um: Tensor  # g, what the astrocyte has released, outside


class Bound(NamedTuple):
    """The range of a vital.

    ``usual`` is where a healthy neuron works; leaving it is an excursion, no error: an action
    potential overshoots, and its after-hyperpolarisation goes below -70 mV towards the reversal
    potential of potassium. ``physical`` is what cannot be left in nature: the equations hold every
    vital within it, so that a step outside it is a step of an unstable integration (or of an input
    that would destroy the membrane) and is counted as a violation.
    """

    symbol: str
    unit: str
    usual: tuple[float, float]
    physical: tuple[float, float]
    reason: str


VITALS: dict[str, Bound] = {
    "membrane_potential_mv": Bound(
        "V",
        "mV",
        (-70.0, 40.0),
        (-150.0, 150.0),
        "between the reversal potentials of potassium and calcium without current from outside; "
        "a membrane breaks down at some 200 mV (Tsong 1991, Biophys. J. 60:297)",
    ),
    "transmitter_mm": Bound(
        "NT", "mM", (0.0, 3.0), (0.0, float("inf")), "at most all vesicles emptied at once"
    ),
    "calcium_um": Bound(
        "Ca", "uM", (0.02, 10.0), (0.0, CALCIUM_LIMIT_UM), "more precipitates with phosphate"
    ),
    "atp_mm": Bound("ATP", "mM", (0.5, 2.5), (0.0, 2.5), "at most all adenylates"),
    "gliotransmitter_um": Bound(
        "g", "uM", (0.0, 130.0), (0.0, 130.0), "at most all vesicles of the astrocyte at once"
    ),
}


def vitals_of(state: BiophysicalState) -> Vitals:
    """The vitals of a state."""
    return Vitals(
        state.membrane.membrane_potential,
        state.transmitter.cleft,
        state.calcium.free,
        state.energy.atp,
        state.astrocyte.gliotransmitter,
    )


def bounds_of(constants: BiophysicalConstants) -> dict[str, Bound]:
    """:data:`VITALS` for a neuron with other constants than the usual ones.

    Where each neuron has its own constant, its largest value counts here; the counters in the state
    go by each neuron's own.
    """
    c = constants
    cleft = _largest(c.transmitter.vesicles * c.transmitter.vesicle_mm)
    tops = {
        "transmitter_mm": cleft,
        "atp_mm": _largest(c.energy.adenylates_mm),
        "gliotransmitter_um": _largest(c.astrocyte.released_um),
    }
    found = dict(VITALS)
    for name, top in tops.items():
        usual = VITALS[name].usual
        found[name] = VITALS[name]._replace(
            usual=(usual[0], min(usual[1], top)), physical=(0.0, top)
        )
    found["atp_mm"] = found["atp_mm"]._replace(
        usual=(_largest(c.energy.critical_atp_mm), tops["atp_mm"])
    )
    return found


def _largest(value: Tensor | float) -> float:
    return float(value.max()) if isinstance(value, Tensor) else float(value)


class Residuals(NamedTuple):
    """What is left over when a step or a run is audited; all are zero but for rounding."""

    charge: Tensor  # [nC/cm2]: what the membrane holds, against every ion that has crossed it
    sodium: Tensor  # [mM inside]: inside, outside and bath
    potassium: Tensor  # [mM inside]: inside, outside and bath
    calcium: Tensor  # [uM]: free and bound, against what came in and went out
    energy: Tensor  # [mM]: high-energy phosphates, against what was made and spent
    stoichiometry: Tensor  # [mM]: sodium moved by the pump less 3 for each ATP it spent
    adenylates: Tensor  # [mM]: ATP + ADP + AMP
    transmitter: Tensor  # [vesicles]: all pools


def residuals(
    before: BiophysicalState,
    after: BiophysicalState,
    ledger: Ledger,
    constants: BiophysicalConstants,
) -> Residuals:
    r"""Audit a step or a run.

    .. math::
        C \Delta v &= Q_{ext} + F d\,(\Delta[Na]_i + \Delta[K]_i) + 2 F d_{Ca} \Delta y \\
        \Delta[X]_i + \Delta[X]_o / \beta &= [X]_{bath} / \beta \\
        \Delta(2 [ATP] + [ADP]) &= J_{made} - J_{pump} - J_{Ca} - J_{vesicles} - J_{house}

    Args:
        before: State before it.
        after: State after it.
        ledger: What crossed the borders meanwhile.
        constants: Of the neuron.

    Returns:
        Left side less right side of each.
    """
    p, c = constants.membrane, constants.calcium
    ions, was = after.ions, before.ions
    sodium = ions.sodium_inside - was.sodium_inside
    potassium = ions.potassium_inside - was.potassium_inside
    total = after.calcium.free + after.calcium.bound
    calcium = total - (before.calcium.free + before.calcium.bound)
    rise = after.membrane.membrane_potential - before.membrane.membrane_potential
    crossed = (sodium + potassium) * p.depth_um + 2e-3 * calcium * c.depth_um
    sodium_outside = ions.sodium_outside - was.sodium_outside
    potassium_outside = ions.potassium_outside - was.potassium_outside
    charged = (2.0 * after.energy.atp + after.energy.adp) - (
        2.0 * before.energy.atp + before.energy.adp
    )
    spent = ledger.atp_pump + ledger.atp_calcium + ledger.atp_vesicles + ledger.atp_housekeeping
    return Residuals(
        p.capacitance_uf_cm2 * rise - ledger.charge - crossed / MM_UM_PER_UA_MS,
        sodium + (sodium_outside - ledger.sodium_bath) / p.outside_ratio,
        potassium + (potassium_outside - ledger.potassium_bath) / p.outside_ratio,
        calcium - ledger.calcium_in + ledger.calcium_out,
        charged - ledger.atp_made + spent,
        sodium - ledger.sodium_channels - (-3.0 * ledger.atp_pump),
        (after.energy.atp + after.energy.adp + after.energy.amp)
        - (before.energy.atp + before.energy.adp + before.energy.amp),
        transmitter_vesicles(after.transmitter, constants.transmitter)
        - transmitter_vesicles(before.transmitter, constants.transmitter),
    )
