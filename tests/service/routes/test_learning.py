"""Teaching: what of a lesson is checked before it is learned."""

from __future__ import annotations

import io
from typing import Any

import httpx
import pytest
from PIL import Image

BRIGHT = [[1.0] * 8] * 8
PNG = {"content-type": "image/png"}


def file() -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (8, 8), 200).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"target": "x", "reward": 1.0},
        {"target": ""},
        {"target": " "},
        {"target": "a\nb"},
        {"target": "x" * 201},
        {"target": 7},
        {"reward": "good"},
        {"reward": 1001},
        {"reward": None, "target": None},
    ],
)
def test_a_lesson_says_one_thing(client: httpx.Client, brain: str, wrong: dict[str, Any]) -> None:
    answer = client.post(f"{brain}/learn", json={"stimulus": BRIGHT, **wrong})
    assert answer.status_code == 422
    assert client.get(brain).json()["sequence"] == 0


def test_a_file_is_taught_by_the_query(client: httpx.Client, brain: str) -> None:
    url = f"{brain}/learn"
    taught = client.post(url, params={"target": "grey"}, content=file(), headers=PNG)
    assert taught.json()["entry"] == 1
    rewarded = client.post(url, params={"reward": "0.5"}, content=file(), headers=PNG)
    assert rewarded.json()["entry"] == 2
    for query in ({}, {"reward": "nan"}, {"reward": "much"}, {"target": "x", "invert": "maybe"}):
        assert client.post(url, params=query, content=file(), headers=PNG).status_code == 422
    known = client.get(f"{brain}/entries").json()["entries"]
    assert [one["content"] for one in known] == [{"target": "grey"}, {"reward": 0.5}]


def test_a_key_is_of_the_whole_request(client: httpx.Client, brain: str) -> None:
    key = {"Idempotency-Key": "k"}
    ask = {"content": file(), "headers": {**PNG, **key}}
    first = client.post(f"{brain}/learn", params={"target": "a"}, **ask)
    assert first.status_code == 200
    other = client.post(f"{brain}/learn", params={"target": "b"}, **ask)
    assert other.json()["type"] == "urn:neurallayers:problem:idempotency-key-reused"
    label = client.post(f"{brain}/forget", json={"label": "a"}, headers=key)
    assert label.status_code == 422


def test_a_lesson_that_was_forgotten_is_not_answered_again(
    client: httpx.Client, brain: str
) -> None:
    def ask() -> httpx.Response:
        body = {"stimulus": BRIGHT, "target": "x"}
        return client.post(f"{brain}/learn", json=body, headers={"Idempotency-Key": "k"})

    entry = ask().json()["entry"]
    assert client.post(f"{brain}/forget", json={"entries": [entry]}).status_code == 200
    assert ask().status_code == 409


@pytest.mark.parametrize("wrong", [{"entries": []}, {"entries": [0]}, {"entries": ["1"]}])
def test_what_to_forget_is_checked(client: httpx.Client, brain: str, wrong: dict[str, Any]) -> None:
    assert client.post(f"{brain}/forget", json=wrong).status_code == 422


def test_a_lesson_says_who_where_and_when(client: httpx.Client, brain: str) -> None:
    told = {"where": "lab", "when": 7, "who": "Ben", "pinned": True}
    body = {"stimulus": BRIGHT, "target": "wall"}
    client.post(f"{brain}/learn", json={**body, **told})
    client.post(f"{brain}/learn", json={**body, "pinned": False})
    first, second = client.get(f"{brain}/entries").json()["entries"]
    assert first["content"] == {"target": "wall", "context": told}
    assert second["content"] == {"target": "wall"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"who": ""},
        {"who": "a\nb"},
        {"where": "x" * 201},
        {"when": -1},
        {"when": 0.5},
        {"pinned": 1},
    ],
)
def test_circumstances_are_checked(client: httpx.Client, brain: str, wrong: dict[str, Any]) -> None:
    body = {"stimulus": BRIGHT, "target": "wall", **wrong}
    assert client.post(f"{brain}/learn", json=body).status_code == 422
    assert client.get(brain).json()["sequence"] == 0
