"""Spikes as a picture."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from neurallayers.brain.raster import Raster
from neurallayers.service import rasters
from neurallayers.service.rasters import draw
from neurallayers.service.schemas import RasterOut

SPIKES = {"sensory": [[0, 1], [3, 0], [3, 2]], "motor": []}


def raster(label: str | None = "7", spikes: dict[str, list[list[int]]] = SPIKES) -> RasterOut:
    """A thought of four steps in two regions."""
    return RasterOut(label, 1.0, 4, {"sensory": 3, "motor": 2}, spikes)


def test_a_raster_is_a_picture_that_shows_its_spikes() -> None:
    picture = Image.open(BytesIO(draw(raster())))
    assert picture.format == "PNG"
    assert picture.width > 500
    silent = Image.open(BytesIO(draw(raster(spikes={"sensory": [], "motor": []}))))
    assert silent.size == picture.size
    assert np.any(np.asarray(silent) != np.asarray(picture))


def test_every_spike_is_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Raster] = []
    figure = Raster.figure

    def look(self: Raster, *arguments: object, **options: str) -> object:
        seen.append(self)
        return figure(self, **options)

    monkeypatch.setattr(rasters.Raster, "figure", look)
    draw(raster())
    drawn = {name: np.argwhere(fired).tolist() for name, fired in seen[0].spikes.items()}
    assert drawn == SPIKES
    assert {name: fired.shape for name, fired in seen[0].spikes.items()} == {
        "sensory": (4, 3),
        "motor": (4, 2),
    }


@pytest.mark.parametrize("label", ["$", r"$\frac$", r"\$x$", "$a$ $", "{_^}", "x" * 200])
def test_a_class_may_have_any_name(label: str) -> None:
    assert draw(raster(label)).startswith(b"\x89PNG")


def test_a_thought_without_a_class_is_a_thought(monkeypatch: pytest.MonkeyPatch) -> None:
    titles: list[str] = []
    figure = Raster.figure

    def look(self: Raster, *, title: str) -> object:
        titles.append(title)
        return figure(self, title=title)

    monkeypatch.setattr(rasters.Raster, "figure", look)
    draw(raster(None))
    draw(raster("7"))
    assert titles == ["thought", "thought: 7"]
