from __future__ import annotations

import pytest

from neurallayers.training.history import EpochRecord


def record(accuracy=None, loss=None):
    return EpochRecord(
        epoch=1,
        loss=1.0,
        accuracy=0.5,
        validation_accuracy=accuracy,
        validation_loss=loss,
        learning_rate=0.1,
        gradient_norm=1.0,
        rates={"cortex": 0.1},
        seconds=1.0,
        samples_per_second=10.0,
    )


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (record(0.9, 1.0), record(0.8, 0.1)),
        (record(0.9, 0.1), record(0.9, 0.2)),
        (record(0.1, 9.0), record()),
    ],
)
def test_accuracy_counts_first_and_then_the_loss(better, worse):
    assert better.better_than(worse)
    assert not worse.better_than(better)


def test_the_first_is_the_best_so_far_and_an_equal_one_is_not_better():
    assert record(0.1, 9.0).better_than(None)
    assert not record(0.9, 0.1).better_than(record(0.9, 0.1))


def test_a_record_is_json_and_back_to_the_bit():
    first = record(1 / 3, 0.1 + 0.2)
    assert EpochRecord.model_validate_json(first.model_dump_json()) == first
