from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.logic.formulas import DEGREES

from neurallayers.errors import InvalidInput, LogicSyntaxError, UnknownName
from neurallayers.logic.knowledge import KnowledgeBase
from neurallayers.logic.syntax import parse_program
from neurallayers.logic.terms import Atom, Constant, Not
from neurallayers.logic.truth import FALSE, TRUE, UNKNOWN, Bounds, Reading

PARITY = "parity: even(x) <- digit(x, 2) | digit(x, 4)"


@pytest.mark.parametrize(
    ("semantics", "expected"),
    [("lukasiewicz", 0.9), ("goedel", 0.5), ("product", 0.5 + 0.4 - 0.2)],
)
def test_a_rule_makes_its_head_as_true_as_its_body(semantics: str, expected: float) -> None:
    knowledge = KnowledgeBase(PARITY, ["Img"], semantics=semantics)
    conclusions = knowledge.infer({"digit(Img, 2)": 0.5, "digit(Img, 4)": 0.4})
    assert conclusions.bounds("even(Img)").lower == pytest.approx(expected)
    assert conclusions.bounds("even(Img)").upper == 1.0


@settings(deadline=None, derandomize=True, database=None, max_examples=40)
@given(weight=DEGREES, degree=DEGREES, name=st.sampled_from(["lukasiewicz", "goedel", "product"]))
def test_modus_ponens_and_tollens_of_a_weighted_rule(
    weight: float, degree: float, name: str
) -> None:
    knowledge = KnowledgeBase(f"{weight!r} :: b <- a", semantics=name)
    semantics = knowledge.semantics
    forward = knowledge.infer({"a": degree}).bounds("b")
    assert forward.lower == pytest.approx(semantics.conjunction(weight, degree), abs=1e-9)
    backward = knowledge.infer({"b": degree}).bounds("a")
    assert backward.upper == pytest.approx(semantics.implication(weight, degree), abs=1e-9)


def test_ignorance_uncertainty_and_contradiction_are_different() -> None:
    knowledge = KnowledgeBase("a <- b\n!a <- c\nd <- e")
    both = knowledge.infer({"b": 1.0, "c": 1.0, "e": 0.6})
    assert both.bounds("a").reading() is Reading.CONTRADICTORY
    assert both.bounds("d").reading() is Reading.UNCERTAIN
    assert knowledge.infer().bounds("a").reading() is Reading.UNKNOWN
    assert knowledge.infer({"b": 1.0}).bounds("a") == TRUE
    assert len(both.contradictions) == 1


def test_inverse_inference_of_the_lnn_paper() -> None:
    """Knowing the conclusion of a two-way rule and one part of its premise gives the other."""
    knowledge = KnowledgeBase("(a & b) <-> c")
    assert knowledge.infer({"c": 1.0}).bounds("a") == TRUE
    assert knowledge.infer({"c": 0.0, "a": 1.0}).bounds("b") == FALSE
    assert knowledge.infer({"c": 0.0}).bounds("b") == UNKNOWN


def test_an_open_world_is_ignorant_where_a_closed_one_denies() -> None:
    program = "flies(x) <- bird(x) & !penguin(x)\nbird(Tux)\nbird(Tweety)\npenguin(Tux)"
    open_world = KnowledgeBase(program).infer()
    assert open_world.bounds("flies(Tweety)") == UNKNOWN
    closed = KnowledgeBase(program, world="closed").infer()
    assert closed.bounds("flies(Tweety)") == TRUE
    assert closed.bounds("flies(Tux)") == FALSE
    some = KnowledgeBase(program, world={"penguin": "closed"}).infer()
    assert some.bounds("flies(Tweety)") == TRUE
    assert some.bounds("flies(Tux)") == UNKNOWN


def test_truths_of_closed_predicates_can_come_with_the_case() -> None:
    program = "path(x, y) <- edge(x, y)\npath(x, z) <- path(x, y) & edge(y, z)"
    knowledge = KnowledgeBase(
        program, ["A", "B", "C"], semantics="goedel", world="closed", observed="edge"
    )
    conclusions = knowledge.infer({"edge(A, B)": 0.75, "edge(B, C)": 0.5})
    assert conclusions.bounds("path(A, C)") == Bounds(0.5, 0.5)
    assert conclusions.bounds("path(C, A)") == FALSE


@pytest.mark.parametrize("quantifiers", ["minimum", "strong"])
def test_quantifiers_over_a_domain(quantifiers: str) -> None:
    program = "c <- forall x: p(x)\nd <- exists x: p(x)"
    knowledge = KnowledgeBase(program, ["A", "B"], quantifiers=quantifiers)
    conclusions = knowledge.infer({"p(A)": 0.75, "p(B)": 0.5})
    every, some = conclusions.bounds("c").lower, conclusions.bounds("d").lower
    assert (every, some) == ((0.5, 0.75) if quantifiers == "minimum" else (0.25, 1.0))
    assert knowledge.infer({"d": 0.0}).bounds("p(A)") == FALSE


def test_sums_of_digits_by_arithmetic() -> None:
    program = "total(z) <- first(x) & second(y) & z is x + y\n"
    program += "\n".join(f"0.5 :: first({n})\n0.5 :: second({n})" for n in range(4))
    knowledge = KnowledgeBase(program, range(7), semantics="goedel", world="closed")
    conclusions = knowledge.infer()
    assert [conclusions.bounds(f"total({n})").lower for n in range(7)] == [0.5] * 7
    with pytest.raises(InvalidInput, match="not in the domain"):
        conclusions.bounds("total(7)")


def test_any_formula_over_the_domain_can_be_asked() -> None:
    conclusions = KnowledgeBase(PARITY, ["Img"]).infer({"digit(Img, 4)": 0.9})
    assert conclusions.bounds("exists x: even(x)").lower == pytest.approx(0.9)
    assert conclusions.bounds("!even(Img)").upper == pytest.approx(0.1)
    assert conclusions.bounds("2 is 1 + 1") == TRUE
    assert conclusions.bounds("true") == TRUE
    assert conclusions.bounds(Not(Atom("even", (Constant("Img"),)))).upper == pytest.approx(0.1)


def test_names_in_lower_case_that_the_domain_knows_are_constants() -> None:
    knowledge = KnowledgeBase("domain person: anna\ntall(anna)")
    assert knowledge.infer().bounds("tall(anna)") == TRUE


def test_the_same_inference_is_the_same_bit_for_bit() -> None:
    knowledge = KnowledgeBase(PARITY + "\n0.9 :: odd(x) <- !even(x)", ["Img"], semantics="product")
    truths = {"digit(Img, 2)": 0.1, "digit(Img, 4)": (0.3, 0.7)}
    first, second = knowledge.infer(truths), knowledge.infer(truths)
    assert list(first.items()) == list(second.items())
    assert first.to_dict() == second.to_dict() != knowledge.infer().to_dict()
    again = KnowledgeBase(str(knowledge.program), ["Img"], semantics="product")
    assert again.infer(truths).to_dict() == first.to_dict()


def test_truths_come_in_many_kinds() -> None:
    knowledge = KnowledgeBase("b <- a")
    for truth in (True, 1, 1.0, (1.0, 1.0), TRUE, torch.tensor(1.0)):
        assert knowledge.infer({Atom("a"): truth}).bounds("b") == TRUE


def test_what_nobody_mentions_is_kept_where_it_is_expected() -> None:
    knowledge = KnowledgeBase(PARITY, [*range(10), "Img"], observed=["digit", "label"])
    conclusions = knowledge.infer({"digit(Img, 7)": 0.2, "label(Img)": 0.3})
    assert conclusions.bounds("digit(Img, 7)") == Bounds(0.2, 0.2)
    assert conclusions.proof("label(Img)").kind == "given"
    assert conclusions.bounds("digit(Img, 8)") == UNKNOWN
    assert str(Atom("label", (Constant("Img"),))) in conclusions.to_dict()["atoms"]


@pytest.mark.parametrize(
    ("truths", "error", "said"),
    [
        ({"digit(Img, 2)": 1.5}, InvalidInput, "bound is 1.5"),
        ({"digit(Img, 2)": math.nan}, InvalidInput, "bound is nan"),
        ({"digit(Img, 2)": "yes"}, InvalidInput, "bound is 'yes'"),
        ({"digit(x, 2)": 0.5}, InvalidInput, "no fact that could be observed"),
        ({"2 < 3": 0.5}, InvalidInput, "no fact that could be observed"),
        ({"even(Img) & even(Img)": 0.5}, InvalidInput, "is no atom"),
        ({"digit(Img, 2": 0.5}, LogicSyntaxError, "never closed"),
        ({"digt(Img, 2)": 0.5}, UnknownName, "Did you mean 'digit'"),
        ({"digit(Other, 2)": 0.5}, InvalidInput, "Other in 'digit\\(Other, 2\\)' is not in"),
        ({7: 0.5}, InvalidInput, "7 is no atom"),
    ],
    ids=range(10),
)
def test_truths_that_make_no_sense_are_refused(truths: Any, error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        KnowledgeBase(PARITY, ["Img"]).infer(truths)


@pytest.mark.parametrize(
    ("program", "options", "error", "said"),
    [
        ("a <-", {}, LogicSyntaxError, "formula is expected"),
        (None, {}, InvalidInput, "None is no program"),
        ("0.5 :: a ; 0.5 :: b", {}, InvalidInput, "choice between alternatives"),
        ("2 :: a <- b", {}, InvalidInput, "weight of"),
        ("a <- b", {"semantics": "zadeh"}, UnknownName, "no fuzzy semantics"),
        ("a <- b", {"world": "shut"}, UnknownName, "no world called 'shut'"),
        ("a <- b", {"world": {"c": "closed"}}, UnknownName, "predicate 'c' is given"),
        ("a <- b", {"quantifiers": "most"}, UnknownName, "no quantifiers called"),
        ("a <- b", {"premise_weights": "golden"}, UnknownName, "no premise weights"),
        ("p(x) <- q(x)", {}, InvalidInput, "no constant to stand for"),
    ],
    ids=range(10),
)
def test_a_knowledge_base_that_makes_no_sense_is_refused(
    program: Any, options: Any, error: Any, said: str
) -> None:
    with pytest.raises(error, match=said):
        KnowledgeBase(program, **options)


def test_an_empty_program_knows_nothing() -> None:
    knowledge = KnowledgeBase(parse_program(""))
    assert knowledge.atoms == ()
    assert list(knowledge.infer().items()) == []
    assert repr(knowledge).startswith("KnowledgeBase(0 rules")
