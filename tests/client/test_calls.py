"""What is sent is what the service declares, and what cannot be sent is refused at home."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from neurallayers.client import calls
from neurallayers.client.answers import PNG_SIGNATURE
from neurallayers.client.exchange import Call, Repeat
from neurallayers.errors import InvalidInput

ROWS = [[0.0, 0.5], [1.0, 0.25]]
BRAIN = f"{1:032x}"


def learn(**given: Any) -> Call[Any]:
    asked = {
        "stimulus": ROWS,
        "target": "cross",
        "reward": None,
        "fit": False,
        "maximum": None,
        "idempotency_key": None,
    }
    return calls.learn(given.pop("brain_id", BRAIN), **asked | given)


def process(**given: Any) -> Call[Any]:
    asked = {
        "stimulus": ROWS,
        "stateful": False,
        "fit": False,
        "maximum": None,
        "idempotency_key": None,
    }
    return calls.process(BRAIN, **asked | given)


def forget_memories(**given: Any) -> Call[Any]:
    asked = dict.fromkeys(("what", "where", "who", "first", "last", "like", "maximum"))
    rest = {"clock": "when", "likeness": 0.9, "fit": False, "idempotency_key": None}
    return calls.forget_memories(BRAIN, **asked | rest | given)


@pytest.mark.parametrize(
    ("call", "schema"),
    [
        (calls.create_brain(None, None, 0, None), "NewBrain"),
        (calls.create_brain("small", "Ada", 7, None), "NewBrain"),
        (process(), "ToProcess"),
        (process(stimulus=PNG_SIGNATURE, stateful=True, fit=True, maximum=16.0), "ToProcess"),
        (calls.process_many(BRAIN, [ROWS, ROWS], fit=True, maximum=None), "ManyToProcess"),
        (learn(), "ToLearn"),
        (learn(target=None, reward=-0.5, maximum=255.0), "ToLearn"),
        (calls.forget(BRAIN, label="cross", entries=None), "ToForget"),
        (calls.forget(BRAIN, label=None, entries=[3, 4]), "ToForget"),
        (process(stateful=True, where="lab", when=7, who="Ada"), "ToProcess"),
        (learn(where="lab", when=7, who="Ada", pinned=True), "ToLearn"),
        (calls.explain(BRAIN, ROWS, None, fit=False, maximum=None), "ToExplain"),
        (calls.explain(BRAIN, PNG_SIGNATURE, "cross", fit=True, maximum=16.0), "ToExplain"),
        (calls.sleep(BRAIN, 4, None), "ToSleep"),
        (forget_memories(who="Ada"), "ToForgetMemories"),
        (
            forget_memories(what="cross", where="lab", first=1, last=9, clock="entry"),
            "ToForgetMemories",
        ),
        (forget_memories(like=ROWS, likeness=0.5, fit=True, maximum=2.0), "ToForgetMemories"),
        (calls.add_rules(BRAIN, "even(x) <- digit(x, 2)", None), "NewRules"),
        (calls.snapshot(BRAIN, None, None), "NewSnapshot"),
        (calls.snapshot(BRAIN, "now", None), "NewSnapshot"),
    ],
)
def test_bodies_are_what_the_service_declares(call: Call[Any], schema: str) -> None:
    msgspec = pytest.importorskip("msgspec")
    from neurallayers.service import schemas

    assert call.request.method == "POST"
    msgspec.json.decode(call.request.body, type=getattr(schemas, schema))


def test_every_post_that_changes_something_has_a_key() -> None:
    keyed: list[Call[Any]] = [
        calls.create_brain(None, None, 0, None),
        process(stateful=True),
        learn(),
        calls.forget(BRAIN, label="cross", entries=None),
        calls.snapshot(BRAIN, None, None),
        calls.restore(BRAIN, "s0"),
        calls.sleep(BRAIN, 4, None),
        forget_memories(who="Ada"),
        calls.add_rules(BRAIN, "even(x) <- digit(x, 2)", None),
        calls.remove_rule(BRAIN, "even", None),
    ]
    keys = [call.request.idempotency_key for call in keyed]
    assert None not in keys
    assert len(set(keys)) == len(keys)
    assert all(call.request.repeat is not Repeat.READS for call in keyed)
    assert process().request.repeat is Repeat.READS
    assert calls.delete(BRAIN).request.repeat is Repeat.SETTLES


def test_a_key_of_the_caller_is_kept() -> None:
    assert learn(idempotency_key="monday-3").request.idempotency_key == "monday-3"
    for wrong in ("", "a b", "a\n", "ü", "x" * 201):
        with pytest.raises(InvalidInput, match="idempotency key"):
            learn(idempotency_key=wrong)


def test_the_same_lesson_is_the_same_bytes() -> None:
    assert learn().request.body == learn().request.body


def test_names_are_sent_as_they_are() -> None:
    body = learn(target="Ä \u2028 \U0001f600").request.body
    assert body is not None
    assert "Ä \u2028 \U0001f600" in body.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: learn(reward=1.0),
        lambda: learn(target=None),
        lambda: learn(stimulus=[[float("nan")]]),
        lambda: learn(stimulus=[[object()]]),
        lambda: learn(brain_id=""),
        lambda: learn(brain_id="../models"),
        lambda: learn(brain_id="a/b"),
        lambda: calls.restore(BRAIN, "a?b"),
        lambda: calls.forget(BRAIN, label=None, entries=None),
        lambda: calls.forget(BRAIN, label=None, entries=[]),
        lambda: calls.forget(BRAIN, label="cross", entries=[1]),
        lambda: calls.process_many(BRAIN, [], fit=False, maximum=None),
        lambda: calls.model(""),
        lambda: calls.model(".."),
        lambda: calls.remove_rule(BRAIN, "", None),
        lambda: calls.remove_rule(BRAIN, "..", None),
        lambda: process(who="Ada"),
        lambda: process(where="lab"),
        lambda: process(when=7),
        lambda: forget_memories(),
        lambda: forget_memories(likeness=0.5),
        lambda: forget_memories(like=[[float("nan")]]),
    ],
)
def test_what_cannot_be_meant_is_not_sent(wrong: Callable[[], object]) -> None:
    with pytest.raises(InvalidInput):
        wrong()


def test_a_name_cannot_leave_its_place_in_the_address() -> None:
    assert calls.model("../brains?x").request.path == "/v1/models/..%2Fbrains%3Fx"
    removed = calls.remove_rule(BRAIN, "a/b?", None).request
    assert (removed.method, removed.path) == ("DELETE", f"/v1/brains/{BRAIN}/rules/a%2Fb%3F")


def test_a_lesson_without_circumstances_is_what_older_services_know() -> None:
    body = learn().request.body
    assert body is not None
    assert set(json.loads(body)) == {"stimulus", "maximum", "fit", "target"}
