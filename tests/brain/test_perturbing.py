"""Pushing a network: the push changes what it should, and nothing before it."""

from __future__ import annotations

import pytest
import torch
from tests.brain.individuals import small_network

from neurallayers.brain.perturbing import background, perturb, push, transition_probabilities
from neurallayers.errors import InvalidInput

NETWORK = small_network()
QUICK = {"trials": 3, "before_ms": 20.0, "after_ms": 30.0}


def test_noise_goes_on_without_end_and_differs_by_trial() -> None:
    drive = background(NETWORK, 2, 50, seed=1)
    assert drive.shape == (50, 2, 4, 4, 1)
    assert not torch.equal(drive[:, 0], drive[:, 1])
    assert torch.equal(drive, background(NETWORK, 2, 50, seed=1))
    assert background(NETWORK, 1, 9, strength=0.0).abs().max() == 0.0


def test_a_push_raises_the_potentials_of_its_share_and_nothing_else() -> None:
    before = NETWORK.initial_state(2)
    after = push(NETWORK, before, "sensory", share=0.25, strength=1.5)
    risen = after.regions["sensory"].neurons.membrane_potential
    assert (risen == 1.5).sum(1).tolist() == [4, 4]
    assert torch.equal(risen[0], risen[1])
    assert (before.regions["sensory"].neurons.membrane_potential == 0.0).all()
    assert after.regions["cerebrum"] is before.regions["cerebrum"]


def test_nothing_differs_without_cause() -> None:
    response = perturb(NETWORK, share=0.5, strength=5.0, **QUICK)
    assert response.all_spikes().shape == (50, 3, 32)
    assert response.difference().shape == (30, 3, 32)
    # What is pushed far over its threshold fires at once, where it did not already.
    assert response.difference()[0, :, :16].any()
    # The cerebrum hears of it a step later.
    assert not response.difference()[0, :, 16:].any()


def test_a_push_of_nobody_changes_nothing() -> None:
    weak = perturb(NETWORK, share=0.5, strength=1e-9, **QUICK)
    assert not weak.difference().any()


def test_the_probabilities_are_those_of_the_weights() -> None:
    """Neurons that fired inhibit or excite the others as their weights say."""
    network = small_network()
    weight = network.regions["cerebrum"].neurons.recurrent_weight
    with torch.no_grad():
        weight.zero_()
        weight[1, 0] = 50.0  # neuron 0 makes neuron 1 fire
        weight[0, 1] = -50.0  # neuron 1 silences neuron 0
    found = transition_probabilities(network, "cerebrum", [0, 1], trials=20)
    assert found.shape == (4, 2)
    assert found[1, 1] == found[3, 1] == 1.0
    assert found[2, 0] == found[3, 0] == 0.0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"region": "sensors"}, "no region 'sensors'"),
        ({"share": 0.0}, "share is 0.0"),
        ({"strength": -1.0}, "strength -1.0"),
        ({"before_ms": 0.0}, "before_ms is 0.0"),
        ({"trials": 0}, "trials is 0"),
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        perturb(NETWORK, **{**QUICK, **change})  # type: ignore[arg-type]


def test_only_neurons_that_hear_each_other_have_transitions() -> None:
    with pytest.raises(InvalidInput, match="do not hear each other"):
        transition_probabilities(NETWORK, "sensory", [0, 1], trials=2)
    with pytest.raises(InvalidInput, match="1 to 8 different"):
        transition_probabilities(NETWORK, "cerebrum", [0, 0], trials=2)
    with pytest.raises(InvalidInput, match="no region"):
        transition_probabilities(NETWORK, "nowhere", [0], trials=2)
