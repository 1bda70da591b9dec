"""Point neurons: one membrane potential a neuron, in abstract units and in physical ones."""

from neurallayers.dynamics.neurons.adex import FIRING_PATTERNS, AdEx, AdExState, FiringPattern
from neurallayers.dynamics.neurons.generalized import (
    GeneralizedIntegrateAndFire,
    GeneralizedIntegrateAndFireState,
)
from neurallayers.dynamics.neurons.integrate_and_fire import (
    LeakyIntegrateAndFire,
    LeakyIntegrateAndFireState,
)
from neurallayers.dynamics.neurons.izhikevich import CELL_TYPES, Izhikevich, IzhikevichState
from neurallayers.dynamics.neurons.leaky import (
    LIF,
    RESETS,
    AdaptiveLIF,
    AdaptiveLIFState,
    LeakyIntegrator,
    LeakyIntegratorState,
    LIFState,
    TimeConstant,
    apply_reset,
    integrate,
    neuron_shape,
    spike_options,
)
from neurallayers.dynamics.neurons.nonlinear import (
    ExponentialIntegrateAndFire,
    ExponentialIntegrateAndFireState,
    QuadraticIntegrateAndFire,
    QuadraticIntegrateAndFireState,
)
from neurallayers.dynamics.neurons.point import PointNeuron
from neurallayers.dynamics.neurons.sources import (
    PoissonSource,
    PoissonSourceState,
    SpikeSource,
    SpikeSourceState,
)

__all__ = [
    "CELL_TYPES",
    "FIRING_PATTERNS",
    "LIF",
    "RESETS",
    "AdEx",
    "AdExState",
    "AdaptiveLIF",
    "AdaptiveLIFState",
    "ExponentialIntegrateAndFire",
    "ExponentialIntegrateAndFireState",
    "FiringPattern",
    "GeneralizedIntegrateAndFire",
    "GeneralizedIntegrateAndFireState",
    "Izhikevich",
    "IzhikevichState",
    "LIFState",
    "LeakyIntegrateAndFire",
    "LeakyIntegrateAndFireState",
    "LeakyIntegrator",
    "LeakyIntegratorState",
    "PointNeuron",
    "PoissonSource",
    "PoissonSourceState",
    "QuadraticIntegrateAndFire",
    "QuadraticIntegrateAndFireState",
    "SpikeSource",
    "SpikeSourceState",
    "TimeConstant",
    "apply_reset",
    "integrate",
    "neuron_shape",
    "spike_options",
]
