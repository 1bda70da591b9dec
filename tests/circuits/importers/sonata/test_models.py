"""NEST's models fire when NEST makes them fire."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurallayers.circuits import Circuit, CurrentDrive
from neurallayers.circuits.importers.sonata.models import TEMPLATES, value


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_makes_a_population_that_fires(name: str) -> None:
    template = TEMPLATES[name]
    p = {key: np.full(2, number) for key, number in template.defaults.items()}
    circuit = Circuit(dt_ms=0.1)
    circuit.add_population("cells", template.made(2, 0.1, p), receptors=template.receptors(p))
    circuit.drive("cells", CurrentDrive(15.0 if name == "nest:izhikevich" else 1000.0))
    assert len(circuit.run(200.0).spikes["cells"]) > 4


def test_a_constant_current_drives_it_as_its_closed_form_says() -> None:
    # iaf_psc_exp with NEST's numbers and 500 pA: 20 mV at steady state, 15 to the threshold.
    template = TEMPLATES["nest:iaf_psc_exp"]
    p = {key: np.full(1, number) for key, number in template.defaults.items()}
    circuit = Circuit(dt_ms=0.1)
    begin = {"membrane_potential": -70.0}
    circuit.add_population("cells", template.made(1, 0.1, p), initial=begin)
    circuit.drive("cells", CurrentDrive(500.0))
    times = circuit.run(100.0).spikes["cells"].times_ms
    first = np.ceil(10.0 * np.log(20.0 / 5.0) / 0.1) * 0.1
    np.testing.assert_allclose(times, first + (first + 2.0) * np.arange(len(times)), atol=1e-9)
    assert len(times) == 6


def test_numbers_that_are_alike_are_one_number() -> None:
    assert value(np.array([2.0, 2.0])) == 2.0
    assert torch.equal(value(np.array([1.0, 2.0])), torch.tensor([1.0, 2.0], dtype=torch.float64))
