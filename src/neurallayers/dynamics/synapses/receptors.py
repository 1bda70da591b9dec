r"""Receptors: from the weighted spikes that reach a neuron to the current that flows into it.

A receptor's kinetics (:mod:`~neurallayers.dynamics.synapses.kinetics`) say how much of it acts. If
it has a reversal potential that is a conductance, and the neuron gets the pair

.. math:: d = \sum_k g_k B_k(v) E_k \;[\mathrm{pA}], \qquad
          g = \sum_k g_k B_k(v) \;[\mathrm{nS}],

of which its membrane feels :math:`d - g v`; without one it is a current.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from neurallayers.dynamics.arithmetic import equation, exp
from neurallayers.dynamics.cell import positive
from neurallayers.dynamics.synapses.kinetics import (
    DoubleExponential,
    Exponential,
    Kinetics,
    SecondMessenger,
    kinetics_from,
)
from neurallayers.errors import InvalidInput
from neurallayers.registry import Registry


@equation
def unblocked(
    membrane_potential: Any, magnesium_mm: Any, half_block_mm: Any, steepness_per_mv: Any
) -> Any:
    r"""The part of NMDA channels that magnesium leaves open.

    .. math:: B(v) = \frac{1}{1 + \frac{[Mg^{2+}]}{c_{1/2}} \, e^{-\gamma v}}

    Source: Jahr & Stevens (1990), Voltage dependence of NMDA-activated macroscopic conductances
    predicted by single-channel kinetics, J. Neurosci. 10:3178, with their 3.57 mM and 0.062 /mV.
    """
    blocked = magnesium_mm / half_block_mm * exp(-steepness_per_mv * membrane_potential)
    return 1.0 / (1.0 + blocked)


@equation
def hill_of_four(concentration: Any, dissociation: Any) -> Any:
    """The part of channels on which all of four sites are taken: s^4 / (s^4 + K).

    Source: Destexhe & Sejnowski (1995), PNAS 92:9515.
    """
    square = concentration * concentration
    return square * square / (square * square + dissociation)


@dataclass(frozen=True)
class MagnesiumBlock:
    """Magnesium in the mouth of the channel; see :func:`unblocked`.

    Args:
        magnesium_mm: Magnesium outside of the cell [mM].
        half_block_mm: Concentration at which half of the channels are open at 0 mV [mM].
        steepness_per_mv: How fast the potential drives magnesium out [1/mV].

    >>> round(MagnesiumBlock().open_fraction(-65.0), 4)
    0.0597
    """

    magnesium_mm: float = 1.0
    half_block_mm: float = 3.57
    steepness_per_mv: float = 0.062

    def __post_init__(self) -> None:
        if not 0.0 <= self.magnesium_mm < float("inf"):
            raise InvalidInput(
                f"magnesium_mm is {self.magnesium_mm}.", "It must be zero or more (brain: 1 mM)."
            )
        positive("half_block_mm", self.half_block_mm, "3.57 mM")
        positive("steepness_per_mv", self.steepness_per_mv, "0.062 /mV")

    def open_fraction(self, membrane_potential: Any) -> Any:
        """Between 0 and 1, for a number or a tensor of potentials [mV]."""
        return unblocked(
            membrane_potential, self.magnesium_mm, self.half_block_mm, self.steepness_per_mv
        )


@dataclass(frozen=True)
class Hill:
    """Channels that open when four of a messenger have bound; see :func:`hill_of_four`.

    Args:
        dissociation_um4: Fourth power of the concentration that opens half [uM^4].
        maximum_ns: Conductance with all channels open [nS].
    """

    dissociation_um4: float = 100.0
    maximum_ns: float = 1.0

    def __post_init__(self) -> None:
        positive("dissociation_um4", self.dissociation_um4, "100 uM^4")
        positive("maximum_ns", self.maximum_ns, "0.1 to 100 nS")

    def conductance_ns(self, concentration: Any) -> Any:
        """For a number or a tensor of concentrations [uM]."""
        return self.maximum_ns * hill_of_four(concentration, self.dissociation_um4)


@dataclass(frozen=True)
class Receptor:
    """One kind of receptor; a value that can be written as JSON.

    Args:
        kinetics: How it answers a spike.
        reversal_mv: Reversal potential [mV] of a conductance; left out, it is a current.
        block: How magnesium blocks it.
        hill: How a messenger opens its channels; the kinetics are those of the messenger.
        saturates: Whether what is bound already cannot be bound again: then n pulses bind
            1 - (1 - j)^n of what is free instead of n j.

    Raises:
        InvalidInput: If a block or Hill function has no reversal potential, or something saturates
            that has no bound fraction.

    >>> receptor = Receptor(Exponential(tau_ms=5.0), reversal_mv=0.0)
    >>> receptor_from(receptor.to_dict()) == receptor
    True
    """

    kinetics: Kinetics
    reversal_mv: float | None = None
    block: MagnesiumBlock | None = None
    hill: Hill | None = None
    saturates: bool = False

    def __post_init__(self) -> None:
        if self.reversal_mv is None and (self.block or self.hill):
            raise InvalidInput(
                "A receptor with a block or a Hill function is a conductance.",
                "Give it a reversal_mv.",
            )
        if self.reversal_mv is not None and not abs(self.reversal_mv) < 1000.0:
            raise InvalidInput(
                f"reversal_mv is {self.reversal_mv}.", "It is in millivolts, usually -100 to 60."
            )
        if self.saturates and not isinstance(self.kinetics, SecondMessenger):
            raise InvalidInput(
                f"{type(self.kinetics).__name__} kinetics do not saturate.",
                "Only SecondMessenger has a bound fraction; leave saturates out.",
            )

    def acting(self, output: Any, membrane_potential: Any = None) -> Any:
        """Current [pA] or conductance [nS] for the output of the kinetics.

        Args:
            output: What the kinetics say.
            membrane_potential: Potential of the neuron [mV]; only where there is a block.
        """
        if self.hill is not None:
            output = self.hill.conductance_ns(output)
        if self.block is not None:
            output = output * self.block.open_fraction(membrane_potential)
        return output

    def to_dict(self) -> dict[str, Any]:
        """As :func:`receptor_from` reads it."""
        return {**asdict(self), "kinetics": self.kinetics.to_dict()}


def receptor_from(description: Mapping[str, Any] | str | Receptor) -> Receptor:
    """A receptor from its JSON or the name of a preset.

    Raises:
        UnknownName: If there is no preset of that name.
        InvalidInput: If a field is unknown or out of range.
    """
    if isinstance(description, Receptor):
        return description
    if isinstance(description, str):
        return RECEPTORS.make(description)
    options = dict(description)
    makers: dict[str, Callable[..., Any]] = {"block": MagnesiumBlock, "hill": Hill}
    try:
        for name, maker in makers.items():
            if isinstance(options.get(name), Mapping):
                options[name] = maker(**options[name])
        if isinstance(options.get("kinetics"), Mapping):
            options["kinetics"] = kinetics_from(options["kinetics"])
        return Receptor(**options)
    except TypeError as error:
        raise InvalidInput(
            f"{dict(description)}: {error}.",
            "A receptor takes kinetics, reversal_mv, block, hill and saturates.",
        ) from None


RECEPTORS: Registry[Receptor] = Registry("receptor")


@RECEPTORS.register("AMPA")
def ampa(*, tau_ms: float = 2.0, reversal_mv: float = 0.0) -> Receptor:
    """Fast excitation.

    Source: Brunel & Wang (2001), J. Comput. Neurosci. 11:63, section 2.2: 2 ms, 0 mV.
    """
    return Receptor(Exponential(tau_ms), reversal_mv)


@RECEPTORS.register("NMDA")
def nmda(
    *,
    tau_rise_ms: float = 2.0,
    tau_decay_ms: float = 100.0,
    reversal_mv: float = 0.0,
    magnesium_mm: float = 1.0,
) -> Receptor:
    """Slow excitation, blocked by magnesium at rest.

    The conductances of several spikes add up; the saturation of a single synapse at high rates,
    which Brunel & Wang model, is not in it.

    Source: times of Brunel & Wang (2001), J. Comput. Neurosci. 11:63, section 2.2; block of Jahr &
    Stevens (1990), J. Neurosci. 10:3178.
    """
    kinetics = DoubleExponential(tau_rise_ms, tau_decay_ms)
    return Receptor(kinetics, reversal_mv, MagnesiumBlock(magnesium_mm))


@RECEPTORS.register("GABA_A")
def gaba_a(*, tau_ms: float = 10.0, reversal_mv: float = -70.0) -> Receptor:
    """Fast inhibition.

    Source: Brunel & Wang (2001), J. Comput. Neurosci. 11:63, section 2.2: 10 ms, -70 mV.
    """
    return Receptor(Exponential(tau_ms), reversal_mv)


@RECEPTORS.register("GABA_B")
def gaba_b(
    *,
    maximum_ns: float = 1.0,
    reversal_mv: float = -95.0,
    dissociation_um4: float = 100.0,
    saturates: bool = False,
) -> Receptor:
    """Slow inhibition through a second messenger: little for a spike, much for a burst.

    The weight counts release events.

    Source: Destexhe & Sejnowski (1995), PNAS 92:9515; numbers as in :class:`SecondMessenger`.
    """
    hill = Hill(dissociation_um4, maximum_ns)
    return Receptor(SecondMessenger(), reversal_mv, hill=hill, saturates=saturates)
