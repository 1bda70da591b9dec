from __future__ import annotations

import itertools

import pytest

from neurallayers.errors import InvalidInput, LogicSyntaxError
from neurallayers.logic.english_order import read_order

pytest.importorskip("z3", reason="the extra logic is not installed")

BIRDS = (
    "On a branch, there are five birds: a quail, an owl, a raven, a falcon, and a robin. "
    "The owl is the leftmost. The robin is to the left of the raven. The quail is the rightmost. "
    "The raven is the third from the left."
)


def test_agrees_with_trying_every_order() -> None:
    names = ["quail", "owl", "raven", "falcon", "robin"]
    right = [
        order
        for order in itertools.permutations(names)
        if order[0] == "owl"
        and order.index("robin") < order.index("raven")
        and order[-1] == "quail"
        and order[2] == "raven"
    ]
    puzzle = read_order(BIRDS)
    ordinals = ["first", "second", "third", "fourth", "fifth"]
    for name in names:
        for place, ordinal in enumerate(ordinals):
            held = {order[place] == name for order in right}
            expected = {(True,): "True", (False,): "False"}.get(tuple(held), "Unknown")
            assert puzzle.answer(f"The {name} is the {ordinal} from the left.").label == expected


def test_the_sentences_that_are_needed_are_named() -> None:
    answer = read_order(BIRDS).answer("The robin is the second from the left.")
    assert answer.label == "True"
    assert answer.used == (
        "The owl is the leftmost.",
        "The robin is to the left of the raven.",
        "The raven is the third from the left.",
    )
    assert read_order(BIRDS).answer("The owl is the rightmost.").label == "False"


def test_an_option_is_chosen_only_if_it_is_the_only_one() -> None:
    puzzle = read_order(BIRDS)
    options = [f"The {name} is the rightmost." for name in ("owl", "quail", "robin")]
    assert puzzle.choose(options) == 1
    assert puzzle.choose(options[:1]) is None
    assert puzzle.choose([options[1], "The owl is the leftmost."]) is None


@pytest.mark.parametrize(
    ("first", "low", "nth_high", "relation"),
    [
        ("Ann", "is the oldest", "is the second-newest", "is older than"),
        ("Ann", "is the cheapest", "is the second-most expensive", "is less expensive than"),
        ("Ann", "finished first", "finished second-to-last", "finished above"),
        ("Ann", "is the leftmost", "is the second from the right", "is to the left of"),
        ("Ann", "is the shortest", "is the second-tallest", "is shorter than"),
        ("Ann", "is the smallest", "is the second-biggest", "is smaller than"),
        ("Ann", "is the earliest", "is the second-latest", "is earlier than"),
    ],
)
def test_scales_have_two_ends(first: str, low: str, nth_high: str, relation: str) -> None:
    text = f"There are three: Ann, Bob, and Cas. {first} {low}. Bob {nth_high}."
    puzzle = read_order(text)
    assert puzzle.answer(f"Bob {relation} Cas.").label == "True"
    assert puzzle.answer(f"Cas {relation} Ann.").label == "False"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("There are two: Ann and Bob. Ann sings.", "not covered"),
        ("There are two: Ann and Bob. Cas is the leftmost.", "speaks of 'Cas'"),
        ("There are two: Ann and Bob. Ann is the third from the left.", "counts to 3"),
        ("There is one: Ann.", "does not list"),
        ("There are two: Ann and Ann.", "does not list"),
    ],
)
def test_what_is_not_covered_is_said(text: str, message: str) -> None:
    with pytest.raises(LogicSyntaxError, match=message):
        read_order(text)


def test_no_list_or_more_than_one_question_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no things after a colon"):
        read_order("Ann is older than Bob.")
    with pytest.raises(InvalidInput, match="2 sentences"):
        read_order(BIRDS).answer("The owl is the leftmost. The owl is the rightmost.")
