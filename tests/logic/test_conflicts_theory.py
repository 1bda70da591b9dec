from __future__ import annotations

import pytest

from neurallayers.errors import InvalidInput
from neurallayers.logic.conflicts_theory import group_of, rule_of, theory_of
from neurallayers.logic.syntax import parse_formula, parse_program


def test_statements_of_one_name_are_one_member() -> None:
    theory = theory_of({"a": "p", "b": "q"})
    assert list(theory.members) == ["a", "b"]
    program = parse_program("p <- q. p <- q. r: s <- t")
    assert list(theory_of(program).members) == ["p <- q", "r"]


def test_evidence_is_asserted() -> None:
    assert "evidence !p" in theory_of("evidence !p").members


def test_things_are_those_that_are_named() -> None:
    theory = theory_of("p(x) <- q(x). q(Ann). r(Bob)")
    assert [str(each) for each in theory.domain.constants] == ["Ann", "Bob"]
    assert [str(each) for each in theory.of(["r(Bob)"]).domain.constants] == ["Bob"]
    closed = theory_of("p(x) <- q(x). q(Ann)", domain=["Cas", 3])
    assert closed.closed
    assert [str(each) for each in closed.of(["q(Ann)"]).domain.constants] == ["Cas", "3"]


def test_what_speaks_of_something_unnamed_is_not_written_out() -> None:
    assert theory_of("p(x) <- q(x)").is_ground
    assert not theory_of("exists x: p(x)").is_ground
    assert theory_of("exists x: p(x)", domain=["Ann"]).is_ground
    assert not theory_of("Ann = Bob", distinct_names=False).is_ground


def test_a_derivable_contradiction_is_found_by_chaining() -> None:
    theory = theory_of("a: p(x) <- q(x). b: !p(x) <- r(x). q(Ann). r(Ann). q(Bob)")
    found = theory.chained_conflict()
    assert found is not None
    assert found[0] == ["a", "b", "q(Ann)", "r(Ann)"]
    assert theory_of("q <- p. !q. p | r").chained_conflict() is None


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("forall x: p(x) -> !q(x)", "!q(x) <- p(x)"),
        ("p(Ann)", "p(Ann)"),
        ("p(x)", None),
        ("p | q", None),
        ("p -> q & r", None),
    ],
)
def test_formulas_of_the_shape_of_rules(text: str, rule: str | None) -> None:
    found = rule_of(parse_formula(text))
    assert (None if found is None else str(found)) == rule


def test_groups_hold_atoms() -> None:
    assert len(group_of(["p", "p", "q"])) == 2
    with pytest.raises(InvalidInput, match="is no atom"):
        group_of(["!p"])
