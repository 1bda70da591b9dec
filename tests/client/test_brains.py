"""A brain that lives in a service: it remembers, sleeps, and heeds rules from afar."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.client.small_service import KEY, Mishap, SmallService, transport

from neurallayers.client import (
    Client,
    Episode,
    Explanation,
    InMind,
    NotFound,
    RemoteBrain,
    Rule,
    Sleep,
)
from neurallayers.errors import InvalidInput

IMAGE = np.zeros((8, 8))
LOST = [Mishap.BROKEN_AFTER, Mishap.OVERLOADED, Mishap.CUT]


@pytest.fixture
def service() -> SmallService:
    """One with a brain."""
    service = SmallService()
    service.create({"name": "Ada"})
    return service


@pytest.fixture
def ada(service: SmallService) -> RemoteBrain:
    """The brain."""
    client = Client(key=KEY, transport=transport(service), sleep=lambda seconds: None)
    return client.brain(f"{1:032x}")


def said(service: SmallService) -> dict[str, Any]:
    """The body of the last request."""
    body: dict[str, Any] = json.loads(service.asked[-1][3])
    return body


def test_circumstances_are_told_and_remembered(service: SmallService, ada: RemoteBrain) -> None:
    lesson = ada.learn(IMAGE, target="cross", where="lab", when=7, who="Ben", pinned=True)
    told = said(service)
    assert (told["where"], told["when"], told["who"], told["pinned"]) == ("lab", 7, "Ben", True)
    (episode,) = ada.memories().episodes
    assert isinstance(episode, Episode)
    assert (episode.entry, episode.what, episode.where) == (lesson.entry, "cross", "lab")
    assert episode.picture == ((0, 255), (7, (1, 2)))
    assert ada.memories().in_mind == (InMind(1.0, None, None),)
    ada.process(IMAGE, stateful=True, who="Ben")
    assert said(service)["who"] == "Ben"


def test_circumstances_of_what_leaves_no_trace_are_refused(ada: RemoteBrain) -> None:
    with pytest.raises(InvalidInput, match="where, who would be forgotten"):
        ada.process(IMAGE, where="lab", who="Ben")


def test_a_night_is_told(ada: RemoteBrain) -> None:
    ada.learn(IMAGE, target="cross")
    night = ada.sleep(cycles=3)
    assert isinstance(night, Sleep)
    assert night.replayed == (1, 1, 1)
    assert night.entry == 2


def test_episodes_are_forgotten_by_what_is_said(service: SmallService, ada: RemoteBrain) -> None:
    ada.learn(IMAGE, target="cross", who="Ben")
    ada.learn(IMAGE, target="cross", who="Eve")
    assert ada.forget_memories(what="cross", who="Eve") == (2,)
    assert "likeness" not in said(service)
    assert [episode.who for episode in ada.memories().episodes] == ["Ben"]
    ada.forget_memories(like=np.zeros((8, 8), np.uint8), likeness=0.5)
    assert (said(service)["maximum"], said(service)["likeness"]) == (255.0, 0.5)
    with pytest.raises(InvalidInput, match="which episodes"):
        ada.forget_memories()


def test_rules_come_and_go(ada: RemoteBrain) -> None:
    even = Rule("parity", "parity: even(x) <- digit(x, 0)")
    assert ada.rules() == ()
    assert ada.add_rules(even.text) == (even,)
    assert ada.rules() == (even,)
    with pytest.raises(NotFound, match="no rule"):
        ada.remove_rule("odd")
    assert ada.remove_rule("parity") == ()


def test_a_rule_of_any_name_can_be_removed(ada: RemoteBrain) -> None:
    ada.add_rules("a/b ?: sign(x) <- digit(x, 0)")
    assert ada.remove_rule("a/b ?") == ()


def test_an_answer_is_explained(ada: RemoteBrain) -> None:
    why = ada.explain(IMAGE, "cross")
    assert isinstance(why, Explanation)
    assert str(why) == why.words


@pytest.mark.parametrize(
    ("act", "entries"),
    [
        (lambda ada: ada.sleep(), 2),
        (lambda ada: ada.forget_memories(what="cross"), 2),
        (lambda ada: ada.add_rules("one: sign(x) <- digit(x, 0)"), 2),
        (lambda ada: ada.learn(IMAGE, target="cross", who="Ben"), 2),
    ],
    ids=["sleep", "forget_memories", "add_rules", "learn"],
)
@pytest.mark.parametrize("mishap", LOST)
def test_nothing_is_done_twice_when_its_answer_is_lost(
    service: SmallService,
    ada: RemoteBrain,
    act: Callable[[RemoteBrain], Any],
    entries: int,
    mishap: Mishap,
) -> None:
    ada.learn(IMAGE, target="cross")
    service.mishaps.extend([mishap, mishap])
    assert act(ada)
    assert ada.info().sequence == entries
    assert len({one[2].get("idempotency-key") for one in service.asked[1:-1]}) == 1


def test_a_rule_is_removed_once_when_the_answer_is_lost(
    service: SmallService, ada: RemoteBrain
) -> None:
    ada.add_rules("one: sign(x) <- digit(x, 0)")
    service.mishaps.append(Mishap.BROKEN_AFTER)
    assert ada.remove_rule("one") == ()


def test_a_call_is_repeated_by_its_key(ada: RemoteBrain) -> None:
    ada.learn(IMAGE, target="cross")
    assert ada.sleep(idempotency_key="monday") == ada.sleep(idempotency_key="monday")
    assert ada.info().sequence == 2
    with pytest.raises(InvalidInput, match="idempotency key"):
        ada.sleep(idempotency_key="two words")


def test_nobody_remembers_nothing(ada: RemoteBrain) -> None:
    ada.delete()
    with pytest.raises(NotFound):
        ada.explain(IMAGE)
