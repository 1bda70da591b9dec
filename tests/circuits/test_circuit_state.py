"""The state of a circuit is a value like any other state."""

from __future__ import annotations

import torch

from neurallayers.circuits.models import vogels_abbott
from neurallayers.state import batch_size, clone, from_named, leaves, to_named


def test_it_has_one_row_and_names_for_everything() -> None:
    state = vogels_abbott("COBA", cells=300).initial_state()
    assert batch_size(state) == 1
    names = {name for name, _ in leaves(state)}
    assert "populations.cells.neurons.membrane_potential" in names
    assert "populations.cells.receptors.inhibition.y" in names
    assert "populations.cells.arrivals" in names


def test_it_becomes_named_tensors_and_back() -> None:
    circuit = vogels_abbott("COBA", cells=300)
    state = circuit.run(5.0).state
    again = from_named(circuit.initial_state(), to_named(clone(state)))
    for (name, before), (_, after) in zip(leaves(state), leaves(again), strict=True):
        assert torch.equal(before, after), name
