"""Entries of every kind for a small network, made one after another or drawn by hypothesis."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
from tests.brain.individuals import pictures, small_network
from torch import Tensor

from neurallayers.brain import BrainNetwork, Life, live
from neurallayers.brain.entry import Entry

NETWORK = small_network()
IMAGES = pictures(12, NETWORK)
# More than the network has room for at first, so that a life that learns them all grows.
LABELS = ("a", "b", "c", "d", "e", "f")

#: What happens, without its number: a kind, its content, and the number of an image if it has one.
Happening = tuple[str, dict[str, Any], int | None]

_images = st.integers(0, len(IMAGES) - 1)
_labels = st.sampled_from(LABELS)
_contexts = st.sampled_from(
    [{}, {"context": {"who": "Ada"}}, {"context": {"where": "lab", "when": 7, "pinned": True}}]
)
stimuli = st.tuples(st.just("stimulus"), _contexts, _images)
lessons = st.tuples(
    st.just("lesson"),
    st.tuples(_labels, _contexts).map(lambda said: {"target": said[0], **said[1]}),
    _images,
)
rewards = st.tuples(
    st.just("reward"), st.sampled_from([-1.0, 0.5, 1.0]).map(lambda r: {"reward": r}), _images
)
forgettings = st.tuples(
    st.just("forget_class"), _labels.map(lambda label: {"label": label}), st.none()
)
nights = st.tuples(
    st.just("sleep"), st.integers(1, 2).map(lambda cycles: {"cycles": cycles}), st.none()
)
lapses = st.tuples(
    st.just("forget_memories"), st.sampled_from([{"who": "Ada"}, {"what": "a"}, {}]), st.none()
) | st.tuples(st.just("forget_memories"), st.just({"likeness": 0.5}), _images)
rules = st.tuples(
    st.just("rules"),
    st.sampled_from([[], ['vowel: vowel(x) <- letter(x, "a")']]).map(lambda r: {"rules": r}),
    st.none(),
)
happenings = st.one_of(stimuli, lessons, lessons, rewards, forgettings, nights, lapses, rules)


def entry_of(number: int, happening: Happening) -> Entry:
    kind, content, image = happening
    return Entry(number, kind, content, {} if image is None else {"stimulus": IMAGES[image]})


def lesson(number: int, target: str, image: Tensor) -> Entry:
    return Entry(number, "lesson", {"target": target}, {"stimulus": image})


def live_all(network: BrainNetwork, entries: list[Entry], life: Life | None = None) -> Life:
    life = Life.begin(network) if life is None else life
    for entry in entries:
        life, _ = live(network, life, entry)
    return life


def mixed_entries() -> list[Entry]:
    told: list[tuple[str, dict[str, Any]]] = [
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
        entry_of(i + 1, (kind, content, None if "label" in content else i))
        for i, (kind, content) in enumerate(told)
    ]
