"""Populations that only send spikes: at random, or as recorded."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurallayers.errors import InvalidInput, ShapeMismatch


class Source(ABC):
    """Something that has cells which fire and no other state.

    Attributes:
        n: How many cells.
    """

    n: int

    def __post_init__(self) -> None:
        if self.n < 1:
            raise InvalidInput(f"n is {self.n}.", "A population has at least one cell.")
        self.check()

    @abstractmethod
    def check(self) -> None:
        """Refuse what is out of range."""


@dataclass(frozen=True)
class PoissonSpikes(Source):
    """Cells that fire at random and independently, at most once a step.

    In a step a cell fires with the probability 1 - exp(-rate dt), so that the mean rate is that of
    a Poisson process whose events in one step count once. The numbers come from a counter: they
    hang on the seed, the population, the cell and the step only.

    Args:
        n: How many cells.
        rate_hz: One rate for all or one for each [Hz].

    Raises:
        InvalidInput: If a rate is negative or not finite.
        ShapeMismatch: If there are not as many rates as cells.
    """

    n: int
    rate_hz: Any

    def check(self) -> None:
        """Rates must be finite and not negative."""
        rates_per_ms(self.rate_hz, self.n)


@dataclass(frozen=True, eq=False)
class RecordedSpikes(Source):
    """Cells that fire when they were recorded to.

    A spike at time t is fired at the end of the step that ends at t; a cell fires at most once in a
    step.

    Args:
        n: How many cells.
        times_ms: When [ms], in any order; after 0.
        senders: Which cell, 0 to n - 1.

    Raises:
        InvalidInput: If a time is not positive or a sender out of range.
        ShapeMismatch: If there are not as many senders as times.
    """

    n: int
    times_ms: Any
    senders: Any

    def check(self) -> None:
        """Times and senders must fit."""
        times_and_cells(self.times_ms, self.senders, self.n)


def rates_per_ms(rate_hz: Any, n: int) -> NDArray[np.float64]:
    """Rates [1/ms], ``[]`` or ``[n]``.

    Raises:
        InvalidInput: If one is negative or not finite.
        ShapeMismatch: If there are not ``n`` of them.
    """
    rates = np.asarray(rate_hz, dtype=np.float64)
    if rates.shape not in ((), (n,)):
        raise ShapeMismatch(f"rate_hz has shape {rates.shape}.", f"Give one rate or {n} of them.")
    if not (np.isfinite(rates) & (rates >= 0.0)).all():
        raise InvalidInput(
            f"rate_hz reaches from {rates.min()} to {rates.max()}.",
            "Rates must be finite and zero or more.",
        )
    return rates * 1e-3


def times_and_cells(
    times_ms: Any, cells: Any, n: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Spike times [ms] and who fires, as arrays of one length.

    Raises:
        InvalidInput: If a time is not positive and finite or a cell out of range.
        ShapeMismatch: If their numbers differ.
    """
    times = np.atleast_1d(np.asarray(times_ms, dtype=np.float64))
    who = np.atleast_1d(np.asarray(cells)).astype(np.int64)
    if times.ndim != 1 or times.shape != who.shape:
        raise ShapeMismatch(
            f"There are {times.shape} times and {who.shape} cells.", "Give one cell for each time."
        )
    if times.size and not (np.isfinite(times).all() and times.min() > 0.0):
        raise InvalidInput(
            f"Spike times begin at {times.min()} ms.", "They must be finite and above zero."
        )
    if who.size and (who.min() < 0 or who.max() >= n):
        raise InvalidInput(
            f"Cells reach from {who.min()} to {who.max()}.", f"There are {n}: 0 to {n - 1}."
        )
    return times, who


def steps_of_times(
    times_ms: NDArray[np.float64], cells: NDArray[np.int64], dt_ms: float
) -> tuple[int, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Spikes by the step that ends at their time, rounded to the grid.

    Returns:
        The first step, where the spikes of each step begin, the cells, and in which order the
        spikes were taken (those of one step by cell, then as given).
    """
    steps = np.rint(times_ms / dt_ms).astype(np.int64) - 1
    if not steps.size:
        return 0, np.zeros(1, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64)
    order = np.lexsort((cells, steps))
    first = int(steps[order[0]])
    if first < 0:
        raise InvalidInput(
            f"A spike at {times_ms.min()} ms is less than half a step of {dt_ms} ms after zero.",
            "The first step ends after one dt.",
        )
    many = int(steps[order[-1]]) - first + 1
    begins = np.searchsorted(steps[order], np.arange(first, first + many + 1)).astype(np.int64)
    return first, begins, cells[order], order
