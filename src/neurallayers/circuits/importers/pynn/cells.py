"""PyNN's standard cells, with their parameters, default values and units.

Parameters are in nF, nA, uS, nS (the adaptation ``a``), ms and mV as PyNN has them; a parameter may
be a number, one for each cell, or a random distribution, but time constants and reversal potentials
of synapses are the same for all cells of a population.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch

from neurallayers.circuits.distributions import generator
from neurallayers.circuits.importers.pynn.numbers import drawn_from, is_drawn
from neurallayers.circuits.sources import PoissonSpikes, RecordedSpikes, Source
from neurallayers.dynamics import neurons as models
from neurallayers.dynamics.neurons.point import PointNeuron
from neurallayers.dynamics.synapses.kinetics import Alpha, Delta, Exponential, Kinetics
from neurallayers.dynamics.synapses.receptors import Receptor
from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName
from neurallayers.registry import nearest_name

PICO = 1000.0  # nF to pF, nA to pA, uS to nS
FOREVER_MS = 1e10  # PyNN's default duration of a Poisson source


@dataclass(frozen=True)
class Made:
    """What a cell type becomes in a circuit.

    Attributes:
        cell: Neurons or a source.
        receptors: By PyNN's names.
        initial: Initial values in our units, by our names.
        current_pa: Constant current [pA].
    """

    cell: PointNeuron[Any] | Source
    receptors: Mapping[str, Receptor] = field(default_factory=dict)
    initial: Mapping[str, Any] = field(default_factory=dict)
    current_pa: Any = 0.0


class Parameters:
    """The numbers of a population's cells.

    Args:
        given: By name, as the script gave them.
        n: How many cells.
        seed: From which distributions are drawn.
        population: Name of the population, for its random streams.
    """

    def __init__(self, given: Mapping[str, Any], n: int, seed: int, population: str) -> None:
        self.given, self.n, self.seed, self.population = given, n, seed, population

    def __call__(self, name: str) -> Any:
        """One number, or a tensor ``[n]``."""
        value = self.given[name]
        if is_drawn(value):
            numbers = generator(self.seed, self.population, "parameter", name)
            return torch.from_numpy(drawn_from(value).draw(numbers, self.n))
        array = np.asarray(value, dtype=np.float64)
        if array.shape not in ((), (self.n,)):
            raise ShapeMismatch(
                f"{name} of {self.population!r} has shape {array.shape}.",
                f"Give one number or {self.n} of them.",
            )
        return float(array) if array.ndim == 0 else torch.from_numpy(array)

    def alike(self, name: str) -> float:
        """One number that is the same for all cells.

        Raises:
            InvalidInput: If it is not.
        """
        value = self(name)
        if isinstance(value, torch.Tensor):
            if bool((value != value[0]).any()):
                raise InvalidInput(
                    f"{name} of {self.population!r} differs from cell to cell.",
                    "Make a population for each value: receptors are alike within one.",
                )
            return float(value[0])
        return float(value)


class CellType(ABC):
    """A kind of cell with its parameters.

    Args:
        **parameters: What differs from :attr:`default_parameters`.

    Raises:
        UnknownName: If there is no such parameter.
    """

    default_parameters: ClassVar[Mapping[str, Any]]
    default_initial_values: ClassVar[Mapping[str, float]] = {}
    # PyNN's name of a variable: ours, and by what ours is multiplied.
    variables: ClassVar[Mapping[str, tuple[str, float]]] = {}
    receptor_types: ClassVar[tuple[str, ...]] = ("excitatory", "inhibitory")
    conductance_based: ClassVar[bool] = False
    weight_factor: ClassVar[float] = PICO

    def __init__(self, **parameters: Any) -> None:
        self.parameters = {**self.default_parameters, **self.checked(parameters)}

    @classmethod
    def checked(cls, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters, all of which there are.

        Raises:
            UnknownName: If there is none of that name.
        """
        for name in parameters:
            if name not in cls.default_parameters:
                raise UnknownName(
                    f"{cls.__name__} has no parameter {name!r}.",
                    nearest_name(name, list(cls.default_parameters)),
                )
        return dict(parameters)

    @property
    def recordable(self) -> tuple[str, ...]:
        """Names of what can be recorded."""
        return ("spikes", *self.variables)

    @abstractmethod
    def made(self, n: int, dt_ms: float, p: Parameters) -> Made:
        """The cells for a circuit."""


class Neuron(CellType):
    """A cell that integrates."""

    kinetics: ClassVar[type[Kinetics]] = Exponential

    @abstractmethod
    def neurons(self, n: int, dt_ms: float, p: Parameters) -> PointNeuron[Any]:
        """Our neurons."""

    def receptors(self, p: Parameters) -> dict[str, Receptor]:
        """One receptor for each sign; the weight is the peak of an alpha function."""
        made: Any = self.kinetics
        return {
            name: Receptor(
                made(p.alike(f"tau_syn_{sign}")),
                p.alike(f"e_rev_{sign}") if self.conductance_based else None,
            )
            for name, sign in (("excitatory", "E"), ("inhibitory", "I"))
        }

    def made(self, n: int, dt_ms: float, p: Parameters) -> Made:
        """Neurons, receptors and the constant current."""
        current = p("i_offset") * PICO
        return Made(
            self.neurons(n, dt_ms, p),
            self.receptors(p),
            current_pa=current.numpy() if isinstance(current, torch.Tensor) else current,
        )


class LeakyCell(Neuron):
    """Leaky integrate-and-fire cells."""

    default_initial_values: ClassVar[Mapping[str, float]] = {"v": -65.0}
    variables: ClassVar[Mapping[str, tuple[str, float]]] = {"v": ("membrane_potential", 1.0)}

    def neurons(self, n: int, dt_ms: float, p: Parameters) -> PointNeuron[Any]:
        """Leaky neurons of the same capacitance and time constant."""
        capacitance = p("cm") * PICO
        return models.LeakyIntegrateAndFire(
            n,
            dt_ms=dt_ms,
            capacitance_pf=capacitance,
            leak_conductance_ns=capacitance / p("tau_m"),
            resting_mv=p("v_rest"),
            threshold_mv=p("v_thresh"),
            reset_mv=p("v_reset"),
            refractory_ms=p("tau_refrac"),
            synaptic_input="conductance" if self.conductance_based else "current",
        )


_LEAKY = {
    "v_rest": -65.0,
    "cm": 1.0,
    "tau_m": 20.0,
    "tau_refrac": 0.1,
    "i_offset": 0.0,
    "v_reset": -65.0,
    "v_thresh": -50.0,
}
_CONDUCTANCES = {"gsyn_exc": ("excitatory", 1.0 / PICO), "gsyn_inh": ("inhibitory", 1.0 / PICO)}


class IF_curr_exp(LeakyCell):
    """Leaky cells with exponential synaptic currents; weights in nA."""

    default_parameters: ClassVar[Mapping[str, Any]] = {**_LEAKY, "tau_syn_E": 5.0, "tau_syn_I": 5.0}


class IF_curr_alpha(LeakyCell):
    """Leaky cells with alpha-shaped synaptic currents; weights, their peaks, in nA."""

    default_parameters: ClassVar[Mapping[str, Any]] = {**_LEAKY, "tau_syn_E": 0.5, "tau_syn_I": 0.5}
    kinetics = Alpha


class IF_curr_delta(LeakyCell):
    """Leaky cells whose potential jumps; weights in mV."""

    default_parameters: ClassVar[Mapping[str, Any]] = _LEAKY
    weight_factor = 1.0

    def receptors(self, p: Parameters) -> dict[str, Receptor]:
        """Jumps at the end of the step, as NEST has them."""
        jump = Receptor(Delta(p.alike("cm") * PICO, at_end=True))
        return {"excitatory": jump, "inhibitory": jump}


class IF_cond_exp(LeakyCell):
    """Leaky cells with exponential synaptic conductances; weights in uS."""

    default_parameters: ClassVar[Mapping[str, Any]] = {
        **_LEAKY, "tau_syn_E": 5.0, "tau_syn_I": 5.0, "e_rev_E": 0.0, "e_rev_I": -70.0,
    }  # fmt: skip
    variables: ClassVar[Mapping[str, tuple[str, float]]] = {**LeakyCell.variables, **_CONDUCTANCES}
    conductance_based = True


class IF_cond_alpha(IF_cond_exp):
    """Leaky cells with alpha-shaped synaptic conductances; weights, their peaks, in uS."""

    default_parameters: ClassVar[Mapping[str, Any]] = {
        **IF_cond_exp.default_parameters,
        "tau_syn_E": 0.3,
        "tau_syn_I": 0.5,
    }
    kinetics = Alpha


class EIF_cond_exp_isfa_ista(Neuron):
    """Adaptive exponential cells (Brette & Gerstner 2005) with exponential conductances in uS."""

    default_parameters: ClassVar[Mapping[str, Any]] = {
        "cm": 0.281,
        "tau_refrac": 0.1,
        "v_spike": -40.0,
        "v_reset": -70.6,
        "v_rest": -70.6,
        "tau_m": 9.3667,
        "i_offset": 0.0,
        "a": 4.0,
        "b": 0.0805,
        "delta_T": 2.0,
        "tau_w": 144.0,
        "v_thresh": -50.4,
        "e_rev_E": 0.0,
        "tau_syn_E": 5.0,
        "e_rev_I": -80.0,
        "tau_syn_I": 5.0,
    }
    default_initial_values: ClassVar[Mapping[str, float]] = {"v": -70.6, "w": 0.0}
    variables: ClassVar[Mapping[str, tuple[str, float]]] = {
        "v": ("membrane_potential", 1.0),
        "w": ("adaptation_current", 1.0 / PICO),
        **_CONDUCTANCES,
    }
    conductance_based = True

    def neurons(self, n: int, dt_ms: float, p: Parameters) -> PointNeuron[Any]:
        """Neurons that fire at ``v_spike``."""
        capacitance = p("cm") * PICO
        return models.AdEx(
            n,
            dt_ms=dt_ms,
            capacitance_pf=capacitance,
            leak_conductance_ns=capacitance / p("tau_m"),
            resting_mv=p("v_rest"),
            threshold_mv=p("v_thresh"),
            slope_factor_mv=p("delta_T"),
            adaptation_conductance_ns=p("a"),
            tau_adaptation_ms=p("tau_w"),
            adaptation_increment_pa=p("b") * PICO,
            reset_mv=p("v_reset"),
            peak_mv=p("v_spike"),
            refractory_ms=p("tau_refrac"),
            synaptic_input="conductance",
        )


class EIF_cond_alpha_isfa_ista(EIF_cond_exp_isfa_ista):
    """Adaptive exponential cells with alpha-shaped conductances in uS."""

    kinetics = Alpha


class Izhikevich(Neuron):
    """The simple model of Izhikevich (2003); weights are jumps of the potential in mV.

    A current of 1 nA moves the potential by 1000 mV/ms, as in PyNN: the paper's input is in pA.
    """

    default_parameters: ClassVar[Mapping[str, Any]] = {
        "a": 0.02,
        "b": 0.2,
        "c": -65.0,
        "d": 2.0,
        "i_offset": 0.0,
    }
    default_initial_values: ClassVar[Mapping[str, float]] = {"v": -70.0, "u": -14.0}
    variables: ClassVar[Mapping[str, tuple[str, float]]] = {
        "v": ("membrane_potential", 1.0),
        "u": ("recovery", 1.0),
    }
    weight_factor = 1.0

    def neurons(self, n: int, dt_ms: float, p: Parameters) -> PointNeuron[Any]:
        """Neurons of 1 pF."""
        return models.Izhikevich(n, dt_ms=dt_ms, a=p("a"), b=p("b"), c=p("c"), d=p("d"))

    def receptors(self, p: Parameters) -> dict[str, Receptor]:
        """Jumps: a charge in fC moves 1 pF by as many mV."""
        return {"excitatory": Receptor(Delta()), "inhibitory": Receptor(Delta())}


class SpikeSourcePoisson(CellType):
    """Cells that fire at random: ``rate`` [Hz], from ``start`` on for ``duration`` [ms]."""

    default_parameters: ClassVar[Mapping[str, Any]] = {
        "rate": 1.0,
        "start": 0.0,
        "duration": FOREVER_MS,
    }
    receptor_types = ()

    def made(self, n: int, dt_ms: float, p: Parameters) -> Made:
        """A Poisson source; one that begins later or ends is drawn beforehand."""
        rate = p("rate")
        rates = rate.numpy() if isinstance(rate, torch.Tensor) else rate
        start, duration = p.alike("start"), p.alike("duration")
        if start == 0.0 and duration >= FOREVER_MS:
            return Made(PoissonSpikes(n, rates))
        if duration >= FOREVER_MS:
            raise InvalidInput(
                f"{p.population!r} begins to fire at {start} ms and never ends.",
                "Give it a duration.",
            )
        numbers = generator(p.seed, p.population, "spikes")
        expected = np.broadcast_to(np.asarray(rates), (n,)) * duration * 1e-3
        counts = numbers.poisson(expected)
        senders = np.repeat(np.arange(n), counts)
        times = start + duration * numbers.random(senders.size)
        # A spike belongs to the step in which it falls, and is fired at its end.
        times = np.maximum(np.ceil(times / dt_ms), 1.0) * dt_ms
        return Made(RecordedSpikes(n, times, senders))


class SpikeSourceArray(CellType):
    """Cells that fire at given ``spike_times`` [ms]: one list for all, or one for each cell."""

    default_parameters: ClassVar[Mapping[str, Any]] = {"spike_times": ()}
    receptor_types = ()

    def made(self, n: int, dt_ms: float, p: Parameters) -> Made:
        """Recorded spikes.

        Raises:
            ShapeMismatch: If there are not as many lists as cells.
        """
        trains = [_train(found) for found in _lists(p.given["spike_times"], n)]
        if len(trains) != n:
            raise ShapeMismatch(
                f"{p.population!r} has {len(trains)} lists of spike times.", f"Give one or {n}."
            )
        senders = np.repeat(np.arange(n), [train.size for train in trains])
        return Made(RecordedSpikes(n, np.concatenate(trains), senders))


def _lists(given: Any, n: int) -> list[Any]:
    """One list of times a cell; PyNN's ``Sequence`` objects hold theirs in ``value``."""
    if hasattr(given, "value"):
        given = given.value
    items = list(given)
    nested = items and (np.ndim(items[0]) > 0 or hasattr(items[0], "value"))
    return items if nested else [items] * n


def _train(given: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.asarray(getattr(given, "value", given), dtype=np.float64).reshape(-1)


CELL_TYPES: tuple[type[CellType], ...] = (
    IF_curr_exp,
    IF_curr_alpha,
    IF_curr_delta,
    IF_cond_exp,
    IF_cond_alpha,
    EIF_cond_exp_isfa_ista,
    EIF_cond_alpha_isfa_ista,
    Izhikevich,
    SpikeSourcePoisson,
    SpikeSourceArray,
)
"""The kinds of cells that there are."""
