"""Minds in a service, against a small service with real sockets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.client.small_service import KEY, SmallService, listening
from typer.testing import Result

Invoke = Callable[..., Result]
ADA = f"{1:032x}"


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallService]:
    """One that listens where the environment says, with a brain called Ada."""
    service = SmallService()
    service.create({"name": "Ada"})
    with listening(service) as url:
        monkeypatch.setenv("NEURALLAYERS_URL", url)
        monkeypatch.setenv("NEURALLAYERS_API_KEY", KEY)
        yield service


@pytest.fixture
def told(invoke: Invoke, service: SmallService) -> Callable[..., Any]:
    """Call a command and read the JSON that it prints."""

    def call(command: str, *arguments: object) -> Any:
        result = invoke("brains", command, ADA, *arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return call


def test_a_brain_is_taught_by_somebody_and_sleeps_over_it(
    service: SmallService, invoke: Invoke, told: Callable[..., Any]
) -> None:
    told("teach", "cross", "digits:train:3", "--who", "Ben", "--where", "lab", "--when", 7, "--pin")
    sent = json.loads(next(body for _, url, _, body in service.asked if url.endswith("/learn")))
    assert (sent["who"], sent["where"], sent["when"], sent["pinned"]) == ("Ben", "lab", 7, True)
    assert told("sleep", "--cycles", 2)["replayed"] == [1, 1]
    shown = invoke("brains", "sleep", ADA).stdout
    assert "cross" in shown
    assert "4 times" in shown
    assert invoke("brains", "sleep", ADA, "--cycles", 0).exit_code == 2


@pytest.mark.parametrize(
    ("options", "entries"),
    [
        ([], [1, 2]),
        (["--who", "Ben"], [1]),
        (["--what", "cross"], [1, 2]),
        (["--where", "lab"], []),
        (["--first", 8], []),
        (["--first", 7, "--last", 7], [1, 2]),
        (["--first", 2, "--by-entry"], [2]),
    ],
)
def test_episodes_are_listed(
    invoke: Invoke, told: Callable[..., Any], options: list[object], entries: list[int]
) -> None:
    told("teach", "cross", "digits:train:3", "--who", "Ben")
    told("teach", "cross", "digits:train:4", "--who", "Eve")
    found = told("memories", *options)
    assert [one["entry"] for one in found["episodes"]] == entries
    assert found["concepts"][0]["what"] == "cross"
    shown = invoke("brains", "memories", ADA, *options)
    assert shown.exit_code == 0, shown.output
    assert ("concept" in shown.stdout) == (not options)


def test_episodes_are_forgotten(service: SmallService, told: Callable[..., Any]) -> None:
    told("teach", "cross", "digits:train:3", "--who", "Ben")
    told("teach", "cross", "digits:train:4", "--who", "Eve")
    assert told("memories", "--who", "Eve", "--forget")["forgotten"] == [2]
    assert [one["entry"] for one in told("memories")["episodes"]] == [1]
    told("memories", "--like", "digits:train:3", "--likeness", 0.5, "--forget")
    sent = json.loads(service.asked[-1][3])
    assert (sent["likeness"], len(sent["like"])) == (0.5, 8)


@pytest.mark.parametrize("options", [["--forget"], ["--like", "digits:1"], ["--by-entry"]])
def test_what_is_meant_must_be_clear(
    service: SmallService, invoke: Invoke, options: list[object]
) -> None:
    assert invoke("brains", "memories", ADA, *options).exit_code == 2
    assert service.asked == []


def test_rules_come_and_go(invoke: Invoke, told: Callable[..., Any]) -> None:
    assert told("rules")["rules"] == []
    added = told("rules", "--add", "a: b(x) <- digit(x, 1)", "--add", "c: d(x) <- digit(x, 2)")
    assert added["rules"] == ["a: b(x) <- digit(x, 1)", "c: d(x) <- digit(x, 2)"]
    assert told("rules", "--remove", "a")["rules"] == added["rules"][1:]
    assert "c: d(x)" in invoke("brains", "rules", ADA).stdout
    refused = invoke("brains", "rules", ADA, "--remove", "a")
    assert refused.exit_code == 1
    assert "no rule" in refused.stderr


def test_an_answer_is_explained(invoke: Invoke, told: Callable[..., Any]) -> None:
    assert "explanation" not in told("process", "digits:1")["answers"][0]
    assert told("process", "digits:1", "--explain")["answers"][0]["explanation"]["score"] == 1.5
    assert "scored 1.50" in invoke("brains", "process", ADA, "digits:1", "--explain").stdout


def test_circumstances_of_what_leaves_no_trace_are_refused(
    service: SmallService, invoke: Invoke
) -> None:
    refused = invoke("brains", "process", ADA, "digits:1", "--who", "Ben")
    assert refused.exit_code == 1
    assert "forgotten at once" in refused.stderr
    assert invoke("brains", "process", ADA, "digits:1", "--who", "Ben", "--stateful").exit_code == 0
    assert json.loads(service.asked[-1][3])["who"] == "Ben"
