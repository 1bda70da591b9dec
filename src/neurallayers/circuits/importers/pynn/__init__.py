"""PyNN's interface on circuits: an ordinary script runs with another import.

.. code-block:: python

    import neurallayers.circuits.importers.pynn as sim

Units are PyNN's (nF, nA, uS, ms, mV) and are converted exactly. What a spike does and when is as
with PyNN on NEST: a spike of time t acts at t + delay; synapses that learn transmit the weight that
they have after the spike. Differences: data come as plain arrays in these units, with the names of
Neo's objects (``block.segments[0].spiketrains``); random numbers hang on ``setup(seed=...)``, not
on the generators that a script makes.

The subset: the cells of :data:`~neurallayers.circuits.importers.pynn.cells.CELL_TYPES`, the
connectors, synapses and distributions listed below; populations and slices of them that are
contiguous; recording of spikes and variables; a constant current source; ``run``, ``reset`` and
``get_data``. Positions, assemblies, other connectors and changes of a network that has run are
outside, and the error says so.

PyNN: Davison, Brüderle, Eppler, Kremkow, Muller, Pecevski, Perrinet & Yger (2009), PyNN: a common
interface for neuronal network simulators, Front. Neuroinform. 2:11.

>>> import neurallayers.circuits.importers.pynn as sim
>>> _ = sim.setup(timestep=0.1)
>>> cells = sim.Population(1, sim.IF_curr_exp(i_offset=1.0))  # 1 nA
>>> cells.record("spikes")
>>> sim.run(100.0)
100.0
>>> [train.times.round(1).tolist() for train in cells.get_data().segments[0].spiketrains]
[[27.8, 55.7, 83.6]]
"""

from __future__ import annotations

from typing import Any, NoReturn

from neurallayers.circuits.importers.pynn.cells import (
    CELL_TYPES,
    EIF_cond_alpha_isfa_ista,
    EIF_cond_exp_isfa_ista,
    IF_cond_alpha,
    IF_cond_exp,
    IF_curr_alpha,
    IF_curr_delta,
    IF_curr_exp,
    Izhikevich,
    SpikeSourceArray,
    SpikeSourcePoisson,
)
from neurallayers.circuits.importers.pynn.connectors import (
    AllToAllConnector,
    FixedNumberPostConnector,
    FixedNumberPreConnector,
    FixedProbabilityConnector,
    FixedTotalNumberConnector,
    FromListConnector,
    OneToOneConnector,
)
from neurallayers.circuits.importers.pynn.network import Simulator, begin, current
from neurallayers.circuits.importers.pynn.numbers import NumpyRNG, RandomDistribution
from neurallayers.circuits.importers.pynn.populations import DCSource, Population, PopulationView
from neurallayers.circuits.importers.pynn.projections import Projection
from neurallayers.circuits.importers.pynn.synapses import (
    AdditivePotentiationMultiplicativeDepression,
    AdditiveWeightDependence,
    GutigWeightDependence,
    MultiplicativeWeightDependence,
    SpikePairRule,
    StaticSynapse,
    STDPMechanism,
    TsodyksMarkramSynapse,
)
from neurallayers.errors import InvalidInput, UnknownName
from neurallayers.registry import nearest_name

__all__ = [
    "CELL_TYPES",
    "AdditivePotentiationMultiplicativeDepression",
    "AdditiveWeightDependence",
    "AllToAllConnector",
    "DCSource",
    "EIF_cond_alpha_isfa_ista",
    "EIF_cond_exp_isfa_ista",
    "FixedNumberPostConnector",
    "FixedNumberPreConnector",
    "FixedProbabilityConnector",
    "FixedTotalNumberConnector",
    "FromListConnector",
    "GutigWeightDependence",
    "IF_cond_alpha",
    "IF_cond_exp",
    "IF_curr_alpha",
    "IF_curr_delta",
    "IF_curr_exp",
    "Izhikevich",
    "MultiplicativeWeightDependence",
    "NumpyRNG",
    "OneToOneConnector",
    "OutsideTheSubset",
    "Population",
    "PopulationView",
    "Projection",
    "RandomDistribution",
    "STDPMechanism",
    "Simulator",
    "SpikePairRule",
    "SpikeSourceArray",
    "SpikeSourcePoisson",
    "StaticSynapse",
    "TsodyksMarkramSynapse",
    "create",
    "end",
    "get_current_time",
    "get_max_delay",
    "get_min_delay",
    "get_time_step",
    "initialize",
    "list_standard_models",
    "num_processes",
    "rank",
    "record",
    "reset",
    "run",
    "run_for",
    "run_until",
    "set",
    "setup",
]


class OutsideTheSubset(UnknownName, AttributeError):
    """A part of PyNN that this module does not have."""


def __getattr__(name: str) -> NoReturn:
    if name.startswith("_"):
        raise AttributeError(name)
    raise OutsideTheSubset(
        f"PyNN's {name!r} is outside of the subset that runs here.",
        nearest_name(name, __all__),
    )


def setup(timestep: float = 0.1, min_delay: Any = "auto", **options: Any) -> int:
    """Begin anew.

    Args:
        timestep: Length of a step [ms].
        min_delay: Shortest delay [ms], at least a step; what projections do not say.
        **options: ``max_delay`` [ms], ``seed`` of all randomness, ``threads``.

    Returns:
        0, the rank of this process.

    Raises:
        InvalidInput: If an option is unknown or out of range.
    """
    begin(Simulator(timestep, min_delay, **options))
    return 0


def end() -> None:
    """Nothing is left to clean up."""


def run(simtime: float, callbacks: Any = None) -> float:
    """Let the network live for ``simtime`` ms; returns its age [ms]."""
    if callbacks:
        raise InvalidInput("run has callbacks.", "Call run several times instead.")
    return current().run(simtime)


def run_for(simtime: float, callbacks: Any = None) -> float:
    """The same as :func:`run`."""
    return run(simtime, callbacks)


def run_until(time_point: float, callbacks: Any = None) -> float:
    """Let the network live until it is ``time_point`` ms old."""
    remaining = time_point - current().time_ms
    return run(remaining, callbacks) if remaining > 0.0 else current().time_ms


def reset() -> None:
    """Go back to the beginning and start a new segment of data."""
    current().reset()


def get_current_time() -> float:
    """The network's age [ms]."""
    return current().time_ms


def get_time_step() -> float:
    """Length of a step [ms]."""
    return current().dt_ms


def get_min_delay() -> float:
    """Shortest delay [ms]."""
    return current().min_delay_ms


def get_max_delay() -> float:
    """Longest delay that :func:`setup` was told [ms]."""
    return current().max_delay_ms


def num_processes() -> int:
    """One process."""
    return 1


def rank() -> int:
    """The first and only process."""
    return 0


def list_standard_models() -> list[str]:
    """Names of the cells that there are."""
    return [found.__name__ for found in CELL_TYPES]


def create(cellclass: Any, cellparams: Any = None, n: int = 1) -> Population:
    """A population of ``n`` cells."""
    return Population(n, cellclass, cellparams)


def set(cells: Any, **parameters: Any) -> None:
    """Set parameters of a population."""
    cells.set(**parameters)


def initialize(cells: Any, **initial_values: Any) -> None:
    """Set initial values of a population."""
    cells.initialize(**initial_values)


def record(variables: Any, source: Any, filename: Any = None, **options: Any) -> None:
    """Record variables of a population."""
    source.record(variables, to_file=filename, **options)
