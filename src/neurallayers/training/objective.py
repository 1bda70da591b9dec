r"""What training makes small: how wrong the answers are, and what keeps the features rich.

.. math::
    L = H(y, \mathrm{softmax}(s)) + \lambda_r P(r)
        + \lambda_o H((y, k), \mathrm{softmax}(O f)) + \lambda_x \lVert R f - x \rVert^2 / n_x

with the scores :math:`s` and the features :math:`f` that the network gives for the stimulus
:math:`x` of class :math:`y`, the rates :math:`r`, and two linear heads :math:`O, R` that exist only
during training.

Cross-entropy alone keeps of a stimulus only what tells the trained classes apart, so that a new
class later falls onto an old one. Two auxiliary tasks hold against that:

* *orientation*: each image is also shown under a random other symmetry of the square, and from the
  features class and symmetry :math:`k` are told together. Source: Lee, Hwang & Shin (2020),
  Self-supervised label augmentation via input transformations, ICML;
* *reconstruction*: from the features the pixels are rebuilt. Source: Le, Patterson & White (2018),
  Supervised autoencoders, NeurIPS.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurallayers.dynamics.synapses import Linear
from neurallayers.errors import ShapeMismatch
from neurallayers.seeding import derive_seed
from neurallayers.training.augmentation import TRANSFORMATIONS, dihedral_by
from neurallayers.training.config import FitConfig
from neurallayers.training.contract import Activity, Trainable


class Judgement(NamedTuple):
    """What an objective says about a batch.

    Attributes:
        loss: Scalar to make small.
        scores: Score of each class for the batch, ``[batch, n_labels]``.
        activity: What happened in the network.
    """

    loss: Tensor
    scores: Tensor
    activity: Activity


class Objective(Protocol):
    """What :func:`~neurallayers.training.fit.fit` makes small: an ``nn.Module`` of this shape.

    Its parameters are trained with those of the network.
    """

    def __call__(
        self, network: Trainable, stimuli: Tensor, targets: Tensor, generator: torch.Generator, /
    ) -> Judgement:
        """Judge a batch; random numbers come from the generator only."""
        ...


class Classification(nn.Module):
    """Cross-entropy, a penalty on rates, and the two auxiliary tasks.

    Args:
        n_labels: Classes that the network scores.
        n_features: Features that its read-out reads.
        image_shape: Height, width and channels of a stimulus.
        config: Weights of the parts.

    Raises:
        ShapeMismatch: If orientation is asked of images that are not square.
    """

    def __init__(
        self, n_labels: int, n_features: int, image_shape: tuple[int, int, int], config: FitConfig
    ) -> None:
        super().__init__()
        self.config = config
        self.orientation: Linear | None = None
        self.reconstruction: Linear | None = None
        if config.orientation_weight:
            if image_shape[0] != image_shape[1]:
                raise ShapeMismatch(
                    f"Images of {image_shape[0]} x {image_shape[1]} pixels have no eight "
                    "orientations.",
                    "Set orientation_weight to 0 in the training configuration.",
                )
            seed = derive_seed(config.seed, "objective", "orientation")
            self.orientation = Linear(n_features, n_labels * TRANSFORMATIONS, seed=seed)
        if config.reconstruction_weight:
            seed = derive_seed(config.seed, "objective", "reconstruction")
            pixels = torch.Size(image_shape).numel()
            self.reconstruction = Linear(n_features, pixels, seed=seed)

    def forward(
        self, network: Trainable, stimuli: Tensor, targets: Tensor, generator: torch.Generator
    ) -> Judgement:
        """Judge a batch.

        Args:
            network: What is trained.
            stimuli: ``[batch, height, width, channels]`` in 0..1.
            targets: int64 ``[batch]``.
            generator: Where the orientations are drawn from.
        """
        batch = len(stimuli)
        kinds = targets * TRANSFORMATIONS
        if self.orientation is not None:
            drawn = torch.randint(1, TRANSFORMATIONS, (batch,), generator=generator)
            turned = dihedral_by(stimuli, drawn).to(stimuli.device)
            stimuli = torch.cat([stimuli, turned])
            kinds = torch.cat([kinds, kinds + drawn.to(kinds.device)])
        activity = _perceived(network, stimuli, generator)
        scores = activity.scores[:batch]
        loss = functional.cross_entropy(
            scores, targets, label_smoothing=self.config.label_smoothing
        )
        if self.orientation is not None:
            answers = self.orientation.map_frames(activity.features)
            loss = loss + self.config.orientation_weight * functional.cross_entropy(answers, kinds)
        if self.reconstruction is not None:
            rebuilt = self.reconstruction.map_frames(activity.features)
            error = functional.mse_loss(rebuilt, stimuli.flatten(1).to(rebuilt.dtype))
            loss = loss + self.config.reconstruction_weight * error
        if self.config.rate_penalty:
            penalty = rate_penalty(activity.rates, self.config.rate_target)
            loss = loss + self.config.rate_penalty * penalty
        return Judgement(loss, scores, activity)


def _perceived(network: Trainable, stimuli: Tensor, generator: torch.Generator) -> Activity:
    """What the network makes of a batch; a noisy sense gets new noise for each."""
    if not getattr(network, "noisy", False):
        return network.perceive(stimuli)
    seed = int(torch.randint(2**31, (1,), generator=generator))
    activity: Activity = cast(Any, network).perceive(stimuli, seed=seed)
    return activity


def classification_for(network: Trainable, images: Tensor, config: FitConfig) -> Classification:
    """The objective that fits a network, whose sizes are seen from how it perceives an image.

    Args:
        network: What will be trained.
        images: One or more stimuli ``[batch, height, width, channels]`` in 0..1.
        config: Weights of the parts.
    """
    with torch.no_grad():
        activity = network.perceive(images[:1])
    height, width, channels = images.shape[1:]
    objective = Classification(
        activity.scores.shape[1], activity.features.shape[1], (height, width, channels), config
    )
    return objective.to(images.device)


def rate_penalty(rates: Mapping[str, Tensor], band: tuple[float, float]) -> Tensor:
    """Mean over regions of the squared distance of their rate from a band.

    Args:
        rates: Mean spikes a neuron a step in each region.
        band: Lowest and highest rate without penalty.

    >>> round(rate_penalty({"cortex": torch.tensor(0.5)}, (0.1, 0.3)).item(), 6)
    0.04
    """
    below, above = band
    every = torch.stack(list(rates.values()))
    return ((below - every).clamp(min=0) + (every - above).clamp(min=0)).square().mean()
