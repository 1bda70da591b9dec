"""The picture of a watched stream."""

from __future__ import annotations

import io

import numpy as np
import pytest

from neurallayers.errors import ShapeMismatch
from neurallayers.measures.monitoring import detect, figure

pytest.importorskip("matplotlib")


def test_a_picture_shows_stream_index_components_and_levels() -> None:
    values = np.sin(np.arange(600) / 5.0)
    values[400:420] += 5
    found = detect(values)
    drawn = figure(values, found, windows=[(395, 430)], title="a sine with a jump")
    assert [axes.get_ylabel() for axes in drawn.axes] == ["value", "index", "components", "level"]
    line = drawn.axes[1].lines[0]
    assert np.array_equal(line.get_ydata(), found.index)
    assert len(drawn.axes[2].lines) == 4
    buffer = io.BytesIO()
    drawn.savefig(buffer)
    assert buffer.getvalue().startswith(b"\x89PNG")


def test_a_detection_of_another_stream_is_refused() -> None:
    with pytest.raises(ShapeMismatch, match="this very stream"):
        figure(np.zeros(10), detect(np.zeros(9)))
