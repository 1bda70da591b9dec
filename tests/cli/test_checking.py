"""What there is, what it is, and how this machine does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

from neurallayers import __version__
from neurallayers.brain import PRESETS, Brain, BrainSpec, preset
from neurallayers.research import RECIPES

Invoke = Callable[..., Result]


def test_without_a_name_everything_is_listed(invoke: Invoke) -> None:
    told = json.loads(invoke("info", "--json").stdout)
    assert told["presets"] == list(PRESETS)
    assert told["recipes"] == list(RECIPES)
    assert "mnist" in invoke("info").stdout


def test_an_anatomy_is_described_by_name_and_by_file(invoke: Invoke) -> None:
    named = json.loads(invoke("info", "hasn-nano", "--json").stdout)
    Path("anatomy.json").write_text(preset("hasn-nano").to_json(), encoding="utf-8")
    filed = json.loads(invoke("info", "anatomy.json", "--json").stdout)
    assert named["parameters"] == filed["parameters"]
    assert [region["region"] for region in named["regions"]] == [
        "sensory",
        "associative",
        "cerebrum",
    ]
    assert BrainSpec.from_dict(named["spec"]) == preset("hasn-nano")


def test_a_network_and_a_brain_are_described(invoke: Invoke, network: str) -> None:
    told = json.loads(invoke("info", network, "--json").stdout)
    assert told["is"] == "network"
    assert "entries" not in told
    invoke("teach", "home", "cross", "digits:train:3", "--network", network)
    told = json.loads(invoke("info", "home", "--json").stdout)
    assert (told["is"], told["entries"], told["lessons_kept"]) == ("brain", 1, 1)
    assert "cross" in told["labels"]
    file = Brain.from_pretrained(network).save("one.brain")
    assert json.loads(invoke("info", file, "--json").stdout)["entries"] == 0
    shown = invoke("info", "home").stdout
    assert "cerebrum" in shown
    assert "cross" in shown


def test_a_wrong_anatomy_names_the_field(invoke: Invoke) -> None:
    fields = preset("hasn-nano").to_dict()
    fields["regions"][0]["neurons"]["kind"] = "LIFF"
    Path("wrong.json").write_text(json.dumps(fields), encoding="utf-8")
    result = invoke("info", "wrong.json")
    assert result.exit_code == 1
    assert "regions[0].neurons.kind" in result.stderr


def test_an_unknown_name_is_refused_with_a_remedy(invoke: Invoke) -> None:
    result = invoke("info", "hasn-giant")
    assert result.exit_code == 1
    assert "What to do" in result.stderr


def test_the_machine_is_measured(invoke: Invoke) -> None:
    told = json.loads(invoke("bench", "--seconds", 0.1, "--json").stdout)
    assert told["same_bits_in_any_batch"] is True
    assert told["thoughts_per_second_in_batches"] > told["thoughts_per_second_alone"] > 0
    assert told["lessons_per_second"] > 0
    assert told["recorded"] == {}


def test_recorded_benchmarks_of_a_checkout_are_shown(invoke: Invoke) -> None:
    folder = Path("benchmarks/results")
    folder.mkdir(parents=True)
    document = {"command": "make bench NAME=digits", "results": {"accuracy": 0.984, "raw": [1]}}
    (folder / "digits.json").write_text(json.dumps(document), encoding="utf-8")
    (folder / "broken.json").write_text("{", encoding="utf-8")
    result = invoke("bench", "--seconds", 0.1)
    assert result.exit_code == 0, result.output
    assert "make bench NAME=digits" in result.stdout
    assert "0.984" in result.stdout
    assert "broken.json cannot be read" in result.stderr


def test_the_version_is_printed(invoke: Invoke) -> None:
    assert invoke("version").stdout.strip() == __version__
    assert json.loads(invoke("version", "--json").stdout)["neurallayers"] == __version__
