"""The short way answers as the long way through the framework does."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from tests.service.running import Served

from neurallayers.data import load_digits
from neurallayers.service.express import Express

PICTURE = load_digits().test.images[0].tolist()


@pytest.fixture
def brain(served: Served) -> str:
    with served.client() as client:
        return str(client.post("/v1/brains").json()["id"])


def told(answer: httpx.Response) -> tuple[int, Any, dict[str, str]]:
    """What an answer says, without the name of the request and the time."""
    body = answer.json()
    body.pop("request_id", None)
    kept = {
        name: value
        for name, value in answer.headers.items()
        if name not in ("date", "x-request-id", "content-length")
    }
    return answer.status_code, body, kept


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("process", {"stimulus": PICTURE}, {}),
        ("process", {"stimulus": [[2.0] * 8] * 8}, {}),
        ("process", {"stimulus": [[0.0]]}, {}),
        ("process", {"unknown": 1}, {}),
        ("process", [], {}),
        ("learn", {"stimulus": PICTURE}, {}),
        ("learn", {"stimulus": PICTURE, "target": "x", "reward": 1}, {}),
        ("learn", {"stimulus": PICTURE, "target": "x"}, {"Idempotency-Key": "sp ace"}),
    ],
)
def test_both_ways_give_the_same_answer(
    served: Served,
    brain: str,
    path: str,
    body: Any,
    headers: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    express = served.edge.app
    assert isinstance(express, Express)
    with served.client(headers=headers) as client:
        url = f"/v1/brains/{brain}/{path}"
        short = told(client.post(url, json=body))
        nowhere = re.compile(r"\Z.")
        monkeypatch.setattr("neurallayers.service.express._ADDRESS", nowhere)
        assert told(client.post(url, json=body)) == short


def test_what_is_no_brain_goes_the_long_way(served: Served) -> None:
    with served.client() as client:
        answer = client.post("/v1/brains/nobody/process", json={"stimulus": PICTURE})
        assert answer.status_code == 422
        assert client.get("/v1/brains/" + "0" * 32 + "/process").status_code == 405
        missing = client.post("/v1/brains/" + "0" * 32 + "/process", json={"stimulus": PICTURE})
        assert missing.status_code == 404
