"""What the service refuses carries what the client needs to know."""

from __future__ import annotations

import copy

import pytest

from neurallayers.service.failures import (
    Failure,
    MethodNotAllowed,
    NotFound,
    Overloaded,
    Unauthorized,
    Unavailable,
)


@pytest.mark.parametrize(("seconds", "told"), [(0.0, b"1"), (0.2, b"1"), (1.2, b"2"), (30, b"30")])
def test_retry_after_is_whole_seconds_and_never_none(seconds: float, told: bytes) -> None:
    assert Overloaded("Full.", "Wait.", seconds).headers == [(b"retry-after", told)]


def test_a_refusal_has_a_reason_to_be_counted_by() -> None:
    assert Overloaded("Full.", "Wait.").reason == "queue"
    assert Overloaded("Full.", "Wait.", reason="bodies").reason == "bodies"
    assert Unavailable("No.", "Wait.").reason == "unavailable"


def test_a_401_names_the_scheme_and_a_405_the_methods() -> None:
    assert Unauthorized("No key.", "Send it.").headers[0][1].startswith(b"Bearer")
    assert MethodNotAllowed("No.", "Use GET.", "GET").headers == [(b"allow", b"GET")]
    assert MethodNotAllowed("No.", "See /docs.").headers == []


def test_failures_say_what_and_what_to_do() -> None:
    failure: Failure = NotFound("There is no brain 7.", "List them.")
    assert str(failure) == "There is no brain 7. List them."
    assert copy.copy(failure).remedy == "List them."
