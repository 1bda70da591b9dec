"""Memories and nights over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

BRIGHT = [[1.0] * 8] * 8
DARK = [[0.0] * 8] * 8
HALF = [[1.0] * 4 + [0.0] * 4] * 8


@pytest.fixture
def taught(client: httpx.Client, brain: str) -> str:
    """The address of a brain that was taught three times."""
    for stimulus, what, who in (
        (BRIGHT, "wall", "Ben"),
        (HALF, "edge", "Ben"),
        (HALF, "edge", None),
    ):
        body: dict[str, Any] = {"stimulus": stimulus, "target": what}
        body |= {} if who is None else {"who": who, "where": "lab", "when": 7, "pinned": True}
        assert client.post(f"{brain}/learn", json=body).status_code == 200
    return brain


def test_what_was_taught_is_remembered(client: httpx.Client, taught: str) -> None:
    told = client.get(f"{taught}/memories").json()
    first, second, third = told["episodes"]
    assert (first["entry"], first["what"], first["where"], first["when"]) == (1, "wall", "lab", 7)
    assert first["picture"] == [[255] * 8] * 8
    assert second["picture"] == [[255] * 4 + [0] * 4] * 8
    assert (third["who"], third["where"], third["when"]) == (None, None, 3)
    assert all(
        0 <= one["importance"] <= 1 and one["surprise_bits"] >= 0 for one in told["episodes"]
    )
    assert told["in_mind"][0]["entry"] in (2, 3)
    assert told["concepts"] == []


def test_what_is_remembered_comes_to_mind(client: httpx.Client, taught: str) -> None:
    thought = client.post(f"{taught}/process", json={"stimulus": BRIGHT}).json()
    assert thought["recalled"][0]["entry"] == 1
    assert thought["recalled"][0]["likeness"] > 0.99
    assert thought["alerts"] == []


def test_a_newborn_remembers_nothing(client: httpx.Client, brain: str) -> None:
    nothing = {"episodes": [], "in_mind": [], "concepts": []}
    assert client.get(f"{brain}/memories").json() == nothing
    assert client.post(f"{brain}/process", json={"stimulus": BRIGHT}).json()["recalled"] == []


@pytest.mark.parametrize(
    ("which", "entries"),
    [
        ({"who": "Ben"}, [1, 2]),
        ({"what": "edge"}, [2, 3]),
        ({"what": "edge", "who": "Ben"}, [2]),
        ({"where": "lab", "first": 7, "last": 7}, [1, 2]),
        ({"first": 2, "clock": "entry"}, [2, 3]),
        ({"like": BRIGHT, "likeness": 0.9}, [1]),
        ({"who": "nobody"}, []),
    ],
)
def test_episodes_are_forgotten(
    client: httpx.Client, taught: str, which: dict[str, Any], entries: list[int]
) -> None:
    answer = client.post(f"{taught}/memories/forget", json=which)
    assert answer.status_code == 200
    assert answer.json() == {"entries": entries}
    left = [one["entry"] for one in client.get(f"{taught}/memories").json()["episodes"]]
    assert left == [entry for entry in (1, 2, 3) if entry not in entries]
    # The lesson stays.
    assert {"wall", "edge"} <= set(client.get(taught).json()["labels"])


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"clock": "entry"},
        {"who": ""},
        {"who": "a\nb"},
        {"first": -1},
        {"first": 3, "last": 1},
        {"first": 1.5},
        {"who": "Ben", "clock": "sun"},
        {"who": "Ben", "likeness": 2},
        {"like": [[0.5]]},
        {"whom": "Ben"},
    ],
)
def test_what_to_forget_is_checked(client: httpx.Client, brain: str, wrong: dict[str, Any]) -> None:
    assert client.post(f"{brain}/memories/forget", json=wrong).status_code == 422
    assert client.get(brain).json()["sequence"] == 0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("sleep", {"nights": 1}),
        ("process", {"stimulus": BRIGHT, "who": "Ben"}),
        ("learn", {"stimulus": BRIGHT, "target": "wall", "when": -1}),
        ("learn", {"stimulus": BRIGHT, "target": "wall", "pinned": "yes"}),
    ],
)
def test_what_makes_no_sense_is_refused(
    client: httpx.Client, brain: str, path: str, body: dict[str, Any]
) -> None:
    refused = client.post(f"{brain}/{path}", json=body)
    assert refused.status_code == 422
    assert refused.json()["remedy"]
    assert client.get(brain).json()["sequence"] == 0


def test_a_night_is_told_and_recorded(client: httpx.Client, taught: str) -> None:
    night = client.post(f"{taught}/sleep", json={"cycles": 1}).json()
    assert night["entry"] == 4
    assert set(night["replayed"]) <= {1, 2, 3}
    told = client.get(f"{taught}/memories").json()
    assert {one["what"] for one in told["concepts"]} == {"wall", "edge"}
    assert told["in_mind"] == []
    entries = client.get(f"{taught}/entries").json()["entries"]
    assert (entries[-1]["kind"], entries[-1]["content"]) == ("sleep", {"cycles": 1})
    assert client.post(f"{taught}/sleep").json()["entry"] == 5  # four cycles when nothing is said


@pytest.mark.parametrize("cycles", [0, 21, -1, 1.5, "4", None])
def test_the_length_of_a_night_is_checked(client: httpx.Client, brain: str, cycles: Any) -> None:
    assert client.post(f"{brain}/sleep", json={"cycles": cycles}).status_code == 422


def test_the_same_request_is_done_once(client: httpx.Client, taught: str) -> None:
    key = {"Idempotency-Key": "n"}
    first = client.post(f"{taught}/sleep", json={"cycles": 1}, headers=key).json()
    assert client.post(f"{taught}/sleep", json={"cycles": 1}, headers=key).json() == first
    other = client.post(f"{taught}/sleep", json={"cycles": 2}, headers=key)
    assert other.json()["type"] == "urn:neurallayers:problem:idempotency-key-reused"
    forget = {"json": {"who": "Ben"}, "headers": {"Idempotency-Key": "f"}}
    gone = client.post(f"{taught}/memories/forget", **forget).json()
    assert gone["entries"] != []
    assert client.post(f"{taught}/memories/forget", **forget).json() == gone
    assert client.get(taught).json()["sequence"] == 5


def test_a_lesson_that_never_was_is_not_remembered(client: httpx.Client, taught: str) -> None:
    client.post(f"{taught}/forget", json={"entries": [1]})
    episodes = client.get(f"{taught}/memories").json()["episodes"]
    assert [one["entry"] for one in episodes] == [2, 3]


def test_nobody_remembers_nothing(client: httpx.Client) -> None:
    nobody = f"/v1/brains/{'0' * 32}"
    assert client.get(f"{nobody}/memories").status_code == 404
    assert client.post(f"{nobody}/sleep").status_code == 404
    assert client.post(f"{nobody}/memories/forget", json={"who": "x"}).status_code == 404
