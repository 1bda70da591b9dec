"""Measures a network on labelled images that it was not trained on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurallayers.errors import InvalidInput
from neurallayers.training.contract import Trainable, module_of
from neurallayers.training.samples import Samples


@dataclass(frozen=True)
class Evaluation:
    """How well a network answers.

    Attributes:
        accuracy: Share of right answers.
        loss: Mean cross-entropy.
        confusion: How often each class (row) was answered by each (column), int64
            ``[n_labels, n_labels]``.
        rates: Mean spikes a neuron a step in each region.
    """

    accuracy: float
    loss: float
    confusion: Tensor
    rates: dict[str, float]

    @property
    def per_class_accuracy(self) -> tuple[float | None, ...]:
        """Share of right answers for each class; none for a class without images."""
        totals = self.confusion.sum(1).tolist()
        right = self.confusion.diagonal().tolist()
        return tuple(r / total if total else None for r, total in zip(right, totals, strict=True))


def evaluate(network: Trainable, data: Any, batch_size: int = 256) -> Evaluation:
    """Let a network answer every image.

    Args:
        network: What is measured; its weights and mode stay as they are.
        data: ``(images, labels)`` or an object with both, as
            :meth:`~neurallayers.training.samples.Samples.of` takes.
        batch_size: Images at a time; more is faster and needs more memory.

    Raises:
        InvalidInput: If the data or the batch size is wrong, or has labels without a score.
    """
    if batch_size < 1:
        raise InvalidInput(f"batch_size is {batch_size}.", "Give one or more.")
    module = module_of(network)
    samples = Samples.of(data).to(device_of(module))
    with unchanged_mode(module):
        module.eval()
        return measure(network, samples, batch_size)


@torch.no_grad()
def measure(network: Trainable, samples: Samples, batch_size: int) -> Evaluation:
    """As :func:`evaluate`, with samples that are already checked and on the right device."""
    losses, cells = [], []
    rates: dict[str, Tensor] = {}
    n_labels = 0
    for index in torch.arange(len(samples), device=samples.labels.device).split(batch_size):
        stimuli, targets = samples.batch(index)
        activity = network.perceive(stimuli)
        scores = activity.scores.float()
        if n_labels == 0:
            n_labels = scores.shape[1]
            samples.check_labels(n_labels)
        losses.append(functional.cross_entropy(scores, targets, reduction="sum"))
        cells.append(targets * n_labels + scores.argmax(1))
        for name, rate in activity.rates.items():
            rates[name] = rates.get(name, torch.zeros_like(rate)) + rate * len(index)
    counts = torch.bincount(torch.cat(cells), minlength=n_labels * n_labels)
    confusion = counts.reshape(n_labels, n_labels).cpu()
    return Evaluation(
        accuracy=int(confusion.diagonal().sum()) / len(samples),
        loss=float(torch.stack(losses).sum()) / len(samples),
        confusion=confusion,
        rates={name: float(total) / len(samples) for name, total in rates.items()},
    )


def device_of(module: nn.Module) -> torch.device:
    """Where the parameters of a module are."""
    return next(module.parameters()).device


@contextmanager
def unchanged_mode(module: nn.Module) -> Iterator[None]:
    """Leave a module in training or evaluation mode as it was, each part of it."""
    modes = [(part, part.training) for part in module.modules()]
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training
