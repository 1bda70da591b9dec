"""Memories, rules and nights as callers get them, and as answers are kept."""

from __future__ import annotations

from typing import cast

import msgspec
import pytest
from tests.service.engine.company import alone, images, small_model

from neurallayers.brain.mind import Mind
from neurallayers.brain.outcome import Outcome
from neurallayers.errors import InvalidInput, LogicSyntaxError, UnknownName
from neurallayers.service.engine.reminiscing import (
    EVENTS,
    explanation_out,
    inner_again,
    inner_content,
    inner_out,
    memories_out,
    rules_out,
    sleep_out,
    stored_inner,
)
from neurallayers.service.engine.resident import Resident
from neurallayers.service.engine.work import Stimulus
from neurallayers.service.schemas import BrainOut, ForgottenOut, RulesOut, SleepOut
from neurallayers.service.store import BrainRecord
from neurallayers.service.store.table_journal import TableJournal

RULE = 'one: sign(x) <- letter(x, "a")'
BRAIN = alone()
for number in range(4):
    BRAIN.learn(images()[number], "c", where="lab", who="Ben" if number else None)
DAY = BRAIN.life
NIGHT = BRAIN.sleep(1)


def resident() -> Resident:
    """The brain as an engine has it."""
    model = small_model()
    record = BrainRecord("0" * 32, "Ada", "small", model.fingerprint, "2026-01-01T00:00:00Z", 5, 1)
    # Its journal is not asked for anything that is told.
    return Resident(record, model, cast(TableJournal, None), BRAIN.life)


def test_memories_are_told_with_their_pictures() -> None:
    told = memories_out(BRAIN.network, DAY.mind)
    assert [one.entry for one in told.episodes] == [1, 2, 3, 4]
    assert [one.who for one in told.episodes] == [None, "Ben", "Ben", "Ben"]
    assert {(one.what, one.where) for one in told.episodes} == {("c", "lab")}
    for one, image in zip(told.episodes, images(), strict=False):
        assert one.picture == [[round(value * 255) for value in row] for row in image]
    assert [one.strength for one in told.in_mind] == sorted(
        (one.strength for one in told.in_mind), reverse=True
    )
    assert told.in_mind[0].entry == 4
    assert told.concepts == []
    assert memories_out(BRAIN.network, BRAIN.life.mind).concepts[0].what == "c"
    assert msgspec.json.decode(msgspec.json.encode(told), type=type(told)) == told


def test_a_night_is_told_whole() -> None:
    told = sleep_out(NIGHT)
    assert msgspec.to_builtins(told) == NIGHT.to_dict()


@pytest.mark.parametrize(
    ("kind", "out"),
    [
        ("sleep", sleep_out(NIGHT)),
        ("forget_memories", ForgottenOut([3, 4])),
        ("rules", RulesOut([])),
    ],
    ids=["sleep", "forget_memories", "rules"],
)
def test_an_answer_that_is_kept_comes_back_to_the_bit(
    kind: str, out: SleepOut | ForgottenOut | RulesOut
) -> None:
    assert inner_again(kind, stored_inner(out), resident(), BRAIN.life) == out


def test_a_brain_that_forgot_a_class_is_told_as_it_is_now() -> None:
    told = inner_out("forget_class", resident(), BRAIN.life, Outcome())
    assert isinstance(told, BrainOut)
    assert stored_inner(told) == b""
    assert inner_again("forget_class", b"", resident(), BRAIN.life) == told


def test_what_came_of_an_entry_is_told_by_its_kind() -> None:
    asked = resident()
    assert inner_out("sleep", asked, BRAIN.life, Outcome(sleep=NIGHT)) == sleep_out(NIGHT)
    forgotten = inner_out("forget_memories", asked, BRAIN.life, Outcome(forgotten=(2, 3)))
    assert forgotten == ForgottenOut([2, 3])
    assert inner_out("rules", asked, BRAIN.life, Outcome()) == rules_out(BRAIN.life.mind)
    assert set(EVENTS) == {"forget_class", "forget_memories", "rules", "sleep"}


def test_rules_are_told_by_name() -> None:
    mind = Mind(BRAIN.life.mind.state, rules=(RULE, 'two: odd(x) <- letter(x, "b")'))
    assert [(rule.name, rule.text) for rule in rules_out(mind).rules] == [
        ("one", RULE),
        ("two", 'two: odd(x) <- letter(x, "b")'),
    ]


def test_an_entry_says_all_rules_once_the_life_is_known() -> None:
    pytest.importorskip("z3")
    said = inner_content("rules", {"add": RULE}, BRAIN.life)
    assert said == {"rules": [RULE]}
    with pytest.raises(LogicSyntaxError):
        inner_content("rules", {"add": "sign(x"}, BRAIN.life)
    with pytest.raises(InvalidInput, match="unheard"):
        inner_content("rules", {"add": 'sign(x) <- letter(x, "unheard")'}, BRAIN.life)
    with pytest.raises(UnknownName, match="no rule"):
        inner_content("rules", {"remove": "one"}, BRAIN.life)
    assert inner_content("sleep", {"cycles": 3}, BRAIN.life) == {"cycles": 3}
    assert inner_content("forget_class", {"label": "c"}, BRAIN.life) == {"label": "c"}
    with pytest.raises(InvalidInput):
        inner_content("forget_class", {"label": "unheard"}, BRAIN.life)


def test_an_explanation_is_that_of_the_brain() -> None:
    told, reasons = (
        explanation_out(resident(), Stimulus(images()[0]), None),
        BRAIN.explain(images()[0]),
    )
    assert told.words == str(reasons)
    assert told.label == reasons.label
    assert (told.bias, told.earlier) == (reasons.bias, reasons.earlier)
    assert told.rival is not None
    assert tuple(told.rival) == reasons.rival
    assert [(one.region, one.neuron) for one in told.features] == [
        (one.region, one.neuron) for one in reasons.features
    ]
    taught = sum(one.share for one in told.lessons)
    total = told.bias + sum(told.regions.values()) + taught + told.earlier
    assert total == pytest.approx(told.score, abs=1e-4)
    with pytest.raises(InvalidInput):
        explanation_out(resident(), Stimulus(images()[0]), "unheard")
