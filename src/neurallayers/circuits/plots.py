"""Pictures of a circuit's life: rasters, rates, intervals, traces, weights, responses.

Every function draws into the axes that it is given, or into those of a new figure, and gives the
axes back: ``raster(run.spikes).figure.savefig("raster.png")``. Nothing global is touched. They need
the extra ``viz`` (matplotlib).

>>> import numpy as np
>>> axes = frequency_current([0.0, 100.0, 200.0], [0.0, 0.0, 12.5])
>>> axes.get_xlabel()
'current [pA]'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurallayers.circuits.axes import (
    COLOURS,
    GREY,
    draw_histograms,
    draw_scale_bar,
    label_axes,
    plain_axes,
)
from neurallayers.circuits.recording import Spikes
from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.extras import require

# A spike is at least this part of the axes' height, or it could not be seen.
LEAST_SPIKE = 1.0 / 130.0
# With fewer intervals a neuron's coefficient of variation says little.
LEAST_INTERVALS = 4
# So many lines can be told apart; beyond them, bands are drawn.
MOST_LINES = 12


def raster(
    spikes: Spikes | Mapping[str, Spikes],
    axes: Any = None,
    *,
    start_ms: float | None = None,
    stop_ms: float | None = None,
    cells: int | None = 400,
    colours: Sequence[str] = COLOURS,
) -> Any:
    """Who fired when, population above population.

    Args:
        spikes: Of one population, or of several by name (such as ``run.spikes``).
        axes: Where to draw; left out, a new figure.
        start_ms: First moment shown [ms]; left out, that of the recording.
        stop_ms: Last moment shown [ms].
        cells: How many cells are shown in all, evenly chosen, each population in proportion and
            with at least ten; None for all.
        colours: One for each population, in turn.

    Returns:
        The axes.

    Raises:
        InvalidInput: If there is no population or no time between start and stop.
        MissingExtra: Without matplotlib.
    """
    named = _named(spikes)
    start, stop = _span(named, start_ms, stop_ms)
    chosen = {name: _evenly(found.n, named, cells) for name, found in named.items()}
    rows = sum(len(shown) for shown in chosen.values())
    gap = 0.03 * rows if len(named) > 1 else 0.0
    axes = plain_axes(axes, height=2.4 + 0.45 * len(named))
    ticks, labels, top = [], [], 0.0
    length = max(0.9, rows * LEAST_SPIKE)
    for place, (name, found) in enumerate(named.items()):
        shown = chosen[name]
        row_of = np.full(found.n, -1)
        row_of[shown] = np.arange(len(shown))
        kept = (found.times_ms >= start) & (found.times_ms <= stop)
        kept &= row_of[found.senders] >= 0
        # The first population is at the top.
        y = top - row_of[found.senders[kept]]
        colour = colours[place % len(colours)]
        axes.vlines(
            found.times_ms[kept],
            y - length / 2,
            y + length / 2,
            colors=colour,
            linewidths=0.9,
            rasterized=True,
        )
        ticks.append(top - (len(shown) - 1) / 2)
        labels.append(_population_label(name, found, start, stop))
        top -= len(shown) + gap
    axes.set_ylim(top + gap, length)
    axes.set_xlim(start, stop)
    axes.set_yticks(ticks, labels)
    axes.tick_params(axis="y", length=0)
    for label, place in zip(axes.get_yticklabels(), range(len(named)), strict=True):
        label.set_color(colours[place % len(colours)])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("time [ms]")
    return axes


def population_rates(
    spikes: Spikes | Mapping[str, Spikes],
    axes: Any = None,
    *,
    bin_ms: float = 5.0,
    start_ms: float | None = None,
    stop_ms: float | None = None,
    colours: Sequence[str] = COLOURS,
) -> Any:
    """The mean rate of a cell of each population over time.

    Args:
        spikes: Of one population, or of several by name.
        axes: Where to draw.
        bin_ms: Over how long spikes are counted [ms]; what is left of the last bin is left out.
        start_ms: First moment shown [ms].
        stop_ms: Last moment shown [ms].
        colours: One for each population, in turn.

    Raises:
        InvalidInput: If the bin is not positive or longer than what is shown.
    """
    named = _named(spikes)
    start, stop = _span(named, start_ms, stop_ms)
    bins = int((stop - start) / bin_ms + 1e-9) if bin_ms > 0.0 else 0
    if bins < 1:
        raise InvalidInput(
            f"bin_ms is {bin_ms}, and {stop - start} ms are shown.",
            "Choose a positive bin that is shorter.",
        )
    edges = start + bin_ms * np.arange(bins + 1)
    axes = plain_axes(axes)
    for place, (name, found) in enumerate(named.items()):
        # A spike at the end of a step belongs to the bin that ends there.
        order = np.searchsorted(edges, found.times_ms - 1e-6 * bin_ms, side="right") - 1
        counts = np.bincount(order[(order >= 0) & (order < bins)], minlength=bins)
        rates = counts / found.n / bin_ms * 1e3
        colour = colours[place % len(colours)]
        axes.stairs(rates, edges, color=colour, linewidth=1.1, label=name or None)
        axes.stairs(rates, edges, fill=True, color=colour, alpha=0.12)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(bottom=0.0)
    label_axes(axes, "time [ms]", "rate [Hz]", legend=len(named) > 1)
    return axes


def interval_histogram(
    spikes: Spikes | Mapping[str, Spikes],
    axes: Any = None,
    *,
    bins: int = 60,
    logarithmic: bool = True,
    colours: Sequence[str] = COLOURS,
) -> Any:
    """How long it takes a cell to fire again: intervals between spikes of all cells.

    Args:
        spikes: Of one population, or of several by name.
        axes: Where to draw.
        bins: How many.
        logarithmic: Whether bins are of equal width on a logarithmic axis.
        colours: One for each population, in turn.

    Raises:
        InvalidInput: If no cell fired twice.
    """
    named = _named(spikes)
    intervals = {name: np.concatenate(intervals_ms(found)) for name, found in named.items()}
    together = np.concatenate(list(intervals.values()))
    if not together.size:
        raise InvalidInput("No cell fired twice.", "There are no intervals: record for longer.")
    low, high = float(together.min()), float(together.max())
    edges = (
        np.geomspace(low * 0.95, high * 1.05, bins + 1)
        if logarithmic
        else np.linspace(0.0, high * 1.02, bins + 1)
    )
    axes = plain_axes(axes, width=4.6)
    draw_histograms(axes, intervals, edges, colours)
    if logarithmic:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(require("matplotlib.ticker", extra="viz").ScalarFormatter())
    axes.set_xlim(edges[0], edges[-1])
    label_axes(axes, "interval between spikes [ms]", "part of intervals", legend=len(named) > 1)
    return axes


def irregularity_histogram(
    spikes: Spikes | Mapping[str, Spikes],
    axes: Any = None,
    *,
    bins: int = 40,
    colours: Sequence[str] = COLOURS,
) -> Any:
    """How irregularly cells fire: the coefficients of variation of their intervals.

    A clock has 0, a Poisson process 1 (the dashed line). Cells with fewer than four intervals are
    left out.

    Args:
        spikes: Of one population, or of several by name.
        axes: Where to draw.
        bins: How many.
        colours: One for each population, in turn.

    Raises:
        InvalidInput: If no cell fired often enough.
    """
    named = _named(spikes)
    found = {name: interval_variation(value) for name, value in named.items()}
    together = np.concatenate(list(found.values()))
    if not together.size:
        raise InvalidInput(
            f"No cell has {LEAST_INTERVALS} intervals.", "Record for longer to tell how they vary."
        )
    axes = plain_axes(axes, width=4.6)
    edges = np.linspace(0.0, max(1.3, float(together.max()) * 1.02), bins + 1)
    axes.axvline(1.0, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)), zorder=0)
    draw_histograms(axes, found, edges, colours)
    axes.set_xlim(edges[0], edges[-1])
    label = "coefficient of variation of intervals"
    label_axes(axes, label, "part of cells", legend=len(named) > 1)
    return axes


def membrane_traces(
    times_ms: ArrayLike,
    potential_mv: ArrayLike,
    axes: Any = None,
    *,
    spikes_ms: Sequence[ArrayLike] | None = None,
    spike_mv: float = 20.0,
    spacing_mv: float | None = None,
    labels: Sequence[str] | None = None,
    colours: Sequence[str] = COLOURS,
) -> Any:
    """Membrane potentials over time, one line a cell.

    Integrate-and-fire neurons have no spikes in their potential; ``spikes_ms`` draws them, as lines
    from the potential up to ``spike_mv``.

    Args:
        times_ms: When it was sampled [ms], such as ``run.times_ms``.
        potential_mv: ``[samples]`` or ``[samples, cells]`` [mV], such as
            ``run.variables["cells"]["membrane_potential"]``.
        axes: Where to draw.
        spikes_ms: For each cell its spike times [ms]: ``[run.spikes["cells"].train_ms(0)]``.
        spike_mv: How high drawn spikes reach [mV].
        spacing_mv: How far apart cells are drawn [mV]; left out, they share one scale.
        labels: Of the cells.
        colours: One for each cell, in turn.

    Raises:
        ShapeMismatch: If samples, cells, spikes or labels do not fit to each other.
    """
    times = np.asarray(times_ms, dtype=np.float64)
    potentials = np.asarray(potential_mv, dtype=np.float64)
    potentials = potentials[:, None] if potentials.ndim == 1 else potentials
    if potentials.ndim != 2 or times.shape != potentials.shape[:1]:
        raise ShapeMismatch(
            f"There are {times.shape} times and potentials of shape {potentials.shape}.",
            "Give one row of potentials for each time.",
        )
    cells = potentials.shape[1]
    for what, given in (("trains of spikes", spikes_ms), ("labels", labels)):
        if given is not None and len(given) != cells:
            raise ShapeMismatch(
                f"There are {len(given)} {what} for {cells} cells.", "Give one for each cell."
            )
    axes = plain_axes(axes, height=2.2 + (0.45 * cells if spacing_mv else 0.6))
    for cell in range(cells):
        shift = 0.0 if spacing_mv is None else (cells - 1 - cell) * spacing_mv
        colour = colours[cell % len(colours)]
        name = labels[cell] if labels is not None else None
        axes.plot(times, potentials[:, cell] + shift, color=colour, linewidth=1.1, label=name)
        if spikes_ms is not None:
            when = np.asarray(spikes_ms[cell], dtype=np.float64)
            when = when[(when >= times[0]) & (when <= times[-1])]
            begin = np.interp(when, times, potentials[:, cell]) + shift
            axes.vlines(when, begin, spike_mv + shift, colors=colour, linewidths=1.1)
    axes.set_xlim(times[0], times[-1])
    named = "membrane potential [mV]"
    if spacing_mv is not None and cells > 1:
        draw_scale_bar(axes, spacing_mv)
        named = ""
    label_axes(axes, "time [ms]", named, legend=labels is not None)
    return axes


def weight_evolution(
    times_ms: ArrayLike,
    weights: ArrayLike,
    axes: Any = None,
    *,
    unit: str = "nS",
    colour: str = COLOURS[0],
) -> Any:
    """Weights of plastic synapses over time.

    Few synapses are drawn one by one; of many, the median, and the bands that hold the middle half
    and the middle nine tenths.

    Args:
        times_ms: When they were sampled [ms], such as ``run.weight_times_ms``.
        weights: ``[samples, synapses]``, such as ``run.weights["a->b.ampa"]``.
        axes: Where to draw.
        unit: Of the weights.
        colour: Of the bands.

    Raises:
        ShapeMismatch: If there is not one row of weights for each time.
    """
    times, values = np.asarray(times_ms, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if values.ndim != 2 or times.shape != values.shape[:1] or not values.size:
        raise ShapeMismatch(
            f"There are {times.shape} times and weights of shape {values.shape}.",
            "Give one row of weights for each time.",
        )
    axes = plain_axes(axes)
    many = values.shape[1] > MOST_LINES
    if many:
        quantiles = np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95], axis=1)
        for low, high, strength, label in ((0, 4, 0.15, "90 %"), (1, 3, 0.3, "50 %")):
            axes.fill_between(
                times,
                quantiles[low],
                quantiles[high],
                color=colour,
                alpha=strength,
                linewidth=0,
                label=f"{label} of {values.shape[1]:,} synapses",
            )
        axes.plot(times, quantiles[2], color=colour, linewidth=1.6, label="median")
    else:
        for synapse in range(values.shape[1]):
            axes.plot(times, values[:, synapse], linewidth=1.2, color=COLOURS[synapse % 8])
    axes.set_xlim(times[0], times[-1] if times.size > 1 else None)
    label_axes(axes, "time [ms]", f"weight [{unit}]", legend=many)
    return axes


def weight_distribution(
    weights: ArrayLike | Mapping[str, ArrayLike],
    axes: Any = None,
    *,
    unit: str = "nS",
    bins: int = 50,
    colours: Sequence[str] = COLOURS,
) -> Any:
    """How many synapses have which weight.

    Args:
        weights: One array, or several by name, such as before and after learning.
        axes: Where to draw.
        unit: Of the weights.
        bins: How many.
        colours: One for each array, in turn.

    Raises:
        InvalidInput: If there are no weights.
    """
    given = weights if isinstance(weights, Mapping) else {"": weights}
    named = {name: np.asarray(value, dtype=np.float64).reshape(-1) for name, value in given.items()}
    together = np.concatenate(list(named.values())) if named else np.zeros(0)
    if not together.size:
        raise InvalidInput("There are no weights.", "Give at least one.")
    low, high = float(together.min()), float(together.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    axes = plain_axes(axes, width=4.6)
    draw_histograms(axes, named, np.linspace(low, high, bins + 1), colours)
    axes.set_xlim(low, high)
    label_axes(axes, f"weight [{unit}]", "part of synapses", legend=len(named) > 1)
    return axes


def frequency_current(
    current: ArrayLike,
    rate_hz: ArrayLike | Mapping[str, ArrayLike],
    axes: Any = None,
    *,
    unit: str = "pA",
    colours: Sequence[str] = COLOURS,
) -> Any:
    """The f-I curve: how fast neurons fire for which current.

    Args:
        current: Currents, ascending.
        rate_hz: A rate for each [Hz], or several curves by name.
        axes: Where to draw.
        unit: Of the current: ``"pA"`` for point neurons, ``"uA/cm2"`` for patches of membrane.
        colours: One for each curve, in turn.

    Raises:
        ShapeMismatch: If a curve has not one rate for each current.
    """
    currents = np.asarray(current, dtype=np.float64)
    given = rate_hz if isinstance(rate_hz, Mapping) else {"": rate_hz}
    axes = plain_axes(axes, width=4.6)
    for place, (name, values) in enumerate(given.items()):
        rates = np.asarray(values, dtype=np.float64)
        if rates.shape != currents.shape or currents.ndim != 1:
            raise ShapeMismatch(
                f"There are {currents.shape} currents and {rates.shape} rates.",
                "Give one rate for each current.",
            )
        axes.plot(
            currents,
            rates,
            color=colours[place % len(colours)],
            linewidth=1.4,
            marker="o",
            markersize=3.2,
            label=name or None,
        )
    axes.set_ylim(bottom=0.0)
    shown = unit.replace("cm2", "cm²").replace("uA", "µA")
    label_axes(axes, f"current [{shown}]", "rate [Hz]", legend=len(given) > 1)
    return axes


# ------------------------------------------------------------------------------------- numbers


def intervals_ms(spikes: Spikes) -> list[NDArray[np.float64]]:
    """The intervals between the spikes of each cell [ms].

    >>> found = Spikes(np.array([1.0, 2.0, 4.0]), np.array([0, 1, 0]), 2, 0.0, 5.0)
    >>> intervals_ms(found)
    [array([3.]), array([], dtype=float64)]
    """
    return [np.diff(train) for train in spikes.trains_ms()]


def interval_variation(spikes: Spikes) -> NDArray[np.float64]:
    """Coefficients of variation of intervals, of the cells that have at least four of them."""
    enough = [found for found in intervals_ms(spikes) if found.size >= LEAST_INTERVALS]
    return np.array([found.std() / found.mean() for found in enough])


def _named(spikes: Spikes | Mapping[str, Spikes]) -> Mapping[str, Spikes]:
    named = {"": spikes} if isinstance(spikes, Spikes) else spikes
    if not named:
        raise InvalidInput(
            "There are no spikes to draw.", 'Record some: circuit.run(..., record=Record("all")).'
        )
    return named


def _span(
    named: Mapping[str, Spikes], start_ms: float | None, stop_ms: float | None
) -> tuple[float, float]:
    start = min(found.start_ms for found in named.values()) if start_ms is None else start_ms
    stop = max(found.stop_ms for found in named.values()) if stop_ms is None else stop_ms
    if not start < stop:
        raise InvalidInput(f"From {start} to {stop} ms there is no time.", "Start before stop.")
    return float(start), float(stop)


def _evenly(n: int, named: Mapping[str, Spikes], cells: int | None) -> NDArray[np.int64]:
    """Which cells of a population are shown."""
    together = sum(found.n for found in named.values())
    if cells is None or together <= cells:
        return np.arange(n)
    shown = min(n, max(10, round(cells * n / together)))
    return np.linspace(0, n - 1, shown).astype(np.int64)


def _population_label(name: str, found: Spikes, start: float, stop: float) -> str:
    inside = (found.times_ms > start) & (found.times_ms <= stop)
    rate = inside.sum() / found.n / (stop - start) * 1e3
    return f"{name}\n{rate:.1f} Hz" if name else f"{rate:.1f} Hz"
