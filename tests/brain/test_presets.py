"""The anatomies that ship with the package have the sizes that they advertise, and work."""

from __future__ import annotations

import pytest
import torch

from neurallayers.brain import PRESETS, BrainNetwork, BrainSpec, preset
from neurallayers.errors import InvalidSpec, UnknownName

MILLIONS = {"hasn-nano": (0.18, 0.28), "hasn-micro": (1.8, 2.2), "hasn-micro-conv": (0.8, 1.2)}


@pytest.mark.parametrize("name", list(PRESETS))
def test_a_preset_has_its_size_and_answers(name: str) -> None:
    spec = preset(name)
    network = BrainNetwork(spec)
    low, high = MILLIONS[name]
    assert low < network.parameter_count() / 1e6 < high
    scores = network.perceive(torch.rand(2, *network.image_shape)).scores
    assert scores.shape == (2, 10)
    assert scores.isfinite().all()
    assert spec.name == name
    assert BrainSpec.from_text(spec.to_json()) == spec


@pytest.mark.parametrize("name", list(PRESETS))
def test_a_preset_takes_other_images_and_labels(name: str) -> None:
    spec = preset(name, image_shape=(12, 16, 3), labels=("cat", "dog"), duration_ms=5.0)
    assert spec.sense.shape == (12, 16, 3)
    assert spec.steps == 5
    assert spec.readout.labels == ("cat", "dog")
    assert BrainNetwork(spec).perceive(torch.rand(1, 12, 16, 3)).scores.shape == (1, 2)


def test_there_is_room_for_all_labels() -> None:
    labels = [str(number) for number in range(40)]
    assert preset("hasn-nano", labels=labels).readout.capacity == 40


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'hasn-nano'"):
        preset("hasn-nan")
    with pytest.raises(InvalidSpec, match=r"shape\[0\]"):
        preset("hasn-nano", image_shape=(0, 8))
