"""Shares of answers: a distribution that no size of the scores can break."""

from __future__ import annotations

import math

import pytest
import torch

from neurallayers.brain.shares import softmax_shares


def test_shares_are_the_soft_max_in_the_order_of_the_scores() -> None:
    scores = [0.5, -1.25, 3.0, 2.0]
    expected = torch.tensor(scores, dtype=torch.float64).softmax(0).tolist()
    assert softmax_shares(scores) == pytest.approx(expected, rel=1e-14)


def test_large_scores_do_not_overflow_and_nothing_has_no_shares() -> None:
    assert softmax_shares([1e6, 0.0, 1e6]) == [0.5, 0.0, 0.5]
    assert softmax_shares([-1e6]) == [1.0]
    assert softmax_shares([]) == []
    assert math.fsum(softmax_shares([0.1 * i for i in range(1000)])) == pytest.approx(1.0)
