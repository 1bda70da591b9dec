"""One task after another: who meets what, and the measures, counted by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from neurallayers.errors import InvalidInput
from neurallayers.training.continual import ContinualReport, live_through, split_by_class


def images_of(labels: Tensor) -> Tensor:
    """One pixel that says the label in tenths."""
    return (labels.float() / 10).reshape(-1, 1, 1)


class Rote:
    """Knows the classes it met lately; at night only those that it met most lately of all.

    Its state is a tuple of how often it slept and what it knows.
    """

    def __init__(self) -> None:
        self.met: list[int] = []
        self.batches: list[int] = []

    def initial_state(self) -> tuple[int, ...]:
        return ()

    def wake(self, state: tuple[int, ...], images: Tensor, labels: Tensor) -> tuple[int, ...]:
        assert images.shape[1:] == (1, 1, 1)
        assert torch.allclose(images[:, 0, 0, 0] * 10, labels.float())
        self.met += labels.tolist()
        self.batches.append(len(labels))
        return tuple(dict.fromkeys([*state, *labels.tolist()]))

    def sleep(self, state: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(state)[-3:])

    def answer(self, state: tuple[int, ...], images: Tensor) -> Tensor:
        shown = (images[:, 0, 0, 0] * 10).round().long()
        return torch.where(torch.isin(shown, torch.tensor(state)), shown, -1)


def tasks_of(train: list[int], test: list[int], **options: Any) -> Any:
    parts = [torch.tensor(labels) for labels in (train, test)]
    return split_by_class(*((images_of(labels), labels) for labels in parts), **options)


def test_tasks_have_their_own_classes_and_miss_no_example() -> None:
    tasks = tasks_of([0, 1, 2, 3, 4, 4, 0], [4, 3, 2, 1, 0], classes_per_task=2)
    assert [task.name for task in tasks] == ["0/1", "2/3", "4"]
    assert [task.labels for task in tasks] == [(0, 1), (2, 3), (4,)]
    assert [task.train.labels.tolist() for task in tasks] == [[0, 1, 0], [2, 3], [4, 4]]
    assert [task.test.labels.tolist() for task in tasks] == [[1, 0], [3, 2], [4]]


def test_the_order_of_the_classes_can_be_chosen() -> None:
    tasks = tasks_of([0, 1, 2, 3], [0, 1, 2, 3], classes_per_task=3, order=[3, 0, 1])
    assert [task.labels for task in tasks] == [(3, 0, 1)]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"classes_per_task": 0}, "classes_per_task is 0"),
        ({"order": [0, 0]}, "each class once"),
        ({"order": []}, "each class once"),
        ({"order": [0, 5]}, "no example of class 5"),
    ],
)
def test_impossible_tasks_are_refused(options: Any, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        tasks_of([0, 1], [0, 1], **options)


def test_every_example_is_met_once_in_the_order_of_the_tasks() -> None:
    learner = Rote()
    live_through(learner, tasks_of([0, 1, 2, 3] * 5, [0, 1, 2, 3]), batch_size=4)
    assert sorted(learner.met[:10]) == [0] * 5 + [1] * 5
    assert sorted(learner.met[10:]) == [2] * 5 + [3] * 5
    assert learner.batches == [4, 4, 2, 4, 4, 2]
    other, again = Rote(), Rote()
    live_through(other, tasks_of([0, 1, 2, 3] * 5, [0, 1, 2, 3]), batch_size=4, seed=1)
    live_through(again, tasks_of([0, 1, 2, 3] * 5, [0, 1, 2, 3]), batch_size=4)
    assert learner.met == again.met != other.met


def test_the_measures_are_those_counted_by_hand() -> None:
    lines: list[str] = []
    tasks = tasks_of([0, 1, 2, 3, 4, 5], [0, 1, 1, 1, 2, 3, 4, 5])
    state, report = live_through(Rote(), tasks, told=lines.append)
    # It forgets 0 in the second night, and 1 and 2 in the third.
    assert state == (3, 4, 5)
    assert report.accuracy == ((1.0, 0.0, 0.0), (0.75, 1.0, 0.0), (0.0, 0.5, 1.0))
    assert report.evening == (1.0, 1.0, 7 / 8)
    assert report.seen == (1.0, 5 / 6, 3 / 8)
    assert report.final_accuracy == 3 / 8
    assert report.average_accuracy == pytest.approx(0.5)
    assert report.backward_transfer == pytest.approx((-1.0 - 0.5) / 2)
    assert report.forgetting == pytest.approx((1.0 + 0.5) / 2)
    assert 0.0 < report.seconds_asleep < report.seconds
    assert len(lines) == 3
    assert lines[-1].startswith("4/5: 0.8750 in the evening")


def test_without_nights_nobody_sleeps() -> None:
    state, report = live_through(Rote(), tasks_of([0, 1, 2, 3], [0, 1, 2, 3]), nights=False)
    assert sorted(state) == [0, 1, 2, 3]
    assert report.seen == report.evening == (1.0, 1.0)
    assert report.seconds_asleep == 0.0


def test_a_life_can_go_on_from_a_state() -> None:
    _, report = live_through(Rote(), tasks_of([2, 3], [2, 3]), state=(0, 1), nights=False)
    assert report.final_accuracy == 1.0


def test_forgetting_counts_from_the_best_and_transfer_from_the_first() -> None:
    report = ContinualReport(
        accuracy=((0.6, 0.0, 0.0), (0.8, 0.9, 0.0), (0.7, 0.5, 1.0)),
        seen=(0.6, 0.85, 0.73),
        evening=(0.6, 0.85, 0.73),
        seconds=1.0,
        seconds_asleep=0.0,
    )
    assert report.backward_transfer == pytest.approx((0.1 - 0.4) / 2)
    assert report.forgetting == pytest.approx((0.1 + 0.4) / 2)


def test_one_task_forgets_nothing() -> None:
    _, report = live_through(Rote(), tasks_of([0, 1], [0, 1]))
    assert (report.backward_transfer, report.forgetting) == (0.0, 0.0)


def test_a_life_without_tasks_is_refused() -> None:
    with pytest.raises(InvalidInput, match="0 tasks"):
        live_through(Rote(), [])
    with pytest.raises(InvalidInput, match="batch_size 0"):
        live_through(Rote(), tasks_of([0, 1], [0, 1]), batch_size=0)
