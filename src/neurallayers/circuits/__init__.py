"""Large sparse circuits of point neurons, event-driven, with their recordings."""

from neurallayers.circuits.circuit import Circuit
from neurallayers.circuits.circuit_state import CircuitState, PopulationState, ReceptorState
from neurallayers.circuits.connectivity import (
    AllToAll,
    DistanceBased,
    EdgeList,
    FixedInDegree,
    FixedOutDegree,
    FixedProbability,
    FixedTotal,
    FromSparse,
    OneToOne,
    gaussian_profile,
)
from neurallayers.circuits.distributions import LogNormal, Normal, Uniform
from neurallayers.circuits.drives import CurrentDrive, PoissonDrive, SpikeDrive
from neurallayers.circuits.gap_junctions import GapJunctions
from neurallayers.circuits.projections import DistanceDelay
from neurallayers.circuits.recording import Record, Run, Spikes
from neurallayers.circuits.sources import PoissonSpikes, RecordedSpikes

__all__ = [
    "AllToAll",
    "Circuit",
    "CircuitState",
    "CurrentDrive",
    "DistanceBased",
    "DistanceDelay",
    "EdgeList",
    "FixedInDegree",
    "FixedOutDegree",
    "FixedProbability",
    "FixedTotal",
    "FromSparse",
    "GapJunctions",
    "LogNormal",
    "Normal",
    "OneToOne",
    "PoissonDrive",
    "PoissonSpikes",
    "PopulationState",
    "ReceptorState",
    "Record",
    "RecordedSpikes",
    "Run",
    "SpikeDrive",
    "Spikes",
    "Uniform",
    "gaussian_profile",
]
