"""A picture of a watched stream: values, index and components, levels, alarms, known anomalies.

It needs the extra ``viz`` (matplotlib).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurallayers.errors import ShapeMismatch
from neurallayers.extras import require
from neurallayers.measures.monitoring.detection import Detection
from neurallayers.measures.monitoring.settings import COMPONENTS, LEVELS
from neurallayers.measures.monitoring.weighting import Window

COMPONENT_COLOURS = ("#4477aa", "#228833", "#ccbb44", "#ee6677")
LEVEL_COLOURS = ("#dddddd", "#f6d55c", "#ed8b3b", "#c0392b")
KNOWN_COLOUR = "#aa3377"


def figure(
    values: Sequence[float] | NDArray[Any],
    detection: Detection,
    *,
    windows: Iterable[Window] = (),
    title: str = "",
) -> Any:
    """Draw a stream over its index, its four components and its levels.

    Args:
        values: The stream that was watched, ``[rows]``.
        detection: What :func:`~.detection.detect` said of it.
        windows: Known anomalies, first and last row of each; they are shaded.
        title: Above the picture.

    Returns:
        A matplotlib figure; ``figure(...).savefig("stream.png")``.

    Raises:
        ShapeMismatch: If stream and detection differ in length.
        MissingExtra: If matplotlib is not installed.
    """
    stream = np.asarray(values, dtype=np.float64)
    if stream.shape != detection.index.shape:
        raise ShapeMismatch(
            f"The stream has shape {stream.shape}, its detection {detection.index.shape}.",
            "Pass the detection of this very stream.",
        )
    made = require("matplotlib.figure", extra="viz").Figure(figsize=(9.0, 6.0), dpi=120)
    panels = made.subplots(4, 1, sharex=True, gridspec_kw={"height_ratios": (3.0, 2.0, 2.0, 0.5)})
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)
        panel.set_xlim(0, max(stream.size - 1, 1))
        for first, last in windows if panel is not panels[3] else ():
            panel.axvspan(first, last, color=KNOWN_COLOUR, alpha=0.15, linewidth=0)
    _draw_stream(panels[0], stream, detection)
    panels[1].plot(detection.index, color="#222222", linewidth=0.7)
    panels[1].set_ylabel("index")
    panels[1].set_ylim(0, 1)
    for part, (name, colour) in enumerate(zip(COMPONENTS, COMPONENT_COLOURS, strict=True)):
        panels[2].plot(
            detection.components[:, part], color=colour, linewidth=0.6, label=name, alpha=0.85
        )
    panels[2].set_ylabel("components")
    panels[2].set_ylim(0, 1)
    panels[2].legend(
        loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=4, fontsize=7, frameon=False
    )
    _draw_levels(panels[3], detection)
    panels[3].set_xlabel("row")
    if title:
        made.suptitle(title, fontsize=10)
    made.align_ylabels(panels)
    made.tight_layout()
    return made


def _draw_stream(panel: Any, stream: NDArray[np.float64], detection: Detection) -> None:
    panel.plot(stream, color="#444444", linewidth=0.6)
    rows = detection.alarm_rows
    panel.plot(
        rows,
        stream[rows],
        linestyle="",
        marker="v",
        color=LEVEL_COLOURS[3],
        markersize=6,
        label="alarm",
    )
    panel.set_ylabel("value")
    panel.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), fontsize=7, frameon=False)


def _draw_levels(panel: Any, detection: Detection) -> None:
    """A strip in the colour of the level, each stretch drawn once."""
    levels = detection.levels
    edges = np.flatnonzero(np.diff(levels)) + 1
    starts, ends = np.concatenate([[0], edges]), np.concatenate([edges, [levels.size]])
    for first, last in zip(starts, ends, strict=True):
        panel.axvspan(first, last, color=LEVEL_COLOURS[levels[first]], linewidth=0)
    panel.set_yticks([])
    panel.set_ylabel("level")
    shown = " / ".join(LEVELS)
    panel.text(1.0, 1.1, shown, transform=panel.transAxes, ha="right", va="bottom", fontsize=6)
