r"""Arithmetic circuits: the probability of formulas as sums and products, batched, with gradients.

A decision diagram (:mod:`neurallayers.logic.diagrams`) becomes a circuit by reading each question
as a sum over its answers, each answer weighted:

.. math:: v(n) = \sum_k w_{c(n),k} \, v(\mathrm{child}_k(n)), \quad v(\top) = 1, \; v(\bot) = 0

with :math:`w_{c,k}` the probability that choice *c* falls on alternative *k*. As the weights of one
choice add up to one, a question that was left out costs nothing, and :math:`v` of the top node is
exactly the probability that the formula is true (weighted model counting: Chavira & Darwiche 2008).

The circuit depends on the program alone: a batch evaluates it once with a column of weights for
each row. The gradient is one pass downwards (Darwiche 2003, section 4). All is done with logarithms
in the working precision, so that the likelihood of long evidence does not underflow.

Sources: Darwiche (2003), A differential approach to inference in Bayesian networks, J. ACM 50:280;
Chavira & Darwiche (2008), On probabilistic inference by weighted model counting, Artificial
Intelligence 172:772.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.logic.diagrams import FALSE, TRUE, Diagrams


@dataclass(frozen=True)
class _Layer:
    """Nodes whose children all stand in earlier layers.

    Attributes:
        start: Row of the first node; the others follow.
        weights: int64 ``[nodes, edges]``, the weight of each edge; missing edges take the last row,
            whose weight is zero.
        children: int64 ``[nodes, edges]``, where each edge leads.
    """

    start: int
    weights: Tensor
    children: Tensor


class ArithmeticCircuit:
    """The diagrams of some formulas, ready to be weighted.

    Args:
        diagrams: Where the formulas live.
        roots: Their top nodes; the circuit answers in this order.

    >>> diagrams = Diagrams()
    >>> a, b = (diagrams.alternative(diagrams.add_choice(2), 1) for _ in range(2))
    >>> circuit = ArithmeticCircuit(diagrams, [diagrams.both(a, b), diagrams.either(a, b)])
    >>> log_weights = torch.tensor([[0.7, 0.3, 0.6, 0.4]], dtype=torch.float64).log()
    >>> circuit(log_weights).exp()  # 0.3 * 0.4 and 1 - 0.7 * 0.6
    tensor([[0.1200, 0.5800]], dtype=torch.float64)
    """

    def __init__(self, diagrams: Diagrams, roots: Sequence[int]) -> None:
        self.sizes = diagrams.sizes
        offsets = [0]
        for size in self.sizes:
            offsets.append(offsets[-1] + size)
        self.offsets = tuple(offsets[:-1])
        self.weight_count = offsets[-1]
        nodes = [node for node in diagrams.below(roots) if node > TRUE]
        # A node is made after its children, so that one pass over ascending numbers suffices.
        height: dict[int, int] = {FALSE: 0, TRUE: 0}
        for node in nodes:
            height[node] = 1 + max(height[child] for child in diagrams.children(node))
        ordered = sorted(nodes, key=lambda node: (height[node], node))
        rows = {FALSE: FALSE, TRUE: TRUE} | {node: i for i, node in enumerate(ordered, start=2)}
        self._layers = _layers(diagrams, ordered, height, rows, self.offsets, self.weight_count)
        self._roots = torch.tensor([rows[root] for root in roots], dtype=torch.int64)
        self.node_count = len(rows)

    def __call__(self, log_weights: Tensor) -> Tensor:
        """The logarithm of the probability of each formula.

        Args:
            log_weights: ``[batch, weight_count]``: the logarithm of the weight of each alternative,
                choice after choice (:attr:`offsets`); minus infinity for what cannot happen.

        Returns:
            ``[batch, roots]``; minus infinity for what is impossible.

        Raises:
            ShapeMismatch: If the weights have another shape.
            InvalidInput: If a weight is not a number.
        """
        if log_weights.ndim != 2 or log_weights.shape[1] != self.weight_count:
            raise ShapeMismatch(
                f"log_weights are {tuple(log_weights.shape)}.",
                f"Give [batch, {self.weight_count}]: the alternatives of all choices in a row.",
            )
        if not log_weights.is_floating_point() or bool(log_weights.isnan().any()):
            raise InvalidInput(
                "log_weights hold what is no number.",
                "Give logarithms of probabilities, in floats.",
            )
        device = log_weights.device
        if self._roots.device != device:
            self._to(device)
        values = _Evaluation.apply(log_weights.T, self)
        return values[self._roots].T  # type: ignore[no-any-return]

    def _to(self, device: torch.device) -> None:
        self._roots = self._roots.to(device)
        self._layers = [
            _Layer(layer.start, layer.weights.to(device), layer.children.to(device))
            for layer in self._layers
        ]

    def evaluate(self, log_weights: Tensor) -> tuple[Tensor, Tensor]:
        """Values of all nodes ``[nodes, batch]`` from weights ``[weight_count, batch]``, by layers.

        Returns:
            The logarithm of each node's value, and the weights with a row of zero weight added.
        """
        batch = log_weights.shape[1]
        impossible = log_weights.new_full((1, batch), -torch.inf)
        weights = torch.cat([log_weights, impossible])
        values = log_weights.new_full((self.node_count, batch), -torch.inf)
        values[TRUE] = 0.0
        for layer in self._layers:
            terms = weights[layer.weights] + values[layer.children]
            values[layer.start : layer.start + len(terms)] = torch.logsumexp(terms, dim=1)
        return values, weights

    @property
    def layers(self) -> Sequence[_Layer]:
        """The nodes in the order of evaluation."""
        return self._layers

    def most_probable(self, log_weights: Tensor, root: int = 0) -> tuple[list[int], float]:
        """The most probable way in which a formula is true.

        Args:
            log_weights: ``[weight_count]``, one row.
            root: Which of the formulas.

        Returns:
            The alternative that each choice falls on, and the logarithm of the probability that all
            of them do.

        Raises:
            InvalidInput: If the formula is impossible.
        """
        table = [
            log_weights[start : start + size].tolist()
            for start, size in zip(self.offsets, self.sizes, strict=True)
        ]
        likeliest = [max(range(len(row)), key=row.__getitem__) for row in table]
        top = int(self._roots[root])
        best = self._best_below(log_weights, [max(row) for row in table])
        if best[top] == -float("inf"):
            raise InvalidInput(
                "What is given has probability zero: there is no most probable case.",
                "Check the evidence against the rules and the facts of probability 0 or 1.",
            )
        values = list(likeliest)
        while top > TRUE:
            top = self._step(top, best, values, log_weights)
        total = sum(row[value] for row, value in zip(table, values, strict=True))
        return values, total

    def _best_below(self, log_weights: Tensor, maxima: list[float]) -> list[float]:
        """For each node the largest gain over what its choices would be without the formula."""
        best = [-float("inf")] * self.node_count
        best[TRUE] = 0.0
        for layer in self._layers:
            for i, (edges, children) in enumerate(
                zip(layer.weights.tolist(), layer.children.tolist(), strict=True)
            ):
                best[layer.start + i] = max(
                    _gain(log_weights, maxima, self.offsets, edge, self.weight_count) + best[child]
                    for edge, child in zip(edges, children, strict=True)
                )
        return best

    def _step(self, top: int, best: list[float], values: list[int], log_weights: Tensor) -> int:
        """Follow the best edge of a node and note its alternative."""
        layer = next(x for x in self._layers if x.start <= top < x.start + len(x.weights))
        edges = layer.weights[top - layer.start].tolist()
        children = layer.children[top - layer.start].tolist()
        real = [(e, c) for e, c in zip(edges, children, strict=True) if e < self.weight_count]
        edge, child = max(real, key=lambda pair: float(log_weights[pair[0]]) + best[pair[1]])
        choice = _choice_of(edge, self.offsets)
        values[choice] = edge - self.offsets[choice]
        return int(child)


def _choice_of(edge: int, offsets: Sequence[int]) -> int:
    """The choice that a weight belongs to."""
    return bisect_right(offsets, edge) - 1


def _gain(
    log_weights: Tensor, maxima: list[float], offsets: Sequence[int], edge: int, none: int
) -> float:
    """How much an alternative's logarithm lies below that of the likeliest of its choice."""
    if edge == none:
        return -float("inf")
    return float(log_weights[edge]) - maxima[_choice_of(edge, offsets)]


def _layers(
    diagrams: Diagrams,
    ordered: list[int],
    height: dict[int, int],
    rows: dict[int, int],
    offsets: Sequence[int],
    none: int,
) -> list[_Layer]:
    """Nodes of one height as one layer; edges to false are left out."""
    layers = []
    first = 0
    while first < len(ordered):
        last = first
        while last < len(ordered) and height[ordered[last]] == height[ordered[first]]:
            last += 1
        layers.append(_layer(diagrams, ordered[first:last], first + 2, rows, offsets, none))
        first = last
    return layers


def _layer(
    diagrams: Diagrams,
    nodes: list[int],
    start: int,
    rows: dict[int, int],
    offsets: Sequence[int],
    none: int,
) -> _Layer:
    edges = []
    for node in nodes:
        offset = offsets[diagrams.level(node)]
        edges.append(
            [(offset + k, rows[c]) for k, c in enumerate(diagrams.children(node)) if c != FALSE]
        )
    widest = max(map(len, edges))
    padded = [pairs + [(none, FALSE)] * (widest - len(pairs)) for pairs in edges]
    table = torch.tensor(padded, dtype=torch.int64)
    return _Layer(start, table[..., 0].contiguous(), table[..., 1].contiguous())


class _Evaluation(torch.autograd.Function):
    """Values of all nodes, and the pass downwards that gives every weight its derivative."""

    @staticmethod
    def forward(ctx: Any, log_weights: Tensor, circuit: ArithmeticCircuit) -> Tensor:
        values, weights = circuit.evaluate(log_weights)
        ctx.save_for_backward(values, weights)
        ctx.circuit = circuit
        return values

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        values, weights = ctx.saved_tensors
        adjoint = gradient.clone()
        towards_weights = torch.zeros_like(weights)
        for layer in reversed(ctx.circuit.layers):
            nodes = slice(layer.start, layer.start + len(layer.weights))
            value = values[nodes].unsqueeze(1)
            terms = weights[layer.weights] + values[layer.children]
            # What is impossible moves nothing; without the mask, inf - inf would spoil the rest.
            share = torch.where(terms.isneginf(), 0.0, torch.exp(terms - value))
            flow = (adjoint[nodes].unsqueeze(1) * share).flatten(0, 1)
            towards_weights.index_add_(0, layer.weights.flatten(), flow)
            adjoint.index_add_(0, layer.children.flatten(), flow)
        return towards_weights[:-1], None
