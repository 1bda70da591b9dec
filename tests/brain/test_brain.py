"""An individual thinks without changing, learns at once, and can be copied, undone and saved."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.brain.conftest import Trained
from tests.brain.individuals import (
    bits,
    looped_spec,
    pictures,
    small_network,
    small_spec,
)

from neurallayers.brain import Brain, BrainNetwork
from neurallayers.brain.brain import KIND
from neurallayers.brain.snapshot import read_snapshot, write_snapshot
from neurallayers.errors import InvalidInput, JournalError, SnapshotError

NETWORK = small_network()
IMAGES = pictures(12, NETWORK)


@pytest.fixture
def brain() -> Brain:
    return Brain(NETWORK)


# -- thinking -------------------------------------------------------------------------------


def test_a_batch_is_each_alone(trained: Trained) -> None:
    brain = Brain(trained.network)
    brain.learn(trained.images[5], target="mark")
    images = trained.images[:300]
    together = brain.process_batch(images)
    for row in (0, 1, 15, 16, 255, 256, 299):
        alone = brain.process(images[row])
        assert alone.scores == together[row].scores
        assert np.array_equal(alone.evidence, together[row].evidence)
        assert np.array_equal(alone.raster.array(), together[row].raster.array())
        assert alone.to_dict() == together[row].to_dict()


def test_a_trained_brain_recognises_what_it_has_not_seen(trained: Trained) -> None:
    brain = Brain(trained.network)
    known = trained.labels < 8
    thoughts = brain.process_batch(trained.images[known])
    right = [
        thought.label == str(int(label))
        for thought, label in zip(thoughts, trained.labels[known], strict=True)
    ]
    assert sum(right) / len(right) > 0.9


def test_thinking_changes_nothing(brain: Brain) -> None:
    brain.process(IMAGES[0], stateful=True)
    before = bits(brain.life)
    first = brain.process(IMAGES[1])
    brain.process_batch(IMAGES)
    brain.explain(IMAGES[2])
    assert brain.self_check()
    assert bits(brain.life) == before
    assert brain.process(IMAGES[1]).to_dict() == first.to_dict()


def test_the_order_of_questions_does_not_matter_and_that_of_experiences_does(brain: Brain) -> None:
    asked = [brain.process(image).scores for image in IMAGES[:2]]
    assert [brain.process(image).scores for image in IMAGES[:2].flip(0)] == asked[::-1]
    one = [brain.fork().process(image, stateful=True).scores for image in IMAGES[:2]]
    lived = [brain.process(image, stateful=True).scores for image in IMAGES[:2]]
    assert lived[0] == one[0]
    assert lived[1] != one[1]
    assert brain.sequence == 2


def test_noise_is_repeatable_and_moves_on_when_lived() -> None:
    brain = Brain(BrainNetwork(looped_spec("poisson", rate_hz=500.0)), seed=4)
    image = pictures(1, brain.network)[0]
    asked = brain.process(image).raster.array()
    assert np.array_equal(brain.process(image).raster.array(), asked)
    lived = brain.process(image, stateful=True).raster.array()
    assert np.array_equal(lived, asked)
    assert not np.array_equal(brain.process(image, stateful=True).raster.array(), asked)
    twin = Brain(brain.network, seed=4)
    other = Brain(brain.network, seed=5)
    assert np.array_equal(twin.process(image).raster.array(), asked)
    assert not np.array_equal(other.process(image).raster.array(), asked)


def test_homeostasis_brings_rates_back_after_the_light_was_dimmed(trained: Trained) -> None:
    brain = Brain(trained.network)
    sensory = trained.network.named_regions()[0][1]
    assert float(sensory.set_point.min()) >= 0
    dim = 0.35 * trained.images[:300]

    def deviation() -> float:
        """How far the mean rates of neurons over many images are from their set points."""
        thoughts = brain.process_batch(dim)
        rates = np.mean([thought.raster.spikes["sensory"].mean(0) for thought in thoughts], 0)
        return float(np.abs(rates - sensory.set_point.numpy()).mean())

    before = deviation()
    for image in dim:
        brain.process(image, stateful=True)
    assert before > 0.15
    assert deviation() < 0.5 * before
    assert max(brain.process(dim[0]).vitals.excitability.values()) > 0


# -- learning -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("triangle", "triangle"),
        (3, "3"),
        (np.int64(4), "4"),
        (np.uint8(5), "5"),
        (torch.tensor(6), "6"),
        (np.str_("b"), "b"),
        (" déjà vu 你好", " déjà vu 你好"),
    ],
)
def test_what_was_taught_is_answered(brain: Brain, target: Any, name: str) -> None:
    for image in IMAGES[:2]:
        brain.learn(image, target)
    assert name in brain.labels
    assert brain.process(IMAGES[1]).label == name


def test_new_classes_are_learned_from_a_few_examples(trained: Trained) -> None:
    brain = Brain(trained.network)
    for example in range(5):
        for digit in (8, 9):
            image = trained.images[trained.labels == digit][example]
            lesson = brain.learn(image, target=digit)
            assert brain.process(image).label == str(digit)
            assert lesson.entry == brain.sequence
    assert brain.labels == tuple(str(digit) for digit in range(10))
    right = [
        thought.label == str(int(label))
        for thought, label in zip(brain.process_batch(trained.images), trained.labels, strict=True)
    ]
    assert sum(right) / len(right) > 0.75


def test_a_lesson_says_what_was_thought_before_and_how_much_changed(brain: Brain) -> None:
    before = brain.process(IMAGES[0])
    lesson = brain.learn(IMAGES[0], "new")
    assert lesson.thought.to_dict() == before.to_dict()
    assert lesson.change > 0
    changes = [brain.learn(IMAGES[0], "new").change for _ in range(12)]
    assert changes[-1] == 0.0


def test_a_lesson_that_makes_room_has_the_thought_before_it(brain: Brain) -> None:
    before = brain.process(IMAGES[0])
    lessons = [brain.learn(IMAGES[0], f"class {i}") for i in range(3)]
    assert list(lessons[0].thought.scores) == list(before.scores)
    assert set(lessons[2].thought.scores) == {"a", "b", "class 0", "class 1"}
    assert len(brain.life.labels) == 8


def test_reward_raises_and_punishment_lowers_the_answer(trained: Trained) -> None:
    image = trained.images[0]
    for reward, direction in ((1.0, 1), (-1.0, -1)):
        brain = Brain(trained.network)
        before = brain.process(image)
        assert before.label is not None
        brain.learn(image, reward=reward)
        after = brain.process(image)
        assert direction * (after.scores[before.label] - before.scores[before.label]) > 0
    brain = Brain(trained.network)
    wrong = brain.process(image).label
    for _ in range(60):
        if brain.process(image).label != wrong:
            break
        brain.learn(image, reward=-1.0)
    assert brain.process(image).label != wrong


def test_a_forgotten_class_is_no_longer_answered(trained: Trained) -> None:
    brain = Brain(trained.network)
    nine = trained.images[trained.labels == 9]
    before = brain.process(nine[1]).scores
    brain.learn(nine[0], 9)
    assert brain.process(nine[1]).label == "9"
    brain.forget_class(9)
    after = brain.process(nine[1]).scores
    assert after.keys() == before.keys()
    assert after == pytest.approx(before, abs=1e-4)
    with pytest.raises(InvalidInput, match="does not know '9'"):
        brain.forget_class("9")


def test_a_brain_that_forgot_everything_can_learn_again(brain: Brain) -> None:
    brain.forget_class("a")
    brain.forget_class("b")
    assert brain.process(IMAGES[0]).label is None
    lesson = brain.learn(IMAGES[0], "first")
    assert lesson.thought.label is None
    assert brain.process(IMAGES[1]).label == "first"


# -- what is refused ------------------------------------------------------------------------

WRONG_LESSONS: list[tuple[dict[str, Any], str]] = [
    ({}, "Give exactly one"),
    ({"target": "a", "reward": 1.0}, "Give exactly one"),
    ({"target": ""}, "1 to 200 characters"),
    ({"target": " \n"}, "1 to 200 characters"),
    ({"target": "x" * 201}, "1 to 200 characters"),
    ({"target": 1.5}, "a text or a whole number"),
    ({"target": np.float64(3.7)}, "a text or a whole number"),
    ({"target": True}, "a text or a whole number"),
    ({"target": np.bool_(True)}, "a text or a whole number"),
    ({"target": ["a"]}, "a text or a whole number"),
    ({"target": torch.zeros(2)}, "a text or a whole number"),
    ({"reward": float("nan")}, "finite number"),
    ({"reward": float("inf")}, "finite number"),
    ({"reward": -1e9}, "finite number"),
    ({"reward": "good"}, "finite number"),
]
WRONG_IMAGES: list[tuple[Any, str]] = [
    (np.full((4, 4), np.nan), "not finite"),
    (np.zeros((5, 4)), "shape"),
    (np.zeros((2, 4, 4)), "2 stimuli"),
    (np.full((4, 4), 2.0), "reach 2"),
    (np.full((4, 4), -1.0), "down to -1"),
    ("image", "real numbers"),
    (None, "real numbers"),
    (np.zeros((0, 4, 4)), "no image"),
]


@pytest.mark.parametrize(("feedback", "message"), WRONG_LESSONS)
def test_a_wrong_lesson_is_refused_and_changes_nothing(
    brain: Brain, feedback: dict[str, Any], message: str
) -> None:
    before = bits(brain.life)
    with pytest.raises(InvalidInput, match=message):
        brain.learn(IMAGES[0], **feedback)
    assert bits(brain.life) == before


@pytest.mark.parametrize(("image", "message"), WRONG_IMAGES)
def test_a_wrong_image_is_refused_and_changes_nothing(
    brain: Brain, image: Any, message: str
) -> None:
    before = bits(brain.life)
    for call in (
        lambda: brain.process(image),
        lambda: brain.process(image, stateful=True),
        lambda: brain.learn(image, "a"),
        lambda: brain.learn(image, reward=1.0),
        lambda: brain.explain(image),
    ):
        with pytest.raises(InvalidInput, match=message):
            call()
    assert bits(brain.life) == before


def test_a_brain_without_a_journal_cannot_forget_an_entry(brain: Brain) -> None:
    lesson = brain.learn(IMAGES[0], "a")
    with pytest.raises(JournalError, match="keeps no journal"):
        brain.forget(lesson.entry)


# -- moments --------------------------------------------------------------------------------


def test_a_fork_goes_its_own_way(brain: Brain) -> None:
    brain.learn(IMAGES[0], "new")
    twin = brain.fork()
    before = bits(brain.life)
    twin.learn(IMAGES[1], "other")
    twin.process(IMAGES[2], stateful=True)
    assert bits(brain.life) == before
    assert "other" in twin.labels
    assert "other" not in brain.labels
    assert twin.network is brain.network


def test_a_rollback_returns_to_the_moment(brain: Brain) -> None:
    brain.learn(IMAGES[0], "new")
    before = bits(brain.life)
    point = brain.checkpoint()
    brain.learn(IMAGES[1], "other")
    brain.process(IMAGES[2], stateful=True)
    later = brain.checkpoint()
    learned = bits(later.life)
    brain.rollback(point)
    assert {**bits(brain.life), "sequence": 0} == {**before, "sequence": 0}
    assert brain.sequence == 4  # its history goes on
    brain.rollback(later)
    assert {**bits(brain.life), "sequence": 0} == {**learned, "sequence": 0}
    brain.rollback()
    assert brain.labels == ("a", "b", "new", "other")


def test_a_moment_that_never_was_is_refused(brain: Brain) -> None:
    with pytest.raises(InvalidInput, match="no checkpoint"):
        brain.rollback()
    with pytest.raises(InvalidInput, match="keeps no journal"):
        brain.rollback(3)


# -- one file -------------------------------------------------------------------------------


@pytest.fixture
def rich() -> Brain:
    """A brain whose capacity has grown, with lessons, a reward and activity of its own."""
    brain = Brain(NETWORK)
    for i in range(4):
        brain.learn(IMAGES[i], f"class {i}")
    brain.learn(IMAGES[4], reward=-0.5)
    brain.forget_class("class 1")
    brain.process(IMAGES[5], stateful=True)
    return brain


def test_a_saved_brain_is_the_same_bit_for_bit(rich: Brain, tmp_path: Path) -> None:
    path = rich.save(tmp_path / "ada.brain")
    loaded = Brain.load(path)
    assert bits(loaded.life) == bits(rich.life)
    assert loaded.network.fingerprint() == NETWORK.fingerprint()
    for brain in (rich, loaded):
        brain.learn(IMAGES[6], "later")
    assert bits(loaded.life) == bits(rich.life)
    assert loaded.process(IMAGES[7]).to_dict() == rich.process(IMAGES[7]).to_dict()
    assert loaded.explain(IMAGES[7]) == rich.explain(IMAGES[7])


def test_the_same_brain_is_the_same_file(rich: Brain, tmp_path: Path) -> None:
    one, other = rich.save(tmp_path / "one"), rich.fork().save(tmp_path / "other")
    assert one.read_bytes() == other.read_bytes()


def test_a_damaged_file_is_refused_wherever_the_damage_is(rich: Brain, tmp_path: Path) -> None:
    path = rich.save(tmp_path / "ada.brain")
    whole = path.read_bytes()
    for place in np.linspace(0, len(whole) - 1, 40, dtype=int):
        path.write_bytes(whole[:place])
        with pytest.raises(SnapshotError):
            Brain.load(path)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        with pytest.raises(SnapshotError):
            Brain.load(path)


def set_spec(manifest: dict[str, Any], *path: str | int, value: Any) -> None:
    node = manifest["spec"]
    for part in path[:-1]:
        node = node[part]
    node[path[-1]] = value


FORGERIES: dict[str, Callable[[dict[str, Any], dict[str, Any]], object]] = {
    "a gigantic region": lambda manifest, _: set_spec(
        manifest, "regions", 1, "shape", value=[1_000_000]
    ),
    "a gigantic delay": lambda manifest, _: (
        set_spec(manifest, "dt_ms", value=0.001),
        set_spec(manifest, "tracts", 1, "delay_ms", value=1000.0),
    ),
    "gigantic room": lambda manifest, _: set_spec(manifest, "readout", "capacity", value=100_000),
    "a newer spec": lambda manifest, _: set_spec(manifest, "schema_version", value=99),
    "no spec": lambda manifest, _: manifest.update(spec=[1]),
    "a label less": lambda manifest, _: manifest["labels"].pop(),
    "no labels": lambda manifest, _: manifest.pop("labels"),
    "no number": lambda manifest, _: manifest.update(sequence="last"),
    "no state": lambda _, parts: parts.pop("state"),
    "other weights": lambda _, parts: parts["network"].update({"readout.bias": torch.zeros(3)}),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_file_is_refused_at_once(rich: Brain, tmp_path: Path, forgery: str) -> None:
    path = tmp_path / "forged.brain"
    snapshot = read_snapshot(rich.save(path), kind=KIND)
    kept = ("spec", "network", "labels", "sequence", "platform")
    manifest = {key: snapshot.manifest[key] for key in kept}
    parts = {name: dict(part) for name, part in snapshot.parts.items()}
    FORGERIES[forgery](manifest, parts)
    write_snapshot(path, kind=KIND, manifest=manifest, parts=parts)
    started = time.monotonic()
    with pytest.raises(SnapshotError):
        Brain.load(path)
    assert time.monotonic() - started < 2.0


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError):
        Brain.load(tmp_path / "nowhere")
    with pytest.raises(SnapshotError):
        Brain.load(tmp_path)
    with pytest.raises(SnapshotError):
        Brain(NETWORK).save(tmp_path / "no" / "such" / "folder")


def test_a_brain_says_what_it_is(brain: Brain) -> None:
    brain.learn(IMAGES[0], "new")
    assert repr(brain) == "Brain('small', knows 3 classes, 1 entries)"
    with brain as same:
        assert same is brain


def test_a_brain_is_born_with_a_network_from_a_folder(tmp_path: Path) -> None:
    from neurallayers.brain import save_pretrained

    brain = Brain.from_pretrained(save_pretrained(NETWORK, tmp_path), seed=2)
    assert brain.network.spec == small_spec()
    assert brain.labels == ("a", "b")
