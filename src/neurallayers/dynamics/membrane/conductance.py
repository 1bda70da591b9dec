"""Cells composed of any ion channels, in a single compartment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from neurallayers.dynamics.cell import CELLS, Cell, check_frames, positive
from neurallayers.dynamics.membrane.hodgkin_huxley import OUTPUTS, SYNAPTIC_INPUTS, chosen
from neurallayers.dynamics.membrane.parameters import Constants
from neurallayers.dynamics.membrane.patch import (
    CalciumShell,
    ChannelConstants,
    Channels,
    Patch,
    named_channels,
)
from neurallayers.dynamics.membrane.solvers import SOLVERS, Values
from neurallayers.dynamics.surrogate import Surrogate, surrogate_by_name
from neurallayers.errors import InvalidInput, UnknownName
from neurallayers.registry import nearest_name
from neurallayers.state import map_state

STANDARD_SHELL = CalciumShell()


class Capacitance(NamedTuple):
    """What belongs to the membrane itself."""

    capacitance_uf_cm2: Any


class ConductanceState(NamedTuple):
    """State of :class:`ConductanceCell`."""

    membrane_potential: Tensor  # [batch, n], [mV]
    gates: dict[str, Tensor]  # "channel.gate" -> [batch, n], between 0 and 1
    concentrations: dict[str, Tensor]  # "calcium" -> [batch, n], [uM]; empty without such channels


@CELLS.register("ConductanceCell")
class ConductanceCell(Cell[ConductanceState]):
    r"""Neurons whose membrane holds any list of ion channels.

    .. math:: C \dot v = I - \sum_k \bar g_k\, o_k(g, [Ca])\, (v - E_k)

    Calcium that enters through calcium channels fills a shell under the membrane
    (:class:`CalciumShell`), where there is such a channel or one that calcium opens; their current
    is reported by :meth:`calcium_current`, so that a larger model of calcium can follow.

    Input and output are those of :class:`HodgkinHuxley
    <neurallayers.dynamics.membrane.hodgkin_huxley.HodgkinHuxley>`: uA/cm2 (or drive and
    conductance), spikes or potentials.

    Args:
        n: Number of neurons.
        channels: Names from :data:`~neurallayers.dynamics.membrane.channels.CHANNELS` or channels
            made by hand; or a mapping of names of your own to either, or to the options of the
            channel that is called so.
        dt_ms: Length of a step [ms].
        solver: Name of the solver; see :mod:`neurallayers.dynamics.membrane.solvers`.
        capacitance_uf_cm2: Membrane capacitance.
        temperature_celsius: Of the cell; left out, every channel has the rates of its source.
        calcium: The shell under the membrane.
        initial_potential_mv: Potential of newborn cells, whose gates are at their steady state.
        synaptic_input: ``"current"`` or ``"conductance"``.
        output: ``"spikes"`` or ``"membrane_potential"``.
        threshold_mv: What an action potential crosses upwards [mV].
        surrogate: Name of the surrogate gradient of spikes, or one made by hand.
        slope: Its steepness [1/mV].
        learn: What training may change: ``"capacitance_uf_cm2"``, and ``"conductance_ms_cm2"`` or
            ``"reversal_mv"`` of a channel, such as ``"Leak.conductance_ms_cm2"``.

    Raises:
        InvalidInput: If an option is out of range or there is no channel.
        UnknownName: If a name is not known.

    >>> cell = ConductanceCell(1, ["CorticalSodium", "CorticalPotassium", "MCurrent", "Leak"])
    >>> sorted(cell.initial_state().gates)[:2]
    ['CorticalPotassium.n', 'CorticalSodium.h']
    """

    precision: Tensor

    def __init__(
        self,
        n: int,
        channels: Channels = ("SquidSodium", "SquidPotassium", "Leak"),
        *,
        dt_ms: float = 0.025,
        solver: str = "staggered_exponential_euler",
        capacitance_uf_cm2: float | Tensor = 1.0,
        temperature_celsius: float | None = None,
        calcium: CalciumShell = STANDARD_SHELL,
        initial_potential_mv: float = -65.0,
        synaptic_input: str = "current",
        output: str = "spikes",
        threshold_mv: float = 0.0,
        surrogate: str | Surrogate = "fast_sigmoid",
        slope: float | None = 0.1,
        learn: Sequence[str] = (),
    ) -> None:
        super().__init__()
        if n < 1:
            raise InvalidInput(f"n is {n}.", "There must be at least one neuron.")
        self.n = n
        self.synaptic_input = chosen("synaptic_input", synaptic_input, SYNAPTIC_INPUTS)
        self.output = chosen("output", output, OUTPUTS)
        self.in_shape = (n,) if synaptic_input == "current" else (2, n)
        self.out_shape = (n,)
        self.dt_ms = positive("dt_ms", dt_ms, "usually 0.01 to 0.05")
        self.solver = SOLVERS.make(solver)
        self.threshold_mv = float(threshold_mv)
        self.initial_potential_mv = float(initial_potential_mv)
        # Newborn states have the dtype and device of the module, which plain constants have not.
        self.register_buffer("precision", torch.zeros(()), persistent=False)
        self.surrogate = surrogate_by_name(surrogate, slope)
        positive("capacitance_uf_cm2", torch.as_tensor(capacitance_uf_cm2).min().item(), "about 1")
        positive("calcium.decay_ms", calcium.decay_ms, "tens of ms")
        self.channels = named_channels(channels)
        self.temperature_celsius = temperature_celsius
        concerned = any(c.carries_calcium or c.needs_calcium for c in self.channels.values())
        self.shell = calcium if concerned else None
        self._check(learn)
        self.membrane = Constants(
            Capacitance(capacitance_uf_cm2), (n,), [word for word in learn if "." not in word]
        )
        self.constants = nn.ModuleDict()
        for name, channel in self.channels.items():
            values = ChannelConstants(channel.conductance_ms_cm2, channel.reversal_mv)
            own = [word.partition(".")[2] for word in learn if word.startswith(f"{name}.")]
            self.constants[name] = Constants(values, (n,), own)

    def _check(self, learn: Sequence[str]) -> None:
        known = [f"{name}.{field}" for name in self.channels for field in ChannelConstants._fields]
        known += Capacitance._fields
        for name in learn:
            if name not in known:
                raise UnknownName(f"There is no constant {name!r}.", nearest_name(name, known))

    def patch(self) -> Patch:
        """The membrane with its constants as they are now."""
        return Patch(
            self.channels,
            tuple(cast(ChannelConstants, constants()) for constants in self.constants.values()),
            self.membrane().capacitance_uf_cm2,
            self.shell,
            self.temperature_celsius,
        )

    # ---------------------------------------------------------------------------------- states

    def initial_state(
        self,
        batch: int = 1,
        dtype: torch.dtype | None = None,
        *,
        membrane_potential_mv: float | Tensor | None = None,
    ) -> ConductanceState:
        """Cells held at a potential for long; calcium where in- and outflow are equal."""
        start = membrane_potential_mv
        start = self.initial_potential_mv if start is None else start
        dtype = self.precision.dtype if dtype is None else dtype
        v = torch.as_tensor(start, dtype=dtype, device=self.precision.device)
        v = v.broadcast_to(batch, self.n).clone()
        with torch.no_grad():
            steady = self.patch().steady(v)
        return self._state(steady)

    def _state(self, values: Values) -> ConductanceState:
        gates = dict(zip(self.patch().gate_names(), values.gates, strict=True))
        concentrations = dict(zip(("calcium",), values.concentrations, strict=False))
        return ConductanceState(values.potential, gates, concentrations)

    def _values(self, state: ConductanceState) -> Values:
        gates = tuple(state.gates[name] for name in self.patch().gate_names())
        return Values(state.membrane_potential, gates, tuple(state.concentrations.values()))

    def synchronised(self, state: ConductanceState) -> ConductanceState:
        """The state with gates and calcium at the time of the potential, whatever the solver."""
        if not self.solver.staggered:
            return state
        return self._state(self.patch().moved(self._values(state), 0.5 * self.dt_ms))

    def currents(self, state: ConductanceState) -> dict[str, Tensor]:
        """Current of each kind of channel [uA/cm2], positive outwards, ``[batch, n]``."""
        return self.patch().currents(self._values(self.synchronised(state)))

    def calcium_current(self, state: ConductanceState) -> Tensor:
        """Current through all calcium channels [uA/cm2], negative inwards, ``[batch, n]``."""
        values = self._values(self.synchronised(state))
        return cast(Tensor, self.patch().calcium_current(values))

    # ----------------------------------------------------------------------------------- steps

    def forward(self, x: Tensor, state: ConductanceState) -> tuple[Tensor, ConductanceState]:
        """One step; see the class for the equation."""
        before = state.membrane_potential
        drive, conductance = self._parts(x.to(torch.promote_types(x.dtype, before.dtype)))
        if self.solver.step is None:
            after = self._adaptive(drive, conductance, state, 1)[0]
        else:
            values = self._values(state)
            values = self.solver.step(self.patch(), values, drive, conductance, self.dt_ms)
            after = self._state(values)
        return self._emitted(before, after.membrane_potential).to(x.dtype), after

    def _parts(self, x: Tensor) -> tuple[Tensor, Any]:
        if self.synaptic_input == "current":
            return x, 0.0
        return x[..., 0, :], x[..., 1, :]

    def _emitted(self, before: Tensor, after: Tensor) -> Tensor:
        if self.output == "membrane_potential":
            return after
        below = (before < self.threshold_mv).to(after.dtype)
        return self.surrogate(after - self.threshold_mv) * below

    def run(
        self, xs: Tensor, state: ConductanceState | None = None, *, steps: int | None = None
    ) -> tuple[Tensor, ConductanceState]:
        """Many steps; the adaptive solver takes a held frame in one stretch."""
        check_frames(self, xs, steps)
        if state is None:
            precision = torch.promote_types(xs.dtype, torch.float32)
            newborn = self.initial_state(xs.shape[1], precision)
            state = map_state(lambda part: part.to(xs.device), newborn)
        if self.solver.step is not None or steps is None:
            return self.run_reference(xs, state, steps=steps)
        dtype = torch.promote_types(xs.dtype, state.membrane_potential.dtype)
        outputs = []
        for after in self._adaptive(*self._parts(xs[0].to(dtype)), state, steps):
            emitted = self._emitted(state.membrane_potential, after.membrane_potential)
            outputs.append(emitted.to(xs.dtype))
            state = after
        return torch.stack(outputs), state

    def _adaptive(
        self, drive: Tensor, conductance: Any, state: ConductanceState, steps: int
    ) -> list[ConductanceState]:
        """States after each of so many steps with a held input, neuron by neuron, float64."""
        values, patch = self._values(state), self.patch()
        variables = [values.potential, *values.gates, *values.concentrations]
        shape, n_gates = values.potential.shape, len(values.gates)

        def flat(number: Any) -> Tensor:
            tensor = torch.as_tensor(number, dtype=torch.float64).detach()
            return tensor.broadcast_to(shape).reshape(-1)

        start = torch.stack([flat(part) for part in variables])
        inputs = torch.stack([flat(drive), flat(conductance), flat(patch.capacitance_uf_cm2)])
        constants = [[flat(number) for number in one] for one in patch.constants]
        found = torch.empty(steps, *start.shape, dtype=torch.float64)
        for i in range(start.shape[1]):
            own = tuple(ChannelConstants(*(part[i].item() for part in one)) for one in constants)
            current, other, capacitance = inputs[:, i].tolist()
            alone = Patch(self.channels, own, capacitance, self.shell, self.temperature_celsius)
            solved = alone.solved(start[:, i].tolist(), current, other, self.dt_ms, steps)
            found[:, :, i] = torch.from_numpy(solved)
        found = found.to(values.potential.dtype).reshape(steps, len(variables), *shape)
        return [
            self._state(
                Values(parts[0], tuple(parts[1 : 1 + n_gates]), tuple(parts[1 + n_gates :]))
            )
            for parts in ([part.clone() for part in one] for one in found)
        ]

    def extra_repr(self) -> str:
        """Shapes, channels and solver, as ``print`` shows them."""
        names = ", ".join(self.channels)
        return f"{super().extra_repr()}, channels=[{names}], solver={self.solver.name!r}"
