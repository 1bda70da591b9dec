"""A knowledge base as a network: the same inference over batches of tensors, which can learn.

The nodes of the ground graph become columns of two tensors of bounds [batch, node]; connectives of
one kind, one number of operands and one height are computed together. A pass goes up through all
heights and down again; passes are repeated until nothing moves. Gradients reach the given degrees
(and with them neural predicates), the weights of the rules and the weights of the premises.

Where no contradictions are, the bounds are those of :meth:`KnowledgeBase.infer`. A case in which
bounds cross goes no further (unless the knowledge base lets contradictions spread): what has
crossed by then is the loss of contradiction of logical neural networks (Riegel et al. 2020).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.logic.graph import TRUE_NODE
from neurallayers.logic.intervals import Connective, downward, upward
from neurallayers.logic.knowledge import KnowledgeBase
from neurallayers.logic.propagation import STEP
from neurallayers.logic.rules import Axiom, Program, Rule
from neurallayers.logic.terms import Atom
from neurallayers.logic.truth import ROUNDING, Bounds

Degrees: TypeAlias = Tensor | tuple[Tensor, Tensor]
_FOLDED = frozenset({Connective.ALL, Connective.ANY})


@dataclass(frozen=True)
class _Group:
    """Connectives that are computed together.

    Args:
        connective: What they do.
        nodes: Their numbers, [node].
        operands: The numbers of their operands, [node, operand].
        weights: The places of the weights of their operands, [node, operand]; None without.
        concluding: Whether they are part of what an instance concludes.
    """

    connective: Connective
    nodes: Tensor
    operands: Tensor
    weights: Tensor | None
    concluding: bool


class BatchConclusions:
    """Bounds of every ground atom for each case of a batch.

    Args:
        knowledge: The knowledge base.
        lower: Lower bounds, [batch, node].
        upper: Upper bounds, [batch, node].
        complete: Whether the fixed point was reached.
    """

    def __init__(
        self, knowledge: KnowledgeBase, lower: Tensor, upper: Tensor, complete: bool
    ) -> None:
        self.knowledge = knowledge
        self.complete = complete
        self._lower, self._upper = lower, upper

    def bounds(self, *asked: Atom | str) -> tuple[Tensor, Tensor]:
        """Lower and upper bounds of some atoms, each [batch, atom].

        Raises:
            InvalidInput: If no statement mentions one of them.
        """
        places = [node_of(self.knowledge, each) for each in asked]
        return self._lower[:, places], self._upper[:, places]

    def case(self, number: int) -> dict[Atom, Bounds]:
        """The bounds of every atom in one case."""
        lower, upper = self._lower[number].tolist(), self._upper[number].tolist()
        atoms = self.knowledge.graph.atoms
        return {
            atom: Bounds(min(max(lower[node], 0.0), 1.0), min(max(upper[node], 0.0), 1.0))
            for atom, node in atoms.items()
        }

    @property
    def contradiction(self) -> Tensor:
        """By how much the bounds of all nodes cross, summed for each case: [batch].

        The loss of contradiction of logical neural networks: sum max(0, lower - upper).
        """
        return torch.relu(self._lower - self._upper).sum(dim=1)


class LogicalNetwork(nn.Module):
    """The inference of a knowledge base over batches, with weights that learn.

    Args:
        knowledge: Rules and domain; its semantics and premise weights are taken over, closed worlds
            are not (their completion is no function of one pass; use ``KnowledgeBase.infer``).
        most_passes: Stop after so many passes up and down.
        learn_rules: Whether the weights of rules and axioms are parameters.
        learn_premises: Whether the weights of premises are parameters (1 where none are given).

    Raises:
        InvalidInput: If the knowledge base has closed predicates.

    >>> knowledge = KnowledgeBase("wet <- rain & outside")
    >>> network = LogicalNetwork(knowledge)
    >>> lower, upper = network({"rain": torch.tensor([1.0, 0.5]), "outside": 0.75}).bounds("wet")
    >>> lower[:, 0].tolist()
    [0.75, 0.25]
    """

    def __init__(
        self,
        knowledge: KnowledgeBase,
        *,
        most_passes: int = 100,
        learn_rules: bool = True,
        learn_premises: bool = False,
    ) -> None:
        super().__init__()
        if knowledge.closed:
            raise InvalidInput(
                f"The predicates {', '.join(sorted(knowledge.closed))} are closed.",
                "Give what is false as degree 0, or infer with the knowledge base itself.",
            )
        self.knowledge = knowledge
        self.most_passes = most_passes
        self._groups = _grouped(knowledge, learn_premises)
        roots = knowledge.graph.roots
        statements: dict[int, Rule | Axiom] = {root.number: root.statement for root in roots}
        self.statements = tuple(statements[number] for number in sorted(statements))
        places = {number: place for place, number in enumerate(sorted(statements))}
        weights = torch.tensor([_weight(each) for each in self.statements], dtype=torch.float64)
        self.rule_weights = nn.Parameter(weights, requires_grad=learn_rules)
        premises = _premise_weights(knowledge, learn_premises)
        self.premise_weights = nn.Parameter(premises, requires_grad=learn_premises)
        self._root_nodes = torch.tensor([root.node for root in roots], dtype=torch.long)
        self._root_places = torch.tensor([places[root.number] for root in roots], dtype=torch.long)

    def forward(
        self, truths: Mapping[Atom | str, Degrees | float | Callable[[], Tensor]]
    ) -> BatchConclusions:
        """What follows for each case of a batch.

        Args:
            truths: By atom its degrees [batch], a pair of lower and upper bounds, a number for all
                cases, or a function that returns degrees; by the name of a predicate the degrees
                [batch, atom] of all its atoms, in the order of :meth:`atoms_of`.

        Raises:
            InvalidInput: If nothing mentions an atom, or a degree is not within 0 and 1.
            ShapeMismatch: If the batches differ.
        """
        lower, upper = self._begin(self._collect(truths))
        spread = self.knowledge.propagation.spread
        complete = False
        for _ in range(self.most_passes):
            low, high = self._pass(lower, upper)
            if not spread:
                # A case in contradiction stays as it is: from crossed bounds anything follows, and
                # no gradient says which rule to blame.
                crossed = (lower > upper + ROUNDING).any(dim=1, keepdim=True)
                low, high = torch.where(crossed, lower, low), torch.where(crossed, upper, high)
            moved = (low - lower).detach().abs().max(), (high - upper).detach().abs().max()
            lower, upper = low, high
            if max(map(float, moved)) <= STEP:
                complete = True
                break
        return BatchConclusions(self.knowledge, lower, upper, complete)

    def atoms_of(self, predicate: str) -> tuple[Atom, ...]:
        """The ground atoms of a predicate, in a fixed order.

        Raises:
            InvalidInput: If no statement mentions the predicate.
        """
        found = tuple(atom for atom in self.knowledge.graph.atoms if atom.predicate == predicate)
        if not found:
            raise InvalidInput(
                f"No statement mentions a predicate {predicate!r}.",
                "Use one of: " + ", ".join(sorted({a.predicate for a in self.knowledge.atoms})),
            )
        return found

    def learned(self) -> Program:
        """The program with the weights as they are now, brought within 0 and 1."""
        weights = self.rule_weights.detach().clamp(0.0, 1.0).tolist()
        changed = {
            id(statement): replace(statement, weight=weight)
            for statement, weight in zip(self.statements, weights, strict=True)
        }
        program = self.knowledge.program

        def now(statements: Sequence[Any]) -> tuple[Any, ...]:
            return tuple(changed.get(id(each), each) for each in statements)

        return replace(
            program, rules=now(program.rules), facts=now(program.facts), axioms=now(program.axioms)
        )

    def clamp_weights(self) -> None:
        """Bring the weights back to where they mean something, after a step of an optimizer."""
        with torch.no_grad():
            self.rule_weights.clamp_(0.0, 1.0)
            self.premise_weights.clamp_(min=0.0)

    def _collect(self, truths: Mapping[Any, Any]) -> dict[int, tuple[Tensor, Tensor]]:
        """Lower and upper degrees [batch] of every given node."""
        given: dict[int, tuple[Tensor, Tensor]] = {}
        for key, value in truths.items():
            degrees = value() if callable(value) and not isinstance(value, Tensor) else value
            pair = degrees if isinstance(degrees, tuple) else (degrees, degrees)
            low, high = (torch.as_tensor(each, dtype=torch.float64) for each in pair)
            for bound in (low, high):
                if bound.numel() and not bool(((bound >= 0.0) & (bound <= 1.0)).all()):
                    raise InvalidInput(
                        f"A degree of '{key}' is not within 0 and 1.",
                        "Squash what a network says, for example by torch.sigmoid.",
                    )
            by_predicate = isinstance(key, str) and low.dim() == 2
            if not by_predicate:
                given[node_of(self.knowledge, key)] = (low, high)
                continue
            atoms = self.atoms_of(key)
            if low.shape[1] != len(atoms) or high.shape != low.shape:
                raise ShapeMismatch(
                    f"'{key}' has {len(atoms)} atoms and was given degrees of shape "
                    f"{tuple(low.shape)}.",
                    "Give [batch, atom] in the order of atoms_of(predicate).",
                )
            for place, atom in enumerate(atoms):
                node = self.knowledge.graph.atoms[atom]
                given[node] = (low[:, place], high[:, place])
        return given

    def _begin(self, given: Mapping[int, tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        """Bounds before any inference: what is given and what the statements assert."""
        sizes = {bound.shape[0] for pair in given.values() for bound in pair if bound.dim() == 1}
        if len(sizes) > 1 or any(b.dim() > 1 for pair in given.values() for b in pair):
            raise ShapeMismatch(
                f"The degrees come in batches of {sorted(sizes)}.",
                "Give each atom one degree for each case: a tensor [batch], or one number.",
            )
        batch = sizes.pop() if sizes else 1
        count = len(self.knowledge.graph.nodes)
        lower = torch.zeros(batch, count, dtype=torch.float64)
        upper = torch.ones(batch, count, dtype=torch.float64)
        lower[:, TRUE_NODE] = 1.0
        nodes = sorted(given)
        if nodes:
            places = torch.tensor(nodes)
            lows = torch.stack([given[node][0].expand(batch) for node in nodes], dim=1)
            highs = torch.stack([given[node][1].expand(batch) for node in nodes], dim=1)
            lower, upper = _meet(lower, upper, places, lows, highs)
        if len(self._root_nodes):
            asserted = self.rule_weights[self._root_places].expand(batch, -1)
            lower, upper = _meet(
                lower, upper, self._root_nodes, asserted, torch.ones_like(asserted)
            )
        return lower, upper

    def _pass(self, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
        """Once up through all heights and once down again."""
        for group in self._groups:
            low, high = self._upward(group, lower, upper)
            lower, upper = _meet(lower, upper, group.nodes, low, high)
        if self.knowledge.propagation.backward:
            for group in reversed(self._groups):
                lower, upper = self._downward(group, lower, upper)
            return lower, upper
        return self._conclude(lower, upper)

    def _upward(self, group: _Group, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
        if group.connective in _FOLDED:
            lows, highs = lower[:, group.operands], upper[:, group.operands]
            if group.connective is Connective.ALL:
                return lows.amin(dim=2), highs.amin(dim=2)
            return lows.amax(dim=2), highs.amax(dim=2)
        columns = group.operands.unbind(dim=1)
        low, high = upward(
            group.connective,
            self.knowledge.semantics,
            [lower[:, column] for column in columns],
            [upper[:, column] for column in columns],
            self._weights_of(group),
        )
        return low, high

    def _downward(self, group: _Group, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
        if group.connective in _FOLDED:
            return self._to_instances(group, lower, upper)
        columns = group.operands.unbind(dim=1)
        found = downward(
            group.connective,
            self.knowledge.semantics,
            lower[:, group.nodes],
            upper[:, group.nodes],
            [lower[:, column] for column in columns],
            [upper[:, column] for column in columns],
            self._weights_of(group),
        )
        for column, (low, high) in zip(columns, found, strict=True):
            shape = (lower.shape[0], len(column))
            low, high = (_as_tensor(bound, shape) for bound in (low, high))
            lower, upper = _meet(lower, upper, column, low, high)
        return lower, upper

    def _to_instances(self, group: _Group, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
        """From a quantifier to its instances: all are above a "for all", and one must be as low."""
        everything = group.connective is Connective.ALL
        sign = 1.0 if everything else -1.0
        operands = group.operands
        own, other = (lower, upper) if everything else (upper, lower)
        # The extreme of all others: the extreme itself, or the second for the instance that has it.
        values = sign * own[:, operands]
        if operands.shape[1] == 1:
            rest = torch.full_like(values, sign)
        else:
            two = values.topk(2, dim=2, largest=False).values
            is_least = values == two[:, :, :1]
            rest = sign * torch.where(is_least, two[:, :, 1:2], two[:, :, :1])
        whole_own, whole_other = own[:, group.nodes], other[:, group.nodes]
        bound = whole_other.unsqueeze(2).expand_as(rest)
        excluded = rest > bound if everything else rest < bound
        others = torch.where(excluded, bound, torch.full_like(bound, 1.0 if everything else 0.0))
        owns = whole_own.unsqueeze(2).expand_as(rest)
        flat = operands.flatten()
        low, high = (owns, others) if everything else (others, owns)
        return _meet(lower, upper, flat, low.flatten(1), high.flatten(1))

    def _conclude(self, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
        """Modus ponens alone: lower bounds of the conclusions of instances."""
        roots = [root for root in self.knowledge.graph.roots if root.premise is not None]
        if not roots:
            return lower, upper
        nodes = torch.tensor([root.node for root in roots])
        premises = torch.tensor([root.premise for root in roots])
        conclusions = torch.tensor([root.conclusion for root in roots])
        low = self.knowledge.semantics.conclusion_at_least(lower[:, nodes], lower[:, premises])
        lower, upper = _meet(lower, upper, conclusions, low, torch.ones_like(low))
        for group in reversed(self._groups):
            if group.concluding:
                lower, upper = self._downward(group, lower, upper)
        return lower, upper

    def _weights_of(self, group: _Group) -> list[Tensor] | None:
        if group.weights is None:
            return None
        return [self.premise_weights[column] for column in group.weights.unbind(dim=1)]


def node_of(knowledge: KnowledgeBase, asked: Atom | str) -> int:
    """The node of an atom.

    Raises:
        InvalidInput: If no statement mentions it.
    """
    formula = knowledge.read(asked) if isinstance(asked, str) else asked
    node = knowledge.graph.atoms.get(formula) if isinstance(formula, Atom) else None
    if node is None:
        raise InvalidInput(
            f"'{asked}' is no atom that a statement mentions.",
            "Use one of knowledge.atoms, such as " + ", ".join(map(str, knowledge.atoms[:5])) + ".",
        )
    return node


def _grouped(knowledge: KnowledgeBase, learn_premises: bool) -> list[_Group]:
    """The connectives by height, so that each group needs only groups before it."""
    nodes = knowledge.graph.nodes
    heights = [0] * len(nodes)
    members: dict[tuple[int, str, int, bool, bool], list[int]] = {}
    concluding = {
        index for root in knowledge.graph.roots for index in knowledge.graph.inside(root.conclusion)
    }
    place = 0
    places: dict[int, list[int]] = {}
    for number, node in enumerate(nodes):
        if node.connective is None:
            continue
        heights[number] = 1 + max(heights[operand] for operand in node.operands)
        weighted = _is_weighted(node.connective, node.weights, learn_premises)
        if weighted:
            places[number] = list(range(place, place + len(node.operands)))
            place += len(node.operands)
        key = (
            heights[number],
            node.connective.value,
            len(node.operands),
            weighted,
            number in concluding,
        )
        members.setdefault(key, []).append(number)
    return [
        _Group(
            Connective(key[1]),
            torch.tensor(numbers),
            torch.tensor([nodes[number].operands for number in numbers]),
            torch.tensor([places[number] for number in numbers]) if key[3] else None,
            key[4],
        )
        for key, numbers in sorted(members.items())
    ]


def _is_weighted(
    connective: Connective, weights: tuple[float, ...] | None, learn_premises: bool
) -> bool:
    joins = connective in {Connective.AND, Connective.OR}
    return weights is not None or (learn_premises and joins)


def _premise_weights(knowledge: KnowledgeBase, learn_premises: bool) -> Tensor:
    weights: list[float] = []
    for node in knowledge.graph.nodes:
        if node.connective is not None and _is_weighted(
            node.connective, node.weights, learn_premises
        ):
            weights.extend([1.0] * len(node.operands) if node.weights is None else node.weights)
    return torch.tensor(weights, dtype=torch.float64)


def _weight(statement: Rule | Axiom) -> float:
    return 1.0 if statement.weight is None else statement.weight


def _as_tensor(bound: Any, shape: tuple[int, int]) -> Tensor:
    return torch.as_tensor(bound, dtype=torch.float64).expand(shape)


def _meet(
    lower: Tensor, upper: Tensor, nodes: Tensor, low: Tensor, high: Tensor
) -> tuple[Tensor, Tensor]:
    """Tighten the bounds of some nodes, of which one may stand there more than once."""
    places = nodes.expand(lower.shape[0], -1)
    low, high = low.clamp(0.0, 1.0), high.clamp(0.0, 1.0)
    # Only what moves a bound by more than rounding replaces it.
    low = torch.where(low > lower[:, nodes] + STEP, low, torch.zeros_like(low))
    high = torch.where(high < upper[:, nodes] - STEP, high, torch.ones_like(high))
    return (
        lower.scatter_reduce(1, places, low, reduce="amax"),
        upper.scatter_reduce(1, places, high, reduce="amin"),
    )
