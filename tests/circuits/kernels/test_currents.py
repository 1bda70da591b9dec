"""Sampling of variables; currents and releases are tested with drives and deliveries."""

from __future__ import annotations

import numpy as np
import pytest

from neurallayers.circuits import Circuit, CurrentDrive, Record
from neurallayers.dynamics.neurons.integrate_and_fire import LeakyIntegrateAndFire


@pytest.mark.parametrize("every_ms", [0.1, 0.3, 1.0])
@pytest.mark.parametrize("start_ms", [0.1, 0.5, 1.0])
def test_samples_are_taken_at_multiples_of_the_circuits_time(
    every_ms: float, start_ms: float
) -> None:
    circuit = Circuit(dt_ms=0.1)
    cell = LeakyIntegrateAndFire(300, dt_ms=0.1, tau_ms=20.0, resistance_mohm=100.0)
    circuit.add_population("cells", cell)
    circuit.drive("cells", CurrentDrive(np.linspace(0.0, 100.0, 300)))
    cells = [299, 3, 256, 255]
    variables = {"cells": ["membrane_potential"]}
    state = circuit.run(start_ms).state
    run = circuit.run(
        4.0, state=state, record=Record(variables=variables, every_ms=every_ms, cells=cells)
    )
    steps = np.arange(round(start_ms / 0.1) + 1, round(start_ms / 0.1) + 41)
    expected_ms = steps[steps % round(every_ms / 0.1) == 0] * 0.1
    assert run.times_ms == pytest.approx(expected_ms)
    current = np.linspace(0.0, 100.0, 300)[cells]
    closed_form = -65.0 + 0.1 * current * -np.expm1(-expected_ms[:, None] / 20.0)
    assert run.variables["cells"]["membrane_potential"] == pytest.approx(closed_form, abs=1e-9)
    assert run.cells["cells"].tolist() == cells
