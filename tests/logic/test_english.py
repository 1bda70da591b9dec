from __future__ import annotations

import random

import pytest

from neurallayers.errors import InvalidInput, LogicSyntaxError
from neurallayers.logic.english import read_english

TEXT = (
    "The cow is blue. The cow likes the lion. The lion is not kind. "
    "If something is blue then it visits the lion. "
    "If something visits the lion and the lion is not kind then it is not round. "
    "All kind things are red."
)


def test_a_statement_follows_is_refuted_or_open() -> None:
    theory = read_english(TEXT)
    assert theory.answer("The cow visits the lion.").label == "True"
    assert theory.answer("The cow does not visit the lion.").label == "False"
    assert theory.answer("The cow is round.").label == "False"
    assert theory.answer("The lion is red.").label == "Unknown"
    assert theory.answer("The lion is a bird.").label == "Unknown"


def test_the_proof_is_in_the_words_of_the_text() -> None:
    answer = read_english(TEXT).answer("The cow is round.")
    assert answer.depth == 2
    assert answer.words.splitlines() == [
        "1. The cow is blue is given.",
        (
            '2. The cow visits the lion follows from 1 by "If something is blue then it visits the '
            'lion."'
        ),
        "3. The lion is not kind is given.",
        (
            '4. The cow is not round follows from 2 and 3 by "If something visits the lion and the '
            'lion is not kind then it is not round."'
        ),
    ]
    assert "Neither" in read_english(TEXT).answer("The lion is red.").words


def test_a_closed_world_takes_what_is_not_said_for_false() -> None:
    text = "Anne is cold. If someone is cold and not kind then they are sad."
    assert read_english(text).answer("Anne is sad.").label == "Unknown"
    closed = read_english(text, world="closed").answer("Anne is sad.")
    assert closed.label == "True"
    assert "nothing says the opposite" in closed.words


def test_words_that_were_never_seen_are_read() -> None:
    generator = random.Random(1)
    letters = "bdfgklmnprt"

    def word() -> str:
        return "".join(generator.choice(letters) + generator.choice("aeiou") for _ in range(3))

    for _ in range(20):
        adjective, other, verb, thing, name = word(), word(), word(), word(), word().title()
        theory = read_english(
            f"{name} is {adjective}. If someone is {adjective} then they {verb} the {thing}. "
            f"If someone {verb}s the {thing} then the {thing} is not {other}."
        )
        answer = theory.answer(f"The {thing} is {other}.")
        assert (answer.label, answer.depth) == ("False", 2)


@pytest.mark.parametrize("text", ["", "  ", 3, None])
def test_no_text_is_refused(text: object) -> None:
    with pytest.raises(InvalidInput, match="is no text"):
        read_english(text)  # type: ignore[arg-type]


def test_one_thing_is_asked_at_a_time() -> None:
    theory = read_english("Anne is cold.")
    with pytest.raises(InvalidInput, match="2 sentences"):
        theory.answer("Anne is cold. Anne is red.")
    with pytest.raises(LogicSyntaxError, match="more than one thing"):
        theory.answer("Anne is cold and red.")
