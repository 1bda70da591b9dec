"""A patch of membrane with any ion channels, as a solver looks at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from neurallayers.dynamics.membrane.channels import CHANNELS, IonChannel, Kinetics
from neurallayers.dynamics.membrane.solvers import (
    Values,
    derivative,
    relaxed,
    solve_adaptively,
)
from neurallayers.errors import InvalidInput

Channels = Sequence[str | IonChannel] | Mapping[str, str | IonChannel | Mapping[str, Any]]


class ChannelConstants(NamedTuple):
    """What differs from patch to patch, or may be learned, of a kind of channel."""

    conductance_ms_cm2: Any
    reversal_mv: Any


class CalciumShell(NamedTuple):
    r"""Calcium under the membrane: :math:`\dot c = -a I_{Ca} - (c - c_0) / \tau`.

    Source of the equation and the values: Wang (1998), J. Neurophysiol. 79:1549, methods (soma).
    """

    influx_um_cm2_per_ua_ms: float = 0.002  # [uM/ms] for each uA/cm2 of inward current
    decay_ms: float = 80.0
    rest_um: float = 0.0


@dataclass(frozen=True)
class Patch:
    """Channels side by side, with their constants: numbers, or tensors that broadcast.

    Attributes:
        channels: By name.
        constants: One for each channel.
        capacitance_uf_cm2: Of the membrane.
        shell: Calcium under the membrane; None where no channel has to do with it.
        temperature_celsius: None: every channel has the rates of its source.
    """

    channels: Mapping[str, IonChannel]
    constants: tuple[ChannelConstants, ...]
    capacitance_uf_cm2: Any
    shell: CalciumShell | None
    temperature_celsius: float | None = None

    def capacitance(self) -> Any:
        """The capacitance [uF/cm2]."""
        return self.capacitance_uf_cm2

    def gate_kinetics(self, potential: Any) -> Kinetics:
        """Steady value and rate [1/ms] of each gate."""
        return tuple(
            (steady, rate * factor)
            for channel in self.channels.values()
            for (steady, rate), factor in zip(
                channel.kinetics(potential),
                channel.rate_factors(self.temperature_celsius),
                strict=True,
            )
        )

    def conductances(self, values: Values) -> list[Any]:
        """The conductance of each kind of channel now [mS/cm2]."""
        calcium = values.concentrations[0] if values.concentrations else 0.0
        found, first = [], 0
        for channel, constants in zip(self.channels.values(), self.constants, strict=True):
            gates = values.gates[first : first + len(channel.gates)]
            first += len(channel.gates)
            found.append(constants.conductance_ms_cm2 * channel.open_fraction(gates, calcium))
        return found

    def balance(self, values: Values) -> tuple[Any, Any]:
        """What all channels add to drive [uA/cm2] and conductance [mS/cm2]."""
        drive: Any = 0.0
        total: Any = 0.0
        for conductance, constants in zip(self.conductances(values), self.constants, strict=True):
            drive = drive + conductance * constants.reversal_mv
            total = total + conductance
        return drive, total

    def currents(self, values: Values) -> dict[str, Any]:
        """Current of each kind of channel [uA/cm2], positive outwards."""
        conductances = self.conductances(values)
        return {
            name: conductance * (values.potential - constants.reversal_mv)
            for name, conductance, constants in zip(
                self.channels, conductances, self.constants, strict=True
            )
        }

    def calcium_current(self, values: Values) -> Any:
        """Current through all calcium channels [uA/cm2], negative inwards."""
        total = 0.0 * values.potential
        for name, current in self.currents(values).items():
            if self.channels[name].carries_calcium:
                total = total + current
        return total

    def concentration_kinetics(self, values: Values) -> tuple[tuple[Any, Any], ...]:
        """Inflow [uM/ms] and rate of decay [1/ms] of calcium."""
        if self.shell is None:
            return ()
        influx = self.shell.influx_um_cm2_per_ua_ms * self.calcium_current(values)
        rate = 1.0 / self.shell.decay_ms
        return ((self.shell.rest_um * rate - influx, rate),)

    def steady(self, potential: Any) -> Values:
        """What is reached when the potential [mV] is held."""
        gates = tuple(steady for steady, _ in self.gate_kinetics(potential))
        empty = () if self.shell is None else (0.0 * potential,)
        flows = self.concentration_kinetics(Values(potential, gates, empty))
        return Values(potential, gates, tuple(inflow / rate for inflow, rate in flows))

    def moved(self, values: Values, duration_ms: float) -> Values:
        """Gates and concentrations after a time at the same potential."""
        kinetics = self.gate_kinetics(values.potential)
        gates = tuple(
            relaxed(gate, steady, rate, duration_ms)
            for gate, (steady, rate) in zip(values.gates, kinetics, strict=True)
        )
        flows = self.concentration_kinetics(values)
        concentrations = tuple(
            relaxed(part, inflow / rate, rate, duration_ms)
            for part, (inflow, rate) in zip(values.concentrations, flows, strict=True)
        )
        return Values(values.potential, gates, concentrations)

    def gate_names(self) -> list[str]:
        """Names of all gates, ``"channel.gate"``."""
        return [f"{name}.{gate}" for name, c in self.channels.items() for gate in c.gates]

    def solved(
        self, start: Sequence[float], drive: float, conductance: float, dt_ms: float, steps: int
    ) -> np.ndarray[Any, Any]:
        """The adaptive reference for a patch whose constants are numbers: ``[steps, values]``."""
        n_gates = len(self.gate_names())

        def slope(y: Any) -> list[float]:
            v, *rest = (float(value) for value in y)
            now = Values(v, tuple(rest[:n_gates]), tuple(rest[n_gates:]))
            found = derivative(self, now, drive, conductance)
            return [found.potential, *found.gates, *found.concentrations]

        return solve_adaptively(slope, start, dt_ms, steps)


def named_channels(channels: Channels) -> dict[str, IonChannel]:
    """Channels by name, made where only their names or options are given.

    Raises:
        InvalidInput: If there is none, or a name stands twice or holds a dot.
        UnknownName: If there is no such channel.

    >>> sorted(named_channels(["Leak", "AHP"]))
    ['AHP', 'Leak']
    """
    found: dict[str, IonChannel] = {}
    for name, channel in _pairs(channels):
        if name in found or "." in name:
            raise InvalidInput(
                f"A channel is called {name!r}.",
                "Names must differ and hold no dot; give a mapping of names of your own.",
            )
        found[name] = channel
    if not found:
        raise InvalidInput("There is no channel.", "Name at least one, such as 'Leak'.")
    return found


def _pairs(channels: Channels) -> list[tuple[str, IonChannel]]:
    if isinstance(channels, Mapping):
        return [(name, _made(name, what)) for name, what in channels.items()]
    if isinstance(channels, str):
        channels = [channels]
    return [
        (what, _made(what, what)) if isinstance(what, str) else (type(what).__name__, what)
        for what in channels
    ]


def _made(name: str, what: str | IonChannel | Mapping[str, Any]) -> IonChannel:
    if isinstance(what, IonChannel):
        return what
    if isinstance(what, str):
        return CHANNELS.make(what)
    return CHANNELS.make(name, **what)
