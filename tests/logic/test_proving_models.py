from __future__ import annotations

import pytest

from neurallayers.errors import InvalidInput
from neurallayers.logic.proving_models import FiniteModel, model_from
from neurallayers.logic.proving_smt import SmtTheory, Solver, Vocabulary
from neurallayers.logic.syntax import parse_formula
from neurallayers.logic.terms import Constant

WORLD = FiniteModel(
    3,
    {Constant("Ann"): 0, Constant("Bob"): 2, Constant("Robert"): 2},
    {
        ("cold", 1): frozenset({(0,), (1,)}),
        ("likes", 2): frozenset({(0, 2)}),
        ("rain", 0): frozenset({()}),
    },
)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("cold(Ann)", True),
        ("cold(Bob)", False),
        ("rain & !snow", True),
        ("Bob = Robert", True),
        ("Ann != Robert", True),
        ("exists x: cold(x) & x != Ann", True),
        ("forall x: cold(x) | x = Bob", True),
        ("forall x: exists y: likes(x, y)", False),
        ("exists x, y: likes(x, y) & cold(x) & !cold(y)", True),
        ("cold(Bob) -> false", True),
        ("cold(Ann) <-> cold(Bob)", False),
        ("cold(Ann) xor cold(Bob)", True),
        ("cold(Ann) xor cold(Ann)", False),
        ("cold(x)", False),
        ("2 < 3", True),
        ("true | false", True),
    ],
)
def test_formulas_are_evaluated(text: str, holds: bool) -> None:
    assert WORLD.satisfies(parse_formula(text)) is holds


def test_a_world_is_said_by_its_names() -> None:
    assert str(WORLD) == (
        "3 things, of which Ann is 0, Bob is 2, Robert is 2; "
        "true: cold(Ann), cold(1), likes(Ann, Bob), rain."
    )


def test_a_name_without_a_thing_is_refused() -> None:
    with pytest.raises(InvalidInput, match="Cas names nothing"):
        WORLD.satisfies(parse_formula("cold(Cas)"))


@pytest.mark.parametrize(
    "texts",
    [
        ["exists x, y: likes(x, y) & !likes(y, x)"],
        ["forall x: exists y: likes(x, y) & x != y", "rain", "!cold(Ann)"],
        ["forall x: cold(x)", "Ann != Bob", "likes(Ann, Bob) <-> !likes(Bob, Ann)"],
    ],
)
def test_what_the_solver_found_holds_by_evaluation(texts: list[str]) -> None:
    pytest.importorskip("z3", reason="the extra logic is not installed")
    formulas = [parse_formula(text) for text in texts]
    vocabulary = Vocabulary()
    parts = [vocabulary.text(formula) for formula in formulas]
    solver = Solver(SmtTheory(parts, vocabulary.declarations()))
    assert solver.check() is True
    world = model_from(solver, vocabulary)
    assert all(world.satisfies(formula) for formula in formulas)
