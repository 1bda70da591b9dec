from __future__ import annotations

import itertools
import random

import pytest

from neurallayers.errors import InvalidInput
from neurallayers.logic.grounding import Domain, Grounding, Relation
from neurallayers.logic.syntax import parse_formula, parse_program
from neurallayers.logic.terms import Constant, Variable


def ground(text: str, closed: str = "", **options: object) -> list[str]:
    program = parse_program(text)
    domain = Domain.of(program, options.pop("constants", ()))  # type: ignore[arg-type]
    grounding = Grounding(program, domain, closed=frozenset(closed.split()), **options)  # type: ignore[arg-type]
    return [f"{each.premise} -> {each.conclusion}" for each in grounding.instances]


def test_an_open_rule_has_an_instance_for_each_choice_of_constants() -> None:
    found = ground("likes(x, y) <- knows(x, y)\nperson(A)\nperson(B)")
    pairs = itertools.product("AB", repeat=2)
    assert found[2:] == [f"knows({a}, {b}) -> likes({a}, {b})" for a, b in pairs]


def test_a_closed_condition_guards_its_rule() -> None:
    found = ground("likes(x, y) <- knows(x, y)\nknows(A, B)\nperson(C)", closed="knows")
    assert found[2:] == ["knows(A, B) -> likes(A, B)"]


def test_arithmetic_binds_and_filters() -> None:
    found = ground(
        "total(z) <- digit(x) & digit(y) & x < y & z is x + y\ndigit(1)\ndigit(2)\ndigit(3)",
        closed="digit",
    )
    assert [each.split(" -> ")[1] for each in found[3:]] == ["total(3)", "total(4)", "total(5)"]


def test_rules_are_followed_to_all_that_they_make_possible() -> None:
    """Transitive closure of random graphs, against powers of the adjacency matrix."""
    drawn = random.Random(3)
    for _ in range(5):
        edges = {(drawn.randrange(7), drawn.randrange(7)) for _ in range(9)}
        text = "path(x, y) <- edge(x, y)\npath(x, z) <- path(x, y) & edge(y, z)\n"
        text += "\n".join(f"edge({a}, {b})" for a, b in sorted(edges))
        found = {each.split(" -> ")[1] for each in ground(text, closed="path edge")}
        reached = set(edges)
        while True:
            more = reached | {(a, d) for a, b in reached for c, d in edges if b == c}
            if more == reached:
                break
            reached = more
        paths = {each for each in found if each.startswith("path")}
        assert paths == {f"path({a}, {b})" for a, b in reached}


def test_domains_restrict_variables() -> None:
    text = "domain person: Anna, Bob\ndomain town: Rome\npredicate lives(person, town)\n"
    assert ground(text + "citizen(x, y) <- lives(x, y)") == [
        "lives(Anna, Rome) -> citizen(Anna, Rome)",
        "lives(Bob, Rome) -> citizen(Bob, Rome)",
    ]
    assert len(ground("citizen(x, y) <- lives(x, y)", constants=["Anna", "Bob", "Rome"])) == 9


def test_constants_can_be_given_by_domain() -> None:
    program = parse_program("predicate lives(person, town)\nok(x) <- lives(x, y)")
    domain = Domain.of(program, {"person": ["Anna"], "town": ["Rome", 3]})
    lives = parse_formula("lives(x, y)")
    assert domain.of_variable(Variable("x"), [lives]) == [Constant("Anna")]
    assert domain.of_variable(Variable("y"), [lives]) == [Constant("Rome"), Constant(3)]


def test_an_axiom_is_grounded_like_a_rule() -> None:
    text = "forall x: bird(x) -> flies(x)\nforall x: forall y: x = y | different(x, y)\na(T)"
    assert ground(text, constants=["U"])[1:] == [
        "bird(T) -> flies(T)", "bird(U) -> flies(U)",
        "None -> T = T | different(T, T)", "None -> T = U | different(T, U)",
        "None -> U = T | different(U, T)", "None -> U = U | different(U, U)",
    ]  # fmt: skip


def test_evidence_is_known_as_facts_are() -> None:
    assert ground("evidence !rain\nevidence snow") == ["None -> !rain", "None -> snow"]


def test_what_cannot_be_grounded_is_refused() -> None:
    with pytest.raises(InvalidInput, match="more than 5 instances"):
        ground("likes(x, y) <- knows(x, y)", constants=range(3), most_instances=5)
    with pytest.raises(InvalidInput, match="no constant to stand for"):
        ground("likes(x, y) <- knows(x, y)")
    with pytest.raises(InvalidInput, match="'town' that has no members"):
        ground("predicate lives(person, town)\ndomain person: A")
    with pytest.raises(InvalidInput, match="is one name"):
        ground("p(x)", constants="Anna")


def test_a_relation_finds_by_any_place() -> None:
    relation = Relation()
    a, b, x = Constant("A"), Constant("B"), Variable("x")
    assert relation.add((a, b))
    assert not relation.add((a, b))
    assert list(relation.matching((a, x))) == [(a, b)]
    assert relation.add((a, a))
    assert list(relation.matching((a, x))) == [(a, b), (a, a)]
    assert list(relation.matching((x, x))) == [(a, b), (a, a)]
    assert list(relation.matching((b, x))) == []
