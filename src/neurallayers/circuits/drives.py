"""What reaches a population from outside of the circuit: noise, currents, recorded spikes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurallayers.circuits.sources import rates_per_ms, times_and_cells
from neurallayers.errors import InvalidInput, ShapeMismatch

# Above so many events a step the table of a Poisson distribution becomes long.
MOST_EVENTS = 2_000.0
WORD = 2**32


@dataclass(frozen=True, eq=False)
class PoissonDrive:
    """Independent Poisson events for each cell, each of the same weight, on a receptor.

    Numbers of events are drawn a step and cell, by inversion from 32 random bits; the mean is right
    to 3e-10 events a step. They come from a counter: they hang on the circuit's seed, the name of
    the drive, the cell and the step only.

    Args:
        rate_hz: Rate of all events of a cell together [Hz]: one for all, or one for each.
        weight: Of an event, in the unit of the receptor: one for all, or one for each cell.
        receptor: Name of the receptor; left out, the population's only one.
        phase_ms: If rates change over time, how long each lasts; ``rate_hz`` then has a leading
            axis of phases, after the last of which the first follows.

    Raises:
        InvalidInput: If a rate is negative, not finite, or above 2,000 events a step.
    """

    rate_hz: Any
    weight: Any
    receptor: str | None = None
    phase_ms: float | None = None


@dataclass(frozen=True, eq=False)
class CurrentDrive:
    """A current that is injected.

    Args:
        current_pa: One number, one for each cell, or with ``every_ms`` an array over time:
            ``[times]`` or ``[times, n]``.
        every_ms: How long each row lasts; left out, the current is constant.
        start_ms: When the first row begins. Before it and after the last row nothing flows.
    """

    current_pa: Any
    every_ms: float | None = None
    start_ms: float = 0.0


@dataclass(frozen=True, eq=False)
class SpikeDrive:
    """Recorded spikes that arrive at cells of the population.

    Args:
        times_ms: When they arrive [ms]; the receptor acts from there on.
        cells: Where.
        weight: One for all or one for each spike, in the unit of the receptor.
        receptor: Name of the receptor; left out, the population's only one.
    """

    times_ms: Any
    cells: Any
    weight: Any
    receptor: str | None = None


Drive = PoissonDrive | CurrentDrive | SpikeDrive


def poisson_thresholds(
    means: NDArray[np.float64],
) -> tuple[int, NDArray[np.uint32]]:
    """The table from which numbers of events are drawn.

    Args:
        means: Mean number of events a step, for each cell (or one).

    Returns:
        A number of events that is always reached (but for 2^-32 of the cases), and ``[levels,
        cells]``: the 32-bit words above which there are more than that number + level events.

    Raises:
        InvalidInput: If a mean is too large.

    >>> least, table = poisson_thresholds(np.array([0.5]))
    >>> least, bool(abs((table[0, 0] + 1) / 2**32 - np.exp(-0.5)) < 1e-9)
    (0, True)
    """
    if means.max(initial=0.0) > MOST_EVENTS:
        raise InvalidInput(
            f"A Poisson drive has {means.max()} events a step.",
            f"At most {MOST_EVENTS:.0f}: let fewer events of a larger weight arrive.",
        )
    from scipy.special import pdtr

    spread = 7.0 * np.sqrt(means) + 14.0
    least = max(0, int(np.floor((means - spread).min(initial=0.0))))
    most = int(np.ceil((means + spread).max(initial=0.0)))
    numbers = np.arange(least, most + 1)[:, None]
    highest = np.rint(pdtr(numbers, means[None, :]) * WORD) - 1
    table = np.clip(highest, 0, WORD - 1).astype(np.uint32)
    # Levels that no word exceeds, for any cell, cost time and give nothing.
    levels = max(1, int((highest < WORD - 1).any(axis=1).sum()))
    return least, np.ascontiguousarray(table[:levels])


def phased_rates(drive: PoissonDrive, n: int) -> NDArray[np.float64]:
    """Rates [1/ms], ``[phases, 1 or n]``.

    Raises:
        InvalidInput: If rates are negative or not finite.
        ShapeMismatch: If there are not as many as cells.
    """
    if drive.phase_ms is None:
        return np.atleast_1d(rates_per_ms(drive.rate_hz, n))[None, :]
    rates = np.asarray(drive.rate_hz, dtype=np.float64)
    if rates.ndim not in (1, 2):
        raise ShapeMismatch(
            f"rate_hz has shape {rates.shape}.",
            "With phase_ms the first axis counts phases: [phases] or [phases, n].",
        )
    return np.stack([np.atleast_1d(rates_per_ms(row, n)) for row in rates])


def current_rows(drive: CurrentDrive, n: int) -> NDArray[np.float64]:
    """Currents [pA], ``[times, 1 or n]``.

    Raises:
        InvalidInput: If a current is not finite.
        ShapeMismatch: If the array does not fit.
    """
    current = np.asarray(drive.current_pa, dtype=np.float64)
    if not np.isfinite(current).all():
        raise InvalidInput("A current is not finite.", "Look for nan and inf in current_pa.")
    expected = ((), (n,)) if drive.every_ms is None else None
    rows = current if drive.every_ms is not None else current[None]
    if (expected is not None and current.shape not in expected) or not (
        rows.ndim == 1 or (rows.ndim == 2 and rows.shape[1] == n)
    ):
        raise ShapeMismatch(
            f"current_pa has shape {current.shape}.",
            f"Give one number or {n} of them; with every_ms a row of these for each time.",
        )
    return rows.reshape(len(rows), -1)


def arriving_spikes(
    drive: SpikeDrive, n: int
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Times, cells and weights of recorded spikes, one each.

    Raises:
        ShapeMismatch: If there are not as many weights as spikes.
    """
    times, cells = times_and_cells(drive.times_ms, drive.cells, n)
    weights = np.asarray(drive.weight, dtype=np.float64)
    if weights.shape not in ((), times.shape):
        raise ShapeMismatch(
            f"weight has shape {weights.shape}.", f"Give one number or {times.size} of them."
        )
    return times, cells, np.broadcast_to(weights, times.shape).copy()
