r"""ATP: production by respiration and glycolysis, and what spends it.

Adenylate kinase keeps ATP, ADP and AMP in equilibrium, so that the energy is counted in
high-energy phosphates :math:`P = 2 [ATP] + [ADP]` and the adenylates
:math:`A = [ATP] + [ADP] + [AMP]` never change:

.. math::
    \frac{dP}{dt} &= J_{ox} + J_{gly} - J_{house} - J_{demand}, \qquad
        q = \frac{[ATP][AMP]}{[ADP]^2} \\
    J_{ox} &= V_{ox}\, s(O_2)\, s(glc) \frac{[ADP]}{[ADP] + K_{ox}} \\
    J_{gly} &= V_{gly}\, s(glc) \frac{[ADP]}{[ADP] + K_{gly}}
        \frac{1}{1 + ([ATP] / K_i)^4} \\
    J_{house} &= V_{house} \frac{[ATP]}{[ATP] + K_{house}}

:math:`s(x) = x (1 + k) / (x + k)` saturates with the supply :math:`x`, which is 1 in health and 0
where the blood stands still. Both feedbacks are those of the pathways: respiration follows ADP
(Chance & Williams 1955), and ATP inhibits phosphofructokinase.

Sources: kinase, inhibition of glycolysis (K_i = 1 mM, exponent 4) and q = 0.92 of Cloutier, Bolger,
Lowry & Wellstead (2009), J. Comput. Neurosci. 27:391; Michaelis-Menten respiration in ADP, Chance &
Williams (1955), J. Biol. Chem. 217:383; costs of signalling (1 ATP for 3 Na out and 2 K in, 1 for a
calcium ion, 11,000 for a vesicle of 4,000 glutamates), Attwell & Laughlin (2001), J. Cereb. Blood
Flow Metab. 21:1133.

**Integration.** The cell writes production as a rate times what can still be charged, 2 A - P, and
spending as a rate times P, and takes an exponential midpoint step (second order), which holds P
between 0 and 2 A whatever the step. Within a neuron (:func:`metabolised`) what pumps and vesicles
have spent is a given amount, so that the budget is exact, and the step is the plain midpoint
method. The equilibrium of the adenylates is solved exactly.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from neurallayers.dynamics.arithmetic import equation, sqrt, where
from neurallayers.dynamics.cell import CELLS, Cell, positive
from neurallayers.dynamics.membrane.calcium import relaxed, require_positive
from neurallayers.dynamics.membrane.parameters import Constants
from neurallayers.dynamics.neurons import neuron_shape
from neurallayers.errors import InvalidInput

ATP_PER_PUMP_CYCLE = 1.0
SODIUM_PER_PUMP_CYCLE = 3.0
POTASSIUM_PER_PUMP_CYCLE = 2.0
ATP_PER_CALCIUM = 1.0
ATP_PER_VESICLE = 11_000.0


class EnergyConstants(NamedTuple):
    """Constants of the energy metabolism of a neuron."""

    adenylates_mm: Any = 2.5  # A, all of ATP, ADP and AMP [mM]
    kinase_equilibrium: Any = 0.92  # q of adenylate kinase
    resting_atp_mm: Any = 2.2  # [mM]
    oxidative_max_mm_per_ms: Any = 2e-3  # V_ox, ATP by respiration at most [mM/ms]
    oxidative_half_adp_mm: Any = 0.3  # K_ox [mM]
    glycolytic_max_mm_per_ms: Any = 5e-3  # V_gly, before its inhibition by ATP [mM/ms]
    glycolytic_half_adp_mm: Any = 0.3  # K_gly [mM]
    glycolytic_inhibition_mm: Any = 1.0  # K_i [mM]
    supply_half: Any = 0.05  # k, the supply at half saturation, relative to health
    housekeeping_max_mm_per_ms: Any = 1.5e-4  # V_house: proteins, lipids, traffic [mM/ms]
    housekeeping_half_atp_mm: Any = 0.5  # K_house [mM]
    critical_atp_mm: Any = 0.5  # ATP at which pumps run at half their rate [mM]


class EnergyState(NamedTuple):
    """State of :class:`EnergyMetabolism`."""

    atp: Tensor  # [batch, n], [mM]
    adp: Tensor  # [batch, n], [mM]
    amp: Tensor  # [batch, n], [mM]
    oxygen: Tensor  # [batch, n], supply relative to health; the caller may set it
    glucose: Tensor  # [batch, n], supply relative to health; the caller may set it


@equation
def adenylate_equilibrium(phosphates: Any, adenylates: Any, p: Any) -> Any:
    """ATP, ADP and AMP [mM] for so many high-energy phosphates 2 ATP + ADP [mM].

    The root of (4q - 1) x^2 - (A + (4q - 1) P) x + q P^2 = 0 that is between 0 and A, in the form
    that loses no digits and holds for q = 1/4 too.
    """
    q = p.kinase_equilibrium
    k = 4.0 * q - 1.0
    linear = adenylates + k * phosphates
    square = adenylates * adenylates + k * phosphates * (2.0 * adenylates - phosphates)
    atp = 2.0 * q * phosphates * phosphates / (linear + sqrt(square))
    adp = phosphates - 2.0 * atp
    return atp, adp, adenylates - atp - adp


@equation
def supplied(supply: Any, p: Any) -> Any:
    """How fast a pathway can run with this supply, relative to health: s(x)."""
    return supply * (1.0 + p.supply_half) / (supply + p.supply_half)


@equation
def oxidative_production(atp: Any, adp: Any, oxygen: Any, glucose: Any, p: Any) -> Any:
    """ATP made by respiration, J_ox [mM/ms]."""
    feed = supplied(oxygen, p) * supplied(glucose, p)
    return p.oxidative_max_mm_per_ms * feed * adp / (adp + p.oxidative_half_adp_mm)


@equation
def glycolytic_production(atp: Any, adp: Any, oxygen: Any, glucose: Any, p: Any) -> Any:
    """ATP made by glycolysis, J_gly [mM/ms]."""
    relative = atp / p.glycolytic_inhibition_mm
    square = relative * relative
    feed = supplied(glucose, p) / (1.0 + square * square)
    return p.glycolytic_max_mm_per_ms * feed * adp / (adp + p.glycolytic_half_adp_mm)


@equation
def housekeeping(atp: Any, p: Any) -> Any:
    """ATP spent on what is no signalling, J_house [mM/ms]."""
    return p.housekeeping_max_mm_per_ms * atp / (atp + p.housekeeping_half_atp_mm)


@equation
def availability(atp: Any, p: Any) -> Any:
    """Share of its rate at which whatever spends ATP can work, ATP / (ATP + critical)."""
    return atp / (atp + p.critical_atp_mm)


@equation
def metabolised(
    atp: Any, adp: Any, amp: Any, oxygen: Any, glucose: Any, spent: Any, p: Any, dt_ms: Any
) -> Any:
    """A step of the metabolism.

    Args:
        atp: [mM].
        adp: [mM].
        amp: [mM].
        oxygen: Supply relative to health.
        glucose: Supply relative to health.
        spent: What pumps and vesicles spend in the step [mM].
        p: :class:`EnergyConstants`.
        dt_ms: Length of the step [ms].

    Returns:
        ATP, ADP and AMP after the step [mM], and what was produced and kept house with [mM].
    """
    adenylates = atp + adp + amp
    phosphates = 2.0 * atp + adp
    made = oxidative_production(atp, adp, oxygen, glucose, p)
    made = made + glycolytic_production(atp, adp, oxygen, glucose, p)
    half = phosphates + 0.5 * (dt_ms * (made - housekeeping(atp, p)) - spent)
    atp_half, adp_half, _ = adenylate_equilibrium(half, adenylates, p)
    made = oxidative_production(atp_half, adp_half, oxygen, glucose, p)
    made = dt_ms * (made + glycolytic_production(atp_half, adp_half, oxygen, glucose, p))
    kept = dt_ms * housekeeping(atp_half, p)
    after = phosphates + made - kept - spent
    atp, adp, amp = adenylate_equilibrium(after, adenylates, p)
    return atp, adp, amp, made, kept


@equation
def sustained(
    atp: Any, adp: Any, amp: Any, oxygen: Any, glucose: Any, demand: Any, p: Any, dt_ms: Any
) -> Any:
    """A step with a demand [mM/ms] of which availability(ATP) is met; else as above.

    Returns:
        ATP, ADP and AMP after the step [mM].
    """
    adenylates = atp + adp + amp
    phosphates = 2.0 * atp + adp
    charge, drain = charge_and_drain(atp, adp, amp, oxygen, glucose, demand, p)
    half = relaxed(phosphates, 2.0 * adenylates * charge, charge + drain, 0.5 * dt_ms)
    atp, adp, amp = adenylate_equilibrium(half, adenylates, p)
    charge, drain = charge_and_drain(atp, adp, amp, oxygen, glucose, demand, p)
    after = relaxed(phosphates, 2.0 * adenylates * charge, charge + drain, dt_ms)
    return adenylate_equilibrium(after, adenylates, p)


@equation
def charge_and_drain(
    atp: Any, adp: Any, amp: Any, oxygen: Any, glucose: Any, demand: Any, p: Any
) -> Any:
    """Production / (2 A - P) and spending / P [1/ms]."""
    made = oxidative_production(atp, adp, oxygen, glucose, p)
    made = made + glycolytic_production(atp, adp, oxygen, glucose, p)
    spent = housekeeping(atp, p) + demand * availability(atp, p)
    left, stored = adp + 2.0 * amp, 2.0 * atp + adp
    # Where nothing is left or stored, nothing is made or spent either.
    return made / where(left > 0.0, left, 1.0), spent / where(stored > 0.0, stored, 1.0)


def resting_adenylates(constants: EnergyConstants) -> tuple[Any, Any, Any]:
    """ATP, ADP and AMP at rest [mM]: the equilibrium at the resting ATP.

    From q ADP^2 = ATP AMP and ADP + AMP = A - ATP.

    Raises:
        InvalidInput: If the resting ATP is not below all adenylates.
    """
    atp = torch.as_tensor(constants.resting_atp_mm, dtype=torch.float64)
    left = torch.as_tensor(constants.adenylates_mm, dtype=torch.float64) - atp
    if not bool((left > 0).all()):
        raise InvalidInput(
            f"resting_atp_mm is {constants.resting_atp_mm} of {constants.adenylates_mm} mM.",
            "It must be below adenylates_mm.",
        )
    q = torch.as_tensor(constants.kinase_equilibrium, dtype=torch.float64)
    adp = 2.0 * atp * left / (atp + torch.sqrt(atp * atp + 4.0 * q * atp * left))
    return atp, adp, left - adp


def balanced(
    constants: EnergyConstants, demand_mm_per_ms: Any, glycolytic_share: float = 0.06
) -> EnergyConstants:
    """The same constants with a production that meets a demand at rest.

    Args:
        constants: What to start from; ``oxidative_max_mm_per_ms`` and
            ``glycolytic_max_mm_per_ms`` are replaced.
        demand_mm_per_ms: What signalling spends at rest, beside housekeeping [mM/ms].
        glycolytic_share: Part made by glycolysis; 2 of about 31 molecules of ATP for a glucose.

    Returns:
        Constants for which the resting concentrations do not change.
    """
    atp, adp, _ = resting_adenylates(constants)
    unit = constants._replace(oxidative_max_mm_per_ms=1.0, glycolytic_max_mm_per_ms=1.0)
    total = housekeeping(atp, constants) + torch.as_tensor(demand_mm_per_ms, dtype=torch.float64)
    oxidative = (1.0 - glycolytic_share) * total / oxidative_production(atp, adp, 1.0, 1.0, unit)
    glycolytic = glycolytic_share * total / glycolytic_production(atp, adp, 1.0, 1.0, unit)
    return constants._replace(
        oxidative_max_mm_per_ms=plainest(oxidative),
        glycolytic_max_mm_per_ms=plainest(glycolytic),
    )


def plainest(value: Tensor) -> Any:
    """One number where it is one, the tensor where each neuron has its own."""
    return value.item() if value.ndim == 0 else value


@CELLS.register("EnergyMetabolism")
class EnergyMetabolism(Cell[EnergyState]):
    """ATP in a neuron that is asked for energy; see the module for the equations.

    The input is what signalling would spend with plenty of ATP [mM/ms]; it gets ATP / (ATP +
    critical) of it, so that nothing is spent that is not there. The output is ATP [mM].

    Args:
        n: Number of neurons, or their shape.
        dt_ms: Length of a step [ms].
        constants: In the units that their names say.
        resting_demand_mm_per_ms: With a number, production is set to meet this demand at rest.
        learn: Names of constants that training may change.

    Raises:
        InvalidInput: If a constant is out of range.
        UnknownName: If ``learn`` names no constant.

    >>> cell = EnergyMetabolism(1, resting_demand_mm_per_ms=2e-4)
    >>> atp, _ = cell.run(torch.full((1, 1, 1), 2e-4), steps=100)
    >>> round(atp[-1].item(), 4)
    2.2
    """

    def __init__(
        self,
        n: int | tuple[int, ...],
        *,
        dt_ms: float = 1.0,
        constants: EnergyConstants | None = None,
        resting_demand_mm_per_ms: float | None = None,
        learn: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        self.in_shape = self.out_shape = neuron_shape(n)
        self.dt_ms = positive("dt_ms", dt_ms, "usually 0.01 to 10")
        constants = constants or EnergyConstants()
        require_positive(constants)
        if resting_demand_mm_per_ms is not None:
            demand = resting_demand_mm_per_ms * availability(constants.resting_atp_mm, constants)
            constants = balanced(constants, demand)
        self.constants = Constants(constants, self.in_shape, learn)
        self.resting = tuple(plainest(part) for part in resting_adenylates(constants))

    def initial_state(self, batch: int = 1) -> EnergyState:
        """Adenylates at rest, supply as in health."""
        one = torch.ones(batch, *self.in_shape)
        return EnergyState(*((one * part).to(one) for part in (*self.resting, 1.0, 1.0)))

    def forward(self, x: Tensor, state: EnergyState) -> tuple[Tensor, EnergyState]:
        """One step; the input is the demand [mM/ms]."""
        p = self.constants()
        atp, adp, amp = sustained(*state, x, p, self.dt_ms)
        return atp.to(x.dtype), EnergyState(atp, adp, amp, state.oxygen, state.glucose)
