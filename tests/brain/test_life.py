"""A life is a value: the same entries give the same bits, and a lesson can be traced and undone."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from tests.brain.conftest import Trained
from tests.brain.individuals import bits, pictures, small_network
from torch import Tensor

from neurallayers.brain import BrainNetwork, Life, live, think
from neurallayers.brain import life as life_module
from neurallayers.brain.journal import Entry
from neurallayers.brain.life import Ledger, ledger_from
from neurallayers.errors import InvalidInput, JournalError

NETWORK = small_network()
IMAGES = pictures(12, NETWORK)


def lesson(number: int, target: str, image: Tensor) -> Entry:
    return Entry(number, "lesson", {"target": target}, {"stimulus": image})


def live_all(network: BrainNetwork, entries: list[Entry], life: Life | None = None) -> Life:
    life = Life.begin(network) if life is None else life
    for entry in entries:
        life, _ = live(network, life, entry)
    return life


def mixed_entries() -> list[Entry]:
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("lesson", {"target": "a"}),
        ("lesson", {"target": "new"}),
        ("stimulus", {}),
        ("reward", {"reward": 0.5}),
        ("lesson", {"target": "b"}),
        ("forget_class", {"label": "new"}),
        ("lesson", {"target": "newer"}),
        ("reward", {"reward": -1.0}),
    ]
    return [
        Entry(i + 1, kind, content, {} if "label" in content else {"stimulus": IMAGES[i]})
        for i, (kind, content) in enumerate(kinds)
    ]


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


def test_the_same_entries_give_the_same_bits() -> None:
    one, other = (live_all(NETWORK, mixed_entries()) for _ in range(2))
    assert bits(one) == bits(other)
    assert one.sequence == 8
    assert one.known_labels == ("a", "b", "newer")


def test_a_stored_entry_is_lived_as_the_one_that_happened() -> None:
    stored = [Entry.decode(entry.encode()) for entry in mixed_entries()]
    assert bits(live_all(NETWORK, stored)) == bits(live_all(NETWORK, mixed_entries()))


def test_living_changes_no_life_before() -> None:
    lives = [Life.begin(NETWORK)]
    seen = [bits(lives[0])]
    for entry in mixed_entries():
        life, _ = live(NETWORK, lives[-1], entry)
        lives.append(life)
        seen.append(bits(life))
    assert [bits(life) for life in lives] == seen
    assert all(one != other for one, other in itertools.pairwise(seen))


def test_a_new_class_gets_a_free_slot_and_room_doubles_when_there_is_none() -> None:
    names = ["c", "d", "e", "f", "g"]
    life = live_all(NETWORK, [lesson(i + 1, name, IMAGES[i]) for i, name in enumerate(names)])
    assert life.labels == ("a", "b", "c", "d", "e", "f", "g", None)
    assert life.state.readout.known[0].tolist() == [1.0] * 7 + [0.0]
    assert life.ledger.coefficients.shape == (5, 8)
    assert life.ledger.taught.tolist() == [2, 3, 4, 5, 6]
    for i, name in enumerate(names):
        assert life.slot(name) == i + 2
    # What was learned before it grew is still there.
    roomy = small_network(readout=NETWORK.spec.readout.model_copy(update={"capacity": 8}))
    roomy.load_state_dict(NETWORK.state_dict())
    wide = live_all(roomy, [lesson(i + 1, name, IMAGES[i]) for i, name in enumerate(names)])
    assert torch.allclose(wide.state.readout.fast_weight, life.state.readout.fast_weight, atol=1e-6)


def test_forgetting_a_class_returns_its_rivals_to_where_they_were(trained: Trained) -> None:
    network = trained.network
    images = trained.images.unsqueeze(-1)
    others = [i for i in range(60) if trained.labels[i] < 8][:6]
    nines = (trained.labels == 9).nonzero()[:3, 0].tolist()

    # Others are taught under a wrong name, so that there is something to learn in any case.
    first = live_all(network, [lesson(i + 1, "mark", images[o]) for i, o in enumerate(others)])
    learned = live_all(
        network, [lesson(10 + i, "9", images[nine]) for i, nine in enumerate(nines)], first
    )
    moved = (learned.state.readout.fast_weight - first.state.readout.fast_weight)[0]
    rivals = [slot for slot in range(10) if moved[slot].abs().sum() > 0 and slot != 9]
    assert rivals, "the lessons weakened no rival"
    forgotten = live_all(network, [Entry(20, "forget_class", {"label": "9"})], learned)
    readout, before = forgotten.state.readout, first.state.readout
    assert torch.allclose(readout.fast_weight, before.fast_weight, atol=1e-5)
    assert torch.allclose(readout.fast_bias, before.fast_bias, atol=1e-5)
    assert torch.equal(readout.known, before.known)
    assert torch.equal(readout.lessons, before.lessons)
    assert bits(forgotten.ledger.named()) == bits(first.ledger.named())
    assert "9" not in forgotten.known_labels


def test_the_slot_of_a_trained_class_is_never_used_for_another() -> None:
    entries = [
        Entry(1, "forget_class", {"label": "a"}),
        lesson(2, "c", IMAGES[0]),
        lesson(3, "a", IMAGES[1]),
    ]
    life = live_all(NETWORK, entries)
    assert life.labels == (None, "b", "c", "a")
    assert life.state.readout.known[0].tolist() == [0.0, 1.0, 1.0, 1.0]
    taught_freed = live_all(
        NETWORK,
        [Entry(4, "forget_class", {"label": "c"}), lesson(5, "d", IMAGES[2])],
        life,
    )
    assert taught_freed.labels == (None, "b", "d", "a")
    assert taught_freed.state.readout.lessons[0].tolist() == [0.0, 0.0, 1.0, 1.0]


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


def test_an_entry_that_makes_no_sense_is_refused() -> None:
    life = Life.begin(NETWORK)
    with pytest.raises(JournalError, match="newer release"):
        live(NETWORK, life, Entry(1, "dream", {}, {"stimulus": IMAGES[0]}))
    with pytest.raises(InvalidInput, match="have shape"):
        live(NETWORK, life, lesson(1, "a", torch.zeros(5, 5)))


def test_the_outcome_is_what_was_thought_before_the_lesson() -> None:
    life = Life.begin(NETWORK)
    after, outcome = live(NETWORK, life, lesson(1, "b", IMAGES[0]))
    assert outcome.thinking is not None
    assert outcome.lesson is not None
    before = think(NETWORK, life.state, IMAGES[:1])
    assert torch.equal(outcome.thinking.scores, before.scores)
    assert bits(outcome.thinking.state) == bits(after.state)
    _, quiet = live(NETWORK, after, Entry(2, "forget_class", {"label": "a"}))
    assert quiet.thinking is None
    assert quiet.lesson is None


def test_a_ledger_of_another_shape_is_refused() -> None:
    named = Ledger.empty(5, 3).named()
    assert bits(ledger_from(named, 5, 3).named()) == bits(named)
    with pytest.raises(InvalidInput, match="ledger of lessons has shapes"):
        ledger_from(named, 5, 4)
    with pytest.raises(InvalidInput, match="ledger of lessons has shapes"):
        ledger_from({name: named[name] for name in ("entries", "keys")}, 5, 3)
    with pytest.raises(InvalidInput, match="ledger of lessons has shapes"):
        ledger_from({}, 5, 3)


def test_forgetting_a_class_that_is_not_there_changes_nothing() -> None:
    life = Life.begin(NETWORK)
    after, outcome = live(NETWORK, life, Entry(1, "forget_class", {"label": "c"}))
    assert bits(after.state) == bits(life.state)
    assert after.labels == life.labels
    assert outcome.thinking is None
