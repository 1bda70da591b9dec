"""Images as they are named on the command line: files, or places in a data set."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurallayers.cli.output import literal, say
from neurallayers.cli.sources import load_data
from neurallayers.errors import InvalidInput
from neurallayers.extras import require

if TYPE_CHECKING:
    import numpy.typing as npt

PLACE = re.compile(r"(?P<data>[a-z][a-z0-9_-]+):(?:(?P<part>train|test):)?(?P<number>\d+)")
LARGEST_BYTES = 64 * 2**20

HELP = literal(
    "A picture (.png, .jpg, ...), an array (.npy), or a place in a data set: digits:12 is held-out "
    "image 12, digits:train:12 one to learn from."
)
Where = Annotated[str | None, typer.Option(help="Where it happens, for its memory.")]
When = Annotated[
    int | None,
    typer.Option(min=0, help="When it happens, in your unit, such as seconds since 1970."),
]
Who = Annotated[str | None, typer.Option(help="Who shows or says it, for its memory.")]
Pin = Annotated[
    bool, typer.Option("--pin", help="Never let other episodes displace these from its memory.")
]


def read_image(name: str, shape: tuple[int, ...], *, invert: bool = False) -> npt.NDArray[Any]:
    """The image of this name, in the shape that a brain expects.

    Pictures are made grey and brought to the size; arrays and data sets are taken as they are.

    Args:
        name: A file, or a place in a data set such as ``digits:12``.
        shape: Height and width, or height, width and channels.
        invert: Turn a dark drawing on light ground into a light one on dark ground.

    Raises:
        InvalidInput: If there is no such image or it cannot be read.
        MissingExtra: If pictures cannot be read here.
    """
    place = PLACE.fullmatch(name)
    if place is not None:
        image = _from_data(place["data"], place["part"] or "test", int(place["number"]))
    else:
        path = Path(name)
        if not path.is_file():
            raise InvalidInput(
                f"There is no image {name!r}.",
                "Name a picture (.png), an array (.npy) or a place in a data set (digits:12).",
            )
        if path.stat().st_size > LARGEST_BYTES:
            raise InvalidInput(f"{path} is larger than 64 MiB.", "Give a smaller picture.")
        image = _from_array(path) if path.suffix == ".npy" else _from_picture(path, shape)
    if not invert:
        return image
    return (255 - image) if image.dtype == "uint8" else (1.0 - image)


def _from_data(data: str, part: str, number: int) -> npt.NDArray[Any]:
    split = getattr(load_data(data), part)
    if number >= len(split):
        raise InvalidInput(
            f"{data}:{part} has {len(split)} images and no number {number}.",
            f"Use 0 to {len(split) - 1}.",
        )
    pixels: npt.NDArray[Any] = split.images[number].numpy()
    return pixels


def _from_array(path: Path) -> npt.NDArray[Any]:
    import numpy as np

    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise InvalidInput(
            f"{path} holds no array of numbers ({error}).", "Write it with numpy.save."
        ) from error


def _from_picture(path: Path, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    import numpy as np

    pictures = require("PIL.Image", extra="viz")
    height, width = shape[:2]
    mode = "RGB" if len(shape) == 3 and shape[2] == 3 else "L"
    try:
        with pictures.open(path) as picture:
            opaque = _on_white(pictures, picture)
            drawn = opaque.convert(mode)
    except (OSError, ValueError, SyntaxError, pictures.DecompressionBombError) as error:
        raise InvalidInput(
            f"{path} cannot be read as a picture ({error}).", "Give a whole PNG or JPEG file."
        ) from error
    if drawn.size != (width, height):
        say(f"{path.name}: {drawn.width} x {drawn.height} pixels, brought to {width} x {height}.")
        drawn = drawn.resize((width, height), pictures.Resampling.BOX)
    return np.array(drawn, dtype=np.uint8).reshape(shape)


def _on_white(pictures: Any, picture: Any) -> Any:
    """What is transparent shows white paper, as everywhere else."""
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture
    drawn = picture.convert("RGBA")
    paper = pictures.new("RGBA", drawn.size, "white")
    return pictures.alpha_composite(paper, drawn)
