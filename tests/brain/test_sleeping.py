"""A night replays, repairs and generalises; it is drawn from the number of its entry alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tests.brain.conftest import Trained
from tests.brain.happenings import IMAGES, NETWORK, lesson, live_all
from tests.brain.individuals import bits

from neurallayers.brain import Brain, Life
from neurallayers.brain.remembering import all_episodes
from neurallayers.brain.sleeping import picture, sleep
from neurallayers.errors import InvalidInput


def taught(count: int = 8) -> Life:
    return live_all(NETWORK, [lesson(i + 1, "abcd"[i % 4], IMAGES[i]) for i in range(count)])


def test_a_night_replays_what_was_lived_through() -> None:
    life = taught()
    after, night = sleep(NETWORK, life, cycles=3, entry=9)
    assert set(night.replayed) <= set(range(1, 9))
    assert len(set(night.replayed)) > 4
    assert night.founded > 0
    assert after.known_labels == life.known_labels
    assert torch.equal(after.state.readout.lessons, life.state.readout.lessons)
    assert "replayed" in str(night)
    assert night.to_dict()["entry"] == 9


def test_the_same_night_gives_the_same_bits_and_another_another() -> None:
    life = taught()
    one, other = (sleep(NETWORK, life, 2, 9) for _ in range(2))
    assert bits(one[0]) == bits(other[0])
    assert one[1] == other[1]
    assert sleep(NETWORK, life, 2, 10)[1].replayed != one[1].replayed


def test_nobody_dreams_who_has_lived_nothing() -> None:
    life = Life.begin(NETWORK)
    after, night = sleep(NETWORK, life, 4, 1)
    assert night.replayed == ()
    assert bits(replace(after, mind=life.mind)) == bits(life)


def test_important_episodes_are_not_lost_in_any_number_of_nights() -> None:
    life = taught()
    important = {e.entry for _, e in all_episodes(life.mind) if e.importance >= 0.8}
    for entry in range(9, 39):
        life, _ = sleep(NETWORK, life, 4, entry)
    assert important <= {episode.entry for _, episode in all_episodes(life.mind)}


def test_sleep_repairs_what_later_lessons_did_to_earlier_ones(trained: Trained) -> None:
    """Nine new classes, one after the other; then the first of them are asked for again."""
    brain = Brain(trained.network)
    names = [f"class {i}" for i in range(9)]
    images = [trained.images[i] for i in range(27)]
    for i, name in enumerate(names):
        for image in images[3 * i : 3 * i + 3]:
            brain.learn(image, name)

    def right() -> int:
        thoughts = brain.process_batch(torch.stack(images))
        return sum(thought.label == names[i // 3] for i, thought in enumerate(thoughts))

    before = right()
    night = brain.sleep()
    assert night.relearned
    assert night.change > 0.0
    assert right() > before


def test_an_explanation_still_adds_up_after_a_night(trained: Trained) -> None:
    brain = Brain(trained.network)
    for i in range(12):
        brain.learn(trained.images[i], f"class {i % 4}")
    brain.sleep()
    reasons = brain.explain(trained.images[0])
    whole = reasons.bias + sum(reasons.regions.values()) + reasons.earlier
    whole += sum(share.share for share in reasons.lessons)
    assert whole == pytest.approx(reasons.score, abs=1e-3)


def test_an_episode_keeps_its_picture() -> None:
    life = taught(1)
    assert torch.allclose(picture(life, 0), IMAGES[0], atol=0.5 / 255.0)


@pytest.mark.parametrize("cycles", [0, 101, 1.5, True, None])
def test_nights_of_no_or_too_many_cycles_are_refused(cycles: object) -> None:
    with pytest.raises(InvalidInput, match="cycles is"):
        Brain(NETWORK).sleep(cycles)  # type: ignore[arg-type]
