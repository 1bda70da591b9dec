r"""Programs in the notation of ProbLog (and Prolog), read into the same values as our own.

Variables begin with a capital or an underscore, constants in lower case::

    0.3::edge(1,2).  0.4::edge(2,1).
    path(X,Y) :- edge(X,Y).
    path(X,Y) :- edge(X,Z), path(Z,Y).
    0.2::red(B); 0.8::blue(B) :- ball(B), \+ lost(B).
    evidence(edge(1,2), true).
    query(path(1,_)).

Read are facts, rules, annotated disjunctions, ``,`` ``;`` ``\+``, comparisons, ``is`` with
``+ - *``, ``query`` and ``evidence``, comments. Function symbols, lists and directives are refused,
as are cut and assert: a program here is a set of rules, not a procedure.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

from neurallayers.errors import LogicSyntaxError
from neurallayers.logic.rules import Choice, Position, Program, Rule
from neurallayers.logic.terms import (
    Atom,
    Constant,
    Falsum,
    Formula,
    Literal,
    Not,
    Term,
    Variable,
    Verum,
    conjunction,
    disjunction,
    negation,
)
from neurallayers.logic.tokens import Source

_TOKEN = re.compile(
    r"(?P<space>\s+|%[^\n]*|/\*.*?\*/)"
    r"|(?P<number>\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"
    r"|(?P<name>[a-z]\w*|'(?:[^'\\\n]|\\.)*')"
    r"|(?P<variable>[A-Z_]\w*)"
    r"|(?P<sign>::|:-|\\\+|=:=|=\\=|\\==|=<|>=|\\=|==|[-<>=(),;+*/.])",
    re.DOTALL,
)
_END = "the end"
_EQUAL = {"=": True, "==": True, "=:=": True, "\\=": False, "\\==": False, "=\\=": False}
_ORDERS = {"<": ("<", False), "=<": ("<=", False), ">": ("<", True), ">=": ("<=", True)}


@dataclass(frozen=True)
class _Word:
    kind: str
    text: str
    offset: int


def parse_problog(text: str) -> Program:
    """Read a program in ProbLog's notation.

    Raises:
        LogicSyntaxError: If it cannot be read; says where and what to do.

    >>> from neurallayers.logic.probabilistic import marginals
    >>> marginals(parse_problog("0.4::rain. wet :- rain. query(wet)."))
    Marginals({wet: 0.4})
    """
    return _Reader(text).program()


class _Reader:
    """Recursive descent over the words of a program."""

    def __init__(self, text: str) -> None:
        self.source = Source(text)
        self.words = self._words(text)
        self.index = 0
        self.fresh = itertools.count(1)

    def _words(self, text: str) -> list[_Word]:
        words, offset = [], 0
        while offset < len(text):
            found = _TOKEN.match(text, offset)
            if found is None:
                raise self.source.error(
                    offset,
                    f"{text[offset]!r} belongs to nothing that can be read here.",
                    "Lists, strings and directives of Prolog are not read.",
                )
            if found.lastgroup != "space":
                words.append(_Word(str(found.lastgroup), found[0], offset))
            offset = found.end()
        return [*words, _Word(_END, _END, len(text))]

    @property
    def word(self) -> _Word:
        return self.words[self.index]

    def take(self, *texts: str) -> bool:
        if self.word.text in texts and self.word.kind == "sign":
            self.index += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.take(text):
            raise self.error(f"{text!r} is expected, and {self.word.text!r} was found.")

    def error(self, problem: str, remedy: str = "") -> LogicSyntaxError:
        remedy = remedy or "A statement is 'head.', 'head :- body.' or 'p::head :- body.'."
        return self.source.error(self.word.offset, problem, remedy)

    def program(self) -> Program:
        rules: list[Rule] = []
        choices: list[Choice] = []
        queries: list[Formula] = []
        evidence: list[Literal] = []
        while self.word.kind != _END:
            if self.word.text in ("query", "evidence") and self.words[self.index + 1].text == "(":
                self._question(queries, evidence)
            else:
                statement = self._statement()
                if isinstance(statement, Choice):
                    choices.append(statement)
                else:
                    rules.append(statement)
            self.expect(".")
        return Program(
            rules=tuple(rule for rule in rules if not rule.is_fact),
            facts=tuple(rule for rule in rules if rule.is_fact),
            choices=tuple(choices),
            queries=tuple(queries),
            evidence=tuple(evidence),
        )

    def _question(self, queries: list[Formula], evidence: list[Literal]) -> None:
        asked = self.word.text == "query"
        self.index += 1
        self.expect("(")
        formula = self._unary()
        if asked:
            queries.append(formula)
        else:
            if self.take(","):
                if self.word.text not in ("true", "false"):
                    raise self.error(f"{self.word.text!r} is no truth.", "Say true or false.")
                formula = formula if self.word.text == "true" else negation(formula)
                self.index += 1
            if not isinstance(formula, Atom | Not):
                raise self.error(f"'{formula}' is no evidence.", "Observe an atom or \\+ an atom.")
            evidence.append(formula)
        self.expect(")")

    def _statement(self) -> Rule | Choice:
        position = self.source.position(self.word.offset)
        heads = [self._head()]
        while self.take(";"):
            heads.append(self._head())
        body = self._alternatives() if self.take(":-") else None
        return self._made(heads, body, position)

    def _made(
        self, heads: list[tuple[float | None, Atom]], body: Formula | None, position: Position
    ) -> Rule | Choice:
        if len(heads) == 1:
            weight, head = heads[0]
            return Rule("", head, body, weight, position)
        weighted = [(weight, head) for weight, head in heads if weight is not None]
        if len(weighted) < len(heads):
            raise self.error(
                "A disjunction in the head needs a probability for each atom.",
                "Write '0.2::red; 0.8::blue.'.",
            )
        return Choice("", tuple(weighted), body, position)

    def _head(self) -> tuple[float | None, Atom]:
        weight = None
        if self.word.kind == "number":
            weight = self._number()
            if self.take("/"):
                weight /= self._number()
            self.expect("::")
        return weight, self._atom()

    def _number(self) -> float:
        if self.word.kind != "number":
            raise self.error(f"{self.word.text!r} is no number.")
        self.index += 1
        return float(self.words[self.index - 1].text)

    def _alternatives(self) -> Formula:
        parts = [self._conjunction()]
        while self.take(";"):
            parts.append(self._conjunction())
        return disjunction(*parts)

    def _conjunction(self) -> Formula:
        parts = [self._unary()]
        while self.take(","):
            parts.append(self._unary())
        return conjunction(*parts)

    def _unary(self) -> Formula:
        if self.take("\\+"):
            return Not(self._unary())
        if self.take("("):
            inside = self._alternatives()
            self.expect(")")
            return inside
        if self.word.kind == "name" and not self._compares():
            if self.word.text in ("true", "fail", "false"):
                self.index += 1
                return Verum() if self.words[self.index - 1].text == "true" else Falsum()
            return self._atom()
        return self._comparison()

    def _compares(self) -> bool:
        """Whether a name is the left side of a comparison."""
        after = self.words[self.index + 1].text
        return after in _EQUAL or after in _ORDERS

    def _atom(self) -> Atom:
        if self.word.kind != "name":
            raise self.error(f"{self.word.text!r} is no predicate.")
        name = self._name()
        terms: list[Term] = []
        if self.take("("):
            terms.append(self._term())
            while self.take(","):
                terms.append(self._term())
            self.expect(")")
        return Atom(name, tuple(terms))

    def _name(self) -> str:
        text = self.word.text
        self.index += 1
        if text.startswith("'"):
            return re.sub(r"\\(.)", r"\1", text[1:-1])
        return text

    def _term(self) -> Term:
        negative = self.take("-")
        word = self.word
        if word.kind == "number" and word.text.isdigit():
            self.index += 1
            return Constant(-int(word.text) if negative else int(word.text))
        if word.kind == "name" and not negative and self.words[self.index + 1].text != "(":
            return Constant(self._name())
        if word.kind == "variable" and not negative:
            self.index += 1
            return self._variable(word.text)
        raise self.error(
            f"{word.text!r} is no term.",
            "Terms are names, integers and variables; there are no functions, lists or decimals.",
        )

    def _variable(self, text: str) -> Variable:
        if text == "_":
            return Variable(f"anonymous_{next(self.fresh)}")
        return Variable(text[0].lower() + text[1:])

    def _comparison(self) -> Formula:
        left, computed = self._expression()
        sign = self.word.text
        if sign == "is" or sign in _EQUAL or sign in _ORDERS:
            self.index += 1
            right, more = self._expression()
            return conjunction(*computed, *more, _compared(left, sign, right))
        raise self.error(f"{sign!r} compares nothing.", "Write X < Y, X = Y or Z is X + Y.")

    def _expression(self) -> tuple[Term, list[Formula]]:
        """A sum, and what must be computed for it."""
        term, computed = self._product()
        while self.word.text in ("+", "-"):
            plus = self.take("+")
            self.take("-")
            other, more = self._product()
            result = Variable(f"computed_{next(self.fresh)}")
            terms = (term, other, result) if plus else (result, other, term)
            computed = [*computed, *more, Atom("sum", terms)]
            term = result
        return term, computed

    def _product(self) -> tuple[Term, list[Formula]]:
        term, computed = self._factor()
        while self.take("*"):
            other, more = self._factor()
            result = Variable(f"computed_{next(self.fresh)}")
            computed = [*computed, *more, Atom("product", (term, other, result))]
            term = result
        return term, computed

    def _factor(self) -> tuple[Term, list[Formula]]:
        if self.take("("):
            inside = self._expression()
            self.expect(")")
            return inside
        return self._term(), []


def _compared(left: Term, sign: str, right: Term) -> Formula:
    if sign in _ORDERS:
        name, swapped = _ORDERS[sign]
        return Atom(name, (right, left) if swapped else (left, right))
    same = _EQUAL.get(sign, True)  # "is" binds as equality does
    return Atom("=" if same else "!=", (left, right))
