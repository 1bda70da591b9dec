"""Asking, teaching, looking into and replaying an individual."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import Result

from neurallayers.brain import Brain
from neurallayers.cli.living import differences
from neurallayers.data import load_digits

Invoke = Callable[..., Result]


def test_asking_gives_the_answer_of_the_brain(invoke: Invoke, network: str) -> None:
    told = json.loads(invoke("ask", network, "digits:12", "digits:13", "--json").stdout)
    brain = Brain.from_pretrained(network)
    expected = [brain.process(image) for image in load_digits().test.images[12:14]]
    assert [answer["label"] for answer in told["answers"]] == [t.label for t in expected]
    assert told["answers"][0]["scores"] == expected[0].scores
    assert "explanation" not in told["answers"][0]


def test_asking_can_explain(invoke: Invoke, network: str) -> None:
    shown = invoke("ask", network, "digits:12", "--explain").stdout
    assert "training gave" in shown
    told = json.loads(invoke("ask", network, "--digit", 3, "--explain", "--json").stdout)
    explained = told["answers"][0]["explanation"]
    assert explained["label"] == told["answers"][0]["label"]


def test_a_question_needs_exactly_one_image(invoke: Invoke, network: str) -> None:
    assert invoke("ask", network).exit_code == 2
    assert invoke("raster", network, "digits:1", "--digit", 2).exit_code == 2


def test_teaching_makes_a_brain_and_goes_on_with_it(invoke: Invoke, network: str) -> None:
    first = invoke("teach", "home", "cross", "digits:train:3", "--network", network)
    assert first.exit_code == 0, first.output
    assert "was born in home" in first.stderr
    second = invoke("teach", "home", "cross", "digits:train:4", "digits:train:5", "--json")
    told = json.loads(second.stdout)
    assert [lesson["entry"] for lesson in told["lessons"]] == [2, 3]
    assert told["labels"][-1] == "cross"
    with Brain.open("home") as brain:
        assert brain.sequence == 3


def test_teaching_is_what_the_library_does(invoke: Invoke, network: str) -> None:
    invoke("teach", "home", "cross", "digits:train:3", "--network", network)
    image = load_digits().train.images[3]
    brain = Brain.from_pretrained(network)
    brain.learn(image, "cross")
    told = json.loads(invoke("ask", "home", "digits:train:3", "--json").stdout)
    assert told["answers"][0]["scores"] == brain.process(image).scores


def test_a_picture_that_cannot_be_read_leaves_no_brain_behind(invoke: Invoke, network: str) -> None:
    result = invoke("teach", "home", "cross", "missing.png", "--network", network)
    assert result.exit_code == 1
    assert "What to do" in result.stderr
    assert not Path("home").exists()


def test_the_raster_is_text_a_figure_or_data(invoke: Invoke, network: str) -> None:
    shown = invoke("raster", network, "--digit", 7)
    assert shown.exit_code == 0, shown.output
    assert "cerebrum, 24 of 256" in shown.stdout
    told = json.loads(invoke("raster", network, "--digit", 7, "--json").stdout)
    image = load_digits().test.of_classes([7]).images[0]
    thought = Brain.from_pretrained(network).process(image)
    assert sum(len(events) for events in told["spikes"].values()) == thought.vitals.spikes
    assert told["rates_hz"] == thought.vitals.rates_hz


def test_the_raster_as_a_figure(invoke: Invoke, network: str) -> None:
    pytest.importorskip("matplotlib")
    drawn = invoke("raster", network, "--digit", 7, "--out", "raster.png")
    assert drawn.exit_code == 0, drawn.output
    assert Path("raster.png").read_bytes().startswith(b"\x89PNG")
    assert drawn.stdout == ""
    refused = invoke("raster", network, "--digit", 7, "--out", "raster.txt")
    assert refused.exit_code == 1
    assert ".svg" in refused.stderr


def test_a_replayed_life_is_the_same_bit_for_bit(invoke: Invoke, network: str) -> None:
    images = load_digits().train.images
    with Brain.open("home", network, snapshot_every=2) as brain:
        for image in images[:5]:
            brain.learn(image, "new")
        brain.process(images[5], stateful=True)
        brain.rollback(4)
    result = invoke("replay", "home", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["identical"]
    assert told["snapshots"] > 0
    assert [entry["kind"] for entry in told["entries"]] == ["lesson"] * 5 + ["stimulus", "rollback"]
    assert "bit for bit" in invoke("replay", "home").stdout


def test_a_changed_bit_is_found(network: str) -> None:
    brain = Brain.from_pretrained(network)
    brain.learn(load_digits().train.images[0], "new")
    life = brain.life
    assert differences(life, life) == []
    readout = life.state.readout
    weights = readout.fast_weight.clone()
    weights.view(torch.int32).flatten()[0] ^= 1
    other = replace(life, state=life.state._replace(readout=readout._replace(fast_weight=weights)))
    assert differences(life, other) == ["readout.fast_weight"]
    forgetful = replace(life, mind=replace(life.mind, rules=("x",), names=("y",)))
    assert differences(life, forgetful) == ["mind.names", "mind.rules"]
    brain.memory.forget(what="new")
    assert "mind.episodes.entry" in differences(life, brain.life)
    renamed = replace(life, labels=(*life.labels[:-1], "x"), sequence=9)
    assert differences(life, renamed) == ["labels", "sequence"]


def test_a_replay_that_differs_ends_in_1(
    invoke: Invoke, network: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoke("teach", "home", "cross", "digits:train:3", "--network", network)
    monkeypatch.setattr("neurallayers.cli.living.differences", lambda one, other: ["fast_weight"])
    result = invoke("replay", "home")
    assert result.exit_code == 1
    assert "Not the same: fast_weight" in result.stdout


def test_a_replay_of_nothing_is_refused_and_makes_nothing(invoke: Invoke) -> None:
    result = invoke("replay", "nowhere")
    assert result.exit_code == 1
    assert "No brain lives in nowhere" in result.stderr
    assert not Path("nowhere").exists()
