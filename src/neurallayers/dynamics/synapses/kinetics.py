r"""How a receptor answers a spike: one linear pair of variables, advanced without error.

A receptor of a neuron has two numbers, :math:`x` (what is about to act) and :math:`y` (what acts):

.. math:: \dot x = -a x, \qquad \dot y = -b y + c x,

and a spike of weight :math:`w` adds :math:`w j_x` to :math:`x` and :math:`w j_y` to :math:`y`. The
pair is linear, so that all synapses of one kind on a neuron share it, whatever their weights and
delays; and a step of any length is exact (:class:`LinearKinetics`).

=========================== ==================================== ===============================
kinetics                    answer to a spike of weight one      weight
=========================== ==================================== ===============================
:class:`Delta`              a charge at once                     charge [fC] or jump [mV]
:class:`Exponential`        exp(-t/tau)                          peak [pA or nS]
:class:`Alpha`              (t/tau) exp(1 - t/tau)               peak [pA or nS]
:class:`DoubleExponential`  difference of two, peak one          peak [pA or nS]
:class:`SecondMessenger`    :math:`y` is a concentration [uM],   release events (1 is one)
                            to be followed by a Hill function
=========================== ==================================== ===============================

Source: Rotter & Diesmann (1999), Exact digital simulation of time-invariant linear systems with
applications to neuronal modeling, Biol. Cybern. 81:381, section 3; Roth & van Rossum (2009),
Modeling synapses, in De Schutter (ed.), Computational Modeling Methods for Neuroscientists,
section 6.2.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from neurallayers.dynamics.cell import positive
from neurallayers.errors import InvalidInput
from neurallayers.registry import Registry

HINT = "synapses: 0.5 to 200 ms"


@dataclass(frozen=True)
class LinearKinetics:
    """The numbers of one step of a linear pair; what a compiled loop reads.

    The order within the step from t to t + dt, with ``w`` the sum of the weights that arrive at t:

    >>> def step(k, x, y, w):
    ...     x, y = x + k.jump_x * w, y + k.jump_y * w            # 1. arrivals act
    ...     output = k.output_x * x + k.output_y * y             # 2. the neuron gets it, t to t+dt
    ...     return k.decay_x * x, k.decay_y * y + k.coupling * x, output  # 3. x before its decay
    >>> [round(value, 6) for value in step(Exponential(5.0).coefficients(0.1), 0.0, 0.0, 2.0)]
    [0.0, 1.960397, 1.980133]

    Attributes:
        decay_x: Factor of x over a step.
        decay_y: Factor of y over a step.
        coupling: What y gains in a step from one unit of x at its start.
        jump_x: What a spike of weight one adds to x.
        jump_y: What a spike of weight one adds to y.
        output_x: What one unit of x at the start adds to the output of the step.
        output_y: What one unit of y at the start adds to the output of the step.
    """

    decay_x: float
    decay_y: float
    coupling: float
    jump_x: float
    jump_y: float
    output_x: float
    output_y: float


class Pair(NamedTuple):
    """The pair of differential equations of a receptor; numbers or tensors without axes."""

    rise_rate: Any  # a [1/ms]
    decay_rate: Any  # b [1/ms]
    coupling_rate: Any  # c [1/ms, and the unit of y over that of x]
    jump_x: Any
    jump_y: Any


class Coefficients(NamedTuple):
    """:class:`LinearKinetics` with tensors in place of numbers, for time constants that learn."""

    decay_x: Tensor
    decay_y: Tensor
    coupling: Tensor
    jump_x: Tensor
    jump_y: Tensor
    output_x: Tensor
    output_y: Tensor


def exponential_of(rows: tuple[Tensor, ...]) -> Tensor:
    """The exponential of a small matrix of plain numbers.

    A Taylor series of the matrix, halved until it is small, and then squared as often; the error is
    some units in the last place. Nine numbers do not need the library behind
    ``torch.linalg.matrix_exp``, which takes 11 MB of memory.

    Source: Moler & Van Loan (2003), SIAM Rev. 45:3, methods 1 and 3.
    """
    matrix = [[float(entry) for entry in row] for row in rows]
    size = range(len(matrix))

    def product(a: list[list[float]], b: list[list[float]]) -> list[list[float]]:
        return [[math.fsum(a[i][k] * b[k][j] for k in size) for j in size] for i in size]

    largest = max(sum(abs(entry) for entry in row) for row in matrix)
    halvings = max(0, math.ceil(math.log2(largest)) + 1) if largest > 0.0 else 0
    small = [[math.ldexp(entry, -halvings) for entry in row] for row in matrix]
    total = [[float(i == j) for j in size] for i in size]
    # Horner's scheme; the 18th term of a matrix of norm 1/2 is below 1e-21.
    for term in range(18, 0, -1):
        total = product(small, total)
        total = [[total[i][j] / term + (i == j) for j in size] for i in size]
    for _ in range(halvings):
        total = product(total, total)
    return torch.tensor(total, dtype=torch.float64)


def exact_step(pair: Pair, dt_ms: float, tau_membrane_ms: float | None) -> Coefficients:
    r"""The exact step of a pair, differentiable with respect to its rates.

    With :math:`\dot q = -q/\tau_m + y` as a third equation the matrix exponential of all three over
    a step holds every number that is needed: :math:`x` and :math:`y` after it, and the answer of a
    membrane to the step. The output is the constant current with the same answer,

    .. math:: \bar y = \frac{q(\Delta t)}{\tau_m (1 - e^{-\Delta t/\tau_m})},

    which for :math:`\tau_m \to \infty` is the mean of :math:`y` over the step.

    Source: Rotter & Diesmann (1999), section 3; integrals by a matrix exponential: Van Loan (1978),
    IEEE Trans. Autom. Control 23:395, theorem 1.
    """
    # In double precision always: the third equation's entries are small differences.
    given = next((value for value in pair if isinstance(value, Tensor)), None)
    like = torch.zeros((), dtype=torch.float64) if given is None else given.double()
    a, b, c, jump_x, jump_y = (
        torch.as_tensor(value, dtype=like.dtype, device=like.device) + 0 * like for value in pair
    )
    zero, one = torch.zeros_like(like), torch.ones_like(like)
    leak = 0.0 if tau_membrane_ms is None else dt_ms / tau_membrane_ms
    rows = (
        torch.stack([-a * dt_ms, zero, zero]),
        torch.stack([one, -b * dt_ms, zero]),
        torch.stack([zero, one, -leak * one]),
    )
    step = torch.linalg.matrix_exp(torch.stack(rows)) if given is not None else exponential_of(rows)
    kept = 1.0 if leak == 0.0 else -math.expm1(-leak) / leak
    gain = c * dt_ms
    return Coefficients(
        decay_x=step[0, 0],
        decay_y=step[1, 1],
        coupling=gain * step[1, 0],
        jump_x=jump_x,
        jump_y=jump_y,
        output_x=gain * step[2, 0] / kept,
        output_y=step[2, 1] / kept,
    )


KINETICS: Registry[Kinetics] = Registry("synaptic kinetics")


@dataclass(frozen=True)
class Kinetics(ABC):
    """How a receptor answers a spike; a value that can be written as JSON.

    >>> kinetics_from(Alpha(tau_ms=2.0).to_dict()) == Alpha(tau_ms=2.0)
    True
    """

    kind: ClassVar[str]

    def __post_init__(self) -> None:
        for field in fields(self):
            positive(field.name, getattr(self, field.name), HINT)

    @abstractmethod
    def pair(self, **learned: Any) -> Pair:
        """The pair of equations; ``learned`` are fields that are tensors instead of numbers."""

    def coefficients(self, dt_ms: float, tau_membrane_ms: float | None = None) -> LinearKinetics:
        """The numbers of a step of ``dt_ms``.

        Args:
            dt_ms: Length of the step [ms].
            tau_membrane_ms: Time constant of a leaky integrate-and-fire neuron that takes the
                output as a current: its step is then exact. Without it the output is the mean over
                the step, which is right for conductances and for other neurons (a second-order
                error where freezing the value at the start makes a first-order one).

        Raises:
            InvalidInput: If a time is not positive.
        """
        dt_ms = positive("dt_ms", dt_ms, "usually 0.1 to 1")
        if tau_membrane_ms is not None:
            positive("tau_membrane_ms", tau_membrane_ms, "usually 10 to 30 ms")
        numbers = exact_step(self.pair(), dt_ms, tau_membrane_ms)
        return LinearKinetics(*(float(number) for number in numbers))

    @property
    def area_ms(self) -> float:
        """Integral of the answer to a spike of weight one over all time."""
        a, b, c, jump_x, jump_y = self.pair()
        # y' = -b y + c x integrated from zero to infinity, where both have gone.
        return float((jump_y + (c * jump_x / a if jump_x else 0.0)) / b)

    @property
    def peak_ms(self) -> float:
        """When the answer to a spike is largest [ms]."""
        pair = self.pair()
        if not pair.jump_x:
            return 0.0
        return float(relative_peak(pair.rise_rate / pair.decay_rate) / pair.decay_rate)

    def to_dict(self) -> dict[str, Any]:
        """Name and numbers, as :func:`kinetics_from` reads them."""
        return {"kind": self.kind, **asdict(self)}


def kinetics_from(description: Mapping[str, Any]) -> Kinetics:
    """Kinetics from their JSON.

    Raises:
        UnknownName: If there are no kinetics of that kind.
        InvalidInput: If a field is missing, unknown or out of range.
    """
    options = dict(description)
    maker = KINETICS.get(str(options.pop("kind", None)))
    try:
        return maker(**options)
    except TypeError as error:
        known = ", ".join(field.name for field in fields(maker))  # type: ignore[arg-type]
        raise InvalidInput(f"{dict(description)}: {error}.", f"It takes: {known}.") from None


def relative_peak(ratio: Any) -> Any:
    r"""Time of the peak in decay times, :math:`\ln(\rho)/(\rho - 1)`, with its limit 1 at 1.

    Near one it is the series of ln(1 + z)/z to the ninth order, whose error below 0.01 is 1e-19.
    """
    if not isinstance(ratio, Tensor):
        return float(relative_peak(torch.tensor(ratio, dtype=torch.float64)))
    z = ratio - 1.0
    small = z.abs() < 0.01
    safe = torch.where(small, torch.ones_like(z), z)
    series = torch.zeros_like(z)
    for order in range(9, -1, -1):
        series = series * -z + 1.0 / (order + 1)
    return torch.where(small, series, torch.log1p(safe) / safe)


def cascade(tau_rise_ms: Any, tau_decay_ms: Any) -> Pair:
    r"""The pair whose answer to a spike rises and decays with these times and has the peak one.

    With :math:`c = b` the answer to :math:`j_x` peaks where :math:`y = x`, thus at
    :math:`j_x e^{-a t_p}`; so :math:`j_x = e^{a t_p}` and nothing cancels for equal times.
    """
    a, b = 1.0 / tau_rise_ms, 1.0 / tau_decay_ms
    exponent = (a / b) * relative_peak(a / b)
    jump = torch.exp(exponent) if isinstance(exponent, Tensor) else math.exp(exponent)
    return Pair(a, b, b, jump, 0.0)


@KINETICS.register("Delta")
@dataclass(frozen=True)
class Delta(Kinetics):
    """A charge that arrives at once: the potential jumps by charge over capacitance.

    In a step it acts as a constant current of the same charge; with the membrane time constant
    given, as the current that leaves the potential where the jump and its decay over the rest of
    the step would leave it.

    Args:
        capacitance_pf: With the neuron's capacitance [pF] the weight is a jump of the potential
            [mV]; with 1 it is a charge [fC] (1 pA for 1 ms).
        at_end: The jump comes at the end of the step that gets the spike instead of at its start,
            and the threshold sees it undiminished. A network with such synapses and delays that
            are one step shorter does what NEST does (iaf_psc_delta); with jumps at the start it
            does what Brian2 does (``on_pre="v += w"``, seen by the threshold a step later).

    >>> Delta().coefficients(0.5).output_y  # 1 fC in 0.5 ms is 2 pA
    2.0
    """

    capacitance_pf: float = 1.0
    at_end: bool = False
    kind: ClassVar[str] = "Delta"

    def __post_init__(self) -> None:
        positive("capacitance_pf", self.capacitance_pf, "neurons: 50 to 500 pF")

    def pair(self, **learned: Any) -> Pair:
        """Nothing stays, thus there is no pair of rates: the answer is not a function of time."""
        raise InvalidInput(
            "Delta has no time course.", "Use its coefficients for a step, or another kinetics."
        )

    def coefficients(self, dt_ms: float, tau_membrane_ms: float | None = None) -> LinearKinetics:
        """The numbers of a step; see :meth:`Kinetics.coefficients`."""
        dt_ms = positive("dt_ms", dt_ms, "usually 0.1 to 1")
        output = 1.0 / dt_ms
        if tau_membrane_ms is not None:
            tau = positive("tau_membrane_ms", tau_membrane_ms, "usually 10 to 30 ms")
            leak = dt_ms / tau
            output = 1.0 / (tau * (-math.expm1(-leak) if self.at_end else math.expm1(leak)))
        return LinearKinetics(0.0, 0.0, 0.0, 0.0, self.capacitance_pf, 0.0, output)

    @property
    def area_ms(self) -> float:
        """The charge of a spike of weight one [fC]."""
        return self.capacitance_pf

    @property
    def peak_ms(self) -> float:
        """At once."""
        return 0.0


@KINETICS.register("Exponential")
@dataclass(frozen=True)
class Exponential(Kinetics):
    """A jump to the peak, then an exponential decay.

    Args:
        tau_ms: Time constant of the decay [ms].
    """

    tau_ms: float
    kind: ClassVar[str] = "Exponential"

    def pair(self, **learned: Any) -> Pair:
        """Only y."""
        tau_ms = learned.get("tau_ms", self.tau_ms)
        return Pair(0.0, 1.0 / tau_ms, 0.0, 0.0, 1.0)

    def coefficients(self, dt_ms: float, tau_membrane_ms: float | None = None) -> LinearKinetics:
        """The numbers of a step; x is not used and stays zero."""
        numbers = super().coefficients(dt_ms, tau_membrane_ms)
        return LinearKinetics(0.0, numbers.decay_y, 0.0, 0.0, 1.0, 0.0, numbers.output_y)


@KINETICS.register("Alpha")
@dataclass(frozen=True)
class Alpha(Kinetics):
    """The alpha function, (t/tau) exp(1 - t/tau), with its peak one at tau.

    Source: Rall (1967), J. Neurophysiol. 30:1138.

    Args:
        tau_ms: Time of the peak [ms].
    """

    tau_ms: float
    kind: ClassVar[str] = "Alpha"

    def pair(self, **learned: Any) -> Pair:
        """Rise and decay with the same time constant."""
        tau_ms = learned.get("tau_ms", self.tau_ms)
        return Pair(1.0 / tau_ms, 1.0 / tau_ms, 1.0 / tau_ms, math.e, 0.0)


@KINETICS.register("DoubleExponential")
@dataclass(frozen=True)
class DoubleExponential(Kinetics):
    """The difference of two exponentials, exp(-t/decay) - exp(-t/rise), scaled to the peak one.

    Equal times give the alpha function, their limit.

    Args:
        tau_rise_ms: Time constant of the rise [ms].
        tau_decay_ms: Time constant of the decay [ms].

    Raises:
        InvalidInput: If the rise is slower than the decay.
    """

    tau_rise_ms: float
    tau_decay_ms: float
    kind: ClassVar[str] = "DoubleExponential"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.tau_rise_ms > self.tau_decay_ms:
            raise InvalidInput(
                f"tau_rise_ms is {self.tau_rise_ms}, tau_decay_ms {self.tau_decay_ms}.",
                "The rise is the faster one: exchange them.",
            )

    def pair(self, **learned: Any) -> Pair:
        """What has risen decays."""
        return cascade(
            learned.get("tau_rise_ms", self.tau_rise_ms),
            learned.get("tau_decay_ms", self.tau_decay_ms),
        )


@KINETICS.register("SecondMessenger")
@dataclass(frozen=True)
class SecondMessenger(Kinetics):
    r"""A receptor that makes a messenger: transmitter binds, the bound receptor makes G protein.

    .. math::
        \dot r = K_1 [T] (1 - r) - K_2 r, \qquad \dot s = K_3 r - K_4 s

    The transmitter :math:`[T]` is a pulse that is short against :math:`1/K_2`; each activates the
    part :math:`1 - e^{-K_1 [T] D}` of the receptors. Here :math:`x = r` and :math:`y = s` [uM], and
    few receptors are active (:math:`r \ll 1`), so that pulses add up; the dense cell can keep the
    factor :math:`1 - r` (``Receptor(saturates=True)``).

    Source: Destexhe & Sejnowski (1995), PNAS 92:9515; the reduced scheme: Destexhe, Bal, McCormick
    & Sejnowski (1996), J. Neurophysiol. 76:2049, and Destexhe, Mainen & Sejnowski (1998), Kinetic
    models of synaptic transmission, in Koch & Segev (eds.), Methods in Neuronal Modeling. Rates and
    pulse are those of the authors' program for NEURON (gabab.mod, fitted to responses of rat
    hippocampus recorded by Otis, De Koninck & Mody (1993), J. Physiol. 463:391).

    Args:
        binding_per_mm_ms: Rate of binding K1 [1/(mM ms)].
        unbinding_per_ms: Rate of unbinding K2 [1/ms].
        production_um_per_ms: G protein made K3 [uM/ms].
        removal_per_ms: Rate of its removal K4 [1/ms].
        transmitter_mm: Transmitter in the cleft during a pulse [mM].
        pulse_ms: Length of a pulse [ms].
    """

    binding_per_mm_ms: float = 0.52
    unbinding_per_ms: float = 0.0013
    production_um_per_ms: float = 0.098
    removal_per_ms: float = 0.033
    transmitter_mm: float = 0.5
    pulse_ms: float = 0.3
    kind: ClassVar[str] = "SecondMessenger"

    def pair(self, **learned: Any) -> Pair:
        """Bound receptors and G protein."""
        bound = -math.expm1(-self.binding_per_mm_ms * self.transmitter_mm * self.pulse_ms)
        return Pair(
            self.unbinding_per_ms, self.removal_per_ms, self.production_um_per_ms, bound, 0.0
        )
