"""A neuron that lives: it fires, spends energy, releases transmitter and is heard by an astrocyte.

The equations are in :mod:`neurallayers.dynamics.membrane.biophysics`, the vitals and the books in
:mod:`neurallayers.dynamics.membrane.vitals`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from neurallayers.dynamics import kernels
from neurallayers.dynamics.cell import CELLS, Cell, check_frames, initial_state_like, positive
from neurallayers.dynamics.membrane.astrocyte import AstrocyteConstants, rose_through
from neurallayers.dynamics.membrane.biophysics import (
    BiophysicalConstants,
    BiophysicalState,
    Ledger,
    MembraneConstants,
    WatchState,
    lived,
)
from neurallayers.dynamics.membrane.calcium import CalciumConstants
from neurallayers.dynamics.membrane.energy import ATP_PER_VESICLE, EnergyConstants
from neurallayers.dynamics.membrane.ions import (
    MM_UM3_PER_MOLECULE,
    Geometry,
    sphere,
    thermal_potential_mv,
)
from neurallayers.dynamics.membrane.parameters import Constants
from neurallayers.dynamics.membrane.resting import at_rest
from neurallayers.dynamics.membrane.transmitter import TransmitterConstants
from neurallayers.dynamics.membrane.vitals import (
    Bound,
    Residuals,
    Vitals,
    bounds_of,
    residuals,
    vitals_of,
)
from neurallayers.dynamics.neurons import neuron_shape
from neurallayers.dynamics.surrogate import Surrogate, surrogate_by_name
from neurallayers.errors import InvalidInput, UnknownName
from neurallayers.registry import nearest_name
from neurallayers.state import map_state

INPUTS = ("current", "conductance", "current_and_supply")
ON_VIOLATION = ("raise", "report")


@CELLS.register("BiophysicalNeuron")
class BiophysicalNeuron(Cell[BiophysicalState]):
    """Neurons with a membrane, ions, calcium, ATP, transmitter and an astrocyte each.

    The output is 1 in the step in which the potential rises through ``threshold_mv``. The newborn
    is at rest: the Na/K pump, the leak of calcium and the production of ATP are set so that
    nothing changes without input.

    Args:
        n: Number of neurons, or their shape.
        dt_ms: Length of a step [ms].
        input: ``"current"``: ``[batch, n]`` [uA/cm2]. ``"conductance"``: ``[batch, 2, n]``, drive
            [uA/cm2] and conductance [mS/cm2] of synapses; the membrane feels drive - g v.
            ``"current_and_supply"``: ``[batch, 2, n]``, current [uA/cm2] and the supply of oxygen
            and glucose by the blood, relative to health.
        geometry: Size of the cell; a soma of 20 um when left out. Without supply, thin processes
            run out of ATP within seconds, large cells within minutes.
        temperature_celsius: It moves the Nernst potentials and, with a Q10 of 3, the gates.
        membrane, calcium, energy, transmitter, astrocyte: Constants of the parts. What
            follows from size, temperature and rest is replaced: the depth of the membrane's volume,
            ``thermal_mv``, ``rate_factor``, ``vesicle_atp_mm``, ``pump_max_ua_cm2``, the influx of
            calcium at rest and the production of ATP.
        boutons: How many boutons such as the one that is followed the cell has to pay for.
        atp_per_vesicle: What it costs to release and refill a vesicle, with the astrocyte's part.
        threshold_mv: Of a spike [mV].
        on_violation: ``"report"`` counts steps in which a vital has left its physical bounds, in
            ``state.watch``; ``"raise"`` raises too. An error needs numbers: under
            ``torch.compile``, ``torch.export`` and ``vmap`` both only count.
        surrogate: Surrogate gradient of spikes and of the astrocyte's release.
        slope: Its steepness [1/mV, 1/uM]; left out, 0.1.
        learn: Constants that training may change, such as ``"membrane.sodium_ms_cm2"``.

    Raises:
        InvalidInput: If an option or constant is out of range, or the neuron has no rest.
        UnknownName: If ``learn`` names no constant, or there is no such surrogate.

    >>> cell = BiophysicalNeuron(1)
    >>> spikes, state = cell.run(torch.full((1, 1, 1), 10.0), steps=2000)
    >>> bool(spikes.sum() > 1), bool(state.watch.violations == 0)
    (True, True)
    """

    def __init__(
        self,
        n: int | tuple[int, ...],
        *,
        dt_ms: float = 0.025,
        input: str = "current",
        geometry: Geometry | None = None,
        temperature_celsius: float = 6.3,
        membrane: MembraneConstants | None = None,
        calcium: CalciumConstants | None = None,
        energy: EnergyConstants | None = None,
        transmitter: TransmitterConstants | None = None,
        astrocyte: AstrocyteConstants | None = None,
        boutons: float = 1000.0,
        atp_per_vesicle: float = ATP_PER_VESICLE,
        threshold_mv: float = 0.0,
        on_violation: str = "report",
        surrogate: str | Surrogate = "fast_sigmoid",
        slope: float | None = 0.1,
        learn: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.out_shape = neuron_shape(n)
        self.input = one_of("input", input, INPUTS)
        self.on_violation = one_of("on_violation", on_violation, ON_VIOLATION)
        self.in_shape = self.out_shape if input == "current" else (2, *self.out_shape)
        self.dt_ms = positive("dt_ms", dt_ms, "at most 0.05 for these gates")
        self.threshold_mv = float(threshold_mv)
        self.surrogate = surrogate_by_name(surrogate, slope)
        geometry = geometry or sphere(20.0)
        membrane = (membrane or MembraneConstants())._replace(
            depth_um=geometry.depth_um,
            thermal_mv=thermal_potential_mv(temperature_celsius),
            rate_factor=3.0 ** ((temperature_celsius - 6.3) / 10.0),
            vesicle_atp_mm=boutons * atp_per_vesicle * MM_UM3_PER_MOLECULE / geometry.volume_um3,
        )
        constants, self.resting = at_rest(
            BiophysicalConstants(
                membrane,
                calcium or CalciumConstants(),
                energy or EnergyConstants(),
                transmitter or TransmitterConstants(),
                astrocyte or AstrocyteConstants(),
            )
        )
        learned = learned_by_part(learn)
        self.parts = nn.ModuleDict(
            {
                name: Constants(part, self.out_shape, learned[name])
                for name, part in zip(constants._fields, constants, strict=True)
            }
        )

    @property
    def constants(self) -> BiophysicalConstants:
        """All constants, as numbers or tensors."""
        return BiophysicalConstants(*(part() for part in self.parts.values()))

    @property
    def bounds(self) -> dict[str, Bound]:
        """The range of every vital; see :class:`~neurallayers.dynamics.membrane.vitals.Bound`."""
        return bounds_of(self.constants)

    def initial_state(self, batch: int = 1) -> BiophysicalState:
        """Newborns at rest, supplied as in health."""
        one = torch.ones(batch, *self.out_shape)
        count = torch.zeros(batch, *self.out_shape, dtype=torch.int64)
        state = map_state(lambda part: (one * part).to(one), self.resting)
        watch = WatchState(*(count.clone() for _ in WatchState._fields))
        return state._replace(watch=watch)

    def with_supply(
        self, state: BiophysicalState, *, oxygen: float = 1.0, glucose: float = 1.0
    ) -> BiophysicalState:
        """The same state with another blood supply, relative to health; 0 where blood stands still.

        Raises:
            InvalidInput: If a supply is negative.
        """
        if not (oxygen >= 0.0 and glucose >= 0.0):
            raise InvalidInput(
                f"oxygen is {oxygen}, glucose {glucose}.",
                "A supply is 0 (none), 1 (health) or more.",
            )
        energy = state.energy._replace(
            oxygen=torch.full_like(state.energy.oxygen, oxygen),
            glucose=torch.full_like(state.energy.glucose, glucose),
        )
        return state._replace(energy=energy)

    def vitals(self, state: BiophysicalState) -> Vitals:
        """V [mV], NT [mM], Ca [uM], ATP [mM] and g [uM] of a state."""
        return vitals_of(state)

    def forward(self, x: Tensor, state: BiophysicalState) -> tuple[Tensor, BiophysicalState]:
        """One step; see :mod:`neurallayers.dynamics.membrane.biophysics` for the equations."""
        spikes, after, _ = self.audited(x, state)
        return spikes, after

    def audited(
        self, x: Tensor, state: BiophysicalState
    ) -> tuple[Tensor, BiophysicalState, Ledger]:
        """One step with the books of it."""
        drive, conductance, state = self._received(x, state)
        after, ledger = lived(state, drive, conductance, self.surrogate, self.constants, self.dt_ms)
        before_mv, after_mv = (s.membrane.membrane_potential for s in (state, after))
        spikes = rose_through(self.threshold_mv, before_mv, after_mv, self.surrogate)
        self._check(state, after)
        return spikes.to(x.dtype), after, ledger

    def audit(
        self, xs: Tensor, state: BiophysicalState | None = None
    ) -> tuple[Tensor, BiophysicalState, Residuals]:
        """A run whose books are balanced at its end.

        Args:
            xs: ``[time, batch, *in_shape]``.
            state: State before the first step; the newborn's when left out.

        Returns:
            Spikes, the state after it, and what is left over in each book.

        Raises:
            ShapeMismatch: If ``xs`` has another shape.
        """
        check_frames(self, xs, None)
        before = initial_state_like(self, xs) if state is None else state
        spikes, first, total = self.audited(xs[0], before)
        outputs, after = [spikes], first
        for x in xs[1:]:
            spikes, after, ledger = self.audited(x, after)
            total = map_state(torch.add, total, ledger)
            outputs.append(spikes)
        return torch.stack(outputs), after, residuals(before, after, total, self.constants)

    def run(
        self, xs: Tensor, state: BiophysicalState | None = None, *, steps: int | None = None
    ) -> tuple[Tensor, BiophysicalState]:
        """Many steps, in one compiled loop where no gradient is asked for."""
        check_frames(self, xs, steps)
        if state is None:
            state = initial_state_like(self, xs)
        if not self._fusible(xs, state):
            return self.run_reference(xs, state, steps=steps)
        frames = xs if steps is None else xs[:1]
        drive, conductance, started = self._frames(frames, state)
        if started is None:  # the supply changes within the run
            return self.run_reference(xs, state, steps=steps)
        count = len(xs) if steps is None else steps
        from neurallayers.dynamics.membrane import compiled

        spikes, _, after = compiled.run(
            drive, conductance, started, self.constants, self.threshold_mv, self.dt_ms, count
        )
        self._check(state, after)
        return spikes, after

    def trace(
        self, xs: Tensor, state: BiophysicalState | None = None, *, steps: int, every: int = 1
    ) -> tuple[Tensor, Vitals, BiophysicalState]:
        """Hold a frame and look at the vitals after every so many steps.

        Args:
            xs: One frame, ``[1, batch, *in_shape]``.
            state: State before the first step; the newborn's when left out.
            steps: How many steps; a multiple of ``every``.
            every: Steps between two looks.

        Returns:
            Number of spikes between two looks and vitals, ``[steps / every, batch, *shape]``, and
            the state after the last step.

        Raises:
            InvalidInput: If ``steps`` is no positive multiple of ``every``.
            ShapeMismatch: If ``xs`` has another shape.
        """
        if every < 1 or steps < 1 or steps % every:
            raise InvalidInput(f"steps={steps}, every={every}.", "Take a multiple of every.")
        check_frames(self, xs, steps)
        state = initial_state_like(self, xs) if state is None else state
        if self._fusible(xs, state):
            drive, conductance, started = self._frames(xs, state)
            assert started is not None  # the supply of one frame is the same throughout
            from neurallayers.dynamics.membrane import compiled

            spikes, looked, after = compiled.run(
                drive,
                conductance,
                started,
                self.constants,
                self.threshold_mv,
                self.dt_ms,
                steps,
                every,
            )
            self._check(state, after)
            return spikes, Vitals(*looked.unbind()), after
        counts, looks = [], []
        for _ in range(steps // every):
            spikes, state = self.run_reference(xs, state, steps=every)
            counts.append(spikes.sum(0))
            looks.append(vitals_of(state))
        return torch.stack(counts), Vitals(*map(torch.stack, zip(*looks, strict=True))), state

    def _received(self, x: Tensor, state: BiophysicalState) -> tuple[Tensor, Any, BiophysicalState]:
        """Drive, conductance and the state with its supply, of one frame."""
        if self.input == "current":
            return x, torch.zeros_like(x), state
        first, second = x[:, 0], x[:, 1]
        if self.input == "conductance":
            return first, second, state
        supply = second.to(state.energy.atp.dtype)
        # Copies: a state must not hold on to the frames.
        energy = state.energy._replace(oxygen=supply.clone(), glucose=supply.clone())
        return first, torch.zeros_like(first), state._replace(energy=energy)

    def _frames(
        self, xs: Tensor, state: BiophysicalState
    ) -> tuple[Tensor, Tensor, BiophysicalState | None]:
        """As :meth:`_received`, of all frames; no state if the supply is not the same in all."""
        if self.input == "current":
            return xs, torch.zeros_like(xs), state
        first, second = xs[:, :, 0], xs[:, :, 1]
        if self.input == "conductance":
            return first, second, state
        steady = bool((second == second[:1]).all())
        started = self._received(xs[0], state)[2] if steady else None
        return first, torch.zeros_like(first), started

    def _fusible(self, xs: Tensor, state: BiophysicalState) -> bool:
        """Whether the compiled loop can serve: numbers on a CPU, and no gradient."""
        tensors = [xs, *(t for part in state for t in part)]
        plain = all(part.plain for part in self.parts.values())
        graph = torch.is_grad_enabled() and any(t.requires_grad for t in tensors)
        double = xs.dtype == state.energy.atp.dtype and xs.dtype in (torch.float32, torch.float64)
        return plain and not graph and double and kernels.available(xs) and xs.device.type == "cpu"

    def _check(self, before: BiophysicalState, after: BiophysicalState) -> None:
        """Raise where a vital has left its physical bounds, if that is asked for."""
        if self.on_violation != "raise" or not kernels.available(after.energy.atp):
            return
        new = after.watch.violations - before.watch.violations
        if not bool(new.any()):
            return
        where = [tuple(place) for place in (new > 0).nonzero().tolist()]
        values = {
            name: [round(float(value[place]), 6) for place in where[:4]]
            for name, value in vitals_of(after)._asdict().items()
        }
        raise InvalidInput(
            f"Vitals left their physical bounds in {int(new.sum())} steps of neurons "
            f"{where[:4]}: {values}.",
            "Take a shorter dt_ms or a weaker input; on_violation='report' counts and goes on.",
        )


def one_of(name: str, value: str, choices: tuple[str, ...]) -> str:
    """Refuse what is none of the choices.

    Raises:
        InvalidInput: With the choices.
    """
    if value not in choices:
        raise InvalidInput(f"{name} is {value!r}.", f"Choose one of {', '.join(choices)}.")
    return value


def learned_by_part(learn: Sequence[str]) -> dict[str, list[str]]:
    """Names such as ``"membrane.sodium_ms_cm2"``, by part.

    Raises:
        UnknownName: If there is no such part.
    """
    found: dict[str, list[str]] = {name: [] for name in BiophysicalConstants._fields}
    for name in learn:
        part, _, field = name.partition(".")
        if part not in found:
            raise UnknownName(f"There is no part {part!r}.", nearest_name(part, list(found)))
        found[part].append(field)
    return found
