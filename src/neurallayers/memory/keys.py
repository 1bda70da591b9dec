r"""Keys: the vectors by which memories are found, and how alike two of them are.

A key is whatever a brain or a program uses to find something again: the spike counts of a region,
the vector of a sentence, a picture laid flat. Likeness is the cosine of the angle between two keys,

.. math:: \cos(a, b) = \frac{a \cdot b}{|a| \, |b|},

which does not depend on how strong they are; a key of zeros is like nothing (0).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from neurallayers.errors import InvalidInput, ShapeMismatch


def cosine_similarity(keys: Tensor, cue: Tensor) -> Tensor:
    """Cosine between each key and the cue of its row, in [-1, 1]; 0 where one of them is zero.

    Args:
        keys: ``[*batch, n, size]``.
        cue: ``[*batch, size]``.

    Returns:
        ``[*batch, n]``. A row's bits do not depend on the other rows (no matrix product is used).

    >>> cosine_similarity(torch.tensor([[[2.0, 0.0], [0.0, 0.0]]]), torch.tensor([[1.0, 0.0]]))
    tensor([[1., 0.]])
    """
    return (unit(keys) * unit(cue).unsqueeze(-2)).sum(-1).clamp(-1.0, 1.0)


def unit(vectors: Tensor) -> Tensor:
    """Vectors scaled to length one; zero vectors stay zero, and their gradient finite.

    They are divided by their largest component first, so that neither very large nor very small
    vectors overflow or vanish in the squares.
    """
    largest = vectors.detach().abs().amax(-1, keepdim=True)
    scaled = vectors / torch.where(largest > 0, largest, 1.0)
    squares = (scaled * scaled).sum(-1, keepdim=True)
    length = torch.where(squares > 0, squares, 1.0).sqrt()
    return scaled / length


def sharpened(similarity: Tensor, held: Tensor, sharpness: float) -> Tensor:
    """Softmax of ``sharpness * similarity`` over what is held; zeros where nothing is held.

    Args:
        similarity: ``[*batch, n]``.
        held: bool ``[*batch, n]``, which of them take part.
        sharpness: Inverse temperature, beta.

    >>> sharpened(torch.tensor([[0.5, 0.5]]), torch.tensor([[True, False]]), 8.0)
    tensor([[1., 0.]])
    """
    lowest = torch.finfo(similarity.dtype).min
    masked = torch.where(held, similarity, lowest)
    top = masked.amax(-1, keepdim=True)
    weights = torch.where(held, torch.exp(sharpness * (similarity - top)), 0.0)
    total = weights.sum(-1, keepdim=True)
    return weights / torch.where(total > 0, total, 1.0)


def checked_vectors(name: str, vectors: Any, *shape: int | None) -> Tensor:
    """Refuse what is not a finite floating tensor of this shape (None: any length).

    Raises:
        ShapeMismatch: If the shape is another one.
        InvalidInput: If it is no floating tensor or holds nan or infinity.
    """
    if not isinstance(vectors, Tensor) or not vectors.is_floating_point():
        kind = vectors.dtype if isinstance(vectors, Tensor) else type(vectors).__name__
        raise InvalidInput(f"{name} is {kind}.", "Pass a floating-point tensor.")
    wanted = tuple("any" if length is None else length for length in shape)
    if vectors.ndim != len(shape) or any(
        length not in (None, found) for length, found in zip(shape, vectors.shape, strict=True)
    ):
        raise ShapeMismatch(
            f"{name} has shape {tuple(vectors.shape)}, expected {wanted}.",
            "Put the batch axis first; add it with unsqueeze(0) for one individual.",
        )
    if not bool(vectors.isfinite().all()):
        raise InvalidInput(f"{name} holds nan or infinity.", "Pass finite numbers.")
    return vectors


def checked_mask(mask: Any, shape: tuple[int, ...]) -> Tensor:
    """Refuse what is not a bool tensor of this shape.

    Raises:
        InvalidInput: If it is not bool.
        ShapeMismatch: If it has another shape.
    """
    if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
        kind = mask.dtype if isinstance(mask, Tensor) else type(mask).__name__
        raise InvalidInput(f"The mask is {kind}.", "Pass a bool tensor.")
    if mask.shape != shape:
        raise ShapeMismatch(
            f"The mask has shape {tuple(mask.shape)}, expected {shape}.",
            "One truth value a slot; the selectors of the memory give such.",
        )
    return mask


def checked_slots(slots: Any, shape: tuple[int | None, ...], count: int) -> Tensor:
    """Refuse what is not an int64 tensor of this shape (None: any length) of slots or -1.

    Raises:
        ShapeMismatch: If the shape is another one.
        InvalidInput: If it is not int64 or a slot does not exist.
    """
    if not isinstance(slots, Tensor) or slots.dtype != torch.int64:
        kind = slots.dtype if isinstance(slots, Tensor) else type(slots).__name__
        raise InvalidInput(f"The slots are {kind}.", "Pass an int64 tensor.")
    if slots.ndim != len(shape) or any(
        length not in (None, found) for length, found in zip(shape, slots.shape, strict=True)
    ):
        wanted = tuple("any" if length is None else length for length in shape)
        raise ShapeMismatch(
            f"The slots have shape {tuple(slots.shape)}, expected {wanted}.",
            "Put the batch axis first.",
        )
    if bool(((slots < -1) | (slots >= count)).any()):
        raise InvalidInput(
            f"The slots are {slots.tolist()}.", f"They are -1 (none) or 0 to {count - 1}."
        )
    return slots


def checked_number(
    name: str, value: Any, least: float, most: float = float("inf"), *, open_: bool = False
) -> float:
    """Refuse what is not a number between two bounds (``open_``: larger than the lower one).

    Raises:
        InvalidInput: With the name, the value and the bounds.
    """
    bounds = f"{'over' if open_ else 'at least'} {least:g}" + (
        "" if most == float("inf") else f" and at most {most:g}"
    )
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not least <= value <= most or (open_ and value == least):
        raise InvalidInput(f"{name} is {value!r}.", f"It must be a number {bounds}.")
    if value == float("inf"):
        raise InvalidInput(f"{name} is infinite.", "It must be finite.")
    return float(value)


def checked_count(name: str, value: Any, least: int = 1) -> int:
    """Refuse what is not a whole number of at least ``least``.

    Raises:
        InvalidInput: With the name and the value.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise InvalidInput(f"{name} is {value!r}.", f"It must be a whole number >= {least}.")
    return value
