"""Training and measuring from the command line."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from neurallayers.brain import Brain, load_pretrained, preset
from neurallayers.data import load_digits
from neurallayers.training import evaluate

Invoke = Callable[..., Result]


def test_a_recipe_is_followed_measured_and_saved(invoke: Invoke) -> None:
    result = invoke("train", "hasn-nano-digits", "--epochs", 1, "--out", "mine", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    measured = evaluate(load_pretrained("mine"), load_digits().test).accuracy
    assert told["accuracy"] == measured
    assert told["epochs"] == 1
    assert f"| accuracy | {measured} |" in Path("mine/README.md").read_text(encoding="utf-8")
    assert sorted(path.name for path in Path("mine").iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
    ]


def test_without_a_folder_the_network_is_not_kept_and_it_says_so(invoke: Invoke) -> None:
    result = invoke("train", "hasn-nano-digits", "--epochs", 1, "--threads", 1)
    assert result.exit_code == 0, result.output
    assert "accuracy" in result.stdout
    assert "--out" in result.stderr


def test_an_anatomy_of_your_own_is_trained(invoke: Invoke) -> None:
    spec = preset("hasn-nano")
    Path("anatomy.yaml").write_text(spec.to_yaml(), encoding="utf-8")
    result = invoke("train", "--spec", "anatomy.yaml", "--epochs", 1, "--out", "mine", "--json")
    assert result.exit_code == 0, result.output
    assert load_pretrained("mine").spec == spec


def test_an_anatomy_that_does_not_fit_the_data_is_refused(invoke: Invoke) -> None:
    Path("large.yaml").write_text(preset("hasn-micro").to_yaml(), encoding="utf-8")
    result = invoke("train", "--spec", "large.yaml", "--data", "digits")
    assert result.exit_code == 1
    assert "sense.shape to [8, 8]" in result.stderr
    few = preset("hasn-nano", labels=("a", "b"))
    Path("few.yaml").write_text(few.to_yaml(), encoding="utf-8")
    result = invoke("train", "--spec", "few.yaml")
    assert result.exit_code == 1
    assert "2 labels, digits has 10 classes" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [[], ["hasn-nano-digits", "--spec", "a.yaml"], ["hasn-nano-digits", "--resume"]],
)
def test_what_cannot_be_meant_is_a_wrong_call(invoke: Invoke, arguments: list[str]) -> None:
    assert invoke("train", *arguments).exit_code == 2


def test_an_interrupted_training_goes_on_to_the_same_weights(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The package's name fit is the function; its module goes by the full name only.
    fitting = importlib.import_module("neurallayers.training.fit")
    whole = ["train", "hasn-nano-digits", "--epochs", 2, "--threads", 1]
    invoke(*whole, "--out", "whole")
    told = vars(fitting)["_tell"]

    def stop(reporters: object, record: object, on_epoch: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fitting, "_tell", stop)
    stopped = invoke(*whole, "--out", "parts")
    assert stopped.exit_code == 130
    assert not Path("parts/config.json").exists()
    monkeypatch.setattr(fitting, "_tell", told)
    assert invoke(*whole, "--out", "parts", "--resume").exit_code == 0
    assert load_pretrained("parts").fingerprint() == load_pretrained("whole").fingerprint()


def test_a_network_is_measured_on_held_out_images(invoke: Invoke, network: str) -> None:
    result = invoke("evaluate", network, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["images"] == 360
    assert told["accuracy"] == evaluate(load_pretrained(network), load_digits().test).accuracy
    wrong = sum(pair["times"] for pair in told["confused"])
    assert wrong <= round(360 * (1 - told["accuracy"]))
    assert set(told["per_class"]) == {str(digit) for digit in range(10)}


def test_the_measure_is_shown_as_tables(invoke: Invoke, network: str) -> None:
    shown = invoke("evaluate", network, "--part", "test").stdout
    assert "accuracy" in shown
    assert "answered" in shown
    assert invoke("evaluate", network, "--part", "other").exit_code == 2


def test_a_brain_is_measured_with_what_it_learned(invoke: Invoke, network: str) -> None:
    ones = load_digits().train.of_classes([1]).images
    with Brain.open("home", network) as brain:
        for image in ones[:3]:
            brain.learn(image, "a stroke")
    told = json.loads(invoke("evaluate", "home", "--json").stdout)
    plain = json.loads(invoke("evaluate", network, "--json").stdout)
    assert told["per_class"]["1"] < plain["per_class"]["1"]
