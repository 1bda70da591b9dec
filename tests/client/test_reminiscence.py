"""What is said of a mind is read as it is declared."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest
from tests.client.small_mind import EXPLANATION, RECOLLECTION

from neurallayers.client import reminiscence
from neurallayers.client.answers import read
from neurallayers.client.failures import ServiceError
from neurallayers.client.reminiscence import (
    Episode,
    Explanation,
    LessonShare,
    Proof,
    Recollection,
    Sleep,
)

EPISODE: dict[str, Any] = {
    name: RECOLLECTION[name] for name in RECOLLECTION if name not in ("likeness", "weight")
}
NIGHT = {
    "entry": 9,
    "replayed": [1, 2, 1],
    "relearned": [],
    "change": 0,
    "merged": [[1, 2], [3, 4]],
    "pruned": [5],
    "founded": 1,
    "changed": 0,
}


def test_a_night_names_its_episodes() -> None:
    night = read(Sleep, NIGHT)
    assert night.replayed == (1, 2, 1)
    assert night.merged == ((1, 2), (3, 4))
    assert type(night.change) is float


@pytest.mark.parametrize("merged", [[[1]], [[1, 2, 3]], [["1", 2]], [1], {"1": 2}])
def test_what_is_no_pair_is_named(merged: Any) -> None:
    with pytest.raises(ServiceError, match="merged"):
        read(Sleep, NIGHT | {"merged": merged})


def test_pictures_are_rows_of_bytes_or_of_channels() -> None:
    grey = read(Episode, EPISODE | {"picture": [[0, 255], [7, 8]]})
    assert grey.picture == ((0, 255), (7, 8))
    coloured = read(Episode, EPISODE | {"picture": [[[0, 1, 2], [3, 4, 5]]]})
    assert coloured.picture == (((0, 1, 2), (3, 4, 5)),)
    for wrong in ([[0.5]], [["0"]], [[None]], [0], "picture"):
        with pytest.raises(ServiceError, match="picture"):
            read(Episode, EPISODE | {"picture": wrong})


def test_an_explanation_is_read_whole_and_says_itself() -> None:
    told = read(Explanation, EXPLANATION)
    assert told.rival == ("0", 1.0)
    assert told.lessons == (LessonShare(1, None, 0.25),)
    assert told.recalled == (read(Recollection, RECOLLECTION),)
    assert told.conclusions == (Proof("sign(It)", "sign(It) is true, as it is a cross"),)
    assert str(told) == "'cross' scored 1.50"
    assert read(Explanation, EXPLANATION | {"rival": None}).rival is None
    with pytest.raises(FrozenInstanceError):
        told.score = 0.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("Alert", "AlertOut"),
        ("Concept", "ConceptOut"),
        ("Conclusion", "ConclusionOut"),
        ("Episode", "EpisodeOut"),
        ("Explanation", "ExplanationOut"),
        ("FeatureShare", "ShareOut"),
        ("InMind", "InMindOut"),
        ("LessonShare", "TaughtOut"),
        ("Memories", "MemoriesOut"),
        ("Proof", "ProofOut"),
        ("Recollection", "RecollectionOut"),
        ("Rule", "RuleOut"),
        ("Sleep", "SleepOut"),
    ],
)
def test_they_are_what_the_service_declares(ours: str, theirs: str) -> None:
    pytest.importorskip("msgspec")
    from neurallayers.service import schemas

    names = {field.name for field in fields(getattr(reminiscence, ours))}
    assert names == set(getattr(schemas, theirs).__struct_fields__)
