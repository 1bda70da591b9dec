"""Rules over answers: read, checked, concluded from, explained."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.brain.happenings import IMAGES, NETWORK

from neurallayers.brain import Brain
from neurallayers.brain.rulebook import constant_of, name_of, rulebook, with_rules, without_rule
from neurallayers.errors import InvalidInput, LogicSyntaxError, UnknownName
from neurallayers.logic import Constant

DIGITS = tuple(map(str, range(10)))
PARITY = (
    "parity: even(x) <- digit(x, 0) | digit(x, 2) | digit(x, 4) | digit(x, 6) | digit(x, 8)\n"
    "odd(x) <- !even(x)\n"
    "0.9 :: large(x) <- digit(x, n) & n > 5"
)
SEVEN = {label: 0.91 if label == "7" else 0.01 for label in DIGITS}


def concluded(text: str, shares: dict[str, float]) -> dict[str, tuple[float, float, str]]:
    rules, _ = with_rules((), text, DIGITS)
    return {
        one.statement: (one.lower, one.upper, one.reading)
        for one in rulebook(rules, DIGITS).conclude(shares)
    }


def test_conclusions_follow_from_the_shares_of_the_answers() -> None:
    found = concluded(PARITY, SEVEN)
    assert found["even(It)"] == pytest.approx((0.05, 0.05, "false"))
    assert found["odd(It)"] == pytest.approx((0.95, 0.95, "true"))
    assert found["large(It)"][:2] == pytest.approx((0.81, 0.81))


def test_a_sure_answer_gives_sure_conclusions() -> None:
    found = concluded(PARITY, {label: float(label == "4") for label in DIGITS})
    assert found["even(It)"] == (1.0, 1.0, "true")
    assert found["odd(It)"] == (0.0, 0.0, "false")


def test_facts_about_classes_may_be_used() -> None:
    found = concluded(
        "prime(2)\nprime(3)\nprime(5)\nprime(7)\np(x) <- digit(x, n) & prime(n)", SEVEN
    )
    assert found["p(It)"] == pytest.approx((0.91, 0.91, "true"), abs=1e-9)


def test_rules_that_deny_what_others_conclude_show_as_contradictory() -> None:
    # Degrees clash that no solver of true and false sees: half of it is a seven, half a two.
    shares = {label: 0.5 if label in "27" else 0.0 for label in DIGITS}
    text = "even(x) <- digit(x, 2)\nodd(x) <- digit(x, 7)\n"
    assert concluded(text, shares)["even(It)"][2] == "uncertain"


def test_a_forgotten_class_makes_conclusions_unknown() -> None:
    rules, _ = with_rules((), "triangular(x) <- digit(x, 3)", DIGITS)
    without = tuple(label for label in DIGITS if label != "3")
    (found,) = rulebook(rules, without).conclude(dict.fromkeys(without, 1 / 9))
    assert (found.lower, found.upper, found.reading) == (0.0, 1.0, "unknown")
    assert str(found) == "triangular(It) is unknown (0.00 to 1.00)"


def test_proofs_name_rules_and_answers() -> None:
    rules, _ = with_rules((), PARITY, DIGITS)
    words = str(rulebook(rules, DIGITS).proofs(SEVEN)[1])
    assert "odd(It)" in words
    assert "rule odd" in words


def test_names_are_given_and_kept_apart() -> None:
    rules, names = with_rules((), PARITY, DIGITS)
    assert names == ("parity", "odd", "large")
    rules, more = with_rules(rules, "odd(x) <- digit(x, 1)", DIGITS)
    assert more == ("odd2",)
    assert [name_of(rule) for rule in without_rule(rules, "odd")] == ["parity", "large", "odd2"]
    with pytest.raises(UnknownName, match=r"no rule 'party'.*parity"):
        without_rule(rules, "party")


def test_labels_are_constants_of_the_language() -> None:
    assert constant_of("7") == Constant(7)
    assert constant_of("07") == Constant("07")
    assert constant_of("triangle") == Constant("triangle")
    assert concluded('p(x) <- digit(x, "7")', SEVEN)["p(It)"][0] == pytest.approx(0.91)


def test_a_rule_on_which_others_rest_is_not_given_up() -> None:
    rules, _ = with_rules((), PARITY, DIGITS)
    with pytest.raises(InvalidInput, match=r"Other rules need 'parity'"):
        without_rule(rules, "parity")
    assert [name_of(rule) for rule in without_rule(without_rule(rules, "odd"), "parity")] == [
        "large"
    ]


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("", InvalidInput, "The rule is ''"),
        ("even(x) <- digit(x", LogicSyntaxError, "Line 1, column 17"),
        ("even(x) <- digit(x, 22)", InvalidInput, "no class '22'"),
        ("even(x) <- round(x)", InvalidInput, "Nothing says when round"),
        ("like(x, y) <- digit(x, n) & digit(y, n)", InvalidInput, "of 2 things"),
        ("digit(It, 2)\nforall x: p(x) -> q(x)", InvalidInput, "axioms"),
        ("p: a(x) <- digit(x, 1)\np: b(x) <- digit(x, 2)", InvalidInput, "'p' already"),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        with_rules((), text, DIGITS)


def test_rules_that_cannot_all_hold_are_refused_by_name() -> None:
    rules, _ = with_rules((), "small: small(x) <- digit(x, 1)", DIGITS)
    with pytest.raises(InvalidInput, match=r"small.*never|never.*small"):
        with_rules(rules, "never: !small(x) <- digit(x, 1)", DIGITS)
    # Of one stimulus only one answer holds, so that these two never meet.
    with_rules(rules, "never: !small(x) <- digit(x, 2)", DIGITS)


def test_a_brain_keeps_its_rules_and_heeds_them(tmp_path: Path) -> None:
    with Brain.open(tmp_path / "home", NETWORK) as brain:
        assert brain.rules.add('first: first(x) <- letter(x, "a")') == ("first",)
        assert brain.process(IMAGES[0]).conclusions[0].statement == "first(It)"
        assert len(brain.rules) == 1
    with Brain.open(tmp_path / "home") as again:
        assert list(again.rules) == ['first: first(x) <- letter(x, "a")']
        share = again.process(IMAGES[0]).shares["a"]
        assert again.process(IMAGES[0]).conclusions[0].lower == pytest.approx(share)
        assert "rule first" in str(again.explain(IMAGES[0]))
        again.rules.remove("first")
        assert again.process(IMAGES[0]).conclusions == ()
    assert repr(Brain(NETWORK).rules) == "Rules([])"
