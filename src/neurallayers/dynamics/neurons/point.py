r"""What all point neurons of physical units share: parameters, threshold, gradients, fused runs.

A model is one equation, a function of numbers (see :mod:`~neurallayers.dynamics.arithmetic`):

.. code-block:: python

    margin, quiet, fired = step(state, drive, conductance, p)

``state`` is a tuple of the model's variables, ``drive`` [pA] and ``conductance`` [nS] are its
input, ``p`` its parameters, prepared for a step of dt. It returns by how much the threshold was
exceeded (a neuron with a margin of zero or more fires) and two states after the step: that of a
neuron that did not fire, and that of one that did. Tensors run through it in
:meth:`PointNeuron.forward`; compiled populations in a circuit or a fused run through the very same
function.

Units: time ms, potential mV, current pA, conductance nS, capacitance pF; nS mV = pA, pA ms / pF =
mV, so that equations need no factors.
"""

from __future__ import annotations

import functools
import math
from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import torch
from torch import Tensor, nn

from neurallayers.dynamics import kernels
from neurallayers.dynamics.arithmetic import minimum
from neurallayers.dynamics.cell import Cell, check_frames, positive
from neurallayers.dynamics.surrogate import Surrogate, surrogate_by_name
from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName
from neurallayers.registry import nearest_name
from neurallayers.state import map_state

if TYPE_CHECKING:
    from neurallayers.dynamics.kernels.blocks import BlockKernel

S = TypeVar("S", bound=tuple[Any, ...])
Value = float | Tensor
Step = Callable[..., tuple[Any, tuple[Any, ...], tuple[Any, ...]]]

SYNAPTIC_INPUTS = ("current", "conductance")
# The time since a spike of a neuron that never fired [ms], and the longest that is counted.
NEVER_MS = 1e6
# How far above its threshold the upswing is computed, by slopes: exp(30) is finite in float32.
STEEPEST = 30.0


class PointNeuron(Cell[S]):
    """Spiking neurons with one membrane potential, in physical units.

    A model that derives from it names its state and parameters, and gives its equation and the
    numbers that this equation reads. Everything else is here: single steps on tensors with
    surrogate gradients, fused runs, and what a circuit needs (:meth:`kernel`,
    :meth:`kernel_parameters`).

    Input is a current [pA], ``[batch, n]``, or with ``synaptic_input="conductance"`` a pair
    ``[batch, 2, n]``: first the drive [pA], injected current and the sum of g E over all synapses,
    then the total synaptic conductance [nS], the sum of g; the membrane feels drive - g v.

    Each parameter is a number for all neurons or a tensor ``[n]``, one for each; ``learn`` names
    those that training may change (they become parameters ``[n]``).

    Args:
        n: Number of neurons.
        dt_ms: Length of a step [ms].
        parameters: The model's parameters by name.
        learn: Names of those that are learned.
        fixed: Names of those that cannot be.
        synaptic_input: ``"current"`` or ``"conductance"``.
        substeps: How often the equation is applied in a step.
        surrogate: Name of the surrogate gradient, or one made by hand.
        slope: Its steepness, by distances from rest to threshold; left out, its usual one.
        reset_gradient: Whether the surrogate gradient flows through the choice between firing and
            not (the reset) as well. What follows from the state before always has its gradient.

    Attributes:
        n: Number of neurons.
        state_type: The named tuple of the state; the membrane potential is its first field.
        synaptic_input: As given. A population that receives conductances needs "conductance".
        substeps: As given.
        sources: Files whose equations the model calls, relative to ``dynamics/``.

    Raises:
        InvalidInput: If an option is out of range or a parameter is not finite.
        ShapeMismatch: If a parameter is neither a number nor ``[n]``.
        UnknownName: If ``learn`` names something that is not a parameter.
    """

    state_type: ClassVar[type[Any]]
    sources: ClassVar[tuple[str, ...]]
    _precision: Tensor

    def __init__(
        self,
        n: int,
        *,
        dt_ms: float,
        parameters: Mapping[str, Value],
        learn: Collection[str] = (),
        fixed: Collection[str] = (),
        synaptic_input: str = "current",
        substeps: int = 1,
        surrogate: str | Surrogate = "fast_sigmoid",
        slope: float | None = None,
        reset_gradient: bool = False,
    ) -> None:
        super().__init__()
        self.n = count("n", n, "the number of neurons")
        self.dt_ms = positive("dt_ms", dt_ms, "usually 0.01 to 1")
        self.substeps = count("substeps", substeps, "usually 1 to 4")
        if synaptic_input not in SYNAPTIC_INPUTS:
            raise InvalidInput(
                f"synaptic_input is {synaptic_input!r}.",
                f"Choose one of {', '.join(SYNAPTIC_INPUTS)}.",
            )
        self.synaptic_input = synaptic_input
        self.in_shape = (self.n,) if synaptic_input == "current" else (2, self.n)
        self.out_shape = (self.n,)
        self.surrogate = surrogate_by_name(surrogate, slope)
        self.reset_gradient = reset_gradient
        self.parameter_names = tuple(parameters)
        # It follows the module from precision to precision, as numbers do not.
        self.register_buffer("_precision", torch.empty(0), persistent=False)
        learned = (learn,) if isinstance(learn, str) else tuple(learn)
        learnable = [name for name in parameters if name not in fixed]
        for name in learned:
            if name not in learnable:
                raise UnknownName(
                    f"{type(self).__name__} has no parameter {name!r} to learn.",
                    nearest_name(name, learnable),
                )
        for name, value in parameters.items():
            self._keep(name, value, name in learned)

    def _keep(self, name: str, value: Value, learned: bool) -> None:
        given = torch.as_tensor(value).detach()
        if given.shape not in ((), (self.n,)):
            raise ShapeMismatch(
                f"{name} has shape {tuple(given.shape)}.",
                f"Give one number for all neurons or {self.n}, one for each.",
            )
        if given.dtype == torch.bool or given.is_complex() or not bool(given.isfinite().all()):
            raise InvalidInput(f"{name} is {value}.", "It must be a finite number.")
        if not given.is_floating_point():
            given = given.to(torch.get_default_dtype())
        if learned:
            self.register_parameter(name, nn.Parameter(given.expand(self.n).clone()))
        elif isinstance(value, Tensor) and given.ndim:
            self.register_buffer(name, given.clone())
        else:
            # A number keeps all its digits, whatever the precision of the module.
            setattr(self, name, float(value))

    # -------------------------------------------------------------------- what a model gives

    @property
    @abstractmethod
    def equation(self) -> Step:
        """The model's step, a function of a module marked as an equation."""

    @abstractmethod
    def numbers(self) -> tuple[Value, ...]:
        """What the equation reads as ``p``: prepared for a step of ``dt_ms / substeps``."""

    @abstractmethod
    def initial_state(self, batch: int = 1, dtype: torch.dtype | None = None) -> S:
        """The state of individuals that have not lived yet.

        Args:
            batch: How many.
            dtype: Of its variables; left out, that of the module (float32 unless it was moved).
        """

    @abstractmethod
    def surrogate_scale_mv(self) -> Value:
        """The margin [mV] that a surrogate gradient takes for one."""

    def everywhere(self, value: Value, batch: int, dtype: torch.dtype | None) -> Tensor:
        """A number or parameter as the first value of a variable, ``[batch, n]``.

        Args:
            value: The number, or one for each neuron.
            batch: Number of individuals.
            dtype: Of the variable; left out, that of the module (float32 unless it was moved).
        """
        first = torch.as_tensor(value, dtype=torch.float64).detach()
        kind, device = dtype or self._precision.dtype, self._precision.device
        return first.to(dtype=kind, device=device).expand(batch, self.n).clone()

    @staticmethod
    def distance(a: Value, b: Value) -> Value:
        """How far two potentials lie apart [mV], at least one; without gradient."""
        if isinstance(a, Tensor) or isinstance(b, Tensor):
            apart: Tensor = torch.as_tensor(a - b).detach().abs().clamp(min=1.0)
            return apart
        return max(abs(a - b), 1.0)

    # ------------------------------------------------------------------------- single steps

    def forward(self, x: Tensor, state: S) -> tuple[Tensor, S]:
        """One step; see the class for the equations.

        Args:
            x: Current [pA] ``[batch, n]``, or drive [pA] and conductance [nS] ``[batch, 2, n]``.
            state: State before the step.

        Returns:
            Spikes, 0 or 1, ``[batch, n]``, and the state after the step.
        """
        dtype = torch.promote_types(state[0].dtype, x.dtype)
        drive, conductance = self._inputs(x.to(dtype))
        scale = _in_precision(self.surrogate_scale_mv(), dtype)
        p = tuple(_in_precision(number, dtype) for number in self.numbers())
        variables: tuple[Any, ...] = tuple(variable.to(dtype) for variable in state)
        silent: Any = 1.0
        for _ in range(self.substeps):
            margin, quiet, fired = self.equation(variables, drive, conductance, p)
            spikes = self.surrogate(margin / scale)
            variables = tuple(
                self._chosen(spikes, margin, yes, no) for yes, no in zip(fired, quiet, strict=True)
            )
            silent = silent * (1.0 - spikes)
        return (1.0 - silent).to(x.dtype), self.state_type(*variables)

    def _inputs(self, x: Tensor) -> tuple[Tensor, Any]:
        if self.synaptic_input == "current":
            return x, 0.0
        return x.select(-2, 0), x.select(-2, 1)

    def _chosen(self, spikes: Tensor, margin: Tensor, fired: Any, quiet: Any) -> Tensor:
        """The state of those that fired or did not; with or without the surrogate's gradient."""
        chosen: Tensor
        if self.reset_gradient:
            chosen = spikes * fired + (1.0 - spikes) * quiet
        else:
            chosen = torch.where(margin >= 0.0, fired, quiet)
        return chosen

    # --------------------------------------------------------------------- compiled populations

    def kernel(self, per_neuron: bool) -> BlockKernel:
        """The compiled step of a block, for parameters in the block's rows or shared by all."""
        from neurallayers.dynamics.neurons.population import block_kernel

        variables, parameters = len(self.state_type._fields), len(self.numbers())
        sources = ("neurons/flows.py", *self.sources)
        return block_kernel(
            self.equation, variables, parameters, per_neuron, self.substeps, sources
        )

    def kernel_parameters(self) -> Tensor:
        """What :meth:`kernel` reads, in float64.

        Returns:
            ``[parameters]``, or ``[parameters, n]`` where any differs from neuron to neuron.
        """
        with torch.no_grad():
            numbers = [torch.as_tensor(value, dtype=torch.float64) for value in self.numbers()]
            # Prepared on the device of the module; populations are computed on the CPU.
            return torch.stack(torch.broadcast_tensors(*numbers)).cpu().contiguous()

    # ----------------------------------------------------------------------------------- runs

    def run(
        self, xs: Tensor, state: S | None = None, *, steps: int | None = None
    ) -> tuple[Tensor, S]:
        """Many steps, in one compiled loop where no gradient is asked for.

        Raises:
            ShapeMismatch: If frames or state do not fit.
        """
        check_frames(self, xs, steps)
        if not self._fusible(xs, state):
            return self.run_reference(xs, state, steps=steps)
        spikes, state, _ = self.fused_run(xs, state, steps=steps)
        return spikes, state

    def run_reference(
        self, xs: Tensor, state: S | None = None, *, steps: int | None = None
    ) -> tuple[Tensor, S]:
        """:meth:`run` as a plain loop of :meth:`forward`."""
        if state is None:
            # In half precision many small steps would be lost.
            dtype = torch.promote_types(xs.dtype, torch.float32)
            state = map_state(lambda t: t.to(xs.device), self.initial_state(xs.shape[1], dtype))
        return super().run_reference(xs, state, steps=steps)

    def _fusible(self, xs: Tensor, state: S | None) -> bool:
        if xs.device.type != "cpu" or not kernels.available(xs) or not _compiler_installed():
            return False
        if xs.dtype not in (torch.float32, torch.float64):
            return False
        if not torch.is_grad_enabled():
            return True
        leaves = [xs, *(state or ()), *self.parameters()]
        return not any(leaf.requires_grad for leaf in leaves)

    def fused_run(
        self,
        xs: Tensor,
        state: S | None = None,
        *,
        steps: int | None = None,
        record: Sequence[str] = (),
    ) -> tuple[Tensor, S, dict[str, Tensor]]:
        """Many steps in one compiled loop on the CPU, without gradients.

        Args:
            xs: ``[time, batch, *in_shape]``, float32 or float64; the run is in their precision.
            state: State before the first step; at rest when left out.
            steps: With a single frame in ``xs``, hold it for so many steps.
            record: Names of variables of the state to keep after each step.

        Returns:
            Spikes ``[time, batch, n]``, the state after the last step, and what was recorded,
            ``[time, batch, n]`` each.

        Raises:
            ShapeMismatch: If frames or state do not fit.
            UnknownName: If the state has no variable of that name.
        """
        from neurallayers.dynamics.neurons.population import run_population

        check_frames(self, xs, steps)
        fields = list(self.state_type._fields)
        for name in record:
            if name not in fields:
                raise UnknownName(f"There is no variable {name!r}.", nearest_name(name, fields))
        if state is None:
            state = self.initial_state(xs.shape[1], xs.dtype)
        for name, variable in zip(fields, state, strict=True):
            if tuple(variable.shape) != (xs.shape[1], self.n):
                raise ShapeMismatch(
                    f"{name} has shape {tuple(variable.shape)}, expected {(xs.shape[1], self.n)}.",
                    "Use a state of this cell with as many rows as the frames.",
                )
        length = xs.shape[0] if steps is None else steps
        found = run_population(
            self.kernel, self.kernel_parameters(), xs.detach(), state, length,
            [fields.index(name) for name in record],
        )  # fmt: skip
        spikes, after, traces = found
        return spikes, self.state_type(*after), dict(zip(record, traces, strict=True))

    def spike_times_ms(
        self, xs: Tensor, state: S | None = None, *, steps: int | None = None
    ) -> list[list[Tensor]]:
        """Spike times from the beginning of a run [ms], as exactly as the model knows them.

        Models whose state has ``time_since_spike`` compute the time within the step; that of the
        others is the end of the step.

        Args:
            xs: As for :meth:`fused_run`.
            state: State before the first step; at rest when left out.
            steps: With a single frame in ``xs``, hold it for so many steps.

        Returns:
            For each individual of the batch and each neuron its times, float64.

        >>> from neurallayers.dynamics.neurons import QuadraticIntegrateAndFire
        >>> cell = QuadraticIntegrateAndFire(1, dt_ms=0.5)
        >>> times = cell.spike_times_ms(torch.full((1, 1, 1), 200.0).double(), steps=100)
        >>> times[0][0]
        tensor([21.4361, 42.8722], dtype=torch.float64)
        """
        exact = "time_since_spike" in self.state_type._fields
        record = ("time_since_spike",) if exact else ()
        spikes, _, traces = self.fused_run(xs, state, steps=steps, record=record)
        ends = torch.arange(1, len(spikes) + 1, dtype=torch.float64) * self.dt_ms
        times = ends[:, None, None].expand(spikes.shape)
        if exact:
            times = times - traces["time_since_spike"]
        fired = spikes > 0.0
        return [
            [times[fired[:, row, neuron], row, neuron] for neuron in range(self.n)]
            for row in range(spikes.shape[1])
        ]

    def extra_repr(self) -> str:
        """Number of neurons and length of a step, as ``print`` shows them."""
        return f"{self.n}, dt_ms={self.dt_ms}, synaptic_input={self.synaptic_input!r}"


@functools.cache
def _compiler_installed() -> bool:
    try:
        import numba  # noqa: F401
    except ImportError:
        return False
    return True


def _in_precision(value: Value, dtype: torch.dtype) -> Value:
    return value.to(dtype) if isinstance(value, Tensor) else value


def count(name: str, value: int, what: str) -> int:
    """Refuse what is not a whole number above zero.

    Raises:
        InvalidInput: With the name, the value and what is counted.
    """
    if isinstance(value, bool) or int(value) != value or value < 1:
        raise InvalidInput(f"{name} is {value}.", f"It must be a whole number above zero ({what}).")
    return int(value)


def steep_peak(peak_mv: Value, threshold_mv: Value, slope_mv: Value) -> Value:
    """The potential at which the computation of an exponential upswing ends."""
    steepest: Value = minimum(peak_mv, threshold_mv + STEEPEST * slope_mv)
    return steepest


def whole_steps(duration_ms: Value, dt_ms: float) -> Value:
    """A duration as the nearest whole number of steps."""
    if isinstance(duration_ms, Tensor):
        return torch.round(duration_ms / dt_ms)
    return float(round(duration_ms / dt_ms))


def all_values(value: Value, holds: Callable[[Tensor], Tensor]) -> bool:
    """Whether something holds for a parameter of every neuron."""
    return bool(holds(torch.as_tensor(value, dtype=torch.float64)).all())


def positive_values(hint: str, **values: Value) -> None:
    """Refuse parameters that are not positive and finite for every neuron.

    Raises:
        InvalidInput: With the name, the value and a hint of what is usual.
    """
    for name, value in values.items():
        if not all_values(value, lambda v: (v > 0.0) & (v < math.inf)):
            raise InvalidInput(f"{name} is {value}.", f"It must be positive ({hint}).")


def not_negative_values(hint: str, **values: Value) -> None:
    """Refuse parameters that are negative or not finite.

    Raises:
        InvalidInput: With the name, the value and a hint of what is usual.
    """
    for name, value in values.items():
        if not all_values(value, lambda v: (v >= 0.0) & (v < math.inf)):
            raise InvalidInput(f"{name} is {value}.", f"It must be zero or positive ({hint}).")


def above(**pair: Value) -> None:
    """Refuse a pair of parameters whose first is not above the second for every neuron.

    Raises:
        InvalidInput: With both names and values.
    """
    (high, high_value), (low, low_value) = pair.items()
    difference = torch.as_tensor(high_value, dtype=torch.float64) - torch.as_tensor(low_value)
    if not bool((difference > 0.0).all()):
        raise InvalidInput(
            f"{high} is {high_value} and {low} {low_value}.", f"{high} must lie above {low}."
        )
