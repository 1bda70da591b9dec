"""The grammar of controlled English: sentences to literals and rules.

::

    sentence  = "If" clauses "then" clauses
              | ("All" | "Every" | "Each" | "Any" | "No") group ("is" | "are") said
              | group "are" said                                  group: "Cold, kind people", "Cats"
              | clauses
    clauses   = clause { ("and" | ",") (clause | said) }
    clause    = subject (("is" | "are") said | ("does" | "do") "not" verb thing | verb thing)
    said      = ["not"] (["a" | "an"] words) { ("and" | ",") ["not"] ... }
    subject   = "someone" | "something" | "they" | "it" | thing
    thing     = "the" words | Name

Words are open: what stands after "is" without an article is an adjective, with one (or as a plural
after "are") a noun, and what stands between two things is a verb.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from neurallayers.errors import LogicSyntaxError
from neurallayers.logic.english_words import (
    Lexicon,
    base_of_verb,
    looks_plural,
    singular,
)
from neurallayers.logic.rules import Position, Rule
from neurallayers.logic.terms import Atom, Literal, Not, Term, Variable, conjunction

ANYONE = ("someone", "something", "somebody", "everyone", "everything", "anyone", "anything")
PRONOUNS = ("it", "they", "he", "she", "them", "him", "her")
EVERY = ("all", "every", "each", "any")
PEOPLE = ("people", "things", "person", "thing", "animals", "persons")

_BE = ("is", "are")
_DO = ("does", "do")
_X = Variable("x")
_WORD = re.compile(r"[\w'-]+|[^\w\s]")


@dataclass(frozen=True)
class Sentence:
    """A sentence of a text: its words without the full stop, and where it begins."""

    text: str
    position: Position

    @property
    def words(self) -> list[str]:
        """The words and commas."""
        return _WORD.findall(self.text.rstrip(" .!"))


def sentences(text: str) -> list[Sentence]:
    """The sentences of a text, each with its place.

    >>> [sentence.text for sentence in sentences("Anne is cold. All cold people are kind.")]
    ['Anne is cold.', 'All cold people are kind.']
    """
    found = []
    for match in re.finditer(r"[^\s.!][^.!]*[.!]?", text):
        before = text[: match.start()]
        column = match.start() - (before.rfind("\n") + 1) + 1
        said = " ".join(match.group().split())
        found.append(Sentence(said, Position(before.count("\n") + 1, column)))
    return found


class Reader:
    """Reads the sentences of one text, whose lexicon grows with them."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon

    def statements(self, sentence: Sentence) -> list[Rule]:
        """The rules or facts that a sentence says; several where "and" joins them.

        Raises:
            LogicSyntaxError: If the grammar does not cover it.
        """
        words = sentence.words
        first = words[0].lower() if words else ""
        if first == "if":
            premises, conclusions = self._conditional(words, sentence)
        elif first in (*EVERY, "no"):
            premises, conclusions = self._general(words[1:], sentence)
            if first == "no":
                conclusions = [_opposite(each) for each in conclusions]
        elif "are" in words:
            premises, conclusions = self._general(words, sentence)
        else:
            premises, conclusions = [], self.literals(sentence)
        body = conjunction(*premises) if premises else None
        return [Rule(sentence.text, each, body, None, sentence.position) for each in conclusions]

    def literals(self, sentence: Sentence) -> list[Literal]:
        """The ground literals that a sentence states.

        Raises:
            LogicSyntaxError: If it states none.
        """
        found = _Clauses(self, sentence).read(sentence.words)
        for literal in found:
            atom = literal.operand if isinstance(literal, Not) else literal
            if not (isinstance(atom, Atom) and atom.is_ground):
                raise error(sentence, "does not name whom it is about", "Name it: 'Anne is cold.'")
        return found

    def _conditional(
        self, words: Sequence[str], sentence: Sentence
    ) -> tuple[list[Literal], list[Literal]]:
        lower = [word.lower() for word in words]
        if "then" not in lower:
            raise error(sentence, "has no 'then'", "Write 'If someone is cold then they are nice.'")
        then = lower.index("then")
        clauses = _Clauses(self, sentence)
        return clauses.read(words[1:then]), clauses.read(words[then + 1 :])

    def _general(
        self, words: Sequence[str], sentence: Sentence
    ) -> tuple[list[Literal], list[Literal]]:
        """``Cold people are nice``, ``every cat is an animal``."""
        place = next((i for i, word in enumerate(words) if word in _BE), 0)
        group = [word.lower() for word in words[:place] if word not in (",", "and")]
        if not group:
            raise error(
                sentence, "says of nobody what it says", "Write 'All cold people are nice.'"
            )
        plural = words[place] == "are"
        premises: list[Literal] = []
        for adjective in group[:-1]:
            premises.append(self.adjective(adjective, _X))
        if group[-1] not in PEOPLE:
            premises.append(self.noun(singular(group[-1]) if plural else group[-1], _X))
        if not premises:
            raise error(
                sentence, "is about everything there is", "Say which: 'All cold things are nice.'"
            )
        return premises, _Clauses(self, sentence).said(words[place + 1 :], _X, plural=plural)

    def adjective(self, word: str, of: Term) -> Atom:
        """``of`` is ``word``."""
        return Atom(self.lexicon.predicate("adjective", word.lower()), (of,))

    def noun(self, word: str, of: Term) -> Atom:
        """``of`` is a ``word``."""
        return Atom(self.lexicon.predicate("noun", word.lower()), (of,))


class _Clauses:
    """Reads the clauses of one sentence; a pronoun means whom the sentence began with."""

    def __init__(self, reader: Reader, sentence: Sentence) -> None:
        self.reader = reader
        self.sentence = sentence
        self.first: Term | None = None

    def read(self, words: Sequence[str]) -> list[Literal]:
        """Literals of clauses joined by ``and``."""
        found: list[Literal] = []
        subject: Term | None = None
        plural = False
        for part in _parts(words):
            verb_at = self._verb_place(part)
            if verb_at is None:
                if subject is None:
                    raise self._uncovered(part)
                found += self._complement(part, subject, plural=plural)
                continue
            subject = self._thing(part[:verb_at])
            plural = part[verb_at] == "are" and part[0].lower() not in PRONOUNS
            found += self._predicate(part[verb_at:], subject, plural=plural)
        if not found:
            raise self._uncovered(words)
        return found

    def said(self, words: Sequence[str], subject: Term, *, plural: bool) -> list[Literal]:
        """Literals of what is said of a subject after "is" or "are"."""
        found: list[Literal] = []
        for part in _parts(words):
            found += self._complement(part, subject, plural=plural)
        if not found:
            raise self._uncovered(words)
        return found

    def _verb_place(self, part: Sequence[str]) -> int | None:
        """Where the verb of a clause stands; None if there is no subject before it."""
        for place, word in enumerate(part):
            if word in (*_BE, *_DO):
                return place if place else None
        # What is left is 'subject verb object': the object is 'the ...', a name or a pronoun.
        starts = [
            i
            for i, word in enumerate(part)
            if i and (word == "the" or word in PRONOUNS or word[:1].isupper())
        ]
        return starts[-1] - 1 if starts and starts[-1] >= 2 else None

    def _predicate(self, words: Sequence[str], subject: Term, *, plural: bool) -> list[Literal]:
        verb = words[0]
        if verb in _BE:
            return self._complement(words[1:], subject, plural=plural)
        if verb in _DO:
            if len(words) < 4 or words[1] != "not":
                raise self._uncovered(words)
            return [Not(self._action(words[2], subject, words[3:]))]
        return [self._action(base_of_verb(verb), subject, words[1:])]

    def _action(self, verb: str, subject: Term, rest: Sequence[str]) -> Atom:
        # 'they like' has the base form already, of which base_of_verb would take no more.
        predicate = self.reader.lexicon.predicate("verb", verb.lower())
        return Atom(predicate, (subject, self._thing(rest)))

    def _complement(self, part: Sequence[str], subject: Term, *, plural: bool) -> list[Literal]:
        denied = bool(part) and part[0] == "not"
        words = list(part[1:] if denied else part)
        noun = bool(words) and words[0] in ("a", "an")
        words = words[1:] if noun else words
        if not words or not all(re.fullmatch(r"[\w'-]+", word) for word in words):
            raise self._uncovered(part)
        if len(words) > 1 and (denied or not (noun or plural)):
            # 'is not a cold cat' denies one of two things; which is not said.
            raise self._uncovered(part)
        last = words[-1]
        if noun or (plural and looks_plural(last)):
            head = self.reader.noun(last if noun else singular(last), subject)
        else:
            head = self.reader.adjective(last, subject)
        found: list[Literal] = [self.reader.adjective(word, subject) for word in words[:-1]]
        found.append(head)
        return [Not(each) for each in found] if denied else found

    def _thing(self, words: Sequence[str]) -> Term:
        """A pronoun, a description or a name."""
        first = words[0].lower() if words else ""
        if len(words) == 1 and first in ANYONE:
            self.first = _X
            return _X
        if len(words) == 1 and first in PRONOUNS:
            if self.first is None:
                raise error(
                    self.sentence, f"does not say who {words[0]!r} is", "Begin with 'someone'."
                )
            return self.first
        article = first == "the"
        name = " ".join(words[1:] if article else words)
        if not name or not (article or name[:1].isupper()):
            raise self._uncovered(words)
        thing = self.reader.lexicon.thing(name, article=article)
        self.first = self.first or thing
        return thing

    def _uncovered(self, words: Sequence[str]) -> LogicSyntaxError:
        return error(
            self.sentence,
            f"is not covered by the grammar at {' '.join(words)!r}",
            "Write 'Anne is cold.', 'The cow likes the lion.', 'All cold people are nice.' or "
            "'If someone is cold and they like the lion then they are nice.'",
        )


def error(sentence: Sentence, problem: str, remedy: str) -> LogicSyntaxError:
    """The error to raise for a sentence, with its place."""
    line, column = sentence.position.line, sentence.position.column
    return LogicSyntaxError(
        f"Line {line}, column {column}: {sentence.text!r} {problem}.", remedy, line, column
    )


def _parts(words: Sequence[str]) -> list[list[str]]:
    """Words between ``and`` and commas."""
    parts: list[list[str]] = [[]]
    for word in words:
        if word in (",", "and"):
            parts.append([])
        else:
            parts[-1].append(word)
    return [part for part in parts if part]


def _opposite(literal: Literal) -> Literal:
    if isinstance(literal, Not):
        assert isinstance(literal.operand, Atom)
        return literal.operand
    return Not(literal)
