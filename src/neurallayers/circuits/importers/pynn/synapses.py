"""PyNN's synapse types: static, short-term plastic, spike-timing dependent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from neurallayers.dynamics.plasticity.rule import Rule
from neurallayers.dynamics.plasticity.spike_timing import PairSTDP
from neurallayers.dynamics.synapses.short_term import TsodyksMarkram
from neurallayers.errors import InvalidInput


@dataclass(frozen=True, eq=False)
class StaticSynapse:
    """A synapse that stays as it is.

    Args:
        weight: Number, array, matrix or RandomDistribution, in the unit of the receivers.
        delay: The same [ms]; left out, the shortest delay.
    """

    weight: Any = 0.0
    delay: Any = None

    def rule(self, weight_factor: float) -> Rule | None:
        """How weights change; ``weight_factor`` brings PyNN's weights into our unit."""
        return None

    def short_term(self) -> TsodyksMarkram | None:
        """How release changes."""
        return None


@dataclass(frozen=True, eq=False)
class TsodyksMarkramSynapse(StaticSynapse):
    """Depression and facilitation; see :mod:`neurallayers.dynamics.synapses.short_term`.

    Args:
        weight: As above.
        delay: As above.
        U: Use at a spike.
        tau_rec: Recovery [ms].
        tau_facil: Facilitation [ms].
    """

    U: float = 0.5
    tau_rec: float = 100.0
    tau_facil: float = 0.0

    def short_term(self) -> TsodyksMarkram:
        """The same numbers."""
        return TsodyksMarkram(
            utilization=float(self.U),
            tau_recovery_ms=float(self.tau_rec),
            tau_facilitation_ms=float(self.tau_facil),
        )


@dataclass(frozen=True)
class SpikePairRule:
    """Which pairs of spikes change a weight: all, by exponentials of their distance.

    Args:
        tau_plus: Time constant of potentiation [ms].
        tau_minus: Time constant of depression [ms].
        A_plus: Potentiation, as a part of what the weight dependence allows.
        A_minus: Depression.
    """

    tau_plus: float = 20.0
    tau_minus: float = 20.0
    A_plus: float = 0.01
    A_minus: float = 0.01


@dataclass(frozen=True)
class WeightDependence:
    """How much a weight changes for a pair, by what it is.

    Args:
        w_min: Smallest weight.
        w_max: Largest weight.
    """

    w_min: float = 0.0
    w_max: float = 1.0

    @property
    def exponents(self) -> tuple[float, float]:
        """Of the distance to the largest and from the smallest weight."""
        return 0.0, 0.0


@dataclass(frozen=True)
class AdditiveWeightDependence(WeightDependence):
    """By ``A w_max``, whatever the weight."""


@dataclass(frozen=True)
class MultiplicativeWeightDependence(WeightDependence):
    """By ``A_plus (w_max - w)`` and ``A_minus (w - w_min)``."""

    @property
    def exponents(self) -> tuple[float, float]:
        """Both in proportion."""
        return 1.0, 1.0


@dataclass(frozen=True)
class AdditivePotentiationMultiplicativeDepression(WeightDependence):
    """By ``A_plus w_max`` and ``A_minus (w - w_min)``."""

    @property
    def exponents(self) -> tuple[float, float]:
        """Depression in proportion."""
        return 0.0, 1.0


@dataclass(frozen=True)
class GutigWeightDependence(WeightDependence):
    """By powers of the distances to the bounds (Gütig et al. 2003), in units of ``w_max``."""

    mu_plus: float = 0.5
    mu_minus: float = 0.5

    @property
    def exponents(self) -> tuple[float, float]:
        """As given."""
        return self.mu_plus, self.mu_minus


@dataclass(frozen=True, eq=False)
class STDPMechanism(StaticSynapse):
    """A synapse whose weight changes with the times of spikes.

    Args:
        weight: As for :class:`StaticSynapse`.
        delay: As there.
        timing_dependence: A :class:`SpikePairRule`.
        weight_dependence: One of the weight dependences above.
        voltage_dependence: None.
        dendritic_delay_fraction: 0: the whole delay lies before the synapse, and spikes of both
            cells meet there after it. PyNN's default is 1, which is outside of the subset: it
            pairs spikes as if they met twice the delay earlier, so it must be said.

    Raises:
        InvalidInput: If another rule, dependence or place of the delay is asked for.
    """

    timing_dependence: Any = None
    weight_dependence: Any = None
    voltage_dependence: Any = None
    dendritic_delay_fraction: float = 0.0

    def __init__(
        self,
        timing_dependence: Any = None,
        weight_dependence: Any = None,
        voltage_dependence: Any = None,
        dendritic_delay_fraction: float = 1.0,
        weight: Any = 0.0,
        delay: Any = None,
    ) -> None:
        for name, found, kind in (
            ("timing_dependence", timing_dependence, SpikePairRule),
            ("weight_dependence", weight_dependence, WeightDependence),
        ):
            if not isinstance(found, kind):
                raise InvalidInput(
                    f"{name} is {found!r}, outside of the subset.",
                    "Give SpikePairRule and one of the weight dependences of this module.",
                )
        if voltage_dependence is not None:
            raise InvalidInput(
                f"voltage_dependence is {voltage_dependence!r}.", "Outside of the subset: leave it."
            )
        if dendritic_delay_fraction != 0.0:
            raise InvalidInput(
                f"dendritic_delay_fraction is {dendritic_delay_fraction} (PyNN's default is 1).",
                "Delays are axonal here: pass dendritic_delay_fraction=0.0.",
            )
        for name, value in (
            ("weight", weight),
            ("delay", delay),
            ("timing_dependence", timing_dependence),
            ("weight_dependence", weight_dependence),
            ("voltage_dependence", None),
            ("dendritic_delay_fraction", 0.0),
        ):
            object.__setattr__(self, name, value)

    def rule(self, weight_factor: float) -> Rule:
        r"""Our pair rule with :math:`A w_{max}^{1 - \mu}` in our unit."""
        timing, bounds = self.timing_dependence, self.weight_dependence
        high = bounds.w_max * weight_factor
        plus, minus = bounds.exponents
        return PairSTDP(
            amplitude_plus=timing.A_plus * high ** (1.0 - plus),
            amplitude_minus=timing.A_minus * high ** (1.0 - minus),
            tau_plus_ms=timing.tau_plus,
            tau_minus_ms=timing.tau_minus,
            mu_plus=plus,
            mu_minus=minus,
            w_min=bounds.w_min * weight_factor,
            w_max=high,
            order="update_then_transmit",
        )
