from __future__ import annotations

import pytest

from neurallayers.errors import InvalidInput, MissingExtra
from neurallayers.logic.proving_smt import SmtTheory, Solver, Vocabulary, decided
from neurallayers.logic.syntax import parse_formula
from neurallayers.logic.terms import Atom, Constant

pytest.importorskip("z3", reason="the extra logic is not installed")


def theory(*texts: str, propositional: bool = True, things: int = 0) -> SmtTheory:
    vocabulary = Vocabulary(propositional=propositional, things=things)
    parts = [vocabulary.text(parse_formula(text)) for text in texts]
    return SmtTheory(parts, vocabulary.declarations())


def test_parts_are_switched() -> None:
    solver = Solver(theory("p -> q", "p", "!q", "r"))
    assert solver.check() is False
    assert set(solver.core()) <= {0, 1, 2}
    assert solver.check([0, 1, 3]) is True
    assert solver.restricted([1, 2]).check([1, 2]) is True
    assert solver.restricted([1, 2]).parts == (1, 2)


def test_what_is_added_holds_from_then_on() -> None:
    vocabulary = Vocabulary(propositional=True)
    part = vocabulary.text(parse_formula("p | q"))
    symbols = [vocabulary.symbol_of("p"), vocabulary.symbol_of("q")]
    solver = Solver(SmtTheory([part], vocabulary.declarations()))
    solver.add(f"(not {symbols[0]})")
    assert solver.check() is True
    assert solver.true_symbols() & set(symbols) == {symbols[1]}
    solver.add(f"(not {symbols[1]})")
    assert solver.check() is False
    assert solver.check([]) is True


def test_blocks_join_neighbours() -> None:
    blocks = theory("p", "!p", "q").blocks(2)
    assert len(blocks.parts) == 2
    solver = Solver(blocks)
    assert solver.check([0]) is False
    assert solver.check([1]) is True


def test_steps_are_counted_and_not_timed() -> None:
    hard = theory(
        "forall x, y, z: f(x, y) & f(y, z) -> f(x, z)",
        "forall x: exists y: f(x, y)",
        "forall x: !f(x, x)",
        propositional=False,
    )
    solver = Solver(SmtTheory(hard.parts, hard.declarations, steps=50_000))
    assert solver.check() is None
    assert solver.why_unknown()


def test_quantifiers_are_written_out_over_so_many_things() -> None:
    texts = ("exists x, y: x != y", "forall x, y, z: x = y | y = z | x = z")
    assert Solver(theory(*texts, propositional=False, things=2)).check() is True
    assert Solver(theory(*texts, propositional=False, things=1)).check() is False
    assert Solver(theory(*texts, propositional=False, things=3)).check() is False


def test_names_of_any_form_are_symbols() -> None:
    odd = Atom("a) (assert false", (Constant("|"),))
    vocabulary = Vocabulary()
    part = vocabulary.text(odd)
    assert Solver(SmtTheory([part], vocabulary.declarations())).check() is True


def test_counting_with_names_is_never_true() -> None:
    assert not decided(parse_formula("Ann < 3"))
    assert not decided(Atom("sum", (Constant(1), Constant("Ann"), Constant(2))))
    assert decided(parse_formula("Ann != 3"))


def test_what_cannot_be_said_is_refused() -> None:
    with pytest.raises(InvalidInput, match="has a quantifier"):
        theory("p(x)")
    with pytest.raises(InvalidInput, match="compares things"):
        theory("forall x: x < 3", propositional=False)


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "z3", None)
    with pytest.raises(MissingExtra, match=r"neurallayers\[logic\]"):
        Solver(theory("p"))
