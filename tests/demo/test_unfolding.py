"""A thought moment by moment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from neurallayers.brain import Brain, BrainNetwork
from neurallayers.data import load_digits
from neurallayers.demo import Unfolding, unfold
from neurallayers.demo.unfolding import grey


def test_it_ends_in_the_thought(unfoldings: list[Unfolding]) -> None:
    for unfolding in unfoldings:
        thought = unfolding.thought
        assert unfolding.leader(unfolding.steps - 1) == thought.label
        place = unfolding.labels.index(str(thought.label))
        assert unfolding.shares[-1, place] == pytest.approx(thought.confidence, abs=1e-5)
        assert np.allclose(unfolding.shares.sum(axis=1), 1)
        assert unfolding.shares.shape == (12, 10)


def test_classes_keep_their_places(unfoldings: list[Unfolding]) -> None:
    assert unfoldings[0].labels == unfoldings[1].labels == tuple("0123456789")


def test_it_leaves_the_brain_as_it_was(network: BrainNetwork) -> None:
    brain = Brain(network)
    before = brain.life
    unfold(brain, load_digits().test.images[0])
    assert brain.life is before


def test_the_answer_is_decided_when_nothing_else_leads_any_more(
    unfoldings: list[Unfolding],
) -> None:
    first = unfoldings[0]
    shares = np.zeros((4, 10))
    shares[:, 5] = 0.5
    shares[1, 7] = 0.9  # another class leads in the second of four steps
    thought = replace(first.thought, label="5")
    contested = replace(first, shares=shares, thought=thought)
    assert contested.decided_ms() == 3.0
    clear = replace(first, shares=np.eye(10)[[5, 5, 5]], thought=thought)
    assert clear.decided_ms() == 1.0


def test_right_and_wrong(unfoldings: list[Unfolding]) -> None:
    answer = str(unfoldings[0].thought.label)
    assert replace(unfoldings[0], truth=answer).right
    assert not replace(unfoldings[0], truth="something else").right


def test_a_sample_holds_neurons_of_every_region(unfoldings: list[Unfolding]) -> None:
    whole = unfoldings[0].thought.raster
    sample = unfoldings[0].sampled(24)
    for name, spikes in sample.spikes.items():
        assert spikes.shape == (12, 24)
        assert (spikes[:, 0] == whole.spikes[name][:, 0]).all()
        assert (spikes[:, -1] == whole.spikes[name][:, -1]).all()
    assert unfoldings[0].sampled(10_000).array().shape == whole.array().shape


def test_images_are_shown_in_grey() -> None:
    assert grey(np.full((2, 2), 255, dtype=np.uint8)).max() == 1.0
    coloured = torch.tensor([0.0, 0.5, 1.0]).expand(2, 2, 3)
    assert np.allclose(grey(coloured), 0.5)
    assert grey(torch.zeros(3, 4)).shape == (3, 4)
