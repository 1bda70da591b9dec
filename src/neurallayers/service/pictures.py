"""PNG files that clients send: looked at before anything is unpacked."""

from __future__ import annotations

import base64
import binascii
import struct
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt

from neurallayers.errors import InvalidInput
from neurallayers.extras import require
from neurallayers.service.failures import TooLarge

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SIZE = struct.Struct(">II")
_SIZE_AT = 16  # after the signature, and length and name of the first chunk (PNG 3rd ed., 11.2.1)


def from_text(text: str) -> bytes:
    """The file in base64.

    Raises:
        InvalidInput: If it is not base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput(
            f"The stimulus is a text that is not base64 ({error}).",
            "Send rows of numbers, or a PNG file in base64 (RFC 4648).",
        ) from error


def read_png(data: bytes, pixels_at_most: int) -> npt.NDArray[np.uint8]:
    """The pixels of a PNG file; what is transparent shows white paper.

    Args:
        data: The file.
        pixels_at_most: Pixels that it may have; a larger one is refused unread.

    Returns:
        Brightness ``[height, width]`` of a grey picture, else red, green and blue
        ``[height, width, 3]``; 0 to 255.

    Raises:
        InvalidInput: If it is not a whole PNG file.
        TooLarge: If it has more pixels.
        MissingExtra: If pictures cannot be read here.
    """
    if not data.startswith(_SIGNATURE) or len(data) < _SIZE_AT + _SIZE.size:
        raise InvalidInput("The stimulus is not a PNG file.", "Send a whole PNG file.")
    _check_size(_SIZE.unpack_from(data, _SIZE_AT), pixels_at_most)
    pictures = require("PIL.Image", extra="service")
    try:
        with pictures.open(BytesIO(data), formats=["PNG"]) as picture:
            # A file with several headers is as large as the last one says.
            _check_size(picture.size, pixels_at_most)
            picture.load()
            drawn = _on_white(pictures, picture)
            grey = drawn.mode in ("1", "L", "LA", "I", "I;16", "F")
            return np.array(_eight_bits(drawn) if grey else drawn.convert("RGB"), dtype=np.uint8)
    except TooLarge:
        raise
    except pictures.DecompressionBombError as error:
        raise TooLarge(
            "The picture is far larger than its file.", f"Send at most {pixels_at_most} pixels."
        ) from error
    except Exception as error:
        # A reader stumbles over broken files in more ways than it names.
        raise InvalidInput(
            f"The picture cannot be read ({str(error)[:200]}).", "Send a whole PNG file."
        ) from error


def _check_size(size: tuple[int, int], pixels_at_most: int) -> None:
    width, height = size
    if width * height > pixels_at_most:
        raise TooLarge(
            f"The picture has {width} x {height} pixels.", f"Send at most {pixels_at_most} pixels."
        )


def _eight_bits(picture: Any) -> Any:
    """A grey picture with 256 levels; sixteen bits are cut, not clipped."""
    if picture.mode in ("I", "I;16"):
        return np.asarray(picture, dtype=np.int64) // 257
    return picture.convert("L")


def _on_white(pictures: Any, picture: Any) -> Any:
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture
    drawn = picture.convert("RGBA")
    paper = pictures.new("RGBA", drawn.size, "white")
    whole = pictures.alpha_composite(paper, drawn).convert("RGB")
    red, green, blue = whole.split()
    same = red.tobytes() == green.tobytes() == blue.tobytes()
    return red if same else whole
