"""Projections: the synapses from one population to another, drawn and laid out for delivery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neurallayers.circuits.connectivity import (
    Cells,
    Connectivity,
    DistanceBased,
    FromSparse,
    Rows,
    cell_type,
)
from neurallayers.circuits.distributions import Distribution, drawn, generator
from neurallayers.circuits.populations import Population, ReceptorRows
from neurallayers.dynamics.plasticity.rule import Rule
from neurallayers.dynamics.synapses.short_term import TsodyksMarkram
from neurallayers.errors import InvalidInput, ShapeMismatch

LONGEST_DELAY = 65_535  # steps
# A delay may miss the grid by this part of a step, as decimal numbers do.
OFF_GRID = 1e-6


@dataclass(frozen=True)
class DistanceDelay:
    """A delay that grows with the distance between two cells.

    Only for projections that are :class:`~neurallayers.circuits.connectivity.DistanceBased`.

    Args:
        minimum_ms: For cells at one place [ms].
        speed_um_per_ms: How fast spikes travel (unmyelinated axons: 200 to 500 um/ms).
    """

    minimum_ms: float
    speed_um_per_ms: float

    def __post_init__(self) -> None:
        if not (self.minimum_ms > 0.0 and self.speed_um_per_ms > 0.0):
            raise InvalidInput(f"{self} is not possible.", "Both numbers must be positive.")


@dataclass(frozen=True)
class Projection:
    """What :meth:`~neurallayers.circuits.circuit.Circuit.connect` was told.

    Attributes:
        name: Its name in the circuit.
        source: Population that sends.
        target: Population that receives.
        connectivity: Who is connected to whom.
        receptor: Where in the receivers spikes act.
        weight: Number, array or distribution, in the unit of the receptor.
        delay_ms: Number, array or distribution [ms].
        plasticity: How weights change with the spikes of both sides.
        short_term: How efficacies change with the sender's spikes.
        senders: Which cells of the source take part: ``(first, end)``.
        receivers: Which cells of the target.
    """

    name: str
    source: Population
    target: Population
    connectivity: Connectivity
    receptor: ReceptorRows
    weight: Any
    delay_ms: Any
    plasticity: Rule | None
    short_term: TsodyksMarkram | None
    senders: tuple[int, int]
    receivers: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Synapses:
    """The synapses of a projection, as delivery reads them.

    Attributes:
        starts: int64 ``[cells of the source + 1]``, where the row of each sender begins.
        receivers: uint16 or int32 ``[synapses]``, the cell that receives.
        weights: ``[1]`` for all or ``[synapses]``, in the precision of the circuit.
        delays: Delays in steps, uint8 or uint16 ``[synapses]``; None where all are alike.
        delay: The shortest delay in steps.
        longest_delay: The longest.
    """

    starts: NDArray[np.int64]
    receivers: Cells
    weights: NDArray[Any]
    delays: NDArray[Any] | None
    delay: int
    longest_delay: int

    @property
    def number(self) -> int:
        """How many synapses."""
        return int(self.receivers.size)

    @property
    def senders(self) -> NDArray[np.int32]:
        """Index of the sender of each synapse in its population."""
        return Rows(self.starts, self.receivers).senders

    @property
    def bytes(self) -> int:
        """Memory of all arrays."""
        arrays: list[Any] = [self.starts, self.receivers, self.weights, self.delays]
        return sum(array.nbytes for array in arrays if array is not None)


def drawn_synapses(projection: Projection, seed: int, dtype: torch.dtype) -> Synapses:
    """Draw connectivity, weights and delays, each from its own stream.

    Raises:
        InvalidInput: If weights or delays are not possible.
        ShapeMismatch: If arrays do not fit.
    """
    source, target = projection.source, projection.target
    first, end = projection.senders
    low, high = projection.receivers
    same = source is target and first == low and end == high
    numbers = generator(seed, projection.name, "connectivity")
    rows = projection.connectivity.rows(end - first, high - low, numbers, same)
    weights = drawn_weights(projection, rows, seed)
    steps = drawn_delays(projection, rows, seed)
    starts = np.empty(source.n + 1, np.int64)
    starts[: first + 1] = 0
    starts[first : end + 1] = rows.starts
    starts[end:] = rows.starts[-1]
    kind = cell_type(target.n)
    receivers = rows.receivers.astype(kind, copy=False)
    receivers += kind(low)
    alike = steps.size == 1
    shortest, longest = (int(steps.min()), int(steps.max())) if steps.size else (1, 1)
    narrow = np.uint8 if longest + 1 < 256 else np.uint16
    return Synapses(
        starts=starts,
        receivers=receivers,
        weights=weights.astype(np.float32 if dtype == torch.float32 else np.float64),
        delays=None if alike or shortest == longest else steps.astype(narrow),
        delay=shortest,
        longest_delay=longest,
    )


def drawn_weights(projection: Projection, rows: Rows, seed: int) -> NDArray[np.float64]:
    """``[1]`` for all or ``[synapses]``.

    Raises:
        InvalidInput: If a weight is not finite, or a conductance's negative.
    """
    given = projection.weight
    if isinstance(projection.connectivity, FromSparse) and given is None:
        given = projection.connectivity.weights()
    elif given is None:
        given = 1.0
    plastic = projection.plasticity is not None
    weights = _values(given, rows, generator(seed, projection.name, "weight"), projection, "weight")
    if plastic and weights.size == 1:
        weights = np.full(rows.receivers.size, float(weights[0]))
    conducts = projection.receptor.receptor.reversal_mv is not None
    if conducts and weights.size and weights.min() < 0.0:
        raise InvalidInput(
            f"Projection {projection.name!r} has weights down to {weights.min()}, and its receptor "
            "is a conductance.",
            "Conductances are not negative; what inhibits is the reversal potential. Bound a "
            "distribution with low=0.0.",
        )
    return weights


def _values(
    given: Any, rows: Rows, numbers: np.random.Generator, projection: Projection, what: str
) -> NDArray[np.float64]:
    """One number for all, or one for each synapse in the order of the rows."""
    if isinstance(given, Tensor):
        given = given.detach().cpu().numpy()
    named = f"{what} of projection {projection.name!r}"
    if not isinstance(given, Distribution) and np.ndim(given) == 0:
        return drawn(given, 1, numbers, named)
    if isinstance(given, Distribution):
        return drawn(given, rows.receivers.size, numbers, named)
    array = np.asarray(given, dtype=np.float64)
    if array.ndim == 2:
        senders = projection.senders[1] - projection.senders[0]
        receivers = projection.receivers[1] - projection.receivers[0]
        if array.shape != (senders, receivers):
            raise ShapeMismatch(
                f"{named} has shape {array.shape}, expected {(senders, receivers)}.",
                "Give a row for each sender and a column for each receiver.",
            )
        return drawn(array[rows.senders, rows.receivers], rows.receivers.size, numbers, named)
    listed = drawn(array, rows.receivers.size, numbers, named)
    return listed if rows.order is None else listed[rows.order]


def drawn_delays(projection: Projection, rows: Rows, seed: int) -> NDArray[np.int64]:
    """Delays in steps, ``[1]`` or ``[synapses]``.

    A number must lie on the grid; what is drawn is rounded to it.

    Raises:
        InvalidInput: If a delay is shorter than a step, not on the grid or too long.
    """
    dt_ms, given = projection.source.dt_ms, projection.delay_ms
    advice = f"The circuit's step is {dt_ms} ms; choose whole steps, at least one."
    if isinstance(given, DistanceDelay):
        if not isinstance(projection.connectivity, DistanceBased):
            raise InvalidInput(
                f"Projection {projection.name!r} has a DistanceDelay and no positions.",
                "Connect it with DistanceBased.",
            )
        between = projection.connectivity.distances_um(rows.senders, rows.receivers)
        delays = given.minimum_ms + between / given.speed_um_per_ms
    else:
        numbers = generator(seed, projection.name, "delay")
        delays = _values(given, rows, numbers, projection, "delay_ms")
    steps = np.rint(delays / dt_ms)
    exact = not isinstance(given, Distribution | DistanceDelay)
    if exact and steps.size and np.abs(delays / dt_ms - steps).max() > OFF_GRID:
        wrong = delays[np.abs(delays / dt_ms - steps).argmax()]
        raise InvalidInput(
            f"Projection {projection.name!r} has a delay of {wrong} ms, off the grid.", advice
        )
    if not exact:
        steps = np.maximum(steps, 1.0)
    if steps.size and (steps.min() < 1 or steps.max() > LONGEST_DELAY):
        wrong = delays[steps.argmin() if steps.min() < 1 else steps.argmax()]
        raise InvalidInput(
            f"Projection {projection.name!r} has a delay of {wrong} ms.",
            f"{advice} The longest is {LONGEST_DELAY * dt_ms} ms.",
        )
    return steps.astype(np.int64)


def memory_of(synapses: Mapping[str, Synapses]) -> dict[str, float]:
    """Bytes a synapse, by projection."""
    return {
        name: found.bytes / found.number if found.number else 0.0
        for name, found in synapses.items()
    }
