"""A life is a value: what it knows, and a ledger by which a score is traced back to its lessons."""

from __future__ import annotations

import pytest
import torch
from tests.brain.happenings import IMAGES, NETWORK, lesson, live_all, mixed_entries
from tests.brain.individuals import bits
from torch import Tensor

from neurallayers.brain import BrainNetwork, Life, think
from neurallayers.brain import life as life_module
from neurallayers.brain.entry import Entry
from neurallayers.brain.life import Ledger, ledger_from
from neurallayers.errors import InvalidInput


def test_a_new_born_knows_what_its_network_was_trained_for() -> None:
    life = Life.begin(NETWORK)
    assert life.labels == ("a", "b", None, None)
    assert life.known_labels == ("a", "b")
    assert life.sequence == 0
    assert len(life.ledger.entries) == 0
    assert bits(life) == bits(Life.begin(NETWORK))


def test_a_class_has_a_slot_and_an_unknown_one_a_suggestion() -> None:
    life = live_all(NETWORK, [lesson(1, "square", IMAGES[0])])
    assert [life.slot(label) for label in life.known_labels] == [0, 1, 2]
    with pytest.raises(InvalidInput, match=r"does not know 'squares'.*square"):
        life.slot("squares")


def fast_score(network: BrainNetwork, life: Life, image: Tensor) -> Tensor:
    """What the fast weights alone add to each slot's score, ``[slots]``."""
    trace = think(network, life.state, image[None]).features[0].double()
    readout = life.state.readout
    return readout.fast_weight[0].double() @ trace + readout.fast_bias[0].double()


def ledger_score(network: BrainNetwork, life: Life, image: Tensor) -> Tensor:
    """The same as the sum of what each recorded lesson wrote."""
    trace = think(network, life.state, image[None]).features[0].double()
    ledger = life.ledger
    similarity = ledger.keys.double() @ trace + ledger.offsets.double()
    return ledger.coefficients.double().T @ similarity


def test_shares_of_the_ledger_add_up_to_the_fast_score() -> None:
    trained_only = [entry for entry in mixed_entries() if entry.kind != "forget_class"]
    renumbered = [
        Entry(i + 1, entry.kind, entry.content, entry.tensors)
        for i, entry in enumerate(trained_only)
    ]
    life = live_all(NETWORK, renumbered)
    assert life.ledger.entries.tolist() == [1, 2, 4, 5, 6, 7]
    assert life.ledger.taught.tolist() == [0, 2, -1, 1, 3, -1]
    for image in IMAGES:
        expected = fast_score(NETWORK, life, image)
        assert torch.allclose(ledger_score(NETWORK, life, image), expected, atol=1e-5)


def test_shares_still_add_up_after_a_class_was_forgotten() -> None:
    life = live_all(NETWORK, mixed_entries())
    assert life.ledger.entries.tolist() == [1, 4, 5, 7, 8]
    for image in IMAGES:
        expected = fast_score(NETWORK, life, image)
        assert torch.allclose(ledger_score(NETWORK, life, image), expected, atol=1e-5)


def test_the_ledger_keeps_the_last_lessons(monkeypatch: pytest.MonkeyPatch) -> None:
    assert life_module.LESSONS_KEPT == 1000
    monkeypatch.setattr(life_module, "LESSONS_KEPT", 4)
    life = live_all(NETWORK, [lesson(i + 1, "new", IMAGES[i]) for i in range(7)])
    assert life.ledger.entries.tolist() == [4, 5, 6, 7]
    assert {len(tensor) for tensor in life.ledger.named().values()} == {4}


def test_a_ledger_of_another_shape_is_refused() -> None:
    named = Ledger.empty(5, 3).named()
    assert bits(ledger_from(named, 5, 3).named()) == bits(named)
    with pytest.raises(InvalidInput, match="ledger of lessons has shapes"):
        ledger_from(named, 5, 4)
    with pytest.raises(InvalidInput, match="ledger of lessons has shapes"):
        ledger_from({name: named[name] for name in ("entries", "keys")}, 5, 3)
    with pytest.raises(InvalidInput, match="ledger of lessons has shapes"):
        ledger_from({}, 5, 3)
