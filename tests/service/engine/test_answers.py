"""Thoughts, lessons and brains as callers get them, and as answers are kept."""

from __future__ import annotations

import json

from tests.brain.individuals import pictures
from tests.service.engine.company import alone, small_model

from neurallayers.service.engine.answers import (
    answer_again,
    change_event,
    model_out,
    newborn_out,
    raster_out,
    stored_answer,
    thought_event,
    thought_out,
)
from neurallayers.service.schemas import LessonOut
from neurallayers.service.store import BrainRecord

BRAIN = alone()
THOUGHT = BRAIN.process(pictures(1, BRAIN.network)[0])


def test_an_answer_that_is_kept_comes_back_to_the_bit() -> None:
    lesson = LessonOut(7, 0.1 + 0.2, thought_out(THOUGHT))
    stimulus = thought_out(THOUGHT, 7)
    assert answer_again("lesson", stored_answer(lesson)) == lesson
    assert answer_again("reward", stored_answer(lesson)) == lesson
    assert answer_again("stimulus", stored_answer(stimulus)) == stimulus


def test_a_raster_lists_every_spike() -> None:
    raster = raster_out(THOUGHT.label, THOUGHT.raster)
    assert raster.neurons == {"sensory": 16, "cerebrum": 16}
    assert raster.steps == len(THOUGHT.raster.spikes["sensory"]) == 8
    for name, spikes in THOUGHT.raster.spikes.items():
        assert all(spikes[step, neuron] for step, neuron in raster.spikes[name])
        assert len(raster.spikes[name]) == spikes.sum()
    assert sum(len(part) for part in raster.spikes.values()) == THOUGHT.vitals.spikes > 0


def test_an_event_of_a_thought_is_json_with_its_raster() -> None:
    event = thought_event(THOUGHT, 3, entry=3, target="a", lesson=True)
    data = json.loads(event.data)
    assert event.name == "lesson"
    assert (data["sequence"], data["entry"], data["target"]) == (3, 3, "a")
    assert data["scores"] == THOUGHT.scores
    assert data["vitals"]["spikes"] == THOUGHT.vitals.spikes
    assert data["raster"]["steps"] == 8
    assert thought_event(THOUGHT, 3).name == "thought"


def test_an_event_of_a_change_tells_what_is_known() -> None:
    event = change_event("forgotten", BRAIN.life)
    assert event.name == "forgotten"
    assert json.loads(event.data) == {"sequence": 0, "labels": ["a", "b"]}


def test_a_model_is_told_with_or_without_its_anatomy() -> None:
    model = small_model()
    out = model_out(model)
    assert (out.name, out.image_shape, out.labels) == ("small", [4, 4], ["a", "b"])
    assert [(part.name, part.neurons) for part in out.regions] == [
        ("sensory", 16),
        ("cerebrum", 16),
    ]
    assert out.spec is None
    assert model_out(model, whole=True).spec == model.network.spec.to_dict()


def test_a_newborn_knows_what_its_network_was_taught() -> None:
    record = BrainRecord("0" * 32, "Ada", "small", "f", "2026-01-01", 0, 1)
    out = newborn_out(record, small_model())
    assert out.labels == list(BRAIN.labels)
    assert (out.id, out.name, out.sequence) == (record.id, "Ada", 0)
