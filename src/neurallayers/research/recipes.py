"""Recipes: an anatomy, a data set and a training configuration that belong together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch

from neurallayers.brain import BrainNetwork, BrainSpec, preset
from neurallayers.data import DATASETS, Dataset, Split
from neurallayers.registry import Registry
from neurallayers.senses import as_images
from neurallayers.training import Augmentation, Evaluation, FitConfig, FitResult, evaluate, fit


@dataclass(frozen=True)
class Recipe:
    """How one network is made.

    Attributes:
        name: Name of the network.
        preset: Name of its anatomy.
        data: Name of its data set.
        config: How it is trained.
    """

    name: str
    preset: str
    data: str
    config: FitConfig

    def spec(self, split: Split) -> BrainSpec:
        """The anatomy for images and classes as in ``split``."""
        return preset(
            self.preset, image_shape=tuple(split.images.shape[1:]), labels=split.class_names
        )


@dataclass(frozen=True)
class Trained:
    """What a recipe gave.

    Attributes:
        recipe: The recipe, with the configuration that was used.
        network: The trained network.
        result: How training went.
        evaluation: How the network does on the test part.
        data: The data set.
    """

    recipe: Recipe
    network: BrainNetwork
    result: FitResult
    evaluation: Evaluation
    data: Dataset


def fast_precision() -> Literal["float32", "bfloat16"]:
    """The precision in which this machine multiplies matrices fastest.

    Some processors multiply bfloat16 in hardware; on the others it is slower than float32.
    """
    # Older releases of torch cannot tell; then nothing is assumed.
    found: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    capable = found.get("avx512_bf16") or found.get("amx_bf16") or torch.cuda.is_available()
    return "bfloat16" if capable else "float32"


RECIPES: Registry[Recipe] = Registry("recipe")


@RECIPES.register("hasn-nano-digits")
def hasn_nano_digits() -> Recipe:
    """scikit-learn's digits in seconds."""
    return Recipe(
        "hasn-nano-digits",
        "hasn-nano",
        "digits",
        FitConfig(
            epochs=15,
            batch_size=64,
            learning_rate=1e-2,
            augment=Augmentation(shift_pixels=1, probability=0.5),
            average_weights=0.98,
        ),
    )


@RECIPES.register("hasn-micro-mnist")
def hasn_micro_mnist() -> Recipe:
    """MNIST in five minutes on two cores."""
    return Recipe(
        "hasn-micro-mnist",
        "hasn-micro",
        "mnist",
        FitConfig(
            epochs=8,
            batch_size=128,
            learning_rate=2e-3,
            augment=Augmentation(shift_pixels=2),
            orientation_weight=0.0,
            reconstruction_weight=0.0,
            average_weights=0.998,
            precision=fast_precision(),
        ),
    )


@RECIPES.register("hasn-micro-conv-mnist")
def hasn_micro_conv_mnist() -> Recipe:
    """MNIST with shared receptive fields in twenty minutes on two cores."""
    return Recipe(
        "hasn-micro-conv-mnist",
        "hasn-micro-conv",
        "mnist",
        FitConfig(
            epochs=10,
            batch_size=128,
            learning_rate=2e-3,
            augment=Augmentation(shift_pixels=2),
            orientation_weight=0.0,
            reconstruction_weight=0.0,
            average_weights=0.998,
            precision=fast_precision(),
        ),
    )


def prepare(name: str, data: Dataset | None = None) -> None:
    """Compile the kernels that a recipe needs, so that training does not wait for them.

    This takes seconds once on a machine; afterwards they are read from the disk.

    Args:
        name: Name of the recipe.
        data: Other data than the recipe's, as for :func:`train`.
    """
    recipe = RECIPES.make(name)
    split = (DATASETS.make(recipe.data) if data is None else data).train
    network = BrainNetwork(recipe.spec(split))
    stimuli = as_images(split.images[:2], network.spec.sense.shape)
    narrow = recipe.config.precision == "bfloat16"
    with torch.autocast(stimuli.device.type, dtype=torch.bfloat16, enabled=narrow):
        activity = network.perceive(stimuli)
    (activity.scores.float().sum() + activity.features.float().sum()).backward()


def train(
    name: str,
    *,
    seed: int = 0,
    data: Dataset | None = None,
    **changes: Any,
) -> Trained:
    """Follow a recipe.

    Args:
        name: Name of the recipe.
        seed: Seed of weights and training.
        data: Other data of the same kind than the recipe's, such as fewer classes.
        **changes: Fields of the training configuration to replace.

    Raises:
        UnknownName: If there is no such recipe.
        DataUnavailable: If its data set cannot be had.

    >>> train("hasn-nano-digits", epochs=1).evaluation.accuracy > 0.5
    True
    """
    recipe = RECIPES.make(name)
    config = recipe.config.changed(**{"seed": seed, **changes})
    recipe = Recipe(recipe.name, recipe.preset, recipe.data, config)
    data = DATASETS.make(recipe.data) if data is None else data
    network = BrainNetwork(recipe.spec(data.train), seed=seed)
    result = fit(network, data.train, config)
    return Trained(recipe, network, result, evaluate(network, data.test), data)
