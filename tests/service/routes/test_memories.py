"""Memories over HTTP: kept, looked at, slept over, forgotten."""

from __future__ import annotations

import httpx
import pytest

BRIGHT = {"stimulus": [[1.0] * 8] * 8, "target": "bright", "who": "Bob", "where": "lab", "when": 7}


def test_a_lesson_is_remembered_with_its_circumstances(client: httpx.Client, brain: str) -> None:
    assert client.get(f"{brain}/memories").json() == {"episodes": [], "in_mind": [], "concepts": []}
    assert client.post(f"{brain}/learn", json={**BRIGHT, "pinned": True}).status_code == 200
    memories = client.get(f"{brain}/memories").json()
    episode = memories["episodes"][0]
    assert (episode["what"], episode["who"], episode["where"], episode["when"]) == (
        "bright",
        "Bob",
        "lab",
        7,
    )
    assert episode["picture"] == [[255] * 8] * 8
    assert memories["in_mind"][0]["what"] == "bright"
    thought = client.post(f"{brain}/process", json={"stimulus": BRIGHT["stimulus"]}).json()
    assert thought["recalled"][0]["entry"] == 1
    assert thought["alerts"] == []


def test_a_night_is_told_and_happens_once_for_a_key(client: httpx.Client, brain: str) -> None:
    client.post(f"{brain}/learn", json=BRIGHT)
    headers = {"Idempotency-Key": "night"}
    first, again = (client.post(f"{brain}/sleep", headers=headers) for _ in range(2))
    assert first.status_code == 200
    assert first.json() == again.json()
    assert first.json()["entry"] == 2
    assert set(first.json()["replayed"]) == {1}
    assert client.post(f"{brain}/sleep", json={"cycles": 2}).json()["entry"] == 3
    assert client.get(f"{brain}/memories").json()["concepts"][0]["what"] == "bright"


def test_episodes_are_forgotten_by_what_is_said_of_them(client: httpx.Client, brain: str) -> None:
    client.post(f"{brain}/learn", json=BRIGHT)
    url = f"{brain}/memories/forget"
    assert client.post(url, json={"who": "Eve"}).json() == {"entries": []}
    like = {"like": BRIGHT["stimulus"], "likeness": 0.99, "first": 7, "last": 7}
    assert client.post(url, json=like).json() == {"entries": [1]}
    assert client.get(f"{brain}/memories").json()["episodes"] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("memories/forget", {}),
        ("memories/forget", {"clock": "noon", "who": "Bob"}),
        ("memories/forget", {"first": 9, "last": 8}),
        ("memories/forget", {"likeness": 2.0, "who": "Bob"}),
        ("sleep", {"cycles": 0}),
        ("sleep", {"cycles": 21}),
        ("sleep", {"nights": 1}),
        ("process", {"stimulus": [[0.0] * 8] * 8, "who": "Bob"}),
        ("learn", {**BRIGHT, "when": -1}),
    ],
)
def test_what_makes_no_sense_is_refused(
    client: httpx.Client, brain: str, path: str, body: dict[str, object]
) -> None:
    refused = client.post(f"{brain}/{path}", json=body)
    assert refused.status_code == 422
    assert refused.json()["remedy"]
    assert client.get(brain).json()["sequence"] == 0


def test_nobody_has_no_memories(client: httpx.Client) -> None:
    assert client.get(f"/v1/brains/{'0' * 32}/memories").status_code == 404
    assert client.post(f"/v1/brains/{'0' * 32}/sleep").status_code == 404
