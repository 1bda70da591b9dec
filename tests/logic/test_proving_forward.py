from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.errors import InvalidInput
from neurallayers.logic.proving_clauses import clauses_of, strata
from neurallayers.logic.proving_forward import derive, derive_clauses
from neurallayers.logic.rules import Rule
from neurallayers.logic.syntax import parse_formula, parse_program
from neurallayers.logic.terms import (
    Atom,
    Constant,
    Not,
    Variable,
    conjunction,
    free_variables,
    substitute,
)

SETTINGS = settings(deadline=None, derandomize=True, database=None, max_examples=60)
PEOPLE = tuple(map(Constant, ("Ann", "Bob", "Cas")))
TERMS = st.sampled_from([*PEOPLE[:2], Variable("x"), Variable("y")])
ATOMS = st.one_of(
    st.builds(Atom, st.sampled_from(["p", "q", "r"]), st.tuples(TERMS)),
    st.builds(Atom, st.sampled_from(["s", "t"]), st.tuples(TERMS, TERMS)),
)
LITERALS = st.one_of(ATOMS, ATOMS.map(Not))
FACTS = st.one_of(
    st.builds(Atom, st.sampled_from(["p", "q"]), st.tuples(st.sampled_from(PEOPLE))),
    st.builds(Atom, st.just("s"), st.tuples(st.sampled_from(PEOPLE), st.sampled_from(PEOPLE))),
)


def naive(facts: set[object], rules: list[Rule], *, closed: bool) -> set[object]:
    """The fixed point by trying every constant in every place, again and again."""
    known = set(facts)
    while True:
        new = set()
        for rule in rules:
            both = conjunction(rule.body, rule.head)
            names = free_variables(both)
            for values in itertools.product(PEOPLE, repeat=len(names)):
                replacing = dict(zip(names, values, strict=True))
                body = substitute(rule.body, replacing)
                literals = getattr(body, "operands", (body,))
                if all(
                    (each.operand not in known)
                    if closed and isinstance(each, Not)
                    else each in known
                    for each in literals
                ):
                    new.add(substitute(rule.head, replacing))
        if new <= known:
            return known
        known |= new


def rules_of(heads: st.SearchStrategy[object]) -> st.SearchStrategy[list[Rule]]:
    bodies = st.lists(LITERALS, min_size=1, max_size=3).map(lambda each: conjunction(*each))
    return st.lists(st.builds(Rule, st.just(""), heads, bodies), max_size=5)


@SETTINGS
@given(st.sets(st.one_of(FACTS, FACTS.map(Not)), min_size=1, max_size=6), rules_of(LITERALS))
def test_an_open_world_agrees_with_trying_everything(facts: set[object], rules: list[Rule]) -> None:
    safe = [
        rule for rule in rules if set(free_variables(rule.head)) <= set(free_variables(rule.body))
    ]
    derivation = derive([*safe, *(Rule("", fact) for fact in facts)])
    assert set(derivation.literals) == naive(facts, safe, closed=False)


def layered(rule: Rule) -> bool:
    """r denies nothing but p and q, which only facts give: stratified and safe."""
    literals = getattr(rule.body, "operands", (rule.body,))
    positive = [each for each in literals if isinstance(each, Atom)]
    denied = [each.operand for each in literals if isinstance(each, Not)]
    bound = {name for each in positive for name in free_variables(each)}
    names = {name for each in [rule.head, *denied] for name in free_variables(each)}
    return names <= bound and all(each.predicate in "pq" for each in denied)


@SETTINGS
@given(
    st.sets(FACTS, min_size=1, max_size=6),
    rules_of(ATOMS.filter(lambda atom: atom.predicate in "rt")),
)
def test_a_closed_world_agrees_with_trying_everything(
    facts: set[object], rules: list[Rule]
) -> None:
    kept = [rule for rule in rules if layered(rule)]
    derivation = derive([*kept, *(Rule("", fact) for fact in facts)], world="closed")
    assert set(derivation.literals) == naive(facts, kept, closed=True)


def test_layers_are_closed_one_after_the_other() -> None:
    program = parse_program(
        """
        reachable(y) <- reachable(x) & edge(x, y)
        lonely(x) <- node(x) & !reachable(x)
        sad(x) <- lonely(x) & !edge(x, x)
        node(1). node(2). node(3). node(4). edge(1, 2). edge(3, 3). reachable(1)
        """
    )
    derivation = derive(program, world="closed")
    assert derivation.holds(parse_formula("lonely(3)"))
    assert derivation.holds(parse_formula("sad(4)"))
    assert derivation.answer(parse_formula("sad(3)")) == "False"
    assert derivation.answer(parse_formula("!reachable(4)")) == "True"
    proof = derivation.proof(parse_formula("sad(4)"))
    assert proof is not None
    assert [step.absent for step in proof.steps].count(True) == 2
    clauses = [clause for rule in program.rules for clause in clauses_of(rule)]
    assert len(strata(clauses)) == 2


def test_what_is_neither_said_nor_denied_is_unknown_in_an_open_world() -> None:
    derivation = derive(parse_program("q(x) <- p(x). p(Ann). !p(Bob)"))
    assert derivation.answer(parse_formula("q(Ann)")) == "True"
    assert derivation.answer(parse_formula("!q(Ann)")) == "False"
    assert derivation.answer(parse_formula("p(Bob)")) == "False"
    # Chaining does not go backwards: that Bob is no p says nothing of his being q.
    assert derivation.answer(parse_formula("q(Bob)")) == "Unknown"
    assert derivation.proof(parse_formula("q(Bob)")) is None


def test_the_depth_is_that_of_the_shallowest_proof() -> None:
    lines = [f"a{i + 1} <- a{i}" for i in range(9)] + ["a9 <- a3", "a0"]
    derivation = derive(parse_program("\n".join(lines)))
    proof = derivation.proof(Atom("a9"))
    assert proof is not None
    assert proof.depth == 4


def test_numbers_are_counted_and_compared() -> None:
    program = parse_program(
        """
        count(Ann, 0)
        count(x, n) <- count(x, m) & n is m + 1 & m < 4
        even(x, n) <- count(x, n) & n is h * 2 & half(h)
        odd(x, n) <- count(x, n) & n != 0 & !(n = 2) & n != 4
        half(0). half(1). half(2)
        """
    )
    found = {str(each) for each in derive(program).literals}
    assert {f"count(Ann, {n})" for n in range(5)} <= found
    assert "count(Ann, 5)" not in found
    assert {each for each in found if each.startswith("even")} == {
        f"even(Ann, {n})" for n in (0, 2, 4)
    }
    assert {each for each in found if each.startswith("odd")} == {f"odd(Ann, {n})" for n in (1, 3)}


def test_a_rule_without_premises_fires_once() -> None:
    assert [
        str(each) for each in derive([Rule("", Atom("p"), parse_formula("true"))]).literals
    ] == ["p"]
    assert derive(parse_program("p <- !q"), world="closed").holds(Atom("p"))


def test_contradictions_are_listed() -> None:
    derivation = derive(parse_program("p <- q. !p <- q. q"))
    assert derivation.contradictions == (Atom("p"),)


@pytest.mark.parametrize(
    ("text", "world", "message"),
    [
        ("p(x) <- q(y). q(Ann)", "open", "says what x in p"),
        ("p(x) <- !q(x). r(Ann)", "closed", "says what x"),
        ("p(x) <- q(y) & x < y. q(1)", "open", "says what x"),
        ("p <- !p. q", "closed", "depends on its own denial"),
        ("p <- q & !r. r <- p. q", "closed", "depends on its own denial"),
        ("!p <- q. q", "closed", "concludes a denial"),
        ("p <- (forall x: q(x)). q(Ann)", "open", "asks about everything"),
        ("p(x). q", "open", "has a variable"),
        ("p -> q | r", "open", "is no rule"),
        ("p. q", "ajar", "'ajar'"),
        ("p(x, z) <- q(x) & z is x + y & q(y). q(Ann)", "open", "no integer"),
    ],
)
def test_what_cannot_be_chained_is_said(text: str, world: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        derive(parse_program(text), world=world)  # type: ignore[arg-type]


def test_what_is_no_rule_or_literal_is_refused() -> None:
    with pytest.raises(InvalidInput, match="is no rule"):
        derive(["p <- q"])  # type: ignore[list-item]
    with pytest.raises(InvalidInput, match="is no literal"):
        derive(parse_program("p")).answer(parse_formula("p & q"))  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="has a variable"):
        derive(parse_program("p")).answer(parse_formula("p(x)"))  # type: ignore[arg-type]


def test_many_facts_are_joined_by_what_they_share() -> None:
    facts = [Rule("", Atom("edge", (Constant(i), Constant(i + 1)))) for i in range(400)]
    clauses = [
        clause
        for rule in parse_program("two(x, z) <- edge(x, y) & edge(y, z)").rules
        for clause in clauses_of(rule)
    ]
    assert len(derive_clauses(facts, clauses).literals) == 400 + 399
