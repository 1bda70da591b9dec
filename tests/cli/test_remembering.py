"""Sleeping, remembering and heeding rules, as one asks for it in a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from neurallayers.brain import Brain

Invoke = Callable[..., Result]


@pytest.fixture
def home(invoke: Invoke, network: str) -> str:
    """The folder of a brain that two people taught."""
    first = ("digits:train:3", "digits:train:4", "--network", network)
    told = ("--who", "Ada", "--where", "lab", "--when", "7", "--pin")
    assert invoke("teach", "home", "cross", *first, *told).exit_code == 0
    assert invoke("teach", "home", "ring", "digits:train:5", "--who", "Ben").exit_code == 0
    return "home"


@pytest.fixture
def told(invoke: Invoke, home: str) -> Callable[..., Any]:
    """Call a command on the brain and read the JSON that it prints."""

    def call(command: str, *arguments: object) -> Any:
        result = invoke(command, home, *arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return call


def test_what_was_told_is_remembered(invoke: Invoke, told: Callable[..., Any]) -> None:
    first, second, third = told("memories")["episodes"]
    assert (first["entry"], first["what"], first["where"]) == (1, "cross", "lab")
    assert (first["when"], first["who"]) == (7, "Ada")
    assert (second["entry"], second["who"]) == (2, "Ada")
    assert (third["what"], third["where"], third["who"]) == ("ring", None, "Ben")
    assert all(0 <= one["importance"] <= 1 for one in (first, second, third))
    assert {one["what"] for one in told("memories")["in_mind"]} <= {"cross", "ring"}
    shown = invoke("memories", "home").stdout
    for word in ("cross", "ring", "lab", "Ada", "Ben", "importance", "in mind"):
        assert word in shown


@pytest.mark.parametrize(
    ("options", "entries"),
    [
        (["--who", "Ada"], [1, 2]),
        (["--what", "ring"], [3]),
        (["--what", "cross", "--who", "Ben"], []),
        (["--where", "lab", "--last", 7], [1, 2]),
        (["--first", 2, "--last", 3, "--by-entry"], [2, 3]),
        (["--like", "digits:train:5", "--likeness", 0.999], [3]),
    ],
)
def test_those_that_are_meant_are_listed_or_forgotten(
    invoke: Invoke, told: Callable[..., Any], options: list[object], entries: list[int]
) -> None:
    assert [one["entry"] for one in told("memories", *options)["episodes"]] == entries
    with Brain.open("home") as brain:
        assert len(brain.memory) == 3
    shown = invoke("memories", "home", *options)
    assert ("no such episode" in shown.stderr) == (not entries)
    assert told("memories", *options, "--forget")["forgotten"] == entries
    with Brain.open("home") as brain:
        assert [one.entry for one in brain.memory] == [n for n in (1, 2, 3) if n not in entries]


def test_what_is_forgotten_is_said(invoke: Invoke, home: str) -> None:
    assert "1, 2" in invoke("memories", home, "--who", "Ada", "--forget").stdout
    assert "no such episode" in invoke("memories", home, "--who", "Ada", "--forget").stdout


@pytest.mark.parametrize("options", [["--forget"], ["--by-entry", "--who", "Ada"], ["--first", -1]])
def test_what_is_meant_must_be_clear(invoke: Invoke, home: str, options: list[object]) -> None:
    assert invoke("memories", home, *options).exit_code == 2
    with Brain.open(home) as brain:
        assert len(brain.memory) == 3


def test_a_network_remembers_nothing_and_cannot_forget(invoke: Invoke, network: str) -> None:
    result = invoke("memories", network)
    assert result.exit_code == 0
    assert "remembers no episode" in result.stderr
    assert result.stdout == ""
    assert invoke("memories", network, "--who", "Ada", "--forget").exit_code == 1


def test_a_night_is_an_entry_that_says_what_came_back(
    invoke: Invoke, told: Callable[..., Any]
) -> None:
    night = told("sleep", "--cycles", 2)
    assert night["entry"] == 4
    assert set(night["replayed"]) <= {1, 2, 3}
    assert [one["what"] for one in told("memories")["concepts"]] != []
    shown = invoke("sleep", "home").stdout
    for words in ("replayed", "cross", "entry of the night", "concepts"):
        assert words in shown
    assert "bit for bit" in invoke("replay", "home").stdout
    assert "concept" in invoke("memories", "home").stdout


def test_a_night_without_a_day_says_so(invoke: Invoke, network: str) -> None:
    Brain.open("home", network).close()
    result = invoke("sleep", "home")
    assert result.exit_code == 0, result.output
    assert "nothing to replay" in result.stderr


@pytest.mark.parametrize("command", ["sleep", "rules", "memories"])
def test_nobody_is_born_to_sleep(invoke: Invoke, command: str) -> None:
    change = {"sleep": [], "rules": ["--remove", "x"], "memories": ["--who", "x", "--forget"]}
    result = invoke(command, "nowhere", *change[command])
    assert result.exit_code == 1
    assert "No brain lives in nowhere" in result.stderr
    assert not Path("nowhere").exists()


def test_rules_are_taken_on_listed_and_given_up(invoke: Invoke, told: Callable[..., Any]) -> None:
    pytest.importorskip("z3")
    even = "parity: even(x) <- digit(x, 0) | digit(x, 2)"
    assert told("rules")["rules"] == []
    assert told("rules", "--add", even, "--add", "odd(x) <- !even(x)")["rules"] == [
        even,
        "odd: odd(x) <- !even(x)",
    ]
    assert even in invoke("rules", "home").stdout
    shown = invoke("ask", "home", "digits:2", "digits:3")
    assert "rules say" in shown.stdout
    assert "brings to mind" in shown.stdout
    assert "even(It)" in invoke("ask", "home", "digits:2", "--explain").stdout
    refused = invoke("rules", "home", "--remove", "parity")
    assert refused.exit_code == 1
    assert "need 'parity'" in refused.stderr
    assert told("rules", "--remove", "odd")["rules"] == [even]
    new = "parity: even(x) <- digit(x, 4)"
    assert told("rules", "--remove", "parity", "--add", new)["rules"] == [new]
    assert told("rules", "--remove", "parity")["rules"] == []
    assert "no rules" in invoke("rules", "home").stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--remove", "old", "--add", "even(x) <- digit(x,"], "position|line|column"),
        (["--remove", "old", "--add", 'even(x) <- digit(x, "unheard")'], "unheard"),
        (["--remove", "old", "--remove", "older"], "older"),
        (["--remove", "old", "--add", "a: b(x) <- digit(x, 1)\na: c(x) <- digit(x, 1)"], "already"),
    ],
    ids=["syntax", "class", "name", "twice"],
)
def test_refused_rules_leave_all_as_it_was(
    invoke: Invoke, told: Callable[..., Any], options: list[object], said: str
) -> None:
    pytest.importorskip("z3")
    old = told("rules", "--add", "old: even(x) <- digit(x, 2)")["rules"]
    result = invoke("rules", "home", *options)
    assert result.exit_code == 1
    assert "What to do" in result.stderr
    assert told("rules")["rules"] == old
