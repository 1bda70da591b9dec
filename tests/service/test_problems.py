"""Every error has one row in one table, and becomes a problem document."""

from __future__ import annotations

import inspect
import json
from types import ModuleType
from typing import Annotated, Any

import httpx
import msgspec
import pytest
from fastapi import Body, FastAPI, Query

from neurallayers import errors
from neurallayers.errors import (
    InvalidInput,
    JournalError,
    MissingExtra,
    NeuralLayersError,
    ShapeMismatch,
    SnapshotError,
    UnknownName,
)
from neurallayers.service import failures
from neurallayers.service.failures import Conflict, Failure, Overloaded, TryLater
from neurallayers.service.problems import (
    TABLE,
    install_handlers,
    kind_of,
    raw_problem,
)


def classes_of(module: ModuleType) -> list[type[NeuralLayersError]]:
    return [
        one
        for _, one in inspect.getmembers(module, inspect.isclass)
        if issubclass(one, NeuralLayersError) and one not in (Failure, TryLater)
    ]


@pytest.mark.parametrize("error_class", [*classes_of(errors), *classes_of(failures)])
def test_every_class_of_ours_has_a_row(error_class: type[NeuralLayersError]) -> None:
    assert error_class in TABLE


def test_slugs_are_fit_for_a_urn_and_mean_one_status() -> None:
    statuses: dict[str, int] = {}
    for kind in TABLE.values():
        assert kind.slug.replace("-", "").isalpha()
        assert statuses.setdefault(kind.slug, kind.status) == kind.status


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (InvalidInput("a", "b"), 422, "invalid-input"),
        (ShapeMismatch("a", "b"), 422, "shape-mismatch"),
        (UnknownName("a", "b"), 404, "unknown-name"),
        (MissingExtra("a", "b"), 501, "missing-extra"),
        (JournalError("a", "b"), 503, "store-unavailable"),
        (SnapshotError("a", "b"), 500, "damaged-snapshot"),
        (Conflict("a", "b"), 409, "conflict"),
        (type("Special", (Conflict,), {})("a", "b"), 409, "conflict"),
        (ValueError("a"), 500, "internal-error"),
        (KeyError("a"), 500, "internal-error"),
    ],
)
def test_an_error_is_answered_by_its_nearest_class(
    error: Exception, status: int, slug: str
) -> None:
    kind = kind_of(error)
    assert (kind.status, kind.slug) == (status, slug)


def test_a_problem_document_is_complete() -> None:
    status, headers, body = raw_problem(Overloaded("Full.", "Wait.", 3), "r-1")
    assert status == 503
    assert dict(headers) == {
        b"content-type": b"application/problem+json",
        b"content-length": str(len(body)).encode(),
        b"retry-after": b"3",
    }
    assert json.loads(body) == {
        "type": "urn:neurallayers:problem:overloaded",
        "title": "Too much to do at the moment",
        "status": 503,
        "detail": "Full.",
        "remedy": "Wait.",
        "request_id": "r-1",
    }


@pytest.mark.parametrize(
    "error",
    [
        JournalError("/home/ada/x is damaged", "rm it"),
        SnapshotError("/home/ada/x", ""),
        RuntimeError("/home/ada/x"),
        NeuralLayersError("/home/ada/x", ""),
    ],
)
def test_what_is_inside_is_not_told(error: Exception) -> None:
    answer = raw_problem(error)
    assert b"ada" not in answer.body
    assert (b"retry-after" in dict(answer.headers)) == (answer.status == 503)


# ------------------------------------------------------------------ behind a framework


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    number: int


def app() -> FastAPI:
    app = FastAPI()
    install_handlers(app)

    @app.get("/raise/{name}")
    async def raises(name: str) -> None:
        raise {
            "conflict": Conflict("a", "b"),
            "journal": JournalError("/home/ada", "b"),
            "bug": RuntimeError("/home/ada"),
        }[name]

    @app.post("/fields")
    async def fields(one: Annotated[int, Body()], two: Annotated[int, Query(le=5)]) -> None: ...

    @app.post("/decode")
    async def decode(body: Annotated[str, Body()]) -> None:
        msgspec.json.decode(body, type=Wanted)

    return app


@pytest.fixture
def client() -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app(), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://here")


JSON = {"content-type": "application/json"}
CASES: list[tuple[str, str, dict[str, Any], int, str]] = [
    ("GET", "/raise/conflict", {}, 409, "conflict"),
    ("GET", "/raise/journal", {}, 503, "store-unavailable"),
    ("GET", "/raise/bug", {}, 500, "internal-error"),
    ("GET", "/nowhere", {}, 404, "not-found"),
    ("GET", "/fields", {}, 405, "method-not-allowed"),
    ("POST", "/fields?two=1", {"content": b"{", "headers": JSON}, 400, "malformed"),
    ("POST", "/fields?two=1", {"content": b"\xff", "headers": JSON}, 400, "malformed"),
    ("POST", "/fields?two=9", {"json": 1}, 422, "invalid-input"),
    ("POST", "/fields", {"json": "x"}, 422, "invalid-input"),
    ("POST", "/decode", {"json": '{"number": "x"}'}, 422, "invalid-input"),
    ("POST", "/decode", {"json": '{"number": 1, "more": 2}'}, 422, "invalid-input"),
    ("POST", "/decode", {"json": '{"number"'}, 400, "malformed"),
]


@pytest.mark.parametrize(("method", "path", "content", "status", "slug"), CASES)
def test_every_error_of_a_route_is_a_problem(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    content: dict[str, Any],
    status: int,
    slug: str,
) -> None:
    import asyncio

    answer = asyncio.run(client.request(method, path, **content))
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == f"urn:neurallayers:problem:{slug}"
    assert problem["status"] == status
    assert problem["remedy"]
    assert "ada" not in answer.text
    if status == 405:
        assert answer.headers["allow"] == "POST"
    if path == "/fields" and status == 422:
        assert len(problem["errors"]) == 2


def test_what_is_not_told_is_logged(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    import asyncio

    asyncio.run(client.get("/raise/journal"))
    assert "/home/ada" in caplog.text
