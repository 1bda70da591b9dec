"""What happens without a stimulus is lived alone, and says what it lacks."""

from __future__ import annotations

import pytest
from tests.brain.happenings import IMAGES, NETWORK, lesson, live_all

from neurallayers.brain import Life, live
from neurallayers.brain.entry import Entry
from neurallayers.brain.inner import INNER
from neurallayers.errors import InvalidInput, JournalError


def test_a_class_is_forgotten_with_its_episodes() -> None:
    life = live_all(NETWORK, [lesson(1, "new", IMAGES[0]), lesson(2, "a", IMAGES[1])])
    after, _ = live(NETWORK, life, Entry(3, "forget_class", {"label": "new"}, {}))
    assert after.mind.names == (None, "a")
    assert after.mind.held == 1
    assert after.sequence == 3


def test_episodes_like_an_image_are_forgotten() -> None:
    life = live_all(NETWORK, [lesson(1, "new", IMAGES[0]), lesson(2, "a", IMAGES[1])])
    entry = Entry(3, "forget_memories", {"likeness": 0.999}, {"stimulus": IMAGES[0]})
    after, outcome = live(NETWORK, life, entry)
    assert outcome.forgotten == (1,)
    assert after.known_labels == life.known_labels


def test_rules_are_those_of_the_last_entry() -> None:
    life = Life.begin(NETWORK)
    for number, rules in enumerate((["p(x) <- q(x)"], []), start=1):
        life, _ = live(NETWORK, life, Entry(number, "rules", {"rules": rules}, {}))
        assert life.mind.rules == tuple(rules)


@pytest.mark.parametrize("kind", sorted(set(INNER) - {"forget_memories"}))
def test_an_entry_that_lacks_what_it_needs_is_refused(kind: str) -> None:
    with pytest.raises(JournalError, match="has no"):
        live(NETWORK, Life.begin(NETWORK), Entry(1, kind, {}, {}))


def test_a_night_of_no_cycles_is_refused() -> None:
    with pytest.raises(InvalidInput, match="cycles is 0"):
        live(NETWORK, Life.begin(NETWORK), Entry(1, "sleep", {"cycles": 0}, {}))
