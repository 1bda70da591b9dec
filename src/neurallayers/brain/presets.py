"""Anatomies that are known to work, by name.

HASN, the Hierarchical Adaptive Spiking Network: sensory -> associative -> cerebrum (recurrent,
adaptive) -> plastic read-out. The read-out receives all three levels: early levels see what has
never been seen before, late ones tell apart what has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neurallayers.brain.spec import (
    BrainSpec,
    NeuronSpec,
    ReadoutSpec,
    RegionSpec,
    SenseSpec,
    TractSpec,
)
from neurallayers.registry import Registry

PRESETS: Registry[BrainSpec] = Registry("preset")

DIGITS = tuple(str(digit) for digit in range(10))


def preset(name: str, **options: Any) -> BrainSpec:
    """The spec of that name.

    Args:
        name: Such as ``"hasn-nano"``.
        **options: ``image_shape``, ``labels`` and others, as its maker takes.

    Raises:
        UnknownName: If there is no such preset.

    >>> preset("hasn-nano").regions[2].name
    'cerebrum'
    """
    return PRESETS.make(name, **options)


def _hasn(
    name: str,
    sizes: tuple[int, int, int],
    image_shape: Sequence[int],
    labels: Sequence[str],
    duration_ms: float,
    capacity: int,
) -> BrainSpec:
    sensory, associative, cerebrum = sizes
    fast = {"tau_ms": 2.0}
    return BrainSpec(
        name=name,
        sense=SenseSpec(shape=tuple(image_shape), duration_ms=duration_ms),
        regions=(
            RegionSpec(name="sensory", shape=(sensory,), neurons=NeuronSpec(options=fast)),
            RegionSpec(name="associative", shape=(associative,), neurons=NeuronSpec(options=fast)),
            RegionSpec(
                name="cerebrum",
                shape=(cerebrum,),
                neurons=NeuronSpec(
                    kind="RecurrentAdaptiveLIF",
                    options={**fast, "tau_adaptation_ms": 50.0, "gain": 0.5},
                ),
            ),
        ),
        tracts=(
            TractSpec(source="sense", target="sensory", gain=2.0),
            TractSpec(source="sensory", target="associative", delay_ms=1.0, gain=3.0),
            TractSpec(source="associative", target="cerebrum", delay_ms=1.0, gain=3.0),
        ),
        readout=ReadoutSpec(
            sources=("sensory", "associative", "cerebrum"),
            labels=tuple(labels),
            capacity=max(capacity, len(labels)),
        ),
    )


@PRESETS.register("hasn-nano")
def hasn_nano(
    image_shape: Sequence[int] = (8, 8),
    labels: Sequence[str] = DIGITS,
    *,
    duration_ms: float = 12.0,
    capacity: int = 16,
) -> BrainSpec:
    """About 0.2 million weights: scikit-learn's digits in seconds on a laptop."""
    return _hasn("hasn-nano", (256, 256, 256), image_shape, labels, duration_ms, capacity)


@PRESETS.register("hasn-micro")
def hasn_micro(
    image_shape: Sequence[int] = (28, 28),
    labels: Sequence[str] = DIGITS,
    *,
    duration_ms: float = 8.0,
    capacity: int = 16,
) -> BrainSpec:
    """About 2 million weights: MNIST in minutes on two cores."""
    return _hasn("hasn-micro", (896, 640, 576), image_shape, labels, duration_ms, capacity)


@PRESETS.register("hasn-micro-conv")
def hasn_micro_conv(
    image_shape: Sequence[int] = (28, 28),
    labels: Sequence[str] = DIGITS,
    *,
    duration_ms: float = 8.0,
    capacity: int = 16,
) -> BrainSpec:
    """HASN with shared receptive fields in place of the dense sensory level."""
    height, width = image_shape[0], image_shape[1]
    fast = NeuronSpec(options={"tau_ms": 2.0})
    return BrainSpec(
        name="hasn-micro-conv",
        sense=SenseSpec(shape=tuple(image_shape), duration_ms=duration_ms),
        regions=(
            RegionSpec(name="retina", shape=(height, width, 16), neurons=fast),
            RegionSpec(name="visual", shape=(height // 2, width // 2, 32), neurons=fast),
            RegionSpec(name="associative", shape=(512,), neurons=fast),
            RegionSpec(
                name="cerebrum",
                shape=(256,),
                neurons=NeuronSpec(
                    kind="RecurrentAdaptiveLIF",
                    options={"tau_ms": 2.0, "tau_adaptation_ms": 50.0, "gain": 0.5},
                ),
            ),
        ),
        tracts=(
            TractSpec(
                source="sense",
                target="retina",
                pattern="convolution",
                kernel=5,
                padding=2,
                gain=2.0,
            ),
            TractSpec(
                source="retina",
                target="visual",
                delay_ms=1.0,
                pattern="convolution",
                kernel=3,
                padding=1,
                pool=2,
                gain=3.0,
            ),
            TractSpec(source="visual", target="associative", delay_ms=1.0, pool=2, gain=3.0),
            TractSpec(source="associative", target="cerebrum", delay_ms=1.0, gain=3.0),
        ),
        readout=ReadoutSpec(
            sources=("associative", "cerebrum"),
            labels=tuple(labels),
            capacity=max(capacity, len(labels)),
        ),
    )
