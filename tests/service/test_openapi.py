"""The description of the interface: whole, and of our own structures."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from fastapi import FastAPI
from starlette.responses import Response

from neurallayers.service import openapi
from neurallayers.service.openapi import describe, header, install, query
from neurallayers.service.schemas import BrainOut, HealthOut, NewBrain


def document(**declared: Any) -> dict[str, Any]:
    """The description of one route."""
    app = FastAPI()

    @app.post("/thing", **declared)
    async def thing() -> Response:
        """A thing."""
        return Response()

    install(app)
    described: dict[str, Any] = app.openapi()
    assert app.openapi() is described
    return described


def operation(**options: Any) -> dict[str, Any]:
    found: dict[str, Any] = document(**describe(**options))["paths"]["/thing"]["post"]
    return found


def test_a_route_tells_bodies_answers_and_problems() -> None:
    found = operation(
        answer=BrainOut, status=201, body=NewBrain, body_optional=True, png=True, also=(409,),
        example={"name": "Ada"}, answer_example={"id": "0"},
    )  # fmt: skip
    body = found["requestBody"]
    assert body["required"] is False
    assert set(body["content"]) == {"application/json", "image/png"}
    assert body["content"]["application/json"]["example"] == {"name": "Ada"}
    good = found["responses"]["201"]["content"]["application/json"]
    assert good["schema"] == {"$ref": "#/components/schemas/BrainOut"}
    assert good["example"] == {"id": "0"}
    assert {"401", "409", "422", "503"} <= set(found["responses"])
    assert "404" in found["responses"]
    refusal = found["responses"]["409"]
    assert refusal["description"] == openapi.PROBLEMS[409]
    assert set(refusal["content"]) == {"application/problem+json"}


def test_a_route_without_key_or_body_says_so() -> None:
    found = operation(answer=HealthOut, key=False)
    assert found["security"] == []
    assert "requestBody" not in found
    assert "401" not in found["responses"]
    assert "422" not in found["responses"]


def test_answers_that_are_no_structures() -> None:
    assert "content" not in operation(status=204)["responses"]["204"]
    assert set(operation(media="image/png")["responses"]["200"]["content"]) == {"image/png"}


def test_parameters_that_routes_read_themselves() -> None:
    one = query("invert", {"type": "boolean"}, "Dark on light.")
    assert (one["in"], one["required"]) == ("query", False)
    assert header("Idempotency-Key", {"type": "string"}, "Once.")["in"] == "header"


def test_all_structures_are_described_and_a_key_is_asked_for() -> None:
    whole = document(**describe(answer=BrainOut))
    structures = whole["components"]["schemas"]
    assert {"BrainOut", "Problem", "ToLearn", "RasterOut"} <= set(structures)
    assert structures["BrainOut"]["properties"]["sequence"] == {"type": "integer"}
    assert whole["security"] == [{"key": []}]
    assert whole["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert msgspec.json.encode(whole)


def test_every_status_that_is_declared_has_words() -> None:
    assert all(text.endswith(".") for text in openapi.PROBLEMS.values())
    with pytest.raises(KeyError):
        describe(also=(418,))
