"""Puzzles of order in controlled English: who stands where.

A text names some things after a colon and says how they stand: "The owl is the leftmost. The robin
is to the left of the raven." These are BIG-bench's logical deductions (BIG-bench collaboration
2022, arXiv:2206.04615). Each thing has a place of its own; what the sentences allow is found by
:mod:`~neurallayers.logic.finite`. A statement follows, is excluded, or is open.

>>> puzzle = read_order(
...     "On a branch, there are three birds: a quail, an owl, and a raven. "
...     "The quail is the leftmost. The owl is to the right of the raven."
... )
>>> answer = puzzle.answer("The raven is the second from the left.")
>>> print(answer.label, "|", answer.words)
True | It follows from: The quail is the leftmost. The owl is to the right of the raven.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neurallayers.errors import InvalidInput
from neurallayers.logic.english_grammar import Sentence, error, sentences
from neurallayers.logic.finite import FiniteProblem, all_different, at, follows, which_follow
from neurallayers.logic.proving_forward import Answer
from neurallayers.logic.terms import And, Formula, Not, disjunction

_OPPOSITES = (
    ("left", "right"),
    ("old", "new"),
    ("old", "young"),
    ("cheap", "expensive"),
    ("short", "tall"),
    ("short", "long"),
    ("small", "large"),
    ("small", "big"),
    ("light", "heavy"),
    ("slow", "fast"),
    ("early", "late"),
    ("low", "high"),
    ("weak", "strong"),
    ("near", "far"),
)
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
_ORDINAL = "|".join(_ORDINALS)
_NO_TWO = "no two are at the same place"
_BE = r"(?:is|are|was|were|stands?|sits?)"
_PLACES = (
    re.compile(rf"(?P<who>.+?) {_BE} the (?:(?P<nth>{_ORDINAL})[- ])?(?P<scale>left|right)most"),
    re.compile(rf"(?P<who>.+?) {_BE} (?:the )?(?P<nth>{_ORDINAL}) from the (?P<scale>left|right)"),
    re.compile(
        rf"(?P<who>.+?) {_BE} the (?:(?P<nth>{_ORDINAL})-)?(?P<scale>(?:most|least) [\w-]+)"
    ),
    re.compile(rf"(?P<who>.+?) {_BE} the (?:(?P<nth>{_ORDINAL})[- ])?(?P<scale>\w+est)"),
    re.compile(rf"(?P<who>.+?) finished (?:(?P<nth>{_ORDINAL})-to-)?(?P<scale>last)"),
    re.compile(rf"(?P<who>.+?) finished (?:(?P<nth>{_ORDINAL}))(?P<scale>)"),
)
_RELATIONS = (
    re.compile(rf"(?P<who>.+?) {_BE} to the (?P<scale>left|right) of (?P<other>.+)"),
    re.compile(rf"(?P<who>.+?) {_BE} (?P<scale>(?:more|less) [\w-]+|\w+er) than (?P<other>.+)"),
    re.compile(r"(?P<who>.+?) finished (?P<scale>above|before|below|after) (?P<other>.+)"),
)
_FINISH = {"": 1, "last": -1, "above": 1, "before": 1, "below": -1, "after": -1}


@dataclass(frozen=True)
class OrderAnswer:
    """Whether a statement follows from a puzzle of order.

    Attributes:
        label: ``"True"``, ``"False"`` (it is excluded) or ``"Unknown"``.
        used: The sentences from which that follows, none of which can be left out.
        words: The answer in words.
    """

    label: Answer
    used: tuple[str, ...]
    words: str


@dataclass(frozen=True)
class OrderPuzzle:
    """Things in an order.

    Attributes:
        things: Their names.
        problem: The place of each, from 1, and what the sentences say of them.
    """

    things: tuple[str, ...]
    problem: FiniteProblem

    def formula(self, statement: str) -> Formula:
        """A statement as a formula of places.

        Raises:
            LogicSyntaxError: If the grammar does not cover it.
        """
        found = sentences(statement)
        if len(found) != 1:
            raise InvalidInput(
                f"{statement!r} holds {len(found)} sentences.", "Ask one thing at a time."
            )
        return _formula(found[0], self.things)

    def answer(self, statement: str) -> OrderAnswer:
        """Whether a statement follows from the puzzle, is excluded by it, or is open.

        Raises:
            LogicSyntaxError: If the grammar does not cover it.
            MissingExtra: If z3-solver is not installed.
        """
        asked = self.formula(statement)
        label: Answer
        for label, formula in (("True", asked), ("False", Not(asked))):
            used = follows(self.problem, formula)
            if used is not None:
                said = tuple(name for name in used if name != _NO_TWO)
                word = "follows from" if label == "True" else "is excluded by"
                reasons = " ".join(said) or "the places alone"
                return OrderAnswer(label, said, f"It {word}: {reasons}")
        return OrderAnswer("Unknown", (), "It holds in some of the orders and not in others.")

    def choose(self, statements: Sequence[str]) -> int | None:
        """The number of the only statement that follows; None if none or several do."""
        found = which_follow(self.problem, [self.formula(each) for each in statements])
        right = [number for number, follows_ in enumerate(found) if follows_]
        return right[0] if len(right) == 1 else None


def read_order(text: str) -> OrderPuzzle:
    """Read a puzzle of order.

    Args:
        text: "... there are three birds: a quail, an owl, and a raven." and sentences on them; what
            stands before the sentence with the colon is left out.

    Raises:
        LogicSyntaxError: If a sentence is not covered; says which and where.
    """
    if ":" not in str(text):
        raise InvalidInput(
            f"{text!r} lists no things after a colon.",
            "Begin with 'There are three birds: a quail, an owl, and a raven.'",
        )
    every = sentences(text)
    first = next(i for i, sentence in enumerate(every) if ":" in sentence.text)
    things = _listed(every[first])
    places = range(1, len(things) + 1)
    constraints: dict[str, Formula] = {_NO_TWO: all_different(things, places)}
    for sentence in every[first + 1 :]:
        constraints[sentence.text] = _formula(sentence, things)
    return OrderPuzzle(things, FiniteProblem(dict.fromkeys(things, tuple(places)), constraints))


def _listed(sentence: Sentence) -> tuple[str, ...]:
    said = sentence.text.split(":", 1)[1].rstrip(" .")
    parts = [_name(part) for part in re.split(r",\s*(?:and\s+)?|\s+and\s+", said)]
    things = tuple(part for part in parts if part)
    if len(things) < 2 or len(set(things)) < len(things):
        raise error(sentence, "does not list different things", "List two or more after the colon.")
    return things


def _formula(sentence: Sentence, things: Sequence[str]) -> Formula:
    said = sentence.text.rstrip(" .!")
    for pattern in _PLACES:
        match = pattern.fullmatch(said)
        if match is not None and (direction := _direction(match["scale"])) is not None:
            nth = _ORDINALS.index(match["nth"]) + 1 if match["nth"] else 1
            if nth > len(things):
                raise error(sentence, f"counts to {nth}", f"There are {len(things)} things.")
            place = nth if direction > 0 else len(things) + 1 - nth
            return at(_thing(match["who"], things, sentence), place)
    for pattern in _RELATIONS:
        match = pattern.fullmatch(said)
        if match is not None and (direction := _direction(match["scale"])) is not None:
            who, other = (_thing(match[key], things, sentence) for key in ("who", "other"))
            first, second = (who, other) if direction > 0 else (other, who)
            return _before(first, second, len(things))
    raise error(
        sentence,
        "is not covered by the grammar",
        "Write 'The owl is the leftmost.', 'The owl is the second from the left.' or 'The owl is "
        "to the left of the robin.'",
    )


def _before(first: str, second: str, number: int) -> Formula:
    return disjunction(
        *(
            And((at(first, i), at(second, j)))
            for i in range(1, number)
            for j in range(i + 1, number + 1)
        )
    )


def _direction(scale: str) -> int | None:
    """1 if a word counts from the first place, -1 from the last, None if it is not known.

    The first of two opposites is at the first place: left, old, cheap.
    """
    if scale in _FINISH:
        return _FINISH[scale]
    words = scale.split()
    sign = -1 if words[0] in ("less", "least") else 1
    stems = _stems(words[-1])
    for low, high in _OPPOSITES:
        if low in stems:
            return sign
        if high in stems:
            return -sign
    return None


def _stems(word: str) -> tuple[str, ...]:
    """What an adjective may have been before -er or -est: ``biggest`` was ``big``."""
    stem = re.sub(r"(er|est)$", "", word)
    undoubled = stem[:-1] if len(stem) > 2 and stem[-1] == stem[-2] else stem
    return word, stem, f"{stem}e", undoubled, re.sub(r"i$", "y", stem)


def _thing(words: str, things: Sequence[str], sentence: Sentence) -> str:
    name = _name(words)
    by_name: Mapping[str, str] = {thing.lower(): thing for thing in things}
    if name.lower() not in by_name:
        raise error(sentence, f"speaks of {name!r}", f"Listed are {', '.join(things)}.")
    return by_name[name.lower()]


def _name(words: str) -> str:
    return re.sub(r"^(?:and )?(?:the |an? )?", "", words.strip(), flags=re.IGNORECASE)
