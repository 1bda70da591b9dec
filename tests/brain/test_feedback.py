"""What is said about a stimulus: one of a class and a reward, in range, in a form to keep."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neurallayers.brain.entry import Entry
from neurallayers.brain.feedback import as_label, as_reward, feedback
from neurallayers.errors import InvalidInput


def test_a_class_makes_a_lesson_and_a_reward_a_reward() -> None:
    assert feedback("triangle", None) == ("lesson", {"target": "triangle"})
    assert feedback(7, None) == ("lesson", {"target": "7"})
    assert feedback(None, -1) == ("reward", {"reward": -1.0})
    # Nought is a class and a reward like any other.
    assert feedback(0, None) == ("lesson", {"target": "0"})
    assert feedback(None, 0) == ("reward", {"reward": 0.0})


@pytest.mark.parametrize(("target", "reward"), [(None, None), ("a", 1.0), (0, 0.0)])
def test_exactly_one_of_both_is_said(target: Any, reward: Any) -> None:
    with pytest.raises(InvalidInput, match="Give exactly one"):
        feedback(target, reward)


def test_there_must_be_an_answer_to_reward() -> None:
    with pytest.raises(InvalidInput, match="knows no class"):
        feedback(None, 1.0, knows_a_class=False)
    assert feedback("first", None, knows_a_class=False)[0] == "lesson"


@pytest.mark.parametrize(
    ("target", "label"),
    [
        ("a", "a"),
        ("two words", "two words"),
        ("é", "é"),
        ("三", "三"),
        ("x" * 200, "x" * 200),
        (-3, "-3"),
        (np.int64(4), "4"),
        (torch.tensor(5), "5"),
        (10**199, "1" + "0" * 199),
    ],
)
def test_texts_and_whole_numbers_name_classes(target: Any, label: str) -> None:
    assert as_label(target) == label


@pytest.mark.parametrize(
    "target",
    ["", " ", "x" * 201, "a\nb", "tab\t", "\x00", "\ud800", True, np.True_, 1.0, None, b"a", [1],
     10**200, 10**5000, torch.ones(2)],
    ids=lambda target: ascii(type(target).__name__),
)  # fmt: skip
def test_other_names_are_refused(target: Any) -> None:
    with pytest.raises(InvalidInput, match="target is") as refused:
        as_label(target)
    # What a client sent does not fill the log.
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("reward", "value"),
    [(1, 1.0), (-1000, -1000.0), (1e3, 1000.0), (np.float32(0.5), 0.5), (torch.tensor(2.0), 2.0)],
)
def test_rewards_are_numbers_in_range(reward: Any, value: float) -> None:
    assert as_reward(reward) == value
    assert type(as_reward(reward)) is float


@pytest.mark.parametrize(
    "reward",
    [1000.1, -1001, float("nan"), float("inf"), "much", None, [1], 1j, 10**400, 10**5000,
     torch.ones(2), np.ones(2)],
    ids=lambda reward: ascii(type(reward).__name__),
)  # fmt: skip
def test_other_rewards_are_refused(reward: Any) -> None:
    with pytest.raises(InvalidInput, match="reward is") as refused:
        as_reward(reward)
    assert len(str(refused.value)) < 300


@given(st.text() | st.integers() | st.floats() | st.none())
def test_whatever_is_taken_can_be_kept_in_a_journal(said: Any) -> None:
    for target, reward in ((said, None), (None, said)):
        try:
            kind, content = feedback(target, reward)
        except InvalidInput:
            continue
        entry = Entry(1, kind, content)
        assert Entry.decode(entry.encode()).content == content
