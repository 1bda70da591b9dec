from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.errors import InvalidInput, UnknownName
from neurallayers.logic.finite import (
    FiniteProblem,
    all_different,
    at,
    follows,
    solutions,
    solve,
    which_follow,
)
from neurallayers.logic.terms import Atom, Constant, Not, Or

pytest.importorskip("z3", reason="the extra logic is not installed")

NAMES, VALUES = ("x", "y", "z"), (1, 2, 3)
CLAUSES = st.lists(
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES), st.booleans()),
        min_size=2,
        max_size=3,
    ),
    max_size=7,
)


@settings(deadline=None, derandomize=True, database=None, max_examples=40)
@given(CLAUSES)
def test_agrees_with_trying_everything(clauses: list[list[tuple[str, int, bool]]]) -> None:
    constraints = {
        f"c{i}": Or(tuple(at(n, v) if yes else Not(at(n, v)) for n, v, yes in clause))
        for i, clause in enumerate(clauses)
    }
    right = []
    for values in itertools.product(VALUES, repeat=3):
        given_values = dict(zip(NAMES, values, strict=True))
        if all(any((given_values[n] == v) == yes for n, v, yes in clause) for clause in clauses):
            right.append(given_values)
    problem = FiniteProblem(dict.fromkeys(NAMES, VALUES), constraints)
    found = list(solutions(problem))
    assert sorted(map(tuple, (each.items() for each in found))) == sorted(
        map(tuple, (each.items() for each in right))
    )
    answer = solve(problem)
    assert answer.solutions == {0: "none", 1: "one"}.get(len(right), "several")
    if right:
        asked = [at("x", 1), Not(at("x", 1))]
        expected = [all(e["x"] == 1 for e in right), all(e["x"] != 1 for e in right)]
        assert which_follow(problem, asked) == expected
        assert [follows(problem, each) is not None for each in asked] == expected


def test_a_clash_is_minimal_and_said() -> None:
    problem = FiniteProblem(
        dict.fromkeys("abc", (1, 2)),
        {
            "all differ": all_different("abc", (1, 2)),
            "a is 1": at("a", 1),
        },
    )
    answer = solve(problem)
    assert answer.clash == ("all differ",)
    assert "no solution: all differ" in answer.words


def test_answers_in_words() -> None:
    problem = FiniteProblem({"x": ("red", "blue")}, {})
    assert "could also be" in solve(problem).words
    one = problem.with_constraints({"given": at("x", "red")})
    assert solve(one).words == "There is one solution: x is red."


def test_a_value_that_a_variable_cannot_have_is_never_its_value() -> None:
    problem = FiniteProblem({"x": (1, 2)}, {"three": at("x", 3)})
    assert solve(problem).clash == ("three",)
    assert follows(FiniteProblem({"x": (1, 2)}, {}), Not(at("x", 3))) == ()


def test_what_is_no_problem_is_refused() -> None:
    with pytest.raises(InvalidInput, match="may be"):
        FiniteProblem({"x": ()}, {})
    with pytest.raises(InvalidInput, match="each once"):
        FiniteProblem({"x": (1, 1)}, {})
    with pytest.raises(UnknownName, match="'y'"):
        FiniteProblem({"x": (1,)}, {"c": at("y", 1)})
    with pytest.raises(InvalidInput, match="Build it of at"):
        FiniteProblem({"x": (1,)}, {"c": Atom("p", (Constant(1),))})
