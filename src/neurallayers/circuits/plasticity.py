"""What synapses of a circuit remember: short-term plasticity, and weights that change."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neurallayers.circuits.connectivity import AllToAll
from neurallayers.circuits.kernels import learning
from neurallayers.circuits.projections import Projection, Synapses
from neurallayers.dynamics.kernels.blocks import LANES
from neurallayers.dynamics.plasticity.rule import (
    MOST_FILTERS,
    MOST_TRACES,
    MOST_VARIABLES,
    Rule,
    Trace,
)
from neurallayers.errors import InvalidInput

if TYPE_CHECKING:
    from neurallayers.circuits.simulation import LivingCircuit

Array = NDArray[Any]
MOST_SYNAPSES = 2**31 - 1


def initial_short_term(projection: Projection, dtype: torch.dtype) -> dict[str, Tensor]:
    """Rested synapses: one state for all synapses of a sender."""
    assert projection.short_term is not None
    n = projection.source.n
    return {
        "use": torch.full((1, n), projection.short_term.resting_u, dtype=dtype),
        "resources": torch.ones(1, n, dtype=dtype),
        "last_spike": torch.full((1, n), -1),
    }


def refuse_impossible(projection: Projection, synapses: Synapses) -> None:
    """Refuse what plastic synapses cannot be.

    Raises:
        InvalidInput: If delays differ, jumps come at the end of steps, the efficacy of senders
            changes as well, or a weight lies outside of the rule's bounds.
    """
    rule, name = projection.plasticity, projection.name
    assert rule is not None
    if synapses.delays is not None:
        raise InvalidInput(
            f"Plastic projection {name!r} has delays from {synapses.delay} to "
            f"{synapses.longest_delay} steps.",
            "A plastic projection has one delay: make one projection for each.",
        )
    if projection.receptor.at_end:
        raise InvalidInput(
            f"Plastic projection {name!r} ends on jumps that come at the end of a step.",
            "Use Delta(at_end=False), or another kinetics.",
        )
    if projection.short_term is not None:
        raise InvalidInput(
            f"Projection {name!r} has plasticity and short-term plasticity.", "Choose one of them."
        )
    if synapses.number > MOST_SYNAPSES:
        raise InvalidInput(
            f"Plastic projection {name!r} has {synapses.number} synapses.",
            f"At most {MOST_SYNAPSES}: make several projections.",
        )
    weights = synapses.weights
    if weights.size and not (weights.min() >= rule.w_min and weights.max() <= rule.w_max):
        raise InvalidInput(
            f"The weights of {name!r} reach from {weights.min()} to {weights.max()}.",
            f"Its rule keeps them between {rule.w_min} and {rule.w_max}.",
        )


def initial_plasticity(
    projection: Projection, synapses: Synapses, dtype: torch.dtype
) -> dict[str, Tensor]:
    """Weights as drawn, no spike seen, potentials at rest, no modulator."""
    refuse_impossible(projection, synapses)
    rule, sending, receiving = projection.plasticity, projection.source.n, projection.target.n
    assert rule is not None
    weights = torch.from_numpy(synapses.weights.copy())[None]
    filters = [torch.full((receiving,), f.initial_mv, dtype=dtype) for f in rule.potential_filters]
    state = {
        "weight": weights,
        "presynaptic_traces": torch.zeros(1, len(rule.presynaptic_traces), sending, dtype=dtype),
        "postsynaptic_traces": torch.zeros(
            1, len(rule.postsynaptic_traces), receiving, dtype=dtype
        ),
        "filtered_potentials": torch.stack(filters)[None]
        if filters
        else torch.zeros(1, 0, receiving, dtype=dtype),
        "modulator": torch.zeros(1, receiving, dtype=dtype),
        "in_flight": torch.zeros(1, synapses.delay, sending, dtype=torch.uint8),
    }
    return state | {name: torch.zeros_like(weights) for name in rule.synaptic_variables}


class Learning:
    """The memory of a plastic projection in a run.

    Args:
        simulation: The run.
        name: The projection.
    """

    def __init__(self, simulation: LivingCircuit, name: str) -> None:
        self.simulation = simulation
        self.projection = simulation.wiring.plan.projections[name]
        self.synapses = simulation.wiring.synapses[name]
        assert self.projection.plasticity is not None
        self.rule: Rule = self.projection.plasticity
        self.state = simulation.projection_state[name]
        numbers, source, target = simulation.numbers, self.projection.source, self.projection.target
        self.traces = np.zeros((MOST_TRACES, source.n), numbers)
        self.responses = np.zeros((MOST_TRACES, target.n), numbers)
        self.potentials = np.zeros((1 + MOST_FILTERS, target.n), numbers)
        delay = self.synapses.delay
        self.queue = np.zeros((delay, source.n), np.int32)
        self.queue_counts = np.zeros(delay, np.int64)
        self._fill()

    def _fill(self) -> None:
        traces, responses = (
            self.state["presynaptic_traces"][0],
            self.state["postsynaptic_traces"][0],
        )
        filtered = self.state["filtered_potentials"][0]
        self.traces[: len(traces)], self.responses[: len(responses)] = traces, responses
        self.potentials[1 : 1 + len(filtered)] = filtered
        for ahead, fired in enumerate(self.state["in_flight"][0]):
            who = np.flatnonzero(fired)
            turn = (self.simulation.step + ahead) % len(self.queue)
            self.queue[turn, : who.size] = who
            self.queue_counts[turn] = who.size

    def keep(self) -> None:
        """Write what was learned back to the run's state."""
        for key, rows in (
            ("presynaptic_traces", self.traces),
            ("postsynaptic_traces", self.responses),
            ("filtered_potentials", self.potentials[1:]),
        ):
            self.state[key][0] = rows[: self.state[key].shape[1]]
        in_flight = self.state["in_flight"][0]
        in_flight[:] = 0
        for ahead in range(len(self.queue)):
            turn = (self.simulation.step + ahead) % len(self.queue)
            in_flight[ahead, self.queue[turn, : self.queue_counts[turn]]] = 1

    @property
    def dense(self) -> bool:
        """Whether every sender reaches every cell of the target once: no index is needed."""
        projection = self.projection
        everyone = projection.receivers == (0, projection.target.n)
        all_send = projection.senders == (0, projection.source.n)
        whole = self.synapses.number == projection.source.n * projection.target.n
        return isinstance(projection.connectivity, AllToAll) and everyone and all_send and whole

    def integers(self) -> Array:
        """The table that the compiled stage reads."""
        simulation, keep = self.simulation, self.simulation.keep
        target = simulation.memories[self.projection.target.name]
        place = list(simulation.memories).index(self.projection.target.name)
        table = np.zeros(learning.INTEGERS, np.int64)
        table[learning.STARTS] = keep(self.synapses.starts)
        table[learning.WEIGHTS] = keep(self.state["weight"])
        variables = [self.state[name] for name in self.rule.synaptic_variables]
        unused = np.zeros((1, 1), simulation.numbers)
        variables += [unused] * (MOST_VARIABLES - len(variables))
        table[learning.VARIABLE_1], table[learning.VARIABLE_2] = map(keep, variables)
        index = simulation.wiring.incoming[self.projection.name]
        table[learning.RECEIVERS] = keep(index.receivers)
        table[learning.INCOMING_STARTS] = keep(index.begins)
        table[learning.INCOMING] = keep(index.which)
        table[learning.INCOMING_SENDERS] = keep(index.senders)
        arrivals = target.arrivals
        table[learning.RING], table[learning.SLOTS] = keep(arrivals), len(arrivals)
        table[learning.SLOT_SIZE] = arrivals.strides[0] // arrivals.itemsize
        table[learning.PLANE] = self.projection.receptor.place * LANES
        table[learning.RECEPTORS] = arrivals.shape[2]
        table[learning.SENDER_CELLS] = self.projection.source.n
        table[learning.RECEIVER_CELLS] = target.population.n
        table[learning.QUEUE], table[learning.QUEUE_COUNTS] = (
            keep(self.queue),
            keep(self.queue_counts),
        )
        table[learning.DELAY] = len(self.queue)
        table[learning.PRESYNAPTIC], table[learning.POSTSYNAPTIC] = (
            keep(self.traces),
            keep(self.responses),
        )
        table[learning.POTENTIALS] = keep(self.potentials)
        table[learning.MODULATOR] = keep(self.state["modulator"])
        table[learning.INTERVAL] = self.rule.steps_between(self.projection.source.dt_ms)
        table[learning.BLOCKS] = (
            keep(target.blocks) + target.before * LANES * target.blocks.itemsize
        )
        table[learning.BLOCK_BYTES] = target.blocks.strides[0]
        table[learning.FIRED] = keep(target.fired)
        counts = simulation.fired_counts
        table[learning.FIRED_COUNTS] = keep(counts) + place * counts.strides[2]
        table[learning.COUNT_STRIDE] = counts.strides[0] // counts.itemsize
        return table

    def numbers(self) -> list[float]:
        """Decays, increments, and the rule's own."""
        rule, dt_ms = self.rule, self.projection.source.dt_ms
        before, after = _traces(rule.presynaptic_traces), _traces(rule.postsynaptic_traces)
        decays = [trace.decay(dt_ms) for trace in (*before, *after)]
        filters = [found.decay(dt_ms) for found in rule.potential_filters]
        filters += [0.0] * (MOST_FILTERS - len(filters))
        rises = [trace.increment for trace in (*before, *after)]
        return [*decays, *filters, rule.modulator_decay(dt_ms), *rises, *rule.numbers(dt_ms)]

    def row(self) -> list[int]:
        """A row of the table of projections."""
        rule, simulation = self.rule, self.simulation
        numbers = self.numbers()
        equations, dense = rule.equations(), self.dense
        before, after = _traces(rule.presynaptic_traces), _traces(rule.postsynaptic_traces)
        stage = learning.plasticity(
            equations.on_presynaptic_spike,
            equations.on_postsynaptic_spike,
            equations.on_interval,
            (
                len(rule.presynaptic_traces),
                len(rule.postsynaptic_traces),
                len(rule.potential_filters),
                len(rule.synaptic_variables) + 4 * (len(numbers) - learning.RULE),
            ),
            tuple(trace.nearest for trace in (*before, *after)),
            rule.order == "update_then_transmit",
            math.isfinite(rule.modulator_tau_ms),
            rule.needs_potential,
            dense,
            equations.sources,
        )
        floats = np.array(numbers, simulation.numbers)
        return [
            stage.address(simulation.dtype),
            simulation.keep(floats),
            simulation.keep(self.integers()),
            1,
        ]


def _traces(declared: tuple[Trace, ...]) -> tuple[Trace, ...]:
    """Two traces, whatever is declared."""
    return (*declared, *(Trace(1.0),) * (MOST_TRACES - len(declared)))
