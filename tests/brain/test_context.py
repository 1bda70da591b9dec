"""Circumstances are checked before a journal keeps them."""

from __future__ import annotations

import pytest
import torch

from neurallayers.brain.context import as_context
from neurallayers.errors import InvalidInput


def test_only_what_is_said_is_kept() -> None:
    assert as_context() == {}
    assert as_context(who="Ada", pinned=True) == {"who": "Ada", "pinned": True}
    assert as_context(where="lab", when=torch.tensor(12)) == {"where": "lab", "when": 12}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"who": ""}, "who is ''"),
        ({"who": 7}, "who is '7'"),
        ({"where": "a\nb"}, "where"),
        ({"where": "x" * 201}, "where"),
        ({"when": -1}, "when is -1"),
        ({"when": 1.5}, "when is 1.5"),
        ({"when": True}, "when is True"),
        ({"when": 2**60}, "when"),
        ({"pinned": 1}, "pinned is 1"),
    ],
)
def test_what_makes_no_sense_is_refused(said: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        as_context(**said)  # type: ignore[arg-type]
