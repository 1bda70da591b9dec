"""Rules over HTTP: taken on, heeded, explained, refused by name, given up."""

from __future__ import annotations

import httpx

DARK = {"stimulus": [[0.0] * 8] * 8}
PARITY = "parity: even(x) <- digit(x, 0) | digit(x, 2) | digit(x, 4) | digit(x, 6) | digit(x, 8)"


def test_rules_are_heeded_and_explained(client: httpx.Client, brain: str) -> None:
    assert client.get(f"{brain}/rules").json() == {"rules": []}
    added = client.post(f"{brain}/rules", json={"text": f"{PARITY}\nodd(x) <- !even(x)"})
    assert added.status_code == 200, added.text
    assert [rule["name"] for rule in added.json()["rules"]] == ["parity", "odd"]
    thought = client.post(f"{brain}/process", json=DARK).json()
    degrees = {one["statement"]: one["lower"] for one in thought["conclusions"]}
    assert abs(degrees["even(It)"] + degrees["odd(It)"] - 1.0) < 1e-6
    reasons = client.post(f"{brain}/explain", json=DARK).json()
    assert reasons["label"] == thought["label"]
    assert "rule parity" in reasons["conclusions"][0]["because"]
    assert "rule parity" in reasons["words"]
    total = reasons["bias"] + sum(reasons["regions"].values()) + reasons["earlier"]
    assert abs(total - reasons["score"]) < 1e-3


def test_clashes_and_mistakes_are_named_and_change_nothing(
    client: httpx.Client, brain: str
) -> None:
    url = f"{brain}/rules"
    client.post(url, json={"text": PARITY})
    for text, words in (
        ("never: !even(x) <- digit(x, 2)", "parity and never clash"),
        ("even(x) <- digit(x", "column"),
        ("round(x) <- digit(x, 11)", "no class '11'"),
        ("parity: even(x) <- digit(x, 2)", "'parity' already"),
    ):
        refused = client.post(url, json={"text": text})
        assert refused.status_code == 422
        assert words in refused.json()["detail"]
    assert len(client.get(url).json()["rules"]) == 1


def test_a_rule_is_given_up_once(client: httpx.Client, brain: str) -> None:
    client.post(f"{brain}/rules", json={"text": PARITY})
    headers = {"Idempotency-Key": "gone"}
    for _ in range(2):
        gone = client.delete(f"{brain}/rules/parity", headers=headers)
        assert gone.json() == {"rules": []}
    assert client.delete(f"{brain}/rules/parity").status_code == 422
    assert client.get(brain).json()["sequence"] == 2


def test_only_a_class_that_is_known_is_explained(client: httpx.Client, brain: str) -> None:
    assert client.post(f"{brain}/explain", json={**DARK, "label": "7"}).json()["label"] == "7"
    assert client.post(f"{brain}/explain", json={**DARK, "label": "z"}).status_code == 422
    assert client.post(f"{brain}/explain", json={"stimulus": [[2.0]]}).status_code == 422
