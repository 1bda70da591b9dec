"""Living examples of the cells of metabolism and signalling, for the tests of the contract."""

from __future__ import annotations

import torch
from tests.dynamics.living_cells import Example

from neurallayers.dynamics.membrane.astrocyte import FREQUENCY_MODULATED, Astrocyte
from neurallayers.dynamics.membrane.biophysical import BiophysicalNeuron
from neurallayers.dynamics.membrane.biophysics import MembraneConstants
from neurallayers.dynamics.membrane.calcium import CalciumConstants, CalciumPool
from neurallayers.dynamics.membrane.energy import EnergyMetabolism
from neurallayers.dynamics.membrane.ions import cylinder
from neurallayers.dynamics.membrane.transmitter import TransmitterRelease

PER_NEURON = MembraneConstants(capacitance_uf_cm2=torch.linspace(0.8, 1.2, 5))

EXAMPLES_METABOLISM: dict[str, Example] = {
    "CalciumPool": Example(
        lambda: CalciumPool(5, learn=("pump_max_ua_cm2", "depth_um", "buffer_um"))
    ),
    "CalciumPool, kinetic buffer": Example(
        lambda: CalciumPool(
            (2, 3),
            buffer="kinetic",
            constants=CalciumConstants(buffer_on_per_um_ms=0.02),
            learn=("buffer_on_per_um_ms", "pump_half_um"),
        )
    ),
    "EnergyMetabolism": Example(
        lambda: EnergyMetabolism(
            5, resting_demand_mm_per_ms=2e-4, learn=("oxidative_max_mm_per_ms", "critical_atp_mm")
        )
    ),
    "TransmitterRelease": Example(
        lambda: TransmitterRelease(
            (2, 2), learn=("release_max_per_ms", "uptake_max_mm_per_ms", "docking_per_ms")
        )
    ),
    "Astrocyte": Example(lambda: Astrocyte(4, dt_ms=5.0)),
    "Astrocyte, frequency-modulated": Example(
        lambda: Astrocyte((2, 2), dt_ms=20.0, constants=FREQUENCY_MODULATED)
    ),
    "BiophysicalNeuron": Example(
        lambda: BiophysicalNeuron(
            5,
            membrane=PER_NEURON,
            geometry=cylinder(2.0, 50.0),
            input="current_and_supply",
            on_violation="raise",
            learn=("membrane.sodium_ms_cm2", "membrane.potassium_ms_cm2", "calcium.depth_um"),
        )
    ),
    "BiophysicalNeuron, compiled": Example(lambda: BiophysicalNeuron((2, 2), input="conductance")),
}
