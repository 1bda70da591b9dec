"""Stimuli as they go over the wire: rows of numbers, or a PNG file in base64."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from neurallayers.client.answers import PNG_SIGNATURE
from neurallayers.errors import InvalidInput

BYTES = "uint8"
BITS = "bool"


def encode(stimulus: Any) -> Any:
    """A stimulus as JSON holds it.

    Args:
        stimulus: Anything with ``tolist()`` (NumPy, torch), nested lists, the bytes of a PNG file,
            or the path of one.

    Raises:
        InvalidInput: If it is something else.
    """
    if isinstance(stimulus, Path):
        return _png(_contents(stimulus), str(stimulus))
    if isinstance(stimulus, bytes | bytearray | memoryview):
        return _png(bytes(stimulus), "The bytes")
    if isinstance(stimulus, str):
        raise InvalidInput(
            f"The stimulus is the text {stimulus[:60]!r}.", "Give pathlib.Path(...) for a file."
        )
    rows = stimulus.tolist() if callable(getattr(stimulus, "tolist", None)) else stimulus
    if not isinstance(rows, Sequence) or not rows:
        raise InvalidInput(
            f"The stimulus is {type(stimulus).__name__} and holds no rows of numbers.",
            "Give an array, lists of numbers, the bytes of a PNG file or the path of one.",
        )
    return _numbers(rows) if _dtype(stimulus) == BITS else rows


def white(stimuli: Iterable[Any], maximum: float | None) -> float:
    """The intensity of white in these stimuli: as given, 255 for arrays of bytes, 1 for others.

    Raises:
        InvalidInput: If none is given and they differ.
    """
    if maximum is not None:
        return maximum
    kinds = {_dtype(one) == BYTES for one in stimuli if not _is_picture(one)}
    if len(kinds) > 1:
        raise InvalidInput(
            "Some stimuli are arrays of bytes (0 to 255) and some are not.",
            "Give all in one range, or say maximum=....",
        )
    return 255.0 if kinds == {True} else 1.0


def jsonable(value: Any) -> Any:
    """What JSON does not know by itself: rows and numbers of NumPy and torch inside lists.

    Raises:
        TypeError: If it is something else.
    """
    if callable(getattr(value, "tolist", None)):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no number")


def _is_picture(stimulus: Any) -> bool:
    return isinstance(stimulus, Path | bytes | bytearray | memoryview)


def _dtype(stimulus: Any) -> str:
    """Name of the element type of an array; empty for what is none."""
    return str(getattr(stimulus, "dtype", "")).removeprefix("torch.")


def _numbers(rows: Any) -> Any:
    return [_numbers(row) for row in rows] if isinstance(rows, list) else float(rows)


def _contents(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(
            f"{path} cannot be read ({error.strerror}).", "Give the path of a PNG file."
        ) from error


def _png(data: bytes, what: str) -> str:
    if not data.startswith(PNG_SIGNATURE):
        raise InvalidInput(f"{what} is no PNG file.", "Convert the picture to PNG.")
    return base64.b64encode(data).decode("ascii")
