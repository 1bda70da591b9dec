"""A circuit that is drawn: its synapses, and how long spikes are on their way."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from neurallayers.circuits.drives import Drive
from neurallayers.circuits.gap_junctions import GapJunctions
from neurallayers.circuits.populations import Population
from neurallayers.circuits.projections import Projection, Synapses, drawn_synapses
from neurallayers.circuits.sources import RecordedSpikes, steps_of_times, times_and_cells
from neurallayers.dynamics.kernels.blocks import LANES, blocks_of

Integers = NDArray[np.int64]
# A longer batch would no longer lie in the nearest cache.
LONGEST_BATCH = 16


@dataclass(frozen=True)
class Plan:
    """What a circuit consists of, in the order in which it was added."""

    dt_ms: float
    seed: int
    dtype: torch.dtype
    populations: Mapping[str, Population]
    projections: Mapping[str, Projection]
    drives: Mapping[str, Sequence[Drive]]
    gap_junctions: Sequence[GapJunctions]


@dataclass(frozen=True)
class Wiring:
    """The synapses of a plan.

    Attributes:
        plan: What they were drawn for.
        synapses: By projection.
        slots: By population, how many steps ahead arrivals are counted.
        batch: Steps between two deliveries: no spike acts earlier.
    """

    plan: Plan
    synapses: Mapping[str, Synapses]
    slots: Mapping[str, int] = field(init=False)
    batch: int = field(init=False)

    def __post_init__(self) -> None:
        ahead: dict[str, list[int]] = {name: [1] for name in self.plan.populations}
        soonest = [LONGEST_BATCH]
        for name, found in self.synapses.items():
            projection = self.plan.projections[name]
            soonest.append(found.delay + arrival(projection))
            ahead[projection.target.name].append(found.longest_delay + arrival(projection))
            if projection.plasticity is not None:
                soonest.append(1)
        if self.plan.gap_junctions:
            soonest.append(1)
        object.__setattr__(self, "batch", min(soonest))
        object.__setattr__(self, "slots", {name: max(steps) for name, steps in ahead.items()})

    @functools.cached_property
    def spike_lists(self) -> dict[str, tuple[int, Integers, Integers]]:
        """By recorded source: the first step, where the spikes of each step begin, and who."""
        found = {}
        for name, population in self.plan.populations.items():
            source = population.cell
            if isinstance(source, RecordedSpikes):
                times, cells = times_and_cells(source.times_ms, source.senders, source.n)
                found[name] = steps_of_times(times, cells, population.dt_ms)[:3]
        return found

    @functools.cached_property
    def incoming(self) -> dict[str, Incoming]:
        """By plastic projection: the synapses of each receiver."""
        return {
            name: incoming_synapses(self.synapses[name], projection)
            for name, projection in self.plan.projections.items()
            if projection.plasticity is not None
        }

    @property
    def one_thread_only(self) -> bool:
        """Whether cells act on each other in other ways than by delayed spikes."""
        plastic = any(found.plasticity is not None for found in self.plan.projections.values())
        return plastic or bool(self.plan.gap_junctions)

    @property
    def cells(self) -> int:
        """How many cells there are."""
        return sum(population.n for population in self.plan.populations.values())

    @property
    def synapse_count(self) -> int:
        """How many synapses there are."""
        return sum(found.number for found in self.synapses.values())

    def memory(self) -> dict[str, float]:
        """Bytes of synapses, of cells and of arrivals, and bytes a synapse."""
        size = 4 if self.plan.dtype == torch.float32 else 8
        synapses = sum(found.bytes for found in self.synapses.values())
        cells, arrivals = 0, 0
        for name, population in self.plan.populations.items():
            lanes = blocks_of(population.n) * LANES
            rows = 3 + population.receptor_row_count + len(population.variables)
            cells += lanes * rows * size
            arrivals += lanes * self.slots[name] * len(population.rows) * size
        return {
            "synapses": self.synapse_count,
            "synapse_bytes": synapses,
            "cell_bytes": cells,
            "arrival_bytes": arrivals,
            "bytes_per_synapse": synapses / max(self.synapse_count, 1),
        }


class Incoming(NamedTuple):
    """The synapses that end on each cell, in the order of their senders.

    Attributes:
        receivers: int32 ``[synapses]``, the receiver of each synapse.
        begins: int64 ``[cells + 1]``, where the synapses of each receiver begin.
        which: int32 ``[synapses]``, which synapses these are.
        senders: int32 ``[synapses]``, from whom.
    """

    receivers: NDArray[np.int32]
    begins: Integers
    which: NDArray[np.int32]
    senders: NDArray[np.int32]


def incoming_synapses(synapses: Synapses, projection: Projection) -> Incoming:
    """Sort synapses by their receiver."""
    receivers = synapses.receivers.astype(np.int32)
    begins = np.zeros(projection.target.n + 1, np.int64)
    np.cumsum(np.bincount(receivers, minlength=projection.target.n), out=begins[1:])
    order = np.argsort(receivers, kind="stable")
    return Incoming(receivers, begins, order.astype(np.int32), synapses.senders[order])


def arrival(projection: Projection) -> int:
    """How many steps after the one that ends with its delay a spike acts.

    A spike of step k with a delay of d steps arrives at the end of step k + d. From there on it
    acts on the next step, or, where it is a jump at the end of a step, it has just acted.
    """
    return 0 if projection.receptor.at_end else 1


def wired(plan: Plan) -> Wiring:
    """Draw all projections of a plan."""
    return Wiring(
        plan,
        {
            name: drawn_synapses(projection, plan.seed, plan.dtype)
            for name, projection in plan.projections.items()
        },
    )


def initial_projection(wiring: Wiring, name: str) -> dict[str, Any]:
    """What the plasticity of a projection remembers before its first step."""
    from neurallayers.circuits.plasticity import initial_plasticity, initial_short_term

    projection = wiring.plan.projections[name]
    state: dict[str, Any] = {}
    if projection.short_term is not None:
        state |= initial_short_term(projection, wiring.plan.dtype)
    if projection.plasticity is not None:
        state |= initial_plasticity(projection, wiring.synapses[name], wiring.plan.dtype)
    return state
