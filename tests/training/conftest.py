"""A small spiking network and small data that training is tested with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import hypothesis
import pytest
import torch
from torch import Tensor, nn

from neurallayers.dynamics import LIF, Linear, Sequential
from neurallayers.seeding import stream

# How long an example takes depends on who else uses the machine.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

SIDE, HIDDEN, LABELS = 4, 16, 3


@dataclass(frozen=True)
class SmallActivity:
    scores: Tensor
    features: Tensor
    spikes: dict[str, Tensor]

    @property
    def rates(self) -> Mapping[str, Tensor]:
        return {name: fired.mean() for name, fired in self.spikes.items()}


class SmallNetwork(nn.Module):
    """One spiking layer and a linear read-out; it notes what it is calibrated with."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.cells = Sequential(
            Linear(SIDE * SIDE, HIDDEN, gain=3.0, seed=seed),
            LIF(HIDDEN, tau_ms=2.0, learn_tau=True),
        )
        self.readout = Linear(HIDDEN, LABELS, seed=seed + 1)
        self.register_buffer("mean", torch.zeros(HIDDEN))
        self.register_buffer("set_point", torch.zeros(HIDDEN))
        self.calibrated_on = 0

    def perceive(self, stimuli: Tensor) -> SmallActivity:
        spikes, _ = self.cells.run(stimuli.flatten(1).unsqueeze(0), steps=6)
        features = spikes.mean(0)
        return SmallActivity(self.readout.map_frames(features), features, {"cortex": spikes})

    def calibrate(self, features: Tensor, targets: Tensor) -> None:
        assert not features.requires_grad
        assert len(features) == len(targets)
        self.calibrated_on += len(features)
        self.mean.copy_(features.mean(0))

    def set_rate_targets(self, rates: Mapping[str, Tensor]) -> None:
        self.set_point.copy_(rates["cortex"])


@pytest.fixture
def make_network() -> Callable[..., SmallNetwork]:
    return SmallNetwork


@pytest.fixture
def network() -> SmallNetwork:
    return SmallNetwork()


def noisy_patterns(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Three fixed 4 x 4 patterns under noise, and which one each image shows."""
    patterns = torch.rand(LABELS, SIDE, SIDE, generator=stream(5, "patterns"))
    generator = stream(seed, "samples")
    labels = torch.randint(LABELS, (n,), generator=generator)
    noise = 0.15 * torch.randn(n, SIDE, SIDE, generator=generator)
    return (patterns[labels] + noise).clamp(0, 1), labels


@pytest.fixture
def data() -> tuple[Tensor, Tensor]:
    return noisy_patterns(90, seed=0)


@pytest.fixture
def unseen() -> tuple[Tensor, Tensor]:
    return noisy_patterns(60, seed=1)
