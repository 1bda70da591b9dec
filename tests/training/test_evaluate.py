from __future__ import annotations

from dataclasses import dataclass, field

import pytest
import torch
from torch import nn

from neurallayers.errors import InvalidInput
from neurallayers.training.evaluate import evaluate


@dataclass
class Answers:
    scores: torch.Tensor
    features: torch.Tensor
    rates: dict = field(default_factory=dict)


class Oracle(nn.Module):
    """Answers with the class that the first pixel names: 0, 1 or 2 halves."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(4.0))
        self.inner = nn.Dropout()
        self.modes = []

    def perceive(self, stimuli):
        self.modes.append(self.training)
        answer = (stimuli[:, 0, 0, 0] * 2).long()
        scores = nn.functional.one_hot(answer, 3) * self.scale
        return Answers(scores, stimuli.flatten(1), {"cortex": stimuli.mean()})


def images_of(answers):
    return (torch.tensor(answers) / 2).reshape(-1, 1, 1).expand(-1, 2, 2)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 100])
def test_the_figures_are_those_counted_by_hand(batch_size):
    answers, labels = [0, 1, 1, 2, 0], torch.tensor([0, 1, 0, 0, 0])
    found = evaluate(Oracle(), (images_of(answers), labels), batch_size)
    assert found.accuracy == 3 / 5
    assert found.confusion.tolist() == [[2, 1, 1], [0, 1, 0], [0, 0, 0]]
    assert found.per_class_accuracy == (0.5, 1.0, None)
    right, wrong = (-torch.log_softmax(torch.tensor([4.0, 0.0, 0.0]), 0)[:2]).tolist()
    assert found.loss == pytest.approx((3 * right + 2 * wrong) / 5)
    assert found.rates == {"cortex": pytest.approx(0.4)}


def test_it_looks_in_evaluation_mode_and_leaves_every_mode_as_it_was():
    oracle = Oracle()
    oracle.inner.eval()
    evaluate(oracle, (images_of([0]), torch.tensor([0])))
    assert oracle.modes == [False]
    assert (oracle.training, oracle.inner.training) == (True, False)


def test_no_graph_is_kept():
    found = evaluate(Oracle(), (images_of([0]), torch.tensor([0])))
    assert not found.confusion.requires_grad


def test_a_label_without_a_score_and_an_empty_batch_are_refused():
    with pytest.raises(InvalidInput, match="label 3"):
        evaluate(Oracle(), (images_of([0]), torch.tensor([3])))
    with pytest.raises(InvalidInput, match="batch_size is 0"):
        evaluate(Oracle(), (images_of([0]), torch.tensor([0])), 0)
