"""Neural predicates: exact likelihoods, and learning from what follows alone."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor, nn

from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName
from neurallayers.logic import Atom, Constant, Variable
from neurallayers.logic.neural import NeuralPredicate, NeuralProgram
from neurallayers.seeding import stream

ADDITION = "addition(x, y, z) <- digit(x, a) & digit(y, b) & z is a + b"


def linear(inputs: int, outputs: int, seed: int = 0) -> nn.Linear:
    """A linear layer with weights from a named stream."""
    layer = nn.Linear(inputs, outputs)
    generator = stream(seed, "linear", inputs, outputs)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return layer


def addition(network: nn.Module, labels: int = 10) -> NeuralProgram:
    digit = NeuralPredicate("digit", network, labels=range(labels))
    return NeuralProgram(ADDITION, [digit], query="addition(Left, Right, z)")


def images(rows: int, seed: int, size: int = 4) -> Tensor:
    return torch.randn(rows, size, generator=stream(seed, "images"))


def test_sums_are_convolutions_of_the_digits() -> None:
    network = linear(4, 10)
    program = addition(network)
    left, right = images(6, 1), images(6, 2)
    found = program({"Left": left, "Right": right}).exp()
    a, b = (network(x).softmax(dim=1) for x in (left, right))
    expected = torch.zeros(6, 19)
    for i, j in itertools.product(range(10), repeat=2):
        expected[:, i + j] += a[:, i] * b[:, j]
    torch.testing.assert_close(found, expected)
    assert program.values == tuple(range(19))
    assert program.answers[3] == Atom(
        "addition", (Constant("Left"), Constant("Right"), Constant(3))
    )


def test_gradients_are_those_of_the_convolution() -> None:
    network = linear(4, 10)
    program = addition(network)
    left, right = images(5, 3), images(5, 4)
    totals = torch.tensor([0, 5, 9, 12, 18])
    program.loss({"Left": left, "Right": right}, program.columns(totals)).backward()
    assert network.weight.grad is not None
    found, network.weight.grad = network.weight.grad.clone(), None
    a, b = (network(x).softmax(dim=1) for x in (left, right))
    likelihood = torch.stack(
        [
            torch.stack(
                [a[row, i] * b[row, int(t) - i] for i in range(10) if 0 <= t - i < 10]
            ).sum()
            for row, t in enumerate(totals)
        ]
    )
    (-likelihood.log().mean()).backward()
    torch.testing.assert_close(found, network.weight.grad)


def test_labels_are_learned_from_sums_alone() -> None:
    """Five clusters in the plane; only sums of two are told."""
    generator = stream(3, "clusters")
    angle = torch.arange(5) * (2 * torch.pi / 5)
    centres = 3.0 * torch.stack([angle.cos(), angle.sin()], dim=1)
    labels = torch.randint(5, (2, 200), generator=generator)
    points = centres[labels] + 0.3 * torch.randn(2, 200, 2, generator=generator)
    # Weights from a stream, as torch's own global generator is nobody's here.
    network = nn.Sequential(linear(2, 32, seed=1), nn.Tanh(), linear(32, 5, seed=1))
    program = addition(network, labels=5)
    columns = program.columns(labels.sum(dim=0))
    optimizer = torch.optim.Adam(program.parameters(), lr=0.03)
    inputs = {"Left": points[0], "Right": points[1]}
    for _ in range(100):
        optimizer.zero_grad()
        program.loss(inputs, columns).backward()
        optimizer.step()
    assert (program.predict(inputs) == columns).float().mean() > 0.95
    # The labels themselves were never seen, and only one naming explains all sums.
    assert (network(points[0]).argmax(dim=1) == labels[0]).float().mean() > 0.95


def test_posteriors_say_what_the_labels_must_have_been() -> None:
    network = linear(4, 10)
    program = addition(network)
    left, right = images(3, 5), images(3, 6)
    totals = torch.tensor([1, 18, 7])
    found = program.posteriors({"Left": left, "Right": right}, program.columns(totals))
    a, b = (network(x).softmax(dim=1).detach() for x in (left, right))
    for row, total in enumerate(totals.tolist()):
        joint = torch.tensor(
            [
                float(a[row, i] * b[row, total - i]) if 0 <= total - i < 10 else 0.0
                for i in range(10)
            ]
        )
        label = Atom("digit", (Constant("Left"), Variable("label")))
        torch.testing.assert_close(found[label][row], joint / joint.sum())


def test_a_label_that_was_not_asked_keeps_its_probability() -> None:
    colour = NeuralPredicate("colour", linear(4, 3), labels=["red", "green", "blue"])
    program = NeuralProgram(
        '0.5 :: lucky\nwin <- lucky\nwin <- colour(Ball, "red")',
        [colour],
        query="win",
        inputs=["Ball"],
    )
    x = images(2, 7)
    prior = colour.log_distribution(x).exp().detach()
    found = program.posteriors({"Ball": x}, torch.zeros(2, dtype=torch.int64))
    (posterior,) = found.values()
    win = 1 - 0.5 * (1 - prior[:, 0])
    expected = torch.stack(
        [prior[:, 0] / win, 0.5 * prior[:, 1] / win, 0.5 * prior[:, 2] / win], dim=1
    )
    torch.testing.assert_close(posterior, expected)


def test_networks_of_several_inputs_and_several_predicates() -> None:
    near = NeuralPredicate(
        "near", lambda x, y: torch.stack([(x * y).sum(1), 0 * x[:, 0]], 1), ["yes", "no"], inputs=2
    )
    kind = NeuralPredicate("kind", linear(4, 2), labels=["cat", "dog"])
    program = NeuralProgram(
        """
        0.9 :: chases(x, y) <- kind(x, "dog") & kind(y, "cat") & near(x, y, "yes")
        """,
        [near, kind],
        query=["chases(A, B)", "!chases(A, B)"],
    )
    a, b = images(4, 8), images(4, 9)
    found = program({"A": a, "B": b}).exp()
    p = kind.log_distribution(a).exp()[:, 1] * kind.log_distribution(b).exp()[:, 0]
    expected = 0.9 * p * near.log_distribution(a, b).exp()[:, 0]
    torch.testing.assert_close(found, torch.stack([expected, 1 - expected], dim=1))
    assert {name for name, _ in program.named_parameters()} == {
        "networks.kind.weight",
        "networks.kind.bias",
    }
    with pytest.raises(InvalidInput, match="no single value"):
        _ = program.values


def test_longer_numbers() -> None:
    """Two digits each: the program carries, the circuit is compiled once."""
    network = linear(4, 3)
    digit = NeuralPredicate("digit", network, labels=range(3))
    program = NeuralProgram(
        """
        number(x, y, n) <- digit(x, a) & digit(y, b) & m is a * 3 & n is m + b
        total(z) <- number(A, B, n) & number(C, D, m) & z is n + m
        """,
        [digit],
        query="total(z)",
        inputs=["A", "B", "C", "D"],
    )
    inputs = {name: images(2, seed) for seed, name in enumerate("ABCD")}
    found = program(inputs).exp()
    assert set(program.values) == set(range(17))
    torch.testing.assert_close(found.sum(dim=1), torch.ones(2))
    p = {name: network(x).softmax(dim=1) for name, x in inputs.items()}
    eight = sum(
        p["A"][:, a] * p["B"][:, b] * p["C"][:, c] * p["D"][:, d]
        for a, b, c, d in itertools.product(range(3), repeat=4)
        if 3 * a + b + 3 * c + d == 8
    )
    torch.testing.assert_close(found[:, program.values.index(8)], eight)


def test_refusals() -> None:
    network = linear(4, 10)
    with pytest.raises(InvalidInput, match="Name two or more"):
        NeuralPredicate("digit", network, labels=[1])
    with pytest.raises(InvalidInput, match="takes 0 inputs"):
        NeuralPredicate("digit", network, labels=range(10), inputs=0)
    with pytest.raises(InvalidInput, match="network or a function"):
        NeuralPredicate("digit", 3, labels=range(10))  # type: ignore[arg-type]
    digit = NeuralPredicate("digit", network, labels=range(10))
    with pytest.raises(InvalidInput, match="a name of its own"):
        NeuralProgram(ADDITION, [digit, digit], query="addition(L, R, z)")
    with pytest.raises(InvalidInput, match="No neural predicate"):
        NeuralProgram("0.5 :: rain", [digit], query="rain")
    program = addition(network)
    x = images(2, 1)
    with pytest.raises(UnknownName, match="'Right' is missing"):
        program({"Left": x})
    with pytest.raises(UnknownName, match="'Middle' is not known"):
        program({"Left": x, "Right": x, "Middle": x})
    with pytest.raises(ShapeMismatch, match="same number of rows"):
        program({"Left": x, "Right": x[:1]})
    with pytest.raises(UnknownName, match="19 never follows"):
        program.columns(torch.tensor([19]))
    with pytest.raises(ShapeMismatch, match="one answer a row"):
        program.loss({"Left": x, "Right": x}, torch.zeros(3, dtype=torch.int64))
    with pytest.raises(ShapeMismatch, match="logits"):
        addition(linear(4, 7))({"Left": x, "Right": x})
