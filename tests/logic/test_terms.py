from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.logic.formulas import CONSTANTS, FORMULAS, VARIABLES

from neurallayers.errors import InvalidInput
from neurallayers.logic.syntax import parse_formula
from neurallayers.logic.terms import (
    And,
    Atom,
    Constant,
    Exists,
    Falsum,
    ForAll,
    Formula,
    Not,
    Or,
    Variable,
    Verum,
    children,
    conjunction,
    constants,
    disjunction,
    free_variables,
    negation,
    predicates,
    substitute,
    with_children,
)

X, Y = Variable("x"), Variable("y")
ANNA = Constant("Anna")


@settings(deadline=None, derandomize=True, database=None, max_examples=120)
@given(FORMULAS)
def test_the_text_of_a_formula_is_read_back(formula: Formula) -> None:
    assert parse_formula(str(formula)) == formula


@settings(deadline=None, derandomize=True, database=None, max_examples=60)
@given(FORMULAS)
def test_a_formula_is_its_parts_put_together(formula: Formula) -> None:
    assert with_children(formula, children(formula)) == formula
    assert hash(with_children(formula, children(formula))) == hash(formula)


@settings(deadline=None, derandomize=True, database=None)
@given(FORMULAS, VARIABLES, CONSTANTS)
def test_substitution_removes_the_variable_and_leaves_the_others(
    formula: Formula, variable: Variable, constant: Constant
) -> None:
    changed = substitute(formula, {variable: constant})
    left = [name for name in free_variables(formula) if name != variable]
    assert sorted(map(str, free_variables(changed))) == sorted(map(str, left))
    if variable not in free_variables(formula):
        assert changed == formula


@settings(deadline=None, derandomize=True, database=None)
@given(FORMULAS, st.data())
def test_substitution_catches_no_variable(formula: Formula, data: Any) -> None:
    free = free_variables(formula)
    if not free:
        return
    variable = data.draw(st.sampled_from(free))
    other = data.draw(VARIABLES)
    changed = substitute(formula, {variable: other})
    assert set(free_variables(changed)) == (set(free) - {variable}) | {other}


def test_a_bound_variable_is_renamed_before_it_catches_a_term() -> None:
    formula = ForAll((Y,), Atom("likes", (X, Y)))
    assert str(substitute(formula, {X: Y})) == "forall y_1: likes(y, y_1)"
    assert substitute(formula, {Y: ANNA}) == formula


def test_what_a_formula_contains_comes_in_the_order_of_the_text() -> None:
    formula = parse_formula("forall x: likes(x, Zoe) & likes(x, y) | rain -> likes(Anna, z)")
    assert free_variables(formula) == (Variable("y"), Variable("z"))
    assert constants(formula) == (Constant("Zoe"), Constant("Anna"))
    assert predicates(formula) == (("likes", 2), ("rain", 0))


def test_none_and_one_formula_need_no_connective() -> None:
    rain = Atom("rain")
    assert conjunction() == Verum()
    assert disjunction() == Falsum()
    assert conjunction(rain) == disjunction(rain) == rain
    assert conjunction(rain, Atom("wind")) == And((rain, Atom("wind")))
    assert negation(negation(rain)) == rain


def test_an_atom_knows_its_arity_and_whether_it_is_ground() -> None:
    assert Atom("likes", (X, ANNA)).arity == 2
    assert not Atom("likes", (X, ANNA)).is_ground
    assert Atom("likes", (ANNA, ANNA)).is_ground
    assert Atom("rain").is_ground


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Variable("2x"), "'2x' cannot name a variable"),
        (lambda: Variable(3), "3 cannot name a variable"),
        (lambda: Constant(""), "'' cannot name a constant"),
        (lambda: Constant(True), "True cannot name a constant"),
        (lambda: Constant(0.5), "0.5 cannot name a constant"),
        (lambda: Atom("", ()), "'' cannot name a predicate"),
        (lambda: Atom("p", ("Anna",)), "'Anna' stands where a term is expected"),
        (lambda: Atom("p", ANNA), "is no tuple of terms"),
        (lambda: Not("rain"), "'rain' is no formula"),
        (lambda: And((Atom("rain"),)), "has 1 operand"),
        (lambda: Or((Atom("rain"), "wind")), "'wind' stands where a formula is expected"),
        (lambda: ForAll((), Atom("rain")), "A quantifier binds"),
        (lambda: Exists((X, X), Atom("rain")), "A quantifier binds"),
    ],
    ids=range(13),
)
def test_what_is_no_term_and_no_formula_is_refused(make: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        make()
