r"""What a rule of plasticity is: a value that declares what it watches, and equations that compute.

The same rule object works in a dense cell
(:class:`~neurallayers.dynamics.plasticity.plastic_synapses.PlasticSynapses`) and on the edges of a
circuit. A rule declares traces of the spikes of both neurons, low-pass filters of the postsynaptic
membrane potential and up to two numbers a synapse; its equations turn these into a new weight.

**Equations.** There are three, each may be missing, and all have one signature::

    on_presynaptic_spike (synapse, sender, receiver, modulator, p) -> Synapse
    on_postsynaptic_spike(synapse, sender, receiver, modulator, p) -> Synapse
    on_interval          (synapse, sender, receiver, modulator, p) -> Synapse

with a :class:`Synapse`, a :class:`Sender` and a :class:`Receiver` of numbers. They are
:func:`~neurallayers.dynamics.arithmetic.equation` functions: dense cells call them on tensors,
compiled loops on scalars (the tuples vanish there; a loop over synapses becomes vectors). What a
rule does not declare is handed over as 0.0, and what comes back for it is dropped. ``p`` is what
:meth:`Rule.numbers` gives, in the precision of the weights, indexed by constants.

>>> synapse, sender, receiver = Synapse(0.5), Sender(trace_1=0.2), Receiver()
>>> rule = RULES.make("PairSTDP", amplitude_plus=0.01)
>>> grow, p = rule.equations().on_postsynaptic_spike, rule.numbers(dt_ms=1.0)
>>> after = grow(synapse, sender, receiver, 0.0, p)
>>> round(after.weight, 6)
0.502

**Time.** Everything happens at the points of the grid. A presynaptic spike is met when it arrives
at the synapse (after an axonal delay), a postsynaptic spike at the end of the step in which the
neuron fired. At each grid point, in this order:

1. Traces decay over the step that ends here; filters take in the membrane potential that the
   neuron has here. The spikes of this grid point are not in the traces yet.
2. If an interval ends here, ``on_interval`` for every synapse, with the modulator as it stood
   at the last grid point. Then the modulator decays.
3. The spikes of this grid point, in the :class:`Order` of the rule:

   ========================  ===========================  ==========================
   step                      ``"transmit_then_update"``   ``"update_then_transmit"``
   ========================  ===========================  ==========================
   first                     weights are transmitted      ``on_postsynaptic_spike``
   second                    ``on_presynaptic_spike``     ``on_presynaptic_spike``
   third                     presynaptic traces raised    weights are transmitted
   fourth                    ``on_postsynaptic_spike``    all traces raised
   fifth                     postsynaptic traces raised
   ========================  ===========================  ==========================

So in both orders a neuron's own trace is seen as it was just before its own spike, as the triplet
rule requires; and a pair of spikes at the same grid point counts as "pre before post" in the first
order and not at all in the second. ``"transmit_then_update"`` is what Brian2 does with the STDP of
its documentation (``ge += w`` stands before the change of ``w``; presynaptic code runs before
postsynaptic code); ``"update_then_transmit"`` is what NEST's ``stdp_synapse`` does (``send``
facilitates, depresses, and then hands over the new weight). In a balanced network the two give
rates that differ by a sixth, so a comparison between simulators must say which it means.
"""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar, Literal, NamedTuple

from neurallayers.errors import InvalidInput
from neurallayers.registry import Registry, nearest_name

MOST_TRACES, MOST_FILTERS, MOST_VARIABLES = 2, 3, 2

Order = Literal["transmit_then_update", "update_then_transmit"]
Mode = Literal["all_to_all", "nearest"]
ORDERS: tuple[Order, ...] = ("transmit_then_update", "update_then_transmit")
MODES: tuple[Mode, ...] = ("all_to_all", "nearest")


class Synapse(NamedTuple):
    """What a rule may change of a synapse."""

    weight: Any  # in the unit of its receptor
    variable_1: Any = 0.0  # as `Rule.synaptic_variables` names them
    variable_2: Any = 0.0


class Sender(NamedTuple):
    """What a rule may know of the presynaptic neuron."""

    trace_1: Any = 0.0  # of its spikes, as `Rule.presynaptic_traces` declares
    trace_2: Any = 0.0


class Receiver(NamedTuple):
    """What a rule may know of the postsynaptic neuron."""

    trace_1: Any = 0.0  # of its spikes, as `Rule.postsynaptic_traces` declares
    trace_2: Any = 0.0
    potential: Any = 0.0  # membrane potential [mV]
    filter_1: Any = 0.0  # low-passed potentials [mV], as `Rule.potential_filters` declares
    filter_2: Any = 0.0
    filter_3: Any = 0.0


Equation = Callable[[Synapse, Sender, Receiver, Any, Any], Synapse]


class Equations(NamedTuple):
    """The functions of a rule; None where nothing happens.

    Attributes:
        on_presynaptic_spike: At each spike that arrives.
        on_postsynaptic_spike: At each spike of the receiver.
        on_interval: For every synapse at the end of each interval.
        sources: Files, relative to ``dynamics/``, whose equations these are; compiled code is
            renewed when they change.
    """

    on_presynaptic_spike: Equation | None
    on_postsynaptic_spike: Equation | None
    on_interval: Equation | None
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Trace:
    r"""A number a neuron that its spikes raise and that decays between them.

    .. math:: \dot x = -x / \tau, \qquad x \leftarrow x + a \;\text{or}\; x \leftarrow a
        \;\text{at a spike}

    Exact on the grid. Source: Morrison, Diesmann & Gerstner (2008), Biol. Cybern. 98:459, sec. 4.1.

    Args:
        tau_ms: Time constant [ms].
        increment: What a spike adds, or sets the trace to.
        mode: ``"all_to_all"`` remembers all spikes, ``"nearest"`` only the last.

    Raises:
        InvalidInput: If the time constant is not positive or the mode unknown.

    >>> round(Trace(tau_ms=20.0).decay(dt_ms=1.0), 4)
    0.9512
    """

    tau_ms: float
    increment: float = 1.0
    mode: Mode = "all_to_all"

    def __post_init__(self) -> None:
        require_positive("tau_ms", self.tau_ms, "STDP: 10 to 50 ms")
        require_one_of("mode", self.mode, MODES)

    @property
    def nearest(self) -> bool:
        """Whether a spike sets the trace instead of adding to it."""
        return self.mode == "nearest"

    def decay(self, dt_ms: float) -> float:
        """By what the trace is multiplied in a step without spikes."""
        return math.exp(-dt_ms / self.tau_ms)

    def raised(self, trace: Any, spikes: Any) -> Any:
        """The trace after spikes (0 or 1); what lies between counts in part.

        >>> Trace(20.0).raised(0.5, 1.0), Trace(20.0, mode="nearest").raised(0.5, 1.0)
        (1.5, 1.0)
        """
        kept = trace - spikes * trace if self.nearest else trace
        return kept + spikes * self.increment


@dataclass(frozen=True)
class Filter:
    r"""A low-passed membrane potential, :math:`\tau \dot{\bar u} = u - \bar u`.

    Exact for a potential that is constant in a step.

    Args:
        tau_ms: Time constant [ms].
        initial_mv: Where it starts [mV], usually the resting potential.

    Raises:
        InvalidInput: If the time constant is not positive.
    """

    tau_ms: float
    initial_mv: float

    def __post_init__(self) -> None:
        require_positive("tau_ms", self.tau_ms, "usually 5 to 1000 ms")

    def decay(self, dt_ms: float) -> float:
        """What is left of the old value after a step; the rest is the new potential."""
        return math.exp(-dt_ms / self.tau_ms)


@dataclass(frozen=True, kw_only=True)
class Rule(ABC):
    """How a synapse changes; a value that is JSON and back (:meth:`describe`, :func:`rule_from`).

    A subclass is a frozen dataclass of numbers and names. It says in properties what it watches.

    Attributes:
        order: Whether a spike carries the weight from before or after its own change.
        w_min: Smallest weight.
        w_max: Largest weight; ``math.inf`` for none.

    Raises:
        InvalidInput: If the order is unknown or the bounds are not in order.
    """

    order: Order = "transmit_then_update"
    w_min: float = 0.0
    w_max: float = 1.0

    remembers: ClassVar[bool] = False
    """Whether the variables of a synapse outlast its activity (a sliding threshold, say)."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Real) and not isinstance(value, float):
                object.__setattr__(self, field.name, float(value))
        require_one_of("order", self.order, ORDERS)
        if not self.w_min < self.w_max:
            raise InvalidInput(
                f"w_min is {self.w_min} and w_max is {self.w_max}.",
                "The largest weight must exceed the smallest.",
            )

    @property
    def presynaptic_traces(self) -> tuple[Trace, ...]:
        """Traces of the sender's spikes, at most two."""
        return ()

    @property
    def postsynaptic_traces(self) -> tuple[Trace, ...]:
        """Traces of the receiver's spikes, at most two."""
        return ()

    @property
    def potential_filters(self) -> tuple[Filter, ...]:
        """Low-passed membrane potentials of the receiver, at most three."""
        return ()

    @property
    def synaptic_variables(self) -> tuple[str, ...]:
        """Names of the numbers a synapse has besides its weight, at most two; they start at 0."""
        return ()

    @property
    def needs_potential(self) -> bool:
        """Whether the receiver's membrane potential must be handed over."""
        return bool(self.potential_filters)

    @property
    def modulator_tau_ms(self) -> float:
        """Time constant with which the modulator decays to zero [ms]; infinite: it stays."""
        return math.inf

    @property
    def interval_ms(self) -> float:
        """How often ``on_interval`` is called [ms]; 0 for each step."""
        return 0.0

    @abstractmethod
    def equations(self) -> Equations:
        """What happens at spikes and intervals."""

    @abstractmethod
    def numbers(self, dt_ms: float) -> tuple[float, ...]:
        """The numbers that the equations read as ``p``, precomputed for a step of ``dt_ms``."""

    def steps_between(self, dt_ms: float) -> int:
        """How many steps an interval has.

        Raises:
            InvalidInput: If the interval is not a whole number of steps.
        """
        steps = max(1, round(self.interval_ms / dt_ms))
        if self.interval_ms and not math.isclose(steps * dt_ms, self.interval_ms, rel_tol=1e-6):
            raise InvalidInput(
                f"interval_ms is {self.interval_ms} at a step of {dt_ms} ms.",
                "Choose a whole number of steps, or 0 for each step.",
            )
        return steps

    def modulator_decay(self, dt_ms: float) -> float:
        """By what the modulator is multiplied in each step."""
        return math.exp(-dt_ms / self.modulator_tau_ms)

    def describe(self) -> dict[str, Any]:
        """The rule as JSON: its name in :data:`RULES` and its numbers (infinity as ``"inf"``)."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        infinite = {name: str(value) for name, value in fields.items() if _is_infinite(value)}
        return {"rule": type(self).__name__, **fields, **infinite}


RULES: Registry[Rule] = Registry("rule of plasticity")


def rule_from(description: Mapping[str, Any]) -> Rule:
    """The rule that :meth:`Rule.describe` described.

    Raises:
        InvalidInput: If the name is missing, or a number is not one of this rule's.
        UnknownName: If there is no such rule.
    """
    options = dict(description)
    name = options.pop("rule", None)
    if not isinstance(name, str):
        raise InvalidInput(
            f"The description {dict(description)} names no rule.", "Add 'rule', such as 'PairSTDP'."
        )
    maker: Any = RULES.get(name)
    known = [field.name for field in dataclasses.fields(maker)]
    for option in options:
        if option not in known:
            raise InvalidInput(f"{name} has no {option!r}.", nearest_name(option, known))
    return RULES.make(
        name, **{k: float(v) if v in ("inf", "-inf") else v for k, v in options.items()}
    )


def _is_infinite(value: Any) -> bool:
    return isinstance(value, float) and math.isinf(value)


def require_positive(name: str, value: float, hint: str) -> None:
    """Refuse what is not a positive finite number.

    Raises:
        InvalidInput: With the name, the value and a hint of what is usual.
    """
    if not 0.0 < value < math.inf:
        raise InvalidInput(f"{name} is {value}.", f"It must be positive ({hint}).")


def require_finite(**values: float) -> None:
    """Refuse numbers that are not finite or negative: amplitudes and rates of learning.

    Raises:
        InvalidInput: With the name and the value.
    """
    for name, value in values.items():
        if not 0.0 <= value < math.inf:
            raise InvalidInput(f"{name} is {value}.", "It must be a finite number, zero or more.")


def require_one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    """Refuse an unknown choice.

    Raises:
        InvalidInput: With the nearest known one.
    """
    if value not in known:
        raise InvalidInput(f"{name} is {value!r}.", nearest_name(value, list(known)))
