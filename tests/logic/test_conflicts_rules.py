from __future__ import annotations

import itertools
import random

import pytest

from neurallayers.errors import InvalidInput
from neurallayers.logic.conflicts_rules import check_rules
from neurallayers.logic.syntax import parse_program
from neurallayers.logic.terms import And, Atom, Formula, Not

pytest.importorskip("z3", reason="the extra logic is not installed")

ATOMS = "abcpq"


def names(text: str, **options: object) -> list[set[str]]:
    return [set(clash.members) for clash in check_rules(text, **options)]  # type: ignore[arg-type]


def holds(formula: Formula, values: dict[str, bool]) -> bool:
    match formula:
        case Atom(name):
            return values[name]
        case Not(operand):
            return not holds(operand, values)
        case And(operands):
            return all(holds(each, values) for each in operands)
    raise AssertionError(formula)


def pairs_by_trying_every_situation(text: str) -> set[frozenset[str]]:
    """Two rules with opposite heads, both of whose bodies hold while all other rules do."""
    rules = parse_program(text).rules
    found = set()
    for one, other in itertools.combinations(rules, 2):
        if one.head_atom != other.head_atom or one.head == other.head:
            continue
        others = [rule for rule in rules if rule.head_atom != one.head_atom]
        for assigned in itertools.product((False, True), repeat=len(ATOMS)):
            values = dict(zip(ATOMS, assigned, strict=True))
            kept = all(
                not holds(rule.body, values) or holds(rule.head, values)  # type: ignore[arg-type]
                for rule in others
            )
            if kept and holds(one.body, values) and holds(other.body, values):  # type: ignore[arg-type]
                found.add(frozenset((one.name, other.name)))
    return found


def test_agrees_with_trying_every_situation() -> None:
    generator = random.Random(3)
    clashing = 0
    for _ in range(25):
        lines = []
        for number in range(6):
            # Bodies that do not speak of the head, so that no rule clashes with itself.
            head = generator.choice("pq")
            inside = generator.sample([c for c in ATOMS if c != head], generator.randrange(1, 4))
            body = " & ".join(generator.choice(["", "!"]) + each for each in inside)
            lines.append(f"r{number}: {generator.choice(['', '!'])}{head} <- {body}")
        text = "\n".join(lines)
        if any(not clash.situation for clash in check_rules(text)):
            continue
        expected = pairs_by_trying_every_situation(text)
        assert {frozenset(each) for each in names(text)} == expected
        clashing += bool(expected)
    assert clashing > 5


def test_the_situation_is_told() -> None:
    (clash,) = check_rules("fly: flies(x) <- bird(x). walk: !flies(x) <- penguin(x) & !magic(x)")
    assert set(clash.members) == {"fly", "walk"}
    assert [str(each) for each in clash.situation] == ["bird(x)", "penguin(x)", "!magic(x)"]
    assert clash.minimal
    assert "flies(x) and !flies(x) would follow" in clash.words


def test_what_other_statements_exclude_is_no_situation() -> None:
    rules = "a: mammal(x) <- dog(x). b: !mammal(x) <- fish(x)"
    assert names(rules) == [{"a", "b"}]
    assert names(rules + ". forall x: !(dog(x) & fish(x))") == []
    assert names(rules + ". !fish(x) <- dog(x)") == []
    assert names(rules, exclusive=[["dog(x)", "fish(x)"]]) == []


def test_facts_that_are_known_are_part_of_the_situation() -> None:
    rules = "a: p <- q & r. b: !p <- q & s"
    assert names(rules) == [{"a", "b"}]
    assert names(rules + ". !q") == []


def test_labels_of_which_at_most_one_holds() -> None:
    rules = "a: even(x) <- digit(x, 2). b: odd(x) <- digit(x, 3)"
    labels = [f"digit(x, {i})" for i in range(4)]
    assert names(rules) == []
    assert names(rules, exclusive=[["odd(x)", "even(x)"]]) == [{"a", "b"}]
    assert names(rules, exclusive=[["odd(x)", "even(x)"], labels]) == []
    assert names("a: digit(x, 3) <- digit(x, 2)", exclusive=[labels]) == [{"a"}]


def test_a_rule_that_denies_its_own_premise() -> None:
    (clash,) = check_rules("odd: !p(x) <- p(x) & q(x)")
    assert clash.members == ("odd",)
    assert "clashes with itself" in clash.words


def test_rules_for_two_unnamed_things() -> None:
    rules = "a: older(x, y) <- parent(x, y). b: !older(x, y) <- parent(y, x)"
    (clash,) = check_rules(rules)
    assert set(clash.members) == {"a", "b"}
    # Nobody is older than himself: the only rule that a ring of two would break.
    assert names(rules + ". forall x, y: !(parent(x, y) & parent(y, x))") == []


def test_statements_that_cannot_hold_at_all_come_first() -> None:
    found = check_rules("a: p <- q. b: !p <- q. c: q. d: r <- s. e: !r <- s & t")
    assert [set(clash.members) for clash in found] == [{"a", "b", "c"}, {"d", "e"}]
    assert found[0].situation == ()


def test_arithmetic_in_bodies() -> None:
    assert names(
        "a: small(x) <- size(x, n) & n < 5. b: !small(x) <- size(x, n) & 5 <= n. "
        "size(A, 3). size(B, 7)"
    ) == [{"a", "b"}]
    (clash,) = check_rules("a: p(n) <- q(n) & n < 5. b: !p(n) <- q(n) & 3 < n. r(4)")
    assert [str(each) for each in clash.situation] == ["q(4)"]


def test_the_number_of_clashes_is_limited() -> None:
    text = ". ".join(f"a{i}: p{i} <- x{i}. b{i}: !p{i} <- y{i}" for i in range(6))
    assert len(check_rules(text)) == 6
    assert len(check_rules(text, limit=2)) == 2
    with pytest.raises(InvalidInput, match="limit is -1"):
        check_rules(text, limit=-1)


def test_nothing_to_check() -> None:
    assert check_rules("") == []
    assert check_rules("p. q") == []
