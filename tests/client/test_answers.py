"""Answers become typed values, or an error that names what is wrong with them."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest
from tests.client.small_mind import RECOLLECTION
from tests.client.small_service import MODEL, RASTER, VITALS

from neurallayers.client import answers
from neurallayers.client.answers import (
    Lesson,
    Model,
    Page,
    Raster,
    Region,
    Thought,
    Unfinished,
    document_of,
    listed,
    part,
    picture,
    read,
    whole,
)
from neurallayers.client.exchange import Answer
from neurallayers.client.failures import ServiceError
from neurallayers.client.reminiscence import Alert, Conclusion

THOUGHT = {"label": None, "confidence": 0, "scores": {}, "vitals": VITALS}


def answer(value: Any, media_type: str = "application/json") -> Answer:
    return Answer(200, {"content-type": media_type}, json.dumps(value).encode())


def test_nested_values_are_read() -> None:
    model = whole(Model)(answer(MODEL))
    assert model.regions == (Region("cerebrum", 4, "LIF"),)
    assert model.image_shape == (8, 8)
    assert model.spec is None
    raster = read(Raster, RASTER)
    assert raster.spikes == {"cerebrum": ((0, 1), (3, 2))}
    assert type(raster.dt_ms) is float
    lesson = read(Lesson, {"entry": 3, "change": 1, "thought": THOUGHT})
    assert lesson.thought.vitals.rates_hz == {"cerebrum": 12.5}
    assert lesson.thought.entry is None


def test_what_a_newer_service_adds_is_ignored() -> None:
    assert read(Thought, {**THOUGHT, "mood": "good"}) == read(Thought, THOUGHT)


def test_what_an_older_service_does_not_say_is_empty() -> None:
    thought = read(Thought, THOUGHT)
    assert (thought.recalled, thought.conclusions, thought.alerts) == ((), (), ())


def test_what_comes_to_mind_is_read() -> None:
    conclusion = {"statement": "sign(It)", "lower": 1, "upper": 1.0, "reading": "true"}
    alert = {"vital": "confidence", "level": "notice", "index": 0.75, "risen": True}
    told = {"recalled": [RECOLLECTION], "conclusions": [conclusion], "alerts": [alert]}
    thought = read(Thought, THOUGHT | told)
    assert thought.recalled[0].who == "Ada"
    assert thought.conclusions == (Conclusion("sign(It)", 1.0, 1.0, "true"),)
    assert thought.alerts == (Alert("confidence", "notice", 0.75, risen=True),)


def test_a_part_of_an_answer_is_read() -> None:
    numbers = part(tuple[int, ...], "entries")
    assert numbers(answer({"entries": [3, 1], "more": 1})) == (3, 1)
    with pytest.raises(ServiceError, match=r"entries\[1\]"):
        numbers(answer({"entries": [3, "1"]}))
    with pytest.raises(ServiceError, match="entries"):
        numbers(answer({}))
    with pytest.raises(ServiceError, match="cannot be understood: it is"):
        numbers(answer([1]))


def test_answers_cannot_be_changed() -> None:
    thought = read(Thought, THOUGHT)
    with pytest.raises(FrozenInstanceError):
        thought.label = "0"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"confidence": "high"}, "confidence"),
        ({"confidence": True}, "confidence"),
        ({"scores": [1]}, "scores"),
        ({"scores": {"a": None}}, r"scores\.a"),
        ({"vitals": None}, "vitals"),
        ({"vitals": {**VITALS, "spikes": 1.5}}, r"vitals\.spikes"),
        ({"entry": "3"}, "entry"),
    ],
)
def test_what_is_of_another_type_is_named(change: dict[str, Any], where: str) -> None:
    with pytest.raises(ServiceError, match=rf"cannot be understood: {where} is"):
        read(Thought, THOUGHT | change)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ServiceError, match="entry is 'None'"):
        read(Lesson, {"change": 1.0, "thought": THOUGHT})


def test_a_page_tells_what_comes_after() -> None:
    pages = listed(Thought, "thoughts")
    assert pages(answer({"thoughts": [THOUGHT]})) == Page((read(Thought, THOUGHT),), None)
    assert pages(answer({"thoughts": [], "next": 7})).next == "7"
    with pytest.raises(ServiceError, match=r"thoughts\[1\]"):
        pages(answer({"thoughts": [THOUGHT, 1]}))
    with pytest.raises(ServiceError, match="thoughts"):
        pages(answer({"brains": []}))


def test_half_an_answer_is_told_from_one_of_somebody_else() -> None:
    with pytest.raises(Unfinished):
        document_of(Answer(200, {"content-type": "application/json"}, b'{"label": "tri'))
    with pytest.raises(ServiceError, match="text/html"):
        document_of(Answer(200, {"content-type": "text/html"}, b"<html>"))
    with pytest.raises(ServiceError, match="none"):
        document_of(Answer(200, {}, b"{}"))


def test_a_picture_is_a_png() -> None:
    assert picture(Answer(200, {}, b"\x89PNG\r\n\x1a\n...")).startswith(b"\x89PNG")
    with pytest.raises(ServiceError, match="PNG"):
        picture(Answer(200, {}, b"<html>"))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("Region", "RegionOut"),
        ("Model", "ModelOut"),
        ("BrainSummary", "BrainSummary"),
        ("BrainInfo", "BrainOut"),
        ("Vitals", "VitalsOut"),
        ("Thought", "ThoughtOut"),
        ("Lesson", "LessonOut"),
        ("Snapshot", "SnapshotOut"),
        ("Entry", "EntryOut"),
        ("Raster", "RasterOut"),
    ],
)
def test_they_are_what_the_service_declares(ours: str, theirs: str) -> None:
    pytest.importorskip("msgspec")
    from neurallayers.service import schemas

    names = {field.name for field in fields(getattr(answers, ours))}
    assert names == set(getattr(schemas, theirs).__struct_fields__)
