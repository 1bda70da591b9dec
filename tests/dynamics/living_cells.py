"""A small living example of every cell, for the tests of the contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from neurallayers import state as states
from neurallayers.dynamics import (
    CELLS,
    LIF,
    Cell,
    LeakyIntegrator,
    Linear,
    MaxPool2d,
    PlasticLinear,
    PlasticReadout,
    RecurrentLIF,
    Sequential,
)

FAST: dict[str, Any] = {"tau_ms": 5.0, "learn_tau": True}


def untouched(cell: Cell[Any], state: Any) -> Any:
    return state


def modulated(cell: Cell[Any], state: Any) -> Any:
    """A life in which what happens counts: rows have modulators of either sign."""
    modulator = torch.linspace(-1.0, 1.5, len(state.modulator))
    return state._replace(modulator=modulator.to(state.modulator))


def taught(cell: Cell[Any], state: Any) -> Any:
    """A life with a lesson about a class that training did not know."""
    assert isinstance(cell, PlasticReadout)
    return cell.teach(state, torch.full((len(state.trace),), cell.slots - 1))[0]


def taught_to_the_network(cell: Cell[Any], state: Any) -> Any:
    return state._replace(readout=taught(cell.readout, state.readout))  # type: ignore[arg-type]


def excited(cell: Cell[Any], state: Any) -> Any:
    return state._replace(excitability=torch.full_like(state.excitability, 0.1))


def region() -> Cell[Any]:
    from neurallayers.regions import Region

    return Region(RecurrentLIF(5, **FAST))


def network() -> Cell[Any]:
    """A convolutional region before a loop of two others, with delays of one and two steps."""
    from neurallayers.brain.network import BrainNetwork
    from neurallayers.brain.spec import BrainSpec

    fast = {"tau_ms": 3.0, "learn_tau": True}
    spec = {
        "name": "example",
        "sense": {"shape": [4, 4]},
        "regions": [
            {"name": "retina", "shape": [2, 2, 2], "neurons": {"options": fast}},
            {
                "name": "front",
                "shape": [5],
                "neurons": {"kind": "RecurrentAdaptiveLIF", "options": fast},
            },
            {"name": "back", "shape": [4], "neurons": {"options": fast}},
        ],
        "tracts": [
            {"source": "sense", "target": "retina", "pattern": "convolution", "gain": 3.0},
            {"source": "retina", "target": "front", "delay_ms": 2.0, "gain": 8.0},
            {"source": "front", "target": "back", "delay_ms": 1.0, "gain": 8.0},
            {"source": "back", "target": "front", "delay_ms": 1.0, "gain": 8.0},
        ],
        "readout": {"sources": ["retina", "back"], "labels": ["a", "b"], "capacity": 3},
    }
    return BrainNetwork(BrainSpec.model_validate(spec), seed=3)


@dataclass(frozen=True)
class Example:
    """How to make a cell, and what its owner does to a state to make it learn."""

    make: Callable[[], Cell[Any]]
    live: Callable[[Cell[Any], Any], Any] = untouched
    learns: bool = False


def make(name: str, *args: Any, **options: Any) -> Example:
    return Example(lambda: CELLS.make(name, *args, **options))


EXAMPLES: dict[str, Example] = {
    "LIF": make("LIF", 5, **FAST),
    "LIF, reset to zero": make("LIF", (2, 3), reset="zero", reset_gradient=True, **FAST),
    "AdaptiveLIF": make("AdaptiveLIF", 5, **FAST),
    "AdaptiveLIF, other surrogate": make("AdaptiveLIF", (2, 3), surrogate="arctan", **FAST),
    "LeakyIntegrator": make("LeakyIntegrator", 5, **FAST),
    "RecurrentLIF": make("RecurrentLIF", 5, gain=2.0, **FAST),
    "RecurrentAdaptiveLIF": make("RecurrentAdaptiveLIF", 5, gain=2.0, reset="zero", **FAST),
    "Linear": make("Linear", 6, 4),
    "Convolution2d": make("Convolution2d", (5, 4, 2), 3, kernel=3, padding=1, stride=2),
    "AveragePool2d": make("AveragePool2d", (4, 6, 2)),
    "MaxPool2d": make("MaxPool2d", (5, 6, 2), kernel=3, stride=1),
    "Flatten": make("Flatten", (2, 3, 2)),
    "PlasticLinear": Example(lambda: PlasticLinear(6, 4, learning_rate=0.5), modulated, True),
    "PlasticReadout": Example(lambda: PlasticReadout(6, 3, slots=5), taught, True),
    "Sequential": Example(
        lambda: Sequential(
            MaxPool2d((4, 4, 1)),
            CELLS.make("Flatten", (2, 2, 1)),
            Linear(4, 6, gain=3.0),
            LIF(6, **FAST),
            Linear(6, 3),
            LeakyIntegrator(3, **FAST),
        )
    ),
    # Not made by name, but cells.
    "Region": Example(region, excited, True),
    "BrainNetwork": Example(network, taught_to_the_network, True),
}


def frames(cell: Cell[Any], steps: int, batch: int, seed: int) -> Tensor:
    drawn = torch.rand(steps, batch, *cell.in_shape, generator=torch.Generator().manual_seed(seed))
    # Spikes must not hang on the last bit where two ways of adding up are compared.
    return (drawn * 3).double()


def to_double(state: Any) -> Any:
    return states.map_state(lambda t: t.double() if t.is_floating_point() else t, state)


def made(name: str) -> Cell[Any]:
    return EXAMPLES[name].make().double()


def lived(name: str, cell: Cell[Any], batch: int, seed: int) -> Any:
    """A state in which something has happened."""
    state = to_double(cell.initial_state(batch))
    with torch.no_grad():
        for x in frames(cell, 4, batch, seed + 1000):
            state = EXAMPLES[name].live(cell, cell(x, state)[1])
    return state


def example_of(name: str, steps: int, batch: int, seed: int) -> tuple[Cell[Any], Tensor, Any]:
    cell = made(name)
    return cell, frames(cell, steps, batch, seed), lived(name, cell, batch, seed)


def assert_same(a: Any, b: Any, tolerance: float = 0.0) -> None:
    """Two tensors or states are equal: bit for bit, or to a tolerance."""
    first, second = dict(states.leaves(a)), dict(states.leaves(b))
    assert first.keys() == second.keys()
    for leaf, tensor in first.items():
        assert tensor.dtype == second[leaf].dtype, leaf
        assert tensor.shape == second[leaf].shape, leaf
        if tolerance:
            assert torch.allclose(tensor, second[leaf], rtol=tolerance, atol=tolerance), leaf
        else:
            assert torch.equal(tensor, second[leaf]), leaf


from tests.dynamics.living_membrane import EXAMPLES_MEMBRANE  # noqa: E402
from tests.dynamics.living_memory import EXAMPLES_MEMORY  # noqa: E402
from tests.dynamics.living_metabolism import EXAMPLES_METABOLISM  # noqa: E402
from tests.dynamics.living_monitoring import EXAMPLES_MONITORING  # noqa: E402
from tests.dynamics.living_neurons import EXAMPLES_NEURONS  # noqa: E402
from tests.dynamics.living_plasticity import EXAMPLES_PLASTICITY  # noqa: E402
from tests.dynamics.living_synapses import EXAMPLES_SYNAPSES  # noqa: E402  (they need Example)

EXAMPLES |= EXAMPLES_SYNAPSES
EXAMPLES |= EXAMPLES_MEMBRANE
EXAMPLES |= EXAMPLES_METABOLISM
EXAMPLES |= EXAMPLES_PLASTICITY
EXAMPLES |= EXAMPLES_NEURONS
EXAMPLES |= EXAMPLES_MEMORY
EXAMPLES |= EXAMPLES_MONITORING
