from __future__ import annotations

import random

import pytest

from neurallayers.errors import InvalidInput, LogicSyntaxError
from neurallayers.logic.conflicts import conflicts, find_conflict
from neurallayers.logic.syntax import parse_program, parse_rule

pytest.importorskip("z3", reason="the extra logic is not installed")


def is_minimal_by_hand(members: tuple[str, ...], statements: dict[str, str]) -> bool:
    """They clash, and no longer do without any one of them."""
    whole = {name: statements[name] for name in members}
    return find_conflict(whole) is not None and all(
        find_conflict({name: each for name, each in whole.items() if name != left_out}) is None
        for left_out in members
    )


def test_the_bird_that_cannot_fly() -> None:
    program = parse_program(
        """
        bird: flies(x) <- bird(x)
        penguin: bird(x) <- penguin(x)
        grounded: !flies(x) <- penguin(x)
        swims: swims(x) <- penguin(x)
        penguin(Tweety)
        bird(Robin)
        """
    )
    clash = find_conflict(program)
    assert clash is not None
    assert clash.members == ("bird", "penguin", "grounded", "penguin(Tweety)")
    assert clash.minimal
    assert "flies(Tweety) follows from 2 by bird" in clash.words
    assert clash.to_dict()["members"] == list(clash.members)
    assert conflicts(program) == [clash]


def test_a_conflict_that_no_chaining_finds() -> None:
    # By cases: either p holds or it does not, and both are excluded.
    text = "a: q <- p. b: q <- !p. c: r <- q. d: !r. e: s <- t"
    clash = find_conflict(text)
    assert clash is not None
    assert clash.members == ("a", "b", "c", "d")
    # Backwards: what follows from p is denied, and p is given.
    assert find_conflict(["q <- p", "!q", "p"]).members == ("q <- p", "!q", "p")  # type: ignore[union-attr]


def test_one_statement_may_contradict_itself() -> None:
    clash = find_conflict({"odd": "p & !p", "fine": "q"})
    assert clash is not None
    assert clash.members == ("odd",)
    assert "can never hold" in clash.words


def test_everything_that_can_hold_has_no_conflict() -> None:
    assert find_conflict("p <- q. !p <- q") is None
    assert find_conflict("") is None
    assert find_conflict([]) is None
    assert conflicts([]) == []
    assert conflicts("p. q <- p") == []


def test_all_conflicts_up_to_a_limit() -> None:
    text = "a: p. b: !p. c: q <- p. d: !q. e: r"
    found = conflicts(text)
    assert [set(clash.members) for clash in found] == [{"a", "b"}, {"a", "c", "d"}]
    assert all(clash.minimal for clash in found)
    assert len(conflicts(text, limit=1)) == 1
    with pytest.raises(InvalidInput, match="limit is 0"):
        conflicts(text, limit=0)


def test_of_labels_at_most_one_holds() -> None:
    rules = ["two: digit(x, 2) <- curved(x)", "one: digit(x, 1) <- straight(x)"]
    facts = ["curved(Image)", "straight(Image)", "curved(Other)"]
    assert find_conflict([*rules, *facts]) is None
    group = ["digit(x, 1)", "digit(x, 2)"]
    clash = find_conflict([*rules, *facts], exclusive=[group])
    assert clash is not None
    assert set(clash.members) == {
        *rules[0].split(":")[:1],
        "one",
        "curved(Image)",
        "straight(Image)",
    }
    assert "at most one holds of digit(x, 1) and digit(x, 2)" in clash.words


def test_there_may_be_others_than_those_that_are_named() -> None:
    statements = ["exists x: cold(x)", "!cold(Ann)", "!cold(Bob)"]
    assert find_conflict(statements) is None
    clash = find_conflict(statements, domain=["Ann", "Bob"])
    assert clash is not None
    assert clash.members == ("exists x: cold(x)", "!cold(Ann)", "!cold(Bob)")


def test_quantified_formulas_over_anything() -> None:
    formulas = {
        "serial": "forall x: exists y: likes(x, y)",
        "nice": "forall x, y: likes(x, y) -> nice(y)",
        "nobody": "!exists x: nice(x)",
        "rain": "rain",
    }
    clash = find_conflict(formulas)
    assert clash is not None
    assert clash.members == ("serial", "nice", "nobody")
    assert "nobody: !exists x: nice(x)" in clash.words or "nobody: !(exists" in clash.words


def test_names_are_distinct_unless_said() -> None:
    statements = ["Ann = Bob"]
    assert find_conflict(statements) is not None
    assert find_conflict(statements, distinct_names=False) is None
    assert find_conflict(["Ann = Bob", "p(Ann)", "!p(Bob)"], distinct_names=False) is not None


def test_declared_domains_limit_what_variables_are() -> None:
    text = """
    domain person: ann, bob
    domain pet: rex
    predicate owns(person, pet)
    predicate tired(person)
    all: tired(x) <- owns(x, y)
    owns(ann, rex)
    !tired(ann)
    """
    clash = find_conflict(
        text.replace("owns(ann, rex)", 'owns("ann", "rex")').replace("!tired(ann)", '!tired("ann")')
    )
    assert clash is not None
    assert clash.members[0] == "all"
    assert len(clash) == 3


def test_numbers_are_compared() -> None:
    text = """
    adult: adult(x) <- age(x, n) & 18 <= n
    child: !adult(x) <- age(x, n) & n < 21
    age(Ann, 17). age(Bob, 19). age(Cas, 30)
    """
    clash = find_conflict(text)
    assert clash is not None
    assert clash.members == ("adult", "child", "age(Bob, 19)")


def test_sums_that_no_constant_names_are_found_by_chaining() -> None:
    names = ". ".join(f"age(P{i}, {i})" for i in range(60))
    text = f"""
    next: old(x, m) <- age(x, n) & m is n + 100
    never: !old(x, m) <- age(x, n) & m is n + 100 & friend(x, y)
    friend(P3, P4). {names}
    """
    clash = find_conflict(text)
    assert clash is not None
    assert set(clash.members) == {"next", "never", "friend(P3, P4)", "age(P3, 3)"}


@pytest.mark.parametrize("seed", range(4))
def test_a_plant_among_a_thousand_rules_is_found_minimal(seed: int) -> None:
    generator = random.Random(seed)
    rules = [
        f"r{i}: a{generator.randrange(400)}(x) <- b{generator.randrange(400)}(x) & "
        f"c{generator.randrange(400)}(x)"
        for i in range(1000)
    ]
    facts = [f"b{i}(C{i % 7})" for i in range(0, 400, 3)]
    plant = [
        "one: mid(x) <- deep(x) & wide(x)",
        "two: hit(x) <- mid(x)",
        "three: !hit(x) <- far(x)",
        "four: deep(C1)",
        "five: wide(C1)",
        "six: far(C1)",
    ]
    lines = [*rules, *facts, *plant]
    generator.shuffle(lines)
    clash = find_conflict(parse_program("\n".join(lines)))
    assert clash is not None
    assert clash.minimal
    assert set(clash.members) == {"one", "two", "three", "four", "five", "six"}


def test_of_random_programs_the_found_conflict_is_minimal() -> None:
    generator = random.Random(5)
    clashes = 0
    for _ in range(40):
        literals = [f"{sign}v{i}" for i in range(4) for sign in ("", "!")]
        statements = {
            f"s{i}": f"{generator.choice(literals)} | {generator.choice(literals)}"
            for i in range(9)
        }
        clash = find_conflict(statements)
        if clash is not None:
            clashes += 1
            assert is_minimal_by_hand(clash.members, statements)
    assert clashes > 10


def test_rules_facts_axioms_and_texts_may_be_mixed() -> None:
    program = parse_program("forall x: p(x) -> q(x)")
    clash = find_conflict([parse_rule("p(Ann)"), *program.axioms, "!q(Ann)"])
    assert clash is not None
    assert len(clash) == 3


def test_weights_and_choices_assert_no_more_and_no_less() -> None:
    assert find_conflict("0.3 :: p. 0.9 :: !p").members == ("0.3 :: p", "0.9 :: !p")  # type: ignore[union-attr]
    assert find_conflict("0.3 :: p ; 0.7 :: q. !p. !q") is None


def test_bad_input_is_refused() -> None:
    with pytest.raises(LogicSyntaxError):
        find_conflict("p <- ")
    with pytest.raises(InvalidInput, match="is no formula"):
        find_conflict([3])  # type: ignore[list-item]
    with pytest.raises(InvalidInput, match="domain is empty"):
        find_conflict("p(x)", domain=[])
    with pytest.raises(InvalidInput, match="one text"):
        find_conflict("p", exclusive=["ab"])
    with pytest.raises(InvalidInput, match="is no atom"):
        find_conflict("p", exclusive=[["p & q"]])
    with pytest.raises(InvalidInput, match="not decided"):
        find_conflict(
            [
                "forall x, y, z: f(x, y) & f(y, z) -> f(x, z)",
                "forall x: exists y: f(x, y)",
                "forall x: !f(x, x)",
            ],
            steps=50_000,
        )
    with pytest.raises(InvalidInput, match="choice with probabilities"):
        find_conflict(parse_program("0.5 :: a ; 0.5 :: b").choices)  # type: ignore[arg-type]
