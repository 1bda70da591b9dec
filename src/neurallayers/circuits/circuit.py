"""Circuits: populations of neurons, the synapses between them, and their life.

A circuit is a description; it does not change when it runs. What changes is its state, a value that
a run takes and gives back: keep it, store it, resume from it, or let two futures begin in it.

Example: a random network, in two halves that are the same as one whole.

>>> from neurallayers.circuits import Circuit, FixedProbability, PoissonDrive, Uniform
>>> from neurallayers.dynamics.neurons.integrate_and_fire import LeakyIntegrateAndFire
>>> from neurallayers.dynamics.synapses.kinetics import Exponential
>>> from neurallayers.dynamics.synapses.receptors import Receptor
>>> circuit = Circuit(dt_ms=0.1, seed=1)
>>> neurons = LeakyIntegrateAndFire(100, dt_ms=0.1, tau_ms=20.0, resistance_mohm=100.0)
>>> receptors = {"exc": Receptor(Exponential(tau_ms=5.0))}
>>> initial = {"membrane_potential": Uniform(-65.0, -50.0)}
>>> circuit.add_population("cells", neurons, receptors=receptors, initial=initial)
>>> circuit.drive("cells", PoissonDrive(1000.0, weight=60.0, receptor="exc"))
>>> name = circuit.connect("cells", "cells", FixedProbability(0.1), receptor="exc", weight=5.0)
>>> run = circuit.run(50.0)
>>> again = circuit.run(50.0, state=run.state)
>>> whole = circuit.run(100.0)
>>> len(run.spikes["cells"]) + len(again.spikes["cells"]) == len(whole.spikes["cells"]) > 0
True
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch

from neurallayers.circuits.circuit_state import CircuitState, PopulationState
from neurallayers.circuits.connectivity import Connectivity
from neurallayers.circuits.distributions import drawn, generator
from neurallayers.circuits.drives import (
    CurrentDrive,
    Drive,
    PoissonDrive,
    arriving_spikes,
    current_rows,
    phased_rates,
)
from neurallayers.circuits.gap_junctions import GapJunctions
from neurallayers.circuits.populations import Neurons, Population
from neurallayers.circuits.projections import Projection, Synapses
from neurallayers.circuits.recording import Record, Run
from neurallayers.circuits.running import Progress, live
from neurallayers.circuits.sources import Source
from neurallayers.circuits.stage_list import place_of_receptor
from neurallayers.circuits.wiring import Plan, Wiring, initial_projection, wired
from neurallayers.dynamics.cell import positive
from neurallayers.dynamics.plasticity.rule import Rule
from neurallayers.dynamics.synapses.receptors import Receptor
from neurallayers.dynamics.synapses.short_term import TsodyksMarkram, short_term_from
from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName
from neurallayers.registry import nearest_name
from neurallayers.seeding import derive_seed
from neurallayers.state import NoState, from_named, leaves

Part = slice | range | None
Shapes = Mapping[str, tuple[torch.Size, torch.dtype]]


class Circuit:
    """Populations of neurons and the synapses between them.

    Args:
        dt_ms: Length of a step [ms].
        seed: From which connections, initial values and noise are drawn, each from a stream of its
            own.
        dtype: Precision, ``torch.float64`` or ``torch.float32``.

    Attributes:
        dt_ms: As given.
        seed: As given.
        dtype: As given.
        populations: By name.
        projections: By name.

    Raises:
        InvalidInput: If an option is out of range.
    """

    def __init__(
        self, *, dt_ms: float = 0.1, seed: int = 0, dtype: torch.dtype = torch.float64
    ) -> None:
        self.dt_ms = positive("dt_ms", dt_ms, "usually 0.1")
        if dtype not in (torch.float64, torch.float32):
            raise InvalidInput(f"dtype is {dtype}.", "Choose torch.float64 or torch.float32.")
        self.seed, self.dtype = int(seed), dtype
        self.populations: dict[str, Population] = {}
        self.projections: dict[str, Projection] = {}
        self._drives: dict[str, list[Drive]] = {}
        self._gap_junctions: list[GapJunctions] = []
        self._wiring: Wiring | None = None
        self._shapes: Shapes | None = None

    # -------------------------------------------------------------------------- description

    def add_population(
        self,
        name: str,
        cell: Neurons | Source,
        *,
        receptors: Mapping[str, Receptor | str] | None = None,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        """Add neurons, or a source of spikes.

        Args:
            name: What to call them.
            cell: The neurons, made for the circuit's ``dt_ms``, or a source such as
                :class:`~neurallayers.circuits.sources.PoissonSpikes`.
            receptors: By name; values or names of presets.
            initial: For variables that do not begin as the neurons' initial state says, and for
                receptors that do not begin at rest: a number, one for each cell, or a distribution.

        Raises:
            InvalidInput: If the name is taken, the steps differ, or a receptor does not fit.
            UnknownName: If there is no such variable or preset.
        """
        if not name or name in self.populations:
            raise InvalidInput(f"A population is to be called {name!r}.", "Choose another name.")
        if not isinstance(cell, Neurons | Source):
            raise InvalidInput(
                f"Population {name!r} is a {type(cell).__name__}.",
                "Give it neurons such as LeakyIntegrateAndFire or HodgkinHuxley, or a source.",
            )
        if not isinstance(cell, Source) and not math.isclose(cell.dt_ms, self.dt_ms):
            raise InvalidInput(
                f"The neurons of {name!r} have a step of {cell.dt_ms} ms, the circuit "
                f"{self.dt_ms} ms.",
                f"Make them with dt_ms={self.dt_ms}.",
            )
        given: Any = dict(receptors or {})
        self.populations[name] = Population(name, cell, self.dt_ms, given, dict(initial or {}))
        self._wiring = None

    def connect(
        self,
        source: str,
        target: str,
        connectivity: Connectivity,
        *,
        receptor: str | None = None,
        weight: Any = None,
        delay_ms: Any = None,
        plasticity: Rule | None = None,
        short_term: TsodyksMarkram | Mapping[str, Any] | str | None = None,
        senders: Part = None,
        receivers: Part = None,
        name: str | None = None,
    ) -> str:
        """Add synapses from one population to another.

        A spike that ends at time t and has a delay d acts on the receptor at exactly t + d.

        Args:
            source: Name of the population that sends.
            target: Name of the population that receives.
            connectivity: Who is connected to whom.
            receptor: Where spikes act; left out, the target's only receptor.
            weight: In the unit of the receptor: a number, a distribution, an array for listed
                synapses, or a matrix ``[senders, receivers]``; left out, 1 or the sparse matrix'
                own entries.
            delay_ms: A number, distribution, array or
                :class:`~neurallayers.circuits.projections.DistanceDelay`; left out, one step. What
                is drawn is rounded to the grid, and to one step where it is shorter.
            plasticity: A rule by which weights change.
            short_term: Short-term plasticity of the senders' release.
            senders: Which cells of the source, as a slice.
            receivers: Which cells of the target.
            name: What to call the projection; left out, ``"source->target.receptor"``.

        Returns:
            The projection's name.

        Raises:
            UnknownName: If there is no such population or receptor.
            InvalidInput: If the name is taken or a part has no cells.
        """
        sending, receiving = self._population(source), self._population(target)
        if receptor is None:
            if len(receiving.rows) != 1:
                raise InvalidInput(
                    f"{target!r} has {len(receiving.rows)} receptors, and the projection names "
                    "none.",
                    f"Say which: {', '.join(receiving.rows) or 'give the population one first'}.",
                )
            receptor = next(iter(receiving.rows))
        rows = receiving.receptor_named(receptor)
        name = self._projection_name(name, f"{source}->{target}.{receptor}")
        self.projections[name] = Projection(
            name=name,
            source=sending,
            target=receiving,
            connectivity=connectivity,
            receptor=rows,
            weight=weight,
            delay_ms=self.dt_ms if delay_ms is None else delay_ms,
            plasticity=plasticity,
            short_term=None if short_term is None else short_term_from(short_term),
            senders=_part(senders, sending.n, "senders"),
            receivers=_part(receivers, receiving.n, "receivers"),
        )
        self._wiring = None
        return name

    def drive(self, population: str, *drives: Drive) -> None:
        """Let noise, currents or recorded spikes reach a population from outside.

        Raises:
            UnknownName: If there is no such population or receptor.
            InvalidInput: If a drive does not fit the population.
        """
        target = self._population(population)
        if target.neurons is None:
            raise InvalidInput(
                f"{population!r} is a source of spikes.", "Drive a population of neurons."
            )
        for drive in drives:
            check_drive(drive, target)
        self._drives.setdefault(population, []).extend(drives)
        self._wiring = None

    def couple(self, junctions: GapJunctions) -> None:
        """Join cells of a population by gap junctions.

        Raises:
            UnknownName: If there is no such population.
            InvalidInput: If its neurons take currents only.
        """
        target = self._population(junctions.population)
        if target.neurons is None or target.neurons.synaptic_input == "current":
            raise InvalidInput(
                f"{junctions.population!r} cannot have gap junctions.",
                'They need neurons with synaptic_input="conductance".',
            )
        junctions.rows(target.n)
        self._gap_junctions.append(junctions)
        self._wiring = None

    def _population(self, name: str) -> Population:
        if name not in self.populations:
            known = list(self.populations)
            advice = nearest_name(name, known) if known else "Add populations first."
            raise UnknownName(f"There is no population {name!r}.", advice)
        return self.populations[name]

    def _projection_name(self, given: str | None, usual: str) -> str:
        if given is not None:
            if not given or given in self.projections:
                raise InvalidInput(
                    f"A projection is to be called {given!r}.", "Choose another name."
                )
            return given
        same = sum(found == usual or found.startswith(f"{usual}#") for found in self.projections)
        return f"{usual}#{same + 1}" if same else usual

    # --------------------------------------------------------------------------------- life

    @property
    def wiring(self) -> Wiring:
        """The synapses; drawn when they are first needed."""
        if self._wiring is None:
            if not self.populations:
                raise InvalidInput("The circuit is empty.", "Add a population first.")
            plan = Plan(
                self.dt_ms,
                self.seed,
                self.dtype,
                dict(self.populations),
                dict(self.projections),
                {name: tuple(drives) for name, drives in self._drives.items()},
                tuple(self._gap_junctions),
            )
            self._wiring, self._shapes = wired(plan), None
        return self._wiring

    @property
    def _state_shapes(self) -> Shapes:
        """What a state of this circuit consists of."""
        if self._wiring is None or self._shapes is None:
            state = self.initial_state()
            self._shapes = {name: (leaf.shape, leaf.dtype) for name, leaf in leaves(state)}
        return self._shapes

    def synapses(self, projection: str) -> Synapses:
        """The synapses of a projection: who is connected to whom, weights and delays.

        Raises:
            UnknownName: If there is no such projection.
        """
        if projection not in self.projections:
            raise UnknownName(
                f"There is no projection {projection!r}.",
                nearest_name(projection, list(self.projections)),
            )
        return self.wiring.synapses[projection]

    def memory(self) -> dict[str, float]:
        """Bytes of synapses and cells, and bytes a synapse."""
        return self.wiring.memory()

    def initial_state(self) -> CircuitState:
        """The circuit before its first step."""
        wiring = self.wiring
        populations = {}
        for name, population in self.populations.items():
            neurons: Any = NoState()
            if population.neurons is not None:
                neurons = population.initial_neurons(self.seed, self.dtype)
            pairs = {
                key: population.initial_receptor(key, self.seed, self.dtype)
                for key in population.rows
            }
            shape = (1, wiring.slots[name], len(population.rows), population.n)
            populations[name] = PopulationState(
                neurons, pairs, torch.zeros(shape, dtype=self.dtype)
            )
        return CircuitState(
            step=torch.tensor([0]),
            noise_seed=torch.tensor([derive_seed(self.seed, "noise")]),
            populations=populations,
            projections={name: initial_projection(wiring, name) for name in self.projections},
        )

    def state_from(self, named: Mapping[str, torch.Tensor]) -> CircuitState:
        """A state from what :func:`neurallayers.state.to_named` made of it.

        Raises:
            InvalidInput: If it belongs to another circuit.
        """
        return from_named(self.initial_state(), named)

    def modulated(self, state: CircuitState, projection: str, value: Any) -> CircuitState:
        """The same state with a third factor (such as dopamine) for a plastic projection.

        Args:
            state: A state of this circuit.
            projection: Name of the projection.
            value: One number for all receivers, or one for each.

        Raises:
            UnknownName: If there is no such projection.
            InvalidInput: If it is not plastic.
            ShapeMismatch: If there is not one number for each receiver.
        """
        self.synapses(projection)
        found = dict(state.projections[projection])
        if "modulator" not in found:
            raise InvalidInput(
                f"Projection {projection!r} is not plastic.", "Connect it with plasticity=."
            )
        given = torch.as_tensor(value, dtype=self.dtype)
        old = found["modulator"]
        if given.shape not in ((), old.shape[1:]):
            raise ShapeMismatch(
                f"The modulator has shape {tuple(given.shape)}.",
                f"Give one number or {old.shape[1]} of them.",
            )
        found["modulator"] = given.expand(old.shape).clone()
        return state._replace(projections={**state.projections, projection: found})

    def run(
        self,
        duration_ms: float,
        *,
        state: CircuitState | None = None,
        record: Record | None = None,
        threads: int | None = None,
        progress: Progress = False,
    ) -> Run:
        """Let the circuit live for a while.

        Args:
            duration_ms: For how long [ms].
            state: Where to begin; left out, at the beginning. It stays as it is.
            record: What to keep; left out, all spikes.
            threads: How many threads; left out, as many as the size of the circuit is worth. The
                result does not depend on it.
            progress: True for a bar on the terminal, or a function that is called with the part
                that is done, 0 to 1.

        Returns:
            What was recorded, and the state after it.

        Raises:
            InvalidInput: If the duration is not a whole number of steps, or a membrane potential
                is no longer finite.
            ShapeMismatch: If the state belongs to another circuit.
            UnknownName: If something to record is not there.
        """
        if state is not None:
            _check_state(self._state_shapes, state)
        record = Record(spikes="all") if record is None else record
        begin = (lambda: state) if state is not None else self.initial_state
        return live(self.wiring, begin, duration_ms, record, threads, progress)


def check_drive(drive: Drive, target: Population) -> None:
    """Refuse a drive that does not fit a population.

    Raises:
        UnknownName: If there is no such receptor.
        InvalidInput: If a number is out of range.
        ShapeMismatch: If there are not as many numbers as cells.
    """
    if isinstance(drive, CurrentDrive):
        current_rows(drive, target.n)
        return
    place = place_of_receptor(target, drive.receptor)
    if isinstance(drive, PoissonDrive):
        phased_rates(drive, target.n)
        weights = drawn(drive.weight, target.n, generator(0), "weight of a PoissonDrive")
    else:
        weights = arriving_spikes(drive, target.n)[2]
    receptor = list(target.rows.values())[place].receptor
    if receptor.reversal_mv is not None and weights.size and weights.min() < 0.0:
        raise InvalidInput(
            f"A drive of {target.name!r} has weights down to {weights.min()}, and its receptor is "
            "a conductance.",
            "Conductances are not negative; what inhibits is the reversal potential.",
        )


def _part(given: Part, n: int, what: str) -> tuple[int, int]:
    """The first cell of a part and the one after its last.

    Raises:
        InvalidInput: If it is empty or has gaps.
    """
    cells = range(n)[given] if isinstance(given, slice) else given if given else range(n)
    if not len(cells) or cells.step != 1 or cells.start < 0 or cells.stop > n:
        raise InvalidInput(
            f"{what} are {given}, of {n} cells.", "Choose at least one, and all in between."
        )
    return cells.start, cells.stop


def _check_state(wanted: Shapes, given: CircuitState) -> None:
    """Refuse a state of another circuit.

    Raises:
        ShapeMismatch: If a tensor has another shape or precision.
        InvalidInput: If it has other parts.
    """
    found = dict(leaves(given))
    if wanted.keys() != found.keys():
        odd = sorted(wanted.keys() ^ found.keys())
        raise InvalidInput(
            f"The state and the circuit differ in {odd[:3]}.", "It belongs to another circuit."
        )
    for name, (shape, dtype) in wanted.items():
        if shape != found[name].shape or dtype != found[name].dtype:
            raise ShapeMismatch(
                f"{name} is {found[name].dtype} {tuple(found[name].shape)} in the state, and "
                f"{dtype} {tuple(shape)} in the circuit.",
                "It belongs to another circuit.",
            )
