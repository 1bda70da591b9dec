"""Moments: pages, names, and keys of returning."""

from __future__ import annotations

import httpx

BRIGHT = {"stimulus": [[1.0] * 8] * 8, "target": "bright"}


def test_moments_come_in_pages(client: httpx.Client, brain: str) -> None:
    url = f"{brain}/snapshots"
    assert client.post(url).json()["name"] is None
    for name in ("one", "two"):
        assert client.post(url, json={"name": name}).status_code == 201
    first = client.get(url, params={"limit": 2}).json()
    second = client.get(url, params={"limit": 2, "after": first["next"]}).json()
    names = [one["name"] for one in first["snapshots"] + second["snapshots"]]
    assert names == ["two", "one", None]
    assert second["next"] is None
    assert client.get(f"/v1/brains/{'0' * 32}/snapshots").status_code == 404
    for wrong in ({"name": ""}, {"name": "x" * 101}, {"names": "x"}):
        assert client.post(url, json=wrong).status_code == 422


def test_the_same_request_returns_once(client: httpx.Client, brain: str) -> None:
    kept = client.post(f"{brain}/snapshots").json()["id"]
    client.post(f"{brain}/learn", json=BRIGHT)
    for sequence in (2, 2):
        back = client.post(f"{brain}/snapshots/{kept}/restore", headers={"Idempotency-Key": "back"})
        assert back.json()["sequence"] == sequence
        assert "bright" not in back.json()["labels"]
