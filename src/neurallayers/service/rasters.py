"""Pictures of spikes."""

from __future__ import annotations

from io import BytesIO

import numpy as np

from neurallayers.brain.raster import Raster
from neurallayers.service.schemas import RasterOut


def draw(raster: RasterOut) -> bytes:
    """The spikes of a thought as a figure, PNG.

    Raises:
        MissingExtra: Without the extra ``viz``.
    """
    spikes = {}
    for region, events in raster.spikes.items():
        fired = np.zeros((raster.steps, raster.neurons[region]), dtype=bool)
        if events:
            fired[tuple(np.array(events).T)] = True
        spikes[region] = fired
    buffer = BytesIO()
    # A class may have any name; dollars would begin a formula.
    label = "" if raster.label is None else raster.label.replace("$", r"\$")
    title = f"thought: {label}" if label else "thought"
    figure = Raster(spikes, raster.dt_ms).figure(title=title)
    figure.savefig(buffer, dpi=120, format="png")
    return buffer.getvalue()
