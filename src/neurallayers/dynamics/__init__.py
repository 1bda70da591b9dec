"""The physics of one step: cells, their surrogate gradients, plasticity and fused kernels."""

from neurallayers.dynamics.cell import CELLS, Cell, MemorylessCell
from neurallayers.dynamics.convolution import AveragePool2d, Convolution2d, Flatten, MaxPool2d
from neurallayers.dynamics.neurons import (
    LIF,
    AdaptiveLIF,
    AdaptiveLIFState,
    LeakyIntegrator,
    LeakyIntegratorState,
    LIFState,
)
from neurallayers.dynamics.plasticity import PlasticLinear, PlasticLinearState
from neurallayers.dynamics.readout import LessonTrace, PlasticReadout, PlasticReadoutState
from neurallayers.dynamics.recurrent import (
    RecurrentAdaptiveLIF,
    RecurrentAdaptiveLIFState,
    RecurrentLIF,
    RecurrentLIFState,
)
from neurallayers.dynamics.sequential import Sequential, SequentialState
from neurallayers.dynamics.surrogate import SURROGATES, Surrogate
from neurallayers.dynamics.synapses import Linear

__all__ = [
    "CELLS",
    "LIF",
    "SURROGATES",
    "AdaptiveLIF",
    "AdaptiveLIFState",
    "AveragePool2d",
    "Cell",
    "Convolution2d",
    "Flatten",
    "LIFState",
    "LeakyIntegrator",
    "LeakyIntegratorState",
    "LessonTrace",
    "Linear",
    "MaxPool2d",
    "MemorylessCell",
    "PlasticLinear",
    "PlasticLinearState",
    "PlasticReadout",
    "PlasticReadoutState",
    "RecurrentAdaptiveLIF",
    "RecurrentAdaptiveLIFState",
    "RecurrentLIF",
    "RecurrentLIFState",
    "Sequential",
    "SequentialState",
    "Surrogate",
]
