"""What callers give, checked."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurallayers.errors import InvalidInput
from neurallayers.service.engine import Stimulus
from neurallayers.service.engine.asking import (
    NAME_CHARACTERS_AT_MOST,
    as_stimulus,
    awake,
    checked_name,
    cursor,
    nothing,
    now,
)


@pytest.mark.parametrize("name", [None, "Ada", " Ada ", "ünïcödé 脳", "x" * 100])
def test_names_for_people_are_taken_as_they_are(name: str | None) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize(
    "name", ["", " ", "\u3000", "x" * 101, "a\nb", "tab\t", "\u202egnirts", "\ud800", "nul\0"]
)
def test_other_names_are_refused_with_the_value(name: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        checked_name(name)
    assert repr(name[:80]) in refusal.value.problem
    assert str(NAME_CHARACTERS_AT_MOST) in refusal.value.remedy
    str(refusal.value).encode()  # can be written anywhere


@given(st.integers(0, 10**18 - 1))
def test_a_cursor_is_the_number_that_it_was_made_of(number: int) -> None:
    assert cursor(str(number)) == number


def test_the_first_page_has_no_cursor() -> None:
    assert cursor(None) == 0


@pytest.mark.parametrize("after", ["", "-1", "1.0", "٣", "²", " 1", "1_0", "9" * 19, "x" * 100_000])
def test_what_is_no_cursor_is_refused(after: str) -> None:
    with pytest.raises(InvalidInput, match="after is") as refusal:
        cursor(after)
    assert len(refusal.value.problem) < 100


@given(st.text())
def test_a_cursor_is_a_number_for_the_database_or_refused(after: str) -> None:
    try:
        number = cursor(after)
    except InvalidInput:
        return
    assert 0 <= number < 2**63


def test_a_stimulus_is_taken_however_it_is_given() -> None:
    image = [[0.0]]
    assert as_stimulus(image) == Stimulus(image)
    shown = Stimulus(image, maximum=16.0)
    assert as_stimulus(shown) is shown


def test_an_errand_gets_the_brain_that_is_awake() -> None:
    brain: Any = object()
    assert awake(lambda one: one)(brain) is brain
    with pytest.raises(AssertionError):
        awake(lambda one: one)(None)
    assert nothing(brain) is None  # type: ignore[func-returns-value]


def test_now_is_a_time_with_its_zone() -> None:
    before = datetime.datetime.now(datetime.UTC)
    told = datetime.datetime.fromisoformat(now())
    after = datetime.datetime.now(datetime.UTC)
    assert before - datetime.timedelta(milliseconds=1) <= told <= after
    assert told.utcoffset() == datetime.timedelta(0)
