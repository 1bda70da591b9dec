"""Bodies of any form as conjunctions."""

from __future__ import annotations

import pytest

from neurallayers.errors import InvalidInput
from neurallayers.logic.probabilistic_clauses import ClauseReader, computes
from neurallayers.logic.syntax import parse_formula, parse_program
from neurallayers.logic.terms import Atom, Variable


def branches(text: str) -> list[str]:
    """What the last clause of a program needs, one text a conjunction."""
    reader = ClauseReader()
    reader.read(parse_program(text))
    return [
        " ".join(
            [
                *map(str, branch.positive),
                *(f"{'' if positive else '!'}[{atom}]" for atom, positive in branch.builtin),
                *(f"!{atom}" for atom in branch.negative),
            ]
        )
        for branch in reader.clauses[-1].branches
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("b & c", ["b c"]),
        ("b | c & !d", ["b", "c !d"]),
        ("!(b | c)", ["!b !c"]),
        ("!(b & c)", ["!b", "!c"]),
        ("b -> c", ["!b", "c"]),
        ("b <-> c", ["b c", "!b !c"]),
        ("b xor c", ["b !c", "c !b"]),
        ("(b | c) & (d | e)", ["b d", "b e", "c d", "c e"]),
        ("true & b", ["b"]),
        ("false | b", ["b"]),
        ("!!b", ["b"]),
        ("b & b", ["b"]),
        ("1 < 2 & !(2 = 3) & b", ["b [1 < 2] ![2 = 3]"]),
    ],
)
def test_bodies_come_to_conjunctions(body: str, expected: list[str]) -> None:
    assert branches(f"a <- {body}") == expected


def test_the_absence_of_a_counterexample_is_a_predicate_of_its_own() -> None:
    reader = ClauseReader()
    reader.read(parse_program("a(x) <- p(x) & forall y: q(x, y) -> r(y)"))
    counterexample, rule = reader.clauses
    assert str(counterexample.branches[0].positive[0]) == "q(x, y)"
    assert str(counterexample.branches[0].negative[0]) == "r(y)"
    assert rule.branches[0].negative == (counterexample.heads[0][1],)
    assert rule.variables == {Variable("x")}


def test_what_never_happens_is_left_out() -> None:
    reader = ClauseReader()
    reader.read(parse_program("0.0 :: a\n0.3 :: b ; 0.0 :: c"))
    assert [clause.heads for clause in reader.clauses] == [((0.3, Atom("b")),)]
    assert not reader.clauses[0].is_certain


def test_a_body_that_comes_to_too_much_is_refused() -> None:
    body = " & ".join(f"(p{i} | q{i})" for i in range(13))
    with pytest.raises(InvalidInput, match="more than 4096 conjunctions"):
        branches(f"a <- {body}")


def test_what_a_computation_binds() -> None:
    total = parse_formula("z is x + y")
    assert isinstance(total, Atom)
    x, y, z = map(Variable, "xyz")
    assert computes(total, {x, y})
    assert computes(total, {x, z})
    assert not computes(total, {x})
    assert not computes(Atom("<", (x, y)), {x})
    assert not computes(Atom("product", (x, y, z)), {x, z})
