"""Drawing in a terminal: pictures in half blocks, bars in eighths, spikes in braille."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from rich.color import Color
from rich.style import Style
from rich.text import Text

from neurallayers.brain import Raster

EIGHTHS = " ▏▎▍▌▋▊▉█"
BLOCKS = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
DASH = 4  # dots that a step takes in braille: three drawn, one free


def draw_image(image: npt.NDArray[np.float32], *, colour: bool, rows: int = 10) -> list[Text]:
    """A grey picture in half blocks, two pixels a character.

    Args:
        image: ``[height, width]`` in 0..1.
        colour: Whether the terminal shows colours; without, pixels are on or off.
        rows: Lines; as many columns as make its pixels square.
    """
    height, width = image.shape
    columns = max(1, round(2 * rows * width / height))
    pixels = _resized(image, 2 * rows, columns)
    return [
        _colour_line(pixels[row], pixels[row + 1])
        if colour
        else Text(
            "".join(BLOCKS[a > 0.5, b > 0.5] for a, b in zip(*pixels[row : row + 2], strict=True))
        )
        for row in range(0, 2 * rows, 2)
    ]


def bar(share: float, width: int) -> str:
    """A bar for a share of 0 to 1, to the eighth of a character."""
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (EIGHTHS[rest] if rest else "")).ljust(width)


def draw_spikes(raster: Raster, until: int, rows: int) -> dict[str, list[str]]:
    """Spikes of each region in braille, a dash where a neuron fired, four neurons a line.

    Args:
        raster: No more than ``4 * rows`` neurons a region.
        until: Steps to show; what comes later is left blank.
        rows: Lines a region.
    """
    stretched = {}
    for name, spikes in raster.spikes.items():
        dashes = np.zeros((len(spikes), DASH, spikes.shape[1]), dtype=bool)
        dashes[:until, : DASH - 1] = spikes[:until, None]
        stretched[name] = dashes.reshape(-1, spikes.shape[1])
    width = DASH * len(next(iter(raster.spikes.values()))) // 2
    return Raster(stretched, raster.dt_ms / DASH).text(width, rows)


def _colour_line(above: npt.NDArray[np.float32], below: npt.NDArray[np.float32]) -> Text:
    line = Text()
    for a, b in zip(above, below, strict=True):
        line.append("▀", Style(color=_ink(float(a)), bgcolor=_ink(float(b))))
    return line


def _ink(level: float) -> Color:
    # From slate to a warm white, so that the paper is seen on light and on dark terminals.
    low, high = np.array([24, 28, 38]), np.array([255, 244, 222])
    red, green, blue = (low + (high - low) * min(max(level, 0.0), 1.0)).round().tolist()
    return Color.from_rgb(red, green, blue)


def _resized(image: npt.NDArray[np.float32], height: int, width: int) -> npt.NDArray[np.float32]:
    """The picture at another size, linear between pixels."""
    vertical = _weights(image.shape[0], height)
    horizontal = _weights(image.shape[1], width)
    return np.asarray(vertical @ image @ horizontal.T, dtype=np.float32)


def _weights(pixels: int, wanted: int) -> npt.NDArray[np.float64]:
    """How much each pixel gives to each wanted one, ``[wanted, pixels]``."""
    places = np.clip((np.arange(wanted) + 0.5) * pixels / wanted - 0.5, 0, pixels - 1)
    distance = np.abs(places[:, None] - np.arange(pixels))
    return np.asarray(np.clip(1.0 - distance, 0.0, 1.0))
