"""Errors as answers: the one table from classes to statuses, and problem documents (RFC 9457).

Whatever is raised below the routes becomes ``application/problem+json`` here. Texts of
:class:`Failure` and of wrong input are written for the client and are told; those of errors that
are ours (a damaged journal, a bug) may name paths and are only logged.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from neurallayers.errors import (
    DataUnavailable,
    InvalidInput,
    InvalidSpec,
    JournalError,
    LogicSyntaxError,
    MissingExtra,
    NeuralLayersError,
    ShapeMismatch,
    SnapshotError,
    TrainingError,
    UnknownName,
)
from neurallayers.service.failures import (
    Conflict,
    Failure,
    Headers,
    HeadTooLarge,
    KeyReused,
    Malformed,
    MethodNotAllowed,
    NotFound,
    Overloaded,
    TimedOut,
    TooLarge,
    TooLong,
    TooSlow,
    Unauthorized,
    Unavailable,
    Unsupported,
)
from neurallayers.service.schemas import Problem

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
URN = "urn:neurallayers:problem:"
_ENCODER = msgspec.json.Encoder()


class Kind(NamedTuple):
    """How a class of errors is answered."""

    status: int
    slug: str
    title: str
    told: bool = True  # whether the client reads the text of the error


class RawAnswer(NamedTuple):
    """An answer in the form that ASGI sends."""

    status: int
    headers: Headers
    body: bytes


INTERNAL = Kind(500, "internal-error", "The service made a mistake", told=False)
MALFORMED = Kind(400, "malformed", "The request is malformed")
INVALID = Kind(422, "invalid-input", "A value is not valid")
TABLE: Mapping[type[BaseException], Kind] = MappingProxyType(
    {
        # The library's.
        NeuralLayersError: INTERNAL,
        InvalidInput: INVALID,
        LogicSyntaxError: Kind(422, "logic-syntax", "A rule cannot be read"),
        ShapeMismatch: Kind(422, "shape-mismatch", "The stimulus has another shape"),
        InvalidSpec: Kind(422, "invalid-spec", "A description of a brain is not valid"),
        UnknownName: Kind(404, "unknown-name", "There is nothing of this name"),
        MissingExtra: Kind(501, "missing-extra", "An optional package is not installed"),
        DataUnavailable: Kind(503, "data-unavailable", "Data cannot be reached", told=False),
        JournalError: Kind(503, "store-unavailable", "The store cannot be used", told=False),
        SnapshotError: Kind(500, "damaged-snapshot", "A snapshot cannot be used", told=False),
        TrainingError: INTERNAL,
        # The service's.
        Malformed: MALFORMED,
        Unauthorized: Kind(401, "unauthorized", "A key is needed"),
        NotFound: Kind(404, "not-found", "There is no such thing"),
        MethodNotAllowed: Kind(405, "method-not-allowed", "The address knows other methods"),
        TooSlow: Kind(408, "too-slow", "The request came too slowly"),
        Conflict: Kind(409, "conflict", "The state of things does not allow it"),
        TooLarge: Kind(413, "too-large", "The body is too large"),
        TooLong: Kind(414, "address-too-long", "The address is too long"),
        Unsupported: Kind(415, "unsupported", "The content is not understood"),
        KeyReused: Kind(422, "idempotency-key-reused", "The key belongs to another request"),
        HeadTooLarge: Kind(431, "head-too-large", "The head of the request is too large"),
        Overloaded: Kind(503, "overloaded", "Too much to do at the moment"),
        Unavailable: Kind(503, "unavailable", "The service cannot do this now"),
        TimedOut: Kind(504, "timed-out", "There was no answer in time"),
        # Bodies that msgspec refuses.
        msgspec.ValidationError: INVALID,
        msgspec.DecodeError: MALFORMED,
    }
)


def kind_of(error: BaseException) -> Kind:
    """How an error is answered: by the nearest class of its ancestry that the table knows."""
    for ancestor in type(error).__mro__:
        kind = TABLE.get(ancestor)
        if kind is not None:
            return kind
    return INTERNAL


def raw_problem(error: BaseException, request_id: str = "") -> RawAnswer:
    """The answer for an error, ready to be sent.

    Args:
        error: Any error; those without a row in the table are our own mistakes.
        request_id: Name of the request in the logs.
    """
    kind = kind_of(error)
    detail, remedy = _texts(error, kind)
    headers = error.headers if isinstance(error, Failure) else []
    return _answer(kind, detail, remedy, headers, request_id)


def install_handlers(app: FastAPI) -> None:
    """Make every error that leaves a route a problem document."""
    handlers: dict[Any, Any] = {
        NeuralLayersError: _handle,
        msgspec.DecodeError: _handle,
        HTTPException: _handle_http,
        RequestValidationError: _handle_validation,
        # The edge logs the traceback of what is raised again after this answer.
        Exception: _handle,
    }
    for error_class, handler in handlers.items():
        app.add_exception_handler(error_class, handler)


async def _handle(request: Request, error: Exception) -> Response:
    return handled(request, error)


def handled(request: Request, error: Exception) -> Response:
    """The answer to a request that failed, noted for the edge; what is our mistake is logged."""
    kind = kind_of(error)
    if not kind.told and isinstance(error, NeuralLayersError):
        log.error("request.failed", exc_info=error, extra={"problem": kind.slug})
    return _response(raw_problem(error, _note(request, kind)))


async def _handle_http(request: Request, error: HTTPException) -> Response:
    failure = _failure_of(request, error)
    if failure is not None:
        return await _handle(request, failure)
    phrase = HTTPStatus(error.status_code).phrase
    kind = Kind(error.status_code, phrase.lower().replace(" ", "-"), phrase)
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in (error.headers or {}).items()
    ]
    detail = f"{phrase}: {error.detail}" if error.detail != phrase else f"{phrase}."
    return _response(
        _answer(kind, detail, "See /docs for what there is.", headers, _note(request, kind))
    )


async def _handle_validation(request: Request, error: RequestValidationError) -> Response:
    found = error.errors()
    lines = [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in found]
    kind = MALFORMED if any(one["type"] == "json_invalid" for one in found) else INVALID
    answer = _answer(
        kind,
        f"{len(lines)} value(s) of the request are wrong; the first: {lines[0]}."
        if lines
        else "The request is not valid.",
        "Correct what `errors` names; /docs describes every field.",
        [],
        _note(request, kind),
        lines,
    )
    return _response(answer)


def _note(request: Request, kind: Kind) -> str:
    """Tell the edge which problem it was; gives the name of the request."""
    state = request.scope.setdefault("state", {})
    state["problem"] = kind.slug
    request_id = state.get("request_id", "")
    return str(request_id)


def _failure_of(request: Request, error: HTTPException) -> Failure | None:
    """Our error for what the router raises."""
    if error.status_code == HTTPStatus.NOT_FOUND:
        return NotFound("There is nothing at this address.", "See /docs for what there is.")
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allow = _allowed(request) or (error.headers or {}).get("Allow", "")
        return MethodNotAllowed(
            "This address does not know the method of the request.",
            f"Use {allow}." if allow else "See /docs for what there is.",
            allow,
        )
    if error.status_code == HTTPStatus.BAD_REQUEST:
        return Malformed(
            "The body of the request cannot be read.", "Send what /docs describes, as UTF-8 JSON."
        )
    return None


def _allowed(request: Request) -> str:
    """The methods of an address; the router knows only those of the first route that fits it."""
    app = request.scope.get("app")
    methods: set[str] = set()
    for route in app.routes if app is not None else ():
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    return ", ".join(sorted(methods))


def _texts(error: BaseException, kind: Kind) -> tuple[str, str]:
    if isinstance(error, NeuralLayersError) and kind.told:
        return error.problem, error.remedy
    if isinstance(error, msgspec.DecodeError):
        return f"{error}.", "Send what /docs describes, as UTF-8 JSON."
    if kind.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return f"{kind.title} at the moment.", "Try again in a few seconds."
    return (
        "Something went wrong that is not your fault.",
        "Try again; if it stays so, report it with the request_id.",
    )


def _answer(
    kind: Kind,
    detail: str,
    remedy: str,
    headers: Headers,
    request_id: str,
    errors: Sequence[str] = (),
) -> RawAnswer:
    body = _ENCODER.encode(
        Problem(
            type=URN + kind.slug,
            title=kind.title,
            status=kind.status,
            detail=detail,
            remedy=remedy,
            request_id=request_id,
            errors=list(errors),
        )
    )
    complete = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", b"%d" % len(body)),
        *headers,
    ]
    if kind.status == HTTPStatus.SERVICE_UNAVAILABLE and not headers:
        complete.append((b"retry-after", b"2"))
    return RawAnswer(kind.status, complete, body)


def _response(answer: RawAnswer) -> Response:
    response = Response(answer.body, answer.status)
    response.raw_headers = list(answer.headers)
    return response
