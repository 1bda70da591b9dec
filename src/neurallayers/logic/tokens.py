"""The words of a logic text: names, numbers, operators, and where each stands."""

from __future__ import annotations

import bisect
import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from neurallayers.errors import LogicSyntaxError
from neurallayers.logic.rules import Position

OPERATORS = {
    "<->": "<->", "<=>": "<->", "↔": "<->", "⟷": "<->", "⇔": "<->", "⟺": "<->",
    "->": "->", "=>": "->", "→": "->", "⟶": "->", "⇒": "->", "⟹": "->",
    "<-": "<-", "←": "<-",
    "::": "::", ":": ":", ";": ";", ",": ",", "(": "(", ")": ")", ".": ".",
    "!=": "!=", "≠": "!=", "<=": "<=", "≤": "<=", ">=": ">=", "≥": ">=",
    "=": "=", "<": "<", ">": ">", "+": "+", "-": "-", "*": "*",
    "&": "&", "∧": "&", "|": "|", "∨": "|", "!": "!", "¬": "!", "~": "!", "⊕": "xor",
    "∀": "forall", "∃": "exists", "⊤": "true", "⊥": "false", "\n": "\n",
}  # fmt: skip
WORDS = {word: word for word in ("xor", "forall", "exists", "true", "false", "is")}
WORDS |= {"and": "&", "or": "|", "not": "!"}
END = "end"
NAME, TEXT, NUMBER, MARKED = "name", "text", "number", "variable"

_SIGNS = "|".join(re.escape(sign) for sign in sorted(OPERATORS, key=len, reverse=True))
_NUMBER = r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_LEXER = r"""
    (?P<space>[^\S\n]+|\#[^\n]*)
  | (?P<number>{number}(?!\w))
  | (?P<text>"(?:[^"\\\n]|\\.)*")
  | (?P<variable>\?[^\W\d]\w*)
  | (?P<name>{name})
  | (?P<sign>{signs})
"""
_PLAIN = re.compile(
    _LEXER.format(number=_NUMBER, name=r"[^\W\d]\w*", signs=_SIGNS), flags=re.VERBOSE
)
# Texts written by people name things 2008SummerOlympics, o’Brien or star-wars.
_GENEROUS = re.compile(
    _LEXER.format(number=_NUMBER, name=r"\w+(?:[-’'.+^]\w+|\++)*", signs=_SIGNS), flags=re.VERBOSE
)
_CONTINUES_AFTER = frozenset(
    {"<->", "->", "<-", "::", ":", ";", ",", "&", "|", "!", "xor", "is", "+", "-", "*"}
    | {"=", "!=", "<", "<=", ">", ">=", "\n"}
)
_CONTINUES_BEFORE = _CONTINUES_AFTER - {"!", ":", "-"}


@dataclass(frozen=True, slots=True)
class Token:
    """One word: its kind (an operator is its own kind), its text and its place in the source."""

    kind: str
    text: str
    offset: int

    def __str__(self) -> str:
        if self.kind == END:
            return "the end of the text"
        return "the end of the line" if self.text == "\n" else f"'{self.text}'"


@dataclass(frozen=True)
class Source:
    """A text that knows its lines, to say where something is wrong."""

    text: str

    @functools.cached_property
    def _lines(self) -> list[int]:
        """Where each line begins."""
        return [0, *(place + 1 for place, sign in enumerate(self.text) if sign == "\n")]

    def position(self, offset: int) -> Position:
        """Line and column of an offset, counted from one."""
        line = bisect.bisect_right(self._lines, offset)
        return Position(line, offset - self._lines[line - 1] + 1)

    def error(self, offset: int, problem: str, remedy: str) -> LogicSyntaxError:
        """The error to raise for a place, showing the line and a caret below it."""
        place = self.position(offset)
        line = self.text.split("\n")[place.line - 1]
        # Of a very long line only the neighbourhood is shown.
        first = max(0, place.column - 1 - 60)
        shown = line[first : first + 120].replace("\t", " ")
        caret = " " * (place.column - 1 - first) + "^"
        problem = f"{str(place).capitalize()}: {problem}\n    {shown}\n    {caret}\n"
        return LogicSyntaxError(problem, remedy, place.line, place.column)


def tokens_of(source: Source, *, generous: bool) -> list[Token]:
    """The words of a text, without comments and without line ends that end nothing.

    Args:
        source: What is read.
        generous: Also take names that begin with a digit or contain a dash, a dot or an apostrophe.

    Raises:
        LogicSyntaxError: If a character or a parenthesis has no place.
    """
    found: list[Token] = []
    lexer = _GENEROUS if generous else _PLAIN
    offset, length = 0, len(source.text)
    while offset < length:
        matched = lexer.match(source.text, offset)
        if matched is None:
            raise _unreadable(source, offset)
        kind, text = str(matched.lastgroup), matched.group()
        if kind == "sign":
            kind = OPERATORS[text]
        elif kind == "name":
            kind = _kind_of_word(text, source.text, matched.end())
        if kind != "space":
            found.append(Token(kind, text, offset))
        offset = matched.end()
    found.append(Token(END, "", length))
    return _joined_lines(source, found)


def _kind_of_word(word: str, text: str, end: int) -> str:
    """A kept word is an operator, but ``is(`` begins an atom."""
    if word == "is" and text[end : end + 1] == "(":
        return NAME
    return WORDS.get(word, NAME)


def _unreadable(source: Source, offset: int) -> LogicSyntaxError:
    character = source.text[offset]
    if character == '"':
        return source.error(offset, "this text is never closed.", 'Close it with ".')
    return source.error(
        offset,
        f"{character!r} (U+{ord(character):04X}) means nothing here.",
        "Operators are & | ! xor -> <-> <- and forall, exists; odd names go in double quotes.",
    )


def _joined_lines(source: Source, found: Sequence[Token]) -> list[Token]:
    """Drop the line ends inside parentheses, beside an operator, and before the first word."""
    kept: list[Token] = []
    opened: list[Token] = []
    for token, following in zip(found, [*found[1:], found[-1]], strict=True):
        if token.kind == "(":
            opened.append(token)
        elif token.kind == ")":
            if not opened:
                raise source.error(token.offset, "this ')' closes nothing.", "Remove it.")
            opened.pop()
        elif token.kind == "\n":
            before = kept[-1].kind if kept else "\n"
            if opened or before in _CONTINUES_AFTER or following.kind in _CONTINUES_BEFORE:
                continue
        kept.append(token)
    if opened:
        raise source.error(opened[-1].offset, "this '(' is never closed.", "Add the missing ')'.")
    return kept
