r"""Ion channels: each with its gates, its reversal potential, its Q10 and its source.

The current through a kind of channel is

.. math:: I = \bar g\, o(g, [Ca])\, (v - E),

positive outwards, with :math:`o` the open fraction, a product of powers of gates
:math:`\dot g = r(v)\,[g_\infty(v) - g]`. Rates grow by Q10 for each 10 degrees above the
temperature at which they were measured. Units: mV, ms, mS/cm2, uA/cm2, uM.

Channels are made by name from :data:`CHANNELS` and composed by
:class:`~neurallayers.dynamics.membrane.conductance.ConductanceCell`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from torch import Tensor

from neurallayers.dynamics.arithmetic import exp, linoid, sigmoid
from neurallayers.dynamics.membrane.squid_axon import squid_rates
from neurallayers.errors import InvalidInput
from neurallayers.registry import Registry

Kinetics = tuple[tuple[Any, Any], ...]
Value = float | Tensor


class IonChannel(ABC):
    """A kind of channel in a membrane.

    Args:
        conductance_ms_cm2: With all gates open [mS/cm2], one for all or one for each neuron.
        reversal_mv: Reversal potential [mV].
        q10: Factor of the rates for 10 degrees more.

    Attributes:
        gates: Names of the gates.
        measured_celsius: The temperature of the published rates.
        carries_calcium: Whether its current is one of calcium.
        needs_calcium: Whether it is opened by calcium inside the cell.
    """

    gates: ClassVar[tuple[str, ...]] = ()
    measured_celsius: ClassVar[float] = 36.0
    carries_calcium: ClassVar[bool] = False
    needs_calcium: ClassVar[bool] = False

    def __init__(self, conductance_ms_cm2: Value, reversal_mv: Value, q10: float = 3.0) -> None:
        name = type(self).__name__
        smallest = conductance_ms_cm2
        if isinstance(smallest, Tensor):
            smallest = smallest.min().item()
        if not 0 <= smallest < math.inf:
            raise InvalidInput(
                f"The conductance of {name} is {conductance_ms_cm2}.", "It is zero or positive."
            )
        if not 0 < q10 < math.inf:
            raise InvalidInput(f"q10 of {name} is {q10}.", "It must be positive (usually 2 to 5).")
        self.conductance_ms_cm2, self.reversal_mv, self.q10 = conductance_ms_cm2, reversal_mv, q10

    def rate_factors(self, temperature_celsius: float | None) -> tuple[float, ...]:
        """Factor of the rates of each gate at a temperature; None is that of the measurement."""
        if temperature_celsius is None:
            return (1.0,) * len(self.gates)
        tens = (temperature_celsius - self.measured_celsius) / 10.0
        return tuple(float(q10**tens) for q10 in self.q10_of_gates())

    def q10_of_gates(self) -> tuple[float, ...]:
        """Factor of the rates of each gate for 10 degrees more."""
        return (self.q10,) * len(self.gates)

    @abstractmethod
    def kinetics(self, v: Any) -> Kinetics:
        """Steady value and rate [1/ms] of each gate at a potential [mV]."""

    @abstractmethod
    def open_fraction(self, gates: tuple[Any, ...], calcium_um: Any = 0.0) -> Any:
        """The part of the channels that conducts, between 0 and 1."""

    def current(self, v: Any, gates: tuple[Any, ...], calcium_um: Any = 0.0) -> Any:
        """Current [uA/cm2], positive outwards."""
        open_conductance = self.conductance_ms_cm2 * self.open_fraction(gates, calcium_um)
        return open_conductance * (v - self.reversal_mv)


CHANNELS: Registry[IonChannel] = Registry("ion channel")


def _relaxation(opening: Any, closing: Any) -> tuple[Any, Any]:
    total = opening + closing
    return opening / total, total


@CHANNELS.register("Leak")
class Leak(IonChannel):
    """Channels that are always open. Source: Hodgkin & Huxley (1952), eq. 5, table 3."""

    def __init__(
        self, conductance_ms_cm2: Value = 0.3, reversal_mv: Value = -54.387, q10: float = 1.0
    ) -> None:
        super().__init__(conductance_ms_cm2, reversal_mv, q10)

    def kinetics(self, v: Any) -> Kinetics:
        """No gates."""
        return ()

    def open_fraction(self, gates: tuple[Any, ...], calcium_um: Any = 0.0) -> Any:
        """All."""
        return 1.0


@CHANNELS.register("SquidSodium")
class SquidSodium(IonChannel):
    """Fast sodium of the squid axon, m³h.

    Source: Hodgkin & Huxley (1952), J. Physiol. 117:500, eq. 14, 20, 21, 23, 24; 6.3 C.
    """

    gates = ("m", "h")
    measured_celsius = 6.3

    def __init__(
        self, conductance_ms_cm2: Value = 120.0, reversal_mv: Value = 50.0, q10: float = 3.0
    ) -> None:
        super().__init__(conductance_ms_cm2, reversal_mv, q10)

    def kinetics(self, v: Any) -> Kinetics:
        """Of m and h."""
        open_m, close_m, open_h, close_h, _, _ = squid_rates(v)
        return _relaxation(open_m, close_m), _relaxation(open_h, close_h)

    def open_fraction(self, gates: tuple[Any, ...], calcium_um: Any = 0.0) -> Any:
        """m³h."""
        m, h = gates
        return m * m * m * h


@CHANNELS.register("SquidPotassium")
class SquidPotassium(IonChannel):
    """Delayed rectifier of the squid axon, n⁴.

    Source: Hodgkin & Huxley (1952), J. Physiol. 117:500, eq. 6, 7, 12, 13; 6.3 C.
    """

    gates = ("n",)
    measured_celsius = 6.3

    def __init__(
        self, conductance_ms_cm2: Value = 36.0, reversal_mv: Value = -77.0, q10: float = 3.0
    ) -> None:
        super().__init__(conductance_ms_cm2, reversal_mv, q10)

    def kinetics(self, v: Any) -> Kinetics:
        """Of n."""
        *_, open_n, close_n = squid_rates(v)
        return (_relaxation(open_n, close_n),)

    def open_fraction(self, gates: tuple[Any, ...], calcium_um: Any = 0.0) -> Any:
        """n⁴."""
        (n,) = gates
        return (n * n) * (n * n)


@CHANNELS.register("CorticalSodium")
class CorticalSodium(IonChannel):
    """Fast sodium of cortical and thalamic cells, m³h.

    Source: Traub & Miles (1991), Neuronal networks of the hippocampus, in the form of Pospischil
    et al. (2008), Biol. Cybern. 99:427, section 2.2 (voltage-dependent sodium current).

    Args:
        conductance_ms_cm2: With all gates open [mS/cm2].
        reversal_mv: Reversal potential [mV].
        q10: Factor of the rates for 10 degrees more.
        threshold_mv: Moves the threshold of spikes (V_T of the paper) [mV].
    """

    gates = ("m", "h")

    def __init__(
        self,
        conductance_ms_cm2: Value = 50.0,
        reversal_mv: Value = 50.0,
        q10: float = 3.0,
        threshold_mv: float = -56.2,
    ) -> None:
        super().__init__(conductance_ms_cm2, reversal_mv, q10)
        self.threshold_mv = float(threshold_mv)

    def kinetics(self, v: Any) -> Kinetics:
        """Of m and h."""
        u = v - self.threshold_mv
        return (
            _relaxation(1.28 * linoid((u - 13.0) / 4.0), 1.4 * linoid((40.0 - u) / 5.0)),
            _relaxation(0.128 * exp((17.0 - u) / 18.0), 4.0 * sigmoid((u - 40.0) / 5.0)),
        )

    def open_fraction(self, gates: tuple[Any, ...], calcium_um: Any = 0.0) -> Any:
        """m³h."""
        m, h = gates
        return m * m * m * h


@CHANNELS.register("CorticalPotassium")
class CorticalPotassium(IonChannel):
    """Delayed rectifier of cortical and thalamic cells, n⁴.

    Source: Traub & Miles (1991) in the form of Pospischil et al. (2008), Biol. Cybern. 99:427,
    section 2.2 (delayed-rectifier potassium current).

    Args:
        conductance_ms_cm2: With all gates open [mS/cm2].
        reversal_mv: Reversal potential [mV].
        q10: Factor of the rates for 10 degrees more.
        threshold_mv: As for :class:`CorticalSodium` [mV].
    """

    gates = ("n",)

    def __init__(
        self,
        conductance_ms_cm2: Value = 5.0,
        reversal_mv: Value = -90.0,
        q10: float = 3.0,
        threshold_mv: float = -56.2,
    ) -> None:
        super().__init__(conductance_ms_cm2, reversal_mv, q10)
        self.threshold_mv = float(threshold_mv)

    def kinetics(self, v: Any) -> Kinetics:
        """Of n."""
        u = v - self.threshold_mv
        return (_relaxation(0.16 * linoid((u - 15.0) / 5.0), 0.5 * exp((10.0 - u) / 40.0)),)

    def open_fraction(self, gates: tuple[Any, ...], calcium_um: Any = 0.0) -> Any:
        """n⁴."""
        (n,) = gates
        return (n * n) * (n * n)


@CHANNELS.register("MCurrent")
class MCurrent(IonChannel):
    """Slow potassium that adapts firing (M-current), p.

    Source: Yamada, Koch & Adams (1989), in the form of Pospischil et al. (2008), Biol. Cybern.
    99:427, section 2.2 (slow potassium current), at 36 C.

    Args:
        conductance_ms_cm2: With all gates open [mS/cm2].
        reversal_mv: Reversal potential [mV].
        q10: Factor of the rates for 10 degrees more.
        tau_max_ms: Scale of the time constant, 4 s in regular spiking cells [ms].
    """

    gates = ("p",)

    def __init__(
        self,
        conductance_ms_cm2: Value = 0.07,
        reversal_mv: Value = -90.0,
        q10: float = 2.3,
        tau_max_ms: float = 4000.0,
    ) -> None:
        super().__init__(conductance_ms_cm2, reversal_mv, q10)
        if not 0 < tau_max_ms < math.inf:
            raise InvalidInput(f"tau_max_ms is {tau_max_ms}.", "It must be positive (about 1 s).")
        self.tau_max_ms = float(tau_max_ms)

    def kinetics(self, v: Any) -> Kinetics:
        """Of p."""
        rate = (3.3 * exp((v + 35.0) / 20.0) + exp((v + 35.0) / -20.0)) / self.tau_max_ms
        return ((sigmoid((v + 35.0) / 10.0), rate),)

    def open_fraction(self, gates: tuple[Any, ...], calcium_um: Any = 0.0) -> Any:
        """The gate itself."""
        return gates[0]


@CHANNELS.register("ATypePotassium")
class ATypePotassium(IonChannel):
    """Transient potassium (A-current), a³b: it delays the first spike.

    Source: Connor, Walter & McKown (1977), Biophys. J. 18:81, as in Dayan & Abbott (2001),
    Theoretical Neuroscience, eq. 6.1 and appendix A of chapter 6; 18 C.
    """

    gates = ("a", "b")
    measured_celsius = 18.0

    def __init__(
        self, conductance_ms_cm2: Value = 47.7, reversal_mv: Value = -75.0, q10: float = 3.0
    ) -> None:
        super().__init__(conductance_ms_cm2, reversal_mv, q10)

    def kinetics(self, v: Any) -> Kinetics:
        """Of a and b."""
        ratio = 0.0761 * exp(0.0314 * (v + 94.22)) / (1.0 + exp(0.0346 * (v + 1.17)))
        tau_a = 0.3632 + 1.158 * sigmoid(-0.0497 * (v + 55.96))
        root = sigmoid(-0.0688 * (v + 53.3))
        tau_b = 1.24 + 2.678 * sigmoid(-0.0624 * (v + 50.0))
        return (ratio ** (1.0 / 3.0), 1.0 / tau_a), ((root * root) * (root * root), 1.0 / tau_b)

    def open_fraction(self, gates: tuple[Any, ...], calcium_um: Any = 0.0) -> Any:
        """a³b."""
        a, b = gates
        return a * a * a * b


@CHANNELS.register("TTypeCalcium")
class TTypeCalcium(IonChannel):
    """Low-threshold calcium of thalamic reticular cells (T-type), m²h: rebound bursts.

    Source: Huguenard & Prince (1992), J. Neurosci. 12:3804, as in Destexhe, Bal, McCormick &
    Sejnowski (1996), J. Neurophysiol. 76:2049, reticular cell; measured at 24 C, Q10 5 for m and
    3 for h. ``q10`` is that of h; that of m is 5 / 3 of it.
    """

    gates = ("m", "h")
    measured_celsius = 24.0
    carries_calcium = True

    def __init__(
        self, conductance_ms_cm2: Value = 1.75, reversal_mv: Value = 120.0, q10: float = 3.0
    ) -> None:
        super().__init__(conductance_ms_cm2, reversal_mv, q10)

    def q10_of_gates(self) -> tuple[float, ...]:
        """Of m and h."""
        return self.q10 * 5.0 / 3.0, self.q10

    def kinetics(self, v: Any) -> Kinetics:
        """Of m and h at 24 C."""
        tau_m = 3.0 + 1.0 / (exp((v + 27.0) / 10.0) + exp((v + 102.0) / -15.0))
        tau_h = 85.0 + 1.0 / (exp((v + 48.0) / 4.0) + exp((v + 407.0) / -50.0))
        return (
            (sigmoid((v + 52.0) / 7.4), 1.0 / tau_m),
            (sigmoid((v + 80.0) / -5.0), 1.0 / tau_h),
        )

    def open_fraction(self, gates: tuple[Any, ...], calcium_um: Any = 0.0) -> Any:
        """m²h."""
        m, h = gates
        return m * m * h


@CHANNELS.register("LTypeCalcium")
class LTypeCalcium(IonChannel):
    """High-threshold calcium (L-type), q²r.

    Source: Reuveni, Friedman, Amitai & Gutnick (1993), J. Neurosci. 13:4609, in the form of
    Pospischil et al. (2008), Biol. Cybern. 99:427, section 2.2 (high-threshold calcium current).
    """

    gates = ("q", "r")
    carries_calcium = True

    def __init__(
        self, conductance_ms_cm2: Value = 0.1, reversal_mv: Value = 120.0, q10: float = 3.0
    ) -> None:
        super().__init__(conductance_ms_cm2, reversal_mv, q10)

    def kinetics(self, v: Any) -> Kinetics:
        """Of q and r."""
        return (
            _relaxation(0.209 * linoid((v + 27.0) / 3.8), 0.94 * exp((v + 75.0) / -17.0)),
            _relaxation(0.000457 * exp((v + 13.0) / -50.0), 0.0065 * sigmoid((v + 15.0) / 28.0)),
        )

    def open_fraction(self, gates: tuple[Any, ...], calcium_um: Any = 0.0) -> Any:
        """q²r."""
        q, r = gates
        return q * q * r


@CHANNELS.register("AHP")
class AfterHyperpolarisation(IonChannel):
    r"""Potassium opened by calcium, :math:`[Ca] / ([Ca] + K)`: it follows calcium at once.

    Source: Wang (1998), J. Neurophysiol. 79:1549, methods (I_AHP with K_D = 30 uM).

    Args:
        conductance_ms_cm2: With all channels open [mS/cm2].
        reversal_mv: Reversal potential [mV].
        q10: Not used: there is no gate.
        half_open_um: Calcium at which half the channels are open [uM].
    """

    needs_calcium = True

    def __init__(
        self,
        conductance_ms_cm2: Value = 5.0,
        reversal_mv: Value = -80.0,
        q10: float = 1.0,
        half_open_um: float = 30.0,
    ) -> None:
        super().__init__(conductance_ms_cm2, reversal_mv, q10)
        if not 0 < half_open_um < math.inf:
            raise InvalidInput(f"half_open_um is {half_open_um}.", "It must be positive (30 uM).")
        self.half_open_um = float(half_open_um)

    def kinetics(self, v: Any) -> Kinetics:
        """No gates."""
        return ()

    def open_fraction(self, gates: tuple[Any, ...], calcium_um: Any = 0.0) -> Any:
        """By the calcium that there is."""
        return calcium_um / (calcium_um + self.half_open_um)
