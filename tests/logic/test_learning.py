from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from neurallayers.errors import InvalidInput, ShapeMismatch, TrainingError
from neurallayers.logic.knowledge import KnowledgeBase
from neurallayers.logic.learning import fit_rules, logic_loss
from neurallayers.logic.network import LogicalNetwork
from neurallayers.seeding import stream


def test_the_weights_of_rules_are_found_again() -> None:
    true = KnowledgeBase("r: 0.8 :: c <- a\ns: 0.4 :: c <- b", semantics="product")
    draws = torch.rand(64, 2, dtype=torch.float64, generator=stream(1, "draws"))
    cases = {"a": draws[:, 0], "b": draws[:, 1]}
    targets = {"c": LogicalNetwork(true)(cases).bounds("c")[0][:, 0].detach()}
    network = LogicalNetwork(
        KnowledgeBase("r: 0.5 :: c <- a\ns: 0.5 :: c <- b", semantics="product")
    )
    losses = fit_rules(network, cases, targets, epochs=60, learning_rate=0.1)
    assert [rule.weight for rule in network.learned().rules] == pytest.approx([0.8, 0.4], abs=0.02)
    assert losses[-1] < 0.01 * losses[0]


def test_a_premise_that_does_not_matter_loses_its_weight() -> None:
    network = LogicalNetwork(KnowledgeBase("c <- a & b"), learn_rules=False, learn_premises=True)
    draws = torch.rand(64, 2, dtype=torch.float64, generator=stream(2, "draws"))
    cases = {"a": draws[:, 0], "b": draws[:, 1]}
    fit_rules(network, cases, {"c": draws[:, 0]}, epochs=70, learning_rate=0.1)
    matters, does_not = network.premise_weights.tolist()
    assert matters == pytest.approx(1.0, abs=0.1)
    assert does_not == pytest.approx(0.0, abs=0.1)


def test_contradictions_weaken_the_rule_that_makes_them() -> None:
    text = "wrong: 1.0 :: a <- b\nright: 1.0 :: !a <- b"
    network = LogicalNetwork(KnowledgeBase(text))
    cases = {"b": torch.ones(4, dtype=torch.float64)}
    fit_rules(network, cases, {"a": torch.zeros(4, dtype=torch.float64)}, epochs=60)
    weights = {rule.name: rule.weight for rule in network.learned().rules}
    assert weights["wrong"] == pytest.approx(0.0, abs=0.05)
    assert network(cases).contradiction.max().item() < 0.1


def test_a_neural_predicate_learns_from_what_is_concluded() -> None:
    """A predicate of numbers is learned from the truth of a rule over pairs of them."""
    network = LogicalNetwork(
        KnowledgeBase("both <- big(A) & big(B)", semantics="product"), learn_rules=False
    )
    numbers = torch.rand(128, 2, dtype=torch.float64, generator=stream(3, "numbers"))
    big = torch.nn.Linear(1, 1, dtype=torch.float64)
    with torch.no_grad():
        big.weight.fill_(0.1)
        big.bias.zero_()

    def cases() -> dict[str, torch.Tensor]:
        return {
            f"big({name})": torch.sigmoid(big(numbers[:, place : place + 1]))[:, 0]
            for place, name in enumerate("AB")
        }

    targets = {"both": (numbers > 0.5).all(dim=1).double()}
    fit_rules(network, cases, targets, modules=[big], epochs=80, learning_rate=0.5)
    degrees = torch.sigmoid(big(torch.tensor([[0.2], [0.8]], dtype=torch.float64)))[:, 0]
    assert degrees[0] < 0.1
    assert degrees[1] > 0.9


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"targets": {}}, InvalidInput, "no targets"),
        ({"targets": {"c": torch.zeros(3)}}, ShapeMismatch, "there are 2 cases"),
        ({"epochs": -1}, InvalidInput, "epochs is -1"),
        ({"learning_rate": 0.0}, InvalidInput, "learning_rate is 0.0"),
        ({"targets": {"c": torch.full((2,), math.nan)}}, TrainingError, "The loss is nan"),
    ],
    ids=range(5),
)
def test_what_cannot_be_fitted_is_refused(options: Any, error: Any, said: str) -> None:
    network = LogicalNetwork(KnowledgeBase("0.5 :: c <- a"))
    settings = {"targets": {"c": torch.ones(2)}, "epochs": 2, **options}
    with pytest.raises(error, match=said):
        fit_rules(network, {"a": torch.ones(2)}, **settings)


def test_something_must_be_able_to_learn() -> None:
    network = LogicalNetwork(KnowledgeBase("c <- a"), learn_rules=False)
    with pytest.raises(InvalidInput, match="No weight can learn"):
        fit_rules(network, {"a": torch.ones(2)}, {"c": torch.ones(2)})


def test_the_loss_is_that_of_its_definition() -> None:
    network = LogicalNetwork(KnowledgeBase("0.5 :: c <- a\n0.75 :: !c <- a"))
    conclusions = network({"a": 1.0})
    loss = logic_loss(conclusions, {"c": torch.tensor([1.0])}, contradiction_weight=0.0)
    assert loss.item() == pytest.approx(0.25)
    more = logic_loss(conclusions, {"c": torch.tensor([1.0])}, contradiction_weight=2.0)
    assert more.item() == pytest.approx(0.25 + 2.0 * conclusions.contradiction.item())
