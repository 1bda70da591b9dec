"""What an episode is, what a memory of them holds, and what it answers."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.memory.keys import checked_vectors


class Episode(NamedTuple):
    """One experience to be stored; a number stands for all rows of the batch."""

    key: Tensor  # [batch, key_size], by what it is found
    content: Tensor  # [batch, *content_shape], what was perceived
    what: Tensor | int = -1  # [batch], the caller's number of a thing or class; -1: not said
    where: Tensor | int = -1  # [batch], of a place
    when: Tensor | int = -1  # [batch], of a time, in the caller's unit
    who: Tensor | int = -1  # [batch], of a source
    entry: Tensor | int = 0  # [batch], number in the journal; -1: nothing to store in this row
    surprise: Tensor | float = 0.0  # [batch], bits
    importance: Tensor | float = 0.5  # [batch], 0 to 1
    pinned: Tensor | bool = False  # [batch], never to be displaced or pruned


class Episodes(NamedTuple):
    """State of an :class:`EpisodicMemory`."""

    keys: Tensor  # [batch, slots, key_size]
    content: Tensor  # [batch, slots, *content_shape]
    what: Tensor  # int64 [batch, slots]; -1: not said, as in the next three
    where: Tensor  # int64 [batch, slots]
    when: Tensor  # int64 [batch, slots]
    who: Tensor  # int64 [batch, slots]
    entry: Tensor  # int64 [batch, slots], journal number; -1: a free slot
    surprise: Tensor  # [batch, slots], bits
    importance: Tensor  # [batch, slots], 0 to 1
    strength: Tensor  # [batch, slots], 1 when stored; 0 in a free slot
    recalled: Tensor  # int64 [batch, slots], how often it was reinforced
    touched: Tensor  # int64 [batch, slots], time when it was last stored or reinforced
    pinned: Tensor  # bool [batch, slots]


class Recollections(NamedTuple):
    """The episodes most like a cue, best first, and the cue completed by all of them."""

    slots: Tensor  # int64 [batch, most]; -1 where fewer are held
    entries: Tensor  # int64 [batch, most]; -1 where fewer are held
    weights: Tensor  # [batch, most], softmax of sharpness times cosine over all that are held
    similarity: Tensor  # [batch, most], cosine; 0 where fewer are held
    pattern: Tensor  # [batch, key_size], one step of modern Hopfield retrieval; 0 where none


class Placement(NamedTuple):
    """What storing an episode does."""

    slot: Tensor  # int64 [batch], where it goes or what it strengthens; -1: it is not stored
    evicted: Tensor  # int64 [batch], entry of the episode that it displaces; -1: none
    merged: Tensor  # bool [batch], it strengthens a near duplicate instead of taking a slot


def checked_episode(
    episode: Episode,
    key_shape: tuple[int, int],
    content_shape: tuple[int, ...],
    content_dtype: torch.dtype,
) -> Episode:
    """The episode with every part checked and one value a row.

    Args:
        episode: What is to be stored.
        key_shape: Rows and length of a key.
        content_shape: Shape of the content of a row.
        content_dtype: How content is stored.

    Raises:
        ShapeMismatch: If a part has another shape.
        InvalidInput: If a number is not finite or out of range, or of the wrong kind.
    """
    rows = key_shape[0]
    importance = column("importance", episode.importance, rows, torch.float32)
    if bool(((importance < 0) | (importance > 1)).any()):
        raise InvalidInput(f"importance is {importance.tolist()}.", "It must be in [0, 1].")
    surprise = column("surprise", episode.surprise, rows, torch.float32)
    if bool((surprise < 0).any()):
        raise InvalidInput(f"surprise is {surprise.tolist()}.", "Bits are at least 0.")
    return Episode(
        key=checked_vectors("key", episode.key, *key_shape),
        content=_checked_content(episode.content, (rows, *content_shape), content_dtype),
        what=column("what", episode.what, rows, torch.int64),
        where=column("where", episode.where, rows, torch.int64),
        when=column("when", episode.when, rows, torch.int64),
        who=column("who", episode.who, rows, torch.int64),
        entry=column("entry", episode.entry, rows, torch.int64),
        surprise=surprise,
        importance=importance,
        pinned=column("pinned", episode.pinned, rows, torch.bool),
    )


def _checked_content(content: Any, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    if not isinstance(content, Tensor) or content.shape != shape:
        found = tuple(content.shape) if isinstance(content, Tensor) else type(content).__name__
        raise ShapeMismatch(
            f"The content is {found}, expected {shape}.",
            "Put the batch axis first, or set content_shape.",
        )
    if content.is_floating_point() and not bool(content.isfinite().all()):
        raise InvalidInput("The content holds nan or infinity.", "Pass finite numbers.")
    if not torch.can_cast(content.dtype, dtype) or (
        dtype == torch.uint8 and content.dtype != torch.uint8
    ):
        raise InvalidInput(
            f"The content is {content.dtype}, the memory stores {dtype}.",
            "Convert it yourself, as that loses something, or set content_dtype.",
        )
    return content


def column(name: str, value: Tensor | float | bool, rows: int, dtype: torch.dtype) -> Tensor:
    """One value a row, of a number or of a tensor ``[batch]``.

    Raises:
        ShapeMismatch: If there is another number of values.
        InvalidInput: If the value is not of the kind or not finite.
    """
    if not isinstance(value, Tensor | int | float | bool):
        raise InvalidInput(
            f"{name} is a {type(value).__name__}.", "Pass a number or a tensor [batch]."
        )
    column = torch.as_tensor(value)
    if column.is_floating_point() and not dtype.is_floating_point:
        raise InvalidInput(f"{name} is {column.dtype}.", f"It must be {dtype}.")
    if dtype == torch.bool and column.dtype != torch.bool:
        raise InvalidInput(f"{name} is {column.dtype}.", "It must be bool.")
    if column.ndim == 0:
        column = column.expand(rows)
    if column.shape != (rows,):
        raise ShapeMismatch(
            f"{name} has shape {tuple(column.shape)}, expected ({rows},).",
            "Pass one value a row of the batch, or one number for all.",
        )
    if not bool(column.isfinite().all()):
        raise InvalidInput(f"{name} holds nan or infinity.", "Pass finite numbers.")
    return column.to(dtype)


def wide(mask: Tensor, like: Tensor) -> Tensor:
    """The mask with as many trailing axes as ``like``."""
    return mask.reshape(*mask.shape, *([1] * (like.ndim - mask.ndim)))
