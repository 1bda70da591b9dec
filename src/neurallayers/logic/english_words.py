"""The words of controlled English: which predicate a word means, and its other forms.

The vocabulary is open: any adjective, noun or transitive verb may appear, and what a word is
follows from where it stands. Regular English inflection is all that is known about it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal as OneOf

from neurallayers.errors import InvalidInput
from neurallayers.logic.terms import Atom, Constant, Formula, Not, Term

Kind = OneOf["adjective", "noun", "verb"]

_ES = ("ches", "shes", "sses", "xes", "zzes", "oes")


@dataclass
class Lexicon:
    """Predicates for words, and names for things, as one text uses them.

    A word that is used as an adjective and as a noun has two predicates; the second is marked by
    its kind (``orange`` and ``orange_noun``).
    """

    predicates: dict[tuple[Kind, str], str] = field(default_factory=dict)
    kinds: dict[str, tuple[Kind, str]] = field(default_factory=dict)
    with_article: set[str] = field(default_factory=set)

    def predicate(self, kind: Kind, word: str) -> str:
        """The predicate of a word in its base form."""
        key = (kind, word)
        if key not in self.predicates:
            name = word if word not in self.kinds else f"{word}_{kind}"
            self.predicates[key] = name
            self.kinds[name] = key
        return self.predicates[key]

    def thing(self, name: str, *, article: bool) -> Constant:
        """The constant of a name (``Anne``) or of a description (``the bald eagle``)."""
        if article:
            self.with_article.add(name)
        return Constant(name)

    def say(self, literal: Formula) -> str:
        """A ground literal as a sentence, without its full stop.

        Raises:
            InvalidInput: If it is no literal of this lexicon.
        """
        positive = not isinstance(literal, Not)
        atom = literal.operand if isinstance(literal, Not) else literal
        if not isinstance(atom, Atom) or atom.predicate not in self.kinds or not atom.terms:
            raise InvalidInput(
                f"{literal} cannot be said in the words of this text.",
                "Give an atom of its predicates, or the negation of one.",
            )
        kind, word = self.kinds[atom.predicate]
        subject = self._name(atom.terms[0])
        subject = subject[0].upper() + subject[1:]
        if kind == "verb":
            does = third_person(word) if positive else f"does not {word}"
            return f"{subject} {does} {self._name(atom.terms[1])}"
        noun = f"{article_of(word)} {word}" if kind == "noun" else word
        return f"{subject} is {'' if positive else 'not '}{noun}"

    def _name(self, term: Term) -> str:
        name = str(term.name)
        return f"the {name}" if name in self.with_article else name


def third_person(verb: str) -> str:
    """``like`` to ``likes``, ``watch`` to ``watches``, ``carry`` to ``carries``.

    >>> [third_person(verb) for verb in ("like", "watch", "carry", "play")]
    ['likes', 'watches', 'carries', 'plays']
    """
    if re.search(r"[^aeiou]y$", verb):
        return f"{verb[:-1]}ies"
    return f"{verb}es" if re.search(r"(s|x|zz|ch|sh|o)$", verb) else f"{verb}s"


def base_of_verb(verb: str) -> str:
    """The inverse of :func:`third_person`.

    >>> [base_of_verb(verb) for verb in ("likes", "watches", "carries", "chases")]
    ['like', 'watch', 'carry', 'chase']
    """
    if verb.endswith("ies") and len(verb) > 4:
        return f"{verb[:-3]}y"
    if verb.endswith(_ES):
        return verb[:-2]
    return verb[:-1] if verb.endswith("s") and not verb.endswith("ss") else verb


def looks_plural(word: str) -> bool:
    """Whether a word looks like the plural of a noun and not like an adjective.

    >>> [looks_plural(word) for word in ("wumpuses", "cats", "nervous", "small", "colorless")]
    [True, True, False, False, False]
    """
    return word.endswith("s") and not word.endswith(("ss", "us", "is"))


def singular(noun: str) -> str:
    """The singular of a regular plural.

    >>> [singular(noun) for noun in ("wumpuses", "cats", "butterflies", "foxes", "wolves", "mice")]
    ['wumpus', 'cat', 'butterfly', 'fox', 'wolf', 'mouse']
    """
    if noun in _IRREGULAR:
        return _IRREGULAR[noun]
    if noun.endswith("ies") and len(noun) > 4:
        return f"{noun[:-3]}y"
    if noun.endswith(("uses", *_ES)):
        return noun[:-2]
    if noun.endswith("lves"):
        return f"{noun[:-3]}f"
    return noun[:-1] if looks_plural(noun) else noun


def article_of(noun: str) -> str:
    """``a`` or ``an``."""
    return "an" if noun[:1].lower() in "aeiou" else "a"


_IRREGULAR = {
    "mice": "mouse",
    "geese": "goose",
    "men": "man",
    "women": "woman",
    "children": "child",
    "feet": "foot",
    "teeth": "tooth",
}
