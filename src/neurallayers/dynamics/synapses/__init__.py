"""Synapses: weights, and what lies between a spike and the current that it causes."""

from neurallayers.dynamics.synapses.delays import Delay, DelayState
from neurallayers.dynamics.synapses.dense import Linear, on_cache_lines, product, random_weights
from neurallayers.dynamics.synapses.gap_junctions import GapJunctions
from neurallayers.dynamics.synapses.kinetics import (
    KINETICS,
    Alpha,
    Delta,
    DoubleExponential,
    Exponential,
    Kinetics,
    LinearKinetics,
    SecondMessenger,
    kinetics_from,
)
from neurallayers.dynamics.synapses.receptor_cells import Receptors, ReceptorsState
from neurallayers.dynamics.synapses.receptors import (
    RECEPTORS,
    Hill,
    MagnesiumBlock,
    Receptor,
    receptor_from,
)
from neurallayers.dynamics.synapses.short_term import (
    SHORT_TERM,
    ShortTermPlasticity,
    ShortTermState,
    TsodyksMarkram,
    short_term_from,
)

__all__ = [
    "KINETICS",
    "RECEPTORS",
    "SHORT_TERM",
    "Alpha",
    "Delay",
    "DelayState",
    "Delta",
    "DoubleExponential",
    "Exponential",
    "GapJunctions",
    "Hill",
    "Kinetics",
    "Linear",
    "LinearKinetics",
    "MagnesiumBlock",
    "Receptor",
    "Receptors",
    "ReceptorsState",
    "SecondMessenger",
    "ShortTermPlasticity",
    "ShortTermState",
    "TsodyksMarkram",
    "kinetics_from",
    "on_cache_lines",
    "product",
    "random_weights",
    "receptor_from",
    "short_term_from",
]
