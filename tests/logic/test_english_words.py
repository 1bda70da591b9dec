from __future__ import annotations

import pytest

from neurallayers.errors import InvalidInput
from neurallayers.logic.english_words import (
    Lexicon,
    article_of,
    base_of_verb,
    looks_plural,
    singular,
    third_person,
)
from neurallayers.logic.syntax import parse_formula
from neurallayers.logic.terms import Atom, Constant, Not


@pytest.mark.parametrize(
    "verb", ["like", "see", "eat", "visit", "chase", "need", "watch", "carry", "play", "kiss", "go"]
)
def test_verbs_go_there_and_back(verb: str) -> None:
    assert base_of_verb(third_person(verb)) == verb


@pytest.mark.parametrize(
    ("plural", "one"),
    [("wumpuses", "wumpus"), ("cats", "cat"), ("butterflies", "butterfly"), ("mice", "mouse")],
)
def test_plurals_have_a_singular(plural: str, one: str) -> None:
    assert singular(plural) == one
    assert singular(one) == one


def test_adjectives_are_no_plurals() -> None:
    assert not any(map(looks_plural, ("nervous", "wumpus", "colorless", "small")))
    assert looks_plural("jompuses")
    assert [article_of(noun) for noun in ("impus", "wumpus")] == ["an", "a"]


def test_a_word_of_two_kinds_has_two_predicates() -> None:
    lexicon = Lexicon()
    assert lexicon.predicate("adjective", "orange") == "orange"
    assert lexicon.predicate("noun", "orange") == "orange_noun"
    assert lexicon.predicate("adjective", "orange") == "orange"
    rex = (Constant("Rex"),)
    assert lexicon.say(Atom("orange", rex)) == "Rex is orange"
    assert lexicon.say(Not(Atom("orange_noun", rex))) == "Rex is not an orange"


def test_literals_are_said_as_they_were_read() -> None:
    lexicon = Lexicon()
    lion, anne = lexicon.thing("lion", article=True), lexicon.thing("Anne", article=False)
    likes = Atom(lexicon.predicate("verb", "like"), (lion, anne))
    assert lexicon.say(likes) == "The lion likes Anne"
    assert lexicon.say(Not(likes)) == "The lion does not like Anne"
    with pytest.raises(InvalidInput, match="cannot be said"):
        lexicon.say(parse_formula("cold(Anne)"))
