"""From the body of a request to what the engine takes, and from its answers to bytes."""

from __future__ import annotations

import asyncio
import gc
import hashlib
from typing import Any, TypeVar

import msgspec
import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.service.engine import RequestKey, Stimulus
from neurallayers.service.failures import Malformed, Unsupported
from neurallayers.service.pictures import from_text, read_png
from neurallayers.service.schemas import Pixels
from neurallayers.service.settings import Settings

T = TypeVar("T")

JSON = "application/json"
PNG = "image/png"
KEY_CHARACTERS_AT_MOST = 200
_LARGE_BYTES = 64 * 1024
_MANY_PIXELS = 16 * 1024

_DECODERS: dict[type, msgspec.json.Decoder[Any]] = {}
_encode = msgspec.json.Encoder().encode


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer in JSON; what is JSON already is sent as it is."""
    content = body if isinstance(body, bytes) else _encode(body)
    return Response(content, status, headers, media_type=JSON)


def as_structure(body: Any, kind: type[T]) -> T:
    """An answer of an engine as a structure, if it is JSON already."""
    return msgspec.json.decode(body, type=kind) if isinstance(body, bytes) else body


def settings_of(request: Request) -> Settings:
    """The settings of the service."""
    settings: Settings = request.app.state.settings
    return settings


def media_type(request: Request) -> str:
    """The type of the body, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_json(request: Request, kind: type[T], *, optional: bool = False) -> T:
    """The body as one of the structures of :mod:`neurallayers.service.schemas`.

    Args:
        request: The request.
        kind: Which.
        optional: Whether there may be no body; then all is as by default.

    Raises:
        Unsupported: If the body is of another type.
        Malformed: If it is not JSON.
        msgspec.ValidationError: If it is JSON that does not fit.
    """
    data = await request.body()
    if not data and optional:
        return kind()
    if media_type(request) != JSON:
        raise Unsupported(f"The body is of type {media_type(request)[:80]!r}.", f"Send {JSON}.")
    decoder = _DECODERS.get(kind)
    if decoder is None:
        decoder = _DECODERS[kind] = msgspec.json.Decoder(kind)
    try:
        decoded: T = _decode(decoder, data)
    except RecursionError:
        raise Malformed("The body is nested absurdly deep.", "Send what /docs describes.") from None
    except UnicodeDecodeError as error:
        raise Malformed(f"The body is not UTF-8 ({error.reason}).", "Send UTF-8.") from None
    return decoded


def _decode(decoder: msgspec.json.Decoder[Any], data: bytes) -> Any:
    if len(data) < _LARGE_BYTES:
        return decoder.decode(data)
    # Out of a large body many small lists can come, and the collector would look through all of
    # them again and again: 4 MiB of `[],` would hold up the loop for 2 s instead of 0.2 s.
    collects = gc.isenabled()
    gc.disable()
    try:
        return decoder.decode(data)
    finally:
        if collects:
            gc.enable()


def flag(request: Request, name: str) -> bool:
    """A switch in the query.

    Raises:
        InvalidInput: If it is neither true nor false.
    """
    if not request.scope["query_string"]:
        return False
    value = request.query_params.get(name, "false").lower()
    if value not in ("true", "false", "1", "0"):
        raise InvalidInput(f"{name} is {value[:40]!r}.", "Use true or false.")
    return value in ("true", "1")


async def stimulus_of(
    given: Pixels | str | bytes,
    settings: Settings,
    *,
    maximum: float = 1.0,
    fit: bool = False,
    invert: bool = False,
) -> Stimulus:
    """What a client sent, as the engine takes it.

    Raises:
        InvalidInput: If a picture is none.
        ShapeMismatch: If rows differ in length.
        TooLarge: If it has too many pixels.
    """
    if isinstance(given, list):
        return Stimulus(_side_by_side(given), maximum, fit, invert)
    data = from_text(given) if isinstance(given, str) else given
    # Unpacking takes milliseconds, in which the loop serves others.
    picture = await asyncio.to_thread(read_png, data, settings.pixels_at_most)
    return Stimulus(picture, fit=True, invert=invert)


def _side_by_side(rows: Pixels) -> Any:
    """The rows as they are, or large ones as an array: as lists they take four times the memory.

    They may wait for their turn, and many others beside them.
    """
    if sum(map(len, rows)) < _MANY_PIXELS:
        return rows
    try:
        return np.asarray(rows, dtype=np.float64)
    except ValueError as error:
        raise ShapeMismatch(
            "The rows of the image differ in length.", "Give every row as many numbers."
        ) from error


def request_key(request: Request) -> str | None:
    """The idempotency key of a request, if it has one.

    Raises:
        Malformed: If it is not 1 to 200 visible ASCII characters.
    """
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not 0 < len(key) <= KEY_CHARACTERS_AT_MOST or not all("!" <= sign <= "~" for sign in key):
        raise Malformed(
            f"Idempotency-Key has {len(key)} characters, or some that cannot be seen.",
            f"Use 1 to {KEY_CHARACTERS_AT_MOST} visible ASCII characters, such as a UUID.",
        )
    return key


async def keyed(request: Request) -> RequestKey | None:
    """The idempotency key of a request together with what was asked."""
    key = request_key(request)
    if key is None:
        return None
    asked = hashlib.sha256(request.url.path.encode() + b"?" + request.url.query.encode() + b"\n")
    asked.update(await request.body())
    return RequestKey(key, asked.digest())
