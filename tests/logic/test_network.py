from __future__ import annotations

import random
from typing import Any

import pytest
import torch
from tests.logic.test_propagation import random_formula
from torch import Tensor

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.logic.knowledge import KnowledgeBase
from neurallayers.logic.network import LogicalNetwork

SEMANTICS = ("product", "goedel", "lukasiewicz")


@pytest.mark.parametrize("semantics", SEMANTICS)
@pytest.mark.parametrize("weights", [None, "fibonacci"])
def test_a_batch_is_inferred_as_its_cases_are(semantics: str, weights: str | None) -> None:
    """Random programs: the tensors of the network against the floats of the knowledge base."""
    drawn = random.Random(f"{semantics} {weights}")
    names = [f"a{number}" for number in range(6)]
    compared = 0
    for _ in range(5):
        lines = [
            f"{drawn.choice([0.5, 0.8, 1.0])} :: {drawn.choice(names)} <- "
            f"{random_formula(drawn, names)}"
            for _ in range(4)
        ]
        knowledge = KnowledgeBase(
            "\n".join(lines), semantics=semantics, premise_weights=weights, spread=True
        )
        known = [str(atom) for atom in knowledge.atoms][:2]
        cases = [{name: drawn.random() for name in known} for _ in range(3)]
        batch = LogicalNetwork(knowledge)(
            {name: torch.tensor([case[name] for case in cases]).double() for name in known}
        )
        for number, case in enumerate(cases):
            alone = knowledge.infer(case)
            if alone.contradicted:
                continue
            assert batch.complete
            for atom, bounds in batch.case(number).items():
                expected = alone.bounds(atom)
                assert bounds.lower == pytest.approx(expected.lower, abs=1e-7)
                assert bounds.upper == pytest.approx(expected.upper, abs=1e-7)
                compared += 1
    assert compared > 20


@pytest.mark.parametrize("semantics", SEMANTICS)
def test_gradients_reach_degrees_rules_and_premises(semantics: str) -> None:
    knowledge = KnowledgeBase("0.9 :: c <- a & b\nd <- c | e", semantics=semantics)
    network = LogicalNetwork(knowledge, learn_premises=True)
    given = torch.tensor([[0.8, 0.75, 0.1]], dtype=torch.float64, requires_grad=True)

    def conclude(degrees: Tensor) -> Tensor:
        truths = {name: degrees[:, place] for place, name in enumerate("abe")}
        return network(truths).bounds("d")[0].sum()

    assert torch.autograd.gradcheck(conclude, (given,))
    conclude(given).backward()
    assert given.grad is not None
    assert given.grad.abs().sum() > 0.0
    assert network.rule_weights.grad is not None
    assert torch.isfinite(network.rule_weights.grad).all()
    if semantics != "goedel":
        assert network.rule_weights.grad[0] > 0.0
        assert network.premise_weights.grad is not None
        assert network.premise_weights.grad.abs().sum() > 0.0


def test_a_neural_predicate_is_whatever_returns_degrees() -> None:
    knowledge = KnowledgeBase("even(x) <- digit(x, 2) | digit(x, 4)\npair <- even(A) & even(B)")
    network = LogicalNetwork(knowledge, learn_rules=False)
    atoms = [str(atom) for atom in network.atoms_of("digit") if str(atom.terms[0]) in "AB"]
    images = torch.rand(5, len(network.atoms_of("digit")), dtype=torch.float64)
    scores = torch.nn.Linear(len(images[0]), len(images[0]), dtype=torch.float64)
    conclusions = network({"digit": lambda: torch.sigmoid(scores(images))})
    lower, _ = conclusions.bounds("pair")
    assert lower.shape == (5, 1)
    lower.sum().backward()
    assert scores.weight.grad is not None
    assert torch.isfinite(scores.weight.grad).all()
    assert atoms


def test_quantifiers_and_forward_inference_in_batches() -> None:
    text = "c <- forall x: p(x)\nd <- exists x: p(x)\n!e <- c"
    truths = {"p": torch.tensor([[0.75, 0.5], [1.0, 1.0]], dtype=torch.float64)}
    for backward in (True, False):
        knowledge = KnowledgeBase(text, ["A", "B"], backward=backward)
        lower, upper = LogicalNetwork(knowledge)(truths).bounds("c", "d", "e")
        assert lower[:, :2].tolist() == [[0.5, 0.75], [1.0, 1.0]]
        assert upper[:, 2].tolist() == [0.5, 0.0]
    knowledge = KnowledgeBase(text, ["A", "B"])
    lower, upper = LogicalNetwork(knowledge)({"c": 0.0, "p(A)": 1.0}).bounds("p(B)")
    assert (lower.item(), upper.item()) == (0.0, 0.0)


def test_contradictions_are_a_loss() -> None:
    network = LogicalNetwork(KnowledgeBase("a <- b\n!a <- c"))
    clear = network({"b": torch.tensor([1.0, 0.2]), "c": torch.tensor([1.0, 0.2])})
    assert clear.contradiction[0] > 0.5
    assert clear.contradiction[1] == 0.0


def test_what_was_learned_is_a_program() -> None:
    network = LogicalNetwork(KnowledgeBase("r: a <- b\n0.5 :: c\nforall x: a -> c", ["A"]))
    with torch.no_grad():
        network.rule_weights.copy_(torch.tensor([0.25, 1.5, 0.75]))
    learned = network.learned()
    assert learned.facts[0].weight == 0.25
    assert learned.rules[0].weight == 1.0
    assert learned.axioms[0].weight == 0.75
    network.clamp_weights()
    assert network.rule_weights.tolist() == [0.25, 1.0, 0.75]


@pytest.mark.parametrize(
    ("truths", "error", "said"),
    [
        ({"z": 0.5}, InvalidInput, "'z' is no atom that a statement mentions"),
        ({"a": torch.tensor([0.5, 2.0])}, InvalidInput, "not within 0 and 1"),
        ({"a": torch.tensor([float("nan")])}, InvalidInput, "not within 0 and 1"),
        ({"a": torch.zeros(2), "b": torch.zeros(3)}, ShapeMismatch, r"batches of \[2, 3\]"),
        ({"p": torch.zeros(2, 3)}, ShapeMismatch, "'p' has 1 atoms"),
        ({"q": torch.zeros(2, 3)}, InvalidInput, "No statement mentions a predicate 'q'"),
    ],
    ids=range(6),
)
def test_truths_that_do_not_fit_are_refused(truths: Any, error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        LogicalNetwork(KnowledgeBase("a <- b\np(A)"))(truths)


def test_a_closed_world_is_left_to_the_knowledge_base() -> None:
    with pytest.raises(InvalidInput, match="predicates a, b are closed"):
        LogicalNetwork(KnowledgeBase("a <- b", world="closed"))
