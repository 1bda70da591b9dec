"""Patches of squid axon as a cell: the neuron model of Hodgkin & Huxley (1952)."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import torch
from torch import Tensor

from neurallayers.dynamics import kernels
from neurallayers.dynamics.cell import CELLS, Cell, check_frames, positive
from neurallayers.dynamics.membrane.crossings import Crossings
from neurallayers.dynamics.membrane.parameters import Constants
from neurallayers.dynamics.membrane.solvers import SOLVERS, solve_adaptively
from neurallayers.dynamics.membrane.squid_axon import (
    SQUID_STEPS,
    SquidParameters,
    gate_after,
    squid_balance,
    squid_derivative,
    squid_rates,
)
from neurallayers.dynamics.neurons.point import PointNeuron
from neurallayers.dynamics.surrogate import Surrogate, surrogate_by_name
from neurallayers.errors import InvalidInput, UnknownName
from neurallayers.registry import nearest_name
from neurallayers.state import map_state

if TYPE_CHECKING:
    from neurallayers.dynamics.kernels.blocks import BlockKernel

SYNAPTIC_INPUTS = ("current", "conductance")
OUTPUTS = ("spikes", "membrane_potential")


class HodgkinHuxleyState(NamedTuple):
    """State of :class:`HodgkinHuxley`."""

    membrane_potential: Tensor  # [batch, n], [mV]
    sodium_activation: Tensor  # [batch, n], m, between 0 and 1
    sodium_inactivation: Tensor  # [batch, n], h, between 0 and 1; 1: not inactivated
    potassium_activation: Tensor  # [batch, n], n, between 0 and 1


@CELLS.register("HodgkinHuxley")
class HodgkinHuxley(Cell[HodgkinHuxleyState]):
    r"""Patches of squid giant axon, each a single compartment.

    .. math::
        C \dot v &= I - \bar g_{Na} m^3 h (v - E_{Na}) - \bar g_K n^4 (v - E_K) - g_L (v - E_L) \\
        \dot m &= \varphi\,[\alpha_m(v) (1 - m) - \beta_m(v)\, m], \quad
        \varphi = 3^{(T - 6.3\,^\circ C) / 10} \quad\text{and so for } h, n

    Input: current [uA/cm2], or with ``synaptic_input="conductance"`` a pair ``[batch, 2, n]`` of
    drive [uA/cm2] (current and conductances times their reversal potentials) and conductance
    [mS/cm2]. It is constant within a step. Output: 1 in the step in which the potential crosses
    0 mV upwards, else 0; or the potential after the step [mV].

    Solvers (:data:`~neurallayers.dynamics.membrane.solvers.SOLVERS`) and their largest error of the
    14 spike times in 200 ms at 10 uA/cm2, at a step of 0.025 ms (0.01 ms):
    ``staggered_exponential_euler`` 0.061 ms (0.0098), ``exponential_euler`` 2.46 (0.98), ``rk4``
    8e-5 (1.4e-5, that of interpolation), ``adaptive`` below 1e-4. In a state of the staggered
    solver the gates belong to the time half a step before that of the potential.

    Source: Hodgkin & Huxley (1952), J. Physiol. 117:500; the equations with their numbers are in
    :mod:`neurallayers.dynamics.membrane.squid_axon`.

    Args:
        n: Number of patches.
        dt_ms: Length of a step [ms].
        solver: Name of the solver.
        temperature_celsius: Rates are those of 6.3 degrees times 3 for each 10 degrees more.
        initial_potential_mv: Potential of newborn patches, whose gates are at their steady state.
        synaptic_input: ``"current"`` or ``"conductance"``.
        output: ``"spikes"`` or ``"membrane_potential"``.
        threshold_mv: What an action potential crosses upwards [mV].
        surrogate: Name of the surrogate gradient of spikes, or one made by hand.
        slope: Its steepness [1/mV]; spikes change the potential by a hundred mV, so that it is
            smaller than that of point neurons.
        learn: Names of constants that training may change.
        constants: Others of :class:`~neurallayers.dynamics.membrane.squid_axon.SquidParameters`
            than the default ones, by name: numbers, or tensors with one for each patch.

    Raises:
        InvalidInput: If an option is out of range.
        UnknownName: If there is no such solver, surrogate or constant.

    >>> axon = HodgkinHuxley(1, dt_ms=0.01)
    >>> spikes, state = axon.run(torch.full((1, 1, 1), 10.0), steps=20_000)
    >>> spikes.sum().item()
    14.0
    """

    state_type = HodgkinHuxleyState

    precision: Tensor

    def __init__(
        self,
        n: int,
        *,
        dt_ms: float = 0.025,
        solver: str = "staggered_exponential_euler",
        temperature_celsius: float = 6.3,
        initial_potential_mv: float = -65.0,
        synaptic_input: str = "current",
        output: str = "spikes",
        threshold_mv: float = 0.0,
        surrogate: str | Surrogate = "fast_sigmoid",
        slope: float | None = 0.1,
        learn: Sequence[str] = (),
        **constants: Any,
    ) -> None:
        super().__init__()
        if n < 1:
            raise InvalidInput(f"n is {n}.", "There must be at least one patch.")
        self.n = n
        self.synaptic_input = chosen("synaptic_input", synaptic_input, SYNAPTIC_INPUTS)
        self.output = chosen("output", output, OUTPUTS)
        self.in_shape = (n,) if synaptic_input == "current" else (2, n)
        self.out_shape = (n,)
        self.dt_ms = positive("dt_ms", dt_ms, "usually 0.01 to 0.05")
        self.solver = SOLVERS.make(solver)
        self.temperature_celsius = float(temperature_celsius)
        self.rate_factor = 3.0 ** ((self.temperature_celsius - 6.3) / 10.0)
        positive("the factor of the rates", self.rate_factor, "give a temperature in degrees C")
        self.initial_potential_mv = float(initial_potential_mv)
        # Newborn states have the dtype and device of the module, which plain constants have not.
        self.register_buffer("precision", torch.zeros(()), persistent=False)
        self.threshold_mv = float(threshold_mv)
        self.surrogate = surrogate_by_name(surrogate, slope)
        self.constants = squid_constants(constants, n, learn)

    # ---------------------------------------------------------------------------------- states

    def initial_state(
        self,
        batch: int = 1,
        dtype: torch.dtype | None = None,
        *,
        membrane_potential_mv: float | Tensor | None = None,
    ) -> HodgkinHuxleyState:
        """Patches held at a potential for long: all gates at their steady state.

        Args:
            batch: Number of rows.
            dtype: Of the variables; left out, that of the module.
            membrane_potential_mv: Another potential than ``initial_potential_mv`` [mV].
        """
        start = membrane_potential_mv
        start = self.initial_potential_mv if start is None else start
        dtype = self.precision.dtype if dtype is None else dtype
        v = torch.as_tensor(start, dtype=dtype, device=self.precision.device)
        v = v.broadcast_to(batch, self.n).clone()
        return HodgkinHuxleyState(v, *steady_gates(v))

    def _newborn(self, xs: Tensor) -> HodgkinHuxleyState:
        """The initial state in the precision of these frames, computed in it."""
        dtype = torch.promote_types(xs.dtype, torch.float32)
        return map_state(lambda part: part.to(xs.device), self.initial_state(xs.shape[1], dtype))

    def synchronised(self, state: HodgkinHuxleyState) -> HodgkinHuxleyState:
        """The state with the gates at the time of the potential, whatever the solver."""
        return self._moved_gates(state, 0.5 * self.dt_ms) if self.solver.staggered else state

    def staggered(self, state: HodgkinHuxleyState) -> HodgkinHuxleyState:
        """The reverse: a state whose parts belong to one time, as the solver keeps it."""
        return self._moved_gates(state, -0.5 * self.dt_ms) if self.solver.staggered else state

    def _moved_gates(self, state: HodgkinHuxleyState, duration_ms: float) -> HodgkinHuxleyState:
        rates = squid_rates(state.membrane_potential)
        time = duration_ms * self.rate_factor
        moved = [
            gate_after(gate, rates[2 * i], rates[2 * i + 1], time)
            for i, gate in enumerate(state[1:])
        ]
        return HodgkinHuxleyState(state.membrane_potential, *moved)

    def resting_potential_mv(self, current_ua_cm2: float = 0.0) -> Tensor:
        """The potential at which all stands still [mV], float64, ``[n]``.

        Found by bisection of the steady-state current between 30 mV beyond the reversal potentials;
        where a current makes the axon fire, this rest is there all the same but unstable.

        Args:
            current_ua_cm2: A constant input [uA/cm2].

        Raises:
            InvalidInput: If there is none in that range.

        >>> round(HodgkinHuxley(1).resting_potential_mv().item(), 3)
        -64.996
        """
        p = SquidParameters(
            *(torch.as_tensor(value, dtype=torch.float64).detach() for value in self.constants())
        )
        reversals = torch.stack([value.broadcast_to(self.n) for value in p[4:]])
        low, high = reversals.amin(0) - 30.0, reversals.amax(0) + 30.0

        def current(v: Tensor) -> Tensor:
            drive, conductance = squid_balance(*steady_gates(v), p)
            return cast(Tensor, drive + current_ua_cm2 - conductance * v)

        if bool((current(low) < 0).any() | (current(high) > 0).any()):
            raise InvalidInput(
                f"There is no rest within 30 mV of the reversal potentials at {current_ua_cm2} "
                "uA/cm2.",
                "Use a smaller current.",
            )
        for _ in range(60):
            middle = 0.5 * (low + high)
            rising = current(middle) > 0
            low, high = torch.where(rising, middle, low), torch.where(rising, high, middle)
        return 0.5 * (low + high)

    # ----------------------------------------------------------------------------------- steps

    def forward(self, x: Tensor, state: HodgkinHuxleyState) -> tuple[Tensor, HodgkinHuxleyState]:
        """One step; see the class for the equations."""
        drive, conductance = self._parts(x.to(torch.promote_types(x.dtype, state[0].dtype)))
        if self.solver.step is None:
            after = self._adaptive(drive[None], conductance, state, 1)[0]
        else:
            after = HodgkinHuxleyState(
                *SQUID_STEPS[self.solver.name](
                    *state,
                    drive,
                    conductance,
                    self.constants(),
                    self.rate_factor,
                    self.dt_ms,
                )
            )
        return self._emitted(state[0], after[0]).to(x.dtype), after

    def _parts(self, x: Tensor) -> tuple[Tensor, Any]:
        """Drive and conductance of an input whose last axes are ``in_shape``."""
        if self.synaptic_input == "current":
            return x, 0.0
        return x[..., 0, :], x[..., 1, :]

    def _emitted(self, before: Tensor, after: Tensor) -> Tensor:
        if self.output == "membrane_potential":
            return after
        below = (before < self.threshold_mv).to(after.dtype)
        return self.surrogate(after - self.threshold_mv) * below

    def run(
        self, xs: Tensor, state: HodgkinHuxleyState | None = None, *, steps: int | None = None
    ) -> tuple[Tensor, HodgkinHuxleyState]:
        """Many steps in one fused kernel; its gradients come from a hand-written adjoint."""
        check_frames(self, xs, steps)
        if state is None:
            state = self._newborn(xs)
        if self.solver.step is None and steps is not None:
            return self._held_adaptively(xs, state, steps)
        if not self._fused(xs, state):
            return self.run_reference(xs, state, steps=steps)
        from neurallayers.dynamics.membrane.adjoint import fused_run

        drive, conductance = self._parts(xs)
        return fused_run(self, drive, conductance, state, xs.shape[0] if steps is None else steps)

    def _fused(self, xs: Tensor, state: HodgkinHuxleyState) -> bool:
        if self.solver.step is None or xs.device.type != "cpu" or not kernels.available(xs):
            return False
        if kernels.backend("cpu") != "numba":
            return False
        # Runge and Kutta's steps have no adjoint of ours.
        if self.solver.name != "rk4" or not torch.is_grad_enabled():
            return True
        return not any(t.requires_grad for t in (xs, *state, *self.parameters()))

    def spike_times(
        self, xs: Tensor, state: HodgkinHuxleyState | None = None, *, steps: int | None = None
    ) -> tuple[Crossings, HodgkinHuxleyState]:
        """A run that gives spike times between grid points instead of a frame for each step.

        No gradients flow (for those: :func:`~neurallayers.dynamics.membrane.crossings.crossings`
        of recorded potentials). Memory does not grow with the number of steps.

        Args:
            xs: As in :meth:`run`.
            state: State before the first step.
            steps: With a single frame, hold it for so many steps.

        Returns:
            Upward crossings of the threshold, counted from the beginning of the run, and the state
            after it.

        Raises:
            ShapeMismatch: If ``xs`` does not have the shape of :meth:`run`.
            InvalidInput: If no compiled kernel serves this solver, device or dtype.
        """
        check_frames(self, xs, steps)
        if state is None:
            state = self._newborn(xs)
        from neurallayers.dynamics.membrane.adjoint import fused_crossings

        with torch.no_grad():
            if not self._fused(xs, state):
                raise InvalidInput(
                    f"Spike times of a {self.solver.name!r} run on {xs.device} in {xs.dtype}.",
                    "Run with output='membrane_potential' and pass the recorded potentials to "
                    "membrane.crossings.",
                )
            drive, conductance = self._parts(xs)
            steps = xs.shape[0] if steps is None else steps
            return fused_crossings(self, drive, conductance, state, steps)

    # -------------------------------------------------------------------------------- circuits

    def kernel(self, per_neuron: bool) -> BlockKernel:
        """The compiled function that advances a block of patches by one step."""
        from neurallayers.dynamics.kernels.hodgkin_huxley import SOLVER_CODES, squid_kernel

        if self.solver.name not in SOLVER_CODES:
            raise InvalidInput(
                f"A population with the solver {self.solver.name!r}.",
                f"In circuits choose one of {', '.join(SOLVER_CODES)}.",
            )
        return squid_kernel(SOLVER_CODES[self.solver.name], per_neuron)

    def kernel_parameters(self) -> Tensor:
        """What the kernel reads, float64: ``[10]`` where all patches are alike, or ``[10, n]``."""
        shared = (self.rate_factor, self.dt_ms, self.threshold_mv)
        values = [torch.as_tensor(v, dtype=torch.float64) for v in (*self.constants(), *shared)]
        if not self.constants.plain:
            values = [value.broadcast_to(self.n) for value in values]
        return torch.stack(values).detach()

    # ------------------------------------------------------------------------------- reference

    def _held_adaptively(
        self, xs: Tensor, state: HodgkinHuxleyState, steps: int
    ) -> tuple[Tensor, HodgkinHuxleyState]:
        drive, conductance = self._parts(xs.to(torch.promote_types(xs.dtype, state[0].dtype)))
        states = self._adaptive(drive, conductance, state, steps)
        outputs, before = [], state
        for after in states:
            outputs.append(self._emitted(before[0], after[0]).to(xs.dtype))
            before = after
        return torch.stack(outputs), before

    def _adaptive(
        self, drive: Tensor, conductance: Any, state: HodgkinHuxleyState, steps: int
    ) -> list[HodgkinHuxleyState]:
        """States after each of so many steps with a held input, neuron by neuron."""
        shape = state[0].shape
        given = (*state, drive[0], conductance, *self.constants())
        columns = [
            torch.as_tensor(part, dtype=torch.float64).detach().broadcast_to(shape).reshape(-1)
            for part in given
        ]
        found = torch.empty(steps, 4, columns[0].numel(), dtype=torch.float64)
        for i, numbers in enumerate(torch.stack(columns, 1).tolist()):
            current, other, *constants = numbers[4:]
            slope = functools.partial(_slope, current, other, constants, self.rate_factor)
            solved = solve_adaptively(slope, numbers[:4], self.dt_ms, steps)
            found[:, :, i] = torch.from_numpy(solved)
        found = found.to(state[0].dtype)
        return [HodgkinHuxleyState(*(part.reshape(shape).clone() for part in one)) for one in found]

    def extra_repr(self) -> str:
        """Shapes and solver, as ``print`` shows them."""
        return f"{super().extra_repr()}, solver={self.solver.name!r}"


# It offers what a circuit asks of point neurons, in units of a patch of membrane: conductances of
# synapses are in mS/cm2, currents in uA/cm2.
PointNeuron.register(HodgkinHuxley)


def steady_gates(v: Any) -> tuple[Any, Any, Any]:
    """Steady m, h and n at a potential [mV], the same at any temperature."""
    open_m, close_m, open_h, close_h, open_n, close_n = squid_rates(v)
    return (
        open_m / (open_m + close_m),
        open_h / (open_h + close_h),
        open_n / (open_n + close_n),
    )


def squid_constants(
    constants: dict[str, Any], n: int, learn: Sequence[str]
) -> Constants[SquidParameters]:
    """The constants of patches, checked.

    Raises:
        InvalidInput: If a capacitance is not positive or a conductance negative.
        UnknownName: If there is no such constant.
    """
    for name in constants:
        if name not in SquidParameters._fields:
            raise UnknownName(
                f"There is no constant {name!r}.",
                nearest_name(name, list(SquidParameters._fields)),
            )
    values = SquidParameters(**constants)
    for name, value in list(values._asdict().items())[:4]:
        least = torch.as_tensor(value).min().item()
        if least < 0 or (name == "capacitance_uf_cm2" and least == 0):
            raise InvalidInput(
                f"{name} is {value}.", "A capacitance is positive, a conductance not negative."
            )
    return Constants(values, (n,), learn)


def _slope(
    drive: float, conductance: float, p: Sequence[float], rate_factor: float, y: Sequence[float]
) -> tuple[Any, ...]:
    v, m, h, n = (float(value) for value in y)
    return squid_derivative(v, m, h, n, drive, conductance, p, rate_factor)


def chosen(name: str, value: str, choices: tuple[str, ...]) -> str:
    """Refuse what is not one of the choices."""
    if value not in choices:
        raise InvalidInput(f"{name} is {value!r}.", f"Choose one of {', '.join(choices)}.")
    return value
