"""A small living example of every synaptic cell, for the tests of the contract."""

from __future__ import annotations

from typing import Any

import torch
from tests.dynamics.living_cells import Example, make

from neurallayers.dynamics.synapses import GapJunctions

RING = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0)]
NERNST: dict[str, Any] = {"learn": ("tau_ms", "tau_rise_ms", "tau_decay_ms", "reversal_mv")}


def ring(**options: Any) -> Example:
    conductances = torch.linspace(0.5, 1.5, len(RING))
    return Example(lambda: GapJunctions.between(5, RING, conductances, **options))


EXAMPLES_SYNAPSES: dict[str, Example] = {
    "Receptors": make("Receptors", 5, "AMPA"),
    "Receptors, currents": make(
        "Receptors",
        5,
        {"kinetics": {"kind": "DoubleExponential", "tau_rise_ms": 1.0, "tau_decay_ms": 4.0}},
        tau_membrane_ms=20.0,
        learn=("tau_rise_ms", "tau_decay_ms"),
    ),
    "Receptors, all kinds": make("Receptors", 4, ["AMPA", "NMDA", "GABA_A", "GABA_B"], **NERNST),
    "Receptors, saturating": make(
        "Receptors", 4, {"slow": {"kinetics": {"kind": "SecondMessenger"}, "saturates": True}}
    ),
    "Delay": make("Delay", 5, 3.0),
    "Delay, each its own": make("Delay", 5, [0.0, 1.0, 2.0, 5.0, 3.0]),
    "GapJunctions": make("GapJunctions", 5, 0.3, learn=True),
    "GapJunctions, a ring": ring(learn=True),
    "GapJunctions, conductances": ring(output="conductance"),
    "ShortTermPlasticity": make("ShortTermPlasticity", 5, "depressing"),
    "ShortTermPlasticity, facilitating": make(
        "ShortTermPlasticity",
        5,
        "facilitating",
        learn=("utilization", "tau_recovery_ms", "tau_facilitation_ms"),
    ),
    "ShortTermPlasticity, resting in use": make(
        "ShortTermPlasticity",
        5,
        {
            "utilization": 0.2,
            "tau_recovery_ms": 200.0,
            "tau_facilitation_ms": 500.0,
            "convention": "mongillo",
        },
        learn=("utilization",),
    ),
}
