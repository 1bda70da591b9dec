"""What a spiking kernel needs to know besides tensors."""

from __future__ import annotations

from dataclasses import dataclass

from neurallayers.dynamics.surrogate import Surrogate


@dataclass(frozen=True)
class SpikeOptions:
    """What a kernel needs to know besides tensors.

    Attributes:
        threshold: Base threshold, above rest.
        zero_reset: Return to rest after a spike instead of subtracting the threshold.
        reset_gradient: Whether gradients flow through the reset.
        surrogate: The substitute derivative of the spike.
        adaptation_rise: Rise of the threshold at full adaptation (adaptive cells only).
        adaptation_decay: Decay of the adaptation in one step (adaptive cells only).
    """

    threshold: float
    zero_reset: bool
    reset_gradient: bool
    surrogate: Surrogate
    adaptation_rise: float = 0.0
    adaptation_decay: float = 0.0
