"""Constants: plain numbers, one for each neuron, or learned."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
import torch

from neurallayers.dynamics.membrane.parameters import Constants
from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName


class Leak(NamedTuple):
    conductance: Any = 0.3
    reversal: Any = -54.0


def test_numbers_stay_numbers() -> None:
    constants = Constants(Leak(), (3,))
    assert constants() == Leak(0.3, -54.0)
    assert constants.plain
    assert not list(constants.parameters())


def test_tensors_are_spread_over_the_neurons_and_move_with_the_module() -> None:
    constants = Constants(Leak(conductance=torch.tensor([0.1, 0.2, 0.3])), (2, 3)).double()
    assert not constants.plain
    found = constants().conductance
    assert found.shape == (2, 3)
    assert found.dtype == torch.float64
    assert "conductance" in constants.state_dict()


def test_learned_ones_are_parameters_of_each_neuron() -> None:
    constants = Constants(Leak(), (3,), learn=("reversal",))
    (parameter,) = constants.parameters()
    assert parameter.shape == (3,)
    assert constants().reversal is parameter
    assert constants().conductance == 0.3


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'reversal'"):
        Constants(Leak(), (3,), learn=("reversl",))
    with pytest.raises(ShapeMismatch, match="conductance has shape"):
        Constants(Leak(conductance=torch.ones(4)), (3,))
    for value in (float("nan"), torch.tensor([1.0, float("inf"), 1.0])):
        with pytest.raises(InvalidInput, match="finite"):
            Constants(Leak(conductance=value), (3,))
