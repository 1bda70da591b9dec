"""Gap junctions of a population of several blocks, against their equations in plain numpy."""

from __future__ import annotations

import numpy as np

from neurallayers.circuits import Circuit, GapJunctions, Record, Uniform
from neurallayers.dynamics.neurons.integrate_and_fire import LeakyIntegrateAndFire


def test_every_cell_feels_its_partners_of_the_step_before() -> None:
    n, steps = 600, 40
    draw = np.random.default_rng(1)
    first, second = draw.integers(0, n, (2, 900))
    first, second = first[first != second], second[first != second]
    conductance = draw.uniform(0.0, 2.0, first.size)
    circuit = Circuit(dt_ms=0.1, seed=2)
    cell = LeakyIntegrateAndFire(
        n, dt_ms=0.1, capacitance_pf=200.0, leak_conductance_ns=10.0, threshold_mv=1e6,
        synaptic_input="conductance",
    )  # fmt: skip
    circuit.add_population("cells", cell, initial={"membrane_potential": Uniform(-80.0, -40.0)})
    circuit.couple(GapJunctions("cells", first, second, conductance))
    begin = circuit.run(1.7).state
    run = circuit.run(
        steps * 0.1, state=begin, record=Record(variables={"cells": ["membrane_potential"]})
    )
    v = begin.populations["cells"].neurons.membrane_potential[0].numpy()
    for found in run.variables["cells"]["membrane_potential"]:
        total, driven = np.full(n, 10.0), np.full(n, 10.0 * -65.0)
        for a, b in ((first, second), (second, first)):
            np.add.at(total, a, conductance)
            np.add.at(driven, a, conductance * v[b])
        v = driven / total + (v - driven / total) * np.exp(-0.1 * total / 200.0)
        assert np.abs(found - v).max() < 1e-9
