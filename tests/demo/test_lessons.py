"""Teaching new classes and holding exams."""

from __future__ import annotations

from dataclasses import replace

import pytest

from neurallayers.brain import Brain, BrainNetwork
from neurallayers.data import load_digits
from neurallayers.demo import Novelty, Progress, teach_novelties
from neurallayers.demo.lessons import accuracy
from neurallayers.research import train


@pytest.fixture(scope="module")
def eight_digits() -> BrainNetwork:
    data, known = load_digits(), tuple(range(8))
    school = replace(
        data,
        train=data.train.of_classes(known, relabel=True),
        test=data.test.of_classes(known, relabel=True),
    )
    return train("hasn-nano-digits", data=school, epochs=3, threads=1).network


def novelty(digit: int) -> Novelty:
    data = load_digits()
    return Novelty(
        str(digit),
        data.train.of_classes([digit]).images[:5],
        data.test.of_classes([digit]).images,
    )


def test_new_classes_are_learned_and_old_ones_kept(eight_digits: BrainNetwork) -> None:
    old = load_digits().test.of_classes(tuple(range(8)))
    truths = [str(label) for label in old.labels.tolist()]
    brain = Brain(eight_digits)
    told: list[Progress] = []
    results = teach_novelties(
        brain,
        [novelty(8), novelty(9)],
        old.images,
        truths,
        examined_after=(0, 1, 5),
        on_exam=told.append,
    )
    assert told == results
    assert [result.lessons for result in results] == [0, 1, 5]
    assert results[0].new_accuracy == 0
    assert results[-1].new_accuracy > 0.4
    assert results[-1].old_accuracy > results[0].old_accuracy - 0.1
    assert brain.sequence == 10  # five examples of each of two classes
    assert results[0].seconds < results[1].seconds < results[2].seconds
    assert results[-1].to_dict()["lessons"] == 5


def test_accuracy_counts_right_answers(eight_digits: BrainNetwork) -> None:
    brain = Brain(eight_digits)
    images = load_digits().test.images[:4]
    answers = [str(thought.label) for thought in brain.process_batch(images)]
    assert accuracy(brain, images, answers) == 1
    assert accuracy(brain, images, [*answers[:3], "never"]) == 0.75
