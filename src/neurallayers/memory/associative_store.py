"""A memory that grows: keys without a bound on their number, for use outside of a brain's state.

It is a container like a list: adding changes it. What is stored with a key stays with the caller,
in a list of his own, say; keys are numbered from 0 in the order in which they came.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from neurallayers.errors import InvalidInput
from neurallayers.memory.keys import checked_count, checked_number, checked_vectors, unit

_FIRST_ROOM = 64


class Found(NamedTuple):
    """The keys most like each query, best first."""

    ids: Tensor  # int64 [queries, most]; -1 where fewer are held
    similarity: Tensor  # [queries, most], cosine; 0 where fewer are held
    weights: Tensor  # [queries, most], softmax of sharpness times cosine over all that are held
    pattern: Tensor  # [queries, key_size], the keys (at length one) in that mixture


class AssociativeStore:
    """Keys that are found again by likeness; see the module.

    Args:
        key_size: Length of a key.
        sharpness: Inverse temperature of the weights.

    Raises:
        InvalidInput: If an option is out of range.

    >>> store = AssociativeStore(2)
    >>> store.add(torch.tensor([[1.0, 0.0], [0.0, 2.0]]))
    tensor([0, 1])
    >>> store.recall(torch.tensor([[0.1, 0.9]]), most=1).ids
    tensor([[1]])
    """

    def __init__(self, key_size: int, *, sharpness: float = 32.0) -> None:
        self.key_size = checked_count("key_size", key_size)
        self.sharpness = checked_number("sharpness", sharpness, 0.0, open_=True)
        self._keys = torch.zeros(_FIRST_ROOM, self.key_size)
        self._held = torch.zeros(_FIRST_ROOM, dtype=torch.bool)
        self._next = 0

    def __len__(self) -> int:
        return int(self._held.sum())

    def add(self, keys: Tensor) -> Tensor:
        """Store keys ``[n, key_size]``.

        Returns:
            Their numbers, int64 ``[n]``; a number is never given twice.

        Raises:
            ShapeMismatch: If the keys have another length.
            InvalidInput: If one is not finite.
        """
        keys = checked_vectors("keys", keys, None, self.key_size)
        first, end = self._next, self._next + len(keys)
        room = len(self._keys)
        if end > room:
            grown = max(end, 2 * room) - room
            self._keys = torch.cat([self._keys, torch.zeros(grown, self.key_size)])
            self._held = torch.cat([self._held, torch.zeros(grown, dtype=torch.bool)])
        self._keys[first:end] = unit(keys.detach().to(self._keys))
        self._held[first:end] = True
        self._next = end
        return torch.arange(first, end)

    def recall(self, queries: Tensor, most: int = 3) -> Found:
        """The keys most like each query ``[n, key_size]``; of equals, the older first.

        Raises:
            ShapeMismatch: If the queries have another length.
            InvalidInput: If one is not finite or ``most`` not positive.
        """
        most = checked_count("most", most)
        queries = checked_vectors("queries", queries, None, self.key_size).to(self._keys)
        numbers = self._held.nonzero()[:, 0]
        count = len(queries)
        if not len(numbers) or not count:
            nothing = torch.zeros(count, most)
            return Found(
                torch.full((count, most), -1), nothing, nothing.clone(), torch.zeros_like(queries)
            )
        keys = self._keys[numbers]
        similarity = (unit(queries) @ keys.T).clamp(-1.0, 1.0)
        weights = torch.softmax(self.sharpness * similarity, -1)
        best = similarity.sort(dim=-1, descending=True, stable=True).indices[:, :most]
        missing = (0, most - best.shape[1])
        pad = torch.nn.functional.pad
        return Found(
            pad(numbers[best], missing, value=-1),
            pad(similarity.gather(1, best), missing),
            pad(weights.gather(1, best), missing),
            weights @ keys,
        )

    def forget(self, ids: Tensor) -> None:
        """Erase these keys; what is already gone is passed over.

        Raises:
            InvalidInput: If the numbers are not int64 or were never given.
        """
        if ids.dtype != torch.int64 or bool(((ids < 0) | (ids >= self._next)).any()):
            raise InvalidInput(f"ids is {ids}.", f"Pass int64 numbers from 0 to {self._next - 1}.")
        self._held[ids] = False
        self._keys[ids] = 0.0
