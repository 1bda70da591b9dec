"""The state of a circuit: a value that can be kept, stored, resumed from and forked.

Every tensor has a leading axis of one individual, as states of cells have.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor


def zeros(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """A tensor of zeros that takes memory only where it is written to, as NumPy's do."""
    return torch.from_numpy(np.zeros(shape, np.float32 if dtype == torch.float32 else np.float64))


class ReceptorState(NamedTuple):
    """The linear pair of a receptor; see :mod:`neurallayers.dynamics.synapses.kinetics`."""

    x: Tensor  # [1, n], what is about to act; empty ([1, 0]) for kinetics of one variable
    y: Tensor  # [1, n], what acts, in the unit of the receptor


class PopulationState(NamedTuple):
    """State of a population."""

    neurons: Any  # the named tuple of the neurons' model, [1, n] each; empty for a source
    receptors: dict[str, ReceptorState]
    arrivals: Tensor  # [1, steps ahead, receptors, n], weights on their way; first: the next step


class CircuitState(NamedTuple):
    """State of a circuit: what it is doing, how old it is, and from where its noise goes on.

    Two runs from one state are the same, bit for bit; give a fork another ``noise_seed`` and only
    its noise differs.
    """

    step: Tensor  # int64 [1], steps lived
    noise_seed: Tensor  # int64 [1], key of all random numbers within steps
    populations: dict[str, PopulationState]
    projections: dict[str, dict[str, Tensor]]  # what plasticity remembers, by name
