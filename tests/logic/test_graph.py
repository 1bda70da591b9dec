from __future__ import annotations

import pytest

from neurallayers.errors import InvalidInput
from neurallayers.logic.graph import TRUE_NODE, GroundGraph
from neurallayers.logic.grounding import Domain, Grounding
from neurallayers.logic.intervals import Connective
from neurallayers.logic.operators import fibonacci_weights
from neurallayers.logic.syntax import parse_formula, parse_program


def graph_of(text: str, **options: object) -> GroundGraph:
    program = parse_program(text)
    return GroundGraph(Grounding(program, Domain.of(program)), **options)  # type: ignore[arg-type]


def test_equal_parts_are_one_node() -> None:
    graph = graph_of("c <- a & b\nd <- a & b")
    assert len([node for node in graph.nodes if node.connective is Connective.AND]) == 1
    assert [root.premise for root in graph.roots] == [graph.roots[0].premise] * 2


def test_operands_come_before_what_joins_them() -> None:
    graph = graph_of("c <- (a & !b) | (b xor a)\n!d <- c <-> a")
    for number, node in enumerate(graph.nodes):
        assert all(operand < number for operand in node.operands)
    for root in graph.roots:
        assert list(root.inside) == sorted(root.inside)
        assert root.inside[-1] == root.node


@pytest.mark.parametrize(
    ("text", "simple"),
    [
        ("a & 1 < 2", "a"),
        ("a & 2 < 1", "false"),
        ("a | 1 < 2", "true"),
        ("a | 2 < 1", "a"),
        ("true & true", "true"),
        ("false | false", "false"),
    ],
)
def test_what_is_decided_falls_away(text: str, simple: str) -> None:
    graph = graph_of("a")
    assert graph.add(parse_formula(text)) == graph.add(parse_formula(simple))


def test_a_rule_that_says_nothing_has_no_root() -> None:
    assert graph_of("c <- a & 2 < 1").roots == []
    assert graph_of("1 < 2").roots[0].node == TRUE_NODE


def test_quantifiers_range_over_the_domain() -> None:
    graph = graph_of("c <- forall x: p(x)\nd <- exists x: p(x)\np(A)\np(B)")
    kinds = [node.connective for node in graph.nodes if len(node.operands) == 2]
    assert kinds.count(Connective.ALL) == kinds.count(Connective.ANY) == 1
    strong = graph_of("c <- forall x: p(x)\np(A)\np(B)", strong_quantifiers=True)
    assert Connective.AND in {node.connective for node in strong.nodes}


def test_premise_weights_stay_with_their_operands() -> None:
    graph = graph_of("c <- a & 1 < 2 & b", premise_weights=fibonacci_weights)
    (node,) = [node for node in graph.nodes if node.connective is Connective.AND]
    assert node.weights == pytest.approx((0.75, 1.5))


def test_a_graph_apart_shares_the_domain_and_nothing_else() -> None:
    graph = graph_of("p(A)\np(B)")
    apart = GroundGraph.apart(graph)
    apart.add(parse_formula("exists x: q(x)"))
    assert len(apart.atoms) == 2
    assert len(graph.atoms) == 2
    assert set(apart.atoms).isdisjoint(graph.atoms)


@pytest.mark.parametrize("weight", ["1.5", "-0.1"])
def test_a_weight_is_a_degree(weight: str) -> None:
    with pytest.raises(InvalidInput, match="weight of 'r' is"):
        graph_of(f"r: {weight} :: a <- b")


def test_a_free_variable_stands_for_nothing() -> None:
    with pytest.raises(InvalidInput, match="has a variable"):
        graph_of("a").add(parse_formula("p(x)"))
