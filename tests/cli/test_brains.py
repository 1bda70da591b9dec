"""The commands of ``neurallayers brains``, against a small service with real sockets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from tests.client.small_service import KEY, Mishap, SmallService, listening
from typer.testing import CliRunner, Result

from neurallayers.cli import app
from neurallayers.cli.brains import brains
from neurallayers.client import Client
from neurallayers.data import load_digits

Invoke = Callable[..., Result]
ROOT = Path(__file__).resolve().parent.parent.parent
REFERENCE = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
GROUP = typer.main.get_group(brains)
COMMANDS = sorted(GROUP.commands)
PROMISED = {"list", "create", "show", "process", "teach", "forget", "delete", "watch"} | {
    "snapshot",
    "snapshots",
    "restore",
    "sleep",
    "memories",
    "rules",
}
ADA = f"{1:032x}"


@pytest.fixture
def service(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallService]:
    """One that listens where the environment says, with a brain called Ada."""
    service = SmallService()
    service.page = 50
    service.create({"name": "Ada"})
    with listening(service) as url:
        monkeypatch.setenv("NEURALLAYERS_URL", url)
        monkeypatch.setenv("NEURALLAYERS_API_KEY", KEY)
        yield service


@pytest.fixture
def told(invoke: Invoke) -> Callable[..., Any]:
    """Call a command and read the JSON that it prints."""

    def call(*arguments: object) -> Any:
        result = invoke("brains", *arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return call


def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the client try again at once."""
    monkeypatch.setattr(
        "neurallayers.cli.brains.connected",
        lambda url, key: Client(url, key, sleep=lambda seconds: None),
    )


def test_the_promised_commands_are_there() -> None:
    assert set(COMMANDS) == PROMISED


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_and_is_in_the_reference(command: str) -> None:
    result = CliRunner().invoke(app, ["brains", command, "--help"])
    shown = re.sub(r"\x1b\[[0-9;]*m", "", result.stdout)
    assert result.exit_code == 0
    assert f"neurallayers brains {command}" in shown.partition("Examples")[2]
    assert f"`{command}`" in REFERENCE.partition("## Brains in a service")[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_described_and_every_command_takes_the_same(command: str) -> None:
    parameters = {parameter.name: parameter for parameter in GROUP.commands[command].params}
    for name, parameter in parameters.items():
        assert getattr(parameter, "help", None), f"{command} {name} has no help"
    assert {"url", "key", "as_json"} <= set(parameters)


def test_help_shows_places_in_data_sets_as_they_are() -> None:
    shown = CliRunner().invoke(app, ["brains", "teach", "--help"]).stdout
    assert shown.count("digits:train:") == 2


@pytest.mark.usefixtures("service")
def test_brains_are_created_listed_and_shown(invoke: Invoke, told: Callable[..., Any]) -> None:
    born = told("create", "--name", "Ben", "--model", "small", "--seed", 7)
    assert born["name"] == "Ben"
    assert [brain["name"] for brain in told("list")["brains"]] == ["Ada", "Ben"]
    assert len(told("list", "--limit", 1)["brains"]) == 1
    assert told("show", born["id"])["labels"] == ["0", "1"]
    listed, shown = invoke("brains", "list"), invoke("brains", "show", born["id"])
    assert ADA in listed.stdout  # an id is never broken into lines
    assert "Ben" in shown.stdout
    assert "knows" in shown.stdout


def test_a_brain_is_asked_with_the_images_that_were_named(
    service: SmallService, invoke: Invoke, told: Callable[..., Any]
) -> None:
    np.save("seven.npy", np.full((8, 8), 200, dtype=np.uint8))
    answers = told("process", ADA, "digits:12", "seven.npy")["answers"]
    assert [answer["image"] for answer in answers] == ["digits:12", "seven.npy"]
    assert answers[0]["label"] == "0"
    sent = [json.loads(body) for _, url, _, body in service.asked if url.endswith("/process")]
    assert sent[0]["stimulus"] == load_digits().test.images[12].tolist()
    assert (sent[1]["stimulus"][0][0], sent[1]["maximum"]) == (200, 255.0)
    assert "stateful" not in sent[0]
    assert "75.0%" in invoke("brains", "process", ADA, "digits:12").stdout
    assert told("process", ADA, "digits:12", "--stateful")["answers"][0]["entry"] == 1


def test_a_brain_is_taught_several_images(
    service: SmallService, invoke: Invoke, told: Callable[..., Any]
) -> None:
    taught = told("teach", ADA, "cross", "digits:train:3", "digits:train:4")
    assert [lesson["entry"] for lesson in taught["lessons"]] == [1, 2]
    assert taught["labels"] == ["0", "1", "cross"]
    again = invoke("brains", "teach", ADA, "cross", "digits:train:3")
    assert "knows" in again.stdout
    assert service.lessons(ADA) == ["cross"] * 3  # two calls are two lessons


def test_an_image_that_cannot_be_read_teaches_nothing(
    service: SmallService, invoke: Invoke
) -> None:
    result = invoke("brains", "teach", ADA, "cross", "digits:train:3", "missing.png")
    assert result.exit_code == 1
    assert "missing.png" in result.stderr
    assert service.lessons(ADA) == []


def test_teaching_that_was_interrupted_goes_on_without_teaching_twice(
    service: SmallService, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_waiting(monkeypatch)
    images = [f"digits:train:{number}" for number in range(4)]
    # Two questions first, then two lessons; the third is taught and its answer lost, five times.
    service.mishaps.extend([Mishap.NOTHING] * 4 + [Mishap.BROKEN_AFTER] * 5)
    result = invoke("brains", "teach", ADA, "cross", *images)
    assert result.exit_code == 1
    assert "2 of 4 lessons are known to be taught" in result.stderr
    assert "Whether it was done is not known" in result.stderr
    name = re.search(r"--once (\w+)", result.stderr)
    assert name is not None
    again = invoke("brains", "teach", ADA, "cross", *images, "--once", name[1], "--json")
    assert [lesson["entry"] for lesson in json.loads(again.stdout)["lessons"]] == [1, 2, 3, 4]
    assert service.lessons(ADA) == ["cross"] * 4


@pytest.mark.usefixtures("service")
def test_lessons_and_classes_are_forgotten(invoke: Invoke, told: Callable[..., Any]) -> None:
    told("teach", ADA, "cross", "digits:train:3", "digits:train:4", "digits:train:5")
    assert told("forget", ADA, "--entry", 1, "--entry", 3)["id"] == ADA
    assert told("forget", ADA, "--label", "cross")["labels"] == ["0", "1"]
    missing = invoke("brains", "forget", ADA, "--entry", 9)
    assert missing.exit_code == 1
    assert "What to do" in missing.stderr
    assert missing.stdout == ""


@pytest.mark.parametrize("arguments", [[], ["--label", "a", "--entry", 1], ["--entry", 0]])
def test_what_to_forget_must_be_clear(
    service: SmallService, invoke: Invoke, arguments: list[object]
) -> None:
    assert invoke("brains", "forget", ADA, *arguments).exit_code == 2
    assert service.asked == []


@pytest.mark.usefixtures("service")
def test_a_moment_is_kept_listed_and_returned_to(invoke: Invoke, told: Callable[..., Any]) -> None:
    kept = told("snapshot", ADA, "--name", "before")
    assert told("snapshots", ADA)["snapshots"] == [kept]
    assert "before" in invoke("brains", "snapshots", ADA).stdout
    assert "s1" in invoke("brains", "snapshot", ADA).stdout
    assert told("restore", ADA, kept["id"])["sequence"] == 1
    assert invoke("brains", "restore", ADA, "s9").exit_code == 1


def test_deleting_asks_first(service: SmallService, invoke: Invoke) -> None:
    runner = CliRunner()
    refused = runner.invoke(app, ["brains", "delete", ADA], input="n\n")
    assert refused.exit_code == 1
    assert "Delete Ada (small, 0 entries)" in refused.stderr
    assert invoke("brains", "delete", ADA).exit_code == 1  # nobody is there to answer
    assert ADA in service.brains
    assert runner.invoke(app, ["brains", "delete", ADA], input="y\n").exit_code == 0
    assert service.brains == {}


def test_deleting_with_yes_does_not_ask(service: SmallService, told: Callable[..., Any]) -> None:
    assert told("delete", ADA, "--yes") == {"deleted": ADA}
    assert service.brains == {}


def test_events_are_shown_as_they_come(service: SmallService, invoke: Invoke) -> None:
    seen = {"sequence": 1, "label": "0", "confidence": 0.5, "target": "cross"}
    service.events = (
        b"event: lesson\ndata: " + json.dumps(seen).encode() + b"\n\n"
        b'event: restored\ndata: {"sequence": 2, "labels": ["0", "1"]}\n\n'
        b'event: deleted\ndata: {"sequence": 3}\n\n'
    )
    shown = invoke("brains", "watch", ADA)
    assert shown.exit_code == 0, shown.output
    lines = shown.stdout.splitlines()
    assert lines[0].split() == ["1", "lesson", "0", "50.0%", "taught:", "cross"]
    assert lines[1].split() == ["2", "restored", "knows", "0,", "1"]
    assert "Watching" in shown.stderr
    limited = invoke("brains", "watch", ADA, "--count", 1, "--json")
    (line,) = limited.stdout.splitlines()
    assert json.loads(line)["target"] == "cross"


@pytest.mark.usefixtures("service")
def test_a_wrong_key_ends_in_1_and_says_what_to_do(invoke: Invoke) -> None:
    result = invoke("brains", "list", "--key", "wrong")
    assert result.exit_code == 1
    assert "The key is wrong" in result.stderr
    assert result.stdout == ""


def test_without_a_service_it_says_how_to_start_one(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_waiting(monkeypatch)
    with listening(SmallService()) as url:
        pass  # nobody listens there any more
    result = invoke("brains", "list", "--url", url)
    assert result.exit_code == 1
    assert "neurallayers serve" in result.stderr
    assert invoke("brains", "list", "--url", "nonsense").exit_code == 1
