"""Recipes: what belongs together trains together, the same way each time."""

from __future__ import annotations

import pytest
import torch

from neurallayers.brain import BrainNetwork
from neurallayers.data import Dataset, load_digits
from neurallayers.errors import UnknownName
from neurallayers.research import RECIPES, prepare, train
from neurallayers.research.recipes import fast_precision


def few(digits: Dataset) -> Dataset:
    """A small part of the digits, for speed."""
    from dataclasses import replace

    small = replace(
        digits.train, images=digits.train.images[:400], labels=digits.train.labels[:400]
    )
    return replace(digits, train=small)


@pytest.mark.parametrize("name", list(RECIPES))
def test_every_recipe_names_an_anatomy_for_its_data(name: str) -> None:
    recipe = RECIPES.make(name)
    split = load_digits().train
    spec = recipe.spec(split)
    assert spec.readout.labels == split.class_names
    assert spec.sense.shape == (8, 8)
    assert BrainNetwork(spec).parameter_count() > 100_000


def test_a_recipe_learns_and_repeats_itself_to_the_bit() -> None:
    data = few(load_digits())
    one, two = (train("hasn-nano-digits", data=data, epochs=8, threads=1, seed=3) for _ in range(2))
    assert one.network.fingerprint() == two.network.fingerprint()
    assert one.evaluation.accuracy > 0.5  # chance is 0.1
    assert one.recipe.config.epochs == 8
    assert one.recipe.config.seed == 3


def test_another_seed_gives_another_network() -> None:
    data = few(load_digits())
    prints = {
        train("hasn-nano-digits", data=data, epochs=1, threads=1, seed=seed).network.fingerprint()
        for seed in (0, 1)
    }
    assert len(prints) == 2


def test_training_leaves_what_a_living_brain_needs() -> None:
    network = train("hasn-nano-digits", data=few(load_digits()), epochs=1, threads=1).network
    assert float(network.readout.familiarity.max()) > 0.5
    assert all(bool((region.set_point >= 0).all()) for _, region in network.named_regions())


def test_an_unknown_recipe_is_refused_with_a_suggestion() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'hasn-nano-digits'"):
        train("hasn-nano-digit")


def test_the_precision_is_one_that_the_machine_multiplies_in() -> None:
    precision = fast_precision()
    assert precision in ("float32", "bfloat16")
    found = getattr(torch.cpu, "get_capabilities", dict)()
    if not (found.get("avx512_bf16") or found.get("amx_bf16") or torch.cuda.is_available()):
        assert precision == "float32"


def test_preparing_leaves_nothing_behind() -> None:
    data = few(load_digits())
    before = train("hasn-nano-digits", data=data, epochs=1, threads=1).network.fingerprint()
    prepare("hasn-nano-digits", data)
    after = train("hasn-nano-digits", data=data, epochs=1, threads=1).network.fingerprint()
    assert before == after
