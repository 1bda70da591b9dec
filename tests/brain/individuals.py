"""Small networks and ways to compare lives, for the tests of this folder."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from neurallayers.brain import (
    Brain,
    BrainNetwork,
    BrainSpec,
    Life,
    NeuronSpec,
    ReadoutSpec,
    RegionSpec,
    SenseSpec,
    TractSpec,
)
from neurallayers.seeding import stream
from neurallayers.state import leaves

FAST = NeuronSpec(options={"tau_ms": 2.0})
ADAPTIVE = NeuronSpec(kind="RecurrentAdaptiveLIF", options={"tau_ms": 2.0})


def small_spec(**changes: Any) -> BrainSpec:
    """Two regions and two classes, with room for two more; ``changes`` replace fields.

    Sizes are multiples of 16, as batch invariance to the bit asks for.
    """
    fields: dict[str, Any] = {
        "name": "small",
        "sense": SenseSpec(shape=(4, 4), duration_ms=8.0),
        "regions": (
            RegionSpec(name="sensory", shape=(16,), neurons=FAST),
            RegionSpec(name="cerebrum", shape=(16,), neurons=ADAPTIVE),
        ),
        "tracts": (
            TractSpec(source="sense", target="sensory", gain=4.0),
            TractSpec(source="sensory", target="cerebrum", delay_ms=1.0, gain=4.0),
        ),
        "readout": ReadoutSpec(sources=("sensory", "cerebrum"), labels=("a", "b"), capacity=4),
    }
    return BrainSpec(**{**fields, **changes})


def looped_spec(encoder: str = "current", **options: float) -> BrainSpec:
    """Every kind of tract: a loop of two regions, a self tract, delays of 1 to 3 steps, and a
    region that receives nothing."""
    return BrainSpec(
        name="looped",
        sense=SenseSpec(shape=(3, 3), encoder=encoder, options=options, duration_ms=9.0),
        regions=(
            RegionSpec(name="sensory", shape=(8,), neurons=FAST),
            RegionSpec(name="associative", shape=(7,), neurons=FAST),
            RegionSpec(name="cerebrum", shape=(6,), neurons=ADAPTIVE),
            RegionSpec(name="motor", shape=(5,), neurons=FAST),
            RegionSpec(name="alone", shape=(3,), neurons=FAST),
        ),
        tracts=(
            TractSpec(source="sense", target="sensory", gain=4.0),
            TractSpec(source="sense", target="cerebrum", gain=1.5),
            TractSpec(source="sensory", target="associative", delay_ms=2.0, gain=4.0),
            TractSpec(source="associative", target="cerebrum", delay_ms=1.0, gain=4.0),
            TractSpec(source="cerebrum", target="associative", delay_ms=3.0, gain=2.0),
            TractSpec(source="cerebrum", target="motor", delay_ms=2.0, gain=4.0),
            TractSpec(source="motor", target="motor", delay_ms=1.0, gain=2.0),
        ),
        readout=ReadoutSpec(
            sources=("cerebrum", "motor", "alone"), labels=("a", "b"), capacity=3, delay_ms=2.0
        ),
    )


def small_network(**changes: Any) -> BrainNetwork:
    """A network of :func:`small_spec`."""
    return BrainNetwork(small_spec(**changes), seed=1)


def pictures(count: int, network: BrainNetwork, seed: int = 0) -> Tensor:
    """Random images that this network can see, ``[count, height, width, channels]``."""
    generator = stream(seed, "pictures")
    return torch.rand(count, *network.image_shape, generator=generator)


def random_life(network: BrainNetwork, rows: int, seed: int = 0) -> Any:
    """A state whose rows have learned and are regulated differently."""
    generator = stream(seed, "random life")
    state = network.initial_state(rows)
    readout = state.readout._replace(
        fast_weight=torch.randn(state.readout.fast_weight.shape, generator=generator) * 0.3,
        fast_bias=torch.randn(state.readout.fast_bias.shape, generator=generator),
    )
    regions = {
        name: region._replace(
            excitability=torch.randn(region.excitability.shape, generator=generator) * 0.1
        )
        for name, region in state.regions.items()
    }
    return state._replace(readout=readout, regions=regions)


def bits(value: Any) -> dict[str, Any]:
    """Everything in a life or state, comparable bit for bit."""
    if isinstance(value, Life):
        return {
            "state": bits(value.state),
            "labels": value.labels,
            "ledger": bits(value.ledger.named()),
            "mind": (bits(value.mind.state), value.mind.names, value.mind.rules),
            "sequence": value.sequence,
        }
    return {
        name: (tensor.dtype, tuple(tensor.shape), tensor.detach().numpy().tobytes())
        for name, tensor in leaves(value)
    }


def live_through(brain: Brain, numbers: range) -> None:
    """Something of every kind, each determined by its number alone."""
    images = pictures(40, brain.network)
    for number in numbers:
        image = images[number % len(images)]
        match number % 5:
            case 0:
                brain.process(image, stateful=True)
            case 1:
                brain.learn(image, reward=(number % 3) - 1.0)
            case _:
                brain.learn(image, f"class {number % 4}")
