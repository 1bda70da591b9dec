"""The ground formulas of a knowledge base as one graph, in which equal parts are one node.

Node 0 is what is always true. Other nodes are ground atoms, or connectives over earlier nodes, so
that the numbers of the nodes are an order in which truth can flow upwards. Quantifiers become
conjunctions or disjunctions over their domain.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from neurallayers.errors import InvalidInput
from neurallayers.logic.arithmetic import holds, is_built_in
from neurallayers.logic.grounding import Domain, Grounding, Instance
from neurallayers.logic.intervals import Connective
from neurallayers.logic.rules import Axiom, Rule
from neurallayers.logic.terms import (
    And,
    Atom,
    Exists,
    Falsum,
    ForAll,
    Formula,
    Iff,
    Implies,
    Not,
    Or,
    Verum,
    Xor,
    children,
    substitute,
)

TRUE_NODE = 0

_CONNECTIVES: dict[type, Connective] = {
    Not: Connective.NOT,
    And: Connective.AND,
    Or: Connective.OR,
    Implies: Connective.IMPLIES,
    Iff: Connective.IFF,
    Xor: Connective.XOR,
}
_WEIGHTED = frozenset({Connective.AND, Connective.OR})


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a ground formula.

    Args:
        formula: What it says.
        connective: How it joins its operands; None for an atom and for truth.
        operands: The nodes that it joins, all with smaller numbers.
        weights: How much each operand matters; None for all alike.
    """

    formula: Formula
    connective: Connective | None = None
    operands: tuple[int, ...] = ()
    weights: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Root:
    """What one instance asserts: that its node is true at least to the degree of the weight.

    Args:
        statement: The rule, fact or axiom.
        number: Its place among the statements of the knowledge base.
        node: The node of the whole instance.
        premise: The node of the condition; None for a fact or a plain formula.
        conclusion: The node of what it concludes.
        inside: The connectives of the instance, operands before what joins them.
        weight: How true it is at least.
    """

    statement: Rule | Axiom
    number: int
    node: int
    premise: int | None
    conclusion: int
    inside: tuple[int, ...]
    weight: float


class GroundGraph:
    """Nodes of the ground formulas, and the roots that assert them.

    Args:
        grounding: The instances.
        premise_weights: The weights of so many operands of a conjunction or disjunction, or None.
        strong_quantifiers: Whether "for all" is a conjunction of the semantics, which many
            instances bring down together, and not its least true instance.
    """

    def __init__(
        self,
        grounding: Grounding,
        premise_weights: Callable[[int], Sequence[float]] | None = None,
        *,
        strong_quantifiers: bool = False,
    ) -> None:
        self.nodes: list[Node] = [Node(Verum())]
        self.atoms: dict[Atom, int] = {}
        self._known: dict[tuple[Connective, tuple[int, ...], tuple[float, ...] | None], int] = {}
        self._grounding = grounding
        self._premise_weights = premise_weights
        self._strong = strong_quantifiers
        numbers: dict[int, int] = {}
        self.roots: list[Root] = []
        for instance in grounding.instances:
            number = numbers.setdefault(id(instance.statement), len(numbers))
            root = self._root(instance, number)
            if root is not None:
                self.roots.append(root)

    @classmethod
    def apart(cls, graph: GroundGraph) -> GroundGraph:
        """An empty graph over the same domain, for a formula that is only asked about."""
        empty = cls.__new__(cls)
        empty.nodes, empty.atoms, empty._known, empty.roots = [Node(Verum())], {}, {}, []
        empty._grounding = graph._grounding
        empty._premise_weights, empty._strong = graph._premise_weights, graph._strong
        return empty

    @property
    def domain(self) -> Domain:
        """The constants over which quantifiers range."""
        return self._grounding.domain

    def add(self, formula: Formula) -> int:
        """The node of a ground formula (quantifiers may bind variables), made if it is new."""
        match formula:
            case Verum():
                return TRUE_NODE
            case Falsum():
                return self._join(Connective.NOT, (TRUE_NODE,), formula)
            case Atom():
                return self._atom(formula)
            case ForAll() | Exists():
                return self._quantified(formula)
            case _:
                operands = tuple(self.add(child) for child in children(formula))
                return self._join(_CONNECTIVES[type(formula)], operands, formula)

    def inside(self, node: int) -> tuple[int, ...]:
        """The connectives of a formula, operands first, each once."""
        if self.nodes[node].connective is None:
            return ()
        found: set[int] = set()
        waiting = [node]
        while waiting:
            number = waiting.pop()
            if self.nodes[number].connective is not None and number not in found:
                found.add(number)
                waiting.extend(self.nodes[number].operands)
        return tuple(sorted(found))

    def _root(self, instance: Instance, number: int) -> Root | None:
        """The root of an instance; None where it says nothing, its premise being false."""
        weight = _weight_of(instance.statement)
        conclusion = self.add(instance.conclusion)
        if instance.premise is None:
            inside = self.inside(conclusion)
            return Root(instance.statement, number, conclusion, None, conclusion, inside, weight)
        premise = self.add(instance.premise)
        if self._is_false(premise) or conclusion == TRUE_NODE:
            return None
        formula = Implies(instance.premise, instance.conclusion)
        node = self._join(Connective.IMPLIES, (premise, conclusion), formula)
        inside = self.inside(node)
        return Root(instance.statement, number, node, premise, conclusion, inside, weight)

    def _atom(self, atom: Atom) -> int:
        if not atom.is_ground:
            raise InvalidInput(
                f"'{atom}' has a variable that stands for nothing.",
                "Quantify it (forall x: ...), or put a constant in its place.",
            )
        if is_built_in(atom):
            return TRUE_NODE if holds(atom) else self.add(Falsum())
        if atom not in self.atoms:
            self.atoms[atom] = len(self.nodes)
            self.nodes.append(Node(atom))
        return self.atoms[atom]

    def _quantified(self, formula: ForAll | Exists) -> int:
        """A conjunction or disjunction over the domain of the variables."""
        domains = [
            self.domain.of_variable(variable, [formula.body]) for variable in formula.variables
        ]
        operands = tuple(
            self.add(substitute(formula.body, dict(zip(formula.variables, values, strict=True))))
            for values in itertools.product(*domains)
        )
        everything = isinstance(formula, ForAll)
        if self._strong:
            connective = Connective.AND if everything else Connective.OR
        else:
            connective = Connective.ALL if everything else Connective.ANY
        return self._join(connective, operands, formula, quantified=True)

    def _join(
        self,
        connective: Connective,
        operands: tuple[int, ...],
        formula: Formula,
        *,
        quantified: bool = False,
    ) -> int:
        """The node that joins the operands, without those that change nothing."""
        weights: Sequence[float] | None = None
        if connective in _WEIGHTED and self._premise_weights is not None and not quantified:
            weights = self._premise_weights(len(operands))
        if connective in {Connective.AND, Connective.ALL}:
            if weights is None and any(self._is_false(operand) for operand in operands):
                return self.add(Falsum())
            operands, weights = _without(operands, weights, lambda node: node == TRUE_NODE)
        elif connective in {Connective.OR, Connective.ANY}:
            if weights is None and TRUE_NODE in operands:
                return TRUE_NODE
            operands, weights = _without(operands, weights, self._is_false)
        if connective in {Connective.AND, Connective.ALL, Connective.OR, Connective.ANY}:
            if not operands:
                empty = connective in {Connective.AND, Connective.ALL}
                return TRUE_NODE if empty else self.add(Falsum())
            if len(operands) == 1 and weights is None:
                return operands[0]
        given = None if weights is None else tuple(weights)
        key = (connective, operands, given)
        if key not in self._known:
            self._known[key] = len(self.nodes)
            self.nodes.append(Node(formula, connective, operands, given))
        return self._known[key]

    def _is_false(self, node: int) -> bool:
        return (
            node != TRUE_NODE
            and self.nodes[node].operands == (TRUE_NODE,)
            and (self.nodes[node].connective is Connective.NOT)
        )


def _without(
    operands: tuple[int, ...], weights: Sequence[float] | None, idle: Callable[[int], bool]
) -> tuple[tuple[int, ...], Sequence[float] | None]:
    """The operands that matter, with their weights."""
    kept = [place for place, operand in enumerate(operands) if not idle(operand)]
    chosen = None if weights is None else [weights[place] for place in kept]
    return tuple(operands[place] for place in kept), chosen


def _weight_of(statement: Rule | Axiom) -> float:
    """How true a statement is at least."""
    weight = 1.0 if statement.weight is None else statement.weight
    if not 0.0 <= weight <= 1.0:
        raise InvalidInput(
            f"The weight of '{statement.label}' is {weight:g}.",
            "For degrees of truth a weight is the least degree to which the statement holds, "
            "between 0 and 1; log weights are read by neurallayers.logic.markov.",
        )
    return weight
