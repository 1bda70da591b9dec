"""Living examples of membranes, for the tests of the contract."""

from __future__ import annotations

from typing import Any

import torch
from tests.dynamics.living_cells import Example

from neurallayers.dynamics.membrane import (
    CompartmentalNeuron,
    ConductanceCell,
    HodgkinHuxley,
    Morphology,
)

CONSTANTS = ("capacitance_uf_cm2", "sodium_ms_cm2", "leak_reversal_mv")
FORKED = Morphology((-1, 0, 1, 1), (20.0, 80.0, 60.0, 40.0), (20.0, 3.0, 2.0, 1.5))
# Strong drive and long steps: in a few steps something must happen.
FAST: dict[str, Any] = {"dt_ms": 0.1, "initial_potential_mv": -55.0}


def axon(n: int, **options: Any) -> Example:
    return Example(lambda: HodgkinHuxley(n, **options))


EXAMPLES_MEMBRANE: dict[str, Example] = {
    "HodgkinHuxley": axon(5, learn=CONSTANTS, **FAST),
    "HodgkinHuxley, potentials, exponential Euler": axon(
        3,
        solver="exponential_euler",
        output="membrane_potential",
        learn=CONSTANTS,
        temperature_celsius=16.3,
        **FAST,
    ),
    "HodgkinHuxley, conductances": axon(3, synaptic_input="conductance", **FAST),
    "HodgkinHuxley, Runge-Kutta": axon(
        3,
        solver="rk4",
        dt_ms=0.02,
        leak_ms_cm2=torch.tensor([0.2, 0.3, 0.4]),
        learn=("sodium_ms_cm2",),
    ),
    "ConductanceCell": Example(
        lambda: ConductanceCell(
            3, learn=("capacitance_uf_cm2", "SquidSodium.conductance_ms_cm2"), **FAST
        )
    ),
    "ConductanceCell, cortical, with calcium": Example(
        lambda: ConductanceCell(
            3,
            ["CorticalSodium", "CorticalPotassium", "MCurrent", "LTypeCalcium", "AHP", "Leak"],
            learn=("MCurrent.conductance_ms_cm2", "AHP.reversal_mv"),
            synaptic_input="conductance",
            **FAST,
        )
    ),
    "ConductanceCell, thalamic, Runge-Kutta": Example(
        lambda: ConductanceCell(
            2,
            ["CorticalSodium", "CorticalPotassium", "TTypeCalcium", "ATypePotassium", "Leak"],
            solver="rk4",
            output="membrane_potential",
            temperature_celsius=34.0,
            dt_ms=0.02,
            learn=("Leak.conductance_ms_cm2",),
        )
    ),
    "CompartmentalNeuron": Example(
        lambda: CompartmentalNeuron(
            2, FORKED, learn=("axial_resistivity_ohm_cm", "Leak.reversal_mv"), **FAST
        )
    ),
    "CompartmentalNeuron, backward Euler, with calcium": Example(
        lambda: CompartmentalNeuron(
            1,
            FORKED,
            ["CorticalSodium", "CorticalPotassium", "LTypeCalcium", "AHP", "Leak"],
            scheme="backward_euler",
            output="membrane_potential",
            learn=("capacitance_uf_cm2", "AHP.conductance_ms_cm2"),
            **FAST,
        )
    ),
}
