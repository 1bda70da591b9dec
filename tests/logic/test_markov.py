"""Markov logic against the sum over all worlds and closed forms."""

from __future__ import annotations

import itertools
import math

import pytest

from neurallayers.errors import InvalidInput, UnknownName
from neurallayers.logic import Atom, Constant, Formula, Not, parse_formula
from neurallayers.logic.markov import MarkovLogicNetwork
from neurallayers.logic.markov_ground import truth_of

SMALL = """
predicate F(p, p)
predicate S(p)
predicate C(p)
domain p: A, B
0.7 :: S(x) -> C(x)
1.1 :: F(x, y) -> (S(x) <-> S(y))
-0.4 :: F(x, y) & F(y, x)
0.3 :: exists y: F(x, y)
F(x, y) -> F(y, x) | C(A)
-1.0 :: S(x) xor C(x)
0.2 :: S(x) <- C(x) & !(x = B)
"""
QUERIES = ("S(A)", "C(B)", "F(A, B)", "S(A) & C(B)", "S(A) -> F(B, A)", "forall x: S(x)")


def summed(
    network: MarkovLogicNetwork, evidence: list[str], queries: list[Formula]
) -> tuple[dict[Formula, float], float, dict[tuple[tuple[Atom, bool], ...], float]]:
    """Probabilities, the logarithm of Z and that of every world, by going through them all."""
    universe, groundings, _ = network.grounded_in(evidence)
    known = {}
    for formula in map(parse_formula, evidence):
        known[formula.operand if isinstance(formula, Not) else formula] = isinstance(formula, Atom)
    free = [atom for atom in universe if atom not in known]
    total, worlds = 0.0, {}
    found = dict.fromkeys(queries, 0.0)
    for values in itertools.product([False, True], repeat=len(free)):
        world = {**known, **dict(zip(free, values, strict=True))}
        exponent = 0.0
        for weight, formulas in zip(network.weights, groundings, strict=True):
            true = sum(truth_of(formula, world) for formula in formulas)
            broken = weight is None and true < len(formulas)
            exponent += -math.inf if broken else (weight or 0.0) * true
        share = math.exp(exponent)
        total += share
        worlds[tuple(sorted(world.items(), key=str))] = share
        for query in queries:
            found[query] += share * truth_of(query, world)
    worlds = {world: share / total for world, share in worlds.items()}
    return {q: value / total for q, value in found.items()}, math.log(total), worlds


@pytest.mark.parametrize("evidence", [[], ["C(B)", "!F(A, A)"], ["!C(A)", "S(B)"]])
def test_marginals_are_those_of_all_worlds(evidence: list[str]) -> None:
    network = MarkovLogicNetwork(SMALL)
    plain = [parse_formula(q) for q in QUERIES[:-1]]
    expected, log_z, worlds = summed(network, evidence, plain)
    found = network.marginals(plain, evidence)
    for query in plain:
        assert found[query] == pytest.approx(expected[query], abs=1e-10)
    ground = network.ground(evidence)
    assert float(ground.log_partition()) == pytest.approx(log_z, abs=1e-10)
    world, probability = network.most_probable(evidence)
    # Several worlds may be equally good.
    assert probability == pytest.approx(max(worlds.values()))
    assert probability == pytest.approx(worlds[tuple(sorted(world.items(), key=str))])


def test_one_grounding_is_a_logistic_function() -> None:
    network = MarkovLogicNetwork("1.5 :: wet <- rain")
    found = network.marginals("wet", ["rain"])
    assert found["wet"] == pytest.approx(1 / (1 + math.exp(-1.5)))
    # Without rain the rule says nothing of wetness.
    assert network.marginals("wet", ["!rain"])["wet"] == pytest.approx(0.5)


def test_independent_people_stay_independent() -> None:
    people = [f"P{i}" for i in range(60)]
    network = MarkovLogicNetwork(
        "predicate smokes(person)\npredicate cancer(person)\n"
        "1.5 :: smokes(x) -> cancer(x)\n0.4 :: smokes(x)",
        domains={"person": people},
    )
    found = network.marginals(["cancer(P7)", "smokes(P59)"])
    # Of the four cases of one person, that of smoking without cancer alone breaks the rule.
    e, s = math.exp(1.5), math.exp(0.4)
    z = e + e + s * e + s
    assert found["cancer(P7)"] == pytest.approx((e + s * e) / z)
    assert found["smokes(P59)"] == pytest.approx((s * e + s) / z)


def test_all_that_is_open_is_answered_without_a_query() -> None:
    network = MarkovLogicNetwork("1.0 :: p(x) -> q(x)", domains={"any": []})
    answers = network.marginals(None, ["p(A)", "!p(B)"])
    assert {str(a) for a in answers} == {"q(A)", "q(B)"}
    assert answers["q(A)"] == pytest.approx(1 / (1 + math.exp(-1.0)))
    assert answers["q(B)"] == pytest.approx(0.5)


def test_queries_with_variables_and_quantifiers() -> None:
    network = MarkovLogicNetwork(SMALL)
    every = network.marginals("S(x)")
    assert {str(formula) for formula in every} == {"S(A)", "S(B)"}
    joint = network.marginals(["forall x: S(x)", "S(A) & S(B)"])
    assert len({round(value, 12) for value in joint.values()}) == 1


def test_closed_predicates() -> None:
    network = MarkovLogicNetwork(SMALL)
    closed = network.marginals("S(A)", ["F(A, B)"], closed=["F"])
    told = network.marginals("S(A)", ["F(A, B)", "!F(B, A)", "!F(A, A)", "!F(B, B)"])
    assert closed["S(A)"] == pytest.approx(told["S(A)"])
    with pytest.raises(InvalidInput, match="G"):
        network.marginals("S(A)", closed=["G"])


def test_counts() -> None:
    network = MarkovLogicNetwork(SMALL)
    # Smoking without cancer breaks one of two; three of four pairs are no friends.
    counts = network.counts(["S(A)", "F(A, B)"])
    assert counts[0] == 1
    assert counts[1] == 3
    assert counts[2] == 0
    assert counts[3] == 1


def test_known_answers_count_as_certain() -> None:
    found = MarkovLogicNetwork(SMALL).marginals(["C(B)", "!C(B)"], ["C(B)"])
    assert found["C(B)"] == 1.0
    assert found["!C(B)"] == 0.0


def test_hard_formulas_exclude_worlds() -> None:
    network = MarkovLogicNetwork("p xor q\n2.0 :: p")
    found = network.marginals(["p", "q", "p & q"])
    assert found["p"] == pytest.approx(1 / (1 + math.exp(-2.0)))
    assert found["p"] + found["q"] == pytest.approx(1.0)
    assert found["p & q"] == 0.0
    with pytest.raises(InvalidInput, match="always holds"):
        network.marginals("p", ["p", "q"])


def test_weights() -> None:
    network = MarkovLogicNetwork("0.0 :: p\np | q")
    assert network.weights == (None, 0.0) or network.weights == (0.0, None)
    place = network.weights.index(0.0)
    weights = list(network.weights)
    weights[place] = 3.0
    assert network.with_weights(weights).marginals("p")["p"] > network.marginals("p")["p"]
    with pytest.raises(InvalidInput, match="1 weights"):
        network.with_weights([1.0])
    with pytest.raises(InvalidInput, match="finite"):
        network.with_weights([math.nan, None])


def test_refusals() -> None:
    with pytest.raises(InvalidInput, match="choice between"):
        MarkovLogicNetwork("0.5 :: a ; 0.5 :: b")
    network = MarkovLogicNetwork(SMALL)
    with pytest.raises(InvalidInput, match="no ground atom"):
        network.marginals("S(A)", ["S(x)"])
    with pytest.raises(InvalidInput, match="true and that it is false"):
        network.marginals("S(A)", ["S(A)", "!S(A)"])
    with pytest.raises(InvalidInput, match="has 1 terms here and 2"):
        network.marginals("F(A)")
    with pytest.raises(InvalidInput, match="ranges over"):
        MarkovLogicNetwork("1.0 :: x < 3").marginals("p")
    with pytest.raises(UnknownName):
        network.marginals("S(A)")["S(B)"]


def test_what_hangs_together_too_much_is_refused() -> None:
    people = [f"P{i}" for i in range(12)]
    network = MarkovLogicNetwork("1.0 :: f(x, y) & f(y, z) -> f(x, z)", domains={"any": people})
    with pytest.raises(InvalidInput, match="too much to be counted"):
        network.ground(nodes_at_most=20_000)


def test_new_constants_join_their_domain() -> None:
    found = MarkovLogicNetwork(SMALL).marginals("C(x)", ["S(D)"])
    assert Atom("C", (Constant("D"),)) in found
