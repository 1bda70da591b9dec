"""Rules over HTTP: what is refused says where and why, and changes nothing."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

pytest.importorskip("z3")

BRIGHT = [[1.0] * 8] * 8
EVEN = "parity: even(x) <- digit(x, 0) | digit(x, 2) | digit(x, 4) | digit(x, 6) | digit(x, 8)"


def test_rules_are_taken_on_listed_and_given_up(client: httpx.Client, brain: str) -> None:
    assert client.get(f"{brain}/rules").json() == {"rules": []}
    told = client.post(f"{brain}/rules", json={"text": f"{EVEN}\nodd(x) <- !even(x)"})
    assert told.status_code == 200
    assert [rule["name"] for rule in told.json()["rules"]] == ["parity", "odd"]
    assert told.json()["rules"][0]["text"] == EVEN
    assert client.get(f"{brain}/rules").json() == told.json()
    assert client.get(brain).json()["sequence"] == 1
    needed = client.delete(f"{brain}/rules/parity")
    assert (needed.status_code, "Other rules need" in needed.json()["detail"]) == (422, True)
    left = client.delete(f"{brain}/rules/odd")
    assert [rule["name"] for rule in left.json()["rules"]] == ["parity"]
    assert client.delete(f"{brain}/rules/odd").status_code == 404


def test_conclusions_come_with_the_answer_and_its_reasons(client: httpx.Client, brain: str) -> None:
    client.post(f"{brain}/rules", json={"text": EVEN})
    thought = client.post(f"{brain}/process", json={"stimulus": BRIGHT}).json()
    (conclusion,) = thought["conclusions"]
    assert conclusion["statement"] == "even(It)"
    assert 0 <= conclusion["lower"] <= conclusion["upper"] <= 1
    many = client.post(f"{brain}/process-many", json={"stimuli": [BRIGHT]}).json()["thoughts"]
    assert many[0]["conclusions"] == thought["conclusions"]
    why = client.post(f"{brain}/explain", json={"stimulus": BRIGHT}).json()
    assert why["conclusions"][0]["statement"] == "even(It)"
    assert "rule parity" in why["conclusions"][0]["because"]
    assert "rule parity" in why["words"]


def test_what_is_not_even_is_odd(client: httpx.Client, brain: str) -> None:
    client.post(f"{brain}/rules", json={"text": f"{EVEN}\nodd(x) <- !even(x)"})
    thought = client.post(f"{brain}/process", json={"stimulus": BRIGHT}).json()
    degrees = {one["statement"]: one["lower"] for one in thought["conclusions"]}
    assert degrees["even(It)"] + degrees["odd(It)"] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("even(x) <- digit(x, ", "column"),
        ("even(x) <- digit(x, 12)", "12"),
        ('even(x) <- digit(x, "unheard")', "unheard"),
        (EVEN.replace("even", "other"), "already"),
        ("small(x) <- tiny(x)", "tiny"),
        ("near(x, y) <- digit(x, 1) & digit(y, 2)", "2 things"),
        (" ", ""),
        ("", ""),
    ],
)
def test_what_is_refused_says_why(client: httpx.Client, brain: str, text: str, said: str) -> None:
    client.post(f"{brain}/rules", json={"text": EVEN})
    refused = client.post(f"{brain}/rules", json={"text": text})
    assert refused.status_code == 422
    problem = refused.json()
    assert said in problem["detail"]
    assert problem["remedy"]
    assert [rule["name"] for rule in client.get(f"{brain}/rules").json()["rules"]] == ["parity"]
    assert client.get(brain).json()["sequence"] == 1


def test_rules_that_clash_are_named(client: httpx.Client, brain: str) -> None:
    client.post(f"{brain}/rules", json={"text": "one: odd(x) <- digit(x, 1)"})
    refused = client.post(f"{brain}/rules", json={"text": "two: !odd(x) <- digit(x, 1)"})
    assert refused.status_code == 422
    assert "clash" in refused.json()["detail"]
    assert {"one", "two"} <= set(
        refused.json()["detail"].replace(":", " ").replace(",", " ").split()
    )


@pytest.mark.parametrize("body", [{}, {"text": 1}, {"rules": EVEN}, {"text": "x" * 10_001}])
def test_the_body_is_checked(client: httpx.Client, brain: str, body: dict[str, Any]) -> None:
    assert client.post(f"{brain}/rules", json=body).status_code == 422


def test_the_same_request_is_done_once(client: httpx.Client, brain: str) -> None:
    ask = {"json": {"text": EVEN}, "headers": {"Idempotency-Key": "r"}}
    first = client.post(f"{brain}/rules", **ask)
    assert client.post(f"{brain}/rules", **ask).json() == first.json()
    remove = {"headers": {"Idempotency-Key": "d"}}
    assert client.delete(f"{brain}/rules/parity", **remove).json() == {"rules": []}
    assert client.delete(f"{brain}/rules/parity", **remove).json() == {"rules": []}
    assert client.get(brain).json()["sequence"] == 2


def test_nobody_heeds_nothing(client: httpx.Client) -> None:
    nobody = f"/v1/brains/{'0' * 32}/rules"
    assert client.get(nobody).status_code == 404
    assert client.post(nobody, json={"text": EVEN}).status_code == 404
    assert client.delete(f"{nobody}/parity").status_code == 404
