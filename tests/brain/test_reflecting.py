"""Thoughts come with memories and conclusions; a mind that has none adds nothing."""

from __future__ import annotations

from tests.brain.happenings import IMAGES, NETWORK

from neurallayers.brain import Brain, think
from neurallayers.brain.reflecting import reflect
from neurallayers.brain.thought import decode


def test_a_mind_without_past_and_rules_adds_nothing() -> None:
    life = Brain(NETWORK).life
    thinking = think(NETWORK, life.state, IMAGES[0][None])
    thought = decode(NETWORK, thinking, life.labels)
    assert reflect(NETWORK, {0: life.mind}, thinking, [thought])[0] is thought


def test_each_row_gets_what_its_own_mind_holds() -> None:
    taught, ruled, empty = (Brain(NETWORK) for _ in range(3))
    taught.learn(IMAGES[1], "square")
    ruled.rules.add('vowel(x) <- letter(x, "a")')
    thinking = think(NETWORK, empty.life.state, IMAGES[1][None])
    thought = decode(NETWORK, thinking, empty.life.labels)
    rows = {0: taught.life.mind}
    assert reflect(NETWORK, rows, thinking, [thought])[0].recalled[0].what == "square"
    rows = {0: ruled.life.mind}
    assert reflect(NETWORK, rows, thinking, [thought])[0].conclusions[0].statement == "vowel(It)"


def test_many_thoughts_are_reflected_like_one() -> None:
    brain = Brain(NETWORK)
    brain.learn(IMAGES[1], "square")
    brain.rules.add('vowel(x) <- letter(x, "a")')
    together = brain.process_batch(IMAGES[:5])
    for image, thought in zip(IMAGES, together, strict=False):
        alone = brain.process(image)
        assert (alone.recalled, alone.conclusions) == (thought.recalled, thought.conclusions)
