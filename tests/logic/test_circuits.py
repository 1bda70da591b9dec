"""Arithmetic circuits against sums over all worlds."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.logic.circuits import ArithmeticCircuit
from neurallayers.logic.diagrams import FALSE, TRUE, Diagrams
from neurallayers.seeding import stream

SIZES = (2, 3, 2, 4, 2)
WORLDS = list(itertools.product(*map(range, SIZES)))


def random_formulas(seed: int) -> tuple[Diagrams, list[int]]:
    """Some formulas over the choices."""
    generator = stream(seed, "formulas")
    diagrams = Diagrams()
    for size in SIZES:
        diagrams.add_choice(size)
    literals = [diagrams.alternative(c, v) for c, size in enumerate(SIZES) for v in range(size)]
    nodes = list(literals)
    for _ in range(30):
        a, b = (nodes[int(torch.randint(len(nodes), (), generator=generator))] for _ in range(2))
        operation = (diagrams.both, diagrams.either, diagrams.same)
        nodes.append(operation[int(torch.randint(3, (), generator=generator))](a, b))
    return diagrams, [*nodes[-6:], TRUE, FALSE]


def random_weights(seed: int, rows: int) -> Tensor:
    """Logarithms of a distribution for each choice."""
    generator = stream(seed, "weights")
    parts = [
        torch.randn(rows, size, generator=generator, dtype=torch.float64).log_softmax(dim=1)
        for size in SIZES
    ]
    return torch.cat(parts, dim=1)


def weight_of(world: tuple[int, ...], weights: Tensor) -> float:
    starts = [sum(SIZES[:i]) for i in range(len(SIZES))]
    picked = [float(weights[s + v]) for s, v in zip(starts, world, strict=True)]
    return math.exp(math.fsum(picked))


@pytest.mark.parametrize("seed", range(5))
def test_probabilities_are_sums_over_worlds(seed: int) -> None:
    diagrams, roots = random_formulas(seed)
    weights = random_weights(seed, rows=3)
    found = ArithmeticCircuit(diagrams, roots)(weights).exp()
    expected = [
        [
            math.fsum(weight_of(w, weights[row]) for w in WORLDS if diagrams.holds(root, w))
            for root in roots
        ]
        for row in range(3)
    ]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("seed", range(3))
def test_gradients_are_exact(seed: int) -> None:
    diagrams, roots = random_formulas(seed)
    circuit = ArithmeticCircuit(diagrams, [root for root in roots if root > TRUE])
    weights = random_weights(seed, rows=2).requires_grad_(True)
    assert torch.autograd.gradcheck(circuit, (weights,))


def test_what_cannot_happen_leaves_gradients_finite() -> None:
    diagrams = Diagrams()
    a, b = (diagrams.alternative(diagrams.add_choice(2), 1) for _ in range(2))
    circuit = ArithmeticCircuit(diagrams, [diagrams.either(a, b), diagrams.both(a, b)])
    weights = torch.tensor([[1.0, 0.0, 0.25, 0.75]]).log().requires_grad_(True)
    found = circuit(weights)
    assert found[0, 0].exp().item() == pytest.approx(0.75)
    assert found[0, 1].item() == -math.inf
    found[0, 0].backward()
    assert weights.grad is not None
    torch.testing.assert_close(weights.grad, torch.tensor([[1.0, 0.0, 0.0, 1.0]]))


def test_rows_do_not_meet() -> None:
    diagrams, roots = random_formulas(1)
    circuit = ArithmeticCircuit(diagrams, roots)
    weights = random_weights(1, rows=4)
    assert torch.equal(circuit(weights)[2:3], circuit(weights[2:3]))


def test_long_conjunctions_do_not_underflow() -> None:
    diagrams = Diagrams()
    every = [diagrams.alternative(diagrams.add_choice(2), 1) for _ in range(500)]
    circuit = ArithmeticCircuit(diagrams, [diagrams.all_of(every)])
    weights = torch.tensor([0.99, 0.01]).log().repeat(500)[None]
    assert circuit(weights).item() == pytest.approx(500 * math.log(0.01), rel=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_the_most_probable_world_is_the_best_of_all(seed: int) -> None:
    diagrams, roots = random_formulas(seed)
    weights = random_weights(seed, rows=1)[0]
    circuit = ArithmeticCircuit(diagrams, roots)
    for place, root in enumerate(roots[:-1]):
        if root == FALSE:
            continue
        values, total = circuit.most_probable(weights, place)
        best = max(weight_of(w, weights) for w in WORLDS if diagrams.holds(root, w))
        assert diagrams.holds(root, values)
        assert math.exp(total) == pytest.approx(best)
        assert weight_of(tuple(values), weights) == pytest.approx(best)
    with pytest.raises(InvalidInput, match="probability zero"):
        circuit.most_probable(weights, len(roots) - 1)


def test_refusals() -> None:
    diagrams, roots = random_formulas(0)
    circuit = ArithmeticCircuit(diagrams, roots)
    with pytest.raises(ShapeMismatch, match=r"batch, 13"):
        circuit(torch.zeros(2, 5))
    with pytest.raises(ShapeMismatch):
        circuit(torch.zeros(13))
    with pytest.raises(InvalidInput, match="no number"):
        circuit(torch.full((1, 13), math.nan))
    with pytest.raises(InvalidInput, match="in floats"):
        circuit(torch.zeros(1, 13, dtype=torch.int64))
