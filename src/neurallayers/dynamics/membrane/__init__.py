"""Membranes: ion channels, solvers, compartments, and what lives on and around them."""

from neurallayers.dynamics.membrane.astrocyte import (
    FREQUENCY_MODULATED,
    Astrocyte,
    AstrocyteConstants,
    AstrocyteState,
)
from neurallayers.dynamics.membrane.biophysical import BiophysicalNeuron
from neurallayers.dynamics.membrane.biophysics import (
    BiophysicalConstants,
    BiophysicalState,
    MembraneConstants,
)
from neurallayers.dynamics.membrane.calcium import CalciumConstants, CalciumPool, CalciumState
from neurallayers.dynamics.membrane.channels import CHANNELS, IonChannel
from neurallayers.dynamics.membrane.compartments import CompartmentalNeuron, CompartmentState
from neurallayers.dynamics.membrane.conductance import ConductanceCell, ConductanceState
from neurallayers.dynamics.membrane.crossings import Crossings, crossings, peaks_mv
from neurallayers.dynamics.membrane.energy import (
    EnergyConstants,
    EnergyMetabolism,
    EnergyState,
)
from neurallayers.dynamics.membrane.hodgkin_huxley import HodgkinHuxley, HodgkinHuxleyState
from neurallayers.dynamics.membrane.ions import Geometry, cylinder, sphere
from neurallayers.dynamics.membrane.morphology import Morphology
from neurallayers.dynamics.membrane.patch import CalciumShell
from neurallayers.dynamics.membrane.solvers import SOLVERS, Solver
from neurallayers.dynamics.membrane.squid_axon import SquidParameters
from neurallayers.dynamics.membrane.transmitter import (
    TransmitterConstants,
    TransmitterRelease,
    TransmitterState,
)
from neurallayers.dynamics.membrane.vitals import VITALS, Bound, Residuals, Vitals

__all__ = [
    "CHANNELS",
    "FREQUENCY_MODULATED",
    "SOLVERS",
    "VITALS",
    "Astrocyte",
    "AstrocyteConstants",
    "AstrocyteState",
    "BiophysicalConstants",
    "BiophysicalNeuron",
    "BiophysicalState",
    "Bound",
    "CalciumConstants",
    "CalciumPool",
    "CalciumShell",
    "CalciumState",
    "CompartmentState",
    "CompartmentalNeuron",
    "ConductanceCell",
    "ConductanceState",
    "Crossings",
    "EnergyConstants",
    "EnergyMetabolism",
    "EnergyState",
    "Geometry",
    "HodgkinHuxley",
    "HodgkinHuxleyState",
    "IonChannel",
    "MembraneConstants",
    "Morphology",
    "Residuals",
    "Solver",
    "SquidParameters",
    "TransmitterConstants",
    "TransmitterRelease",
    "TransmitterState",
    "Vitals",
    "crossings",
    "cylinder",
    "peaks_mv",
    "sphere",
]
