"""A small trained network and two thoughts of it."""

from __future__ import annotations

import pytest

from neurallayers.brain import Brain, BrainNetwork
from neurallayers.data import load_digits
from neurallayers.demo import Unfolding, unfold
from neurallayers.research import train


@pytest.fixture(scope="session")
def network() -> BrainNetwork:
    """A network that two epochs taught the ten digits."""
    return train("hasn-nano-digits", epochs=2, threads=1).network


@pytest.fixture(scope="session")
def unfoldings(network: BrainNetwork) -> list[Unfolding]:
    """A held-out 3 and a held-out 8."""
    test = load_digits().test
    brain = Brain(network)
    return [unfold(brain, test.of_classes([digit]).images[0], str(digit)) for digit in (3, 8)]
