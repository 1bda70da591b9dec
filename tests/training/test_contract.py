from __future__ import annotations

import pytest
from torch import nn

from neurallayers.errors import InvalidInput
from neurallayers.training.contract import module_of


def test_a_network_is_its_own_module(network):
    assert module_of(network) is network


@pytest.mark.parametrize("impostor", [object(), nn.Linear(2, 2)])
def test_what_cannot_perceive_cannot_be_trained(impostor):
    with pytest.raises(InvalidInput, match="perceive"):
        module_of(impostor)


def test_a_frozen_network_has_nothing_to_train(network):
    network.requires_grad_(False)
    with pytest.raises(InvalidInput, match="requires_grad_"):
        module_of(network)
