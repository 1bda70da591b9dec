"""What goes over the wire: what is taken, what is refused with the path of what is wrong."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from neurallayers.service import schemas
from neurallayers.service.schemas import (
    STIMULI_AT_MOST,
    ManyToProcess,
    NewBrain,
    Problem,
    ToForget,
    ToLearn,
    ToProcess,
)

STRUCTURES = [
    value
    for value in vars(schemas).values()
    if isinstance(value, type) and issubclass(value, msgspec.Struct) and value is not msgspec.Struct
]
BODIES = [one for one in STRUCTURES if one.__struct_config__.forbid_unknown_fields]


def read(kind: type[Any], text: str) -> Any:
    return msgspec.json.decode(text, type=kind)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (ToProcess, '{"stimulus": [[0, 1], [0.5, 1e-3]]}'),
        (ToProcess, '{"stimulus": [[[0, 0, 1]]], "fit": true}'),
        (ToProcess, '{"stimulus": "iVBORw0="}'),
        (ToProcess, '{"stimulus": [[65535]], "maximum": 65535}'),
        (ManyToProcess, '{"stimuli": [[[0]], "iVBORw0="]}'),
        (ToLearn, '{"stimulus": [[0]], "target": "x"}'),
        (ToLearn, '{"stimulus": [[0]], "reward": -1}'),
        (ToForget, '{"entries": [1, 9007199254740992]}'),
        (NewBrain, "{}"),
    ],
)
def test_what_is_taken(kind: type[Any], text: str) -> None:
    assert isinstance(read(kind, text), kind)


@pytest.mark.parametrize(
    ("kind", "text", "place"),
    [
        (ToProcess, "{}", "stimulus"),
        (ToProcess, '{"stimulus": []}', r"\$.stimulus"),
        (ToProcess, '{"stimulus": [["x"]]}', r"\$.stimulus\[0\]\[0\]"),
        (ToProcess, '{"stimulus": [[true]]}', r"\$.stimulus"),
        (ToProcess, '{"stimulus": [[0]], "maximum": 0}', r"\$.maximum"),
        (ToProcess, '{"stimulus": [[0]], "maximum": 65536}', r"\$.maximum"),
        (ToProcess, '{"stimulus": [[0]], "fit": 1}', r"\$.fit"),
        (ManyToProcess, '{"stimuli": []}', r"\$.stimuli"),
        (ToLearn, '{"stimulus": [[0]], "target": ""}', r"\$.target"),
        (ToLearn, '{"stimulus": [[0]], "reward": 1001}', r"\$.reward"),
        (ToForget, '{"entries": [0]}', r"\$.entries"),
        (ToForget, '{"entries": [9007199254740993]}', r"\$.entries"),
        (NewBrain, '{"seed": 9223372036854775808}', r"\$.seed"),
        (NewBrain, '{"name": ""}', r"\$.name"),
    ],
)
def test_what_is_refused_names_its_place(kind: type[Any], text: str, place: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=place):
        read(kind, text)


def test_no_more_stimuli_than_promised() -> None:
    picture = "[[0]]"
    read(ManyToProcess, f'{{"stimuli": [{",".join([picture] * STIMULI_AT_MOST)}]}}')
    with pytest.raises(msgspec.ValidationError, match=str(STIMULI_AT_MOST)):
        read(ManyToProcess, f'{{"stimuli": [{",".join([picture] * (STIMULI_AT_MOST + 1))}]}}')


@pytest.mark.parametrize("kind", BODIES, ids=lambda kind: str(kind.__name__))
def test_a_body_knows_all_its_fields(kind: type[Any]) -> None:
    whole = '{"stimulus": [[0]], "stimuli": [[[0]]], "unknown": 1}'
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        read(kind, whole)


@pytest.mark.parametrize("kind", STRUCTURES, ids=lambda kind: str(kind.__name__))
def test_every_structure_says_what_it_is_and_has_a_schema(kind: type[Any]) -> None:
    assert kind.__doc__
    assert kind.__doc__.endswith(".")
    _, components = msgspec.json.schema_components([kind])
    assert components[kind.__name__]["type"] == "object"


def test_the_bodies_are_those_of_the_contract() -> None:
    names = {kind.__name__ for kind in BODIES}
    assert names >= {"NewBrain", "ToProcess", "ManyToProcess", "ToLearn", "ToForget", "NewSnapshot"}


def test_a_problem_leaves_out_what_it_has_not() -> None:
    problem = Problem("urn:x", "X", 400, "It is wrong.", "Do right.")
    assert set(msgspec.json.decode(msgspec.json.encode(problem))) == {
        "type",
        "title",
        "status",
        "detail",
        "remedy",
    }
