"""Individuals at rest in one batch, made from what of them survives rest.

A thought from rest needs what an individual learned and how its neurons are regulated, not the
activity of its last moment. Only the former is kept at hand and copied into a batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from neurallayers.brain.exactness import padded
from neurallayers.brain.network import BrainNetwork, BrainState
from neurallayers.errors import InvalidInput
from neurallayers.state import map_state, tensors


class Resting:
    """What survives rest in the states of a network.

    Args:
        network: The network.
    """

    def __init__(self, network: BrainNetwork) -> None:
        state = network.initial_state(1)
        self._rest = network.rest(state)
        # What rest clears is a new tensor, what it leaves alone is the very same one.
        self._lasting = [
            before is after
            for before, after in zip(tensors(state), tensors(self._rest), strict=True)
        ]

    def lasting(self, state: BrainState) -> tuple[Tensor, ...]:
        """The tensors of a state that survive rest, one row each."""
        return tuple(
            tensor for tensor, lasts in zip(tensors(state), self._lasting, strict=True) if lasts
        )

    def together(self, rows: Sequence[tuple[Tensor, ...]]) -> BrainState:
        """The states of individuals at rest in whole tiles of 16 rows.

        Args:
            rows: What :meth:`lasting` gave for each; all with room for as many classes.

        Returns:
            One row for each individual, the first one repeated to fill the last tile.

        Raises:
            InvalidInput: If there is none.
        """
        if not rows:
            raise InvalidInput("There is no individual.", "Give at least one.")
        count = padded(len(rows))
        filled = [*rows, *([rows[0]] * (count - len(rows)))]
        columns = iter(zip(*filled, strict=True))
        lasts = iter(self._lasting)

        def join(rest: Tensor) -> Tensor:
            if next(lasts):
                return torch.cat(next(columns))
            return rest.expand(count, *rest.shape[1:])

        return map_state(join, self._rest)
