"""What a brain sees: checked images, their way into drive, and activity read back as scores."""

from neurallayers.senses.decoding import DECODERS, first_spike, leaky_integral, spike_count
from neurallayers.senses.encoding import (
    ENCODERS,
    DeltaEvents,
    DirectCurrent,
    Encoder,
    FirstSpikeLatency,
    PoissonRate,
)
from neurallayers.senses.images import as_images, resize

__all__ = [
    "DECODERS",
    "ENCODERS",
    "DeltaEvents",
    "DirectCurrent",
    "Encoder",
    "FirstSpikeLatency",
    "PoissonRate",
    "as_images",
    "first_spike",
    "leaky_integral",
    "resize",
    "spike_count",
]
