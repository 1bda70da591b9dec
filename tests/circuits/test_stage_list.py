"""The numbers that stages read."""

from __future__ import annotations

import numpy as np
import pytest

from neurallayers.circuits.circuit import Circuit
from neurallayers.circuits.drives import CurrentDrive
from neurallayers.circuits.populations import Population
from neurallayers.circuits.simulation import LivingCircuit
from neurallayers.circuits.stage_list import (
    constant_current_pa,
    padded,
    place_of_receptor,
    receptor_numbers,
    thresholds_of,
)
from neurallayers.dynamics.neurons.integrate_and_fire import LeakyIntegrateAndFire
from neurallayers.dynamics.synapses.kinetics import DoubleExponential
from neurallayers.errors import InvalidInput


def population(**receptors: str) -> Population:
    cell = LeakyIntegrateAndFire(
        300, dt_ms=0.1, tau_ms=20.0, resistance_mohm=100.0, synaptic_input="conductance"
    )
    return Population("cells", cell, 0.1, receptors)


def test_only_currents_alike_for_all_and_ever_are_summed() -> None:
    drives = [CurrentDrive(3.0), CurrentDrive(np.ones(300)), CurrentDrive(4.0)]
    drives.append(CurrentDrive([5.0], every_ms=1.0))
    assert constant_current_pa(population(), drives) == 7.0


def test_numbers_of_a_receptor() -> None:
    numbers = receptor_numbers(population(r="NMDA").rows["r"])
    kinetics = DoubleExponential(2.0, 100.0).coefficients(0.1)
    assert numbers[:2] == [kinetics.decay_x, kinetics.decay_y]
    assert numbers[7] == 0.0
    assert numbers[10:13] == [1.0, 3.57, 0.062]
    assert receptor_numbers(population(r="GABA_B").rows["r"])[7:10] == [-95.0, 100.0, 1.0]


def test_the_only_receptor_needs_no_name() -> None:
    assert place_of_receptor(population(a="AMPA"), None) == 0
    assert place_of_receptor(population(n="NMDA", a="AMPA"), "n") == 1
    with pytest.raises(InvalidInput, match="a, n"):
        place_of_receptor(population(n="NMDA", a="AMPA"), None)


def test_lanes_behind_the_last_cell_have_no_events() -> None:
    least, levels, table = thresholds_of(np.full((2, 300), 0.01))
    assert (least, table.shape) == (0, (2, levels, 512))
    assert (table[:, :, 300:] == 0xFFFFFFFF).all()
    assert padded(np.ones(300), 300).sum() == 300.0


def test_what_is_not_used_is_not_called() -> None:
    circuit = Circuit(dt_ms=0.1)
    circuit.add_population("cells", population().cell)
    simulation = LivingCircuit(circuit.wiring, circuit.initial_state())
    assert len(simulation.stages) == 1
