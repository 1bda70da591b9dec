"""Every status has its error, with what is wrong and what to do."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from neurallayers.client import failures
from neurallayers.client.exchange import Answer
from neurallayers.client.failures import (
    Conflict,
    InvalidRequest,
    NotFound,
    Overloaded,
    ServiceError,
    Unauthorized,
    Unavailable,
    failure_of,
    retry_after_s,
)
from neurallayers.errors import NeuralLayersError

PROBLEM = {
    "type": "urn:neurallayers:problem:shape-mismatch",
    "title": "The stimulus has another shape",
    "status": 422,
    "detail": "The stimulus is 3 x 3.",
    "remedy": "Send 8 x 8.",
    "request_id": "r-7",
}


def answer(status: int, document: Any = None, **headers: str) -> Answer:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if document is None:
        return Answer(status, {"content-type": "text/html", **given}, b"<html>")
    content = {"content-type": "application/problem+json", **given}
    return Answer(status, content, json.dumps(document).encode())


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidRequest),
        (401, Unauthorized),
        (403, Unauthorized),
        (404, NotFound),
        (405, ServiceError),
        (408, Unavailable),
        (409, Conflict),
        (413, InvalidRequest),
        (415, InvalidRequest),
        (422, InvalidRequest),
        (429, Overloaded),
        (500, ServiceError),
        (501, ServiceError),
        (502, Unavailable),
        (503, Overloaded),
        (504, Unavailable),
        (799, ServiceError),
    ],
)
def test_every_status_is_an_error_of_ours(status: int, kind: type[ServiceError]) -> None:
    failure = failure_of(answer(status), "GET /v1/models")
    assert type(failure) is kind
    assert isinstance(failure, NeuralLayersError)
    assert failure.status == status
    assert f"GET /v1/models was answered with {status}" in failure.problem
    assert failure.remedy


def test_a_problem_document_is_told_in_its_own_words() -> None:
    failure = failure_of(answer(422, PROBLEM), "POST /learn")
    assert str(failure) == "The stimulus is 3 x 3. Send 8 x 8."
    assert failure.slug == "shape-mismatch"
    assert failure.request_id == "r-7"
    with pytest.raises(ValueError, match="3 x 3"):
        raise failure


def test_what_it_lists_is_told() -> None:
    failure = failure_of(answer(422, {**PROBLEM, "errors": ["a is wrong.", 7]}), "POST /learn")
    assert failure.problem == "The stimulus is 3 x 3. a is wrong. 7"


@pytest.mark.parametrize("document", [[], 7, {"detail": 7, "errors": 7, "type": None}, {}])
def test_a_problem_that_is_none_is_borne(document: Any) -> None:
    failure = failure_of(answer(404, document, x_request_id="r-9"), "GET /x")
    assert "404 Not Found" in failure.problem
    assert failure.request_id == "r-9"


def test_half_a_problem_is_borne() -> None:
    broken = Answer(404, {"content-type": "application/problem+json"}, b'{"detail": "The')
    assert isinstance(failure_of(broken, "GET /x"), NotFound)


def test_a_service_that_moved_says_where() -> None:
    moved = answer(308, location="https://brains.example/")
    assert "https://brains.example/" in failure_of(moved, "GET /x").remedy


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30.0),
        ("Wed, 21 Oct 2026 07:27:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("²", None),
    ],
)
def test_when_to_come_back_is_understood(said: str, meant: float | None) -> None:
    busy = answer(503, retry_after=said, date="Wed, 21 Oct 2026 07:28:00 GMT")
    assert retry_after_s(busy) == meant
    assert failure_of(busy, "GET /x").retry_after_s == meant


def test_a_failure_survives_a_copy() -> None:
    failure = failure_of(answer(422, PROBLEM), "POST /learn")
    failure.maybe_done = True
    again = copy.copy(failure)
    assert type(again) is InvalidRequest
    assert vars(again) == vars(failure)
    assert str(again) == str(failure)


def test_every_failure_is_drawn_in_the_tree() -> None:
    for kind in (ServiceError, *ServiceError.__subclasses__()):
        assert failures.__doc__ is not None
        assert kind.__name__ in failures.__doc__
