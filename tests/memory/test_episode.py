"""What may be stored as an episode, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.memory.episode import Episode, checked_episode, column, wide

GOOD: dict[str, Any] = {"key": torch.ones(2, 3), "content": torch.ones(2, 4)}


def checked(dtype: torch.dtype = torch.float32, **parts: Any) -> Episode:
    return checked_episode(Episode(**{**GOOD, **parts}), (2, 3), (4,), dtype)


def test_a_number_stands_for_all_rows() -> None:
    episode = checked(what=3, surprise=2, importance=torch.tensor(0.25), pinned=True)
    assert torch.equal(torch.as_tensor(episode.what), torch.tensor([3, 3]))
    assert torch.equal(torch.as_tensor(episode.surprise), torch.tensor([2.0, 2.0]))
    assert torch.equal(torch.as_tensor(episode.importance), torch.tensor([0.25, 0.25]))
    assert torch.equal(torch.as_tensor(episode.pinned), torch.tensor([True, True]))
    assert torch.equal(torch.as_tensor(episode.who), torch.tensor([-1, -1]))


@pytest.mark.parametrize(
    ("parts", "error", "word"),
    [
        ({"key": torch.ones(2, 4)}, ShapeMismatch, "key"),
        ({"key": torch.full((2, 3), float("inf"))}, InvalidInput, "key"),
        ({"content": torch.ones(2, 5)}, ShapeMismatch, "content"),
        ({"content": [1.0]}, ShapeMismatch, "list"),
        ({"content": torch.full((2, 4), float("nan"))}, InvalidInput, "nan"),
        ({"what": torch.ones(2)}, InvalidInput, "what"),
        ({"what": 1.5}, InvalidInput, "what"),
        ({"when": "now"}, InvalidInput, "when is a str"),
        ({"who": torch.ones(3, dtype=torch.int64)}, ShapeMismatch, "who"),
        ({"importance": 1.1}, InvalidInput, "importance"),
        ({"importance": float("nan")}, InvalidInput, "importance"),
        ({"surprise": -1.0}, InvalidInput, "surprise"),
        ({"pinned": 1}, InvalidInput, "pinned"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_what_makes_no_sense_is_refused(
    parts: dict[str, Any], error: type[Exception], word: str
) -> None:
    with pytest.raises(error, match=word):
        checked(**parts)


def test_content_is_never_rounded_in_silence() -> None:
    image = torch.full((2, 4), 255, dtype=torch.uint8)
    assert checked(torch.uint8, content=image).content.dtype == torch.uint8
    assert checked(torch.float32, content=image).content.dtype == torch.uint8
    for lossy in (torch.ones(2, 4), torch.full((2, 4), 300)):
        with pytest.raises(InvalidInput, match="content_dtype"):
            checked(torch.uint8, content=lossy)


def test_columns_and_masks_take_their_shape() -> None:
    assert column("what", 3, 2, torch.int64).tolist() == [3, 3]
    assert wide(torch.ones(2, 3), torch.ones(2, 3, 4, 5)).shape == (2, 3, 1, 1)
