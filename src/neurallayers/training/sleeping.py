r"""A learner that meets classes one after another, and sleeps so as not to forget the old ones.

**Awake** it sees every example once. Its eyes (receptive fields, which stay as they are) turn an
image into features; a :class:`~neurallayers.memory.dreaming.DreamingMemory` takes up their
statistics and forgets the example; the read-out, two layers, takes a step down the gradient of the
cross-entropy:

.. math::
    y = W_2 \max(0, W_1 x + b_1) + b_2, \qquad
    W \leftarrow W - \eta \, \nabla_W \big(-\log \mathrm{softmax}(y)_c\big)

Only classes of the day are seen, so the read-out learns them at the cost of all others:
catastrophic forgetting (McCloskey & Cohen 1989, Psychol. Learn. Motiv. 24:109). **Asleep** no
example is seen. The memory dreams of every class it knows, equally often, and the read-out learns
from the dreams. The features, not the images, are dreamt: *internal replay* of van de Ven,
Siegelmann & Tolias (2020), Nat. Commun. 11:4069, with a density that is learned in one pass in
place of their variational autoencoder. A few images may be kept besides
(:mod:`~neurallayers.training.kept_images`); then a part of what is rehearsed at night are their
features.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.memory.dreaming import DreamingMemory, DreamingState
from neurallayers.seeding import counter_uniform, stream
from neurallayers.training.kept_images import KeptImages, keep, no_images

# So many batches are dreamt at once; dreaming costs less by the dozen.
BATCHES_A_SCENE = 16


class ReadoutWeights(NamedTuple):
    """Two layers that name features; the leading axis is that of individuals."""

    hidden_weight: Tensor  # [batch, hidden, feature]
    hidden_bias: Tensor  # [batch, hidden]
    weight: Tensor  # [batch, label, hidden]
    bias: Tensor  # [batch, label]


class SleepingState(NamedTuple):
    """All that a :class:`SleepingLearner` learned, of one individual."""

    readout: ReadoutWeights
    memory: DreamingState
    kept: KeptImages
    counter: Tensor  # int64 [batch], random draws made so far


@dataclass(frozen=True, kw_only=True)
class SleepingLearner:
    """Who learns classes one after another; see the module. A ``ContinualLearner``.

    Args:
        eyes: Features ``[n, feature]`` of images, such as
            :class:`~neurallayers.training.receptive_fields.ReceptiveFields`; never changed.
        memory: How classes are remembered.
        image_shape: Height, width and channels of the images.
        hidden: Neurons of the read-out's inner layer.
        kept_images: How many images may be kept; 0 for none.
        waking_rate: Step down the gradient when awake.
        waking_batch: Examples a step when awake.
        sleeping_rate: Highest learning rate asleep (AdamW, one cycle a night).
        steps_per_label: Steps of a night for each label that is known.
        sleeping_batch: Dreams (and features of kept images) a step.
        share_kept: Which share of them are of kept images, if there are any.
        weight_decay: Decoupled weight decay asleep.
        seed: Seed of the first weights and of all draws.

    Raises:
        InvalidInput: If an option is out of range.
    """

    eyes: Callable[[Tensor], Tensor]
    memory: DreamingMemory
    image_shape: tuple[int, int, int] = (28, 28, 1)
    hidden: int = 256
    kept_images: int = 0
    waking_rate: float = 0.01
    waking_batch: int = 50
    sleeping_rate: float = 3e-3
    steps_per_label: int = 40
    sleeping_batch: int = 256
    share_kept: float = 0.5
    weight_decay: float = 1e-4
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("hidden", "waking_batch", "steps_per_label", "sleeping_batch"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise InvalidInput(f"{name} is {value!r}.", "Give a whole number, 1 or more.")
        for name in ("waking_rate", "sleeping_rate", "weight_decay"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise InvalidInput(f"{name} is {getattr(self, name)}.", "Give 0 or more.")
        if not 0.0 <= self.share_kept <= 1.0:
            raise InvalidInput(f"share_kept is {self.share_kept}.", "Give a share, 0 to 1.")

    def initial_state(self) -> SleepingState:
        """The state of a learner that has seen nothing."""
        generator = stream(self.seed, "sleeping", "readout")
        labels, features = self.memory.labels, self.memory.feature_size
        # He et al. (2015), ICCV, eq. 10: the variance of the activity is kept from layer to layer.
        hidden = torch.randn(1, self.hidden, features, generator=generator) * (2 / features) ** 0.5
        return SleepingState(
            readout=ReadoutWeights(
                hidden_weight=hidden,
                hidden_bias=torch.zeros(1, self.hidden),
                weight=torch.zeros(1, labels, self.hidden),
                bias=torch.zeros(1, labels),
            ),
            memory=self.memory.initial_state(),
            kept=no_images(self.kept_images, self.image_shape),
            counter=torch.zeros(1, dtype=torch.int64),
        )

    def wake(self, state: SleepingState, images: Tensor, labels: Tensor) -> SleepingState:
        """Learn from examples, each seen this once.

        Args:
            state: What was learned so far.
            images: ``[n, height, width, channels]``.
            labels: int64 ``[n]``.

        Raises:
            ShapeMismatch: If images and labels do not fit.
            InvalidInput: If a label has no room.
        """
        if tuple(images.shape[1:]) != tuple(self.image_shape):
            raise ShapeMismatch(
                f"Images have shape {tuple(images.shape)}, expected [n, *{self.image_shape}].",
                "Give channels last, and image_shape to the learner.",
            )
        features = self.eyes(images)
        memory = self.memory.observe(state.memory, features[None], labels[None])
        readout = state.readout
        for places in torch.arange(len(labels)).split(self.waking_batch):
            readout = self._step_down(readout, features[places], labels[places])
        counter = int(state.counter)
        return SleepingState(
            readout,
            memory,
            keep(state.kept, images, labels, counter=counter, seed=self.seed),
            state.counter + 1,
        )

    def sleep(self, state: SleepingState) -> SleepingState:
        """Learn from dreams of all known labels (and from kept images)."""
        known = int((self.memory.examples(state.memory) > 0).sum())
        if known == 0:
            return state
        steps = self.steps_per_label * known
        with torch.enable_grad():
            weights = ReadoutWeights(*(w.clone().requires_grad_(True) for w in state.readout))
            optimizer = torch.optim.AdamW(
                weights, lr=self.sleeping_rate, weight_decay=self.weight_decay
            )
            schedule = torch.optim.lr_scheduler.OneCycleLR(
                optimizer, self.sleeping_rate, total_steps=steps
            )
            for features, labels in self._night(state, steps):
                optimizer.zero_grad()
                functional.cross_entropy(readout_scores(weights, features), labels).backward()
                optimizer.step()
                schedule.step()
        scenes = -(-steps // BATCHES_A_SCENE)
        return state._replace(
            readout=ReadoutWeights(*(w.detach() for w in weights)),
            counter=state.counter + scenes,
        )

    def scores(self, state: SleepingState, images: Tensor) -> Tensor:
        """Score of each label for each image, ``[n, label]``."""
        return readout_scores(state.readout, self.eyes(images))

    def answer(self, state: SleepingState, images: Tensor) -> Tensor:
        """The label of each image, int64 ``[n]``, of all that there is room for."""
        return self.scores(state, images).argmax(1)

    def _step_down(
        self, readout: ReadoutWeights, features: Tensor, labels: Tensor
    ) -> ReadoutWeights:
        with torch.enable_grad():
            weights = ReadoutWeights(*(w.detach().requires_grad_(True) for w in readout))
            loss = functional.cross_entropy(readout_scores(weights, features), labels)
            gradients = torch.autograd.grad(loss, weights)
        moved = zip(readout, gradients, strict=True)
        return ReadoutWeights(*(w - self.waking_rate * gradient for w, gradient in moved))

    def _night(self, state: SleepingState, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
        """What is rehearsed, batch by batch."""
        mine = (state.kept.labels[0] >= 0).nonzero()[:, 0]
        of_kept = round(self.share_kept * self.sleeping_batch) if len(mine) else 0
        kept = self.eyes(state.kept.images[0, mine]) if of_kept else state.memory.mean.new_zeros(0)
        kept_labels = state.kept.labels[0, mine]
        dreamt = self.sleeping_batch - of_kept
        seed = torch.tensor([self.seed])
        for scene, first in enumerate(range(0, steps, BATCHES_A_SCENE)):
            counter = state.counter + scene
            batches = min(BATCHES_A_SCENE, steps - first)
            dreams = self.memory.dream(
                state.memory, None, max(1, dreamt * batches), counter, seed=self.seed
            )
            lots = counter_uniform(seed, counter, of_kept * batches)[0]
            chosen = (lots * len(mine)).to(torch.int64)
            for i in range(batches):
                dream = slice(i * dreamt, (i + 1) * dreamt)
                again = chosen[i * of_kept : (i + 1) * of_kept]
                features, labels = dreams.features[0, dream], dreams.labels[0, dream]
                if of_kept:
                    features = torch.cat([features, kept[again]])
                    labels = torch.cat([labels, kept_labels[again]])
                yield features, labels


def readout_scores(weights: ReadoutWeights, features: Tensor) -> Tensor:
    """Scores ``[n, label]`` of features ``[n, feature]`` by the read-out of one individual."""
    hidden = functional.linear(features, weights.hidden_weight[0], weights.hidden_bias[0]).relu()
    return functional.linear(hidden, weights.weight[0], weights.bias[0])
