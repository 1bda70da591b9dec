"""Formulas after what is known, and the order of atoms."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.errors import InvalidInput
from neurallayers.logic import Atom, Formula, parse_formula
from neurallayers.logic.markov import MarkovLogicNetwork
from neurallayers.logic.markov_ground import simplified, truth_of
from neurallayers.logic.terms import And, Iff, Implies, Not, Or, Xor, atoms

LEAVES = st.sampled_from([Atom(name) for name in "abcd"])
FORMULAS: st.SearchStrategy[Formula] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(Not),
        st.tuples(inner, inner).map(And),
        st.tuples(inner, inner).map(Or),
        st.tuples(inner, inner).map(lambda pair: Implies(*pair)),
        st.tuples(inner, inner).map(lambda pair: Iff(*pair)),
        st.tuples(inner, inner).map(lambda pair: Xor(*pair)),
    ),
    max_leaves=8,
)
WORLDS = st.fixed_dictionaries({Atom(name): st.booleans() for name in "abcd"})


def meaning(formula: Formula, world: dict[Atom, bool]) -> bool:
    """Truth by the tables."""
    match formula:
        case Atom():
            return world[formula]
        case Not(operand):
            return not meaning(operand, world)
        case And(operands):
            return all(meaning(operand, world) for operand in operands)
        case Or(operands):
            return any(meaning(operand, world) for operand in operands)
        case Implies(premise, conclusion):
            return not meaning(premise, world) or meaning(conclusion, world)
        case Iff(left, right):
            return meaning(left, world) == meaning(right, world)
        case Xor(left, right):
            return meaning(left, world) != meaning(right, world)
    raise AssertionError(formula)


@settings(deadline=None, derandomize=True, database=None, max_examples=100)
@given(FORMULAS, WORLDS, st.sets(st.sampled_from([Atom(name) for name in "abcd"])))
def test_what_is_left_means_the_same(
    formula: Formula, world: dict[Atom, bool], known: set[Atom]
) -> None:
    told = {atom: truth for atom, truth in world.items() if atom in known}
    left = simplified(formula, told)
    assert not set(atoms(left)) & known
    assert truth_of(left, world) == meaning(formula, world)


def test_an_open_world_is_not_guessed() -> None:
    with pytest.raises(InvalidInput, match="whether b holds"):
        truth_of(parse_formula("a -> b"), {Atom("a"): True})


def test_the_partition_function_has_the_counts_as_gradient() -> None:
    network = MarkovLogicNetwork("0.8 :: p(x) -> q(x)\n0.3 :: p(x)", domains={"any": ["A", "B"]})
    ground = network.ground()
    weights = torch.tensor([0.8, 0.3], dtype=torch.float64, requires_grad=True)
    (expected,) = torch.autograd.grad(ground.log_partition(weights), weights)
    found = network.marginals(["p(A) -> q(A)", "p(A)"])
    assert expected.tolist() == pytest.approx([2 * value for value in found.values()])


def test_an_atom_in_no_formula_is_even() -> None:
    ground = MarkovLogicNetwork("0.8 :: p(A)").ground(["!p(B)"], queries=[parse_formula("q(A)")])
    assert ground.marginals()[parse_formula("q(A)")] == 0.5
    assert float(ground.log_partition()) == pytest.approx(
        math.log(1 + math.exp(0.8)) + math.log(2.0) * (len(ground.open) - 1)
    )


def test_many_friends_of_few_smokers_stay_narrow() -> None:
    people = ["A", "B", "C", "D", "E", "G"]
    network = MarkovLogicNetwork(
        "predicate friends(p, p)\npredicate smokes(p)\n"
        "1.0 :: friends(x, y) -> (smokes(x) <-> smokes(y))",
        domains={"p": people},
    )
    ground = network.ground(nodes_at_most=40_000)
    assert len(ground.open) == 42
    # Friends with oneself break nothing: the rule leaves them even.
    assert ground.marginals()[parse_formula("friends(A, A)")] == pytest.approx(0.5)
    # A pair of friends holds with e / (1 + e) where both agree; worlds are symmetric in names.
    values = ground.marginals()
    assert values[parse_formula("friends(A, B)")] == pytest.approx(
        values[parse_formula("friends(G, C)")]
    )


def test_probabilities_of_what_the_network_lacks_are_refused() -> None:
    ground = MarkovLogicNetwork("0.8 :: p(A)").ground()
    with pytest.raises(InvalidInput, match="no atom r"):
        ground.probability(parse_formula("r"))
    with pytest.raises(InvalidInput, match="quantifier"):
        ground.probability(parse_formula("forall x: p(A)"))
