"""PNG files: their pixels, and how the strange ones are refused before they cost anything."""

from __future__ import annotations

import base64
import io
import random
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from tests.service import odd_pictures

from neurallayers.errors import InvalidInput
from neurallayers.service.failures import TooLarge
from neurallayers.service.pictures import from_text, read_png

LEVELS = np.arange(0, 240, 4, dtype=np.uint8).reshape(6, 10)
COLOURS = np.stack([LEVELS, LEVELS[::-1], LEVELS.T.reshape(6, 10)], axis=2)


def saved(picture: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", **options)
    return buffer.getvalue()


def test_pixels_come_back() -> None:
    assert (read_png(saved(Image.fromarray(LEVELS)), 60) == LEVELS).all()
    assert (read_png(saved(Image.fromarray(COLOURS)), 60) == COLOURS).all()
    sixteen = Image.fromarray(LEVELS.astype(np.uint16) * 257)
    assert (read_png(saved(sixteen), 60) == LEVELS).all()
    bits = read_png(saved(Image.fromarray(LEVELS > 99)), 60)
    assert (bits == np.where(LEVELS > 99, 255, 0)).all()


def test_what_is_transparent_shows_white_paper() -> None:
    alpha = np.where(LEVELS > 99, 255, 0).astype(np.uint8)
    expected = np.where(LEVELS > 99, LEVELS, 255)
    grey = Image.merge("LA", (Image.fromarray(LEVELS), Image.fromarray(alpha)))
    assert (read_png(saved(grey), 60) == expected).all()
    drawn = Image.merge("RGBA", (*Image.fromarray(COLOURS).split(), Image.fromarray(alpha)))
    assert (read_png(saved(drawn), 60)[alpha == 0] == 255).all()
    assert (read_png(saved(drawn), 60)[alpha == 255] == COLOURS[alpha == 255]).all()
    # A canvas of a browser holds black ink of many degrees of transparency.
    ink = Image.new("RGBA", (3, 2), (0, 0, 0, 51))
    assert (read_png(saved(ink), 60) == 204).all()


def test_more_pixels_than_allowed_are_refused() -> None:
    data = saved(Image.fromarray(LEVELS))
    with pytest.raises(TooLarge, match="10 x 6"):
        read_png(data, 59)
    # The size is known before anything else is looked at.
    with pytest.raises(TooLarge, match="pixels"):
        read_png(data[:16] + struct.pack(">II", 2**31 - 1, 2**31 - 1) + data[24:30], 10**6)


@pytest.mark.parametrize("first", [b"tEXt", b"IHDR"])
def test_a_second_header_is_looked_at_too(first: bytes) -> None:
    small = struct.pack(">II", 1, 1) + b"\x08\x00\x00\x00\x00"
    large = odd_pictures.header(2000, 2000)
    pixels = odd_pictures.chunk(b"IDAT", zlib.compress(bytes(2001 * 2000)))
    with pytest.raises(TooLarge, match="2000 x 2000"):
        read_png(odd_pictures.png(odd_pictures.chunk(first, small), large, pixels), 10_000)


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a" + b"\0" * 40])
def test_another_file_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput, match="not a PNG"):
        read_png(data, 60)


def test_a_broken_file_is_refused_however_it_is_broken() -> None:
    chance = random.Random(0)
    kinds = (b"IHDR", b"PLTE", b"IDAT", b"tRNS", b"iCCP", b"zTXt", b"acTL", b"fcTL", b"eXIf")
    files = [data for _, data in odd_pictures.readable()]
    refused = 0
    for _ in range(3000):
        data = bytearray(chance.choice(files))
        if chance.random() < 0.5:
            place = 33 if chance.random() < 0.7 else 8
            extra = odd_pictures.chunk(chance.choice(kinds), chance.randbytes(chance.randrange(30)))
            data[place:place] = extra
        else:
            for _ in range(chance.randrange(1, 4)):
                data[chance.randrange(8, len(data))] = chance.randrange(256)
        try:
            read_png(bytes(data), 4096)
        except (InvalidInput, TooLarge):
            refused += 1
    assert 500 < refused < 3000


def test_base64_is_read_strictly() -> None:
    assert from_text(base64.b64encode(b"PNG").decode()) == b"PNG"
    for wrong in ("not base64!", "AAA", "é"):
        with pytest.raises(InvalidInput, match="base64"):
            from_text(wrong)
