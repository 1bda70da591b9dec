r"""Ions on both sides of a membrane: amounts, Nernst potentials and the sodium-potassium pump.

A current density :math:`I` [uA/cm2] of an ion of valence :math:`z` changes its concentration in
the volume under the membrane, which is :math:`d` [um] deep (volume / area), by

.. math:: \frac{dc}{dt} = -\frac{10}{z F d} I \quad [\text{mM/ms}],

with Faraday's constant :math:`F` [C/mol]; 10 turns uA/(cm2 um) into mA/cm3, and outward currents
are positive. Source of the constants: CODATA 2018.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from neurallayers.dynamics.arithmetic import equation, log
from neurallayers.dynamics.cell import positive

FARADAY_C_PER_MOL = 96485.33212
GAS_J_PER_MOL_K = 8.314462618
# One uA/cm2 of single charges for 1 ms, spread over a depth of 1 um, is so many mM.
MM_UM_PER_UA_MS = 10.0 / FARADAY_C_PER_MOL
# One molecule in a volume of 1 um3 is so many mM.
MM_UM3_PER_MOLECULE = 1e18 / 6.02214076e23


class Geometry(NamedTuple):
    """The size of a piece of a cell, as far as amounts of ions and molecules need it."""

    depth_um: float  # volume / membrane area [um]
    volume_um3: float  # [um3]
    area_um2: float  # [um2]


def cylinder(diameter_um: float, length_um: float, shell_um: float | None = None) -> Geometry:
    """A piece of axon or dendrite with open ends, or the layer under its membrane.

    Args:
        diameter_um: Diameter [um].
        length_um: Length [um].
        shell_um: Thickness of the layer [um]; all of the inside when left out. Of a radius r, the
            layer has the volume pi (r^2 - (r - shell)^2) a length.

    Raises:
        InvalidInput: If a length is not positive.

    >>> cylinder(1.0, 20.0).depth_um
    0.25
    """
    radius = positive("diameter_um", diameter_um, "an axon has 0.2 to 20 um") / 2.0
    length = positive("length_um", length_um, "usually 1 to 1000 um")
    area = 2.0 * math.pi * radius * length
    volume = math.pi * length * (radius**2 - _core_um(radius, shell_um) ** 2)
    return Geometry(volume / area, volume, area)


def sphere(diameter_um: float, shell_um: float | None = None) -> Geometry:
    """A cell body, or the layer under its membrane, 4/3 pi (r^3 - (r - shell)^3).

    Raises:
        InvalidInput: If a length is not positive.

    >>> round(sphere(12.0).depth_um, 3), round(sphere(12.0, shell_um=0.1).depth_um, 4)
    (2.0, 0.0983)
    """
    radius = positive("diameter_um", diameter_um, "a soma has 5 to 30 um") / 2.0
    area = 4.0 * math.pi * radius**2
    volume = 4.0 / 3.0 * math.pi * (radius**3 - _core_um(radius, shell_um) ** 3)
    return Geometry(volume / area, volume, area)


def _core_um(radius_um: float, shell_um: float | None) -> float:
    """The radius of what lies within the shell [um]."""
    if shell_um is None:
        return 0.0
    return max(0.0, radius_um - positive("shell_um", shell_um, "0.05 to 1 um is usual"))


def thermal_potential_mv(temperature_celsius: float) -> float:
    """RT/F, the scale of all equilibrium potentials [mV].

    >>> round(thermal_potential_mv(6.3), 3)
    24.081
    """
    return 1e3 * GAS_J_PER_MOL_K * (temperature_celsius + 273.15) / FARADAY_C_PER_MOL


@equation
def nernst_mv(outside: Any, inside: Any, thermal_mv: Any) -> Any:
    """The potential at which an ion of valence z is in equilibrium, (RT/zF) ln(outside / inside).

    Args:
        outside: Concentration outside, in the unit of ``inside``.
        inside: Concentration inside.
        thermal_mv: RT/zF [mV].
    """
    return thermal_mv * log(outside / inside)


@equation
def pump_current(
    sodium_inside_mm: Any,
    potassium_outside_mm: Any,
    atp_mm: Any,
    pump_max_ua_cm2: Any,
    half_sodium_mm: Any,
    half_potassium_mm: Any,
    half_atp_mm: Any,
) -> Any:
    r"""Net outward current of the Na/K pump [uA/cm2].

    .. math::
        I_p = I_{max}
        \left(1 + \frac{K_{Na}}{[Na]_i}\right)^{-3}
        \left(1 + \frac{K_K}{[K]_o}\right)^{-2}
        \frac{[ATP]}{[ATP] + K_{ATP}}

    A cycle moves 3 Na out and 2 K in for one ATP, so that the sodium current of the pump is
    :math:`3 I_p`, its potassium current :math:`-2 I_p`, and :math:`I_p / F` the ATP that it spends.

    Source: the dependence on ions of Kager, Wadman & Somjen (2000), J. Neurophysiol. 84:495
    (methods, sodium-potassium pump, after Laeuger 1991); stoichiometry and cost of Attwell &
    Laughlin (2001), J. Cereb. Blood Flow Metab. 21:1133; Michaelis-Menten in ATP.
    """
    sodium = sodium_inside_mm / (sodium_inside_mm + half_sodium_mm)
    potassium = potassium_outside_mm / (potassium_outside_mm + half_potassium_mm)
    energy = atp_mm / (atp_mm + half_atp_mm)
    return pump_max_ua_cm2 * sodium * sodium * sodium * potassium * potassium * energy
