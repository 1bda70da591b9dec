"""Populations of a circuit: neurons of one model with their receptors, or a source of spikes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from neurallayers.circuits.circuit_state import ReceptorState, zeros
from neurallayers.circuits.distributions import Distribution, drawn, generator
from neurallayers.circuits.sources import Source
from neurallayers.dynamics.kernels.blocks import BlockKernel
from neurallayers.dynamics.neurons.integrate_and_fire import LeakyIntegrateAndFire
from neurallayers.dynamics.neurons.point import PointNeuron
from neurallayers.dynamics.synapses.kinetics import Delta, LinearKinetics
from neurallayers.dynamics.synapses.receptors import Receptor, receptor_from
from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName
from neurallayers.registry import nearest_name

MOST_TOGETHER = 4  # receptors of one variable that are advanced in one loop


@runtime_checkable
class Neurons(Protocol):
    """What a circuit asks of neurons: all of these have it that have one membrane potential.

    Point neurons take currents in pA and conductances in nS; patches of membrane (Hodgkin-Huxley)
    take both for an area, in uA/cm2 and mS/cm2.
    """

    n: int
    dt_ms: float
    synaptic_input: str

    @property
    def state_type(self) -> Any:
        """The named tuple of the state; the membrane potential is its first field."""

    def initial_state(self, batch: int = 1) -> Any:
        """The state before the first step, the membrane potential first."""

    def kernel(self, per_neuron: bool) -> BlockKernel:
        """The compiled step of a block."""

    def kernel_parameters(self) -> Tensor:
        """What it reads, ``[parameters]`` or ``[parameters, n]``."""


@dataclass(frozen=True)
class ReceptorRows:
    """Where a receptor of a population lies in memory, and its numbers.

    Attributes:
        receptor: What it is.
        place: Which of the population's receptors it is, in the order of what arrives.
        row_x: Row of x before the block's own rows, -1, -2, ...; 0 where there is no x.
        row_y: Row of y.
        kinetics: The numbers of its step.
    """

    receptor: Receptor
    place: int
    row_x: int
    row_y: int
    kinetics: LinearKinetics

    @property
    def single(self) -> bool:
        """Whether it has one variable and nothing that depends on more than it."""
        return self.row_x == 0 and not self.receptor.block and not self.receptor.hill

    @property
    def at_end(self) -> bool:
        """Whether what arrives at the end of a step acts in this step, not in the next."""
        kinetics = self.receptor.kinetics
        return isinstance(kinetics, Delta) and kinetics.at_end


@dataclass(frozen=True)
class Population:
    """Neurons of one model, or a source of spikes.

    Attributes:
        name: Its name in the circuit.
        cell: The neurons, or the source.
        dt_ms: Length of a step of the circuit [ms].
        receptors: By name.
        initial: What differs from the neurons' own initial state: a number, an array or a
            distribution for a variable; for the name of a receptor, how much of it acts.
        rows: Where receptors lie in memory.
    """

    name: str
    cell: Neurons | Source
    dt_ms: float
    receptors: Mapping[str, Receptor] = field(default_factory=dict)
    initial: Mapping[str, Any] = field(default_factory=dict)
    rows: Mapping[str, ReceptorRows] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        receptors = {name: receptor_from(value) for name, value in self.receptors.items()}
        object.__setattr__(self, "receptors", receptors)
        check_receptors(self)
        check_initial(self)
        object.__setattr__(self, "rows", receptor_rows(self))

    @property
    def n(self) -> int:
        """How many cells."""
        return self.cell.n

    @property
    def neurons(self) -> Neurons | None:
        """The neurons; None for a source."""
        return None if isinstance(self.cell, Source) else self.cell

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the neurons' variables."""
        return () if self.neurons is None else tuple(self.neurons.state_type._fields)

    @property
    def receptor_row_count(self) -> int:
        """How many rows lie before a block's own."""
        return max((-min(rows.row_x, rows.row_y) for rows in self.rows.values()), default=0)

    def receptor_named(self, name: str) -> ReceptorRows:
        """Where a receptor lies.

        Raises:
            UnknownName: If there is none of that name.
        """
        if name not in self.rows:
            raise UnknownName(
                f"Population {self.name!r} has no receptor {name!r}.",
                nearest_name(name, list(self.rows)) if self.rows else "It has no receptors.",
            )
        return self.rows[name]

    def initial_neurons(self, seed: int, dtype: torch.dtype) -> Any:
        """The neurons' state before their first step, ``[1, n]`` each."""
        assert self.neurons is not None
        if isinstance(self.neurons, PointNeuron):
            state = self.neurons.initial_state(1, dtype)
        else:
            state = self.neurons.initial_state(1)
        fields: dict[str, Tensor] = {}
        for name, value in zip(state._fields, state, strict=True):
            begun = self._drawn_initial(name, seed)
            fields[name] = (value.detach() if begun is None else begun).to(dtype).contiguous()
        return type(state)(**fields)

    def initial_receptor(self, name: str, seed: int, dtype: torch.dtype) -> ReceptorState:
        """A receptor's state before the first step: at rest, or acting as ``initial`` says."""
        begun = self._drawn_initial(name, seed)
        y = zeros((1, self.n), dtype) if begun is None else begun.to(dtype)
        return ReceptorState(zeros((1, self.n if self.rows[name].row_x else 0), dtype), y)

    def _drawn_initial(self, name: str, seed: int) -> Tensor | None:
        if name not in self.initial:
            return None
        numbers = generator(seed, self.name, "initial", name)
        given, what = self.initial[name], f"initial {name!r} of {self.name!r}"
        if isinstance(given, Tensor):
            given = given.detach().cpu().numpy()
        return torch.from_numpy(drawn(given, self.n, numbers, what))[None]


def check_receptors(population: Population) -> None:
    """Refuse receptors that the neurons cannot have.

    Raises:
        InvalidInput: If a source has receptors, or current-based neurons get conductances.
    """
    if population.neurons is None:
        if population.receptors or population.initial:
            raise InvalidInput(
                f"{population.name!r} is a source of spikes.",
                "It receives nothing and has no state: leave out receptors and initial.",
            )
        return
    for name, receptor in population.receptors.items():
        if receptor.reversal_mv is not None and population.neurons.synaptic_input == "current":
            raise InvalidInput(
                f"Receptor {name!r} of {population.name!r} is a conductance, and the neurons take "
                "currents.",
                'Make the neurons with synaptic_input="conductance".',
            )


def check_initial(population: Population) -> None:
    """Refuse initial values for what there is not.

    Raises:
        UnknownName: If the neurons have no such variable.
        ShapeMismatch: If an array does not have one number a cell.
    """
    for name, value in population.initial.items():
        known = [*population.variables, *population.receptors]
        if name not in known:
            raise UnknownName(
                f"{population.name!r} has no variable {name!r}.", nearest_name(name, known)
            )
        if not isinstance(value, Distribution) and np.shape(value) not in ((), (population.n,)):
            raise ShapeMismatch(
                f"initial {name!r} of {population.name!r} has shape {np.shape(value)}.",
                f"Give one number, {population.n} of them, or a distribution.",
            )


def receptor_rows(population: Population) -> dict[str, ReceptorRows]:
    """Lay out the receptors: those of one variable first."""
    if population.neurons is None:
        return {}
    tau_ms = exact_membrane_time_ms(population.neurons)
    found: dict[str, LinearKinetics] = {}
    for name, receptor in population.receptors.items():
        ohmic = receptor.reversal_mv is not None
        found[name] = receptor.kinetics.coefficients(population.dt_ms, None if ohmic else tau_ms)

    def pairs(name: str) -> bool:
        return found[name].coupling != 0.0 or found[name].jump_x != 0.0

    def alone(name: str) -> bool:
        receptor = population.receptors[name]
        return pairs(name) or receptor.block is not None or receptor.hill is not None

    rows: dict[str, ReceptorRows] = {}
    depth = 0
    for place, name in enumerate(sorted(found, key=alone)):
        depth += 1
        row_y, row_x = -depth, 0
        if pairs(name):
            depth += 1
            row_x = -depth
        receptor = population.receptors[name]
        rows[name] = ReceptorRows(receptor, place, row_x, row_y, found[name])
    return rows


def exact_membrane_time_ms(neurons: Neurons) -> float | None:
    """The time constant with which a synaptic current can be made exact; None for the mean.

    That needs a linear membrane with one time constant for all.
    """
    if not isinstance(neurons, LeakyIntegrateAndFire) or neurons.synaptic_input != "current":
        return None
    tau = torch.as_tensor(neurons.tau_ms, dtype=torch.float64)
    return float(tau.flatten()[0]) if bool((tau == tau.flatten()[0]).all()) else None
