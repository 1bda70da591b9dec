from __future__ import annotations

import pytest

from neurallayers.errors import LogicSyntaxError
from neurallayers.logic.english_grammar import Reader, sentences
from neurallayers.logic.english_words import Lexicon


def read(text: str) -> list[str]:
    """What the sentences say, without the names of the rules."""
    reader = Reader(Lexicon())
    rules = [rule for sentence in sentences(text) for rule in reader.statements(sentence)]
    return [str(r.head) if r.body is None else f"{r.head} <- {r.body}" for r in rules]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Anne is cold.", ["cold(Anne)"]),
        ("Anne is not cold.", ["!cold(Anne)"]),
        ("The bald eagle is not kind.", ['!kind("bald eagle")']),
        ("The bald eagle chases the lion.", ['chase("bald eagle", "lion")']),
        ("The lion does not chase the bald eagle.", ['!chase("lion", "bald eagle")']),
        ("Rex is a tumpus.", ["tumpus(Rex)"]),
        ("Rex is not an impus.", ["!impus(Rex)"]),
        ("Anne is cold and not kind.", ["cold(Anne)", "!kind(Anne)"]),
        ("All cold people are kind.", ["kind(x) <- cold(x)"]),
        ("Cold things are not kind.", ["!kind(x) <- cold(x)"]),
        ("Cold, kind people are round.", ["round(x) <- cold(x) & kind(x)"]),
        ("All cold, kind things are round.", ["round(x) <- cold(x) & kind(x)"]),
        ("Every wumpus is a rompus.", ["rompus(x) <- wumpus(x)"]),
        ("Each wumpus is not small.", ["!small(x) <- wumpus(x)"]),
        ("Wumpuses are rompuses.", ["rompus(x) <- wumpus(x)"]),
        ("Wumpuses are not small.", ["!small(x) <- wumpus(x)"]),
        ("No wumpus is small.", ["!small(x) <- wumpus(x)"]),
        ("If someone is cold then they are kind.", ["kind(x) <- cold(x)"]),
        (
            "If something is cold and not kind then it is not red.",
            ["!red(x) <- cold(x) & !kind(x)"],
        ),
        (
            "If something likes the lion and it does not see the cow then the cow sees the lion.",
            ['see("cow", "lion") <- like(x, "lion") & !see(x, "cow")'],
        ),
        (
            "If someone needs Anne and they are kind then they visit Anne.",
            ["visit(x, Anne) <- need(x, Anne) & kind(x)"],
        ),
        (
            "If Anne is cold and Bob is red then Bob is kind.",
            ["kind(Bob) <- cold(Anne) & red(Bob)"],
        ),
        ("If the cow is cold then it is red.", ['red("cow") <- cold("cow")']),
        (
            "If someone is cold then they are kind and they like the cow.",
            ["kind(x) <- cold(x)", 'like(x, "cow") <- cold(x)'],
        ),
    ],
)
def test_sentences_say(text: str, said: list[str]) -> None:
    assert read(text) == said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Cold.", "not covered"),
        ("If Anne is cold.", "no 'then'"),
        ("It is cold.", "who 'It' is"),
        ("People are kind.", "everything there is"),
        ("Someone is kind.", "does not name"),
        ("Anne does like the cow.", "not covered"),
        ("Anne is.", "not covered"),
        ("All are kind.", "of nobody"),
        ("Rex is not a cold cat.", "not covered"),
        ("Yesterday it rained heavily", "not covered"),
    ],
)
def test_what_is_not_covered_is_said_with_its_place(text: str, message: str) -> None:
    with pytest.raises(LogicSyntaxError, match=message) as caught:
        read(f"Bob is red.\n{text}")
    assert caught.value.line == 2
    assert "Line 2" in str(caught.value)


def test_places_are_counted_in_the_text() -> None:
    found = sentences("Anne is cold.  Bob is red.\nCas is kind!")
    assert [(s.position.line, s.position.column) for s in found] == [(1, 1), (1, 16), (2, 1)]
