"""From the body of a request to what the engine takes."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image
from starlette.requests import Request

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.service.bodies import (
    answer,
    as_structure,
    flag,
    keyed,
    media_type,
    read_json,
    request_key,
    stimulus_of,
)
from neurallayers.service.failures import Malformed, TooLarge, Unsupported
from neurallayers.service.schemas import HealthOut, NewBrain, ToProcess
from neurallayers.service.settings import Settings

SETTINGS = Settings.load(pixels_at_most=100)


def request(
    body: bytes = b"",
    kind: str = "application/json",
    query: str = "",
    path: str = "/x",
    **headers: str,
) -> Request:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    told = {"content-type": kind, **{name.replace("_", "-"): one for name, one in headers.items()}}
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "server": ("here", 80),
        "scheme": "http",
        "query_string": query.encode(),
        "headers": [(name.encode(), one.encode("latin-1")) for name, one in told.items()],
    }
    return Request(scope, receive)


def read(kind: type[Any], *arguments: Any, optional: bool = False) -> Any:
    return asyncio.run(read_json(request(*arguments), kind, optional=optional))


def test_a_body_becomes_a_structure() -> None:
    assert read(NewBrain, b'{"name": "Ada"}').name == "Ada"
    assert read(NewBrain, b'{"name": "Ada"}', "Application/JSON; charset=utf-8").name == "Ada"
    assert read(NewBrain, b"", "", optional=True) == NewBrain()
    with pytest.raises(msgspec.ValidationError):
        read(ToProcess, b"{}")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"name": "\xff"}', b'{"seed": NaN}'])
def test_what_is_no_json_is_malformed(body: bytes) -> None:
    with pytest.raises((Malformed, msgspec.DecodeError)) as error:
        read(NewBrain, body)
    assert not isinstance(error.value, msgspec.ValidationError)


def test_absurd_depths_end_well() -> None:
    deep = b'{"stimulus": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    with pytest.raises((Malformed, msgspec.DecodeError)):
        read(ToProcess, deep)


@pytest.mark.parametrize("kind", ["", "text/plain", "image/png", "application/jsonx"])
def test_another_type_is_not_understood(kind: str) -> None:
    with pytest.raises(Unsupported, match="Send application/json"):
        read(NewBrain, b"{}", kind)


def test_the_type_is_told_without_parameters() -> None:
    assert media_type(request(kind=" Image/PNG ; q=1")) == "image/png"


def test_switches_in_the_query() -> None:
    assert flag(request(query="fit=true"), "fit")
    assert flag(request(query="fit=1"), "fit")
    assert not flag(request(query="fit=FALSE"), "fit")
    assert not flag(request(query="other=1"), "fit")
    assert not flag(request(), "fit")
    with pytest.raises(InvalidInput, match="fit is 'maybe'"):
        flag(request(query="fit=maybe"), "fit")


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 201, "é", "a\tb"])
def test_a_key_is_visible_and_not_too_long(key: str) -> None:
    with pytest.raises(Malformed, match="Idempotency-Key"):
        request_key(request(idempotency_key=key))


def test_a_key_belongs_to_all_that_was_asked() -> None:
    def asked(**what: Any) -> Any:
        given = {"body": b"{}", "idempotency_key": "k", **what}
        return asyncio.run(keyed(request(**given)))

    same = asked()
    assert same == asked()
    assert same.key == "k"
    others = [asked(body=b"{} "), asked(path="/y"), asked(query="a=1")]
    assert len({one.digest for one in [same, *others]}) == 4
    assert asyncio.run(keyed(request(b"{}"))) is None
    assert request_key(request(idempotency_key="~" * 200)) == "~" * 200


def shown(given: Any, **options: Any) -> Any:
    return asyncio.run(stimulus_of(given, SETTINGS, **options))


def test_numbers_are_taken_as_they_are() -> None:
    stimulus = shown([[0.0, 16.0]], maximum=16.0, fit=True, invert=True)
    assert (stimulus.image, stimulus.maximum) == ([[0.0, 16.0]], 16.0)
    assert stimulus.fit
    assert stimulus.invert


def test_many_numbers_are_the_same_stimulus() -> None:
    rows = (np.arange(200 * 200).reshape(200, 200) / 40_000).tolist()
    prepared = shown(rows, fit=True).prepared((8, 8))
    small = [row[:100] for row in rows[:100]]
    assert prepared.shape == shown(small, fit=True).prepared((8, 8)).shape == (1, 8, 8, 1)
    assert abs(float(prepared.mean()) - 0.5) < 0.01
    with pytest.raises(ShapeMismatch, match="length"):
        shown([*rows, [0.0]])


def test_pictures_are_unpacked_within_bounds() -> None:
    buffer = io.BytesIO()
    Image.new("L", (10, 10), 51).save(buffer, "PNG")
    stimulus = shown(buffer.getvalue(), invert=True)
    assert (np.asarray(stimulus.image) == 51).all()
    assert stimulus.prepared((4, 4)).flatten().tolist() == pytest.approx([0.8] * 16)
    buffer = io.BytesIO()
    Image.new("L", (10, 11)).save(buffer, "PNG")
    with pytest.raises(TooLarge):
        shown(buffer.getvalue())
    with pytest.raises(InvalidInput, match="base64"):
        shown("no!")


def test_answers_are_json_whether_they_are_encoded_or_not() -> None:
    health = HealthOut("ready", {"store": "ok"})
    encoded = msgspec.json.encode(health)
    for body in (health, encoded):
        response = answer(body, 201, {"location": "/x"})
        assert response.body == encoded
        assert response.status_code == 201
        assert response.headers["content-type"] == "application/json"
        assert response.headers["location"] == "/x"
        assert as_structure(body, HealthOut) == health
