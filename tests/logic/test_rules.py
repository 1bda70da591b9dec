from __future__ import annotations

import math

import pytest

from neurallayers.errors import InvalidInput
from neurallayers.logic.rules import Axiom, Choice, Position, Program, Rule
from neurallayers.logic.syntax import parse_program
from neurallayers.logic.terms import And, Atom, Constant, Not

RAIN, WET = Atom("rain"), Atom("wet")


def test_a_rule_says_the_same_wherever_it_stood() -> None:
    assert Rule("r", WET, RAIN, position=Position(1, 1)) == Rule("r", WET, RAIN)
    assert Rule("r", WET, RAIN) != Rule("s", WET, RAIN)
    assert hash(Rule("r", WET, RAIN, position=Position(1, 1))) == hash(Rule("r", WET, RAIN))


def test_a_rule_without_a_body_is_a_fact() -> None:
    assert Rule("", WET).is_fact
    assert not Rule("", WET, RAIN).is_fact
    assert Rule("", Not(WET)).head_atom == WET


def test_statements_without_a_name_are_called_by_what_they_say() -> None:
    assert Rule("", WET, RAIN, 0.9).label == "0.9 :: wet <- rain"
    assert Rule("wetting", WET, RAIN).label == "wetting"
    assert Axiom("", And((WET, RAIN))).label == "wet & rain"
    assert Choice("", ((0.5, WET),)).label == "0.5 :: wet"


def test_a_rule_concludes_a_literal() -> None:
    with pytest.raises(InvalidInput, match="head of a rule is wet & rain"):
        Rule("", And((WET, RAIN)))  # type: ignore[arg-type]


@pytest.mark.parametrize("weight", [math.nan, math.inf])
def test_a_weight_is_finite(weight: float) -> None:
    with pytest.raises(InvalidInput, match="The weight is"):
        Rule("", WET, RAIN, weight)
    with pytest.raises(InvalidInput, match="The weight is"):
        Axiom("", And((WET, RAIN)), weight)


def test_two_programs_make_one() -> None:
    first, second = parse_program("rain\ndomain a: B"), parse_program("wet <- rain\ndomain a: C")
    both = first + second
    assert (len(both.rules), len(both.facts)) == (1, 1)
    assert both.domains == {"a": (Constant("C"),)}
    assert first + Program() == first


def test_a_program_knows_its_constants_and_predicates_in_order() -> None:
    program = parse_program("p(B) <- q(A)\n0.1 :: r(C) ; 0.2 :: r(D) <- s\ndomain d: Z\nquery t(E)")
    assert [str(name) for name in program.constants()] == ["Z", "B", "A", "C", "D", "E"]
    assert program.predicates() == (("p", 1), ("q", 1), ("r", 1), ("s", 0), ("t", 1))
    assert [str(atom) for atom in program.atoms()][:2] == ["p(B)", "q(A)"]
    assert len(program.statements) == 2
