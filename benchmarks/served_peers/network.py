"""The network that the peers serve: ours, from rest, with one life for everybody."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from neurallayers.brain import Brain, think
from neurallayers.senses import as_images

MODEL = "hasn-nano-digits"
LARGEST_BATCH = 64
LEVELS = 16.0


class Stateless:
    """Images in, scores out; nothing is remembered."""

    def __init__(self) -> None:
        brain = Brain.from_pretrained(MODEL)
        self._network = brain.network
        self._state = brain.life.state
        self._shape = brain.network.spec.sense.shape
        # Kernels are compiled and caches are filled before anybody measures.
        self.scores(torch.zeros(LARGEST_BATCH, 8, 8))

    def scores(self, images: Tensor | np.ndarray) -> Tensor:
        """Scores ``[batch, classes]`` of grey images ``[batch, 8, 8]`` in 0..16."""
        grey = torch.as_tensor(images, dtype=torch.float32) / LEVELS
        return think(self._network, self._state, as_images(grey, self._shape)).scores
