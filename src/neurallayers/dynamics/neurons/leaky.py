r"""Point neurons: leaky integrate-and-fire, its adaptive form, and the leaky integrator.

All obey the same membrane equation,

.. math:: \tau \, dv/dt = -v + x,

with the input :math:`x` and the potential :math:`v` in one unit, measured from rest. Between grid
points the input is constant, so that the step below is exact (no error from the integration; spikes
are placed on the grid):

.. math:: v \leftarrow \alpha v + (1 - \alpha) x, \qquad \alpha = e^{-\Delta t / \tau}.

Source: Gerstner, Kistler, Naud & Paninski (2014), Neuronal Dynamics, eq. 1.5 and 5.7; exact step:
Rotter & Diesmann (1999), Biol. Cybern. 81:381.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from neurallayers.dynamics import kernels
from neurallayers.dynamics.cell import CELLS, Cell, check_frames, initial_state_like, positive
from neurallayers.dynamics.surrogate import Surrogate, surrogate_by_name
from neurallayers.errors import InvalidInput

RESETS = ("subtract", "zero")


class LIFState(NamedTuple):
    """State of :class:`LIF`."""

    membrane_potential: Tensor  # [batch, *shape], in units of the input, 0 at rest


class AdaptiveLIFState(NamedTuple):
    """State of :class:`AdaptiveLIF`."""

    membrane_potential: Tensor  # [batch, *shape], in units of the input, 0 at rest
    adaptation: Tensor  # [batch, *shape], low-passed spikes, between 0 and 1


class LeakyIntegratorState(NamedTuple):
    """State of :class:`LeakyIntegrator`."""

    membrane_potential: Tensor  # [batch, *shape], in units of the input, 0 at rest


class TimeConstant(nn.Module):
    """A membrane time constant for each neuron, fixed or learned, and the decay of one step.

    It is stored as its logarithm, which keeps it positive whatever an optimiser does.

    Args:
        shape: Shape of the neurons.
        tau_ms: Time constant [ms]; one number for all or an array for each.
        dt_ms: Length of a step [ms].
        learn: Whether training may change it.
    """

    def __init__(
        self, shape: tuple[int, ...], tau_ms: float | Tensor, dt_ms: float, learn: bool
    ) -> None:
        super().__init__()
        tau = torch.as_tensor(tau_ms, dtype=torch.float32).broadcast_to(shape)
        if not bool(((tau > 0) & tau.isfinite()).all()):
            raise InvalidInput(
                f"tau_ms is {tau_ms}.", "A time constant must be positive (cortex: 10 to 30 ms)."
            )
        self.dt_ms = dt_ms
        log_tau = tau.log().clone()
        if learn:
            self.log_tau_ms = nn.Parameter(log_tau)
        else:
            self.register_buffer("log_tau_ms", log_tau)

    def forward(self) -> Tensor:
        """Decay of one step, exp(-dt / tau), with the shape of the neurons."""
        log_tau: Tensor = self.log_tau_ms
        return torch.exp(-self.dt_ms * torch.exp(-log_tau))

    @property
    def tau_ms(self) -> Tensor:
        """The time constants [ms]."""
        return self.log_tau_ms.detach().exp()


def neuron_shape(n: int | tuple[int, ...]) -> tuple[int, ...]:
    """Normalise a number of neurons or a shape of them.

    Raises:
        InvalidInput: If an axis is smaller than one.
    """
    shape = (n,) if isinstance(n, int) else tuple(int(axis) for axis in n)
    if not shape or min(shape) < 1:
        raise InvalidInput(f"n is {n}.", "A layer needs at least one neuron on each axis.")
    return shape


def spike_options(
    threshold: float, reset: str, surrogate: str | Surrogate, slope: float | None
) -> tuple[float, str, Surrogate]:
    """Check what all spiking cells are configured by."""
    if reset not in RESETS:
        raise InvalidInput(f"reset is {reset!r}.", f"Choose one of {', '.join(RESETS)}.")
    return positive("threshold", threshold, "usually 1"), reset, surrogate_by_name(surrogate, slope)


@CELLS.register("LIF")
class LIF(Cell[LIFState]):
    r"""Leaky integrate-and-fire neurons.

    .. math::
        v &\leftarrow \alpha v + (1 - \alpha) x \\
        s &= H(v - \vartheta) \\
        v &\leftarrow v - s \vartheta \quad\text{(reset "subtract")}, \qquad
        v \leftarrow v (1 - s) \quad\text{("zero")}

    Input and potential share one unit, of the caller's choice: with ``threshold=1`` the potential
    is counted in distances from rest to threshold; with ``threshold=15.0`` and an input of current
    times membrane resistance it is counted in mV.

    Args:
        n: Number of neurons, or their shape (such as height, width, channels).
        dt_ms: Length of a step [ms].
        tau_ms: Membrane time constant [ms], one for all or an array for each neuron.
        threshold: Potential at which a neuron fires, above rest.
        reset: ``"subtract"`` keeps what exceeded the threshold, ``"zero"`` returns to rest.
        surrogate: Name of the surrogate gradient, or one made by hand.
        slope: Its steepness; left out, its usual one.
        learn_tau: Whether the time constants are trained.
        reset_gradient: Whether gradients flow through the reset as well. Off by default, as
            Zenke & Vogels (2021), Neural Comput. 33:899, found it to hurt learning.

    Raises:
        InvalidInput: If an option is out of range.
        UnknownName: If there is no such surrogate.

    >>> cell = LIF(2, tau_ms=20.0)
    >>> spikes, state = cell.run(torch.full((50, 1, 2), 1.5))
    >>> spikes.sum().item()
    4.0
    """

    def __init__(
        self,
        n: int | tuple[int, ...],
        *,
        dt_ms: float = 1.0,
        tau_ms: float | Tensor = 20.0,
        threshold: float = 1.0,
        reset: str = "subtract",
        surrogate: str | Surrogate = "fast_sigmoid",
        slope: float | None = None,
        learn_tau: bool = False,
        reset_gradient: bool = False,
    ) -> None:
        super().__init__()
        self.in_shape = self.out_shape = neuron_shape(n)
        self.dt_ms = positive("dt_ms", dt_ms, "usually 0.1 to 1")
        self.threshold, self.reset, self.surrogate = spike_options(
            threshold, reset, surrogate, slope
        )
        self.reset_gradient = reset_gradient
        self.decay = TimeConstant(self.in_shape, tau_ms, self.dt_ms, learn_tau)

    def initial_state(self, batch: int = 1) -> LIFState:
        """All neurons at rest."""
        return LIFState(torch.zeros(batch, *self.in_shape))

    def forward(self, x: Tensor, state: LIFState) -> tuple[Tensor, LIFState]:
        """One step; see the class for the equations."""
        potential = integrate(self.decay(), state.membrane_potential, x)
        spikes = self.surrogate(potential - self.threshold)
        return spikes.to(x.dtype), LIFState(
            apply_reset(potential, spikes, self.threshold, self.reset, self.reset_gradient)
        )

    def run(
        self, xs: Tensor, state: LIFState | None = None, *, steps: int | None = None
    ) -> tuple[Tensor, LIFState]:
        """Many steps in one fused kernel."""
        check_frames(self, xs, steps)
        if not kernels.available(xs):
            return self.run_reference(xs, state, steps=steps)
        if state is None:
            state = initial_state_like(self, xs)
        spikes, potential = kernels.lif(
            xs, state.membrane_potential, self.decay(), self.options(), steps
        )
        return spikes, LIFState(potential)

    def options(self) -> kernels.SpikeOptions:
        """What a kernel needs to know besides tensors."""
        return kernels.SpikeOptions(
            threshold=self.threshold,
            zero_reset=self.reset == "zero",
            reset_gradient=self.reset_gradient,
            surrogate=self.surrogate,
        )


def integrate(decay: Tensor, potential: Tensor, x: Tensor) -> Tensor:
    """The potential one step later, in the wider dtype of potential and input.

    Under mixed precision the input is narrow (bfloat16) and the potential stays float32, as many
    small steps would be lost in eight bits of mantissa.
    """
    decay = decay.to(torch.promote_types(potential.dtype, x.dtype))
    return decay * potential + (1 - decay) * x


def apply_reset(
    potential: Tensor, spikes: Tensor, threshold: float, reset: str, reset_gradient: bool
) -> Tensor:
    """The potential after the neurons that fired were reset."""
    fired = spikes if reset_gradient else spikes.detach()
    if reset == "zero":
        return potential * (1 - fired)
    return potential - fired * threshold


@CELLS.register("AdaptiveLIF")
class AdaptiveLIF(Cell[AdaptiveLIFState]):
    r"""Leaky integrate-and-fire neurons whose threshold rises with each spike and relaxes.

    .. math::
        v &\leftarrow \alpha v + (1 - \alpha) x \\
        s &= H(v - \vartheta - \beta a) \\
        v &\leftarrow v - s \vartheta \quad\text{or}\quad v (1 - s) \\
        a &\leftarrow \rho a + (1 - \rho) s, \qquad \rho = e^{-\Delta t / \tau_a}

    Source: Bellec et al. (2018), Long short-term memory in networks of spiking neurons, NeurIPS,
    eq. 1 to 3.

    Args:
        n: Number of neurons, or their shape.
        dt_ms: Length of a step [ms].
        tau_ms: Membrane time constant [ms].
        tau_adaptation_ms: Time constant of the threshold [ms].
        adaptation_strength: How far the threshold rises at a sustained spike a step, in units of
            the threshold (beta above).
        threshold: Potential at which a rested neuron fires, above rest.
        reset: ``"subtract"`` or ``"zero"``.
        surrogate: Name of the surrogate gradient, or one made by hand.
        slope: Its steepness; left out, its usual one.
        learn_tau: Whether the membrane time constants are trained.
        reset_gradient: Whether gradients flow through the reset of the potential.

    Raises:
        InvalidInput: If an option is out of range.
        UnknownName: If there is no such surrogate.
    """

    def __init__(
        self,
        n: int | tuple[int, ...],
        *,
        dt_ms: float = 1.0,
        tau_ms: float | Tensor = 20.0,
        tau_adaptation_ms: float = 100.0,
        adaptation_strength: float = 1.8,
        threshold: float = 1.0,
        reset: str = "subtract",
        surrogate: str | Surrogate = "fast_sigmoid",
        slope: float | None = None,
        learn_tau: bool = False,
        reset_gradient: bool = False,
    ) -> None:
        super().__init__()
        self.in_shape = self.out_shape = neuron_shape(n)
        self.dt_ms = positive("dt_ms", dt_ms, "usually 0.1 to 1")
        self.threshold, self.reset, self.surrogate = spike_options(
            threshold, reset, surrogate, slope
        )
        self.reset_gradient = reset_gradient
        self.decay = TimeConstant(self.in_shape, tau_ms, self.dt_ms, learn_tau)
        self.adaptation_strength = float(adaptation_strength)
        if not 0 <= self.adaptation_strength < math.inf:
            raise InvalidInput(
                f"adaptation_strength is {adaptation_strength}.", "It must be zero or positive."
            )
        tau = positive("tau_adaptation_ms", tau_adaptation_ms, "cortex: 50 to 500 ms")
        self.adaptation_decay = math.exp(-self.dt_ms / tau)

    def initial_state(self, batch: int = 1) -> AdaptiveLIFState:
        """All neurons at rest and unadapted."""
        zeros = torch.zeros(batch, *self.in_shape)
        return AdaptiveLIFState(zeros, zeros.clone())

    def forward(self, x: Tensor, state: AdaptiveLIFState) -> tuple[Tensor, AdaptiveLIFState]:
        """One step; see the class for the equations."""
        potential = integrate(self.decay(), state.membrane_potential, x)
        rise = self.adaptation_strength * self.threshold
        spikes = self.surrogate(potential - (self.threshold + rise * state.adaptation))
        rho = self.adaptation_decay
        return spikes.to(x.dtype), AdaptiveLIFState(
            apply_reset(potential, spikes, self.threshold, self.reset, self.reset_gradient),
            rho * state.adaptation + (1 - rho) * spikes,
        )

    def run(
        self, xs: Tensor, state: AdaptiveLIFState | None = None, *, steps: int | None = None
    ) -> tuple[Tensor, AdaptiveLIFState]:
        """Many steps in one fused kernel."""
        check_frames(self, xs, steps)
        if not kernels.available(xs):
            return self.run_reference(xs, state, steps=steps)
        if state is None:
            state = initial_state_like(self, xs)
        spikes, potential, adaptation = kernels.adaptive_lif(
            xs, state.membrane_potential, state.adaptation, self.decay(), self.options(), steps
        )
        return spikes, AdaptiveLIFState(potential, adaptation)

    def options(self) -> kernels.SpikeOptions:
        """What a kernel needs to know besides tensors."""
        return kernels.SpikeOptions(
            threshold=self.threshold,
            zero_reset=self.reset == "zero",
            reset_gradient=self.reset_gradient,
            surrogate=self.surrogate,
            adaptation_rise=self.adaptation_strength * self.threshold,
            adaptation_decay=self.adaptation_decay,
        )


@CELLS.register("LeakyIntegrator")
class LeakyIntegrator(Cell[LeakyIntegratorState]):
    r"""Neurons without a threshold, whose output is their membrane potential: a read-out.

    .. math:: v \leftarrow \alpha v + (1 - \alpha) x

    Args:
        n: Number of neurons, or their shape.
        dt_ms: Length of a step [ms].
        tau_ms: Membrane time constant [ms].
        learn_tau: Whether the time constants are trained.

    Raises:
        InvalidInput: If an option is out of range.
    """

    def __init__(
        self,
        n: int | tuple[int, ...],
        *,
        dt_ms: float = 1.0,
        tau_ms: float | Tensor = 20.0,
        learn_tau: bool = False,
    ) -> None:
        super().__init__()
        self.in_shape = self.out_shape = neuron_shape(n)
        self.dt_ms = positive("dt_ms", dt_ms, "usually 0.1 to 1")
        self.decay = TimeConstant(self.in_shape, tau_ms, self.dt_ms, learn_tau)

    def initial_state(self, batch: int = 1) -> LeakyIntegratorState:
        """All neurons at rest."""
        return LeakyIntegratorState(torch.zeros(batch, *self.in_shape))

    def forward(
        self, x: Tensor, state: LeakyIntegratorState
    ) -> tuple[Tensor, LeakyIntegratorState]:
        """One step; see the class for the equation."""
        potential = integrate(self.decay(), state.membrane_potential, x)
        return potential.to(x.dtype), LeakyIntegratorState(potential)

    def run(
        self, xs: Tensor, state: LeakyIntegratorState | None = None, *, steps: int | None = None
    ) -> tuple[Tensor, LeakyIntegratorState]:
        """Many steps in one fused kernel."""
        check_frames(self, xs, steps)
        if not kernels.available(xs):
            return self.run_reference(xs, state, steps=steps)
        if state is None:
            state = initial_state_like(self, xs)
        potentials, potential = kernels.leaky_integrator(
            xs, state.membrane_potential, self.decay(), steps
        )
        return potentials, LeakyIntegratorState(potential)
