"""The chance in dreams: distributed as it should be, and decided by seed, counter and place."""

from __future__ import annotations

import torch
from scipy import stats

from neurallayers.memory.dreaming_noise import DREAMS_AT_ONCE, DreamNoise, box_muller, dream_noise
from neurallayers.seeding import counter_uniform


def noise(dreams: int, seed: int = 3, counter: int = 5, normals: int = 7) -> DreamNoise:
    return dream_noise(torch.tensor([seed]), torch.tensor([counter]), dreams, normals)


def test_chance_is_uniform_and_normal_numbers_are_normal() -> None:
    drawn = noise(4000)
    assert stats.kstest(drawn.chance[0].numpy(), "uniform").pvalue > 1e-3
    assert stats.kstest(drawn.normal[0].flatten().numpy(), "norm").pvalue > 1e-3
    correlation = torch.corrcoef(torch.cat([drawn.chance[0][:, None], drawn.normal[0]], 1).T)
    # Five standard errors of a correlation of nothing.
    assert float((correlation - torch.eye(8)).abs().max()) < 5 / 4000**0.5


def test_a_longer_night_begins_like_a_shorter_one() -> None:
    longer, shorter = noise(2 * DREAMS_AT_ONCE + 1), noise(DREAMS_AT_ONCE + 1)
    assert torch.equal(longer.chance[:, : DREAMS_AT_ONCE + 1], shorter.chance)
    assert torch.equal(longer.normal[:, : DREAMS_AT_ONCE + 1], shorter.normal)


def test_every_seed_counter_and_dream_has_numbers_of_its_own() -> None:
    big = 2**40
    drawn = [noise(200), noise(200, seed=4), noise(200, counter=6), noise(200, counter=5 + big)]
    words = torch.cat([each.chance.flatten() for each in drawn])
    # Of 800 numbers of 24 bits some two in fifty pairs of sets would meet by chance.
    assert len(words.unique()) >= 798


def test_rows_are_drawn_by_themselves() -> None:
    both = dream_noise(torch.tensor([1, 3]), torch.tensor([2, 5]), 9, 4)
    alone = dream_noise(torch.tensor([3]), torch.tensor([5]), 9, 4)
    assert torch.equal(both.chance[1:], alone.chance)
    assert torch.equal(both.normal[1:], alone.normal)


def test_other_draws_of_the_same_seed_and_counter_are_others() -> None:
    elsewhere = counter_uniform(torch.tensor([3]), torch.tensor([5]), 500)[0]
    assert not bool(torch.isin(noise(20).chance, elsewhere).any())


def test_the_transform_is_that_of_the_paper() -> None:
    first, second = torch.tensor([0.0, 0.5, 0.75]), torch.tensor([0.3, 0.0, 0.25])
    expected = [0.0, (2 * 0.6931472) ** 0.5, 0.0, 0.0, 0.0, (4 * 0.6931472) ** 0.5]
    assert torch.allclose(box_muller(first, second), torch.tensor(expected), atol=1e-6)


def test_no_normal_numbers_are_none() -> None:
    assert noise(3, normals=0).normal.shape == (1, 3, 0)
