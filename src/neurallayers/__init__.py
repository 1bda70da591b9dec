"""NeuralLayers: brain-inspired networks, from the ion channel to an API that keeps learning.

The public names below are imported when they are first used, so that ``import neurallayers`` costs
next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "Brain": "neurallayers.brain",
    "BrainNetwork": "neurallayers.brain",
    "BrainSpec": "neurallayers.brain",
    "Explanation": "neurallayers.brain",
    "Thought": "neurallayers.brain",
    "load_pretrained": "neurallayers.brain",
    "preset": "neurallayers.brain",
    "save_pretrained": "neurallayers.brain",
    "Cell": "neurallayers.dynamics",
    "LIF": "neurallayers.dynamics",
    "AdaptiveLIF": "neurallayers.dynamics",
    "RecurrentLIF": "neurallayers.dynamics",
    "RecurrentAdaptiveLIF": "neurallayers.dynamics",
    "LeakyIntegrator": "neurallayers.dynamics",
    "Linear": "neurallayers.dynamics",
    "PlasticLinear": "neurallayers.dynamics",
    "PlasticReadout": "neurallayers.dynamics",
    "Sequential": "neurallayers.dynamics",
    "AdEx": "neurallayers.dynamics",
    "BiophysicalNeuron": "neurallayers.dynamics",
    "HodgkinHuxley": "neurallayers.dynamics",
    "Izhikevich": "neurallayers.dynamics",
    "LeakyIntegrateAndFire": "neurallayers.dynamics",
    "Circuit": "neurallayers.circuits",
    "FitConfig": "neurallayers.training",
    "fit": "neurallayers.training",
    "evaluate": "neurallayers.training",
    "load_digits": "neurallayers.data",
    "load_mnist": "neurallayers.data",
}
_MODULES = (
    "brain",
    "circuits",
    "data",
    "dynamics",
    "errors",
    "fitting",
    "measures",
    "senses",
    "seeding",
    "state",
    "training",
    "zoo",
)

__all__ = [
    "LIF",
    "AdEx",
    "AdaptiveLIF",
    "BiophysicalNeuron",
    "Brain",
    "BrainNetwork",
    "BrainSpec",
    "Cell",
    "Circuit",
    "Explanation",
    "FitConfig",
    "HodgkinHuxley",
    "Izhikevich",
    "LeakyIntegrateAndFire",
    "LeakyIntegrator",
    "Linear",
    "PlasticLinear",
    "PlasticReadout",
    "RecurrentAdaptiveLIF",
    "RecurrentLIF",
    "Sequential",
    "Thought",
    "__version__",
    "brain",
    "circuits",
    "data",
    "dynamics",
    "errors",
    "evaluate",
    "fit",
    "fitting",
    "load_digits",
    "load_mnist",
    "load_pretrained",
    "measures",
    "preset",
    "save_pretrained",
    "seeding",
    "senses",
    "state",
    "training",
    "zoo",
]

if TYPE_CHECKING:
    from neurallayers import (
        brain,
        circuits,
        data,
        dynamics,
        errors,
        fitting,
        measures,
        seeding,
        senses,
        state,
        training,
        zoo,
    )
    from neurallayers.brain import (
        Brain,
        BrainNetwork,
        BrainSpec,
        Explanation,
        Thought,
        load_pretrained,
        preset,
        save_pretrained,
    )
    from neurallayers.circuits import Circuit
    from neurallayers.data import load_digits, load_mnist
    from neurallayers.dynamics import (
        LIF,
        AdaptiveLIF,
        AdEx,
        BiophysicalNeuron,
        Cell,
        HodgkinHuxley,
        Izhikevich,
        LeakyIntegrateAndFire,
        LeakyIntegrator,
        Linear,
        PlasticLinear,
        PlasticReadout,
        RecurrentAdaptiveLIF,
        RecurrentLIF,
        Sequential,
    )
    from neurallayers.training import FitConfig, evaluate, fit


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
