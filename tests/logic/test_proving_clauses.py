from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.errors import InvalidInput
from neurallayers.logic.proving_clauses import (
    MOST_ALTERNATIVES,
    alternatives,
    check_safe,
    clauses_of,
    signed,
)
from neurallayers.logic.syntax import parse_formula, parse_rule
from neurallayers.logic.terms import And, Atom, Formula, Iff, Implies, Not, Or, Verum, Xor

NAMES = "abcd"
PROPOSITIONS = st.recursive(
    st.sampled_from(NAMES).map(Atom),
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(Implies, inner, inner),
        st.builds(Iff, inner, inner),
        st.builds(Xor, inner, inner),
        st.lists(inner, min_size=2, max_size=3).map(lambda each: And(tuple(each))),
        st.lists(inner, min_size=2, max_size=3).map(lambda each: Or(tuple(each))),
    ),
    max_leaves=6,
)


def truth(formula: Formula, values: dict[str, bool]) -> bool:
    match formula:
        case Atom(name):
            return values[name]
        case Not(operand):
            return not truth(operand, values)
        case And(operands):
            return all(truth(each, values) for each in operands)
        case Or(operands):
            return any(truth(each, values) for each in operands)
        case Implies(left, right):
            return not truth(left, values) or truth(right, values)
        case Iff(left, right):
            return truth(left, values) == truth(right, values)
        case Xor(left, right):
            return truth(left, values) != truth(right, values)
    raise AssertionError(formula)


@settings(deadline=None, derandomize=True, database=None)
@given(PROPOSITIONS)
def test_the_normal_form_means_the_same(formula: Formula) -> None:
    found = alternatives(formula)
    for assigned in itertools.product((False, True), repeat=len(NAMES)):
        values = dict(zip(NAMES, assigned, strict=True))
        by_clauses = any(
            all(values[each.atom.predicate] == each.positive for each in literals)
            for literals in found
        )
        assert by_clauses == truth(formula, values)


def test_a_body_becomes_clauses_and_tests() -> None:
    rule = parse_rule("p(x) <- q(x, y) & (x < y | !r(y))")
    first, second = clauses_of(rule)
    assert [str(each) for each in (*first.body, *first.tests)] == ["q(x, y)", "x < y"]
    assert [str(each) for each in (*second.body, *second.tests)] == ["q(x, y)", "!r(y)"]


def test_what_exists_is_named_apart() -> None:
    (clause,) = clauses_of(parse_rule("p(x) <- q(x) & (exists x: r(x)) & (exists x: s(x))"))
    names = [str(each.atom.terms[0]) for each in clause.body]
    assert names[0] == "x"
    assert len(set(names)) == 3


def test_bodies_that_always_or_never_hold() -> None:
    assert alternatives(Verum()) == [()]
    assert alternatives(parse_formula("a & !a")) == []


def test_a_body_with_too_many_alternatives_is_refused() -> None:
    body = " & ".join(f"(a{i} | b{i})" for i in range(MOST_ALTERNATIVES.bit_length() + 1))
    with pytest.raises(InvalidInput, match="alternatives or more"):
        alternatives(parse_formula(body))


def test_a_sum_binds_what_it_adds_up_to() -> None:
    (clause,) = clauses_of(parse_rule("p(z) <- q(x) & z is x + 1"))
    check_safe(clause, closed=True)
    (loose,) = clauses_of(parse_rule("p(z) <- q(x) & z < x"))
    with pytest.raises(InvalidInput, match="says what z"):
        check_safe(loose, closed=False)


def test_only_literals_are_signed() -> None:
    assert signed(parse_formula("!p")).opposite == signed(parse_formula("p"))
    with pytest.raises(InvalidInput, match="is no literal"):
        signed(parse_formula("!(p & q)"))
