r"""A hierarchy of time scales in the cortex of the macaque: 29 areas joined by measured pathways.

Each area i has an excitatory and an inhibitory population with threshold-linear responses,

.. math::
    \tau_E \dot\nu_E &= -\nu_E + \beta_E \Big[ (1 + \eta h_i) \big( w_{EE} \nu_E
        + \mu_{EE} {\textstyle\sum_j} F_{ij} \nu_E^j \big) - w_{EI} \nu_I + I_E \Big]_+ \\
    \tau_I \dot\nu_I &= -\nu_I + \beta_I \Big[ (1 + \eta h_i) \big( w_{IE} \nu_E
        + \mu_{IE} {\textstyle\sum_j} F_{ij} \nu_E^j \big) - w_{II} \nu_I + I_I \Big]_+

with the fraction of labelled neurons :math:`F_{ij}` (target i, source j) and the place in the
hierarchy :math:`h_i`, from 0 to 1. Areas differ in nothing but h and their pathways; that is enough
for V1 to follow its input within tens of milliseconds and for frontal areas to keep it for long.

Source: Chaudhuri, Knoblauch, Gariel, Kennedy & Wang (2015), Neuron 88:419, eq. 1 to 4 of the
Experimental Procedures, with their numbers as they also stand in the authors' laboratory's program.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from neurallayers.dynamics.cell import Cell, positive
from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName
from neurallayers.registry import nearest_name

TAU_EXCITATORY_MS, TAU_INHIBITORY_MS = 20.0, 10.0
GAIN_EXCITATORY_HZ_PER_PA, GAIN_INHIBITORY_HZ_PER_PA = 0.066, 0.351
# Local weights and those between areas [pA/Hz].
W_EE, W_IE, W_EI, W_II = 24.3, 12.2, 19.7, 12.5
MU_EE, MU_IE = 33.7, 25.3
HIERARCHY_GAIN = 0.68
RESTING_EXCITATORY_HZ, RESTING_INHIBITORY_HZ = 10.0, 35.0


class MacaqueCortexState(NamedTuple):
    """State of :class:`MacaqueCortex`."""

    excitatory_rate: Tensor  # [batch, areas], Hz
    inhibitory_rate: Tensor  # [batch, areas], Hz


class MacaqueCortex(Cell[MacaqueCortexState]):
    """The rate model; see the module. In: current into excitatory cells [pA]; out: their rate [Hz].

    Background currents are those that hold every area at 10 Hz (excitatory) and 35 Hz (inhibitory).

    Error: fourth order in dt (classical Runge-Kutta), for input that is constant over a step.

    Args:
        areas: Names.
        fraction_of_labelled_neurons: FLN, ``[target, source]``.
        hierarchy: Place of each area in the hierarchy, from 0; divided by the largest.
        dt_ms: Length of a step [ms].
        hierarchy_gain: How much stronger excitation is at the top, eta; 0 makes all areas alike.

    Raises:
        ShapeMismatch: If names, matrix and hierarchy do not fit.
        InvalidInput: If a number is negative or not finite, or areas cannot rest.

    >>> fln = np.array([[0.0, 0.2], [0.5, 0.0]])
    >>> cortex = MacaqueCortex(["low", "high"], fln, [0.0, 1.0])
    >>> low, high = cortex.time_constants_ms()
    >>> bool(low < high)
    True
    """

    labelled: Tensor
    gradient: Tensor
    background_excitatory_pa: Tensor
    background_inhibitory_pa: Tensor

    def __init__(
        self,
        areas: Sequence[str],
        fraction_of_labelled_neurons: ArrayLike,
        hierarchy: ArrayLike,
        *,
        dt_ms: float = 0.2,
        hierarchy_gain: float = HIERARCHY_GAIN,
    ) -> None:
        super().__init__()
        self.areas = tuple(areas)
        n = len(self.areas)
        labelled = np.asarray(fraction_of_labelled_neurons, dtype=np.float64)
        places = np.asarray(hierarchy, dtype=np.float64)
        if labelled.shape != (n, n) or places.shape != (n,):
            raise ShapeMismatch(
                f"{n} areas, a matrix of shape {labelled.shape} and a hierarchy of {places.shape}.",
                f"Give a matrix ({n}, {n}) and {n} places.",
            )
        if not (np.isfinite(labelled) & (labelled >= 0.0)).all() or labelled.diagonal().any():
            raise InvalidInput(
                "A fraction of labelled neurons is negative, not finite, or of an area itself.",
                "Give fractions from 0 to 1 with zeros on the diagonal.",
            )
        if not np.isfinite(places).all() or places.min() < 0.0 or places.max() <= 0.0:
            raise InvalidInput(
                f"hierarchy reaches from {places.min()} to {places.max()}.",
                "Places begin at 0, and the highest is above.",
            )
        if not 0.0 <= hierarchy_gain < float("inf"):
            raise InvalidInput(f"hierarchy_gain is {hierarchy_gain}.", "It must be zero or more.")
        self.in_shape = self.out_shape = (n,)
        self.dt_ms = positive("dt_ms", dt_ms, "0.1 to 1")
        gradient = 1.0 + hierarchy_gain * places / places.max()
        # What keeps every area at its rest: the input that its rate needs, less what it gets.
        resting_e = np.full(n, RESTING_EXCITATORY_HZ)
        resting_i = np.full(n, RESTING_INHIBITORY_HZ)
        far = labelled @ resting_e
        need_e = resting_e / GAIN_EXCITATORY_HZ_PER_PA
        need_i = resting_i / GAIN_INHIBITORY_HZ_PER_PA
        background_e = need_e - gradient * (W_EE * resting_e + MU_EE * far) + W_EI * resting_i
        background_i = need_i - gradient * (W_IE * resting_e + MU_IE * far) + W_II * resting_i
        for name, values in (
            ("labelled", labelled),
            ("gradient", gradient),
            ("background_excitatory_pa", background_e),
            ("background_inhibitory_pa", background_i),
        ):
            self.register_buffer(name, torch.from_numpy(values))

    def initial_state(self, batch: int = 1) -> MacaqueCortexState:
        """Every area at rest."""
        shape = (batch, *self.in_shape)
        return MacaqueCortexState(
            torch.full(shape, RESTING_EXCITATORY_HZ), torch.full(shape, RESTING_INHIBITORY_HZ)
        )

    def forward(self, x: Tensor, state: MacaqueCortexState) -> tuple[Tensor, MacaqueCortexState]:
        """One step."""
        h = self.dt_ms
        begin = (state.excitatory_rate, state.inhibitory_rate)
        first = self._slopes(x, *begin)
        second = self._slopes(x, *(v + 0.5 * h * k for v, k in zip(begin, first, strict=True)))
        third = self._slopes(x, *(v + 0.5 * h * k for v, k in zip(begin, second, strict=True)))
        fourth = self._slopes(x, *(v + h * k for v, k in zip(begin, third, strict=True)))
        after = MacaqueCortexState(
            *(
                v + h / 6.0 * (a + 2.0 * b + 2.0 * c + d)
                for v, a, b, c, d in zip(begin, first, second, third, fourth, strict=True)
            )
        )
        return after.excitatory_rate, after

    def _slopes(self, x: Tensor, excitatory: Tensor, inhibitory: Tensor) -> tuple[Tensor, Tensor]:
        """Changes of the rates [Hz/ms]."""
        matrix, gradient, background_e, background_i = (
            tensor.to(excitatory)
            for tensor in (
                self.labelled,
                self.gradient,
                self.background_excitatory_pa,
                self.background_inhibitory_pa,
            )
        )
        # A sum over sources, row by row, so that rows of a batch never meet.
        far = (excitatory.unsqueeze(-2) * matrix).sum(-1)
        to_e = gradient * (W_EE * excitatory + MU_EE * far) - W_EI * inhibitory + background_e + x
        to_i = gradient * (W_IE * excitatory + MU_IE * far) - W_II * inhibitory + background_i
        steady_e = GAIN_EXCITATORY_HZ_PER_PA * torch.relu(to_e)
        steady_i = GAIN_INHIBITORY_HZ_PER_PA * torch.relu(to_i)
        return (
            (steady_e - excitatory) / TAU_EXCITATORY_MS,
            (steady_i - inhibitory) / TAU_INHIBITORY_MS,
        )

    def area(self, name: str) -> int:
        """The place of an area in inputs and outputs.

        Raises:
            UnknownName: If there is none of that name.
        """
        if name not in self.areas:
            raise UnknownName(f"There is no area {name!r}.", nearest_name(name, list(self.areas)))
        return self.areas.index(name)

    def jacobian(self) -> NDArray[np.float64]:
        """The linear dynamics above threshold [1/ms]: excitatory rates, then inhibitory ones."""
        n = len(self.areas)
        labelled, gradient = self.labelled.numpy(), self.gradient.numpy()
        one = np.eye(n)
        strong = gradient[:, None]
        b_e, b_i = GAIN_EXCITATORY_HZ_PER_PA, GAIN_INHIBITORY_HZ_PER_PA
        ee = b_e * strong * (W_EE * one + MU_EE * labelled) - one
        ie = b_i * strong * (W_IE * one + MU_IE * labelled)
        return np.block(
            [
                [ee / TAU_EXCITATORY_MS, -b_e * W_EI * one / TAU_EXCITATORY_MS],
                [ie / TAU_INHIBITORY_MS, -(b_i * W_II + 1.0) * one / TAU_INHIBITORY_MS],
            ]
        )

    def time_constants_ms(self, noise_into: Sequence[str] | None = None) -> NDArray[np.float64]:
        r"""How long the fluctuations of each area's excitatory rate last [ms].

        White noise reaches excitatory cells; the stationary covariance solves :math:`A S + S A^T
        + B B^T = 0`, and the time constant is the integral of the normalised autocorrelation,
        :math:`(-A^{-1} S)_{ii} / S_{ii}`: that of an exponential decay, and for several decays
        their mean, weighted by their parts. Closed form, no simulation.

        Args:
            noise_into: Names of the areas that get noise; left out, all.

        Raises:
            UnknownName: If there is no such area.
            InvalidInput: If the areas do not return to rest.
        """
        from scipy.linalg import solve_continuous_lyapunov

        matrix, n = self.jacobian(), len(self.areas)
        slowest = float(np.linalg.eigvals(matrix).real.max())
        if slowest >= 0.0:
            raise InvalidInput(
                f"A mode of the areas grows by {slowest:.3g} per ms.",
                "Weaken the pathways or the hierarchy_gain.",
            )
        noise = np.zeros(2 * n)
        noise[[self.area(name) for name in noise_into or self.areas]] = 1.0
        covariance: Any = solve_continuous_lyapunov(matrix, -np.diag(noise))
        lasting = np.linalg.solve(matrix, covariance)
        found: NDArray[np.float64] = -np.diag(lasting)[:n] / np.diag(covariance)[:n]
        return found
