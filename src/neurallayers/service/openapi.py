"""The description of the interface: what the routes declare, with the structures of the bodies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.routing import BaseRoute

import neurallayers
from neurallayers.service import schemas
from neurallayers.service.schemas import Problem

_REFERENCE = "#/components/schemas/{name}"
_TYPES = [
    value
    for value in vars(schemas).values()
    if isinstance(value, type) and issubclass(value, msgspec.Struct) and value is not msgspec.Struct
]

PROBLEMS = {
    400: "The request is not what its content type says, or a header is wrong.",
    401: "There is no key, or a wrong one.",
    404: "There is no such thing.",
    405: "The address knows other methods.",
    408: "The body did not come in time.",
    409: "The state of things does not allow it.",
    413: "The body is too large.",
    414: "The address is too long.",
    415: "The content type or encoding is not understood.",
    422: "It was understood and is wrong; nothing was changed.",
    431: "The head of the request is too large.",
    500: "Our mistake.",
    501: "Something that this needs is not installed.",
    503: "Too much to do, or the store cannot write; try again after Retry-After.",
    504: "There was no answer in time.",
}
# Any request may come with a body, which is read and may be too slow, too large or packed.
_ALWAYS = (400, 404, 405, 408, 413, 414, 415, 431, 500, 503, 504)
_WITH_KEY = (401,)
_WITH_BODY = (422,)
_TEXT = {"type": "string"}
_NAMED = {"X-Request-Id": {"description": "Name of the request in the logs.", "schema": _TEXT}}
_LOCATION = {
    "Location": {"description": "Address of the new thing.", "required": True, "schema": _TEXT}
}
_HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"description": "The scheme that is expected.", "schema": _TEXT}},
    405: {"Allow": {"description": "The methods that there are.", "schema": _TEXT}},
    503: {
        "Retry-After": {
            "description": "When it is worth trying again [s].",
            "required": True,
            "schema": {"type": "integer", "minimum": 1},
        }
    },
}
_PARAMETER = re.compile(r"{(\w+)}")


def describe(
    answer: type[msgspec.Struct] | None = None,
    *,
    status: int = 200,
    body: type[msgspec.Struct] | None = None,
    body_optional: bool = False,
    png: bool = False,
    media: str = "application/json",
    also: tuple[int, ...] = (),
    key: bool = True,
    besides: Mapping[int, type[msgspec.Struct]] = MappingProxyType({}),
    located: bool = False,
    example: Any = None,
    answer_example: Any = None,
) -> dict[str, Any]:
    """The arguments with which a route is declared.

    Args:
        answer: What it answers.
        status: With which status.
        body: What it takes.
        body_optional: Whether that may be left out.
        png: Whether it takes a PNG file as well.
        media: Type of the answer.
        also: Other statuses that it has.
        key: Whether it needs the key.
        besides: What it answers, beside problems, with statuses that are not the good one.
        located: Whether the answer says where the new thing is.
        example: An example of the body.
        answer_example: An example of the answer.
    """
    statuses = [*_ALWAYS, *also]
    if key:
        statuses += _WITH_KEY
    if body is not None:
        statuses += _WITH_BODY
    good: dict[str, Any] = {"description": "It is done."}
    if answer is not None:
        content: dict[str, Any] = {"schema": _reference(answer)}
        if answer_example is not None:
            content["example"] = answer_example
        good["content"] = {media: content}
    elif status != 204:
        good["content"] = {media: {"schema": {"type": "string"}}}
    good["headers"] = {**_NAMED, **(_LOCATION if located else {})}
    responses: dict[int | str, dict[str, Any]] = {
        status: good,
        **{problem: _problem(problem) for problem in sorted(set(statuses))},
    }
    for other, structure in besides.items():
        responses[other]["content"]["application/json"] = {"schema": _reference(structure)}
    extra: dict[str, Any] = {} if key else {"security": []}
    if body is not None:
        extra["requestBody"] = {
            "required": not body_optional,
            "content": _contents(body, png=png, example=example),
        }
    return {
        "status_code": status,
        "response_class": Response,
        "response_model": None,
        "responses": responses,
        "openapi_extra": extra,
    }


def _problem(status: int) -> dict[str, Any]:
    return {
        "description": PROBLEMS[status],
        "headers": {**_NAMED, **_HEADERS.get(status, {})},
        "content": {"application/problem+json": {"schema": _reference(Problem)}},
    }


def _contents(body: type[msgspec.Struct], *, png: bool, example: Any) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": _reference(body)}
    if example is not None:
        content["example"] = example
    contents: dict[str, Any] = {"application/json": content}
    if png:
        contents["image/png"] = {"schema": {"type": "string", "format": "binary"}}
    return contents


def query(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    """A parameter of the query that a route reads by itself."""
    return {
        "name": name,
        "in": "query",
        "required": False,
        "schema": schema,
        "description": description,
    }


def header(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    """A header that a route reads by itself."""
    return {**query(name, schema, description), "in": "header"}


def install(app: FastAPI) -> None:
    """Let an application describe itself with our structures."""

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title="NeuralLayers",
                version=neurallayers.__version__,
                summary="Brains that learn while they are served.",
                description=DESCRIPTION,
                routes=app.routes,
                tags=TAGS,
            )
            _, components = msgspec.json.schema_components(_TYPES, ref_template=_REFERENCE)
            parts = document.setdefault("components", {})
            parts["schemas"] = components
            parts["securitySchemes"] = {
                "key": {"type": "http", "scheme": "bearer", "description": "The key of the API."}
            }
            document["security"] = [{"key": []}]
            _name(document["paths"], app.routes)
            _link(document["paths"])
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _name(paths: dict[str, Any], routes: Iterable[BaseRoute]) -> None:
    """Call the operations as the functions that serve them; clients are generated with these."""
    for route in routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                paths[route.path_format][method.lower()]["operationId"] = route.name


def _link(paths: dict[str, Any]) -> None:
    """Say of everything that can be made where its name is used next (OpenAPI 3.1, 4.8.20)."""
    for path, operations in paths.items():
        made = operations.get("post", {}).get("responses", {}).get("201")
        if made is not None:
            made["links"] = dict(_links_below(paths, path))


def _links_below(paths: dict[str, Any], collection: str) -> Iterator[tuple[str, dict[str, Any]]]:
    around = {name: f"$request.path.{name}" for name in _PARAMETER.findall(collection)}
    for path, operations in paths.items():
        below = path.removeprefix(collection)
        if below == path or len(names := _PARAMETER.findall(below)) != 1:
            continue
        for operation in operations.values():
            name = operation["operationId"]
            yield (
                name,
                {"operationId": name, "parameters": {**around, names[0]: "$response.body#/id"}},
            )


def _reference(kind: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(name=kind.__name__)}


DESCRIPTION = """\
Each brain is an individual: it shares its network with others and keeps a life of its own, which is
on the disk before a lesson is answered. Errors are problem documents (RFC 9457) that say what is
wrong and what to do.
"""
TAGS = [
    {"name": "models", "description": "Networks that brains are born with."},
    {"name": "brains", "description": "Individuals."},
    {"name": "thinking", "description": "Showing brains something."},
    {"name": "learning", "description": "Teaching them, and taking it back."},
    {"name": "memory", "description": "What they remember, and their nights."},
    {"name": "rules", "description": "What they conclude from their answers."},
    {"name": "snapshots", "description": "Moments to return to."},
    {"name": "activity", "description": "What happens inside."},
    {"name": "health", "description": "The condition of the service."},
]
