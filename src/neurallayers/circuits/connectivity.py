"""Who is connected to whom: rules that give each sender's row of receivers.

A rule is a value. It is drawn row by row from a generator that is handed in, needs memory in
proportion to the synapses that there will be (two bytes each, four where there are more than 65,536
receivers), and lists the receivers of a row in ascending order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurallayers.errors import InvalidInput, ShapeMismatch

Starts = NDArray[np.int64]
Cells = NDArray[np.int32] | NDArray[np.uint16]
# So many random numbers are drawn at once.
CHUNK = 1 << 16


class Rows(NamedTuple):
    """Synapses, sorted by sender and then by receiver.

    Attributes:
        starts: Where each sender's row begins, ``[senders + 1]``.
        receivers: ``[synapses]``, of :func:`cell_type`.
        order: For rules that list synapses: which of the listed ones each is.
    """

    starts: Starts
    receivers: Cells
    order: NDArray[np.int64] | None = None

    @property
    def senders(self) -> NDArray[np.int32]:
        """The sender of each synapse."""
        lengths = np.diff(self.starts)
        return np.repeat(np.arange(lengths.size, dtype=np.int32), lengths)


class Connectivity(ABC):
    """A rule of who is connected to whom."""

    @abstractmethod
    def rows(self, senders: int, receivers: int, numbers: np.random.Generator, same: bool) -> Rows:
        """The synapses between so many senders and receivers.

        Args:
            senders: How many cells send.
            receivers: How many receive.
            numbers: Where random numbers come from.
            same: Whether senders and receivers are the same cells, so that cell i could connect to
                itself.

        Raises:
            InvalidInput: If the rule does not fit these numbers.
        """


@dataclass(frozen=True)
class AllToAll(Connectivity):
    """Every sender to every receiver.

    Args:
        self_connections: Whether a cell of the same population connects to itself.
    """

    self_connections: bool = True

    def rows(self, senders: int, receivers: int, numbers: np.random.Generator, same: bool) -> Rows:
        """All pairs."""
        receiving = np.tile(np.arange(receivers, dtype=cell_type(receivers)), senders)
        starts = np.arange(senders + 1, dtype=np.int64) * receivers
        if not same or self.self_connections:
            return Rows(starts, receiving)
        return without_self(Rows(starts, receiving), keep_order=True)


@dataclass(frozen=True)
class OneToOne(Connectivity):
    """Sender i to receiver i."""

    def rows(self, senders: int, receivers: int, numbers: np.random.Generator, same: bool) -> Rows:
        """The diagonal."""
        if senders != receivers:
            raise InvalidInput(
                f"OneToOne between {senders} and {receivers} cells.",
                "It needs as many senders as receivers.",
            )
        everyone = np.arange(senders, dtype=cell_type(receivers))
        return Rows(np.arange(senders + 1, dtype=np.int64), everyone)


@dataclass(frozen=True)
class FixedProbability(Connectivity):
    """Each pair with the same probability, independently of all others.

    Between two synapses lie geometrically distributed numbers of pairs, so that the time to draw
    them grows with the synapses and not with the pairs.

    Args:
        probability: Between 0 and 1.
        self_connections: Whether a cell of the same population may connect to itself.

    Raises:
        InvalidInput: If the probability is out of range.
    """

    probability: float
    self_connections: bool = True

    def __post_init__(self) -> None:
        if not 0.0 <= self.probability <= 1.0:
            raise InvalidInput(f"probability is {self.probability}.", "It must be from 0 to 1.")

    def rows(self, senders: int, receivers: int, numbers: np.random.Generator, same: bool) -> Rows:
        """Draw the pairs in ascending order."""
        if self.probability == 1.0:
            return AllToAll(self.self_connections).rows(senders, receivers, numbers, same)
        pairs, last, found = senders * receivers, -1, 0
        counts = np.zeros(senders, np.int64)
        # Room for more than will be drawn (six standard deviations), so that it is not copied.
        expected = pairs * self.probability
        kind = cell_type(receivers)
        drawn = np.empty(int(expected + 6.0 * expected**0.5) + 64, kind)
        while self.probability > 0.0 and last < pairs:
            # A gap beyond all pairs ends the drawing; capped, sums of gaps cannot overflow.
            gaps = np.minimum(numbers.geometric(self.probability, CHUNK), pairs + 1)
            places = last + np.cumsum(gaps)
            last = int(places[-1])
            sending, receiving = np.divmod(places[: np.searchsorted(places, pairs)], receivers)
            if same and not self.self_connections:
                others = sending != receiving
                sending, receiving = sending[others], receiving[others]
            counts += np.bincount(sending, minlength=senders)
            if found + receiving.size > drawn.size:
                drawn = np.concatenate([drawn, np.empty(receiving.size, kind)])
            drawn[found : found + receiving.size] = receiving
            found += receiving.size
        return Rows(_starts(counts), drawn[:found])


@dataclass(frozen=True)
class FixedInDegree(Connectivity):
    """Every receiver has the same number of senders, drawn at random.

    Args:
        number: Synapses of each receiver.
        multiple: Whether a pair may have several synapses (senders are drawn with replacement, as
            NEST's ``fixed_indegree`` does).
        self_connections: Whether a cell of the same population may connect to itself.
    """

    number: int
    multiple: bool = True
    self_connections: bool = True

    def rows(self, senders: int, receivers: int, numbers: np.random.Generator, same: bool) -> Rows:
        """Draw each receiver's senders, then sort by sender."""
        forbidden = same and not self.self_connections
        drawn = _drawn_partners(
            receivers, senders, self.number, self.multiple, forbidden, numbers, "FixedInDegree"
        )
        return by_sender(drawn, senders, cell_type(receivers))


@dataclass(frozen=True)
class FixedOutDegree(Connectivity):
    """Every sender has the same number of receivers; else as :class:`FixedInDegree`."""

    number: int
    multiple: bool = True
    self_connections: bool = True

    def rows(self, senders: int, receivers: int, numbers: np.random.Generator, same: bool) -> Rows:
        """Draw each sender's receivers."""
        forbidden = same and not self.self_connections
        drawn = _drawn_partners(
            senders, receivers, self.number, self.multiple, forbidden, numbers, "FixedOutDegree"
        )
        starts = np.arange(senders + 1, dtype=np.int64) * self.number
        return Rows(starts, np.sort(drawn, axis=1).reshape(-1).astype(cell_type(receivers)))


@dataclass(frozen=True)
class FixedTotal(Connectivity):
    """So many synapses in all, senders and receivers drawn with replacement.

    NEST's ``fixed_total_number``, as the microcircuit of Potjans & Diesmann (2014) uses it.
    """

    number: int

    def __post_init__(self) -> None:
        if self.number < 0:
            raise InvalidInput(f"number is {self.number}.", "It must be zero or more.")

    def rows(self, senders: int, receivers: int, numbers: np.random.Generator, same: bool) -> Rows:
        """Draw the pairs, as places in the matrix, and sort them."""
        places = numbers.integers(0, senders * receivers, self.number)
        places.sort()
        sending, receiving = np.divmod(places, receivers)
        counts = np.bincount(sending, minlength=senders)
        return Rows(_starts(counts), receiving.astype(cell_type(receivers)))


@dataclass(frozen=True, eq=False)
class DistanceBased(Connectivity):
    """Each pair with a probability that depends on its distance.

    Args:
        senders_um: Positions of the senders [um], ``[senders]`` or ``[senders, dimensions]``.
        receivers_um: Positions of the receivers.
        probability: From distances [um] to probabilities, on arrays; see :func:`gaussian_profile`.
        period_um: Length of each side of a space that is closed to a ring or torus; 0 for none.
        self_connections: Whether a cell of the same population may connect to itself.

    Raises:
        ShapeMismatch: If positions differ in their number of dimensions.
    """

    senders_um: Any
    receivers_um: Any
    probability: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    period_um: float = 0.0
    self_connections: bool = True

    def __post_init__(self) -> None:
        for name in ("senders_um", "receivers_um"):
            positions = np.asarray(getattr(self, name), dtype=np.float64)
            object.__setattr__(self, name, positions.reshape(len(positions), -1))
        if self.senders_um.shape[1] != self.receivers_um.shape[1]:
            raise ShapeMismatch(
                f"Senders have {self.senders_um.shape[1]} coordinates, receivers "
                f"{self.receivers_um.shape[1]}.",
                "Place both in the same space.",
            )

    def distances_um(self, senders: Any, receivers: Any) -> NDArray[np.float64]:
        """Distances between cells [um], for indices that broadcast."""
        between = np.abs(self.senders_um[senders] - self.receivers_um[receivers])
        if self.period_um:
            between = np.minimum(between, self.period_um - between)
        distances: NDArray[np.float64] = np.sqrt((between**2).sum(axis=-1))
        return distances

    def rows(self, senders: int, receivers: int, numbers: np.random.Generator, same: bool) -> Rows:
        """Draw a row at a time."""
        if (len(self.senders_um), len(self.receivers_um)) != (senders, receivers):
            raise ShapeMismatch(
                f"Positions are for {len(self.senders_um)} senders and "
                f"{len(self.receivers_um)} receivers.",
                f"There are {senders} and {receivers}.",
            )
        everyone, counts, pieces = np.arange(receivers), np.zeros(senders, np.int64), []
        for sender in range(senders):
            chances = np.asarray(self.probability(self.distances_um(sender, everyone)))
            if chances.shape != (receivers,) or not ((chances >= 0.0) & (chances <= 1.0)).all():
                raise InvalidInput(
                    f"The profile gives {chances}.", "It must give a probability for each distance."
                )
            chosen = numbers.random(receivers) < chances
            if same and not self.self_connections:
                chosen[sender] = False
            pieces.append(np.flatnonzero(chosen).astype(cell_type(receivers)))
            counts[sender] = pieces[-1].size
        return Rows(_starts(counts), np.concatenate(pieces))


def gaussian_profile(
    peak: float, width_um: float
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """The probability peak exp(-d^2 / (2 width^2)).

    >>> gaussian_profile(0.5, 100.0)(np.array([0.0, 100.0])).round(4)
    array([0.5   , 0.3033])
    """
    return lambda distance_um: peak * np.exp(-0.5 * (distance_um / width_um) ** 2)


@dataclass(frozen=True, eq=False)
class EdgeList(Connectivity):
    """Synapses that are listed: sender and receiver of each.

    Weights and delays of the projection may be arrays in the order of the list.
    """

    senders: Any
    receivers: Any

    def rows(self, senders: int, receivers: int, numbers: np.random.Generator, same: bool) -> Rows:
        """Sort by sender and receiver; synapses of one pair stay in their order."""
        sending = np.asarray(self.senders).reshape(-1)
        receiving = np.asarray(self.receivers).reshape(-1)
        if sending.shape != receiving.shape:
            raise ShapeMismatch(
                f"{sending.size} senders and {receiving.size} receivers are listed.",
                "Give one receiver for each sender.",
            )
        for what, listed, many in (
            ("sender", sending, senders),
            ("receiver", receiving, receivers),
        ):
            if listed.size and (listed.min() < 0 or listed.max() >= many):
                wrong = listed[(listed < 0) | (listed >= many)][0]
                raise InvalidInput(
                    f"The list names {what} {wrong}.", f"There are {many}: 0 to {many - 1}."
                )
        order = np.lexsort((receiving, sending)).astype(np.int64)
        counts = np.bincount(sending.astype(np.int64), minlength=senders)
        return Rows(_starts(counts), receiving[order].astype(cell_type(receivers)), order)


@dataclass(frozen=True, eq=False)
class FromSparse(Connectivity):
    """The entries of a scipy sparse matrix, rows for senders; entries of zero are synapses too.

    Its numbers are the weights: see :meth:`weights`.
    """

    matrix: Any

    def rows(self, senders: int, receivers: int, numbers: np.random.Generator, same: bool) -> Rows:
        """As an edge list in the order of the matrix' own entries."""
        if self.matrix.shape != (senders, receivers):
            raise ShapeMismatch(
                f"The matrix has shape {self.matrix.shape}.",
                f"It needs a row for each of {senders} senders and a column for each of "
                f"{receivers} receivers.",
            )
        entries = self.matrix.tocoo()
        return EdgeList(entries.row, entries.col).rows(senders, receivers, numbers, same)

    def weights(self) -> NDArray[np.float64]:
        """The entries, as the projection takes them for ``weight``."""
        return np.asarray(self.matrix.tocoo().data, dtype=np.float64)


def cell_type(cells: int) -> Any:
    """The smallest type of whole numbers in which so many cells are counted.

    >>> cell_type(65_536).__name__, cell_type(65_537).__name__
    ('uint16', 'int32')
    """
    return np.uint16 if cells <= 1 << 16 else np.int32


def by_sender(drawn: NDArray[np.int32], senders: int, kind: Any) -> Rows:
    """Rows by sender from senders by receiver, ``[receivers, number]``."""
    from scipy.sparse import csc_array

    receivers, number = drawn.shape
    columns = np.arange(receivers + 1, dtype=np.int64) * number
    data = np.zeros(drawn.size, np.int8)
    matrix = csc_array((data, drawn.reshape(-1), columns), shape=(senders, receivers)).tocsr()
    return Rows(matrix.indptr.astype(np.int64), matrix.indices.astype(kind))


def without_self(rows: Rows, keep_order: bool = False) -> Rows:
    """The same without synapses of a cell on itself."""
    senders = rows.senders
    kept = np.flatnonzero(senders != rows.receivers)
    starts = _starts(np.bincount(senders[kept], minlength=rows.starts.size - 1))
    return Rows(starts, rows.receivers[kept], None if keep_order else rows.order)


def _starts(counts: NDArray[np.int64]) -> Starts:
    starts = np.zeros(counts.size + 1, np.int64)
    np.cumsum(counts, out=starts[1:])
    return starts


def _drawn_partners(
    cells: int,
    partners: int,
    number: int,
    multiple: bool,
    forbidden: bool,
    numbers: np.random.Generator,
    what: str,
) -> NDArray[np.int32]:
    """So many partners for each cell, ``[cells, number]``; ``forbidden``: none is itself."""
    available = partners - forbidden
    if number < 0 or (number > 0 and available < 1) or (number > available and not multiple):
        raise InvalidInput(
            f"{what}({number}) with {available} cells to choose from.",
            "Choose fewer, or allow several synapses of a pair with multiple=True.",
        )
    drawn = np.empty((cells, number), np.int32)
    rows_at_once = max(1, CHUNK // max(number, 1))
    for low in range(0, cells, rows_at_once):
        rows = drawn[low : low + rows_at_once]
        if multiple:
            rows[:] = numbers.integers(0, available, rows.shape, dtype=np.int32)
        else:
            _draw_distinct(rows, available, numbers)
        if forbidden:
            # Numbers from the cell's own on mean the next cell.
            rows += rows >= np.arange(low, low + len(rows), dtype=np.int32)[:, None]
    return drawn


def _draw_distinct(rows: NDArray[np.int32], available: int, numbers: np.random.Generator) -> None:
    """Fill each row with different numbers; any set of them is as likely as any other."""
    if 2 * rows.shape[1] > available:
        for row in rows:
            row[:] = numbers.permutation(available)[: row.size]
        return
    rows[:] = numbers.integers(0, available, rows.shape, dtype=np.int32)
    while True:
        rows.sort(axis=1)
        again = np.zeros(rows.shape, bool)
        again[:, 1:] = rows[:, 1:] == rows[:, :-1]
        if not again.any():
            return
        # What was drawn first stays: this is drawing one by one, and again what is there already.
        rows[again] = numbers.integers(0, available, int(again.sum()), dtype=np.int32)
