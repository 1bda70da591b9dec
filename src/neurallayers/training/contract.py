"""What a network must offer to be trained: it perceives stimuli and says what happened in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, cast

from torch import Tensor, nn

from neurallayers.errors import InvalidInput


class Activity(Protocol):
    """What happened in a network while it perceived a batch; all of it differentiable.

    An activity may also have ``spikes``, the spikes of each region by name,
    ``[time, batch, *neurons]``; the set points of homeostasis are taken from them.
    """

    @property
    def scores(self) -> Tensor:
        """Score of each class, ``[batch, n_labels]``; the highest is the answer."""
        ...

    @property
    def features(self) -> Tensor:
        """What the read-out reads, ``[batch, n_features]``."""
        ...

    @property
    def rates(self) -> Mapping[str, Tensor]:
        """Mean spikes a neuron a step in each region (scalars)."""
        ...


class Trainable(Protocol):
    """A network that :func:`~neurallayers.training.fit.fit` can train; it is an ``nn.Module`` too.

    Four things are used when they are there:

    * ``calibrate(features, targets)`` is called once after training with the features
      ``[n, n_features]`` and labels ``[n]`` of the whole training set;
    * ``set_rate_targets(rates)`` is called once after training with the mean spikes a step of each
      neuron, ``{region: [*neurons]}``, if its activities have ``spikes``;
    * ``spec`` is compared when training is resumed from a checkpoint;
    * ``noisy``, if true, says that ``perceive(stimuli, seed=...)`` takes the seed of its noise.
    """

    def perceive(self, stimuli: Tensor, /) -> Activity:
        """Show stimuli ``[batch, height, width, channels]`` in 0..1 and let the network run."""
        ...


def module_of(network: Trainable) -> nn.Module:
    """The network as a module, whose parameters are trained.

    Raises:
        InvalidInput: If it is no module, cannot perceive, or has nothing to train.
    """
    if not isinstance(network, nn.Module) or not callable(getattr(network, "perceive", None)):
        raise InvalidInput(
            f"A {type(network).__name__} cannot be trained.",
            "Pass a torch.nn.Module with a method perceive(stimuli) that returns scores, features "
            "and rates.",
        )
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise InvalidInput(
            f"The {type(network).__name__} has no parameter that requires a gradient.",
            "Unfreeze at least one with requires_grad_(True).",
        )
    return cast(nn.Module, network)
