"""A life comes back from a manifest and tensors bit for bit, and another's is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from tests.brain.individuals import bits, looped_spec, pictures, small_network
from torch import Tensor

from neurallayers.brain import BrainNetwork, Life, live
from neurallayers.brain.journal import Entry
from neurallayers.brain.stored_life import life_from, life_manifest, life_parts
from neurallayers.errors import InvalidInput

NETWORK = small_network()


def lived(network: BrainNetwork, classes: int = 5) -> Life:
    life = Life.begin(network, seed=3)
    for i, image in enumerate(pictures(classes, network)):
        entry = Entry(i + 1, "lesson", {"target": f"class {i}"}, {"stimulus": image})
        life, _ = live(network, life, entry)
    return life


def stored(life: Life) -> tuple[dict[str, Any], dict[str, dict[str, Tensor]]]:
    return json.loads(json.dumps(life_manifest(life))), life_parts(life)


@pytest.mark.parametrize("classes", [0, 1, 5])
def test_a_life_comes_back_bit_for_bit(classes: int) -> None:
    life = lived(NETWORK, classes)
    back = life_from(NETWORK, *stored(life))
    assert bits(back) == bits(life)


@pytest.mark.parametrize("encoder", ["poisson", "delta"])
def test_what_the_senses_remember_comes_back(encoder: str) -> None:
    network = BrainNetwork(looped_spec(encoder))
    life = lived(network, 2)
    assert bits(life_from(network, *stored(life))) == bits(life)


def test_the_manifest_names_the_platform() -> None:
    manifest = life_manifest(lived(NETWORK, 1))
    assert manifest["labels"] == ["a", "b", "class 0", None]
    assert manifest["sequence"] == 1
    assert manifest["platform"]["dtype"] == "float32"


@pytest.mark.parametrize("fault", ["labels", "slots", "name", "dtype", "shape", "lessons", "rows"])
def test_a_life_of_another_network_is_refused(fault: str) -> None:
    manifest, parts = stored(lived(NETWORK))
    state = parts["state"]
    if fault == "labels":
        manifest["labels"] = manifest["labels"][:-1]
    elif fault == "slots":
        state["readout.known"] = state["readout.known"][:, :2]
        manifest["labels"] = manifest["labels"][:2]
    elif fault == "name":
        state["regions.visual.excitability"] = state.pop("regions.sensory.excitability")
    elif fault == "dtype":
        state["readout.fast_bias"] = state["readout.fast_bias"].double()
    elif fault == "shape":
        state["regions.sensory.excitability"] = torch.zeros(1, 15)
    elif fault == "lessons":
        parts["lessons"]["keys"] = torch.zeros(5, 31)
    else:
        parts["state"] = {name: torch.cat([tensor, tensor]) for name, tensor in state.items()}
    with pytest.raises(InvalidInput):
        life_from(NETWORK, manifest, parts)


def test_room_that_a_file_only_claims_is_not_allocated() -> None:
    manifest, parts = stored(lived(NETWORK, 0))
    claimed = 2**20  # slots, whose fast weights would take 128 MiB for each of 1000 claims
    manifest["labels"] = ["a", "b", *[None] * (claimed - 2)]
    parts["state"]["readout.known"] = torch.zeros(1, 1).expand(1, claimed)
    with pytest.raises(InvalidInput, match=r"readout\.fast_weight"):
        life_from(NETWORK, manifest, parts)
