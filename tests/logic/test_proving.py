from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.errors import InvalidInput, LogicSyntaxError
from neurallayers.logic.proving import find_world, named_formulas, prove
from neurallayers.logic.proving_models import FiniteModel
from neurallayers.logic.syntax import parse_formula, parse_program
from neurallayers.logic.terms import (
    And,
    Atom,
    Constant,
    Exists,
    ForAll,
    Formula,
    Iff,
    Implies,
    Not,
    Or,
    Variable,
    Xor,
)

pytest.importorskip("z3", reason="the extra logic is not installed")

ANN, BOB, X = Constant("Ann"), Constant("Bob"), Variable("x")
OF_X = st.sampled_from(["p", "q"]).map(lambda name: Atom(name, (X,)))
OF_SOMEONE = st.builds(
    Atom, st.sampled_from(["p", "q"]), st.sampled_from([ANN, BOB]).map(lambda name: (name,))
)


def combined(leaves: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(Not, inner),
            st.builds(Implies, inner, inner),
            st.builds(Iff, inner, inner),
            st.builds(Xor, inner, inner),
            st.tuples(inner, inner).map(And),
            st.tuples(inner, inner).map(Or),
        ),
        max_leaves=3,
    )


SENTENCES = combined(
    st.one_of(
        OF_SOMEONE,
        combined(OF_X).map(lambda body: ForAll((X,), body)),
        combined(OF_X).map(lambda body: Exists((X,), body)),
    )
)


def all_worlds() -> list[FiniteModel]:
    """Every world that two predicates of one thing can tell apart (Loewenheim 1915).

    A thing is p or not and q or not: four kinds. A sentence without equality cannot tell apart
    worlds in which the same kinds occur and the names have the same kinds.
    """
    worlds = []
    for kinds in range(1, 16):
        present = [kind for kind in range(4) if kinds >> kind & 1]
        true = {
            ("p", 1): frozenset((i,) for i, kind in enumerate(present) if kind & 1),
            ("q", 1): frozenset((i,) for i, kind in enumerate(present) if kind & 2),
        }
        for named in itertools.product(range(len(present)), repeat=2):
            names = dict(zip((ANN, BOB), named, strict=True))
            worlds.append(FiniteModel(len(present), names, true))
    return worlds


WORLDS = all_worlds()


@settings(deadline=None, derandomize=True, database=None, max_examples=60)
@given(st.lists(SENTENCES, min_size=1, max_size=3), SENTENCES)
def test_agrees_with_looking_at_every_world(premises: list[Formula], conclusion: Formula) -> None:
    possible = [w for w in WORLDS if all(w.satisfies(premise) for premise in premises)]
    found = {world.satisfies(conclusion) for world in possible}
    expected = {
        frozenset(): "Contradiction",
        frozenset({True}): "True",
        frozenset({False}): "False",
        frozenset({True, False}): "Unknown",
    }[frozenset(found)]
    verdict = prove(premises, conclusion)
    assert verdict.decided
    assert verdict.answer == expected
    used = [premises[int(name) - 1] for name in verdict.used]
    if expected in ("True", "False"):
        goal = conclusion if expected == "True" else Not(conclusion)

        def follows(given: list[Formula]) -> bool:
            return all(
                w.satisfies(goal) for w in WORLDS if all(w.satisfies(each) for each in given)
            )

        assert follows(used)
        assert not any(follows(used[:i] + used[i + 1 :]) for i in range(len(used)))


def test_worlds_are_shown_and_hold() -> None:
    premises = {"all": "forall x: cat(x) -> animal(x)", "tom": "cat(Tom)"}
    verdict = prove(premises, "animal(Rex)")
    assert verdict.answer == "Unknown"
    assert verdict.world is not None
    assert verdict.counterexample is not None
    for world, holds in ((verdict.world, True), (verdict.counterexample, False)):
        assert all(world.satisfies(each) for each in named_formulas(premises).values())
        assert world.satisfies(parse_formula("animal(Rex)")) == holds
    assert "It does not in this" in verdict.words


def test_the_reason_is_named() -> None:
    premises = {"all": "forall x: cat(x) -> animal(x)", "tom": "cat(Tom)", "rex": "dog(Rex)"}
    verdict = prove(premises, "animal(Tom)")
    assert verdict.used == ("all", "tom")
    assert verdict.words == (
        "animal(Tom) follows from all and tom (all: forall x: cat(x) -> animal(x); tom: cat(Tom))."
    )
    refuted = prove(premises, "!animal(Tom)")
    assert (refuted.answer, refuted.used) == ("False", ("all", "tom"))
    assert refuted.to_dict()["answer"] == "False"


def test_premises_that_contradict_each_other_are_told() -> None:
    verdict = prove({"a": "p", "b": "!p", "c": "q"}, "q & !q")
    assert verdict.answer == "Contradiction"
    assert set(verdict.used) == {"a", "b"}
    assert "cannot hold together" in verdict.words
    assert prove({"a": "p", "b": "!p"}, "r").answer == "Contradiction"


def test_relations_and_something_unnamed() -> None:
    premises = ["forall x: exists y: likes(x, y)", "forall x, y: likes(x, y) -> nice(y)"]
    assert prove(premises, "exists x: nice(x)").answer == "True"
    assert prove(premises, "forall x: nice(x)").answer == "Unknown"


def test_what_has_no_finite_world_is_left_open_and_not_guessed() -> None:
    # An order without an end: true only of infinitely many things.
    endless = [
        "forall x: !below(x, x)",
        "forall x, y, z: below(x, y) & below(y, z) -> below(x, z)",
        "forall x: exists y: below(x, y)",
    ]
    verdict = prove(endless, "rain", steps=200_000)
    assert verdict.answer == "Unknown"
    assert not verdict.decided
    assert "was not decided" in verdict.words
    assert find_world(endless, steps=200_000) is None


def test_equality_and_whether_names_are_distinct() -> None:
    premises = ["cold(Ann)", "!cold(Bob)"]
    assert prove(premises, "Ann != Bob").answer == "True"
    assert prove(["cold(Ann)"], "Ann = Bob").answer == "Unknown"
    assert prove(["cold(Ann)"], "Ann = Bob", distinct_names=True).answer == "False"
    one = ["forall x, y: x = y", "cold(Ann)"]
    assert prove(one, "cold(Bob)").answer == "True"


def test_a_program_is_read_as_implications() -> None:
    program = parse_program(
        "wings: bird(x) <- winged(x). winged(Tweety). forall x: bird(x) -> egg(x)"
    )
    verdict = prove(program, "egg(Tweety)")
    assert verdict.answer == "True"
    assert verdict.used == ("wings", "winged(Tweety)", "forall x: bird(x) -> egg(x)")
    # Unlike chaining, implication also goes backwards.
    assert prove(program, "!egg(Rex) -> !winged(Rex)").answer == "True"


def test_odd_names_are_only_names() -> None:
    premises = ["|p) (assert false)|", 'q("a b", "c|d")']
    with pytest.raises(LogicSyntaxError):
        prove(premises, "q")
    formula = Atom("odd | name)", (Constant("a\\b"),))
    assert prove([formula], formula).answer == "True"


def test_bad_input_is_refused() -> None:
    with pytest.raises(InvalidInput, match="one text"):
        prove("p & q", "p")
    with pytest.raises(InvalidInput, match="is no formula"):
        prove([3], "p")  # type: ignore[list-item]
    with pytest.raises(InvalidInput, match="compares things that are not named"):
        prove(["forall x: x < 3 -> small(x)"], "small(2)")
    with pytest.raises(InvalidInput, match="choice with probabilities"):
        prove(parse_program("0.5 :: red ; 0.5 :: blue"), "red")


def test_no_premises_is_no_obstacle() -> None:
    assert prove([], "p | !p").answer == "True"
    assert prove([], "p").answer == "Unknown"
    assert find_world([]) is not None
