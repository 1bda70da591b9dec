"""ProbLog's notation, read into our programs."""

from __future__ import annotations

import pytest
from benchmarks.weighted_program_texts import CLASSICS, as_problog

from neurallayers.errors import LogicSyntaxError
from neurallayers.logic.probabilistic import marginals
from neurallayers.logic.probabilistic_prolog import parse_problog

PROGRAM = r"""
% a graph, and a ball
0.3::edge(1,2).  0.4::edge(2,1).
1/2::edge(2,'3').            /* a
                                constant */
path(X,Y) :- edge(X,Y).
path(X,Y) :- edge(X,Z), path(Z,Y).
ball(b).
0.2::red(B); 0.8::blue(B) :- ball(B), \+ lost(B).
evidence(red(b), false).
evidence(\+edge(2,1)).
query(path(1,_)).
query(blue(b)).
"""


def test_a_program() -> None:
    program = parse_problog(PROGRAM)
    assert [str(fact) for fact in program.facts][:3] == [
        "0.3 :: edge(1, 2)",
        "0.4 :: edge(2, 1)",
        '0.5 :: edge(2, "3")',
    ]
    assert str(program.choices[0]) == "0.2 :: red(b) ; 0.8 :: blue(b) <- ball(b) & !lost(b)"
    assert program.rules[0].position is not None
    assert program.rules[0].position.line == 6
    found = marginals(program)
    assert found["path(1, 2)"] == pytest.approx(0.3)
    assert found['path(1, "3")'] == pytest.approx(0.15)
    assert found["blue(b)"] == pytest.approx(1.0)


@pytest.mark.parametrize("name", CLASSICS)
def test_the_classic_programs_mean_the_same_in_both_notations(name: str) -> None:
    ours = marginals(CLASSICS[name])
    theirs = marginals(parse_problog(as_problog(CLASSICS[name])))
    expected = {str(formula).replace('"', ""): value for formula, value in ours.items()}
    found = {str(formula).replace('"', ""): value for formula, value in theirs.items()}
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("n(X), X > 1", {"2", "3"}),
        ("n(X), X >= 2, X =\\= 3", {"2"}),
        ("n(X), X =< 2, X \\= 1", {"2"}),
        ("n(Y), X is Y * 2 - (1 + 1)", {"0", "2", "4"}),
        ("n(X), n(Y), X is Y + 1", {"2", "3"}),
        ("n(X), (X = 1 ; X == 3)", {"1", "3"}),
        ("n(X), \\+ (X < 3, X > 1)", {"1", "3"}),
        ("n(X), true", {"1", "2", "3"}),
        ("n(X), fail", set()),
        ("X is -1", {"-1"}),
    ],
)
def test_comparisons_and_computations(body: str, expected: set[str]) -> None:
    program = parse_problog(f"n(1). n(2). n(3). a(X) :- {body}. query(a(X)).")
    assert {str(formula)[2:-1] for formula in marginals(program)} == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a(f(X)).", "'f' is no term"),
        ("a([1]).", "belongs to nothing"),
        ("a :- b", "'.' is expected"),
        ("0.2::a; b.", "a probability for each"),
        ("a(0.5).", "'0.5' is no term"),
        (":- use_module(library(lists)).", "is no predicate"),
        ("evidence(a, maybe).", "'maybe' is no truth"),
        ("a :- X Y.", "compares nothing"),
        ("X :- a.", "'X' is no predicate"),
    ],
)
def test_refusals_say_where(text: str, problem: str) -> None:
    with pytest.raises(LogicSyntaxError, match=problem) as refused:
        parse_problog("ok.\n" + text)
    assert refused.value.line == 2
