from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from neurallayers.errors import ShapeMismatch
from neurallayers.seeding import stream
from neurallayers.training.augmentation import dihedral_by
from neurallayers.training.config import FitConfig
from neurallayers.training.objective import Classification, classification_for, rate_penalty

PLAIN = {"orientation_weight": 0.0, "reconstruction_weight": 0.0}


@pytest.fixture
def batch(data):
    images, labels = data
    return images[:10].unsqueeze(-1), labels[:10]


def judge(network, batch, **fields):
    objective = classification_for(network, batch[0], FitConfig(**fields))
    return objective, objective(network, *batch, stream(0, "draws"))


def test_without_auxiliary_tasks_it_is_cross_entropy_and_has_no_parameters(network, batch):
    objective, judgement = judge(network, batch, **PLAIN, label_smoothing=0.1)
    scores = network.perceive(batch[0]).scores
    expected = functional.cross_entropy(scores, batch[1], label_smoothing=0.1)
    assert torch.equal(judgement.loss, expected)
    assert torch.equal(judgement.scores, scores)
    assert list(objective.parameters()) == []
    assert len(judgement.activity.scores) == 10  # no transformed images were perceived


def test_orientation_tells_class_and_symmetry_together(network, batch):
    objective, judgement = judge(network, batch, orientation_weight=0.7, reconstruction_weight=0)
    images, labels = batch
    drawn = torch.randint(1, 8, (10,), generator=stream(0, "draws"))
    features = network.perceive(torch.cat([images, dihedral_by(images, drawn)])).features
    answers = objective.orientation.map_frames(features)
    assert answers.shape == (20, 3 * 8)
    kinds = torch.cat([labels * 8, labels * 8 + drawn])
    plain = functional.cross_entropy(network.perceive(images).scores, labels)
    expected = plain + 0.7 * functional.cross_entropy(answers, kinds)
    torch.testing.assert_close(judgement.loss, expected)
    assert len(judgement.scores) == 10


def test_reconstruction_rebuilds_the_pixels(network, batch):
    objective, judgement = judge(network, batch, orientation_weight=0, reconstruction_weight=3.0)
    activity = network.perceive(batch[0])
    error = (objective.reconstruction.map_frames(activity.features) - batch[0].flatten(1)) ** 2
    expected = functional.cross_entropy(activity.scores, batch[1]) + 3.0 * error.mean()
    torch.testing.assert_close(judgement.loss, expected)


def test_rates_outside_the_band_cost(network, batch):
    _, free = judge(network, batch, **PLAIN)
    rate = network.perceive(batch[0]).rates["cortex"]
    _, judgement = judge(network, batch, **PLAIN, rate_penalty=5.0, rate_target=(0.9, 1.0))
    torch.testing.assert_close(judgement.loss, free.loss + 5.0 * (0.9 - rate) ** 2)


@pytest.mark.parametrize(
    ("rate", "expected"), [(0.05, 0.0025), (0.1, 0.0), (0.2, 0.0), (0.3, 0.0), (0.5, 0.04)]
)
def test_the_penalty_grows_with_the_square_outside_the_band(rate, expected):
    rates = {"cortex": torch.tensor(rate)}
    assert float(rate_penalty(rates, (0.1, 0.3))) == pytest.approx(expected, abs=1e-7)


def test_gradients_reach_the_network_and_the_heads(network, batch):
    objective, judgement = judge(network, batch)
    judgement.loss.backward()
    for parameter in (*network.parameters(), *objective.parameters()):
        assert parameter.grad is not None
        assert float(parameter.grad.abs().sum()) > 0


def test_heads_are_made_from_the_seed_alone(network, batch):
    torch.rand(3)
    first, second, other = (
        classification_for(network, batch[0], FitConfig(seed=seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first.orientation.weight, second.orientation.weight)
    assert not torch.equal(first.orientation.weight, other.orientation.weight)


def test_orientation_needs_square_images():
    with pytest.raises(ShapeMismatch, match="4 x 5"):
        Classification(3, 16, (4, 5, 1), FitConfig())
    assert Classification(3, 16, (4, 5, 1), FitConfig(orientation_weight=0)).orientation is None


def test_a_noisy_network_is_judged_with_new_noise_each_time(network, batch):
    seeds = []

    def perceive(stimuli, seed=0):
        seeds.append(seed)
        return type(network).perceive(network, stimuli)

    network.noisy, network.perceive = True, perceive
    objective = Classification(10, 1, (4, 4, 1), FitConfig(**PLAIN))
    draws = stream(0, "draws")
    for _ in range(2):
        objective(network, *batch, draws)
    assert len(set(seeds)) == 2
