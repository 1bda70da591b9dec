"""What came of an entry besides the life after it."""

from __future__ import annotations

import pytest
from tests.brain.happenings import IMAGES, NETWORK, lesson

from neurallayers.brain import Life, live
from neurallayers.brain.entry import Entry
from neurallayers.brain.outcome import Outcome


def test_a_lesson_has_a_thought_and_a_change() -> None:
    after, outcome = live(NETWORK, Life.begin(NETWORK), lesson(1, "new", IMAGES[0]))
    assert outcome.thinking is not None
    assert outcome.thinking.scores.shape == (1, 4)
    moved = after.state.readout.fast_weight
    assert outcome.change == pytest.approx(float(moved.flatten(1).norm()), rel=1e-4)


def test_what_needs_no_stimulus_has_none() -> None:
    _, outcome = live(NETWORK, Life.begin(NETWORK), Entry(1, "sleep", {"cycles": 1}, {}))
    assert outcome.thinking is None
    assert outcome.change == 0.0
    assert outcome.sleep is not None
    assert Outcome().forgotten == ()
