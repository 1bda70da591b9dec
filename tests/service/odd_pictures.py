"""PNG files as no drawing program writes them (PNG specification, third edition)."""

from __future__ import annotations

import functools
import struct
import zlib
from collections.abc import Iterable
from io import BytesIO

from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, PALETTE, RGBA = 0, 2, 3, 6
BOMB_MIB = 512
# The passes of Adam7: first column and row, and the steps between (table 8.1).
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2))
_LAST_PASS = (0, 1, 1, 2)


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk with its checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(width: int, height: int, *, depth: int = 8, colour: int = GREY, adam7: int = 0) -> bytes:
    """The first chunk."""
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, adam7))


def png(*chunks: bytes) -> bytes:
    """A file of these chunks."""
    return b"".join([SIGNATURE, *chunks, chunk(b"IEND", b"")])


def rows(width: int, height: int, bytes_a_pixel: int = 1) -> bytes:
    """Pixels without a filter, unpacked."""
    return b"".join(
        b"\0" + bytes((7 * (x + y)) % 256 for x in range(width * bytes_a_pixel))
        for y in range(height)
    )


def pixels(width: int, height: int, bytes_a_pixel: int = 1) -> bytes:
    """The chunk of the pixels."""
    return chunk(b"IDAT", zlib.compress(rows(width, height, bytes_a_pixel)))


@functools.cache
def packed_zeros(mebibytes: int = BOMB_MIB) -> bytes:
    """A little that unpacks to a lot."""
    packer = zlib.compressobj(9)
    parts = [packer.compress(bytes(2**20)) for _ in range(mebibytes)]
    return b"".join([*parts, packer.flush()])


def interlaced(width: int = 8, height: int = 8) -> bytes:
    """A grey picture in seven passes."""
    unpacked = b""
    for x0, y0, dx, dy in (*_PASSES, _LAST_PASS):
        columns, lines = len(range(x0, width, dx)), len(range(y0, height, dy))
        unpacked += (b"\0" + b"\x90" * columns) * lines if columns else b""
    return png(header(width, height, adam7=1), chunk(b"IDAT", zlib.compress(unpacked)))


def saved(picture: Image.Image, **options: object) -> bytes:
    """A picture as Pillow writes it."""
    file = BytesIO()
    picture.save(file, "png", **options)
    return file.getvalue()


def readable() -> Iterable[tuple[str, bytes]]:
    """Files that are unusual and right."""
    plain = saved(Image.new("L", (8, 8), 90))
    yield "plain", plain
    yield "sixteen bits", png(header(8, 8, depth=16), pixels(8, 8, 2))
    yield "colours", png(header(8, 8, colour=RGB), pixels(8, 8, 3))
    yield "interlaced", interlaced()
    yield "palette", saved(Image.new("P", (8, 8), 3), transparency=3)
    yield "transparent", saved(Image.new("RGBA", (8, 8), (9, 9, 9, 0)))
    yield "one bit", saved(Image.new("1", (8, 8), 1))
    yield "as large as may be", saved(Image.new("RGBA", (1024, 1024)))
    frames = [Image.new("L", (8, 8), shade) for shade in range(0, 250, 5)]
    yield "animated", saved(frames[0], save_all=True, append_images=frames[1:])


def broken() -> Iterable[tuple[str, bytes]]:
    """Files that are none."""
    plain = saved(Image.new("L", (28, 28), 90))
    bomb = packed_zeros()
    yield "cut in the pixels", plain[: len(plain) // 2]
    yield "cut in the header", plain[:20]
    yield "signature alone", SIGNATURE
    yield "wrong checksum", plain.replace(b"IDAT", b"IDAX", 1)
    yield "nothing", b""
    yield "a GIF", b"GIF89a" + bytes(64)
    yield "no pixels", png(header(8, 8))
    yield "no width", png(header(0, 8), pixels(8, 8))
    yield "unknown depth", png(header(8, 8, depth=3), pixels(8, 8))
    yield "too few pixels", png(header(28, 28), pixels(4, 4))
    yield "not packed", png(header(8, 8), chunk(b"IDAT", rows(8, 8)))
    yield "bomb in zTXt", png(header(8, 8), chunk(b"zTXt", b"a\0\0" + bomb), pixels(8, 8))
    yield (
        "bomb in iTXt",
        png(header(8, 8), chunk(b"iTXt", b"a\0\1\0\0\0" + bomb), pixels(8, 8)),
    )
    texts = [chunk(b"zTXt", b"a%d\0\0" % n + packed_zeros(1)[:-8]) for n in range(200)]
    yield "many texts", png(header(8, 8), *texts, pixels(8, 8))


def too_large() -> Iterable[tuple[str, bytes]]:
    """Small files with many pixels."""
    yield "65535 x 65535", png(header(65535, 65535), pixels(8, 8))
    yield "as large as can be said", png(header(2**31 - 1, 2**31 - 1, colour=RGBA), pixels(8, 8))
    yield "one line", png(header(2**31 - 1, 1), pixels(8, 8))
    yield "a second header", png(header(8, 8), header(20000, 20000), pixels(8, 8))


def swollen() -> Iterable[tuple[str, bytes]]:
    """Files of 8 x 8 pixels with far more in them, which readers may ignore or refuse."""
    bomb = packed_zeros()
    yield "bomb in the pixels", png(header(8, 8), chunk(b"IDAT", bomb))
    yield "bomb in the profile", png(header(8, 8), chunk(b"iCCP", b"a\0\0" + bomb), pixels(8, 8))
    yield (
        "frames without end",
        png(header(8, 8), chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0)), pixels(8, 8)),
    )
