"""Stimuli on their way to the batch: one image each, whatever a caller sends."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
import torch
from tests.service.engine.company import key

from neurallayers.errors import InvalidInput
from neurallayers.service.engine.work import (
    Errand,
    Happen,
    Stimulus,
    Think,
    numbers_together,
)
from neurallayers.service.failures import KeyReused

GREY, COLOUR = (4, 4), (4, 4, 3)
LEVELS = np.arange(16, dtype=np.float64).reshape(4, 4)


def test_white_is_what_the_caller_says() -> None:
    expected = torch.tensor(LEVELS / 16).float()[None, ..., None]
    assert torch.equal(Stimulus(LEVELS, 16).prepared(GREY), expected)
    assert torch.equal(Stimulus(LEVELS.tolist(), 16).prepared(GREY), expected)
    assert torch.equal(Stimulus(LEVELS / 16).prepared(GREY), expected)
    assert torch.equal(Stimulus(LEVELS, 16, invert=True).prepared(GREY), 1 - expected)


def test_bytes_count_to_255() -> None:
    bytes_ = np.full((4, 4), 255, dtype=np.uint8)
    assert torch.equal(Stimulus(bytes_).prepared(GREY), torch.ones(1, 4, 4, 1))
    assert torch.equal(Stimulus(bytes_, 255).prepared(GREY), torch.ones(1, 4, 4, 1))


def test_another_size_is_fitted_when_asked() -> None:
    large = np.kron(LEVELS / 16, np.ones((3, 3)))
    fitted = Stimulus(large, fit=True).prepared(GREY)
    assert fitted.shape == (1, 4, 4, 1)
    assert torch.allclose(fitted.mean(), torch.tensor(LEVELS / 16).float().mean(), atol=0.02)
    with pytest.raises(InvalidInput, match="shape"):
        Stimulus(large).prepared(GREY)


def test_colours_become_what_the_network_sees() -> None:
    red = np.zeros((8, 8, 3))
    red[..., 0] = 1.0
    luma = torch.full((1, 4, 4, 1), 0.299)
    assert torch.allclose(Stimulus(red, fit=True).prepared(GREY), luma)
    red_bytes = (red * 255).astype(np.uint8)
    assert torch.allclose(Stimulus(red_bytes, fit=True).prepared(GREY), luma)
    assert Stimulus(red, fit=True).prepared(COLOUR).mean((0, 1, 2)).tolist() == [1, 0, 0]
    grey = Stimulus(np.full((8, 8), 0.5), fit=True).prepared(COLOUR)
    assert grey.unique().tolist() == [0.5]


@pytest.mark.parametrize("options", [{}, {"maximum": 16.0}, {"fit": True}, {"invert": True}])
@pytest.mark.parametrize(
    "image",
    [
        None,
        {},
        [],
        [[]],
        "dog",
        b"\x89PNG",
        [["a"] * 4] * 4,
        [[None] * 4] * 4,
        [[1.0] * 4] * 3 + [[1.0]],
        [[float("nan")] * 4] * 4,
        [[float("inf")] * 4] * 4,
        [[1e300] * 4] * 4,
        [[10**400] * 4] * 4,
        [[-1.0] * 4] * 4,
        [[1j] * 4] * 4,
        np.zeros((2, 4, 4)),
        np.zeros((4, 4, 4)),
        np.zeros((2, 4, 4, 1)),
        np.zeros((0, 4, 4)),
        np.zeros((4, 4, 2)),
        np.zeros((4, 0)),
        pytest.param(object(), id="an object"),
        3.0,
    ],
    ids=lambda image: repr(image)[:30].replace("\n", " "),
)
def test_what_is_no_single_image_is_refused(image: Any, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        Stimulus(image, **options).prepared(GREY)


def test_the_wrong_one_of_many_is_named() -> None:
    loop = asyncio.new_event_loop()
    right, wrong = Stimulus(LEVELS / 16), Stimulus([[1.0]])
    many = Think(
        future=loop.create_future(), deadline=0, brain_id="a", stimuli=(right, wrong), many=True
    )
    assert many.rows == 2
    with pytest.raises(InvalidInput, match=r"^Stimulus 1: "):
        many.images(GREY)
    many.stimuli = (right, right, right)
    assert many.images(GREY).shape == (3, 4, 4, 1)
    one = Think(future=loop.create_future(), deadline=0, brain_id="a", stimuli=(wrong,))
    with pytest.raises(InvalidInput, match=r"^The images"):
        one.images(GREY)
    loop.close()


def asked(*stimuli: Stimulus) -> list[Think]:
    """As many works; nobody waits for them."""
    return [
        Think(future=None, deadline=0, brain_id="a", stimuli=(one,))  # type: ignore[arg-type]
        for one in stimuli
    ]


def test_numbers_checked_together_are_those_of_each() -> None:
    whole = [Stimulus((LEVELS / 16).tolist()), Stimulus(LEVELS.tolist(), 16.0)]
    whole += [Stimulus(np.eye(4, dtype=int).tolist()), Stimulus([[255, 0, 7, 9]] * 4, 255)]
    together = numbers_together(asked(*whole), GREY)
    assert together is not None
    assert torch.equal(together, torch.cat([one.prepared(GREY) for one in whole]))


@pytest.mark.parametrize(
    "odd",
    [
        [[float("nan")] * 4] * 4,
        [[17.0] * 4] * 4,
        [[1e300] * 4] * 4,
        [[10**400] * 4] * 4,
        [["0.5"] * 4] * 4,
        [[None] * 4] * 4,
        [[0.5] * 4] * 3,
        [[0.5] * 4] * 3 + [[0.5]],
        [[[0.5] * 4] * 4] * 4,
        [],
        "dog",
        np.zeros((4, 4)),
    ],
    ids=lambda odd: repr(odd)[:20],
)
def test_with_anything_odd_among_them_each_is_looked_at_by_itself(odd: Any) -> None:
    right = Stimulus((LEVELS / 16).tolist())
    assert numbers_together(asked(right, Stimulus(odd)), GREY) is None
    assert numbers_together(asked(Stimulus(odd, 16.0), right), GREY) is None
    assert numbers_together(asked(right, Stimulus(LEVELS.tolist(), 16.0, fit=True)), GREY) is None


def test_everything_else_is_one_row() -> None:
    loop = asyncio.new_event_loop()
    future = loop.create_future()
    assert Happen(future=future, deadline=0, brain_id="a", kind="lesson").rows == 1
    assert Errand(future=future, deadline=0, brain_id="a", do=print).rows == 1
    loop.close()


def test_a_key_belongs_to_one_request() -> None:
    request = key("k", "this")
    request.check(key("k", "this").digest)
    with pytest.raises(KeyReused, match="'k'"):
        request.check(key("k", "that").digest)
