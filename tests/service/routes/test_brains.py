"""Individuals: what may be left out at birth, and what is refused."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

NOBODY = "/v1/brains/" + "0" * 32


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (None, 201),
        ("{}", 201),
        ('{"name": "Ada", "seed": 9223372036854775807}', 201),
        ('{"model": "hasn-nano-digits"}', 201),
        ('{"model": "hasn"}', 404),
        ('{"name": ""}', 422),
        ('{"name": "\\u0000"}', 422),
        ('{"seed": -1}', 422),
        ('{"seed": 1.5}', 422),
        ('{"nome": "Ada"}', 422),
        ("null", 422),
    ],
)
def test_what_a_birth_takes(client: httpx.Client, content: str | None, status: int) -> None:
    headers = {"content-type": "application/json"} if content else {}
    answer = client.post("/v1/brains", content=content, headers=headers)
    assert answer.status_code == status
    if status == 201:
        assert client.get(answer.headers["location"]).json() == answer.json()


@pytest.mark.parametrize(
    "query",
    [{"limit": 0}, {"limit": 501}, {"limit": "x"}, {"after": "x"}, {"after": "-1"}],
)
def test_pages_are_asked_for_with_sense(
    client: httpx.Client, brain: str, query: dict[str, Any]
) -> None:
    for address in ("/v1/brains", f"{brain}/entries"):
        answer = client.get(address, params=query)
        assert answer.status_code == 422
        assert answer.json()["errors"]


@pytest.mark.parametrize("identity", ["0" * 31, "0" * 33, "A" * 32, "g" * 32])
def test_what_is_no_name_of_a_brain_is_refused(client: httpx.Client, identity: str) -> None:
    assert client.get(f"/v1/brains/{identity}").status_code == 422


def test_nobody_has_no_history(client: httpx.Client) -> None:
    assert client.get(f"{NOBODY}/entries").status_code == 404
    assert client.delete(NOBODY).status_code == 404
