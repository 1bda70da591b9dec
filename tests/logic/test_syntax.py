from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.logic.formulas import FORMULAS, ORDINARY

from neurallayers.errors import InvalidInput, LogicSyntaxError
from neurallayers.logic.rules import Axiom, Program, Rule
from neurallayers.logic.syntax import parse_formula, parse_program, parse_rule
from neurallayers.logic.terms import Atom, Formula, Not

PROGRAM = """
# digits
parity: even(x) <- digit(x, 2)
     | digit(x, 4)
0.9 :: flies(x) <- bird(x) & !penguin(x)
named: 0.5 :: bird(Tweety). rain. !snow
0.2 :: red(Ball) ; 0.8 :: blue(Ball) <- ball(Ball)
total(x, y, z) <- digit(x, a), digit(y, b), z is a + b
forall x: penguin(x) -> bird(x)
-1.5 :: !(rain & snow)
domain person: anna, Bob
predicate likes(person, person)
constant venus
likes(anna, Bob)
planet(venus)
query flies(Tweety)
evidence !penguin(Tweety)
"""


def test_a_program_is_sorted_by_what_its_statements_are() -> None:
    program = parse_program(PROGRAM)
    assert program.rules[0].label == "parity"
    assert [rule.weight for rule in program.rules] == [None, 0.9, None]
    assert [str(fact) for fact in program.facts] == [
        "named: 0.5 :: bird(Tweety)", "rain", "!snow", 'likes("anna", Bob)', 'planet("venus")',
    ]  # fmt: skip
    assert [axiom.weight for axiom in program.axioms] == [None, -1.5]
    assert str(program.choices[0]) == "0.2 :: red(Ball) ; 0.8 :: blue(Ball) <- ball(Ball)"
    assert program.signatures == {"likes": ("person", "person")}
    assert [str(each) for each in program.queries] == ["flies(Tweety)"]
    assert [str(each) for each in program.evidence] == ["!penguin(Tweety)"]


def test_a_program_is_read_back_from_its_text() -> None:
    program = parse_program(PROGRAM)
    assert parse_program(str(program)) == program


@settings(deadline=None, derandomize=True, database=None, max_examples=80)
@given(
    st.text(min_size=0, max_size=6),
    ORDINARY,
    st.booleans(),
    st.one_of(st.none(), FORMULAS),
    st.one_of(st.none(), st.floats(-1e9, 1e9)),
)
def test_a_rule_is_read_back_from_its_text(
    name: str, head: Atom, denied: bool, body: Formula | None, weight: float | None
) -> None:
    rule = Rule(name, Not(head) if denied else head, body, weight)
    assert parse_rule(str(rule)) == rule


def test_statements_know_where_they_stood() -> None:
    program = parse_program(PROGRAM)
    assert str(program.rules[0].position) == "line 3, column 1"
    assert str(program.facts[1].position) == "line 6, column 29"


def test_words_of_declarations_are_also_ordinary_names() -> None:
    program = parse_program("domain(x) <- query & evidence | constant\npredicate")
    assert [name for name, _ in program.predicates()] == [
        "domain", "query", "evidence", "constant", "predicate",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing"])
def test_nothing_is_an_empty_program(text: str) -> None:
    assert parse_program(text) == Program()


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a\na | b <- c", 2, "head of a rule is a literal"),
        ("r: a\nr: b", 2, "'r' already names the statement of line 1"),
        ("0.7 :: a ; 0.8 :: b", 1, "add up to 1.5"),
        ("0.7 :: a ; b", 1, "atom with a probability"),
        ("domain person: x y", 1, "should end here"),
        ("domain person", 1, "':' is expected"),
        ("predicate likes(2)", 1, "name of a domain"),
        ("evidence a & b", 1, "is no literal"),
        ("constant ?x", 1, "is a variable"),
        ("0.5 :: ", 1, "formula is expected"),
    ],
)
def test_a_program_that_cannot_be_read_says_where(text: str, line: int, said: str) -> None:
    with pytest.raises(LogicSyntaxError, match=said) as caught:
        parse_program(text)
    assert caught.value.line == line


def test_a_rule_is_asked_for_and_something_else_given() -> None:
    with pytest.raises(LogicSyntaxError, match="this is a formula and no rule"):
        parse_rule("a | b")
    with pytest.raises(LogicSyntaxError, match="goes on after the rule"):
        parse_rule("a <- b\nc <- d")
    assert isinstance(parse_program("a | b").axioms[0], Axiom)


@pytest.mark.parametrize("text", [None, 3, b"rain", ["rain"]], ids=range(4))
def test_only_text_is_read(text: Any) -> None:
    with pytest.raises(InvalidInput, match="is no text"):
        parse_formula(text)


def test_names_of_constants_are_a_list() -> None:
    with pytest.raises(InvalidInput, match="constants is 'anna'"):
        parse_formula("p(anna)", constants="anna")


@settings(deadline=None, derandomize=True, database=None, max_examples=200)
@given(st.text(alphabet='ab xX09.,:;()&|!-><=+*"\\?#\n∀∃→not', max_size=30))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    try:
        program = parse_program(text)
    except LogicSyntaxError:
        return
    assert parse_program(str(program)) == program
