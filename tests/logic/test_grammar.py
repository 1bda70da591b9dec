from __future__ import annotations

import pytest

from neurallayers.errors import LogicSyntaxError
from neurallayers.logic.syntax import parse_formula


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("a & b | c", "(a & b) | c"),
        ("a | b xor c & !d", "a | (b xor (c & (!d)))"),
        ("a -> b -> c", "a -> (b -> c)"),
        ("a <-> b -> c", "a <-> (b -> c)"),
        ("a xor b xor c", "(a xor b) xor c"),
        ("forall x: p(x) -> q(x)", "forall x: (p(x) -> q(x))"),
        ("∀x (p(x)) → r", "(forall x: p(x)) -> r"),
        ("∀x p(x) → q(x)", "forall x: p(x) -> q(x)"),
        ("∀x (∃y (p(x, y)) ∧ q(x))", "forall x: (exists y: p(x, y)) & q(x)"),
        ("∀x∀y (p(x, y))", "forall x: forall y: p(x, y)"),
        ("∀x (p(x)) ∧ ∀x (q(x))", "(forall x: p(x)) & (forall x: q(x))"),
        ("forall x, y: p(x, y)", "forall x y: p(x, y)"),
        ("x > y", "y < x"),
        ("x >= y", "y <= x"),
        ("z is x", "z = x"),
        ("z is x + y", "sum(x, y, z)"),
        ("z is x - y", "sum(z, y, x)"),
        ("z is x * -2", "product(x, -2, z)"),
        ("!!a", "!(!a)"),
        ("forall X: p(X)", "forall ?X: p(?X)"),
    ],
)
def test_operators_bind_as_the_syntax_says(text: str, same: str) -> None:
    assert parse_formula(text) == parse_formula(same)


def test_names_are_variables_or_constants_by_their_case() -> None:
    assert str(parse_formula("p(x, Anna, 3, 'b')".replace("'", '"'))) == 'p(x, Anna, 3, "b")'
    assert parse_formula("p(anna)", constants=["anna"]) == parse_formula('p("anna")')
    assert parse_formula("p(?Anna)") != parse_formula("p(Anna)")


def test_in_free_text_only_quantified_names_are_variables() -> None:
    free = parse_formula("∀x (Likes(x, y) ∧ Big(x)) → Big(Tom)", constants="free")
    assert free == parse_formula('(forall x: Likes(x, "y") & Big(x)) -> Big(Tom)')
    assert str(parse_formula("Won(1.5, 2008)", constants="free")) == 'Won("1.5", 2008)'


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("", 1, "formula is expected"),
        ("a &", 4, "formula is expected"),
        ("a b", 3, "should end here"),
        ("p()", 3, "term is expected"),
        ("p(x y)", 5, "',' or '\\)' is expected"),
        ("p(f(x))", 3, "functions are not part"),
        ("p(1.5)", 3, "not an integer"),
        ("a <- b", 3, "belongs to a rule"),
        ("x + y", 3, "should end here"),
        ("z is x + y + w", 3, "one operation"),
        ("z = x + y", 3, "arithmetic stands in"),
        ("forall: p", 7, "variable is expected"),
        ("forall x, x: p(x)", 8, "quantifier binds"),
        ("3", 2, "relation is expected"),
        ('""(x)', 1, "no name"),
        ('p("")', 3, "no name"),
        ("a\nb", 1, "goes on after"),
    ],
)
def test_an_error_says_where_and_what(text: str, column: int, said: str) -> None:
    with pytest.raises(LogicSyntaxError, match=said) as caught:
        parse_formula(text)
    assert caught.value.column == column


@pytest.mark.parametrize(
    "text",
    ["(" * 500 + "a" + ")" * 500, "!" * 500 + "a", "->".join("a" * 500), " xor ".join("a" * 500),
     "".join(f"forall x{n} " for n in range(500)) + "a"],
    ids=["parentheses", "negations", "implications", "exclusions", "quantifiers"],
)  # fmt: skip
def test_a_formula_too_deep_is_refused_in_words(text: str) -> None:
    with pytest.raises(LogicSyntaxError, match="nested more than 60 deep"):
        parse_formula(text)


def test_a_number_beyond_measure_is_refused_in_words() -> None:
    with pytest.raises(LogicSyntaxError, match="digits"):
        parse_formula(f"p({'9' * 5000})")


def test_long_chains_of_one_operator_are_flat() -> None:
    assert len(parse_formula(" & ".join("a" * 5000)).operands) == 5000  # type: ignore[union-attr]
