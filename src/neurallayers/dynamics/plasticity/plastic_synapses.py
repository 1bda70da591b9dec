"""Plastic synapses between two layers: any rule of plasticity in a dense cell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from neurallayers.dynamics.cell import CELLS, Cell, positive
from neurallayers.dynamics.plasticity.rule import (
    RULES,
    Equation,
    Receiver,
    Rule,
    Sender,
    Synapse,
    Trace,
    rule_from,
)
from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.seeding import stream


class PlasticSynapsesState(NamedTuple):
    """State of :class:`PlasticSynapses`."""

    weight: Tensor  # [batch, n_out, n_in], in the unit of what is sent
    variables: Tensor  # [batch, variables of a synapse, n_out, n_in]
    presynaptic_traces: Tensor  # [batch, traces of a sender, n_in]
    postsynaptic_traces: Tensor  # [batch, traces of a receiver, n_out]
    filtered_potentials: Tensor  # [batch, filters of a receiver, n_out] [mV]
    modulator: Tensor  # [batch, n_out], third factor; whoever owns the state sets it
    step: Tensor  # int64 [batch], steps since the last interval of the rule ended


class _Step(NamedTuple):
    """Where a step is in the middle of the order of a rule."""

    synapse: Synapse
    presynaptic: Tensor
    postsynaptic: Tensor


@CELLS.register("PlasticSynapses")
class PlasticSynapses(Cell[PlasticSynapsesState]):
    """All-to-all synapses whose weights change by a rule while they transmit.

    In: the spikes of both layers at one grid point, ``[batch, n_in + n_out]``, and, where the rule
    watches it, the receivers' membrane potential behind them, ``[batch, n_in + 2 n_out]``
    (see :meth:`frame`). Out: the weighted sum of the senders' spikes ``[batch, n_out]``. The
    receivers' spikes are those of the step that ends at this grid point: neurons take the output,
    and what they fire is handed over with the next frame.

    Weights are state: each individual has its own. What happens in a step, and in which order, is
    said in :mod:`~neurallayers.dynamics.plasticity.rule`. Spikes are 0 or 1; for plasticity, what
    lies between counts in part and more than one as one.

    Gradients flow through spikes, traces and weights (so that a rule may be learned from).

    Args:
        n_in: Number of senders.
        n_out: Number of receivers.
        rule: A rule, its description (a mapping with ``"rule"``) or a name with usual numbers.
        dt_ms: Length of a step [ms].
        initial_weight: One number, or an array ``[n_out, n_in]``; when left out, drawn evenly
            between the bounds of the rule.
        seed: Seed of weights that are drawn.

    Raises:
        InvalidInput: If a size or weight is out of range.
        ShapeMismatch: If the initial weights have another shape.
        UnknownName: If there is no such rule.

    >>> cell = PlasticSynapses(1, 1, rule="PairSTDP", initial_weight=0.5)
    >>> before = cell.frame(torch.ones(1, 1), torch.zeros(1, 1))
    >>> after = cell.frame(torch.zeros(1, 1), torch.ones(1, 1))
    >>> _, state = cell.run(torch.stack([before, after]))
    >>> bool(state.weight > 0.5)
    True
    """

    initial_weight: Tensor

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        rule: Rule | Mapping[str, Any] | str,
        dt_ms: float = 1.0,
        initial_weight: float | Tensor | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if min(n_in, n_out) < 1:
            raise InvalidInput(
                f"PlasticSynapses({n_in}, {n_out}).", "Both sizes must be 1 or more."
            )
        self.rule = made_rule(rule)
        self.n_in, self.n_out = n_in, n_out
        watched = 2 if self.rule.needs_potential else 1
        self.in_shape, self.out_shape = (n_in + watched * n_out,), (n_out,)
        self.dt_ms = positive("dt_ms", dt_ms, "usually 0.1 to 1")
        self._numbers = self.rule.numbers(self.dt_ms)
        self._interval = self.rule.steps_between(self.dt_ms)
        weight = _initial_weight(self.rule, (n_out, n_in), initial_weight, seed)
        self.register_buffer("initial_weight", weight)

    def frame(
        self, presynaptic: Tensor, postsynaptic: Tensor, potential: Tensor | None = None
    ) -> Tensor:
        """Input of one step (or of many) from its parts.

        Args:
            presynaptic: Spikes ``[..., n_in]`` that arrive at this grid point.
            postsynaptic: Spikes ``[..., n_out]`` of the step that ends here.
            potential: Membrane potential ``[..., n_out]`` at the end of that step [mV].

        Raises:
            InvalidInput: If the rule watches the potential and it is missing.
        """
        if not self.rule.needs_potential:
            return torch.cat([presynaptic, postsynaptic], -1)
        if potential is None:
            raise InvalidInput(
                f"{type(self.rule).__name__} watches the membrane potential.",
                "Pass the receivers' potential as well.",
            )
        return torch.cat([presynaptic, postsynaptic, potential], -1)

    def initial_state(self, batch: int = 1) -> PlasticSynapsesState:
        """Initial weights, no spike seen, potentials at rest, no modulator."""
        rule, shape = self.rule, (self.n_out, self.n_in)
        zeros = self.initial_weight.new_zeros
        resting = [potential.initial_mv for potential in rule.potential_filters]
        potentials = self.initial_weight.new_tensor(resting)[:, None]
        return PlasticSynapsesState(
            self.initial_weight.expand(batch, *shape).clone(),
            zeros(batch, len(rule.synaptic_variables), *shape),
            zeros(batch, len(rule.presynaptic_traces), self.n_in),
            zeros(batch, len(rule.postsynaptic_traces), self.n_out),
            potentials.expand(batch, len(resting), self.n_out).clone(),
            zeros(batch, self.n_out),
            torch.zeros(batch, dtype=torch.int64, device=self.initial_weight.device),
        )

    def rest(self, state: PlasticSynapsesState) -> PlasticSynapsesState:
        """Weights stay (and what the rule remembers); traces, potentials and modulator are gone."""
        rested = super().rest(state)._replace(weight=state.weight)
        return rested._replace(variables=state.variables) if self.rule.remembers else rested

    def forward(
        self, x: Tensor, state: PlasticSynapsesState
    ) -> tuple[Tensor, PlasticSynapsesState]:
        """One step; its parts are listed in :mod:`~neurallayers.dynamics.plasticity.rule`."""
        rule, dt = self.rule, self.dt_ms
        sent, rest = x[:, : self.n_in], x[:, self.n_in :]
        fired, potential = rest[:, : self.n_out], rest[:, self.n_out :]
        potentials = self._filtered(potential, state.filtered_potentials)
        now = _Step(
            _synapse(state),
            _decayed(state.presynaptic_traces, rule.presynaptic_traces, dt),
            _decayed(state.postsynaptic_traces, rule.postsynaptic_traces, dt),
        )
        step = (state.step + 1) % self._interval
        modulator = state.modulator
        on_presynaptic, on_postsynaptic, on_interval, _ = rule.equations()

        def changed(at: _Step, equation: Equation | None, chance: Tensor) -> _Step:
            receiver = _receiver(at.postsynaptic, potential, potentials)
            return at._replace(synapse=self._changed(at, equation, receiver, modulator, chance))

        now = changed(now, on_interval, (step == 0).to(x.dtype)[:, None, None])
        modulator = modulator * rule.modulator_decay(dt)
        pre, post = sent.clamp(0.0, 1.0), fired.clamp(0.0, 1.0)
        if rule.order == "transmit_then_update":
            output = _transmitted(now.synapse.weight, sent)
            now = changed(now, on_presynaptic, pre[:, None, :])
            now = now._replace(presynaptic=_raised(now.presynaptic, rule.presynaptic_traces, pre))
            now = changed(now, on_postsynaptic, post[:, :, None])
        else:
            now = changed(now, on_postsynaptic, post[:, :, None])
            now = changed(now, on_presynaptic, pre[:, None, :])
            output = _transmitted(now.synapse.weight, sent)
            now = now._replace(presynaptic=_raised(now.presynaptic, rule.presynaptic_traces, pre))
        postsynaptic = _raised(now.postsynaptic, rule.postsynaptic_traces, post)
        variables = [now.synapse.variable_1, now.synapse.variable_2]
        kept = variables[: len(rule.synaptic_variables)]
        return output, PlasticSynapsesState(
            now.synapse.weight,
            torch.stack(kept, 1) if kept else state.variables.clone(),
            now.presynaptic,
            postsynaptic,
            potentials,
            modulator,
            step,
        )

    def _filtered(self, potential: Tensor, filtered: Tensor) -> Tensor:
        filters = self.rule.potential_filters
        if not filters:
            return filtered.clone()
        decay = filtered.new_tensor([f.decay(self.dt_ms) for f in filters])[:, None]
        new = potential[:, None, :]
        return new + decay * (filtered - new)

    def _changed(
        self,
        at: _Step,
        equation: Equation | None,
        receiver: Receiver,
        modulator: Tensor,
        chance: Tensor,
    ) -> Synapse:
        """The synapses after an event where there is one (chance 1), else as they are (0)."""
        if equation is None:
            return at.synapse
        sender = Sender(*(trace[:, None, :] for trace in at.presynaptic.unbind(1)))
        after = equation(at.synapse, sender, receiver, modulator[:, :, None], self._numbers)
        # lerp gives either end to the bit.
        weight = torch.lerp(at.synapse.weight, after.weight, chance)
        variables = [
            torch.lerp(old, new.expand_as(old), chance) if isinstance(old, Tensor) else old
            for old, new in zip(at.synapse[1:], after[1:], strict=True)
        ]
        return Synapse(weight, *variables)


def made_rule(rule: Rule | Mapping[str, Any] | str) -> Rule:
    """A rule from itself, its description or its name.

    >>> made_rule("Oja") == made_rule({"rule": "Oja"})
    True
    """
    if isinstance(rule, Rule):
        return rule
    return RULES.make(rule) if isinstance(rule, str) else rule_from(rule)


def _initial_weight(
    rule: Rule, shape: tuple[int, int], initial: float | Tensor | None, seed: int
) -> Tensor:
    if initial is None:
        if math.isinf(rule.w_min) or math.isinf(rule.w_max):
            raise InvalidInput(
                f"{type(rule).__name__} has weights between {rule.w_min} and {rule.w_max}.",
                "Pass initial_weight, as none can be drawn evenly without both bounds.",
            )
        drawn = torch.rand(*shape, generator=stream(seed, "weights"))
        return rule.w_min + (rule.w_max - rule.w_min) * drawn
    weight = torch.as_tensor(initial, dtype=torch.get_default_dtype())
    if weight.ndim and tuple(weight.shape) != shape:
        raise ShapeMismatch(
            f"initial_weight has the shape {tuple(weight.shape)}.",
            f"Pass one number or an array of {shape} (receivers, senders).",
        )
    if not bool(((weight >= rule.w_min) & (weight <= rule.w_max)).all()):
        raise InvalidInput(
            f"initial_weight reaches from {weight.min()} to {weight.max()}.",
            f"The rule keeps weights between {rule.w_min} and {rule.w_max}.",
        )
    return weight.expand(shape).clone()


def _synapse(state: PlasticSynapsesState) -> Synapse:
    return Synapse(state.weight, *state.variables.unbind(1))


def _receiver(traces: Tensor, potential: Tensor, filtered: Tensor) -> Receiver:
    receiver = Receiver()
    seen = {f"trace_{i}": trace for i, trace in enumerate(traces.unbind(1), start=1)}
    seen |= {f"filter_{i}": value for i, value in enumerate(filtered.unbind(1), start=1)}
    if potential.shape[-1]:
        seen["potential"] = potential
    return receiver._replace(**{name: value[:, :, None] for name, value in seen.items()})


def _transmitted(weight: Tensor, sent: Tensor) -> Tensor:
    return (weight @ sent.unsqueeze(-1)).squeeze(-1)


def _decayed(traces: Tensor, declared: tuple[Trace, ...], dt_ms: float) -> Tensor:
    return traces * traces.new_tensor([trace.decay(dt_ms) for trace in declared])[:, None]


def _raised(traces: Tensor, declared: tuple[Trace, ...], spikes: Tensor) -> Tensor:
    raised = [
        trace.raised(value, spikes) for trace, value in zip(declared, traces.unbind(1), strict=True)
    ]
    return torch.stack(raised, 1) if raised else traces.clone()
